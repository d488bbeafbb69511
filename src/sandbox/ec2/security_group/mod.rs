//! Security groups. Their rules are in [`rule`], changing the rules is in `change`.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

mod change;
mod rule;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use rule::{KIND as RULE_KIND, Peer, Rule};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, bad_request, invalid, missing, tags};
use crate::sandbox::wire::{Refusal, Reply};

/// A security group.
#[derive(Debug, Clone)]
pub struct Group {
    id: String,
    /// Its name, unique in the VPC whatever the case of letters.
    pub name: String,
    description: String,
    /// The VPC around it.
    pub vpc: String,
    /// Its rules by id.
    pub rules: BTreeMap<String, Rule>,
}

impl Resource for Group {
    const KIND: Kind = Kind {
        prefix: "sg",
        resource_type: "security-group",
        not_found: "InvalidGroup.NotFound",
        malformed: "InvalidGroupId.Malformed",
        noun: "security group",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl Group {
    /// Whether it came with the VPC.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name == "default"
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateSecurityGroup" => create,
        "DeleteSecurityGroup" => delete,
        "DescribeSecurityGroups" => describe,
        "DescribeSecurityGroupRules" => rule::describe,
        "AuthorizeSecurityGroupIngress" => change::authorize_ingress,
        "AuthorizeSecurityGroupEgress" => change::authorize_egress,
        "RevokeSecurityGroupIngress" => change::revoke_ingress,
        "RevokeSecurityGroupEgress" => change::revoke_egress,
        "ModifySecurityGroupRules" => change::modify,
        _ => return None,
    })
}

/// The group of a VPC that is used when none is given: it lets its own members in and everything out.
pub(super) fn create_default(ec2: &mut Ec2<'_>, vpc: &str) {
    let id = ec2.ids.hex("sg");
    let inside = Rule::everything(false, Peer::Group { id: id.clone(), owner: ec2.call.account.clone() });
    let rules = [inside, Rule::everything(true, Peer::anywhere())].map(|rule| (ec2.ids.hex("sgr"), rule)).into();
    let description = "default VPC security group".to_owned();
    ec2.state.groups.insert_seen(Group { id, name: "default".into(), description, vpc: vpc.to_owned(), rules });
}

pub(super) fn delete_default(ec2: &mut Ec2<'_>, vpc: &str) {
    let id = ec2.state.groups.iter().find(|group| group.vpc == vpc).map(|group| group.id.clone());
    if let Some(id) = id {
        remove(ec2, &id);
    }
}

fn remove(ec2: &mut Ec2<'_>, id: &str) {
    let rules = ec2.state.groups.remove(id).map(|group| group.rules).unwrap_or_default();
    for gone in rules.keys().map(String::as_str).chain([id]) {
        ec2.state.tags.remove(gone);
    }
}

/// The id of the default group of a VPC.
pub(super) fn default_of(ec2: &Ec2<'_>, vpc: &str) -> Option<String> {
    ec2.state.groups.iter().find(|group| group.vpc == vpc && group.is_default()).map(|group| group.id.clone())
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let name = ec2.required("GroupName")?.to_owned();
    let description = ec2.required("GroupDescription")?.to_owned();
    let Some(vpc) = ec2.call.text("VpcId").map(str::to_owned) else {
        return Err(bad_request("VPCIdNotSpecified", "No default VPC for this user"));
    };
    ec2.state.vpcs.get(&vpc)?;
    acceptable("group name", &name)?;
    acceptable("group description", &description)?;
    if name.starts_with("sg-") {
        return Err(invalid("Invalid value for groupName. Group names may not be in the format sg-*"));
    }
    if name.eq_ignore_ascii_case("default") {
        return Err(invalid("Cannot use reserved security group name: default"));
    }
    let taken = |group: &Group| group.vpc == vpc && group.name.eq_ignore_ascii_case(&name);
    if ec2.state.groups.iter().any(taken) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(bad_request("InvalidGroup.Duplicate", message));
    }
    if ec2.state.groups.len() >= ec2.settings.quotas.groups_per_region {
        let message = "The maximum number of security groups has been reached.";
        return Err(bad_request("SecurityGroupLimitExceeded", message));
    }
    let tags = tags::of_create(ec2, Group::KIND.resource_type)?;
    // A new group lets everything out.
    let rules = BTreeMap::from([(ec2.ids.hex("sgr"), Rule::everything(true, Peer::anywhere()))]);
    let id = ec2.ids.hex("sg");
    ec2.tag(&id, tags);
    let visible = ec2.visible();
    ec2.state.groups.insert(Group { id: id.clone(), name, description, vpc, rules }, visible);
    Ok(json!({
        "groupId": id,
        "securityGroupArn": ec2.arn(&format!("security-group/{id}")),
        "tagSet": ec2.tags_of(&id),
    }))
}

