use proptest::prelude::*;

use super::*;
use crate::model::{
    environment::Part,
    plan::{Action, plan},
    resource::Severity,
    surroundings::AttachmentKind,
    verdict_example::{attachment, denied, endpoint, environment, observation, put_notebook, route, surroundings},
};

/// The verdict with other surroundings.
fn around(change: impl FnOnce(&mut Surroundings)) -> Fact {
    let mut seen = observation();
    change(seen.surroundings.as_mut().unwrap());
    isolated(&environment(), &seen)
}

fn routes(around: &mut Surroundings) -> &mut Vec<Route> {
    match &mut around.route_tables {
        Look::Seen(tables) => &mut tables[0].routes,
        Look::NotYet | Look::Refused(_) => unreachable!("the example has a table"),
    }
}

fn policy_of_sts(policy: &str) -> Fact {
    around(|around| {
        let policy = PolicyDocument::parse(policy).map_err(|error| error.to_string());
        around.endpoints = Look::Seen(vec![VpcEndpoint { policy: Some(policy), ..endpoint("vpce-sts", Service::Sts) }]);
    })
}

#[test]
fn a_closed_network_is_isolated_and_its_resolver_is_named() {
    let fact = around(|_| {});
    assert_eq!((fact.truth, fact.reason.as_str()), (Truth::True, "NoWayOut"), "{}", fact.message);
    assert!(fact.message.contains("known exception: the VPC's resolver (10.0.0.2)"), "{}", fact.message);
    assert!(!fact.message.contains("limited by routes only"), "{}", fact.message);
}

#[test]
fn every_target_outside_the_vpc_is_named_as_what_it_is() {
    for (target, sort) in [
        ("igw-1", "internet gateway"),
        ("nat-1", "NAT gateway"),
        ("eigw-1", "egress-only internet gateway"),
        ("tgw-1", "transit gateway"),
        ("pcx-1", "VPC peering connection"),
        ("vgw-1", "virtual private gateway"),
        ("lgw-1", "local gateway"),
        ("cagw-1", "carrier gateway"),
        ("eni-1", "network interface"),
        ("i-1", "instance"),
        ("vpce-1", "Gateway Load Balancer endpoint"),
        ("arn:aws:networkmanager::1:core-network/x", "core network"),
        ("new-1", "something else:"),
    ] {
        for destination in ["0.0.0.0/0", "::/0", "10.9.0.0/16"] {
            let fact = around(|around| routes(around).push(route(destination, target)));
            assert_eq!((fact.truth, fact.reason.as_str()), (Truth::False, "RouteOut"), "{target}");
            let words = format!("Subnet/a (subnet-a): rtb-1 routes {destination} to {sort} {target}");
            assert!(fact.message.contains(&words), "{}", fact.message);
        }
    }
}

#[test]
fn a_black_hole_and_what_stays_in_the_vpc_are_no_holes() {
    let fact = around(|around| {
        routes(around).push(Route { blackhole: true, ..route("0.0.0.0/0", "igw-1") });
        routes(around).push(route("2001:db8::/56", "local"));
        routes(around).push(route("0.0.0.0/0", "nothing"));
    });
    assert_eq!(fact.truth, Truth::True, "{}", fact.message);
}

#[test]
fn what_a_vpn_gateway_may_announce_is_a_hole() {
    let fact = around(|around| {
        let Look::Seen(tables) = &mut around.route_tables else { return };
        tables[0].propagating.insert("vgw-1".into());
    });
    assert!(fact.message.contains("whatever virtual private gateway vgw-1 announces"), "{}", fact.message);
}

#[test]
fn a_subnet_without_a_table_of_its_own_has_the_ways_out_of_the_main_table() {
    let fact = around(|around| {
        let Look::Seen(tables) = &mut around.route_tables else { return };
        tables[0].subnets.clear();
        let out = vec![route("0.0.0.0/0", "igw-1")];
        tables.push(RouteTable { id: "rtb-main".into(), main: true, routes: out, ..RouteTable::default() });
    });
    assert!(fact.message.contains("rtb-main routes 0.0.0.0/0 to internet gateway igw-1"), "{}", fact.message);
}

#[test]
fn a_table_that_no_subnet_of_ours_uses_does_not_count() {
    let fact = around(|around| {
        let Look::Seen(tables) = &mut around.route_tables else { return };
        let out = vec![route("0.0.0.0/0", "igw-1")];
        tables.push(RouteTable { id: "rtb-main".into(), main: true, routes: out, ..RouteTable::default() });
    });
    assert_eq!(fact.truth, Truth::True, "{}", fact.message);
}

