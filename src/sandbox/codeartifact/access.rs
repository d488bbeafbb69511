//! What the policies of domains and repositories say about a call. What the caller's own policies say has been judged
//! before the call arrives here, except for the package index, whose requests are judged here altogether.
//!
//! Both kinds together decide: in one account either is enough, between accounts both are needed, and a
//! denial in any of them wins.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use super::domain::Domain;
use super::place::RepositoryPlace;
use super::rules::denied;
use super::token::Grant;
use crate::sandbox::clock::Instant;
use crate::sandbox::iam;
use crate::sandbox::policy::{AccessRequest, Decision, Document, Kind, evaluate, grants_by_name};
use crate::sandbox::wire::{Call, Refusal};
use crate::sandbox::world::World;

/// What an ARN of this service says about where its resource is.
struct Target<'a> {
    region: &'a str,
    owner: &'a str,
    domain: &'a str,
    repository: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(2);
        if parts.next() != Some("codeartifact") {
            return None;
        }
        let (region, owner, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let mut path = resource.split('/').skip(1);
        Some(Self { region, owner, domain: path.next()?, repository: path.next() })
    }

    fn domain<'w>(&self, world: &'w mut World) -> Option<&'w Domain> {
        world.account(self.owner).region(self.region).codeartifact.domains.get(self.domain)
    }

    /// The policies that speak of it: that of the domain and that of the repository.
    fn documents(&self, world: &mut World) -> Vec<Document> {
        let Some(domain) = self.domain(world) else { return Vec::new() };
        let repository = self.repository.and_then(|name| domain.repositories.get(name));
        let policies: Vec<_> =
            domain.policy.iter().chain(repository.and_then(|repository| repository.policy.as_ref())).cloned().collect();
        let texts: Vec<String> = policies.iter().map(|policy| policy.document(world)).collect();
        texts.iter().filter_map(|text| Document::parse(text, Kind::Resource).ok()).collect()
    }

    /// Whether an account is at home here, so that its own policies are enough.
    fn is_home_of(&self, world: &mut World, account: &str) -> bool {
        account == self.owner
            || self.domain(world).is_some_and(|domain| {
                let repository = self.repository.and_then(|name| domain.repositories.get(name));
                repository.is_some_and(|repository| repository.administrator == account)
            })
    }
}

/// Whether the policy of a domain or repository grants a request to its caller by name, so that no policy of its role
/// has to. Between accounts that is never enough.
#[must_use]
pub fn is_granted(world: &mut World, request: &AccessRequest) -> bool {
    let Some(target) = Target::of(&request.resource) else { return false };
    let account = request.principal_arn.split(':').nth(4).unwrap_or_default();
    target.is_home_of(world, account) && grants_by_name(&target.documents(world), request)
}

/// Refuses a call that the policies here deny, or that comes from another account and is not allowed by them.
///
/// # Errors
/// Denied.
pub fn permit(world: &mut World, call: &Call, resource: &str) -> Result<(), Refusal> {
    permit_action(world, call, &format!("codeartifact:{}", call.operation), resource)
}

/// The same for an action that is not the operation itself.
///
/// # Errors
/// Denied.
pub fn permit_action(world: &mut World, call: &Call, action: &str, resource: &str) -> Result<(), Refusal> {
    let Some(target) = Target::of(resource) else { return Ok(()) };
    let home = target.is_home_of(world, &call.caller.account);
    // A policy has no say about being replaced.
    let replaces_policy = action.ends_with("PermissionsPolicy") && action.contains(":Put");
    let documents = if replaces_policy { Vec::new() } else { target.documents(world) };
    let mut request = iam::request(world, &call.caller, &call.region, call.now);
    action.clone_into(&mut request.action);
    resource.clone_into(&mut request.resource);
    match evaluate(&documents, &request) {
        Decision::Allow(_) => Ok(()),
        Decision::ImplicitDeny if home => Ok(()),
        Decision::ImplicitDeny | Decision::ExplicitDeny(_) => Err(denied(&call.caller.arn, action, resource)),
    }
}

/// Whether the bearer of a token may do something in a repository: asked at every request, because a token itself
/// cannot be taken back.
#[must_use]
pub fn bearer_may(
    world: &mut World,
    grant: &Grant,
    action: &str,
    place: &RepositoryPlace,
    region: &str,
    now: Instant,
) -> bool {
    let Some(target) = Target::of(&place.arn) else { return false };
    if !lives(world, grant) {
        return false;
    }
    let mut request = iam::request(world, &grant.caller, region, now);
    action.clone_into(&mut request.action);
    request.resource.clone_from(&place.arn);
    let documents = target.documents(world);
    let home = target.is_home_of(world, &grant.caller.account);
    let by_resource = match evaluate(&documents, &request) {
        Decision::ExplicitDeny(_) => return false,
        decision => decision.is_allow(),
    };
    if !home && !by_resource {
        return false;
    }
    if !world.settings.enforce_iam {
        return true;
    }
    if world.way.as_ref().is_some_and(|way| way.lets_pass(&request).is_err()) {
        return false;
    }
    let granted = home && grants_by_name(&documents, &request);
    iam::permits(world, &grant.caller, &request, granted).is_ok()
}

/// A role that was deleted has no permissions left, whatever its tokens say and whoever has its name now.
fn lives(world: &mut World, grant: &Grant) -> bool {
    let Some(name) = &grant.caller.role_name else { return true };
    let role = world.account(&grant.caller.account).iam.role(name);
    role.is_some_and(|role| Some(&role.id) == grant.role_id.as_ref())
}
