//! STS: temporary credentials and who they belong to. (Being written.)

use super::clock::Instant;
use super::wire::{Call, Caller, Refusal, Reply, unknown_operation};
use super::world::World;

/// The credentials that have been given out.
#[derive(Debug, Clone, Default)]
pub struct State {}

/// Who an access key given out by STS belongs to; `None` for any other key.
///
/// # Errors
/// `ExpiredToken` once the session has ended.
pub fn caller(_world: &World, _access_key: &str, _now: Instant) -> Result<Option<Caller>, Refusal> {
    Ok(None)
}

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(_world: &mut World, call: &Call) -> Reply {
    Err(unknown_operation(call.service, &call.operation))
}
