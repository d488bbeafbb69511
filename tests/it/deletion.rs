//! A deletion says what it waits for, asks AWS for nothing that it would refuse, and leaves what is somebody else's alone, by name.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::types::{IpPermission, UserIdGroupPair};
use cloister::{
    model::report::{Next, Report, conditions},
    sandbox::world::Delays,
};

use crate::{
    hands::{Hands, made, stalled},
    world::{Tenant, World},
};

const REGION: &str = "ap-northeast-1";

/// An environment of scenario A that is made, and somebody who works in its network.
async fn made_with_ec2(world: &World) -> (Tenant, Hands, aws_sdk_ec2::Client) {
    let (tenant, hands) = made(world).await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk(REGION).await);
    (tenant, hands, ec2)
}

fn id(tenant: &Tenant, address: &str) -> String {
    let found = tenant.remembered.iter().find(|(known, _)| known.to_string() == address);
    found.map_or_else(|| panic!("{address} is not remembered"), |(_, id)| id.clone())
}

/// The calls by operation, and those that AWS refused.
fn calls(world: &World) -> (BTreeMap<String, usize>, Vec<String>) {
    let mut counts = BTreeMap::new();
    let mut refused = Vec::new();
    for entry in world.calls() {
        let code = entry.code.filter(|_| entry.write);
        refused.extend(code.map(|code| format!("{} {code}", entry.operation)));
        *counts.entry(entry.operation).or_default() += 1;
    }
    (counts, refused)
}

fn message(report: &Report) -> String {
    report.fact(conditions::RECONCILING).map(|fact| fact.message.clone()).unwrap_or_default()
}

/// Delete until a person is needed, and go on after that person has acted.
async fn blocked_by(world: &World, tenant: &mut Tenant, words: &[&str]) {
    let report = world.delete(tenant).await;
    let why = stalled(&report);
    assert!(why.starts_with("InUse "), "{why}");
    for word in words {
        assert!(why.contains(word), "{word} is not in: {why}");
    }
    let (_, refused) = calls(world);
    assert_eq!(refused, Vec::<String>::new(), "nothing is asked that AWS refuses");
}

async fn ends_without_a_trace(world: &World, tenant: &mut Tenant) {
    tokio::time::sleep(Duration::from_mins(1)).await;
    let report = world.delete(tenant).await;
    assert_eq!(report.next, Next::Gone, "{:#?}", report.facts);
}

