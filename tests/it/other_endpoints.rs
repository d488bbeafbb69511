//! Endpoints that speak AWS's protocols and are not AWS: some operations they do not have, some fields they leave out, some writes they accept and
//! forget. (All of these were met at a widespread mock.)

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_sdk_ec2::types::VpcEndpoint;
use aws_sdk_iam::types::EntityType;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use cloister::{
    model::{
        address::{Address, Kind},
        report::{Fact, conditions},
    },
    sandbox::{Simulator, in_process::InProcess, world::Delays},
};

use crate::{
    hands::{made_with, stalled},
    world::{Tenant, Visit, World, assert_ready, truth},
};

/// In which way an operation is not AWS's.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// It is not there, and what comes back is a page for people.
    Page,
    /// It is not there, and that is said.
    Refusal,
    /// It is accepted, and nothing happens.
    Oblivion(&'static str),
    /// Its answer lacks these elements.
    Silence(&'static [&'static str]),
}

/// The simulator, with one operation that is not AWS's.
#[derive(Debug, Clone)]
struct OtherEndpoint {
    simulator: Arc<Simulator>,
    operation: &'static str,
    way: Way,
    calls: Arc<AtomicU32>,
}

impl OtherEndpoint {
    fn new(world: &World, operation: &'static str, way: Way) -> Self {
        Self { simulator: Arc::clone(&world.simulator), operation, way, calls: Arc::default() }
    }

    /// The controller restarts there.
    fn instead_of_aws(&self, world: &mut World) {
        world.through(SharedHttpClient::new(self.clone()));
    }

    fn is_meant(&self, request: &HttpRequest) -> bool {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        body.contains(&format!("Action={}&", self.operation)) || target.ends_with(&format!(".{}", self.operation))
    }
}

impl HttpClient for OtherEndpoint {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OtherEndpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = SharedHttpConnector::new(InProcess::new(Arc::clone(&self.simulator)));
        if !self.is_meant(&request) {
            return aws.call(request);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = |status: u16, text: &str| {
            let status = StatusCode::try_from(status).expect("a status");
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(text))))
        };
        match self.way {
            Way::Page => answer(500, "<!doctype html><title>500 Internal Server Error</title>"),
            Way::Refusal => answer(501, r#"{"__type":"InternalFailure","message":"not yet implemented"}"#),
            Way::Oblivion(text) => answer(200, text),
            Way::Silence(elements) => HttpConnectorFuture::new(async move {
                let response = aws.call(request).await?;
                let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
                Ok(HttpResponse::new(response.status(), SdkBody::from(without(text, elements))))
            }),
        }
    }
}

fn without(mut text: String, elements: &[&str]) -> String {
    for element in elements {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        while let Some((start, end)) = text.find(&open).zip(text.find(&close)) {
            text.replace_range(start..end + close.len(), "");
        }
    }
    text
}

