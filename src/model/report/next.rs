//! When to look again: what moves, what is stuck, and what only waits behind that.

use std::collections::BTreeSet;

use super::{Next, State};
use crate::model::{
    address::Address,
    plan::Plan,
    port::{Outcome, Outcomes, Problem},
    resource::Wanted,
};

/// When to look again. What moves is looked at soon, whatever else is stuck; but what only waits for its turn behind something stuck does
/// not move.
pub(super) fn next(states: &[(&Wanted, State)], plan: &Plan, outcomes: &Outcomes, stuck: &BTreeSet<Address>) -> Next {
    let left_over = left_over(states, plan, outcomes);
    let of_states = states.iter().filter_map(|(_, state)| match state {
        State::Blocked(problem) | State::Unclear(problem) => Some(problem.class),
        State::Ready | State::Moving(_) => None,
    });
    let of_left_over = left_over.iter().filter_map(|(_, problem)| problem.map(|problem| problem.class));
    let worst = of_states.chain(of_left_over).min();
    match worst {
        _ if anything_moves(states, &left_over, stuck) => Next::Poll,
        Some(class) => Next::Retry(class),
        None if plan.steps.is_empty() => Next::Check,
        None => Next::Poll,
    }
}

/// Whether something is on its way that does not only wait behind something stuck.
pub(super) fn anything_moves(
    states: &[(&Wanted, State)],
    left_over: &[(&Address, Option<&Problem>)],
    stuck: &BTreeSet<Address>,
) -> bool {
    let free = |address: &Address| !stuck.contains(address);
    states.iter().any(|(wanted, state)| matches!(state, State::Moving(_)) && free(&wanted.address))
        || left_over.iter().any(|(address, problem)| problem.is_none() && free(address))
}

/// Everything that is stuck, and everything whose turn comes only after that.
pub(super) fn stuck(states: &[(&Wanted, State)], plan: &Plan, outcomes: &Outcomes) -> BTreeSet<Address> {
    let of_states = states.iter().filter(|(_, state)| matches!(state, State::Blocked(_) | State::Unclear(_)));
    let mut stuck: BTreeSet<Address> = of_states.map(|(wanted, _)| wanted.address.clone()).collect();
    let failed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    stuck.extend(failed.map(|(address, _)| address.clone()));
    loop {
        let waits = |address: &Address| matches!(outcomes.get(address), Some(Outcome::Waiting(_)));
        let behind = plan
            .steps
            .iter()
            .filter(|(address, step)| waits(address) && !stuck.contains(*address) && !step.after.is_disjoint(&stuck));
        let behind: Vec<Address> = behind.map(|(address, _)| address.clone()).collect();
        if behind.is_empty() {
            return stuck;
        }
        stuck.extend(behind);
    }
}

/// What is not wanted any more and is to go, with what keeps it from going.
pub(super) fn left_over<'a>(
    states: &[(&Wanted, State)],
    plan: &'a Plan,
    outcomes: &'a Outcomes,
) -> Vec<(&'a Address, Option<&'a Problem>)> {
    let spare = plan.steps.keys().filter(|address| states.iter().all(|(wanted, _)| wanted.address != **address));
    let failed = |address: &Address| match outcomes.get(address) {
        Some(Outcome::Failed(problem)) => Some(problem),
        Some(Outcome::Done | Outcome::Started(_) | Outcome::Waiting(_)) | None => None,
    };
    spare.map(|address| (address, failed(address))).collect()
}
