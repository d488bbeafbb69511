//! What is in a VPC. What is in one that is to be deleted keeps it: AWS says no more than `DependencyViolation`, a person needs the names. Everything
//! of ours is gone by then, so that whatever is found is somebody's. And of two VPCs with the same owner tags the one with nothing in it is the one that
//! a creation which was repeated left behind.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Tag};

use super::{ec2_endpoints::VpcEndpoints, ec2_groups::SecurityGroups, ec2_in_use::in_use, ec2_tags, point_tags};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
        provider::{Reader, Writer},
    },
    model::{owner::Tags, port::ErrorClass, resource::Seen},
};

/// Refuse to go on while somebody has something in the VPC.
pub async fn must_be_empty(operation: &'static str, writer: &Writer<'_>, seen: &Seen) -> Result<(), AwsError> {
    let contents = match writer.look::<Contents>(&seen.id).await {
        // Who may not look finds out by trying, in AWS's words.
        Err(error) if error.class == ErrorClass::Denied => return Ok(()),
        contents => contents?,
    };
    let groups = writer.look::<SecurityGroups>("").await?;
    let endpoints = writer.look::<VpcEndpoints>("").await?;
    // What was ours may still be shown though it is deleted.
    let theirs = |tags: &Tags| !point_tags::same_owner(seen, tags);
    let groups = groups.rows.0.iter().filter(|group| group.vpc == seen.id && group.name != "default");
    let groups = groups.filter(|group| theirs(&group.tags));
    let endpoints = endpoints.rows.0.iter().filter(|endpoint| endpoint.vpc == seen.id && !endpoint.is_over());
    let endpoints = endpoints.filter(|endpoint| theirs(&endpoint.tags));
    let contents = contents.rows.0.iter().filter(|content| theirs(&content.tags));
    let found: Vec<String> = contents
        .map(|content| content.text.clone())
        .chain(groups.map(|group| format!("security group {} ({})", group.id, group.name)))
        .chain(endpoints.map(|endpoint| format!("endpoint {} ({})", endpoint.id, endpoint.service_name)))
        .collect();
    if found.is_empty() { Ok(()) } else { Err(in_use(operation, seen, &found)) }
}

/// Whether anything besides what comes with every VPC is in it, whosever it is; none when that cannot be seen.
pub async fn is_in_use(reader: &Reader<'_>, vpc: &str) -> Option<bool> {
    let contents = reader.look::<Contents>(vpc).await.ok()?;
    let groups = reader.look::<SecurityGroups>("").await.ok()?;
    let endpoints = reader.look::<VpcEndpoints>("").await.ok()?;
    let group = groups.rows.0.iter().any(|group| group.vpc == vpc && group.name != "default");
    let endpoint = endpoints.rows.0.iter().any(|endpoint| endpoint.vpc == vpc && !endpoint.is_over());
    Some(!contents.rows.0.is_empty() || group || endpoint)
}

/// Gateways, peerings, subnets, route tables and network ACLs of a VPC; the key is its id.
struct Contents(Vec<Content>);

struct Content {
    text: String,
    tags: Tags,
}

impl Content {
    fn of(what: &str, id: Option<String>, tags: Option<&[Tag]>) -> Self {
        Self { text: format!("{what} {}", id.unwrap_or_default()), tags: ec2_tags::read(tags) }
    }
}

#[async_trait]
impl Listing for Contents {
    async fn fetch(clients: &Clients, vpc: &str) -> Result<Self, AwsError> {
        let (gateways, peerings, parts) =
            futures::try_join!(gateways(clients, vpc), peerings(clients, vpc), parts(clients, vpc))?;
        Ok(Self(gateways.into_iter().chain(peerings).chain(parts).collect()))
    }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

async fn gateways(clients: &Clients, vpc: &str) -> Result<Vec<Content>, AwsError> {
    let attached = || filter("attachment.vpc-id", vpc);
    let (internet, private, nat) = futures::join!(
        clients.ec2.describe_internet_gateways().filters(attached()).send(),
        clients.ec2.describe_vpn_gateways().filters(attached()).filters(filter("attachment.state", "attached")).send(),
        clients.ec2.describe_nat_gateways().filter(filter("vpc-id", vpc)).send(),
    );
    let internet = internet.map_err(from_sdk("ec2:DescribeInternetGateways"))?.internet_gateways.unwrap_or_default();
    let private = private.map_err(from_sdk("ec2:DescribeVpnGateways"))?.vpn_gateways.unwrap_or_default();
    let nat = nat.map_err(from_sdk("ec2:DescribeNatGateways"))?.nat_gateways.unwrap_or_default();
    let alive = nat
        .into_iter()
        .filter(|gateway| !gateway.state.as_ref().is_some_and(|state| matches!(state.as_str(), "deleted" | "failed")));
    let internet = internet
        .into_iter()
        .map(|gateway| Content::of("internet gateway", gateway.internet_gateway_id, gateway.tags.as_deref()));
    let private =
        private.into_iter().map(|gateway| Content::of("VPN gateway", gateway.vpn_gateway_id, gateway.tags.as_deref()));
    let nat = alive.map(|gateway| Content::of("NAT gateway", gateway.nat_gateway_id, gateway.tags.as_deref()));
    Ok(internet.chain(private).chain(nat).collect())
}

async fn peerings(clients: &Clients, vpc: &str) -> Result<Vec<Content>, AwsError> {
    let mut found = Vec::new();
    for side in ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"] {
        let active = filter("status-code", "active");
        let describe = clients.ec2.describe_vpc_peering_connections().filters(filter(side, vpc)).filters(active);
        let answer = describe.send().await.map_err(from_sdk("ec2:DescribeVpcPeeringConnections"))?;
        let peerings = answer.vpc_peering_connections.unwrap_or_default();
        let content = peerings
            .into_iter()
            .map(|peering| Content::of("peering", peering.vpc_peering_connection_id, peering.tags.as_deref()));
        found.extend(content);
    }
    Ok(found)
}

/// What else has an owner of its own. What comes with every VPC (main route table, default ACL) goes with it.
async fn parts(clients: &Clients, vpc: &str) -> Result<Vec<Content>, AwsError> {
    let here = || filter("vpc-id", vpc);
    let (subnets, tables, acls) = futures::join!(
        clients.ec2.describe_subnets().filters(here()).send(),
        clients.ec2.describe_route_tables().filters(here()).send(),
        clients.ec2.describe_network_acls().filters(here()).filters(filter("default", "false")).send(),
    );
    let subnets = subnets.map_err(from_sdk("ec2:DescribeSubnets"))?.subnets.unwrap_or_default();
    let tables = tables.map_err(from_sdk("ec2:DescribeRouteTables"))?.route_tables.unwrap_or_default();
    let acls = acls.map_err(from_sdk("ec2:DescribeNetworkAcls"))?.network_acls.unwrap_or_default();
    let own = tables
        .into_iter()
        .filter(|table| !table.associations.iter().flatten().any(|association| association.main.unwrap_or_default()));
    let subnets = subnets.into_iter().map(|subnet| Content::of("subnet", subnet.subnet_id, subnet.tags.as_deref()));
    let tables = own.map(|table| Content::of("route table", table.route_table_id, table.tags.as_deref()));
    let acls = acls.into_iter().map(|acl| Content::of("network ACL", acl.network_acl_id, acl.tags.as_deref()));
    Ok(subnets.chain(tables).chain(acls).collect())
}
