//! What a security-group rule says, apart from which group it is in and which id it has. Pure but for the SDK's types.

use std::fmt;

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, UserIdGroupPair};
use ipnet::IpNet;

/// Which way the traffic goes that a rule lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the members of the group.
    Ingress,
    /// From the members of the group.
    Egress,
}

impl Direction {
    /// The name of the field, and of the direction in AWS's command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    const fn preposition(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

/// A rule. The description does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Which way.
    pub direction: Direction,
    /// `tcp`, `udp`, `icmp`, a number, or `all`.
    pub protocol: String,
    /// First and last port (of ICMP: type and code); none for all.
    pub ports: Option<(i32, i32)>,
    /// The other end: a CIDR block, `sg-…` or `pl-…`.
    pub peer: String,
}

impl fmt::Display for Rule {
    /// `tcp 443 from 10.0.0.0/16`, `all to 0.0.0.0/0`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.protocol)?;
        match self.ports {
            Some((first, last)) if first == last => write!(formatter, " {first}")?,
            Some((first, last)) => write!(formatter, " {first}-{last}")?,
            None => {}
        }
        write!(formatter, " {} {}", self.direction.preposition(), self.peer)
    }
}

impl Rule {
    /// TCP 443: all that an endpoint answers.
    pub fn https(direction: Direction, peer: impl Into<String>) -> Self {
        Self { direction, protocol: "tcp".into(), ports: Some((443, 443)), peer: peer.into() }
    }

    /// Every protocol and port.
    pub fn all(direction: Direction, peer: impl Into<String>) -> Self {
        Self { direction, protocol: "all".into(), ports: None, peer: peer.into() }
    }

    /// The rule that every new group has (aws-facts 5.6).
    pub fn default_egress() -> Self {
        Self::all(Direction::Egress, "0.0.0.0/0")
    }

    /// Whether its other end is a security group. Such a rule keeps that group from being deleted.
    pub fn refers_to_group(&self) -> bool {
        self.peer.starts_with("sg-")
    }

    /// What AWS shows.
    pub fn from_sdk(rule: &SecurityGroupRule) -> Option<Self> {
        let group = || rule.referenced_group_info.as_ref()?.group_id.as_ref();
        let peer =
            rule.cidr_ipv4.as_ref().or(rule.cidr_ipv6.as_ref()).or(rule.prefix_list_id.as_ref()).or_else(group)?;
        let protocol = match rule.ip_protocol.as_deref()? {
            "-1" => "all",
            "6" => "tcp",
            "17" => "udp",
            "1" => "icmp",
            other => other,
        };
        let ports = match (rule.from_port, rule.to_port) {
            (Some(first), Some(last)) if protocol != "all" && (first, last) != (-1, -1) => Some((first, last)),
            _ => None,
        };
        let direction = if rule.is_egress == Some(true) { Direction::Egress } else { Direction::Ingress };
        Some(Self { direction, protocol: protocol.to_owned(), ports, peer: peer.clone() })
    }

