//! Tags of domains and repositories. The resource is named by its ARN alone.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>.

use std::collections::BTreeMap;

use serde_json::json;

use super::place::{DomainPlace, RepositoryPlace};
use super::rules::{ARN, TAG_KEY, forbid_reserved, invalid, malformed, must_not_be_too_many, tags};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// What an ARN names.
enum Tagged {
    Domain(DomainPlace),
    Repository(RepositoryPlace),
}

impl Tagged {
    fn read(members: &mut Members<'_>, world: &World, call: &Call) -> Option<Self> {
        let arn = members.required("resourceArn", &ARN);
        let mut parts = arn.splitn(6, ':').skip(3);
        let (region, owner, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let place = |domain: &str| DomainPlace::new(world, region, owner.to_owned(), domain);
        if region != call.region {
            return None;
        }
        if let Some(domain) = resource.strip_prefix("domain/") {
            return Some(Self::Domain(place(domain)));
        }
        let (domain, repository) = resource.strip_prefix("repository/")?.split_once('/')?;
        Some(Self::Repository(place(domain).repository(repository)))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Domain(_) => "domain",
            Self::Repository(_) => "repository",
        }
    }

    fn arn(&self) -> &str {
        match self {
            Self::Domain(place) => &place.arn,
            Self::Repository(place) => &place.arn,
        }
    }

    fn open<'w>(&self, world: &'w mut World, call: &Call) -> Result<&'w mut BTreeMap<String, String>, Refusal> {
        Ok(match self {
            Self::Domain(place) => &mut place.open(world, call)?.tags,
            Self::Repository(place) => &mut place.open(world, call)?.tags,
        })
    }
}

fn known(members: Members<'_>, tagged: Option<Tagged>, call: &Call) -> Result<Tagged, Refusal> {
    members.finish().map_err(malformed)?;
    tagged.ok_or_else(|| {
        let arn = call.params["resourceArn"].as_str().unwrap_or_default();
        invalid(format!("The resource ARN '{arn}' is not that of a domain or repository in this Region."))
    })
}

/// `TagResource`: adds and overwrites.
pub fn add(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let tagged = Tagged::read(&mut members, world, call);
    if members.raw("tags").is_none() {
        members.missing("tags");
    }
    let added = tags(&mut members);
    let tagged = known(members, tagged, call)?;
    forbid_reserved(&added)?;
    let present = tagged.open(world, call)?;
    let mut all = present.clone();
    all.extend(added);
    must_not_be_too_many(all.len(), tagged.kind(), tagged.arn())?;
    *present = all;
    Ok(json!({}))
}

/// `UntagResource`: keys that are not there do no harm.
pub fn remove(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let tagged = Tagged::read(&mut members, world, call);
    let keys = members.texts("tagKeys", 0, 200, &TAG_KEY);
    if keys.is_none() {
        members.missing("tagKeys");
    }
    let tagged = known(members, tagged, call)?;
    let present = tagged.open(world, call)?;
    for key in keys.unwrap_or_default() {
        present.remove(&key);
    }
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let tagged = Tagged::read(&mut members, world, call);
    let tagged = known(members, tagged, call)?;
    let present = tagged.open(world, call)?;
    let shown: Vec<_> = present.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    Ok(json!({"tags": shown}))
}
