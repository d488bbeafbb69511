//! An edit of each field of the manifest that can be changed is carried out by the fewest calls, and by none once it is.
//!
//! Every row lists every write, in alphabetical order: what is not listed may not be called.
#![expect(clippy::large_futures, reason = "a test has room for its whole scenario on the stack")]

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Disruption, Permission},
    },
    sandbox::world::Delays,
};

use crate::world::{Tenant, Visit, World, assert_ready, truth};

mod network;
mod notebooks;
mod packages;
mod role;
mod rules;
mod values;

type Change = fn(&mut IsolatedNotebookEnvironment);

/// One edit of the manifest.
struct Row {
    /// Which one.
    edit: &'static str,
    /// What differs from the example before the edit.
    before: Change,
    /// The edit.
    change: Change,
    /// The writes that carry it out, sorted.
    writes: &'static [&'static str],
    /// The end of it.
    end: End,
}

/// How an edit ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Carried out.
    Ready,
    /// A person is asked first.
    Held,
}

const fn row(edit: &'static str, before: Change, change: Change, writes: &'static [&'static str]) -> Row {
    Row { edit, before, change, writes, end: End::Ready }
}

const fn held(edit: &'static str, before: Change, change: Change) -> Row {
    Row { edit, before, change, writes: &[], end: End::Held }
}

/// Nothing differs from the example.
const fn as_in_the_example(_: &mut IsolatedNotebookEnvironment) {}

/// Carry out every row and name all that differ at once.
async fn are_carried_out(example: &str, rows: &[Row]) {
    let wrong = differences(example, rows).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Carry out the rows one after the other in one world.
async fn differences(example: &str, rows: &[Row]) -> Vec<String> {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, example).await;
    let pristine = tenant.object.clone();
    let mut wrong = Vec::new();
    for row in rows {
        tenant.edit(|object| {
            pristine.clone_into(object);
            (row.before)(object);
        });
        if let Err(why) = truth(&world.settle(&mut tenant).await.report, "Ready") {
            wrong.push(format!("before {}: {why}", row.edit));
        }
        world.check(&mut tenant).await;
        world.simulator.clear_log();
        tenant.edit(row.change);
        let visit = world.settle(&mut tenant).await;
        wrong.extend(judge(&world, &mut tenant, &visit, row).await);
    }
    wrong
}

/// The example's environment, ready.
async fn begin(world: &World, example: &str) -> Tenant {
    let mut tenant = if example == "isolated-sagemaker.yaml" {
        let existing = world.isolated_notebook("us-east-1", 0).await;
        existing.tenant(example, "isolated-sagemaker")
    } else {
        world.with_boundary().await;
        Tenant::of(example, |_| {})
    };
    assert_ready(&world.settle(&mut tenant).await.report);
    world.check(&mut tenant).await;
    world.simulator.clear_log();
    tenant
}

async fn judge(world: &World, tenant: &mut Tenant, visit: &Visit, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let edit = row.edit;
    let writes = sorted(world);
    if writes != row.writes {
        wrong.push(format!("{edit}: expected {:?}, was {writes:?}", row.writes));
    }
    let facts = |visit: &Visit| visit.report.fact("Ready").map(|fact| format!("{} {}", fact.reason, fact.message));
    match row.end {
        End::Ready => {
            if visit.report.fact("Ready").is_none_or(|fact| fact.truth.as_str() != "True") {
                wrong.push(format!("{edit}: {:?}", facts(visit)));
            }
        }
        End::Held => {
            if visit.report.approval.is_none() {
                wrong.push(format!("{edit}: no approval is asked for: {:?}", facts(visit)));
            }
        }
    }
    world.simulator.clear_log();
    let again = world.check(tenant).await;
    let writes = sorted(world);
    if !writes.is_empty() {
        wrong.push(format!("{edit}: the check after it wrote {writes:?}; {:?}", facts(&again)));
    }
    wrong
}

/// The writes, sorted. A deletion that AWS refuses as long as it has not released an interface is asked for again until it has; only the last
/// one counts.
fn sorted(world: &World) -> Vec<String> {
    let refused = |code: &Option<String>| code.as_deref() == Some("DependencyViolation");
    let calls = world.calls().into_iter().filter(|entry| entry.write && !refused(&entry.code));
    let mut writes: Vec<String> = calls.map(|entry| entry.operation).collect();
    writes.sort();
    writes
}

/// Notebooks may be stopped without asking.
fn may_stop(object: &mut IsolatedNotebookEnvironment) {
    object.spec.disruption = Disruption { stop_notebooks: Permission::Allow, ..Disruption::default() };
}
