//! The planner: from what is wanted and what was seen to steps with reasons. Pure and total; decides everything, does nothing.
//!
//! Observe mode, a pause and missing approvals do not have code paths of their own: they are reasons for which a step is held.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    address::{Address, Kind},
    adoption::{self, Refusal},
    diff::{DriftKind, FieldDiff, compare},
    environment::{Environment, Part, Rules},
    existing,
    graph::{blockers, gone_before},
    leaving::still_in_use,
    order::{WAYS, interrupts_packages, widen_before_use},
    owner::{OWN_TAG_KEYS, Ownership},
    port::{ErrorClass, Observation, Problem},
    resource::{Change, Management, Phase, Remedy, Seen, Severity, Sight, Wanted},
    surroundings::strangers,
    value::{Value, Wish},
};

pub use super::step::{Held, Hold, Step, Verb};

/// What is done about a deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is corrected now.
    Correct,
    /// It is corrected once somebody lets us.
    Held,
    /// It is named, nothing more.
    Report,
}

/// One deviation of what exists from what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Of which resource.
    pub address: Address,
    /// Its id.
    pub id: String,
    /// Where, what was wanted, what was found.
    pub path: String,
    /// In which way.
    pub kind: DriftKind,
    /// What was wanted.
    pub desired: Option<String>,
    /// What was found.
    pub observed: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is done about it.
    pub action: Action,
}

/// What to do about an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps to carry out.
    pub steps: BTreeMap<Address, Step>,
    /// The steps that are held.
    pub held: Vec<Held>,
    /// How what exists deviates.
    pub drift: Vec<Drift>,
    /// What AWS is busy with, and what is waited for.
    pub waiting: BTreeMap<Address, String>,
    /// What keeps the environment from being as asked.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// The digests of the held steps that a person can approve; the value of the approval annotation.
    #[must_use]
    pub fn approval(&self) -> Option<String> {
        let digests: Vec<String> = self.approvable().into_iter().collect();
        (!digests.is_empty()).then(|| digests.join("-"))
    }

    /// Whether this approval is for all held steps that can be approved, and for no other plan. What was approved together is done one by one: what
    /// is done already need not be held any more.
    fn is_approved_by(&self, approval: &str) -> bool {
        let approved: BTreeSet<&str> = approval.split('-').map(str::trim).collect();
        self.approvable().iter().all(|digest| approved.contains(digest.as_str()))
    }

    fn approvable(&self) -> BTreeSet<String> {
        self.held.iter().filter(|held| held.hold.can_be_approved()).map(|held| held.step.digest()).collect()
    }

    /// Whether there is nothing to do and nothing to wait for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.held.is_empty() && self.waiting.is_empty() && self.problems.is_empty()
    }
}

/// What to do so that everything wanted is there as wanted, and nothing that was wanted once is left.
#[must_use]
pub fn plan(environment: &Environment, observation: &Observation, remembered: &BTreeMap<Address, String>) -> Plan {
    let mut planner = Planner { environment, observation, remembered, refusals: Vec::new(), plan: Plan::default() };
    for wanted in &observation.wanted {
        planner.consider(wanted);
    }
    planner.tell_what_is_refused();
    planner.remove_what_is_not_wanted();
    planner.report_findings();
    let mut plan = planner.plan;
    widen_before_use(&mut plan, &observation.wanted);
    hold_back(&mut plan, &environment.rules);
    plan
}

