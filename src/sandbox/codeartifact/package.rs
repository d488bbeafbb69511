//! Packages, their versions and files as a repository holds them, and what follows from how they arrived.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/package-origin-controls.html>.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::repository::Repository;
use super::rules::not_found;
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::wire::Refusal;

/// What identifies a package in a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageKey {
    /// For example `pypi`.
    pub format: String,
    /// Python packages have none.
    pub namespace: Option<String>,
    /// The name, normalised if the format does that.
    pub name: String,
}

impl PackageKey {
    /// Python names are the same if they differ only in case and in `-`, `_` and `.` (PEP 503).
    #[must_use]
    pub fn new(format: &str, namespace: Option<&str>, name: &str) -> Self {
        let name = if format == "pypi" { normalised(name) } else { name.to_owned() };
        Self { format: format.to_owned(), namespace: namespace.map(str::to_owned), name }
    }

    /// A Python package.
    #[must_use]
    pub fn python(name: &str) -> Self {
        Self::new("pypi", None, name)
    }

    /// Its members in answers, under the given member name for the name.
    #[must_use]
    pub fn describe(&self, name_member: &str) -> Value {
        let mut shown = json!({"format": self.format, name_member: self.name});
        if let Some(namespace) = &self.namespace {
            shown["namespace"] = json!(namespace);
        }
        shown
    }
}

fn normalised(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The file name.
    pub name: String,
    /// The bytes, shared by all repositories that hold it.
    pub content: Bytes,
    /// Their digest, in hexadecimal.
    pub sha256: String,
    /// When it was first published, here or in the public repository.
    pub uploaded: Instant,
}

impl Asset {
    /// A file with its digest.
    #[must_use]
    pub fn new(name: impl Into<String>, content: Bytes, uploaded: Instant) -> Self {
        Self { name: name.into(), sha256: format!("{:x}", Sha256::digest(&content)), content, uploaded }
    }

    /// Its entry in `ListPackageVersionAssets`.
    #[must_use]
    pub fn describe(&self) -> Value {
        json!({"name": self.name, "size": self.content.len(), "hashes": {"SHA-256": self.sha256}})
    }
}

/// How a version came into the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From this public repository.
    External(String),
    /// Published in this repository.
    Internal(String),
}

impl Origin {
    /// The model's word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::External(_) => "EXTERNAL",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn describe(&self) -> Value {
        let entry = match self {
            Self::External(connection) => json!({"externalConnectionName": connection}),
            Self::Internal(repository) => json!({"repositoryName": repository}),
        };
        json!({"domainEntryPoint": entry, "originType": self.kind()})
    }
}

/// A version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The version itself.
    pub version: String,
    /// `Published`, `Unfinished`, `Unlisted`, `Archived`, `Disposed` or `Deleted`.
    pub status: String,
    /// When it came into this repository.
    pub published: Instant,
    /// How it came into the domain.
    pub origin: Origin,
    /// What it is.
    pub summary: String,
    /// Requirements in the notation of PEP 508.
    pub requires: Vec<String>,
    /// The interpreters it runs on.
    pub requires_python: Option<String>,
    /// Its files.
    pub assets: Vec<Asset>,
}

impl Version {
    /// Changes with the files and with nothing else, so that identical copies are recognised.
    #[must_use]
    pub fn revision(&self) -> String {
        let files = self.assets.iter().flat_map(|asset| [asset.name.as_bytes(), asset.sha256.as_bytes()]);
        let digest = files.fold(Sha256::new(), Digest::chain_update).finalize();
        STANDARD.encode(digest)
    }

