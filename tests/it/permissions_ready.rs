//! The verdict on permissions before a person tries, and the simulated AWS's answer to the person: the role's own calls, through the environment's own
//! endpoints. The two must agree whatever somebody did to the policies.
#![allow(clippy::large_futures, reason = "a site holds a world, and a test has one or two of them")]

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use bytes::Bytes;
use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Management, PackageFormat},
    },
    model::{
        report::{Fact, Truth, conditions},
        resource::Output,
    },
    sandbox::{in_process::InProcess, sts::take_for_service, world::Delays},
};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, Tenant, Visit, World, assert_ready, truth};

/// An endpoint as whoever calls knows it.
#[derive(Clone)]
struct Endpoint {
    id: String,
    host: String,
}

/// An environment, and somebody at its notebook.
struct Site {
    world: World,
    tenant: Tenant,
    admin: SdkConfig,
    api: Endpoint,
    packages: Endpoint,
    /// The last token that the notebook got; it cannot be taken back.
    token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    Denied,
    /// The connection hangs.
    Nothing,
}

const NOWHERE: &str = "vpce-0123456789abcdef0";

impl Site {
    async fn new(world: World, tenant: Tenant) -> Self {
        let region = tenant.object.spec.region.clone();
        let admin = world.sdk(&region).await;
        let nowhere = |service: &str| Endpoint {
            id: NOWHERE.into(),
            host: format!("{NOWHERE}-a1b2c3d4.{service}.codeartifact.{region}.vpce.amazonaws.com"),
        };
        Self { world, tenant, admin, api: nowhere("api"), packages: nowhere("d"), token: None }
    }

    /// Scenario A, made and seen to work; from then on only looked at.
    async fn closed_network() -> Self {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let mut site = Self::new(world, Tenant::of("closed-network.yaml", |_| {})).await;
        let fact = site.settle().await;
        assert_eq!(fact.reason, "Allowed", "{}", fact.message);
        site.tenant.edit(|object| object.spec.management = Management::Observe);
        site
    }

    /// Scenario C before anything is made, and what was there before.
    async fn isolated_notebook(example: &str) -> Self {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let existing = world.isolated_notebook("us-east-1", 0).await;
        let tenant = existing.tenant(example, "isolated-sagemaker");
        Self::new(world, tenant).await
    }

    async fn settle(&mut self) -> Fact {
        let visit = self.world.settle(&mut self.tenant).await;
        assert_ready(&visit.report);
        self.agreed(&visit).await
    }

    async fn check(&mut self) -> Fact {
        // What differs keeps the next visit from being a plain check; all is looked at anew either way.
        self.tenant.edit(|_| {});
        let visit = self.world.check(&mut self.tenant).await;
        self.agreed(&visit).await
    }

    /// The verdict, after trying whether it is true.
    async fn agreed(&mut self, visit: &Visit) -> Fact {
        self.learn_endpoints(visit);
        let fact = visit.report.fact(conditions::PERMISSIONS_READY).expect("a verdict").clone();
        let answers = self.try_everything().await;
        let told = format!("{} {}: {}; {answers:?}", fact.truth.as_str(), fact.reason, fact.message);
        match (fact.truth, fact.reason.as_str()) {
            (Truth::True, _) => assert!(answers.iter().all(|answer| *answer == Answer::Yes), "{told}"),
            (Truth::False, "NoPath") => assert!(answers.contains(&Answer::Nothing), "{told}"),
            (Truth::False, _) => {
                assert!(answers.contains(&Answer::Denied) && !answers.contains(&Answer::Nothing), "{told}");
            }
            (Truth::Unknown, _) => {}
        }
        assert!(fact.message.ends_with("Organisation policies (SCPs, RCPs) are not evaluated."), "{told}");
        assert!(fact.message.chars().count() <= 2048, "{told}");
        fact
    }

