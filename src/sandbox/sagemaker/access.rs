//! What SageMaker asks IAM besides whether the operation itself is allowed: further permissions of the caller, and
//! whether it can take the execution role.

use serde_json::json;

use super::rules::invalid;
use crate::sandbox::iam;
use crate::sandbox::wire::{Call, Refusal, Service};
use crate::sandbox::world::World;

/// Another action that an operation implies.
pub struct Needs<'a> {
    action: &'a str,
    resource: &'a str,
}

impl<'a> Needs<'a> {
    /// The action on a resource.
    pub fn of(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource }
    }
}

/// Refuses a caller that may not also do this. Administrators may do everything.
///
/// # Errors
/// IAM's refusal.
pub fn require(world: &mut World, call: &Call, needs: &Needs<'_>) -> Result<(), Refusal> {
    if !world.settings.enforce_iam || call.caller.role_name.is_none() {
        return Ok(());
    }
    let (service, operation) = match needs.action.split_once(':') {
        Some(("iam", operation)) => (Service::Iam, operation),
        Some((_, operation)) => (Service::SageMaker, operation),
        None => (Service::SageMaker, needs.action),
    };
    let params = json!({"ResourceArn": needs.resource, "RoleArn": needs.resource});
    iam::authorize(world, &Call { service, operation: operation.to_owned(), params, ..call.clone() })
}

/// Refuses a caller that may not hand this role to SageMaker (aws-facts 3.4).
///
/// # Errors
/// IAM's refusal, or SageMaker's if the role belongs to somebody else.
pub fn may_pass(world: &mut World, call: &Call, role: &str) -> Result<(), Refusal> {
    if role.split(':').nth(4) != Some(call.account.as_str()) {
        return Err(Refusal::new(400, "AccessDeniedException", "Cross-account pass role is not allowed."));
    }
    require(world, call, &Needs::of("iam:PassRole", role))
}

/// Refuses a role that SageMaker cannot take, which a role that was made a moment ago is too (aws-facts 3.4).
///
/// # Errors
/// A validation refusal in the words that callers know it by.
pub fn must_be_assumable(world: &mut World, call: &Call, role: &str) -> Result<(), Refusal> {
    let role_found = world.account(&call.account).iam.role_by_arn(role);
    if role_found.is_some_and(|found| found.trusts_service("sagemaker.amazonaws.com", call.now)) {
        return Ok(());
    }
    Err(invalid(format!(
        "Could not assume role {role}. Please ensure that the role exists and allows principal \
         'sagemaker.amazonaws.com' to assume the role."
    )))
}
