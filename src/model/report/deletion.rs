//! What is to be said while an environment is being deleted: what is waited for, and whether somebody has to help.

use std::collections::BTreeSet;

use super::{DETAILS, Fact, Next, Report, Truth, conditions, ids, problems, queued, written};
use crate::model::{
    address::{Address, Kind},
    plan::{Plan, Step},
    port::{Observation, Outcome, Outcomes, Problem},
    value::bounded,
};

/// What is to be said while an environment is being deleted.
#[must_use]
pub fn report_deletion(observation: &Observation, plan: &Plan, outcomes: &Outcomes) -> Report {
    let problem = first_problem(plan, outcomes);
    let mut waits: Vec<String> = Vec::new();
    let mut behind = 0;
    for (address, step) in &plan.steps {
        match outcomes.get(address) {
            Some(Outcome::Waiting(_)) if step.after.iter().any(|before| !is_done(outcomes, before)) => {
                // What only waits for its turn is counted; what is waited for in the first place is named.
                behind += 1;
            }
            Some(Outcome::Started(what) | Outcome::Waiting(what)) => {
                waits.push(format!("{address} ({}): {what}", step.id.as_deref().unwrap_or("-")));
            }
            Some(Outcome::Failed(problem)) => waits.push(problem.to_string()),
            Some(Outcome::Done) | None => {}
        }
    }
    waits.extend(plan.waiting.iter().map(|(address, what)| format!("{address}: {what}")));
    waits.extend(plan.problems.iter().map(ToString::to_string));
    if behind > 0 {
        waits.push(format!("then {behind} more"));
    }
    let anything = !plan.steps.is_empty() || !plan.waiting.is_empty() || !plan.problems.is_empty();
    let stalled = problem.as_ref().is_some_and(|problem| problem.class.needs_person());
    let message = if waits.is_empty() {
        "deleting in AWS".to_owned()
    } else {
        bounded(&format!("waits for {}", waits.join("; ")), 1024)
    };
    let fact = |name, truth, reason: &str| Fact { name, truth, reason: reason.to_owned(), message: message.clone() };
    let reason = problem.as_ref().map_or("Deleting", |problem| problem.reason.as_str());
    let truth = |value: bool| if value { Truth::True } else { Truth::False };
    let mut facts = vec![
        fact(conditions::READY, Truth::False, "Deleting"),
        fact(conditions::RECONCILING, truth(!stalled), "Deleting"),
        fact(conditions::STALLED, truth(stalled), reason),
    ];
    facts.extend(DETAILS.iter().map(|name| fact(name, Truth::Unknown, "Deleting")));
    // What moves is looked at soon, whatever else is stuck.
    let moving = !plan.waiting.is_empty() || plan.steps.values().any(|step| moves(step, outcomes));
    let next = match problem {
        _ if !anything => Next::Gone,
        _ if moving => Next::Poll,
        Some(problem) if problem.class.needs_person() => Next::Retry(problem.class),
        _ => Next::Poll,
    };
    // What only waits for its turn need not be looked at until then.
    let first = plan.steps.values().filter(|step| step.after.iter().all(|before| is_done(outcomes, before)));
    let first = first.map(|step| &step.address);
    let left: BTreeSet<Kind> = first.chain(plan.waiting.keys()).map(|address| address.kind).collect();
    Report {
        facts,
        ids: ids(observation),
        waiting_for: left,
        written: written(plan, outcomes),
        problems: problems(plan, outcomes).cloned().collect(),
        queued: queued(outcomes),
        next,
        ..Report::default()
    }
}

/// Whether AWS is at a step, or its turn comes without anybody's doing.
fn moves(step: &Step, outcomes: &Outcomes) -> bool {
    match outcomes.get(&step.address) {
        Some(Outcome::Started(_)) => true,
        Some(Outcome::Waiting(_)) => step.after.iter().all(|before| is_done(outcomes, before)),
        Some(Outcome::Done | Outcome::Failed(_)) | None => false,
    }
}

fn is_done(outcomes: &Outcomes, address: &Address) -> bool {
    matches!(outcomes.get(address), Some(Outcome::Done))
}

fn first_problem(plan: &Plan, outcomes: &Outcomes) -> Option<Problem> {
    let all: Vec<&Problem> = problems(plan, outcomes).collect();
    all.iter().find(|problem| problem.class.needs_person()).or_else(|| all.first()).map(|problem| (*problem).clone())
}
