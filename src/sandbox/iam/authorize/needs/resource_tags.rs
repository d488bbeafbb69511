//! The tags of what a call is about, for policies that depend on them (`aws:ResourceTag/…`). Reading them changes
//! nothing: what does not exist has none.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use std::collections::BTreeMap;

use super::super::super::super::wire::Call;
use super::super::super::super::world::World;
use super::Need;

/// The need with the tags of its resource, under the general key and, where there is one, under the service's own.
pub(super) fn add(world: &mut World, call: &Call, need: Need) -> Need {
    let own_key = match need.resource.split(':').nth(2) {
        Some(service @ ("ec2" | "iam" | "sagemaker")) => Some(service.to_owned()),
        _ => None,
    };
    // A session of another account sees the tags of the resource all the same.
    let tags = tags_of(world, call, &need.resource).unwrap_or_default();
    tags.into_iter().fold(need, |need, (key, value)| {
        let need = need.with(format!("aws:ResourceTag/{key}"), value.clone());
        match &own_key {
            Some(service) => need.with(format!("{service}:ResourceTag/{key}"), value),
            None => need,
        }
    })
}

fn tags_of(world: &mut World, call: &Call, arn: &str) -> Option<BTreeMap<String, String>> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, region, account, resource] = parts[..] else { return None };
    let (kind, name) = resource.split_once('/')?;
    let owner = if account.len() == 12 { account } else { &call.account };
    match (service, kind) {
        ("iam", "policy") => world.account(owner).iam.managed_policy(arn).map(|policy| owned(&policy.tags)),
        ("iam", _) => world.account(owner).iam.role_by_arn(arn).map(|role| owned(&role.tags)),
        ("ec2", _) => world.account(owner).region(region).ec2.tags.get(name).cloned(),
        // ARNs are in small letters, names are not.
        ("sagemaker", "notebook-instance") => {
            let name = call.text("NotebookInstanceName").unwrap_or(name);
            world.account(owner).region(region).sagemaker.notebook_mut(name).map(|notebook| notebook.tags.clone())
        }
        ("sagemaker", "notebook-instance-lifecycle-config") => {
            let name = call.text("NotebookInstanceLifecycleConfigName").unwrap_or(name);
            world.account(owner).region(region).sagemaker.lifecycle_mut(name).map(|lifecycle| lifecycle.tags.clone())
        }
        // Packages have no tags.
        ("codeartifact", "domain") => {
            world.account(owner).region(region).codeartifact.domain_mut(name).map(|domain| domain.tags.clone())
        }
        ("codeartifact", "repository") => {
            let (domain, repository) = name.split_once('/')?;
            let domain = world.account(owner).region(region).codeartifact.domain_mut(domain)?;
            domain.repositories.get(repository).map(|repository| repository.tags.clone())
        }
        _ => None,
    }
}

fn owned(tags: &super::super::super::Tags) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
