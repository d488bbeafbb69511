//! Controls of AWS Security Hub that are about what an environment consists of, judged from what was seen. Pure.
//!
//! Nothing is read for them alone: a control whose answer is not among what the verdicts need (flow logs, unused groups) is not in the list, and one that
//! is about something the environment does not have is left out. `docs/reference/controls.md` has titles and links.

use std::collections::BTreeSet;

use super::{
    address::Kind,
    environment::Environment,
    group_rule::{Direction, Rule},
    port::Observation,
    resource::{Seen, Sight},
    stations::{groups_of_notebooks, seen_of},
    surroundings::{AclEntry, NetworkAcl, Surroundings},
    value::Value,
};

/// How a control ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is met.
    Passed,
    /// It is not met.
    Failed,
    /// What it is about could not be seen.
    Unknown,
}

/// A control and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its id, `SageMaker.1`.
    pub id: &'static str,
    /// How it ended.
    pub judgement: Judgement,
}

/// The ports that EC2.19 calls high risk.
const HIGH_RISK: [i32; 22] = [
    20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080, 8088,
    8888,
];
/// The ports that EC2.18 lets be open to everybody, unless somebody configures it otherwise.
const AUTHORISED: [i32; 2] = [80, 443];
/// The platform that SageMaker.8 asks for.
const PLATFORM: &str = "notebook-al2023-v1";
/// Controls that ask for an endpoint of a service, whether the environment needs it or not.
const ENDPOINTS: [(&str, &str); 6] = [
    ("EC2.10", "ec2"),
    ("EC2.55", "ecr.api"),
    ("EC2.56", "ecr.dkr"),
    ("EC2.57", "ssm"),
    ("EC2.58", "ssm-contacts"),
    ("EC2.60", "ssm-incidents"),
];

/// The controls that apply, in the order of their ids.
#[must_use]
pub fn controls(environment: &Environment, observation: &Observation) -> Vec<Control> {
    let mut controls = Vec::new();
    let mut add = |id, answer: Option<Judgement>| {
        controls.extend(answer.map(|judgement| Control { id, judgement }));
    };
    let of_kind = |kind, test: &dyn Fn(&Seen) -> Option<bool>| of_kind(observation, kind, test);
    add("CodeArtifact.1", of_kind(Kind::Repository, &|seen| Some(!seen.tags.is_empty())));
    if let Some(around) = &observation.surroundings {
        for (id, judgement) in of_network(environment, observation, around) {
            add(id, Some(judgement));
        }
    }
    add("EC2.15", of_kind(Kind::Subnet, &|seen| Some(!seen.flag("mapPublicIpOnLaunch")?)));
    add("SageMaker.1", of_kind(Kind::NotebookInstance, &|seen| Some(seen.text("directInternetAccess")? == "Disabled")));
    add("SageMaker.2", of_kind(Kind::NotebookInstance, &|seen| Some(!seen.text("subnet")?.is_empty())));
    add("SageMaker.3", of_kind(Kind::NotebookInstance, &|seen| Some(seen.text("rootAccess")? == "Disabled")));
    add("SageMaker.8", of_kind(Kind::NotebookInstance, &|seen| Some(seen.text("platformIdentifier")? == PLATFORM)));
    controls.sort_by_key(|control| order(control.id));
    controls
}

/// EC2.2 before EC2.10.
fn order(id: &'static str) -> (&'static str, u32) {
    let (service, number) = id.split_once('.').unwrap_or((id, "0"));
    (service, number.parse().unwrap_or_default())
}

/// What holds of everything of a kind; `None` without anything of that kind.
fn of_kind(observation: &Observation, kind: Kind, test: &dyn Fn(&Seen) -> Option<bool>) -> Option<Judgement> {
    let hidden =
        observation.sights.iter().any(|(address, sight)| address.kind == kind && matches!(sight, Sight::Unknown(_)));
    let answers = seen_of(observation, kind).map(test);
    let answers: Vec<Option<bool>> = answers.chain(hidden.then_some(None)).collect();
    (!answers.is_empty()).then(|| judge(answers))
}

