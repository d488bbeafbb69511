//! No outage by ordering: between any two writes that carry out an edit, the pip of a running notebook reaches its packages.
//!
//! After every write the probe goes the way of a request: out of the notebooks' group, into the endpoint by its groups, through its policy, with the
//! role's own rights, to the repository, which really delivers a package.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_sdk_ec2::types::{Filter, SecurityGroupRule, VpcEndpoint};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{
            Endpoint, EndpointIngress, EndpointPolicy, EndpointPolicyPreset, EndpointService, ExistingSecurityGroup,
            ExternalConnection, Repository,
        },
    },
    sandbox::{
        Simulator,
        in_process::InProcess,
        policy::{AccessRequest, Document, Kind, evaluate},
        world::Delays,
    },
};

use crate::world::{ACCOUNT, Tenant, World, assert_ready, second_subnet};

const REGION: &str = "ap-northeast-1";
const DOMAIN: &str = "test-artifact-domain";
const REPOSITORY: &str = "test-artifact-repository";

// --- the probe ----------------------------------------------------------------------------------------------------------------

/// A running notebook that tries to install after every write.
#[derive(Debug)]
struct Probe {
    simulator: Arc<Simulator>,
    ec2: aws_sdk_ec2::Client,
    iam: aws_sdk_iam::Client,
    token: String,
    vpc: String,
    group: String,
    role: String,
    /// The subnets that each endpoint had when it was available last: an address that AWS only begins to add does not work yet.
    steady: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// What went wrong after which write; and how often it was tried.
    found: Mutex<(Vec<String>, usize)>,
}

impl Probe {
    async fn of(world: &World, tenant: &Tenant) -> Arc<Self> {
        let config = world.sdk(REGION).await;
        let codeartifact = aws_sdk_codeartifact::Client::new(&config);
        let token = codeartifact.get_authorization_token().domain(DOMAIN).send().await.expect("a token");
        let id = |address: &str| {
            let known = tenant.remembered.iter().find(|(known, _)| known.to_string() == address);
            known.map(|(_, id)| id.clone()).expect(address)
        };
        let role = tenant.remembered.iter().find(|(known, _)| known.kind == cloister::model::address::Kind::Role);
        Arc::new(Self {
            simulator: Arc::clone(&world.simulator),
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            token: token.authorization_token.expect("a token"),
            vpc: id("VPC/main"),
            group: id("SecurityGroup/notebooks"),
            role: role.map(|(_, name)| name.clone()).expect("a role"),
            steady: Mutex::default(),
            found: Mutex::default(),
        })
    }

    async fn try_after(&self, write: &str) {
        let result = self.install().await;
        let mut found = self.found.lock().expect("nobody panics with it");
        found.1 += 1;
        found.0.extend(result.err().map(|why| format!("after {write}: {why}")));
    }

    async fn install(&self) -> Result<(), String> {
        let repository = format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/{DOMAIN}/{REPOSITORY}");
        let domain = format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/{DOMAIN}");
        let endpoints = self.endpoints().await;
        let rules = self.rules().await;
        let asks = [
            ("codeartifact.api", "codeartifact:GetAuthorizationToken", &domain),
            ("codeartifact.repositories", "codeartifact:ReadFromRepository", &repository),
        ];
        for (service, action, resource) in asks {
            let endpoint = endpoints.iter().find(|endpoint| self.leads_to(endpoint, service));
            let endpoint = endpoint.ok_or_else(|| format!("no endpoint of {service} works"))?;
            self.let_through(endpoint, &rules)?;
            let policy = endpoint.policy_document().unwrap_or_default();
            self.allowed(&[policy.to_owned()], Kind::Resource, action, resource)
                .map_err(|why| format!("the policy of the endpoint of {service}: {why}"))?;
            self.allowed(&self.of_role().await, Kind::Identity, action, resource)
                .map_err(|why| format!("the role: {why}"))?;
        }
        self.deliver().await
    }

    async fn see(&self) {
        for endpoint in self.endpoints().await {
            self.leads_to(&endpoint, "");
        }
    }

    async fn endpoints(&self) -> Vec<VpcEndpoint> {
        let here = Filter::builder().name("vpc-id").values(&self.vpc).build();
        let answer = self.ec2.describe_vpc_endpoints().filters(here).send().await.expect("endpoints");
        answer.vpc_endpoints.unwrap_or_default()
    }

