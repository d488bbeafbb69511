//! The verdict in words: what is denied by which statement, what is missing and the statement that would add it, ready to paste.

use serde_json::Value as Json;

use super::needs::{Need, Target, needs};
use crate::model::{
    access::{Gate, Request},
    environment::Environment,
    policy::Statement,
    report::{Fact, Truth, conditions},
    services::Service,
    value::bounded,
};

/// How long a message may be, and the statements in it. Nothing that is to be pasted is ever cut.
const LIMIT: usize = 2048;
const STATEMENTS_LIMIT: usize = 1500;
const ORGANISATION: &str = "Organisation policies (SCPs, RCPs) are not evaluated.";

/// A call that is denied or unclear.
pub(super) struct Problem {
    purpose: &'static str,
    action: String,
    resource: String,
    why: String,
}

impl Problem {
    pub(super) fn new(purpose: &'static str, request: &Request, why: String) -> Self {
        Self { purpose, action: request.action.clone(), resource: request.resource.clone(), why }
    }
}

/// Everything that was found.
#[derive(Default)]
pub(super) struct Findings {
    /// Services that cannot be reached at all.
    pub(super) no_way: Vec<(Service, String)>,
    /// SageMaker may not take the role.
    pub(super) untrusted: bool,
    /// What a statement denies.
    pub(super) denied: Vec<Problem>,
    /// What nothing allows, and where.
    pub(super) missing: Vec<(Gate, Need)>,
    /// What cannot be told.
    pub(super) unclear: Vec<Problem>,
}

/// The condition.
pub(super) fn fact(environment: &Environment, findings: &Findings) -> Fact {
    let mut sentences: Vec<String> = findings
        .no_way
        .iter()
        .map(|(service, why)| format!("There is no way to {service}: {why}; connections hang until they time out."))
        .collect();
    sentences.extend(findings.denied.iter().map(|problem| {
        let Problem { purpose, action, resource, why } = problem;
        format!("The role may not {purpose}: {action} on {resource} is denied by {why}.")
    }));
    if findings.untrusted {
        let trust = r#"{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
        sentences.push(format!("SageMaker may not take the role; add to its trust policy: {trust}"));
    }
    sentences.extend(missing(environment, &findings.missing));
    sentences.extend(findings.unclear.iter().map(|problem| {
        let Problem { purpose, action, why, .. } = problem;
        format!("Whether the role may {purpose} ({action}) cannot be told: {why}.")
    }));
    let stopped = !findings.missing.is_empty() || findings.untrusted;
    let (truth, reason) = if !findings.no_way.is_empty() {
        (Truth::False, "NoPath")
    } else if !findings.denied.is_empty() {
        (Truth::False, "ExplicitDeny")
    } else if stopped {
        (Truth::False, "MissingPermission")
    } else if findings.unclear.is_empty() {
        (Truth::True, "Allowed")
    } else {
        (Truth::Unknown, "CannotTell")
    };
    if truth == Truth::True {
        sentences.push(allowed(environment));
    } else if sentences.len() == findings.no_way.len() {
        sentences.push("The policies that were seen allow everything that is needed.".into());
    }
    told(truth, reason, &sentences)
}

/// The condition when there is no role.
pub(super) fn no_role(environment: &Environment, what: &str) -> Fact {
    let needed: Vec<(Gate, Need)> =
        needs(environment).into_iter().filter(|need| !need.by_somebody).map(|need| (Gate::Identity, need)).collect();
    let grants = statements(&needed.iter().map(|(_, need)| need).collect::<Vec<_>>(), Need::grant);
    told(Truth::False, "NoRole", &[format!("{what}."), format!("It needs: {grants}")])
}

/// The condition when nothing can be said.
pub(super) fn unknown(reason: &str, what: &str) -> Fact {
    told(Truth::Unknown, reason, &[what.to_owned()])
}

fn allowed(environment: &Environment) -> String {
    let role = environment.role_arn();
    let role = role.rsplit('/').next().unwrap_or(&role);
    let Some(install) = &environment.packages.install else {
        return format!("Role {role} may do what the manifest asks for; nothing is installed.");
    };
    let data = if needs(environment).iter().any(|need| need.resource.starts_with("arn:aws:s3:::")) {
        " What the policies of buckets say is not seen."
    } else {
        ""
    };
    let domain = &environment.packages.domain.name;
    let repository = &install.repository;
    format!(
        "Role {role} may log in to domain {domain} and read repository {repository}: its policies, those of domain, repository and endpoints \
         let it.{data}"
    )
}

