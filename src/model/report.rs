//! The report: from what was seen, planned and done to what users read. Pure; status, Events, metrics and the command line all show this.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    address::{Address, Kind},
    controls::{Control, controls},
    environment::Environment,
    existing,
    isolation::isolated,
    permissions::{access_restricted, permissions_ready},
    plan::{Action, Drift, Hold, Plan, Verb},
    port::{ErrorClass, Observation, Outcome, Outcomes, Problem},
    reachability::network_ready,
    resource::{Management, Phase, Sight, Wanted},
    services::Service,
    value::bounded,
};

mod deletion;
mod next;
mod parts;

pub use deletion::report_deletion;
use next::{anything_moves, left_over, next, stuck};
use parts::{declared, endpoints, ids, notebooks};

/// The condition types, in the order of the status.
pub mod conditions {
    /// Everything asked for exists and is in the asked state.
    pub const READY: &str = "Ready";
    /// Work is going on (kstatus).
    pub const RECONCILING: &str = "Reconciling";
    /// It will not get further without a person (kstatus).
    pub const STALLED: &str = "Stalled";
    /// Nothing deviates.
    pub const IN_SYNC: &str = "InSync";
    /// Nothing lets the notebooks out.
    pub const ISOLATED: &str = "Isolated";
    /// The network is as asked and usable.
    pub const NETWORK_READY: &str = "NetworkReady";
    /// The policies let the notebooks install.
    pub const PERMISSIONS_READY: &str = "PermissionsReady";
    /// Domain and repositories are as asked.
    pub const PACKAGES_READY: &str = "PackagesReady";
    /// The notebooks are as asked.
    pub const NOTEBOOKS_READY: &str = "NotebooksReady";
    /// Presigned URLs are restricted.
    pub const ACCESS_RESTRICTED: &str = "AccessRestricted";
}

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be seen.
    Unknown,
}

impl Truth {
    /// As conditions spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One condition, without the times that the status adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its type.
    pub name: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// Why, in one CamelCase word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// When to look again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Next {
    /// Soon: something is on its way.
    Poll,
    /// After a backoff that fits the class of what went wrong.
    Retry(ErrorClass),
    /// At the next periodic check.
    #[default]
    Check,
    /// Never: nothing is left.
    Gone,
}

/// What is known about an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointReport {
    /// Of which service.
    pub service: Service,
    /// Its id.
    pub id: Option<String>,
    /// Its state as AWS spells it.
    pub state: Option<String>,
    /// Its DNS name.
    pub dns_name: Option<String>,
    /// Whether it can be used.
    pub available: bool,
}

/// What is known about a notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotebookReport {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: Option<String>,
    /// Its state as AWS spells it.
    pub state: Option<String>,
    /// Whether a changed start script waits for the next start.
    pub restart_pending: bool,
    /// Whether it is as asked.
    pub ready: bool,
}

/// Everything that users read about an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The conditions.
    pub facts: Vec<Fact>,
    /// The deviations, worst first.
    pub drift: Vec<Drift>,
    /// What would be done, but is held.
    pub next_steps: Vec<String>,
    /// The value of the approval annotation that lets the held steps pass.
    pub approval: Option<String>,
    /// The ids of everything that exists.
    pub ids: BTreeMap<Address, String>,
    /// Those of them that the manifest declares as existing.
    pub declared: BTreeSet<Address>,
    /// How many resources are wanted.
    pub total: usize,
    /// How many of them are as wanted.
    pub ready: usize,
    /// The endpoints.
    pub endpoints: Vec<EndpointReport>,
    /// The notebooks.
    pub notebooks: Vec<NotebookReport>,
    /// The controls of Security Hub that apply.
    pub controls: Vec<Control>,
    /// The kinds that are being waited for.
    pub waiting_for: BTreeSet<Kind>,
    /// The steps that were carried out, or begun, in this visit.
    pub written: BTreeMap<Address, Verb>,
    /// What did not work in this visit, or could not be seen.
    pub problems: Vec<Problem>,
    /// How many steps wait for their turn.
    pub queued: usize,
    /// When to look again.
    pub next: Next,
}

impl Report {
    /// A condition of the report.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.name == name)
    }
}

/// A report when nothing could be looked at: no identity, no credentials, an invalid manifest.
#[must_use]
pub fn report_blocked(problem: &Problem) -> Report {
    let stalled = problem.class.needs_person();
    let message = bounded(&problem.to_string(), 1024);
    let fact = |name, truth| Fact { name, truth, reason: problem.reason.clone(), message: message.clone() };
    let mut facts = vec![
        fact(conditions::READY, if stalled { Truth::False } else { Truth::Unknown }),
        fact(conditions::RECONCILING, if stalled { Truth::False } else { Truth::True }),
        fact(conditions::STALLED, if stalled { Truth::True } else { Truth::False }),
    ];
    facts.extend(DETAILS.iter().map(|name| fact(name, Truth::Unknown)));
    Report { facts, problems: vec![problem.clone()], next: Next::Retry(problem.class), ..Report::default() }
}

