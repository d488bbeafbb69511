//! `spec.packages`: the CodeArtifact domain, its repositories, and the one that notebooks install from.

use kube::{KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::role::{Conditions, Effect};
use crate::{
    kubernetes::api::rule::{
        ACCOUNT, ACTION, DOMAIN_NAME, KMS_KEY, PRINCIPAL, REPOSITORY_NAME, ROLE_ARN, SID, conditions, distinct_sids,
        never_taken_over, rule, unchanged, unchanged_optional, words,
    },
    model::environment::{DOMAIN_SID, REPOSITORY_SID},
};

/// Where packages come from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "repositories",
    "self.repositories.all(r, !has(r.upstreams) || r.upstreams.all(u, self.repositories.exists(x, x.name == u)))",
    "`upstreams` of a repository must be `name`s of entries of `packages.repositories`; list a repository that is not \
     managed here with `existing: true`"
))]
#[x_kube(validation = rule(
    "install.repository",
    "!has(self.install) || self.repositories.exists(r, r.name == self.install.repository)",
    "`install.repository` must be the `name` of an entry of `packages.repositories`"
))]
#[serde(rename_all = "camelCase")]
pub struct Packages {
    /// The CodeArtifact domain: managed, or an existing one. Required. Can be changed, except where its fields say
    /// otherwise. Example: `{name: test-artifact-domain}`.
    pub domain: Domain,
    /// Repositories of the domain, by name; 1 to 50. Required. Entries can be changed, added and removed; removing one
    /// deletes it, unless it is existing. Can be changed.
    /// Example: `[{name: pypi-store, externalConnection: "public:pypi"}]`.
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub repositories: Vec<Repository>,
    /// What the notebooks install from: pip is set up for it at every start. Default: pip is left alone. Can be changed;
    /// it takes effect at a notebook's next start. Example: `{repository: test-artifact-repository}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
}

/// The CodeArtifact domain.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = unchanged(
    "name",
    "self.name == oldSelf.name",
    "`domain.name` cannot be changed; create another environment with the other domain"
))]
#[x_kube(validation = unchanged(
    "encryptionKey",
    "self.existing || oldSelf.existing || (has(self.encryptionKey) == has(oldSelf.encryptionKey) && \
     (!has(self.encryptionKey) || self.encryptionKey == oldSelf.encryptionKey))",
    "`domain.encryptionKey` cannot be set, changed or removed later; create another environment with another domain"
))]
#[x_kube(validation = unchanged_optional(
    "owner",
    "`domain.owner` cannot be set, changed or removed later; create another environment with the other domain"
))]
#[x_kube(validation = never_taken_over("domain"))]
#[x_kube(validation = rule(
    "encryptionKey",
    "!self.existing || !has(self.encryptionKey)",
    "`encryptionKey` must not be set on an existing domain, which has its key already"
))]
#[x_kube(validation = rule(
    "permissions",
    "!self.existing || !has(self.permissions)",
    "`permissions` must not be set on an existing domain, whose policy is never changed"
))]
#[x_kube(validation = rule(
    "owner",
    "!has(self.owner) || self.existing",
    "`owner` names another account's domain, which is never managed here: it must come with `existing: true`"
))]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Name of the domain, unique in its account and region, and part of a public host name: 2 to 50 lower-case letters,
    /// digits and hyphens. Required. Cannot be changed. Example: `test-artifact-domain`.
    #[schemars(length(min = 2, max = 50), regex(pattern = DOMAIN_NAME))]
    pub name: String,
    /// Id, ARN or alias of a symmetric customer managed KMS key for the packages. Default: the AWS managed key
    /// `aws/codeartifact`. Cannot be changed.
    /// Example: `arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000), regex(pattern = KMS_KEY))]
    pub encryption_key: Option<String>,
    /// Account that owns an existing domain, when it is not the identity's. Default: the identity's account. Cannot be
    /// changed. Example: `111122223333`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12), regex(pattern = ACCOUNT))]
    pub owner: Option<String>,
    /// Who may do what with the domain, as its resource policy. Default: it has no policy, and within its account the policies
    /// of roles decide. Can be changed.
    /// Example: `{users: ["444455556666"]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<DomainPermissions>,
    /// Whether the domain exists and is not managed here: it is checked and never changed. Default: `false`. Can be
    /// changed to `true` only, which releases the domain. Example: `true`.
    #[serde(default)]
    pub existing: bool,
}

/// Who may do what with a domain.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = distinct_sids("permissions.statements"))]
#[x_kube(validation = not_our_sid(DOMAIN_SID))]
#[serde(rename_all = "camelCase")]
pub struct DomainPermissions {
    /// ARNs of roles or users, or account ids, that may get tokens of the domain, describe it and list its repositories, besides
    /// the execution role; up to 50. To read packages they need a repository's permission, too. Default: none. Can be changed.
    /// Example: `["444455556666"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 620), regex(pattern = PRINCIPAL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub users: Vec<String>,
    /// Further statements of the domain's policy; up to 20. The whole policy may have 7168 characters. Default: none.
    /// Can be changed. Example: `[{effect: Deny, principals: ["444455556666"], actions: ["codeartifact:CreateRepository"]}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub statements: Vec<ResourceStatement>,
}

