//! Token buckets for the APIs that AWS throttles hardest, so that we stay below instead of finding out, and who is next.
//!
//! Environments that wait for the same operation take turns: each gets one call, then the others that wait get one each, however many calls the
//! first one still has to make. What a user changed goes before what a check corrects. Nobody sleeps here: whoever is refused keeps a place in the
//! line, and is expected to ask again when its turn comes ([`Limits::turn_in`]).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
    time::Duration,
};

use tokio::time::Instant;

use super::error::AwsError;
use crate::model::{address::Address, owner::Owner, port::ErrorClass};

/// Burst, and refill per second, by operation. What is not listed has the default of mutating EC2 calls.
const BUCKETS: [(&str, f64, f64); 4] = [
    ("ec2:CreateVpcEndpoint", 4.0, 0.3),
    ("ec2:ModifyVpcEndpoint", 4.0, 0.3),
    ("ec2:DeleteVpcEndpoints", 4.0, 0.3),
    ("iam:", 20.0, 5.0),
];
const DEFAULT: (f64, f64) = (50.0, 5.0);

/// After how long without a word from whoever waits its place is given up. Longer than the longest time between two visits of somebody who waits.
const LAPSE: Duration = Duration::from_mins(1);
/// After how long a correction has waited enough for the changes of users.
const PATIENCE: Duration = Duration::from_mins(2);

/// Who asks, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The environment.
    pub owner: Owner,
    /// Its resource.
    pub address: Address,
    /// A user waits for it; otherwise it corrects what a check found.
    pub urgent: bool,
}

/// The write budgets of an account and region.
#[derive(Default)]
pub struct Limits {
    lines: Mutex<HashMap<&'static str, Line>>,
}

impl Limits {
    /// Take a token for one call of `operation`.
    ///
    /// # Errors
    /// When the budget is used up for now, or others are first: the step is not carried out in this round, nothing sleeps.
    pub fn take(&self, operation: &'static str, asking: &Asking) -> Result<(), AwsError> {
        let mut lines = self.lines();
        let line = lines.entry(operation).or_insert_with(|| Line::of(operation));
        line.refill();
        if line.take(asking) {
            return Ok(());
        }
        Err(AwsError::new(ErrorClass::Throttled, operation, "waits for room in the account's request budget"))
    }

    /// AWS says that the budget is used up: others use it, too, or we did so before we were started.
    pub fn is_empty(&self, operation: &'static str) {
        let mut lines = self.lines();
        let line = lines.entry(operation).or_insert_with(|| Line::of(operation));
        line.refill();
        line.tokens = 0.0;
    }

