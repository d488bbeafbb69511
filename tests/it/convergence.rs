//! Whole scenarios against the simulated AWS, in virtual time: made from nothing, kept without a write, deleted without a trace.

use cloister::{model::report::{Next, conditions}, sandbox::world::Delays};

use crate::world::{ACCOUNT, Tenant, World, assert_ready, truth};

/// The boundary that the examples' identity requires.
async fn with_boundary(world: &World) {
    let create = "Action=CreatePolicy&Version=2010-05-08&PolicyName=CloisterNotebookBoundary&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
    let scope = format!("AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261122/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0");
    let request = http::Request::post("https://iam.amazonaws.com/")
        .header("authorization", scope)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(bytes::Bytes::from(create))
        .expect("a request");
    assert!(world.simulator.handle(request).await.status().is_success());
    world.simulator.clear_log();
}

#[tokio::test(start_paused = true)]
async fn a_closed_network_is_made_kept_and_deleted() {
    let world = World::new(Delays::real());
    with_boundary(&world).await;
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    let made = world.settle(&mut tenant).await;
    assert_ready(&made.report);
    truth(&made.report, conditions::IN_SYNC).expect("InSync");
    let create = Count::of(&world);
    println!("scenario A, create: {create}; {} resources", made.report.total);

    world.simulator.clear_log();
    for _ in 0..3 {
        let visit = world.check(&mut tenant).await;
        assert_ready(&visit.report);
    }
    println!("scenario A, three checks: {}", Count::of(&world));
    assert_eq!(world.writes(), Vec::<String>::new(), "a check of what is as asked writes nothing");

    world.simulator.clear_log();
    let report = world.delete(&mut tenant).await;
    assert_eq!(report.next, Next::Gone, "{:#?}", report.facts);
    println!("scenario A, delete: {}", Count::of(&world));
}

/// Calls by operation.
struct Count(std::collections::BTreeMap<String, usize>);

impl Count {
    fn of(world: &World) -> Self {
        let mut counts = std::collections::BTreeMap::new();
        for entry in world.calls() {
            *counts.entry(entry.operation).or_default() += 1;
        }
        Self(counts)
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} calls {:?}", self.0.values().sum::<usize>(), self.0)
    }
}
