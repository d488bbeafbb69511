//! Notebook instances: what one is, and the states it goes through.
//! A state changes by a call or because its time has come; this file decides which changes are legal. It checks no
//! request: that is done in `create` and `update`.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rules::invalid;
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::wire::Refusal;

/// Where a notebook is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Starting.
    Pending,
    /// Running.
    InService,
    /// On its way to being stopped.
    Stopping,
    /// Stopped; only the volume exists.
    Stopped,
    /// The last start went wrong.
    Failed,
    /// On its way to being gone.
    Deleting,
    /// Being changed while stopped.
    Updating,
}

impl Status {
    /// All of them, as the model names them.
    pub const NAMES: [&'static str; 7] =
        ["Pending", "InService", "Stopping", "Stopped", "Failed", "Deleting", "Updating"];

    /// The model's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
            Self::Updating => "Updating",
        }
    }
}

/// How a transitional state ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// In this state.
    Reaches(Status),
    /// In failure, for this reason.
    Fails(String),
    /// The notebook is gone.
    Vanishes,
}

/// A state change that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When it ends.
    pub due: Instant,
    /// How it ends.
    pub ending: Ending,
}

/// What a caller may choose about a notebook and change while it is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The size of the machine.
    pub instance_type: String,
    /// The execution role.
    pub role_arn: String,
    /// The lifecycle configuration that runs at creation and start.
    pub lifecycle: Option<String>,
    /// Size of the volume in GB.
    pub volume_size: i64,
    /// Whether users are root.
    pub root_access: String,
    /// The operating system.
    pub platform: String,
    /// The lowest version of the metadata service.
    pub metadata_version: String,
    /// Whether it has IPv6 too.
    pub ip_address_type: String,
    /// The Git repository it opens in.
    pub default_repository: Option<String>,
    /// Further Git repositories.
    pub additional_repositories: Vec<String>,
}

/// A notebook instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notebook {
    /// Unique in account and region.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where it is opened, without scheme.
    pub url: String,
    /// The subnet it is in, if it is in a customer's VPC.
    pub subnet: Option<String>,
    /// Its security groups.
    pub groups: Vec<String>,
    /// The key of the volume.
    pub kms_key: Option<String>,
    /// `Enabled` or `Disabled`.
    pub direct_internet_access: String,
    /// Its interface in the customer's subnet.
    pub interface: Option<String>,
    /// What can be changed.
    pub configuration: Configuration,
    /// Where it is in its life.
    pub status: Status,
    /// Why it failed.
    pub failure: Option<String>,
    /// What is under way.
    pub transition: Option<Transition>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Instant,
    /// When it or its state last changed.
    pub modified: Instant,
}

impl Notebook {
    /// Lets end what was due by now. False if the notebook has vanished.
    pub fn settle(&mut self, now: Instant) -> bool {
        let Some(transition) = self.transition.take_if(|transition| transition.due <= now) else {
            return true;
        };
        self.modified = transition.due;
        match transition.ending {
            Ending::Reaches(status) => {
                self.status = status;
                true
            }
            Ending::Fails(reason) => {
                self.status = Status::Failed;
                self.failure = Some(reason);
                true
            }
            Ending::Vanishes => false,
        }
    }

    /// Refuses a change of state that is not legal from here, in the words that say so.
    ///
    /// # Errors
    /// A validation refusal that means "wait".
    pub fn must_be_in(&self, legal: &[Status], target: Status) -> Result<(), Refusal> {
        if legal.contains(&self.status) {
            return Ok(());
        }
        let legal: Vec<_> = legal.iter().map(|status| status.name()).collect();
        Err(invalid(format!(
            "Status ({}) not in ([{}]). Unable to transition to ({}) for Notebook Instance ({})",
            self.status.name(),
            legal.join(", "),
            target.name(),
            self.arn
        )))
    }

    /// Enters a transitional state.
    pub fn begin(&mut self, status: Status, now: Instant, due: Instant, ending: Ending) {
        self.status = status;
        self.failure = None;
        self.modified = now;
        self.transition = Some(Transition { due, ending });
    }

    /// The answer of `DescribeNotebookInstance`; its member names differ from those of the request.
    #[must_use]
    pub fn describe(&self) -> Value {
        let configuration = &self.configuration;
        let mut shown = json!({
            "NotebookInstanceArn": self.arn,
            "NotebookInstanceName": self.name,
            "NotebookInstanceStatus": self.status.name(),
            "Url": self.url,
            "InstanceType": configuration.instance_type,
            "IpAddressType": configuration.ip_address_type,
            "SecurityGroups": self.groups,
            "RoleArn": configuration.role_arn,
            "LastModifiedTime": epoch_seconds(self.modified),
            "CreationTime": epoch_seconds(self.created),
            "DirectInternetAccess": self.direct_internet_access,
            "VolumeSizeInGB": configuration.volume_size,
            "RootAccess": configuration.root_access,
            "PlatformIdentifier": configuration.platform,
            "InstanceMetadataServiceConfiguration": {
                "MinimumInstanceMetadataServiceVersion": configuration.metadata_version,
            },
        });
        let optional = [
            ("FailureReason", &self.failure),
            ("SubnetId", &self.subnet),
            ("KmsKeyId", &self.kms_key),
            ("NetworkInterfaceId", &self.interface),
            ("NotebookInstanceLifecycleConfigName", &configuration.lifecycle),
            ("DefaultCodeRepository", &configuration.default_repository),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                shown[name] = json!(value);
            }
        }
        if !configuration.additional_repositories.is_empty() {
            shown["AdditionalCodeRepositories"] = json!(configuration.additional_repositories);
        }
        shown
    }

    /// Its line in `ListNotebookInstances`.
    #[must_use]
    pub fn summary(&self) -> Value {
        const SHOWN: [&str; 9] = [
            "NotebookInstanceName",
            "NotebookInstanceArn",
            "NotebookInstanceStatus",
            "Url",
            "InstanceType",
            "CreationTime",
            "LastModifiedTime",
            "NotebookInstanceLifecycleConfigName",
            "DefaultCodeRepository",
        ];
        let mut line = self.describe();
        if let Some(members) = line.as_object_mut() {
            members.retain(|name, _| SHOWN.contains(&name.as_str()) || name == "AdditionalCodeRepositories");
        }
        line
    }
}
