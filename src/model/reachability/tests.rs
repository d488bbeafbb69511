use super::*;
use crate::model::{
    environment::{EndpointPolicy, ManagedSubnet, Part, Subnet},
    port::{ErrorClass, Problem},
    surroundings::{AclEntry, SecurityGroup},
    verdict_example::{denied, environment, everything, field, observation, put, put_sts, surroundings},
};

fn as_asked() -> Fact {
    let message = "9 of 9 as asked".to_owned();
    Fact { name: conditions::NETWORK_READY, truth: Truth::True, reason: "AsAsked".into(), message }
}

fn judged(change: impl FnOnce(&mut Observation)) -> Fact {
    let mut seen = observation();
    change(&mut seen);
    network_ready(&environment(), &seen, as_asked())
}

fn around(change: impl FnOnce(&mut Surroundings)) -> Fact {
    judged(|seen| change(seen.surroundings.as_mut().unwrap()))
}

#[track_caller]
fn assert_false(fact: &Fact, reason: &str, words: &[&str]) {
    assert_eq!((fact.truth, fact.reason.as_str()), (Truth::False, reason), "{}", fact.message);
    for word in words {
        assert!(fact.message.contains(word), "{word} is not in: {}", fact.message);
    }
}

#[test]
fn with_everything_open_there_is_a_path() {
    let fact = judged(|_| {});
    assert_eq!((fact.truth, fact.message.as_str()), (Truth::True, "9 of 9 as asked"));
}

