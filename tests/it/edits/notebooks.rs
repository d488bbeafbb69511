//! Edits of `spec.notebooks`, and approvals of what they interrupt.

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Disruption, Lifecycle, Notebook, NotebookState, Permission, RootAccess},
    },
    sandbox::world::Delays,
};

use super::{as_in_the_example, begin, differences, held, may_stop, row, sorted};
use crate::{
    hands::Hands,
    world::{World, assert_ready},
};

fn may_delete(object: &mut IsolatedNotebookEnvironment) {
    second_notebook(object);
    object.spec.disruption = Disruption { delete_notebooks: Permission::Allow, ..Disruption::default() };
}

fn second_notebook(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks.push(Notebook {
        name: "second".into(),
        instance_type: Some("ml.t3.medium".into()),
        ..Notebook::default()
    });
}

fn without_second_notebook(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks.truncate(1);
}

fn stopped(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks[0].state = Some(NotebookState::Stopped);
}

fn larger(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks[0].volume_size_gib = Some(40);
}

fn larger_and_faster_and_rooted(object: &mut IsolatedNotebookEnvironment) {
    larger(object);
    object.spec.notebooks[0].instance_type = Some("ml.t3.large".into());
    object.spec.notebooks[0].root_access = Some(RootAccess::Enabled);
}

/// A note that the notebook is to be started again, and its removal, are the price of surviving a restart in between.
const STOPPED_AND_STARTED: &[&str] =
    &["AddTags", "DeleteTags", "StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance"];

#[tokio::test(start_paused = true)]
async fn edits_of_the_notebooks_take_the_fewest_calls() {
    let rows = [
        held("volumeSizeGiB asks", as_in_the_example, larger),
        row("volumeSizeGiB", may_stop, larger, STOPPED_AND_STARTED),
        row("three fields at one stop", may_stop, larger_and_faster_and_rooted, STOPPED_AND_STARTED),
        row("volumeSizeGiB of a stopped one", stopped, larger, &["UpdateNotebookInstance"]),
        held("rootAccess asks", as_in_the_example, |object| {
            object.spec.notebooks[0].root_access = Some(RootAccess::Enabled);
        }),
        held("minimumIMDSVersion asks", as_in_the_example, |object| {
            object.spec.notebooks[0].minimum_imds_version = Some(1);
        }),
        row(
            "lifecycle.onStart",
            as_in_the_example,
            |object| {
                let lifecycle = Lifecycle { on_start: Some("echo hello".into()), ..Lifecycle::default() };
                object.spec.notebooks[0].lifecycle = Some(lifecycle);
            },
            &["UpdateNotebookInstanceLifecycleConfig"],
        ),
        row("state Stopped", as_in_the_example, stopped, &["StopNotebookInstance"]),
        row(
            "state Running",
            stopped,
            |object| object.spec.notebooks[0].state = Some(NotebookState::Running),
            &["StartNotebookInstance"],
        ),
        row(
            "notebook added",
            as_in_the_example,
            second_notebook,
            &[
                "CreateNotebookInstance",
                "CreateNotebookInstanceLifecycleConfig",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
        row(
            "notebook removed",
            may_delete,
            without_second_notebook,
            &[
                "DeleteNotebookInstance",
                "DeleteNotebookInstanceLifecycleConfig",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "StopNotebookInstance",
            ],
        ),
    ];
    // A volume does not get smaller again: every row has a world of its own.
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(differences("closed-network.yaml", &[row]).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_removed_notebook_and_its_script_wait_for_an_approval() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "closed-network.yaml").await;
    tenant.edit(second_notebook);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.simulator.clear_log();
    tenant.edit(without_second_notebook);
    let visit = world.settle(&mut tenant).await;
    let approval = visit.report.approval.expect("something to approve");
    assert_eq!(sorted(&world), Vec::<String>::new(), "what it needs stays as it was");
    tenant.approve(&approval);
    assert_ready(&world.settle(&mut tenant).await.report);
    let writes = world.writes();
    let closed = writes.iter().position(|operation| operation == "ModifyVpcEndpoint");
    let deleted = writes.iter().position(|operation| operation == "DeleteNotebookInstance");
    assert!(deleted.is_some() && closed > deleted, "the way to it is closed once it is gone: {writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_approval_of_what_is_shown_carries_it_out_once() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "closed-network.yaml").await;
    tenant.edit(larger);
    let visit = world.settle(&mut tenant).await;
    tenant.approve(&visit.report.approval.expect("something to approve"));
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(sorted(&world), STOPPED_AND_STARTED);
    assert_eq!(Hands::on(&world).notebook_status("Test-Notebook-Instance").await.as_deref(), Some("InService"));
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}
