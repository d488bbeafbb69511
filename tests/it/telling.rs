//! What is told, and when: drift is what somebody else changed, an edit of the manifest is none, and what is stuck is not polled for ever.

use std::time::Duration;

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Access, Permission, S3Access},
    },
    model::{
        address::Kind,
        asked::Told,
        report::{Next, Report, conditions},
    },
    sandbox::world::Delays,
};

use crate::{
    hands::{EVERYTHING, Hands, made, made_with, stalled},
    world::{Tenant, World, assert_ready, truth},
};

fn told(report: &Report) -> Vec<String> {
    report.drift.iter().map(|drift| format!("{} {}", drift.address, drift.path)).collect()
}

/// Visits until nothing is left to do, and everything that was told as drift on the way.
async fn drift_on_the_way(world: &World, tenant: &mut Tenant) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..100 {
        let visit = world.visit(tenant).await;
        all.extend(told(&visit.report));
        if visit.report.next == Next::Check {
            assert_ready(&visit.report);
            all.dedup();
            return all;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    panic!("the edit does not come to an end");
}

type Edit = fn(&mut IsolatedNotebookEnvironment);

/// Edits of every sort: fields, members of sets, whole policies, resources that come and go, and what needs a stopped notebook.
const EDITS: [(&str, Edit); 8] = [
    ("who may reach the endpoints", |object| object.spec.network.client_cidrs = vec!["172.16.0.0/16".into()]),
    ("and somebody else instead", |object| object.spec.network.client_cidrs = vec!["172.17.0.0/16".into()]),
    ("what the role may read", |object| {
        object.spec.execution_role.s3 = vec![S3Access { bucket: "other-data".into(), access: Access::Read }];
    }),
    ("a tag", |object| {
        object.spec.tags.insert("cost-center".into(), "4711".into());
    }),
    ("another value of it", |object| {
        object.spec.tags.insert("cost-center".into(), "4712".into());
    }),
    ("a description", |object| object.spec.packages.repositories[0].description = Some("the store".into())),
    ("another instance", |object| {
        object.spec.disruption.stop_notebooks = Permission::Allow;
        object.spec.notebooks[0].instance_type = Some("ml.t3.large".into());
    }),
    ("no notebook", |object| {
        object.spec.disruption.delete_notebooks = Permission::Allow;
        object.spec.notebooks.clear();
    }),
];

#[tokio::test(start_paused = true)]
async fn an_edit_is_never_told_as_drift() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    for (edit, change) in EDITS {
        world.check(&mut tenant).await;
        world.simulator.clear_log();
        tenant.edit(change);
        let drift = drift_on_the_way(&world, &mut tenant).await;
        assert_eq!(drift, Vec::<String>::new(), "{edit}");
        assert_ne!(world.writes(), Vec::<String>::new(), "{edit} was carried out");
    }
}

