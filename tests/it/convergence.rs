//! Whole scenarios against the simulated AWS, in virtual time: made from nothing, kept without a write, deleted without a trace.

use std::time::Duration;

use cloister::{
    model::report::{Next, conditions},
    sandbox::world::Delays,
};

use crate::world::{Tenant, Visit, World, assert_ready, truth};

#[tokio::test(start_paused = true)]
async fn a_closed_network_is_made_kept_and_deleted() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    let begun = tokio::time::Instant::now();
    let (made, created) = settle_counting(&world, &mut tenant).await;
    let took = begun.elapsed();
    assert_ready(&made.report);
    for condition in [conditions::IN_SYNC, conditions::ISOLATED, conditions::NETWORK_READY] {
        truth(&made.report, condition).expect(condition);
    }
    let create = Count::of(&world);
    let polls = create.polls();
    println!(
        "scenario A, create: {create}, {polls} of them polls; {} resources; {} s",
        made.report.total,
        took.as_secs()
    );
    assert!(create.total() - polls <= 3 * made.report.total, "no more than three calls for each resource");
    // What does not wait for each other is begun side by side: most of it in the first visit, all of it in a few.
    println!("scenario A, create: things made by each visit that wrote: {created:?}");
    let (visits, most) = (created.len(), created.iter().max().copied().unwrap_or_default());
    assert!(visits <= 5, "{visits} visits wrote something, one after the other they would be {}", made.report.total);
    assert!(most * 2 >= made.report.total, "no visit made more than {most} things of {}", made.report.total);
    // The longest chain: room for seven endpoints in AWS's budget, then the notebook's start; everything else happens beside it.
    let delays = Delays::real();
    let critical = Duration::from_secs(12) + delays.notebook_start;
    let one_by_one = delays.endpoint_create * 7 + delays.notebook_start;
    assert!(took <= critical + Duration::from_secs(30), "{took:?} for a critical path of {critical:?}");
    assert!(took < one_by_one / 2, "{took:?}, one after the other would be {one_by_one:?}");

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

#[tokio::test(start_paused = true)]
async fn an_isolated_notebook_gets_its_packages_and_loses_them_again() {
    for example in ["isolated-sagemaker.yaml", "isolated-sagemaker-as-published.yaml"] {
        let world = World::new(Delays::real());
        let existing = world.isolated_notebook("us-east-1", 0).await;
        let mut tenant = existing.tenant(example, "isolated-sagemaker");
        let made = world.settle(&mut tenant).await;
        assert_ready(&made.report);
        for condition in [conditions::IN_SYNC, conditions::ISOLATED, conditions::NETWORK_READY] {
            truth(&made.report, condition).expect(condition);
        }
        println!("{example}, create: {}; {} resources", Count::of(&world), made.report.total);

        world.simulator.clear_log();
        for _ in 0..3 {
            assert_ready(&world.check(&mut tenant).await.report);
        }
        println!("{example}, three checks: {}", Count::of(&world));
        assert_eq!(world.writes(), Vec::<String>::new(), "a check of what is as asked writes nothing");

        world.simulator.clear_log();
        let report = world.delete(&mut tenant).await;
        assert_eq!(report.next, Next::Gone, "{:#?}", report.facts);
        println!("{example}, delete: {}", Count::of(&world));
    }
}

/// AWS may describe what is new only after a moment. Nobody is to take that for an invitation to make it again.
#[tokio::test(start_paused = true)]
async fn what_is_not_described_yet_is_not_made_again() {
    let created = async |delays: Delays| {
        let world = World::new(delays);
        world.with_boundary().await;
        world.simulator.clear_log();
        let mut tenant = Tenant::of("closed-network.yaml", |_| {});
        assert_ready(&world.settle(&mut tenant).await.report);
        let mut created: Vec<String> =
            world.writes().into_iter().filter(|operation| operation.starts_with("Create")).collect();
        created.sort();
        world.simulator.clear_log();
        for _ in 0..3 {
            assert_ready(&world.check(&mut tenant).await.report);
        }
        assert_eq!(world.writes(), Vec::<String>::new(), "a check of what is as asked writes nothing");
        let report = world.delete(&mut tenant).await;
        assert_eq!(report.next, Next::Gone, "{:#?}", report.facts);
        created
    };
    assert_eq!(created(Delays::real().lagging()).await, created(Delays::real()).await);
}

/// Visits until there is nothing left to wait for, and how many things each of them that wrote something made.
async fn settle_counting(world: &World, tenant: &mut Tenant) -> (Visit, Vec<usize>) {
    let mut created = Vec::new();
    for _ in 0..100 {
        let before = world.writes().len();
        let visit = world.visit(tenant).await;
        let writes = world.writes().split_off(before);
        if !writes.is_empty() {
            created.push(writes.iter().filter(|operation| operation.starts_with("Create")).count());
        }
        match visit.report.next {
            Next::Check | Next::Gone => return (visit, created),
            Next::Poll | Next::Retry(_) => tokio::time::sleep(Duration::from_secs(3)).await,
        }
    }
    panic!("the environment does not settle");
}

/// Calls by operation.
struct Count(std::collections::BTreeMap<String, usize>);

impl Count {
    fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Repeated looks at what AWS is busy with: all but the first and the last of the lists that show its progress.
    fn polls(&self) -> usize {
        let looks = |operation: &str| self.0.get(operation).copied().unwrap_or_default();
        ["DescribeVpcEndpoints", "ListNotebookInstances"].into_iter().map(|list| looks(list).saturating_sub(2)).sum()
    }

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
        write!(formatter, "{} calls {:?}", self.total(), self.0)
    }
}
