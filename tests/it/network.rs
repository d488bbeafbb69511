//! The network against the simulated AWS, with somebody who changes things behind the controller's back.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, ResourceType, SecurityGroupRule, Tag, TagSpecification, VpcEndpoint,
};
use cloister::{
    kubernetes::api::environment::DeletionPolicy,
    model::{
        diff::DriftKind,
        plan::{Action, Drift},
        port::ErrorClass,
        report::{Next, conditions},
        resource::Severity,
    },
    sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
        world::Delays,
    },
};

use crate::{
    hands::TRUST,
    world::{Tenant, Visit, World, assert_ready, truth},
};

/// Somebody with administrator rights in the environment's account.
struct Person {
    ec2: aws_sdk_ec2::Client,
    iam: aws_sdk_iam::Client,
}

impl Person {
    async fn in_region(world: &World, region: &str) -> Self {
        let config = world.sdk(region).await;
        Self { ec2: aws_sdk_ec2::Client::new(&config), iam: aws_sdk_iam::Client::new(&config) }
    }

    async fn endpoint(&self, service: &str) -> VpcEndpoint {
        let endpoints =
            self.ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints.unwrap_or_default();
        let of_service = |endpoint: &VpcEndpoint| {
            endpoint.service_name.as_ref().is_some_and(|name| name.ends_with(service))
                && endpoint.state.as_ref().is_some_and(|state| state.as_str() == "available")
        };
        endpoints.into_iter().find(of_service).unwrap_or_else(|| panic!("no endpoint of {service} is available"))
    }

    async fn rules(&self, group: &str) -> Vec<SecurityGroupRule> {
        let filter = Filter::builder().name("group-id").values(group).build();
        let rules = self.ec2.describe_security_group_rules().filters(filter).send().await.expect("rules");
        rules.security_group_rules.unwrap_or_default()
    }

    async fn let_in(&self, group: &str, block: &str, port: i32) {
        let range = IpRange::builder().cidr_ip(block).build();
        let permission =
            IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(range).build();
        let authorize = self.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(permission);
        authorize.send().await.expect("a rule");
    }

    async fn internet_gateway(&self, vpc: &str) -> String {
        let created = self.ec2.create_internet_gateway().send().await.expect("a gateway");
        let id = created.internet_gateway.and_then(|gateway| gateway.internet_gateway_id).expect("its id");
        self.ec2.attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc).send().await.expect("attached");
        id
    }

    /// Everything that an environment could have made, by id.
    async fn everything(&self) -> BTreeSet<String> {
        let vpcs = self.ec2.describe_vpcs().send().await.expect("VPCs").vpcs.unwrap_or_default();
        let subnets = self.ec2.describe_subnets().send().await.expect("subnets").subnets.unwrap_or_default();
        let tables = self.ec2.describe_route_tables().send().await.expect("tables").route_tables.unwrap_or_default();
        let groups =
            self.ec2.describe_security_groups().send().await.expect("groups").security_groups.unwrap_or_default();
        let endpoints =
            self.ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints.unwrap_or_default();
        let rules = self.ec2.describe_security_group_rules().send().await.expect("rules").security_group_rules;
        let ids = vpcs.into_iter().map(|it| it.vpc_id);
        let ids = ids.chain(subnets.into_iter().map(|it| it.subnet_id));
        let ids = ids.chain(tables.into_iter().map(|it| it.route_table_id));
        let ids = ids.chain(groups.into_iter().map(|it| it.group_id));
        let ids = ids.chain(endpoints.into_iter().map(|it| it.vpc_endpoint_id));
        ids.chain(rules.unwrap_or_default().into_iter().map(|it| it.security_group_rule_id)).flatten().collect()
    }

    /// How many of our tags there are on anything.
    async fn owner_tags(&self) -> usize {
        let tags = self.ec2.describe_tags().send().await.expect("tags").tags.unwrap_or_default();
        tags.iter().filter(|tag| tag.key.as_ref().is_some_and(|key| key.starts_with("cloister.dev/"))).count()
    }
}

