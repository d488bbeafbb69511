//! Taking over what is there already, over every kind: refused with the line that adopts it, adopted by that line, and never what is
//! somebody else's.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_ec2::types::Tag;
use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{DeletionPolicy, ExistingSecurityGroup, Management, Notebook},
    },
    model::{
        address::{Address, Kind},
        owner::{CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG, Ownership},
        plan::Verb,
        report::Next,
        resource::{Output, Sight},
    },
    resources::providers,
    sandbox::world::Delays,
};

use crate::{
    existing::Existing,
    hands::stalled,
    world::{ACCOUNT, Tenant, Visit, World, assert_ready},
};

const ANNOTATION: &str = "cloister.dev/adopt";

type Ids = BTreeMap<Address, String>;

/// The two scenarios: everything ours, and packages added to what is somebody else's.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    ClosedNetwork,
    IsolatedSageMaker,
}

/// A world in which somebody made an environment and gave it up with `deletionPolicy: Retain`: all is there, nothing is anybody's.
struct Left {
    world: World,
    scenario: Scenario,
    existing: Option<Existing>,
    ids: Ids,
    outputs: BTreeMap<Address, String>,
}

impl Scenario {
    async fn left(self) -> Left {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let existing = match self {
            Self::ClosedNetwork => None,
            Self::IsolatedSageMaker => Some(world.isolated_notebook("us-east-1", 0).await),
        };
        let mut left = Left { world, scenario: self, existing, ids: Ids::new(), outputs: BTreeMap::new() };
        let mut first = left.tenant(|object| {
            object.metadata.uid = Some("uid-of-the-first".into());
            object.spec.deletion_policy = DeletionPolicy::Retain;
        });
        let visit = left.world.settle(&mut first).await;
        assert_ready(&visit.report);
        let ours = visit.observation.sights.iter().filter_map(|(address, sight)| Some((address, sight.seen()?)));
        let ours = ours.filter(|(_, seen)| matches!(seen.ownership, Ownership::Ours));
        left.ids = ours.map(|(address, seen)| (address.clone(), seen.id.clone())).collect();
        let arn = |address: &Address| visit.observation.outputs.get(address, Output::Arn).map(ToOwned::to_owned);
        left.outputs = left.ids.keys().filter_map(|address| Some((address.clone(), arn(address)?))).collect();
        assert_eq!(left.world.delete(&mut first).await.next, Next::Gone);
        left.world.simulator.clear_log();
        left
    }
}

