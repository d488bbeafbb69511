//! What comes of a creation besides the thing that was asked for: an answer about something of long ago, an answer that names nothing, and two of what
//! there should be one of.

use std::sync::Arc;

use aws_sdk_ec2::types::{ResourceType, RouteTable, Tag, TagSpecification};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use cloister::{
    model::{
        address::{Address, Kind},
        diff::DriftKind,
        owner::{TAG_PREFIX, Tags},
        report::Next,
    },
    sandbox::{Simulator, in_process::InProcess},
};

use crate::{
    hands::stalled,
    laws::{
        self,
        scenes::{Scene, Stage},
    },
    world::{assert_ready, truth},
};

/// Whoever knew anything but the tags is gone: this process has restarted, and the status is another one.
fn forget_everything(stage: &mut Stage) {
    stage.world.restart();
    stage.tenant.remembered.clear();
    stage.world.simulator.clear_log();
}

async fn lose_tags(stage: &Stage, id: &str) {
    let keys = ["cluster", "namespace", "name", "uid", "resource", "intent"];
    let tags = keys.map(|key| Tag::builder().key(format!("{TAG_PREFIX}{key}")).build());
    let delete = stage.person.ec2.delete_tags().resources(id).set_tags(Some(tags.to_vec()));
    delete.send().await.expect("untagged");
}

async fn table(stage: &Stage, id: &str) -> RouteTable {
    let tables = stage.person.ec2.describe_route_tables().route_table_ids(id).send().await.expect("tables");
    tables.route_tables.unwrap_or_default().remove(0)
}

// --- answers about something of long ago --------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_route_table_that_lost_our_tags_and_that_nobody_remembers_is_not_built_upon() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let before = stage.tenant.remembered[&Address::new(Kind::RouteTable, "main")].clone();
    lose_tags(&stage, &before).await;
    forget_everything(&mut stage);
    let visit = stage.calm_down().await;
    assert_ready(&visit.report);
    let after = laws::seen(&visit, &Address::new(Kind::RouteTable, "main")).id.clone();
    assert_ne!(after, before);
    let written = stage.world.calls().into_iter().filter(|call| call.write);
    let to_it = written.filter(|call| call.params.get("RouteTableId").is_some_and(|id| *id == *before));
    assert_eq!(to_it.map(|call| call.operation).collect::<Vec<_>>(), Vec::<String>::new(), "it is not ours any more");
    assert!(
        table(&stage, &before).await.tags().iter().all(|tag| !tag.key().unwrap_or_default().starts_with(TAG_PREFIX))
    );
    assert_eq!(table(&stage, &after).await.associations().len(), 1);
    stage.world.simulator.clear_log();
    stage.world.check(&mut stage.tenant).await;
    assert_eq!(stage.world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_route_table_that_was_deleted_by_hand_is_made_again_even_if_nobody_remembers_it() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let visit = stage.world.check(&mut stage.tenant).await;
    let seen = laws::seen(&visit, &Address::new(Kind::RouteTable, "main"));
    stage.person.remove(seen, &[seen]).await;
    forget_everything(&mut stage);
    let visit = stage.calm_down().await;
    assert_ready(&visit.report);
    let asked = stage.world.calls().into_iter().filter(|call| call.operation == "CreateRouteTable").count();
    assert!(asked <= 3, "asked {asked} times");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_endpoint_that_lost_our_tags_and_its_place_is_not_taken_for_the_one_that_was_asked_for() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let before = stage.tenant.remembered[&Address::new(Kind::VpcEndpoint, "S3")].clone();
    let table = stage.tenant.remembered[&Address::new(Kind::RouteTable, "main")].clone();
    let elsewhere = stage.person.ec2.modify_vpc_endpoint().vpc_endpoint_id(&before).remove_route_table_ids(table);
    elsewhere.send().await.expect("taken out of the table");
    lose_tags(&stage, &before).await;
    forget_everything(&mut stage);
    let visit = stage.calm_down().await;
    assert_ready(&visit.report);
    assert_ne!(laws::seen(&visit, &Address::new(Kind::VpcEndpoint, "S3")).id, before);
    let asked = stage.world.calls().into_iter().filter(|call| call.operation == "CreateVpcEndpoint").count();
    assert_eq!(asked, 2, "once too often, and once with another token");
}

// --- answers that name nothing ------------------------------------------------------------------------------------------------

/// A network that brings everything and loses what one operation answers.
#[derive(Debug, Clone)]
struct Wordless {
    simulator: Arc<Simulator>,
    operation: &'static str,
}

impl Wordless {
    fn shared(simulator: &Arc<Simulator>, operation: &'static str) -> SharedHttpClient {
        SharedHttpClient::new(Self { simulator: Arc::clone(simulator), operation })
    }

