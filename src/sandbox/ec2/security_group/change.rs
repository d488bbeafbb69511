//! Adding, removing and changing rules. A call with several rules changes all of them or none.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use ipnet::Ipv6Net;
use serde_json::{Value, json};

use super::super::table::Resource;
use super::super::{Ec2, bad_request, cidr, invalid, missing, prefix_list, tags};
use super::{Group, Peer, RULE_KIND, Rule, named};
use crate::sandbox::wire::{Refusal, Reply};

pub(super) fn authorize_ingress(ec2: &mut Ec2<'_>) -> Reply {
    authorize(ec2, false)
}

pub(super) fn authorize_egress(ec2: &mut Ec2<'_>) -> Reply {
    authorize(ec2, true)
}

pub(super) fn revoke_ingress(ec2: &mut Ec2<'_>) -> Reply {
    revoke(ec2, false)
}

pub(super) fn revoke_egress(ec2: &mut Ec2<'_>) -> Reply {
    revoke(ec2, true)
}

fn authorize(ec2: &mut Ec2<'_>, egress: bool) -> Reply {
    let group_id = named(ec2)?;
    let new = given(ec2, &group_id, egress)?;
    if new.is_empty() {
        return Err(missing("IpPermissions"));
    }
    let group = ec2.state.groups.get(&group_id)?;
    for (at, rule) in new.iter().enumerate() {
        let repeated = new[..at].iter().any(|other| other.same_as(rule));
        if repeated || group.rules.values().any(|other| other.same_as(rule)) {
            return Err(rule.duplicate());
        }
    }
    let present = group.rules.values().filter(|rule| rule.egress == egress).count();
    if present + new.len() > ec2.settings.quotas.rules_per_group {
        let message = "The maximum number of rules per security group has been reached.";
        return Err(bad_request("RulesPerSecurityGroupLimitExceeded", message));
    }
    let tags = tags::of_create(ec2, RULE_KIND.resource_type)?;
    let new: Vec<(String, Rule)> = new.into_iter().map(|rule| (ec2.ids.hex("sgr"), rule)).collect();
    for (id, rule) in &new {
        ec2.tag(id, tags.clone());
        ec2.state.groups.get_mut(&group_id)?.rules.insert(id.clone(), rule.clone());
    }
    let group = ec2.state.groups.get(&group_id)?;
    let rows: Vec<Value> = new.iter().map(|(id, rule)| rule.wire(ec2, group, id)).collect();
    Ok(json!({"return": true, "securityGroupRuleSet": rows}))
}

fn revoke(ec2: &mut Ec2<'_>, egress: bool) -> Reply {
    let group_id = named(ec2)?;
    let by_id = ec2.call.texts("SecurityGroupRuleId");
    let by_content = given(ec2, &group_id, egress)?;
    let group = ec2.state.groups.get(&group_id)?;
    let gone: Vec<String> = match (by_id.as_slice(), by_content.as_slice()) {
        ([], []) => return Err(missing("SecurityGroupRuleIds")),
        (ids, []) => ids.iter().map(|id| rule_of(group, id, egress)).collect::<Result<_, _>>()?,
        ([], rules) => rules.iter().map(|rule| like(group, rule)).collect::<Result<_, _>>()?,
        _ => {
            let message = "Security group rule IDs and IP permissions cannot be given together";
            return Err(bad_request("InvalidParameterCombination", message));
        }
    };
    let mut rows = Vec::new();
    let group = ec2.state.groups.get_mut(&group_id)?;
    for id in &gone {
        if let Some(rule) = group.rules.remove(id) {
            let mut row = rule.brief(&group_id, id);
            if let (Peer::Group { id, .. }, Some(row)) = (&rule.peer, row.as_object_mut()) {
                row.insert("referencedGroupId".into(), id.clone().into());
            }
            rows.push(row);
        }
    }
    for id in &gone {
        ec2.state.tags.remove(id);
    }
    Ok(json!({"return": true, "revokedSecurityGroupRuleSet": rows}))
}

