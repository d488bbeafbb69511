//! What people notice of a step: a notebook that stops, an endpoint in a VPC in which there are others.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use crate::model::{
    address::{Address, Kind},
    owner::Ownership,
    plan::{Step, Verb},
    port::Observation,
    resource::{Change, Management, Output, Seen, Sight},
    value::{Value, Wish},
};

/// The subnets of a VPC, each with the network interfaces that have their address in it.
pub type Neighbours = BTreeMap<String, BTreeSet<String>>;

/// How many subnets and network interfaces are named; the rest is counted.
const NAMED_AT_MOST: usize = 16;

/// What people will notice of a step.
pub(super) fn disruption(step: &Step, seen: Option<&Seen>, found: Found<'_>) -> Option<String> {
    if step.address.kind == Kind::VpcEndpoint && matches!(step.verb, Verb::Create | Verb::Delete) {
        return is_among_others(found.observation).then(|| concerns_everybody(step, found));
    }
    if step.address.kind != Kind::NotebookInstance {
        return None;
    }
    let runs = seen.is_some_and(|seen| seen.outputs.get(&Output::State).is_some_and(|state| state == "InService"));
    if step.verb == Verb::Delete {
        Some("deletes the notebook and its volume".into())
    } else if runs && step.diffs.iter().any(|diff| diff.change == Change::Stopped) {
        Some("stops the notebook".into())
    } else {
        None
    }
}

/// Whether the VPC is somebody else's.
fn is_among_others(observation: &Observation) -> bool {
    let mut vpcs = observation.wanted.iter().filter(|wanted| wanted.address.kind == Kind::Vpc);
    vpcs.any(|wanted| matches!(wanted.management, Management::Existing(_)))
}

/// Whether an endpoint of ours is to be made or deleted in a VPC that is somebody else's.
#[must_use]
pub fn endpoints_come_or_go_among_others(observation: &Observation) -> bool {
    let wanted = observation.wanted.iter().filter(|wanted| wanted.address.kind == Kind::VpcEndpoint);
    let ours: BTreeSet<&Address> =
        wanted.filter(|wanted| wanted.management == Management::Owned).map(|wanted| &wanted.address).collect();
    let there = observation.sights.iter().filter(|(_, sight)| sight.seen().is_some_and(is_ours));
    let there: BTreeSet<&Address> =
        there.map(|(address, _)| address).filter(|address| address.kind == Kind::VpcEndpoint).collect();
    is_among_others(observation) && ours != there
}

const fn is_ours(seen: &Seen) -> bool {
    matches!(seen.ownership, Ownership::Ours | Ownership::Earlier)
}

/// Private DNS changes where a name leads in the whole VPC; a gateway, where the subnets of its route tables send their packets.
fn concerns_everybody(step: &Step, found: Found<'_>) -> String {
    let what = "changes how everybody in this VPC reaches the service";
    let neighbours = match found.neighbours {
        Some(Ok(neighbours)) => neighbours,
        Some(Err(problem)) => return format!("{what}; who that is could not be seen: {}", problem.message),
        None => return what.into(),
    };
    let tables = tables_of(step, found.observation);
    let around = found.observation.surroundings.as_ref();
    let uses = |subnet: &str| {
        let table = around.and_then(|around| around.table_in_effect(subnet, true));
        tables.is_empty() || table.is_none_or(|table| tables.contains(&table.id))
    };
    let concerned: Vec<(&String, &BTreeSet<String>)> = neighbours.iter().filter(|(subnet, _)| uses(subnet)).collect();
    let subnets: Vec<&str> = concerned.iter().map(|(subnet, _)| subnet.as_str()).collect();
    let interfaces: Vec<&str> = concerned.iter().flat_map(|(_, interfaces)| *interfaces).map(String::as_str).collect();
    format!("{what}: {}, {}", named("subnet", &subnets), named("network interface", &interfaces))
}

/// The route tables of a gateway endpoint, as wished or as seen; none of an interface endpoint.
fn tables_of(step: &Step, observation: &Observation) -> BTreeSet<String> {
    let wanted = observation.wanted.iter().find(|wanted| wanted.address == step.address);
    let wished = wanted.map(|wanted| wanted.state.fields());
    let seen = observation.sights.get(&step.address).and_then(Sight::seen).map(|seen| seen.state.fields());
    let fields = wished.into_iter().chain(seen).flatten().filter(|field| field.name == "routeTables");
    let sets = fields.filter_map(|field| match field.value {
        Wish::Is(Value::Set(tables)) => Some(tables),
        _ => None,
    });
    sets.flatten().collect()
}

fn named(noun: &str, ids: &[&str]) -> String {
    let (shown, more) = ids.split_at(ids.len().min(NAMED_AT_MOST));
    let plural = if ids.len() == 1 { "" } else { "s" };
    match (shown.is_empty(), more.len()) {
        (true, _) => format!("no {noun}"),
        (false, 0) => format!("{noun}{plural} {}", shown.join(", ")),
        (false, more) => format!("{noun}{plural} {} and {more} more", shown.join(", ")),
    }
}
