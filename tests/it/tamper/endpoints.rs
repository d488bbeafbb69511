//! What somebody can do to VPC endpoints.

use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder;

use super::{
    network::{their_group, their_subnet, their_table},
    permissions::{deny, policy_in, statements_missing, statements_unexpected, with_statement, with_wider_statement},
    table::{Row, Then, Thing, changed, missing, row, unexpected},
};
use crate::laws::person::Person;

const OPEN: &str = r#"{"Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// What AWS puts in when nobody gives a policy.
const AWS_OWN: &str = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
const ONE_CALL: Then = Then::Corrected(&["ModifyVpcEndpoint"]);

async fn modify(
    person: &Person,
    thing: &Thing,
    change: impl FnOnce(ModifyVpcEndpointFluentBuilder) -> ModifyVpcEndpointFluentBuilder,
) {
    change(person.ec2.modify_vpc_endpoint().vpc_endpoint_id(thing.id())).send().await.expect("modified");
    // Until AWS has made the change.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
}

/// Endpoints of either type.
pub fn endpoint() -> Vec<Row> {
    let mut rows = policy();
    rows.extend([
        row("privateDNSEnabled", "the names lead elsewhere again", ONE_CALL, |person, thing| {
            Box::pin(async move {
                modify(person, thing, |modify| modify.private_dns_enabled(false)).await;
                vec![changed("privateDNSEnabled")]
            })
        }),
        row("subnets", "it gets an address in one more subnet", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let subnet = their_subnet(person, thing).await;
                modify(person, thing, |modify| modify.add_subnet_ids(&subnet)).await;
                vec![unexpected(format!("subnets[{subnet}]"))]
            })
        }),
        row("subnets", "it loses its address in a subnet", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let subnet = thing.texts("subnets").remove(0);
                modify(person, thing, |modify| modify.remove_subnet_ids(&subnet)).await;
                vec![missing(format!("subnets[{subnet}]"))]
            })
        })
        .when(|thing| thing.texts("subnets").len() > 1),
        row("securityGroups", "it gets one more group", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let group = their_group(person, thing).await;
                modify(person, thing, |modify| modify.add_security_group_ids(&group)).await;
                vec![unexpected(format!("securityGroups[{group}]"))]
            })
        }),
        row(
            "securityGroups",
            "its group is replaced by another",
            // An interface is never without a group: ours comes before theirs goes.
            Then::Corrected(&["ModifyVpcEndpoint", "ModifyVpcEndpoint"]),
            |person, thing| {
                Box::pin(async move {
                    let (theirs, ours) = (their_group(person, thing).await, thing.texts("securityGroups").remove(0));
                    let swap = |modify: ModifyVpcEndpointFluentBuilder| {
                        modify.add_security_group_ids(&theirs).remove_security_group_ids(&ours)
                    };
                    modify(person, thing, swap).await;
                    vec![missing(format!("securityGroups[{ours}]")), unexpected(format!("securityGroups[{theirs}]"))]
                })
            },
        ),
        row("routeTables", "its route is taken out of a table", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let table = thing.texts("routeTables").remove(0);
                modify(person, thing, |modify| modify.remove_route_table_ids(&table)).await;
                vec![missing(format!("routeTables[{table}]"))]
            })
        }),
        row("routeTables", "its route is put into another table", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let table = their_table(person, thing).await;
                modify(person, thing, |modify| modify.add_route_table_ids(&table)).await;
                vec![unexpected(format!("routeTables[{table}]"))]
            })
        }),
    ]);
    rows
}

fn policy() -> Vec<Row> {
    vec![
        row("policy", "it is replaced by one that lets everything through", ONE_CALL, |person, thing| {
            Box::pin(async move {
                modify(person, thing, |modify| modify.policy_document(OPEN)).await;
                let mut told = statements_missing(&policy_in(thing, "policy"), "policy");
                told.push(unexpected("policy.Statement[Open]"));
                told
            })
        }),
        row("policy", "it is reset to AWS's own", ONE_CALL, |person, thing| {
            Box::pin(async move {
                modify(person, thing, |modify| modify.reset_policy(true)).await;
                let mut told = statements_missing(&policy_in(thing, "policy"), "policy");
                told.extend(statements_unexpected(AWS_OWN, "policy"));
                told
            })
        }),
        row("policy", "a statement is made one for everybody or everything", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let (wider, told) = with_wider_statement(&policy_in(thing, "policy"), "policy");
                modify(person, thing, |modify| modify.policy_document(wider)).await;
                vec![told]
            })
        }),
        row("policy", "a statement is added to it", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let more = serde_json::json!({"Sid": "More", "Effect": "Allow", "Principal": "*",
                    "Action": "s3:GetObject", "Resource": "*"});
                let wider = with_statement(&policy_in(thing, "policy").to_json(), more);
                modify(person, thing, |modify| modify.policy_document(wider)).await;
                vec![unexpected("policy.Statement[More]")]
            })
        }),
        row("policy", "somebody denies something", Then::Reported, |person, thing| {
            Box::pin(async move {
                let narrower = with_statement(&policy_in(thing, "policy").to_json(), deny(true));
                modify(person, thing, |modify| modify.policy_document(narrower)).await;
                vec![unexpected("policy.Statement[Keep]")]
            })
        }),
    ]
}
