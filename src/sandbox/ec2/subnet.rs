//! Subnets.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, acl, attribute, bad_request, cidr, done, in_use, invalid, missing, overlap};
use super::{route_table, tags, vpc, zone};
use crate::sandbox::wire::{Refusal, Reply};

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    id: String,
    /// The VPC around it.
    pub vpc: String,
    /// Its IPv4 block.
    pub cidr: Ipv4Net,
    /// The name of its availability zone.
    pub zone: String,
    /// Whether what starts in it gets a public address.
    pub map_public_ip: bool,
}

impl Resource for Subnet {
    const KIND: Kind = Kind {
        prefix: "subnet",
        resource_type: "subnet",
        not_found: "InvalidSubnetID.NotFound",
        malformed: "InvalidSubnetId.Malformed",
        noun: "subnet ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl Subnet {
    /// Addresses that may be given out: all but the first four and the last.
    pub fn free_addresses<'a>(&self, taken: &'a BTreeSet<Ipv4Addr>) -> impl Iterator<Item = Ipv4Addr> + 'a {
        let last = self.cidr.broadcast();
        self.cidr.hosts().skip(3).filter(move |address| *address != last && !taken.contains(address))
    }

    /// Whether an address may be given out at all.
    #[must_use]
    pub fn offers(&self, address: Ipv4Addr) -> bool {
        let first = u32::from(self.cidr.network()) + 4;
        self.cidr.contains(&address) && u32::from(address) >= first && address != self.cidr.broadcast()
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateSubnet" => create,
        "DeleteSubnet" => delete,
        "DescribeSubnets" => describe,
        "ModifySubnetAttribute" => modify_attribute,
        _ => return None,
    })
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let vpc_id = ec2.required("VpcId")?.to_owned();
    let around = ec2.state.vpcs.get(&vpc_id)?.cidr;
    vpc::no_ipv6(ec2)?;
    let Some(block) = ec2.call.text("CidrBlock") else {
        return Err(missing("CidrBlock"));
    };
    let block = cidr(block, "cidrBlock")?;
    if !(16..=28).contains(&block.prefix_len()) || !around.contains(&block) {
        return Err(bad_request("InvalidSubnet.Range", format!("The CIDR '{block}' is invalid.")));
    }
    let siblings = || ec2.state.subnets.iter().filter(|subnet| subnet.vpc == vpc_id);
    if siblings().any(|sibling| overlap(sibling.cidr, block)) {
        let message = format!("The CIDR '{block}' conflicts with another subnet");
        return Err(bad_request("InvalidSubnet.Conflict", message));
    }
    if siblings().count() >= ec2.settings.quotas.subnets_per_vpc {
        let message = format!("The maximum number of subnets has been reached for VPC '{vpc_id}'.");
        return Err(bad_request("SubnetLimitExceeded", message));
    }
    let zone = zone::chosen(ec2)?;
    let tags = tags::of_create(ec2, Subnet::KIND.resource_type)?;
    let subnet = Subnet { id: ec2.ids.hex("subnet"), vpc: vpc_id.clone(), cidr: block, zone, map_public_ip: false };
    ec2.tag(&subnet.id, tags);
    acl::associate_default(ec2, &vpc_id, &subnet.id);
    let answer = wire(ec2, &subnet);
    let visible = ec2.visible();
    ec2.state.subnets.insert(subnet, visible);
    Ok(json!({"subnet": answer}))
}

