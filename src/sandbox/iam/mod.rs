//! IAM of one account: roles and policies. (Being written.)

use super::clock::Instant;
use super::wire::{Call, Refusal, Reply, unknown_operation};
use super::world::World;

/// What IAM keeps for an account.
#[derive(Debug, Clone, Default)]
pub struct State {
    roles: Vec<Role>,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
}

impl Role {
    /// Whether the trust policy lets a service take the role, as seen at `now`.
    #[must_use]
    pub fn trusts_service(&self, _service: &str, _now: Instant) -> bool {
        false
    }
}

impl State {
    /// The role with this ARN.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.arn == arn)
    }

    /// Whether a policy may name this principal.
    #[must_use]
    pub fn principal_exists(&self, arn: &str) -> bool {
        arn.ends_with(":root") || self.role_by_arn(arn).is_some()
    }

    /// The id under which policies store a principal.
    #[must_use]
    pub fn unique_id_of(&self, _arn: &str) -> Option<String> {
        None
    }

    /// The principal that has this id, while it lives.
    #[must_use]
    pub fn arn_of_unique_id(&self, _id: &str) -> Option<String> {
        None
    }
}

/// Whether the caller may do what it asks for.
///
/// # Errors
/// The service's refusal if not.
pub fn authorize(_world: &mut World, _call: &Call) -> Result<(), Refusal> {
    Ok(())
}

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(_world: &mut World, call: &Call) -> Reply {
    Err(unknown_operation(call.service, &call.operation))
}