    /// Whether an index lists it.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.status == "Published"
    }

    /// Whether its files can be had by whoever knows of it.
    #[must_use]
    pub fn is_downloadable(&self) -> bool {
        self.status == "Published" || self.status == "Unlisted"
    }

    /// Its entry in `ListPackageVersions`.
    #[must_use]
    pub fn summarise(&self) -> Value {
        json!({
            "version": self.version,
            "revision": self.revision(),
            "status": self.status,
            "origin": self.origin.describe(),
        })
    }

    /// The answer of `DescribePackageVersion`. The time is that of the arrival here, not that of the release.
    #[must_use]
    pub fn describe(&self, key: &PackageKey) -> Value {
        let mut shown = key.describe("packageName");
        shown["displayName"] = json!(key.name);
        shown["version"] = json!(self.version);
        shown["summary"] = json!(self.summary);
        shown["publishedTime"] = epoch_seconds(self.published);
        shown["licenses"] = json!([]);
        shown["revision"] = json!(self.revision());
        shown["status"] = json!(self.status);
        shown["origin"] = self.origin.describe();
        shown
    }
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Whether versions may be published here: `ALLOW` or `BLOCK`.
    pub publish: String,
    /// Whether versions may come from upstream: `ALLOW` or `BLOCK`.
    pub upstream: String,
    /// Its versions.
    pub versions: BTreeMap<String, Version>,
}

impl Package {
    /// A package without versions; how the first one arrives decides what is allowed later.
    #[must_use]
    pub fn arriving_from(origin: &Origin, published_here: bool) -> Self {
        let (publish, upstream) = match origin {
            Origin::Internal(_) if published_here => ("ALLOW", "BLOCK"),
            _ => ("BLOCK", "ALLOW"),
        };
        Self { publish: publish.into(), upstream: upstream.into(), versions: BTreeMap::new() }
    }

    /// Its origin configuration in answers.
    #[must_use]
    pub fn restrictions(&self) -> Value {
        json!({"restrictions": {"publish": self.publish, "upstream": self.upstream}})
    }

    /// A version.
    ///
    /// # Errors
    /// Not here; what is upstream does not count.
    pub fn version(&self, version: &str) -> Result<&Version, Refusal> {
        let message = format!("Package version not found. Version '{version}' does not exist.");
        self.versions.get(version).ok_or_else(|| not_found("package-version", version, message))
    }

    /// The newest version that is listed.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        let listed = self.versions.values().filter(|version| version.is_listed());
        listed.max_by(|one, other| by_release(&one.version, &other.version))
    }
}

impl Repository {
    /// A package it holds itself.
    ///
    /// # Errors
    /// Not here; what is upstream does not count.
    pub fn package(&self, key: &PackageKey) -> Result<&Package, Refusal> {
        let message =
            format!("Package not found. Package '{}' does not exist in repository '{}'.", key.name, self.name);
        self.packages.get(key).ok_or_else(|| not_found("package", &key.name, message))
    }

    /// Whether requests for this package may go on upstream from here.
    #[must_use]
    pub fn looks_upstream_for(&self, key: &PackageKey) -> bool {
        self.packages.get(key).is_none_or(|package| package.upstream == "ALLOW")
    }

    /// Takes in a version, in place of one of the same number.
    pub fn take_in(&mut self, key: &PackageKey, version: Version, published_here: bool) {
        let package = self.packages.entry(key.clone());
        let package = package.or_insert_with(|| Package::arriving_from(&version.origin, published_here));
        package.versions.insert(version.version.clone(), version);
    }
}

/// Order of versions: number by number, as far as there are numbers.
#[must_use]
pub fn by_release(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> { version.split('.').map_while(|part| part.parse().ok()).collect() };
    numbers(one).cmp(&numbers(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_are_the_same_however_they_are_written() {
        assert_eq!(PackageKey::python("Charset_Normalizer"), PackageKey::python("charset-normalizer"));
        assert_ne!(PackageKey::new("generic", None, "A_b"), PackageKey::new("generic", None, "a-b"));
    }

    #[test]
    fn ten_is_newer_than_nine() {
        assert_eq!(by_release("1.10.0", "1.9.2"), Ordering::Greater);
        assert_eq!(by_release("2.0", "2.0.1"), Ordering::Less);
    }
}
