//! An answer that is lost leads to no second thing; throttling and faults of AWS only take time.

use std::{collections::BTreeMap, time::Duration};

use cloister::{
    model::{
        address::Kind,
        report::{Next, conditions},
    },
    resources,
    sandbox::{
        faults::{Fault, Kind as Trouble, Occurrence},
        log::Entry,
        wire::Service,
    },
};

use super::{
    Breaches, ours,
    person::Everything,
    scenes::{Scene, Stage},
    uphold,
};
use crate::world::truth;

/// How often the SDK asks before it gives up.
const TRIES: u32 = 3;

fn counts(everything: &Everything) -> BTreeMap<Kind, usize> {
    everything.iter().map(|(kind, ids)| (*kind, ids.len())).collect()
}

/// Ready, and the check after it writes nothing.
async fn is_well(stage: &mut Stage) -> Breaches {
    let visit = stage.calm_down().await;
    let mut breaches: Breaches = truth(&visit.report, conditions::READY).err().into_iter().collect();
    stage.world.check(&mut stage.tenant).await;
    stage.world.simulator.clear_log();
    stage.world.check(&mut stage.tenant).await;
    if !stage.world.writes().is_empty() {
        breaches.push(format!("it keeps writing {:?}", stage.world.writes()));
    }
    breaches
}

/// For each kind the call by which its first resource comes about, with the address that is among its tags.
async fn creations(scene: Scene) -> BTreeMap<Kind, (Service, String, String)> {
    let mut stage = scene.begin().await;
    let visit = stage.calm_down().await;
    let log = stage.world.calls();
    let creates = |entry: &&Entry, address: &str| {
        entry.write && entry.code.is_none() && entry.params.to_string().contains(&format!("\"{address}\""))
    };
    let mut creations = BTreeMap::new();
    for (wanted, _) in ours(&visit) {
        let address = wanted.address.to_string();
        if let Some(entry) = log.iter().find(|entry| creates(entry, &address)) {
            creations
                .entry(wanted.address.kind)
                .or_insert_with(|| (entry.service, entry.operation.clone(), format!("\"{address}\"")));
        }
    }
    creations
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_lost_leaves_one() {
    let mut creations_of = BTreeMap::new();
    for scene in [Scene::Isolated, Scene::EveryField] {
        creations_of.extend(creations(scene).await.into_iter().map(|(kind, creation)| (kind, (scene, creation))));
    }
    let mut undisturbed = BTreeMap::new();
    for scene in [Scene::Isolated, Scene::EveryField] {
        undisturbed.insert(format!("{scene:?}"), counts(&scene.made().await.person.everything().await));
    }
    let mut breaches = Vec::new();
    for provider in resources::providers() {
        let kind = provider.kind();
        let Some((scene, (service, operation, address))) = creations_of.get(&kind) else {
            breaches.push(format!("{kind}: no call is known by which one comes about"));
            continue;
        };
        let mut stage = scene.begin().await;
        let fault = Fault::on(*service, operation, Occurrence::First(TRIES), Trouble::LostReply).containing(address);
        stage.world.simulator.faults().add(fault);
        stage.world.visit(&mut stage.tenant).await;
        stage.world.restart();
        let mut found = is_well(&mut stage).await;
        let (is, was) = (counts(&stage.person.everything().await), &undisturbed[&format!("{scene:?}")]);
        if is != *was {
            found.push(format!("there are {is:?} instead of {was:?}"));
        }
        breaches.extend(found.into_iter().map(|breach| format!("{kind} by {operation} of {address}: {breach}")));
    }
    assert!(breaches.is_empty(), "creating twice after a lost answer leaves one\n  {}", breaches.join("\n  "));
}

/// The operations that a scene takes from its first visit to the end of its deletion.
async fn operations(scene: Scene) -> Vec<(Service, String)> {
    let mut stage = scene.begin().await;
    stage.calm_down().await;
    stage.world.check(&mut stage.tenant).await;
    stage.world.delete(&mut stage.tenant).await;
    let mut operations: Vec<_> =
        stage.world.calls().into_iter().map(|entry| (entry.service, entry.operation)).collect();
    operations.sort_by_key(|(service, operation)| (format!("{service:?}"), operation.clone()));
    operations.dedup();
    operations
}

/// Refused as often as the SDK asks for one reason, and then for the other, while making and again while deleting.
fn trouble(stage: &Stage, service: Service, operation: &str) {
    let faults = stage.world.simulator.faults();
    faults.clear();
    faults.add(Fault::on(service, operation, Occurrence::First(TRIES), Trouble::Throttle));
    faults.add(Fault::on(service, operation, Occurrence::First(2 * TRIES), Trouble::ServerError(500)));
}

async fn recovers(scene: Scene, service: Service, operation: &str) -> Breaches {
    let mut stage = scene.begin().await;
    let before = stage.person.everything().await;
    trouble(&stage, service, operation);
    let mut breaches = is_well(&mut stage).await;
    trouble(&stage, service, operation);
    for _ in 0..200 {
        if stage.world.visit_deletion(&mut stage.tenant).await.next == Next::Gone {
            break;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    stage.world.simulator.faults().clear();
    let after = stage.person.everything().await;
    if after != before {
        let left: Vec<_> = after.iter().filter(|(kind, ids)| before.get(kind) != Some(ids)).collect();
        breaches.push(format!("deleted, but there are {left:?}"));
    }
    breaches.into_iter().map(|breach| format!("{operation}: {breach}")).collect()
}

/// `GetCallerIdentity` comes before everything; what a visit does when nobody says who we are is not a matter of kinds.
const BEFORE_ALL: &str = "GetCallerIdentity";

async fn hold_against_faults(scene: Scene, others: &[Scene]) {
    let mut known = Vec::new();
    for other in others {
        known.extend(operations(*other).await);
    }
    uphold("throttled, then a fault of AWS's own, at every call: all the same in the end", [scene], async |scene| {
        let mut breaches = Breaches::new();
        for (service, operation) in operations(scene).await {
            if operation != BEFORE_ALL && !known.contains(&(service, operation.clone())) {
                breaches.extend(recovers(scene, service, &operation).await);
            }
        }
        breaches
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_calls_of_the_whole_network_are_made_again() {
    hold_against_faults(Scene::EveryField, &[Scene::Isolated]).await;
}

#[tokio::test(start_paused = true)]
async fn refused_calls_in_an_existing_network_are_made_again() {
    hold_against_faults(Scene::Isolated, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn refused_calls_of_a_mixture_are_made_again() {
    hold_against_faults(Scene::Mixed, &[Scene::Isolated, Scene::EveryField]).await;
}
