//! What is there, whosever it is: a VPC with what is in it, a domain with its repositories, notebooks. For `cloister import`, which writes a
//! manifest from it, and `cloister plan`, which names whom a step concerns; the controller has no use for it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ec2::types::Filter;

use super::{
    code_artifact_repositories::{Details, Place, describe, list_in_domain},
    ec2_tags, sagemaker_notebooks,
};
use crate::aws::{
    account::Clients,
    error::{AwsError, from_sdk},
    inventory::Listing,
};

/// A VPC and what is in it, by its id; `None` when there is none of this id.
pub struct VpcSurvey(pub Option<Vpc>);

/// A VPC.
#[derive(Debug, Clone, Default)]
pub struct Vpc {
    /// Its subnets, by zone and CIDR block.
    pub subnets: Vec<Subnet>,
    /// Its endpoints that are not on their way out, by service.
    pub endpoints: Vec<Endpoint>,
    /// Its security groups, by name.
    pub groups: Vec<Group>,
}

/// A subnet.
#[derive(Debug, Clone, Default)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// Its zone.
    pub zone: String,
    /// Its CIDR block.
    pub cidr_block: String,
}

/// A VPC endpoint.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// The service's name, `com.amazonaws.…`.
    pub service: String,
    /// Its security groups.
    pub groups: BTreeSet<String>,
}

/// A security group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

#[async_trait]
impl Listing for VpcSurvey {
    async fn fetch(clients: &Clients, id: &str) -> Result<Self, AwsError> {
        let inside = Some(vec![Filter::builder().name("vpc-id").values(id).build()]);
        let vpcs = clients.ec2.describe_vpcs().set_filters(inside.clone()).send().await;
        if vpcs.map_err(from_sdk("ec2:DescribeVpcs"))?.vpcs().is_empty() {
            return Ok(Self(None));
        }
        let (subnets, endpoints, groups) = futures::join!(
            subnets(clients, inside.clone()),
            endpoints(clients, inside.clone()),
            groups(clients, inside.clone())
        );
        Ok(Self(Some(Vpc { subnets: subnets?, endpoints: endpoints?, groups: groups? })))
    }
}

async fn subnets(clients: &Clients, inside: Option<Vec<Filter>>) -> Result<Vec<Subnet>, AwsError> {
    let pages = clients.ec2.describe_subnets().set_filters(inside).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSubnets"))?;
    let rows = found.into_iter().filter_map(|subnet| {
        Some(Subnet {
            name: ec2_tags::read(subnet.tags.as_deref()).remove("Name"),
            id: subnet.subnet_id?,
            zone: subnet.availability_zone?,
            cidr_block: subnet.cidr_block?,
        })
    });
    let mut rows: Vec<Subnet> = rows.collect();
    rows.sort_by(|one, other| (&one.zone, &one.cidr_block).cmp(&(&other.zone, &other.cidr_block)));
    Ok(rows)
}

async fn endpoints(clients: &Clients, inside: Option<Vec<Filter>>) -> Result<Vec<Endpoint>, AwsError> {
    let pages = clients.ec2.describe_vpc_endpoints().set_filters(inside).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeVpcEndpoints"))?;
    let rows = found.into_iter().filter_map(|endpoint| {
        let state = endpoint.state?.as_str().to_ascii_lowercase();
        let leaving = matches!(state.as_str(), "deleting" | "deleted" | "failed" | "rejected" | "expired");
        let groups = endpoint.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id);
        let row = Endpoint { id: endpoint.vpc_endpoint_id?, service: endpoint.service_name?, groups: groups.collect() };
        (!leaving).then_some(row)
    });
    let mut rows: Vec<Endpoint> = rows.collect();
    rows.sort_by(|one, other| (&one.service, &one.id).cmp(&(&other.service, &other.id)));
    Ok(rows)
}