fn rule_of(group: &Group, id: &str, egress: bool) -> Result<String, Refusal> {
    RULE_KIND.check(id)?;
    let rule = group.rules.get(id).filter(|rule| rule.egress == egress);
    rule.map(|_| id.to_owned()).ok_or_else(|| RULE_KIND.absent(id))
}

fn like(group: &Group, wanted: &Rule) -> Result<String, Refusal> {
    let found = group.rules.iter().find(|(_, rule)| rule.same_as(wanted)).map(|(id, _)| id.clone());
    found.ok_or_else(|| {
        let message = "The specified rule does not exist in this security group.";
        bad_request("InvalidPermission.NotFound", message)
    })
}

/// `ModifySecurityGroupRules`: replaces what rules say and keeps their ids.
pub(super) fn modify(ec2: &mut Ec2<'_>) -> Reply {
    let group_id = named(ec2)?;
    let updates = ec2.call.items("SecurityGroupRule").to_vec();
    if updates.is_empty() {
        return Err(missing("SecurityGroupRule"));
    }
    let mut changed = ec2.state.groups.get(&group_id)?.rules.clone();
    for update in &updates {
        let id = text(update, "SecurityGroupRuleId").ok_or_else(|| missing("SecurityGroupRuleId"))?;
        RULE_KIND.check(id)?;
        let egress = changed.get(id).map(|rule| rule.egress).ok_or_else(|| RULE_KIND.absent(id))?;
        let request = update.get("SecurityGroupRule").ok_or_else(|| missing("SecurityGroupRule"))?;
        let rule = rewritten(ec2, &group_id, request, egress)?;
        if changed.iter().any(|(other, existing)| other != id && existing.same_as(&rule)) {
            return Err(rule.duplicate());
        }
        changed.insert(id.to_owned(), rule);
    }
    ec2.state.groups.get_mut(&group_id)?.rules = changed;
    Ok(json!({"return": true}))
}

fn rewritten(ec2: &Ec2<'_>, group: &str, request: &Value, egress: bool) -> Result<Rule, Refusal> {
    let peer = match ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId"].map(|name| text(request, name)) {
        [Some(block), None, None, None] => v4(block)?,
        [None, Some(block), None, None] => v6(block)?,
        [None, None, Some(list), None] => prefix(ec2, list)?,
        [None, None, None, Some(id)] => member_of(ec2, group, id, None)?,
        _ => return Err(bad_request("InvalidParameterCombination", "A rule has exactly one peer")),
    };
    let (protocol, ports) = reach(request)?;
    Ok(Rule { egress, protocol, ports, peer, description: description(request)? })
}

/// The rules that a call describes, in either of the two forms.
fn given(ec2: &Ec2<'_>, group: &str, egress: bool) -> Result<Vec<Rule>, Refusal> {
    let mut rules = Vec::new();
    for permission in ec2.call.items("IpPermissions") {
        rules.extend(of_permission(ec2, group, permission, egress)?);
    }
    // The short form: everything at the top level of the request.
    if ec2.call.text("IpProtocol").is_some() {
        let (protocol, ports) = reach(&ec2.call.params)?;
        let peer = match (ec2.call.text("CidrIp"), ec2.call.text("SourceSecurityGroupName")) {
            (Some(block), None) => v4(block)?,
            (None, Some(name)) => return Err(Group::KIND.absent(name)),
            _ => return Err(missing("CidrIp")),
        };
        rules.push(Rule { egress, protocol, ports, peer, description: None });
    }
    Ok(rules)
}