/// Scenario A without its notebook, made and quiet.
async fn closed_network(delays: Delays) -> (World, Tenant, Person) {
    let world = World::new(delays);
    let person = Person::in_region(&world, "ap-northeast-1").await;
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |object| object.spec.notebooks.clear());
    let made = world.settle(&mut tenant).await;
    assert_ready(&made.report);
    world.simulator.clear_log();
    (world, tenant, person)
}

fn id(tenant: &Tenant, address: &str) -> String {
    tenant.remembered[&address.parse().expect("an address")].clone()
}

fn drift<'a>(visit: &'a Visit, path: &str) -> &'a Drift {
    let paths: Vec<_> = visit.report.drift.iter().map(|drift| format!("{} {}", drift.address, drift.path)).collect();
    let found = visit.report.drift.iter().find(|drift| drift.path == path);
    found.unwrap_or_else(|| panic!("{path} is not among {paths:?}"))
}

#[tokio::test(start_paused = true)]
async fn a_hole_in_the_route_table_is_closed_and_the_foreign_gateway_stays() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let (vpc, table) = (id(&tenant, "VPC/main"), id(&tenant, "RouteTable/main"));
    let gateway = person.internet_gateway(&vpc).await;
    let route =
        person.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0").gateway_id(&gateway);
    route.send().await.expect("a route");
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    let hole = drift(&visit, &format!("routes[0.0.0.0/0 via {gateway}]"));
    assert_eq!((hole.kind, hole.severity, hole.action), (DriftKind::Unexpected, Severity::High, Action::Correct));
    assert_eq!(world.writes(), ["DeleteRoute"]);
    assert_ready(&world.settle(&mut tenant).await.report);
    let gateways = person.ec2.describe_internet_gateways().send().await.expect("gateways").internet_gateways;
    assert_eq!(gateways.unwrap_or_default().len(), 1, "what is not ours is not deleted");
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_was_moved_to_another_table_is_moved_back_without_a_moment_in_the_main_table() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let (vpc, subnet) = (id(&tenant, "VPC/main"), id(&tenant, "Subnet/a"));
    let other = person.ec2.create_route_table().vpc_id(&vpc).send().await.expect("a table").route_table.expect("it");
    let tables = person.ec2.describe_route_tables().send().await.expect("tables").route_tables.unwrap_or_default();
    let associations = tables.iter().flat_map(|table| table.associations.as_deref().unwrap_or_default());
    let association = associations
        .filter(|it| it.subnet_id.as_ref() == Some(&subnet))
        .find_map(|it| it.route_table_association_id.clone());
    let replace = person.ec2.replace_route_table_association().association_id(association.expect("an association"));
    replace.route_table_id(other.route_table_id.expect("its id")).send().await.expect("moved");
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    assert_eq!(drift(&visit, &format!("associations[{subnet}]")).kind, DriftKind::Missing);
    assert_eq!(world.writes(), ["ReplaceRouteTableAssociation"]);
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn rules_that_were_added_to_our_groups_go_and_wanted_ones_come_back_first() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let group = id(&tenant, "SecurityGroup/endpoints");
    let wanted = person.rules(&group).await;
    assert_eq!(wanted.len(), 1, "neither default egress nor anything else: {wanted:?}");
    let revoke = person.ec2.revoke_security_group_ingress().group_id(&group);
    revoke.security_group_rule_ids(wanted[0].security_group_rule_id().expect("its id")).send().await.expect("revoked");
    person.let_in(&group, "0.0.0.0/0", 443).await;
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    assert_eq!(drift(&visit, "ingress[tcp 443 from 0.0.0.0/0]").severity, Severity::High);
    assert_eq!(world.writes(), ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]);
    assert_ready(&world.settle(&mut tenant).await.report);
    let rules = person.rules(&group).await;
    assert_eq!(rules.len(), 1);
    assert!(rules[0].tags().iter().any(|tag| tag.key() == Some("cloister.dev/resource")), "{rules:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_group_lacks_is_put_right_although_another_group_that_its_rules_are_about_is_missing() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    tenant.edit(|object| object.spec.network.client_cidrs = vec!["192.168.0.0/16".into()]);
    assert_ready(&world.settle(&mut tenant).await.report);
    let (endpoints, notebooks) = (id(&tenant, "SecurityGroup/endpoints"), id(&tenant, "SecurityGroup/notebooks"));
    let all = person.rules(&endpoints).await.into_iter().filter_map(|rule| rule.security_group_rule_id).collect();
    let revoke = person.ec2.revoke_security_group_ingress().group_id(&endpoints).set_security_group_rule_ids(Some(all));
    revoke.send().await.expect("revoked");
    person.ec2.delete_security_group().group_id(&notebooks).send().await.expect("deleted");
    person.let_in(&endpoints, "0.0.0.0/0", 443).await;
    let refused = Fault::on(Service::Ec2, "CreateSecurityGroup", Occurrence::All, Kind::ServerError(500));
    world.simulator.faults().add(refused);
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    assert_eq!(drift(&visit, "ingress[tcp 443 from 192.168.0.0/16]").kind, DriftKind::Missing);
    assert_eq!(drift(&visit, "ingress[tcp 443 from 0.0.0.0/0]").kind, DriftKind::Unexpected);
    let blocks = async || {
        let rules = person.rules(&endpoints).await.into_iter();
        let peers =
            rules.filter_map(|rule| rule.cidr_ipv4.or(rule.referenced_group_info.and_then(|info| info.group_id)));
        peers.collect::<Vec<_>>()
    };
    assert_eq!(blocks().await, ["192.168.0.0/16"]);
    world.simulator.faults().clear();
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(blocks().await.len(), 2);
    assert!(!blocks().await.contains(&notebooks));
}

