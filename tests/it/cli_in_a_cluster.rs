//! `plan` and `drift` with a cluster: the live object's uid and memory are used, and the documented read-only rights are all that is needed.

use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};

use crate::{
    cluster::{checkout, cluster},
    end_to_end::Stage,
    world::ACCOUNT,
};

/// Somebody who may do in the cluster what `docs/how-to/plan-in-a-pipeline.md` gives a pipeline, and no more.
struct Pipeline<'a> {
    stage: &'a Stage,
    kubeconfig: String,
}

impl<'a> Pipeline<'a> {
    fn with_documented_rights(stage: &'a Stage) -> Self {
        let page = std::fs::read_to_string(checkout().join("docs/how-to/plan-in-a-pipeline.md")).expect("the page");
        let mut blocks = page.split("```yaml").skip(1).filter_map(|rest| rest.split("```").next());
        stage.apply(blocks.find(|block| block.contains("ClusterRole")).expect("the role"));
        let namespace = stage.namespace.as_str();
        let cluster = cluster();
        cluster.kubectl(["create", "serviceaccount", "pipeline", "-n", namespace]);
        let user = format!("--serviceaccount={namespace}:pipeline");
        cluster.kubectl(["create", "clusterrolebinding", "pipeline", "--clusterrole=cloister-plan", &user]);
        let token = cluster.kubectl(["create", "token", "pipeline", "-n", namespace]);

        let admin = std::fs::read_to_string(cluster.kubeconfig()).expect("the administrator's kubeconfig");
        let mut config: Json = serde_saphyr::from_str(&admin).expect("YAML");
        config["users"][0]["user"] = json!({"token": token.trim()});
        config["contexts"][0]["context"]["namespace"] = json!(namespace);
        let path = stage.folder.path().join("pipeline.kubeconfig");
        std::fs::write(&path, config.to_string()).expect("a file");
        Self { stage, kubeconfig: path.to_str().expect("a path").to_owned() }
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cloister"))
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("AWS_ENDPOINT_URL", &self.stage.url)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    fn assert_ends_with(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}:\n{said}");
        said
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.stage.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }
}

#[test]
fn a_plan_comes_before_and_none_after() {
    let stage = Stage::new("plan");
    let pipeline = Pipeline::with_documented_rights(&stage);
    let manifest = stage.example("closed-network.yaml");
    let file = pipeline.file("env.yaml", &manifest);

    let said = pipeline.assert_ends_with(2, &["plan", "-f", &file]);
    assert!(said.contains("Plan: 20 to create.") && !said.contains("Assumed"), "{said}");
    let said = pipeline.assert_ends_with(1, &["plan", "closed-network"]);
    assert!(said.contains("there is no environment closed-network"), "{said}");

    stage.apply(&manifest);
    stage.wait_for("closed-network", "condition=Ready");
    stage.simulator.clear_log();
    let version = stage.object("closed-network")["metadata"]["resourceVersion"].clone();

    for args in [&["plan", "-f", &file][..], &["plan", "closed-network"], &["drift"], &["drift", "closed-network"]] {
        pipeline.assert_ends_with(0, args);
    }
    let bigger = pipeline.file("bigger.yaml", &manifest.replace("ml.t3.medium", "ml.t3.large"));
    let said = pipeline.assert_ends_with(2, &["plan", "-f", &bigger]);
    assert!(said.contains("HELD (ApprovalRequired)"), "{said}");
    let moved = pipeline.file("moved.yaml", &manifest.replace("10.0.1.0/24", "10.0.2.0/24"));
    let said = pipeline.assert_ends_with(1, &["plan", "-f", &moved]);
    assert!(said.contains("spec.network.subnets[0]") && said.contains("cannot be changed"), "{said}");

    let writes: Vec<String> =
        stage.simulator.log().into_iter().filter(|entry| entry.write).map(|entry| entry.operation).collect();
    assert_eq!(writes, Vec::<String>::new(), "nothing was written to AWS");
    assert_eq!(stage.object("closed-network")["metadata"]["resourceVersion"], version, "nor to the cluster");

    let faster = r#"[{"op":"replace","path":"/spec/notebooks/0/instanceType","value":"ml.t3.large"}]"#;
    stage.kubectl(["patch", "ine", "closed-network", "--type=json", "-p", faster]);
    stage.wait_for("closed-network", "condition=Stalled");
    pipeline.assert_ends_with(2, &["plan", "closed-network"]);
    let said = pipeline.assert_ends_with(0, &["drift", "closed-network"]);
    assert!(said.contains("Drift: none."), "an edit on its way is none: {said}");

    let protect = r#"{"spec":{"deletionProtection":true}}"#;
    stage.kubectl(["patch", "ine", "closed-network", "--type=merge", "-p", protect]);
    stage.kubectl(["delete", "ine", "closed-network", "--wait=false"]);
    let said = pipeline.assert_ends_with(1, &["plan", "closed-network"]);
    assert!(said.contains("DeletionProtected"), "{said}");
}