fn wire(ec2: &Ec2<'_>, subnet: &Subnet) -> Value {
    let taken = ec2.state.addresses.taken_in(&subnet.id).len();
    let offered = (1_usize << (32 - subnet.cidr.prefix_len())) - 5;
    json!({
        "subnetId": subnet.id,
        "subnetArn": ec2.arn(&format!("subnet/{}", subnet.id)),
        "state": "available",
        "ownerId": ec2.call.account,
        "vpcId": subnet.vpc,
        "cidrBlock": subnet.cidr.to_string(),
        "availableIpAddressCount": offered.saturating_sub(taken),
        "availabilityZone": subnet.zone,
        "availabilityZoneId": zone::id_of(&subnet.zone),
        "defaultForAz": false,
        "mapPublicIpOnLaunch": subnet.map_public_ip,
        "mapCustomerOwnedIpOnLaunch": false,
        "assignIpv6AddressOnCreation": false,
        "ipv6CidrBlockAssociationSet": [],
        "enableDns64": false,
        "ipv6Native": false,
        "privateDnsNameOptionsOnLaunch": {
            "hostnameType": "ip-name",
            "enableResourceNameDnsARecord": false,
            "enableResourceNameDnsAAAARecord": false,
        },
        "tagSet": ec2.tags_of(&subnet.id),
    })
}

const LISTING: Listing = Listing {
    set: "subnetSet",
    ids: "SubnetId",
    id: "subnetId",
    filters: &[
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("cidr-block", "cidrBlock"),
        ("cidr", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("customer-owned-ipv4-pool", "customerOwnedIpv4Pool"),
        ("default-for-az", "defaultForAz"),
        ("enable-dns64", "enableDns64"),
        ("enable-lni-at-device-index", "enableLniAtDeviceIndex"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "ipv6CidrBlockAssociationSet.ipv6CidrBlock"),
        ("ipv6-cidr-block-association.association-id", "ipv6CidrBlockAssociationSet.associationId"),
        ("ipv6-cidr-block-association.state", "ipv6CidrBlockAssociationSet.ipv6CidrBlockState.state"),
        ("ipv6-native", "ipv6Native"),
        ("map-customer-owned-ip-on-launch", "mapCustomerOwnedIpOnLaunch"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("outpost-arn", "outpostArn"),
        ("owner-id", "ownerId"),
        ("private-dns-name-options-on-launch.hostname-type", "privateDnsNameOptionsOnLaunch.hostnameType"),
        ("state", "state"),
        ("subnet-arn", "subnetArn"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.subnets, |subnet| wire(ec2, subnet))
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("SubnetId")?.to_owned();
    ec2.state.subnets.get(&id)?;
    let occupied = !ec2.state.addresses.taken_in(&id).is_empty()
        || ec2.state.nat_gateways.iter().any(|nat| nat.subnet == id && !nat.is_deleted());
    if occupied {
        return Err(in_use("subnet", &id));
    }
    route_table::forget_subnet(ec2.state, &id);
    acl::forget_subnet(ec2.state, &id);
    ec2.state.subnets.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

fn modify_attribute(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("SubnetId")?.to_owned();
    ec2.state.subnets.get(&id)?;
    let public = attribute(ec2, "MapPublicIpOnLaunch");
    let others = [
        "AssignIpv6AddressOnCreation",
        "EnableDns64",
        "MapCustomerOwnedIpOnLaunch",
        "EnableResourceNameDnsARecordOnLaunch",
        "EnableResourceNameDnsAAAARecordOnLaunch",
    ];
    let others: Vec<bool> = others.iter().filter_map(|name| attribute(ec2, name)).collect();
    match (public, others.as_slice()) {
        (Some(public), []) => ec2.state.subnets.get_mut(&id)?.map_public_ip = public,
        (None, [false]) => {}
        (None, [true]) => {
            return Err(invalid("The attribute cannot be enabled on a subnet without an IPv6 CIDR block"));
        }
        (None, _) => return Err(missing("Attribute")),
        (Some(_), _) => {
            let message = "Fields for multiple attribute types specified";
            return Err(bad_request("InvalidParameterCombination", message));
        }
    }
    done()
}

/// A subnet that a call names, which must be in this VPC.
pub(super) fn within<'a>(state: &'a State, id: &str, vpc: &str) -> Result<&'a Subnet, Refusal> {
    let subnet = state.subnets.get(id)?;
    if subnet.vpc == vpc {
        return Ok(subnet);
    }
    Err(bad_request("InvalidParameter", format!("The subnet {id} and the VPC {vpc} do not belong together.")))
}
