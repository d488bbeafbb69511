//! `status`: what was found, what was done about it, and what comes next. Computed from what was seen; the only memory
//! in it are the pinned account, ids, and creation intents.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::EndpointService;
use crate::kubernetes::api::bounds::within_bounds;
use crate::kubernetes::api::rule::{addresses, status_conditions};

/// What was found in AWS at `lastVerifiedTime`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// The `metadata.generation` that this status speaks of. Example: `3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds and what does not: Ready, Reconciling, Stalled, InSync, Isolated, NetworkReady, PermissionsReady,
    /// PackagesReady, NotebooksReady and AccessRestricted, all present from the first visit on. Example: `Ready`, `True`,
    /// `AsAsked`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "status_conditions")]
    pub conditions: Vec<Condition>,
    /// When AWS was last looked at in full; refreshed with every other change of the status, otherwise at most once an
    /// hour. Example: `2026-01-31T12:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_verified_time: Option<Time>,
    /// The value of the annotation `cloister.dev/reconcile-at` that was answered last.
    /// Example: `2026-01-31T12:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// AWS account, pinned at first contact. Example: `111122223333`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account: Option<String>,
    /// Ids of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkStatus>,
    /// Addresses of the packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<PackagesStatus>,
    /// The role of the notebooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role: Option<ExecutionRoleStatus>,
    /// The notebooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub notebooks: Vec<NotebookStatus>,
    /// How many resources there are, and how many are as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceCount>,
    /// Differences between AWS and the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
    /// What the controller would do but may not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 1024)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub next_steps: Vec<String>,
    /// Digests of those of `nextSteps` that can be approved: the value that approves exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub plan_digest: Option<String>,
    /// Results of security controls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub controls: Vec<ControlStatus>,
    /// Strings for the columns of `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Creations whose outcome is not known yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub intents: Vec<CreationIntent>,
}

impl EnvironmentStatus {
    /// The same with texts and lists cut to what the schema allows, so that the server never refuses it for its size.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        within_bounds(self)
    }
}

/// Ids of the network.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkStatus {
    /// Id of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub vpc_id: Option<String>,
    /// Ids of the subnets, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub subnet_ids: Vec<String>,
    /// Ids of the security groups: notebooks first, then endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub security_group_ids: Vec<String>,
    /// The endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 12))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["service".into()]))]
    pub endpoints: Vec<EndpointStatus>,
}

/// One endpoint.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointStatus {
    /// The AWS service.
    pub service: EndpointService,
    /// Id of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub id: Option<String>,
    /// State as AWS names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// The endpoint's own DNS name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub dns_name: Option<String>,
}

/// Addresses of the packages.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackagesStatus {
    /// ARN of the domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub domain_arn: Option<String>,
    /// The repositories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub repositories: Vec<RepositoryStatus>,
    /// What pip needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pip: Option<PipStatus>,
}

/// One repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    /// Name of the repository.
    #[schemars(length(max = 256))]
    pub name: String,
    /// ARN of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub arn: Option<String>,
    /// Address of the repository by package format.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "addresses")]
    pub endpoints: BTreeMap<String, String>,
}

/// What pip needs.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PipStatus {
    /// Index URL, without a credential.
    #[serde(default, rename = "indexURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub index_url: Option<String>,
    /// Command that logs pip in where ours does not do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub login_command: Option<String>,
}

/// The role of the notebooks.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRoleStatus {
    /// ARN of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub arn: Option<String>,
}

/// One notebook.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotebookStatus {
    /// Name of the notebook.
    #[schemars(length(max = 256))]
    pub name: String,
    /// ARN of the notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub arn: Option<String>,
    /// State as AWS names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// A changed lifecycle configuration takes effect at the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_pending: Option<bool>,
}

/// How many resources there are, and how many are as asked.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceCount {
    /// All resources of this environment.
    pub total: i32,
    /// Those that are as asked.
    pub ready: i32,

    /// Resources that exist, with their AWS ids. With their help a resource that lost its owner tags is recognised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub items: Vec<ResourceReference>,
}

/// A resource that exists in AWS. Example: `{resource: Subnet/a, id: subnet-0123456789abcdef0}`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceReference {
    /// The resource, as kind and name. Example: `Subnet/a`.
    #[schemars(length(max = 512))]
    pub resource: String,
    /// Its id in AWS, or its name where the name is the id. Example: `subnet-0123456789abcdef0`.
    #[schemars(length(max = 1024))]
    pub id: String,
    /// True when the spec declared it as existing: it is somebody else's. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
}

/// Differences between AWS and the spec.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// How many there are now; those that were corrected do not count.
    pub total: i32,
    /// The first 50, by severity and address, then up to ten that were corrected of late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub items: Vec<DriftItem>,
}

/// One difference.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftItem {
    /// Address of the resource.
    #[schemars(length(max = 512))]
    pub resource: String,
    /// Id in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub id: Option<String>,
    /// Path of the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub field: Option<String>,
    /// What kind of difference it is.
    pub kind: DriftKind,
    /// What the spec asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub desired: Option<String>,
    /// What AWS has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub observed: Option<String>,
    /// How grave it is.
    pub severity: DriftSeverity,
    /// What was done about it.
    pub action: DriftAction,
    /// When it was first seen.
    pub first_seen: Time,
    /// When it was seen to be corrected. Goes with the first change of the status an hour later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<Time>,
}

/// What kind of difference it is.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DriftKind {
    /// A field has another value.
    Changed,
    /// Something asked for is not there.
    Missing,
    /// Something is there that was not asked for.
    Unexpected,
}

/// How grave a difference is.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DriftSeverity {
    /// It opens the environment or breaks it.
    High,
    /// It departs from the spec without opening anything.
    Medium,
    /// Cosmetic.
    Low,
}

/// What was done about a difference.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DriftAction {
    /// It was put right, and seen to be right.
    Corrected,
    /// What puts it right was written, and is not seen yet.
    Correcting,
    /// It is about to be put right.
    Pending,
    /// Putting it right disrupts somebody and waits for an approval.
    AwaitingApproval,
    /// It is named and left alone.
    Reported,
}

/// Result of one security control.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlStatus {
    /// Id of the control.
    #[schemars(length(max = 256))]
    pub id: String,
    /// Its result.
    pub result: ControlResult,
}

/// Result of a control.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlResult {
    /// The control is met.
    Passed,
    /// The control is not met.
    Failed,
    /// It could not be seen.
    Unknown,
}

/// Strings for the columns of `kubectl get`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Endpoints that are available, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub endpoints: Option<String>,
    /// Notebooks that are in the asked state, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub notebooks: Option<String>,
}

/// A creation whose outcome is not known yet.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationIntent {
    /// Address of the resource.
    #[schemars(length(max = 512))]
    pub address: String,
    /// Client token of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub token: Option<String>,
    /// How often this resource was created already.
    pub attempt: i32,
    /// When the call was about to be made.
    pub started_at: Time,
}
