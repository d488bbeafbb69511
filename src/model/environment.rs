//! The validated environment: what a manifest means, after everything that can be wrong with it has been refused.
//!
//! It is born in `crate::kubernetes::admit`. Nothing behind that border checks names, references or combinations again.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    adoption::Adoption,
    leaving::Leaving,
    owner::{Owner, Tags},
    policy::{PolicyDocument, Statement},
    services::Service,
    value::short_digest,
};

/// An environment, valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Whose resources these are.
    pub owner: Owner,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The user's tags for everything that carries tags.
    pub tags: Tags,
    /// What may be done, and how it ends.
    pub rules: Rules,
    /// The network.
    pub network: Network,
    /// The packages.
    pub packages: Packages,
    /// The role that the notebooks run with.
    pub role: ExecutionRole,
    /// The notebook instances.
    pub notebooks: Vec<Notebook>,
    /// What is in the manifest no more and still needed. Empty as admitted; filled in by what is seen.
    pub leaving: Leaving,
}

/// What the controller may do to AWS for this environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the manifest of its own")]
pub struct Rules {
    /// Look only: `management: Observe`.
    pub observe_only: bool,
    /// Leave alone for now: `paused`.
    pub paused: bool,
    /// Keep everything when the object is deleted: `deletionPolicy: Retain`.
    pub retain: bool,
    /// Refuse to delete: `deletionProtection`.
    pub deletion_protection: bool,
    /// How long a deviation may go unnoticed.
    pub drift_check_interval: Duration,
    /// Stop notebooks for changes that need it, without asking.
    pub may_stop_notebooks: bool,
    /// Delete notebooks that left the list, without asking.
    pub may_delete_notebooks: bool,
    /// What exists, is not ours and may be taken over.
    pub adopt: Adoption,
    /// Digest of the steps that a person approved.
    pub approved: Option<String>,
}

#[cfg(test)]
impl Rules {
    /// What a manifest allows that says nothing about it.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            observe_only: false,
            paused: false,
            retain: false,
            deletion_protection: false,
            drift_check_interval: Duration::from_mins(5),
            may_stop_notebooks: false,
            may_delete_notebooks: false,
            adopt: Adoption::default(),
            approved: None,
        }
    }
}

/// Ours to make, or there already under this id, name or ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// Ours.
    Managed(T),
    /// There already: looked at, never changed.
    Existing(String),
}

impl<T> Part<T> {
    /// What is asked for, if it is ours.
    pub const fn managed(&self) -> Option<&T> {
        match self {
            Self::Managed(part) => Some(part),
            Self::Existing(_) => None,
        }
    }
}

/// The network of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The VPC; ours by its CIDR block.
    pub vpc: Part<String>,
    /// The subnets, in the manifest's order.
    pub subnets: Vec<Subnet>,
    /// CIDR blocks besides the notebooks' that may reach the endpoints on 443.
    pub client_cidrs: BTreeSet<String>,
    /// Existing security groups whose members may reach the endpoints.
    pub client_security_groups: BTreeSet<String>,
    /// The protocol and port that the endpoints admit from the notebooks' group and from `client_security_groups`.
    pub client_group_traffic: Traffic,
    /// The notebooks' security group.
    pub notebooks_group: Part<()>,
    /// The endpoints' security group.
    pub endpoints_group: Part<()>,
    /// The endpoints.
    pub endpoints: BTreeMap<Service, Endpoint>,
    /// Somebody knows that an endpoint in a VPC that is not ours concerns everybody in it.
    pub acknowledge_vpc_wide: bool,
}

/// What a security-group rule lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// TCP 443.
    Https,
    /// All protocols and ports (as published in scenario C; wider than needed).
    All,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its name inside the environment.
    pub name: String,
    /// What it is, or which one.
    pub part: Part<ManagedSubnet>,
}

/// A subnet of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedSubnet {
    /// Its CIDR block.
    pub cidr_block: String,
    /// Its zone; chosen where all endpoint services are offered when absent.
    pub availability_zone: Option<String>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Ours.
    Managed {
        /// Who may use it for what.
        policy: EndpointPolicy,
        /// Whether the service's usual name resolves to it. Ignored for gateways.
        private_dns: bool,
        /// Names of the subnets with a network interface; the first of each zone when absent. Ignored for gateways.
        subnets: Option<BTreeSet<String>>,
    },
    /// There already, in this VPC, under this id.
    Existing(String),
    /// Somewhere else; the notebooks reach it by other means, so nothing is looked for.
    External,
}

/// The policy of an endpoint of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointPolicy {
    /// What this environment needs, and no more.
    LeastPrivilege,
    /// AWS's default: everything to everybody.
    FullAccess,
    /// Exactly this.
    Document(PolicyDocument),
}

/// The packages of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// The domain.
    pub domain: Domain,
    /// The repositories, in the manifest's order.
    pub repositories: Vec<Repository>,
    /// What the notebooks install from.
    pub install: Option<Install>,
}

