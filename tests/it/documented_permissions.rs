//! The IAM policy that `docs/how-to/run-on-aws.md` gives to the controller is enough: an identity with exactly that policy makes, corrects and
//! deletes both examples in an AWS that evaluates every call.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cloister::sandbox::{log::Entry, world::Delays};
use serde_json::Value as Json;

use crate::world::{ACCOUNT, Tenant, World, assert_ready};

const ROLE: &str = "platform-cloister";

/// The JSON block of the page that has this statement.
fn documented(sid: &str) -> Json {
    let path = format!("{}/docs/how-to/run-on-aws.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).expect("the page");
    let blocks = page.split("```json").skip(1).filter_map(|rest| rest.split("```").next());
    let mut policies = blocks.filter_map(|block| serde_json::from_str::<Json>(block).ok());
    let has = |policy: &Json| {
        policy["Statement"].as_array().is_some_and(|all| all.iter().any(|statement| statement["Sid"] == sid))
    };
    policies.find(has).expect("a policy with that statement")
}

/// The controller's role, with the documented policy and the documented boundary for what it makes.
async fn with_documented_role(world: &World) {
    let iam = aws_sdk_iam::Client::new(&world.sdk("us-east-1").await);
    let create = |name: &str, document: String| {
        assert!(document.len() <= 6144, "{name} has {} characters, a managed policy at most 6144", document.len());
        iam.create_policy().policy_name(name).policy_document(document).send()
    };
    create("CloisterNotebookBoundary", documented("Data").to_string()).await.expect("the boundary");
    let policy = create("Cloister", documented("Look").to_string()).await.expect("the policy");
    let arn = policy.policy.and_then(|policy| policy.arn).expect("an ARN");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#
    );
    iam.create_role().role_name(ROLE).assume_role_policy_document(trust).send().await.expect("the role");
    iam.attach_role_policy().role_name(ROLE).policy_arn(arn).send().await.expect("attached");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.simulator.clear_log();
}

fn refused(calls: &[Entry]) -> Vec<String> {
    let denied = calls.iter().filter(|entry| {
        entry.code.as_deref().is_some_and(|code| code.contains("AccessDenied") || code.contains("Unauthorized"))
    });
    let told = denied.map(|entry| format!("{}:{}", entry.service.signing_name(), entry.operation));
    told.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Make it, look again, lose a part of it, repair it, delete it; the calls of all that.
async fn whole_life(world: &World, mut tenant: Tenant) -> Vec<Entry> {
    tenant.identity.spec.role_arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"));
    assert_ready(&world.settle(&mut tenant).await.report);
    world.check(&mut tenant).await;
    let tags = BTreeMap::from([("cost-center".to_owned(), "4711".to_owned())]);
    tenant.edit(|object| object.spec.tags = tags);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.delete(&mut tenant).await;
    world.calls()
}

#[tokio::test(start_paused = true)]
async fn the_documented_policy_is_enough_for_a_network_from_nothing() {
    let world = World::new(Delays::real());
    with_documented_role(&world).await;
    let calls = whole_life(&world, Tenant::of("closed-network.yaml", |_| ())).await;
    assert_eq!(refused(&calls), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_documented_policy_is_enough_for_an_existing_network() {
    let world = World::new(Delays::real());
    with_documented_role(&world).await;
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let calls = whole_life(&world, existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker")).await;
    assert_eq!(refused(&calls), Vec::<String>::new());
}
