//! What the engine keeps in mind about an environment between two looks. All of it can be lost: it saves calls and time, it never
//! decides what exists.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{
    address::{Address, Kind},
    diff::FieldDiff,
    port::Freshness,
    value::short_digest,
};

/// How long something that was seen already may be missing from a list, and something that was just changed look as before.
const SETTLING: Duration = Duration::from_mins(1);
/// How long something that was just created may be invisible: AWS asks for patience of up to five minutes.
pub const UNSEEN: Duration = Duration::from_mins(6);
/// After how long without a word another refusal, or another correction, is another matter. Longer than the longest time between two tries.
const FORGOTTEN: Duration = Duration::from_mins(15);

/// What was written for an environment and when.
#[derive(Default)]
pub struct Marks {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    written: HashMap<Kind, Instant>,
    expected: BTreeMap<Address, Expected>,
    attempts: BTreeMap<Address, u32>,
    /// What was corrected last of a resource, and when.
    corrected: BTreeMap<Address, Corrected>,
    waiting: BTreeSet<Kind>,
    polls: u32,
    /// The last look at everything was a periodic check, and nobody has changed anything since.
    checked: bool,
    versions: HashMap<(TypeId, String), String>,
    /// Since when AWS has not had these.
    missing: BTreeMap<Address, Instant>,
    /// Since when AWS refuses these for something that may pass (a name is taken, a role is not known everywhere), and when it did so last.
    refused: BTreeMap<Address, (Instant, Instant)>,
    /// What was deleted for this environment, by id.
    deleted: BTreeSet<(Kind, String)>,
}

/// Deviations that AWS confirmed to be corrected.
struct Corrected {
    diffs: BTreeSet<String>,
    at: Instant,
    /// They had been corrected before: what is shown then is no news that is late.
    again: bool,
}

impl Corrected {
    fn includes(&self, diffs: &[FieldDiff]) -> bool {
        self.at.elapsed() < FORGOTTEN && told(diffs).all(|diff| self.diffs.contains(&diff))
    }
}

/// Something that was created.
struct Expected {
    id: String,
    /// When it was created, or seen last.
    since: Instant,
    seen: bool,
}

impl Expected {
    fn may_be_invisible(&self) -> bool {
        self.since.elapsed() < if self.seen { SETTLING } else { UNSEEN }
    }
}

impl Marks {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Something of this kind is about to be written: every look that began before is too old.
    pub fn wrote(&self, kind: Kind) {
        let mut state = self.state();
        state.written.insert(kind, Instant::now());
    }

    /// From when on a look may have what was last written of this kind. A look that began at the very moment of the write may not.
    pub fn last_write(&self, kind: Kind) -> Option<Instant> {
        self.state().written.get(&kind).map(|written| *written + Duration::from_nanos(1))
    }

    /// A resource was created and has this id, whether or not AWS shows it yet.
    pub fn expect(&self, address: &Address, id: &str) {
        let expected = Expected { id: id.to_owned(), since: Instant::now(), seen: false };
        self.state().expected.insert(address.clone(), expected);
    }

    /// A resource was seen: it need not be expected any more for as long as it stays visible.
    pub fn seen(&self, address: &Address, id: &str) {
        let mut state = self.state();
        state.missing.remove(address);
        if let Some(expected) = state.expected.get_mut(address).filter(|expected| expected.id == id) {
            // A list that flaps between replicas must not look like a deletion right after it was seen.
            expected.since = Instant::now();
            expected.seen = true;
        }
    }

    /// A resource is gone, or was never there: it is not expected any more, and its next creation is another attempt.
    pub fn unexpect(&self, address: &Address) {
        let mut state = self.state();
        if state.expected.remove(address).is_some() {
            *state.attempts.entry(address.clone()).or_default() += 1;
        }
    }

    /// The resources that were created so recently that AWS may not show them.
    pub fn recent(&self) -> BTreeMap<Address, String> {
        let mut state = self.state();
        state.expected.retain(|_, expected| expected.may_be_invisible());
        state.expected.iter().map(|(address, expected)| (address.clone(), expected.id.clone())).collect()
    }

