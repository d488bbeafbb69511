//! The manifests that the laws and the drift table are held against: the two scenarios, one that sets every field that a manifest can set, and one
//! in which existing and managed parts are mixed.

use std::time::Duration;

use aws_sdk_codeartifact::types::UpstreamRepository;
use aws_sdk_ec2::types::{AttributeBooleanValue, VpcEndpointType};
use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{
            DomainPermissions, Endpoint, EndpointService, ExistingSecurityGroup, ExternalConnection, Lifecycle,
            Notebook, NotebookState, Repository, RepositoryPermissions, Subnet,
        },
    },
    model::report::Next,
    sandbox::world::Delays,
};

use super::person::Person;
use crate::{
    existing::Existing,
    world::{ACCOUNT, Tenant, Visit, World, assert_ready, second_subnet},
};

/// A policy of AWS that the role of [`Scene::EveryField`] has.
pub const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
/// The key of [`Scene::EveryField`].
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
/// The store and the domain that [`Scene::Mixed`] finds.
const SHARED: &str = "shared";

/// One manifest, and what it finds in AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Scenario A as recommended.
    ClosedNetwork,
    /// Scenario C as recommended, with a tag of the user's.
    Isolated,
    /// Scenario A with a wish for every field that a manifest can have one for.
    EveryField,
    /// Existing and managed parts side by side, of every kind that can be both.
    Mixed,
}

/// A scene in a world of its own.
pub struct Stage {
    /// AWS and the engine.
    pub world: World,
    /// The environment.
    pub tenant: Tenant,
    /// Somebody else with administrator's rights.
    pub person: Person,
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClosedNetwork, Self::Isolated, Self::EveryField, Self::Mixed];

    /// What the scene finds is there, and the environment has not been visited yet.
    pub async fn begin(self) -> Stage {
        let world = World::new(Delays::short());
        world.with_boundary().await;
        let (tenant, person) = match self {
            Self::ClosedNetwork => (closed_network(|_| {}), Person::of(&world, "ap-northeast-1").await),
            Self::EveryField => (closed_network(every_field), Person::of(&world, "ap-northeast-1").await),
            Self::Isolated | Self::Mixed => {
                let existing = world.isolated_notebook("us-east-1", 0).await;
                let person = Person::of(&world, "us-east-1").await;
                let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
                tenant.object.spec.tags.insert("purpose".into(), "isolated-notebook".into());
                if self == Self::Mixed {
                    mix(&existing, &person, &mut tenant.object).await;
                }
                (tenant, person)
            }
        };
        world.simulator.clear_log();
        Stage { world, tenant, person }
    }

    /// The environment is made and quiet.
    pub async fn made(self) -> Stage {
        let mut stage = self.begin().await;
        assert_ready(&stage.world.settle(&mut stage.tenant).await.report);
        stage.world.check(&mut stage.tenant).await;
        stage.world.simulator.clear_log();
        stage
    }
}

impl Stage {
    /// Until nothing is left to wait for, also when calls were refused and answers were lost on the way; and the last visit.
    pub async fn calm_down(&mut self) -> Visit {
        for _ in 0..80 {
            let visit = self.world.visit(&mut self.tenant).await;
            if visit.report.next == Next::Check {
                return visit;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        self.world.visit(&mut self.tenant).await
    }
}

fn closed_network(change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> Tenant {
    Tenant::of("closed-network.yaml", change)
}

fn every_field(object: &mut IsolatedNotebookEnvironment) {
    second_subnet(object);
    let spec = &mut object.spec;
    spec.network.client_cidrs = vec!["192.168.0.0/16".into()];
    spec.packages.domain.permissions =
        Some(DomainPermissions { users: vec!["444455556666".into()], statements: Vec::new() });
    spec.packages.domain.encryption_key = Some(format!("arn:aws:kms:ap-northeast-1:{ACCOUNT}:key/{KEY}"));
    spec.packages.repositories.push(Repository {
        name: "npm-store".into(),
        external_connection: Some(ExternalConnection::Npmjs),
        ..Repository::default()
    });
    let repository = &mut spec.packages.repositories[1];
    repository.description = Some("what everybody installs from".into());
    repository.permissions = Some(RepositoryPermissions::default());
    repository.upstreams.push("npm-store".into());
    spec.execution_role.managed_policy_arns = vec![READ_ONLY.into()];
    let notebook = &mut spec.notebooks[0];
    notebook.kms_key_id = Some(KEY.into());
    notebook.platform_identifier = Some("notebook-al2023-v1".into());
    notebook.state = Some(NotebookState::Running);
    notebook.lifecycle = Some(Lifecycle { on_create: Some("echo made".into()), on_start: Some("echo on".into()) });
}

/// Make what the mixed manifest finds besides an isolated notebook, and write the manifest.
async fn mix(existing: &Existing, person: &Person, object: &mut IsolatedNotebookEnvironment) {
    let spec = &mut object.spec;
    person.let_in(&existing.group, "10.60.0.0/16").await;
    let network = &mut spec.network;
    network.subnets.push(Subnet {
        name: "own".into(),
        cidr_block: Some("10.60.2.0/24".into()),
        availability_zone: Some("us-east-1b".into()),
        id: None,
    });
    network.security_groups.notebooks = None;
    network.security_groups.endpoints = Some(ExistingSecurityGroup { id: existing.group.clone() });
    let endpoint =
        |service, id| Endpoint { service, id, external: None, policy: None, subnets: Vec::new(), private_dns: None };
    let api = codeartifact_api(existing, person).await;
    network.endpoints =
        vec![endpoint(EndpointService::CodeArtifactApi, Some(api)), endpoint(EndpointService::S3, None)];

    person.codeartifact.create_domain().domain(SHARED).send().await.expect("a domain");
    let store = person.codeartifact.create_repository().domain(SHARED).repository("store");
    store.send().await.expect("a repository");
    let others = UpstreamRepository::builder().repository_name("store").build().expect("a name");
    let other = person.codeartifact.create_repository().domain(SHARED).repository("of-others").upstreams(others);
    other.send().await.expect("a repository");
    spec.packages.domain.name = SHARED.into();
    spec.packages.domain.existing = true;
    spec.packages.repositories = vec![
        Repository { name: "store".into(), existing: Some(true), ..Repository::default() },
        Repository { name: "team".into(), upstreams: vec!["store".into()], ..Repository::default() },
    ];
    if let Some(install) = &mut spec.packages.install {
        install.repository = "team".into();
    }
    spec.execution_role.arn = None;
    spec.execution_role.attach_policy = false;
    spec.notebooks.push(Notebook {
        name: "own-notebook".into(),
        instance_type: Some("ml.t3.medium".into()),
        subnet: Some("own".into()),
        state: Some(NotebookState::Stopped),
        ..Notebook::default()
    });
}

async fn codeartifact_api(existing: &Existing, person: &Person) -> String {
    let on = AttributeBooleanValue::builder().value(true).build();
    let support = person.ec2.modify_vpc_attribute().vpc_id(&existing.vpc).enable_dns_support(on);
    support.send().await.expect("DNS support");
    let create = person.ec2.create_vpc_endpoint().vpc_id(&existing.vpc).vpc_endpoint_type(VpcEndpointType::Interface);
    let create = create.service_name("com.amazonaws.us-east-1.codeartifact.api").subnet_ids(&existing.subnet);
    let create = create.security_group_ids(&existing.group).private_dns_enabled(true);
    let created = create.send().await.expect("an endpoint").vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
    tokio::time::sleep(Duration::from_secs(10)).await;
    created.expect("its id")
}
