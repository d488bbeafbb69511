//! What is told of single endpoints and notebooks.

use super::{EndpointReport, NotebookReport, State};
use crate::model::{
    address::{Address, Kind},
    environment::{Endpoint, Environment},
    port::Observation,
    resource::{Output, Wanted},
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
