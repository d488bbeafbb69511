//! Network ACLs. Every VPC has a default one that lets everything through; a subnet always belongs to exactly one.

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, bad_request, cidr, done, in_use, invalid, missing, tags, vpc};
use crate::sandbox::wire::{Refusal, Reply};

/// The rule that is always there and always last.
const LAST: i64 = 32767;

/// A network ACL.
#[derive(Debug, Clone)]
pub struct Acl {
    id: String,
    /// The VPC around it.
    pub vpc: String,
    /// Whether it came with the VPC.
    pub is_default: bool,
    entries: Vec<Entry>,
    /// Association id and subnet.
    associations: Vec<(String, String)>,
}

/// A rule of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    number: i64,
    egress: bool,
    protocol: String,
    allow: bool,
    cidr: Option<String>,
    ipv6_cidr: Option<String>,
    ports: Option<(i64, i64)>,
    icmp: Option<(i64, i64)>,
}

impl Resource for Acl {
    const KIND: Kind = Kind {
        prefix: "acl",
        resource_type: "network-acl",
        not_found: "InvalidNetworkAclID.NotFound",
        malformed: "InvalidNetworkAclId.Malformed",
        noun: "networkAcl ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateNetworkAcl" => create,
        "DeleteNetworkAcl" => delete,
        "DescribeNetworkAcls" => describe,
        "CreateNetworkAclEntry" => create_entry,
        "ReplaceNetworkAclEntry" => replace_entry,
        "DeleteNetworkAclEntry" => delete_entry,
        "ReplaceNetworkAclAssociation" => replace_association,
        _ => return None,
    })
}

fn everything(number: i64, egress: bool, allow: bool) -> Entry {
    Entry {
        number,
        egress,
        protocol: "-1".into(),
        allow,
        cidr: Some("0.0.0.0/0".into()),
        ipv6_cidr: None,
        ports: None,
        icmp: None,
    }
}

pub(super) fn create_default(ec2: &mut Ec2<'_>, vpc: &str) {
    let entries = vec![
        everything(100, true, true),
        everything(LAST, true, false),
        everything(100, false, true),
        everything(LAST, false, false),
    ];
    let acl = Acl { id: ec2.ids.hex("acl"), vpc: vpc.to_owned(), is_default: true, entries, associations: Vec::new() };
    ec2.state.acls.insert_seen(acl);
}

pub(super) fn delete_default(ec2: &mut Ec2<'_>, vpc: &str) {
    let id = ec2.state.acls.iter().find(|acl| acl.vpc == vpc).map(|acl| acl.id.clone());
    if let Some(id) = id {
        ec2.state.acls.remove(&id);
        ec2.state.tags.remove(&id);
    }
}

/// A new subnet belongs to the default ACL of its VPC.
pub(super) fn associate_default(ec2: &mut Ec2<'_>, vpc: &str, subnet: &str) {
    let association = ec2.ids.hex("aclassoc");
    if let Some(acl) = ec2.state.acls.iter_mut().find(|acl| acl.vpc == vpc && acl.is_default) {
        acl.associations.push((association, subnet.to_owned()));
    }
}

pub(super) fn forget_subnet(state: &mut State, subnet: &str) {
    for acl in state.acls.iter_mut() {
        acl.associations.retain(|association| association.1 != subnet);
    }
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&vpc)?;
    let tags = tags::of_create(ec2, Acl::KIND.resource_type)?;
    let entries = vec![everything(LAST, true, false), everything(LAST, false, false)];
    let acl = Acl { id: ec2.ids.hex("acl"), vpc, is_default: false, entries, associations: Vec::new() };
    ec2.tag(&acl.id, tags);
    let answer = wire(ec2, &acl);
    ec2.state.acls.insert_seen(acl);
    Ok(json!({"networkAcl": answer, "clientToken": ec2.call.text("ClientToken")}))
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("NetworkAclId")?.to_owned();
    let acl = ec2.state.acls.get(&id)?;
    if acl.is_default {
        return Err(invalid(format!("cannot delete default network ACL {id}")));
    }
    if !acl.associations.is_empty() {
        return Err(in_use("networkAcl", &id));
    }
    ec2.state.acls.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

fn wire(ec2: &Ec2<'_>, acl: &Acl) -> Value {
    let associations: Vec<Value> = acl
        .associations
        .iter()
        .map(|(id, subnet)| json!({"networkAclAssociationId": id, "networkAclId": acl.id, "subnetId": subnet}))
        .collect();
    json!({
        "networkAclId": acl.id,
        "vpcId": acl.vpc,
        "ownerId": ec2.call.account,
        "default": acl.is_default,
        "entrySet": acl.entries.iter().map(entry_wire).collect::<Vec<_>>(),
        "associationSet": associations,
        "tagSet": ec2.tags_of(&acl.id),
    })
}

fn entry_wire(entry: &Entry) -> Value {
    json!({
        "ruleNumber": entry.number,
        "protocol": entry.protocol,
        "ruleAction": if entry.allow { "allow" } else { "deny" },
        "egress": entry.egress,
        "cidrBlock": entry.cidr,
        "ipv6CidrBlock": entry.ipv6_cidr,
        "portRange": entry.ports.map(|(from, to)| json!({"from": from, "to": to})),
        "icmpTypeCode": entry.icmp.map(|(kind, code)| json!({"type": kind, "code": code})),
    })
}

