//! Where notebooks stand in the network: in which subnets, with which security groups, and what these let through. Pure; the verdicts on the network share it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{
    address::{Address, Kind},
    environment::Environment,
    group_rule::{Direction, Rule},
    port::Observation,
    resource::{Output, Seen, Sight},
    surroundings::Surroundings,
};

/// A subnet of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its name in the manifest.
    pub name: String,
    /// `Subnet/a (subnet-…)`.
    pub label: String,
    /// Its id.
    pub id: String,
    /// Its addresses.
    pub block: Option<IpNet>,
    /// Its availability zone.
    pub zone: Option<String>,
    /// The VPC that it is in.
    pub vpc: Option<String>,
}

/// The subnets that the manifest names and that exist, in its order.
pub(super) fn places(environment: &Environment, observation: &Observation) -> Vec<Place> {
    let place = |name: &String| {
        let address = Address::new(Kind::Subnet, name);
        let output = |output: Output| observation.outputs.get(&address, output).map(ToOwned::to_owned);
        let id = output(Output::Id)?;
        Some(Place {
            name: name.clone(),
            label: format!("{address} ({id})"),
            block: output(Output::CidrBlock).and_then(|block| block.parse().ok()),
            zone: output(Output::AvailabilityZone),
            vpc: output(Output::VpcId),
            id,
        })
    };
    environment.network.subnets.iter().filter_map(|subnet| place(&subnet.name)).collect()
}

/// A notebook as far as the network is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Station {
    /// `NotebookInstance/x`.
    pub label: String,
    /// Its subnet; none when it is in no VPC of the account's.
    pub subnet: Option<String>,
    /// Its security groups.
    pub groups: BTreeSet<String>,
    /// What AWS says about direct internet access.
    pub direct_internet_access: Option<String>,
}

/// The environment's notebooks that exist, also those that are not wanted any more: they run in the network all the same.
pub(super) fn stations(observation: &Observation) -> Vec<Station> {
    seen_of(observation, Kind::NotebookInstance).map(station).collect()
}

fn station(seen: &Seen) -> Station {
    Station {
        label: seen.address.to_string(),
        subnet: seen.text("subnet").filter(|subnet| !subnet.is_empty()),
        groups: seen.set("securityGroups").unwrap_or_default(),
        direct_internet_access: seen.text("directInternetAccess"),
    }
}

/// Everything of a kind that was seen.
pub(super) fn seen_of(observation: &Observation, kind: Kind) -> impl Iterator<Item = &Seen> {
    observation.sights.values().filter_map(Sight::seen).filter(move |seen| seen.address.kind == kind)
}

/// The security groups that notebooks have, or will have.
pub(super) fn groups_of_notebooks(observation: &Observation) -> BTreeSet<String> {
    let wanted = observation.outputs.get(&Address::new(Kind::SecurityGroup, "notebooks"), Output::Id);
    let real = stations(observation).into_iter().flat_map(|station| station.groups);
    real.chain(wanted.map(ToOwned::to_owned)).collect()
}

/// Whether members of the groups `from`, with addresses in `block`, get through to members of the groups `to` on 443, as far as the rules of `to` say.
/// `None` when these were not seen.
pub(super) fn lets_in(
    around: &Surroundings,
    to: &BTreeSet<String>,
    from: &BTreeSet<String>,
    block: &[IpNet],
) -> Option<bool> {
    lets(around, Direction::Ingress, to, from, block)
}

/// Whether members of the groups `from` get out to members of the groups `to`, with addresses in `block`, on 443, as far as the rules of `from` say.
pub(super) fn lets_out(
    around: &Surroundings,
    from: &BTreeSet<String>,
    to: &BTreeSet<String>,
    block: &[IpNet],
) -> Option<bool> {
    lets(around, Direction::Egress, from, to, block)
}

/// One rule is enough: the rules of all groups of an interface add up.
fn lets(
    around: &Surroundings,
    direction: Direction,
    groups: &BTreeSet<String>,
    peers: &BTreeSet<String>,
    block: &[IpNet],
) -> Option<bool> {
    let all = around.groups.seen()?;
    let known: Option<Vec<_>> = groups.iter().map(|group| all.get(group)).collect();
    let mut rules = known?.into_iter().flat_map(|group| &group.rules);
    // What is in AWS's own lists is known; a list of somebody's may be any addresses, and nothing is held against it.
    let lists: BTreeSet<&String> = around.facts.prefix_lists.values().collect();
    let somebodys = |rule: &Rule| rule.peer.starts_with("pl-") && !lists.contains(&rule.peer);
    Some(rules.any(|rule| {
        let listed = somebodys(rule) && rule.covers(&Rule::https(direction, rule.peer.clone()), &[]);
        listed || peers.iter().any(|peer| rule.covers(&Rule::https(direction, peer.clone()), block))
    }))
}
