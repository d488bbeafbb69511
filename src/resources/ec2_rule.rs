//! Security-group rules as AWS shows and takes them.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, UserIdGroupPair};

pub use crate::model::group_rule::{Direction, Rule};

/// What AWS shows.
pub fn from_sdk(rule: &SecurityGroupRule) -> Option<Rule> {
    let group = || rule.referenced_group_info.as_ref()?.group_id.as_ref();
    let peer = rule.cidr_ipv4.as_ref().or(rule.cidr_ipv6.as_ref()).or(rule.prefix_list_id.as_ref()).or_else(group)?;
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
    Some(Rule { direction, protocol: protocol.to_owned(), ports, peer: peer.clone() })
}

/// What AWS takes.
pub fn to_sdk(rule: &Rule) -> IpPermission {
    let protocol = if rule.protocol == "all" { "-1" } else { &rule.protocol };
    let permission = IpPermission::builder().ip_protocol(protocol);
    let permission = match rule.ports {
        Some((first, last)) => permission.from_port(first).to_port(last),
        None => permission,
    };
    let peer = rule.peer.as_str();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder) -> String {
        from_sdk(&rule.build()).unwrap().to_string()
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
}