    /// While AWS adds or removes an address, those that stay go on working.
    fn leads_to(&self, endpoint: &VpcEndpoint, service: &str) -> bool {
        let state = endpoint.state.as_ref().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default();
        let id = endpoint.vpc_endpoint_id().unwrap_or_default();
        let subnets: BTreeSet<String> = endpoint.subnet_ids().iter().cloned().collect();
        let mut steady = self.steady.lock().expect("nobody panics with it");
        if state == "available" {
            steady.insert(id.to_owned(), subnets.clone());
        }
        let works = matches!(state.as_str(), "available" | "pending")
            && steady.get(id).is_some_and(|steady| !steady.is_disjoint(&subnets));
        works
            && endpoint.service_name().is_some_and(|name| name.ends_with(service))
            && endpoint.private_dns_enabled() == Some(true)
    }

    async fn rules(&self) -> Vec<SecurityGroupRule> {
        let answer = self.ec2.describe_security_group_rules().send().await.expect("rules");
        answer.security_group_rules.unwrap_or_default()
    }

    fn let_through(&self, endpoint: &VpcEndpoint, rules: &[SecurityGroupRule]) -> Result<(), String> {
        let groups: BTreeSet<&str> = endpoint.groups().iter().filter_map(|group| group.group_id()).collect();
        let covers = |rule: &SecurityGroupRule, peers: &BTreeSet<&str>| {
            let port = rule.from_port().is_none_or(|from| from == -1 || from <= 443)
                && rule.to_port().is_none_or(|to| to == -1 || to >= 443);
            let peer = rule.referenced_group_info().and_then(|group| group.group_id());
            let block = rule.cidr_ipv4().is_some_and(|block| block.starts_with("10.0.") || block == "0.0.0.0/0");
            port && (block || peer.is_some_and(|peer| peers.contains(peer)))
        };
        let of = |group: &str, out: bool| {
            let group = group.to_owned();
            rules.iter().filter(move |rule| rule.group_id() == Some(&group) && rule.is_egress() == Some(out))
        };
        let ours = BTreeSet::from([self.group.as_str()]);
        if !of(&self.group, true).any(|rule| covers(rule, &groups)) {
            return Err(format!("nothing lets the notebook out to {groups:?}"));
        }
        if !groups.iter().any(|group| of(group, false).any(|rule| covers(rule, &ours))) {
            return Err(format!("nothing in {groups:?} lets the notebook in"));
        }
        Ok(())
    }

    async fn of_role(&self) -> Vec<String> {
        let names = self.iam.list_role_policies().role_name(&self.role).send().await.expect("policies");
        let mut documents = Vec::new();
        for name in names.policy_names() {
            let policy = self.iam.get_role_policy().role_name(&self.role).policy_name(name).send().await;
            let text = policy.expect("a policy").policy_document;
            documents.push(percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned());
        }
        documents
    }

    fn allowed(&self, documents: &[String], kind: Kind, action: &str, resource: &str) -> Result<(), String> {
        let parsed: Vec<Document> =
            documents.iter().map(|text| Document::parse(text, kind).expect("AWS took it")).collect();
        let role = format!("arn:aws:iam::{ACCOUNT}:role/{}", self.role);
        let mut request = AccessRequest {
            principal_arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/SageMaker", self.role),
            role_arn: Some(role.clone()),
            action: action.to_owned(),
            resource: resource.to_owned(),
            ..AccessRequest::default()
        };
        request.context.insert("aws:principalarn".to_owned(), vec![role]);
        request.context.insert("aws:principalaccount".to_owned(), vec![ACCOUNT.to_owned()]);
        if evaluate(&parsed, &request).is_allow() {
            Ok(())
        } else {
            Err(format!("{action} on {resource} is not allowed"))
        }
    }

    /// What the repository says when it is asked for a package.
    async fn deliver(&self) -> Result<(), String> {
        let login = STANDARD.encode(format!("aws:{}", self.token));
        let request = http::Request::builder()
            .uri(format!("/pypi/{REPOSITORY}/simple/six/"))
            .header("host", format!("{DOMAIN}-{ACCOUNT}.d.codeartifact.{REGION}.amazonaws.com"))
            .header("authorization", format!("Basic {login}"))
            .body(bytes::Bytes::new())
            .expect("a request");
        let response = self.simulator.handle(request).await;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        if response.status().is_success() && text.contains("six-") {
            Ok(())
        } else {
            Err(format!("the repository answers {} {text}", response.status()))
        }
    }
}

/// The controller's way to AWS, on which the probe tries after every write.
#[derive(Debug, Clone)]
struct Watched(Arc<Probe>);

