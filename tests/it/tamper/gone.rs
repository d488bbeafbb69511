//! Every resource is deleted behind our back, with all that AWS wants gone before: in Observe it is told and announced, in Enforce it is made again
//! under the same address.

use std::collections::BTreeSet;

use cloister::{
    kubernetes::api::environment::Management as Mode,
    model::{
        address::{Address, Kind},
        diff::{DriftKind, compare},
        plan::Action,
    },
    resources,
};

use super::{in_sync, writes};
use crate::{
    laws::{
        Breaches, ours,
        scenes::{Scene, Stage},
        uphold,
    },
    world::{Visit, truth},
};

/// Kinds that do not go missing as a whole while what they are in is there, and the field in which that shows.
const IN_SOMETHING: [(Kind, &[&str]); 1] = [(Kind::SecurityGroupRules, &["ingress[", "egress["])];

#[tokio::test(start_paused = true)]
async fn something_of_every_registered_kind_is_deleted() {
    let mut deleted = BTreeSet::new();
    for scene in [Scene::EveryField, Scene::Isolated, Scene::Mixed] {
        let visit = scene.made().await.quiet().await;
        deleted.extend(ours(&visit).into_iter().map(|(wanted, _)| wanted.address.kind));
    }
    let registered: BTreeSet<Kind> = resources::providers().iter().map(|provider| provider.kind()).collect();
    assert_eq!(deleted, registered, "a kind of which nothing is deleted");
}

