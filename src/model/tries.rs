//! Corrections that AWS accepts and that change nothing. Pure; kept in memory between visits.
//!
//! What was written is looked at soon, and what still deviates is written again. Where the write has no effect (an endpoint that ignores a field,
//! somebody who changes it back at once) that would go on for ever, at the cost of everybody's share of the account's requests. After a few tries it
//! is said instead, and tried again now and then.

use std::collections::BTreeMap;

use super::{
    address::Address,
    diff::FieldDiff,
    plan::{Plan, Step, Verb},
    port::{ErrorClass, Outcome, Outcomes, Problem},
};

/// How often a correction may be repeated before it is told: what was written may take a while to show.
const PATIENCE: u32 = 6;
/// For how many visits a correction rests, at most, before it is tried again.
const LONGEST_REST: u32 = 3;
/// The reason of such problems.
const NO_EFFECT: &str = "NoEffect";

/// The corrections that were made and not yet seen to have had their effect.
#[derive(Debug, Default)]
pub struct Tries(BTreeMap<Address, Tried>);

#[derive(Debug)]
struct Tried {
    diffs: Vec<FieldDiff>,
    times: u32,
    rests: u32,
}

impl Tries {
    /// Tell the corrections in the plan that were made again and again, and leave out those that rest.
    pub fn weigh(&mut self, plan: &mut Plan) {
        self.0.retain(|address, tried| plan.steps.get(address).is_some_and(|step| step.diffs == tried.diffs));
        for (address, tried) in self.0.iter_mut().filter(|(_, tried)| tried.times >= PATIENCE) {
            if let Some(step) = plan.steps.get(address) {
                plan.problems.push(no_effect(step));
            }
            if tried.rests > 0 {
                tried.rests -= 1;
                plan.steps.remove(address);
            }
        }
    }

    /// Take down which corrections AWS confirmed.
    pub fn did(&mut self, plan: &Plan, outcomes: &Outcomes) {
        let done = plan.steps.values().filter(|step| outcomes.get(&step.address) == Some(&Outcome::Done));
        for step in done.filter(|step| matches!(step.verb, Verb::Update | Verb::Adopt)) {
            let first = || Tried { diffs: step.diffs.clone(), times: 0, rests: 0 };
            let tried = self.0.entry(step.address.clone()).or_insert_with(first);
            tried.times = tried.times.saturating_add(1);
            tried.rests = tried.times.saturating_sub(PATIENCE - 1).min(LONGEST_REST);
        }
    }
}

fn no_effect(step: &Step) -> Problem {
    let message = format!(
        "AWS accepted this again and again, and nothing changed: {step}. The endpoint ignores it, or somebody changes it back at once; \
         it is tried again now and then"
    );
    Problem::new(ErrorClass::Invalid, message).because(NO_EFFECT).about(&step.address)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{
        address::Kind,
        diff::DriftKind,
        resource::{Change, Severity},
    };

    fn plan(observed: &str) -> Plan {
        let address = Address::new(Kind::Vpc, "main");
        let diff = FieldDiff {
            path: "field".into(),
            field: "field",
            kind: DriftKind::Changed,
            desired: Some("a".into()),
            observed: Some(observed.into()),
            change: Change::Live,
            severity: Severity::Medium,
        };
        let step =
            Step { address: address.clone(), verb: Verb::Update, id: None, diffs: vec![diff], after: BTreeSet::new() };
        Plan { steps: BTreeMap::from([(address, step)]), ..Plan::default() }
    }

    /// Visits at which the write was made, of `visits` that all see the same.
    fn written(tries: &mut Tries, visits: u32) -> Vec<u32> {
        let visit = |number: &u32| {
            let mut plan = plan("b");
            tries.weigh(&mut plan);
            let outcomes: Outcomes = plan.steps.keys().map(|address| (address.clone(), Outcome::Done)).collect();
            tries.did(&plan, &outcomes);
            assert_eq!(plan.problems.is_empty(), *number < PATIENCE, "visit {number}");
            !plan.steps.is_empty()
        };
        (0..visits).filter(visit).collect()
    }

    #[test]
    fn what_has_no_effect_is_told_and_tried_more_and_more_seldom() {
        assert_eq!(written(&mut Tries::default(), 20), [0, 1, 2, 3, 4, 5, 7, 10, 14, 18]);
    }

    #[test]
    fn a_deviation_that_changes_is_corrected_at_once() {
        let mut tries = Tries::default();
        written(&mut tries, 8);
        let mut plan = plan("c");
        tries.weigh(&mut plan);
        assert_eq!((plan.steps.len(), plan.problems.len()), (1, 0));
    }

    #[test]
    fn what_was_seen_as_asked_once_is_as_new() {
        let mut tries = Tries::default();
        written(&mut tries, 8);
        tries.weigh(&mut Plan::default());
        assert_eq!(written(&mut tries, 3), [0, 1, 2]);
    }
}
