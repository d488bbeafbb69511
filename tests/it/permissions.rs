//! The execution role and the policy for an existing one, in an account where others change permissions, too.

use cloister::{
    model::{report::Next, resource::Output},
    sandbox::world::Delays,
};

use crate::{
    hands::{EVERYTHING, Hands, NOTHING, TRUST, drift, made, paths},
    world::{ACCOUNT, Tenant, World, assert_ready},
};

const QUARANTINE: &str = "arn:aws:iam::aws:policy/AWSDenyAll";

#[tokio::test(start_paused = true)]
async fn what_gives_rights_is_taken_off_the_role_and_what_takes_rights_stays() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name");
    let open = hands.policy("open", EVERYTHING).await;
    let close = hands.policy("close", NOTHING).await;
    for policy in [open.as_str(), close.as_str(), QUARANTINE] {
        hands.iam.attach_role_policy().role_name(role).policy_arn(policy).send().await.expect("attached");
    }
    for (name, document) in [("open", EVERYTHING), ("close", NOTHING)] {
        let put = hands.iam.put_role_policy().role_name(role).policy_name(name).policy_document(document);
        put.send().await.expect("put");
    }
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    let mut writes = world.writes();
    writes.sort();
    assert_eq!(writes, ["DeleteRolePolicy", "DetachRolePolicy"], "{:?}", paths(&visit));
    let attached = hands.iam.list_attached_role_policies().role_name(role).send().await.expect("a list");
    let mut attached: Vec<&str> =
        attached.attached_policies().iter().filter_map(|policy| policy.policy_arn()).collect();
    attached.sort_unstable();
    let mut expected = [close.as_str(), QUARANTINE];
    expected.sort_unstable();
    assert_eq!(attached, expected);
    let inline = hands.iam.list_role_policies().role_name(role).send().await.expect("a list");
    assert_eq!(inline.policy_names(), ["cloister", "close"]);

    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(drift(&visit, "inlinePolicies[close]").is_some(), "{:?}", paths(&visit));
    assert!(drift(&visit, &format!("attachedPolicies[{QUARANTINE}]")).is_some());
    assert_eq!(world.writes(), Vec::<String>::new());

    let report = world.delete(&mut tenant).await;
    assert_eq!(report.next, Next::Gone, "{:?}", report.facts);
    assert!(hands.iam.get_role().role_name(role).send().await.is_err(), "a role goes with all that was added to it");
}

#[tokio::test(start_paused = true)]
async fn a_removed_boundary_comes_back_and_a_widened_statement_is_narrowed() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name");
    hands.iam.delete_role_permissions_boundary().role_name(role).send().await.expect("deleted");
    let put = hands.iam.put_role_policy().role_name(role).policy_name("cloister").policy_document(EVERYTHING);
    put.send().await.expect("put");
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(drift(&visit, "permissionsBoundary").is_some(), "{:?}", paths(&visit));
    assert_eq!(world.writes(), ["PutRolePermissionsBoundary", "PutRolePolicy"], "what limits comes first");
    let visit = world.check(&mut tenant).await;
    assert_ready(&visit.report);
}

#[tokio::test(start_paused = true)]
async fn a_role_under_our_name_that_is_not_ours_is_never_touched() {
    let world = World::new(Delays::real());
    let hands = Hands::on(&world);
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |object| {
        object.spec.execution_role.name = Some("NOTEBOOKS".into());
    });
    let trust = TRUST.replace("sagemaker", "ec2");
    hands.iam.create_role().role_name("notebooks").assume_role_policy_document(trust).send().await.expect("a role");
    world.simulator.clear_log();
    for _ in 0..100 {
        world.visit(&mut tenant).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
    let visit = world.check(&mut tenant).await;
    let stalled = crate::hands::stalled(&visit.report);
    assert!(
        stalled.contains("notebooks") && stalled.contains("its name is notebooks, wanted is NOTEBOOKS"),
        "{stalled}"
    );
    assert!(
        !world.writes().iter().any(|operation| operation.contains("Role")
            || operation.contains("Notebook") && !operation.contains("Lifecycle")),
        "{:?}",
        world.writes()
    );
}

const OTHER: &str = "somebody-elses";

/// Scenario C: an existing role with the policy of ours, and the name of that policy.
async fn with_policy(world: &World) -> (Tenant, Hands, String) {
    world.with_boundary().await;
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    let address = "Policy/install".parse().expect("an address");
    let arn = visit.observation.outputs.get(&address, Output::Arn).expect("the policy exists").to_owned();
    let hands = Hands::on(world);
    hands.iam.create_role().role_name(OTHER).assume_role_policy_document(TRUST).send().await.expect("a role");
    world.simulator.clear_log();
    (tenant, hands, arn)
}