#[test]
fn notebooks_past_the_vpc_are_holes() {
    let mut seen = observation();
    put_notebook(&mut seen, "Enabled", "subnet-a");
    let fact = isolated(&environment(), &seen);
    assert_eq!((fact.truth, fact.reason.as_str()), (Truth::False, "DirectInternetAccess"));
    put_notebook(&mut seen, "Disabled", "");
    assert_eq!(isolated(&environment(), &seen).reason, "OutsideVPC");
    put_notebook(&mut seen, "Disabled", "subnet-elsewhere");
    let fact = isolated(&environment(), &seen);
    assert_eq!(fact.truth, Truth::Unknown);
    assert!(fact.message.contains("subnet-elsewhere, which is not under network.subnets"), "{}", fact.message);
}

#[test]
fn a_policy_is_open_when_it_lets_everybody_do_everything() {
    let everything = r#""Principal":"*","Action":"*","Resource":"*""#;
    let allow = format!(r#"{{"Effect":"Allow",{everything}}}"#);
    let cases = [
        (allow.clone(), false),
        (r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["*"],"Resource":["*"]}"#.to_owned(), false),
        (r#"{"Effect":"Allow","Principal":"*","NotAction":"iam:*","Resource":"*"}"#.to_owned(), false),
        (
            format!(r#"{{"Effect":"Allow",{everything},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}"#),
            false,
        ),
        (format!(r#"{allow},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}"#), false),
        (
            format!(
                r#"{allow},{{"Effect":"Deny",{everything},"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
            ),
            false,
        ),
        (
            format!(
                r#"{allow},{{"Effect":"Deny",{everything},"Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"1"}}}}}}"#
            ),
            true,
        ),
        (
            format!(
                r#"{{"Effect":"Allow",{everything},"Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"o-1"}}}}}}"#
            ),
            true,
        ),
        (r#"{"Effect":"Allow","Principal":"*","Action":"sts:*","Resource":"*"}"#.to_owned(), true),
        (r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::mine/*"}"#.to_owned(), true),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"*","Resource":"*"}"#.to_owned(),
            true,
        ),
    ];
    for (statements, closed) in cases {
        let fact = policy_of_sts(&format!(r#"{{"Statement":[{statements}]}}"#));
        assert_eq!(fact.truth == Truth::True, closed, "{statements}: {}", fact.message);
        assert!(closed || fact.reason == "OpenEndpointPolicy", "{statements}: {}", fact.reason);
    }
    let all_of_s3 = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    assert!(is_open(&PolicyDocument::parse(all_of_s3).unwrap(), "com.amazonaws.eu-west-1.s3"));
}

#[test]
fn an_endpoint_of_others_counts_as_far_as_notebooks_get_to_it() {
    let open =
        PolicyDocument::parse(r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#);
    let foreign = VpcEndpoint { policy: Some(Ok(open.unwrap())), ..endpoint("vpce-theirs", Service::Kms) };
    let with = |foreign: VpcEndpoint| around(|around| around.endpoints = Look::Seen(vec![foreign]));
    let fact = with(foreign.clone());
    assert!(
        fact.message.contains("vpce-theirs (com.amazonaws.eu-west-1.kms), which is not of this environment"),
        "{}",
        fact.message
    );
    let shut = VpcEndpoint { security_groups: BTreeSet::from(["sg-n".to_owned()]), ..foreign.clone() };
    assert_eq!(with(shut).truth, Truth::True, "the group of the endpoint lets nobody in");
    let going = VpcEndpoint { state: "deleting".into(), ..foreign.clone() };
    assert_eq!(with(going).truth, Truth::True);
    let elsewhere = VpcEndpoint {
        endpoint_type: "Gateway".into(),
        route_tables: BTreeSet::from(["rtb-9".to_owned()]),
        ..foreign.clone()
    };
    assert_eq!(with(elsewhere).truth, Truth::True, "the notebooks' table does not lead there");
    let private = VpcEndpoint { service_name: "com.amazonaws.vpce.eu-west-1.vpce-svc-1".into(), ..foreign };
    assert_eq!(with(private).reason, "EndpointOut");
}

#[test]
fn a_wide_group_alone_is_a_missing_limit_and_not_a_hole() {
    let widen = |around: &mut Surroundings, rule: Rule| {
        let Look::Seen(groups) = &mut around.groups else { return };
        groups.get_mut("sg-n").unwrap().rules.push(rule);
    };
    let fact = around(|around| widen(around, Rule::default_egress()));
    assert_eq!(fact.truth, Truth::True);
    assert!(fact.message.contains("limited by routes only: sg-n lets out all to 0.0.0.0/0"), "{}", fact.message);
    let fact = around(|around| widen(around, Rule::all(Direction::Egress, "::/0")));
    assert!(fact.message.contains("sg-n lets out all to ::/0"), "{}", fact.message);
    let fact = around(|around| widen(around, Rule::https(Direction::Egress, "10.0.0.0/20")));
    assert!(!fact.message.contains("limited"), "addresses of the VPC are inside: {}", fact.message);
}

#[test]
fn what_could_not_be_seen_is_never_taken_for_closed() {
    type Change = fn(&mut Surroundings);
    let changes: [Change; 6] = [
        |around| around.route_tables = denied("ec2:DescribeRouteTables"),
        |around| around.groups = denied("ec2:DescribeSecurityGroups"),
        |around| around.endpoints = denied("ec2:DescribeVpcEndpoints"),
        |around| around.name_servers = denied("ec2:DescribeDhcpOptions"),
        |around| drop(around.attachments.insert(AttachmentKind::NatGateway, denied("ec2:DescribeNatGateways"))),
        |around| drop(around.attachments.insert(AttachmentKind::Peering, denied("ec2:DescribeVpcPeeringConnections"))),
    ];
    for change in changes {
        let fact = around(change);
        assert_eq!((fact.truth, fact.reason.as_str()), (Truth::Unknown, "AccessDenied"), "{}", fact.message);
        assert!(fact.message.contains("could not be seen: ec2:Describe"), "{}", fact.message);
    }
    let fact = around(|around| *around = Surroundings { vpc: "vpc-1".into(), ..Surroundings::default() });
    assert_eq!((fact.truth, fact.reason.as_str()), (Truth::Unknown, "NotSeen"));
    assert_eq!(isolated(&environment(), &Observation::default()).reason, "NoNetwork");
}

#[test]
fn a_hole_that_was_seen_weighs_more_than_what_was_not() {
    let fact = around(|around| {
        routes(around).push(route("0.0.0.0/0", "igw-1"));
        around.endpoints = denied("ec2:DescribeVpcEndpoints");
    });
    assert_eq!(fact.truth, Truth::False);
}

#[test]
fn strangers_in_our_vpc_are_drift_and_in_a_vpc_of_others_they_are_none() {
    let mut seen = observation();
    let around = seen.surroundings.as_mut().unwrap();
    around.attachments.insert(AttachmentKind::InternetGateway, Look::Seen(vec![attachment("igw-1")]));
    around.endpoints = Look::Seen(vec![endpoint("vpce-sts", Service::Sts), endpoint("vpce-theirs", Service::Kms)]);
    let strangers = |environment: &Environment| {
        let drift = plan(environment, &seen, &BTreeMap::new()).drift;
        drift.into_iter().filter(|drift| drift.address.kind == Kind::Vpc).collect::<Vec<_>>()
    };
    let found = strangers(&environment());
    let paths: Vec<&str> = found.iter().map(|drift| drift.path.as_str()).collect();
    assert_eq!(paths, ["internetGateways[igw-1]", "vpcEndpoints[vpce-theirs]"]);
    assert!(found.iter().all(|drift| (drift.severity, drift.action) == (Severity::High, Action::Report)));
    let mut theirs = environment();
    theirs.network.vpc = Part::Existing("vpc-1".into());
    assert_eq!(strangers(&theirs), []);
}

fn any_route() -> impl Strategy<Value = Route> {
    let target = prop_oneof![
        Just("local"),
        Just("nothing"),
        Just("igw-1"),
        Just("nat-1"),
        Just("tgw-1"),
        Just("eni-1"),
        Just("pcx-1"),
        Just("vpce-1")
    ];
    let destination = prop_oneof![Just("0.0.0.0/0"), Just("::/0"), Just("10.7.0.0/16"), Just("pl-1")];
    (destination, target, any::<bool>())
        .prop_map(|(destination, target, blackhole)| Route { blackhole, ..route(destination, target) })
}

proptest! {
    #[test]
    fn it_is_false_exactly_when_some_route_works_and_leads_out(added in proptest::collection::vec(any_route(), 0..6), hidden in any::<bool>()) {
        let out = |route: &Route| {
            let gateway_endpoint = route.target.starts_with("vpce-") && route.destination.starts_with("pl-");
            !route.blackhole && !["local", "nothing"].contains(&route.target.as_str()) && !gateway_endpoint
        };
        let expected = match (added.iter().any(out), hidden) {
            (true, _) => Truth::False,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::True,
        };
        let mut changed = surroundings();
        routes(&mut changed).extend(added);
        if hidden {
            changed.attachments.insert(AttachmentKind::VpnGateway, denied("ec2:DescribeVpnGateways"));
        }
        prop_assert_eq!(around(|around| *around = changed).truth, expected);
    }
}
