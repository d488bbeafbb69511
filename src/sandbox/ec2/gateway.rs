//! Ways out of a VPC: internet gateways, NAT gateways and egress-only internet gateways. An isolated network has
//! none; they are here so that somebody can add one behind the product's back.

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, bad_request, done, in_use, tags};
use crate::sandbox::clock::{Instant, iso8601};
use crate::sandbox::wire::Reply;

/// An internet gateway.
#[derive(Debug, Clone)]
pub struct InternetGateway {
    id: String,
    /// The VPC it is attached to.
    pub vpc: Option<String>,
}

/// A NAT gateway.
#[derive(Debug, Clone)]
pub struct NatGateway {
    id: String,
    /// The subnet it is in.
    pub subnet: String,
    /// The VPC of that subnet.
    pub vpc: String,
    connectivity: String,
    allocation: Option<String>,
    interface: String,
    created: Instant,
    deleted_at: Option<Instant>,
}

/// An internet gateway for IPv6 that lets only answers in.
#[derive(Debug, Clone)]
pub struct EgressOnlyGateway {
    id: String,
    /// The VPC it is attached to.
    pub vpc: String,
}

impl Resource for InternetGateway {
    const KIND: Kind = Kind {
        prefix: "igw",
        resource_type: "internet-gateway",
        not_found: "InvalidInternetGatewayID.NotFound",
        malformed: "InvalidInternetGatewayId.Malformed",
        noun: "internetGateway ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

impl Resource for NatGateway {
    const KIND: Kind = Kind {
        prefix: "nat",
        resource_type: "natgateway",
        not_found: "NatGatewayNotFound",
        malformed: "NatGatewayMalformed",
        noun: "NAT gateway ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl NatGateway {
    /// Whether it only lingers in listings.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

impl Resource for EgressOnlyGateway {
    const KIND: Kind = Kind {
        prefix: "eigw",
        resource_type: "egress-only-internet-gateway",
        not_found: "InvalidEgressOnlyInternetGatewayId.NotFound",
        malformed: "InvalidEgressOnlyInternetGatewayId.Malformed",
        noun: "egress-only internet gateway ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateInternetGateway" => create_internet_gateway,
        "AttachInternetGateway" => attach,
        "DetachInternetGateway" => detach,
        "DeleteInternetGateway" => delete_internet_gateway,
        "DescribeInternetGateways" => describe_internet_gateways,
        "CreateNatGateway" => create_nat_gateway,
        "DeleteNatGateway" => delete_nat_gateway,
        "DescribeNatGateways" => describe_nat_gateways,
        "CreateEgressOnlyInternetGateway" => create_egress_only,
        "DeleteEgressOnlyInternetGateway" => delete_egress_only,
        "DescribeEgressOnlyInternetGateways" => describe_egress_only,
        _ => return None,
    })
}

/// Whether a gateway keeps the VPC from being deleted.
pub(super) fn any_in(state: &State, vpc: &str) -> bool {
    state.internet_gateways.iter().any(|gateway| gateway.vpc.as_deref() == Some(vpc))
        || state.nat_gateways.iter().any(|gateway| gateway.vpc == vpc && !gateway.is_deleted())
        || state.egress_gateways.iter().any(|gateway| gateway.vpc == vpc)
}

/// A deleted NAT gateway stays in listings for about an hour.
pub(super) fn settle(state: &mut State, now: Instant) {
    let hour = std::time::Duration::from_hours(1);
    let expired = |gateway: &&NatGateway| gateway.deleted_at.is_some_and(|at| at + hour <= now);
    let gone: Vec<String> = state.nat_gateways.iter().filter(expired).map(|gateway| gateway.id.clone()).collect();
    for id in gone {
        state.nat_gateways.remove(&id);
        state.tags.remove(&id);
    }
}

fn create_internet_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let tags = tags::of_create(ec2, InternetGateway::KIND.resource_type)?;
    if ec2.state.internet_gateways.len() >= ec2.settings.quotas.internet_gateways_per_region {
        let message = "The maximum number of internet gateways has been reached.";
        return Err(bad_request("InternetGatewayLimitExceeded", message));
    }
    let gateway = InternetGateway { id: ec2.ids.hex("igw"), vpc: None };
    ec2.tag(&gateway.id, tags);
    let answer = internet_gateway_wire(ec2, &gateway);
    let visible = ec2.visible();
    ec2.state.internet_gateways.insert(gateway, visible);
    Ok(json!({"internetGateway": answer}))
}

fn internet_gateway_wire(ec2: &Ec2<'_>, gateway: &InternetGateway) -> Value {
    let attachments: Vec<Value> = gateway.vpc.iter().map(|vpc| json!({"vpcId": vpc, "state": "available"})).collect();
    json!({
        "internetGatewayId": gateway.id,
        "ownerId": ec2.call.account,
        "attachmentSet": attachments,
        "tagSet": ec2.tags_of(&gateway.id),
    })
}

fn attach(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("InternetGatewayId")?.to_owned();
    let vpc = ec2.required("VpcId")?.to_owned();
    let gateway = ec2.state.internet_gateways.get(&id)?;
    ec2.state.vpcs.get(&vpc)?;
    if let Some(attached) = &gateway.vpc {
        let message = format!("resource {id} is already attached to network {attached}");
        return Err(bad_request("Resource.AlreadyAssociated", message));
    }
    if ec2.state.internet_gateways.iter().any(|other| other.vpc.as_deref() == Some(&vpc)) {
        let message = format!("Network {vpc} already has an internet gateway attached");
        return Err(bad_request("InvalidParameterValue", message));
    }
    ec2.state.internet_gateways.get_mut(&id)?.vpc = Some(vpc);
    done()
}

fn detach(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("InternetGatewayId")?.to_owned();
    let vpc = ec2.required("VpcId")?.to_owned();
    let gateway = ec2.state.internet_gateways.get_mut(&id)?;
    if gateway.vpc.as_deref() != Some(vpc.as_str()) {
        let message = format!("resource {id} is not attached to network {vpc}");
        return Err(bad_request("Gateway.NotAttached", message));
    }
    gateway.vpc = None;
    done()
}

fn delete_internet_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("InternetGatewayId")?.to_owned();
    if ec2.state.internet_gateways.get(&id)?.vpc.is_some() {
        return Err(in_use("internetGateway", &id));
    }
    ec2.state.internet_gateways.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

const INTERNET_GATEWAYS: Listing = Listing {
    set: "internetGatewaySet",
    ids: "InternetGatewayId",
    id: "internetGatewayId",
    filters: &[
        ("attachment.state", "attachmentSet.state"),
        ("attachment.vpc-id", "attachmentSet.vpcId"),
        ("internet-gateway-id", "internetGatewayId"),
        ("owner-id", "ownerId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe_internet_gateways(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &INTERNET_GATEWAYS, &ec2.state.internet_gateways, |gateway| internet_gateway_wire(ec2, gateway))
}

fn create_nat_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let subnet = ec2.required("SubnetId")?.to_owned();
    let vpc = ec2.state.subnets.get(&subnet)?.vpc.clone();
    let connectivity = ec2.call.text("ConnectivityType").unwrap_or("public").to_owned();
    let allocation = ec2.call.text("AllocationId").map(str::to_owned);
    if connectivity == "public" && allocation.is_none() {
        return Err(super::missing("AllocationId"));
    }
    let tags = tags::of_create(ec2, NatGateway::KIND.resource_type)?;
    let (id, interface) = (ec2.ids.hex("nat"), ec2.ids.hex("eni"));
    let description = format!("Interface for NAT Gateway {id}");
    ec2.state.create_interface(interface.clone(), &subnet, &[], &description, true, "nat_gateway", ec2.call.now)?;
    ec2.tag(&id, tags);
    let created = ec2.call.now;
    let gateway = NatGateway { id, subnet, vpc, connectivity, allocation, interface, created, deleted_at: None };
    let answer = nat_gateway_wire(ec2, &gateway, "pending");
    ec2.state.nat_gateways.insert_seen(gateway);
    Ok(json!({"natGateway": answer, "clientToken": ec2.call.text("ClientToken")}))
}

fn nat_gateway_wire(ec2: &Ec2<'_>, gateway: &NatGateway, state: &str) -> Value {
    let address = json!({
        "allocationId": gateway.allocation,
        "networkInterfaceId": gateway.interface,
        "isPrimary": true,
        "status": "succeeded",
    });
    json!({
        "natGatewayId": gateway.id,
        "subnetId": gateway.subnet,
        "vpcId": gateway.vpc,
        "state": state,
        "connectivityType": gateway.connectivity,
        "createTime": iso8601(gateway.created),
        "deleteTime": gateway.deleted_at.map(iso8601),
        "natGatewayAddressSet": [address],
        "tagSet": ec2.tags_of(&gateway.id),
    })
}

fn delete_nat_gateway(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("NatGatewayId")?.to_owned();
    let now = ec2.call.now;
    let gateway = ec2.state.nat_gateways.get_mut(&id)?;
    gateway.deleted_at.get_or_insert(now);
    let interface = gateway.interface.clone();
    ec2.state.release_interface(&interface, now);
    Ok(json!({"natGatewayId": id}))
}

const NAT_GATEWAYS: Listing = Listing {
    set: "natGatewaySet",
    ids: "NatGatewayId",
    id: "natGatewayId",
    filters: &[("nat-gateway-id", "natGatewayId"), ("state", "state"), ("subnet-id", "subnetId"), ("vpc-id", "vpcId")],
    tagged: true,
    page: Page::USUAL,
};

fn describe_nat_gateways(ec2: &mut Ec2<'_>) -> Reply {
    let state = |gateway: &NatGateway| if gateway.is_deleted() { "deleted" } else { "available" };
    list(ec2, &NAT_GATEWAYS, &ec2.state.nat_gateways, |gateway| nat_gateway_wire(ec2, gateway, state(gateway)))
}

fn create_egress_only(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&vpc)?;
    let tags = tags::of_create(ec2, EgressOnlyGateway::KIND.resource_type)?;
    let gateway = EgressOnlyGateway { id: ec2.ids.hex("eigw"), vpc };
    ec2.tag(&gateway.id, tags);
    let answer = egress_only_wire(ec2, &gateway);
    ec2.state.egress_gateways.insert_seen(gateway);
    Ok(json!({"egressOnlyInternetGateway": answer, "clientToken": ec2.call.text("ClientToken")}))
}

fn egress_only_wire(ec2: &Ec2<'_>, gateway: &EgressOnlyGateway) -> Value {
    json!({
        "egressOnlyInternetGatewayId": gateway.id,
        "attachmentSet": [{"vpcId": gateway.vpc, "state": "attached"}],
        "tagSet": ec2.tags_of(&gateway.id),
    })
}

fn delete_egress_only(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("EgressOnlyInternetGatewayId")?.to_owned();
    ec2.state.egress_gateways.get(&id)?;
    ec2.state.egress_gateways.remove(&id);
    ec2.state.tags.remove(&id);
    Ok(json!({"returnCode": true}))
}

const EGRESS_ONLY: Listing = Listing {
    set: "egressOnlyInternetGatewaySet",
    ids: "EgressOnlyInternetGatewayId",
    id: "egressOnlyInternetGatewayId",
    filters: &[],
    tagged: true,
    page: Page { least: 5, most: 255, strict: true },
};

fn describe_egress_only(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &EGRESS_ONLY, &ec2.state.egress_gateways, |gateway| egress_only_wire(ec2, gateway))
}
