//! Which deviations are drift, and which are an edit of the manifest on its way. Pure; kept in memory between visits and never needed to
//! decide what is done.
//!
//! Of every resource this remembers what was asked of it when it was last seen as asked, and whatever was asked since. What deviates from all of
//! these was changed by somebody else: drift. What deviates only from the newest wish is a change that the manifest's author made.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    address::{Address, Kind},
    diff::compare,
    environment::Rules,
    owner::Ownership,
    plan::{Action, Drift, Plan, Verb},
    port::{Observation, Outcome, Outcomes},
    resource::{Change, Management, Phase, Sight, Wanted},
};

/// How many wishes are remembered of one resource that is never as asked.
const WISHES: usize = 16;

/// What was asked of an environment's resources.
#[derive(Debug, Default)]
pub struct Asked {
    /// Whether anything was looked at yet in the life of this process.
    begun: bool,
    /// By resource: the wish at which it was last seen as asked, then every wish since.
    wishes: BTreeMap<Address, Vec<Wanted>>,
    /// Resources that this controller is working on in several steps (stop, change, start), which look like deviations themselves.
    busy: BTreeSet<Address>,
    /// The drift of the last look.
    open: Vec<Drift>,
}

/// What the status remembers of the time before this process.
#[derive(Debug, Default)]
pub struct Told {
    /// The kinds of which everything was seen as this very manifest asks.
    pub as_asked: BTreeSet<Kind>,
    /// The drift that is told as still there: resource and path.
    pub drift: BTreeSet<(String, String)>,
}

impl Asked {
    /// Leave in the plan's drift what is drift, and keep there what could not be looked at again.
    pub fn sort_out(&mut self, observation: &Observation, plan: &mut Plan, rules: &Rules, told: &Told) {
        if !self.begun {
            let known = observation.wanted.iter().filter(|wanted| told.as_asked.contains(&wanted.address.kind));
            self.wishes = known.map(|wanted| (wanted.address.clone(), vec![wanted.clone()])).collect();
        }
        self.begun = true;
        // An environment that only looks has nothing on its way: all that deviates is drift.
        if !rules.observe_only {
            plan.drift.retain(|drift| {
                drift.action == Action::Report
                    || drift.address.spare_of().is_some()
                    || told.drift.contains(&(drift.address.to_string(), drift.path.clone()))
                    || self.is_foreign(drift, observation)
            });
        }
        self.keep_what_is_out_of_sight(observation, plan);
        self.open.clone_from(&plan.drift);
        self.remember(observation);
    }

    /// What this controller took away itself is not missed, and what it is working on looks as it does because of that.
    pub fn did(&mut self, plan: &Plan, outcomes: &Outcomes) {
        for (address, step) in &plan.steps {
            match (step.verb, outcomes.get(address)) {
                (Verb::Delete, Some(Outcome::Done | Outcome::Started(_))) => {
                    self.wishes.remove(address);
                }
                (Verb::Update | Verb::Adopt, Some(Outcome::Started(_))) => {
                    self.busy.insert(address.clone());
                }
                _ => {}
            }
        }
    }

    /// Whether a deviation is one from everything that was asked since the resource was last as asked.
    fn is_foreign(&self, drift: &Drift, observation: &Observation) -> bool {
        let Some(wishes) = self.wishes.get(&drift.address) else { return false };
        let same = |other: &Drift| other.address == drift.address && other.path == drift.path;
        if self.busy.contains(&drift.address) && !self.open.iter().any(same) {
            return false;
        }
        match observation.sights.get(&drift.address) {
            Some(Sight::Present(seen)) => {
                wishes.iter().all(|wish| compare(wish, seen).iter().any(|diff| diff.path == drift.path))
            }
            None | Some(Sight::Absent | Sight::Unsettled { .. } | Sight::Unlisted { .. } | Sight::Unknown(_)) => true,
        }
    }

    /// Drift of what cannot be looked at just now, or of what AWS is still busy with, has not gone.
    fn keep_what_is_out_of_sight(&self, observation: &Observation, plan: &mut Plan) {
        for drift in &self.open {
            let hidden = match observation.sights.get(&drift.address) {
                Some(Sight::Unknown(_) | Sight::Unsettled { .. } | Sight::Unlisted { .. }) => true,
                Some(Sight::Present(seen)) => matches!(seen.phase, Phase::Progressing(_)),
                Some(Sight::Absent) | None => false,
            };
            let same = |other: &Drift| other.address == drift.address && other.path == drift.path;
            if hidden && !plan.drift.iter().any(same) {
                plan.drift.push(drift.clone());
            }
        }
    }

    fn remember(&mut self, observation: &Observation) {
        self.wishes.retain(|address, _| observation.wanted.iter().any(|wanted| wanted.address == *address));
        for wanted in &observation.wanted {
            if is_as_asked(wanted, observation) {
                self.busy.remove(&wanted.address);
                self.wishes.insert(wanted.address.clone(), vec![wanted.clone()]);
            } else if let Some(wishes) = self.wishes.get_mut(&wanted.address)
                && !wishes.iter().any(|wish| is_same(wish, wanted))
            {
                if wishes.len() == WISHES {
                    wishes.remove(1);
                }
                wishes.push(wanted.clone());
            }
        }
    }
}

fn is_as_asked(wanted: &Wanted, observation: &Observation) -> bool {
    let Some(seen) = observation.sights.get(&wanted.address).and_then(Sight::seen) else { return false };
    let ours = wanted.management != Management::Owned || matches!(seen.ownership, Ownership::Ours | Ownership::Earlier);
    ours && seen.phase == Phase::Ready && compare(wanted, seen).iter().all(|diff| diff.change == Change::Report)
}

fn is_same(one: &Wanted, other: &Wanted) -> bool {
    one.tags == other.tags && one.management == other.management && one.state.fields() == other.state.fields()
}