/// The conditions besides the three that kstatus reads.
const DETAILS: [&str; 7] = [
    conditions::IN_SYNC,
    conditions::ISOLATED,
    conditions::NETWORK_READY,
    conditions::PERMISSIONS_READY,
    conditions::PACKAGES_READY,
    conditions::NOTEBOOKS_READY,
    conditions::ACCESS_RESTRICTED,
];

/// What is to be said about an environment that is wanted.
#[must_use]
pub fn report(environment: &Environment, observation: &Observation, plan: &Plan, outcomes: &Outcomes) -> Report {
    let view = View { observation, plan, outcomes };
    let states: Vec<(&Wanted, State)> =
        observation.wanted.iter().map(|wanted| (wanted, view.state_of(wanted))).collect();
    let ready = states.iter().filter(|(_, state)| matches!(state, State::Ready)).count();
    let mut drift = plan.drift.clone();
    drift.sort_by(|one, other| {
        (one.severity, &one.address, &one.path).cmp(&(other.severity, &other.address, &other.path))
    });
    let stuck = stuck(&states, plan, outcomes);
    let mut facts = summary(&states, plan, outcomes, &stuck);
    if environment.rules.paused {
        say_paused(&mut facts);
    }
    facts.push(in_sync(&drift, observation));
    facts.push(isolated(environment, observation));
    let network = group(conditions::NETWORK_READY, &states, |kind| kind <= Kind::VpcEndpoint);
    facts.push(network_ready(environment, observation, network));
    facts.push(permissions_ready(environment, observation));
    facts.push(group(conditions::PACKAGES_READY, &states, |kind| matches!(kind, Kind::Domain | Kind::Repository)));
    facts.push(group(conditions::NOTEBOOKS_READY, &states, |kind| {
        matches!(kind, Kind::NotebookInstance | Kind::LifecycleConfiguration)
    }));
    facts.push(access_restricted());
    Report {
        next: next(&states, plan, outcomes, &stuck),
        facts,
        drift,
        next_steps: plan
            .held
            .iter()
            .map(|held| bounded(&format!("{} ({})", held.step, held.hold.way_out()), 1024))
            .collect(),
        approval: plan.approval(),
        ids: ids(observation),
        declared: &declared(observation) & &ids(observation).into_keys().collect(),
        total: states.len(),
        ready,
        endpoints: endpoints(environment, observation, &states),
        notebooks: notebooks(environment, observation, &states),
        controls: controls(environment, observation),
        waiting_for: waiting_for(&states, outcomes),
        written: written(plan, outcomes),
        problems: problems(plan, outcomes).cloned().collect(),
        queued: queued(outcomes),
    }
}

/// The steps that were carried out or begun.
fn written(plan: &Plan, outcomes: &Outcomes) -> BTreeMap<Address, Verb> {
    let done = |address: &Address| matches!(outcomes.get(address), Some(Outcome::Done | Outcome::Started(_)));
    let steps = plan.steps.iter().filter(|(address, _)| done(address));
    steps.map(|(address, step)| (address.clone(), step.verb)).collect()
}

fn queued(outcomes: &Outcomes) -> usize {
    outcomes.values().filter(|outcome| matches!(outcome, Outcome::Waiting(_))).count()
}

/// How far a wanted resource is.
enum State {
    Ready,
    /// On its way; what is waited for.
    Moving(String),
    /// Somebody has to do something.
    Blocked(Problem),
    /// It cannot be seen, or a fault will pass.
    Unclear(Problem),
}

struct View<'a> {
    observation: &'a Observation,
    plan: &'a Plan,
    outcomes: &'a Outcomes,
}

