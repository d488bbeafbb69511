//! `spec.notebooks`: the SageMaker notebook instances.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Size of a notebook's volume where none is given, in GiB: what AWS itself would choose.
pub const DEFAULT_VOLUME_SIZE_GIB: i32 = 5;
/// Lowest version of the instance metadata service where none is given.
pub const DEFAULT_MINIMUM_IMDS_VERSION: i32 = 2;

/// One notebook instance. Direct internet access is always disabled.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notebook {
    /// Name of the notebook instance.
    pub name: String,
    /// Instance type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Size of the volume in GiB.
    #[serde(default, rename = "volumeSizeGiB", skip_serializing_if = "Option::is_none")]
    pub volume_size_gib: Option<i32>,
    /// Name of a subnet of `network.subnets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// Whether the notebook is kept running, kept stopped, or left to its users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<NotebookState>,
    /// Whether users are root in the notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_access: Option<RootAccess>,
    /// Lowest version of the instance metadata service that answers.
    #[serde(default, rename = "minimumIMDSVersion", skip_serializing_if = "Option::is_none")]
    pub minimum_imds_version: Option<i32>,
    /// KMS key of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Platform of the notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_identifier: Option<String>,
    /// Fragments of shell script that run after ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    /// The notebook exists and is not managed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<bool>,
    /// Attaches our lifecycle configuration to an existing notebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach_lifecycle: Option<bool>,
}

/// Fragments of shell script that run after ours.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Runs once, when the notebook is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_create: Option<String>,
    /// Runs at every start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_start: Option<String>,
}

/// Whether a notebook is kept running, kept stopped, or left to its users.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
pub enum RootAccess {
    /// Users are not root.
    #[default]
    Disabled,
    /// Users are root.
    Enabled,
}