async fn roles_with(hands: &Hands, policy: &str) -> Vec<String> {
    let list = hands.iam.list_entities_for_policy().policy_arn(policy).send().await.expect("a list");
    list.policy_roles().iter().filter_map(|role| role.role_name().map(ToOwned::to_owned)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_five_versions_is_corrected_all_the_same() {
    let world = World::new(Delays::real());
    let (mut tenant, hands, policy) = with_policy(&world).await;
    for _ in 0..4 {
        let version =
            hands.iam.create_policy_version().policy_arn(&policy).policy_document(EVERYTHING).set_as_default(true);
        version.send().await.expect("a version");
    }
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(!paths(&visit).is_empty());
    assert_eq!(world.writes(), ["DeletePolicyVersion", "CreatePolicyVersion"]);
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_detached_policy_is_attached_again_and_the_role_is_never_touched_otherwise() {
    let world = World::new(Delays::real());
    let (mut tenant, hands, policy) = with_policy(&world).await;
    hands
        .iam
        .detach_role_policy()
        .role_name("GeneralIsolatedNotebook")
        .policy_arn(&policy)
        .send()
        .await
        .expect("detached");
    let put = hands
        .iam
        .put_role_policy()
        .role_name("GeneralIsolatedNotebook")
        .policy_name("theirs")
        .policy_document(EVERYTHING);
    put.send().await.expect("put");
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), ["AttachRolePolicy"]);
    assert_eq!(roles_with(&hands, &policy).await, ["GeneralIsolatedNotebook"]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_somebody_attached_elsewhere_is_not_taken_from_them() {
    let world = World::new(Delays::real());
    let (mut tenant, hands, policy) = with_policy(&world).await;
    hands.iam.attach_role_policy().role_name(OTHER).policy_arn(&policy).send().await.expect("attached");
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(
        drift(&visit, "attachedRoles")
            .is_some_and(|drift| drift.observed.as_ref().is_some_and(|seen| seen.contains(OTHER)))
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    let report = world.delete(&mut tenant).await;
    assert!(crate::hands::stalled(&report).contains(OTHER), "{}", crate::hands::stalled(&report));
    assert!(roles_with(&hands, &policy).await.contains(&OTHER.to_owned()));
    hands.iam.detach_role_policy().role_name(OTHER).policy_arn(&policy).send().await.expect("detached");
    tokio::time::sleep(std::time::Duration::from_mins(10)).await;
    let report = world.delete(&mut tenant).await;
    assert_eq!(report.next, Next::Gone, "{:?}", report.facts);
    assert!(hands.iam.get_policy().policy_arn(&policy).send().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_policy_moves_along_when_the_manifest_names_another_role() {
    let world = World::new(Delays::real());
    let (mut tenant, hands, policy) = with_policy(&world).await;
    tenant.edit(|object| object.spec.execution_role.arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/{OTHER}")));
    world.settle(&mut tenant).await;
    let both = roles_with(&hands, &policy).await;
    assert!(both.len() == 2 && both.contains(&OTHER.to_owned()), "the notebook has the one that it had: {both:?}");
    tenant.edit(|object| object.spec.notebooks.clear());
    world.settle(&mut tenant).await;
    assert_eq!(roles_with(&hands, &policy).await, [OTHER], "nobody here has that any more");
}

#[tokio::test(start_paused = true)]
async fn a_role_on_somebodys_machines_is_not_deleted_and_the_profile_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name");
    hands.iam.create_instance_profile().instance_profile_name("machines").send().await.expect("a profile");
    let add = hands.iam.add_role_to_instance_profile().instance_profile_name("machines").role_name(role);
    add.send().await.expect("added");
    let report = world.delete(&mut tenant).await;
    let why = crate::hands::stalled(&report);
    assert!(why.starts_with("InUse") && why.contains("machines"), "{why}");
    let inline = hands.iam.list_role_policies().role_name(role).send().await.expect("a list");
    assert!(!inline.policy_names().is_empty(), "the role keeps its rights as long as it stays");
    let remove = hands.iam.remove_role_from_instance_profile().instance_profile_name("machines").role_name(role);
    remove.send().await.expect("removed");
    // A look may be some seconds old.
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(world.delete(&mut tenant).await.next, Next::Gone);
}
