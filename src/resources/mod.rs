//! The AWS resource kinds, one file each, all with the same headings in the same order: rows (what is looked at), state, desire, provider.
//!
//! [`providers`] is the only registration. Kinds do not import each other: what one takes from another is an [`Output`] of an address. What
//! several kinds of a service do alike is in modules that are named after the service (`ec2_…`, `iam_…`, `sagemaker_…`).
//!
//! [`Output`]: crate::model::resource::Output

use std::sync::Arc;

use crate::aws::provider::Provider;

pub mod code_artifact_domain;
mod code_artifact_repositories;
pub mod code_artifact_repository;
mod code_artifact_tags;
mod data_addresses;
mod ec2_addresses;
mod ec2_changes;
mod ec2_client_token;
mod ec2_endpoints;
mod ec2_groups;
mod ec2_in_use;
mod ec2_rule;
mod ec2_tags;
mod ec2_vpc_contents;
mod iam_account;
pub mod iam_policy;
pub mod iam_role;
mod install_permissions;
mod kms_key;
pub mod network_policy;
#[cfg(test)]
mod network_wishes;
pub mod notebook_instance;
pub mod notebook_lifecycle;
mod notebook_note;
mod point_tags;
mod policy_documents;
pub mod route_table;
mod sagemaker_notebooks;
mod sagemaker_scripts;
mod sagemaker_tags;
pub mod security_group;
pub mod security_group_rules;
pub mod subnet;
pub mod survey;
#[cfg(test)]
mod test_environment;
pub mod vpc;
pub mod vpc_endpoint;

/// Every kind, in the order in which they are looked at: what others take inputs from comes first.
#[must_use]
pub fn providers() -> Vec<Arc<dyn Provider>> {
    vec![
        Arc::new(vpc::Vpc),
        Arc::new(subnet::Subnet),
        Arc::new(route_table::RouteTable::default()),
        Arc::new(security_group::SecurityGroup),
        Arc::new(security_group_rules::SecurityGroupRules),
        Arc::new(vpc_endpoint::VpcEndpoint::default()),
        Arc::new(code_artifact_domain::CodeArtifactDomain),
        Arc::new(code_artifact_repository::CodeArtifactRepository),
        Arc::new(iam_role::IamRole),
        Arc::new(iam_policy::IamPolicy),
        Arc::new(notebook_lifecycle::NotebookLifecycle),
        Arc::new(notebook_instance::NotebookInstance),
    ]
}
