//! `spec.executionRole`: the IAM role of the notebooks, and what it may do besides installing packages.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kubernetes::api::rule::{ACTION, POLICY_ARN, RESOURCE, ROLE_ARN, SID, conditions, distinct_sids, rule, unchanged},
    model::environment::ROLE_SIDS,
};

/// Conditions of a statement: operator, then condition key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The role of the notebooks: existing (`arn`) or managed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "",
    "!has(self.arn) || !(has(self.name) || has(self.s3) || has(self.permissionsBoundary) || \
     has(self.managedPolicyArns) || has(self.statements))",
    "an existing role (`arn`) is never changed: `name`, `s3`, `permissionsBoundary`, `managedPolicyArns` and `statements` \
     must not be set with it; `attachPolicy: true` attaches a policy of ours to it"
))]
#[x_kube(validation = rule(
    "attachPolicy",
    "has(self.arn) || !self.attachPolicy",
    "`attachPolicy` must come with `arn`: a managed role has our policy anyway"
))]
#[x_kube(validation = unchanged(
    "name",
    "!has(oldSelf.arn) || has(self.arn) || !has(self.name) || !oldSelf.arn.endsWith('/' + self.name)",
    "an existing role cannot become a managed one under the same `name`; give the managed role another name"
))]
#[x_kube(validation = distinct_sids("executionRole.statements"))]
#[x_kube(validation = rule("statements", &leaves_our_sids(), &our_sids()))]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRole {
    /// ARN of an existing role. It is checked and never changed, except for what `attachPolicy` adds. Default: a managed
    /// role. Can be changed. Example: `arn:aws:iam::111122223333:role/GeneralIsolatedNotebook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 620), regex(pattern = ROLE_ARN))]
    pub arn: Option<String>,
    /// Whether a customer managed policy of ours, which lets the notebooks install packages, is attached to the existing
    /// role. On deletion exactly that goes. Default: `false`. Can be changed. Example: `true`.
    #[serde(default)]
    pub attach_policy: bool,
    /// Name of the managed role, unique in the account: 1 to 64 characters. Default: a name made of cluster, namespace and
    /// name. Can be changed, which replaces the role. Example: `TeamANotebooks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_+=,.@-]+$"))]
    pub name: Option<String>,
    /// S3 buckets that the notebooks may use, by name; up to 32. The policy of the S3 endpoint follows. Default: none.
    /// Can be changed. Example: `[{bucket: my-data, access: ReadWrite}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["bucket".into()]))]
    pub s3: Vec<S3Access>,
    /// ARN of the permissions boundary of the managed role; only that of the identity is accepted, so that a manifest can say
    /// what it relies on. Default: that of the identity. Can be changed when the identity's is.
    /// Example: `arn:aws:iam::111122223333:policy/NotebookBoundary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 680), regex(pattern = POLICY_ARN))]
    pub permissions_boundary: Option<String>,
    /// ARNs of existing policies to attach to the managed role; up to 20, of which AWS allows 10 unless the quota was
    /// raised. Default: none. Can be changed. Example: `["arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 680), regex(pattern = POLICY_ARN)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub managed_policy_arns: Vec<String>,
    /// Further statements of the managed role's inline policy; up to 20. All of it may have 10240 characters. Default:
    /// none. Can be changed.
    /// Example: `[{effect: Allow, actions: ["logs:PutLogEvents"], resources: ["*"]}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub statements: Vec<Statement>,
}

fn leaves_our_sids() -> String {
    let ours = ROLE_SIDS.join("', '");
    format!("!has(self.statements) || self.statements.all(s, !has(s.sid) || !(s.sid in ['{ours}']))")
}

fn our_sids() -> String {
    format!("`sid` must not be that of one of our own statements: {}", ROLE_SIDS.join(", "))
}

/// Access to one bucket.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Access {
    /// Name of the bucket, without ARN or path. Required. Cannot be changed; an entry with another name is another bucket.
    /// Example: `my-data`.
    #[schemars(length(min = 3, max = 63), regex(pattern = r"^[a-z0-9][a-z0-9.-]+[a-z0-9]$"))]
    pub bucket: String,
    /// What is allowed: `Read` is listing and reading objects, `ReadWrite` also writing and deleting them. Required. Can be
    /// changed. Example: `Read`.
    pub access: Access,
}

/// What is allowed in a bucket.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Listing and reading objects.
    Read,
    /// Listing, reading, writing and deleting objects.
    ReadWrite,
}

/// One statement of an identity policy.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Identifier of the statement: letters and digits, unique in the list. Default: none. Can be changed.
    /// Example: `WriteLogs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = SID))]
    pub sid: Option<String>,
    /// Whether the statement allows (`Allow`) or denies (`Deny`) the actions. Required. Can be changed. Example: `Allow`.
    pub effect: Effect,
    /// Actions, with `*` and `?` as wildcards; 1 to 64. Required. Can be changed. Example: `["logs:PutLogEvents"]`.
    #[schemars(length(min = 1, max = 64), inner(length(max = 128), regex(pattern = ACTION)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub actions: Vec<String>,
    /// ARNs of the resources, with wildcards, or `*`; 1 to 64. Required. Can be changed.
    /// Example: `["arn:aws:logs:*:111122223333:log-group:/aws/sagemaker/*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(max = 2048), regex(pattern = RESOURCE)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub resources: Vec<String>,
    /// Conditions as in a policy document, with lists of values: operator, then condition key, then values. Default: none.
    /// Can be changed. Example: `{StringEquals: {"aws:SourceVpce": [vpce-0123456789abcdef0]}}`.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Conditions,
}

/// Whether a statement allows or denies.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The actions are allowed.
    #[default]
    Allow,
    /// The actions are denied, whatever else allows them.
    Deny,
}
