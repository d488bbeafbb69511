//! `spec.notebooks`: the SageMaker notebook instances.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kubernetes::api::rule::{
    INSTANCE_TYPE, KMS_KEY, LABEL, NOTEBOOK_NAME, never_taken_over, rule, unchanged, words,
};

/// Size of a notebook's volume where none is given, in GiB: what AWS itself would choose.
pub const DEFAULT_VOLUME_SIZE_GIB: i32 = 5;
/// Lowest version of the instance metadata service where none is given.
pub const DEFAULT_MINIMUM_IMDS_VERSION: i32 = 2;

/// One notebook instance. Direct internet access is always disabled.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "instanceType",
    "has(self.instanceType) || (has(self.existing) && self.existing)",
    "`instanceType` must be set on a managed notebook, for example ml.t3.medium"
))]
#[x_kube(validation = rule(
    "",
    "!(has(self.existing) && self.existing) || !(has(self.instanceType) || has(self.volumeSizeGiB) || \
     has(self.subnet) || has(self.state) || has(self.rootAccess) || has(self.minimumIMDSVersion) || \
     has(self.kmsKeyId) || has(self.platformIdentifier) || has(self.lifecycle))",
    "an existing notebook is never changed: nothing but `name` must be set on it"
))]
#[x_kube(validation = unchanged(
    "volumeSizeGiB",
    &format!(
        "(has(self.existing) && self.existing) || (has(oldSelf.existing) && oldSelf.existing) || \
         (has(self.volumeSizeGiB) ? self.volumeSizeGiB : {DEFAULT_VOLUME_SIZE_GIB}) >= \
         (has(oldSelf.volumeSizeGiB) ? oldSelf.volumeSizeGiB : {DEFAULT_VOLUME_SIZE_GIB})"
    ),
    "`volumeSizeGiB` must not become smaller: a notebook's volume only grows"
))]
#[x_kube(validation = unchanged(
    "kmsKeyId",
    "(has(self.existing) && self.existing) || (has(oldSelf.existing) && oldSelf.existing) || \
     (has(self.kmsKeyId) == has(oldSelf.kmsKeyId) && (!has(self.kmsKeyId) || self.kmsKeyId == oldSelf.kmsKeyId))",
    "`kmsKeyId` cannot be set, changed or removed later; add a notebook with another `name`, then remove this one"
))]
#[x_kube(validation = never_taken_over("notebook"))]
#[serde(rename_all = "camelCase")]
pub struct Notebook {
    /// Name of the notebook instance, unique in its account and region: up to 63 letters, digits and hyphens. Required.
    /// Cannot be changed; an entry with another name is another notebook. Example: `test-notebook`.
    #[schemars(length(min = 1, max = 63), regex(pattern = NOTEBOOK_NAME))]
    pub name: String,
    /// Instance type. Required on a managed notebook. Can be changed, which stops the notebook. Example: `ml.t3.medium`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40), regex(pattern = INSTANCE_TYPE))]
    pub instance_type: Option<String>,
    /// Size of the volume in GiB, from 5 to 16384. Default: 5. Can be changed to a larger size only, which stops the
    /// notebook. Example: `20`.
    #[serde(default, rename = "volumeSizeGiB", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 16384))]
    pub volume_size_gib: Option<i32>,
    /// Name of the subnet in `network.subnets`. Default: the only subnet; required when there are several. Cannot be
    /// changed. Example: `a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = LABEL))]
    pub subnet: Option<String>,
    /// Whether the notebook is kept running (`Running`), kept stopped (`Stopped`), or started at creation and afterwards
    /// left to its users (`Unmanaged`). Default: `Unmanaged`. Can be changed. Example: `Running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<NotebookState>,
    /// Whether users are root in the notebook: `Enabled` or `Disabled`. Lifecycle scripts run as root in either case.
    /// Default: `Disabled`. Can be changed, which stops the notebook. Example: `Enabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_access: Option<RootAccess>,
    /// Lowest version of the instance metadata service that answers: 1 or 2. Default: 2. Can be changed, which stops the
    /// notebook. Example: `2`.
    #[serde(default, rename = "minimumIMDSVersion", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2))]
    pub minimum_imds_version: Option<i32>,
    /// Id, ARN or alias of the KMS key of the volume. Default: the AWS managed key. Cannot be changed.
    /// Example: `alias/notebooks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), regex(pattern = KMS_KEY))]
    pub kms_key_id: Option<String>,
    /// Operating system of the notebook. Default: what AWS gives a new notebook; later whatever it reports is accepted. Can
    /// be changed, which stops the notebook. Example: `notebook-al2023-v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), regex(pattern = r"^notebook-[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub platform_identifier: Option<String>,
    /// Fragments of shell script that run as root after ours; they cannot break it. Default: none. Can be changed; it takes
    /// effect at the notebook's next start. Example: `{onStart: "touch /tmp/started"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    /// Whether the notebook exists and is not managed here: it is checked and never changed. Default: `false`. Can be
    /// changed to `true` only, which releases the notebook. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
}

/// Fragments of shell script that run after ours.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Shell fragment that runs once, when the notebook is created; up to 8192 characters, and with ours up to 16384 in
    /// Base64. Line ends are LF. No secrets: AWS shows it to everybody who may describe it. Default: none. Can be changed,
    /// which affects new notebooks. Example: `dnf -y install tree || true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8192))]
    #[x_kube(validation = rule("", r"!self.contains('\r')", "`onCreate` must have LF line ends: bash refuses CRLF"))]
    pub on_create: Option<String>,
    /// Shell fragment that runs at every start, the first included; up to 8192 characters, and with ours up to 16384 in
    /// Base64. Line ends are LF. No secrets: AWS shows it to everybody who may describe it. Default: none. Can be changed;
    /// it takes effect at the next start. Example: `touch /tmp/started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8192))]
    #[x_kube(validation = rule("", r"!self.contains('\r')", "`onStart` must have LF line ends: bash refuses CRLF"))]
    pub on_start: Option<String>,
}

/// Whether a notebook is kept running, kept stopped, or left to its users.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(transform = words)]
pub enum NotebookState {
    /// Started at creation; afterwards its users start and stop it.
    #[default]
    Unmanaged,
    /// Started whenever it is found stopped.
    Running,
    /// Stopped whenever it is found running.
    Stopped,
}

/// Whether users are root in the notebook.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(transform = words)]
pub enum RootAccess {
    /// Users are not root.
    #[default]
    Disabled,
    /// Users are root.
    Enabled,
}
