//! `spec.executionRole`: the IAM role of the notebooks, and what it may do besides installing packages.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Conditions of a statement: operator, then condition key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The role of the notebooks: existing (`arn`) or managed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRole {
    /// ARN of an existing role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Attaches a policy of ours to the existing role.
    #[serde(default)]
    pub attach_policy: bool,
    /// Name of the managed role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Buckets that the managed role may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub s3: Vec<S3Access>,
    /// Permissions boundary of the managed role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// Existing policies to attach to the managed role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_policy_arns: Vec<String>,
    /// Further statements of the managed role's policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Statement>,
}

/// Access to one bucket.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Access {
    /// Name of the bucket.
    pub bucket: String,
    /// What is allowed.
    pub access: Access,
}

/// What is allowed in a bucket.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Listing and reading objects.
    Read,
    /// Listing, reading and writing objects.
    ReadWrite,
}

/// One statement of an identity policy.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Identifier of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Actions.
    pub actions: Vec<String>,
    /// ARNs of the resources.
    pub resources: Vec<String>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
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
