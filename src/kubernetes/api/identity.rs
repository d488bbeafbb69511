//! `AWSIdentity`: with which role AWS is called, and who may use it.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{
    ACCOUNT, DOMAIN_NAME, INSTANCE_TYPE, LABEL, POLICY_ARN, REGION, ROLE_ARN, VPC_ID, labels, rule, tags,
};

/// An AWS role, and the namespaces that may have environments made with it.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "cloister.dev",
    version = "v1alpha1",
    kind = "AWSIdentity",
    plural = "awsidentities",
    singular = "awsidentity",
    category = "cloister",
    category = "aws",
    doc = "An AWS role for environments to be made with, the namespaces that may use it, and its limits.",
    derive = "PartialEq",
    cel,
    printcolumn(name = "Account", type_ = "string", description = "AWS account.", json_path = ".spec.account"),
    printcolumn(name = "Role", type_ = "string", description = "Role that is assumed.", json_path = ".spec.roleArn"),
    printcolumn(
        name = "Age",
        type_ = "date",
        description = "Time since the object was created.",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = rule(
    "roleArn",
    "!has(self.roleArn) || self.roleArn.startsWith('arn:aws:iam::' + self.account + ':role/')",
    "`roleArn` must be a role of `account`"
))]
#[x_kube(validation = rule(
    "permissionsBoundary",
    "self.permissionsBoundary.startsWith('arn:aws:iam::' + self.account + ':policy/') || \
     self.permissionsBoundary.startsWith('arn:aws:iam::aws:policy/')",
    "`permissionsBoundary` must be a policy of `account` or of AWS"
))]
#[x_kube(validation = rule(
    "",
    "has(self.roleArn) || !(has(self.externalId) || has(self.sessionTags))",
    "`externalId` and `sessionTags` must come with `roleArn`: they are given when a role is assumed"
))]
#[serde(rename_all = "camelCase")]
pub struct AWSIdentitySpec {
    /// AWS account that this identity leads to; nothing is done when it leads elsewhere. Required. Can be changed, but an
    /// environment that was made in another account then stalls. Example: `"111122223333"`.
    #[schemars(length(min = 12, max = 12), regex(pattern = ACCOUNT))]
    pub account: String,
    /// ARN of the role to assume. When that is denied, the controller's own credentials are never used instead. Default:
    /// none is assumed and the controller's own credentials are used. Can be changed.
    /// Example: `arn:aws:iam::111122223333:role/cloister`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 620), regex(pattern = ROLE_ARN))]
    pub role_arn: Option<String>,
    /// External id that the role's trust policy asks for. Default: none. Can be changed. Example: `cloister-data-science`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), regex(pattern = r"^[A-Za-z0-9_+=,.@:/-]+$"))]
    pub external_id: Option<String>,
    /// Session tags given when the role is assumed; up to 44. Default: none. Can be changed. Example: `{team: data-science}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tags")]
    #[x_kube(validation = rule(
        "",
        "self.all(k, size(k) >= 1 && size(k) <= 128 && !k.startsWith('aws:') && !k.startsWith('AWS:'))",
        "keys of `sessionTags` must have 1 to 128 characters and must not begin with `aws:`"
    ))]
    pub session_tags: BTreeMap<String, String>,
    /// Regions in which environments may be; 1 to 32. Required. Can be changed. Example: `[ap-northeast-1]`.
    #[schemars(length(min = 1, max = 32), inner(length(max = 32), regex(pattern = REGION)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub regions: Vec<String>,
    /// Namespaces whose environments may use this identity. Default: none may. Can be changed; environments in a namespace
    /// that is no longer allowed stall. Example: `{names: [data-science]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
    /// ARN of the permissions boundary of every role that is created with this identity. Required. Can be changed.
    /// Example: `arn:aws:iam::111122223333:policy/NotebookBoundary`.
    #[schemars(length(min = 20, max = 680), regex(pattern = POLICY_ARN))]
    pub permissions_boundary: String,
    /// What environments may refer to. Default: no limit. Can be changed. Example: `{instanceTypes: [ml.t3.medium]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// Namespaces: those named, and those that the selector matches.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// Names of namespaces; up to 256. Default: none. Can be changed. Example: `[data-science]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63), regex(pattern = LABEL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub names: Vec<String>,
    /// Selects namespaces by their labels; `{}` selects all. Default: selects none. Can be changed.
    /// Example: `{matchLabels: {team: data-science}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<NamespaceSelector>,
}

/// Selects namespaces by their labels; all requirements must hold.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels that must have these values; up to 32. Default: none. Can be changed. Example: `{team: data-science}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements on labels; up to 32. Default: none. Can be changed.
    /// Example: `[{key: team, operator: Exists}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub match_expressions: Vec<LabelRequirement>,
}

/// A requirement on one label.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "values",
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
    "`values` must be given with the operators In and NotIn, and must not be given with Exists and DoesNotExist"
))]
#[serde(rename_all = "camelCase")]
pub struct LabelRequirement {
    /// Key of the label. Required. Can be changed. Example: `team`.
    #[schemars(length(min = 1, max = 317), regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$"))]
    pub key: String,
    /// How the label is compared: `In` and `NotIn` with `values`, `Exists` and `DoesNotExist` without. Required. Can be
    /// changed. Example: `In`.
    pub operator: LabelOperator,
    /// Values for `In` and `NotIn`; up to 64. Default: none. Can be changed. Example: `[data-science]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        inner(length(max = 63), regex(pattern = r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelOperator {
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

/// What environments may refer to; an absent list is no limit.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Ids of existing VPCs that environments may refer to; up to 100. An empty list allows none. Default: any. Can be
    /// changed. Example: `[vpc-0123456789abcdef0]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(length(max = 21), regex(pattern = VPC_ID)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub vpc_ids: Option<Vec<String>>,
    /// Names of CodeArtifact domains that environments may manage or refer to; up to 100. An empty list allows none.
    /// Default: any. Can be changed. Example: `[test-artifact-domain]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(length(max = 50), regex(pattern = DOMAIN_NAME)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub domains: Option<Vec<String>>,
    /// Instance types that notebooks may have; up to 100. An empty list allows none. Default: any. Can be changed.
    /// Example: `[ml.t3.medium]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(length(max = 40), regex(pattern = INSTANCE_TYPE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub instance_types: Option<Vec<String>>,
}
