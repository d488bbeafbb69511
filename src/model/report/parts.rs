//! What is told of single endpoints and notebooks, and the ids of all.

use std::collections::{BTreeMap, BTreeSet};

use super::{EndpointReport, NotebookReport, State};
use crate::model::{
    address::{Address, Kind},
    environment::{Endpoint, Environment},
    owner::Ownership,
    port::Observation,
    resource::{Management, Output, Sight, Wanted},
};

fn is_ready(states: &[(&Wanted, State)], address: &Address) -> bool {
    states.iter().any(|(wanted, state)| wanted.address == *address && matches!(state, State::Ready))
}

fn output(observation: &Observation, address: &Address, output: Output) -> Option<String> {
    observation.outputs.get(address, output).map(ToOwned::to_owned)
}

pub(super) fn endpoints(
    environment: &Environment,
    observation: &Observation,
    states: &[(&Wanted, State)],
) -> Vec<EndpointReport> {
    let here = environment.network.endpoints.iter().filter(|(_, endpoint)| **endpoint != Endpoint::External);
    here.map(|(service, _)| {
        let address = Address::new(Kind::VpcEndpoint, service.name());
        EndpointReport {
            service: *service,
            id: output(observation, &address, Output::Id),
            state: output(observation, &address, Output::State),
            dns_name: output(observation, &address, Output::DnsName),
            available: is_ready(states, &address),
        }
    })
    .collect()
}

pub(super) fn notebooks(
    environment: &Environment,
    observation: &Observation,
    states: &[(&Wanted, State)],
) -> Vec<NotebookReport> {
    let report = |name: &String| {
        let address = Address::new(Kind::NotebookInstance, name);
        NotebookReport {
            name: name.clone(),
            arn: output(observation, &address, Output::Arn),
            state: output(observation, &address, Output::State),
            restart_pending: output(observation, &address, Output::RestartPending).is_some_and(|value| value == "true"),
            ready: is_ready(states, &address),
        }
    };
    environment.notebooks.iter().map(|notebook| report(&notebook.name)).collect()
}

/// The ids of what is ours or was declared as existing. What stands in our way under our name is not remembered as ours.
pub(super) fn ids(observation: &Observation) -> BTreeMap<Address, String> {
    let declared = declared(observation);
    let seen = observation.sights.iter().filter_map(|(address, sight)| sight.seen().map(|seen| (address, seen)));
    let known = seen.filter(|(address, seen)| {
        matches!(seen.ownership, Ownership::Ours | Ownership::Earlier) || declared.contains(*address)
    });
    let unlisted = observation.sights.iter().filter_map(|(address, sight)| match sight {
        Sight::Unlisted { id } => Some((address.clone(), id.clone())),
        Sight::Absent | Sight::Unsettled { .. } | Sight::Present(_) | Sight::Unknown(_) => None,
    });
    known.map(|(address, seen)| (address.clone(), seen.id.clone())).chain(unlisted).collect()
}

/// What the manifest declares as existing.
pub(super) fn declared(observation: &Observation) -> BTreeSet<Address> {
    let wanted = observation.wanted.iter().filter(|wanted| wanted.management != Management::Owned);
    wanted.map(|wanted| wanted.address.clone()).collect()
}