#[tokio::test(start_paused = true)]
async fn a_wanted_rule_that_somebody_else_made_satisfies_and_stays_theirs() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let group = id(&tenant, "SecurityGroup/endpoints");
    person.let_in(&group, "192.168.0.0/16", 443).await;
    world.simulator.clear_log();
    tenant.edit(|object| object.spec.network.client_cidrs = vec!["192.168.0.0/16".into()]);
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_opened_is_closed_at_once_also_when_its_name_is_taken_for_a_while() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let endpoint = person.endpoint("sts").await.vpc_endpoint_id.expect("its id");
    let open = r#"{"Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    let modify = person.ec2.modify_vpc_endpoint().vpc_endpoint_id(&endpoint).policy_document(open);
    modify.private_dns_enabled(false).send().await.expect("modified");
    // Not the full time of a check: AWS still holds the name back.
    tokio::time::sleep(Delays::real().endpoint_modify).await;
    tenant.edit(|_| ());
    world.simulator.clear_log();

    let visit = world.visit(&mut tenant).await;
    assert_eq!(drift(&visit, "policy.Statement[Open]").severity, Severity::High);
    assert_eq!(drift(&visit, "privateDNSEnabled").observed.as_deref(), Some("false"));
    let calls = world.calls();
    let codes: Vec<_> = calls.iter().filter(|call| call.write).map(|call| call.code.as_deref()).collect();
    assert_eq!(codes, [None], "the policy goes through at once, the name comes after it");
    let policy = person.endpoint("sts").await.policy_document.expect("a policy");
    assert!(!policy.contains("Open"), "{policy}");
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(person.endpoint("sts").await.private_dns_enabled, Some(true));
}

