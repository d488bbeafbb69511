//! What a network ACL lets through. Pure.
//!
//! An ACL knows no connections: what leaves a subnet and the answer that comes back are judged apart, each by the first entry, in the order of their
//! numbers, that matches. What matches none is denied. Traffic inside a subnet does not pass its ACL, and neither do questions to the VPC's resolver.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net};

use super::surroundings::{AclEntry, NetworkAcl};

/// The number of TCP.
const TCP: &str = "6";
/// The number of the entry that every ACL ends with, which denies.
pub const LAST: i32 = 32767;

/// Which way across the border of a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// Out of the subnet.
    Out,
    /// Into it.
    In,
}

/// The number of the entry that keeps some of this TCP traffic from passing, if any does; [`LAST`] when no entry is about it.
#[must_use]
pub fn denial(acl: &NetworkAcl, crossing: Crossing, block: Ipv4Net, ports: (u16, u16)) -> Option<i32> {
    let egress = crossing == Crossing::Out;
    let mut entries: Vec<(&AclEntry, Ipv4Net)> =
        acl.entries.iter().filter(|entry| entry.egress == egress && is_tcp(entry)).filter_map(ipv4).collect();
    entries.sort_by_key(|(entry, _)| entry.number);
    // Between two neighbouring bounds of entries all addresses, and all ports, fare alike: one of each is enough.
    let addresses = bounds(block, &entries);
    let doors = port_bounds(ports, &entries);
    let verdict = |address: u32, port: u16| {
        let mut matching = entries.iter().filter(|(entry, block)| {
            let (first, last) = entry.ports.unwrap_or((0, u16::MAX));
            block.contains(&std::net::Ipv4Addr::from(address)) && (first..=last).contains(&port)
        });
        match matching.next() {
            Some((entry, _)) if entry.allow => None,
            Some((entry, _)) => Some(entry.number),
            None => Some(LAST),
        }
    };
    addresses.iter().find_map(|address| doors.iter().find_map(|port| verdict(*address, *port)))
}

/// A number for a new entry that decides before the last one.
#[must_use]
pub fn free_number(acl: &NetworkAcl, crossing: Crossing) -> i32 {
    let egress = crossing == Crossing::Out;
    let used = acl.entries.iter().filter(|entry| entry.egress == egress && entry.number < LAST);
    let highest = used.map(|entry| entry.number).max().unwrap_or_default();
    (highest + 10).min(LAST - 1)
}

fn is_tcp(entry: &AclEntry) -> bool {
    matches!(entry.protocol.as_str(), "-1" | TCP)
}

fn ipv4(entry: &AclEntry) -> Option<(&AclEntry, Ipv4Net)> {
    match entry.block {
        IpNet::V4(block) => Some((entry, block)),
        IpNet::V6(_) => None,
    }
}

fn bounds(block: Ipv4Net, entries: &[(&AclEntry, Ipv4Net)]) -> BTreeSet<u32> {
    let (first, last) = (u32::from(block.network()), u32::from(block.broadcast()));
    let of_entries = entries
        .iter()
        .flat_map(|(_, other)| [Some(u32::from(other.network())), u32::from(other.broadcast()).checked_add(1)]);
    of_entries.flatten().filter(|bound| (first..=last).contains(bound)).chain([first]).collect()
}

