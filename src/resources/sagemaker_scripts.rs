//! The lifecycle configurations of the region, which their own kind and the notebooks look at.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>.

use async_trait::async_trait;
use aws_smithy_types::DateTime;

use super::point_tags;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::{
        environment::{Environment, Notebook, derived_name},
        owner::Owner,
    },
};

/// The longest name of a configuration.
const NAME_LIMIT: usize = 63;

/// All lifecycle configurations of the region.
pub struct Lifecycles(pub Vec<LifecycleRow>);

/// A lifecycle configuration, without its scripts.
pub struct LifecycleRow {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The mark of its birth.
    pub born: String,
    /// When it was last changed; the epoch when AWS does not say.
    pub modified: DateTime,
}

#[async_trait]
impl Listing for Lifecycles {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        const OPERATION: &str = "sagemaker:ListNotebookInstanceLifecycleConfigs";
        let list = clients.sagemaker.list_notebook_instance_lifecycle_configs().max_results(100);
        let pages = list.into_paginator().items().send();
        let configs = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk(OPERATION))?;
        let row = |config: aws_sdk_sagemaker::types::NotebookInstanceLifecycleConfigSummary| {
            Some(LifecycleRow {
                born: point_tags::born(config.creation_time.as_ref()),
                name: config.notebook_instance_lifecycle_config_name?,
                arn: config.notebook_instance_lifecycle_config_arn?,
                modified: config.last_modified_time.unwrap_or_else(|| DateTime::from_secs(0)),
            })
        };
        Ok(Self(configs.into_iter().filter_map(row).collect()))
    }
}

/// Whether a notebook gets scripts of ours: for pip, or for fragments of the user's.
pub fn wanted(environment: &Environment, notebook: &Notebook) -> bool {
    let has_fragment = notebook.on_start.is_some() || notebook.on_create.is_some();
    !notebook.existing && (environment.pip().is_some() || has_fragment)
}

/// The name of a notebook's configuration: stable, so that it is updated in place.
pub fn name(owner: &Owner, notebook: &str) -> String {
    derived_name(owner, notebook, NAME_LIMIT)
}

/// What the names of all configurations of an environment begin with.
pub fn prefix(owner: &Owner) -> String {
    const HASH: usize = 11;
    let sample = derived_name(owner, "x", NAME_LIMIT);
    let stem = &sample[..sample.len() - HASH];
    stem.strip_suffix("-x").unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_begins_with_the_prefix_of_its_environment() {
        for environment in ["a", "x", &"long-name-".repeat(6)] {
            let owner =
                Owner { cluster: "c".into(), namespace: "data".into(), name: environment.into(), uid: "u".into() };
            for notebook in ["one", "x", &"n".repeat(63)] {
                let name = name(&owner, notebook);
                assert!(name.starts_with(&prefix(&owner)), "{name} {}", prefix(&owner));
            }
        }
    }
}