impl Left {
    fn tenant(&self, change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> Tenant {
        let mut tenant = match (self.scenario, &self.existing) {
            (Scenario::IsolatedSageMaker, Some(existing)) => {
                existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker")
            }
            _ => Tenant::of("closed-network.yaml", |_| {}),
        };
        tenant.edit(change);
        tenant
    }

    /// The annotation for everything that `which` chooses, by id.
    fn all(&self, which: impl Fn(&Address) -> bool) -> String {
        let chosen = self.ids.iter().filter(|(address, _)| which(address) && can_be_named(address.kind));
        chosen.map(|(address, id)| format!("{address}={id}")).collect::<Vec<_>>().join(", ")
    }

    /// Whose everything is by now, to somebody who comes later and only looks; none where it is gone.
    async fn whose(&self) -> BTreeMap<&Address, Option<Ownership>> {
        let mut later = self.tenant(|object| {
            annotate(object, &self.all(|_| true));
            object.spec.management = Management::Observe;
        });
        let sights = self.world.visit(&mut later).await.observation.sights;
        let whose = |address| sights.get(address).and_then(Sight::seen).map(|seen| seen.ownership.clone());
        self.ids.keys().map(|address| (address, whose(address))).collect()
    }

    fn of(&self, kind: Kind) -> Vec<(Address, String)> {
        let ids = self.ids.iter().filter(|(address, _)| address.kind == kind);
        ids.map(|(address, id)| (address.clone(), id.clone())).collect()
    }

    async fn tag(&self, address: &Address, tags: &[(&str, &str)]) {
        let region = self.tenant(|_| {}).object.spec.region;
        let config = self.world.sdk(&region).await;
        let (id, arn) = (&self.ids[address], self.outputs.get(address));
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let iam = aws_sdk_iam::Client::new(&config);
        let pairs = || tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        match address.kind {
            Kind::SecurityGroupRules => {}
            Kind::Vpc | Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::VpcEndpoint => {
                let tags = pairs().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
                ec2.create_tags().resources(id).set_tags(Some(tags)).send().await.expect("tagged");
            }
            Kind::Domain | Kind::Repository => {
                let tag = |(key, value)| aws_sdk_codeartifact::types::Tag::builder().key(key).value(value).build();
                let tags = pairs().map(|pair| tag(pair).expect("a tag")).collect();
                let client = aws_sdk_codeartifact::Client::new(&config);
                let client = client.tag_resource().resource_arn(arn.expect("an ARN")).set_tags(Some(tags));
                client.send().await.expect("tagged");
            }
            Kind::Role | Kind::Policy => {
                let tag = |(key, value)| aws_sdk_iam::types::Tag::builder().key(key).value(value).build();
                let tags = Some(pairs().map(|pair| tag(pair).expect("a tag")).collect());
                if address.kind == Kind::Role {
                    iam.tag_role().role_name(id).set_tags(tags).send().await.expect("tagged");
                } else {
                    let arn = arn.expect("an ARN");
                    iam.tag_policy().policy_arn(arn).set_tags(tags).send().await.expect("tagged");
                }
            }
            Kind::LifecycleConfiguration | Kind::NotebookInstance => {
                let tag = |(key, value)| aws_sdk_sagemaker::types::Tag::builder().key(key).value(value).build();
                let tags = pairs().map(tag).collect();
                let client = aws_sdk_sagemaker::Client::new(&config);
                let client = client.add_tags().resource_arn(arn.expect("an ARN")).set_tags(Some(tags));
                client.send().await.expect("tagged");
            }
        }
        // Tags that AWS shows one by one only are looked at once an hour.
        tokio::time::sleep(Duration::from_mins(61)).await;
        self.world.simulator.clear_log();
    }

    fn creations(&self) -> Vec<String> {
        let creations = |operation: &String| operation.starts_with("Create") && operation != "CreateTags";
        self.world.writes().into_iter().filter(creations).collect()
    }
}

/// Rules have neither tags nor an id of their own: they go with their group.
fn can_be_named(kind: Kind) -> bool {
    kind != Kind::SecurityGroupRules
}

/// Kinds of which AWS makes as many as one likes: only an id says which one is meant.
fn has_a_place(kind: Kind) -> bool {
    !matches!(kind, Kind::Vpc | Kind::RouteTable)
}

fn annotate(object: &mut IsolatedNotebookEnvironment, value: &str) {
    object.metadata.annotations.get_or_insert_default().insert(ANNOTATION.to_owned(), value.to_owned());
}

/// The value of the annotation in a line to copy, the last of them.
fn copied(message: &str) -> &str {
    let line = message.split(&format!("'{ANNOTATION}=")).last().expect("a line to copy");
    line.split('\'').next().expect("the end of the quotation")
}

fn problem<'a>(visit: &'a Visit, address: &Address) -> (&'a str, &'a str) {
    let problem = visit.plan.problems.iter().find(|problem| problem.address.as_ref() == Some(address));
    problem.map_or(("", ""), |problem| (problem.reason.as_str(), problem.message.as_str()))
}

