//! `IsolatedNotebookEnvironment`: the parts of its spec that concern the whole, and the way to the parts in files of
//! their own.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    Domain, ExternalConnection, Install, PackageFormat, Packages, Repository, RepositoryPermissions,
    RepositoryStatement,
};
pub use role::{Access, Conditions, Effect, ExecutionRole, S3Access, Statement};
pub use status::{
    ControlResult, ControlStatus, CreationIntent, DriftAction, DriftItem, DriftKind, DriftSeverity, DriftStatus,
    EndpointStatus, EnvironmentStatus, ExecutionRoleStatus, NetworkStatus, NotebookStatus, PackagesStatus, PipStatus,
    RepositoryStatus, ResourceCount, Summary,
};

/// Regions that have CodeArtifact. AWS may add some: a region is added here and nowhere else.
pub const CODE_ARTIFACT_REGIONS: [&str; 13] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-2",
];

/// A network without a way out, and notebooks in it that can `pip install`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "cloister.dev",
    version = "v1alpha1",
    kind = "IsolatedNotebookEnvironment",
    plural = "isolatednotebookenvironments",
    shortname = "ine",
    category = "cloister",
    category = "aws",
    namespaced,
    status = "EnvironmentStatus",
    derive = "PartialEq",
    cel
)]
#[serde(rename_all = "camelCase")]
pub struct IsolatedNotebookEnvironmentSpec {
    /// AWS region of everything in this environment.
    pub region: String,
    /// The `AWSIdentity` with which AWS is called.
    pub identity_ref: IdentityReference,
    /// Whether AWS is changed (`Enforce`) or only looked at (`Observe`).
    #[serde(default)]
    pub management: Management,
    /// What becomes of the AWS resources when this object is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Keeps everything in AWS, even while this object is being deleted.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Stops all work on this environment.
    #[serde(default)]
    pub paused: bool,
    /// How often AWS is compared with this spec.
    #[serde(default = "default_drift_check_interval")]
    pub drift_check_interval: String,
    /// Which disruptive changes may be made without asking.
    #[serde(default)]
    pub disruption: Disruption,
    /// Tags for everything that this environment creates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The network of the notebooks and the endpoints in it.
    pub network: Network,
    /// Where packages come from.
    pub packages: Packages,
    /// The role of the notebooks.
    pub execution_role: ExecutionRole,
    /// The notebook instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notebooks: Vec<Notebook>,
}

fn default_drift_check_interval() -> String {
    "5m".to_owned()
}

/// Names an `AWSIdentity`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityReference {
    /// Name of the `AWSIdentity`.
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
    /// Stopping a running notebook for a change.
    #[serde(default)]
    pub stop_notebooks: Permission,
    /// Replacing a resource.
    #[serde(default)]
    pub replace: Permission,
    /// Deleting a notebook that was removed from the list.
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
