//! The product as its users see it: `kubectl` against a real kube-apiserver, the real controller as a process of its own, the real `aws` command
//! against the simulated AWS. One namespace, one controller and one AWS for each test.
#![expect(clippy::disallowed_methods, reason = "these tests are plain threads that wait for other processes")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use cloister::sandbox::{Settings, Simulator, clock::WallClock, server, world::Delays};
use serde_json::Value as Json;

use crate::{
    checklists::{Existing, check_closed_network, check_isolated_notebook},
    cluster::{checkout, cluster},
    existing::BOUNDARY,
    hands::{EVERYTHING, TRUST},
    world::ACCOUNT,
};

/// A controller with an AWS of its own.
pub struct Stage {
    pub namespace: String,
    pub simulator: Arc<Simulator>,
    pub url: String,
    controller: Child,
    pub folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SIGKILL is enough: there is nothing that the controller could not take up again.
        self.controller.kill().ok();
        self.controller.wait().ok();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("controller.log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the controller's last words:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

impl Stage {
    pub fn new(hint: &str) -> Self {
        let namespace = cluster().namespace(hint);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let simulator =
            Simulator::new(Settings { delays: Delays::short(), ..Settings::default() }, Arc::new(WallClock));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        runtime.spawn(server::serve(Arc::clone(&simulator), listener, std::future::pending()));
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("controller.log")).expect("a log");
        let controller = Command::new(env!("CARGO_BIN_EXE_cloister"))
            .args(["controller", "--namespace", &namespace, "--metrics-address", "127.0.0.1:0"])
            .env("KUBECONFIG", cluster().kubeconfig_of_controller(&namespace, folder.path()))
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a controller");
        let stage = Self { namespace, simulator, url, controller, folder, _runtime: runtime };
        stage.aws("us-east-1", &["iam", "create-policy", "--policy-name", BOUNDARY, "--policy-document", EVERYTHING]);
        stage.apply(&stage.example("identity.yaml"));
        stage
    }

    /// An example, with namespace and identity of this test.
    pub fn example(&self, file: &str) -> String {
        let text = std::fs::read_to_string(checkout().join("examples").join(file)).expect("an example");
        text.replace("data-science", &self.namespace)
    }

    pub fn apply(&self, manifest: &str) {
        let output = self.try_apply(manifest);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn try_apply(&self, manifest: &str) -> std::process::Output {
        let file = self.folder.path().join("manifest.yaml");
        std::fs::write(&file, manifest).expect("a file");
        cluster().try_kubectl(["apply", "-f", file.to_str().expect("a path")])
    }

    pub fn kubectl<const N: usize>(&self, args: [&str; N]) -> std::process::Output {
        let mut all = vec!["-n", &self.namespace];
        all.extend(args);
        Command::new(crate::cluster::assets().join("kubectl"))
            .arg("--kubeconfig")
            .arg(cluster().kubeconfig())
            .args(all)
            .output()
            .expect("kubectl")
    }

    pub fn object(&self, name: &str) -> Json {
        let output = self.kubectl(["get", "ine", name, "-o", "json"]);
        serde_json::from_slice(&output.stdout).expect("an object")
    }

    pub fn wait_for(&self, name: &str, condition: &str) {
        let output = self.kubectl(["wait", "ine", name, "--for", condition, "--timeout=150s"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{condition}: {said}\n{:#}", self.object(name)["status"]["conditions"]);
    }

    /// Run a login command for pip, as a person does; what it wrote for pip, token included.
    pub fn log_in(&self, command: &str) -> String {
        let home = tempfile::tempdir().expect("a home");
        let output = Command::new("sh")
            .args(["-c", command])
            .env("HOME", home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("PIP_CONFIG_FILE")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .output()
            .expect("the aws command");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(home.path().join(".config/pip/pip.conf")).expect("pip's configuration")
    }

    /// The real `aws` command; its answer.
    pub fn aws(&self, region: &str, args: &[&str]) -> Json {
        let output = Command::new("aws")
            .args(["--endpoint-url", &self.url, "--region", region, "--output", "json"])
            .args(args)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .output()
            .expect("the aws command");
        assert!(output.status.success(), "aws {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Json::Null)
    }

    /// Have AWS looked at now, and wait until that is answered.
    fn look_now(&self, name: &str, stamp: &str) {
        self.kubectl(["annotate", "ine", name, "--overwrite", &format!("cloister.dev/reconcile-at={stamp}")]);
        self.wait_for(name, &format!("jsonpath={{.status.lastHandledReconcileAt}}={stamp}"));
    }

    /// A page of the controller's own server.
    fn page(&self, path: &str) -> (u16, String) {
        let log = std::fs::read_to_string(self.folder.path().join("controller.log")).expect("a log");
        let line = log.lines().find(|line| line.contains("metrics and health are served")).expect("it says where");
        let at = line.rfind("127.0.0.1:").expect("an address");
        let address: String =
            line[at..].chars().take_while(|letter| ".:".contains(*letter) || letter.is_ascii_digit()).collect();
        let mut stream = TcpStream::connect(address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// The value of a sample as Prometheus's own parser reads it; the sum where the labels leave several.
    fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        const READ: &str = "import json, sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as read; \
            print(json.dumps([[s.name, s.labels, s.value] for f in read(sys.stdin.read()) for s in f.samples]))";
        let (status, page) = self.page("/metrics");
        assert_eq!(status, 200);
        let mut python = Command::new("python3")
            .args(["-c", READ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        python.stdin.take().expect("a pipe").write_all(page.as_bytes()).expect("written");
        let output = python.wait_with_output().expect("an end");
        assert!(output.status.success(), "not OpenMetrics, or python3 without prometheus_client: {page}");
        let samples: Json = serde_json::from_slice(&output.stdout).expect("JSON");
        let matching =
            |sample: &&Json| sample[0] == name && labels.iter().all(|(key, value)| sample[1][key] == **value);
        let found: Vec<f64> =
            samples.as_array().into_iter().flatten().filter(matching).filter_map(|sample| sample[2].as_f64()).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// Reason and type of every Event, and how many there are.
    fn events(&self) -> std::collections::BTreeMap<(String, String), usize> {
        let output = self.kubectl(["get", "events.events.k8s.io", "-o", "json"]);
        let all: Json = serde_json::from_slice(&output.stdout).expect("Events");
        let mut counts = std::collections::BTreeMap::new();
        for event in all["items"].as_array().into_iter().flatten() {
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            *counts.entry((text("reason"), text("type"))).or_default() += 1;
        }
        counts
    }

    /// Ask for full looks, and prove that none of them writes to AWS or to the status, and neither does a visit for no reason.
    fn assert_quiet(&self, name: &str) {
        self.simulator.clear_log();
        for round in ["first", "second", "third"] {
            self.look_now(name, round);
        }
        let settled = || self.sample("cloister_reconciles_total", &[("outcome", "Settled")]).unwrap_or_default();
        let visits = settled();
        self.kubectl(["annotate", "ine", name, "--overwrite", &format!("example.com/visits={visits}")]);
        let version = self.object(name)["metadata"]["resourceVersion"].clone();
        let patience = std::time::Instant::now() + Duration::from_mins(1);
        while settled() <= visits {
            assert!(std::time::Instant::now() < patience, "a change of the object is no reason for a visit");
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(self.object(name)["metadata"]["resourceVersion"], version, "the status is left alone");
        let writes: Vec<String> =
            self.simulator.log().into_iter().filter(|entry| entry.write).map(|entry| entry.operation).collect();
        assert_eq!(writes, Vec::<String>::new(), "a look writes nothing");
    }

    pub fn delete(&self, name: &str) {
        let output = self.kubectl(["delete", "ine", name, "--timeout=150s"]);
        assert!(
            output.status.success(),
            "{}\n{:#}",
            String::from_utf8_lossy(&output.stderr),
            self.object(name)["status"]["conditions"]
        );
    }

    /// How many things there are, by listing; the AWS-made insides of a VPC do not count.
    pub fn left(&self, region: &str) -> Vec<(String, usize)> {
        let listings = [
            ("ec2", "describe-vpcs", "Vpcs"),
            ("ec2", "describe-subnets", "Subnets"),
            ("ec2", "describe-vpc-endpoints", "VpcEndpoints"),
            ("ec2", "describe-security-groups", "SecurityGroups"),
            ("ec2", "describe-route-tables", "RouteTables"),
            ("ec2", "describe-network-interfaces", "NetworkInterfaces"),
            ("codeartifact", "list-domains", "domains"),
            ("codeartifact", "list-repositories", "repositories"),
            ("sagemaker", "list-notebook-instances", "NotebookInstances"),
            ("sagemaker", "list-notebook-instance-lifecycle-configs", "NotebookInstanceLifecycleConfigs"),
            ("iam", "list-roles", "Roles"),
            ("iam", "list-policies --scope Local", "Policies"),
        ];
        let count = |(service, command, field): &(&str, &str, &str)| {
            let args: Vec<&str> = std::iter::once(*service).chain(command.split(' ')).collect();
            let answer = self.aws(region, &args);
            (format!("{service} {command}"), answer[field].as_array().map_or(0, Vec::len))
        };
        listings.iter().map(count).filter(|(_, count)| *count > 0).collect()
    }
}

/// Whether a condition holds.
fn condition<'a>(status: &'a Json, name: &str) -> &'a str {
    let mut all = status["conditions"].as_array().into_iter().flatten();
    all.find(|condition| condition["type"] == name)
        .and_then(|condition| condition["status"].as_str())
        .unwrap_or("absent")
}

fn texts(list: &Json, field: &str) -> Vec<String> {
    let mut all: Vec<String> =
        list.as_array().into_iter().flatten().filter_map(|item| item[field].as_str().map(ToOwned::to_owned)).collect();
    all.sort();
    all
}

#[test]
fn a_closed_network_from_apply_to_delete() {
    for file in ["closed-network.yaml", "closed-network-as-published.yaml"] {
        let stage = Stage::new("scenario-a");
        let name = file.trim_end_matches(".yaml");
        let before = stage.left("ap-northeast-1");
        stage.apply(&stage.example(file));
        stage.wait_for(name, "condition=Ready");
        check_closed_network(&stage, name, file.contains("as-published"));

        let status = stage.object(name)["status"].clone();
        assert_eq!(status["account"], ACCOUNT);
        assert_eq!(status["summary"]["endpoints"], "7/7");
        assert_eq!(status["notebooks"][0]["state"], "InService");
        assert_eq!(status["conditions"].as_array().map(Vec::len), Some(10), "every condition is there");
        assert_eq!(status["intents"], Json::Null, "no intent is left");
        assert_eq!(condition(&status, "NetworkReady"), "True");
        // The published endpoint policies let everybody do everything.
        assert_eq!(condition(&status, "Isolated"), if file.contains("as-published") { "False" } else { "True" });
        assert!(texts(&status["controls"], "id").contains(&"SageMaker.1".to_owned()));

        stage.assert_quiet(name);
        stage.delete(name);
        assert_eq!(stage.left("ap-northeast-1"), before, "nothing is left behind");
    }
}

#[test]
fn what_is_retained_stays_and_is_nobodys() {
    let stage = Stage::new("retain");
    let manifest = stage.example("closed-network.yaml").replace("spec:\n", "spec:\n  deletionPolicy: Retain\n");
    stage.apply(&manifest);
    stage.wait_for("closed-network", "condition=Ready");
    let before = stage.left("ap-northeast-1");
    stage.delete("closed-network");
    assert_eq!(stage.left("ap-northeast-1"), before, "everything stays");
    let vpcs = stage.aws("ap-northeast-1", &["ec2", "describe-vpcs"]).to_string();
    assert!(!vpcs.contains("cloister.dev/"), "without our tags: {vpcs}");
}

#[test]
fn an_isolated_notebook_gets_its_packages() {
    const REGION: &str = "us-east-1";
    for file in ["isolated-sagemaker.yaml", "isolated-sagemaker-as-published.yaml"] {
        let stage = Stage::new("scenario-c");
        let aws = |args: &[&str]| stage.aws(REGION, args);
        let id = |answer: Json, path: [&str; 2]| answer[path[0]][path[1]].as_str().expect("an id").to_owned();
        let vpc = id(aws(&["ec2", "create-vpc", "--cidr-block", "10.60.0.0/16"]), ["Vpc", "VpcId"]);
        aws(&["ec2", "modify-vpc-attribute", "--vpc-id", &vpc, "--enable-dns-hostnames"]);
        let subnet = id(
            aws(&["ec2", "create-subnet", "--vpc-id", &vpc, "--cidr-block", "10.60.1.0/24"]),
            ["Subnet", "SubnetId"],
        );
        let group =
            aws(&["ec2", "create-security-group", "--group-name", "notebook", "--description", "n", "--vpc-id", &vpc])
                ["GroupId"]
                .as_str()
                .expect("an id")
                .to_owned();
        let role = id(
            aws(&[
                "iam",
                "create-role",
                "--role-name",
                "GeneralIsolatedNotebook",
                "--assume-role-policy-document",
                TRUST,
            ]),
            ["Role", "Arn"],
        );
        std::thread::sleep(Duration::from_secs(3));
        aws(&[
            "sagemaker",
            "create-notebook-instance",
            "--notebook-instance-name",
            "isolated-notebook",
            "--instance-type",
            "ml.t3.medium",
            "--role-arn",
            &role,
            "--subnet-id",
            &subnet,
            "--security-group-ids",
            &group,
            "--direct-internet-access",
            "Disabled",
        ]);
        let before = stage.left(REGION);
        let manifest = stage
            .example(file)
            .replace("vpc-0123456789abcdef0", &vpc)
            .replace("subnet-0123456789abcdef0", &subnet)
            .replace("sg-0123456789abcdef0", &group);
        let name = file.trim_end_matches(".yaml");
        stage.apply(&manifest);
        stage.wait_for(name, "condition=Ready");
        let status = stage.object(name)["status"].clone();
        assert_eq!((condition(&status, "NetworkReady"), condition(&status, "Isolated")), ("True", "True"));
        check_isolated_notebook(&stage, name, &Existing { vpc, subnet, group }, file.contains("as-published"));

        stage.assert_quiet(name);
        stage.delete(name);
        assert_eq!(stage.left(REGION), before, "what was there before is there still, and nothing else");
    }
}

#[test]
fn what_somebody_changes_is_told_in_status_events_and_metrics() {
    const REGION: &str = "ap-northeast-1";
    let stage = Stage::new("telling");
    let name = "closed-network";
    let manifest = stage.example("closed-network.yaml");
    stage.apply(&manifest);
    stage.wait_for(name, "condition=Ready");
    assert_eq!((stage.page("/healthz").0, stage.page("/readyz").0), (200, 200));
    let labels = [("namespace", stage.namespace.as_str()), ("name", name)];
    let drift =
        |severity| stage.sample("cloister_environment_drift_items", &[labels[0], labels[1], ("severity", severity)]);
    let status = |name| stage.object(name)["status"].clone();

    let endpoints = stage.aws(REGION, &["ec2", "describe-vpc-endpoints"])["VpcEndpoints"].clone();
    let of_sts =
        |endpoint: &&Json| endpoint["ServiceName"].as_str().is_some_and(|name| name.rsplit('.').next() == Some("sts"));
    let endpoint = endpoints.as_array().into_iter().flatten().find(of_sts).expect("the endpoint of STS");
    let id = endpoint["VpcEndpointId"].as_str().expect("an id");
    let group = endpoint["Groups"][0]["GroupId"].as_str().expect("a group");
    let change = || {
        stage.aws(REGION, &["ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id, "--no-private-dns-enabled"]);
        let open = ["--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0"];
        stage.aws(REGION, &[&["ec2", "authorize-security-group-ingress"], &open[..]].concat());
    };
    change();
    stage.look_now(name, "changed");
    stage.wait_for(name, "condition=InSync");
    stage.wait_for(name, "condition=Ready");
    let told = status(name)["drift"].clone();
    assert_eq!(told["total"], 0);
    assert_eq!(texts(&told["items"], "action"), ["Corrected", "Corrected"], "{told:#}");
    assert_eq!(texts(&told["items"], "field").len(), 2);
    assert!(told["items"].as_array().is_some_and(|items| items.iter().all(|item| item["correctedAt"].is_string())));
    assert_eq!((drift("High"), drift("Medium")), (Some(0.0), Some(0.0)));
    let events = stage.events();
    let count =
        |reason: &str, kind: &str| events.get(&(reason.to_owned(), kind.to_owned())).copied().unwrap_or_default();
    assert_eq!((count("DriftFound", "Warning"), count("DriftFound", "Normal")), (1, 1), "{events:#?}");
    assert_eq!(count("DriftCorrected", "Normal"), 2, "{events:#?}");
    assert!(count("Creating", "Normal") >= 1 && count("Changing", "Normal") >= 1 && count("Ready", "Normal") >= 1);
    stage.assert_quiet(name);
    assert_eq!(stage.events(), events, "a look that finds nothing new is no news");

    // An edit is none of this; and what is only looked at stays open.
    stage.apply(&manifest.replace("spec:\n", "spec:\n  management: Observe\n"));
    stage.look_now(name, "observe");
    change();
    stage.look_now(name, "observed");
    // The endpoint is compared once AWS is no longer busy with it.
    stage.wait_for(name, "jsonpath={.status.drift.total}=2");
    assert_eq!((drift("High"), drift("Medium"), drift("Low")), (Some(1.0), Some(1.0), Some(0.0)));
    let held = stage.sample("cloister_environment_held_steps", &labels);
    assert_eq!(held, Some(2.0));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let verified = stage.sample("cloister_environment_last_verified_timestamp_seconds", &labels).expect("a time");
    assert!((now - verified).abs() < 30.0, "{verified}");
    let requests = |operation| {
        let labels = [("service", "ec2"), ("operation", operation), ("outcome", "OK")];
        stage.sample("cloister_aws_requests_total", &labels).unwrap_or_default()
    };
    assert_eq!(
        (requests("CreateVpc"), requests("CreateVpcEndpoint"), requests("RevokeSecurityGroupIngress")),
        (1.0, 7.0, 1.0)
    );
    assert!(stage.sample("cloister_aws_throttles_total", &[("by", "budget")]).unwrap_or_default() > 0.0);
    assert_eq!(stage.sample("cloister_environments", &[("condition", "Stalled"), ("status", "True")]), Some(1.0));
    assert!(stage.sample("cloister_reconciles_total", &[]).unwrap_or_default() > 5.0);
    assert_eq!(stage.sample("cloister_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));

    stage.apply(&manifest);
    stage.wait_for(name, "condition=Ready");
    stage.delete(name);
    assert_eq!(
        (drift("High"), stage.sample("cloister_environment_held_steps", &labels)),
        (None, None),
        "the series are gone"
    );
    let events = stage.events();
    for reason in ["DeletionWaits", "Deleting", "Gone", "ObserveOnly"] {
        assert!(events.keys().any(|(found, _)| found == reason), "{reason}: {events:#?}");
    }
}
