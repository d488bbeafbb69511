//! Repositories: what they are, and creating, changing, deleting and listing them.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::domain::answer_page;
use super::external::Connection;
use super::package::{Package, PackageKey};
use super::permissions::Policy;
use super::place::{DomainPlace, RepositoryPlace};
use super::rules::{
    ACCOUNT, DESCRIPTION, NEXT_TOKEN, REPOSITORY, conflict, forbid_reserved, malformed, must_not_be_too_many,
    quota_exceeded, tags,
};
use super::{region, upstream};
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Reply};
use crate::sandbox::world::World;

/// A direct upstream. It is held by id: a repository that is deleted and created again under the same name is another
/// one, though its name still shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// What counts.
    pub id: String,
    /// What is shown.
    pub name: String,
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Never used again, unlike the name.
    pub id: String,
    /// Unique in its domain.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The account that created it.
    pub administrator: String,
    /// The domain it is in.
    pub domain: String,
    /// The owner of the domain.
    pub owner: String,
    /// What it is for.
    pub description: Option<String>,
    /// Direct upstreams in order of priority.
    pub upstreams: Vec<Upstream>,
    /// The public repository it is connected to; then it has no upstreams.
    pub connection: Option<&'static Connection>,
    /// When it was created.
    pub created: Instant,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Who may do what in it, besides what identity policies say.
    pub policy: Option<Policy>,
    /// What it holds itself; what it can reach upstream is not here.
    pub packages: BTreeMap<PackageKey, Package>,
}

impl Repository {
    fn summary(&self) -> Value {
        let mut shown = json!({
            "name": self.name,
            "administratorAccount": self.administrator,
            "domainName": self.domain,
            "domainOwner": self.owner,
            "arn": self.arn,
            "createdTime": epoch_seconds(self.created),
        });
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        shown
    }

    /// The answer of every operation that is about a repository.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut shown = self.summary();
        shown["upstreams"] = self.upstreams.iter().map(|one| json!({"repositoryName": one.name})).collect();
        shown["externalConnections"] = self.connection.iter().map(|one| one.describe()).collect();
        shown
    }
}

/// `CreateRepository`.
pub fn create(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    let description = members.text("description", &DESCRIPTION).map(str::to_owned);
    let wanted = upstream::read(&mut members);
    let tags = tags(&mut members);
    members.finish().map_err(malformed)?;
    forbid_reserved(&tags)?;
    must_not_be_too_many(tags.len(), "repository", &place.arn)?;
    let quotas = world.settings.quotas.clone();
    let id = world.ids.uuid();
    let domain = place.domain.open(world, call)?;
    if domain.repositories.contains_key(&place.name) {
        let message = format!(
            "Repository '{}' in domain '{}' owned by account '{}' already exists.",
            place.name, domain.name, domain.owner
        );
        return Err(conflict("repository", &place.name, message));
    }
    if domain.repositories.len() >= quotas.repositories_per_domain {
        let message =
            format!("The limit of {} repositories in a domain has been reached.", quotas.repositories_per_domain);
        return Err(quota_exceeded("repository", &place.name, message));
    }
    let upstreams = upstream::resolve(domain, &place.name, &wanted.unwrap_or_default(), quotas.upstreams)?;
    let repository = Repository {
        id,
        name: place.name.clone(),
        arn: place.arn,
        administrator: call.account.clone(),
        domain: place.domain.name.clone(),
        owner: place.domain.owner.clone(),
        description,
        upstreams,
        connection: None,
        created: call.now,
        tags: tags.into_iter().collect(),
        policy: None,
        packages: BTreeMap::new(),
    };
    let answer = json!({"repository": repository.describe()});
    place.domain.find(world, &call.region)?.repositories.insert(place.name, repository);
    Ok(answer)
}

/// `DescribeRepository`.
pub fn describe(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    Ok(json!({"repository": place.open(world, call)?.describe()}))
}

/// `UpdateRepository`: a list of upstreams replaces the old one, an empty one clears it, none leaves it.
pub fn update(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    let description = members.text("description", &DESCRIPTION).map(str::to_owned);
    let wanted = upstream::read(&mut members);
    members.finish().map_err(malformed)?;
    let most = world.settings.quotas.upstreams;
    let connected = place.open(world, call)?.connection.is_some();
    let upstreams = match wanted {
        Some(wanted) if connected && !wanted.is_empty() => {
            let message = format!(
                "Repository '{}' has an external connection and cannot have upstream repositories.",
                place.name
            );
            return Err(conflict("repository", &place.name, message));
        }
        Some(wanted) => {
            let domain = place.domain.find(world, &call.region)?;
            let upstreams = upstream::resolve(domain, &place.name, &wanted, most)?;
            Some(upstreams)
        }
        None => None,
    };
    let repository = place.domain.find(world, &call.region)?.repository(&place.name)?;
    if let Some(upstreams) = upstreams {
        repository.upstreams = upstreams;
    }
    if description.is_some() {
        repository.description = description;
    }
    Ok(json!({"repository": repository.describe()}))
}

/// `DeleteRepository`: at once and with all it holds. Those downstream keep the id of what is gone.
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    members.finish().map_err(malformed)?;
    let shown = place.open(world, call)?.describe();
    place.domain.find(world, &call.region)?.repositories.remove(&place.name);
    Ok(json!({"repository": shown}))
}

/// `ListRepositories`: of all domains of the account.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let prefix = members.text("repositoryPrefix", &REPOSITORY).unwrap_or_default();
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    members.finish().map_err(malformed)?;
    let domains = region(world, call).domains.values();
    let repositories = domains.flat_map(|domain| domain.repositories.values());
    let entries = repositories
        .filter(|repository| repository.name.starts_with(prefix))
        .map(|repository| (format!("{}/{}", repository.domain, repository.name), repository.summary()))
        .collect();
    answer_page("repositories", entries, token, size)
}

/// `ListRepositoriesInDomain`.
pub fn list_in_domain(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = DomainPlace::read(&mut members, world, call);
    let administrator = members.text("administratorAccount", &ACCOUNT);
    let prefix = members.text("repositoryPrefix", &REPOSITORY).unwrap_or_default();
    let size = members.number("maxResults", 1, 1000).unwrap_or(1000);
    let token = members.text("nextToken", &NEXT_TOKEN);
    members.finish().map_err(malformed)?;
    let domain = place.open(world, call)?;
    domain.must_be_readable()?;
    let entries = domain
        .repositories
        .values()
        .filter(|repository| repository.name.starts_with(prefix))
        .filter(|repository| administrator.is_none_or(|account| repository.administrator == account))
        .map(|repository| (repository.name.clone(), repository.summary()))
        .collect();
    answer_page("repositories", entries, token, size)
}
