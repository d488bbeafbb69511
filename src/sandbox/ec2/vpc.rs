//! VPCs. Each comes with a main route table, a default security group and a default network ACL, and cannot go
//! before everything else in it has gone.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, acl, attribute, bad_request, cidr, done, in_use, invalid, missing, tags};
use super::{dhcp, gateway, route_table, security_group};
use crate::sandbox::wire::{Refusal, Reply};

/// A VPC.
#[derive(Debug, Clone)]
pub struct Vpc {
    id: String,
    /// Its one IPv4 block.
    pub cidr: Ipv4Net,
    cidr_association: String,
    /// Whether its machines share their hardware: `default`, `dedicated` or `host`.
    pub tenancy: String,
    /// `enableDnsSupport`.
    pub dns_support: bool,
    /// `enableDnsHostnames`: off in a VPC that is not the default one.
    pub dns_hostnames: bool,
    usage_metrics: bool,
    /// Its DHCP options, or `default` for none at all.
    pub dhcp_options: String,
}

impl Resource for Vpc {
    const KIND: Kind = Kind {
        prefix: "vpc",
        resource_type: "vpc",
        not_found: "InvalidVpcID.NotFound",
        malformed: "InvalidVpcId.Malformed",
        noun: "vpc ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.id)
    }
}

impl State {
    /// The tenancy of the VPC around a subnet.
    #[must_use]
    pub fn tenancy_around(&self, subnet: &str) -> Option<&str> {
        let vpc = &self.subnets.peek(subnet)?.vpc;
        self.vpcs.peek(vpc).map(|vpc| vpc.tenancy.as_str())
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpc" => create,
        "DeleteVpc" => delete,
        "DescribeVpcs" => describe,
        "ModifyVpcAttribute" => modify_attribute,
        "DescribeVpcAttribute" => describe_attribute,
        _ => return None,
    })
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let Some(block) = ec2.call.text("CidrBlock") else {
        let message = "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.";
        return Err(bad_request("MissingParameter", message));
    };
    let block = cidr(block, "cidrBlock")?;
    if !(16..=28).contains(&block.prefix_len()) {
        return Err(bad_request("InvalidVpc.Range", format!("The CIDR '{block}' is invalid.")));
    }
    let tenancy = ec2.call.text("InstanceTenancy").unwrap_or("default").to_owned();
    if !["default", "dedicated", "host"].contains(&tenancy.as_str()) {
        return Err(invalid(format!("Value ({tenancy}) for parameter instanceTenancy is invalid.")));
    }
    no_ipv6(ec2)?;
    let tags = tags::of_create(ec2, Vpc::KIND.resource_type)?;
    if ec2.state.vpcs.len() >= ec2.settings.quotas.vpcs_per_region {
        return Err(bad_request("VpcLimitExceeded", "The maximum number of VPCs has been reached."));
    }
    let vpc = Vpc {
        id: ec2.ids.hex("vpc"),
        cidr: block,
        cidr_association: ec2.ids.hex("vpc-cidr-assoc"),
        tenancy,
        dns_support: true,
        dns_hostnames: false,
        usage_metrics: false,
        dhcp_options: dhcp::default_id(ec2),
    };
    let id = vpc.id.clone();
    ec2.tag(&id, tags);
    let answer = wire(ec2, &vpc, "pending");
    let visible = ec2.visible();
    ec2.state.vpcs.insert(vpc, visible);
    route_table::create_main(ec2, &id, block);
    security_group::create_default(ec2, &id);
    acl::create_default(ec2, &id);
    Ok(json!({"vpc": answer}))
}

fn wire(ec2: &Ec2<'_>, vpc: &Vpc, state: &str) -> Value {
    let block = vpc.cidr.to_string();
    json!({
        "vpcId": vpc.id,
        "ownerId": ec2.call.account,
        "state": state,
        "cidrBlock": block,
        "cidrBlockAssociationSet": [{
            "associationId": vpc.cidr_association,
            "cidrBlock": block,
            "cidrBlockState": {"state": "associated"},
        }],
        "dhcpOptionsId": vpc.dhcp_options,
        "instanceTenancy": vpc.tenancy,
        "isDefault": false,
        "tagSet": ec2.tags_of(&vpc.id),
    })
}