async fn groups(clients: &Clients, inside: Option<Vec<Filter>>) -> Result<Vec<Group>, AwsError> {
    let pages = clients.ec2.describe_security_groups().set_filters(inside).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSecurityGroups"))?;
    let rows = found.into_iter().filter_map(|group| Some(Group { id: group.group_id?, name: group.group_name? }));
    let mut rows: Vec<Group> = rows.collect();
    rows.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(rows)
}

/// The subnets of a VPC, each with the network interfaces that have their address in it; the key is the VPC's id.
pub struct Neighbours(pub BTreeMap<String, BTreeSet<String>>);

#[async_trait]
impl Listing for Neighbours {
    async fn fetch(clients: &Clients, vpc: &str) -> Result<Self, AwsError> {
        let inside = Some(vec![Filter::builder().name("vpc-id").values(vpc).build()]);
        let interfaces = clients.ec2.describe_network_interfaces().set_filters(inside.clone()).into_paginator();
        let (subnets, interfaces) =
            futures::join!(subnets(clients, inside), interfaces.items().send().collect::<Result<Vec<_>, _>>());
        let mut all: BTreeMap<String, BTreeSet<String>> =
            subnets?.into_iter().map(|subnet| (subnet.id, BTreeSet::new())).collect();
        for interface in interfaces.map_err(from_sdk("ec2:DescribeNetworkInterfaces"))? {
            if let (Some(subnet), Some(id)) = (interface.subnet_id, interface.network_interface_id) {
                all.entry(subnet).or_default().insert(id);
            }
        }
        Ok(Self(all))
    }
}

/// The names of all domains of the account in the region.
pub struct DomainNames(pub Vec<String>);

#[async_trait]
impl Listing for DomainNames {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.codeartifact.list_domains().into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("codeartifact:ListDomains"))?;
        let mut names: Vec<String> = found.into_iter().filter_map(|domain| domain.name).collect();
        names.sort();
        Ok(Self(names))
    }
}

/// The repositories of a domain of this account, by the domain's name; `None` when there is no such domain.
pub struct DomainSurvey(pub Option<Vec<Repository>>);

/// A repository.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its upstreams, by priority.
    pub upstreams: Vec<String>,
    /// Its external connections.
    pub external_connections: BTreeSet<String>,
}

#[async_trait]
impl Listing for DomainSurvey {
    async fn fetch(clients: &Clients, domain: &str) -> Result<Self, AwsError> {
        let place = Place { domain: domain.to_owned(), owner: clients.account.clone() };
        let rows = match list_in_domain(clients, &place).await {
            Err(error) if error.is_not_found() => return Ok(Self(None)),
            rows => rows?,
        };
        let mut repositories = Vec::new();
        for row in rows {
            let Details { description, upstreams, external_connections } =
                match describe(clients, &place, &row.name).await {
                    // It went while we were looking.
                    Err(error) if error.is_not_found() => continue,
                    details => details?,
                };
            repositories.push(Repository { name: row.name, description, upstreams, external_connections });
        }
        repositories.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self(Some(repositories)))
    }
}

/// A notebook, by its name; `None` when there is none of this name.
pub struct NotebookSurvey(pub Option<Notebook>);

/// A notebook.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    /// Its subnet; one without is not in any VPC.
    pub subnet: Option<String>,
    /// Its security groups.
    pub groups: BTreeSet<String>,
    /// Its execution role.
    pub role_arn: String,
    /// Its lifecycle configuration.
    pub lifecycle: Option<String>,
    /// Whether it reaches the internet past its VPC.
    pub direct_internet_access: bool,
}

#[async_trait]
impl Listing for NotebookSurvey {
    async fn fetch(clients: &Clients, name: &str) -> Result<Self, AwsError> {
        let details = match sagemaker_notebooks::Details::fetch(clients, name).await {
            Err(error) if error.is_not_found() => return Ok(Self(None)),
            details => details?,
        };
        Ok(Self(Some(Notebook {
            subnet: details.subnet,
            groups: details.security_groups,
            role_arn: details.role_arn,
            lifecycle: details.lifecycle,
            direct_internet_access: details.direct_internet_access != "Disabled",
        })))
    }
}
