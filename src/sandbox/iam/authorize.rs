//! Whether a caller may do what it asks for: its role's policies, the boundary, and what its session was cut down to.
//!
//! Only callers with a role are judged; everybody else is the administrator of an account. What a call needs is said
//! in `needs`. What resource policies say is asked of whoever keeps the resource.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

mod needs;

use super::super::clock::{Instant, iso8601_seconds};
use super::super::codeartifact;
use super::super::policy::{AccessRequest, Decision, Document, Kind, evaluate};
use super::super::sts::{self, Session};
use super::super::wire::{Call, Caller, Refusal, Service};
use super::super::world::World;
use super::{Role, State};
use needs::Need;

/// The address from which calls come, as far as policies can see: one that is set aside for documentation.
const SOURCE_IP: &str = "203.0.113.10";

/// Why something is not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Whether a statement denies it, rather than no statement allowing it.
    pub explicit: bool,
    /// The end of AWS's sentence, from `because` or `with` on.
    pub reason: String,
}

/// Whether the caller may do what it asks for.
///
/// # Errors
/// The service's refusal if not.
pub fn authorize(world: &mut World, call: &Call) -> Result<(), Refusal> {
    let Some(name) = &call.caller.role_name else { return Ok(()) };
    if let Some(role) = world.account(&call.caller.account).iam.role_mut(name) {
        role.last_used = Some((call.now, call.region.clone()));
    }
    for need in needs::of(world, call) {
        let Need { action, resource, context } = need;
        let mut request = request(world, &call.caller, &call.region, call.now);
        request.context.extend(context);
        request.action = action;
        request.resource = resource;
        let granted = granted_by_resource(world, &request);
        if let Some(way) = &world.way {
            let stopped = |reason| Denial { explicit: false, reason };
            way.lets_pass(&request).map_err(|reason| refusal(call, &request, &stopped(reason)))?;
        }
        permits(world, &call.caller, &request, granted).map_err(|denial| refusal(call, &request, &denial))?;
    }
    Ok(())
}

/// Whether the policy of a resource grants it to the caller, so that its own role need not. Replacing such a
/// policy is never up to the policy that is there.
fn granted_by_resource(world: &mut World, request: &AccessRequest) -> bool {
    let replaces_policy =
        request.action.starts_with("codeartifact:Put") && request.action.ends_with("PermissionsPolicy");
    !replaces_policy && codeartifact::access::is_granted(world, request)
}

/// A request of the caller, still without action and resource.
pub fn request(world: &mut World, caller: &Caller, region: &str, now: Instant) -> AccessRequest {
    let role = role_of(world, caller);
    let mut request = AccessRequest {
        principal_arn: caller.arn.clone(),
        role_arn: role.as_ref().map(|role| role.arn.clone()),
        ..AccessRequest::default()
    };
    let mut set = |key: &str, value: String| request.context.insert(key.to_owned(), vec![value]);
    let session = sts::session_of(world, caller);
    let kind = if role.is_some() { "AssumedRole" } else { "Account" };
    // The session of a role reports the role's ARN.
    set("aws:PrincipalArn", role.as_ref().map_or_else(|| caller.arn.clone(), |role| role.arn.clone()));
    set("aws:PrincipalAccount", caller.account.clone());
    set("aws:PrincipalType", kind.to_owned());
    set("aws:userid", sts::user_id(role.as_ref(), caller));
    set("aws:RequestedRegion", region.to_owned());
    set("aws:CurrentTime", iso8601_seconds(now));
    set("aws:EpochTime", now.as_secs().to_string());
    set("aws:SecureTransport", "true".to_owned());
    set("aws:ViaAWSService", "false".to_owned());
    set("aws:SourceIp", SOURCE_IP.to_owned());
    for (key, value) in role.iter().flat_map(|role| role.tags.iter()) {
        set(&format!("aws:PrincipalTag/{key}"), value.to_owned());
    }
    for (key, value) in session.iter().flat_map(|session| &session.tags) {
        set(&format!("aws:PrincipalTag/{key}"), value.clone());
    }
    if let Some(way) = &world.way {
        way.describe(&mut request);
    }
    request
}

fn role_of(world: &mut World, caller: &Caller) -> Option<Role> {
    let name = caller.role_name.as_ref()?;
    world.account(&caller.account).iam.role(name).cloned()
}

/// Whether the caller's own policies permit a request. With `granted`, a resource policy has granted it to the caller by
/// name, so that no policy of its role has to; the boundary and the session still limit it.
///
/// # Errors
/// Why not.
pub fn permits(world: &mut World, caller: &Caller, request: &AccessRequest, granted: bool) -> Result<(), Denial> {
    let Some(role) = role_of(world, caller) else { return Ok(()) };
    let session = sts::session_of(world, caller);
    let state = &world.account(&caller.account).iam;
    judge(&identity(state, &role), request, "identity-based policy", granted)?;
    if let Some(boundary) = &role.boundary {
        judge(&parsed(&managed(state, [boundary])), request, "permissions boundary", false)?;
    }
    if let Some(session) = session.filter(Session::limits) {
        let mut limits = session.policies.clone();
        limits.extend(managed(state, &session.policy_arns));
        judge(&parsed(&limits), request, "session policy", false)?;
    }
    Ok(())
}

fn identity(state: &State, role: &Role) -> Vec<Document> {
    let mut texts: Vec<String> = role.inline.values().cloned().collect();
    texts.extend(managed(state, &role.attached));
    parsed(&texts)
}

fn managed<'a>(state: &State, arns: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let policies = arns.into_iter().filter_map(|arn| state.managed_policy(arn));
    policies.map(|policy| policy.document().to_owned()).collect()
}

/// Documents were checked when they came in.
fn parsed(texts: &[String]) -> Vec<Document> {
    texts.iter().filter_map(|text| Document::parse(text, Kind::Identity).ok()).collect()
}

fn judge(documents: &[Document], request: &AccessRequest, kind: &str, granted: bool) -> Result<(), Denial> {
    let article = if kind.starts_with('i') { "an" } else { "a" };
    match evaluate(documents, request) {
        Decision::Allow(_) => Ok(()),
        Decision::ImplicitDeny if granted => Ok(()),
        Decision::ExplicitDeny(_) => {
            Err(Denial { explicit: true, reason: format!("with an explicit deny in {article} {kind}") })
        }
        Decision::ImplicitDeny => {
            Err(Denial { explicit: false, reason: format!("because no {kind} allows the {} action", request.action) })
        }
    }
}

/// The refusal in the words and with the code of each service.
fn refusal(call: &Call, request: &AccessRequest, denial: &Denial) -> Refusal {
    let on = match request.resource.as_str() {
        "*" => String::new(),
        arn => format!(" on resource: {arn}"),
    };
    let message =
        format!("User: {} is not authorized to perform: {}{on} {}", call.caller.arn, request.action, denial.reason);
    match call.service {
        Service::Ec2 => {
            let message = format!("You are not authorized to perform this operation. {message}");
            Refusal::new(403, "UnauthorizedOperation", message)
        }
        Service::Iam | Service::Sts => Refusal::new(403, "AccessDenied", message),
        Service::CodeArtifact => Refusal::new(403, "AccessDeniedException", message),
        Service::SageMaker => Refusal::new(400, "AccessDeniedException", message),
    }
}

#[cfg(test)]
mod tests;
