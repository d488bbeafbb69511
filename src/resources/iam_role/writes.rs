//! The writes that make up a role: one call each, add before remove.

use std::collections::{BTreeMap, BTreeSet};

use super::{ATTACHED_LIMIT, INLINE_LIMIT, RoleState, TRUST_LIMIT};
use crate::{
    aws::{
        error::{AwsError, from_sdk, put_off},
        provider::Writer,
    },
    model::policy::{PolicyDocument, Statement},
    resources::policy_documents::{self, within},
};

/// What is not there need not be removed.
pub(super) fn gone<T>(result: Result<T, AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

pub(super) async fn update_trust(
    writer: &Writer<'_>,
    role: &str,
    trust: &PolicyDocument,
    denies: &BTreeSet<Statement>,
) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:UpdateAssumeRolePolicy";
    let trust = policy_documents::with_denies(Some(trust), denies).unwrap_or_else(|| trust.clone());
    within(OPERATION, "the trust policy", trust.size(), TRUST_LIMIT)?;
    let update =
        writer.write(OPERATION)?.iam.update_assume_role_policy().role_name(role).policy_document(trust.to_json());
    update.send().await.map_err(from_sdk(OPERATION))?;
    Ok(())
}

/// Add before remove, unless only removing makes room.
pub(super) async fn update_inline(
    writer: &Writer<'_>,
    role: &str,
    wish: &RoleState,
    found: &RoleState,
) -> Result<(), AwsError> {
    let empty = BTreeMap::new();
    let (wish, seen) =
        (wish.inline_policies.known().unwrap_or(&empty), found.inline_policies.known().unwrap_or(&empty));
    let size = |policies: &BTreeMap<String, PolicyDocument>| policies.values().map(PolicyDocument::size).sum::<usize>();
    let none = BTreeSet::new();
    let document = |name: &String, wanted: &PolicyDocument| {
        let denies = found.aside.inline_denies.get(name).unwrap_or(&none);
        policy_documents::with_denies(Some(wanted), denies).unwrap_or_else(|| wanted.clone())
    };
    let to_put: BTreeMap<String, PolicyDocument> = wish
        .iter()
        .filter(|(name, wanted)| seen.get(*name) != Some(*wanted))
        .map(|(name, wanted)| (name.clone(), document(name, wanted)))
        .collect();
    let kept = size(&found.aside.inline_policies);
    within("iam:PutRolePolicy", "the inline policies together", kept + size(wish), INLINE_LIMIT)?;
    let extra: Vec<&String> = seen.keys().filter(|name| !wish.contains_key(*name)).collect();
    let crowded = kept + size(seen) + size(&to_put) > INLINE_LIMIT;
    if crowded {
        for name in &extra {
            delete_inline(writer, role, name).await?;
        }
    }
    for (name, policy) in &to_put {
        put_inline(writer, role, name, policy).await?;
    }
    if !crowded {
        for name in extra {
            delete_inline(writer, role, name).await?;
        }
    }
    Ok(())
}

/// Add before remove, unless only removing makes room. A policy that is not there keeps neither another from being attached nor from going what
/// nobody asked for.
pub(super) async fn update_attached(
    writer: &Writer<'_>,
    role: &str,
    wish: &RoleState,
    found: &RoleState,
) -> Result<(), AwsError> {
    let empty = BTreeSet::new();
    let (wish, seen) =
        (wish.attached_policies.known().unwrap_or(&empty), found.attached_policies.known().unwrap_or(&empty));
    let crowded = found.aside.attached_policies.len() + seen.union(wish).count() > ATTACHED_LIMIT;
    if crowded {
        for arn in seen.difference(wish) {
            detach(writer, role, arn).await?;
        }
    }
    let mut missing = None;
    for arn in wish.difference(seen) {
        put_off(attach(writer, role, arn).await, &mut missing)?;
    }
    if !crowded {
        for arn in seen.difference(wish) {
            detach(writer, role, arn).await?;
        }
    }
    missing.map_or(Ok(()), Err)
}

pub(super) async fn put_boundary(writer: &Writer<'_>, role: &str, arn: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:PutRolePermissionsBoundary";
    let put = writer.write(OPERATION)?.iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn);
    let put = put.send().await.map_err(from_sdk(OPERATION));
    put.map_err(unless_boundary_is_missing(Some(arn)))?;
    Ok(())
}

/// The boundary is the identity's: without it no role is made.
pub(super) fn unless_boundary_is_missing(arn: Option<&str>) -> impl Fn(AwsError) -> AwsError {
    unless_missing(
        arn,
        "Create the policy, or correct spec.permissionsBoundary of the AWSIdentity (and spec.executionRole.permissionsBoundary, if set).",
    )
}

/// A policy that is not there is told from a role that is not there (yet): IAM names what it misses.
fn unless_missing(arn: Option<&str>, remedy: &'static str) -> impl Fn(AwsError) -> AwsError {
    move |error| match arn {
        Some(arn) if error.is_not_found() && error.message.contains(arn) => error.about_a_reference(remedy),
        _ => error,
    }
}

pub(super) async fn put_inline(
    writer: &Writer<'_>,
    role: &str,
    name: &str,
    policy: &PolicyDocument,
) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:PutRolePolicy";
    let put = writer
        .write(OPERATION)?
        .iam
        .put_role_policy()
        .role_name(role)
        .policy_name(name)
        .policy_document(policy.to_json());
    put.send().await.map_err(from_sdk(OPERATION))?;
    Ok(())
}

pub(super) async fn delete_inline(writer: &Writer<'_>, role: &str, name: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:DeleteRolePolicy";
    let delete = writer.write(OPERATION)?.iam.delete_role_policy().role_name(role).policy_name(name);
    gone(delete.send().await.map_err(from_sdk(OPERATION)))
}

pub(super) async fn attach(writer: &Writer<'_>, role: &str, arn: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:AttachRolePolicy";
    let attach = writer.write(OPERATION)?.iam.attach_role_policy().role_name(role).policy_arn(arn);
    let attached = attach.send().await.map_err(from_sdk(OPERATION));
    let remedy = "Create the policy, or correct spec.executionRole.managedPolicyArns.";
    attached.map_err(unless_missing(Some(arn), remedy))?;
    Ok(())
}

pub(super) async fn detach(writer: &Writer<'_>, role: &str, arn: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:DetachRolePolicy";
    let detach = writer.write(OPERATION)?.iam.detach_role_policy().role_name(role).policy_arn(arn);
    gone(detach.send().await.map_err(from_sdk(OPERATION)))
}
