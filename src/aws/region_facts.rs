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

/// What the region offers to this environment. What cannot be read (no permission, an endpoint that does not have the operation) is simply not
/// known, and read again at the next visit: the wishes that depend on it are left to AWS, and a subnet in the wrong zone ends in AWS's own
/// words. One of the two looks does without the other.
pub async fn facts(account: &Account, environment: Option<&Environment>) -> RegionFacts {
    let Some(services) = environment.map(services_of).filter(|services| !services.is_empty()) else {
        return RegionFacts::default();
    };
    let now = Instant::now();
    let not_before = now.checked_sub(DAY).unwrap_or(now);
    let key: Vec<&str> = services.iter().map(|service| service.name()).collect();
    let key = key.join(",");
    let offered = account.inventory.get::<EndpointServices>(&account.clients, &key, not_before);
    let prefix_list = async {
        if !services.contains(&Service::S3) {
            return None;
        }
        Some(account.inventory.get::<S3PrefixList>(&account.clients, "", not_before).await)
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
        let rows = read_services(clients, &services).await?;
        let mut facts = RegionFacts::default();
        let asked = services.iter().map(|service| service.endpoint_service(&clients.region));
        facts.not_offered = asked.filter(|name| !rows.iter().any(|(found, ..)| found == name)).collect();
        for (name, zones, policy_supported) in rows {
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
        let answer = clients.ec2.describe_prefix_lists().filters(filter).send().await.map_err(from_sdk(OPERATION))?;
        let mut lists = answer.prefix_lists.unwrap_or_default().into_iter();
        let list = lists.find(|list| list.prefix_list_name.as_ref() == Some(&name));
        let missing = || AwsError::new(ErrorClass::Transient, OPERATION, format!("the answer does not have {name}"));
        let (id, blocks) = list.and_then(|list| Some((list.prefix_list_id?, list.cidrs))).ok_or_else(missing)?;
        Ok(Self { name, id, blocks: blocks.unwrap_or_default() })
    }
}