/// One repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "upstreams",
    "!has(self.externalConnection) || !has(self.upstreams) || self.upstreams.size() == 0",
    "a repository must not have both `externalConnection` and `upstreams`; put a store repository with the connection in \
     between"
))]
#[x_kube(validation = rule(
    "upstreams",
    "!has(self.upstreams) || !(self.name in self.upstreams)",
    "a repository must not be its own upstream"
))]
#[x_kube(validation = rule(
    "upstreams",
    "!has(self.upstreams) || self.upstreams.all(u, self.upstreams.exists_one(v, v == u))",
    "`upstreams` must not name a repository twice"
))]
#[x_kube(validation = rule(
    "",
    "!(has(self.existing) && self.existing) || !(has(self.externalConnection) || has(self.upstreams) || \
     has(self.description) || has(self.permissions))",
    "an existing repository is never changed: `externalConnection`, `upstreams`, `description` and `permissions` must not \
     be set on it"
))]
#[x_kube(validation = never_taken_over("repository"))]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Name of the repository, unique in its domain: 2 to 100 letters, digits, dots, hyphens and underscores. Not an ARN.
    /// Required. Cannot be changed; an entry with another name is another repository. Example: `pypi-store`.
    #[schemars(length(min = 2, max = 100), regex(pattern = REPOSITORY_NAME))]
    pub name: String,
    /// Public repository from which packages are fetched. Excludes `upstreams`. Default: none. Can be changed; swapping it
    /// for upstreams makes packages unreachable for a while and waits for an approval. Example: `public:pypi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_connection: Option<ExternalConnection>,
    /// Names of repositories in the list that are asked, in this order, for what this one lacks; up to 10. Excludes
    /// `externalConnection`. Default: none. Can be changed. Example: `[pypi-store]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(min = 2, max = 100), regex(pattern = REPOSITORY_NAME)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub upstreams: Vec<String>,
    /// Text that the AWS console shows, up to 1000 characters. Default: none. Can be changed.
    /// Example: `Python packages for isolated notebooks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000), regex(pattern = r"^\P{C}*$"))]
    pub description: Option<String>,
    /// Who may do what in this repository, as its resource policy. Default: it has no policy, and within its account the
    /// policies of roles decide; `{}` is a policy that lets the execution role read. Can be changed.
    /// Example: `{readers: ["arn:aws:iam::111122223333:role/ci"]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<RepositoryPermissions>,
    /// Whether the repository exists and is not managed here: it is checked and never changed. Default: `false`. Can be
    /// changed to `true` only, which releases the repository. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
}

/// Public repositories that CodeArtifact can fetch from.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(transform = words)]
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
#[x_kube(validation = distinct_sids("permissions.statements"))]
#[x_kube(validation = not_our_sid(REPOSITORY_SID))]
#[serde(rename_all = "camelCase")]
pub struct RepositoryPermissions {
    /// ARNs of roles that may read packages, besides the execution role; up to 50. Default: none. Can be changed.
    /// Example: `["arn:aws:iam::111122223333:role/ci"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 620), regex(pattern = ROLE_ARN)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub readers: Vec<String>,
    /// Further statements of the repository's policy; up to 20. The whole policy may have 7168 characters. Default: none.
    /// Can be changed. Example: `[{effect: Allow, actions: ["codeartifact:PublishPackageVersion"]}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub statements: Vec<ResourceStatement>,
}

/// One statement of the policy of a domain or repository. Its resource is always what the policy belongs to.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatement {
    /// Identifier of the statement: letters and digits, unique in the list. Default: none. Can be changed.
    /// Example: `Publish`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = SID))]
    pub sid: Option<String>,
    /// Whether the statement allows (`Allow`) or denies (`Deny`) the actions. Required. Can be changed. Example: `Allow`.
    pub effect: Effect,
    /// ARNs of roles or users, or account ids, to which the statement applies; up to 50. Default: the execution role of
    /// this environment. Can be changed. Example: `["arn:aws:iam::111122223333:role/publisher"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 620), regex(pattern = PRINCIPAL)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub principals: Vec<String>,
    /// Actions of CodeArtifact, with `*` and `?` as wildcards; 1 to 64. Required. Can be changed.
    /// Example: `["codeartifact:ReadFromRepository"]`.
    #[schemars(length(min = 1, max = 64), inner(length(max = 128), regex(pattern = ACTION)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub actions: Vec<String>,
    /// Conditions as in a policy document, with lists of values: operator, then condition key, then values. Default: none.
    /// Can be changed. Example: `{StringEquals: {"aws:SourceVpce": [vpce-0123456789abcdef0]}}`.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Conditions,
}

/// Two statements of one name are not what anybody meant, and AWS takes no such policy.
fn not_our_sid(ours: &str) -> Rule {
    rule(
        "statements",
        &format!("!has(self.statements) || self.statements.all(s, !has(s.sid) || s.sid != '{ours}')"),
        &format!("`sid` must not be {ours}, which is that of our own statement; any other is allowed"),
    )
}

/// What the notebooks install from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// Name of the repository in `repositories` from which the notebooks install. Required. Can be changed.
    /// Example: `test-artifact-repository`.
    #[schemars(length(min = 2, max = 100), regex(pattern = REPOSITORY_NAME))]
    pub repository: String,
    /// Package formats that the notebooks install. The status has the address of each repository for each of them. Only pip
    /// (`pypi`) is set up on the notebooks. Formats other than `pypi` and `swift` fetch their files from S3 and need its endpoint,
    /// whose policy then lets them. Default: `[pypi]`. Can be changed. Example: `[pypi, npm]`.
    #[serde(default = "default_formats")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Set)]
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
    /// JavaScript packages.
    #[serde(rename = "npm")]
    Npm,
    /// Java packages.
    #[serde(rename = "maven")]
    Maven,
    /// .NET packages.
    #[serde(rename = "nuget")]
    Nuget,
    /// Ruby gems.
    #[serde(rename = "ruby")]
    Ruby,
    /// Swift packages.
    #[serde(rename = "swift")]
    Swift,
    /// Rust crates.
    #[serde(rename = "cargo")]
    Cargo,
}
