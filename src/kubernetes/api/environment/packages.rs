//! `spec.packages`: the CodeArtifact domain, its repositories, and the one that notebooks install from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::role::{Conditions, Effect};

/// Where packages come from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Packages {
    /// The CodeArtifact domain.
    pub domain: Domain,
    /// Repositories of the domain.
    pub repositories: Vec<Repository>,
    /// What the notebooks install from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
}

/// The CodeArtifact domain.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Name of the domain.
    pub name: String,
    /// Customer managed KMS key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<String>,
    /// Account of an existing domain in another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The domain exists and is not managed here.
    #[serde(default)]
    pub existing: bool,
}

/// One repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Name of the repository.
    pub name: String,
    /// Public repository from which packages are fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_connection: Option<ExternalConnection>,
    /// Repositories of this list that are asked for what this one lacks, by priority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<String>,
    /// Text shown in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who may do what in this repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<RepositoryPermissions>,
    /// The repository exists and is not managed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
}

/// Public repositories that CodeArtifact can fetch from.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ExternalConnection {
    /// The Python Package Index.
    #[serde(rename = "public:pypi")]
    Pypi,
    /// The npm registry.
    #[serde(rename = "public:npmjs")]
    Npmjs,
    /// The NuGet Gallery.
    #[serde(rename = "public:nuget-org")]
    NugetOrg,
    /// Maven Central.
    #[serde(rename = "public:maven-central")]
    MavenCentral,
    /// Google's Android repository.
    #[serde(rename = "public:maven-googleandroid")]
    MavenGoogleandroid,
    /// Gradle's plugin portal.
    #[serde(rename = "public:maven-gradleplugins")]
    MavenGradleplugins,
    /// CommonsWare's Android repository.
    #[serde(rename = "public:maven-commonsware")]
    MavenCommonsware,
    /// Clojars.
    #[serde(rename = "public:maven-clojars")]
    MavenClojars,
    /// RubyGems.
    #[serde(rename = "public:ruby-gems-org")]
    RubyGemsOrg,
    /// crates.io.
    #[serde(rename = "public:crates-io")]
    CratesIo,
}

impl ExternalConnection {
    /// The name that AWS uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pypi => "public:pypi",
            Self::Npmjs => "public:npmjs",
            Self::NugetOrg => "public:nuget-org",
            Self::MavenCentral => "public:maven-central",
            Self::MavenGoogleandroid => "public:maven-googleandroid",
            Self::MavenGradleplugins => "public:maven-gradleplugins",
            Self::MavenCommonsware => "public:maven-commonsware",
            Self::MavenClojars => "public:maven-clojars",
            Self::RubyGemsOrg => "public:ruby-gems-org",
            Self::CratesIo => "public:crates-io",
        }
    }
}

/// Who may do what in a repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryPermissions {
    /// Roles that may read packages, besides the execution role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<String>,
    /// Further statements of the repository's policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<RepositoryStatement>,
}

/// One statement of a repository's policy. Its resource is always this repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatement {
    /// Identifier of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// ARNs of roles, users or accounts; absent means the execution role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<String>,
    /// CodeArtifact actions.
    pub actions: Vec<String>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
}

/// What the notebooks install from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// Name of a repository in the list.
    pub repository: String,
    /// Package formats that are set up.
    #[serde(default = "default_formats")]
    pub formats: Vec<PackageFormat>,
}

fn default_formats() -> Vec<PackageFormat> {
    vec![PackageFormat::Pypi]
}

/// A package format.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackageFormat {
    /// Python packages, installed by pip.
    #[serde(rename = "pypi")]
    Pypi,
}