    fn is_asked_for(&self, request: &HttpRequest) -> bool {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let path = request.uri().split('?').next().unwrap_or_default();
        let rest = [("CreateRepository", "/v1/repository"), ("CreateDomain", "/v1/domain")];
        target.ends_with(&format!(".{}", self.operation))
            || body.starts_with(&format!("Action={}&", self.operation))
            || request.method() == "POST"
                && rest.iter().any(|(operation, end)| *operation == self.operation && path.ends_with(end))
    }

    /// What is left: the form, in the protocol of the service.
    fn form(&self) -> String {
        let operation = self.operation;
        match operation {
            "CreateVpc" | "CreateSubnet" | "CreateRouteTable" | "CreateSecurityGroup" | "CreateVpcEndpoint" => {
                format!("<{operation}Response></{operation}Response>")
            }
            "CreateRole" => {
                format!("<{operation}Response><{operation}Result></{operation}Result></{operation}Response>")
            }
            _ => "{}".to_owned(),
        }
    }
}

impl HttpClient for Wordless {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wordless {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = self.is_asked_for(&request).then(|| self.form());
        let arrives = SharedHttpConnector::new(InProcess::new(Arc::clone(&self.simulator)));
        HttpConnectorFuture::new(async move {
            let mut answer = arrives.call(request).await?;
            if let Some(form) = form.filter(|_| answer.status().is_success()) {
                *answer.body_mut() = SdkBody::from(form);
            }
            Ok(answer)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_name_what_was_made_is_looked_into_and_never_taken_for_a_nameless_thing() {
    let mut wrong = Vec::new();
    for operation in [
        "CreateVpc",
        "CreateSubnet",
        "CreateRouteTable",
        "CreateSecurityGroup",
        "CreateVpcEndpoint",
        "CreateDomain",
        "CreateRepository",
        "CreateRole",
        "CreateNotebookInstanceLifecycleConfig",
        "CreateNotebookInstance",
    ] {
        let mut stage = Scene::ClosedNetwork.begin().await;
        let wordless = Wordless::shared(&stage.world.simulator, operation);
        stage.world.through(wordless);
        let visit = stage.calm_down().await;
        if let Err(why) = truth(&visit.report, "Ready") {
            wrong.push(format!("{operation}: {why}"));
        }
        let calls = stage.world.calls();
        let nameless = calls.iter().filter(|call| call.write && call.params.to_string().contains(":\"\""));
        wrong.extend(nameless.map(|call| format!("{operation}: then {} {}", call.operation, call.params)));
        let made = calls.iter().filter(|call| call.operation == operation && call.code.is_none()).count();
        let wanted = match operation {
            "CreateVpcEndpoint" => 7,
            "CreateSecurityGroup" | "CreateRepository" => 2,
            _ => 1,
        };
        if made != wanted {
            wrong.push(format!("{operation} was carried out {made} times instead of {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// --- two of what there should be one of ---------------------------------------------------------------------------------------

fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// Another VPC with the tags of ours.
async fn second_vpc(stage: &Stage) -> String {
    let tags = stage.tenant.owner().tags(&Address::new(Kind::Vpc, "main"));
    let create = stage.person.ec2.create_vpc().cidr_block("10.0.0.0/16");
    let create = create.tag_specifications(specification(ResourceType::Vpc, &tags));
    create.send().await.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id).expect("its id")
}

async fn subnet_in(stage: &Stage, vpc: &str) -> String {
    let create = stage.person.ec2.create_subnet().vpc_id(vpc).cidr_block("10.0.7.0/24");
    create.send().await.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id).expect("its id")
}

async fn vpcs(stage: &Stage) -> Vec<String> {
    let vpcs = stage.person.ec2.describe_vpcs().send().await.expect("VPCs").vpcs.unwrap_or_default();
    vpcs.into_iter().filter_map(|vpc| vpc.vpc_id).collect()
}

#[tokio::test(start_paused = true)]
async fn of_two_vpcs_with_our_tags_that_are_both_in_use_none_is_written_to_before_a_person_decides() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let first = stage.tenant.remembered[&Address::new(Kind::Vpc, "main")].clone();
    let second = second_vpc(&stage).await;
    subnet_in(&stage, &second).await;
    forget_everything(&mut stage);
    for _ in 0..3 {
        let visit = stage.world.check(&mut stage.tenant).await;
        let words = stalled(&visit.report);
        assert!(words.starts_with("SeveralCarryOwnerTags ") && words.contains("VPC/main"), "{words}");
        for word in [&first, &second, "aws ec2 delete-tags"] {
            assert!(words.contains(word), "{word} is not in: {words}");
        }
    }
    assert_eq!(stage.world.writes(), Vec::<String>::new());

    lose_tags(&stage, &second).await;
    stage.world.simulator.clear_log();
    let visit = stage.calm_down().await;
    assert_ready(&visit.report);
    assert_eq!(laws::seen(&visit, &Address::new(Kind::Vpc, "main")).id, first);
    assert_eq!(stage.world.writes(), Vec::<String>::new());
    assert!(vpcs(&stage).await.contains(&second));
}

#[tokio::test(start_paused = true)]
async fn of_two_vpcs_with_our_tags_the_one_that_the_status_knows_is_ours() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let first = stage.tenant.remembered[&Address::new(Kind::Vpc, "main")].clone();
    let second = second_vpc(&stage).await;
    let inside = subnet_in(&stage, &second).await;
    let visit = stage.world.check(&mut stage.tenant).await;
    assert_eq!(laws::seen(&visit, &Address::new(Kind::Vpc, "main")).id, first);
    assert!(vpcs(&stage).await.contains(&second), "somebody has {inside} in it");
}

#[tokio::test(start_paused = true)]
async fn of_two_vpcs_with_our_tags_the_empty_one_is_a_leftover_and_goes_and_that_is_told() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let first = stage.tenant.remembered[&Address::new(Kind::Vpc, "main")].clone();
    // Ids are drawn by lot: whichever is smaller, the one with something in it is ours.
    let others = [second_vpc(&stage).await, second_vpc(&stage).await, second_vpc(&stage).await];
    forget_everything(&mut stage);
    let visit = stage.world.visit(&mut stage.tenant).await;
    for other in &others {
        let address = Address::new(Kind::Vpc, "main").spare(other);
        let drift = visit.report.drift.iter().find(|drift| drift.address == address);
        let drift = drift.unwrap_or_else(|| panic!("{address} is not among {:?}", visit.report.drift));
        assert_eq!(drift.kind, DriftKind::Unexpected);
        assert!(drift.observed.as_ref().is_some_and(|words| words.contains("left over")), "{drift:?}");
    }
    assert_ready(&stage.calm_down().await.report);
    assert_eq!(vpcs(&stage).await, [first]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_touches_none_of_two_vpcs_that_may_both_be_meant() {
    let mut stage = Scene::ClosedNetwork.made().await;
    let second = second_vpc(&stage).await;
    subnet_in(&stage, &second).await;
    forget_everything(&mut stage);
    for _ in 0..20 {
        let report = stage.world.visit_deletion(&mut stage.tenant).await;
        assert_ne!(report.next, Next::Gone);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    }
    let words = stalled(&stage.world.visit_deletion(&mut stage.tenant).await);
    assert!(words.starts_with("SeveralCarryOwnerTags "), "{words}");
    let network = stage.world.calls().into_iter().filter(|call| call.write && call.params.get("VpcId").is_some());
    assert_eq!(network.count(), 0);
    assert_eq!(vpcs(&stage).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn of_two_route_tables_with_our_tags_the_one_that_is_used_is_ours_and_two_that_are_used_wait_for_a_person() {
    for used in [false, true] {
        let mut stage = Scene::ClosedNetwork.made().await;
        let id = |stage: &Stage, kind| stage.tenant.remembered[&Address::new(kind, "main")].clone();
        let (vpc, first) = (id(&stage, Kind::Vpc), id(&stage, Kind::RouteTable));
        let tags = stage.tenant.owner().tags(&Address::new(Kind::RouteTable, "main"));
        for _ in 0..3 {
            let create = stage.person.ec2.create_route_table().vpc_id(&vpc);
            let create = create.tag_specifications(specification(ResourceType::RouteTable, &tags));
            let other = create.send().await.expect("a table").route_table.and_then(|table| table.route_table_id);
            if used {
                let subnet = subnet_in(&stage, &vpc).await;
                let associate = stage.person.ec2.associate_route_table().route_table_id(other.expect("its id"));
                associate.subnet_id(subnet).send().await.expect("associated");
                break;
            }
        }
        forget_everything(&mut stage);
        let visit = stage.calm_down().await;
        if used {
            let words = stalled(&visit.report);
            assert!(words.starts_with("SeveralCarryOwnerTags RouteTable/main"), "{words}");
            assert_eq!(stage.world.writes(), Vec::<String>::new());
        } else {
            assert_ready(&visit.report);
            assert_eq!(laws::seen(&visit, &Address::new(Kind::RouteTable, "main")).id, first);
            assert_eq!(stage.world.writes(), ["DeleteRouteTable"; 3]);
        }
    }
}