/// A `CodeArtifact` domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The account that owns it; this one, or another whose domain exists.
    pub owner: String,
    /// Not ours.
    pub existing: bool,
    /// The KMS key; AWS's own when absent.
    pub encryption_key: Option<String>,
    /// Its resource policy; none when absent.
    pub policy: Option<PolicyDocument>,
}

/// A `CodeArtifact` repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// Not ours.
    pub existing: bool,
    /// Its description.
    pub description: Option<String>,
    /// Names of its upstreams, by priority.
    pub upstreams: Vec<String>,
    /// Its external connection, `public:pypi`.
    pub external_connection: Option<String>,
    /// Who may do what with it by its own policy.
    pub permissions: RepositoryPermissions,
}

/// The resource policy of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryPermissions {
    /// None: identity policies of the account decide.
    None,
    /// The execution role (and these principals) may read.
    Readers(BTreeSet<String>),
    /// Exactly this.
    Document(PolicyDocument),
}

/// What the notebooks install packages from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The repository.
    pub repository: String,
    /// The package formats, `pypi` among them when pip is configured.
    pub formats: BTreeSet<String>,
}

impl Install {
    /// Whether files come from a bucket of `CodeArtifact`'s, by URLs that the service signed: those of every format but Python's and Swift's.
    #[must_use]
    pub fn fetches_from_s3(&self) -> bool {
        self.formats.iter().any(|format| !matches!(format.as_str(), "pypi" | "swift"))
    }
}

/// The role that the notebooks run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionRole {
    /// Ours.
    Managed(Box<ManagedRole>),
    /// There already.
    Existing {
        /// Its ARN.
        arn: String,
        /// Whether a policy of ours that lets it install packages is attached to it.
        attach_policy: bool,
    },
}

/// The names of our own statements in the inline policy of a managed role: a statement of the user's has another one.
pub const ROLE_SIDS: [&str; 7] = ["Token", "Bearer", "Read", "Logs", "ListBuckets", "ReadObjects", "WriteObjects"];

/// The name of our own statement in the policy of a domain.
pub const DOMAIN_SID: &str = "CloisterUsers";
/// The name of our own statement in the policy of a repository.
pub const REPOSITORY_SID: &str = "CloisterReaders";

impl ExecutionRole {
    /// Its ARN in this account.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        match self {
            Self::Managed(role) => format!("arn:aws:iam::{account}:role/{}", role.name),
            Self::Existing { arn, .. } => arn.clone(),
        }
    }
}

/// A role of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedRole {
    /// Its name.
    pub name: String,
    /// Buckets it may use.
    pub s3: Vec<BucketAccess>,
    /// Further statements of its inline policy.
    pub statements: Vec<Statement>,
    /// Managed policies attached to it, by ARN.
    pub managed_policies: BTreeSet<String>,
    /// Its permissions boundary, by ARN.
    pub permissions_boundary: Option<String>,
}

/// Access to a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAccess {
    /// The bucket's name.
    pub bucket: String,
    /// Whether objects may be written, too.
    pub write: bool,
}

/// A notebook instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notebook {
    /// Its name in AWS and in the manifest.
    pub name: String,
    /// Not ours.
    pub existing: bool,
    /// `ml.t3.medium`; always there for a notebook of ours.
    pub instance_type: String,
    /// Size of its volume in GiB.
    pub volume_size_gib: i32,
    /// Name of its subnet.
    pub subnet: String,
    /// Whether it should run.
    pub run: Run,
    /// Whether users are root.
    pub root_access: bool,
    /// `1` or `2`.
    pub minimum_imds_version: String,
    /// The KMS key of its volume; AWS's own when absent.
    pub kms_key_id: Option<String>,
    /// `notebook-al2023-v1`; what AWS reports when absent.
    pub platform: Option<String>,
    /// The user's part of the script that runs once.
    pub on_create: Option<String>,
    /// The user's part of the script that runs at every start.
    pub on_start: Option<String>,
}

impl Notebook {
    /// A notebook of which nothing but its name is known here.
    fn of_somebody(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            existing: true,
            instance_type: String::new(),
            volume_size_gib: 0,
            subnet: String::new(),
            run: Run::Unmanaged,
            root_access: false,
            minimum_imds_version: String::new(),
            kms_key_id: None,
            platform: None,
            on_create: None,
            on_start: None,
        }
    }
}

/// Whether a notebook should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Started at creation, afterwards the user's business.
    Unmanaged,
    /// Always.
    Running,
    /// Never.
    Stopped,
}

impl Environment {
    /// The name of a thing of ours that the user did not name: `cloister-<namespace>-<name>-<purpose>-<hash>`, within `limit` characters.
    ///
    /// The hash covers cluster, namespace, name and purpose, so that two environments never share a name, however the readable part
    /// was cut.
    #[must_use]
    pub fn derived_name(&self, purpose: &str, limit: usize) -> String {
        derived_name(&self.owner, purpose, limit)
    }