/// One failure fails it; otherwise what was not seen leaves it open.
fn judge(answers: impl IntoIterator<Item = Option<bool>>) -> Judgement {
    answers.into_iter().fold(Judgement::Passed, |so_far, answer| match (so_far, answer) {
        (Judgement::Failed, _) | (_, Some(false)) => Judgement::Failed,
        (Judgement::Unknown, _) | (_, None) => Judgement::Unknown,
        (Judgement::Passed, Some(true)) => Judgement::Passed,
    })
}

fn of_network(
    environment: &Environment,
    observation: &Observation,
    around: &Surroundings,
) -> Vec<(&'static str, Judgement)> {
    let groups = around.groups.seen();
    let default =
        groups.map(|all| all.values().filter(|group| group.name == "default").all(|group| group.rules.is_empty()));
    let ours = own_groups(observation);
    let ingress: Option<Vec<&Rule>> = groups.map(|all| {
        let ours = all.iter().filter(|(id, _)| ours.contains(id.as_str())).flat_map(|(_, group)| &group.rules);
        ours.filter(|rule| rule.direction == Direction::Ingress && is_everybody(&rule.peer)).collect()
    });
    let open_to_all =
        |open: &dyn Fn(&Rule) -> bool| judge([ingress.as_ref().map(|rules| !rules.iter().any(|rule| open(rule)))]);
    let mut found = vec![
        ("EC2.2", judge([default])),
        ("EC2.13", open_to_all(&|rule| admits(rule, 22))),
        (
            "EC2.18",
            open_to_all(&|rule| {
                !AUTHORISED.iter().any(|port| rule.protocol == "tcp" && rule.ports == Some((*port, *port)))
            }),
        ),
        ("EC2.19", open_to_all(&|rule| HIGH_RISK.iter().any(|port| admits(rule, *port)))),
        ("EC2.21", judge([around.acls.seen().map(|acls| !acls.iter().any(lets_administrators_in))])),
    ];
    let live = around.endpoints.seen().map(|all| all.iter().filter(|endpoint| !endpoint.is_over()));
    let services: Option<BTreeSet<&str>> = live.map(|all| all.map(|endpoint| endpoint.service_name.as_str()).collect());
    found.extend(ENDPOINTS.map(|(id, service)| {
        let name = format!("com.amazonaws.{}.{service}", environment.region);
        (id, judge([services.as_ref().map(|services| services.contains(name.as_str()))]))
    }));
    found
}

/// The groups of the notebooks and of the environment's endpoints.
fn own_groups(observation: &Observation) -> BTreeSet<String> {
    let of_endpoints = seen_of(observation, Kind::VpcEndpoint).filter_map(|seen| match seen.field("securityGroups") {
        Some(Value::Set(groups)) => Some(groups),
        _ => None,
    });
    of_endpoints.flatten().chain(groups_of_notebooks(observation)).collect()
}

fn is_everybody(peer: &str) -> bool {
    matches!(peer, "0.0.0.0/0" | "::/0")
}

fn admits(rule: &Rule, port: i32) -> bool {
    let ports = rule.ports.is_none_or(|(first, last)| (first..=last).contains(&port));
    matches!(rule.protocol.as_str(), "all" | "tcp" | "udp") && ports
}

/// Entries that let 22 or 3389 in from everywhere. The ACL that comes with a VPC is not judged.
fn lets_administrators_in(acl: &NetworkAcl) -> bool {
    let admits = |entry: &AclEntry, port: u16| {
        let ports = entry.ports.is_none_or(|(first, last)| (first..=last).contains(&port));
        matches!(entry.protocol.as_str(), "-1" | "6") && ports
    };
    let open = |entry: &AclEntry| {
        let everybody = entry.block.prefix_len() == 0 && !entry.egress && entry.allow;
        everybody && [22, 3389].into_iter().any(|port| admits(entry, port))
    };
    !acl.default && acl.entries.iter().any(open)
}