impl View<'_> {
    fn state_of(&self, wanted: &Wanted) -> State {
        let address = &wanted.address;
        if let Some(problem) = self.plan.problems.iter().find(|problem| problem.address.as_ref() == Some(address)) {
            return if problem.class.needs_person() {
                State::Blocked(problem.clone())
            } else {
                State::Unclear(problem.clone())
            };
        }
        if let Some(outcome) = self.outcomes.get(address) {
            return match outcome {
                Outcome::Done => State::Moving("written, not seen yet".into()),
                Outcome::Started(what) | Outcome::Waiting(what) => State::Moving(what.clone()),
                Outcome::Failed(problem) if problem.class.needs_person() => State::Blocked(problem.clone()),
                Outcome::Failed(problem) => State::Unclear(problem.clone()),
            };
        }
        if let Some(what) = self.plan.waiting.get(address) {
            return State::Moving(what.clone());
        }
        if let Some(held) = self.plan.held.iter().find(|held| held.step.address == *address) {
            let message = format!("{}: {}", held.step, held.hold.way_out());
            return State::Blocked(Problem::new(ErrorClass::Invalid, message).because(held.hold.reason()));
        }
        let reported = self.plan.drift.iter().find(|drift| {
            drift.address == *address
                && drift.action == Action::Report
                && matches!(wanted.management, Management::Existing(_))
                // What nobody asked for is worth a word, not a stop.
                && drift.desired.is_some()
        });
        if let Some(drift) = reported {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
            let message = format!(
                "{} has {} {}, needed is {}; it exists and is not ours to change",
                drift.id,
                drift.path,
                side(&drift.observed),
                side(&drift.desired)
            );
            return State::Blocked(
                Problem::new(ErrorClass::Invalid, message).because("ExistingDiffers").about(address),
            );
        }
        match self.observation.sights.get(address).and_then(Sight::seen) {
            Some(seen) if seen.phase == Phase::Ready => State::Ready,
            _ => State::Moving("not seen yet".into()),
        }
    }
}

fn problems<'a>(plan: &'a Plan, outcomes: &'a Outcomes) -> impl Iterator<Item = &'a Problem> {
    let failed = outcomes.values().filter_map(|outcome| match outcome {
        Outcome::Failed(problem) => Some(problem),
        Outcome::Done | Outcome::Started(_) | Outcome::Waiting(_) => None,
    });
    plan.problems.iter().chain(failed)
}

/// Ready, Reconciling, Stalled: one contract for kstatus, Flux, Argo CD and `kubectl wait`.
fn summary(states: &[(&Wanted, State)], plan: &Plan, outcomes: &Outcomes, stuck: &BTreeSet<Address>) -> Vec<Fact> {
    let blocked = || {
        states.iter().filter_map(|(_, state)| match state {
            State::Blocked(problem) => Some(problem),
            State::Ready | State::Moving(_) | State::Unclear(_) => None,
        })
    };
    // What is missing comes first: it is why AWS refuses what refers to it.
    let blocked = blocked().find(|problem| problem.reason == existing::NOT_FOUND).or_else(|| blocked().next()).cloned();
    let unclear = states.iter().find_map(|(_, state)| match state {
        State::Unclear(problem) => Some(problem.clone()),
        State::Ready | State::Moving(_) | State::Blocked(_) => None,
    });
    let left_over = left_over(states, plan, outcomes);
    let failed = |person: bool| {
        let mut problems = left_over.iter().filter_map(|(_, problem)| *problem);
        problems.find(|problem| problem.class.needs_person() == person).cloned()
    };
    let blocked = blocked.or_else(|| failed(true));
    let unclear = unclear.or_else(|| failed(false));
    let spare: Vec<String> =
        left_over.iter().filter(|(_, problem)| problem.is_none()).map(|(address, _)| address.to_string()).collect();
    let held_spare = plan.held.iter().find(|held| states.iter().all(|(wanted, _)| wanted.address != held.step.address));
    let mut moving: Vec<String> = states
        .iter()
        .filter_map(|(wanted, state)| match state {
            State::Moving(what) => Some(format!("{} ({what})", wanted.address)),
            State::Ready | State::Blocked(_) | State::Unclear(_) => None,
        })
        .collect();
    moving.extend(spare.iter().map(|address| format!("{address} (being removed)")));
    let truth = |value: bool| if value { Truth::True } else { Truth::False };
    let fact = |name, truth, reason: &str, message: &str| Fact {
        name,
        truth,
        reason: reason.to_owned(),
        message: bounded(message, 1024),
    };
    let working = anything_moves(states, &left_over, stuck) || unclear.is_some();
    let ready = match (&blocked, &unclear, moving.first(), held_spare) {
        (Some(problem), ..) => fact(conditions::READY, Truth::False, &problem.reason, &problem.to_string()),
        (None, Some(problem), ..) => fact(conditions::READY, Truth::Unknown, &problem.reason, &problem.to_string()),
        (None, None, Some(_), _) => fact(conditions::READY, Truth::False, "Progressing", &waits(&moving)),
        (None, None, None, Some(held)) => fact(
            conditions::READY,
            Truth::False,
            held.hold.reason(),
            &format!("{}: {}", held.step, held.hold.way_out()),
        ),
        (None, None, None, None) => {
            fact(conditions::READY, Truth::True, "AsAsked", "everything asked for exists and is in the asked state")
        }
    };
    let reconciling = if working {
        let reason = unclear.as_ref().map_or("Progressing", |problem| problem.reason.as_str());
        let message = unclear.as_ref().map_or_else(|| waits(&moving), ToString::to_string);
        fact(conditions::RECONCILING, Truth::True, reason, &message)
    } else if !moving.is_empty() {
        let message = format!("waits for what is stalled: {}", moving.join(", "));
        fact(conditions::RECONCILING, Truth::False, "Stalled", &message)
    } else {
        fact(conditions::RECONCILING, Truth::False, "Idle", "nothing is going on")
    };
    let stalled = match (&blocked, held_spare) {
        (Some(problem), _) => fact(conditions::STALLED, Truth::True, &problem.reason, &problem.to_string()),
        (None, Some(held)) => fact(
            conditions::STALLED,
            Truth::True,
            held.hold.reason(),
            &format!("{}: {}", held.step, held.hold.way_out()),
        ),
        (None, None) => fact(conditions::STALLED, truth(false), "NotStalled", "no person is needed"),
    };
    vec![ready, reconciling, stalled]
}