#[tokio::test(start_paused = true)]
async fn lingering_interfaces_are_named_and_waited_for_without_a_call_that_aws_refuses() {
    let world = World::new(Delays::real());
    let (mut tenant, _, ec2) = made_with_ec2(&world).await;
    let subnet = id(&tenant, "Subnet/a");
    let mut named = Vec::new();
    world
        .delete_seeing(&mut tenant, |report| {
            let words = message(report);
            if words.contains("network interface eni-") {
                named.push(words);
            }
        })
        .await;
    let (counts, refused) = calls(&world);
    let total: usize = counts.values().sum();
    println!("scenario A, delete with five minutes of lingering interfaces: {total} calls {counts:?}");
    assert_eq!(refused, Vec::<String>::new());
    assert_eq!(counts["DeleteSubnet"], 1);
    assert_eq!(counts["DeleteSecurityGroup"], 2);
    assert!(total <= 150, "{total} calls: {counts:?}");
    assert!(named.iter().any(|words| words.contains("of notebook instance") && words.contains(&subnet)), "{named:?}");
    assert!(ec2.describe_subnets().send().await.expect("a list").subnets().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interface_of_somebody_in_our_subnet_keeps_it_and_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, _, ec2) = made_with_ec2(&world).await;
    let subnet = id(&tenant, "Subnet/a");
    let create = ec2.create_network_interface().subnet_id(&subnet).description("nightly job");
    let eni =
        create.send().await.expect("made").network_interface.and_then(|eni| eni.network_interface_id).expect("an id");
    world.simulator.clear_log();
    blocked_by(&world, &mut tenant, &[&subnet, &eni, "nightly job", "ec2:DeleteSubnet"]).await;
    assert!(!world.writes().contains(&"DeleteSubnet".to_owned()));
    ec2.delete_network_interface().network_interface_id(&eni).send().await.expect("deleted");
    ends_without_a_trace(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_somebody_in_our_subnet_keeps_it_and_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, _, ec2) = made_with_ec2(&world).await;
    let create = ec2
        .create_vpc_endpoint()
        .vpc_id(id(&tenant, "VPC/main"))
        .service_name(format!("com.amazonaws.{REGION}.athena"))
        .vpc_endpoint_type("Interface".into())
        .subnet_ids(id(&tenant, "Subnet/a"))
        .private_dns_enabled(false);
    let made = create.send().await.expect("made").vpc_endpoint.and_then(|made| made.vpc_endpoint_id).expect("an id");
    tokio::time::sleep(Duration::from_mins(5)).await;
    world.simulator.clear_log();
    blocked_by(&world, &mut tenant, &[&made]).await;
    let there = ec2.describe_vpc_endpoints().vpc_endpoint_ids(&made).send().await.expect("it is still there");
    assert_eq!(there.vpc_endpoints().len(), 1);
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(&made).send().await.expect("deleted");
    ends_without_a_trace(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_of_somebody_keeps_our_vpc_and_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, _, ec2) = made_with_ec2(&world).await;
    let vpc = id(&tenant, "VPC/main");
    let made = ec2.create_internet_gateway().send().await.expect("made").internet_gateway;
    let gateway = made.and_then(|made| made.internet_gateway_id).expect("an id");
    ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("attached");
    let group = ec2.create_security_group().group_name("theirs").description("theirs").vpc_id(&vpc).send().await;
    let group = group.expect("made").group_id.expect("an id");
    world.simulator.clear_log();
    blocked_by(&world, &mut tenant, &[&vpc, &gateway, &group]).await;
    assert!(!world.writes().contains(&"DeleteVpc".to_owned()));
    ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("detached");
    ec2.delete_security_group().group_id(&group).send().await.expect("deleted");
    ends_without_a_trace(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_somebody_that_refers_to_our_group_keeps_it_and_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, _, ec2) = made_with_ec2(&world).await;
    let (vpc, ours) = (id(&tenant, "VPC/main"), id(&tenant, "SecurityGroup/endpoints"));
    let group = ec2.create_security_group().group_name("theirs").description("theirs").vpc_id(&vpc).send().await;
    let group = group.expect("made").group_id.expect("an id");
    let from = UserIdGroupPair::builder().group_id(&ours).build();
    let rule = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443).user_id_group_pairs(from).build();
    let authorize = ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(rule);
    authorize.send().await.expect("a rule");
    world.simulator.clear_log();
    blocked_by(&world, &mut tenant, &[&ours, &group, "theirs"]).await;
    ec2.delete_security_group().group_id(&group).send().await.expect("deleted");
    ends_without_a_trace(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_domain_whose_key_is_lost_is_left_to_a_person_and_then_forgotten() {
    let world = World::new(Delays::short());
    let (mut tenant, hands) = made(&world).await;
    let domain = "test-artifact-domain";
    world.simulator.with_world(|aws| {
        let region = aws.account(crate::world::ACCOUNT).region(REGION);
        region.codeartifact.domain_mut(domain).expect("the domain").key_usable = false;
    });
    let report = world.delete(&mut tenant).await;
    assert!(stalled(&report).contains("encryption key"), "{}", stalled(&report));
    assert!(!world.writes().iter().any(|operation| operation == "DeleteDomain"), "{:?}", world.writes());
    hands.codeartifact.delete_domain().domain(domain).send().await.expect("deleted");
    ends_without_a_trace(&world, &mut tenant).await;
}
