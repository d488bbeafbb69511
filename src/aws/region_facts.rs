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
    port::ErrorClass,
    services::{EndpointServiceFacts, RegionFacts, Service},
};

const DAY: Duration = Duration::from_hours(24);
/// When to ask again for what was not told.
const SOON: Duration = Duration::from_mins(10);

/// What the region offers to this environment. What cannot be read (no permission, an endpoint that does not have the operation) is simply not
/// known, and read again at the next visit: the wishes that depend on it are left to AWS, and a subnet in the wrong zone ends in AWS's own
/// words. One of the two looks does without the other.
pub async fn facts(account: &Account, environment: Option<&Environment>) -> RegionFacts {
    let Some(services) = environment.map(services_of).filter(|services| !services.is_empty()) else {
        return RegionFacts::default();
    };
    let now = Instant::now();
    let not_before = |age: Duration| now.checked_sub(age).unwrap_or(now);
    let key: Vec<&str> = services.iter().map(|service| service.name()).collect();
    let key = key.join(",");
    let known = account.inventory.latest::<EndpointServices>(&key).await;
    let whole = known.is_some_and(|look| is_whole(&look.rows.0, &services, &account.clients.region));
    let since = not_before(if whole { DAY } else { SOON });
    let offered = account.inventory.get::<EndpointServices>(&account.clients, &key, since);
    let prefix_list = async {
        if !services.contains(&Service::S3) {
            return None;
        }
        Some(account.inventory.get::<S3PrefixList>(&account.clients, "", not_before(DAY)).await)
    };
    let (offered, prefix_list) = futures::join!(offered, prefix_list);
    let mut facts = match offered {
        Ok(look) => look.rows.0.clone(),
        Err(error) => {
            tracing::warn!(%error, "what the region offers could not be read");
            RegionFacts::default()
        }
    };
    match prefix_list {
        Some(Ok(look)) => {
            let S3PrefixList { name, id, blocks } = &look.rows;
            facts.prefix_lists.insert(name.clone(), id.clone());
            facts.prefix_list_blocks.insert(id.clone(), blocks.clone());
        }
        Some(Err(error)) => facts.s3_unseen = Some(error.problem()),
        None => {}
    }
    facts
}

/// Whether everything is known. What is missing may only have been out of sight: it would be a pity to believe in that for a day.
fn is_whole(facts: &RegionFacts, services: &BTreeSet<Service>, region: &str) -> bool {
    services.iter().all(|service| facts.endpoint_services.contains_key(&service.endpoint_service(region)))
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

/// The endpoint services of a region, without the prefix list.
struct EndpointServices(RegionFacts);

#[async_trait]
impl Listing for EndpointServices {
    /// `key` names the services, separated by commas.
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let services: Vec<Service> = key.split(',').filter_map(|name| name.parse().ok()).collect();
        let offered = read_services(clients, &services).await?;
        let mut facts = RegionFacts::default();
        // A region that has no endpoint service at all is none.
        if !offered.names.is_empty() {
            let asked = services.iter().map(|service| service.endpoint_service(&clients.region));
            facts.not_offered = asked.filter(|name| !offered.names.contains(name)).collect();
        }
        for (name, zones, policy_supported) in offered.details {
            let entry: &mut EndpointServiceFacts = facts.endpoint_services.entry(name).or_default();
            entry.zones.extend(zones);
            entry.policy_supported |= policy_supported;
        }
        // Every service is offered in some zones; together these are the zones of the region that are worth a subnet.
        let zones: BTreeSet<String> =
            facts.endpoint_services.values().flat_map(|service| service.zones.clone()).collect();
        facts.zones = zones.into_iter().collect();
        Ok(Self(facts))
    }
}

/// What AWS says of the endpoint services that were asked for.
#[derive(Default)]
struct Offered {
    names: BTreeSet<String>,
    /// Name, zones, and whether its endpoints take a policy.
    details: Vec<(String, Vec<String>, bool)>,
}

async fn read_services(clients: &Clients, services: &[Service]) -> Result<Offered, AwsError> {
    // By a filter: of a name that the region does not have nothing comes back, while a list of names with one such name is refused as a whole.
    let names = services.iter().map(|service| service.endpoint_service(&clients.region)).collect();
    let filter = Filter::builder().name("service-name").set_values(Some(names)).build();
    let mut offered = Offered::default();
    let mut page = None;
    loop {
        let describe = clients.ec2.describe_vpc_endpoint_services().filters(filter.clone()).set_next_token(page);
        let answer = describe.send().await.map_err(from_sdk("ec2:DescribeVpcEndpointServices"))?;
        offered.names.extend(answer.service_names.unwrap_or_default());
        for detail in answer.service_details.unwrap_or_default() {
            let Some(name) = detail.service_name else { continue };
            offered.names.insert(name.clone());
            let policy_supported = detail.vpc_endpoint_policy_supported.unwrap_or(true);
            offered.details.push((name, detail.availability_zones.unwrap_or_default(), policy_supported));
        }
        // The SDK has no paginator for this one. What a filter leaves of a page can be nothing, and others follow all the same.
        page = answer.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(offered);
        }
    }
}

/// The addresses of S3, which a rule of a security group can name.
struct S3PrefixList {
    name: String,
    id: String,
    blocks: Vec<String>,
}

#[async_trait]
impl Listing for S3PrefixList {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        const OPERATION: &str = "ec2:DescribePrefixLists";
        let name = Service::S3.endpoint_service(&clients.region);
        let filter = Filter::builder().name("prefix-list-name").values(&name).build();
        let pages = clients.ec2.describe_prefix_lists().filters(filter).into_paginator().items().send();
        let lists = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk(OPERATION))?;
        let list = lists.into_iter().find(|list| list.prefix_list_name.as_ref() == Some(&name));
        let missing = || AwsError::new(ErrorClass::Transient, OPERATION, format!("the answer does not have {name}"));
        let (id, blocks) = list.and_then(|list| Some((list.prefix_list_id?, list.cidrs))).ok_or_else(missing)?;
        Ok(Self { name, id, blocks: blocks.unwrap_or_default() })
    }
}
