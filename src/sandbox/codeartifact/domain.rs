//! Domains: the container of repositories, part of a DNS name, unchangeable once created.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::permissions::Policy;
use super::place::DomainPlace;
use super::repository::Repository;
use super::rules::{
    ARN, DOMAIN, NEXT_TOKEN, conflict, forbid_reserved, invalid, malformed, must_not_be_too_many, not_found,
    quota_exceeded, tags,
};
use super::{asset_bucket, region};
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::constraint::Members;
use crate::sandbox::paging::page;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// A domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Unique in account and region.
    pub name: String,
    /// The account it belongs to.
    pub owner: String,
    /// Its ARN.
    pub arn: String,
    /// The ARN of the key that encrypts the assets.
    pub encryption_key: String,
    /// The bucket of the region that holds the assets.
    pub bucket: String,
    /// False once the key is lost: then nothing in it can be read or listed, and it can be deleted as it is.
    pub key_usable: bool,
    /// When it was created.
    pub created: Instant,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Who may do what in it, besides what identity policies say.
    pub policy: Option<Policy>,
    /// Its repositories by name.
    pub repositories: BTreeMap<String, Repository>,
}

impl Domain {
    /// A repository in it.
    ///
    /// # Errors
    /// Not there.
    pub fn repository(&mut self, name: &str) -> Result<&mut Repository, Refusal> {
        let message = format!(
            "Repository not found. Repository '{name}' in domain '{}' owned by account '{}' does not exist.",
            self.name, self.owner
        );
        self.repositories.get_mut(name).ok_or_else(|| not_found("repository", name, message))
    }

    /// Refuses everything that has to read what the key encrypts.
    ///
    /// # Errors
    /// The key is lost.
    pub fn must_be_readable(&self) -> Result<(), Refusal> {
        if self.key_usable { Ok(()) } else { Err(bad_key(&self.encryption_key)) }
    }

    /// Bytes of all assets; what several repositories share is stored once.
    fn size(&self) -> usize {
        let mut stored = BTreeSet::new();
        let packages = self.repositories.values().flat_map(|repository| repository.packages.values());
        let assets = packages.flat_map(|package| package.versions.values()).flat_map(|version| &version.assets);
        assets.filter(|asset| stored.insert(asset.sha256.clone())).map(|asset| asset.content.len()).sum()
    }

    fn summary(&self) -> Value {
        json!({
            "name": self.name,
            "owner": self.owner,
            "arn": self.arn,
            "status": "Active",
            "createdTime": epoch_seconds(self.created),
            "encryptionKey": self.encryption_key,
        })
    }

    fn describe(&self) -> Value {
        let mut shown = self.summary();
        shown["repositoryCount"] = json!(self.repositories.len());
        shown["assetSizeBytes"] = json!(self.size());
        shown["s3BucketArn"] = json!(self.bucket);
        shown
    }
}

/// The ARN of the key a caller named by ARN, id or alias; without one, of AWS's own key `aws/codeartifact`.
/// The simulator has no KMS: a key is usable if it could exist in this region.
fn key_arn(call: &Call, partition: &str, wanted: Option<&str>) -> Result<String, Refusal> {
    let prefix = format!("arn:{partition}:kms:{}:", call.region);
    let Some(wanted) = wanted else {
        let hex = format!("{:x}", Sha256::digest(format!("aws/codeartifact {} {}", call.account, call.region)));
        let id = format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
        return Ok(format!("{prefix}{}:key/{id}", call.account));
    };
    let is_id =
        |id: &str| !id.is_empty() && id.chars().all(|letter| letter.is_ascii_hexdigit() || "-mrk".contains(letter));
    if let Some(tail) = wanted.strip_prefix(&prefix) {
        let resource = tail.split_once(':').map_or("", |(_, resource)| resource);
        if resource.strip_prefix("key/").is_some_and(is_id) || resource.starts_with("alias/") {
            return Ok(wanted.to_owned());
        }
    } else if wanted.starts_with("alias/") {
        return Ok(format!("{prefix}{}:{wanted}", call.account));
    } else if is_id(wanted) {
        return Ok(format!("{prefix}{}:key/{wanted}", call.account));
    }
    Err(bad_key(wanted))
}

fn bad_key(key: &str) -> Refusal {
    let message = format!("The encryption key '{key}' does not exist, is not symmetric or is not accessible");
    Refusal::new(400, "ValidationException", message).with("reason", "ENCRYPTION_KEY_ERROR")
}

/// `CreateDomain`.
pub fn create(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("domain", &DOMAIN).to_owned();
    let key = members.text("encryptionKey", &ARN);
    let tags = tags(&mut members);
    members.finish().map_err(malformed)?;
    forbid_reserved(&tags)?;
    let place = DomainPlace::new(world, &call.region, call.account.clone(), &name);
    must_not_be_too_many(tags.len(), "domain", &place.arn)?;
    let partition = world.partition;
    let allowed = world.settings.quotas.domains;
    let domains = &mut region(world, call).domains;
    if domains.contains_key(&name) {
        let message = format!("Domain '{name}' owned by account '{}' already exists.", call.account);
        return Err(conflict("domain", &name, message));
    }
    let encryption_key = key_arn(call, partition, key)?;
    if domains.len() >= allowed {
        let message = format!("The limit of {allowed} domains in this account and Region has been reached.");
        return Err(quota_exceeded("domain", &name, message));
    }
    let domain = Domain {
        name: name.clone(),
        owner: call.account.clone(),
        arn: place.arn,
        encryption_key,
        bucket: asset_bucket(partition, &call.region),
        key_usable: true,
        created: call.now,
        tags: tags.into_iter().collect(),
        policy: None,
        repositories: BTreeMap::new(),
    };
    let answer = json!({"domain": domain.describe()});
    domains.insert(name, domain);
    Ok(answer)
}

/// `DescribeDomain`.
pub fn describe(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = DomainPlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    Ok(json!({"domain": place.open(world, call)?.describe()}))
}

/// `DeleteDomain`. It models no "not found": deleting what is not there succeeds. Repositories are in
/// the way, unless the key is lost: then they go with it.
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = DomainPlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    let domain = match place.open(world, call) {
        Ok(domain) => domain,
        Err(refusal) if refusal.status == 404 => return Ok(json!({})),
        Err(refusal) => return Err(refusal),
    };
    if domain.key_usable && !domain.repositories.is_empty() {
        let message = format!("Domain '{}' cannot be deleted because it contains repositories.", place.name);
        return Err(conflict("domain", &place.name, message));
    }
    let mut shown = domain.describe();
    shown["status"] = json!("Deleted");
    world.account(&place.owner).region(&call.region).codeartifact.domains.remove(&place.name);
    Ok(json!({"domain": shown}))
}

/// `ListDomains`.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    members.finish().map_err(malformed)?;
    let entries = region(world, call).domains.values().map(|domain| (domain.name.clone(), domain.summary())).collect();
    answer_page("domains", entries, token, size)
}

/// A page of a list, as all lists of this service answer.
///
/// # Errors
/// If the token was never given out.
pub fn answer_page(member: &str, entries: Vec<(String, Value)>, token: Option<&str>, size: i64) -> Reply {
    let size = usize::try_from(size).unwrap_or(1);
    let page = page(entries, false, token, size).ok_or_else(|| invalid("The provided nextToken is not valid."))?;
    let mut answer = json!({member: page.entries});
    if let Some(next) = page.next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}