/// What to do so that nothing of the owner's is left: everything deleted, or (`retain`) everything released.
#[must_use]
pub fn plan_deletion(observation: &Observation, retain: bool) -> Plan {
    let ours: Vec<&Seen> = observation.sights.values().filter_map(Sight::seen).filter(|seen| is_ours(seen)).collect();
    let mut plan = Plan::default();
    for seen in &ours {
        // What is retained keeps its tags but ours; the rules of a group have none of their own to lose.
        let verb = if retain { Verb::Release } else { Verb::Delete };
        let after = if retain { BTreeSet::new() } else { blockers(seen, ours.iter().copied()) };
        let step = Step { address: seen.address.clone(), verb, id: Some(seen.id.clone()), diffs: Vec::new(), after };
        if retain && seen.tags.keys().all(|key| !OWN_TAG_KEYS.contains(&key.as_str())) {
            continue;
        }
        plan.steps.insert(seen.address.clone(), step);
    }
    for (address, sight) in &observation.sights {
        match sight {
            Sight::Unknown(problem) => plan.problems.push(problem.clone().about(address)),
            Sight::Unsettled { id } => {
                plan.waiting.insert(address.clone(), format!("{id} was created a moment ago and is not visible yet"));
            }
            Sight::Absent | Sight::Present(_) => {}
        }
    }
    plan
}

fn is_ours(seen: &Seen) -> bool {
    matches!(seen.ownership, Ownership::Ours | Ownership::Earlier)
}

struct Planner<'a> {
    environment: &'a Environment,
    observation: &'a Observation,
    remembered: &'a BTreeMap<Address, String>,
    refusals: Vec<Refusal>,
    plan: Plan,
}

