//! Everything there is in a simulated account and region, over all services, to see whether something stayed behind.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_iam::error::DisplayErrorContext;
use aws_sdk_iam::types::PolicyScopeType;

/// What exists, one line each: service, sort, id.
pub type Everything = BTreeSet<String>;

/// Lists all resources of all kinds that an environment can have.
pub async fn everything(aws: &SdkConfig) -> Result<Everything> {
    let ec2 = aws_sdk_ec2::Client::new(aws);
    let iam = aws_sdk_iam::Client::new(aws);
    let codeartifact = aws_sdk_codeartifact::Client::new(aws);
    let sagemaker = aws_sdk_sagemaker::Client::new(aws);
    let mut all = Everything::new();

    /// Adds every item of a paged call.
    macro_rules! list {
        ($sort:literal, $call:expr, $id:expr) => {
            let mut items = $call.into_paginator().items().send();
            while let Some(item) = items.next().await {
                let item = item.map_err(|error| anyhow!("{} not listed: {}", $sort, DisplayErrorContext(error)))?;
                let id: fn(&_) -> Option<&str> = $id;
                all.insert(format!("{} {}", $sort, id(&item).unwrap_or("without a name")));
            }
        };
    }
    list!("VPC", ec2.describe_vpcs(), |it: &aws_sdk_ec2::types::Vpc| it.vpc_id());
    list!("subnet", ec2.describe_subnets(), |it: &aws_sdk_ec2::types::Subnet| it.subnet_id());
    list!("route table", ec2.describe_route_tables(), |it: &aws_sdk_ec2::types::RouteTable| it.route_table_id());
    list!("security group", ec2.describe_security_groups(), |it: &aws_sdk_ec2::types::SecurityGroup| it.group_id());
    list!("VPC endpoint", ec2.describe_vpc_endpoints(), |it: &aws_sdk_ec2::types::VpcEndpoint| it.vpc_endpoint_id());
    list!("network interface", ec2.describe_network_interfaces(), |it: &aws_sdk_ec2::types::NetworkInterface| it
        .network_interface_id());
    list!("role", iam.list_roles(), |it: &aws_sdk_iam::types::Role| Some(it.arn()));
    list!("policy", iam.list_policies().scope(PolicyScopeType::Local), |it: &aws_sdk_iam::types::Policy| it.arn());
    list!("domain", codeartifact.list_domains(), |it: &aws_sdk_codeartifact::types::DomainSummary| it.arn());
    list!("repository", codeartifact.list_repositories(), |it: &aws_sdk_codeartifact::types::RepositorySummary| it
        .arn());
    list!("notebook", sagemaker.list_notebook_instances(), |it: &aws_sdk_sagemaker::types::NotebookInstanceSummary| it
        .notebook_instance_arn());
    list!(
        "lifecycle configuration",
        sagemaker.list_notebook_instance_lifecycle_configs(),
        |it: &aws_sdk_sagemaker::types::NotebookInstanceLifecycleConfigSummary| it
            .notebook_instance_lifecycle_config_arn()
    );
    Ok(all)
}

/// Fails, naming them, if there are things that were not there before.
pub async fn none_since(aws: &SdkConfig, before: &Everything) -> Result<()> {
    let now = everything(aws).await?;
    let left: Vec<&str> = now.difference(before).map(String::as_str).collect();
    if !left.is_empty() {
        bail!("left behind in AWS:\n  {}", left.join("\n  "));
    }
    Ok(())
}
