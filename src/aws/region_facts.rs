//! What a region offers: zones, endpoint services, AWS's prefix lists. Read once a day, only as far as an environment needs it.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use aws_sdk_ec2::types::Filter;
use tokio::time::Instant;

use super::{
    account::{Account, Clients},
    error::{AwsError, from_sdk},
    inventory::Listing,
};
use crate::model::{
    environment::{Endpoint, Environment, Part},
    services::{EndpointServiceFacts, RegionFacts, Service},
};

const DAY: Duration = Duration::from_hours(24);

/// What the region offers to this environment. What cannot be read (no permission) is simply not known: the wishes that depend on it
/// are left to AWS, and a subnet in the wrong zone ends in AWS's own words.
pub async fn facts(account: &Account, environment: Option<&Environment>) -> RegionFacts {
    let Some(services) = environment.map(services_of).filter(|services| !services.is_empty()) else {
        return RegionFacts::default();
    };
    let now = Instant::now();
    let not_before = now.checked_sub(DAY).unwrap_or(now);
    let key: Vec<&str> = services.iter().map(|service| service.name()).collect();
    match account.inventory.get::<RegionFacts>(&account.clients, &key.join(","), not_before).await {
        Ok(look) => look.rows.clone(),
        Err(error) => {
            tracing::warn!(%error, "the region's facts could not be read");
            RegionFacts::default()
        }
    }
}

/// The services for which the environment makes endpoints. Without one of ours nothing of the region needs to be known.
fn services_of(environment: &Environment) -> BTreeSet<Service> {
    let managed = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Managed { .. });
    let ours =
        environment.network.endpoints.iter().filter(|(_, endpoint)| managed(endpoint)).map(|(service, _)| *service);
    let mut services: BTreeSet<Service> = ours.collect();
    let needs_prefix_list = matches!(environment.network.notebooks_group, Part::Managed(()));
    if needs_prefix_list && environment.network.endpoints.contains_key(&Service::S3) {
        services.insert(Service::S3);
    }
    services
}

#[async_trait]
impl Listing for RegionFacts {
    /// `key` names the services, separated by commas.
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let services: Vec<Service> = key.split(',').filter_map(|name| name.parse().ok()).collect();
        let (endpoint_services, prefix_list) =
            futures::join!(read_services(clients, &services), read_s3_prefix_list(clients, &services));
        let mut facts = Self::default();
        let endpoint_services = tolerate(endpoint_services)?;
        if let Some(rows) = &endpoint_services {
            let asked = services.iter().map(|service| service.endpoint_service(&clients.region));
            facts.not_offered = asked.filter(|name| !rows.iter().any(|(found, ..)| found == name)).collect();
        }
        for (name, zones, policy_supported) in endpoint_services.unwrap_or_default() {
            let entry: &mut EndpointServiceFacts = facts.endpoint_services.entry(name).or_default();
            entry.zones.extend(zones);
            entry.policy_supported |= policy_supported;
        }
        // Every service is offered in some zones; together these are the zones of the region that are worth a subnet.
        let zones: BTreeSet<String> =
            facts.endpoint_services.values().flat_map(|service| service.zones.clone()).collect();
        facts.zones = zones.into_iter().collect();
        for (name, id, blocks) in tolerate(prefix_list)?.unwrap_or_default() {
            facts.prefix_list_blocks.insert(id.clone(), blocks);
            facts.prefix_lists.insert(name, id);
        }
        Ok(facts)
    }
}

type ServiceRow = (String, Vec<String>, bool);

async fn read_services(clients: &Clients, services: &[Service]) -> Result<Vec<ServiceRow>, AwsError> {
    // By a filter: of a name that the region does not have nothing comes back, while a list of names with one such name is refused as a whole.
    let names = services.iter().map(|service| service.endpoint_service(&clients.region)).collect();
    let filter = Filter::builder().name("service-name").set_values(Some(names)).build();
    let describe = clients.ec2.describe_vpc_endpoint_services().filters(filter);
    let answer = describe.send().await.map_err(from_sdk("ec2:DescribeVpcEndpointServices"))?;
    let rows = answer.service_details.unwrap_or_default().into_iter().filter_map(|detail| {
        Some((
            detail.service_name?,
            detail.availability_zones.unwrap_or_default(),
            detail.vpc_endpoint_policy_supported.unwrap_or(true),
        ))
    });
    Ok(rows.collect())
}

type PrefixListRow = (String, String, Vec<String>);

async fn read_s3_prefix_list(clients: &Clients, services: &[Service]) -> Result<Vec<PrefixListRow>, AwsError> {
    if !services.contains(&Service::S3) {
        return Ok(Vec::new());
    }
    let name = Service::S3.endpoint_service(&clients.region);
    let filter = Filter::builder().name("prefix-list-name").values(name).build();
    let describe = clients.ec2.describe_prefix_lists().filters(filter);
    let answer = describe.send().await.map_err(from_sdk("ec2:DescribePrefixLists"))?;
    let rows = answer
        .prefix_lists
        .unwrap_or_default()
        .into_iter()
        .filter_map(|list| Some((list.prefix_list_name?, list.prefix_list_id?, list.cidrs.unwrap_or_default())));
    Ok(rows.collect())
}

/// A refusal means "not known"; a passing fault is worth another try.
fn tolerate<T>(result: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match result {
        Err(error) if error.class.needs_person() || error.is_not_found() => Ok(None),
        result => result.map(Some),
    }
}