    fn learn_endpoints(&mut self, visit: &Visit) {
        for (name, endpoint) in [("CodeArtifactAPI", &mut self.api), ("CodeArtifactRepositories", &mut self.packages)] {
            let address = format!("VPCEndpoint/{name}").parse().expect("an address");
            let output = |output| visit.observation.outputs.get(&address, output).map(ToOwned::to_owned);
            if let (Some(id), Some(host)) = (output(Output::Id), output(Output::DnsName)) {
                *endpoint = Endpoint { id, host };
            }
        }
    }

    fn role(&self) -> String {
        self.tenant.environment().role_arn().rsplit('/').next().expect("a name").to_owned()
    }

    /// What `aws codeartifact login` and `pip install` do, in the name of the role and through the endpoints.
    async fn try_everything(&mut self) -> [Answer; 3] {
        let environment = self.tenant.environment();
        let (role, now) = (self.role(), self.world.simulator.now());
        let session = self
            .world
            .simulator
            .with_world(|world| take_for_service(world, ACCOUNT, &role, "sagemaker.amazonaws.com", "SageMaker", now));
        let Some((key, token)) = session else { return [Answer::Denied; 3] };
        let credentials = aws_credential_types::Credentials::new(key, "secret", Some(token), None, "notebook");
        let config = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
            .region(Region::new(environment.region.clone()))
            .http_client(InProcess::shared(Arc::clone(&self.world.simulator)))
            .credentials_provider(credentials)
            .endpoint_url(format!("https://{}", self.api.host))
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build())
            .load()
            .await;
        let client = aws_sdk_codeartifact::Client::new(&config);
        let domain = &environment.packages.domain;
        let token = client.get_authorization_token().domain(&domain.name).domain_owner(&domain.owner).send().await;
        let login = answer(token.as_ref().err().map(|error| format!("{error:?}")));
        if let Ok(token) = token {
            self.token = token.authorization_token;
        }
        let repository = &environment.packages.install.as_ref().expect("something to install from").repository;
        let resolve = client.get_repository_endpoint().domain(&domain.name).domain_owner(&domain.owner);
        let resolve = resolve.repository(repository).format("pypi".into()).send().await;
        let resolve = answer(resolve.err().map(|error| format!("{error:?}")));
        let path = format!("/pypi/d/{}-{}/{repository}/simple/six/", domain.name, domain.owner);
        let read = self.fetch(&path).await;
        [login, resolve, read]
    }

    async fn fetch(&self, path: &str) -> Answer {
        let token = self.token.clone().unwrap_or_default();
        let request = http::Request::get(path)
            .header("host", &self.packages.host)
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::new())
            .expect("a request");
        match tokio::time::timeout(Duration::from_secs(30), self.world.simulator.handle(request)).await {
            Ok(response) if response.status().is_success() => Answer::Yes,
            Ok(_) => Answer::Denied,
            Err(_) => Answer::Nothing,
        }
    }

    fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.admin)
    }

    fn codeartifact(&self) -> aws_sdk_codeartifact::Client {
        aws_sdk_codeartifact::Client::new(&self.admin)
    }

    fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.admin)
    }

    async fn put_inline(&self, name: &str, statements: &Value) {
        let put = self.iam().put_role_policy().role_name(self.role()).policy_name(name);
        put.policy_document(document(statements)).send().await.expect("put");
    }

    async fn set_endpoint_policy(&self, endpoint: &Endpoint, statements: &Value) {
        let modify = self.ec2().modify_vpc_endpoint().vpc_endpoint_id(&endpoint.id);
        modify.policy_document(document(statements)).send().await.expect("modified");
    }

    async fn set_repository_policy(&self, repository: &str, statements: &Value) {
        let put = self.codeartifact().put_repository_permissions_policy().domain("test-artifact-domain");
        put.repository(repository).policy_document(document(statements)).send().await.expect("put");
    }

    async fn set_domain_policy(&self, statements: &Value) {
        let put = self.codeartifact().put_domain_permissions_policy().domain("test-artifact-domain");
        put.policy_document(document(statements)).send().await.expect("put");
    }

    async fn policy(&self, name: &str, statements: &Value) -> String {
        let create = self.iam().create_policy().policy_name(name).policy_document(document(statements)).send().await;
        create.expect("a policy").policy.and_then(|policy| policy.arn).expect("an ARN")
    }
}

