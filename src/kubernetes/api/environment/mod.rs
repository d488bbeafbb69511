//! `IsolatedNotebookEnvironment`: the parts of its spec that concern the whole, and the way to the parts that have files
//! of their own.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{rule, tags, unchanged};
use crate::model::services::code_artifact_regions;

pub mod network;
pub mod notebooks;
pub mod packages;
pub mod role;
pub mod status;

pub use network::{
    Endpoint, EndpointIngress, EndpointPolicy, EndpointPolicyPreset, EndpointService, ExistingSecurityGroup, Network,
    SecurityGroups, Subnet, Vpc,
};
pub use notebooks::{Lifecycle, Notebook, NotebookState, RootAccess};
pub use packages::{
    Domain, DomainPermissions, ExternalConnection, Install, PackageFormat, Packages, Repository, RepositoryPermissions,
    ResourceStatement,
};
pub use role::{Access, Conditions, Effect, ExecutionRole, S3Access, Statement};
pub use status::{
    ControlResult, ControlStatus, CreationIntent, DriftAction, DriftItem, DriftKind, DriftSeverity, DriftStatus,
    EndpointStatus, EnvironmentStatus, ExecutionRoleStatus, NetworkStatus, NotebookStatus, PackagesStatus, PipStatus,
    RepositoryStatus, ResourceCount, ResourceReference, Summary,
};

/// A network without a way out, and notebooks in it that can `pip install`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "cloister.dev",
    version = "v1alpha1",
    kind = "IsolatedNotebookEnvironment",
    plural = "isolatednotebookenvironments",
    doc = "A network in AWS without a way out, and SageMaker notebooks in it that can `pip install` from CodeArtifact.",
    shortname = "ine",
    category = "cloister",
    category = "aws",
    namespaced,
    status = "EnvironmentStatus",
    derive = "PartialEq",
    cel,
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Everything asked for exists and is in the asked state.",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why it is ready or not.",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(
        name = "Isolated",
        type_ = "string",
        description = "No route, rule or setting lets the notebooks out.",
        json_path = r#".status.conditions[?(@.type=="Isolated")].status"#
    ),
    printcolumn(
        name = "Endpoints",
        type_ = "string",
        description = "VPC endpoints that are available, of all.",
        json_path = ".status.summary.endpoints"
    ),
    printcolumn(
        name = "Notebooks",
        type_ = "string",
        description = "Notebooks that are in the asked state, of all.",
        json_path = ".status.summary.notebooks"
    ),
    printcolumn(
        name = "Drift",
        type_ = "integer",
        description = "Number of differences between AWS and the spec.",
        json_path = ".status.drift.total"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        description = "Time since the object was created.",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        description = "AWS region.",
        json_path = ".spec.region",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        description = "What it waits for, or what to do.",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
#[x_kube(validation = rule(
    "network.subnets",
    "self.network.subnets.all(s, !has(s.availabilityZone) || s.availabilityZone.startsWith(self.region))",
    "every `availabilityZone` must be a zone of `spec.region`, such as ap-northeast-1a in ap-northeast-1"
))]
#[x_kube(validation = rule(
    "notebooks",
    "!has(self.notebooks) || self.network.subnets.size() < 2 || \
     self.notebooks.all(n, has(n.subnet) || (has(n.existing) && n.existing))",
    "`subnet` must be set on every managed notebook when `network.subnets` has more than one entry"
))]
#[x_kube(validation = rule(
    "notebooks",
    "!has(self.notebooks) || \
     self.notebooks.all(n, !has(n.subnet) || self.network.subnets.exists(s, s.name == n.subnet))",
    "`subnet` of a notebook must be the `name` of an entry of `network.subnets`"
))]
#[x_kube(validation = unchanged(
    "notebooks",
    "!has(self.notebooks) || !has(oldSelf.notebooks) || self.notebooks.all(n, \
     (has(n.existing) && n.existing) || oldSelf.notebooks.all(o, o.name != n.name || (has(o.existing) && o.existing) || \
     (has(n.subnet) ? n.subnet : self.network.subnets[0].name) == \
     (has(o.subnet) ? o.subnet : oldSelf.network.subnets[0].name)))",
    "the subnet of a notebook cannot be changed; add a notebook with another `name` in the new subnet, then remove this one"
))]
#[serde(rename_all = "camelCase")]
pub struct IsolatedNotebookEnvironmentSpec {
    /// AWS region of everything in this environment; one that has CodeArtifact. Required. Cannot be changed.
    /// Example: `ap-northeast-1`.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = rule("", &has_code_artifact(), &regions_with_code_artifact()))]
    #[x_kube(validation = unchanged(
        "",
        "self == oldSelf",
        "`region` cannot be changed; create another environment in the new region, then delete this one"
    ))]
    pub region: String,

    /// The AWSIdentity with which AWS is called. It must allow the namespace of this environment. Required. Can be
    /// changed, as long as it leads to the same account. Example: `{name: data-science}`.
    pub identity_ref: IdentityReference,

    /// Whether AWS is changed. `Enforce` makes AWS what the spec says; `Observe` compares and reports, and never writes to
    /// AWS. Default: `Enforce`. Can be changed. Example: `Observe`.
    #[serde(default)]
    pub management: Management,

    /// What becomes of the AWS resources that this environment made when this object is deleted. `Delete` deletes them,
    /// notebooks and their volumes included; `Retain` keeps them and removes only our owner tags. Default: `Delete`.
    /// Can be changed. Example: `Retain`.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// While true, deleting this object leaves everything in AWS untouched and the object waits, until this is set to
    /// false. Default: `false`. Can be changed, also while the object is being deleted. Example: `true`.
    #[serde(default)]
    pub deletion_protection: bool,

    /// While true, AWS is looked at and not written to for this environment: drift and what would be done are shown, and its
    /// deletion waits. Default: `false`. Can be changed. Example: `true`.
    #[serde(default)]
    pub paused: bool,

    /// How often AWS is compared with this spec when nothing else gives cause, in hours, minutes and seconds; from 1m to
    /// 24h. Default: `5m`. Can be changed. Example: `1h30m`.
    #[serde(default = "default_drift_check_interval")]
    #[schemars(length(min = 2, max = 18))]
    #[x_kube(validation = rule(
        "",
        "self.matches('^([0-9]{1,5}(h|m|s)){1,3}$') && \
         duration(self) >= duration('1m') && duration(self) <= duration('24h')",
        "`driftCheckInterval` must be a duration between 1m and 24h, such as 5m or 1h30m"
    ))]
    pub drift_check_interval: String,

    /// Which changes that interrupt somebody's work may be made without asking. Default: all of them wait for an
    /// approval. Can be changed. Example: `{stopNotebooks: Allow}`.
    #[serde(default)]
    pub disruption: Disruption,

    /// Tags for everything that this environment creates, besides our own; up to 44. Keys must have 1 to 128 characters
    /// and must not begin with `aws:` or `cloister.dev/`. Default: none. Can be changed; a tag that is taken out stays in
    /// AWS, where nothing says who put it there. Example: `{cost-center: "4711"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tags")]
    #[x_kube(validation = rule(
        "",
        "self.all(k, size(k) >= 1 && size(k) <= 128)",
        "keys of `tags` must have 1 to 128 characters"
    ))]
    #[x_kube(validation = rule(
        "",
        "self.all(k, !k.startsWith('aws:') && !k.startsWith('AWS:') && !k.startsWith('cloister.dev/'))",
        "keys of `tags` must not begin with `aws:`, which AWS keeps for itself, or with `cloister.dev/`, which marks the owner"
    ))]
    pub tags: BTreeMap<String, String>,

    /// The network of the notebooks, and the VPC endpoints in it. Required. Can be changed, except where its fields say
    /// otherwise. Example: `{vpc: {cidrBlock: 10.0.0.0/16}, subnets: [{name: a, cidrBlock: 10.0.1.0/24}]}`.
    pub network: Network,

    /// The CodeArtifact domain and repositories that packages come from. Required. Can be changed, except where its
    /// fields say otherwise. Example: `{domain: {name: shared, existing: true}, repositories: [{name: python}]}`.
    pub packages: Packages,

    /// The IAM role of the notebooks: managed, or an existing one by `arn`. Required; `{}` is a managed role that may
    /// install packages and nothing else. Can be changed. Example: `{s3: [{bucket: my-data, access: Read}]}`.
    pub execution_role: ExecutionRole,

    /// The SageMaker notebook instances, by name; up to 100. Removing one from the list deletes it once
    /// `disruption.deleteNotebooks` or an approval allows it. Default: none. Can be changed, except where its fields say
    /// otherwise. Example: `[{name: test-notebook, instanceType: ml.t3.medium}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub notebooks: Vec<Notebook>,
}

