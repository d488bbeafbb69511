//! Edits of tags, and of how we behave.

use cloister::kubernetes::api::{
    IsolatedNotebookEnvironment,
    environment::{DeletionPolicy, Management},
};

use super::{are_carried_out, as_in_the_example, may_stop, row};

/// Every resource that has tags, once.
pub const EVERY_TAG: &[&str] = &[
    "AddTags",
    "AddTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "CreateTags",
    "TagResource",
    "TagResource",
    "TagResource",
    "TagRole",
];

pub fn costs(object: &mut IsolatedNotebookEnvironment) {
    object.spec.tags.insert("cost-centre".into(), "4711".into());
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_one_call_for_each_resource() {
    let rows = [row("tag added", as_in_the_example, costs, EVERY_TAG)];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn what_only_changes_how_we_behave_calls_nothing() {
    let rows = [
        row("driftCheckInterval", as_in_the_example, |object| object.spec.drift_check_interval = "10m".into(), &[]),
        row("deletionPolicy", as_in_the_example, |object| object.spec.deletion_policy = DeletionPolicy::Retain, &[]),
        row("deletionProtection", as_in_the_example, |object| object.spec.deletion_protection = true, &[]),
        row("paused", as_in_the_example, |object| object.spec.paused = true, &[]),
        row("management", as_in_the_example, |object| object.spec.management = Management::Observe, &[]),
        row("disruption", as_in_the_example, may_stop, &[]),
        row(
            "clientCIDRs in another order",
            |object| object.spec.network.client_cidrs = vec!["192.168.0.0/16".into(), "172.16.0.0/16".into()],
            |object| object.spec.network.client_cidrs.reverse(),
            &[],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}
