//! Notebooks and their scripts against a simulated `SageMaker`, whose states take minutes.

use std::time::Duration;

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Disruption, NotebookState, Permission},
    },
    model::{report::Next, resource::Output},
    sandbox::world::{Delays, World as Aws},
};

use crate::{
    hands::{made, made_with, stalled},
    world::{ACCOUNT, World, assert_ready},
};

const NAME: &str = "Test-Notebook-Instance";
const NOTE: &str = "cloister.dev/start";

fn sagemaker<T>(world: &World, change: impl FnOnce(&mut cloister::sandbox::sagemaker::State) -> T) -> T {
    world.simulator.with_world(|aws: &mut Aws| change(&mut aws.account(ACCOUNT).region("ap-northeast-1").sagemaker))
}

fn may_stop(object: &mut IsolatedNotebookEnvironment) {
    object.spec.disruption = Disruption { stop_notebooks: Permission::Allow, ..Disruption::default() };
}

fn state(object: &mut IsolatedNotebookEnvironment, state: NotebookState) {
    object.spec.notebooks[0].state = Some(state);
}

fn instance_type(world: &World) -> String {
    sagemaker(world, |state| state.notebook_mut(NAME).expect("the notebook").configuration.instance_type.clone())
}

#[tokio::test(start_paused = true)]
async fn a_running_notebook_is_stopped_changed_and_started_again_even_if_we_restart_in_between() {
    let mut world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, may_stop).await;
    tenant.edit(|object| object.spec.notebooks[0].instance_type = Some("ml.t3.large".into()));
    for _ in 0..100 {
        world.visit(&mut tenant).await;
        world.restart();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(instance_type(&world), "ml.t3.large");
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
    assert_eq!(hands.notebook_tag(NAME, NOTE).await, None, "nothing is left to remember");
    let mut writes = world.writes();
    writes.retain(|operation| operation.contains("Notebook") || operation.contains("Tags"));
    let expected = ["AddTags", "StopNotebookInstance", "UpdateNotebookInstance", "StartNotebookInstance", "DeleteTags"];
    assert_eq!(writes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_stops_a_notebook_waits_for_a_person() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tenant.edit(|object| object.spec.notebooks[0].instance_type = Some("ml.t3.large".into()));
    let visit = world.settle(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new(), "{:?}", visit.plan.held);
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_its_user_stopped_is_changed_and_stays_stopped() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NAME).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(5)).await;
    tenant.edit(|object| object.spec.notebooks[0].instance_type = Some("ml.t3.large".into()));
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(instance_type(&world), "ml.t3.large");
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("Stopped"));
    assert!(!world.writes().contains(&"StartNotebookInstance".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_notebook_runs_or_stands_still_as_the_manifest_says() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| state(object, NotebookState::Stopped)).await;
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("Stopped"));
    tenant.edit(|object| state(object, NotebookState::Running));
    world.settle(&mut tenant).await;
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NAME).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.settle(&mut tenant).await;
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_take_is_made_again() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, may_stop).await;
    sagemaker(&world, |state| state.lose_next_start(NAME));
    tenant.edit(|object| object.spec.notebooks[0].volume_size_gib = Some(30));
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
    let starts = world.writes().into_iter().filter(|operation| operation == "StartNotebookInstance").count();
    assert_eq!(starts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_keeps_failing_is_started_three_times_and_then_left_to_a_person() {
    let mut world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| state(object, NotebookState::Running)).await;
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NAME).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(2)).await;
    tenant.edit(|_| {});
    for _ in 0..60 {
        sagemaker(&world, |state| state.fail_next_start(NAME, "no capacity"));
        world.visit(&mut tenant).await;
        world.restart();
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    let starts = world.writes().into_iter().filter(|operation| operation == "StartNotebookInstance").count();
    assert_eq!(starts, 4, "one that the manifest asks for, and three for the failures");
    let visit = world.visit(&mut tenant).await;
    assert!(stalled(&visit.report).contains("no capacity"), "{}", stalled(&visit.report));
    assert!(!world.writes().contains(&"DeleteNotebookInstance".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_changed_script_is_written_in_place_and_stops_nothing() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    tenant.edit(|object| {
        let lifecycle = cloister::kubernetes::api::environment::Lifecycle {
            on_start: Some("echo hello".into()),
            ..Default::default()
        };
        object.spec.notebooks[0].lifecycle = Some(lifecycle);
    });
    world.settle(&mut tenant).await;
    assert_eq!(world.writes(), ["UpdateNotebookInstanceLifecycleConfig"]);
    let visit = world.check(&mut tenant).await;
    let address = format!("NotebookInstance/{NAME}").parse().expect("an address");
    assert_eq!(visit.observation.outputs.get(&address, Output::RestartPending), Some("true"));
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_somebody_enlarged_is_named_and_left_alone() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NAME).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(2)).await;
    let update = hands.sagemaker.update_notebook_instance().notebook_instance_name(NAME).volume_size_in_gb(100);
    update.send().await.expect("updated");
    tokio::time::sleep(Duration::from_mins(2)).await;
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(
        crate::hands::drift(&visit, "volumeSizeGiB")
            .is_some_and(|drift| drift.observed.as_ref().is_some_and(|seen| seen.contains("100")))
    );
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_is_just_starting_is_deleted_once_it_can_be() {
    let world = World::new(Delays::real());
    let hands = crate::hands::Hands::on(&world);
    world.with_boundary().await;
    let mut tenant = crate::world::Tenant::of("closed-network.yaml", |_| {});
    for _ in 0..400 {
        world.visit(&mut tenant).await;
        if hands.notebook_status(NAME).await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let facts = world.visit(&mut tenant).await.report.facts;
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("Pending"), "{facts:#?}");
    let report = world.delete(&mut tenant).await;
    assert_eq!(report.next, Next::Gone, "{:?}", report.facts);
    assert_eq!(hands.notebook_status(NAME).await, None);
    assert!(sagemaker(&world, |state| state.lifecycle_mut(NAME).is_none()));
}

#[tokio::test(start_paused = true)]
async fn an_existing_notebook_that_runs_with_another_role_is_told_with_both_and_not_written_to() {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let world = World::new(Delays::real());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let iam = aws_sdk_iam::Client::new(&world.sdk("us-east-1").await);
    let made = iam.create_role().role_name("Another").assume_role_policy_document(TRUST).send().await;
    let other = made.expect("a role").role.expect("it").arn;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    tenant.edit(|object| object.spec.execution_role.arn = Some(other.clone()));
    world.simulator.clear_log();
    let visit = world.settle(&mut tenant).await;
    let fact = visit.report.fact("NotebooksReady").expect("a condition");
    assert_eq!((fact.truth.as_str(), fact.reason.as_str()), ("False", "ExistingDiffers"), "{}", fact.message);
    for arn in [&existing.role, &other] {
        assert!(fact.message.contains(arn), "{arn} is not in: {}", fact.message);
    }
    assert!(stalled(&visit.report).starts_with("ExistingDiffers "), "{}", stalled(&visit.report));
    let about_it = world.writes().into_iter().filter(|operation| operation.contains("Notebook"));
    assert_eq!(about_it.collect::<Vec<_>>(), Vec::<String>::new());
    tenant.edit(|object| object.spec.execution_role.arn = Some(existing.role.clone()));
    assert_ready(&world.settle(&mut tenant).await.report);
}
