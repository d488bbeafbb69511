//! The graph of repositories: what may be an upstream of what, and the order in which a request walks it.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>.

use std::collections::BTreeSet;

use serde_json::Value;

use super::domain::Domain;
use super::repository::{Repository, Upstream};
use super::rules::{REPOSITORY, invalid, not_found, quota_exceeded};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::Refusal;

/// Repositories that one request looks into at most.
const MOST_SEARCHED: usize = 25;

/// The names of the upstreams that a request asks for; `None` if it does not mention them.
pub fn read(members: &mut Members<'_>) -> Option<Vec<String>> {
    let entries = members.list("upstreams", 0, usize::MAX)?;
    let mut names = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let name = entry.get("repositoryName").and_then(Value::as_str).unwrap_or_default();
        members.check(&format!("upstreams.{}.member.repositoryName", index + 1), name, &REPOSITORY);
        names.push(name.to_owned());
    }
    Some(names)
}

/// The upstreams of these names for a repository, which need not exist yet.
///
/// # Errors
/// Too many, one twice, one that does not exist, or a circle.
pub fn resolve(domain: &Domain, downstream: &str, names: &[String], most: usize) -> Result<Vec<Upstream>, Refusal> {
    if names.len() > most {
        let message = format!("A repository can have at most {most} direct upstream repositories.");
        return Err(quota_exceeded("repository", downstream, message));
    }
    let mut upstreams: Vec<Upstream> = Vec::new();
    for name in names {
        if upstreams.iter().any(|earlier| earlier.name == *name) {
            return Err(invalid(format!("Upstream repository '{name}' is listed more than once.")));
        }
        let Some(upstream) = domain.repositories.get(name).filter(|_| name != downstream) else {
            return Err(if name == downstream { circular(downstream) } else { missing(domain, name) });
        };
        if walk(domain, upstream).iter().any(|reached| reached.name == downstream) {
            return Err(circular(downstream));
        }
        upstreams.push(Upstream { id: upstream.id.clone(), name: name.clone() });
    }
    Ok(upstreams)
}

fn missing(domain: &Domain, name: &str) -> Refusal {
    let message = format!("Upstream repository '{name}' in domain '{}' does not exist.", domain.name);
    not_found("repository", name, message)
}

/// The words are not known, the code is expected.
fn circular(downstream: &str) -> Refusal {
    invalid(format!("The upstream repositories of '{downstream}' would form a cycle."))
}

/// A repository and all that it reaches, depth first in order of priority, each once.
#[must_use]
pub fn walk<'d>(domain: &'d Domain, from: &'d Repository) -> Vec<&'d Repository> {
    walk_while(domain, from, |_| true)
}

/// The same, but not beyond repositories at which the search ends.
#[must_use]
pub fn walk_while<'d>(
    domain: &'d Domain,
    from: &'d Repository,
    goes_on: impl Fn(&Repository) -> bool,
) -> Vec<&'d Repository> {
    let mut reached = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(repository) = next.pop() {
        if reached.len() == MOST_SEARCHED || !seen.insert(&repository.id) {
            continue;
        }
        reached.push(repository);
        if goes_on(repository) {
            next.extend(repository.upstreams.iter().rev().filter_map(|upstream| living(domain, upstream)));
        }
    }
    reached
}

/// An upstream, unless it was deleted; one that was created again under the name is another repository.
fn living<'d>(domain: &'d Domain, upstream: &Upstream) -> Option<&'d Repository> {
    domain.repositories.get(&upstream.name).filter(|repository| repository.id == upstream.id)
}

/// The first upstream on the way that no longer exists; then AWS answers no request that has to go upstream.
#[must_use]
pub fn dangling(domain: &Domain, from: &Repository) -> Option<String> {
    let upstreams = walk(domain, from).into_iter().flat_map(|repository| &repository.upstreams);
    upstreams.into_iter().find(|upstream| living(domain, upstream).is_none()).map(|upstream| upstream.name.clone())
}