/// While paused nothing goes on, whatever there is to do; that is said even when there is nothing to do.
fn say_paused(facts: &mut [Fact]) {
    if let Some(fact) = facts.iter_mut().find(|fact| fact.name == conditions::RECONCILING) {
        fact.truth = Truth::False;
        fact.reason = Hold::Paused.reason().into();
        fact.message = "`spec.paused` is true: AWS is looked at and not written to".into();
    }
}

fn waits(moving: &[String]) -> String {
    format!("waits for {}", moving.join(", "))
}

fn in_sync(drift: &[Drift], observation: &Observation) -> Fact {
    let mut sights = observation.sights.values();
    let unseen = sights.find_map(|sight| match sight {
        Sight::Unknown(problem) => Some(problem),
        Sight::Absent | Sight::Unsettled { .. } | Sight::Unlisted { .. } | Sight::Present(_) => None,
    });
    let (truth, reason, message) = match (drift.first(), unseen) {
        (None, Some(problem)) => {
            let message = format!("not everything can be looked at: {}", problem.message);
            (Truth::Unknown, problem.reason.as_str(), bounded(&message, 1024))
        }
        (None, None) => (Truth::True, "InSync", "nothing deviates".to_owned()),
        (Some(first), _) => {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
            let place = if first.path.is_empty() {
                first.address.to_string()
            } else {
                format!("{} {}", first.address, first.path)
            };
            let more = if drift.len() > 1 { format!("; and {} more", drift.len() - 1) } else { String::new() };
            let message = format!("{place}: wanted {}, found {}{more}", side(&first.desired), side(&first.observed));
            (Truth::False, "Drifted", bounded(&message, 1024))
        }
    };
    Fact { name: conditions::IN_SYNC, truth, reason: reason.to_owned(), message }
}

fn group(name: &'static str, states: &[(&Wanted, State)], belongs: impl Fn(Kind) -> bool) -> Fact {
    let members: Vec<_> = states.iter().filter(|(wanted, _)| belongs(wanted.address.kind)).collect();
    let fact = |truth, reason: &str, message: String| Fact {
        name,
        truth,
        reason: reason.to_owned(),
        message: bounded(&message, 1024),
    };
    for (_, state) in &members {
        if let State::Blocked(problem) = state {
            return fact(Truth::False, &problem.reason, problem.to_string());
        }
    }
    for (_, state) in &members {
        if let State::Unclear(problem) = state {
            return fact(Truth::Unknown, &problem.reason, problem.to_string());
        }
    }
    let moving: Vec<_> = members
        .iter()
        .filter_map(|(wanted, state)| match state {
            State::Moving(what) => Some(format!("{} ({what})", wanted.address)),
            State::Ready | State::Blocked(_) | State::Unclear(_) => None,
        })
        .collect();
    if moving.is_empty() {
        fact(Truth::True, "AsAsked", format!("{} of {} as asked", members.len(), members.len()))
    } else {
        fact(Truth::False, "Progressing", waits(&moving))
    }
}

fn waiting_for(states: &[(&Wanted, State)], outcomes: &Outcomes) -> BTreeSet<Kind> {
    let moving =
        states.iter().filter(|(_, state)| matches!(state, State::Moving(_))).map(|(wanted, _)| wanted.address.kind);
    moving.chain(outcomes.keys().map(|address| address.kind)).collect()
}
