//! IAM of an account: roles, managed policies, users, and who may do what.
//!
//! The same in all regions. It does not throttle (that is the fault plan's) and it does not hand out credentials (that is
//! STS's). Other services ask it whether a role exists and trusts them ([`State::role_by_arn`], [`Role::trusts_service`])
//! and how principals are stored in their policies ([`store_principals`], [`show_principals`]).
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

mod authorize;
mod aws_managed;
mod details;
mod instance_profile;
mod paging;
pub(super) mod parameters;
mod policy;
mod principals;
mod role;
mod role_policies;
mod service_linked;
pub(super) mod tags;
mod user;

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::clock::Instant;
use super::wire::{Call, Refusal, Reply, unknown_operation};
use super::world::World;
pub use authorize::{Denial, authorize, permits, request};
pub use instance_profile::InstanceProfile;
pub use policy::{ManagedPolicy, PolicyVersion};
pub use principals::{InvalidPrincipal, show_principals, store_principals};
pub use role::Role;
pub use tags::Tags;
pub use user::User;

/// What IAM keeps for an account. Names are the same in any case, so keys are in lower case.
#[derive(Debug, Clone, Default)]
pub struct State {
    roles: BTreeMap<String, Role>,
    policies: BTreeMap<String, ManagedPolicy>,
    users: BTreeMap<String, User>,
    instance_profiles: BTreeMap<String, InstanceProfile>,
}

impl State {
    /// The roles of the account.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// The role with this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(&name.to_lowercase())
    }

    /// The role with this name, to change it behind everybody's back.
    pub fn role_mut(&mut self, name: &str) -> Option<&mut Role> {
        self.roles.get_mut(&name.to_lowercase())
    }

    /// The role with this ARN.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.role(arn.rsplit('/').next()?).filter(|role| role.arn == arn)
    }

    /// The user with this ARN.
    #[must_use]
    pub fn user_by_arn(&self, arn: &str) -> Option<&User> {
        self.users.get(&arn.rsplit('/').next()?.to_lowercase()).filter(|user| user.arn == arn)
    }

    /// Whether a policy may name this principal of the account: its root, a role, a user, a session of a role.
    #[must_use]
    pub fn principal_exists(&self, arn: &str) -> bool {
        arn.ends_with(":root") || self.unique_id_of(arn).is_some()
    }

    /// The id under which policies store a role, a user, or a session of a role (`AROA…:session`).
    #[must_use]
    pub fn unique_id_of(&self, arn: &str) -> Option<String> {
        if let Some((role, session)) = session_in(arn) {
            return self.role(role).map(|role| format!("{}:{session}", role.id));
        }
        let role = self.role_by_arn(arn).map(|role| role.id.clone());
        role.or_else(|| self.user_by_arn(arn).map(|user| user.id.clone()))
    }

    /// The principal that has this id, while it lives.
    #[must_use]
    pub fn arn_of_unique_id(&self, id: &str) -> Option<String> {
        if let Some((id, session)) = id.split_once(':') {
            return self.roles.values().find(|role| role.id == id).map(|role| role.session_arn(session));
        }
        let role = self.roles.values().find(|role| role.id == id).map(|role| role.arn.clone());
        role.or_else(|| self.users.values().find(|user| user.id == id).map(|user| user.arn.clone()))
    }

    /// A customer managed policy, or one of AWS's.
    #[must_use]
    pub fn managed_policy(&self, arn: &str) -> Option<ManagedPolicy> {
        self.policies.get(arn).cloned().or_else(|| aws_managed::find(arn))
    }
}

