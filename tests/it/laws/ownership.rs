//! What is not ours, or not any more, is neither written to nor deleted.

use std::time::Duration;

use cloister::model::{
    address::{Address, Kind},
    owner::{Owner, TAG_PREFIX},
    report::Next,
    resource::Seen,
};

use super::{
    Breaches, ours,
    scenes::{Scene, Stage},
    uphold,
};
use crate::hands::stalled;

/// Kinds of which AWS lets any number be in the same place: what is not ours is no concern of ours there, and nothing of others can be in the way.
const WITHOUT_A_PLACE: [Kind; 2] = [Kind::Vpc, Kind::RouteTable];

/// What is tagged by itself. The rules of a group are whose the group is.
fn tagged(things: Vec<(cloister::model::resource::Wanted, Seen)>) -> impl Iterator<Item = Seen> {
    things.into_iter().filter(|(wanted, _)| !wanted.tags.is_empty()).map(|(_, seen)| seen)
}

/// The writes to a thing: in whose parameters its id or name stands by itself, and which are not about something of ours in it.
fn writes_to(stage: &Stage, seen: &Seen) -> Vec<String> {
    let name = format!("\"{}\"", seen.id);
    let about = stage.world.calls().into_iter().filter(|call| call.write && call.params.to_string().contains(&name));
    let of_ours = |operation: &String| seen.address.kind == Kind::Domain && operation.contains("Repository");
    about.map(|call| call.operation).filter(|operation| !of_ours(operation)).collect()
}

async fn take_our_tags_off(stage: &Stage, seen: &Seen) {
    let keys = seen.tags.keys().filter(|key| key.starts_with(TAG_PREFIX)).cloned().collect();
    stage.person.untag(seen, keys).await;
    // Tags that AWS shows one by one only are looked at once an hour.
    tokio::time::sleep(Duration::from_mins(65)).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_lost_our_tags_is_named_and_left_alone_until_it_may_be_adopted() {
    uphold(
        "untagged: OwnerTagsMissing, no write, no second one; adopted again when allowed",
        Scene::ALL,
        async |scene| {
            let mut stage = scene.made().await;
            let visit = stage.world.check(&mut stage.tenant).await;
            let before = stage.person.everything().await;
            let mut breaches = Breaches::new();
            for seen in tagged(ours(&visit)) {
                let address = seen.address.clone();
                take_our_tags_off(&stage, &seen).await;
                stage.world.simulator.clear_log();
                for _ in 0..2 {
                    let visit = stage.world.check(&mut stage.tenant).await;
                    let words = stalled(&visit.report);
                    if !words.starts_with("OwnerTagsMissing") || !words.contains(&seen.id) {
                        breaches.push(format!("{address}: expected OwnerTagsMissing, was {words}"));
                    }
                }
                if !stage.world.writes().is_empty() {
                    breaches.push(format!("{address}: {:?} were written", stage.world.writes()));
                }
                adopt(&mut stage, Some(&address));
                stage.world.settle(&mut stage.tenant).await;
                adopt(&mut stage, None);
                stage.world.check(&mut stage.tenant).await;
                stage.world.simulator.clear_log();
                let visit = stage.world.check(&mut stage.tenant).await;
                if !stage.world.writes().is_empty() || !stalled(&visit.report).starts_with("NotStalled") {
                    let writes = stage.world.writes();
                    breaches.push(format!("{address}: adopted, but {} and {writes:?}", stalled(&visit.report)));
                }
            }
            if stage.person.everything().await != before {
                breaches.push("something was made or deleted".to_owned());
            }
            breaches
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_has_its_tags_back_is_ours_again_at_the_next_check() {
    uphold("untagged and tagged again by hand", [Scene::Isolated, Scene::EveryField], async |scene| {
        let mut stage = scene.made().await;
        let visit = stage.world.check(&mut stage.tenant).await;
        let mut breaches = Breaches::new();
        for seen in tagged(ours(&visit)) {
            take_our_tags_off(&stage, &seen).await;
            let words = stalled(&stage.world.check(&mut stage.tenant).await.report);
            if !words.starts_with("OwnerTagsMissing") {
                breaches.push(format!("{}: expected OwnerTagsMissing, was {words}", seen.address));
            }
            stage.person.tag(&seen, &seen.tags).await;
            stage.world.simulator.clear_log();
            let words = stalled(&stage.world.check(&mut stage.tenant).await.report);
            if !words.starts_with("NotStalled") || !stage.world.writes().is_empty() {
                breaches.push(format!("{}: tagged again, but {words} and {:?}", seen.address, stage.world.writes()));
            }
        }
        breaches
    })
    .await;
}

fn adopt(stage: &mut Stage, address: Option<&Address>) {
    let annotations = address.map(|address| [("cloister.dev/adopt".to_owned(), address.to_string())].into());
    stage.tenant.edit(|object| object.metadata.annotations = annotations);
}

/// A foreign thing in the place of ours is best imitated by ours, when neither its tags nor anybody's memory say that it is.
#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_in_the_place_of_ours_is_neither_written_to_nor_deleted() {
    uphold("a foreign thing of the same name or place", [Scene::Isolated, Scene::EveryField], async |scene| {
        let mut stage = scene.made().await;
        let addresses: Vec<Seen> = tagged(ours(&stage.world.check(&mut stage.tenant).await)).collect();
        let mut breaches = Breaches::new();
        for seen in addresses.iter().filter(|seen| !WITHOUT_A_PLACE.contains(&seen.address.kind)) {
            breaches.extend(leaves_alone(scene, &seen.address).await);
        }
        breaches
    })
    .await;
}

async fn leaves_alone(scene: Scene, address: &Address) -> Breaches {
    let mut stage = scene.made().await;
    let visit = stage.world.check(&mut stage.tenant).await;
    let seen = super::seen(&visit, address);
    let mut breaches = Breaches::new();
    let other = Owner { name: "another".into(), uid: "uid-of-another".into(), ..stage.tenant.owner() };
    for (whose, reason) in [(None, "AlreadyExists"), (Some(&other), "NameTaken")] {
        take_our_tags_off(&stage, seen).await;
        if let Some(other) = whose {
            stage.person.tag(seen, &other.tags(address)).await;
        }
        stage.world.restart();
        stage.tenant.remembered.clear();
        stage.world.simulator.clear_log();
        for _ in 0..8 {
            stage.world.visit(&mut stage.tenant).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        let words = stalled(&stage.world.check(&mut stage.tenant).await.report);
        if !(words.starts_with(reason) && words.contains(&seen.id)) {
            breaches.push(format!("{address}: expected {reason}, was {words}"));
        }
        breaches.extend(touched(&stage, seen));
    }
    stage.world.simulator.clear_log();
    for _ in 0..24 {
        if stage.world.visit_deletion(&mut stage.tenant).await.next == Next::Gone {
            break;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    breaches.extend(touched(&stage, seen));
    if !stage.person.everything().await[&address.kind].contains(&seen.id) {
        breaches.push(format!("{address}: {} was deleted with the environment", seen.id));
    }
    breaches
}

fn touched(stage: &Stage, seen: &Seen) -> Breaches {
    let writes = writes_to(stage, seen);
    if writes.is_empty() { Breaches::new() } else { vec![format!("{}: {writes:?}", seen.address)] }
}
