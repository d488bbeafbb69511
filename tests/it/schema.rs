//! The definitions and the manifests, asked of a real API server. The definitions must install, which is where the cost
//! of the rules is counted, and the server must say of every manifest what the offline check says.

#[path = "../../src/kubernetes/api/cases.rs"]
mod cases;

use std::fmt::Write as _;
use std::sync::LazyLock;

use cloister::kubernetes::api::{check, crds};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use serde_json::{Value, json};

use crate::cluster::cluster;
use cases::{Case, EXAMPLES, accepted, example, refused};

static DEFINITIONS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(crds);

#[tokio::test]
async fn a_real_server_takes_and_refuses_what_the_offline_check_does() {
    let cluster = cluster();
    let server = Server { client: cluster.client().await, namespace: cluster.namespace("schema") };

    let mut wrong = String::new();
    for name in EXAMPLES {
        if let Err(refusal) = server.create(&server.named(example(name), name), true).await {
            write!(wrong, "example {name}: {refusal}\n\n").unwrap();
        }
    }
    for (number, case) in accepted().iter().enumerate() {
        if let Err(refusal) = server.ask(case, &format!("accepted-{number}")).await {
            write!(wrong, "{}: {refusal}\n\n", case.title).unwrap();
        }
    }
    for (number, case) in refused().iter().enumerate() {
        match server.ask(case, &format!("refused-{number}")).await {
            Err(refusal) if refusal.is_about(case) => {}
            Err(refusal) => write!(wrong, "{}: not {}: {}\n{refusal}\n\n", case.title, case.at, case.says).unwrap(),
            Ok(_) => write!(wrong, "{}: was accepted\n\n", case.title).unwrap(),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

struct Server {
    client: Client,
    namespace: String,
}

impl Server {
    /// Puts what was there before in place, and asks, without effect, what would become of the manifest.
    async fn ask(&self, case: &Case, name: &str) -> Result<Value, Refusal> {
        let mut new = self.named(case.manifest(), name);
        let Some(old) = case.before() else {
            return self.create(&new, true).await;
        };
        let stored = self.create(&self.named(old, name), false).await.expect("what was there before was accepted");
        new["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
        let path = format!("{}/{name}?dryRun=All&fieldValidation=Strict", self.collection(&new));
        self.send("PUT", &path, &new).await
    }

    async fn create(&self, object: &Value, dry_run: bool) -> Result<Value, Refusal> {
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        self.send("POST", &format!("{}?fieldValidation=Strict{dry_run}", self.collection(object)), object).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refusal> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request =
            http::Request::builder().method(method).uri(path).header("content-type", "application/json").body(body);
        match self.client.request(request.unwrap()).await {
            Ok(object) => Ok(object),
            Err(kube::Error::Api(status)) => Err(Refusal::of(&status)),
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    fn named(&self, mut object: Value, name: &str) -> Value {
        object["metadata"]["name"] = json!(name);
        if object["metadata"].get("namespace").is_some() {
            object["metadata"]["namespace"] = json!(self.namespace);
        }
        object
    }

    fn collection(&self, object: &Value) -> String {
        let definition = DEFINITIONS.iter().find(|crd| object["kind"] == *crd.spec.names.kind).unwrap();
        let namespaced = definition.spec.scope == "Namespaced";
        let namespace = if namespaced { format!("namespaces/{}/", self.namespace) } else { String::new() };
        format!("/apis/cloister.dev/v1alpha1/{namespace}{}", definition.spec.names.plural)
    }
}

/// What the server said: a field and a reason for each complaint, or for the whole request only words.
#[derive(Debug)]
struct Refusal {
    causes: Vec<check::Violation>,
    message: String,
}

impl Refusal {
    fn of(status: &kube::core::Status) -> Self {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let causes = causes
            .map(|cause| check::Violation { path: cause.field.clone(), message: cause.message.clone() })
            .collect();
        Self { causes, message: status.message.clone() }
    }

    fn is_about(&self, case: &Case) -> bool {
        let in_words = self.message.contains(&case.says) && self.message.contains(&case.at);
        let named = |cause: &check::Violation| cause.path == case.at && cause.message.contains(&case.says);
        if self.causes.is_empty() { in_words } else { self.causes.iter().any(named) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.causes.is_empty() {
            return write!(f, "  {}", self.message);
        }
        self.causes.iter().try_for_each(|cause| writeln!(f, "  {cause}"))
    }
}
