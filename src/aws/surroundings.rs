//! Looks at what stands around an environment in its VPC: what no resource kind lists already. Only reads; what cannot be read is said, and nothing is
//! concluded from it here.
//!
//! All looks are listings of the region that every environment of the account shares. Route tables, security groups and endpoints come from the kinds
//! that list them ([`Provider::survey`](super::provider::Provider::survey)).

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    AttachmentStatus, DhcpConfiguration, EgressOnlyInternetGateway, InternetGateway, NatGateway, NatGatewayState,
    NetworkAclEntry, TransitGatewayAttachmentState, TransitGatewayVpcAttachment, VpcPeeringConnection,
    VpcPeeringConnectionStateReasonCode, VpnGateway,
};
use tokio::time::Instant;

use super::{
    account::{Account, Clients},
    error::{AwsError, from_sdk},
    inventory::{Listing, Looked},
};
use crate::model::{
    port::Problem,
    surroundings::{AclEntry, Attachment, AttachmentKind, Look, NetworkAcl, Surroundings},
};

/// What DHCP options say for the resolver that every VPC has.
const OWN_RESOLVER: &str = "AmazonProvidedDNS";

/// Look at the VPC's network ACLs, its DHCP options and what is attached to it, no look older than `not_before`. What is attached is not looked for anew
/// when the VPC is `young`: what others have seen of the region has to do.
pub async fn survey(account: &Account, around: &mut Surroundings, young: bool, not_before: Instant) {
    let vpc = around.vpc.clone();
    let (acls, options, attached) = futures::join!(
        look::<NetworkAcls>(account, not_before),
        look::<DhcpOptions>(account, not_before),
        attached_to(account, &vpc, (!young).then_some(not_before)),
    );
    let of_vpc = |all: &NetworkAcls| all.0.iter().filter(|row| row.vpc == vpc).map(|row| row.acl.clone()).collect();
    around.acls = acls.map(|look| of_vpc(&look.rows)).into();
    around.attachments.extend(attached);
    match options {
        Ok(look) => {
            around.name_servers = look.rows.of(around.dhcp_options.as_deref());
            let mut usual =
                look.rows.0.iter().filter(|(_, servers)| servers.iter().all(|server| server == OWN_RESOLVER));
            around.usual_dhcp_options = usual.find(|(_, servers)| !servers.is_empty()).map(|(id, _)| id.clone());
        }
        Err(problem) => around.name_servers = Look::Refused(problem),
    }
}

async fn attached_to(
    account: &Account,
    vpc: &str,
    not_before: Option<Instant>,
) -> Vec<(AttachmentKind, Look<Vec<Attachment>>)> {
    let (internet, nat, egress, peering, transit, vpn) = futures::join!(
        of_vpc::<InternetGateways>(account, vpc, not_before),
        of_vpc::<NatGateways>(account, vpc, not_before),
        of_vpc::<EgressOnlyGateways>(account, vpc, not_before),
        of_vpc::<Peerings>(account, vpc, not_before),
        of_vpc::<TransitAttachments>(account, vpc, not_before),
        of_vpc::<VpnGateways>(account, vpc, not_before),
    );
    vec![
        (AttachmentKind::InternetGateway, internet),
        (AttachmentKind::NatGateway, nat),
        (AttachmentKind::EgressOnlyGateway, egress),
        (AttachmentKind::Peering, peering),
        (AttachmentKind::TransitGateway, transit),
        (AttachmentKind::VpnGateway, vpn),
    ]
}

/// What is attached to a VPC, by a look no older than `not_before`, or by the last one.
async fn of_vpc<T: Listing + AsRef<[Attached]>>(
    account: &Account,
    vpc: &str,
    not_before: Option<Instant>,
) -> Look<Vec<Attachment>> {
    let looked = match not_before {
        Some(not_before) => look::<T>(account, not_before).await,
        None => match account.inventory.latest::<T>("").await {
            Some(look) => Ok(look),
            None => return Look::NotYet,
        },
    };
    let of_vpc = |rows: &[Attached]| rows.iter().filter(|row| row.vpc == vpc).map(|row| row.thing.clone()).collect();
    looked.map(|look| of_vpc(look.rows.as_ref())).into()
}

