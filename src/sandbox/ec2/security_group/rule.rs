//! Rules of security groups: one per peer, each with an id, and the older form that gathers them by protocol and port.

use serde_json::{Value, json};

use super::super::filter::{Listing, Page, list_values};
use super::super::table::Kind;
use super::super::{Ec2, bad_request};
use super::Group;
use crate::sandbox::wire::{Refusal, Reply};

/// Rules as errors name them.
pub const KIND: Kind = Kind {
    prefix: "sgr",
    resource_type: "security-group-rule",
    not_found: "InvalidSecurityGroupRuleId.NotFound",
    malformed: "InvalidSecurityGroupRuleId.Malformed",
    noun: "security group rule ID",
};

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is about what goes out.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for everything.
    pub protocol: String,
    /// Ports, or ICMP type and code; none for everything.
    pub ports: Option<(i64, i64)>,
    /// Who is at the other end.
    pub peer: Peer,
    /// For people.
    pub description: Option<String>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// An IPv4 block in canonical form.
    V4(String),
    /// An IPv6 block in canonical form.
    V6(String),
    /// A prefix list.
    PrefixList(String),
    /// The members of a group.
    Group {
        /// Its id.
        id: String,
        /// The account that has it.
        owner: String,
    },
}

impl Peer {
    /// All of IPv4.
    #[must_use]
    pub fn anywhere() -> Self {
        Self::V4("0.0.0.0/0".into())
    }

    fn label(&self) -> &str {
        match self {
            Self::V4(text) | Self::V6(text) | Self::PrefixList(text) | Self::Group { id: text, .. } => text,
        }
    }
}

impl Rule {
    /// Every protocol and port.
    #[must_use]
    pub fn everything(egress: bool, peer: Peer) -> Self {
        Self { egress, protocol: "-1".into(), ports: None, peer, description: None }
    }

    /// Whether both say the same; the description does not count.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        (self.egress, &self.protocol, self.ports, &self.peer)
            == (other.egress, &other.protocol, other.ports, &other.peer)
    }

    /// The refusal of a second rule that says the same.
    pub fn duplicate(&self) -> Refusal {
        let protocol = if self.protocol == "-1" { "ALL".to_owned() } else { self.protocol.to_ascii_uppercase() };
        let ports = self.ports.map_or_else(String::new, |(from, to)| format!(" from port: {from}, to port: {to},"));
        let peer = self.peer.label();
        let message = format!("the specified rule \"peer: {peer}, {protocol},{ports} ALLOW\" already exists");
        bad_request("InvalidPermission.Duplicate", message)
    }

    /// The rule with its id, as answers show it.
    #[must_use]
    pub fn wire(&self, ec2: &Ec2<'_>, group: &Group, id: &str) -> Value {
        let mut wire = self.brief(&group.id, id);
        let more = json!({
            "groupOwnerId": ec2.call.account,
            "securityGroupRuleArn": ec2.arn(&format!("security-group-rule/{id}")),
            "tagSet": ec2.tags_of(id),
        });
        if let (Value::Object(wire), Value::Object(more)) = (&mut wire, more) {
            wire.extend(more);
            if let Peer::Group { id, owner } = &self.peer {
                let vpc = ec2.state.groups.peek(id).map(|group| group.vpc.clone());
                let reference = json!({"groupId": id, "userId": owner, "vpcId": vpc});
                wire.insert("referencedGroupInfo".into(), reference);
            }
        }
        wire
    }

    /// The rule without what only a description shows.
    #[must_use]
    pub fn brief(&self, group: &str, id: &str) -> Value {
        json!({
            "securityGroupRuleId": id,
            "groupId": group,
            "isEgress": self.egress,
            "ipProtocol": self.protocol,
            "fromPort": self.ports.map_or(-1, |ports| ports.0),
            "toPort": self.ports.map_or(-1, |ports| ports.1),
            "cidrIpv4": match &self.peer { Peer::V4(block) => Some(block), _ => None },
            "cidrIpv6": match &self.peer { Peer::V6(block) => Some(block), _ => None },
            "prefixListId": match &self.peer { Peer::PrefixList(list) => Some(list), _ => None },
            "description": self.description,
        })
    }
}

/// Rules gathered by protocol and ports, as `DescribeSecurityGroups` shows them.
pub fn permissions<'a>(rules: impl Iterator<Item = &'a Rule>) -> Vec<Value> {
    let mut gathered: Vec<Vec<&Rule>> = Vec::new();
    for rule in rules {
        let same = |bundle: &&mut Vec<&Rule>| {
            bundle.first().is_some_and(|first| (&first.protocol, first.ports) == (&rule.protocol, rule.ports))
        };
        match gathered.iter_mut().find(same) {
            Some(bundle) => bundle.push(rule),
            None => gathered.push(vec![rule]),
        }
    }
    gathered.iter().filter_map(|bundle| permission(bundle)).collect()
}

fn permission(bundle: &[&Rule]) -> Option<Value> {
    let first = bundle.first()?;
    let of = |pick: fn(&Rule) -> Option<Value>| bundle.iter().filter_map(|rule| pick(rule)).collect::<Vec<_>>();
    Some(json!({
        "ipProtocol": first.protocol,
        "fromPort": first.ports.map(|ports| ports.0),
        "toPort": first.ports.map(|ports| ports.1),
        "groups": of(|rule| match &rule.peer {
            Peer::Group { id, owner } => Some(json!({"groupId": id, "userId": owner, "description": rule.description})),
            _ => None,
        }),
        "ipRanges": of(|rule| match &rule.peer {
            Peer::V4(block) => Some(json!({"cidrIp": block, "description": rule.description})),
            _ => None,
        }),
        "ipv6Ranges": of(|rule| match &rule.peer {
            Peer::V6(block) => Some(json!({"cidrIpv6": block, "description": rule.description})),
            _ => None,
        }),
        "prefixListIds": of(|rule| match &rule.peer {
            Peer::PrefixList(list) => Some(json!({"prefixListId": list, "description": rule.description})),
            _ => None,
        }),
    }))
}

const LISTING: Listing = Listing {
    set: "securityGroupRuleSet",
    ids: "SecurityGroupRuleId",
    id: "securityGroupRuleId",
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
    tagged: true,
    page: Page::USUAL,
};

/// `DescribeSecurityGroupRules`.
pub fn describe(ec2: &mut Ec2<'_>) -> Reply {
    let mut rows: Vec<(&str, Value)> = Vec::new();
    for group in ec2.state.groups.seen() {
        rows.extend(group.rules.iter().map(|(id, rule)| (id.as_str(), rule.wire(ec2, group, id))));
    }
    rows.sort_by_key(|row| row.0);
    list_values(ec2, &LISTING, &KIND, rows.into_iter().map(|row| row.1).collect())
}
