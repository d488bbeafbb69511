//! What still holds on to a subnet or a security group that is to be deleted: network interfaces, and rules of other groups.
//!
//! AWS says no more than `DependencyViolation`. Here it is found out beforehand, by one look at the VPC that all who wait share, so that nothing
//! is asked of AWS that it would refuse, and the status can name what is waited for. What AWS takes away by itself (the interfaces of endpoints and
//! notebooks that are gone) is waited for; everything else stays until a person removes it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, NetworkInterface};

use super::{ec2_endpoints::VpcEndpoints, ec2_groups::SecurityGroups, point_tags, sagemaker_notebooks::Notebooks};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
        provider::Writer,
    },
    model::{port::ErrorClass, resource::Seen},
};

/// How many holders are named; the rest is counted.
const NAMED_AT_MOST: usize = 5;

/// The network interfaces in a VPC; the key is its id.
struct Interfaces(Vec<Interface>);

struct Interface {
    id: String,
    subnet: String,
    groups: BTreeSet<String>,
    description: String,
    /// The instance that it is attached to, and whose account that is in.
    instance: Option<String>,
    instance_owner: Option<String>,
    /// AWS made it on behalf of a service.
    of_service: bool,
}

/// What an interface is made for, as far as AWS says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose<'a> {
    Endpoint(&'a str),
    /// Its name, if AWS says it by the ARN.
    Notebook(Option<&'a str>),
    /// AWS made it and does not say what for.
    Untold,
    /// Somebody's own affair.
    Other,
}

#[async_trait]
impl Listing for Interfaces {
    async fn fetch(clients: &Clients, vpc: &str) -> Result<Self, AwsError> {
        let here = Filter::builder().name("vpc-id").values(vpc).build();
        let pages = clients.ec2.describe_network_interfaces().filters(here).into_paginator().page_size(1000).items();
        let rows =
            pages.send().collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeNetworkInterfaces"))?;
        Ok(Self(rows.into_iter().filter_map(Interface::from_sdk).collect()))
    }
}

impl Interface {
    fn from_sdk(interface: NetworkInterface) -> Option<Self> {
        let groups = interface.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id);
        Some(Self {
            id: interface.network_interface_id?,
            subnet: interface.subnet_id.unwrap_or_default(),
            groups: groups.collect(),
            description: interface.description.unwrap_or_default(),
            instance_owner: interface.attachment.as_ref().and_then(|attachment| attachment.instance_owner_id.clone()),
            instance: interface.attachment.and_then(|attachment| attachment.instance_id),
            of_service: interface.requester_managed.unwrap_or_default(),
        })
    }

    /// What it is made for. SageMaker makes interfaces with the rights of whoever asks for a notebook, so that they are not always shown as
    /// managed by a service; nobody has them on a machine of `account`.
    fn purpose(&self, account: &str) -> Purpose<'_> {
        let endpoint = || self.description.split_whitespace().find(|word| word.starts_with("vpce-"));
        let of_sagemaker = || self.description.to_ascii_lowercase().contains("sagemaker");
        let on_own_machine = self.instance.is_some() && self.instance_owner.as_deref() == Some(account);
        if let Some(id) = endpoint().filter(|_| self.of_service) {
            Purpose::Endpoint(id)
        } else if of_sagemaker() && (self.of_service || !on_own_machine) {
            let arn = self.description.split_once(":notebook-instance/");
            Purpose::Notebook(arn.and_then(|(_, name)| name.split(|letter| !is_of_name(letter)).next()))
        } else if self.of_service && self.description.is_empty() {
            Purpose::Untold
        } else {
            Purpose::Other
        }
    }

    fn mentions(&self, name: &str) -> bool {
        self.description.split(|letter| !is_of_name(letter)).any(|word| word.eq_ignore_ascii_case(name))
    }

    fn text(&self) -> String {
        let of = match (&self.instance, self.purpose("")) {
            (Some(instance), _) => format!("of instance {instance}"),
            (None, Purpose::Endpoint(endpoint)) => format!("of endpoint {endpoint}"),
            (None, Purpose::Notebook(Some(notebook))) => format!("of notebook instance {notebook}"),
            (None, Purpose::Untold) => "without a description".to_owned(),
            _ if self.description.is_empty() => "without a description".to_owned(),
            _ => format!("\"{}\"", self.description),
        };
        format!("network interface {} {of}", self.id)
    }
}

/// Whether the name of a notebook can have this letter.
const fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

/// Refuse to go on while network interfaces have their address in this subnet.
pub async fn must_be_empty(
    operation: &'static str,
    writer: &Writer<'_>,
    seen: &Seen,
    vpc: &str,
) -> Result<(), AwsError> {
    held_by(operation, writer, seen, vpc, |interface| interface.subnet == seen.id).await
}

/// Refuse to go on while network interfaces are in this group, or rules of groups that are not ours refer to it.
pub async fn must_be_unused(
    operation: &'static str,
    writer: &Writer<'_>,
    seen: &Seen,
    vpc: &str,
) -> Result<(), AwsError> {
    held_by(operation, writer, seen, vpc, |interface| interface.groups.contains(&seen.id)).await?;
    let groups = writer.look::<SecurityGroups>("").await?;
    let referring = groups
        .rows
        .0
        .iter()
        .filter(|group| group.refers_to.contains(&seen.id) && !point_tags::same_owner(seen, &group.tags));
    let referring: Vec<String> =
        referring.map(|group| format!("rules of security group {} ({})", group.id, group.name)).collect();
    if referring.is_empty() { Ok(()) } else { Err(in_use(operation, seen, &referring)) }
}