async fn look<T: Listing>(account: &Account, not_before: Instant) -> Result<Arc<Looked<T>>, Problem> {
    account.inventory.get::<T>(&account.clients, "", not_before).await.map_err(|error| error.problem())
}

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All network ACLs of the region.
struct NetworkAcls(Vec<AclRow>);

struct AclRow {
    vpc: String,
    acl: NetworkAcl,
}

#[async_trait]
impl Listing for NetworkAcls {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_network_acls().into_paginator().page_size(1000).items().send();
        let acls = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeNetworkAcls"))?;
        Ok(Self(acls.into_iter().filter_map(AclRow::from_sdk).collect()))
    }
}

impl AclRow {
    fn from_sdk(acl: aws_sdk_ec2::types::NetworkAcl) -> Option<Self> {
        let subnets = acl.associations.unwrap_or_default().into_iter().filter_map(|association| association.subnet_id);
        let entries = acl.entries.unwrap_or_default();
        Some(Self {
            vpc: acl.vpc_id?,
            acl: NetworkAcl {
                id: acl.network_acl_id?,
                default: acl.is_default == Some(true),
                subnets: subnets.collect(),
                entries: entries.iter().filter_map(entry).collect(),
            },
        })
    }
}

fn entry(entry: &NetworkAclEntry) -> Option<AclEntry> {
    let block = entry.cidr_block.as_ref().or(entry.ipv6_cidr_block.as_ref())?;
    let port = |port: Option<i32>| u16::try_from(port?).ok();
    let ports = entry.port_range.as_ref().and_then(|range| port(range.from).zip(port(range.to)));
    Some(AclEntry {
        number: entry.rule_number?,
        egress: entry.egress == Some(true),
        allow: entry.rule_action.as_ref()?.as_str() == "allow",
        protocol: entry.protocol.clone()?,
        block: block.parse().ok()?,
        ports,
    })
}

/// All sets of DHCP options of the region: the name servers of each.
struct DhcpOptions(BTreeMap<String, Vec<String>>);

#[async_trait]
impl Listing for DhcpOptions {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_dhcp_options().into_paginator().page_size(1000).items().send();
        let sets = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeDhcpOptions"))?;
        let rows = sets
            .into_iter()
            .filter_map(|set| Some((set.dhcp_options_id?, name_servers(&set.dhcp_configurations.unwrap_or_default()))));
        Ok(Self(rows.collect()))
    }
}

impl DhcpOptions {
    /// The name servers that a VPC with these options tells its hosts.
    fn of(&self, options: Option<&str>) -> Look<Vec<String>> {
        match options {
            // So AWS calls it when a VPC was left without any options.
            Some("default") => Look::Seen(Vec::new()),
            // Options that the VPC has and the list lacks were made a moment ago.
            Some(id) => self.0.get(id).map_or(Look::NotYet, |servers| Look::Seen(servers.clone())),
            None => Look::NotYet,
        }
    }
}

fn name_servers(configurations: &[DhcpConfiguration]) -> Vec<String> {
    let named = configurations.iter().filter(|one| one.key.as_deref() == Some("domain-name-servers"));
    let values = named.flat_map(|one| one.values.as_deref().unwrap_or_default());
    values.filter_map(|value| value.value.clone()).collect()
}

/// Things that are attached to VPCs.
struct Attached {
    vpc: String,
    thing: Attachment,
}

impl Attached {
    /// Nothing for what is on its way out or never came to be: nothing goes through that.
    fn new(vpc: Option<String>, id: Option<String>, state: Option<&str>) -> Option<Self> {
        const OVER: [&str; 8] =
            ["deleted", "deleting", "detached", "detaching", "failed", "rejected", "expired", "rejecting"];
        let state = state.unwrap_or("attached").to_owned();
        (!OVER.contains(&state.as_str())).then_some(Self { vpc: vpc?, thing: Attachment { id: id?, state } })
    }
}