fn fact<'a>(visit: &'a Visit, name: &str) -> &'a Fact {
    visit.report.fact(name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_notebook_is_seen_also_where_lifecycle_configurations_cannot_be_listed() {
    let mut world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let sagemaker = aws_sdk_sagemaker::Client::new(&world.sdk("us-east-1").await);
    let theirs =
        sagemaker.create_notebook_instance_lifecycle_config().notebook_instance_lifecycle_config_name("theirs");
    theirs.send().await.unwrap();
    let create = sagemaker.create_notebook_instance().notebook_instance_name("scripted");
    let create = create.instance_type("ml.t3.medium".into()).role_arn(&existing.role).lifecycle_config_name("theirs");
    let create = create.subnet_id(&existing.subnet).security_group_ids(&existing.group);
    create.direct_internet_access("Disabled".into()).send().await.unwrap();
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    tenant.object.spec.notebooks[0].name = "scripted".into();
    OtherEndpoint::new(&world, "ListNotebookInstanceLifecycleConfigs", Way::Page).instead_of_aws(&mut world);
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    truth(&visit.report, conditions::NOTEBOOKS_READY).unwrap();
    assert!(!visit.report.notebooks[0].restart_pending, "nobody knows");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_listed_without_its_name_is_ours_all_the_same() {
    let mut world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    OtherEndpoint::new(&world, "GetAccountAuthorizationDetails", Way::Silence(&["PolicyName", "PolicyId"]))
        .instead_of_aws(&mut world);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.delete(&mut tenant).await;
    let iam = aws_sdk_iam::Client::new(&world.sdk("us-east-1").await);
    let left = iam.get_account_authorization_details().filter(EntityType::LocalManagedPolicy).send().await.unwrap();
    assert_eq!(left.policies.unwrap_or_default().len(), 0, "a policy that was not seen must not be left behind");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_not_there_is_named_with_its_resource_and_holds_up_nothing_else() {
    let (world, mut tenant) = fresh("ListNotebookInstanceLifecycleConfigs", Way::Page).await;
    let visit = several(&world, &mut tenant, 12).await;
    let message = &fact(&visit, conditions::NOTEBOOKS_READY).message;
    for words in [
        "LifecycleConfiguration/Test-Notebook-Instance: sagemaker:ListNotebookInstanceLifecycleConfigs",
        "HTTP status 500",
    ] {
        assert!(message.contains(words), "{message}");
    }
    for condition in [conditions::NETWORK_READY, conditions::PACKAGES_READY, conditions::ISOLATED] {
        truth(&visit.report, condition).unwrap();
    }

    let (world, mut tenant) = fresh("ListNotebookInstanceLifecycleConfigs", Way::Refusal).await;
    let visit = several(&world, &mut tenant, 12).await;
    assert!(stalled(&visit.report).starts_with("NotImplemented LifecycleConfiguration/"), "{}", stalled(&visit.report));
    truth(&visit.report, conditions::PACKAGES_READY).unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_the_facts_about_endpoint_services_the_notebooks_reach_s3_all_the_same() {
    let (world, mut tenant) = fresh("DescribeVpcEndpointServices", Way::Page).await;
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    truth(&visit.report, conditions::NETWORK_READY).unwrap();
    assert!(rules_of_notebooks(&visit).contains(" to pl-"), "{}", rules_of_notebooks(&visit));
}

#[tokio::test(start_paused = true)]
async fn a_network_whose_way_to_s3_is_not_known_is_not_told_to_be_ready() {
    let (mut world, mut tenant) = fresh("DescribePrefixLists", Way::Refusal).await;
    let visit = world.settle(&mut tenant).await;
    assert!(!rules_of_notebooks(&visit).contains(" to pl-"));
    let verdict = fact(&visit, conditions::NETWORK_READY);
    assert_eq!((verdict.truth.as_str(), verdict.reason.as_str()), ("Unknown", "NotImplemented"), "{}", verdict.message);
    assert!(verdict.message.contains("ec2:DescribePrefixLists"), "{}", verdict.message);
    world.restart();
    world.check(&mut tenant).await;
    truth(&world.settle(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_accepted_and_forgotten_is_told_and_not_repeated_for_ever() {
    let mut world = World::new(Delays::none());
    let (mut tenant, _) = made_with(&world, |object| object.spec.notebooks.clear()).await;
    let answer = "<ModifyVpcEndpointResponse><return>true</return></ModifyVpcEndpointResponse>";
    let endpoint = OtherEndpoint::new(&world, "ModifyVpcEndpoint", Way::Oblivion(answer));
    endpoint.instead_of_aws(&mut world);
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await);
    let sts = tenant.remembered[&Address::new(Kind::VpcEndpoint, "STS")].clone();
    ec2.modify_vpc_endpoint().vpc_endpoint_id(&sts).private_dns_enabled(false).send().await.unwrap();
    world.check(&mut tenant).await;
    let visit = several(&world, &mut tenant, 40).await;
    let told = stalled(&visit.report);
    assert!(told.starts_with("NoEffect VPCEndpoint/STS: "), "{told}");
    assert!(told.contains("privateDNSEnabled false -> true"), "{told}");
    let calls = endpoint.calls.load(Ordering::Relaxed);
    assert!((6..=16).contains(&calls), "{calls} calls in 40 visits");

    world.restart();
    several(&world, &mut tenant, 6).await;
    assert_ready(&world.settle(&mut tenant).await.report);
    let seen =
        ec2.describe_vpc_endpoints().vpc_endpoint_ids(sts).send().await.unwrap().vpc_endpoints.unwrap_or_default();
    assert_eq!(seen.first().and_then(VpcEndpoint::private_dns_enabled), Some(true));
}

/// Scenario A, about to be made at an endpoint where this operation is not AWS's.
async fn fresh(operation: &'static str, way: Way) -> (World, Tenant) {
    let mut world = World::new(Delays::none());
    world.with_boundary().await;
    OtherEndpoint::new(&world, operation, way).instead_of_aws(&mut world);
    (world, Tenant::of("closed-network.yaml", |_| {}))
}

/// Some visits in a row, whatever each comes to, and the last one.
async fn several(world: &World, tenant: &mut Tenant, visits: usize) -> Visit {
    for _ in 1..visits {
        world.visit(tenant).await;
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    }
    world.visit(tenant).await
}

/// What the group of the notebooks lets out.
fn rules_of_notebooks(visit: &Visit) -> String {
    let rules = visit.observation.seen(Kind::SecurityGroupRules, "notebooks").and_then(|seen| seen.set("egress"));
    rules.unwrap_or_default().into_iter().collect::<Vec<_>>().join(", ")
}
