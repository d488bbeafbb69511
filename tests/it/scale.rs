//! One look serves all: a hundred environments of scenario C in one account and region, their repositories in ten shared domains.

use std::collections::BTreeMap;

use cloister::{
    model::report::conditions,
    sandbox::{
        Settings,
        world::{Delays, Quotas},
    },
};

use crate::world::{Tenant, World, assert_ready, truth};

const ENVIRONMENTS: usize = 100;
const DOMAINS: usize = 10;
const REGION: &str = "us-east-1";

/// The environment `number`: the first of each domain manages the domain and its store, the others share them.
async fn tenant(world: &World, number: usize) -> Tenant {
    let existing = world.isolated_notebook(REGION, number + 1).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", &format!("team-{number:03}"));
    let domain = number % DOMAINS;
    let packages = &mut tenant.object.spec.packages;
    packages.domain.name = format!("shared-{domain}");
    packages.repositories[1].name = format!("team-{number:03}");
    if let Some(install) = &mut packages.install {
        install.repository = format!("team-{number:03}");
    }
    if number >= DOMAINS {
        packages.domain.existing = true;
        packages.repositories[0].existing = Some(true);
        packages.repositories[0].external_connection = None;
    }
    tenant
}

#[tokio::test(start_paused = true)]
async fn a_round_of_checks_reads_no_more_than_aws_forces() {
    let quotas = Quotas { vpcs_per_region: 200, notebooks: 200, ..Quotas::default() };
    let world = World::with(Settings { delays: Delays::none(), quotas, ..Settings::default() });
    let mut tenants = Vec::new();
    for number in 0..ENVIRONMENTS {
        let mut tenant = tenant(&world, number).await;
        assert_ready(&world.settle(&mut tenant).await.report);
        tenants.push(tenant);
    }

    // A first round lets everybody see what the others made.
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    for tenant in &mut tenants {
        world.visit(tenant).await;
    }
    world.simulator.clear_log();
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    for tenant in &mut tenants {
        let report = world.visit(tenant).await.report;
        assert_ready(&report);
        truth(&report, conditions::ISOLATED).expect("Isolated");
        truth(&report, conditions::NETWORK_READY).expect("NetworkReady");
    }

    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for entry in world.calls() {
        assert!(!entry.write, "a check writes nothing: {}", entry.operation);
        *calls.entry(entry.operation).or_default() += 1;
    }
    let total: usize = calls.values().sum();
    println!("{ENVIRONMENTS} environments, one round of checks: {total} calls {calls:?}");
    let repositories = ENVIRONMENTS + DOMAINS;
    let forced = [
        ("DescribeRepository", repositories),
        ("GetRepositoryPermissionsPolicy", repositories),
        ("GetDomainPermissionsPolicy", DOMAINS),
        ("DescribeVpcAttribute", 2 * ENVIRONMENTS),
    ];
    for (operation, most) in forced {
        let made = calls.remove(operation).unwrap_or_default();
        assert!(made <= most, "{operation}: {made} calls, {most} are forced");
    }
    for around in [
        "DescribeNetworkAcls",
        "DescribeDhcpOptions",
        "DescribeInternetGateways",
        "DescribeNatGateways",
        "DescribeEgressOnlyInternetGateways",
        "DescribeVpcPeeringConnections",
        "DescribeTransitGatewayVpcAttachments",
        "DescribeVpnGateways",
    ] {
        assert!(calls.contains_key(around), "the verdicts on a hundred networks rest on {around}");
    }
    // What is left are the pages of the bulk calls; nothing grows with the number of environments but by its pages.
    for (operation, made) in calls {
        assert!(made <= 3, "{operation}: {made} calls, its pages are at most 3");
    }
}
