//! AWS is of several minds for a while: what was made is not shown yet, what is there is not in the list, what is gone still is.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cloister::{
    model::{
        diff::DriftKind,
        report::{Next, conditions},
    },
    sandbox::{Settings, world::Delays},
};

use crate::{
    far_side::{Exchange, closed_network, world},
    world::{Tenant, World, assert_ready, truth},
};

/// The lists of which AWS would make a second entry, and the element with the entries.
const LISTS: [(&str, &str); 5] = [
    ("DescribeVpcs", "vpcSet"),
    ("DescribeSubnets", "subnetSet"),
    ("DescribeRouteTables", "routeTableSet"),
    ("DescribeSecurityGroups", "securityGroupInfo"),
    ("DescribeVpcEndpoints", "vpcEndpointSet"),
];

/// An environment that is made, and a switch for what `change` does to the answers.
async fn made(change: impl Fn(&mut Exchange) + Send + 'static) -> (World, Tenant, Arc<AtomicBool>) {
    let (world, on) = world(change).await;
    let mut tenant = closed_network();
    assert_ready(&world.settle(&mut tenant).await.report);
    world.simulator.clear_log();
    (world, tenant, on)
}

fn creations(world: &World) -> BTreeMap<String, usize> {
    let mut creations = BTreeMap::new();
    for operation in world.writes().into_iter().filter(|operation| operation.starts_with("Create")) {
        *creations.entry(operation).or_default() += 1;
    }
    creations
}

/// Without the calls that AWS refused.
fn made_by(world: &World) -> BTreeMap<String, usize> {
    let mut creations = BTreeMap::new();
    let done = world.calls().into_iter().filter(|entry| entry.write && entry.code.is_none());
    for entry in done.filter(|entry| entry.operation.starts_with("Create")) {
        *creations.entry(entry.operation).or_default() += 1;
    }
    creations
}

#[tokio::test(start_paused = true)]
async fn what_aws_does_not_show_for_four_minutes_is_waited_for_and_made_once() {
    let settings =
        Settings { delays: Delays { visibility: Duration::from_mins(4), ..Delays::real() }, ..Settings::default() };
    let world = World::with(settings);
    world.with_boundary().await;
    let mut tenant = closed_network();
    for _ in 0..400 {
        let visit = world.visit(&mut tenant).await;
        assert!(truth(&visit.report, conditions::STALLED).is_err(), "{:?}", visit.report.fact(conditions::STALLED));
        if truth(&visit.report, conditions::READY).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    let made = made_by(&world);
    for (operation, count) in
        [("CreateVpc", 1), ("CreateSubnet", 1), ("CreateRouteTable", 1), ("CreateSecurityGroup", 2)]
    {
        assert_eq!(made.get(operation), Some(&count), "{made:?}");
    }
    assert_eq!(made.get("CreateVpcEndpoint"), Some(&7), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_list_lacks_for_a_while_is_asked_for_by_its_id_and_not_made_again() {
    for (operation, entries) in LISTS {
        let (world, mut tenant, lacking) = made(move |exchange| {
            if exchange.is_list(operation) {
                exchange.leave_out(entries);
            }
        })
        .await;
        // A check, and what follows it for longer than anything just seen may be missing.
        tokio::time::sleep(Duration::from_mins(5)).await;
        lacking.store(true, Ordering::Relaxed);
        for _ in 0..12 {
            let visit = world.visit(&mut tenant).await;
            let missing: Vec<_> = visit.plan.drift.iter().filter(|drift| drift.kind == DriftKind::Missing).collect();
            assert!(missing.iter().all(|drift| !drift.path.is_empty()), "{operation}: told as gone: {missing:?}");
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        assert_eq!(creations(&world), BTreeMap::new(), "{operation}");
        lacking.store(false, Ordering::Relaxed);
        assert_ready(&world.settle(&mut tenant).await.report);
    }
}

#[tokio::test(start_paused = true)]
async fn when_aws_shows_nothing_at_all_nothing_is_made_and_no_deletion_ends() {
    let (world, mut tenant, blank) = made(|exchange| {
        if let Some((_, entries)) = LISTS.iter().find(|(operation, _)| *operation == exchange.operation) {
            exchange.leave_out(entries);
        }
    })
    .await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    blank.store(true, Ordering::Relaxed);
    for _ in 0..12 {
        world.visit(&mut tenant).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(creations(&world), BTreeMap::new());
    for _ in 0..10 {
        let report = world.visit_deletion(&mut tenant).await;
        assert_ne!(report.next, Next::Gone, "the finalizer would go while everything is there");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    blank.store(false, Ordering::Relaxed);
    world.delete(&mut tenant).await;
    let vpcs = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await).describe_vpcs().send().await;
    assert!(vpcs.expect("a list").vpcs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_by_hand_is_told_at_once_and_made_again_when_aws_stays_with_it() {
    let (world, mut tenant, _) = made(|_| {}).await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await);
    let endpoints = ec2.describe_vpc_endpoints().send().await.expect("a list");
    let id = endpoints
        .vpc_endpoints()
        .iter()
        .find(|it| it.service_name().is_some_and(|name| name.rsplit('.').next() == Some("logs")));
    let id = id.and_then(|endpoint| endpoint.vpc_endpoint_id()).expect("its id");
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let visit = world.visit(&mut tenant).await;
    assert!(visit.plan.drift.iter().any(|drift| drift.kind == DriftKind::Missing && drift.path.is_empty()));
    assert_eq!(creations(&world), BTreeMap::new(), "one look is not enough");
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(creations(&world).get("CreateVpcEndpoint"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_vpc_that_is_still_listed_but_has_no_attributes_any_more_is_no_standstill() {
    let (world, mut tenant, on) = made(|exchange| {
        if exchange.operation == "DescribeVpcAttribute" {
            exchange.refuse("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
        }
    })
    .await;
    on.store(true, Ordering::Relaxed);
    let visit = world.check(&mut tenant).await;
    assert!(truth(&visit.report, conditions::READY).is_err(), "what was not seen is not told as ready");
    assert_eq!(world.writes(), Vec::<String>::new());
    // Listed, though AWS has deleted it: the deletion is asked for once more, and comes to its end.
    for _ in 0..200 {
        if world.visit_deletion(&mut tenant).await.next == Next::Gone {
            return;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    panic!("the deletion does not end");
}

#[tokio::test(start_paused = true)]
async fn a_dns_attribute_that_aws_does_not_tell_is_not_set() {
    let (world, mut tenant, on) = made(|exchange| {
        if exchange.operation == "DescribeVpcAttribute" {
            exchange.leave_out("enableDnsSupport");
            exchange.leave_out("enableDnsHostnames");
        }
    })
    .await;
    on.store(true, Ordering::Relaxed);
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}