fn default_drift_check_interval() -> String {
    "5m".to_owned()
}

fn has_code_artifact() -> String {
    format!("self in ['{}']", code_artifact_regions().join("', '"))
}

fn regions_with_code_artifact() -> String {
    format!("`region` must be one that has CodeArtifact: {}", code_artifact_regions().join(", "))
}

/// Names an `AWSIdentity`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityReference {
    /// Name of the AWSIdentity. Required. Can be changed. Example: `data-science`.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub name: String,
}

/// Whether AWS is changed or only looked at.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Management {
    /// AWS is made what the spec says.
    #[default]
    Enforce,
    /// AWS is compared with the spec and never written to.
    Observe,
}

/// What becomes of the AWS resources when the object is deleted.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// Everything that this environment made is deleted.
    #[default]
    Delete,
    /// Everything stays; only our owner tags are removed.
    Retain,
}

/// Which disruptive changes may be made without asking.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disruption {
    /// Stopping a running notebook for a change that AWS makes only while it is stopped. `Approve` waits for a person,
    /// `Allow` does it. Default: `Approve`. Can be changed. Example: `Allow`.
    #[serde(default)]
    pub stop_notebooks: Permission,
    /// Replacing a resource whose change AWS does not support. This version replaces nothing, and says in `Stalled` what to
    /// do instead; so only `Approve` is taken. Default: `Approve`. Cannot be changed. Example: `Approve`.
    #[serde(default)]
    #[x_kube(validation = rule(
        "",
        "self == 'Approve'",
        "`replace` must be Approve: this version replaces nothing; add a second list item under another name and remove the first"
    ))]
    pub replace: Permission,
    /// Deleting a notebook, with its volume, that was removed from `notebooks`. `Approve` waits for a person, `Allow` does
    /// it. Default: `Approve`. Can be changed. Example: `Allow`.
    #[serde(default)]
    pub delete_notebooks: Permission,
}

/// Whether a disruptive change waits for an approval.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// The change waits until a person approves it.
    #[default]
    Approve,
    /// The change is made without asking.
    Allow,
}