impl Planner<'_> {
    fn consider(&mut self, wanted: &Wanted) {
        match self.observation.sights.get(&wanted.address) {
            None | Some(Sight::Absent) => self.consider_absent(wanted),
            Some(Sight::Unsettled { id }) => {
                let why = format!("{id} was created a moment ago and is not visible yet");
                self.plan.waiting.insert(wanted.address.clone(), why);
            }
            Some(Sight::Unknown(problem)) => self.plan.problems.push(problem.clone().about(&wanted.address)),
            Some(Sight::Present(seen)) => self.consider_present(wanted, seen),
        }
    }

    fn consider_absent(&mut self, wanted: &Wanted) {
        if let Management::Existing(id) | Management::Addition(id) = &wanted.management {
            self.plan.problems.push(existing::not_found(self.environment, &wanted.address, id));
            return;
        }
        if let Some(problem) = adoption::missing(self.environment, wanted, self.remembered.get(&wanted.address)) {
            self.plan.problems.push(problem);
            return;
        }
        if let Some(id) = self.remembered.get(&wanted.address) {
            self.plan.drift.push(Drift {
                address: wanted.address.clone(),
                id: id.clone(),
                path: String::new(),
                kind: DriftKind::Missing,
                desired: Some("present".into()),
                observed: None,
                severity: Severity::High,
                action: Action::Correct,
            });
        }
        let step = Step {
            address: wanted.address.clone(),
            verb: Verb::Create,
            id: None,
            diffs: Vec::new(),
            after: self.unmet(&wanted.needs),
        };
        self.add(step);
    }

    fn consider_present(&mut self, wanted: &Wanted, seen: &Seen) {
        let diffs = compare(wanted, seen);
        let verb = match &wanted.management {
            Management::Existing(_) if is_ours(seen) => return self.release(wanted, seen, diffs),
            Management::Existing(_) => return self.report(wanted, seen, diffs),
            Management::Owned if !is_ours(seen) => return self.take_over(wanted, seen, diffs),
            Management::Addition(_) | Management::Owned => Verb::Update,
        };
        match &seen.phase {
            Phase::Progressing(why) => {
                self.plan.waiting.insert(wanted.address.clone(), why.clone());
                return;
            }
            Phase::Deleting => {
                self.plan.waiting.insert(wanted.address.clone(), format!("{} is being deleted by somebody", seen.id));
                return;
            }
            Phase::Failed { reason, remedy: Remedy::Person } => {
                let message = format!("{} failed: {reason}", seen.id);
                self.plan
                    .problems
                    .push(Problem::new(ErrorClass::Invalid, message).because("ResourceFailed").about(&wanted.address));
            }
            Phase::Failed { remedy: Remedy::Recreate, .. } => {
                self.add(step(seen, Verb::Delete, Vec::new()));
                return;
            }
            Phase::Failed { remedy: Remedy::Update, .. } => {
                self.add(step(seen, verb, diffs));
                return;
            }
            Phase::Ready => {}
        }
        self.correct(wanted, seen, verb, diffs);
    }

    /// Sort deviations by what correcting them takes.
    fn correct(&mut self, wanted: &Wanted, seen: &Seen, verb: Verb, diffs: Vec<FieldDiff>) {
        let swaps = interrupts_packages(wanted, seen);
        let (swapped, diffs): (Vec<_>, Vec<_>) =
            diffs.into_iter().partition(|diff| swaps && WAYS.contains(&diff.field));
        if !swapped.is_empty() {
            for diff in &swapped {
                self.note(wanted, seen, diff, Action::Held);
            }
            self.plan.held.push(Held { step: step(seen, verb, swapped), hold: Hold::InterruptsPackages });
        }
        let mut now = Vec::new();
        let (mut stopped, mut fixed) = (Vec::new(), Vec::new());
        for diff in diffs {
            match diff.change {
                Change::Live => now.push(diff),
                Change::Stopped => stopped.push(diff),
                Change::Replace => fixed.push(diff),
                Change::Report => self.note(wanted, seen, &diff, Action::Report),
            }
        }
        for diff in &fixed {
            self.note(wanted, seen, diff, Action::Held);
        }
        if !fixed.is_empty() {
            let paths: Vec<_> = fixed.iter().map(|diff| diff.path.as_str()).collect();
            let message =
                format!("AWS cannot change {} of {}; {}", paths.join(", "), seen.id, Hold::Immutable.way_out());
            self.plan
                .problems
                .push(Problem::new(ErrorClass::Invalid, message).because("ImmutableField").about(&wanted.address));
            let correction = step(seen, Verb::Update, fixed);
            self.plan.held.push(Held { step: correction, hold: Hold::Immutable });
        }
        if !stopped.is_empty() {
            if self.environment.rules.may_stop_notebooks || is_stopped(seen) {
                now.append(&mut stopped);
            } else {
                for diff in &stopped {
                    self.note(wanted, seen, diff, Action::Held);
                }
                // What can be changed at once goes along when the notebook is stopped anyway.
                let correction = step(seen, verb, stopped);
                self.plan.held.push(Held { step: correction, hold: Hold::StopsNotebook });
            }
        }
        for diff in &now {
            self.note(wanted, seen, diff, Action::Correct);
        }
        if !now.is_empty() || verb == Verb::Adopt {
            self.add(step(seen, verb, now));
        }
    }

    fn report(&mut self, wanted: &Wanted, seen: &Seen, diffs: Vec<FieldDiff>) {
        for diff in diffs {
            self.note(wanted, seen, &diff, Action::Report);
        }
        match &seen.phase {
            Phase::Progressing(why) => {
                self.plan.waiting.insert(wanted.address.clone(), why.clone());
            }
            Phase::Deleting => {
                self.plan.waiting.insert(wanted.address.clone(), format!("{} is being deleted by its owner", seen.id));
            }
            Phase::Failed { reason, .. } => {
                let message = format!("{} failed: {reason}; it is not ours to repair", seen.id);
                self.plan
                    .problems
                    .push(Problem::new(ErrorClass::Invalid, message).because("ResourceFailed").about(&wanted.address));
            }
            Phase::Ready => {}
        }
    }

    /// Something stands where ours should be. It gets our tags if that is permitted and it fits; what deviates is corrected once it is ours.
    fn take_over(&mut self, wanted: &Wanted, seen: &Seen, diffs: Vec<FieldDiff>) {
        if wanted.address.kind == Kind::SecurityGroupRules {
            return self.follow_the_group(wanted, seen, diffs);
        }
        let known = self.remembered.get(&wanted.address) == Some(&seen.id);
        if let Err(refusal) = adoption::weigh(self.environment, wanted, seen, &diffs, known) {
            self.refusals.push(*refusal);
            return;
        }
        if seen.phase == Phase::Deleting {
            self.plan.waiting.insert(wanted.address.clone(), format!("{} is being deleted by somebody", seen.id));
            return;
        }
        self.adopt(wanted, seen, diffs, BTreeSet::new());
    }

    fn adopt(&mut self, wanted: &Wanted, seen: &Seen, diffs: Vec<FieldDiff>, after: BTreeSet<Address>) {
        for diff in &diffs {
            self.note(wanted, seen, diff, if diff.change == Change::Report { Action::Report } else { Action::Correct });
        }
        self.add(Step { after, ..step(seen, Verb::Adopt, diffs) });
    }

    /// Rules carry no owner tags of their own: they are whose their group is.
    fn follow_the_group(&mut self, wanted: &Wanted, seen: &Seen, diffs: Vec<FieldDiff>) {
        let group = Address::new(Kind::SecurityGroup, wanted.address.name.clone());
        if self.plan.steps.get(&group).is_some_and(|step| step.verb == Verb::Adopt) {
            self.adopt(wanted, seen, diffs, BTreeSet::from([group]));
        } else {
            let message = format!("the group {} is not ours: see {group}", seen.id);
            self.plan.problems.push(Problem::new(ErrorClass::Exists, message).about(&wanted.address));
        }
    }

    /// What was ours and is wanted as existing: our tags go, everything else stays as it is.
    fn release(&mut self, wanted: &Wanted, seen: &Seen, diffs: Vec<FieldDiff>) {
        let tagged = seen.tags.keys().any(|key| OWN_TAG_KEYS.contains(&key.as_str()));
        if tagged && seen.phase != Phase::Deleting {
            self.add(step(seen, Verb::Release, Vec::new()));
        }
        self.report(wanted, seen, diffs);
    }

    /// What is in the way, each with the line that takes it over.
    fn tell_what_is_refused(&mut self) {
        let refusals = std::mem::take(&mut self.refusals);
        let all: Vec<_> = refusals.iter().filter_map(|refusal| refusal.candidate.clone()).collect();
        let ours = |address: &Address| self.observation.sights.get(address).and_then(Sight::seen).is_some_and(is_ours);
        let pending = self.environment.rules.adopt.without(ours);
        for Refusal { mut problem, candidate } in refusals {
            if let Some(candidate) = candidate {
                let how = adoption::instructions(&self.environment.owner, &pending, &candidate, &all);
                problem.message = format!("{}; {how}", problem.message);
            }
            self.plan.problems.push(problem);
        }
    }

    /// What carries our tags and is not wanted (any more).
    fn remove_what_is_not_wanted(&mut self) {
        let wanted: BTreeSet<&Address> = self.observation.wanted.iter().map(|wanted| &wanted.address).collect();
        let spare = self
            .observation
            .sights
            .values()
            .filter_map(Sight::seen)
            .filter(|seen| is_ours(seen) && !wanted.contains(&seen.address));
        let spare: Vec<&Seen> = spare.collect();
        let in_use = still_in_use(self.environment, &self.observation.sights);
        for seen in spare.iter().filter(|seen| !in_use.contains(&seen.address)) {
            if seen.phase == Phase::Deleting {
                self.plan.waiting.insert(seen.address.clone(), format!("{} is being deleted", seen.id));
            }
            if self.is_in_use_for_now(seen) {
                continue;
            }
            let mut after = blockers(seen, spare.iter().copied());
            // What stays may still hold on to it and lets go in this plan, or once its step is not held any more.
            let kept = self.plan.held.iter().filter(|held| held.keeps(seen.address.kind)).map(|held| &held.step);
            let steps = self.plan.steps.values().chain(kept);
            let holders = steps.filter(|step| gone_before(seen.address.kind).contains(&step.address.kind));
            after.extend(holders.map(|step| step.address.clone()));
            let step = if self.is_given_away(seen) {
                step(seen, Verb::Release, Vec::new())
            } else {
                Step { after, ..step(seen, Verb::Delete, Vec::new()) }
            };
            self.add(step);
        }
        self.keep_what_held_things_need(in_use);
    }

    /// Whether a notebook that is on its way may still have it: what it has instead is seen once it has come to rest.
    fn is_in_use_for_now(&self, seen: &Seen) -> bool {
        let moving = |kind: Kind| self.plan.waiting.keys().any(|address| address.kind == kind);
        matches!(seen.address.kind, Kind::Role | Kind::Policy) && moving(Kind::NotebookInstance)
    }

    /// Whether something of ours that is not wanted any more serves something that was ours and is wanted as existing. It stays with that.
    fn is_given_away(&self, seen: &Seen) -> bool {
        let existing = |address: &Address| {
            let mut wanted = self.observation.wanted.iter().filter(|wanted| wanted.address == *address);
            wanted.find_map(|wanted| match &wanted.management {
                Management::Existing(id) => Some(id.clone()),
                Management::Owned | Management::Addition(_) => None,
            })
        };
        let Address { kind, name } = &seen.address;
        match kind {
            Kind::Vpc => existing(&Address::new(*kind, name.split('#').next().unwrap_or(name))).is_some(),
            Kind::LifecycleConfiguration => existing(&Address::new(Kind::NotebookInstance, name)).is_some(),
            Kind::RouteTable => {
                let subnets = self.observation.wanted.iter().filter(|wanted| wanted.address.kind == Kind::Subnet);
                let theirs: BTreeSet<String> = subnets.filter_map(|subnet| existing(&subnet.address)).collect();
                set_of(seen, "associations").iter().any(|subnet| theirs.contains(subnet))
            }
            _ => false,
        }
    }

    /// What goes only after something whose step is held stays as well (the role that a notebook still has), and so does what is in use: nothing is to be
    /// waited for, and nothing to be approved twice.
    fn keep_what_held_things_need(&mut self, in_use: BTreeSet<Address>) {
        let held =
            self.plan.held.iter().filter(|held| held.step.verb == Verb::Delete || held.hold == Hold::StopsNotebook);
        let mut staying: BTreeSet<Address> = held.map(|held| held.step.address.clone()).collect();
        staying.extend(in_use);
        loop {
            let before = staying.len();
            let needed = |step: &Step| step.verb == Verb::Delete && !step.after.is_disjoint(&staying);
            let more: Vec<Address> =
                self.plan.steps.values().filter(|step| needed(step)).map(|step| step.address.clone()).collect();
            for address in more {
                self.plan.steps.remove(&address);
                staying.insert(address);
            }
            if staying.len() == before {
                return;
            }
        }
    }

    fn report_findings(&mut self) {
        self.plan.drift.extend(strangers(self.environment, self.observation));
        for seen in self.observation.sights.values().filter_map(Sight::seen) {
            for finding in &seen.findings {
                self.plan.drift.push(Drift {
                    address: seen.address.clone(),
                    id: seen.id.clone(),
                    path: finding.field.clone(),
                    kind: DriftKind::Unexpected,
                    desired: None,
                    observed: Some(finding.observed.clone()),
                    severity: finding.severity,
                    action: Action::Report,
                });
            }
        }
    }

    /// The needs that this plan must meet first. What exists is met, unless it is somebody else's thing in the place of ours: nothing is built
    /// on that. What cannot be seen is left to fail by itself.
    fn unmet(&self, needs: &[Address]) -> BTreeSet<Address> {
        let owned = |need: &Address| {
            let mut wanted = self.observation.wanted.iter();
            wanted.any(|wanted| wanted.address == *need && wanted.management == Management::Owned)
        };
        let met = |need: &Address| {
            let seen = self.observation.sights.get(need).and_then(Sight::seen);
            seen.is_some_and(|seen| is_ours(seen) || !owned(need))
        };
        needs.iter().filter(|need| !met(need)).cloned().collect()
    }

    /// Add a step, unless something forbids it whatever the rules say.
    fn add(&mut self, step: Step) {
        let network = &self.environment.network;
        let foreign_vpc = matches!(network.vpc, Part::Existing(_));
        let wide = step.address.kind == Kind::VpcEndpoint && matches!(step.verb, Verb::Create | Verb::Delete);
        if wide && foreign_vpc && !network.acknowledge_vpc_wide {
            let message = format!("{step}: {}", Hold::VpcWide.way_out());
            let problem = Problem::new(ErrorClass::Invalid, message).because("AcknowledgementRequired");
            self.plan.problems.push(problem.about(&step.address));
            self.plan.held.push(Held { step, hold: Hold::VpcWide });
            return;
        }
        let deletes_notebook = step.address.kind == Kind::NotebookInstance && step.verb == Verb::Delete;
        if deletes_notebook && !self.environment.rules.may_delete_notebooks {
            self.plan.held.push(Held { step, hold: Hold::DeletesNotebook });
            return;
        }
        self.plan.steps.insert(step.address.clone(), step);
    }

    fn note(&mut self, wanted: &Wanted, seen: &Seen, diff: &FieldDiff, action: Action) {
        self.plan.drift.push(Drift {
            address: wanted.address.clone(),
            id: seen.id.clone(),
            path: diff.path.clone(),
            kind: diff.kind,
            desired: diff.desired.clone(),
            observed: diff.observed.clone(),
            severity: diff.severity,
            action,
        });
    }
}

