//! Calls that AWS rations are shared: many environments at once stay below what AWS takes, and none waits for another one to be through.

use std::{collections::BTreeMap, time::Duration};

use cloister::{
    model::report::conditions,
    sandbox::{
        Settings,
        world::{Delays, Quotas},
    },
};

use crate::world::{Tenant, World, truth};

const ENVIRONMENTS: u32 = 10;
const ENDPOINTS: u32 = 7;
/// How many endpoints AWS lets be created at once.
const BURST: u32 = 4;

#[tokio::test(start_paused = true)]
async fn ten_environments_side_by_side_are_never_throttled_and_take_turns() {
    let quotas = Quotas { vpcs_per_region: 10, ..Quotas::default() };
    let world = World::with(Settings { quotas, enforce_throttle: true, ..Settings::with_delays(Delays::real()) });
    world.with_boundary().await;
    let mut tenants: Vec<Tenant> = (0..ENVIRONMENTS).map(tenant).collect();
    let begun = tokio::time::Instant::now();
    let mut ready = 0;
    for _ in 0..400 {
        ready = 0;
        for tenant in &mut tenants {
            let visit = world.visit(tenant).await;
            ready += u32::from(truth(&visit.report, conditions::READY).is_ok());
        }
        if ready == ENVIRONMENTS {
            break;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(ready, ENVIRONMENTS);
    let took = begun.elapsed();
    println!("{ENVIRONMENTS} environments side by side: {} s", took.as_secs());
    // What AWS's budget forces, then the last endpoint and its notebook.
    let forced = Duration::from_secs_f64(f64::from(ENVIRONMENTS * ENDPOINTS - BURST) / 0.3);
    let delays = Delays::real();
    assert!(took <= forced + delays.endpoint_create + delays.notebook_start, "{took:?}, forced are {forced:?}");

    let throttled = world.calls().into_iter().filter(|entry| entry.code.as_deref() == Some("RequestLimitExceeded"));
    assert_eq!(throttled.map(|entry| entry.operation).collect::<Vec<_>>(), Vec::<String>::new());
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    for entry in world.calls().into_iter().filter(|entry| entry.operation == "CreateVpcEndpoint") {
        *made.entry(entry.params["VpcId"].to_string()).or_default() += 1;
        let most = made.values().max().copied().unwrap_or_default();
        let least = if u32::try_from(made.len()) == Ok(ENVIRONMENTS) {
            made.values().min().copied().unwrap_or_default()
        } else {
            0
        };
        // Who came first had what AWS takes at once; from then on all take turns.
        assert!(most <= least + BURST + 1, "{made:?}");
    }
}

fn tenant(number: u32) -> Tenant {
    Tenant::of("closed-network.yaml", |object| {
        object.metadata.name = Some(format!("team-{number}"));
        object.metadata.uid = Some(format!("uid-of-team-{number}"));
        object.spec.packages.domain.name = format!("domain-{number}");
        object.spec.notebooks[0].name = format!("notebook-{number}");
    })
}
