//! What `cloister plan` and `cloister drift` say: one document, made from what the planner and the report say, and printed as text or JSON.
//!
//! Pure: nothing is looked at, decided or coloured here. What a step is held for and what deviates has been decided in `crate::model`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{
    address::Address,
    diff::{DriftKind, FieldDiff},
    owner::{Ownership, TAG_PREFIX},
    plan::{Action, Drift, Hold, Plan, Step, Verb},
    port::{Observation, Problem},
    report::{Fact, Report, Truth, conditions},
    resource::{Field, Phase, Seen, Severity, Sight, Wanted},
    value::{Value, Wish},
};

mod disruption;
pub mod text;

use disruption::disruption;
pub use disruption::{Neighbours, endpoints_come_or_go_among_others};

/// The version of the JSON. Fields may be added to it; a field that goes or changes its meaning makes another version.
pub const VERSION: &str = "cli.cloister.dev/v1";

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Question {
    /// What would be done?
    Plan,
    /// What is out of line now?
    Drift,
}

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// Nothing is to be done; nothing is out of line.
    Nothing,
    /// Something would be done; something is out of line.
    Changes,
    /// A person is needed, or not everything could be looked at.
    Blocked,
}

impl Verdict {
    /// What the process ends with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Changes => 2,
            Self::Blocked => 1,
        }
    }
}

/// Everything that a command says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    api_version: &'static str,
    kind: Question,
    /// The worst of the environments.
    pub result: Verdict,
    exit_code: u8,
    environments: Vec<Review>,
}

impl Document {
    /// What is to be said about these environments.
    #[must_use]
    pub fn new(question: Question, environments: Vec<Review>) -> Self {
        let result = environments.iter().map(|review| review.result).max().unwrap_or(Verdict::Nothing);
        Self { api_version: VERSION, kind: question, result, exit_code: result.exit_code(), environments }
    }
}

