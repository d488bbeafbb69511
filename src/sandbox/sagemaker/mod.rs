//! SageMaker's notebook instances and lifecycle configurations (protocol JSON 1.1).
//! Studio exists only as far as asking for it and being told that there is none.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeNotebookInstance.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::clock::Instant;
use crate::sandbox::wire::{Call, Refusal, Reply, unknown_operation};
use crate::sandbox::world::{Region, World};

mod access;
mod create;
mod instance_type;
mod lifecycle;
mod list;
mod notebook;
mod rules;
mod tags;
#[cfg(test)]
mod tests;
mod transition;
mod update;
mod wish;

pub use lifecycle::Lifecycle;
pub use notebook::{Configuration, Ending, Notebook, Status, Transition};

/// What SageMaker keeps for one account and region.
#[derive(Debug, Clone, Default)]
pub struct State {
    notebooks: BTreeMap<String, Notebook>,
    lifecycles: BTreeMap<String, Lifecycle>,
    failing_starts: BTreeMap<String, String>,
    lost_starts: BTreeSet<String>,
    instance_quotas: BTreeMap<String, usize>,
    tags_per_page: Option<usize>,
}

impl State {
    /// Lets the next start of a notebook, the first included, end in `Failed` for this reason.
    pub fn fail_next_start(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.failing_starts.insert(name.into(), reason.into());
    }

    /// Lets the next `StartNotebookInstance` be answered as usual and have no effect.
    pub fn lose_next_start(&mut self, name: impl Into<String>) {
        self.lost_starts.insert(name.into());
    }

    /// Limits how many notebooks of one instance type may run; without a limit only the total counts.
    pub fn limit_instance_type(&mut self, instance_type: impl Into<String>, count: usize) {
        self.instance_quotas.insert(instance_type.into(), count);
    }

    /// Lets `ListTags` give fewer tags at once than it is asked for, as any list of AWS may.
    pub fn limit_tag_pages(&mut self, tags: usize) {
        self.tags_per_page = Some(tags);
    }

    /// A notebook, for a test that looks at it or tampers with it.
    pub fn notebook_mut(&mut self, name: &str) -> Option<&mut Notebook> {
        self.notebooks.get_mut(name)
    }

    /// A lifecycle configuration, for a test that looks at it or tampers with it.
    pub fn lifecycle_mut(&mut self, name: &str) -> Option<&mut Lifecycle> {
        self.lifecycles.get_mut(name)
    }

    /// Lets end what was due by now.
    pub fn settle(&mut self, now: Instant) {
        self.notebooks.retain(|_, notebook| notebook.settle(now));
    }

    fn notebook(&mut self, name: &str) -> Result<&mut Notebook, Refusal> {
        self.notebooks.get_mut(name).ok_or_else(rules::not_found)
    }
}

/// Answers one SageMaker call.
///
/// # Errors
/// The refusal that AWS would answer with.
pub fn handle(world: &mut World, call: &Call) -> Reply {
    region(world, call).sagemaker.settle(call.now);
    match call.operation.as_str() {
        "CreateNotebookInstance" => create::create(world, call),
        "DescribeNotebookInstance" => list::describe(world, call),
        "ListNotebookInstances" => list::list(world, call),
        "UpdateNotebookInstance" => update::update(world, call),
        "StartNotebookInstance" => transition::start(world, call),
        "StopNotebookInstance" => transition::stop(world, call),
        "DeleteNotebookInstance" => transition::delete(world, call),
        "CreatePresignedNotebookInstanceUrl" => transition::presign(world, call),
        "CreateNotebookInstanceLifecycleConfig" => lifecycle::create(world, call),
        "DescribeNotebookInstanceLifecycleConfig" => lifecycle::describe(world, call),
        "UpdateNotebookInstanceLifecycleConfig" => lifecycle::update(world, call),
        "DeleteNotebookInstanceLifecycleConfig" => lifecycle::delete(world, call),
        "ListNotebookInstanceLifecycleConfigs" => lifecycle::list(world, call),
        "AddTags" => tags::add(world, call),
        "DeleteTags" => tags::delete(world, call),
        "ListTags" => tags::list(world, call),
        "ListDomains" => list::list_domains(call),
        "DescribeDomain" => Err(list::no_domain(call)),
        unknown => Err(unknown_operation(call.service, unknown)),
    }
}

/// The region the call goes to.
fn region<'w>(world: &'w mut World, call: &Call) -> &'w mut Region {
    world.account(&call.account).region(&call.region)
}
