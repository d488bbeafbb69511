//! Request rates of EC2, if they are enforced: one token bucket per operation or class of operations.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>.

use std::collections::BTreeMap;

use super::super::log::is_write;
use crate::sandbox::clock::Instant;
use crate::sandbox::wire::{Call, Refusal};

/// The fill of each bucket and when that was.
#[derive(Debug, Clone, Default)]
pub struct Buckets(BTreeMap<String, (f64, Instant)>);

/// Name of the bucket, its size and how much is refilled in a second.
fn bucket(call: &Call) -> (String, f64, f64) {
    let operation = call.operation.as_str();
    let unfiltered = call.items("Filter").is_empty() && call.number("MaxResults").is_none();
    match operation {
        "CreateVpcEndpoint" | "ModifyVpcEndpoint" | "DeleteVpcEndpoints" => (operation.to_owned(), 4.0, 0.3),
        "CreateTags" | "DeleteTags" => (operation.to_owned(), 100.0, 10.0),
        "DescribeSecurityGroups" | "DescribeNetworkInterfaces" if unfiltered => {
            (format!("unfiltered {operation}"), 50.0, 10.0)
        }
        _ if is_write(operation) => (operation.to_owned(), 50.0, 5.0),
        _ => (operation.to_owned(), 100.0, 20.0),
    }
}

impl Buckets {
    /// Takes one token.
    ///
    /// # Errors
    /// `RequestLimitExceeded`: the bucket is empty.
    pub fn take(&mut self, call: &Call) -> Result<(), Refusal> {
        let (name, size, refill) = bucket(call);
        let (fill, at) = self.0.entry(name).or_insert((size, call.now));
        let passed = call.now.saturating_sub(*at).as_secs_f64();
        *fill = passed.mul_add(refill, *fill).min(size);
        *at = call.now;
        if *fill < 1.0 {
            return Err(Refusal::new(503, "RequestLimitExceeded", "Request limit exceeded."));
        }
        *fill -= 1.0;
        Ok(())
    }
}