/// What is missing, place by place, with what to add there.
fn missing(environment: &Environment, missing: &[(Gate, Need)]) -> Vec<String> {
    let role = environment.role_arn();
    let mut sentences = Vec::new();
    let all = [Gate::Identity, Gate::Boundary, Gate::Resource].map(|gate| (gate, at(missing, gate)));
    // Packages first, then the log, then the data: whoever reads on does so for less.
    let groups = all.into_iter().flat_map(|(gate, needs)| by_concern(needs).into_iter().map(move |here| (gate, here)));
    for (gate, here) in groups {
        let what = purposes(&here);
        sentences.push(match gate {
            Gate::Identity => {
                format!("The role may not {what}; add to its policies: {}", statements(&here, Need::grant))
            }
            Gate::Boundary => {
                format!(
                    "Its permissions boundary does not let it {what}; add to it: {}",
                    statements(&here, Need::grant)
                )
            }
            Gate::Resource | Gate::Endpoint => {
                let to_role = |need: &Need| Statement { resources: star(), ..need.grant().by([format!("AWS:{role}")]) };
                format!(
                    "Account {} does not let the role {what}; add to the policy of {}: {}",
                    environment.packages.domain.owner,
                    places(&here),
                    statements(&here, to_role)
                )
            }
        });
    }
    let stopped = at(missing, Gate::Endpoint);
    let mut services: Vec<Service> = stopped.iter().filter_map(|need| need.through).collect();
    services.sort_unstable();
    services.dedup();
    for service in services {
        let here: Vec<&Need> = stopped.iter().copied().filter(|need| need.through == Some(service)).collect();
        let passing = |need: &Need| {
            let pass = Statement { conditions: super::super::policy::Conditions::new(), ..need.grant() }.by(["*"]);
            if need.by_somebody { pass } else { pass.when("ArnEquals", "aws:PrincipalArn", [role.clone()]) }
        };
        sentences.push(format!(
            "The policy of the endpoint of {service} does not let the role {}; add to it: {}",
            purposes(&here),
            statements(&here, passing)
        ));
    }
    sentences
}

fn at(missing: &[(Gate, Need)], gate: Gate) -> Vec<&Need> {
    missing.iter().filter(|(at, _)| *at == gate).map(|(_, need)| need).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a statement's resources")]
fn star() -> Option<super::super::policy::Clause> {
    Some(super::super::policy::Clause::of(["*"]))
}

fn by_concern(mut needs: Vec<&Need>) -> Vec<Vec<&Need>> {
    let mut groups = Vec::new();
    while let Some(concern) = needs.first().map(|need| need.concern()) {
        let (here, others) = needs.into_iter().partition(|need| need.concern() == concern);
        groups.push(here);
        needs = others;
    }
    groups
}

fn purposes(needs: &[&Need]) -> String {
    let mut purposes: Vec<&str> = needs.iter().map(|need| need.purpose).collect();
    purposes.dedup();
    purposes.join(" and ")
}

fn places(needs: &[&Need]) -> String {
    let mut places: Vec<String> = needs
        .iter()
        .map(|need| match &need.target {
            Target::Repository(name) => format!("repository {name}"),
            Target::Domain | Target::Nothing => "the domain".into(),
        })
        .collect();
    places.dedup();
    places.join(" and ")
}

/// The statements in the form of a policy document, those that differ in their action only as one.
fn statements(needs: &[&Need], form: impl Fn(&Need) -> Statement) -> String {
    let mut all: Vec<Statement> = Vec::new();
    for need in needs {
        let statement = form(need);
        let twin = all.iter_mut().find(|other| {
            (&other.resources, &other.conditions, &other.principals)
                == (&statement.resources, &statement.conditions, &statement.principals)
        });
        match twin {
            Some(twin) => twin.actions.patterns.extend(statement.actions.patterns),
            None => all.push(statement),
        }
    }
    let texts: Vec<String> = all.iter().map(Statement::to_json).map(|json: Json| json.to_string()).collect();
    let mut shown = String::new();
    for (at, text) in texts.iter().enumerate() {
        if at > 0 && shown.len() + text.len() > STATEMENTS_LIMIT {
            return format!("{shown} and {} more", texts.len() - at);
        }
        if at > 0 {
            shown.push(',');
        }
        shown.push_str(text);
    }
    shown
}

/// As many sentences as there is room for; the first one whatever its length. A statement that is cut could not be pasted.
fn told(truth: Truth, reason: &str, sentences: &[String]) -> Fact {
    let room = LIMIT - ORGANISATION.len() - " And 99 more. ".len();
    let mut message = bounded(sentences.first().map_or("", String::as_str), room);
    let mut left = 0;
    for sentence in sentences.iter().skip(1) {
        if message.chars().count() + 1 + sentence.chars().count() > room {
            left += 1;
            continue;
        }
        message.push(' ');
        message.push_str(sentence);
    }
    let more = if left > 0 { format!(" And {left} more.") } else { String::new() };
    let message = format!("{message}{more} {ORGANISATION}");
    Fact { name: conditions::PERMISSIONS_READY, truth, reason: reason.to_owned(), message }
}