    /// When the first call for which this environment waits can be expected to have room; `None` when it waits for none.
    pub fn turn_in(&self, owner: &Owner) -> Option<Duration> {
        let mut lines = self.lines();
        let turns = lines.values_mut().filter_map(|line| {
            line.refill();
            line.turn_in(owner)
        });
        turns.min()
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Line>> {
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The budget of an operation, and who waits for it.
struct Line {
    burst: f64,
    per_second: f64,
    tokens: f64,
    refilled: Instant,
    waiting: Vec<Ticket>,
    /// The round that is being served. Somebody new joins in this round, not behind everything that others have announced already.
    round: u64,
    /// The round after the one in which somebody was served last.
    next_round: BTreeMap<Owner, u64>,
    arrivals: u64,
}

/// A place in the line.
struct Ticket {
    asking: Asking,
    round: u64,
    arrival: u64,
    since: Instant,
    asked: Instant,
}

impl Line {
    fn of(operation: &str) -> Self {
        let listed = BUCKETS.iter().find(|(prefix, ..)| operation.starts_with(prefix));
        let (burst, per_second) = listed.map_or(DEFAULT, |(_, burst, per_second)| (*burst, *per_second));
        Self {
            burst,
            per_second,
            tokens: burst,
            refilled: Instant::now(),
            waiting: Vec::new(),
            round: 0,
            next_round: BTreeMap::new(),
            arrivals: 0,
        }
    }

    fn refill(&mut self) {
        let now = Instant::now();
        let gained = now.duration_since(self.refilled).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.refilled = now;
        self.waiting.retain(|ticket| now.duration_since(ticket.asked) < LAPSE);
    }

    /// There must be a token for everybody who is first, and one more.
    fn take(&mut self, asking: &Asking) -> bool {
        let at = self.place(asking);
        if self.tokens < tokens(self.ahead(at) + 1) {
            return false;
        }
        let ticket = self.waiting.swap_remove(at);
        self.tokens -= 1.0;
        self.round = self.round.max(ticket.round);
        // Who was served in an earlier round has no need to be remembered: it joins in the present one like anybody else.
        let round = self.round;
        self.next_round.retain(|_, next| *next > round);
        self.next_round.insert(ticket.asking.owner, ticket.round + 1);
        true
    }

    /// Where its place is in the list; it gets one if it has none.
    fn place(&mut self, asking: &Asking) -> usize {
        let now = Instant::now();
        let same = |ticket: &Ticket| ticket.asking.owner == asking.owner && ticket.asking.address == asking.address;
        if let Some(at) = self.waiting.iter().position(same) {
            self.waiting[at].asked = now;
            self.waiting[at].asking.urgent = asking.urgent;
            return at;
        }
        let of_owner = self.waiting.iter().filter(|ticket| ticket.asking.owner == asking.owner);
        let announced = of_owner.map(|ticket| ticket.round + 1).max();
        let served = self.next_round.get(&asking.owner).copied();
        let round = announced.max(served).unwrap_or_default().max(self.round);
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.waiting.push(Ticket { asking: asking.clone(), round, arrival, since: now, asked: now });
        self.waiting.len() - 1
    }

    /// How many are first.
    fn ahead(&self, at: usize) -> usize {
        let own = self.waiting[at].order();
        self.waiting.iter().filter(|ticket| ticket.order() < own).count()
    }

    fn turn_in(&self, owner: &Owner) -> Option<Duration> {
        let own = self.waiting.iter().enumerate().filter(|(_, ticket)| ticket.asking.owner == *owner);
        let missing = own.map(|(at, _)| tokens(self.ahead(at) + 1) - self.tokens);
        let least = missing.min_by(f64::total_cmp)?;
        // A moment later, so that no rounding makes it a moment too early.
        Some(Duration::from_secs_f64(least.max(0.0) / self.per_second) + Duration::from_millis(1))
    }
}

impl Ticket {
    /// The smallest one is first.
    fn order(&self) -> (bool, u64, u64) {
        let can_wait = !self.asking.urgent && self.since.elapsed() < PATIENCE;
        (can_wait, self.round, self.arrival)
    }
}

fn tokens(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::Kind;

    const CREATE: &str = "ec2:CreateVpcEndpoint";

    fn asking(name: &str, endpoint: usize) -> Asking {
        Asking {
            owner: Owner { cluster: "c".into(), namespace: "n".into(), name: name.into(), uid: name.into() },
            address: Address::new(Kind::VpcEndpoint, endpoint.to_string()),
            urgent: true,
        }
    }

    /// Everybody asks for everything that is left, in this order, every three seconds; who was served when, in seconds.
    async fn served(mut left: Vec<Asking>, seconds: u64) -> Vec<(u64, String)> {
        let limits = Limits::default();
        let mut served = Vec::new();
        for round in 0..=seconds / 3 {
            left.retain(|asking| {
                let refused = limits.take(CREATE, asking).is_err();
                if !refused {
                    served.push((round * 3, asking.owner.name.clone()));
                }
                refused
            });
            tokio::time::advance(Duration::from_secs(3)).await;
        }
        served
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_are_created_four_at_once_and_then_every_three_seconds() {
        let limits = Limits::default();
        assert!((0..4).all(|number| limits.take(CREATE, &asking("a", number)).is_ok()));
        assert_eq!(limits.take(CREATE, &asking("a", 4)).unwrap_err().class, ErrorClass::Throttled);
        let turn = limits.turn_in(&asking("a", 4).owner).unwrap();
        assert!((3.0..4.0).contains(&turn.as_secs_f64()), "{turn:?}");
        tokio::time::advance(turn).await;
        assert!(limits.take(CREATE, &asking("a", 4)).is_ok());
        assert!(limits.take(CREATE, &asking("a", 5)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn one_with_much_to_do_does_not_delay_one_with_little() {
        let huge = (0..30).map(|number| asking("huge", number));
        let small = (0..3).map(|number| asking("small", number));
        let served = served(huge.chain(small).collect(), 60).await;
        let of_small: Vec<u64> = served.iter().filter(|(_, name)| name == "small").map(|(at, _)| *at).collect();
        assert_eq!(of_small.len(), 3, "{served:?}");
        assert!(of_small[2] <= 24, "every second call is its own: {served:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_user_changed_goes_before_what_a_check_corrects_but_not_for_ever() {
        let correction = |number| Asking { urgent: false, ..asking("checked", number) };
        let limits = Limits::default();
        for number in 0..4 {
            limits.take(CREATE, &asking("warm", number)).unwrap();
        }
        assert!(limits.take(CREATE, &correction(0)).is_err());
        assert!(limits.take(CREATE, &asking("changed", 0)).is_err());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(limits.take(CREATE, &correction(0)).is_err(), "the user is first");
        assert!(limits.take(CREATE, &asking("changed", 0)).is_ok());
        let mut waited = 0;
        while limits.take(CREATE, &correction(0)).is_err() {
            limits.take(CREATE, &asking("changed", waited)).ok();
            limits.take(CREATE, &asking("changed", waited + 1)).ok();
            tokio::time::advance(Duration::from_secs(3)).await;
            waited += 1;
            assert!(waited < 60, "a correction comes about at last");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_come_back_loses_its_place() {
        let limits = Limits::default();
        for number in 0..10 {
            limits.take(CREATE, &asking("gone", number)).ok();
        }
        tokio::time::advance(LAPSE).await;
        assert!(limits.take(CREATE, &asking("here", 0)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_used_up_but_never_exceeded() {
        let everybody = (0..10).flat_map(|name| (0..7).map(move |number| asking(&format!("team-{name}"), number)));
        let served = served(everybody.collect(), 240).await;
        assert_eq!(served.len(), 70, "seventy calls take four minutes at 0.3 a second");
        let mut tokens = 4.0_f64;
        let mut last = 0;
        for (at, _) in served {
            tokens = f64::from(u32::try_from(at - last).unwrap()).mul_add(0.3, tokens).min(4.0) - 1.0;
            last = at;
            assert!(tokens >= -1e-6, "throttled at {at} s");
        }
    }
}