impl HttpClient for Watched {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let probe = Arc::clone(&self.0);
        let aws = SharedHttpConnector::new(InProcess::new(Arc::clone(&probe.simulator)));
        HttpConnectorFuture::new(async move {
            // What became usable since the last write.
            probe.see().await;
            let before = probe.simulator.log().len();
            let answer = aws.call(request).await;
            let calls = probe.simulator.log();
            for call in calls.iter().skip(before).filter(|call| call.write) {
                probe.try_after(&format!("{} {}", call.operation, call.params)).await;
            }
            answer
        })
    }
}

// --- the edits ----------------------------------------------------------------------------------------------------------------

type Change = fn(&mut IsolatedNotebookEnvironment);

/// Make the environment, carry out the edits one after the other, and say after which writes a package could not be installed.
async fn outages(before: Change, edits: &[(&str, Change)]) -> Vec<String> {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", before);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.check(&mut tenant).await;
    let probe = Probe::of(&world, &tenant).await;
    probe.install().await.expect("packages can be had in the beginning");
    world.through(SharedHttpClient::new(Watched(Arc::clone(&probe))));
    let mut wrong = Vec::new();
    for (edit, change) in edits {
        tenant.edit(change);
        assert_ready(&world.settle(&mut tenant).await.report);
        world.check(&mut tenant).await;
        let (found, tried) = std::mem::take(&mut *probe.found.lock().expect("nobody panics with it"));
        assert!(tried > 0, "{edit}: nothing was written");
        wrong.extend(found.into_iter().map(|why| format!("{edit}: {why}")));
    }
    wrong
}

