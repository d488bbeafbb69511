//! No outage by ordering: which steps on what exists come first, so that packages can be reached between any two of them. Pure.
//!
//! The order of creation follows from what a resource needs, the order of deletion from its kind (`graph`). Here it is about changes of what is in
//! use: a way is widened before something takes it. That it is narrowed only after nothing takes it any more follows from the wishes (`leaving`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    address::{Address, Kind},
    diff::touches,
    plan::{Plan, Step, Verb},
    resource::{Seen, Wanted},
    value::{Value, Wish},
};

/// Let every step wait for those that prepare its way.
pub fn widen_before_use(plan: &mut Plan, wanted: &[Wanted]) {
    let needs: BTreeMap<&Address, &[Address]> =
        wanted.iter().map(|wanted| (&wanted.address, wanted.needs.as_slice())).collect();
    let changes: Vec<Step> = plan.steps.values().cloned().collect();
    for step in plan.steps.values_mut() {
        let upstreams =
            if step.address.kind == Kind::Repository { upstream_of(&step.address, &needs) } else { BTreeSet::new() };
        let first = changes.iter().filter(|other| other.address != step.address);
        let first: Vec<Address> =
            first.filter(|other| comes_first(other, step, &upstreams)).map(|other| other.address.clone()).collect();
        step.after.extend(first);
    }
}

fn comes_first(other: &Step, step: &Step, upstreams: &BTreeSet<Address>) -> bool {
    let changes = |step: &Step| matches!(step.verb, Verb::Create | Verb::Update | Verb::Adopt);
    let corrects = |step: &Step| matches!(step.verb, Verb::Update | Verb::Adopt);
    let opens_endpoint = other.address.kind == Kind::VpcEndpoint && corrects(other) && touches(&other.diffs, "policy");
    match step.address.kind {
        // Packages come through an endpoint, from repositories that have them.
        Kind::Repository if corrects(step) => opens_endpoint || changes(other) && upstreams.contains(&other.address),
        Kind::Repository if step.verb == Verb::Delete => other.address.kind == Kind::Repository && corrects(other),
        // A start script may be used at any moment after it was changed.
        Kind::LifecycleConfiguration if corrects(step) => {
            opens_endpoint
                || changes(other) && matches!(other.address.kind, Kind::Role | Kind::Policy | Kind::Repository)
        }
        Kind::NotebookInstance if step.verb == Verb::Create => opens_endpoint,
        Kind::VpcEndpoint if corrects(step) && touches(&step.diffs, "securityGroups") => {
            other.address.kind == Kind::SecurityGroupRules && changes(other)
        }
        _ => false,
    }
}

/// Everything that a repository reaches through its upstreams.
fn upstream_of(address: &Address, needs: &BTreeMap<&Address, &[Address]>) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut open = vec![address];
    while let Some(next) = open.pop() {
        let upstreams = needs.get(next).copied().unwrap_or_default();
        open.extend(upstreams.iter().filter(|need| need.kind == Kind::Repository && found.insert((*need).clone())));
    }
    found
}

/// Whether correcting this repository takes away the one way in which packages come to it before it gets the other: AWS lets it have upstreams or an
/// external connection, never both, so that in between whatever was never installed through it cannot be had.
///
/// Only for what the manifest asks for. When somebody else swapped them, the repository is as asked after it was swapped back.
#[must_use]
pub fn interrupts_packages(wanted: &Wanted, seen: &Seen) -> bool {
    if wanted.address.kind != Kind::Repository {
        return false;
    }
    let (wish, found) = (Ways::of(wanted.state.fields()), Ways::of(seen.state.fields()));
    let swaps = wish.upstreams != found.upstreams && wish.connections != found.connections;
    let swaps = swaps && wish.upstreams != wish.connections && found.upstreams != found.connections;
    let was_linked_by_us = if wish.upstreams {
        wish.links == found.links && matches!(wish.links, Wish::Is(_))
    } else {
        !found.is_linked()
    };
    swaps && !was_linked_by_us
}

/// The fields that such a correction is about.
pub const WAYS: [&str; 3] = ["upstreams", "upstreamLinks", "externalConnections"];

/// In which ways packages come to a repository.
struct Ways {
    upstreams: bool,
    connections: bool,
    links: Wish<Value>,
}

impl Ways {
    fn of(fields: Vec<super::resource::Field>) -> Self {
        let mut ways = Self { upstreams: false, connections: false, links: Wish::Any };
        for field in fields {
            match (field.name, field.value) {
                ("upstreams", Wish::Is(Value::List(names))) => ways.upstreams = !names.is_empty(),
                ("externalConnections", Wish::Is(Value::Set(names))) => ways.connections = !names.is_empty(),
                ("upstreamLinks", links) => ways.links = links,
                _ => {}
            }
        }
        ways
    }

    const fn is_linked(&self) -> bool {
        matches!(self.links, Wish::Is(Value::Text(_)))
    }
}
