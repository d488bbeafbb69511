//! What keeps a deletion from touching AWS: protection, a pause, and `management: Observe`.

use crate::end_to_end::Stage;

const NAME: &str = "closed-network";
const REGION: &str = "ap-northeast-1";

fn patch(stage: &Stage, spec: &str) {
    stage.kubectl(["patch", "ine", NAME, "--type=merge", "-p", &format!(r#"{{"spec":{spec}}}"#)]);
}

fn wait_until_stalled_by(stage: &Stage, reason: &str) {
    let stalled = r#"jsonpath={.status.conditions[?(@.type=="Stalled")].reason}"#;
    stage.wait_for(NAME, &format!("{stalled}={reason}"));
}

fn writes(stage: &Stage) -> Vec<String> {
    stage.simulator.log().into_iter().filter(|entry| entry.write).map(|entry| entry.operation).collect()
}

#[test]
fn a_deletion_leaves_aws_alone_while_it_is_protected_or_paused_and_when_the_environment_only_observes() {
    let stage = Stage::new("deletion");
    let manifest = stage.example("closed-network.yaml");
    let before = stage.left(REGION);
    stage.apply(&manifest);
    stage.wait_for(NAME, "condition=Ready");
    let made = stage.left(REGION);
    stage.simulator.clear_log();

    patch(&stage, r#"{"deletionProtection":true}"#);
    stage.kubectl(["delete", "ine", NAME, "--wait=false"]);
    wait_until_stalled_by(&stage, "DeletionProtected");
    patch(&stage, r#"{"deletionProtection":false,"paused":true}"#);
    wait_until_stalled_by(&stage, "Paused");
    assert!(stage.object(NAME)["metadata"]["finalizers"].is_array(), "it is not let go");

    // Who only looks has nothing to take along, and nothing to wait for.
    patch(&stage, r#"{"paused":false,"management":"Observe"}"#);
    stage.kubectl(["wait", "--for=delete", &format!("ine/{NAME}"), "--timeout=60s"]);
    assert_eq!(writes(&stage), Vec::<String>::new());
    assert_eq!(stage.left(REGION), made, "everything is as it was");

    // The next object of this name finds its things again, and takes them along when it goes.
    stage.apply(&manifest);
    stage.wait_for(NAME, "condition=Ready");
    assert_eq!(stage.left(REGION), made, "nothing is made twice");
    stage.delete(NAME);
    assert_eq!(stage.left(REGION), before);
}
