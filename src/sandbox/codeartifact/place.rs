//! Where a call goes: the domain, repository or package that its members name. Opening a place asks whether the
//! caller may do there what it wants to do, and then whether the place exists, in this order, so that strangers
//! cannot find out what exists.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use super::access;
use super::domain::Domain;
use super::package::PackageKey;
use super::repository::Repository;
use super::rules::{ACCOUNT, DOMAIN, FORMATS, PACKAGE, REPOSITORY, not_found};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal};
use crate::sandbox::world::World;

/// A domain by name and owner.
#[derive(Debug, Clone)]
pub struct DomainPlace {
    /// The account that owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its ARN, whether it exists or not.
    pub arn: String,
}

impl DomainPlace {
    /// Reads it from a request; the owner is the caller's account unless another is named.
    pub fn read(members: &mut Members<'_>, world: &World, call: &Call) -> Self {
        let owner = members.text("domainOwner", &ACCOUNT).unwrap_or(&call.account).to_owned();
        Self::new(world, &call.region, owner, members.required("domain", &DOMAIN))
    }

    /// A domain that was not named by a request.
    pub fn new(world: &World, region: &str, owner: String, name: &str) -> Self {
        let arn = format!("arn:{}:codeartifact:{region}:{owner}:domain/{name}", world.partition);
        Self { owner, name: name.to_owned(), arn }
    }

    /// The domain, if the caller may do what it calls for.
    ///
    /// # Errors
    /// Not allowed, or not there.
    pub fn open<'w>(&self, world: &'w mut World, call: &Call) -> Result<&'w mut Domain, Refusal> {
        access::permit(world, call, &self.arn)?;
        self.find(world, &call.region)
    }

    /// The domain without asking for permission.
    ///
    /// # Errors
    /// Not there.
    pub fn find<'w>(&self, world: &'w mut World, region: &str) -> Result<&'w mut Domain, Refusal> {
        let domains = &mut world.account(&self.owner).region(region).codeartifact.domains;
        domains.get_mut(&self.name).ok_or_else(|| {
            let message =
                format!("Domain not found. Domain '{}' owned by account '{}' does not exist.", self.name, self.owner);
            not_found("domain", &self.name, message)
        })
    }

    /// A repository in it.
    #[must_use]
    pub fn repository(&self, name: &str) -> RepositoryPlace {
        let arn = format!("{}/{name}", self.arn.replacen(":domain/", ":repository/", 1));
        RepositoryPlace { domain: self.clone(), name: name.to_owned(), arn }
    }
}

/// A repository by domain and name.
#[derive(Debug, Clone)]
pub struct RepositoryPlace {
    /// The domain it is in.
    pub domain: DomainPlace,
    /// Its name.
    pub name: String,
    /// Its ARN, whether it exists or not.
    pub arn: String,
}

impl RepositoryPlace {
    /// Reads it from a request.
    pub fn read(members: &mut Members<'_>, world: &World, call: &Call) -> Self {
        Self::read_as("repository", members, world, call)
    }

    /// Reads it from a request in which the repository has another member name.
    pub fn read_as(member: &str, members: &mut Members<'_>, world: &World, call: &Call) -> Self {
        let domain = DomainPlace::read(members, world, call);
        domain.repository(members.required(member, &REPOSITORY))
    }

    /// The repository, if the caller may do what it calls for.
    ///
    /// # Errors
    /// Not allowed, or not there.
    pub fn open<'w>(&self, world: &'w mut World, call: &Call) -> Result<&'w mut Repository, Refusal> {
        access::permit(world, call, &self.arn)?;
        let domain = self.domain.find(world, &call.region)?;
        domain.must_be_readable()?;
        domain.repository(&self.name)
    }
}

impl RepositoryPlace {
    /// The ARN of a package in it; without a namespace that part is empty.
    #[must_use]
    pub fn package(&self, key: &PackageKey) -> String {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let prefix = self.arn.replacen(":repository/", ":package/", 1);
        format!("{prefix}/{}/{namespace}/{}", key.format, key.name)
    }
}

/// A package by repository, format, namespace and name.
#[derive(Debug, Clone)]
pub struct PackagePlace {
    /// The repository it is in.
    pub repository: RepositoryPlace,
    /// What identifies it there.
    pub key: PackageKey,
}

impl PackagePlace {
    /// Reads it from a request.
    pub fn read(members: &mut Members<'_>, world: &World, call: &Call) -> Self {
        let repository = RepositoryPlace::read(members, world, call);
        Self { repository, key: package_key(members) }
    }

    /// The repository it is in, if the caller may do what it calls for with this package.
    ///
    /// # Errors
    /// Not allowed, or not there.
    pub fn open<'w>(&self, world: &'w mut World, call: &Call) -> Result<&'w mut Repository, Refusal> {
        access::permit(world, call, &self.repository.package(&self.key))?;
        let domain = self.repository.domain.find(world, &call.region)?;
        domain.must_be_readable()?;
        domain.repository(&self.repository.name)
    }
}

/// Reads what identifies a package within a repository.
pub fn package_key(members: &mut Members<'_>) -> PackageKey {
    if members.raw("format").is_none() {
        members.missing("format");
    }
    let format = members.choice("format", &FORMATS).unwrap_or_default();
    let namespace = members.text("namespace", &PACKAGE);
    PackageKey::new(format, namespace, members.required("package", &PACKAGE))
}
