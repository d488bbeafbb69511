//! Token buckets for the APIs that AWS throttles hardest (aws-facts 5.1), so that we stay below instead of finding out.

use std::{collections::HashMap, sync::Mutex};

use tokio::time::Instant;

use super::error::AwsError;
use crate::model::port::ErrorClass;

/// Burst, and refill per second, by operation. What is not listed has the default of mutating EC2 calls.
const BUCKETS: [(&str, f64, f64); 4] = [
    ("ec2:CreateVpcEndpoint", 4.0, 0.3),
    ("ec2:ModifyVpcEndpoint", 4.0, 0.3),
    ("ec2:DeleteVpcEndpoints", 4.0, 0.3),
    ("iam:", 20.0, 5.0),
];
const DEFAULT: (f64, f64) = (50.0, 5.0);

/// The write budgets of an account and region.
#[derive(Default)]
pub struct Limits {
    buckets: Mutex<HashMap<&'static str, Bucket>>,
}

struct Bucket {
    tokens: f64,
    refilled: Instant,
}

impl Limits {
    /// Take a token for one call of `operation`.
    ///
    /// # Errors
    /// When the budget is used up for now: the step is not carried out in this round, nothing sleeps.
    pub fn take(&self, operation: &'static str) -> Result<(), AwsError> {
        let (burst, refill) = bucket_of(operation);
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bucket = buckets.entry(operation).or_insert(Bucket { tokens: burst, refilled: now });
        let gained = now.duration_since(bucket.refilled).as_secs_f64() * refill;
        bucket.tokens = (bucket.tokens + gained).min(burst);
        bucket.refilled = now;
        if bucket.tokens < 1.0 {
            let message = "waits for room in the account's request budget";
            return Err(AwsError::new(ErrorClass::Throttled, operation, message));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

fn bucket_of(operation: &str) -> (f64, f64) {
    let listed = BUCKETS.iter().find(|(prefix, ..)| operation.starts_with(prefix));
    listed.map_or(DEFAULT, |(_, burst, refill)| (*burst, *refill))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn endpoints_are_created_four_at_once_and_then_every_three_seconds() {
        let limits = Limits::default();
        let create = || limits.take("ec2:CreateVpcEndpoint");
        assert!((0..4).all(|_| create().is_ok()));
        assert_eq!(create().unwrap_err().class, ErrorClass::Throttled);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(create().is_ok());
        assert!(create().is_err());
    }
}
