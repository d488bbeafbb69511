//! What interrupts somebody's work is asked for: every field of a notebook that needs it stopped, and every removal.

use std::{collections::BTreeSet, time::Duration};

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{NotebookState, Permission, RootAccess},
    },
    model::{address::Address, plan::Hold, resource::Change as Takes},
    sandbox::world::{Delays, World as Aws},
};

use crate::{
    hands::{Hands, made, made_with, stalled},
    world::{ACCOUNT, Tenant, Visit, World, assert_ready},
};

const NAME: &str = "Test-Notebook-Instance";
/// After this time a notebook is looked at in depth although AWS says that nobody changed it.
const A_WHILE: Duration = Duration::from_mins(61);

type Edit = fn(&mut IsolatedNotebookEnvironment);

fn notebook(object: &mut IsolatedNotebookEnvironment) -> &mut cloister::kubernetes::api::environment::Notebook {
    &mut object.spec.notebooks[0]
}

/// How the manifest changes a field that needs a stopped notebook.
fn edit_of(field: &str) -> Edit {
    match field {
        "instanceType" => |object| notebook(object).instance_type = Some("ml.t3.large".into()),
        "roleArn" => |object| object.spec.execution_role.name = Some("another".into()),
        "lifecycleConfig" => |object| object.spec.packages.install = None,
        "rootAccess" => |object| notebook(object).root_access = Some(RootAccess::Enabled),
        "minimumIMDSVersion" => |object| notebook(object).minimum_imds_version = Some(1),
        "platformIdentifier" => |object| notebook(object).platform_identifier = Some("notebook-al2023-v1".into()),
        "volumeSizeGiB" => |object| notebook(object).volume_size_gib = Some(30),
        other => panic!("no edit for the field {other}"),
    }
}

/// Some fields are seen otherwise before they are edited.
async fn before(world: &World, field: &str) {
    if field == "platformIdentifier" {
        sagemaker(world, |state| {
            state.notebook_mut(NAME).expect("the notebook").configuration.platform = "notebook-al2-v3".into();
        });
        tokio::time::sleep(A_WHILE).await;
    }
}

fn sagemaker<T>(world: &World, change: impl FnOnce(&mut cloister::sandbox::sagemaker::State) -> T) -> T {
    world.simulator.with_world(|aws: &mut Aws| change(&mut aws.account(ACCOUNT).region("ap-northeast-1").sagemaker))
}

fn address() -> Address {
    format!("NotebookInstance/{NAME}").parse().expect("an address")
}

/// The fields of a notebook that AWS changes in this way, by the kind itself.
fn fields(visit: &Visit, takes: Takes) -> Vec<&'static str> {
    let wanted = visit.observation.wanted.iter().find(|wanted| wanted.address == address()).expect("it is wanted");
    let fields = wanted.state.fields().into_iter().filter(|field| field.change == takes);
    fields.map(|field| field.name).collect()
}

/// The operations on the notebook itself.
fn touched(world: &World) -> Vec<String> {
    let writes = world.writes().into_iter();
    let mut touched: Vec<String> = writes.filter(|operation| operation.ends_with("NotebookInstance")).collect();
    // IAM takes a while until a new role can be assumed; until then AWS refuses the update, and it is made again.
    touched.dedup();
    touched
}

