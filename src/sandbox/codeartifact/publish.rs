//! Publishing a version, through the API (generic packages only, as in AWS) or from the package index, where twine
//! brings Python packages.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::domain::Domain;
use super::package::{Asset, Origin, PackageKey, Version};
use super::place::PackagePlace;
use super::reach::reach;
use super::rules::{ASSET, PACKAGE, SHA256, conflict, invalid, malformed};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// `PublishPackageVersion`.
pub fn publish(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = PackagePlace::read(&mut members, world, call);
    let number = members.required("packageVersion", &PACKAGE).to_owned();
    let name = members.required("assetName", &ASSET).to_owned();
    let digest = members.required("assetSHA256", &SHA256);
    let unfinished = members.flag("unfinished");
    members.finish().map_err(malformed)?;
    if place.key.format != "generic" {
        return Err(invalid("The only supported value for format is generic."));
    }
    let content = STANDARD.decode(call.text("assetContent").unwrap_or_default()).unwrap_or_default();
    let asset = Asset::new(name, Bytes::from(content), call.now);
    if asset.sha256 != digest {
        return Err(invalid("The provided SHA-256 does not match the content of the asset."));
    }
    let repository = place.open(world, call)?;
    let version = Version {
        version: number.clone(),
        status: if unfinished { "Unfinished" } else { "Published" }.to_owned(),
        published: call.now,
        origin: Origin::Internal(repository.name.clone()),
        summary: String::new(),
        requires: Vec::new(),
        requires_python: None,
        assets: vec![asset.clone()],
    };
    let domain = place.repository.domain.find(world, &call.region)?;
    add(domain, &place.repository.name, &place.key, version)?;
    let version = domain.repository(&place.repository.name)?.package(&place.key)?.version(&number)?;
    let mut answer = place.key.describe("package");
    answer["version"] = json!(number);
    answer["versionRevision"] = json!(version.revision());
    answer["status"] = json!(version.status);
    answer["asset"] = asset.describe();
    Ok(answer)
}

/// Adds a version with its file to a repository, or the file to a version that may still grow.
///
/// # Errors
/// Publishing is blocked here, or the version exists already, here or upstream.
pub fn add(domain: &mut Domain, repository: &str, key: &PackageKey, version: Version) -> Result<(), Refusal> {
    let number = version.version.clone();
    let upstream = reach(domain, repository, key).unwrap_or_default();
    let held = domain.repository(repository)?;
    let package = held.packages.get(key);
    if package.is_some_and(|package| package.publish == "BLOCK") {
        return Err(conflict("package", &key.name, format!("Publishing versions of {} is blocked here.", key.name)));
    }
    match package.and_then(|package| package.versions.get(&number)) {
        None if upstream.contains_key(&number) => Err(exists(&number)),
        None => {
            held.take_in(key, version, true);
            Ok(())
        }
        Some(present) => {
            // Python versions take further files at any time (one per interpreter), generic ones while unfinished.
            let grows = key.format == "pypi" || present.status == "Unfinished";
            let fresh = version.assets.iter().all(|new| present.assets.iter().all(|asset| asset.name != new.name));
            if !grows || !fresh {
                return Err(exists(&number));
            }
            let assets = present.assets.iter().cloned().chain(version.assets.iter().cloned()).collect();
            held.take_in(key, Version { assets, ..version }, true);
            Ok(())
        }
    }
}

fn exists(version: &str) -> Refusal {
    conflict("package-version", version, format!("Package version {version} already exists."))
}
