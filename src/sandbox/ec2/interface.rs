//! Network interfaces: those of endpoints and notebooks, which AWS makes and takes away in its own time, and those that
//! somebody makes by hand. While one exists its subnet and its groups cannot be deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, bad_request, done, invalid, security_group, tags, zone};
use crate::sandbox::clock::{Instant, iso8601};
use crate::sandbox::wire::{Refusal, Reply};

/// A network interface.
#[derive(Debug, Clone)]
pub struct Interface {
    id: String,
    /// The subnet it has its address from.
    pub subnet: String,
    /// The VPC of that subnet.
    pub vpc: String,
    /// Its security groups.
    pub groups: Vec<String>,
    description: String,
    requester_managed: bool,
    made_for: String,
    address: Ipv4Addr,
    created: Instant,
    gone_at: Option<Instant>,
}

impl Resource for Interface {
    const KIND: Kind = Kind {
        prefix: "eni",
        resource_type: "network-interface",
        not_found: "InvalidNetworkInterfaceID.NotFound",
        malformed: "InvalidNetworkInterfaceId.Malformed",
        noun: "networkInterface ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl State {
    /// Makes a network interface on behalf of a service or a person.
    ///
    /// # Errors
    /// The subnet or a group does not exist, they are of different VPCs, or the subnet is full.
    #[expect(clippy::too_many_arguments, reason = "one caller per service, and each says all of it")]
    pub fn create_interface(
        &mut self,
        id: String,
        subnet_id: &str,
        groups: &[String],
        description: &str,
        requester_managed: bool,
        interface_type: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        // Other services come here without having looked around in EC2 first.
        self.subnets.settle(now);
        self.groups.settle(now);
        let subnet = self.subnets.get(subnet_id)?;
        for group in groups {
            if self.groups.get(group)?.vpc != subnet.vpc {
                let message = "You have specified two resources that belong to different networks.";
                return Err(bad_request("InvalidParameter", message));
            }
        }
        let Some(address) = subnet.free_addresses(self.addresses.taken_in(subnet_id)).next() else {
            let message =
                format!("There are not enough free addresses in subnet '{subnet_id}' to satisfy the request.");
            return Err(bad_request("InsufficientFreeAddressesInSubnet", message));
        };
        self.addresses.take(subnet_id, address);
        self.interfaces.insert_seen(Interface {
            id,
            subnet: subnet_id.to_owned(),
            vpc: subnet.vpc.clone(),
            groups: groups.to_vec(),
            description: description.to_owned(),
            requester_managed,
            made_for: interface_type.to_owned(),
            address,
            created: now,
            gone_at: None,
        });
        Ok(())
    }

    /// The interface is gone from `at` on.
    pub fn release_interface(&mut self, id: &str, at: Instant) {
        if let Some(interface) = self.interfaces.peek_mut(id) {
            interface.gone_at = Some(at);
        }
    }

    /// Puts an interface into other groups.
    pub(super) fn regroup_interface(&mut self, id: &str, groups: &[String]) {
        if let Some(interface) = self.interfaces.peek_mut(id) {
            interface.groups = groups.to_vec();
        }
    }

    /// Gives an interface a chosen address, which must be free.
    pub(super) fn readdress_interface(&mut self, id: &str, address: Ipv4Addr) {
        if let Some(interface) = self.interfaces.peek_mut(id) {
            self.addresses.release(&interface.subnet, interface.address);
            self.addresses.take(&interface.subnet, address);
            interface.address = address;
        }
    }

    fn remove_interface(&mut self, id: &str) {
        if let Some(interface) = self.interfaces.remove(id) {
            self.addresses.release(&interface.subnet, interface.address);
        }
        self.tags.remove(id);
    }
}

/// The addresses in use, by subnet.
#[derive(Debug, Clone, Default)]
pub struct Addresses(BTreeMap<String, BTreeSet<Ipv4Addr>>);

impl Addresses {
    const NONE: &BTreeSet<Ipv4Addr> = &BTreeSet::new();

    /// Those of one subnet.
    #[must_use]
    pub fn taken_in(&self, subnet: &str) -> &BTreeSet<Ipv4Addr> {
        self.0.get(subnet).unwrap_or(Self::NONE)
    }

    fn take(&mut self, subnet: &str, address: Ipv4Addr) {
        self.0.entry(subnet.to_owned()).or_default().insert(address);
    }

    fn release(&mut self, subnet: &str, address: Ipv4Addr) {
        if let Some(addresses) = self.0.get_mut(subnet) {
            addresses.remove(&address);
        }
    }
}

/// Takes away what has been released.
pub(super) fn settle(state: &mut State, now: Instant) {
    let released = |interface: &&Interface| interface.gone_at.is_some_and(|at| at <= now);
    let gone: Vec<String> = state.interfaces.iter().filter(released).map(|interface| interface.id.clone()).collect();
    for id in gone {
        state.remove_interface(&id);
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateNetworkInterface" => create,
        "DeleteNetworkInterface" => delete,
        "ModifyNetworkInterfaceAttribute" => modify_attribute,
        "DescribeNetworkInterfaces" => describe,
        _ => return None,
    })
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let subnet = ec2.required("SubnetId")?.to_owned();
    let vpc = ec2.state.subnets.get(&subnet)?.vpc.clone();
    let tags = tags::of_create(ec2, Interface::KIND.resource_type)?;
    let mut groups = ec2.call.texts("SecurityGroupId");
    if groups.is_empty() {
        groups.extend(security_group::default_of(ec2, &vpc));
    }
    let id = ec2.ids.hex("eni");
    let description = ec2.call.text("Description").unwrap_or_default();
    ec2.state.create_interface(id.clone(), &subnet, &groups, description, false, "interface", ec2.call.now)?;
    ec2.tag(&id, tags);
    let answer = wire(ec2, ec2.state.interfaces.get(&id)?);
    Ok(json!({"networkInterface": answer, "clientToken": ec2.call.text("ClientToken")}))
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("NetworkInterfaceId")?.to_owned();
    if ec2.state.interfaces.get(&id)?.requester_managed {
        return Err(invalid(format!("Network interface '{id}' is currently in use.")));
    }
    ec2.state.remove_interface(&id);
    done()
}

