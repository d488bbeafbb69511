//! What a repository can deliver beyond what it holds: versions of its upstreams and, at their end, of the public
//! repository. Delivering a version leaves copies of it on the way.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>.

use std::collections::BTreeMap;

use super::catalogue;
use super::domain::Domain;
use super::package::{PackageKey, Version};
use super::repository::Repository;
use super::rules::not_found;
use super::upstream::{dangling, walk_while};
use crate::sandbox::clock::Instant;
use crate::sandbox::wire::Refusal;

/// A version that can be delivered.
#[derive(Debug, Clone)]
pub struct Reachable {
    /// The version.
    pub version: Version,
    /// The repository that holds it or through whose external connection it comes.
    pub through: String,
}

/// All versions of a package that a repository can deliver. Of equal versions the nearest counts, whatever its status:
/// what was archived here does not come back from upstream.
///
/// # Errors
/// The graph of upstreams has a hole.
pub fn reach(domain: &Domain, from: &str, key: &PackageKey) -> Result<BTreeMap<String, Reachable>, Refusal> {
    let mut found = BTreeMap::new();
    let Some(from) = domain.repositories.get(from) else {
        return Ok(found);
    };
    let looks_upstream = |repository: &Repository| repository.looks_upstream_for(key);
    if looks_upstream(from)
        && let Some(name) = dangling(domain, from)
    {
        let message = format!("A repository referenced in your upstream graph no longer exists: '{name}'.");
        return Err(not_found("repository", &name, message));
    }
    for repository in walk_while(domain, from, looks_upstream) {
        let own = repository.packages.get(key).into_iter().flat_map(|package| package.versions.values().cloned());
        let public = repository
            .connection
            .filter(|connection| connection.format == key.format && repository.looks_upstream_for(key))
            .map(|connection| catalogue::versions(connection.name, key))
            .unwrap_or_default();
        for version in own.chain(public) {
            let through = repository.name.clone();
            found.entry(version.version.clone()).or_insert(Reachable { version, through });
        }
    }
    Ok(found)
}

/// Keeps a delivered version where AWS keeps it: in the repository that was asked, and in the one through whose
/// connection it came, but in none between.
pub fn retain(domain: &mut Domain, asked: &str, key: &PackageKey, delivered: &Reachable, now: Instant) {
    for name in [asked, &delivered.through] {
        let Some(repository) = domain.repositories.get_mut(name) else { continue };
        let held = repository
            .packages
            .get(key)
            .is_some_and(|package| package.versions.contains_key(&delivered.version.version));
        if !held {
            repository.take_in(key, Version { published: now, ..delivered.version.clone() }, false);
        }
    }
}