#[tokio::test(start_paused = true)]
async fn when_all_groups_of_an_endpoint_are_foreign_ours_comes_before_they_go() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let (vpc, ours) = (id(&tenant, "VPC/main"), id(&tenant, "SecurityGroup/endpoints"));
    let created = person.ec2.create_security_group().group_name("theirs").description("x").vpc_id(&vpc).send().await;
    let theirs = created.expect("a group").group_id.expect("its id");
    let endpoint = person.endpoint("logs").await.vpc_endpoint_id.expect("its id");
    let swap = person.ec2.modify_vpc_endpoint().vpc_endpoint_id(&endpoint);
    swap.add_security_group_ids(&theirs).remove_security_group_ids(&ours).send().await.expect("swapped");
    tokio::time::sleep(Delays::real().endpoint_modify).await;
    world.simulator.clear_log();

    world.check(&mut tenant).await;
    assert_ready(&world.settle(&mut tenant).await.report);
    let modifications: Vec<_> = world.calls().into_iter().filter(|call| call.write).map(|call| call.params).collect();
    assert_eq!(modifications.len(), 2, "{modifications:?}");
    assert!(modifications[0].get("AddSecurityGroupId").is_some(), "{modifications:?}");
    assert!(modifications[1].get("RemoveSecurityGroupId").is_some(), "{modifications:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_deleted_by_hand_is_made_again_even_if_nobody_remembers_it() {
    let (mut world, mut tenant, person) = closed_network(Delays::real()).await;
    let endpoint = person.endpoint("sts").await.vpc_endpoint_id.expect("its id");
    person.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&endpoint).send().await.expect("deleted");
    tokio::time::sleep(Delays::real().endpoint_delete).await;
    // Neither this process nor the status knows the id: the client token is the one that the deleted endpoint was made with.
    world.restart();
    tenant.remembered.clear();
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_ne!(person.endpoint("sts").await.vpc_endpoint_id.expect("its id"), endpoint);
}

