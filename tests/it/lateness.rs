//! Reads that show AWS as it was some time ago: nothing is made or corrected twice for it, and nothing is left behind.

use std::{collections::BTreeMap, time::Duration};

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Lifecycle, RepositoryPermissions},
    },
    model::report::Next,
    sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
        world::{Delays, World as Aws},
    },
};

use crate::{
    hands::{EVERYTHING, Hands, made, made_with, stalled},
    laws::{person::Person, scenes::Scene},
    world::{ACCOUNT, Tenant, World, assert_ready},
};

const LATE: Duration = Duration::from_secs(30);
const SERVICES: [Service; 3] = [Service::CodeArtifact, Service::Iam, Service::SageMaker];

fn read_late(world: &World, service: Service) {
    world.simulator.faults().add(Fault::anywhere(service, Occurrence::All, Kind::Late(LATE)));
}

/// How often each operation wrote.
fn writes(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for operation in world.writes() {
        *counts.entry(operation).or_default() += 1;
    }
    counts
}

fn edit(object: &mut IsolatedNotebookEnvironment) {
    let spec = &mut object.spec;
    spec.packages.repositories[1].description = Some("for everybody".into());
    spec.packages.repositories[1].permissions = Some(RepositoryPermissions::default());
    spec.execution_role.s3.clear();
    spec.notebooks[0].lifecycle = Some(Lifecycle { on_start: Some("echo on".into()), on_create: None });
    spec.tags.insert("team".into(), "data".into());
}

/// Making an environment and then changing it, each with all that was written.
async fn made_and_edited(late: Option<Service>) -> [BTreeMap<String, usize>; 2] {
    let world = World::new(Delays::short());
    world.with_boundary().await;
    if let Some(service) = late {
        read_late(&world, service);
    }
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    assert_ready(&world.settle(&mut tenant).await.report);
    let made = writes(&world);
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.simulator.clear_log();
    tenant.edit(edit);
    assert_ready(&world.settle(&mut tenant).await.report);
    let edited = writes(&world);
    world.check(&mut tenant).await;
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    [made, edited]
}

#[tokio::test(start_paused = true)]
async fn what_aws_shows_late_is_written_once() {
    let undisturbed = made_and_edited(None).await;
    assert!(undisturbed[1].len() > 4, "{undisturbed:?}");
    for service in SERVICES {
        assert_eq!(made_and_edited(Some(service)).await, undisturbed, "with late reads of {service:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_back_is_corrected_again_once_it_cannot_be_old_news() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let role = tenant.environment().role_arn();
    let role = role.rsplit('/').next().expect("a name");
    for _ in 0..2 {
        hands.iam.delete_role_policy().role_name(role).policy_name("cloister").send().await.expect("deleted");
        world.settle(&mut tenant).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        tenant.edit(|_| {});
    }
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(world.writes().iter().filter(|operation| *operation == "PutRolePolicy").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_aws_shows_late_is_deleted_all_the_same() {
    for service in SERVICES {
        let world = World::new(Delays::short());
        let (mut tenant, _) = made(&world).await;
        read_late(&world, service);
        let report = world.delete_seeing(&mut tenant, |report| {
            assert!(report.problems.is_empty(), "{service:?}: {:?}", report.problems);
        });
        assert_eq!(report.await.next, Next::Gone, "{service:?}");
        world.simulator.faults().clear();
        let left = Person::of(&world, "ap-northeast-1").await.everything().await;
        let left: BTreeMap<_, _> = left.into_iter().filter(|(_, ids)| !ids.is_empty()).collect();
        let boundary = left.values().map(std::collections::BTreeSet::len).sum::<usize>();
        assert_eq!(boundary, 1, "{service:?}: {left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_without_a_manifest_waits_for_what_was_made_a_moment_ago() {
    let world = World::new(Delays::real());
    let hands = Hands::on(&world);
    world.with_boundary().await;
    read_late(&world, Service::CodeArtifact);
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    world.visit(&mut tenant).await;
    world.visit(&mut tenant).await;
    world.delete_without_manifest(&tenant).await;
    world.simulator.faults().clear();
    assert!(hands.codeartifact.list_domains().send().await.expect("a list").domains().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_taken_is_waited_for_and_then_told() {
    let world = World::new(Delays { iam_propagation: Duration::from_mins(20), ..Delays::real() });
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    let begun = tokio::time::Instant::now();
    let mut refused = None;
    loop {
        let visit = world.visit(&mut tenant).await;
        let stalled = stalled(&visit.report);
        if world.writes().iter().any(|operation| operation == "CreateNotebookInstance") {
            refused.get_or_insert_with(|| begun.elapsed());
        }
        if !stalled.starts_with("NotStalled") {
            assert!(stalled.contains("Could not assume role arn:aws:iam"), "{stalled}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(15), "nobody was told");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let waited = begun.elapsed().saturating_sub(refused.expect("it was tried"));
    assert!(waited >= Duration::from_secs(110), "{waited:?}");
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_there_already_is_no_conflict() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let disassociate = hands.codeartifact.disassociate_external_connection().domain("test-artifact-domain");
    let disassociate = disassociate.repository("pypi-store").external_connection("public:pypi");
    disassociate.send().await.expect("disassociated");
    world.simulator.clear_log();
    let operation = "AssociateExternalConnection";
    // The SDK asks again, and AWS says that it is there already.
    let fault = Fault::on(Service::CodeArtifact, operation, Occurrence::Nth(1), Kind::LostReply);
    world.simulator.faults().add(fault);
    let visit = world.check(&mut tenant).await;
    assert_eq!(visit.report.problems, []);
    assert_eq!(world.writes(), [operation, operation]);
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn a_version_whose_answer_was_lost_is_no_used_up_quota() {
    let mut stage = Scene::Isolated.made().await;
    let iam = &stage.person.iam;
    let policies = iam.list_policies().scope("Local".into()).send().await.expect("policies").policies;
    let mut arns = policies.unwrap_or_default().into_iter().filter_map(|policy| policy.arn);
    let arn = arns.find(|arn| arn.contains("-install-")).expect("a policy of ours");
    for _ in 0..4 {
        let version = iam.create_policy_version().policy_arn(&arn).policy_document(EVERYTHING).set_as_default(true);
        version.send().await.expect("a version");
    }
    stage.world.simulator.clear_log();
    // The SDK asks again, and by then there are five.
    let fault = Fault::on(Service::Iam, "CreatePolicyVersion", Occurrence::Nth(1), Kind::LostReply);
    stage.world.simulator.faults().add(fault);
    let visit = stage.world.check(&mut stage.tenant).await;
    assert_eq!(visit.report.problems, []);
    assert_eq!(stage.world.writes(), ["DeletePolicyVersion", "CreatePolicyVersion", "CreatePolicyVersion"]);
    assert_ready(&stage.world.settle(&mut stage.tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn tags_may_come_in_several_pages() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made_with(&world, |object| {
        object.spec.tags.insert("team".into(), "data".into());
    })
    .await;
    world.simulator.with_world(|aws: &mut Aws| {
        aws.account(ACCOUNT).region("ap-northeast-1").sagemaker.limit_tag_pages(3);
    });
    tokio::time::sleep(Duration::from_mins(65)).await;
    assert_ready(&world.check(&mut tenant).await.report);
    assert_eq!(world.writes(), Vec::<String>::new());
}