/// Refuse to go on while one of the VPC's interfaces holds on.
async fn held_by(
    operation: &'static str,
    writer: &Writer<'_>,
    seen: &Seen,
    vpc: &str,
    holds: impl Fn(&Interface) -> bool,
) -> Result<(), AwsError> {
    let interfaces = match writer.look::<Interfaces>(vpc).await {
        // Who may not look finds out by trying, in AWS's words.
        Err(error) if error.class == ErrorClass::Denied => return Ok(()),
        interfaces => interfaces?,
    };
    let holders: Vec<&Interface> = interfaces.rows.0.iter().filter(|interface| holds(interface)).collect();
    let (mut leaving, mut staying) = (Vec::new(), Vec::new());
    for holder in holders {
        let list = if leaves_by_itself(writer, seen, holder).await? { &mut leaving } else { &mut staying };
        list.push(holder.text());
    }
    if !staying.is_empty() {
        return Err(in_use(operation, seen, &staying));
    }
    if leaving.is_empty() {
        return Ok(());
    }
    let message = format!("AWS has not taken away {} yet", some_of(&leaving));
    Err(AwsError::new(ErrorClass::Waiting, operation, message))
}

/// Whether AWS takes an interface away without anybody's doing: what it was made for is gone, or it is ours and on its way out.
async fn leaves_by_itself(writer: &Writer<'_>, seen: &Seen, interface: &Interface) -> Result<bool, AwsError> {
    match interface.purpose(&writer.read().account) {
        Purpose::Endpoint(id) => {
            let endpoints = writer.look::<VpcEndpoints>("").await?;
            let endpoint = endpoints.rows.0.iter().find(|endpoint| endpoint.id == id);
            Ok(endpoint.is_none_or(|endpoint| endpoint.is_over() || point_tags::same_owner(seen, &endpoint.tags)))
        }
        Purpose::Notebook(name) => {
            let notebooks = writer.look::<Notebooks>("").await?;
            let is_it =
                |known: &str| name.map_or_else(|| interface.mentions(known), |name| known.eq_ignore_ascii_case(name));
            let mut its = notebooks.rows.0.iter().filter(|notebook| is_it(&notebook.name));
            Ok(its.all(|notebook| notebook.status == "Deleting"))
        }
        Purpose::Untold => Ok(true),
        Purpose::Other => Ok(false),
    }
}

/// The words for things of somebody's that a deletion waits for.
pub fn in_use(operation: &'static str, seen: &Seen, holders: &[String]) -> AwsError {
    let message = format!("{} is in use by {}; the deletion goes on once that is removed", seen.id, some_of(holders));
    AwsError::in_use(operation, message)
}

fn some_of(things: &[String]) -> String {
    let named = things.iter().take(NAMED_AT_MOST).cloned().collect::<Vec<_>>().join(", ");
    match things.len().saturating_sub(NAMED_AT_MOST) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(description: &str, of_service: bool) -> Interface {
        Interface {
            id: "eni-1".into(),
            subnet: String::new(),
            groups: BTreeSet::new(),
            description: description.into(),
            instance: None,
            instance_owner: None,
            of_service,
        }
    }

    #[test]
    fn an_interface_is_named_by_what_it_belongs_to() {
        let endpoint = interface("VPC Endpoint Interface vpce-0a1", true);
        assert_eq!(endpoint.text(), "network interface eni-1 of endpoint vpce-0a1");
        let arn = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/mine";
        let notebook = interface(&format!("[DO NOT DELETE] ENI managed by SageMaker for NotebookInstance {arn}"), true);
        assert_eq!(notebook.text(), "network interface eni-1 of notebook instance mine");
        let instance = Interface { instance: Some("i-1".into()), ..interface("", false) };
        assert_eq!(instance.text(), "network interface eni-1 of instance i-1");
        assert_eq!(interface("nightly job", false).text(), "network interface eni-1 \"nightly job\"");
    }

    #[test]
    fn what_somebody_writes_into_a_description_makes_nothing_of_theirs_an_endpoints() {
        assert_eq!(interface("VPC Endpoint Interface vpce-0a1", false).purpose("1"), Purpose::Other);
        let machine = |owner: &str| Interface {
            instance: Some("i-1".into()),
            instance_owner: Some(owner.into()),
            ..interface("proxy for SageMaker", false)
        };
        assert_eq!(machine("1").purpose("1"), Purpose::Other);
        assert_eq!(machine("2").purpose("1"), Purpose::Notebook(None));
    }

    #[test]
    fn a_notebook_is_found_in_whatever_sagemaker_writes() {
        let told = interface("ENI managed by SageMaker for notebook My-Notebook.", false);
        assert_eq!(told.purpose("1"), Purpose::Notebook(None));
        assert!(told.mentions("my-notebook") && !told.mentions("notebook-2") && !told.mentions("my"));
    }

    #[test]
    fn five_are_named_and_the_rest_is_counted() {
        let things: Vec<String> = (1..8).map(|number| format!("eni-{number}")).collect();
        assert_eq!(some_of(&things), "eni-1, eni-2, eni-3, eni-4, eni-5 and 2 more");
    }
}