    /// The tags of a resource of ours: the user's, and the owner tags of `address`.
    #[must_use]
    pub fn tags_of(&self, address: &super::address::Address) -> Tags {
        let mut tags = self.tags.clone();
        tags.extend(self.owner.tags(address));
        tags
    }

    /// The same with these notebooks besides its own: some that left the list and are still there.
    #[must_use]
    pub fn with_notebooks<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let listed = |name: &str| self.notebooks.iter().any(|notebook| notebook.name.eq_ignore_ascii_case(name));
        let others = names.filter(|name| !listed(name)).map(Notebook::of_somebody);
        Self { notebooks: self.notebooks.iter().cloned().chain(others).collect(), ..self.clone() }
    }

    /// The ARN of the execution role.
    #[must_use]
    pub fn role_arn(&self) -> String {
        self.role.arn(&self.account)
    }

    /// The ARN of the domain.
    #[must_use]
    pub fn domain_arn(&self) -> String {
        let Domain { name, owner, .. } = &self.packages.domain;
        format!("arn:aws:codeartifact:{}:{owner}:domain/{name}", self.region)
    }

    /// The ARN of a repository of the domain.
    #[must_use]
    pub fn repository_arn(&self, repository: &str) -> String {
        let Domain { name, owner, .. } = &self.packages.domain;
        format!("arn:aws:codeartifact:{}:{owner}:repository/{name}/{repository}", self.region)
    }

    /// Where AWS gives out a repository's packages of a format, without credentials.
    #[must_use]
    pub fn repository_url(&self, repository: &str, format: &str) -> String {
        let Domain { name, owner, .. } = &self.packages.domain;
        format!("https://{name}-{owner}.d.codeartifact.{}.amazonaws.com/{format}/{repository}/", self.region)
    }

    /// What pip installs from, where it is set up.
    #[must_use]
    pub fn pip(&self) -> Option<&Install> {
        self.packages.install.as_ref().filter(|install| install.formats.contains("pypi"))
    }

    /// The index URL that pip uses, without credentials.
    #[must_use]
    pub fn pip_index_url(&self) -> Option<String> {
        self.pip().map(|install| self.repository_url(&install.repository, "pypi") + "simple/")
    }

    /// The buckets that the execution role may use.
    #[must_use]
    pub fn buckets(&self) -> &[BucketAccess] {
        match &self.role {
            ExecutionRole::Managed(role) => &role.s3,
            ExecutionRole::Existing { .. } => &[],
        }
    }
}

/// See [`Environment::derived_name`].
#[must_use]
pub fn derived_name(owner: &Owner, purpose: &str, limit: usize) -> String {
    let Owner { cluster, namespace, name, uid: _ } = owner;
    let hash = &short_digest(&format!("{cluster}\n{namespace}\n{name}\n{purpose}"))[..10];
    // AWS names with the narrowest alphabet (notebooks, lifecycle configurations) allow letters, digits and single hyphens inside.
    let plain = |text: &str| -> String {
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
    };
    let readable = format!("cloister-{}-{}-{}", plain(namespace), plain(name), plain(purpose));
    let room = limit.saturating_sub(hash.len() + 1);
    let readable: String = readable.chars().take(room).collect();
    format!("{}-{hash}", readable.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(namespace: &str, name: &str) -> Owner {
        Owner { cluster: "c".into(), namespace: namespace.into(), name: name.into(), uid: "u".into() }
    }

    #[test]
    fn the_index_of_pip_is_composed_from_the_names() {
        let mut environment = crate::model::verdict_example::environment();
        assert_eq!(environment.pip_index_url(), None, "pip is left alone");
        let install = |format: &str| Install { repository: "r".into(), formats: BTreeSet::from([format.to_owned()]) };
        environment.packages.install = Some(install("npm"));
        assert_eq!(environment.pip_index_url(), None, "pip is left alone");
        environment.packages.install = Some(install("pypi"));
        let index = "https://d-111122223333.d.codeartifact.eu-west-1.amazonaws.com/pypi/r/simple/";
        assert_eq!(environment.pip_index_url().as_deref(), Some(index));
    }

    #[test]
    fn derived_names_stay_within_their_limit_and_never_meet() {
        let long = "n".repeat(60);
        let one = derived_name(&owner(&long, "a"), "role", 64);
        let other = derived_name(&owner(&long, "b"), "role", 64);
        assert!(one.len() <= 64);
        assert_ne!(one, other);
        assert_ne!(derived_name(&owner("a-b", "c"), "role", 64), derived_name(&owner("a", "b-c"), "role", 64));
        assert!(
            derived_name(&owner("a.b", "c"), "role", 63)
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        );
    }
}