async fn are_no_outage(before: Change, edits: &[(&str, Change)]) {
    let wrong = outages(before, edits).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const fn as_in_the_example(_: &mut IsolatedNotebookEnvironment) {}

fn repository(name: &str, upstreams: &[&str], connection: Option<ExternalConnection>) -> Repository {
    Repository {
        name: name.into(),
        upstreams: upstreams.iter().map(|name| (*name).to_owned()).collect(),
        external_connection: connection,
        ..Repository::default()
    }
}

#[tokio::test(start_paused = true)]
async fn edits_of_repositories_leave_packages_within_reach() {
    are_no_outage(
        as_in_the_example,
        &[
            ("a repository that nobody uses", |object| {
                object.spec.packages.repositories.push(repository("team", &["pypi-store"], None));
            }),
            ("another store in the place of the first one, which goes", |object| {
                let repositories = &mut object.spec.packages.repositories;
                repositories.retain(|repository| repository.name == REPOSITORY);
                repositories.push(repository("new-store", &[], Some(ExternalConnection::Pypi)));
                repositories[0].upstreams = vec!["new-store".into()];
            }),
            ("a repository in between", |object| {
                object.spec.packages.repositories.push(repository("between", &["new-store"], None));
                object.spec.packages.repositories[0].upstreams = vec!["between".into()];
            }),
            ("and without it again", |object| {
                object.spec.packages.repositories[0].upstreams = vec!["new-store".into()];
                object.spec.packages.repositories.retain(|repository| repository.name != "between");
            }),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_running_notebook_keeps_the_repository_with_which_it_was_started() {
    are_no_outage(
        as_in_the_example,
        &[("install from another one, and the old one leaves the manifest", |object| {
            object.spec.packages.repositories.retain(|repository| repository.name != REPOSITORY);
            object.spec.packages.repositories.push(repository("team", &["pypi-store"], None));
            if let Some(install) = &mut object.spec.packages.install {
                install.repository = "team".into();
            }
        })],
    )
    .await;
}

fn code_artifact(change: impl Fn(&mut Endpoint)) -> Vec<Endpoint> {
    let both = [EndpointService::CodeArtifactApi, EndpointService::CodeArtifactRepositories];
    let endpoint = |service| {
        let mut endpoint =
            Endpoint { service, id: None, external: None, policy: None, subnets: Vec::new(), private_dns: None };
        change(&mut endpoint);
        endpoint
    };
    both.into_iter().map(endpoint).collect()
}

fn two_subnets(object: &mut IsolatedNotebookEnvironment) {
    second_subnet(object);
    object.spec.network.endpoints = code_artifact(|endpoint| endpoint.subnets = vec!["a".into()]);
}

#[tokio::test(start_paused = true)]
async fn edits_of_endpoints_leave_packages_within_reach() {
    are_no_outage(
        two_subnets,
        &[
            ("endpoints in the other subnet", |object| {
                object.spec.network.endpoints = code_artifact(|endpoint| endpoint.subnets = vec!["c".into()]);
            }),
            ("endpoints in both subnets, open", |object| {
                object.spec.network.endpoints = code_artifact(|endpoint| {
                    let preset = Some(EndpointPolicyPreset::Default);
                    endpoint.policy = Some(EndpointPolicy { preset, document: None });
                });
            }),
            ("endpoints in one, and closed again", |object| {
                object.spec.network.endpoints = code_artifact(|endpoint| endpoint.subnets = vec!["a".into()]);
            }),
            ("all traffic let in", |object| object.spec.network.endpoint_ingress = EndpointIngress::AllTraffic),
            ("and HTTPS only", |object| object.spec.network.endpoint_ingress = EndpointIngress::Https),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn endpoints_move_into_a_group_of_somebody_and_back_into_one_of_ours() {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    assert_ready(&world.settle(&mut tenant).await.report);
    world.check(&mut tenant).await;
    let probe = Probe::of(&world, &tenant).await;
    let create = probe.ec2.create_security_group().group_name("theirs").description("theirs").vpc_id(&probe.vpc);
    let group = create.send().await.expect("a group").group_id.expect("an id");
    let from = aws_sdk_ec2::types::IpRange::builder().cidr_ip("10.0.0.0/16").build();
    let rule = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let authorize = probe.ec2.authorize_security_group_ingress().group_id(&group);
    authorize.ip_permissions(rule.ip_ranges(from).build()).send().await.expect("a rule");
    world.through(SharedHttpClient::new(Watched(Arc::clone(&probe))));
    for theirs in [Some(ExistingSecurityGroup { id: group.clone() }), None] {
        let back = theirs.is_none();
        world.simulator.clear_log();
        tenant.edit(|object| object.spec.network.security_groups.endpoints = theirs);
        assert_ready(&world.settle(&mut tenant).await.report);
        world.check(&mut tenant).await;
        let (found, tried) = std::mem::take(&mut *probe.found.lock().expect("nobody panics with it"));
        assert!(tried > 0);
        assert!(found.is_empty(), "{}", found.join("\n"));
        let to_it = world.calls().into_iter().filter(|call| call.write);
        let to_it = to_it.filter(|call| call.params.get("GroupId").is_some_and(|id| *id == *group));
        assert_eq!(to_it.map(|call| call.operation).collect::<Vec<_>>(), Vec::<String>::new(), "it is somebody's");
        let endpoints = probe.ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints;
        for endpoint in endpoints.unwrap_or_default().iter().filter(|endpoint| !endpoint.groups().is_empty()) {
            let groups: Vec<_> = endpoint.groups().iter().filter_map(|group| group.group_id()).collect();
            assert_eq!(groups.len(), 1, "{groups:?}");
            assert_ne!(groups == [group.as_str()], back, "{groups:?}");
        }
    }
}

// --- what cannot be done without ----------------------------------------------------------------------------------------------

fn directly(object: &mut IsolatedNotebookEnvironment) {
    object.spec.packages.repositories.truncate(1);
    object.spec.packages.repositories[0].name = REPOSITORY.into();
}

fn by_a_store(object: &mut IsolatedNotebookEnvironment) {
    let repositories = &mut object.spec.packages.repositories;
    repositories[0].external_connection = None;
    repositories[0].upstreams = vec!["store".into()];
    repositories.push(repository("store", &[], Some(ExternalConnection::Pypi)));
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_connection_and_upstreams_in_place_is_asked_for() {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", directly);
    assert_ready(&world.settle(&mut tenant).await.report);
    let probe = Probe::of(&world, &tenant).await;
    world.through(SharedHttpClient::new(Watched(Arc::clone(&probe))));
    tenant.edit(by_a_store);
    let visit = world.settle(&mut tenant).await;
    let stalled = visit.report.fact("Stalled").expect("a condition");
    assert_eq!(stalled.reason, "ApprovalRequired", "{}", stalled.message);
    assert!(stalled.message.contains("store repository"), "what to do instead: {}", stalled.message);
    assert!(visit.report.next_steps.iter().any(|step| step.contains("externalConnections")), "{:?}", visit.report);
    let (found, tried) = std::mem::take(&mut *probe.found.lock().expect("nobody panics with it"));
    assert!(tried > 0 && found.is_empty(), "the store is made meanwhile, and nothing is out of reach: {found:?}");

    tenant.approve(&visit.report.approval.expect("something to approve"));
    assert_ready(&world.settle(&mut tenant).await.report);
    probe.install().await.expect("packages can be had again");
}
