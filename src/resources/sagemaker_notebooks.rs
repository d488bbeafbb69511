//! Notebook instances as they are read: listed, and in depth one by one.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_sagemaker::{
    operation::describe_notebook_instance::DescribeNotebookInstanceOutput, types::NotebookInstanceSummary,
};

use super::point_tags;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::{
        resource::{Finding, Severity},
        value::bounded,
    },
};

/// All notebooks of the region.
pub struct Notebooks(pub Vec<NotebookRow>);

/// A notebook, as the listing shows it.
pub struct NotebookRow {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The mark of its birth.
    pub born: String,
    /// Its status.
    pub status: String,
    /// When it, or its status, last changed: nanoseconds since the epoch.
    pub modified: i128,
    /// Its lifecycle configuration.
    pub lifecycle: Option<String>,
}

#[async_trait]
impl Listing for Notebooks {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.sagemaker.list_notebook_instances().max_results(100).into_paginator().items().send();
        let notebooks =
            pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("sagemaker:ListNotebookInstances"))?;
        Ok(Self(notebooks.into_iter().filter_map(NotebookRow::from_sdk).collect()))
    }
}

impl NotebookRow {
    fn from_sdk(notebook: NotebookInstanceSummary) -> Option<Self> {
        Some(Self {
            born: point_tags::born(notebook.creation_time.as_ref()),
            name: notebook.notebook_instance_name?,
            arn: notebook.notebook_instance_arn?,
            status: notebook.notebook_instance_status?.as_str().to_owned(),
            modified: notebook.last_modified_time?.as_nanos(),
            lifecycle: notebook.notebook_instance_lifecycle_config_name,
        })
    }

    /// When it, or its status, last changed: seconds since the epoch.
    pub fn modified_seconds(&self) -> i64 {
        i64::try_from(self.modified / 1_000_000_000).unwrap_or_default()
    }
}

/// One notebook in depth.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// Whether it reaches the internet past its VPC.
    pub direct_internet_access: String,
    /// The id of its subnet.
    pub subnet: Option<String>,
    /// The ids of its security groups.
    pub security_groups: BTreeSet<String>,
    /// The key of its volume.
    pub kms_key: Option<String>,
    /// Its instance type.
    pub instance_type: String,
    /// Its execution role.
    pub role_arn: String,
    /// Its lifecycle configuration.
    pub lifecycle: Option<String>,
    /// Whether its users are root.
    pub root_access: String,
    /// The lowest version of the metadata service.
    pub minimum_imds_version: String,
    /// Its operating system.
    pub platform: String,
    /// The size of its volume in GiB.
    pub volume_size: i32,
    /// Whether it has IPv4 addresses only.
    pub ip_address_type: Option<String>,
    /// The Git repositories that it opens with; the first one is the default.
    pub code_repositories: Vec<CodeRepository>,
}

/// A Git repository that a notebook opens with: a name in the account, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRepository {
    /// The notebook starts in it.
    pub default: bool,
    /// Its name or address, without what may let somebody in there.
    pub name: String,
}

impl CodeRepository {
    fn new(default: bool, name: &str) -> Self {
        Self { default, name: without_credentials(name) }
    }
}

/// An address without user, password, query and fragment.
fn without_credentials(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[async_trait]
impl Listing for Details {
    async fn fetch(clients: &Clients, name: &str) -> Result<Self, AwsError> {
        let describe = clients.sagemaker.describe_notebook_instance().notebook_instance_name(name);
        let answer = describe.send().await.map_err(from_sdk("sagemaker:DescribeNotebookInstance"))?;
        Ok(Self::from_sdk(answer))
    }
}

impl Details {
    /// What somebody gave the notebook that no manifest can ask for.
    pub fn additions(&self) -> Vec<Finding> {
        let finding = |field: String, observed: String| Finding { field, observed, severity: Severity::Medium };
        let addresses = self.ip_address_type.iter().filter(|addresses| *addresses != "ipv4");
        let addresses = addresses
            .map(|addresses| finding("ipAddressType".to_owned(), format!("{addresses}: it can have IPv6 addresses")));
        let repositories = self.code_repositories.iter().map(|CodeRepository { default, name }| {
            let field = if *default {
                "defaultCodeRepository".to_owned()
            } else {
                format!("additionalCodeRepositories[{}]", bounded(name, 128))
            };
            finding(field, bounded(name, 256))
        });
        addresses.chain(repositories).collect()
    }

    fn from_sdk(notebook: DescribeNotebookInstanceOutput) -> Self {
        let metadata = notebook.instance_metadata_service_configuration;
        let default = notebook.default_code_repository.iter().map(|name| CodeRepository::new(true, name));
        let others = notebook.additional_code_repositories.iter().flatten();
        let code_repositories = default.chain(others.map(|name| CodeRepository::new(false, name))).collect();
        Self {
            code_repositories,
            ip_address_type: notebook.ip_address_type.map(|addresses| addresses.as_str().to_owned()),
            failure_reason: notebook.failure_reason,
            direct_internet_access: notebook
                .direct_internet_access
                .map(|access| access.as_str().to_owned())
                .unwrap_or_default(),
            subnet: notebook.subnet_id,
            security_groups: notebook.security_groups.unwrap_or_default().into_iter().collect(),
            kms_key: notebook.kms_key_id,
            instance_type: notebook.instance_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            role_arn: notebook.role_arn.unwrap_or_default(),
            lifecycle: notebook.notebook_instance_lifecycle_config_name,
            root_access: notebook.root_access.map(|access| access.as_str().to_owned()).unwrap_or_default(),
            minimum_imds_version: metadata
                .and_then(|metadata| metadata.minimum_instance_metadata_service_version)
                .unwrap_or_default(),
            platform: notebook.platform_identifier.unwrap_or_default(),
            volume_size: notebook.volume_size_in_gb.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::IpAddressType;

    use super::*;

    #[test]
    fn what_no_manifest_can_ask_for_is_told_and_what_aws_gives_by_itself_is_not() {
        let notebook = || DescribeNotebookInstanceOutput::builder().notebook_instance_name("n");
        let fields = |notebook: DescribeNotebookInstanceOutput| {
            let additions = Details::from_sdk(notebook).additions();
            additions.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
        };
        let changed = notebook()
            .ip_address_type(IpAddressType::Dualstack)
            .default_code_repository("theirs")
            .additional_code_repositories("more");
        let told = ["ipAddressType", "defaultCodeRepository", "additionalCodeRepositories[more]"];
        assert_eq!(fields(changed.build()), told);
        assert_eq!(fields(notebook().ip_address_type(IpAddressType::Ipv4).build()), Vec::<String>::new());
        assert_eq!(fields(notebook().build()), Vec::<String>::new());
    }

    #[test]
    fn of_an_address_nothing_is_kept_that_lets_somebody_in() {
        for (address, kept) in [
            (
                "https://somebody:secret@git.example.com/team/code?token=secret#secret",
                "https://git.example.com/team/code",
            ),
            ("https://somebody:se@cret@git.example.com", "https://git.example.com"),
            ("https://git.example.com/a@b", "https://git.example.com/a@b"),
            ("code-of-the-team", "code-of-the-team"),
        ] {
            assert_eq!(without_credentials(address), kept);
        }
    }
}