/// What is to be said about one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    region: String,
    /// What was not known and taken for granted.
    assumptions: Vec<String>,
    result: Verdict,
    summary: Summary,
    /// The value of the approval annotation that lets the held steps pass which can be approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    steps: Vec<StepView>,
    waiting: Vec<WaitView>,
    problems: Vec<ProblemView>,
    drift: Vec<DriftView>,
    verdicts: Vec<FactView>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    adopt: usize,
    release: usize,
    /// How many of all these are held.
    held: usize,
    waiting: usize,
    problems: usize,
    drift: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepView {
    /// Steps of the same number go side by side; a step goes when those that it comes after are done.
    order: usize,
    action: &'static str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    reason: String,
    after: Vec<String>,
    /// What people will notice of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    disruption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HoldView>,
    fields: Vec<FieldView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct HoldView {
    reason: &'static str,
    way_out: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldView {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    desired: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct WaitView {
    resource: String,
    waits_for: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemView {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    reason: String,
    message: String,
    needs_person: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct DriftView {
    severity: &'static str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    desired: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
    /// What the controller does about it.
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FactView {
    #[serde(rename = "type")]
    name: &'static str,
    status: &'static str,
    reason: String,
    message: String,
}

/// Whose review it is.
#[derive(Debug, Clone, Default)]
pub struct Title {
    /// The namespace of the environment.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The account, once known.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// What was not known and taken for granted.
    pub assumptions: Vec<String>,
    /// The status remembers what was there. Without that, what is not there counts as gone.
    pub remembers: bool,
    /// It is as it stands in the cluster, not an edit that nobody has applied.
    pub is_live: bool,
}

/// What was seen and planned.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// What was seen.
    pub observation: &'a Observation,
    /// What is to be done.
    pub plan: &'a Plan,
    /// What is to be said.
    pub report: &'a Report,
    /// Who is in a VPC that is not ours, if that was asked.
    pub neighbours: Option<&'a Result<Neighbours, Problem>>,
}

impl Review {
    /// What is to be said about an environment that was looked at.
    #[must_use]
    pub fn new(question: Question, title: Title, found: Found<'_>) -> Self {
        let steps = steps(found);
        let problems = problems(found);
        let drift = drift(question, &title, found);
        let result = match question {
            Question::Plan if !problems.is_empty() => Verdict::Blocked,
            Question::Drift if problems.iter().any(|problem| !is_explained(problem, &steps, &drift)) => {
                Verdict::Blocked
            }
            Question::Plan if !steps.is_empty() => Verdict::Changes,
            Question::Drift if !drift.is_empty() => Verdict::Changes,
            Question::Plan | Question::Drift => Verdict::Nothing,
        };
        let waiting = found.plan.waiting.iter();
        let waiting: Vec<WaitView> = waiting
            .map(|(address, what)| WaitView { resource: address.to_string(), waits_for: what.clone() })
            .collect();
        let count = |action: &str| steps.iter().filter(|step| step.action == action).count();
        let summary = Summary {
            create: count("create"),
            update: count("update"),
            replace: count("replace"),
            delete: count("delete"),
            adopt: count("adopt"),
            release: count("release"),
            held: steps.iter().filter(|step| step.held.is_some()).count(),
            waiting: waiting.len(),
            problems: problems.len(),
            drift: drift.len(),
        };
        let verdicts = if question == Question::Drift { verdicts(found) } else { Vec::new() };
        let approval = found.report.approval.clone();
        Self { summary, approval, steps, waiting, problems, drift, verdicts, ..Self::empty(title, result) }
    }

    /// What is to be said about an environment that could not be looked at.
    #[must_use]
    pub fn blocked(title: Title, problem: &Problem) -> Self {
        Self {
            summary: Summary { problems: 1, ..Summary::default() },
            problems: vec![problem_view(problem)],
            ..Self::empty(title, Verdict::Blocked)
        }
    }

    fn empty(title: Title, result: Verdict) -> Self {
        let Title { namespace, name, account, region, assumptions, remembers: _, is_live: _ } = title;
        Self {
            namespace,
            name,
            account,
            region,
            assumptions,
            result,
            summary: Summary::default(),
            approval: None,
            steps: Vec::new(),
            waiting: Vec::new(),
            problems: Vec::new(),
            drift: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Whether nothing would be done and nobody is needed.
    #[must_use]
    pub fn result(&self) -> Verdict {
        self.result
    }
}

/// A deviation that is in the list as well needs no error of its own when it is asked what deviates.
fn is_explained(problem: &ProblemView, steps: &[StepView], drift: &[DriftView]) -> bool {
    let Some(resource) = &problem.resource else { return false };
    drift.iter().any(|item| item.resource == *resource)
        || steps.iter().any(|step| step.resource == *resource && step.held.is_some())
}

// --- steps --------------------------------------------------------------------------------------------------------------------

fn steps(found: Found<'_>) -> Vec<StepView> {
    let going = found.plan.steps.values().map(|step| (step, None));
    let held = found.plan.held.iter().map(|held| (&held.step, Some(&held.hold)));
    let all: Vec<(&Step, Option<&Hold>)> = going.chain(held).collect();
    let order = order(&all.iter().map(|(step, _)| *step).collect::<Vec<_>>());
    let mut views: Vec<(&Step, StepView)> = all
        .iter()
        .map(|(step, hold)| {
            let turn = order.get(&step.address).copied().unwrap_or(1);
            (*step, step_view(step, *hold, turn, found))
        })
        .collect();
    views.sort_by(|(one, one_view), (other, other_view)| {
        (one_view.order, &one.address, one_view.held.is_some()).cmp(&(
            other_view.order,
            &other.address,
            other_view.held.is_some(),
        ))
    });
    views.into_iter().map(|(_, view)| view).collect()
}

/// In which turn each resource is dealt with: after everything that its steps come after.
fn order(steps: &[&Step]) -> BTreeMap<Address, usize> {
    let mut order: BTreeMap<Address, usize> = steps.iter().map(|step| (step.address.clone(), 1)).collect();
    // As many rounds as the longest chain can have; a circle, which the planner does not make, would end here, too.
    for _ in 0..steps.len() {
        let mut moved = false;
        for step in steps {
            let before = step.after.iter().filter_map(|address| order.get(address)).max().copied().unwrap_or(0);
            let turn = order.entry(step.address.clone()).or_insert(1);
            if before >= *turn && before < steps.len() {
                *turn = before + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    order
}

fn step_view(step: &Step, hold: Option<&Hold>, order: usize, found: Found<'_>) -> StepView {
    let wanted = found.observation.wanted.iter().find(|wanted| wanted.address == step.address);
    let seen = found.observation.sights.get(&step.address).and_then(Sight::seen);
    let fields = match (step.verb, wanted) {
        (Verb::Create, Some(wanted)) => wishes(wanted),
        _ => step.diffs.iter().map(field_view).collect(),
    };
    StepView {
        order,
        action: action(step, wanted),
        resource: step.address.to_string(),
        id: step.id.clone().filter(|id| *id != step.address.name),
        reason: reason(step, wanted, seen, found.plan),
        after: step.after.iter().map(ToString::to_string).collect(),
        disruption: disruption(step, seen, found),
        held: hold.map(|hold| HoldView { reason: hold.reason(), way_out: hold.way_out() }),
        fields,
    }
}

/// A deletion of what is still wanted makes room for another one.
fn action(step: &Step, wanted: Option<&Wanted>) -> &'static str {
    match step.verb {
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Adopt => "adopt",
        Verb::Delete if wanted.is_some() => "replace",
        Verb::Delete => "delete",
        Verb::Release => "release",
    }
}

/// The usual reason of a creation.
const IS_NEW: &str = "is wanted and does not exist";

fn reason(step: &Step, wanted: Option<&Wanted>, seen: Option<&Seen>, plan: &Plan) -> String {
    let failed = seen.and_then(|seen| match &seen.phase {
        Phase::Failed { reason, .. } => Some(reason),
        Phase::Ready | Phase::Progressing(_) | Phase::Deleting => None,
    });
    let gone = plan.drift.iter().any(|drift| drift.address == step.address && drift.path.is_empty());
    match (step.verb, failed) {
        (Verb::Create, _) if gone => "was there before and is gone".into(),
        (Verb::Create, _) => IS_NEW.into(),
        (Verb::Update, Some(reason)) => format!("failed: {reason}"),
        (Verb::Update, None) if step.diffs.len() == 1 => "one field deviates".into(),
        (Verb::Update, None) => format!("{} fields deviate", step.diffs.len()),
        (Verb::Adopt, _) => "exists without an owner, and the annotation cloister.dev/adopt names it".into(),
        (Verb::Delete, Some(reason)) if wanted.is_some() => format!("failed ({reason}) and is made again"),
        (Verb::Delete, _) if wanted.is_some() => "has to be made again".into(),
        (Verb::Delete, _) => "is ours and not wanted any more".into(),
        (Verb::Release, _) => "is kept; our tags come off".into(),
    }
}

fn field_view(diff: &FieldDiff) -> FieldView {
    FieldView {
        path: diff.path.clone(),
        kind: Some(drift_kind(diff.kind)),
        desired: diff.desired.clone(),
        observed: diff.observed.clone(),
    }
}

/// What something is made with. What AWS decides is left out, and so are our own tags, which everything carries.
fn wishes(wanted: &Wanted) -> Vec<FieldView> {
    let mut views: Vec<FieldView> = wanted.state.fields().iter().flat_map(wish).collect();
    let own = |key: &&String| !key.starts_with(TAG_PREFIX);
    let tags = wanted.tags.iter().filter(|(key, _)| own(key));
    views.extend(tags.map(|(key, value)| made_with(format!("tags[{key}]"), value.clone())));
    views
}

fn wish(field: &Field) -> Vec<FieldView> {
    match &field.value {
        Wish::Any | Wish::Is(Value::Absent) => Vec::new(),
        Wish::After(address) => vec![made_with(field.name.into(), format!("(known after {address})"))],
        Wish::Is(Value::Policy(policy)) => vec![made_with(field.name.into(), policy.summary())],
        Wish::Is(Value::Policies(policies)) => policies
            .iter()
            .map(|(name, policy)| made_with(format!("{}[{name}]", field.name), policy.summary()))
            .collect(),
        Wish::Is(value) => vec![made_with(field.name.into(), value.brief())],
    }
}

fn made_with(path: String, desired: String) -> FieldView {
    FieldView { path, kind: None, desired: Some(desired), observed: None }
}

// --- what is not a step -------------------------------------------------------------------------------------------------------

/// The problems of the plan, and what else keeps the environment from getting further although no step of it is held.
fn problems(found: Found<'_>) -> Vec<ProblemView> {
    let mut views: Vec<ProblemView> = found.plan.problems.iter().map(problem_view).collect();
    let held: BTreeSet<&str> = found.plan.held.iter().map(|held| held.hold.reason()).collect();
    let stalled = found.report.fact(conditions::STALLED).filter(|fact| fact.truth == Truth::True);
    if let Some(fact) = stalled.filter(|fact| views.is_empty() && !held.contains(fact.reason.as_str())) {
        let (reason, message) = (fact.reason.clone(), fact.message.clone());
        views.push(ProblemView { resource: None, reason, message, needs_person: true });
    }
    views
}

fn problem_view(problem: &Problem) -> ProblemView {
    ProblemView {
        resource: problem.address.as_ref().map(ToString::to_string),
        reason: problem.reason.clone(),
        message: problem.message.clone(),
        needs_person: problem.class.needs_person(),
    }
}

/// The deviations, worst first. Where nothing is remembered, what is not there counts as gone when something of the environment is there, or
/// when it is asked what is out of line.
fn drift(question: Question, title: &Title, found: Found<'_>) -> Vec<DriftView> {
    let mut views: Vec<DriftView> = found.report.drift.iter().map(drift_view).collect();
    let mut seen = found.observation.sights.values().filter_map(Sight::seen);
    let exists = seen.any(|seen| matches!(seen.ownership, Ownership::Ours | Ownership::Earlier));
    if title.remembers || question == Question::Plan && !exists {
        return views;
    }
    let creations = |step: &&Step| step.verb == Verb::Create;
    let held = found.plan.held.iter().map(|held| (&held.step, "Held")).filter(|(step, _)| creations(step));
    let going = found.plan.steps.values().map(|step| (step, "Correct")).filter(|(step, _)| creations(step));
    views.extend(going.chain(held).map(|(step, action)| DriftView {
        severity: severity(Severity::High),
        resource: step.address.to_string(),
        id: None,
        field: None,
        kind: drift_kind(DriftKind::Missing),
        desired: Some("present".into()),
        observed: None,
        action,
    }));
    views.sort_by_key(|view| SEVERITIES.iter().position(|severity| *severity == view.severity));
    views
}

/// The words for severities, worst first.
const SEVERITIES: [&str; 3] = [severity(Severity::High), severity(Severity::Medium), severity(Severity::Low)];

fn drift_view(drift: &Drift) -> DriftView {
    DriftView {
        severity: severity(drift.severity),
        resource: drift.address.to_string(),
        id: Some(drift.id.clone()).filter(|id| !id.is_empty()),
        field: Some(drift.path.clone()).filter(|path| !path.is_empty()),
        kind: drift_kind(drift.kind),
        desired: drift.desired.clone(),
        observed: drift.observed.clone(),
        action: match drift.action {
            Action::Correct => "Correct",
            Action::Held => "Held",
            Action::Report => "Report",
        },
    }
}

/// What the network lets out and what the permissions keep from working, as far as it is not what the plan or its problems say anyway.
fn verdicts(found: Found<'_>) -> Vec<FactView> {
    let problems = found.plan.problems.iter().map(|problem| problem.reason.as_str());
    let held = found.plan.held.iter().map(|held| held.hold.reason());
    let said: BTreeSet<&str> = problems.chain(held).chain(["Progressing", "Deleting"]).collect();
    let facts = [conditions::ISOLATED, conditions::PERMISSIONS_READY].into_iter();
    let facts = facts.filter_map(|name| found.report.fact(name));
    facts.filter(|fact| fact.truth == Truth::False && !said.contains(fact.reason.as_str())).map(fact_view).collect()
}

fn fact_view(fact: &Fact) -> FactView {
    FactView {
        name: fact.name,
        status: fact.truth.as_str(),
        reason: fact.reason.clone(),
        message: fact.message.clone(),
    }
}

const fn drift_kind(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::Changed => "Changed",
        DriftKind::Missing => "Missing",
        DriftKind::Unexpected => "Unexpected",
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    }
}