async fn visits(world: &World, tenant: &mut Tenant) -> Visit {
    for _ in 0..10 {
        world.visit(tenant).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    world.visit(tenant).await
}

async fn assert_held(world: &World, tenant: &mut Tenant, hands: &Hands, field: &str) -> String {
    let visit = visits(world, tenant).await;
    assert_eq!(touched(world), Vec::<String>::new(), "{field}");
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"), "{field}");
    let told = &visit.report.next_steps;
    assert!(told.iter().any(|step| step.contains(NAME) && step.contains(field)), "{field}: {told:?}");
    assert!(stalled(&visit.report).starts_with("ApprovalRequired "), "{}", stalled(&visit.report));
    visit.report.approval.expect("a digest to approve")
}

/// The edit is carried out with one stop, and the notebook runs again because it ran before.
async fn assert_stopped_for(world: &World, tenant: &mut Tenant, hands: &Hands, field: &str) {
    assert_ready(&world.settle(tenant).await.report);
    let once = ["StopNotebookInstance", "UpdateNotebookInstance", "StartNotebookInstance"];
    assert_eq!(touched(world), once, "{field}");
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"), "{field}: it ran before");
}

#[tokio::test(start_paused = true)]
async fn each_field_that_stops_a_notebook_waits_for_exactly_its_approval() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    let fields = fields(&world.check(&mut tenant).await, Takes::Stopped);
    assert!(fields.len() >= 7, "{fields:?}");
    let mut digests = BTreeSet::new();
    for field in fields {
        let world = World::new(Delays::real());
        let (mut tenant, hands) = made(&world).await;
        before(&world, field).await;
        tenant.edit(edit_of(field));
        let digest = assert_held(&world, &mut tenant, &hands, field).await;
        for other in digests.last().map(String::as_str).into_iter().chain(["0123456789"]) {
            tenant.approve(other);
            assert_eq!(assert_held(&world, &mut tenant, &hands, field).await, digest, "approved was {other}");
        }
        tenant.approve(&digest);
        assert_stopped_for(&world, &mut tenant, &hands, field).await;
        assert!(digests.insert(digest), "{field}: every plan has a digest of its own");
        // Approved was this plan. The next one is asked for again.
        world.simulator.clear_log();
        tenant.edit(|object| notebook(object).instance_type = Some("ml.t3.xlarge".into()));
        assert_held(&world, &mut tenant, &hands, "instanceType").await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_field_that_stops_a_notebook_is_changed_at_once_where_that_is_allowed() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    for field in fields(&world.check(&mut tenant).await, Takes::Stopped) {
        let world = World::new(Delays::real());
        let allow: Edit = |object| object.spec.disruption.stop_notebooks = Permission::Allow;
        let (mut tenant, hands) = made_with(&world, allow).await;
        before(&world, field).await;
        tenant.edit(edit_of(field));
        assert_stopped_for(&world, &mut tenant, &hands, field).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_notebook_is_never_stopped_for_what_aws_cannot_change() {
    let edits: [(&str, Edit); 4] = [
        ("kmsKeyId", |object| {
            let key = "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555";
            notebook(object).kms_key_id = Some(key.into());
        }),
        ("subnet", |object| {
            let mut other = object.spec.network.subnets[0].clone();
            (other.name, other.cidr_block) = ("b".into(), Some("10.0.2.0/24".into()));
            object.spec.network.subnets.push(other);
            notebook(object).subnet = Some("b".into());
        }),
        ("directInternetAccess", |_| {}),
        ("securityGroups", |_| {}),
    ];
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    let fixed: BTreeSet<&str> = fields(&world.check(&mut tenant).await, Takes::Replace).into_iter().collect();
    assert_eq!(fixed, edits.iter().map(|(field, _)| *field).collect());
    for (field, edit) in edits {
        let world = World::new(Delays::real());
        let (mut tenant, hands) = made_with(&world, |object| {
            object.spec.disruption.stop_notebooks = Permission::Allow;
            object.spec.disruption.replace = Permission::Approve;
        })
        .await;
        sagemaker(&world, |state| {
            let notebook = state.notebook_mut(NAME).expect("the notebook");
            match field {
                "directInternetAccess" => notebook.direct_internet_access = "Enabled".into(),
                "securityGroups" => notebook.groups = vec!["sg-0aaaaaaaaaaaaaaaa".into()],
                _ => {}
            }
        });
        tokio::time::sleep(A_WHILE).await;
        tenant.edit(edit);
        let visit = visits(&world, &mut tenant).await;
        assert_eq!(touched(&world), Vec::<String>::new(), "{field}");
        assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
        assert!(
            visit.report.next_steps.iter().any(|step| step.contains(field)),
            "{field}: {:?}",
            visit.report.next_steps
        );
        assert!(visit.plan.held.iter().any(|held| held.hold == Hold::Immutable), "{field}");
        let stalled = stalled(&visit.report);
        assert!(stalled.starts_with("ImmutableField ") && stalled.contains(field), "{stalled}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_left_the_list_waits_for_its_approval_and_everything_it_needs_waits_with_it() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tenant.edit(|object| object.spec.notebooks.clear());
    let digest = assert_held(&world, &mut tenant, &hands, "delete").await;
    assert_eq!(world.writes(), Vec::<String>::new(), "its scripts stay as well");
    tenant.edit(|object| object.spec.disruption.stop_notebooks = Permission::Allow);
    assert_eq!(assert_held(&world, &mut tenant, &hands, "delete").await, digest, "to stop is not to delete");
    tenant.approve(&digest);
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(touched(&world), ["StopNotebookInstance", "DeleteNotebookInstance"]);
    assert_eq!(hands.notebook_status(NAME).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_left_the_list_is_deleted_at_once_where_that_is_allowed() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    tenant.edit(|object| {
        object.spec.disruption.delete_notebooks = Permission::Allow;
        object.spec.notebooks.clear();
    });
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(touched(&world), ["StopNotebookInstance", "DeleteNotebookInstance"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_approved_together_is_carried_out_to_its_end_although_one_is_done_before_the_other() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| {
        let mut second = object.spec.notebooks[0].clone();
        second.name = "second".into();
        object.spec.notebooks.push(second);
    })
    .await;
    tenant.edit(|object| {
        object.spec.notebooks.pop();
        notebook(object).instance_type = Some("ml.t3.large".into());
    });
    let visit = visits(&world, &mut tenant).await;
    assert_eq!(touched(&world), Vec::<String>::new());
    tenant.approve(&visit.report.approval.expect("a digest"));
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(hands.notebook_status("second").await, None);
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("InService"));
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_was_left_in_place_does_not_delete_a_notebook_that_came_later() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let listed = tenant.object.spec.notebooks.clone();
    tenant.edit(|object| object.spec.notebooks.clear());
    let digest = assert_held(&world, &mut tenant, &hands, "delete").await;
    tenant.approve(&digest);
    assert_ready(&world.settle(&mut tenant).await.report);
    tenant.edit(|object| object.spec.notebooks = listed);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.simulator.clear_log();
    tenant.edit(|object| object.spec.notebooks.clear());
    assert_ne!(assert_held(&world, &mut tenant, &hands, "delete").await, digest, "it is another one of the same name");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_once_more_is_asked_for_once_more() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let mut approvals = BTreeSet::new();
    for _ in 0..2 {
        world.simulator.clear_log();
        sagemaker(&world, |state| {
            state.notebook_mut(NAME).expect("the notebook").configuration.instance_type = "ml.t3.large".into();
        });
        tokio::time::sleep(A_WHILE).await;
        let digest = assert_held(&world, &mut tenant, &hands, "instanceType").await;
        tenant.approve(&digest);
        assert_ready(&world.settle(&mut tenant).await.report);
        assert!(approvals.insert(digest), "the value to approve is another one");
    }
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_not_for_a_plan_that_has_more_steps_than_were_shown() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tenant.edit(edit_of("instanceType"));
    let digest = assert_held(&world, &mut tenant, &hands, "instanceType").await;
    tenant.edit(edit_of("volumeSizeGiB"));
    tenant.approve(&digest);
    assert_ne!(assert_held(&world, &mut tenant, &hands, "volumeSizeGiB").await, digest);
}

#[tokio::test(start_paused = true)]
async fn a_role_stays_as_long_as_a_notebook_that_may_not_be_stopped_has_it() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let role = tenant.environment().role_arn();
    let role = role.rsplit('/').next().expect("a name").to_owned();
    tenant.edit(edit_of("roleArn"));
    let digest = assert_held(&world, &mut tenant, &hands, "roleArn").await;
    assert!(hands.iam.get_role().role_name(&role).send().await.is_ok(), "the notebook works with it");
    tenant.approve(&digest);
    assert_ready(&world.settle(&mut tenant).await.report);
    assert!(hands.iam.get_role().role_name(&role).send().await.is_err(), "nobody needs it any more");
}

/// The endpoint policies that are about single roles.
async fn endpoint_policies(world: &World) -> Vec<String> {
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await);
    let endpoints = ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints.unwrap_or_default();
    let policies = endpoints.into_iter().filter_map(|endpoint| endpoint.policy_document);
    policies.filter(|policy| policy.contains("aws:PrincipalArn")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_endpoints_let_a_notebook_through_with_the_role_that_it_has_until_it_has_another_one() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let before = tenant.environment().role_arn();
    tenant.edit(edit_of("roleArn"));
    let after = tenant.environment().role_arn();
    let digest = assert_held(&world, &mut tenant, &hands, "roleArn").await;
    let policies = endpoint_policies(&world).await;
    assert!(policies.len() >= 3, "{policies:?}");
    for policy in policies {
        assert!(policy.contains(&before) && policy.contains(&after), "{policy}");
    }
    tenant.approve(&digest);
    assert_ready(&world.settle(&mut tenant).await.report);
    for policy in endpoint_policies(&world).await {
        assert!(!policy.contains(&before) && policy.contains(&after), "{policy}");
    }
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_somebody_gave_a_notebook_is_let_through_nowhere() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    sagemaker(&world, |state| {
        let notebook = state.notebook_mut(NAME).expect("the notebook");
        notebook.configuration.role_arn = format!("arn:aws:iam::{ACCOUNT}:role/stranger");
    });
    tokio::time::sleep(A_WHILE).await;
    let visit = visits(&world, &mut tenant).await;
    assert!(visit.report.drift.iter().any(|drift| drift.path == "roleArn"), "{:?}", visit.report.drift);
    for policy in endpoint_policies(&world).await {
        assert!(!policy.contains("stranger"), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_the_manifest_keeps_stopped_is_changed_and_stays_stopped() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| notebook(object).state = Some(NotebookState::Stopped)).await;
    tenant.edit(edit_of("instanceType"));
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(touched(&world), ["UpdateNotebookInstance"]);
    assert_eq!(hands.notebook_status(NAME).await.as_deref(), Some("Stopped"));
}

#[tokio::test(start_paused = true)]
async fn a_notebook_that_somebody_deleted_is_made_again_and_none_is_ever_deleted_to_be_made_again() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| {
        object.spec.disruption.stop_notebooks = Permission::Allow;
        object.spec.disruption.delete_notebooks = Permission::Allow;
    })
    .await;
    sagemaker(&world, |state| {
        state.notebook_mut(NAME).expect("the notebook").direct_internet_access = "Enabled".into();
    });
    tokio::time::sleep(A_WHILE).await;
    visits(&world, &mut tenant).await;
    assert_eq!(touched(&world), Vec::<String>::new(), "its volume holds people's work");
    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NAME).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(5)).await;
    hands.sagemaker.delete_notebook_instance().notebook_instance_name(NAME).send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.simulator.clear_log();
    tenant.edit(|_| {});
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(touched(&world), ["CreateNotebookInstance"]);
}