/// Role and session name of an assumed-role ARN.
fn session_in(arn: &str) -> Option<(&str, &str)> {
    arn.split_once(":assumed-role/")?.1.split_once('/')
}

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(world: &mut World, call: &Call) -> Reply {
    let Some(parameters) = parameters::of(&call.operation) else {
        return Err(unknown_operation(call.service, &call.operation));
    };
    parameters::check(call, &parameters)?;
    match call.operation.as_str() {
        "CreateRole" => role::create(world, call),
        "GetRole" => role::get(world, call),
        "UpdateRole" => role::update(world, call),
        "UpdateRoleDescription" => role::update_description(world, call),
        "UpdateAssumeRolePolicy" => role::update_trust(world, call),
        "DeleteRole" => role::delete(world, call),
        "CreateServiceLinkedRole" => service_linked::create(world, call),
        "DeleteServiceLinkedRole" => service_linked::delete(world, call),
        "GetServiceLinkedRoleDeletionStatus" => service_linked::deletion_status(world, call),
        "ListRoles" => role::list(world, call),
        "TagRole" => role::tag(world, call),
        "UntagRole" => role::untag(world, call),
        "ListRoleTags" => role::list_tags(world, call),
        "ListInstanceProfilesForRole" => instance_profile::list_for_role(world, call),
        "CreateInstanceProfile" => instance_profile::create(world, call),
        "GetInstanceProfile" => instance_profile::get(world, call),
        "DeleteInstanceProfile" => instance_profile::delete(world, call),
        "AddRoleToInstanceProfile" => instance_profile::add_role(world, call),
        "RemoveRoleFromInstanceProfile" => instance_profile::remove_role(world, call),
        "ListInstanceProfiles" => instance_profile::list(world, call),
        "PutRolePolicy" => role_policies::put(world, call),
        "GetRolePolicy" => role_policies::get(world, call),
        "ListRolePolicies" => role_policies::list(world, call),
        "DeleteRolePolicy" => role_policies::delete(world, call),
        "AttachRolePolicy" => role_policies::attach(world, call),
        "DetachRolePolicy" => role_policies::detach(world, call),
        "ListAttachedRolePolicies" => role_policies::list_attached(world, call),
        "PutRolePermissionsBoundary" => role_policies::put_boundary(world, call),
        "DeleteRolePermissionsBoundary" => role_policies::delete_boundary(world, call),
        "CreatePolicy" => policy::create(world, call),
        "GetPolicy" => policy::get(world, call),
        "GetPolicyVersion" => policy::get_version(world, call),
        "ListPolicies" => policy::list(world, call),
        "ListPolicyVersions" => policy::list_versions(world, call),
        "CreatePolicyVersion" => policy::create_version(world, call),
        "DeletePolicyVersion" => policy::delete_version(world, call),
        "SetDefaultPolicyVersion" => policy::set_default_version(world, call),
        "DeletePolicy" => policy::delete(world, call),
        "ListPolicyTags" => policy::list_tags(world, call),
        "TagPolicy" => policy::tag(world, call),
        "UntagPolicy" => policy::untag(world, call),
        "ListEntitiesForPolicy" => policy::list_entities(world, call),
        "GetAccountAuthorizationDetails" => details::get(world, call),
        "CreateUser" => user::create(world, call),
        "GetUser" => user::get(world, call),
        "DeleteUser" => user::delete(world, call),
        "ListUsers" => user::list(world, call),
        other => Err(unknown_operation(call.service, other)),
    }
}

/// The answer of an operation that has no result.
const NOTHING: Value = Value::Null;

/// A parameter that has been checked to be there.
fn required<'a>(call: &'a Call, name: &str) -> &'a str {
    call.params.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `arn:aws:iam::ACCOUNT:KIND/path/name`.
fn arn(world: &World, account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{account}:{kind}{path}{name}", world.partition)
}

/// Documents leave IAM with everything but unreserved characters escaped.
fn url_encoded(document: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(document, RESERVED).to_string()
}

/// The size of a policy that grants: white space does not count.
fn size(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

/// The moment from which the rest of AWS sees what is written now.
fn visible_from(world: &World, now: Instant) -> Instant {
    now + world.settings.delays.iam_propagation
}

pub(super) fn validation_error(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

fn invalid_input(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidInput", message)
}

fn no_such_entity(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NoSuchEntity", message)
}

fn already_exists(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "EntityAlreadyExists", message)
}

fn delete_conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "DeleteConflict", message)
}

/// A quota, not a throttle.
fn limit_exceeded(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "LimitExceeded", message)
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests;
