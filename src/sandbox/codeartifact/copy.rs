//! `CopyPackageVersions`: how approved packages get into a repository without upstreams.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/package-origin-controls.html>.

use std::collections::BTreeMap;

use super::access;
use super::batch::{Failure, Selection};
use super::package::Version;
use super::place::{DomainPlace, package_key};
use super::reach::{Reachable, reach, retain};
use super::rules::{REPOSITORY, invalid, malformed};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Reply};
use crate::sandbox::world::World;

/// Copies versions of one package within a domain. Dependencies stay behind.
pub fn copy(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let domain = DomainPlace::read(&mut members, world, call);
    let source = domain.repository(members.required("sourceRepository", &REPOSITORY));
    let destination = domain.repository(members.required("destinationRepository", &REPOSITORY));
    let key = package_key(&mut members);
    let selection = Selection::read(&mut members, true);
    let (overwrite, from_upstream) = (members.flag("allowOverwrite"), members.flag("includeFromUpstream"));
    members.finish().map_err(malformed)?;
    let selection = selection?;
    if source.name == destination.name {
        return Err(invalid("The source and destination repository must not be the same."));
    }
    access::permit_action(world, call, "codeartifact:ReadFromRepository", &source.arn)?;
    access::permit(world, call, &destination.package(&key))?;

    let held = domain.find(world, &call.region)?;
    let own = held.repository(&source.name)?;
    let offered: BTreeMap<String, Reachable> = if from_upstream {
        reach(held, &source.name, &key)?
    } else {
        let offer = |version: &Version| Reachable { version: version.clone(), through: source.name.clone() };
        own.package(&key)?.versions.iter().map(|(number, version)| (number.clone(), offer(version))).collect()
    };
    let present = held.repository(&destination.name)?.packages.get(&key).cloned();

    let judge = |version: &str, revision: Option<&str>| {
        let offer = offered.get(version).ok_or(Failure::NotFound)?;
        if revision.is_some_and(|revision| revision != offer.version.revision()) {
            return Err(Failure::MismatchedRevision);
        }
        if ["Disposed", "Unfinished"].contains(&offer.version.status.as_str()) {
            return Err(Failure::NotAllowed);
        }
        match present.as_ref().and_then(|package| package.versions.get(version)) {
            Some(there) if there.revision() == offer.version.revision() => Ok(None),
            Some(_) if !overwrite => Err(Failure::AlreadyExists),
            _ => Ok(Some(offer.clone())),
        }
    };
    let mut copied = Vec::new();
    let answer = selection.apply(judge, |offer| {
        copied.push(offer.clone());
        offer.version
    });
    for offer in copied {
        retain(held, &source.name, &key, &offer, call.now);
        let mut version = offer.version;
        version.published = call.now;
        held.repository(&destination.name)?.take_in(&key, version, false);
    }
    Ok(answer)
}
