//! All VPC endpoints of a region: looked at once, for the endpoints themselves and for what their interfaces hold on to.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::ec2_tags;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::{
        access::{Place, PolicyInPlace},
        owner::Tags,
        policy::PolicyDocument,
    },
};

/// All endpoints of the region that are not gone for good.
pub struct VpcEndpoints(pub Vec<EndpointRow>);

/// One of them.
pub struct EndpointRow {
    /// Its id.
    pub id: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// The service that it leads to.
    pub service_name: String,
    /// Gateway or Interface.
    pub endpoint_type: String,
    /// As AWS spells it, in lower case.
    pub state: String,
    /// Why it does not work.
    pub problem: Option<String>,
    /// As AWS shows it; none when it shows none.
    pub policy: Option<Result<PolicyDocument, String>>,
    /// The same as it stands, for the verdict on permissions.
    pub in_place: PolicyInPlace,
    /// Whether the service's usual name leads to it.
    pub private_dns_enabled: Option<bool>,
    /// The subnets with a network interface of it.
    pub subnets: BTreeSet<String>,
    /// The groups of these interfaces.
    pub security_groups: BTreeSet<String>,
    /// The route tables that lead to it.
    pub route_tables: BTreeSet<String>,
    /// `ipv4`, `dualstack` or `ipv6`: which addresses it has, and to which its names lead.
    pub addresses: [Option<String>; 2],
    /// Its regional name.
    pub dns_name: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

#[async_trait]
impl Listing for VpcEndpoints {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_vpc_endpoints().into_paginator().page_size(1000).items().send();
        let endpoints = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeVpcEndpoints"))?;
        let rows = endpoints.into_iter().filter_map(EndpointRow::from_sdk);
        Ok(Self(rows.filter(|endpoint| endpoint.state != "deleted").collect()))
    }
}

impl EndpointRow {
    /// From AWS's answer; none without what every endpoint has.
    pub fn from_sdk(endpoint: aws_sdk_ec2::types::VpcEndpoint) -> Option<Self> {
        let error = endpoint.last_error.and_then(|error| error.message.or(error.code));
        let groups = endpoint.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id);
        // The first name is the regional one.
        let policy_name = format!("the policy of endpoint {}", endpoint.vpc_endpoint_id.as_deref().unwrap_or("?"));
        let in_place = match endpoint.policy_document.as_deref() {
            Some(text) => PolicyInPlace::read(Place::Endpoint, policy_name, text),
            None => PolicyInPlace::unseen(Place::Endpoint, policy_name, "AWS does not show it"),
        };
        let names = endpoint.dns_entries.unwrap_or_default().into_iter().filter_map(|entry| entry.dns_name);
        let of_names = endpoint.dns_options.and_then(|options| options.dns_record_ip_type);
        Some(Self {
            addresses: [
                endpoint.ip_address_type.map(|addresses| addresses.as_str().to_owned()),
                of_names.map(|addresses| addresses.as_str().to_owned()),
            ],
            tags: ec2_tags::read(endpoint.tags.as_deref()),
            id: endpoint.vpc_endpoint_id?,
            vpc: endpoint.vpc_id?,
            service_name: endpoint.service_name?,
            endpoint_type: endpoint.vpc_endpoint_type?.as_str().to_owned(),
            // The wire says `available` where the SDK's type expects `Available`.
            state: endpoint.state?.as_str().to_ascii_lowercase(),
            problem: endpoint.failure_reason.or(error),
            in_place,
            policy: endpoint
                .policy_document
                .map(|text| PolicyDocument::parse(&text).map_err(|error| error.to_string())),
            private_dns_enabled: endpoint.private_dns_enabled,
            subnets: endpoint.subnet_ids.unwrap_or_default().into_iter().collect(),
            security_groups: groups.collect(),
            route_tables: endpoint.route_table_ids.unwrap_or_default().into_iter().collect(),
            dns_name: names.into_iter().next(),
        })
    }

    /// It will never work (again).
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "deleting" | "deleted" | "failed" | "rejected" | "expired")
    }
}