/// The characters of names and descriptions.
fn may_be_written(character: char) -> bool {
    character.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(character)
}

fn acceptable(what: &str, text: &str) -> Result<(), Refusal> {
    if text.len() <= 255 && text.chars().all(may_be_written) {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid security {what}. Valid values are strings of up to 255 characters from the following set: a-zA-Z0-9. \
         _-:/()#,@[]+=&;{{}}!$*"
    )))
}

/// The group that a call names.
fn named(ec2: &Ec2<'_>) -> Result<String, Refusal> {
    if let Some(id) = ec2.call.text("GroupId") {
        return ec2.state.groups.get(id).map(|group| group.id.clone());
    }
    match ec2.call.text("GroupName") {
        // Names alone are looked up in the default VPC, and there is none.
        Some(name) => Err(Group::KIND.absent(name)),
        None => Err(missing("GroupId")),
    }
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = named(ec2)?;
    let group = ec2.state.groups.get(&id)?;
    if group.is_default() {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(bad_request("CannotDelete", message));
    }
    let attached = ec2.state.interfaces.iter().any(|interface| interface.groups.contains(&id));
    let referenced = ec2.state.groups.iter().filter(|other| other.id != id).any(|other| other.refers_to(&id));
    if attached || referenced {
        return Err(bad_request("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    remove(ec2, &id);
    Ok(json!({"return": true, "groupId": id}))
}

impl Group {
    fn refers_to(&self, group: &str) -> bool {
        self.rules.values().any(|rule| matches!(&rule.peer, Peer::Group { id, .. } if id == group))
    }
}

fn wire(ec2: &Ec2<'_>, group: &Group) -> Value {
    json!({
        "groupId": group.id,
        "groupName": group.name,
        "groupDescription": group.description,
        "vpcId": group.vpc,
        "ownerId": ec2.call.account,
        "securityGroupArn": ec2.arn(&format!("security-group/{}", group.id)),
        "ipPermissions": rule::permissions(group.rules.values().filter(|rule| !rule.egress)),
        "ipPermissionsEgress": rule::permissions(group.rules.values().filter(|rule| rule.egress)),
        "tagSet": ec2.tags_of(&group.id),
    })
}

const LISTING: Listing = Listing {
    set: "securityGroupInfo",
    ids: "GroupId",
    id: "groupId",
    filters: &[
        ("description", "groupDescription"),
        ("egress.ip-permission.cidr", "ipPermissionsEgress.ipRanges.cidrIp"),
        ("egress.ip-permission.from-port", "ipPermissionsEgress.fromPort"),
        ("egress.ip-permission.group-id", "ipPermissionsEgress.groups.groupId"),
        ("egress.ip-permission.group-name", "ipPermissionsEgress.groups.groupName"),
        ("egress.ip-permission.ipv6-cidr", "ipPermissionsEgress.ipv6Ranges.cidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "ipPermissionsEgress.prefixListIds.prefixListId"),
        ("egress.ip-permission.protocol", "ipPermissionsEgress.ipProtocol"),
        ("egress.ip-permission.to-port", "ipPermissionsEgress.toPort"),
        ("egress.ip-permission.user-id", "ipPermissionsEgress.groups.userId"),
        ("group-id", "groupId"),
        ("group-name", "groupName"),
        ("ip-permission.cidr", "ipPermissions.ipRanges.cidrIp"),
        ("ip-permission.from-port", "ipPermissions.fromPort"),
        ("ip-permission.group-id", "ipPermissions.groups.groupId"),
        ("ip-permission.group-name", "ipPermissions.groups.groupName"),
        ("ip-permission.ipv6-cidr", "ipPermissions.ipv6Ranges.cidrIpv6"),
        ("ip-permission.prefix-list-id", "ipPermissions.prefixListIds.prefixListId"),
        ("ip-permission.protocol", "ipPermissions.ipProtocol"),
        ("ip-permission.to-port", "ipPermissions.toPort"),
        ("ip-permission.user-id", "ipPermissions.groups.userId"),
        ("owner-id", "ownerId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    if let Some(name) = ec2.call.texts("GroupName").first() {
        return Err(Group::KIND.absent(name));
    }
    list(ec2, &LISTING, &ec2.state.groups, |group| wire(ec2, group))
}
