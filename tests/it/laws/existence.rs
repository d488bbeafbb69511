//! What is made is as wanted, is tagged, is left alone, and goes without a trace, or stays without our tags.

use std::collections::{BTreeMap, BTreeSet};

use cloister::{
    kubernetes::api::environment::DeletionPolicy,
    model::{
        address::Kind,
        diff::compare,
        environment::Environment,
        owner::TAG_PREFIX,
        report::Next,
        resource::{Context, Management, Outputs, Wanted},
        services::RegionFacts,
    },
    resources,
};

use super::{Breaches, ours, scenes::Scene, uphold};

/// Kinds whose wanted state carries no tags, and why.
const WITHOUT_TAGS: [(Kind, &str); 1] = [(
    Kind::SecurityGroupRules,
    "the rules of a group are whose the group is; each rule that we make is tagged all the same",
)];

#[tokio::test(start_paused = true)]
async fn every_registered_kind_is_wanted_as_ours_by_some_scene() {
    let mut wanted = BTreeSet::new();
    for scene in Scene::ALL {
        let mut stage = scene.begin().await;
        let visit = stage.world.visit(&mut stage.tenant).await;
        let owned = visit.observation.wanted.into_iter().filter(|wanted| wanted.management == Management::Owned);
        wanted.extend(owned.map(|wanted| wanted.address.kind));
    }
    let registered: BTreeSet<Kind> = resources::providers().iter().map(|provider| provider.kind()).collect();
    assert_eq!(wanted, registered, "a kind that no scene wants is under no law");
    assert_eq!(registered, BTreeSet::from(Kind::ALL), "a kind that is not registered is never looked at");
}

#[tokio::test(start_paused = true)]
async fn what_is_made_is_as_wanted_and_left_alone() {
    uphold("created as wanted: no difference, nothing doubled, and no further write", Scene::ALL, async |scene| {
        let mut stage = scene.begin().await;
        let mut breaches = Breaches::new();
        stage.world.settle(&mut stage.tenant).await;
        for round in ["second", "third", "fourth"] {
            stage.world.simulator.clear_log();
            let visit = stage.world.check(&mut stage.tenant).await;
            if !stage.world.writes().is_empty() {
                breaches.push(format!("the {round} visit wrote {:?}", stage.world.writes()));
            }
            for (wanted, seen) in ours(&visit) {
                let diffs: Vec<_> = compare(&wanted, &seen).into_iter().map(|diff| diff.path).collect();
                if !diffs.is_empty() {
                    breaches.push(format!("{} differs in {diffs:?} at the {round} visit", wanted.address));
                }
            }
            let expected: BTreeSet<_> = visit.observation.wanted.iter().map(|wanted| &wanted.address).collect();
            let spare: Vec<_> = visit.observation.sights.keys().filter(|seen| !expected.contains(seen)).collect();
            if !spare.is_empty() {
                breaches.push(format!("{spare:?} are there and nobody wants them"));
            }
        }
        breaches
    })
    .await;
}

/// What a kind says when it is asked, as text.
fn said(wanted: &[Wanted]) -> Vec<String> {
    let one = |wanted: &Wanted| format!("{wanted:?} {:?}", wanted.state.fields());
    wanted.iter().map(one).collect()
}

