//! Time for the simulator. Everything that takes time in AWS (an endpoint becoming available, a grant spreading)
//! is measured on a [`Clock`] that is handed in, so that a test can let ten minutes pass in no time.
//! No part of the simulator may ask the operating system for the time in any other way.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time as the simulator sees it: since the Unix epoch.
pub type Instant = Duration;

/// Where the simulator reads the time.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Instant;
}

/// The time of the machine, for a simulator behind a socket.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    fn now(&self) -> Instant {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// 2026-11-22T17:00:00Z.
const EPOCH: Instant = Duration::from_hours(498_713);

/// Tokio's time: follows the virtual time of a paused runtime. Must be created inside the runtime.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    epoch: Instant,
    start: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `epoch` now and moves with tokio's time from here on.
    #[must_use]
    pub fn starting_at(epoch: Instant) -> Self {
        Self { epoch, start: tokio::time::Instant::now() }
    }
}

impl Default for TokioClock {
    /// Starts at 2026-11-22T17:00:00Z, so that golden outputs with times in them are the same on every run.
    fn default() -> Self {
        Self::starting_at(EPOCH)
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        self.epoch + self.start.elapsed()
    }
}

fn timestamp(at: Instant) -> jiff::Timestamp {
    let nanos = i32::try_from(at.subsec_nanos()).unwrap_or_default();
    let seconds = i64::try_from(at.as_secs()).unwrap_or_default();
    jiff::Timestamp::new(seconds, nanos).unwrap_or(jiff::Timestamp::MAX)
}

/// The form of the XML protocols: `2026-11-22T17:00:00.000Z`.
#[must_use]
pub fn iso8601(at: Instant) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The form of IAM and STS, which leave the fraction out: `2026-11-22T17:00:00Z`.
#[must_use]
pub fn iso8601_seconds(at: Instant) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The form of the JSON protocols: seconds since the epoch with a fraction of milliseconds.
#[must_use]
pub fn epoch_seconds(at: Instant) -> serde_json::Value {
    let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
    let seconds = Duration::from_millis(millis).as_secs_f64();
    serde_json::Number::from_f64(seconds).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_xml_form_always_has_three_digits_of_fraction() {
        assert_eq!(iso8601(EPOCH), "2026-11-22T17:00:00.000Z");
        assert_eq!(iso8601(Duration::from_millis(1_795_366_800_250)), "2026-11-22T17:00:00.250Z");
        assert_eq!(iso8601_seconds(Duration::from_millis(1_795_366_800_250)), "2026-11-22T17:00:00Z");
    }

    #[test]
    fn the_json_form_is_a_number() {
        assert_eq!(epoch_seconds(Duration::from_millis(1_500)), serde_json::json!(1.5));
    }

    #[tokio::test(start_paused = true)]
    async fn paused_time_passes_only_when_it_is_advanced() {
        let clock = TokioClock::default();
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), before + Duration::from_secs(90));
    }
}
