//! Tests of what an environment wants of its network, kind by kind.

use std::collections::BTreeSet;

use super::{
    route_table::RouteTable,
    security_group::SecurityGroup,
    security_group_rules::SecurityGroupRules,
    subnet::Subnet,
    test_environment::{
        environment, existing_subnet, facts, managed_endpoint, managed_subnet, network_outputs, outputs,
    },
    vpc_endpoint::VpcEndpoint,
};
use crate::{
    aws::provider::Provider,
    model::{
        environment::{Endpoint, EndpointPolicy, Environment, Part, Traffic},
        resource::{Context, Management, Output, Outputs, ResourceKind, Wanted},
        services::{RegionFacts, Service},
        value::{Value, Wish},
    },
};

fn wishes(kind: &dyn Provider, environment: &Environment, outputs: &Outputs) -> Vec<Wanted> {
    kind.desire(environment, Context { outputs, facts: &facts() })
}

fn wish(kind: &dyn Provider, environment: &Environment, outputs: &Outputs, address: &str) -> Wanted {
    let wanted = wishes(kind, environment, outputs);
    let found = wanted.into_iter().find(|wanted| wanted.address.to_string() == address);
    found.unwrap_or_else(|| panic!("{address} is not wanted"))
}

fn field(wanted: &Wanted, name: &str) -> Wish<Value> {
    let field = wanted.state.fields().into_iter().find(|field| field.name == name);
    field.unwrap_or_else(|| panic!("no field {name}")).value
}

fn set(wanted: &Wanted, name: &str) -> Vec<String> {
    match field(wanted, name) {
        Wish::Is(Value::Set(values)) => values.into_iter().collect(),
        other => panic!("{name} is {other:?}"),
    }
}

/// Scenarios B and C: the network is there already.
fn existing_network() -> Environment {
    let mut environment = environment();
    environment.network.vpc = Part::Existing("vpc-1".into());
    environment.network.subnets = vec![existing_subnet("main", "subnet-a")];
    environment
}

#[test]
fn the_network_is_made_from_the_outside_to_the_inside() {
    let (environment, nothing) = (environment(), Outputs::default());
    let unresolved = |kind: &dyn Provider, address: &str| {
        wish(kind, &environment, &nothing, address).unresolved().map(|address| address.to_string())
    };
    assert_eq!(unresolved(&Subnet, "Subnet/a").as_deref(), Some("VPC/main"));
    assert_eq!(unresolved(&RouteTable::default(), "RouteTable/main").as_deref(), Some("VPC/main"));
    let vpc_only = outputs(&[("VPC/main", &[(Output::Id, "vpc-1"), (Output::CidrBlock, "10.0.0.0/16")])]);
    let table = wish(&RouteTable::default(), &environment, &vpc_only, "RouteTable/main");
    assert_eq!(table.unresolved().map(|address| address.to_string()).as_deref(), Some("Subnet/a"));
    for wanted in wishes(&VpcEndpoint::default(), &environment, &network_outputs()) {
        assert_eq!(wanted.unresolved(), None, "{}", wanted.address);
    }
}