/// A listing of things that can be attached to a VPC, all of the region.
macro_rules! listing {
    ($name:ident, $operation:literal, $call:ident, $page:literal, $rows:expr) => {
        struct $name(Vec<Attached>);

        impl AsRef<[Attached]> for $name {
            fn as_ref(&self) -> &[Attached] {
                &self.0
            }
        }

        #[async_trait]
        impl Listing for $name {
            async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
                let pages = clients.ec2.$call().into_paginator().page_size($page).items().send();
                let items = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk($operation))?;
                Ok(Self(items.into_iter().flat_map($rows).collect()))
            }
        }
    };
}

listing!(InternetGateways, "ec2:DescribeInternetGateways", describe_internet_gateways, 1000, internet_gateway);
listing!(NatGateways, "ec2:DescribeNatGateways", describe_nat_gateways, 1000, nat_gateway);
listing!(
    EgressOnlyGateways,
    "ec2:DescribeEgressOnlyInternetGateways",
    describe_egress_only_internet_gateways,
    255,
    egress_only_gateway
);
listing!(Peerings, "ec2:DescribeVpcPeeringConnections", describe_vpc_peering_connections, 1000, peering);
listing!(
    TransitAttachments,
    "ec2:DescribeTransitGatewayVpcAttachments",
    describe_transit_gateway_vpc_attachments,
    1000,
    transit_attachment
);

/// AWS has no pages of these.
struct VpnGateways(Vec<Attached>);

impl AsRef<[Attached]> for VpnGateways {
    fn as_ref(&self) -> &[Attached] {
        &self.0
    }
}

#[async_trait]
impl Listing for VpnGateways {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let answer = clients.ec2.describe_vpn_gateways().send().await.map_err(from_sdk("ec2:DescribeVpnGateways"))?;
        Ok(Self(answer.vpn_gateways.unwrap_or_default().into_iter().flat_map(vpn_gateway).collect()))
    }
}

fn internet_gateway(gateway: InternetGateway) -> Vec<Attached> {
    let InternetGateway { internet_gateway_id: id, attachments, .. } = gateway;
    attachments
        .unwrap_or_default()
        .into_iter()
        .filter_map(|to| attached(id.as_ref(), to.vpc_id, to.state.as_ref()))
        .collect()
}

fn egress_only_gateway(gateway: EgressOnlyInternetGateway) -> Vec<Attached> {
    let EgressOnlyInternetGateway { egress_only_internet_gateway_id: id, attachments, .. } = gateway;
    attachments
        .unwrap_or_default()
        .into_iter()
        .filter_map(|to| attached(id.as_ref(), to.vpc_id, to.state.as_ref()))
        .collect()
}

fn vpn_gateway(gateway: VpnGateway) -> Vec<Attached> {
    let VpnGateway { vpn_gateway_id: id, vpc_attachments, .. } = gateway;
    let attachments = vpc_attachments.unwrap_or_default().into_iter();
    attachments.filter_map(|to| attached(id.as_ref(), to.vpc_id, to.state.as_ref())).collect()
}

fn attached(id: Option<&String>, vpc: Option<String>, state: Option<&AttachmentStatus>) -> Option<Attached> {
    Attached::new(vpc, id.cloned(), state.map(AttachmentStatus::as_str))
}

fn nat_gateway(gateway: NatGateway) -> Option<Attached> {
    let NatGateway { nat_gateway_id, vpc_id, state, .. } = gateway;
    Attached::new(vpc_id, nat_gateway_id, state.as_ref().map(NatGatewayState::as_str))
}

fn transit_attachment(attachment: TransitGatewayVpcAttachment) -> Option<Attached> {
    let TransitGatewayVpcAttachment { transit_gateway_attachment_id, vpc_id, state, .. } = attachment;
    Attached::new(vpc_id, transit_gateway_attachment_id, state.as_ref().map(TransitGatewayAttachmentState::as_str))
}

/// A peering connection is attached on both sides.
fn peering(peering: VpcPeeringConnection) -> Vec<Attached> {
    let VpcPeeringConnection { accepter_vpc_info, requester_vpc_info, status, vpc_peering_connection_id: id, .. } =
        peering;
    let state = status.and_then(|status| status.code);
    let state = state.as_ref().map(VpcPeeringConnectionStateReasonCode::as_str);
    let sides = [accepter_vpc_info, requester_vpc_info].into_iter().flatten();
    sides.filter_map(|side| Attached::new(side.vpc_id, id.clone(), state)).collect()
}
