//! The laws that every resource kind keeps, whatever it is. They are held against every resource of every scene (`scenes`), and the kinds are those
//! that are registered: a new kind is under these laws from the day on which some manifest wants it, and none may be wanted by no scene.
//!
//! * [`existence`]: what is made is as wanted, is tagged, is left alone, and goes without a trace, or stays without our tags.
//! * [`ownership`]: what is not ours, or not any more, is neither written to nor deleted.
//! * [`faults`]: an answer that is lost leads to no second one; throttling and faults of AWS only take time.
//!
//! What somebody changes or deletes behind our back is in `crate::tamper`.
#![expect(clippy::large_futures, reason = "a test has room for its whole scenario on the stack")]

mod existence;
mod faults;
mod ownership;
pub mod person;
pub mod scenes;

use cloister::model::{
    address::Address,
    resource::{Management, Seen, Wanted},
};

use self::scenes::Scene;
use crate::world::Visit;

/// What a law found wrong.
pub type Breaches = Vec<String>;

/// Hold a law against scenes, and name every breach with law, scene and resource.
pub async fn uphold(law: &str, scenes: impl IntoIterator<Item = Scene>, holds: impl AsyncFn(Scene) -> Breaches) {
    let mut breaches = Vec::new();
    for scene in scenes {
        breaches.extend(holds(scene).await.into_iter().map(|breach| format!("{scene:?}: {breach}")));
    }
    assert!(breaches.is_empty(), "{law}\n  {}", breaches.join("\n  "));
}

/// The resources that are ours, as wanted and as seen.
///
/// # Panics
/// When one of them is not in sight.
pub fn ours(visit: &Visit) -> Vec<(Wanted, Seen)> {
    let owned = visit.observation.wanted.iter().filter(|wanted| wanted.management == Management::Owned);
    owned.map(|wanted| (wanted.clone(), seen(visit, &wanted.address).clone())).collect()
}

/// A resource as it was seen.
///
/// # Panics
/// When it was not.
pub fn seen<'a>(visit: &'a Visit, address: &Address) -> &'a Seen {
    let sight = visit.observation.sights.get(address).unwrap_or_else(|| panic!("{address} is not looked for"));
    sight.seen().unwrap_or_else(|| panic!("{address} is not there: {sight:?}"))
}