/// All of the first scenario is in it.
#[tokio::test(start_paused = true)]
async fn what_is_deleted_of_the_whole_network_is_told_and_made_again() {
    are_made_again(Scene::EveryField).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_in_an_existing_network_is_told_and_made_again() {
    are_made_again(Scene::Isolated).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_of_a_mixture_is_told_and_made_again() {
    are_made_again(Scene::Mixed).await;
}

async fn are_made_again(scene: Scene) {
    uphold("deleted by hand: told, announced, made again under its address, then silence", [scene], async |scene| {
        let mut stage = scene.made().await;
        let visit = stage.quiet().await;
        let addresses: Vec<Address> = ours(&visit).into_iter().map(|(wanted, _)| wanted.address).collect();
        let mut breaches = Breaches::new();
        for address in addresses {
            let found = is_made_again(&mut stage, &address).await;
            if !found.is_empty() {
                stage = scene.made().await;
            }
            breaches.extend(found.into_iter().map(|breach| format!("{address}: {breach}")));
        }
        breaches
    })
    .await;
}

async fn is_made_again(stage: &mut Stage, address: &Address) -> Breaches {
    let mut breaches = Breaches::new();
    stage.turn(Mode::Observe).await;
    let gone = delete(stage, address).await;
    for _ in 0..2 {
        let visit = stage.quiet().await;
        breaches.extend(tells(&visit, &gone, Action::Held));
        if !visit.report.next_steps.iter().any(|step| step.contains(&address.to_string())) {
            breaches.push(format!("Observe: it is not among the next steps {:?}", visit.report.next_steps));
        }
    }
    if !stage.world.writes().is_empty() {
        breaches.push(format!("Observe: {:?} were written", stage.world.writes()));
    }
    stage.turn(Mode::Enforce).await;
    breaches.extend(is_whole(stage, &gone, "switched to Enforce").await);

    let gone = delete(stage, address).await;
    let visit = stage.quiet().await;
    breaches.extend(tells(&visit, &gone, Action::Correct));
    breaches.extend(is_whole(stage, &gone, "Enforce").await);
    breaches
}

/// Delete it by hand; gives all that went with it.
async fn delete(stage: &mut Stage, address: &Address) -> Vec<Address> {
    let all = ours(&stage.quiet().await);
    let all: Vec<_> = all.iter().map(|(_, seen)| seen).collect();
    let seen = all.iter().find(|seen| seen.address == *address).expect("it is there");
    let gone = stage.person.remove(seen, &all).await;
    stage.world.simulator.clear_log();
    gone.into_iter().map(|seen| seen.address.clone()).collect()
}

/// Whether everything that went is told. Which rules refer to a group that went as well is known again only when that is back.
fn tells(visit: &Visit, gone: &[Address], action: Action) -> Breaches {
    let drift = &visit.plan.drift;
    let told = |address: &Address| {
        let fields = IN_SOMETHING.iter().find(|(kind, _)| *kind == address.kind).map(|(_, fields)| *fields);
        drift.iter().any(|drift| {
            let place = match fields {
                Some(fields) => drift.path.is_empty() || fields.iter().any(|field| drift.path.starts_with(field)),
                None => drift.path.is_empty(),
            };
            drift.address == *address && place && drift.kind == DriftKind::Missing && drift.action == action
        })
    };
    let paths: Vec<_> =
        drift.iter().map(|drift| format!("{} {:?} {:?}", drift.address, drift.path, drift.action)).collect();
    let unknown = |address: &Address| {
        let wanted = visit.observation.wanted.iter().find(|wanted| wanted.address == *address);
        IN_SOMETHING.iter().any(|(kind, _)| *kind == address.kind) && wanted.is_some_and(|it| it.unresolved().is_some())
    };
    let untold = gone.iter().filter(|address| !told(address) && !unknown(address));
    let untold = untold.map(|address| format!("{address} is not told as Missing with {action:?}: {paths:?}"));
    untold.chain(in_sync(visit, false)).collect()
}

/// The call that makes something of a kind. The rules of a group are there with it.
const fn creation(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Vpc => Some("CreateVpc"),
        Kind::Subnet => Some("CreateSubnet"),
        Kind::RouteTable => Some("CreateRouteTable"),
        Kind::SecurityGroup => Some("CreateSecurityGroup"),
        Kind::SecurityGroupRules => None,
        Kind::VpcEndpoint => Some("CreateVpcEndpoint"),
        Kind::Domain => Some("CreateDomain"),
        Kind::Repository => Some("CreateRepository"),
        Kind::Role => Some("CreateRole"),
        Kind::Policy => Some("CreatePolicy"),
        Kind::LifecycleConfiguration => Some("CreateNotebookInstanceLifecycleConfig"),
        Kind::NotebookInstance => Some("CreateNotebookInstance"),
    }
}

/// Whether what went was made once each, nothing else was made, and nothing was deleted for it.
fn made(stage: &Stage, gone: &[Address]) -> Breaches {
    let mut breaches = Breaches::new();
    let writes = writes(stage);
    for kind in Kind::ALL {
        let Some(creation) = creation(kind) else { continue };
        let expected = gone.iter().filter(|address| address.kind == kind).count();
        let times = writes.iter().filter(|write| *write == creation).count();
        if times != expected {
            breaches.push(format!("{creation} {times} times, {expected} of its kind were gone"));
        }
    }
    let deletions: Vec<&String> = writes.iter().filter(|write| write.starts_with("Delete")).collect();
    if !deletions.is_empty() {
        breaches.push(format!("{deletions:?} were written"));
    }
    breaches
}

/// Everything is there again as wanted, made once and nothing twice, and then there is silence.
async fn is_whole(stage: &mut Stage, gone: &[Address], when: &str) -> Breaches {
    let visit = stage.world.settle(&mut stage.tenant).await;
    let mut breaches: Breaches = made(stage, gone).into_iter().map(|breach| format!("{when}: {breach}")).collect();
    if let Err(why) = truth(&visit.report, "Ready") {
        return vec![format!("{when}: {why}")];
    }
    stage.world.simulator.clear_log();
    let visit = stage.quiet().await;
    if !stage.world.writes().is_empty() {
        breaches.push(format!("{when}: after it {:?} were written", stage.world.writes()));
    }
    for (wanted, seen) in ours(&visit) {
        let left: Vec<_> = compare(&wanted, &seen).into_iter().map(|diff| diff.path).collect();
        if !left.is_empty() {
            breaches.push(format!("{when}: {} deviates in {left:?}", wanted.address));
        }
    }
    breaches.extend(in_sync(&visit, visit.report.drift.is_empty()).into_iter().map(|why| format!("{when}: {why}")));
    let wanted: BTreeSet<_> = visit.observation.wanted.iter().map(|wanted| &wanted.address).collect();
    let seen: BTreeSet<_> = visit.observation.sights.keys().collect();
    if wanted != seen {
        breaches.push(format!("{when}: there is {:?}", seen.symmetric_difference(&wanted).collect::<Vec<_>>()));
    }
    breaches
}