fn step(seen: &Seen, verb: Verb, diffs: Vec<FieldDiff>) -> Step {
    Step { address: seen.address.clone(), verb, id: Some(seen.id.clone()), diffs, after: BTreeSet::new() }
}

/// A field that is a set, as it was seen.
fn set_of(seen: &Seen, name: &str) -> BTreeSet<String> {
    let field = seen.state.fields().into_iter().find(|field| field.name == name);
    match field.map(|field| field.value) {
        Some(Wish::Is(Value::Set(values))) => values,
        _ => BTreeSet::new(),
    }
}

/// Whether a notebook is stopped already, so that a change that needs it disturbs nobody.
fn is_stopped(seen: &Seen) -> bool {
    use super::resource::Output;
    seen.outputs.get(&Output::State).is_some_and(|state| state == "Stopped" || state == "Failed")
}

/// Apply the rules as filters: an approval lets held steps pass; Observe mode and a pause hold everything.
fn hold_back(plan: &mut Plan, rules: &Rules) {
    if rules.approved.as_ref().is_some_and(|approval| plan.is_approved_by(approval)) {
        let (approved, held) =
            std::mem::take(&mut plan.held).into_iter().partition::<Vec<_>, _>(|held| held.hold.can_be_approved());
        plan.held = held;
        for Held { step, .. } in approved {
            // A step that is not held for the same resource is carried out together with it.
            let entry =
                plan.steps.entry(step.address.clone()).or_insert_with(|| Step { diffs: Vec::new(), ..step.clone() });
            entry.diffs.extend(step.diffs);
        }
    }
    let hold = match (rules.observe_only, rules.paused) {
        (true, _) => Hold::Observe,
        (false, true) => Hold::Paused,
        (false, false) => return,
    };
    for step in std::mem::take(&mut plan.steps).into_values() {
        plan.held.push(Held { step, hold: hold.clone() });
    }
    for drift in &mut plan.drift {
        if drift.action == Action::Correct {
            drift.action = Action::Held;
        }
    }
}
