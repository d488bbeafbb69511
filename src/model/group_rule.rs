//! What a security-group rule says, apart from which group it is in and which id it has, and what it lets through.

use std::fmt;

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
    #[must_use]
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

    /// The rule that every new group has.
    #[must_use]
    pub fn default_egress() -> Self {
        Self::all(Direction::Egress, "0.0.0.0/0")
    }

    /// Whether its other end is a security group. Such a rule keeps that group from being deleted.
    #[must_use]
    pub fn refers_to_group(&self) -> bool {
        self.peer.starts_with("sg-")
    }

    /// Whether it lets everything through that `needed` asks for. The members of a security group have their addresses in `network`, and a
    /// prefix list of AWS may be any address.
    #[must_use]
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
    #[must_use]
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
