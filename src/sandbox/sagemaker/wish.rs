//! What a caller asks for of the part of a notebook that can be changed later: read from a request of creation or
//! update, checked against the rules of the model and against each other.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use super::notebook::Configuration;
use super::rules::{CODE_REPOSITORY, METADATA_VERSION, NAME, PLATFORM, ROLE_ARN, invalid};
use super::{State, instance_type};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::Refusal;

/// The only platform that notebooks can be created with, or changed to.
pub const PLATFORM_IN_USE: &str = "notebook-al2023-v1";
/// Size of a volume in GB: the smallest, which is the default, and the largest.
const VOLUME: (i64, i64) = (5, 16384);

/// Everything that may be asked for; what is absent was not mentioned.
#[derive(Debug, Default)]
pub struct Wish {
    instance_type: Option<String>,
    role_arn: Option<String>,
    lifecycle: Option<String>,
    volume_size: Option<i64>,
    root_access: Option<String>,
    platform: Option<String>,
    metadata_version: Option<String>,
    ip_address_type: Option<String>,
    default_repository: Option<String>,
    additional_repositories: Option<Vec<String>>,
    drop_lifecycle: bool,
    drop_default_repository: bool,
    drop_additional_repositories: bool,
}

impl Wish {
    /// Reads the members of a request.
    pub fn read(members: &mut Members<'_>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let instance_types = instance_type::all();
        let instance_types: Vec<&str> = instance_types.iter().map(String::as_str).collect();
        let metadata = members.raw("InstanceMetadataServiceConfiguration").cloned().unwrap_or_default();
        let metadata_version = metadata["MinimumInstanceMetadataServiceVersion"].as_str();
        if let Some(version) = metadata_version {
            let name = "instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion";
            members.check(name, version, &METADATA_VERSION);
        }
        Self {
            instance_type: own(members.choice("InstanceType", &instance_types)),
            role_arn: own(members.text("RoleArn", &ROLE_ARN)),
            lifecycle: own(members.text("LifecycleConfigName", &NAME)),
            volume_size: members.number("VolumeSizeInGB", VOLUME.0, VOLUME.1),
            root_access: own(members.choice("RootAccess", &["Enabled", "Disabled"])),
            platform: own(members.text("PlatformIdentifier", &PLATFORM)),
            metadata_version: own(metadata_version),
            ip_address_type: own(members.choice("IpAddressType", &["ipv4", "dualstack"])),
            default_repository: own(members.text("DefaultCodeRepository", &CODE_REPOSITORY)),
            additional_repositories: members.texts("AdditionalCodeRepositories", 0, 3, &CODE_REPOSITORY),
            drop_lifecycle: members.flag("DisassociateLifecycleConfig"),
            drop_default_repository: members.flag("DisassociateDefaultCodeRepository"),
            drop_additional_repositories: members.flag("DisassociateAdditionalCodeRepositories"),
        }
    }

    /// The role that is asked for, to be checked with IAM.
    pub fn role_arn(&self) -> Option<&str> {
        self.role_arn.as_deref()
    }

    /// Refuses what the model allows and the service does not.
    ///
    /// # Errors
    /// A validation refusal.
    pub fn must_be_possible(&self, state: &State) -> Result<(), Refusal> {
        if let Some(platform) = &self.platform
            && platform != PLATFORM_IN_USE
        {
            return Err(invalid(format!(
                "The platform identifier {platform} is no longer supported. Use {PLATFORM_IN_USE} instead."
            )));
        }
        if let Some(instance_type) = &self.instance_type
            && !instance_type::runs_al2023(instance_type)
        {
            return Err(invalid(format!(
                "The instance type {instance_type} is not supported by the platform identifier {PLATFORM_IN_USE}."
            )));
        }
        if let Some(name) = &self.lifecycle
            && !state.lifecycles.contains_key(name)
        {
            return Err(invalid(format!("Unable to find Notebook Instance Lifecycle Config ({name}): RecordNotFound")));
        }
        self.must_not_contradict_itself()
    }

    fn must_not_contradict_itself(&self) -> Result<(), Refusal> {
        let contradictions = [
            (self.lifecycle.is_some() && self.drop_lifecycle, "LifecycleConfigName", "DisassociateLifecycleConfig"),
            (
                self.default_repository.is_some() && self.drop_default_repository,
                "DefaultCodeRepository",
                "DisassociateDefaultCodeRepository",
            ),
            (
                self.additional_repositories.is_some() && self.drop_additional_repositories,
                "AdditionalCodeRepositories",
                "DisassociateAdditionalCodeRepositories",
            ),
        ];
        match contradictions.iter().find(|(contradicts, ..)| *contradicts) {
            Some((_, set, drop)) => Err(invalid(format!("{set} and {drop} cannot be specified together"))),
            None => Ok(()),
        }
    }

    /// The configuration of a new notebook, with the service's defaults for what was not mentioned.
    pub fn into_configuration(self) -> Configuration {
        let enabled = || "Enabled".to_owned();
        Configuration {
            instance_type: self.instance_type.unwrap_or_default(),
            role_arn: self.role_arn.unwrap_or_default(),
            lifecycle: self.lifecycle,
            volume_size: self.volume_size.unwrap_or(VOLUME.0),
            root_access: self.root_access.unwrap_or_else(enabled),
            platform: self.platform.unwrap_or_else(|| PLATFORM_IN_USE.to_owned()),
            metadata_version: self.metadata_version.unwrap_or_else(|| "2".to_owned()),
            ip_address_type: self.ip_address_type.unwrap_or_else(|| "ipv4".to_owned()),
            default_repository: self.default_repository,
            additional_repositories: self.additional_repositories.unwrap_or_default(),
        }
    }

    /// Changes the configuration of a notebook.
    ///
    /// # Errors
    /// If the volume would have to shrink.
    pub fn apply(self, configuration: &mut Configuration) -> Result<(), Refusal> {
        if let Some(size) = self.volume_size
            && size < configuration.volume_size
        {
            return Err(invalid(format!(
                "Requested volume size ({size} GB) is smaller than the current volume size ({} GB). The size of a \
                 volume can only be increased.",
                configuration.volume_size
            )));
        }
        let set = |current: &mut String, wanted: Option<String>| {
            if let Some(wanted) = wanted {
                *current = wanted;
            }
        };
        set(&mut configuration.instance_type, self.instance_type);
        set(&mut configuration.role_arn, self.role_arn);
        set(&mut configuration.root_access, self.root_access);
        set(&mut configuration.platform, self.platform);
        set(&mut configuration.metadata_version, self.metadata_version);
        set(&mut configuration.ip_address_type, self.ip_address_type);
        configuration.volume_size = self.volume_size.unwrap_or(configuration.volume_size);
        if self.drop_lifecycle || self.lifecycle.is_some() {
            configuration.lifecycle = self.lifecycle;
        }
        if self.drop_default_repository || self.default_repository.is_some() {
            configuration.default_repository = self.default_repository;
        }
        if self.drop_additional_repositories || self.additional_repositories.is_some() {
            configuration.additional_repositories = self.additional_repositories.unwrap_or_default();
        }
        Ok(())
    }
}