#[test]
fn a_subnet_is_made_where_every_endpoint_can_be_and_may_then_be_anywhere() {
    let subnet = wish(&Subnet, &environment(), &network_outputs(), "Subnet/a");
    assert_eq!(field(&subnet, "availabilityZone"), Wish::Any);
    assert!(
        format!("{:?}", subnet.state).contains(r#"suggested_zone: Some("ap-northeast-1c")"#),
        "zone a has no SageMaker API"
    );
}

#[test]
fn subnets_of_ours_share_a_table_and_existing_ones_keep_theirs() {
    let mut environment = existing_network();
    assert_eq!(
        wishes(&RouteTable::default(), &environment, &network_outputs())
            .iter()
            .map(|table| &table.management)
            .collect::<Vec<_>>(),
        [&Management::Existing("subnet-a".into())]
    );
    environment.network.subnets.push(managed_subnet("b", "10.0.2.0/24"));
    let tables = wishes(&RouteTable::default(), &environment, &network_outputs());
    let addresses: Vec<_> = tables.iter().map(|table| table.address.to_string()).collect();
    assert_eq!(
        addresses,
        ["RouteTable/main", "RouteTable/subnet-main"],
        "a subnet called main does not get in the way"
    );
}

#[test]
fn the_gateway_gets_its_route_in_the_tables_of_all_subnets() {
    let mut environment = existing_network();
    environment.network.subnets.push(managed_subnet("b", "10.0.2.0/24"));
    let known = outputs(&[
        ("VPC/main", &[(Output::Id, "vpc-1")]),
        ("RouteTable/main", &[(Output::Id, "rtb-ours")]),
        ("RouteTable/subnet-main", &[(Output::Id, "rtb-theirs")]),
    ]);
    let gateway = wish(&VpcEndpoint::default(), &environment, &known, "VPCEndpoint/S3");
    assert_eq!(set(&gateway, "routeTables"), ["rtb-ours", "rtb-theirs"]);
    assert_eq!(field(&gateway, "subnets"), Wish::Any);
    assert_eq!(field(&gateway, "type"), Wish::Is(Value::Text("Gateway".into())));
}

#[test]
fn an_endpoint_takes_the_first_subnet_of_each_zone_in_which_its_service_is() {
    let mut environment = environment();
    let subnets = [("a", "10.0.1.0/24"), ("c1", "10.0.2.0/24"), ("c2", "10.0.3.0/24")];
    environment.network.subnets = subnets.map(|(name, block)| managed_subnet(name, block)).to_vec();
    let placed = |zone, id| [(Output::Id, id), (Output::AvailabilityZone, zone)];
    let mut known = network_outputs();
    let extra = [("Subnet/c1", "subnet-z"), ("Subnet/c2", "subnet-b")];
    for (address, id) in extra {
        let values = placed("ap-northeast-1c", id).map(|(output, value)| (output, value.to_owned()));
        known.set(address.parse().unwrap(), values.into_iter().collect());
    }
    let sts = wish(&VpcEndpoint::default(), &environment, &known, "VPCEndpoint/STS");
    assert_eq!(set(&sts, "subnets"), ["subnet-a", "subnet-z"], "first in the manifest's order, not by id");
    let api = wish(&VpcEndpoint::default(), &environment, &known, "VPCEndpoint/SageMakerAPI");
    assert_eq!(set(&api, "subnets"), ["subnet-z"], "the service is not in zone a");
    let named = Endpoint::Managed {
        policy: EndpointPolicy::FullAccess,
        private_dns: false,
        subnets: Some(BTreeSet::from(["c2".into()])),
    };
    environment.network.endpoints.insert(Service::Sts, named);
    let sts = wish(&VpcEndpoint::default(), &environment, &known, "VPCEndpoint/STS");
    assert_eq!(set(&sts, "subnets"), ["subnet-b"]);
    assert_eq!(field(&sts, "privateDNSEnabled"), Wish::Is(Value::Bool(false)));
}

#[test]
fn a_policy_that_has_no_effect_is_not_demanded() {
    let mut facts = facts();
    let service = Service::SageMakerRuntime;
    facts.endpoint_services.get_mut(&service.endpoint_service("ap-northeast-1")).unwrap().policy_supported = false;
    let mut environment = environment();
    environment.network.endpoints.insert(service, managed_endpoint());
    let wanted = VpcEndpoint::default().desire(&environment, Context { outputs: &network_outputs(), facts: &facts });
    let runtime = wanted.iter().find(|wanted| wanted.address.name == service.name()).unwrap();
    assert_eq!(field(runtime, "policy"), Wish::Any);
}

#[test]
fn an_endpoint_elsewhere_is_not_looked_for() {
    let mut environment = environment();
    environment.network.endpoints.insert(Service::Sts, Endpoint::External);
    let wanted = wishes(&VpcEndpoint::default(), &environment, &network_outputs());
    assert!(!wanted.iter().any(|wanted| wanted.address.name == "STS"));
    let rules = wish(&SecurityGroupRules, &environment, &network_outputs(), "SecurityGroupRules/notebooks");
    assert!(set(&rules, "egress").contains(&"tcp 443 to 10.0.0.0/8".to_owned()), "but notebooks may go there");
}

#[test]
fn nothing_comes_in_to_notebooks_and_nothing_goes_out_of_endpoints() {
    let (environment, known) = (environment(), network_outputs());
    let notebooks = wish(&SecurityGroupRules, &environment, &known, "SecurityGroupRules/notebooks");
    assert_eq!(set(&notebooks, "ingress"), Vec::<String>::new());
    assert_eq!(set(&notebooks, "egress"), ["tcp 443 to pl-s3", "tcp 443 to sg-endpoints"]);
    let endpoints = wish(&SecurityGroupRules, &environment, &known, "SecurityGroupRules/endpoints");
    assert_eq!(set(&endpoints, "ingress"), ["tcp 443 from sg-notebooks"]);
    assert_eq!(set(&endpoints, "egress"), Vec::<String>::new());
}

#[test]
fn in_a_foreign_vpc_everybody_reaches_the_endpoints_unless_the_clients_are_named() {
    let mut environment = existing_network();
    let mut known = network_outputs();
    let blocks = [(Output::Id, "vpc-1".to_owned()), (Output::CidrBlock, "10.0.0.0/16,10.9.0.0/16".to_owned())];
    known.set("VPC/main".parse().unwrap(), blocks.into_iter().collect());
    let ingress = |environment: &Environment| {
        set(&wish(&SecurityGroupRules, environment, &known, "SecurityGroupRules/endpoints"), "ingress")
    };
    assert_eq!(
        ingress(&environment),
        ["tcp 443 from 10.0.0.0/16", "tcp 443 from 10.9.0.0/16", "tcp 443 from sg-notebooks"]
    );
    environment.network.client_cidrs = BTreeSet::from(["192.168.0.0/16".into()]);
    assert_eq!(ingress(&environment), ["tcp 443 from 192.168.0.0/16", "tcp 443 from sg-notebooks"]);
}

#[test]
fn client_groups_may_be_let_in_as_widely_as_published() {
    let mut environment = environment();
    environment.network.client_security_groups = BTreeSet::from(["sg-client".into()]);
    environment.network.client_group_traffic = Traffic::All;
    let endpoints = wish(&SecurityGroupRules, &environment, &network_outputs(), "SecurityGroupRules/endpoints");
    assert_eq!(set(&endpoints, "ingress"), ["all from sg-client", "all from sg-notebooks"]);
}

#[test]
fn without_knowing_the_prefix_list_no_rule_is_taken_away() {
    let (environment, known) = (environment(), network_outputs());
    let wanted = SecurityGroupRules.desire(&environment, Context { outputs: &known, facts: &RegionFacts::default() });
    assert_eq!(field(&wanted[0], "egress"), Wish::Any);
    assert_eq!(set(&wanted[0], "ingress"), Vec::<String>::new());
}

#[test]
fn existing_groups_are_named_and_not_shaped() {
    let mut environment = environment();
    environment.network.notebooks_group = Part::Existing("sg-theirs".into());
    let group = wish(&SecurityGroup, &environment, &network_outputs(), "SecurityGroup/notebooks");
    assert_eq!((group.management, group.tags.len()), (Management::Existing("sg-theirs".into()), 0));
    let rules = wish(&SecurityGroupRules, &environment, &network_outputs(), "SecurityGroupRules/notebooks");
    assert_eq!(rules.management, Management::Existing("sg-theirs".into()));
    assert_eq!((field(&rules, "ingress"), field(&rules, "egress")), (Wish::Any, Wish::Any));
    let endpoints = wish(&SecurityGroupRules, &environment, &network_outputs(), "SecurityGroupRules/endpoints");
    assert_eq!(set(&endpoints, "ingress"), ["tcp 443 from sg-theirs"]);
}

#[test]
fn group_names_are_what_aws_takes() {
    for group in wishes(&SecurityGroup, &environment(), &network_outputs()) {
        let name = group.name.unwrap();
        assert!(name.len() <= 255 && !name.starts_with("sg-"), "{name}");
    }
}
