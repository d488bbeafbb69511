//! Answers of EC2 that AWS's documentation allows and that the simulator does not give: pages where others give one list, fields left out, other
//! words, refusals that come from elsewhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cloister::{
    model::report::{Next, conditions},
    sandbox::world::Delays,
};

use crate::{
    far_side::{Exchange, closed_network, world},
    hands::stalled,
    world::{Tenant, World, assert_ready, truth},
};

const SERVICES: &str = "DescribeVpcEndpointServices";

/// A world in which the environment is made before anything is done to the answers.
async fn made(change: impl Fn(&mut Exchange) + Send + 'static) -> (World, Arc<AtomicBool>, Tenant) {
    let (world, on) = world(change).await;
    let mut tenant = closed_network();
    assert_ready(&world.settle(&mut tenant).await.report);
    world.simulator.clear_log();
    on.store(true, Ordering::Relaxed);
    (world, on, tenant)
}

#[tokio::test(start_paused = true)]
async fn endpoint_services_on_a_second_page_are_offered_too() {
    let (world, on) = world(|exchange| {
        if exchange.operation == SERVICES && !exchange.request.contains("NextToken=") {
            exchange.leave_out("serviceDetailSet");
            exchange.leave_out("serviceNameSet");
            let end = exchange.body.rfind("</").expect("a document");
            // Of the simulator: everything that comes after a blank.
            exchange.body.insert_str(end, "<nextToken>YWZ0ZXI6IA</nextToken>");
        }
    })
    .await;
    on.store(true, Ordering::Relaxed);
    assert_ready(&world.settle(&mut closed_network()).await.report);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_offers_nothing_for_a_moment_is_not_believed_and_one_service_less_not_for_long() {
    for all in [true, false] {
        let (world, on) = world(move |exchange| {
            if exchange.operation == SERVICES && all {
                exchange.leave_out("serviceDetailSet");
                exchange.leave_out("serviceNameSet");
            } else if exchange.operation == SERVICES {
                exchange.body = exchange.body.replace("ap-northeast-1.sts<", "ap-northeast-1.other<");
            }
        })
        .await;
        on.store(true, Ordering::Relaxed);
        let mut tenant = closed_network();
        let visit = world.settle(&mut tenant).await;
        if all {
            assert_ready(&visit.report);
            continue;
        }
        assert!(stalled(&visit.report).starts_with("ServiceNotOffered "), "{}", stalled(&visit.report));
        on.store(false, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_ready(&world.settle(&mut tenant).await.report);
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_leaves_out_of_an_endpoint_is_not_written() {
    for element in ["groupSet", "subnetIdSet", "policyDocument", "privateDnsEnabled", "state", "dnsEntrySet"] {
        let (world, _, mut tenant) = made(move |exchange| {
            if exchange.operation == "DescribeVpcEndpoints" {
                exchange.leave_out(element);
            }
        })
        .await;
        for _ in 0..3 {
            world.check(&mut tenant).await;
        }
        assert_eq!(world.writes(), Vec::<String>::new(), "{element}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_association_that_aws_knows_and_does_not_show_needs_nobody() {
    let (world, on, mut tenant) = made(|exchange| {
        if exchange.operation == "DescribeRouteTables" {
            exchange.leave_out("associationSet");
        }
    })
    .await;
    let visit = world.check(&mut tenant).await;
    assert!(truth(&visit.report, conditions::STALLED).is_err(), "{}", stalled(&visit.report));
    on.store(false, Ordering::Relaxed);
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn interfaces_of_notebooks_are_waited_for_however_they_are_described() {
    const WORDS: [&str; 3] = ["ENI managed by SageMaker for NotebookInstance ", "Amazon SageMaker: ", ""];
    for words in WORDS {
        let (world, on) = world(move |exchange| {
            let (begin, end) = ("[DO NOT DELETE]", "notebook-instance/");
            while let Some(at) = exchange.body.find(begin) {
                let until = exchange.body[at..].find(if words.is_empty() { "<" } else { end }).expect("an end");
                let until = until + if words.is_empty() { 0 } else { end.len() };
                exchange.body.replace_range(at..at + until, words);
            }
        })
        .await;
        let mut tenant = Tenant::of("closed-network.yaml", |_| {});
        assert_ready(&world.settle(&mut tenant).await.report);
        on.store(true, Ordering::Relaxed);
        let mut stuck = Vec::new();
        let told = |report: &_| {
            if truth(report, conditions::STALLED).is_ok() {
                stuck.push(stalled(report));
            }
        };
        let end = world.delete_seeing(&mut tenant, told).await;
        assert_eq!((end.next, stuck), (Next::Gone, Vec::new()), "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_name_that_stays_taken_becomes_the_matter_of_a_person() {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let on = Arc::new(AtomicBool::new(true));
    let taken = Arc::clone(&on);
    world.refuses(move |exchange| {
        let of_sts = exchange.operation == "CreateVpcEndpoint" && exchange.request.contains("ap-northeast-1.sts&");
        if of_sts && taken.load(Ordering::Relaxed) {
            let words = "private-dns-enabled cannot be set because there is already a conflicting DNS domain for sts in the VPC";
            exchange.refuse("InvalidParameter", words);
        }
    });
    let mut tenant = closed_network();
    let mut told = Vec::new();
    for minute in 0..40 {
        let visit = world.visit(&mut tenant).await;
        let why = stalled(&visit.report);
        if why.starts_with("PrivateDNSConflict ") {
            assert!(why.contains("conflicting DNS domain") && why.contains("VPCEndpoint/STS"), "{why}");
            told.push(minute);
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert!(told.first().is_some_and(|first| *first >= 20), "AWS may give it free for ten minutes: {told:?}");
    on.store(false, Ordering::Relaxed);
    assert_ready(&world.settle(&mut tenant).await.report);
}
