//! When to look again: the one place that maps what happened to a time. Backoff is per object and has jitter; nothing is ever given up.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kube::runtime::controller::Action;

use crate::model::{port::ErrorClass, report::Next};

/// The shortest and the longest time between two polls.
const SOONEST: Duration = Duration::from_secs(3);
const LATEST: Duration = Duration::from_secs(30);

/// Retries and polls in a row, by object uid.
#[derive(Default)]
pub struct Backoff {
    streaks: Mutex<HashMap<String, Streak>>,
}

#[derive(Default)]
struct Streak {
    retries: u32,
    polls: u32,
    /// When the turn comes in a line of many, if it stands in one.
    turn: Option<Duration>,
}

impl Backoff {
    /// When to look at the object again.
    pub fn next(&self, uid: &str, next: Next, interval: Duration) -> Action {
        let mut streaks = self.streaks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let streak = streaks.entry(uid.to_owned()).or_default();
        match next {
            Next::Gone => {
                streaks.remove(uid);
                Action::await_change()
            }
            Next::Check => {
                streaks.remove(uid);
                Action::requeue(until_next_check(uid, interval, now()))
            }
            Next::Poll => {
                streak.retries = 0;
                let wait = grown(SOONEST, streak.polls, LATEST);
                streak.polls = streak.polls.saturating_add(1);
                let turn = streak.turn.take().map(|turn| turn.clamp(SOONEST, LATEST));
                Action::requeue(turn.unwrap_or(wait))
            }
            Next::Retry(class) => {
                streak.polls = 0;
                let (first, most) = pace(class);
                let wait = grown(first, streak.retries, most.min(interval.max(first)));
                streak.retries = streak.retries.saturating_add(1);
                // Up to a quarter longer, so that what failed together does not come back together.
                Action::requeue(wait + wait.mul_f64(fastrand::f64() / 4.0))
            }
        }
    }

    /// Calls are rationed, and the next one of this object has room after this time: the next poll need not be earlier, and should not be later.
    pub fn expect(&self, uid: &str, turn: Duration) {
        let mut streaks = self.streaks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        streaks.entry(uid.to_owned()).or_default().turn = Some(turn);
    }

    /// The manifest changed or somebody asked: what comes next is polled from the beginning.
    pub fn restart(&self, uid: &str) {
        self.streaks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(uid);
    }
}

/// The first wait and the longest, by class.
const fn pace(class: ErrorClass) -> (Duration, Duration) {
    let (first, most) = match class {
        ErrorClass::Waiting | ErrorClass::NotFound => (3, 30),
        ErrorClass::Throttled | ErrorClass::Unknown | ErrorClass::Transient => (5, 300),
        ErrorClass::Denied | ErrorClass::Credentials => (15, 300),
        ErrorClass::Exists | ErrorClass::Quota | ErrorClass::Invalid => (30, 600),
    };
    (Duration::from_secs(first), Duration::from_secs(most))
}

fn grown(first: Duration, times: u32, most: Duration) -> Duration {
    first.mul_f64(1.5_f64.powi(times.min(20).cast_signed())).min(most)
}

/// Checks of all environments with the same interval happen in the same part of it, a little apart, so that one look at AWS serves all of
/// them; and often enough that a deviation is found within one interval of its making.
fn until_next_check(uid: &str, interval: Duration, now: Duration) -> Duration {
    let period = interval.mul_f64(0.8).as_millis().max(1);
    let spread = interval.mul_f64(0.05).as_millis().max(1);
    let own = uid.bytes().fold(7_u128, |sum, byte| sum * 31 % 1_000_003 + u128::from(byte)) % spread;
    let slot = now.as_millis() / period + 1;
    let at = slot * period + own;
    Duration::from_millis(u64::try_from(at.saturating_sub(now.as_millis())).unwrap_or(u64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "where the clock comes in: when to come back is told in wall time")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_of_one_interval_come_together() {
        let interval = Duration::from_mins(5);
        let at = |uid: &str, now: u64| now + until_next_check(uid, interval, Duration::from_secs(now)).as_secs();
        let (first, other) = (at("a", 1_000_090), at("b-longer", 1_000_250));
        assert!(first.abs_diff(other) <= 15, "{first} {other}");
        assert!(until_next_check("a", interval, Duration::from_secs(1_000_000)) <= Duration::from_secs(255));
    }

    #[test]
    fn polls_grow_from_three_to_thirty_seconds() {
        let grown = |times| grown(Duration::from_secs(3), times, Duration::from_secs(30)).as_secs_f64();
        assert!((grown(0) - 3.0).abs() < 0.01 && (grown(1) - 4.5).abs() < 0.01 && (grown(50) - 30.0).abs() < 0.01);
    }
}