fn asked(environment: &Environment, outputs: &Outputs) -> Vec<Wanted> {
    let facts = RegionFacts::default();
    let context = Context { outputs, facts: &facts };
    resources::providers().iter().flat_map(|provider| provider.desire(environment, context)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_is_always_the_same_and_no_two_have_one_address() {
    uphold("desire is deterministic and its addresses are unique", Scene::ALL, async |scene| {
        let mut stage = scene.made().await;
        let visit = stage.world.check(&mut stage.tenant).await;
        let environment = stage.tenant.environment();
        let mut breaches = Breaches::new();
        for outputs in [&Outputs::default(), &visit.observation.outputs] {
            let (once, again) = (asked(&environment, outputs), asked(&environment, outputs));
            if said(&once) != said(&again) {
                breaches.push("asked twice, the kinds want different things".to_owned());
            }
            let mut count = BTreeMap::<_, usize>::new();
            for wanted in &once {
                *count.entry(&wanted.address).or_default() += 1;
            }
            let doubled: Vec<_> = count.into_iter().filter(|(_, times)| *times > 1).collect();
            if !doubled.is_empty() {
                breaches.push(format!("{doubled:?} have one address"));
            }
        }
        // Whatever is known by now, it is the same resources that are wanted.
        let addresses = |wanted: &[Wanted]| wanted.iter().map(|wanted| wanted.address.clone()).collect::<Vec<_>>();
        let (before, after) =
            (asked(&environment, &Outputs::default()), asked(&environment, &visit.observation.outputs));
        if addresses(&before) != addresses(&after) {
            breaches.push("what exists changes which resources are wanted".to_owned());
        }
        breaches
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whatever_is_ours_says_so_by_its_tags() {
    uphold("every wanted resource of ours carries the owner tags and the user's", Scene::ALL, async |scene| {
        let mut stage = scene.made().await;
        let visit = stage.world.check(&mut stage.tenant).await;
        let owner = stage.tenant.owner();
        let mut breaches = Breaches::new();
        for (wanted, seen) in ours(&visit) {
            let exempt = WITHOUT_TAGS.iter().any(|(kind, _)| *kind == wanted.address.kind);
            if exempt != wanted.tags.is_empty() {
                breaches.push(format!("{} wants the tags {:?}", wanted.address, wanted.tags));
            }
            let shown = stage.person.tags_of(&seen).await;
            let rules = exempt && shown.is_empty();
            for (key, value) in owner.tags(&wanted.address).into_iter().chain(wanted.tags) {
                if !rules && shown.get(&key) != Some(&value) {
                    breaches.push(format!("{} has no tag {key}={value}: {shown:?}", wanted.address));
                }
            }
        }
        breaches
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_leaves_what_was_there_before_and_a_second_one_does_nothing() {
    uphold("deleted without a trace, once", Scene::ALL, async |scene| {
        let mut stage = scene.begin().await;
        let before = stage.person.everything().await;
        stage.world.settle(&mut stage.tenant).await;
        let report = stage.world.delete(&mut stage.tenant).await;
        let mut breaches = Breaches::new();
        if report.next != Next::Gone {
            breaches.push(format!("the deletion does not end: {:?}", report.facts));
        }
        let after = stage.person.everything().await;
        for (kind, left) in &after {
            if before.get(kind) != Some(left) {
                breaches.push(format!("{kind}: {left:?} are left of {:?}", before.get(kind)));
            }
        }
        stage.world.simulator.clear_log();
        let report = stage.world.delete(&mut stage.tenant).await;
        if report.next != Next::Gone || !stage.world.writes().is_empty() {
            breaches.push(format!("the second deletion writes {:?}", stage.world.writes()));
        }
        breaches
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_retain_everything_stays_without_our_tags() {
    uphold("released: it stays, and nothing of ours is on it", Scene::ALL, async |scene| {
        let mut stage = scene.made().await;
        let visit = stage.world.check(&mut stage.tenant).await;
        let before = stage.person.everything().await;
        stage.tenant.edit(|object| object.spec.deletion_policy = DeletionPolicy::Retain);
        let report = stage.world.delete(&mut stage.tenant).await;
        let mut breaches = Breaches::new();
        if report.next != Next::Gone {
            breaches.push(format!("the release does not end: {:?}", report.facts));
        }
        if stage.person.everything().await != before {
            breaches.push("something came or went".to_owned());
        }
        for (wanted, seen) in ours(&visit) {
            let shown = stage.person.tags_of(&seen).await;
            let left: Vec<_> = shown.keys().filter(|key| key.starts_with(TAG_PREFIX)).collect();
            if !left.is_empty() {
                breaches.push(format!("{} still carries {left:?}", wanted.address));
            }
            let users = wanted.tags.keys().filter(|key| !key.starts_with(TAG_PREFIX));
            let lost: Vec<_> = users.filter(|key| !shown.contains_key(*key)).collect();
            if !lost.is_empty() {
                breaches.push(format!("{} has lost {lost:?}, which are not ours to take", wanted.address));
            }
        }
        let writes = stage.world.writes();
        stage.world.simulator.clear_log();
        let again = stage.world.delete(&mut stage.tenant).await;
        if again.next != Next::Gone || !stage.world.writes().is_empty() {
            breaches.push(format!("after {writes:?} a second release writes {:?}", stage.world.writes()));
        }
        breaches
    })
    .await;
}