/// Settles although a call got no answer: a person is told so, and the looks that follow find out what became of it.
async fn get_over_a_lost_answer(world: &World, tenant: &mut Tenant) {
    let mut made = world.settle(tenant).await;
    while let Next::Retry(ErrorClass::Unknown) = made.report.next {
        made = world.settle(tenant).await;
    }
    assert_ready(&made.report);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_never_makes_a_second_one() {
    for operation in
        ["CreateSubnet", "CreateRouteTable", "CreateSecurityGroup", "AuthorizeSecurityGroupEgress", "CreateVpcEndpoint"]
    {
        let mut world = World::new(Delays::real());
        let person = Person::in_region(&world, "ap-northeast-1").await;
        world.with_boundary().await;
        let untouched = person.everything().await.len();
        world.simulator.faults().add(Fault::on(Service::Ec2, operation, Occurrence::First(1), Kind::LostReply));
        let mut tenant = Tenant::of("closed-network.yaml", |object| object.spec.notebooks.clear());
        world.visit(&mut tenant).await;
        world.restart();
        get_over_a_lost_answer(&world, &mut tenant).await;
        let there = person.everything().await.len() - untouched;
        // VPC with main table and default group (two default rules of its own), subnet, table, two groups with three rules, seven endpoints.
        assert_eq!(there, 3 + 2 + 1 + 1 + 2 + 3 + 7, "after {operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpc_whose_creation_was_not_answered_is_looked_for_and_not_asked_for_again() {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    world.simulator.faults().add(Fault::on(Service::Ec2, "CreateVpc", Occurrence::First(1), Kind::LostReply));
    let mut tenant = Tenant::of("closed-network.yaml", |object| object.spec.notebooks.clear());
    world.visit(&mut tenant).await;
    world.restart();
    get_over_a_lost_answer(&world, &mut tenant).await;
    let asked = world.simulator.log().into_iter().filter(|entry| entry.operation == "CreateVpc").count();
    assert_eq!(asked, 1, "AWS makes a VPC each time it is asked");
}

#[tokio::test(start_paused = true)]
async fn deleting_leaves_nothing_and_retaining_leaves_everything_but_our_tags() {
    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    let made = person.everything().await;
    assert!(person.owner_tags().await > 0);
    tenant.edit(|object| object.spec.deletion_policy = DeletionPolicy::Retain);
    world.delete(&mut tenant).await;
    assert_eq!(person.everything().await, made);
    assert_eq!(person.owner_tags().await, 0);

    let (world, mut tenant, person) = closed_network(Delays::real()).await;
    world.delete(&mut tenant).await;
    assert_eq!(person.everything().await, BTreeSet::new());
}

/// Scenario C in a VPC made by hand: its table, subnet and group are foreign.
struct Foreign {
    vpc: String,
    subnet: String,
    group: String,
}

impl Foreign {
    async fn made_by(person: &Person) -> Self {
        let by_hand = TagSpecification::builder()
            .resource_type(ResourceType::Vpc)
            .tags(Tag::builder().key("team").value("network").build())
            .build();
        let vpc = person.ec2.create_vpc().cidr_block("10.8.0.0/16").tag_specifications(by_hand).send().await;
        let vpc = vpc.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id).expect("its id");
        let on = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true).build();
        person.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on).send().await.expect("host names");
        let subnet = person.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.8.1.0/24").send().await;
        let subnet = subnet.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id).expect("its id");
        let group = person.ec2.create_security_group().group_name("notebooks").description("x").vpc_id(&vpc);
        let group = group.send().await.expect("a group").group_id.expect("its id");
        Self { vpc, subnet, group }
    }

    fn tenant(&self) -> Tenant {
        Tenant::of("isolated-sagemaker.yaml", |object| {
            let network = &mut object.spec.network;
            network.vpc.id = Some(self.vpc.clone());
            network.subnets[0].id = Some(self.subnet.clone());
            network.security_groups.notebooks.as_mut().expect("a group").id.clone_from(&self.group);
            object.spec.notebooks.clear();
        })
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_existing_network_only_what_was_asked_for_comes_and_goes() {
    let world = World::new(Delays::real());
    let person = Person::in_region(&world, "us-east-1").await;
    let role = person.iam.create_role().role_name("GeneralIsolatedNotebook").assume_role_policy_document(TRUST);
    role.send().await.expect("a role");
    let foreign = Foreign::made_by(&person).await;
    let before = person.everything().await;

    let mut tenant = foreign.tenant();
    let made = world.settle(&mut tenant).await;
    truth(&made.report, conditions::NETWORK_READY).expect("NetworkReady");
    for service in ["codeartifact.api", "codeartifact.repositories"] {
        let endpoint = person.endpoint(service).await;
        assert_eq!(endpoint.subnet_ids(), std::slice::from_ref(&foreign.subnet));
    }
    let group = id(&tenant, "SecurityGroup/endpoints");
    let sources: BTreeSet<String> = person
        .rules(&group)
        .await
        .into_iter()
        .filter_map(|rule| rule.cidr_ipv4.or(rule.referenced_group_info.and_then(|info| info.group_id)))
        .collect();
    assert_eq!(sources, BTreeSet::from(["10.8.0.0/16".to_owned(), foreign.group.clone()]));

    world.delete(&mut tenant).await;
    assert_eq!(person.everything().await, before);
}

#[tokio::test(start_paused = true)]
async fn an_existing_group_that_lets_anybody_in_or_too_little_out_is_named_and_not_touched() {
    let world = World::new(Delays::real());
    let person = Person::in_region(&world, "us-east-1").await;
    let foreign = Foreign::made_by(&person).await;
    let egress = person.rules(&foreign.group).await.into_iter().find_map(|rule| rule.security_group_rule_id);
    let revoke = person.ec2.revoke_security_group_egress().group_id(&foreign.group);
    revoke.security_group_rule_ids(egress.expect("the default rule")).send().await.expect("revoked");
    person.let_in(&foreign.group, "0.0.0.0/0", 8443).await;
    let rules = person.rules(&foreign.group).await.len();

    let mut tenant = foreign.tenant();
    world.visit(&mut tenant).await;
    let visit = world.check(&mut tenant).await;
    let open = drift(&visit, "ingress[tcp 8443 from 0.0.0.0/0]");
    assert_eq!((open.severity, open.action), (Severity::High, Action::Report));
    let endpoints = id(&tenant, "SecurityGroup/endpoints");
    let lacking = drift(&visit, &format!("egress[tcp 443 to {endpoints}]"));
    let words = lacking.observed.clone().unwrap_or_default();
    assert!(words.contains(&format!("authorize-security-group-egress --group-id {}", foreign.group)), "{words}");
    assert_eq!(person.rules(&foreign.group).await.len(), rules);
}
