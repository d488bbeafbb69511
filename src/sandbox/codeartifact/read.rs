//! Reading what a repository holds itself: what it could get from upstream is not found here.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/package-origin-controls.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::domain::answer_page;
use super::package::{Package, PackageKey, Version};
use super::place::{PackagePlace, RepositoryPlace};
use super::rules::{ASSET, FORMATS, NEXT_TOKEN, PACKAGE, REVISION, malformed, not_found};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

const STATUSES: [&str; 6] = ["Published", "Unfinished", "Unlisted", "Archived", "Disposed", "Deleted"];
const ALLOWANCES: [&str; 2] = ["ALLOW", "BLOCK"];

fn summarise(key: &PackageKey, package: &Package) -> Value {
    let mut shown = key.describe("package");
    shown["originConfiguration"] = package.restrictions();
    shown
}

/// `ListPackages`.
pub fn list_packages(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    let format = members.choice("format", &FORMATS);
    let namespace = members.text("namespace", &PACKAGE);
    let prefix = members.text("packagePrefix", &PACKAGE).unwrap_or_default();
    let publish = members.choice("publish", &ALLOWANCES);
    let upstream = members.choice("upstream", &ALLOWANCES);
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    members.finish().map_err(malformed)?;
    let wanted = |key: &PackageKey, package: &Package| {
        format.is_none_or(|format| key.format == format)
            && namespace.is_none_or(|namespace| key.namespace.as_deref() == Some(namespace))
            && key.name.starts_with(prefix)
            && publish.is_none_or(|publish| package.publish == publish)
            && upstream.is_none_or(|upstream| package.upstream == upstream)
    };
    let packages = &place.open(world, call)?.packages;
    let entries = packages
        .iter()
        .filter(|(key, package)| wanted(key, package))
        .map(|(key, package)| {
            let sort_key = format!("{}/{}/{}", key.format, key.namespace.as_deref().unwrap_or_default(), key.name);
            (sort_key, summarise(key, package))
        })
        .collect();
    answer_page("packages", entries, token, size)
}

/// `DescribePackage`.
pub fn describe_package(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = PackagePlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    let mut shown = place.key.describe("name");
    shown["originConfiguration"] = place.open(world, call)?.package(&place.key)?.restrictions();
    Ok(json!({"package": shown}))
}

/// `ListPackageVersions`: of every status, unless one is asked for.
pub fn list_versions(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = PackagePlace::read(&mut members, world, call);
    let status = members.choice("status", &STATUSES);
    let by_time = members.choice("sortBy", &["PUBLISHED_TIME"]).is_some();
    let origin = members.choice("originType", &["INTERNAL", "EXTERNAL", "UNKNOWN"]);
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    members.finish().map_err(malformed)?;
    let package = place.open(world, call)?.package(&place.key)?;
    let sort_key = |version: &Version| {
        // The latest first, and versions of one moment by their number.
        let latest = if by_time { u128::MAX - version.published.as_millis() } else { 0 };
        format!("{latest:040}/{}", version.version)
    };
    let entries = package
        .versions
        .values()
        .filter(|version| status.is_none_or(|status| version.status == status))
        .filter(|version| origin.is_none_or(|origin| version.origin.kind() == origin))
        .map(|version| (sort_key(version), version.summarise()))
        .collect();
    let mut answer = answer_page("versions", entries, token, size)?;
    if let Some(newest) = package.newest() {
        answer["defaultDisplayVersion"] = json!(newest.version);
    }
    Ok(with_key(answer, &place.key))
}

fn with_key(mut answer: Value, key: &PackageKey) -> Value {
    let shown = key.describe("package");
    for (name, value) in shown.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    answer
}

/// A request that is about one version.
struct OneVersion {
    place: PackagePlace,
    version: Version,
}

impl OneVersion {
    fn open(mut members: Members<'_>, world: &mut World, call: &Call) -> Result<Self, Refusal> {
        let place = PackagePlace::read(&mut members, world, call);
        let wanted = members.required("packageVersion", &PACKAGE);
        members.finish().map_err(malformed)?;
        let version = place.open(world, call)?.package(&place.key)?.version(wanted)?.clone();
        Ok(Self { place, version })
    }

    fn head(&self) -> Value {
        let head = json!({"version": self.version.version, "versionRevision": self.version.revision()});
        with_key(head, &self.place.key)
    }
}

/// `DescribePackageVersion`.
pub fn describe_version(world: &mut World, call: &Call) -> Reply {
    let one = OneVersion::open(Members::of(&call.params), world, call)?;
    Ok(json!({"packageVersion": one.version.describe(&one.place.key)}))
}

/// `ListPackageVersionAssets`.
pub fn list_assets(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    let one = OneVersion::open(members, world, call)?;
    let entries = one.version.assets.iter().map(|asset| (asset.name.clone(), asset.describe())).collect();
    let mut answer = one.head();
    if let Value::Object(page) = answer_page("assets", entries, token, size)? {
        page.into_iter().for_each(|(name, value)| answer[name] = value);
    }
    Ok(answer)
}

/// `ListPackageVersionDependencies`: name and requirement of what the version itself declares.
pub fn list_dependencies(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    members.text("nextToken", &NEXT_TOKEN);
    let one = OneVersion::open(members, world, call)?;
    let is_name = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let dependency = |requirement: &String| {
        let end = requirement.find(|letter| !is_name(letter)).unwrap_or(requirement.len());
        json!({
            "package": PackageKey::python(&requirement[..end]).name,
            "versionRequirement": requirement[end..].trim(),
        })
    };
    let mut answer = one.head();
    answer["dependencies"] = one.version.requires.iter().map(dependency).collect();
    Ok(answer)
}

/// `GetPackageVersionReadme`: what the version says about itself.
pub fn get_readme(world: &mut World, call: &Call) -> Reply {
    let one = OneVersion::open(Members::of(&call.params), world, call)?;
    let number = &one.version.version;
    if one.version.summary.is_empty() {
        return Err(not_found("package-version", number, format!("Readme not found for version '{number}'.")));
    }
    let mut answer = one.head();
    answer["readme"] = json!(one.version.summary);
    Ok(answer)
}

/// `GetPackageVersionAsset`.
pub fn get_asset(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("asset", &ASSET);
    members.text("packageVersionRevision", &REVISION);
    let revision = call.text("packageVersionRevision");
    let one = OneVersion::open(members, world, call)?;
    let version = &one.version;
    let unavailable = !version.is_downloadable() || revision.is_some_and(|revision| revision != version.revision());
    let asset = version.assets.iter().find(|asset| asset.name == name && !unavailable);
    let Some(asset) = asset else {
        return Err(not_found("asset", name, format!("Asset not found. Asset '{name}' does not exist.")));
    };
    Ok(json!({
        "asset": STANDARD.encode(&asset.content),
        "assetName": asset.name,
        "packageVersion": version.version,
        "packageVersionRevision": version.revision(),
    }))
}
