//! CodeArtifact: domains, repositories, packages and their policies (protocol rest-json), and in [`pypi`]
//! the package index that pip talks to.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html>.

use std::collections::BTreeMap;

use crate::sandbox::wire::{Call, Refusal, Reply, unknown_operation};
use crate::sandbox::world::World;

pub mod access;
mod batch;
mod catalogue;
mod copy;
mod domain;
mod external;
mod package;
mod permissions;
mod place;
mod publish;
pub mod pypi;
mod reach;
mod read;
mod repository;
mod rules;
mod status;
mod tags;
#[cfg(test)]
mod tests;
mod token;
mod upload;
mod upstream;
mod wheel;

pub use domain::Domain;
pub use package::{Asset, Origin, Package, PackageKey, Version};
pub use permissions::Policy;
pub use repository::{Repository, Upstream};
pub use token::Grant;

/// The regions that have CodeArtifact, each with the account of its asset bucket.
const REGIONS: [(&str, &str); 13] = [
    ("us-east-1", "193858265520"),
    ("us-east-2", "250872398865"),
    ("us-west-2", "787052242323"),
    ("eu-west-1", "438097961670"),
    ("eu-west-2", "247805302724"),
    ("eu-west-3", "762466490029"),
    ("eu-north-1", "611884512288"),
    ("eu-south-1", "484130244270"),
    ("eu-central-1", "769407342218"),
    ("ap-northeast-1", "660291247815"),
    ("ap-southeast-1", "421485864821"),
    ("ap-southeast-2", "860415559748"),
    ("ap-south-1", "681137435769"),
];

/// What CodeArtifact keeps for one account and region.
#[derive(Debug, Clone, Default)]
pub struct State {
    domains: BTreeMap<String, Domain>,
    tokens: BTreeMap<String, Grant>,
}

impl State {
    /// A domain, for a test that looks at it or tampers with it.
    pub fn domain_mut(&mut self, name: &str) -> Option<&mut Domain> {
        self.domains.get_mut(name)
    }
}

/// Answers one CodeArtifact call.
///
/// # Errors
/// The refusal that AWS would answer with.
pub fn handle(world: &mut World, call: &Call) -> Reply {
    if !region_exists(&call.region) {
        return Err(no_such_host(&call.region));
    }
    match call.operation.as_str() {
        "CreateDomain" => domain::create(world, call),
        "DescribeDomain" => domain::describe(world, call),
        "DeleteDomain" => domain::delete(world, call),
        "ListDomains" => domain::list(world, call),
        "CreateRepository" => repository::create(world, call),
        "DescribeRepository" => repository::describe(world, call),
        "UpdateRepository" => repository::update(world, call),
        "DeleteRepository" => repository::delete(world, call),
        "ListRepositories" => repository::list(world, call),
        "ListRepositoriesInDomain" => repository::list_in_domain(world, call),
        "AssociateExternalConnection" => external::associate(world, call),
        "DisassociateExternalConnection" => external::disassociate(world, call),
        "GetDomainPermissionsPolicy" => permissions::get_of_domain(world, call),
        "PutDomainPermissionsPolicy" => permissions::put_on_domain(world, call),
        "DeleteDomainPermissionsPolicy" => permissions::delete_of_domain(world, call),
        "GetRepositoryPermissionsPolicy" => permissions::get_of_repository(world, call),
        "PutRepositoryPermissionsPolicy" => permissions::put_on_repository(world, call),
        "DeleteRepositoryPermissionsPolicy" => permissions::delete_of_repository(world, call),
        "GetAuthorizationToken" => token::issue(world, call),
        "GetRepositoryEndpoint" => token::endpoint(world, call),
        "TagResource" => tags::add(world, call),
        "UntagResource" => tags::remove(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "ListPackages" => read::list_packages(world, call),
        "DescribePackage" => read::describe_package(world, call),
        "ListPackageVersions" => read::list_versions(world, call),
        "DescribePackageVersion" => read::describe_version(world, call),
        "ListPackageVersionAssets" => read::list_assets(world, call),
        "ListPackageVersionDependencies" => read::list_dependencies(world, call),
        "GetPackageVersionAsset" => read::get_asset(world, call),
        "GetPackageVersionReadme" => read::get_readme(world, call),
        "PublishPackageVersion" => publish::publish(world, call),
        "PutPackageOriginConfiguration" => status::put_origin_configuration(world, call),
        "CopyPackageVersions" => copy::copy(world, call),
        "UpdatePackageVersionsStatus" => status::update(world, call),
        "DisposePackageVersions" => status::dispose(world, call),
        "DeletePackageVersions" => status::delete_versions(world, call),
        "DeletePackage" => status::delete_package(world, call),
        unknown => Err(unknown_operation(call.service, unknown)),
    }
}

/// The caller's own part of the region.
fn region<'w>(world: &'w mut World, call: &Call) -> &'w mut State {
    &mut world.account(&call.account).region(&call.region).codeartifact
}

fn region_exists(name: &str) -> bool {
    REGIONS.iter().any(|(region, _)| *region == name)
}

fn asset_bucket(partition: &str, region: &str) -> String {
    let account = REGIONS.iter().find(|(name, _)| *name == region).map_or("", |(_, account)| account);
    format!("arn:{partition}:s3:::assets-{account}-{region}")
}

/// Where AWS has no CodeArtifact there is no host of that name. A simulator that was reached cannot
/// answer "no such host"; this is the nearest thing: no code that the service knows.
fn no_such_host(region: &str) -> Refusal {
    let message = format!("could not resolve host codeartifact.{region}.amazonaws.com: the Region has no CodeArtifact");
    Refusal::new(404, "UnknownEndpoint", message)
}