fn port_bounds((first, last): (u16, u16), entries: &[(&AclEntry, Ipv4Net)]) -> BTreeSet<u16> {
    let of_entries =
        entries.iter().filter_map(|(entry, _)| entry.ports).flat_map(|(from, to)| [Some(from), to.checked_add(1)]);
    of_entries.flatten().filter(|bound| (first..=last).contains(bound)).chain([first]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(number: i32, allow: bool, block: &str, ports: Option<(u16, u16)>) -> AclEntry {
        AclEntry { number, egress: true, allow, protocol: TCP.into(), block: block.parse().unwrap(), ports }
    }

    fn out(entries: Vec<AclEntry>, block: &str) -> Option<i32> {
        let acl = NetworkAcl { entries, ..NetworkAcl::default() };
        denial(&acl, Crossing::Out, block.parse().unwrap(), (443, 443))
    }

    #[test]
    fn the_first_entry_that_matches_decides() {
        let all = || entry(100, true, "0.0.0.0/0", None);
        assert_eq!(out(vec![all()], "10.0.1.0/24"), None);
        assert_eq!(out(vec![all(), entry(50, false, "10.0.1.0/24", Some((443, 443)))], "10.0.1.0/24"), Some(50));
        assert_eq!(out(vec![all(), entry(150, false, "10.0.1.0/24", None)], "10.0.1.0/24"), None);
        assert_eq!(out(vec![all(), entry(50, false, "10.0.1.0/24", Some((80, 80)))], "10.0.1.0/24"), None);
        assert_eq!(out(Vec::new(), "10.0.1.0/24"), Some(LAST), "nothing is let through by itself");
    }

    #[test]
    fn a_denial_of_one_address_and_two_halves_that_make_a_whole_are_told_apart() {
        let all = entry(100, true, "0.0.0.0/0", None);
        assert_eq!(out(vec![all, entry(50, false, "10.0.1.7/32", None)], "10.0.1.0/24"), Some(50));
        let halves = || vec![entry(1, true, "10.0.1.0/25", None), entry(2, true, "10.0.1.128/25", None)];
        assert_eq!(out(halves(), "10.0.1.0/24"), None);
        assert_eq!(out(halves(), "10.0.0.0/23"), Some(LAST));
    }

    #[test]
    fn the_other_direction_and_other_protocols_do_not_count() {
        let inward = AclEntry { egress: false, ..entry(100, true, "0.0.0.0/0", None) };
        let udp = AclEntry { protocol: "17".into(), ..entry(90, true, "0.0.0.0/0", None) };
        assert_eq!(out(vec![inward.clone(), udp], "10.0.1.0/24"), Some(LAST));
        let acl = NetworkAcl { entries: vec![inward], ..NetworkAcl::default() };
        assert_eq!(denial(&acl, Crossing::In, "10.0.1.0/24".parse().unwrap(), (32768, 60999)), None);
    }

    #[test]
    fn a_new_entry_comes_after_those_there_are_and_before_the_last() {
        let acl = NetworkAcl { entries: vec![entry(100, true, "0.0.0.0/0", None)], ..NetworkAcl::default() };
        assert_eq!((free_number(&acl, Crossing::Out), free_number(&acl, Crossing::In)), (110, 10));
        let full = NetworkAcl { entries: vec![entry(LAST - 1, true, "0.0.0.0/0", None)], ..NetworkAcl::default() };
        assert_eq!(free_number(&full, Crossing::Out), LAST - 1);
    }

    fn any_entry() -> impl Strategy<Value = AclEntry> {
        (1..40_i32, any::<bool>(), 0..32_u8, 27..33_u8, proptest::option::of((0..20_u16, 0..20_u16))).prop_map(
            |(number, allow, host, prefix, ports)| AclEntry {
                number,
                egress: true,
                allow,
                protocol: "-1".into(),
                block: IpNet::from(Ipv4Net::new([10, 0, 0, host].into(), prefix).unwrap().trunc()),
                ports: ports.map(|(one, other)| (one.min(other), one.max(other))),
            },
        )
    }

    proptest! {
        #[test]
        fn it_is_what_trying_every_address_and_port_finds(entries in proptest::collection::vec(any_entry(), 0..8), ports in (0..20_u16, 0..20_u16)) {
            let mut unique: Vec<AclEntry> = Vec::new();
            for entry in entries {
                if unique.iter().all(|other| other.number != entry.number) {
                    unique.push(entry);
                }
            }
            unique.sort_by_key(|entry| entry.number);
            let ports = (ports.0.min(ports.1), ports.0.max(ports.1));
            let block: Ipv4Net = "10.0.0.0/28".parse().unwrap();
            let denied = (0..16_u8).any(|host| (ports.0..=ports.1).any(|port| {
                let hit = unique.iter().find(|entry| {
                    let (first, last) = entry.ports.unwrap_or((0, u16::MAX));
                    entry.block.contains(&std::net::IpAddr::from([10, 0, 0, host])) && (first..=last).contains(&port)
                });
                hit.is_none_or(|entry| !entry.allow)
            }));
            let acl = NetworkAcl { entries: unique, ..NetworkAcl::default() };
            prop_assert_eq!(denial(&acl, Crossing::Out, block, ports).is_some(), denied);
        }
    }
}