#[test]
fn the_states_of_an_endpoint_are_told_apart() {
    for (state, reason, words) in [
        ("pending", "Progressing", "is being made"),
        ("pendingacceptance", "EndpointPendingAcceptance", "aws ec2 accept-vpc-endpoint-connections"),
        ("partial", "EndpointPartial", "in some of its subnets only"),
        ("rejected", "EndpointRejected", "rejected by the owner"),
        ("failed", "EndpointFailed", "failed"),
        ("expired", "EndpointExpired", "not accepted in time"),
        ("deleting", "EndpointDeleting", "is being deleted"),
        ("odd", "EndpointUnavailable", "is odd"),
    ] {
        assert_false(&judged(|seen| put_sts(seen, state, true)), reason, &["VPCEndpoint/STS (vpce-sts)", words]);
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_no_path_and_one_that_is_coming_needs_nobody() {
    let mut seen = observation();
    seen.sights.insert(Address::new(Kind::VpcEndpoint, "STS"), Sight::Absent);
    let progress =
        |reason: &str| Fact { truth: Truth::False, reason: reason.into(), message: "more".into(), ..as_asked() };
    let fact = network_ready(&environment(), &seen, progress("ObserveOnly"));
    assert_false(&fact, "NoPath", &["no path to STS: vpc-1 has no endpoint for it; more"]);
    assert_eq!(network_ready(&environment(), &seen, progress("Progressing")).reason, "Progressing");
    let nothing = network_ready(&environment(), &Observation::default(), progress("Progressing"));
    assert_false(&nothing, "Progressing", &["no path to S3, STS: there is no VPC yet"]);
}

#[test]
fn an_endpoint_elsewhere_is_named_and_not_looked_for() {
    let mut environment = environment();
    environment.network.endpoints.insert(Service::Logs, Endpoint::External);
    let fact = network_ready(&environment, &observation(), as_asked());
    assert_eq!(fact.truth, Truth::True);
    assert!(fact.message.contains("reached elsewhere and not looked at: Logs"), "{}", fact.message);
}

#[test]
fn private_dns_that_is_off_is_repaired_where_it_was_turned_off() {
    let fact = judged(|seen| put_sts(seen, "available", false));
    assert_false(
        &fact,
        "PrivateDNSOff",
        &["aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-sts --private-dns-enabled"],
    );
    let mut environment = environment();
    let asked = Endpoint::Managed { policy: EndpointPolicy::LeastPrivilege, private_dns: false, subnets: None };
    environment.network.endpoints.insert(Service::Sts, asked);
    let mut seen = observation();
    put_sts(&mut seen, "available", false);
    assert_false(&network_ready(&environment, &seen, as_asked()), "PrivateDNSOff", &["take privateDNS: false out of"]);
}

#[test]
fn names_need_both_attributes_and_the_vpcs_own_resolver() {
    let attributes = |support: bool, hostnames: bool| {
        judged(|seen| {
            let fields = vec![field("enableDnsSupport", support), field("enableDnsHostnames", hostnames)];
            put(seen, Kind::Vpc, "main", &[(Output::Id, "vpc-1"), (Output::CidrBlock, "10.0.0.0/16")], fields);
        })
    };
    assert_false(
        &attributes(false, true),
        "DNSSupportOff",
        &["modify-vpc-attribute --vpc-id vpc-1 --enable-dns-support"],
    );
    assert_false(&attributes(true, false), "DNSHostnamesOff", &["--enable-dns-hostnames Value=true"]);
    let servers = |servers: &[&str]| {
        let servers = servers.iter().map(|server| (*server).to_owned()).collect();
        around(|around| around.name_servers = Look::Seen(servers))
    };
    assert_false(&servers(&["10.9.9.9"]), "CustomDNS", &["10.9.9.9", "--vpc-id vpc-1 --dhcp-options-id dopt-1"]);
    assert_false(&servers(&["AmazonProvidedDNS", "10.9.9.9"]), "CustomDNS", &["ask 10.9.9.9"]);
    assert_false(&servers(&[]), "CustomDNS", &["ask nobody"]);
    for own in ["AmazonProvidedDNS", "10.0.0.2", "169.254.169.253"] {
        assert_eq!(servers(&[own]).truth, Truth::True, "{own}");
    }
}

#[test]
fn a_closed_group_is_named_with_the_rule_that_opens_it() {
    let rules = |group: &str, rules: Vec<Rule>| {
        around(|around| {
            let Look::Seen(groups) = &mut around.groups else { return };
            groups.insert(group.to_owned(), SecurityGroup { name: group.into(), rules });
        })
    };
    let to_s3 = || Rule::https(Direction::Egress, "pl-s3");
    let fact = rules("sg-e", Vec::new());
    assert_false(
        &fact,
        "GroupClosed",
        &["sg-e does not let tcp 443 from sg-n through (STS)", "authorize-security-group-ingress --group-id sg-e"],
    );
    let fact = rules("sg-n", vec![to_s3()]);
    assert_false(
        &fact,
        "GroupClosed",
        &["sg-n does not let tcp 443 to sg-e through (STS)", "authorize-security-group-egress --group-id sg-n"],
    );
    let fact = rules("sg-n", vec![Rule::https(Direction::Egress, "sg-e")]);
    assert_false(&fact, "GroupClosed", &["tcp 443 to pl-s3 through (S3)", "PrefixListIds=[{PrefixListId=pl-s3}]"]);
    for enough in [
        Rule::https(Direction::Ingress, "10.0.0.0/16"),
        Rule::all(Direction::Ingress, "sg-n"),
        Rule::https(Direction::Ingress, "pl-9"),
    ] {
        assert_eq!(rules("sg-e", vec![enough.clone()]).truth, Truth::True, "{enough}");
    }
    assert_eq!(rules("sg-n", vec![Rule::https(Direction::Egress, "10.0.1.0/24"), to_s3()]).truth, Truth::True);
}

/// A second subnet, in which the endpoint has its address.
fn two_subnets(entries: Vec<AclEntry>) -> Fact {
    let mut environment = environment();
    let part = Part::Managed(ManagedSubnet { cidr_block: "10.0.2.0/24".into(), availability_zone: None });
    environment.network.subnets.push(Subnet { name: "b".into(), part });
    let mut seen = observation();
    let outputs = [(Output::Id, "subnet-b"), (Output::CidrBlock, "10.0.2.0/24"), (Output::VpcId, "vpc-1")];
    put(&mut seen, Kind::Subnet, "b", &outputs, Vec::new());
    let subnets = BTreeSet::from(["subnet-b".to_owned()]);
    let fields = vec![
        field("type", "Interface".to_owned()),
        field("securityGroups", BTreeSet::from(["sg-e".to_owned()])),
        field("subnets", subnets),
    ];
    put(&mut seen, Kind::VpcEndpoint, "STS", &[(Output::Id, "vpce-sts"), (Output::State, "available")], fields);
    let mut changed = surroundings();
    let Look::Seen(acls) = &mut changed.acls else { unreachable!("the example has one") };
    acls[0].entries.extend(entries);
    seen.surroundings = Some(changed);
    network_ready(&environment, &seen, as_asked())
}

fn deny(egress: bool, block: &str, ports: (u16, u16)) -> AclEntry {
    AclEntry {
        number: 7,
        allow: false,
        protocol: "6".into(),
        block: block.parse().unwrap(),
        ports: Some(ports),
        ..everything(egress)
    }
}

#[test]
fn requests_and_answers_pass_the_network_acls_of_both_subnets() {
    assert_eq!(two_subnets(Vec::new()).truth, Truth::True);
    for (entry, words) in [
        (
            deny(true, "10.0.2.0/24", (443, 443)),
            "acl-1 of Subnet/a (subnet-a) does not let 443 out to 10.0.2.0/24 (entry 7)",
        ),
        (deny(false, "10.0.1.0/24", (443, 443)), "acl-1 of Subnet/b (subnet-b) does not let 443 in from 10.0.1.0/24"),
        (
            deny(false, "10.0.2.0/24", (1, 65535)),
            "Subnet/a (subnet-a) does not let answers (ports 32768-60999) in from",
        ),
        (
            deny(true, "10.0.1.0/24", (50000, 50000)),
            "Subnet/b (subnet-b) does not let answers (ports 32768-60999) out to",
        ),
        (deny(true, "52.0.0.0/8", (443, 443)), "does not let 443 out to 52.0.0.0/24"),
    ] {
        let fact = two_subnets(vec![entry]);
        assert_false(&fact, "NetworkACLDenies", &[words, "aws ec2 delete-network-acl-entry --network-acl-id acl-1"]);
    }
    assert_eq!(two_subnets(vec![deny(true, "10.0.2.0/24", (80, 80))]).truth, Truth::True);
    assert_eq!(two_subnets(vec![deny(true, "10.0.3.0/24", (443, 443))]).truth, Truth::True);
}

#[test]
fn an_acl_does_not_stand_between_two_in_one_subnet() {
    let fact = around(|around| {
        let Look::Seen(acls) = &mut around.acls else { return };
        acls[0].entries.push(deny(true, "10.0.1.0/24", (443, 443)));
    });
    assert_eq!(fact.truth, Truth::True, "{}", fact.message);
}

#[test]
fn an_acl_without_entries_is_opened_by_new_ones() {
    let fact = around(|around| {
        let Look::Seen(acls) = &mut around.acls else { return };
        acls[0].entries.clear();
    });
    let out = "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 10 --protocol 6 --port-range From=443,To=443 --cidr-block 52.0.0.0/24 --rule-action allow";
    assert_false(
        &fact,
        "NetworkACLDenies",
        &[out, "--ingress --rule-number 10 --protocol 6 --port-range From=1024,To=65535"],
    );
}

#[test]
fn a_service_that_is_not_in_our_zones_says_where_it_is() {
    let fact = around(|around| {
        let facts = around.facts.endpoint_services.values_mut().next().unwrap();
        facts.zones = BTreeSet::from(["eu-west-1c".to_owned()]);
    });
    assert_false(
        &fact,
        "ZoneNotSupported",
        &["STS is not offered in eu-west-1a, only in eu-west-1c", "network.subnets"],
    );
}

#[test]
fn what_could_not_be_seen_is_not_ready() {
    type Change = fn(&mut Surroundings);
    let changes: [Change; 3] = [
        |around| around.acls = denied("ec2:DescribeNetworkAcls"),
        |around| around.name_servers = denied("ec2:DescribeDhcpOptions"),
        |around| around.groups = denied("ec2:DescribeSecurityGroupRules"),
    ];
    for change in changes {
        let fact = around(change);
        assert_eq!((fact.truth, fact.reason.as_str()), (Truth::Unknown, "AccessDenied"), "{}", fact.message);
        assert!(fact.message.contains("ec2:Describe"), "{}", fact.message);
    }
    assert_eq!(around(|around| around.acls = Look::NotYet).reason, "NotSeen");
    let problem = Problem::new(ErrorClass::Denied, "ec2:DescribeVpcEndpoints: no");
    let hidden = Fact { truth: Truth::Unknown, reason: "AccessDenied".into(), message: "hidden".into(), ..as_asked() };
    let mut seen = observation();
    seen.sights.insert(Address::new(Kind::VpcEndpoint, "STS"), Sight::Unknown(problem));
    assert_eq!(network_ready(&environment(), &seen, hidden).truth, Truth::Unknown);
}
