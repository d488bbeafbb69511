//! Ways from a VPC into other networks: peerings, transit gateway attachments and VPN gateways. Just enough of each for
//! somebody to connect a network that should be isolated.

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, bad_request, done, route_table, tags};
use crate::sandbox::clock::{Instant, iso8601};
use crate::sandbox::wire::Reply;

/// A peering of two VPCs.
#[derive(Debug, Clone)]
pub struct Peering {
    id: String,
    requester: Side,
    accepter: Side,
    status: &'static str,
}

/// One VPC of a peering.
#[derive(Debug, Clone)]
struct Side {
    vpc: String,
    owner: String,
    region: String,
    cidr: Option<String>,
}

/// A VPC at a transit gateway.
#[derive(Debug, Clone)]
pub struct TransitAttachment {
    id: String,
    /// The transit gateway.
    pub gateway: String,
    /// The VPC.
    pub vpc: String,
    subnets: Vec<String>,
    created: Instant,
}

/// A virtual private gateway.
#[derive(Debug, Clone)]
pub struct VpnGateway {
    id: String,
    /// The VPC it is attached to.
    pub vpc: Option<String>,
}

impl Resource for Peering {
    const KIND: Kind = Kind {
        prefix: "pcx",
        resource_type: "vpc-peering-connection",
        not_found: "InvalidVpcPeeringConnectionID.NotFound",
        malformed: "InvalidVpcPeeringConnectionId.Malformed",
        noun: "vpcPeeringConnection ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

impl Resource for TransitAttachment {
    const KIND: Kind = Kind {
        prefix: "tgw-attach",
        resource_type: "transit-gateway-attachment",
        not_found: "InvalidTransitGatewayAttachmentID.NotFound",
        malformed: "InvalidTransitGatewayAttachmentId.Malformed",
        noun: "transitGatewayAttachment ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

impl Resource for VpnGateway {
    const KIND: Kind = Kind {
        prefix: "vgw",
        resource_type: "vpn-gateway",
        not_found: "InvalidVpnGatewayID.NotFound",
        malformed: "InvalidVpnGatewayId.Malformed",
        noun: "vpnGateway ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpcPeeringConnection" => create_peering,
        "AcceptVpcPeeringConnection" => accept_peering,
        "DeleteVpcPeeringConnection" => delete_peering,
        "DescribeVpcPeeringConnections" => describe_peerings,
        "CreateTransitGatewayVpcAttachment" => create_attachment,
        "DeleteTransitGatewayVpcAttachment" => delete_attachment,
        "DescribeTransitGatewayVpcAttachments" => describe_attachments,
        "CreateVpnGateway" => create_vpn_gateway,
        "AttachVpnGateway" => attach_vpn_gateway,
        "DetachVpnGateway" => detach_vpn_gateway,
        "DeleteVpnGateway" => delete_vpn_gateway,
        "DescribeVpnGateways" => describe_vpn_gateways,
        _ => return None,
    })
}

/// Whether something here keeps the VPC from being deleted.
pub(super) fn any_in(state: &State, vpc: &str) -> bool {
    let peered = |peering: &Peering| [&peering.requester, &peering.accepter].iter().any(|side| side.vpc == vpc);
    state.peerings.iter().any(peered)
        || state.transit_attachments.iter().any(|attachment| attachment.vpc == vpc)
        || state.vpn_gateways.iter().any(|gateway| gateway.vpc.as_deref() == Some(vpc))
}

fn create_peering(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.required("VpcId")?.to_owned();
    let cidr = ec2.state.vpcs.get(&vpc)?.cidr.to_string();
    let tags = tags::of_create(ec2, Peering::KIND.resource_type)?;
    let (account, region) = (ec2.call.account.clone(), ec2.call.region.clone());
    let peer = ec2.required("PeerVpcId")?.to_owned();
    let accepter = Side {
        cidr: ec2.state.vpcs.peek(&peer).map(|vpc| vpc.cidr.to_string()),
        vpc: peer,
        owner: ec2.call.text("PeerOwnerId").unwrap_or(&account).to_owned(),
        region: ec2.call.text("PeerRegion").unwrap_or(&region).to_owned(),
    };
    let requester = Side { vpc, owner: account, region, cidr: Some(cidr) };
    let peering = Peering { id: ec2.ids.hex("pcx"), requester, accepter, status: "pending-acceptance" };
    ec2.tag(&peering.id, tags);
    let answer = peering_wire(ec2, &peering);
    ec2.state.peerings.insert_seen(peering);
    Ok(json!({"vpcPeeringConnection": answer}))
}

fn accept_peering(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpcPeeringConnectionId")?.to_owned();
    ec2.state.peerings.get_mut(&id)?.status = "active";
    Ok(json!({"vpcPeeringConnection": peering_wire(ec2, ec2.state.peerings.get(&id)?)}))
}

fn delete_peering(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpcPeeringConnectionId")?.to_owned();
    ec2.state.peerings.get(&id)?;
    ec2.state.peerings.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

fn peering_wire(ec2: &Ec2<'_>, peering: &Peering) -> Value {
    let side =
        |side: &Side| json!({"vpcId": side.vpc, "ownerId": side.owner, "region": side.region, "cidrBlock": side.cidr});
    let message = if peering.status == "active" { "Active" } else { "Pending Acceptance" };
    json!({
        "vpcPeeringConnectionId": peering.id,
        "requesterVpcInfo": side(&peering.requester),
        "accepterVpcInfo": side(&peering.accepter),
        "status": {"code": peering.status, "message": message},
        "tagSet": ec2.tags_of(&peering.id),
    })
}

const PEERINGS: Listing = Listing {
    set: "vpcPeeringConnectionSet",
    ids: "VpcPeeringConnectionId",
    id: "vpcPeeringConnectionId",
    filters: &[
        ("accepter-vpc-info.cidr-block", "accepterVpcInfo.cidrBlock"),
        ("accepter-vpc-info.owner-id", "accepterVpcInfo.ownerId"),
        ("accepter-vpc-info.vpc-id", "accepterVpcInfo.vpcId"),
        ("expiration-time", "expirationTime"),
        ("requester-vpc-info.cidr-block", "requesterVpcInfo.cidrBlock"),
        ("requester-vpc-info.owner-id", "requesterVpcInfo.ownerId"),
        ("requester-vpc-info.vpc-id", "requesterVpcInfo.vpcId"),
        ("status-code", "status.code"),
        ("status-message", "status.message"),
        ("vpc-peering-connection-id", "vpcPeeringConnectionId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe_peerings(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &PEERINGS, &ec2.state.peerings, |peering| peering_wire(ec2, peering))
}

fn create_attachment(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&vpc)?;
    let gateway = ec2.required("TransitGatewayId")?.to_owned();
    let subnets = ec2.call.texts("SubnetIds");
    let id = ec2.ids.hex("tgw-attach");
    let attachment = TransitAttachment { id, gateway, vpc, subnets, created: ec2.call.now };
    let answer = attachment_wire(ec2, &attachment);
    ec2.state.transit_attachments.insert_seen(attachment);
    Ok(json!({"transitGatewayVpcAttachment": answer}))
}

fn delete_attachment(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("TransitGatewayAttachmentId")?.to_owned();
    let answer = attachment_wire(ec2, ec2.state.transit_attachments.get(&id)?);
    ec2.state.transit_attachments.remove(&id);
    Ok(json!({"transitGatewayVpcAttachment": answer}))
}

fn attachment_wire(ec2: &Ec2<'_>, attachment: &TransitAttachment) -> Value {
    json!({
        "transitGatewayAttachmentId": attachment.id,
        "transitGatewayId": attachment.gateway,
        "vpcId": attachment.vpc,
        "vpcOwnerId": ec2.call.account,
        "state": "available",
        "subnetIds": attachment.subnets,
        "creationTime": iso8601(attachment.created),
        "tagSet": ec2.tags_of(&attachment.id),
    })
}

const ATTACHMENTS: Listing = Listing {
    set: "transitGatewayVpcAttachments",
    ids: "TransitGatewayAttachmentIds",
    id: "transitGatewayAttachmentId",
    filters: &[
        ("state", "state"),
        ("transit-gateway-attachment-id", "transitGatewayAttachmentId"),
        ("transit-gateway-id", "transitGatewayId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe_attachments(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &ATTACHMENTS, &ec2.state.transit_attachments, |attachment| attachment_wire(ec2, attachment))
}

fn create_vpn_gateway(ec2: &mut Ec2<'_>) -> Reply {
    ec2.required("Type")?;
    let tags = tags::of_create(ec2, VpnGateway::KIND.resource_type)?;
    let gateway = VpnGateway { id: ec2.ids.hex("vgw"), vpc: None };
    ec2.tag(&gateway.id, tags);
    let answer = vpn_gateway_wire(ec2, &gateway);
    ec2.state.vpn_gateways.insert_seen(gateway);
    Ok(json!({"vpnGateway": answer}))
}

fn attach_vpn_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpnGatewayId")?.to_owned();
    let vpc = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&vpc)?;
    ec2.state.vpn_gateways.get_mut(&id)?.vpc = Some(vpc.clone());
    Ok(json!({"attachment": {"vpcId": vpc, "state": "attached"}}))
}

fn detach_vpn_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpnGatewayId")?.to_owned();
    ec2.state.vpn_gateways.get_mut(&id)?.vpc = None;
    route_table::forget_gateway(ec2.state, &id);
    done()
}

fn delete_vpn_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpnGatewayId")?.to_owned();
    if ec2.state.vpn_gateways.get(&id)?.vpc.is_some() {
        return Err(bad_request("IncorrectState", "The VPN gateway is in use."));
    }
    ec2.state.vpn_gateways.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

fn vpn_gateway_wire(ec2: &Ec2<'_>, gateway: &VpnGateway) -> Value {
    let attachments: Vec<Value> = gateway.vpc.iter().map(|vpc| json!({"vpcId": vpc, "state": "attached"})).collect();
    json!({
        "vpnGatewayId": gateway.id,
        "state": "available",
        "type": "ipsec.1",
        "amazonSideAsn": 64512,
        "attachments": attachments,
        "tagSet": ec2.tags_of(&gateway.id),
    })
}

const VPN_GATEWAYS: Listing = Listing {
    set: "vpnGatewaySet",
    ids: "VpnGatewayId",
    id: "vpnGatewayId",
    filters: &[
        ("amazon-side-asn", "amazonSideAsn"),
        ("attachment.state", "attachments.state"),
        ("attachment.vpc-id", "attachments.vpcId"),
        ("availability-zone", "availabilityZone"),
        ("state", "state"),
        ("type", "type"),
        ("vpn-gateway-id", "vpnGatewayId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe_vpn_gateways(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &VPN_GATEWAYS, &ec2.state.vpn_gateways, |gateway| vpn_gateway_wire(ec2, gateway))
}
