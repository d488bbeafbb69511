//! What is sent to change an endpoint that exists.

use std::collections::BTreeSet;

use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder;

use super::VpcEndpointState;
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::Writer,
    },
    model::{
        diff::{FieldDiff, touches},
        policy::PolicyDocument,
        value::Wish,
    },
    resources::{ec2_changes::Changes, policy_documents::with_denies},
};

/// Correct everything in one call, but for what would be in the way of the rest: private DNS, which AWS refuses for minutes after its name was in
/// use, and the old groups of an endpoint that gets none but new ones, so that an interface is never without a group.
pub(super) async fn modify(
    writer: &Writer<'_>,
    id: &str,
    wish: &VpcEndpointState,
    found: &VpcEndpointState,
    diffs: &[FieldDiff],
) -> Result<(), AwsError> {
    let set = |field: &'static str, wish: &Wish<BTreeSet<String>>, found: &Wish<BTreeSet<String>>| {
        if touches(diffs, field) { Changes::between(wish, found) } else { Changes::default() }
    };
    let subnets = set("subnets", &wish.subnets, &found.subnets);
    let tables = set("routeTables", &wish.route_tables, &found.route_tables);
    let mut groups = set("securityGroups", &wish.security_groups, &found.security_groups);
    let swapped =
        !groups.add.is_empty() && found.security_groups.known().is_some_and(|found| found.len() == groups.remove.len());
    let later = if swapped { std::mem::take(&mut groups.remove) } else { Vec::new() };
    let policy = with_denies(wish.policy.known(), &found.denies).filter(|_| touches(diffs, "policy"));
    let private_dns = wish.private_dns_enabled.known().copied().filter(|_| touches(diffs, "privateDNSEnabled"));
    if policy.is_some() || !subnets.is_empty() || !tables.is_empty() || !groups.is_empty() {
        send(writer, id, |modify| {
            modify
                .set_policy_document(policy.as_ref().map(PolicyDocument::to_json))
                .set_add_subnet_ids(some(subnets.add))
                .set_remove_subnet_ids(some(subnets.remove))
                .set_add_route_table_ids(some(tables.add))
                .set_remove_route_table_ids(some(tables.remove))
                .set_add_security_group_ids(some(groups.add))
                .set_remove_security_group_ids(some(groups.remove))
        })
        .await?;
    }
    if !later.is_empty() {
        send(writer, id, |modify| modify.set_remove_security_group_ids(some(later))).await?;
    }
    if private_dns.is_some() {
        send(writer, id, |modify| modify.set_private_dns_enabled(private_dns)).await?;
    }
    Ok(())
}

async fn send(
    writer: &Writer<'_>,
    id: &str,
    change: impl FnOnce(ModifyVpcEndpointFluentBuilder) -> ModifyVpcEndpointFluentBuilder,
) -> Result<(), AwsError> {
    let modify = writer.write("ec2:ModifyVpcEndpoint")?.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
    change(modify).send().await.map(drop).map_err(from_sdk("ec2:ModifyVpcEndpoint"))
}

fn some(ids: Vec<String>) -> Option<Vec<String>> {
    (!ids.is_empty()).then_some(ids)
}
