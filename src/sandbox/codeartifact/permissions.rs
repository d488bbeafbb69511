//! Policies of domains and repositories: reading, putting and deleting them. Principals are stored by
//! their unique ids and shown as ARNs while they live.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use serde_json::{Value, json};

use super::place::{DomainPlace, RepositoryPlace};
use super::rules::{POLICY, POLICY_REVISION, conflict, invalid, malformed, not_found};
use crate::sandbox::clock::Instant;
use crate::sandbox::constraint::Members;
use crate::sandbox::iam::{show_principals, store_principals};
use crate::sandbox::policy::{Document, Kind};
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// The policy of a domain or repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    stored: String,
    revision: String,
}

impl Policy {
    /// The document as a caller sees it now: whoever is gone appears as an id.
    #[must_use]
    pub fn document(&self, world: &mut World) -> String {
        show_principals(world, &self.stored)
    }

    fn show(&self, world: &mut World, arn: &str) -> Value {
        json!({"policy": {"resourceArn": arn, "revision": self.revision, "document": self.document(world)}})
    }
}

/// Turns a document into what is stored, after checking that it is a policy and that its principals exist.
fn store(world: &mut World, text: &str, now: Instant) -> Result<String, Refusal> {
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let message = format!("Policy document is not valid JSON: {error}");
        return Err(Refusal::new(400, "ValidationException", message).with("reason", "CANNOT_PARSE"));
    }
    Document::parse(text, Kind::Resource)
        .map_err(|error| invalid(format!("Policy document is invalid. {}", error.0)))?;
    store_principals(world, text, now).map_err(|error| invalid(error.to_string()))
}

/// Where a policy hangs.
enum Holder {
    Domain(DomainPlace),
    Repository(RepositoryPlace),
}

impl Holder {
    fn arn(&self) -> &str {
        match self {
            Self::Domain(place) => &place.arn,
            Self::Repository(place) => &place.arn,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Domain(_) => "domain",
            Self::Repository(_) => "repository",
        }
    }

    fn open<'w>(&self, world: &'w mut World, call: &Call) -> Result<&'w mut Option<Policy>, Refusal> {
        Ok(match self {
            Self::Domain(place) => &mut place.open(world, call)?.policy,
            Self::Repository(place) => &mut place.open(world, call)?.policy,
        })
    }

    /// The policy there is; without one, the same code as for a resource that is not there.
    fn present(&self, world: &mut World, call: &Call) -> Result<Policy, Refusal> {
        self.open(world, call)?.clone().ok_or_else(|| {
            not_found(self.kind(), self.arn(), format!("Policy not found. {} has no permissions policy.", self.arn()))
        })
    }

    /// Refuses a change that was made with another revision in mind.
    fn must_match(&self, present: Option<&Policy>, revision: Option<&str>) -> Result<(), Refusal> {
        match revision {
            Some(revision) if present.is_none_or(|policy| policy.revision != revision) => {
                let message = format!("Policy revision {revision} is not the current revision of {}.", self.arn());
                Err(conflict(self.kind(), self.arn(), message))
            }
            _ => Ok(()),
        }
    }

    fn get(&self, world: &mut World, call: &Call) -> Reply {
        let policy = self.present(world, call)?;
        Ok(policy.show(world, self.arn()))
    }

    fn put(&self, world: &mut World, call: &Call, request: &Request) -> Reply {
        let present = self.open(world, call)?.clone();
        self.must_match(present.as_ref(), request.revision.as_deref())?;
        let stored = store(world, request.document.as_deref().unwrap_or_default(), call.now)?;
        let policy = Policy { stored, revision: world.ids.uuid() };
        *self.open(world, call)? = Some(policy.clone());
        Ok(policy.show(world, self.arn()))
    }

    fn delete(&self, world: &mut World, call: &Call, request: &Request) -> Reply {
        let policy = self.present(world, call)?;
        self.must_match(Some(&policy), request.revision.as_deref())?;
        *self.open(world, call)? = None;
        Ok(policy.show(world, self.arn()))
    }
}

/// The members besides the place.
struct Request {
    revision: Option<String>,
    document: Option<String>,
}

fn read(
    world: &World,
    call: &Call,
    holder: impl FnOnce(&mut Members<'_>, &World, &Call) -> Holder,
) -> Result<(Holder, Request), Refusal> {
    let mut members = Members::of(&call.params);
    let holder = holder(&mut members, world, call);
    let revision = members.text("policyRevision", &POLICY_REVISION).map(str::to_owned);
    if call.operation.starts_with("Put") && members.raw("policyDocument").is_none() {
        members.missing("policyDocument");
    }
    let document = members.text("policyDocument", &POLICY).map(str::to_owned);
    members.finish().map_err(malformed)?;
    Ok((holder, Request { revision, document }))
}

fn domain(members: &mut Members<'_>, world: &World, call: &Call) -> Holder {
    Holder::Domain(DomainPlace::read(members, world, call))
}

fn repository(members: &mut Members<'_>, world: &World, call: &Call) -> Holder {
    Holder::Repository(RepositoryPlace::read(members, world, call))
}

/// `GetDomainPermissionsPolicy`.
pub fn get_of_domain(world: &mut World, call: &Call) -> Reply {
    read(world, call, domain)?.0.get(world, call)
}

/// `GetRepositoryPermissionsPolicy`.
pub fn get_of_repository(world: &mut World, call: &Call) -> Reply {
    read(world, call, repository)?.0.get(world, call)
}

/// `PutDomainPermissionsPolicy`.
pub fn put_on_domain(world: &mut World, call: &Call) -> Reply {
    let (holder, request) = read(world, call, domain)?;
    holder.put(world, call, &request)
}

/// `PutRepositoryPermissionsPolicy`.
pub fn put_on_repository(world: &mut World, call: &Call) -> Reply {
    let (holder, request) = read(world, call, repository)?;
    holder.put(world, call, &request)
}

/// `DeleteDomainPermissionsPolicy`.
pub fn delete_of_domain(world: &mut World, call: &Call) -> Reply {
    let (holder, request) = read(world, call, domain)?;
    holder.delete(world, call, &request)
}

/// `DeleteRepositoryPermissionsPolicy`.
pub fn delete_of_repository(world: &mut World, call: &Call) -> Reply {
    let (holder, request) = read(world, call, repository)?;
    holder.delete(world, call, &request)
}
