//! What a role may do: inline policies, attached managed policies, the permissions boundary.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use serde_json::{Value, json};

use super::super::policy::{Document, Kind};
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::policy::by_arn;
use super::role::{modifiable, named};
use super::{NOTHING, limit_exceeded, malformed, no_such_entity, paging, required, size, url_encoded};

/// All inline policies of a role together.
const INLINE_QUOTA: usize = 10_240;

pub(super) fn put(world: &mut World, call: &Call) -> Reply {
    let (name, document) = (required(call, "PolicyName"), required(call, "PolicyDocument"));
    let role = modifiable(world, call)?;
    Document::parse(document, Kind::Identity).map_err(|malformed_document| malformed(malformed_document.0))?;
    let others = role.inline.iter().filter(|(other, _)| *other != name).map(|(_, document)| size(document));
    if others.sum::<usize>() + size(document) > INLINE_QUOTA {
        let message = format!("Maximum policy size of {INLINE_QUOTA} bytes exceeded for role {}", role.name);
        return Err(limit_exceeded(message));
    }
    role.inline.insert(name.to_owned(), document.to_owned());
    Ok(NOTHING)
}

fn no_such_inline(name: &str) -> Refusal {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "PolicyName");
    let role = named(world, call)?;
    let document = role.inline.get(name).ok_or_else(|| no_such_inline(name))?;
    Ok(json!({"RoleName": role.name, "PolicyName": name, "PolicyDocument": url_encoded(document)}))
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let names = named(world, call)?.inline.keys();
    let items = names.map(|name| (name.clone(), Value::String(name.clone()))).collect();
    paging::list(call, "PolicyNames", items)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "PolicyName");
    modifiable(world, call)?.inline.remove(name).ok_or_else(|| no_such_inline(name))?;
    Ok(NOTHING)
}

pub(super) fn attach(world: &mut World, call: &Call) -> Reply {
    modifiable(world, call)?;
    let arn = required(call, "PolicyArn");
    by_arn(world, call, arn)
        .map_err(|refusal| unattachable(refusal, format!("Policy {arn} does not exist or is not attachable.")))?;
    let quota = world.settings.quotas.managed_policies_per_role;
    let role = modifiable(world, call)?;
    if !role.attached.contains(arn) && role.attached.len() >= quota {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {quota}")));
    }
    role.attached.insert(arn.to_owned());
    Ok(NOTHING)
}

/// Attaching words a missing policy in its own way; other refusals stay as they are.
fn unattachable(refusal: Refusal, message: String) -> Refusal {
    if refusal.code == "NoSuchEntity" { no_such_entity(message) } else { refusal }
}

pub(super) fn detach(world: &mut World, call: &Call) -> Reply {
    let arn = required(call, "PolicyArn");
    if modifiable(world, call)?.attached.remove(arn) {
        return Ok(NOTHING);
    }
    Err(no_such_entity(format!("Policy {arn} was not found.")))
}

/// An attached policy as lists show it.
pub(super) fn attached_json(arn: &str) -> Value {
    json!({"PolicyName": arn.rsplit('/').next(), "PolicyArn": arn})
}

/// The path of a policy, from its ARN.
pub(super) fn path_in_arn(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default().trim_start_matches("policy");
    resource.rfind('/').map_or("/", |end| &resource[..=end])
}

pub(super) fn list_attached(world: &mut World, call: &Call) -> Reply {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let attached = named(world, call)?.attached.iter().filter(|arn| path_in_arn(arn).starts_with(prefix));
    let items = attached.map(|arn| (arn.clone(), attached_json(arn))).collect();
    paging::list(call, "AttachedPolicies", items)
}

/// Refuses a boundary that is no policy.
pub(super) fn attachable_as_boundary(world: &mut World, call: &Call, arn: &str) -> Result<(), Refusal> {
    by_arn(world, call, arn)
        .map(drop)
        .map_err(|refusal| unattachable(refusal, format!("Scope ARN: {arn} does not exist or is not attachable.")))
}

pub(super) fn put_boundary(world: &mut World, call: &Call) -> Reply {
    modifiable(world, call)?;
    let arn = required(call, "PermissionsBoundary");
    attachable_as_boundary(world, call, arn)?;
    modifiable(world, call)?.boundary = Some(arn.to_owned());
    Ok(NOTHING)
}

/// That a role without boundary is refused follows from the modelled error; the wording is ours.
pub(super) fn delete_boundary(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    match role.boundary.take() {
        Some(_) => Ok(NOTHING),
        None => Err(no_such_entity(format!("The role with name {} has no permissions boundary.", role.name))),
    }
}