const LISTING: Listing = Listing {
    set: "networkAclSet",
    ids: "NetworkAclId",
    id: "networkAclId",
    filters: &[
        ("association.association-id", "associationSet.networkAclAssociationId"),
        ("association.network-acl-id", "associationSet.networkAclId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("default", "default"),
        ("entry.cidr", "entrySet.cidrBlock"),
        ("entry.icmp.code", "entrySet.icmpTypeCode.code"),
        ("entry.icmp.type", "entrySet.icmpTypeCode.type"),
        ("entry.ipv6-cidr", "entrySet.ipv6CidrBlock"),
        ("entry.port-range.from", "entrySet.portRange.from"),
        ("entry.port-range.to", "entrySet.portRange.to"),
        ("entry.protocol", "entrySet.protocol"),
        ("entry.rule-action", "entrySet.ruleAction"),
        ("entry.egress", "entrySet.egress"),
        ("entry.rule-number", "entrySet.ruleNumber"),
        ("network-acl-id", "networkAclId"),
        ("owner-id", "ownerId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.acls, |acl| wire(ec2, acl))
}

/// The entry that a call describes.
fn given(ec2: &Ec2<'_>) -> Result<Entry, Refusal> {
    let call = ec2.call;
    let number = call.number("RuleNumber").ok_or_else(|| missing("RuleNumber"))?;
    if !(1..=32766).contains(&number) {
        return Err(invalid(format!("Value ({number}) for parameter ruleNumber is invalid. Must be 1 to 32766.")));
    }
    let block = call.text("CidrBlock").map(|text| cidr(text, "cidrBlock")).transpose()?;
    let ipv6 = call.text("Ipv6CidrBlock").map(str::to_owned);
    if block.is_none() && ipv6.is_none() {
        return Err(missing("CidrBlock"));
    }
    let protocol = ec2.required("Protocol")?.to_owned();
    let pair = |name: &str, first: &str, second: &str| {
        let number = |key: &str| call.params.get(name)?.get(key)?.as_str()?.parse::<i64>().ok();
        Some((number(first)?, number(second)?))
    };
    let ports = pair("PortRange", "From", "To");
    if matches!(protocol.as_str(), "6" | "17") && ports.is_none() {
        return Err(missing("PortRange"));
    }
    Ok(Entry {
        number,
        egress: call.flag("Egress").ok_or_else(|| missing("Egress"))?,
        protocol,
        allow: match ec2.required("RuleAction")? {
            "allow" => true,
            "deny" => false,
            other => return Err(invalid(format!("Value ({other}) for parameter ruleAction is invalid."))),
        },
        cidr: block.map(|block| block.to_string()),
        ipv6_cidr: ipv6,
        ports,
        icmp: pair("Icmp", "Type", "Code"),
    })
}

fn acl_of_call<'a>(ec2: &'a mut Ec2<'_>) -> Result<&'a mut Acl, Refusal> {
    let id = ec2.required("NetworkAclId")?.to_owned();
    ec2.state.acls.get_mut(&id)
}

fn create_entry(ec2: &mut Ec2<'_>) -> Reply {
    let entry = given(ec2)?;
    let acl = acl_of_call(ec2)?;
    if acl.entries.iter().any(|other| (other.number, other.egress) == (entry.number, entry.egress)) {
        let message = format!("The network acl entry identified by {} already exists.", entry.number);
        return Err(bad_request("NetworkAclEntryAlreadyExists", message));
    }
    acl.insert(entry);
    done()
}

impl Acl {
    fn insert(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.entries.sort_by_key(|entry| (!entry.egress, entry.number));
    }

    fn take(&mut self, number: i64, egress: bool) -> Result<Entry, Refusal> {
        let at = self.entries.iter().position(|entry| (entry.number, entry.egress) == (number, egress));
        let absent = || {
            let message = format!("The network acl entry identified by {number} does not exist");
            bad_request("InvalidNetworkAclEntry.NotFound", message)
        };
        at.filter(|_| number != LAST).map(|at| self.entries.remove(at)).ok_or_else(absent)
    }
}

fn replace_entry(ec2: &mut Ec2<'_>) -> Reply {
    let entry = given(ec2)?;
    let acl = acl_of_call(ec2)?;
    acl.take(entry.number, entry.egress)?;
    acl.insert(entry);
    done()
}

fn delete_entry(ec2: &mut Ec2<'_>) -> Reply {
    let number = ec2.call.number("RuleNumber").ok_or_else(|| missing("RuleNumber"))?;
    let egress = ec2.call.flag("Egress").ok_or_else(|| missing("Egress"))?;
    acl_of_call(ec2)?.take(number, egress)?;
    done()
}

/// Moves a subnet to another ACL.
fn replace_association(ec2: &mut Ec2<'_>) -> Reply {
    let old = ec2.required("AssociationId")?.to_owned();
    let target = ec2.required("NetworkAclId")?.to_owned();
    let to_vpc = ec2.state.acls.get(&target)?.vpc.clone();
    let from = ec2.state.acls.iter().find(|acl| acl.associations.iter().any(|association| association.0 == old));
    let Some(from) = from else {
        let message = format!("The association ID '{old}' does not exist");
        return Err(bad_request("InvalidAssociationID.NotFound", message));
    };
    vpc::same_network(("network acl", &target), ("association", &old), from.vpc == to_vpc)?;
    let from = from.id.clone();
    let new = ec2.ids.hex("aclassoc");
    let mut moved = Vec::new();
    if let Some(from) = ec2.state.acls.peek_mut(&from) {
        moved = from.associations.extract_if(.., |association| association.0 == old).collect();
    }
    let target = ec2.state.acls.get_mut(&target)?;
    target.associations.extend(moved.into_iter().map(|(_, subnet)| (new.clone(), subnet)));
    Ok(json!({"newAssociationId": new}))
}