fn document(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn answer(error: Option<String>) -> Answer {
    match error {
        None => Answer::Yes,
        Some(text) if text.contains("AccessDenied") => Answer::Denied,
        Some(text) if text.contains("imeout") => Answer::Nothing,
        Some(text) => panic!("an answer that says nothing about permissions: {text}"),
    }
}

/// The statements that a message says are to be added.
fn to_paste(message: &str) -> Value {
    let (from, to) = (message.find('{').expect("a statement"), message.rfind('}').expect("its end"));
    let texts = message[from..=to]
        .split(" The role may not ")
        .map(|text| text.split_once("policies: ").map_or(text, |(_, json)| json));
    let all: Vec<Value> = texts
        .flat_map(|text| serde_json::from_str::<Vec<Value>>(&format!("[{text}]")).expect("ready to paste"))
        .collect();
    json!(all)
}

fn is(fact: &Fact, truth: Truth, reason: &str, parts: &[&str]) {
    assert_eq!((fact.truth, fact.reason.as_str()), (truth, reason), "{}", fact.message);
    for part in parts {
        assert!(fact.message.contains(part), "{part} is not in: {}", fact.message);
    }
}

#[tokio::test(start_paused = true)]
async fn every_example_ends_with_what_it_needs_allowed() {
    for example in ["closed-network.yaml", "closed-network-as-published.yaml"] {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let mut site = Site::new(world, Tenant::of(example, |_| {})).await;
        is(&site.settle().await, Truth::True, "Allowed", &["log in to domain test-artifact-domain"]);
    }
    for example in ["isolated-sagemaker.yaml", "isolated-sagemaker-as-published.yaml"] {
        let mut site = Site::isolated_notebook(example).await;
        is(&site.settle().await, Truth::True, "Allowed", &["GeneralIsolatedNotebook", "repository isolatedsm"]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_path_no_permission_and_works_are_told_apart() {
    let mut site = Site::isolated_notebook("isolated-sagemaker.yaml").await;
    site.tenant.edit(|object| object.spec.management = Management::Observe);
    let visit = site.world.visit(&mut site.tenant).await;
    assert!(truth(&visit.report, conditions::NETWORK_READY).is_err());
    let fact = site.agreed(&visit).await;
    is(&fact, Truth::False, "NoPath", &["CodeArtifactAPI", "no VPC endpoint", "add to its policies: {"]);

    site.tenant.edit(|object| {
        object.spec.management = Management::Enforce;
        object.spec.execution_role.attach_policy = false;
    });
    let visit = site.world.settle(&mut site.tenant).await;
    assert_ready(&visit.report);
    truth(&visit.report, conditions::NETWORK_READY).expect("the way is there");
    let fact = site.agreed(&visit).await;
    is(&fact, Truth::False, "MissingPermission", &["codeartifact:GetAuthorizationToken", "sts:GetServiceBearerToken"]);

    site.tenant.edit(|object| object.spec.execution_role.attach_policy = true);
    is(&site.settle().await, Truth::True, "Allowed", &[]);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_can_be_pasted_and_then_works() {
    let mut site = Site::closed_network().await;
    site.iam().delete_role_policy().role_name(site.role()).policy_name("cloister").send().await.expect("deleted");
    let fact = site.check().await;
    is(&fact, Truth::False, "MissingPermission", &["may not log in", "add to its policies: {", "write the log"]);
    site.put_inline("pasted", &to_paste(&fact.message)).await;
    is(&site.check().await, Truth::True, "Allowed", &[]);
}

#[tokio::test(start_paused = true)]
async fn a_deny_on_the_role_is_named_with_its_policy_and_statement() {
    let mut site = Site::closed_network().await;
    let halt = json!([
        {"Sid": "Data", "Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "codeartifact:Get*", "Resource": "*"},
    ]);
    site.put_inline("halt", &halt).await;
    let fact = site.check().await;
    is(&fact, Truth::False, "ExplicitDeny", &["denied by statement 2 (without Sid) of inline policy halt"]);
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_of_awss_is_read_like_any_other_policy() {
    let mut site = Site::closed_network().await;
    let arn = "arn:aws:iam::aws:policy/AWSDenyAll";
    site.iam().attach_role_policy().role_name(site.role()).policy_arn(arn).send().await.expect("attached");
    is(&site.check().await, Truth::False, "ExplicitDeny", &[&format!("statement DenyAll of policy {arn}")]);
    site.iam().detach_role_policy().role_name(site.role()).policy_arn(arn).send().await.expect("detached");
    is(&site.check().await, Truth::True, "Allowed", &[]);
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_is_too_narrow_is_named() {
    let mut site = Site::closed_network().await;
    let narrow =
        site.policy("narrow", &json!({"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"})).await;
    let put = site.iam().put_role_permissions_boundary().role_name(site.role()).permissions_boundary(&narrow);
    put.send().await.expect("put");
    is(&site.check().await, Truth::False, "MissingPermission", &["permissions boundary does not let it log in", "{"]);
}

#[tokio::test(start_paused = true)]
async fn an_attached_policy_that_is_taken_off_is_missed() {
    let mut site = Site::isolated_notebook("isolated-sagemaker.yaml").await;
    is(&site.settle().await, Truth::True, "Allowed", &[]);
    site.tenant.edit(|object| object.spec.management = Management::Observe);
    let attached = site.iam().list_attached_role_policies().role_name(site.role()).send().await.expect("a list");
    for policy in attached.attached_policies() {
        let detach = site.iam().detach_role_policy().role_name(site.role());
        detach.policy_arn(policy.policy_arn().expect("an ARN")).send().await.expect("detached");
    }
    is(&site.check().await, Truth::False, "MissingPermission", &["codeartifact:GetAuthorizationToken"]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_policy_without_the_bearer_token_stops_the_login() {
    let mut site = Site::closed_network().await;
    let api = site.api.clone();
    let only = json!({"Effect": "Allow", "Principal": "*", "Action": "codeartifact:*", "Resource": "*"});
    site.set_endpoint_policy(&api, &only).await;
    let fact = site.check().await;
    is(&fact, Truth::False, "MissingPermission", &["endpoint of CodeArtifactAPI", "sts:GetServiceBearerToken"]);
    let both = json!([only, to_paste(&fact.message)[0]]);
    site.set_endpoint_policy(&api, &both).await;
    is(&site.check().await, Truth::True, "Allowed", &[]);
    let other = json!({"Sid": "NotHere", "Effect": "Deny", "Principal": "*", "Action": "*Read*", "Resource": "*"});
    let packages = site.packages.clone();
    site.set_endpoint_policy(&packages, &json!([only, other])).await;
    is(&site.check().await, Truth::False, "ExplicitDeny", &["statement NotHere", &packages.id]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_is_no_path() {
    let mut site = Site::closed_network().await;
    let packages = site.packages.clone();
    site.ec2().delete_vpc_endpoints().vpc_endpoint_ids(&packages.id).send().await.expect("deleted");
    let fact = site.check().await;
    is(&fact, Truth::False, "NoPath", &["CodeArtifactRepositories", "allow everything that is needed"]);
}

#[tokio::test(start_paused = true)]
async fn domain_and_repository_can_deny_and_within_an_account_can_grant() {
    let mut site = Site::closed_network().await;
    let role = site.tenant.environment().role_arn();
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let no = json!({"Sid": "NoLogin", "Effect": "Deny", "Principal": {"AWS": root},
                    "Action": "codeartifact:GetAuthorizationToken", "Resource": "*"});
    site.set_domain_policy(&no).await;
    let fact = site.check().await;
    is(&fact, Truth::False, "ExplicitDeny", &["statement NoLogin of the policy of domain test-artifact-domain"]);

    let login = json!({"Effect": "Allow", "Principal": {"AWS": role}, "Action": "codeartifact:*", "Resource": "*"});
    site.set_domain_policy(&login).await;
    let bearer = json!([
        {"Effect": "Allow", "Action": "sts:GetServiceBearerToken", "Resource": "*"},
        {"Effect": "Allow", "Action": ["logs:*", "s3:*"], "Resource": "*"},
    ]);
    site.put_inline("cloister", &bearer).await;
    is(&site.check().await, Truth::True, "Allowed", &[]);

    let no = json!({"Sid": "NoReading", "Effect": "Deny", "Principal": {"AWS": role},
                    "Action": "codeartifact:ReadFromRepository", "Resource": "*"});
    site.set_repository_policy("test-artifact-repository", &no).await;
    let fact = site.check().await;
    is(
        &fact,
        Truth::False,
        "ExplicitDeny",
        &["statement NoReading of the policy of repository test-artifact-repository"],
    );

    let account = json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "codeartifact:*", "Resource": "*"});
    site.set_repository_policy("test-artifact-repository", &account).await;
    site.set_domain_policy(&account).await;
    let fact = site.check().await;
    is(&fact, Truth::False, "MissingPermission", &["codeartifact:ReadFromRepository"]);
}

#[tokio::test(start_paused = true)]
async fn a_denial_at_an_upstream_is_said_to_be_uncertain() {
    let mut site = Site::closed_network().await;
    let no = json!({"Sid": "Store", "Effect": "Deny", "Principal": {"AWS": site.tenant.environment().role_arn()},
                    "Action": "codeartifact:*", "Resource": "*"});
    site.set_repository_policy("pypi-store", &no).await;
    is(&site.check().await, Truth::Unknown, "CannotTell", &["statement Store", "not documented"]);
}

#[tokio::test(start_paused = true)]
async fn conditions_on_the_way_are_evaluated_and_those_nobody_can_know_are_not() {
    let mut site = Site::closed_network().await;
    let except = |vpce: &str| {
        json!({"Sid": "OnlyHere", "Effect": "Deny", "Action": "codeartifact:*", "Resource": "*",
               "Condition": {"StringNotEquals": {"aws:SourceVpce": [vpce, site.packages.id]}}})
    };
    let (ours, foreign) = (except(&site.api.id), except("vpce-other"));
    site.put_inline("way", &ours).await;
    is(&site.check().await, Truth::True, "Allowed", &[]);
    site.put_inline("way", &foreign).await;
    is(&site.check().await, Truth::False, "ExplicitDeny", &["statement OnlyHere of inline policy way"]);
    let organisation = json!({"Sid": "OurOrg", "Effect": "Deny", "Action": "codeartifact:*", "Resource": "*",
                              "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}});
    site.put_inline("way", &organisation).await;
    is(&site.check().await, Truth::Unknown, "CannotTell", &["statement OurOrg", "aws:PrincipalOrgID"]);
    let account = json!({"Sid": "OtherAccounts", "Effect": "Deny", "Action": "*",
                         "NotResource": ["arn:aws:codeartifact:*:${aws:PrincipalAccount}:*", "arn:aws:logs:*:*:*", "arn:aws:s3:::*"],
                         "Condition": {"Null": {"sts:AWSServiceName": "true"}}});
    site.put_inline("way", &account).await;
    let fact = site.check().await;
    assert_ne!(fact.truth, Truth::False, "{}", fact.message);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_sagemaker_may_not_take_is_named() {
    let mut site = Site::closed_network().await;
    let trust = document(
        &json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    );
    site.iam().update_assume_role_policy().role_name(site.role()).policy_document(trust).send().await.expect("updated");
    is(
        &site.check().await,
        Truth::False,
        "MissingPermission",
        &["SageMaker may not take the role", "sagemaker.amazonaws.com"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_verdict_of_foreign_policies_does_not_hold_back_ready() {
    let mut site = Site::closed_network().await;
    site.tenant.edit(|object| object.spec.management = Management::Enforce);
    site.put_inline("halt", &json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})).await;
    let visit = site.world.check(&mut site.tenant).await;
    let fact = site.agreed(&visit).await;
    is(&fact, Truth::False, "ExplicitDeny", &["sts:GetServiceBearerToken on * is denied", "inline policy halt"]);
    assert_ready(&visit.report);
}

#[tokio::test(start_paused = true)]
async fn files_of_other_formats_need_a_way_to_s3() {
    let both = |object: &mut IsolatedNotebookEnvironment| {
        let install = object.spec.packages.install.as_mut().expect("something to install from");
        install.formats = vec![PackageFormat::Pypi, PackageFormat::Npm];
    };
    let mut site = Site::closed_network().await;
    site.tenant.edit(|object| {
        object.spec.management = Management::Enforce;
        both(object);
    });
    is(&site.settle().await, Truth::True, "Allowed", &[]);
    site.tenant.edit(|object| object.spec.management = Management::Observe);
    let endpoints = site.ec2().describe_vpc_endpoints().send().await.expect("a list").vpc_endpoints.unwrap_or_default();
    let s3 = endpoints
        .iter()
        .find(|one| one.service_name().is_some_and(|name| name.split('.').next_back() == Some("s3")))
        .expect("a gateway");
    let s3 = Endpoint { id: s3.vpc_endpoint_id().expect("an id").into(), host: String::new() };
    site.set_endpoint_policy(
        &s3,
        &json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::my-data*"}),
    )
    .await;
    site.tenant.edit(|_| {});
    let visit = site.world.check(&mut site.tenant).await;
    let fact = visit.report.fact(conditions::PERMISSIONS_READY).expect("a verdict");
    is(
        fact,
        Truth::False,
        "MissingPermission",
        &["endpoint of S3", "fetch files", "arn:aws:s3:::assets-660291247815-ap-northeast-1/*"],
    );

    let mut site = Site::isolated_notebook("isolated-sagemaker.yaml").await;
    site.tenant.edit(both);
    is(&site.settle().await, Truth::Unknown, "CannotTell", &["no endpoint of S3 is declared"]);
}

#[tokio::test(start_paused = true)]
async fn a_domain_of_another_account_needs_both_sides_and_may_be_hidden() {
    const OWNER: &str = "444455556666";
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let credentials = aws_credential_types::Credentials::new(OWNER, "secret", None, None, "owner");
    let region = "ap-northeast-1";
    let config = world.sdk(region).await.to_builder();
    let config =
        config.credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials));
    let theirs = aws_sdk_codeartifact::Client::new(&config.build());
    let (domain, repository) = ("test-artifact-domain", "test-artifact-repository");
    theirs.create_domain().domain(domain).send().await.expect("a domain");
    theirs.create_repository().domain(domain).repository(repository).send().await.expect("a repository");
    theirs
        .associate_external_connection()
        .domain(domain)
        .repository(repository)
        .external_connection("public:pypi")
        .send()
        .await
        .expect("connected");
    let tenant = Tenant::of("closed-network.yaml", |object| {
        let packages = &mut object.spec.packages;
        packages.domain.owner = Some(OWNER.into());
        packages.domain.existing = true;
        packages.repositories.remove(0);
        packages.repositories[0].existing = Some(true);
        packages.repositories[0].upstreams.clear();
    });
    let mut site = Site::new(world, tenant).await;
    is(&site.settle().await, Truth::Unknown, "CannotTell", &["account 444455556666 does not let us read it"]);

    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let look = json!([
        "codeartifact:Describe*",
        "codeartifact:List*",
        "codeartifact:GetDomainPermissionsPolicy",
        "codeartifact:GetRepositoryPermissionsPolicy"
    ]);
    let see = json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": look, "Resource": "*"});
    let put = async |statements: &Value| {
        theirs
            .put_domain_permissions_policy()
            .domain(domain)
            .policy_document(document(statements))
            .send()
            .await
            .expect("put");
    };
    put(&see).await;
    let fact = site.check().await;
    is(
        &fact,
        Truth::False,
        "MissingPermission",
        &["Account 444455556666 does not let the role", "add to the policy of"],
    );
    let use_it = json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "codeartifact:*", "Resource": "*"});
    put(&use_it).await;
    is(&site.check().await, Truth::True, "Allowed", &[]);
}
