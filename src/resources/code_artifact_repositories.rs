//! Repositories of `CodeArtifact` as they are read: listed, and one by one where AWS has no bulk call.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_codeartifact::types::{RepositoryDescription, RepositorySummary};

use super::{point_tags, policy_documents};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::{
        access::{self, PolicyInPlace},
        policy::PolicyDocument,
        port::ErrorClass,
    },
};

/// All repositories of the account in the region.
pub struct Repositories(pub Vec<RepositoryRow>);

/// The repositories of another account's domain, by `owner/domain`; `None` when they may not be listed.
pub struct ForeignRepositories(pub Option<Vec<RepositoryRow>>);

/// A repository, as listings show it.
#[derive(Clone)]
pub struct RepositoryRow {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Its ARN.
    pub arn: String,
    /// The mark of its birth.
    pub born: String,
    /// The account that administers it, if AWS says so.
    pub administrator: Option<String>,
}

/// The domain that a repository is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The domain's name.
    pub domain: String,
    /// The account that owns it.
    pub owner: String,
}

#[async_trait]
impl Listing for Repositories {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.codeartifact.list_repositories().into_paginator().page_size(1000).items().send();
        let repositories =
            pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("codeartifact:ListRepositories"))?;
        Ok(Self(repositories.into_iter().filter_map(RepositoryRow::from_sdk).collect()))
    }
}

#[async_trait]
impl Listing for ForeignRepositories {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let place = Place::from_key(key).0;
        match list_in_domain(clients, &place).await {
            Ok(rows) => Ok(Self(Some(rows))),
            Err(error) if error.is_not_found() => Ok(Self(Some(Vec::new()))),
            Err(error) if error.class == ErrorClass::Denied => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// The repositories of a domain, whosever it is.
pub async fn list_in_domain(clients: &Clients, place: &Place) -> Result<Vec<RepositoryRow>, AwsError> {
    let list = clients.codeartifact.list_repositories_in_domain().domain(&place.domain).domain_owner(&place.owner);
    let pages = list.into_paginator().page_size(1000).items().send();
    let repositories =
        pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("codeartifact:ListRepositoriesInDomain"))?;
    Ok(repositories.into_iter().filter_map(RepositoryRow::from_sdk).collect())
}

impl RepositoryRow {
    fn from_sdk(repository: RepositorySummary) -> Option<Self> {
        Some(Self {
            born: point_tags::born(repository.created_time.as_ref()),
            administrator: repository.administrator_account,
            name: repository.name?,
            place: Place { domain: repository.domain_name?, owner: repository.domain_owner? },
            arn: repository.arn?,
        })
    }
}

impl Place {
    /// The key of point reads.
    pub fn key(&self, repository: &str) -> String {
        format!("{}/{}/{repository}", self.owner, self.domain)
    }

    /// The place, and the repository if the key names one.
    pub fn from_key(key: &str) -> (Self, &str) {
        let (owner, rest) = key.split_once('/').unwrap_or_default();
        let (domain, repository) = rest.split_once('/').unwrap_or((rest, ""));
        (Self { domain: domain.to_owned(), owner: owner.to_owned() }, repository)
    }

    /// The ARN of a repository here.
    pub fn arn(&self, region: &str, repository: &str) -> String {
        format!("arn:aws:codeartifact:{region}:{}:repository/{}/{repository}", self.owner, self.domain)
    }
}

/// One repository in depth, by `owner/domain/name`.
pub struct Details {
    /// Its description.
    pub description: Option<String>,
    /// The names of its upstreams, by priority.
    pub upstreams: Vec<String>,
    /// The names of its external connections.
    pub external_connections: BTreeSet<String>,
}

#[async_trait]
impl Listing for Details {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let (place, name) = Place::from_key(key);
        describe(clients, &place, name).await
    }
}

/// A repository in depth, at this moment.
pub async fn describe(clients: &Clients, place: &Place, name: &str) -> Result<Details, AwsError> {
    let describe =
        clients.codeartifact.describe_repository().domain(&place.domain).domain_owner(&place.owner).repository(name);
    let answer = describe.send().await.map_err(from_sdk("codeartifact:DescribeRepository"))?;
    let found = answer.repository.as_ref();
    let upstreams = found.map(RepositoryDescription::upstreams).unwrap_or_default().iter();
    let connections = found.map(RepositoryDescription::external_connections).unwrap_or_default().iter();
    Ok(Details {
        description: found.and_then(|found| found.description()).map(ToOwned::to_owned),
        upstreams: upstreams.filter_map(|upstream| upstream.repository_name().map(ToOwned::to_owned)).collect(),
        external_connections: connections
            .filter_map(|one| one.external_connection_name().map(ToOwned::to_owned))
            .collect(),
    })
}

/// What people call the policy of a repository.
pub fn policy_name(repository: &str) -> String {
    format!("the policy of repository {repository}")
}

/// The policy of one repository, by `owner/domain/name`.
pub struct RepositoryPolicy {
    /// The policy, if it has one.
    pub document: Option<PolicyDocument>,
    /// The same as it stands, for the verdict on permissions.
    pub in_place: Option<PolicyInPlace>,
    /// What AWS calls this state of it.
    pub revision: Option<String>,
}

#[async_trait]
impl Listing for RepositoryPolicy {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let (place, name) = Place::from_key(key);
        let get =
            clients.codeartifact.get_repository_permissions_policy().domain(place.domain).domain_owner(place.owner);
        match get.repository(name).send().await.map_err(from_sdk("codeartifact:GetRepositoryPermissionsPolicy")) {
            Ok(answer) => {
                let policy = answer.policy;
                let text = policy.as_ref().and_then(|policy| policy.document());
                let in_place = text.map(|text| PolicyInPlace::read(access::Place::Resource, policy_name(name), text));
                let document = text.map(policy_documents::read);
                Ok(Self { document, in_place, revision: policy.and_then(|policy| policy.revision) })
            }
            // The same error says that the repository has none.
            Err(error) if error.is_not_found() => Ok(Self { document: None, in_place: None, revision: None }),
            Err(error) => Err(error),
        }
    }
}