async fn visits(world: &World, tenant: &mut Tenant) -> Visit {
    for _ in 0..10 {
        world.visit(tenant).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    world.visit(tenant).await
}

/// It is ours by now, it is as asked, it is still the same thing, and nothing is written any more.
async fn is_taken_over(left: &Left, tenant: &mut Tenant) {
    let visit = left.world.settle(tenant).await;
    assert_ready(&visit.report);
    for (address, id) in &left.ids {
        let seen = visit.observation.sights.get(address).and_then(Sight::seen).expect("it is there");
        assert_eq!((&seen.id, &seen.ownership), (id, &Ownership::Ours), "{address}");
    }
    assert_eq!(left.creations(), Vec::<String>::new(), "what is there is not made again");
    left.world.check(tenant).await;
    left.world.simulator.clear_log();
    assert_ready(&left.world.check(tenant).await.report);
    assert_eq!(left.world.writes(), Vec::<String>::new());
}

#[test]
fn every_kind_has_a_line_in_these_tests() {
    let kinds: BTreeSet<Kind> = providers().iter().map(|provider| provider.kind()).collect();
    assert_eq!(kinds, Kind::ALL.into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn what_is_there_of_any_kind_is_left_alone_until_the_line_that_is_shown_adopts_it() {
    let mut covered = BTreeSet::new();
    for scenario in [Scenario::ClosedNetwork, Scenario::IsolatedSageMaker] {
        let kinds: BTreeSet<Kind> = scenario.left().await.ids.keys().map(|address| address.kind).collect();
        for kind in kinds.into_iter().filter(|kind| has_a_place(*kind) && can_be_named(*kind)) {
            let left = scenario.left().await;
            let mut tenant = left.tenant(|object| annotate(object, &left.all(|address| address.kind != kind)));
            let visit = visits(&left.world, &mut tenant).await;
            let mut shown = String::new();
            for (address, id) in left.of(kind) {
                let (reason, message) = problem(&visit, &address);
                assert_eq!(reason, "AlreadyExists", "{address}: {message}");
                assert!(message.contains(&id) && message.contains("kubectl annotate ine"), "{message}");
                shown = copied(message).to_owned();
                let seen = visit.observation.sights.get(&address).and_then(Sight::seen).expect("it is there");
                assert_eq!(seen.ownership, Ownership::Nobody, "{address}");
                assert_eq!(seen.id, id, "{address}");
            }
            for (address, _) in left.of(kind) {
                assert!(shown.contains(&address.to_string()), "{address} is not in {shown}");
            }
            tenant.edit(|object| annotate(object, &shown));
            is_taken_over(&left, &mut tenant).await;
            covered.insert(kind);
        }
    }
    let expected: BTreeSet<Kind> =
        Kind::ALL.into_iter().filter(|kind| has_a_place(*kind) && can_be_named(*kind)).collect();
    assert_eq!(covered, expected);
}

#[tokio::test(start_paused = true)]
async fn a_whole_environment_is_adopted_by_id_and_from_then_on_deleted_or_kept_as_any_other() {
    for scenario in [Scenario::ClosedNetwork, Scenario::IsolatedSageMaker] {
        for policy in [DeletionPolicy::Delete, DeletionPolicy::Retain] {
            let left = scenario.left().await;
            let mut tenant = left.tenant(|object| {
                annotate(object, &left.all(|_| true));
                object.spec.deletion_policy = policy;
            });
            is_taken_over(&left, &mut tenant).await;
            assert_eq!(left.world.delete(&mut tenant).await.next, Next::Gone);
            for (address, whose) in left.whose().await {
                match policy {
                    DeletionPolicy::Delete => assert_eq!(whose, None, "{address} of {scenario:?}"),
                    DeletionPolicy::Retain => assert_eq!(whose, Some(Ownership::Nobody), "{address} of {scenario:?}"),
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn adopting_writes_the_owner_tags_first_and_corrects_afterwards() {
    let left = Scenario::ClosedNetwork.left().await;
    let ec2 = aws_sdk_ec2::Client::new(&left.world.sdk("ap-northeast-1").await);
    let group = left.ids[&Address::new(Kind::SecurityGroup, "notebooks")].clone();
    let open = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("-1");
    let open = open.ip_ranges(aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
    let authorize = ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(open);
    authorize.send().await.expect("opened");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mut tenant = left.tenant(|object| {
        annotate(object, &left.all(|_| true));
        object.spec.management = Management::Observe;
    });
    left.world.simulator.clear_log();
    let visit = left.world.visit(&mut tenant).await;
    assert_eq!(left.world.writes(), Vec::<String>::new());
    let verbs: BTreeSet<Verb> = visit.plan.held.iter().map(|held| held.step.verb).collect();
    assert_eq!(verbs, BTreeSet::from([Verb::Adopt]), "what would be done is shown");
    let paths = crate::hands::paths(&visit);
    assert!(paths.contains(&"ingress[all from 0.0.0.0/0]".to_owned()), "with what deviates: {paths:?}");

    tenant.edit(|object| object.spec.management = Management::Enforce);
    left.world.visit(&mut tenant).await;
    let only_tags = |operation: &String| {
        ["CreateTags", "TagResource", "AddTags", "TagRole", "TagPolicy"].contains(&operation.as_str())
    };
    assert!(left.world.writes().iter().all(only_tags), "{:?}", left.world.writes());
    left.world.settle(&mut tenant).await;
    assert!(left.world.writes().contains(&"RevokeSecurityGroupIngress".to_owned()), "{:?}", left.world.writes());
    is_taken_over(&left, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn what_another_tool_manages_is_refused_by_name_and_taken_only_with_an_exclamation_mark() {
    let tools = [("ManagedBy", "Terraform"), ("services.k8s.aws/namespace", "ACK"), ("crossplane-kind", "Crossplane")];
    for (at, kind) in Kind::ALL.into_iter().filter(|kind| can_be_named(*kind)).enumerate() {
        let scenario = if kind == Kind::Policy { Scenario::IsolatedSageMaker } else { Scenario::ClosedNetwork };
        let left = scenario.left().await;
        let (key, tool) = tools[at % tools.len()];
        let value = if key == "ManagedBy" { "terraform" } else { "x" };
        let (address, id) = left.of(kind).remove(0);
        left.tag(&address, &[(key, value)]).await;
        let mut tenant = left.tenant(|object| annotate(object, &left.all(|_| true)));
        let visit = visits(&left.world, &mut tenant).await;
        let (reason, message) = problem(&visit, &address);
        assert_eq!(reason, "ManagedElsewhere", "{address}: {message}");
        assert!(message.contains(tool) && message.contains(&format!("{key}={value}")), "{message}");
        let seen = visit.observation.sights.get(&address).and_then(Sight::seen).expect("it is there");
        assert!(matches!(seen.ownership, Ownership::Tool(_)), "{address} was not touched");
        let shown = copied(message).to_owned();
        assert!(shown.contains(&format!("{address}")) && shown.contains('!'), "{shown} with {id}");
        tenant.edit(|object| annotate(object, &shown));
        is_taken_over(&left, &mut tenant).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_environment_has_is_never_taken_whatever_is_permitted() {
    for kind in Kind::ALL.into_iter().filter(|kind| can_be_named(*kind)) {
        let scenario = if kind == Kind::Policy { Scenario::IsolatedSageMaker } else { Scenario::ClosedNetwork };
        let left = scenario.left().await;
        let (address, id) = left.of(kind).remove(0);
        let other = [(CLUSTER_TAG, "another-cluster"), (NAMESPACE_TAG, "theirs"), (NAME_TAG, "taken")];
        left.tag(&address, &other).await;
        let permitted = left.all(|_| true).replace(&id, &format!("{id}!"));
        let mut tenant = left.tenant(|object| annotate(object, &permitted));
        let visit = visits(&left.world, &mut tenant).await;
        let (reason, message) = problem(&visit, &address);
        assert_eq!(reason, "NameTaken", "{address}: {message}");
        assert!(message.contains("theirs/taken of cluster another-cluster"), "{message}");
        let seen = visit.observation.sights.get(&address).and_then(Sight::seen).expect("it is there");
        assert!(matches!(seen.ownership, Ownership::Other(_)), "{address} was not touched");
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_cannot_change_must_fit_before_anything_is_adopted() {
    type Change = fn(&mut IsolatedNotebookEnvironment, &Left);
    let cases: [(&str, &str, Change); 4] = [
        ("VPC/main", "cidrBlock is 10.0.0.0/16, wanted is 10.0.0.0/17", |object, _| {
            object.spec.network.vpc.cidr_block = Some("10.0.0.0/17".into());
        }),
        ("Subnet/a", "availabilityZone is ap-northeast-1a, wanted is ap-northeast-1c", |object, _| {
            object.spec.network.subnets[0].availability_zone = Some("ap-northeast-1c".into());
        }),
        ("Domain/test-artifact-domain", "encryptionKey is", |object, _| {
            let key = "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555";
            object.spec.packages.domain.encryption_key = Some(key.into());
        }),
        ("NotebookInstance/Test-Notebook-Instance", "subnet is", |object, _| {
            // The notebook is in subnet a; here it is to be in b, which is not there.
            let mut other = object.spec.network.subnets[0].clone();
            (other.name, other.cidr_block) = ("b".into(), Some("10.0.2.0/24".into()));
            object.spec.network.subnets.push(other);
            object.spec.notebooks[0].subnet = Some("b".into());
        }),
    ];
    for (address, told, change) in cases {
        let left = Scenario::ClosedNetwork.left().await;
        let address: Address = address.parse().expect("an address");
        let mut tenant = left.tenant(|object| {
            change(object, &left);
            annotate(object, &left.all(|_| true));
        });
        let visit = visits(&left.world, &mut tenant).await;
        let (reason, message) = problem(&visit, &address);
        assert_eq!(reason, "AdoptionRefused", "{address}: {message}");
        assert!(message.contains(told), "{message}");
        let seen = visit.observation.sights.get(&address).and_then(Sight::seen).expect("it is there");
        assert_eq!(seen.ownership, Ownership::Nobody, "{address} was not touched");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_only_with_its_vpc_cannot_be_adopted() {
    let left = Scenario::ClosedNetwork.left().await;
    let ec2 = aws_sdk_ec2::Client::new(&left.world.sdk("ap-northeast-1").await);
    let vpc = &left.ids[&Address::new(Kind::Vpc, "main")];
    let tables = ec2.describe_route_tables().send().await.expect("tables").route_tables.unwrap_or_default();
    let is_main = |table: &&aws_sdk_ec2::types::RouteTable| {
        table.vpc_id() == Some(vpc) && table.associations().iter().any(|association| association.main() == Some(true))
    };
    let table = tables.iter().find(is_main).and_then(|table| table.route_table_id()).expect("a main table");
    let groups = ec2.describe_security_groups().send().await.expect("groups").security_groups.unwrap_or_default();
    let is_default = |group: &&aws_sdk_ec2::types::SecurityGroup| {
        group.vpc_id() == Some(vpc) && group.group_name() == Some("default")
    };
    let group = groups.iter().find(is_default).and_then(|group| group.group_id()).expect("a default group");
    let rest = left.all(|address| !["RouteTable/main", "SecurityGroup/notebooks"].contains(&&*address.to_string()));
    let mut tenant = left.tenant(|object| {
        annotate(object, &format!("{rest}, RouteTable/main={table}, SecurityGroup/notebooks={group}"));
    });
    let visit = visits(&left.world, &mut tenant).await;
    for (address, told) in [
        (Address::new(Kind::RouteTable, "main"), "main route table"),
        (Address::new(Kind::SecurityGroup, "notebooks"), "default security group"),
    ] {
        let (reason, message) = problem(&visit, &address);
        assert_eq!(reason, "AdoptionRefused", "{message}");
        assert!(message.contains(told), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slip_of_the_pen_makes_nothing() {
    let left = Scenario::ClosedNetwork.left().await;
    let mut tenant = left.tenant(|object| annotate(object, "VPC/main=vpc-0aaaaaaaaaaaaaaaa"));
    let visit = visits(&left.world, &mut tenant).await;
    let stalled = stalled(&visit.report);
    assert!(stalled.starts_with("AdoptionRefused "), "{stalled}");
    assert!(stalled.contains("vpc-0aaaaaaaaaaaaaaaa") && stalled.contains(ACCOUNT), "{stalled}");
    assert!(!left.creations().contains(&"CreateVpc".to_owned()), "{:?}", left.creations());
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_by_id_and_is_deleted_by_somebody_is_made_again_although_the_annotation_still_names_it() {
    let left = Scenario::ClosedNetwork.left().await;
    let mut tenant = left.tenant(|object| annotate(object, &left.all(|_| true)));
    is_taken_over(&left, &mut tenant).await;
    let ec2 = aws_sdk_ec2::Client::new(&left.world.sdk("ap-northeast-1").await);
    let endpoint = &left.ids[&Address::new(Kind::VpcEndpoint, "STS")];
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint).send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(15)).await;
    tenant.edit(|_| {});
    assert_ready(&left.world.settle(&mut tenant).await.report);
    assert_eq!(left.creations(), ["CreateVpcEndpoint"]);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_life_of_the_same_object_is_taken_over_without_asking() {
    for scenario in [Scenario::ClosedNetwork, Scenario::IsolatedSageMaker] {
        let left = scenario.left().await;
        let mut first = left.tenant(|object| annotate(object, &left.all(|_| true)));
        is_taken_over(&left, &mut first).await;
        let mut second = left.tenant(|object| object.metadata.uid = Some("uid-of-the-second-life".into()));
        is_taken_over(&left, &mut second).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_ours_and_is_declared_as_existing_loses_our_tags_and_nothing_else() {
    let left = Scenario::ClosedNetwork.left().await;
    let mut tenant = left.tenant(|object| annotate(object, &left.all(|_| true)));
    is_taken_over(&left, &mut tenant).await;
    let id = |kind, name: &str| left.ids[&Address::new(kind, name)].clone();
    let role = tenant.environment().role_arn();
    tenant.edit(|object| {
        let network = &mut object.spec.network;
        (network.vpc.cidr_block, network.vpc.id) = (None, Some(id(Kind::Vpc, "main")));
        let subnet = &mut network.subnets[0];
        (subnet.cidr_block, subnet.availability_zone) = (None, None);
        subnet.id = Some(id(Kind::Subnet, "a"));
        let group = |name| Some(ExistingSecurityGroup { id: id(Kind::SecurityGroup, name) });
        network.security_groups.notebooks = group("notebooks");
        network.security_groups.endpoints = group("endpoints");
        for (address, id) in left.ids.iter().filter(|(address, _)| address.kind == Kind::VpcEndpoint) {
            let entry = serde_json::json!({"service": address.name, "id": id});
            network.endpoints.push(serde_json::from_value(entry).expect("an endpoint"));
        }
        object.spec.packages.domain.existing = true;
        for repository in &mut object.spec.packages.repositories {
            let name = serde_json::json!({"name": repository.name, "existing": true});
            *repository = serde_json::from_value(name).expect("a repository");
        }
        object.spec.execution_role = serde_json::from_value(serde_json::json!({"arn": role})).expect("a role");
        let name = object.spec.notebooks[0].name.clone();
        object.spec.notebooks[0] = Notebook { name, existing: Some(true), ..Notebook::default() };
    });
    left.world.simulator.clear_log();
    let visit = left.world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    let untagging = ["DeleteTags", "UntagResource", "UntagRole"];
    let other: Vec<String> =
        left.world.writes().into_iter().filter(|operation| !untagging.contains(&operation.as_str())).collect();
    assert_eq!(other, Vec::<String>::new(), "tags off, and nothing else");
    assert_eq!(left.world.delete(&mut tenant).await.next, Next::Gone);
    for (address, whose) in left.whose().await {
        assert_eq!(whose, Some(Ownership::Nobody), "{address} is there and free");
    }
}