fn modify_attribute(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("NetworkInterfaceId")?.to_owned();
    let groups = ec2.call.texts("SecurityGroupId");
    if ec2.state.interfaces.get(&id)?.requester_managed {
        let message = "You do not have permission to access the specified resource.";
        return Err(Refusal::new(403, "AuthFailure", message));
    }
    for group in &groups {
        ec2.state.groups.get(group)?;
    }
    if !groups.is_empty() {
        ec2.state.regroup_interface(&id, &groups);
    }
    done()
}

fn wire(ec2: &Ec2<'_>, interface: &Interface) -> Value {
    let zone = ec2.state.subnets.peek(&interface.subnet).map(|subnet| subnet.zone.clone()).unwrap_or_default();
    let address = interface.address.to_string();
    let host = format!("ip-{}.{}.compute.internal", address.replace('.', "-"), ec2.call.region);
    let octets = interface.address.octets();
    let groups: Vec<Value> = interface
        .groups
        .iter()
        .map(|id| {
            let name = ec2.state.groups.peek(id).map(|group| group.name.clone());
            json!({"groupId": id, "groupName": name})
        })
        .collect();
    let tail = interface.id.trim_start_matches("eni-");
    let attachment = interface.requester_managed.then(|| {
        json!({
            "attachmentId": format!("ela-attach-{tail}"),
            "attachTime": iso8601(interface.created),
            "deleteOnTermination": false,
            "deviceIndex": 1,
            "instanceOwnerId": "amazon-aws",
            "status": "attached",
        })
    });
    json!({
        "networkInterfaceId": interface.id,
        "subnetId": interface.subnet,
        "vpcId": interface.vpc,
        "availabilityZoneId": zone::id_of(&zone),
        "availabilityZone": zone,
        "description": interface.description,
        "ownerId": ec2.call.account,
        "requesterId": interface.requester_managed.then(|| format!("{}:amazon-aws", ec2.call.account)),
        "requesterManaged": interface.requester_managed,
        "status": if interface.requester_managed { "in-use" } else { "available" },
        "macAddress": format!("06:{:02x}:{:02x}:{:02x}:{:02x}:5a", octets[0], octets[1], octets[2], octets[3]),
        "privateIpAddress": address,
        "privateDnsName": host,
        "sourceDestCheck": interface.made_for != "vpc_endpoint",
        "groupSet": groups,
        "attachment": attachment,
        "privateIpAddressesSet": [{"privateIpAddress": address, "privateDnsName": host, "primary": true}],
        "ipv6AddressesSet": [],
        "interfaceType": interface.made_for,
        "tagSet": ec2.tags_of(&interface.id),
    })
}

const LISTING: Listing = Listing {
    set: "networkInterfaceSet",
    ids: "NetworkInterfaceId",
    id: "networkInterfaceId",
    filters: &[
        ("association.allocation-id", "association.allocationId"),
        ("association.association-id", "association.associationId"),
        ("addresses.association.owner-id", "privateIpAddressesSet.association.ipOwnerId"),
        ("addresses.association.public-ip", "privateIpAddressesSet.association.publicIp"),
        ("addresses.primary", "privateIpAddressesSet.primary"),
        ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
        ("association.ip-owner-id", "association.ipOwnerId"),
        ("association.public-ip", "association.publicIp"),
        ("association.public-dns-name", "association.publicDnsName"),
        ("attachment.attach-time", "attachment.attachTime"),
        ("attachment.attachment-id", "attachment.attachmentId"),
        ("attachment.delete-on-termination", "attachment.deleteOnTermination"),
        ("attachment.device-index", "attachment.deviceIndex"),
        ("attachment.instance-id", "attachment.instanceId"),
        ("attachment.instance-owner-id", "attachment.instanceOwnerId"),
        ("attachment.status", "attachment.status"),
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("description", "description"),
        ("group-id", "groupSet.groupId"),
        ("group-name", "groupSet.groupName"),
        ("ipv6-addresses.ipv6-address", "ipv6AddressesSet.ipv6Address"),
        ("interface-type", "interfaceType"),
        ("mac-address", "macAddress"),
        ("network-interface-id", "networkInterfaceId"),
        ("operator.managed", "operator.managed"),
        ("operator.principal", "operator.principal"),
        ("owner-id", "ownerId"),
        ("private-dns-name", "privateDnsName"),
        ("private-ip-address", "privateIpAddress"),
        ("requester-id", "requesterId"),
        ("requester-managed", "requesterManaged"),
        ("source-dest-check", "sourceDestCheck"),
        ("status", "status"),
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    if ec2.call.number("MaxResults").is_some() && !ec2.call.texts("NetworkInterfaceId").is_empty() {
        let message = "The parameter networkInterfaceIds cannot be used with the parameter maxResults";
        return Err(bad_request("InvalidParameterCombination", message));
    }
    list(ec2, &LISTING, &ec2.state.interfaces, |interface| wire(ec2, interface))
}