    /// What AWS takes.
    pub fn to_sdk(&self) -> IpPermission {
        let protocol = if self.protocol == "all" { "-1" } else { &self.protocol };
        let permission = IpPermission::builder().ip_protocol(protocol);
        let permission = match self.ports {
            Some((first, last)) => permission.from_port(first).to_port(last),
            None => permission,
        };
        let peer = self.peer.as_str();
        let permission = match peer {
            group if group.starts_with("sg-") => {
                permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(group).build())
            }
            list if list.starts_with("pl-") => {
                permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(list).build())
            }
            block if block.contains(':') => permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(block).build()),
            block => permission.ip_ranges(IpRange::builder().cidr_ip(block).build()),
        };
        permission.build()
    }

    /// Whether it lets everything through that `needed` asks for. The members of a security group have their addresses in `network`, and a
    /// prefix list of AWS may be any address.
    pub fn covers(&self, needed: &Self, network: &[IpNet]) -> bool {
        let ports = match (self.ports, needed.ports) {
            (None, _) => true,
            (Some((first, last)), Some((from, to))) => first <= from && to <= last,
            (Some(_), None) => false,
        };
        let protocol = self.protocol == "all" || self.protocol == needed.protocol;
        self.direction == needed.direction && protocol && ports && self.reaches(&needed.peer, network)
    }

    fn reaches(&self, peer: &str, network: &[IpNet]) -> bool {
        if self.peer == peer {
            return true;
        }
        let Ok(block) = self.peer.parse::<IpNet>() else { return false };
        match peer.parse::<IpNet>() {
            Ok(other) => block.contains(&other),
            Err(_) if peer.starts_with("sg-") && !network.is_empty() => network.iter().all(|part| block.contains(part)),
            Err(_) => block.prefix_len() == 0 && matches!(block, IpNet::V4(_)),
        }
    }

    /// The command with which the owner of a group can add this rule.
    pub fn command(&self, group: &str) -> String {
        let kind = match self.peer.as_str() {
            peer if peer.starts_with("sg-") => format!("UserIdGroupPairs=[{{GroupId={peer}}}]"),
            peer if peer.starts_with("pl-") => format!("PrefixListIds=[{{PrefixListId={peer}}}]"),
            peer => format!("IpRanges=[{{CidrIp={peer}}}]"),
        };
        let (protocol, ports) = match self.ports {
            Some((first, last)) => (self.protocol.as_str(), format!("FromPort={first},ToPort={last},")),
            None => ("-1", String::new()),
        };
        let direction = self.direction.name();
        format!(
            "aws ec2 authorize-security-group-{direction} --group-id {group} --ip-permissions 'IpProtocol={protocol},{ports}{kind}'"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder) -> String {
        Rule::from_sdk(&rule.build()).unwrap().to_string()
    }

    #[test]
    fn rules_read_as_sentences() {
        let rule = SecurityGroupRule::builder;
        assert_eq!(
            read(rule().is_egress(true).ip_protocol("-1").from_port(-1).to_port(-1).cidr_ipv4("0.0.0.0/0")),
            "all to 0.0.0.0/0"
        );
        assert_eq!(
            read(rule().ip_protocol("tcp").from_port(443).to_port(443).cidr_ipv4("10.0.0.0/16")),
            "tcp 443 from 10.0.0.0/16"
        );
        assert_eq!(read(rule().ip_protocol("17").from_port(1).to_port(9).prefix_list_id("pl-1")), "udp 1-9 from pl-1");
        let group = aws_sdk_ec2::types::ReferencedSecurityGroup::builder().group_id("sg-2").build();
        assert_eq!(
            read(rule().ip_protocol("6").from_port(443).to_port(443).referenced_group_info(group)),
            "tcp 443 from sg-2"
        );
    }

    #[test]
    fn a_wider_rule_covers_a_needed_one_and_never_the_other_way_round() {
        let network = ["10.0.0.0/16".parse().unwrap()];
        let to_group = Rule::https(Direction::Egress, "sg-1");
        let to_everywhere = Rule::default_egress();
        assert!(to_everywhere.covers(&to_group, &network));
        assert!(!to_group.covers(&to_everywhere, &network));
        assert!(Rule::https(Direction::Egress, "10.0.0.0/8").covers(&to_group, &network));
        assert!(!Rule::https(Direction::Egress, "10.0.0.0/24").covers(&to_group, &network));
        assert!(
            !Rule::https(Direction::Egress, "10.0.0.0/8").covers(&to_group, &[]),
            "nobody knows where the group's members are"
        );
        assert!(!Rule::https(Direction::Ingress, "sg-1").covers(&to_group, &network));
        let to_list = Rule::https(Direction::Egress, "pl-1");
        assert!(to_everywhere.covers(&to_list, &network));
        assert!(!Rule::https(Direction::Egress, "10.0.0.0/16").covers(&to_list, &network));
    }
}
