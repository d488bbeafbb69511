//! What is sent to change endpoints that exist, and to delete them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder;

use super::VpcEndpointState;
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Progress, Writer},
    },
    model::{
        diff::{FieldDiff, touches},
        policy::PolicyDocument,
        port::ErrorClass,
        resource::Seen,
        value::Wish,
    },
    resources::{ec2_changes::Changes, policy_documents::with_denies},
};

/// What is to come first: as much as can be changed in one call without taking anything away that is in use. What is left is for the next look, as AWS
/// takes no second change while it is busy with the first: subnets and groups that go after others came, so that the endpoint is never without an
/// address or a group, and private DNS, which AWS refuses for minutes after its name was in use.
///
/// Gives what is left to do.
pub(super) async fn modify(
    writer: &Writer<'_>,
    id: &str,
    wish: &VpcEndpointState,
    found: &VpcEndpointState,
    diffs: &[FieldDiff],
) -> Result<Option<&'static str>, AwsError> {
    let set = |field: &'static str, wish: &Wish<BTreeSet<String>>, found: &Wish<BTreeSet<String>>| {
        if touches(diffs, field) { Changes::between(wish, found) } else { Changes::default() }
    };
    let mut subnets = set("subnets", &wish.subnets, &found.subnets);
    let tables = set("routeTables", &wish.route_tables, &found.route_tables);
    let mut groups = set("securityGroups", &wish.security_groups, &found.security_groups);
    let leaving_subnets = subnets.remove_later();
    let leaving_groups = groups.remove_later();
    let policy = with_denies(wish.policy.known(), &found.denies).filter(|_| touches(diffs, "policy"));
    let policy = policy.as_ref().map(PolicyDocument::to_json);
    let private_dns = wish.private_dns_enabled.known().copied().filter(|_| touches(diffs, "privateDNSEnabled"));
    if policy.is_none() && subnets.is_empty() && tables.is_empty() && groups.is_empty() {
        if private_dns.is_some() {
            send(writer, id, |modify| modify.set_private_dns_enabled(private_dns)).await?;
        }
        return Ok(None);
    }
    let change = |subnets: Changes, groups: Changes| {
        send(writer, id, |modify| {
            modify
                .set_policy_document(policy.clone())
                .set_add_subnet_ids(some(subnets.add))
                .set_remove_subnet_ids(some(subnets.remove))
                .set_add_route_table_ids(some(tables.add.clone()))
                .set_remove_route_table_ids(some(tables.remove.clone()))
                .set_add_security_group_ids(some(groups.add))
                .set_remove_security_group_ids(some(groups.remove))
        })
    };
    let mut goes_later = !leaving_subnets.is_empty() || !leaving_groups.is_empty();
    match change(subnets.clone(), groups.clone()).await {
        // In a zone there is one address: the new one comes in the place of the old one.
        Err(error) if error.class == ErrorClass::Invalid && !leaving_subnets.is_empty() => {
            change(Changes { remove: leaving_subnets, ..subnets }, groups).await?;
            goes_later = !leaving_groups.is_empty();
        }
        changed => changed?,
    }
    Ok(if goes_later {
        Some("the new addresses and groups come first, then the old ones go")
    } else if private_dns.is_some() {
        Some("private DNS is changed next")
    } else {
        None
    })
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

/// Delete several in one call. It succeeds as a whole also when AWS refuses some: these are in the answer, by id.
pub(super) async fn delete(
    writer: &Writer<'_>,
    seen: &[&&Seen],
) -> Result<BTreeMap<String, Result<Progress, AwsError>>, AwsError> {
    const OPERATION: &str = "ec2:DeleteVpcEndpoints";
    let ids = seen.iter().map(|seen| seen.id.clone()).collect();
    let delete = writer.write(OPERATION)?.ec2.delete_vpc_endpoints().set_vpc_endpoint_ids(Some(ids));
    let deleted = delete.send().await.map_err(from_sdk(OPERATION))?;
    let mut refused = BTreeMap::new();
    for item in deleted.unsuccessful.unwrap_or_default() {
        let error = item.error.as_ref();
        let code = error.and_then(|error| error.code()).unwrap_or_default();
        let message = error.and_then(|error| error.message()).unwrap_or("no message");
        let error = AwsError::of_item(OPERATION, code, message);
        match item.resource_id {
            Some(id) if error.is_not_found() => drop(refused.insert(id, Ok(Progress::Done))),
            Some(id) => drop(refused.insert(id, Err(error))),
            // Which one it is about is not known: it may be any.
            None => return Err(error),
        }
    }
    Ok(refused)
}
