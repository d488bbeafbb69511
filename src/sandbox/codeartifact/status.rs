//! Changing the status of versions, disposing and deleting them, and the origin controls of a package.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/package-origin-controls.html>.

use serde_json::{Value, json};

use super::batch::{Failure, Selection, meant};
use super::package::{Origin, Package, Version};
use super::place::PackagePlace;
use super::rules::{invalid, malformed};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

const STATUSES: [&str; 6] = ["Published", "Unfinished", "Unlisted", "Archived", "Disposed", "Deleted"];

/// What the operations on several versions have in common.
struct Request {
    place: PackagePlace,
    selection: Selection,
    expected: Option<String>,
    target: Option<String>,
}

impl Request {
    fn read(world: &World, call: &Call) -> Result<Self, Refusal> {
        let mut members = Members::of(&call.params);
        let place = PackagePlace::read(&mut members, world, call);
        let selection = Selection::read(&mut members, false);
        let expected = members.choice("expectedStatus", &STATUSES).map(str::to_owned);
        let target = members.choice("targetStatus", &STATUSES).map(str::to_owned);
        members.finish().map_err(malformed)?;
        Ok(Self { place, selection: selection?, expected, target })
    }

    /// Replaces every version that is meant by what `change` makes of it.
    fn rewrite(
        &self,
        world: &mut World,
        call: &Call,
        allowed: impl Fn(&Version) -> bool,
        change: impl Fn(&mut Version),
    ) -> Reply {
        let repository = self.place.open(world, call)?;
        repository.package(&self.place.key)?;
        let before = repository.clone();
        let judge = |version: &str, revision: Option<&str>| {
            let found = meant(&before, &self.place.key, version, revision, self.expected.as_deref())?;
            if allowed(found) { Ok(Some(found.clone())) } else { Err(Failure::NotAllowed) }
        };
        Ok(self.selection.apply(judge, |mut version: Version| {
            change(&mut version);
            repository.take_in(&self.place.key, version.clone(), false);
            version
        }))
    }
}

/// `UpdatePackageVersionsStatus`: to `Published`, `Unlisted` or `Archived`; what is disposed stays so.
pub fn update(world: &mut World, call: &Call) -> Reply {
    let request = Request::read(world, call)?;
    let Some(target) = request.target.clone() else {
        return Err(malformed(
            "1 validation error detected: Value null at 'targetStatus' failed to satisfy constraint: Member must not \
             be null"
                .into(),
        ));
    };
    if !["Published", "Unlisted", "Archived"].contains(&target.as_str()) {
        return Err(invalid(format!("Package versions cannot be set to the status {target}")));
    }
    let allowed = |version: &Version| version.status != "Disposed";
    request.rewrite(world, call, allowed, |version| version.status.clone_from(&target))
}

/// `DisposePackageVersions`: the files go, what is known about the version stays, for ever.
pub fn dispose(world: &mut World, call: &Call) -> Reply {
    let request = Request::read(world, call)?;
    let dispose = |version: &mut Version| {
        "Disposed".clone_into(&mut version.status);
        version.assets.clear();
    };
    request.rewrite(world, call, |_| true, dispose)
}

/// `DeletePackageVersions`: nothing stays, so that the version can come again from upstream.
pub fn delete_versions(world: &mut World, call: &Call) -> Reply {
    let request = Request::read(world, call)?;
    let repository = request.place.open(world, call)?;
    repository.package(&request.place.key)?;
    let before = repository.clone();
    let key = &request.place.key;
    let judge = |version: &str, revision: Option<&str>| {
        meant(&before, key, version, revision, request.expected.as_deref()).map(|found| Some(found.clone()))
    };
    Ok(request.selection.apply(judge, |mut version: Version| {
        if let Some(package) = repository.packages.get_mut(key) {
            package.versions.remove(&version.version);
        }
        "Deleted".clone_into(&mut version.status);
        version
    }))
}

/// `DeletePackage`: with all versions and with its origin controls.
pub fn delete_package(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = PackagePlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    let repository = place.open(world, call)?;
    let mut shown = place.key.describe("package");
    shown["originConfiguration"] = repository.package(&place.key)?.restrictions();
    repository.packages.remove(&place.key);
    Ok(json!({"deletedPackage": shown}))
}

/// `PutPackageOriginConfiguration`: both restrictions at once; also for a package that is not there yet.
pub fn put_origin_configuration(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = PackagePlace::read(&mut members, world, call);
    let restrictions = members.raw("restrictions").cloned().unwrap_or_default();
    let mut inner = Members::of(&restrictions);
    let mut restriction = |name: &str| {
        if inner.raw(name).is_none() {
            inner.missing(name);
        }
        inner.choice(name, &["ALLOW", "BLOCK"]).unwrap_or_default().to_owned()
    };
    let (publish, upstream) = (restriction("publish"), restriction("upstream"));
    members.finish().and_then(|()| inner.finish()).map_err(malformed)?;
    let repository = place.open(world, call)?;
    let origin = Origin::Internal(repository.name.clone());
    let package = repository.packages.entry(place.key).or_insert_with(|| Package::arriving_from(&origin, true));
    package.publish = publish;
    package.upstream = upstream;
    let shown: Value = package.restrictions();
    Ok(json!({"originConfiguration": shown}))
}
