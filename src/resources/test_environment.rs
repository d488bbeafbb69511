//! The environment of scenario A for the tests of the kinds, as it is after admission, and contexts to say their wishes in.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    address::Address,
    environment::{
        BucketAccess, Domain, Endpoint, EndpointPolicy, Environment, ExecutionRole, Install, ManagedRole,
        ManagedSubnet, Network, Notebook, Packages, Part, Repository, RepositoryPermissions, Rules, Run, Subnet,
        Traffic,
    },
    leaving::Leaving,
    owner::{Owner, Tags},
    resource::{Output, Outputs},
    services::{EndpointServiceFacts, RegionFacts, Service},
};

/// Scenario A: everything is ours.
pub fn environment() -> Environment {
    Environment {
        owner: Owner { cluster: "c-1".into(), namespace: "data".into(), name: "team-a".into(), uid: "u-1".into() },
        account: "111122223333".into(),
        region: "ap-northeast-1".into(),
        tags: Tags::from([("cost-center".into(), "4711".into())]),
        rules: Rules::usual(),
        network: network(),
        packages: packages(),
        role: ExecutionRole::Managed(Box::new(ManagedRole {
            name: "cloister-data-team-a-role".into(),
            s3: vec![BucketAccess { bucket: "my-data".into(), write: true }],
            statements: Vec::new(),
            managed_policies: BTreeSet::new(),
            permissions_boundary: None,
        })),
        notebooks: vec![notebook()],
        leaving: Leaving::default(),
    }
}

fn network() -> Network {
    let endpoints = [
        Service::S3,
        Service::CodeArtifactApi,
        Service::CodeArtifactRepositories,
        Service::SageMakerApi,
        Service::SageMakerNotebook,
        Service::Sts,
        Service::Logs,
    ];
    Network {
        vpc: Part::Managed("10.0.0.0/16".into()),
        subnets: vec![managed_subnet("a", "10.0.1.0/24")],
        client_cidrs: BTreeSet::new(),
        client_security_groups: BTreeSet::new(),
        client_group_traffic: Traffic::Https,
        notebooks_group: Part::Managed(()),
        endpoints_group: Part::Managed(()),
        endpoints: endpoints.into_iter().map(|service| (service, managed_endpoint())).collect(),
        acknowledge_vpc_wide: false,
    }
}

fn packages() -> Packages {
    let repository = |name: &str| Repository {
        name: name.into(),
        existing: false,
        description: None,
        upstreams: Vec::new(),
        external_connection: None,
        permissions: RepositoryPermissions::None,
    };
    Packages {
        domain: Domain {
            name: "test-artifact-domain".into(),
            owner: "111122223333".into(),
            existing: false,
            encryption_key: None,
            policy: None,
        },
        repositories: vec![
            Repository { external_connection: Some("public:pypi".into()), ..repository("pypi-store") },
            Repository { upstreams: vec!["pypi-store".into()], ..repository("test-artifact-repository") },
        ],
        install: Some(Install {
            repository: "test-artifact-repository".into(),
            formats: BTreeSet::from(["pypi".into()]),
        }),
    }
}

fn notebook() -> Notebook {
    Notebook {
        name: "test-notebook".into(),
        existing: false,
        instance_type: "ml.t3.medium".into(),
        volume_size_gib: 20,
        subnet: "a".into(),
        run: Run::Unmanaged,
        root_access: false,
        minimum_imds_version: "2".into(),
        kms_key_id: None,
        platform: None,
        on_create: None,
        on_start: None,
    }
}

/// A subnet of ours.
pub fn managed_subnet(name: &str, cidr_block: &str) -> Subnet {
    let part = ManagedSubnet { cidr_block: cidr_block.into(), availability_zone: None };
    Subnet { name: name.into(), part: Part::Managed(part) }
}

/// A subnet that exists.
pub fn existing_subnet(name: &str, id: &str) -> Subnet {
    Subnet { name: name.into(), part: Part::Existing(id.into()) }
}

/// An endpoint as derived.
pub fn managed_endpoint() -> Endpoint {
    Endpoint::Managed { policy: EndpointPolicy::LeastPrivilege, private_dns: true, subnets: None }
}

/// The role, for tests that change it.
pub fn managed_role(environment: &mut Environment) -> &mut ManagedRole {
    match &mut environment.role {
        ExecutionRole::Managed(role) => role,
        ExecutionRole::Existing { .. } => panic!("the role of scenario A is managed"),
    }
}

/// The outputs of resources that exist, by address (`Subnet/a`).
pub fn outputs(of: &[(&str, &[(Output, &str)])]) -> Outputs {
    let mut outputs = Outputs::default();
    for (address, values) in of {
        let address: Address = address.parse().unwrap();
        outputs.set(address, values.iter().map(|(output, value)| (*output, (*value).to_owned())).collect());
    }
    outputs
}

/// What exists once everything of scenario A's network but the endpoints does.
pub fn network_outputs() -> Outputs {
    outputs(&[
        ("VPC/main", &[(Output::Id, "vpc-1"), (Output::CidrBlock, "10.0.0.0/16")]),
        (
            "Subnet/a",
            &[(Output::Id, "subnet-a"), (Output::AvailabilityZone, "ap-northeast-1a"), (Output::VpcId, "vpc-1")],
        ),
        ("RouteTable/main", &[(Output::Id, "rtb-1")]),
        ("SecurityGroup/notebooks", &[(Output::Id, "sg-notebooks")]),
        ("SecurityGroup/endpoints", &[(Output::Id, "sg-endpoints")]),
    ])
}

/// A region in which the `SageMaker` API has no network interface in zone `a`.
pub fn facts() -> RegionFacts {
    let region = "ap-northeast-1";
    let zone = |letter: char| format!("{region}{letter}");
    let services = Service::ALL.into_iter().map(|service| {
        let zones = if service == Service::SageMakerApi { vec!['c', 'd'] } else { vec!['a', 'c', 'd'] };
        let facts = EndpointServiceFacts { zones: zones.into_iter().map(zone).collect(), policy_supported: true };
        (service.endpoint_service(region), facts)
    });
    RegionFacts {
        not_offered: BTreeSet::new(),
        zones: ['a', 'c', 'd'].map(zone).to_vec(),
        endpoint_services: services.collect(),
        prefix_lists: BTreeMap::from([(Service::S3.endpoint_service(region), "pl-s3".into())]),
        prefix_list_blocks: BTreeMap::new(),
        s3_unseen: None,
    }
}