const LISTING: Listing = Listing {
    set: "vpcSet",
    ids: "VpcId",
    id: "vpcId",
    filters: &[
        ("cidr", "cidrBlock"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"),
        ("cidr-block-association.state", "cidrBlockAssociationSet.cidrBlockState.state"),
        ("dhcp-options-id", "dhcpOptionsId"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "ipv6CidrBlockAssociationSet.ipv6CidrBlock"),
        ("ipv6-cidr-block-association.ipv6-pool", "ipv6CidrBlockAssociationSet.ipv6Pool"),
        ("ipv6-cidr-block-association.association-id", "ipv6CidrBlockAssociationSet.associationId"),
        ("ipv6-cidr-block-association.state", "ipv6CidrBlockAssociationSet.ipv6CidrBlockState.state"),
        ("is-default", "isDefault"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.vpcs, |vpc| wire(ec2, vpc, "available"))
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&id)?;
    if has_dependants(ec2, &id) {
        return Err(in_use("vpc", &id));
    }
    route_table::delete_main(ec2, &id);
    security_group::delete_default(ec2, &id);
    acl::delete_default(ec2, &id);
    ec2.state.vpcs.remove(&id);
    ec2.state.tags.remove(&id);
    ec2.state.private_names.forget_vpc(&id);
    done()
}

/// What comes with the VPC goes with it; anything else keeps it.
fn has_dependants(ec2: &Ec2<'_>, id: &str) -> bool {
    let state = &ec2.state;
    state.subnets.iter().any(|subnet| subnet.vpc == id)
        || state.endpoints.iter().any(|endpoint| endpoint.vpc == id && !endpoint.is_deleted())
        || state.route_tables.iter().any(|table| table.vpc == id && !table.is_main())
        || state.groups.iter().any(|group| group.vpc == id && !group.is_default())
        || state.acls.iter().any(|acl| acl.vpc == id && !acl.is_default)
        || gateway::any_in(state, id)
        || super::peering::any_in(state, id)
}

const ATTRIBUTES: [&str; 3] = ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"];

fn modify_attribute(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&id)?;
    let given: Vec<(&str, bool)> = ATTRIBUTES.iter().filter_map(|name| Some((*name, attribute(ec2, name)?))).collect();
    // One attribute per call.
    let (name, value) = match given.as_slice() {
        [] => return Err(missing("Attribute")),
        [one] => *one,
        _ => {
            let message = "Fields for multiple attribute types specified";
            return Err(bad_request("InvalidParameterCombination", message));
        }
    };
    let vpc = ec2.state.vpcs.get_mut(&id)?;
    match name {
        "EnableDnsSupport" => vpc.dns_support = value,
        // Host names need resolution first.
        "EnableDnsHostnames" if value && !vpc.dns_support => {
            let message = "DNS hostnames can only be enabled if DNS support is enabled.";
            return Err(bad_request("InvalidParameterCombination", message));
        }
        "EnableDnsHostnames" => vpc.dns_hostnames = value,
        _ => vpc.usage_metrics = value,
    }
    done()
}

fn describe_attribute(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.state.vpcs.get(ec2.required("VpcId")?)?;
    let name = ec2.required("Attribute")?;
    let value = match name {
        "enableDnsSupport" => vpc.dns_support,
        "enableDnsHostnames" => vpc.dns_hostnames,
        "enableNetworkAddressUsageMetrics" => vpc.usage_metrics,
        _ => return Err(invalid(format!("Value ({name}) for parameter attribute is invalid. Unknown attribute."))),
    };
    Ok(json!({"vpcId": vpc.id, name: {"value": value}}))
}

/// Refuses what would give a network IPv6 addresses, which it does not have here, rather than leave it out in silence.
pub(super) fn no_ipv6(ec2: &Ec2<'_>) -> Result<(), Refusal> {
    let names = ["Ipv6CidrBlock", "Ipv6Pool", "Ipv6IpamPoolId"];
    let wanted = names.into_iter().find(|name| ec2.call.text(name).is_some());
    let flags = ["AmazonProvidedIpv6CidrBlock", "Ipv6Native"];
    let wanted = wanted.or_else(|| flags.into_iter().find(|name| ec2.call.flag(name) == Some(true)));
    match wanted {
        Some(name) => Err(bad_request("UnsupportedOperation", format!("{name} is not simulated: there is no IPv6."))),
        None => Ok(()),
    }
}

/// Refuses a second thing in another VPC.
pub(super) fn same_network(one: (&str, &str), other: (&str, &str), expected: bool) -> Result<(), Refusal> {
    if expected {
        return Ok(());
    }
    Err(invalid(format!("{} {} and {} {} belong to different networks", one.0, one.1, other.0, other.1)))
}
