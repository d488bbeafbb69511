//! The execution role: whether it may be handed to SageMaker at all, and whether SageMaker can take it. Whether the
//! caller may do what it asks for has been judged before.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>.

use super::rules::invalid;
use crate::sandbox::wire::{Call, Refusal};
use crate::sandbox::world::World;

/// Refuses a role of another account, and one that SageMaker cannot take; a role that was made a moment ago is one of
/// these too.
///
/// # Errors
/// A refusal; that of a role which cannot be taken is in the words that callers know it by.
pub fn must_be_assumable(world: &mut World, call: &Call, role: &str) -> Result<(), Refusal> {
    if role.split(':').nth(4) != Some(call.account.as_str()) {
        return Err(Refusal::new(400, "AccessDeniedException", "Cross-account pass role is not allowed."));
    }
    let found = world.account(&call.account).iam.role_by_arn(role);
    if found.is_some_and(|found| found.trusts_service("sagemaker.amazonaws.com", call.now)) {
        return Ok(());
    }
    Err(invalid(format!(
        "Could not assume role {role}. Please ensure that the role exists and allows principal \
         'sagemaker.amazonaws.com' to assume the role."
    )))
}
