//! An environment and what is seen of it, for the tests of the verdicts: one VPC of ours with a subnet, an endpoint of STS and one of S3, and a notebook.

use std::{any::Any, collections::BTreeMap, collections::BTreeSet, sync::Arc};

use super::{
    address::{Address, Kind},
    environment::{
        Domain, Endpoint, EndpointPolicy, Environment, ExecutionRole, ManagedSubnet, Network, Packages, Part, Rules,
        Subnet, Traffic,
    },
    group_rule::{Direction, Rule},
    owner::{Owner, Ownership, Tags},
    policy::{PolicyDocument, Statement},
    port::{ErrorClass, Observation, Problem},
    resource::{Field, Output, Phase, Seen, Sight, State},
    services::{EndpointServiceFacts, RegionFacts, Service},
    surroundings::{
        AclEntry, Attachment, AttachmentKind, Look, NetworkAcl, Route, RouteTable, SecurityGroup, Surroundings,
        VpcEndpoint,
    },
    value::{Value, Wish},
};

/// The fields of any kind.
#[derive(Debug, Clone)]
struct Fields(Vec<Field>);

impl State for Fields {
    fn fields(&self) -> Vec<Field> {
        self.0.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A network of ours with two endpoints.
pub fn environment() -> Environment {
    let managed = || Endpoint::Managed { policy: EndpointPolicy::LeastPrivilege, private_dns: true, subnets: None };
    let zone = ManagedSubnet { cidr_block: "10.0.1.0/24".into(), availability_zone: None };
    Environment {
        owner: Owner { cluster: "c".into(), namespace: "n".into(), name: "e".into(), uid: "u".into() },
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        tags: Tags::new(),
        rules: Rules::usual(),
        network: Network {
            vpc: Part::Managed("10.0.0.0/16".into()),
            subnets: vec![Subnet { name: "a".into(), part: Part::Managed(zone) }],
            client_cidrs: BTreeSet::new(),
            client_security_groups: BTreeSet::new(),
            client_group_traffic: Traffic::Https,
            notebooks_group: Part::Managed(()),
            endpoints_group: Part::Managed(()),
            endpoints: BTreeMap::from([(Service::Sts, managed()), (Service::S3, managed())]),
            acknowledge_vpc_wide: false,
        },
        packages: Packages {
            domain: Domain {
                name: "d".into(),
                owner: "111122223333".into(),
                existing: true,
                encryption_key: None,
                policy: None,
            },
            repositories: Vec::new(),
            install: None,
        },
        role: ExecutionRole::Existing { arn: "arn".into(), attach_policy: false },
        notebooks: Vec::new(),
        leaving: super::leaving::Leaving::default(),
    }
}

/// Put something into an observation.
pub fn put(observation: &mut Observation, kind: Kind, name: &str, outputs: &[(Output, &str)], fields: Vec<Field>) {
    let address = Address::new(kind, name);
    let outputs: BTreeMap<Output, String> =
        outputs.iter().map(|(output, value)| (*output, (*value).to_owned())).collect();
    let seen = Seen {
        address: address.clone(),
        id: outputs.get(&Output::Id).cloned().unwrap_or_default(),
        ownership: Ownership::Ours,
        tags: Tags::new(),
        phase: Phase::Ready,
        outputs: outputs.clone(),
        findings: Vec::new(),
        state: Arc::new(Fields(fields)),
    };
    observation.outputs.set(address.clone(), outputs);
    observation.sights.insert(address, Sight::Present(Box::new(seen)));
}

/// A field with a value.
pub fn field(name: &'static str, value: impl Into<Value>) -> Field {
    Field::live(name, Wish::Is(value.into()))
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The notebook, with this answer about direct internet access.
pub fn put_notebook(observation: &mut Observation, direct: &str, subnet: &str) {
    let fields = vec![
        field("directInternetAccess", direct.to_owned()),
        field("subnet", subnet.to_owned()),
        field("securityGroups", set(&["sg-n"])),
    ];
    put(observation, Kind::NotebookInstance, "n", &[(Output::Id, "n")], fields);
}

/// The endpoint of STS, in this state, with private DNS or without.
pub fn put_sts(observation: &mut Observation, state: &str, private_dns: bool) {
    let fields = vec![
        field("type", "Interface".to_owned()),
        field("privateDNSEnabled", private_dns),
        field("securityGroups", set(&["sg-e"])),
        field("subnets", set(&["subnet-a"])),
    ];
    put(observation, Kind::VpcEndpoint, "STS", &[(Output::Id, "vpce-sts"), (Output::State, state)], fields);
}

/// Everything is as it should be.
pub fn observation() -> Observation {
    let mut all = Observation::default();
    let names = vec![field("enableDnsSupport", true), field("enableDnsHostnames", true)];
    put(&mut all, Kind::Vpc, "main", &[(Output::Id, "vpc-1"), (Output::CidrBlock, "10.0.0.0/16")], names);
    let subnet = [
        (Output::Id, "subnet-a"),
        (Output::CidrBlock, "10.0.1.0/24"),
        (Output::VpcId, "vpc-1"),
        (Output::AvailabilityZone, "eu-west-1a"),
    ];
    put(&mut all, Kind::Subnet, "a", &subnet, Vec::new());
    put(&mut all, Kind::SecurityGroup, "notebooks", &[(Output::Id, "sg-n")], Vec::new());
    put(&mut all, Kind::SecurityGroup, "endpoints", &[(Output::Id, "sg-e")], Vec::new());
    put_sts(&mut all, "available", true);
    let gateway = vec![field("type", "Gateway".to_owned()), field("privateDNSEnabled", false)];
    put(&mut all, Kind::VpcEndpoint, "S3", &[(Output::Id, "vpce-s3"), (Output::State, "available")], gateway);
    put_notebook(&mut all, "Disabled", "subnet-a");
    all.surroundings = Some(surroundings());
    all
}

/// Nothing around it that should not be there.
pub fn surroundings() -> Surroundings {
    let group = |name: &str, rules: Vec<Rule>| SecurityGroup { name: name.into(), rules };
    let notebooks = vec![Rule::https(Direction::Egress, "sg-e"), Rule::https(Direction::Egress, "pl-s3")];
    let endpoints = vec![Rule::https(Direction::Ingress, "sg-n")];
    let routes = vec![route("10.0.0.0/16", "local"), route("pl-s3", "vpce-s3")];
    let kinds = [
        AttachmentKind::InternetGateway,
        AttachmentKind::NatGateway,
        AttachmentKind::EgressOnlyGateway,
        AttachmentKind::Peering,
        AttachmentKind::TransitGateway,
        AttachmentKind::VpnGateway,
    ];
    let zones = EndpointServiceFacts { zones: set(&["eu-west-1a"]), policy_supported: true };
    Surroundings {
        vpc: "vpc-1".into(),
        further_blocks: BTreeSet::new(),
        facts: RegionFacts {
            endpoint_services: BTreeMap::from([(Service::Sts.endpoint_service("eu-west-1"), zones)]),
            prefix_lists: BTreeMap::from([(Service::S3.endpoint_service("eu-west-1"), "pl-s3".into())]),
            prefix_list_blocks: BTreeMap::from([("pl-s3".into(), vec!["52.0.0.0/24".into()])]),
            ..RegionFacts::default()
        },
        route_tables: Look::Seen(vec![RouteTable {
            id: "rtb-1".into(),
            subnets: set(&["subnet-a"]),
            routes,
            ..RouteTable::default()
        }]),
        groups: Look::Seen(BTreeMap::from([
            ("sg-n".into(), group("notebooks", notebooks)),
            ("sg-e".into(), group("endpoints", endpoints)),
        ])),
        endpoints: Look::Seen(vec![endpoint("vpce-sts", Service::Sts), endpoint("vpce-s3", Service::S3)]),
        acls: Look::Seen(vec![NetworkAcl {
            id: "acl-1".into(),
            default: true,
            subnets: set(&["subnet-a", "subnet-b"]),
            entries: vec![everything(true), everything(false)],
        }]),
        dhcp_options: Some("dopt-1".into()),
        usual_dhcp_options: Some("dopt-1".into()),
        name_servers: Look::Seen(vec!["AmazonProvidedDNS".into()]),
        attachments: kinds.map(|kind| (kind, Look::Seen(Vec::new()))).into(),
    }
}

/// A route that works.
pub fn route(destination: &str, target: &str) -> Route {
    Route { destination: destination.into(), target: target.into(), blackhole: false }
}

/// An entry that lets everything through.
pub fn everything(egress: bool) -> AclEntry {
    let block = "0.0.0.0/0".parse().unwrap();
    AclEntry { number: 100, egress, allow: true, protocol: "-1".into(), block, ports: None }
}

/// An endpoint with a policy that lets one action through.
pub fn endpoint(id: &str, service: Service) -> VpcEndpoint {
    VpcEndpoint {
        id: id.into(),
        service_name: service.endpoint_service("eu-west-1"),
        endpoint_type: if service.is_gateway() { "Gateway" } else { "Interface" }.into(),
        state: "available".into(),
        policy: Some(Ok(PolicyDocument::new([Statement::allow("One", ["sts:GetCallerIdentity"], ["*"]).by(["*"])]))),
        route_tables: if service.is_gateway() { set(&["rtb-1"]) } else { BTreeSet::new() },
        security_groups: if service.is_gateway() { BTreeSet::new() } else { set(&["sg-e"]) },
    }
}

/// A look that was denied.
pub fn denied<T>(operation: &str) -> Look<T> {
    Look::Refused(Problem::new(ErrorClass::Denied, format!("{operation}: UnauthorizedOperation: no")))
}

/// Something that is attached.
pub fn attachment(id: &str) -> Attachment {
    Attachment { id: id.into(), state: "available".into() }
}