#[tokio::test(start_paused = true)]
async fn edits_that_overtake_each_other_are_not_told_as_drift_either() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    // Each comes before the one before it was seen to be carried out, and the last one is as it was in the beginning.
    for cidr in ["172.16.0.0/16", "172.17.0.0/16", "172.18.0.0/16", "192.168.0.0/16"] {
        tenant.edit(|object| object.spec.network.client_cidrs = vec![cidr.into()]);
        let visit = world.visit(&mut tenant).await;
        assert_eq!(told(&visit.report), Vec::<String>::new(), "{cidr}");
    }
    assert_eq!(drift_on_the_way(&world, &mut tenant).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_hand_change_is_told_as_drift_also_while_an_edit_is_on_its_way() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name").to_owned();
    let attach = |policy: String| hands.iam.attach_role_policy().role_name(&role).policy_arn(policy).send();

    attach(hands.policy("open", EVERYTHING).await).await.expect("attached");
    let visit = world.check(&mut tenant).await;
    assert_eq!(told(&visit.report), ["Role/execution attachedPolicies[arn:aws:iam::111122223333:policy/open]"]);
    assert!(truth(&visit.report, conditions::IN_SYNC).is_err());
    assert_ready(&world.settle(&mut tenant).await.report);

    // The same role is edited and changed by hand before the next look.
    attach(hands.policy("wide", EVERYTHING).await).await.expect("attached");
    tenant.edit(|object| {
        object.spec.execution_role.s3 = vec![S3Access { bucket: "other-data".into(), access: Access::Read }];
    });
    let visit = world.visit(&mut tenant).await;
    assert_eq!(told(&visit.report), ["Role/execution attachedPolicies[arn:aws:iam::111122223333:policy/wide]"]);
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(told(&visit.report), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_hand_change_is_told_where_the_status_says_that_its_kind_was_as_asked() {
    let mut world = World::new(Delays::real());
    let described: Edit = |object| object.spec.packages.repositories[0].description = Some("ours".into());
    let (mut tenant, hands) = made_with(&world, described).await;
    let describe = hands.codeartifact.update_repository().domain("test-artifact-domain").repository("pypi-store");
    describe.description("theirs").send().await.expect("described");
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name").to_owned();
    let policy = hands.policy("open", EVERYTHING).await;
    hands.iam.attach_role_policy().role_name(&role).policy_arn(policy).send().await.expect("attached");
    world.restart();
    // Not Ready, because of something else; but the packages were as asked.
    let as_asked = [Kind::Domain, Kind::Repository].into();
    tenant.forget_what_was_asked(Told { as_asked, ..Told::default() });
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert_eq!(told(&visit.report), ["Repository/pypi-store description"]);
    let mut writes = world.writes();
    writes.sort();
    assert_eq!(writes, ["DetachRolePolicy", "UpdateRepository"], "what is told decides nothing");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_is_missed_and_what_nobody_made_yet_is_not() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let delete = hands.codeartifact.delete_repository();
    let delete = delete.domain("test-artifact-domain").repository("test-artifact-repository");
    delete.send().await.expect("deleted");
    // Longer than something that was just seen may be invisible.
    tokio::time::sleep(Duration::from_mins(2)).await;
    tenant.edit(|object| {
        let mut more = object.spec.packages.repositories[1].clone();
        more.name = "more".into();
        object.spec.packages.repositories.push(more);
    });
    let visit = world.visit(&mut tenant).await;
    assert_eq!(told(&visit.report), ["Repository/test-artifact-repository "]);
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_notebook_that_should_run_is_drift_until_it_runs() {
    let world = World::new(Delays::real());
    let running = cloister::kubernetes::api::environment::NotebookState::Running;
    let (mut tenant, hands) = made_with(&world, |object| object.spec.notebooks[0].state = Some(running)).await;
    let name = "Test-Notebook-Instance";
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await.expect("stopping");
    tokio::time::sleep(Duration::from_mins(5)).await;
    let visit = world.check(&mut tenant).await;
    assert_eq!(told(&visit.report), [format!("NotebookInstance/{name} running")]);
    // It starts for minutes, and is not in sync before it runs.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let visit = world.visit(&mut tenant).await;
    assert_eq!(told(&visit.report), [format!("NotebookInstance/{name} running")]);
    let visit = world.settle(&mut tenant).await;
    assert_eq!(told(&visit.report), Vec::<String>::new());
    truth(&visit.report, conditions::IN_SYNC).expect("InSync");
}

#[tokio::test(start_paused = true)]
async fn what_only_waits_behind_something_stuck_is_not_polled() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let hands = Hands::on(&world);
    hands.codeartifact.create_domain().domain("test-artifact-domain").send().await.expect("somebody's domain");
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    // Comes to an end only if the visits stop asking for the next one in a few seconds.
    let visit = world.settle(&mut tenant).await;
    assert!(stalled(&visit.report).starts_with("AlreadyExists "), "{}", stalled(&visit.report));
    assert!(matches!(visit.report.next, Next::Retry(class) if class.needs_person()), "{:?}", visit.report.next);
    let reconciling = visit.report.fact(conditions::RECONCILING).expect("told");
    assert_eq!((reconciling.truth.as_str(), reconciling.reason.as_str()), ("False", "Stalled"));
    assert!(reconciling.message.contains("Repository/pypi-store"), "{}", reconciling.message);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_refused_is_stalled_and_not_polled() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let create = hands.codeartifact.create_repository().domain("test-artifact-domain").repository("theirs");
    let upstream = aws_sdk_codeartifact::types::UpstreamRepository::builder().repository_name("pypi-store");
    let upstream = upstream.build().unwrap();
    create.upstreams(upstream).send().await.expect("somebody's repository on ours");
    tenant.edit(|object| {
        object.spec.packages.repositories.remove(0);
        object.spec.packages.repositories[0].upstreams.clear();
    });
    let visit = world.settle(&mut tenant).await;
    assert!(stalled(&visit.report).starts_with("InUse "), "{}", stalled(&visit.report));
    assert!(stalled(&visit.report).contains("theirs"));
    assert!(matches!(visit.report.next, Next::Retry(class) if class.needs_person()), "{:?}", visit.report.next);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_not_said_to_be_in_sync() {
    use cloister::sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
    };
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let describe = Fault::on(Service::SageMaker, "ListNotebookInstances", Occurrence::All, Kind::ServerError(500));
    world.simulator.faults().add(describe);
    let visit = world.check(&mut tenant).await;
    let in_sync = visit.report.fact(conditions::IN_SYNC).expect("told");
    assert_eq!(in_sync.truth.as_str(), "Unknown", "{}", in_sync.message);
    // What is seen to deviate elsewhere is told all the same.
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name");
    hands.iam.delete_role_permissions_boundary().role_name(role).send().await.expect("deleted");
    let visit = world.check(&mut tenant).await;
    assert_eq!(told(&visit.report), ["Role/execution permissionsBoundary"]);
    assert_eq!(visit.report.fact(conditions::IN_SYNC).map(|fact| fact.truth.as_str()), Some("False"));
}
