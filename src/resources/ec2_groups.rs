//! All security groups of a region: looked at once, for the groups and for their rules.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::ec2_tags;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::owner::Tags,
};

/// The groups.
pub struct SecurityGroups(pub Vec<GroupRow>);

/// One of them.
pub struct GroupRow {
    /// Its id.
    pub id: String,
    /// Its name, unique in its VPC whatever the case.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// The groups that its rules refer to.
    pub refers_to: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

#[async_trait]
impl Listing for SecurityGroups {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_security_groups().into_paginator().page_size(1000).items().send();
        let groups = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSecurityGroups"))?;
        Ok(Self(groups.into_iter().filter_map(GroupRow::from_sdk).collect()))
    }
}

impl GroupRow {
    fn from_sdk(group: aws_sdk_ec2::types::SecurityGroup) -> Option<Self> {
        let rules = [group.ip_permissions, group.ip_permissions_egress].into_iter().flatten().flatten();
        let peers = rules.flat_map(|rule| rule.user_id_group_pairs.unwrap_or_default());
        let id = group.group_id?;
        Some(Self {
            tags: ec2_tags::read(group.tags.as_deref()),
            refers_to: peers.filter_map(|peer| peer.group_id).filter(|peer| *peer != id).collect(),
            id,
            name: group.group_name?,
            description: group.description.unwrap_or_default(),
            vpc: group.vpc_id?,
        })
    }
}
