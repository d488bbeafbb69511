//! SageMaker of one account and region. (Being written.)

use super::wire::{Call, Reply, unknown_operation};
use super::world::World;

/// What SageMaker keeps for an account and region.
#[derive(Debug, Clone, Default)]
pub struct State {}

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(_world: &mut World, call: &Call) -> Reply {
    Err(unknown_operation(call.service, &call.operation))
}