    /// AWS says that it does not have this (any more), or that it does.
    pub fn sighted(&self, address: &Address, absent: bool) {
        let mut state = self.state();
        if absent {
            state.missing.entry(address.clone()).or_insert_with(Instant::now);
        } else {
            state.missing.remove(address);
        }
    }

    /// For how long AWS has been saying that it does not have this.
    pub fn missing_for(&self, address: &Address) -> Duration {
        self.state().missing.get(address).map(Instant::elapsed).unwrap_or_default()
    }

    /// AWS refused this for something that may pass; for how long by now.
    pub fn refused_for(&self, address: &Address) -> Duration {
        let now = Instant::now();
        let mut state = self.state();
        let (since, last) = state.refused.entry(address.clone()).or_insert((now, now));
        if last.elapsed() > FORGOTTEN {
            *since = now;
        }
        *last = now;
        since.elapsed()
    }

    /// AWS did not refuse this any more.
    pub fn accepted(&self, address: &Address) {
        self.state().refused.remove(address);
    }

    /// AWS was told to delete this, and agreed.
    pub fn deleted(&self, kind: Kind, id: &str) {
        self.state().deleted.insert((kind, id.to_owned()));
    }

    /// Whether this is gone because it was deleted for this environment.
    pub fn has_deleted(&self, kind: Kind, id: &str) -> bool {
        self.state().deleted.contains(&(kind, id.to_owned()))
    }

    /// Which attempt at creating this resource comes next.
    pub fn attempt(&self, address: &Address) -> u32 {
        self.state().attempts.get(address).copied().unwrap_or_default()
    }

    /// These deviations of a resource were corrected, and AWS said that it is done.
    pub fn corrected(&self, address: &Address, diffs: &[FieldDiff]) {
        let mut state = self.state();
        let again = state.corrected.get(address).is_some_and(|earlier| earlier.includes(diffs));
        let corrected = Corrected { diffs: told(diffs).collect(), at: Instant::now(), again };
        state.corrected.insert(address.clone(), corrected);
    }

    /// Whether all these deviations of a resource were corrected for the first time, and so recently that AWS may still show them.
    pub fn may_be_old_news(&self, address: &Address, diffs: &[FieldDiff]) -> bool {
        let state = self.state();
        let last = state.corrected.get(address);
        last.is_some_and(|last| !last.again && last.at.elapsed() < SETTLING && last.includes(diffs))
    }

    /// The kinds that are being waited for, from now on.
    pub fn wait_for(&self, kinds: BTreeSet<Kind>) {
        let mut state = self.state();
        state.polls = if state.waiting == kinds { state.polls.saturating_add(1) } else { 0 };
        state.waiting = kinds;
    }

    /// How old a look at this kind may be while it is polled; `None` when nobody waits for it.
    pub fn poll_age(&self, kind: Kind) -> Option<Duration> {
        let state = self.state();
        state.waiting.contains(&kind).then(|| poll_interval(state.polls))
    }

    /// Why the environment is looked at. What follows a check corrects what it found; everything else somebody waits for.
    pub fn looks(&self, freshness: Freshness) {
        match freshness {
            Freshness::Now => self.state().checked = false,
            Freshness::Check => self.state().checked = true,
            Freshness::Poll => {}
        }
    }

    /// Whether a user waits for what is written now.
    pub fn user_waits(&self) -> bool {
        !self.state().checked
    }

    /// For which version of a thing its last point read was made.
    pub fn version_of<T: 'static>(&self, name: &str) -> Option<String> {
        self.state().versions.get(&(TypeId::of::<T>(), name.to_owned())).cloned()
    }

    /// The point read of a thing was made for this version.
    pub fn set_version<T: 'static>(&self, name: &str, version: &str) {
        self.state().versions.insert((TypeId::of::<T>(), name.to_owned()), version.to_owned());
    }
}

/// Deviations in a form in which they can be compared.
fn told(diffs: &[FieldDiff]) -> impl Iterator<Item = String> {
    diffs.iter().map(|diff| short_digest(&format!("{diff:?}")))
}

/// How long to wait before the next poll: 3 s growing by half to 30 s.
#[must_use]
pub fn poll_interval(polls: u32) -> Duration {
    let seconds = 3.0 * 1.5_f64.powi(polls.min(8).cast_signed());
    Duration::from_secs_f64(seconds.min(30.0))
}