fn of_permission(ec2: &Ec2<'_>, group: &str, permission: &Value, egress: bool) -> Result<Vec<Rule>, Refusal> {
    let (protocol, ports) = reach(permission)?;
    let mut rules = Vec::new();
    for (list, member) in
        [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId"), ("Groups", "GroupId")]
    {
        for item in permission.get(list).and_then(Value::as_array).into_iter().flatten() {
            let named = text(item, member).ok_or_else(|| missing(member))?;
            let peer = match list {
                "IpRanges" => v4(named)?,
                "Ipv6Ranges" => v6(named)?,
                "PrefixListIds" => prefix(ec2, named)?,
                _ => member_of(ec2, group, named, text(item, "UserId"))?,
            };
            let description = description(item)?;
            rules.push(Rule { egress, protocol: protocol.clone(), ports, peer, description });
        }
    }
    if rules.is_empty() {
        return Err(missing("CidrIp"));
    }
    Ok(rules)
}

/// What people wrote about a rule.
fn description(of: &Value) -> Result<Option<String>, Refusal> {
    let Some(description) = text(of, "Description") else { return Ok(None) };
    if description.len() > 255 || !description.chars().all(super::may_be_written) {
        return Err(invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: \
             a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(Some(description.to_owned()))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Protocol and ports. Protocols that AWS knows by name are shown by name.
fn reach(from: &Value) -> Result<(String, Option<(i64, i64)>), Refusal> {
    let protocol = text(from, "IpProtocol").ok_or_else(|| missing("IpProtocol"))?;
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "-1" | "all" => return Ok(("-1".into(), None)),
        "6" | "tcp" => "tcp".to_owned(),
        "17" | "udp" => "udp".to_owned(),
        "1" | "icmp" => "icmp".to_owned(),
        "58" | "icmpv6" => "icmpv6".to_owned(),
        number if number.parse::<u8>().is_ok() => number.to_owned(),
        _ => return Err(invalid(format!("Invalid value '{protocol}' for IP protocol. Unknown protocol."))),
    };
    let port = |name: &str| text(from, name).and_then(|port| port.parse::<i64>().ok());
    let ports = match (port("FromPort"), port("ToPort")) {
        (Some(first), Some(last)) => Some((first, last)),
        (Some(kind), None) if protocol.starts_with("icmp") => Some((kind, -1)),
        _ => None,
    };
    if matches!(protocol.as_str(), "tcp" | "udp") {
        let Some((first, last)) = ports else {
            let message = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
            return Err(invalid(message));
        };
        if !(0..=65535).contains(&first) || !(0..=65535).contains(&last) || first > last {
            return Err(invalid(format!("Invalid TCP/UDP port range ({first}:{last})")));
        }
    }
    Ok((protocol, ports))
}

fn v4(block: &str) -> Result<Peer, Refusal> {
    let malformed = || invalid(format!("CIDR block {block} is malformed"));
    Ok(Peer::V4(cidr(block, "cidrIp").map_err(|_| malformed())?.to_string()))
}

fn v6(block: &str) -> Result<Peer, Refusal> {
    let net: Ipv6Net = block.parse().map_err(|_| invalid(format!("CIDR block {block} is malformed")))?;
    Ok(Peer::V6(net.trunc().to_string()))
}

fn prefix(ec2: &Ec2<'_>, list: &str) -> Result<Peer, Refusal> {
    prefix_list::check(&ec2.call.region, list)?;
    Ok(Peer::PrefixList(list.to_owned()))
}

/// A group as peer: of this account it must exist and be in the same VPC.
fn member_of(ec2: &Ec2<'_>, group: &str, id: &str, owner: Option<&str>) -> Result<Peer, Refusal> {
    Group::KIND.check(id)?;
    let owner = owner.unwrap_or(&ec2.call.account).to_owned();
    if owner == ec2.call.account {
        let peer_vpc = &ec2.state.groups.get(id)?.vpc;
        if *peer_vpc != ec2.state.groups.get(group)?.vpc {
            let message = "You have specified two resources that belong to different networks.";
            return Err(bad_request("InvalidGroup.NotFound", message));
        }
    }
    Ok(Peer::Group { id: id.to_owned(), owner })
}
