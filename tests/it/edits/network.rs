//! Edits of `spec.network`.

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{Endpoint, EndpointIngress, EndpointPolicy, EndpointPolicyPreset, EndpointService},
    },
    sandbox::world::Delays,
};

use super::{are_carried_out, as_in_the_example, begin, row};
use crate::world::{World, assert_ready, second_subnet};

fn endpoint(service: EndpointService) -> Endpoint {
    Endpoint { service, id: None, external: None, policy: None, subnets: Vec::new(), private_dns: None }
}

fn with_policy(preset: Option<EndpointPolicyPreset>, document: Option<&str>) -> Endpoint {
    let policy = EndpointPolicy { preset, document: document.map(ToOwned::to_owned) };
    Endpoint { policy: Some(policy), ..endpoint(EndpointService::Logs) }
}

const ONLY_LOGS: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"logs:PutLogEvents","Resource":"*"}]}"#;

fn full_access(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints = vec![with_policy(Some(EndpointPolicyPreset::Default), None)];
}

fn with_kms(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints = vec![endpoint(EndpointService::Kms)];
}

fn without_endpoints(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints.clear();
}

fn office(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.client_cidrs = vec!["192.168.0.0/16".into()];
}

fn no_private_sts(object: &mut IsolatedNotebookEnvironment) {
    let sts = Endpoint { private_dns: Some(false), ..endpoint(EndpointService::Sts) };
    object.spec.network.endpoints = vec![sts];
}

#[tokio::test(start_paused = true)]
async fn edits_of_the_network_take_the_fewest_calls() {
    let rows = [
        row("clientCIDRs added", as_in_the_example, office, &["AuthorizeSecurityGroupIngress"]),
        row(
            "clientCIDRs removed",
            office,
            |object| object.spec.network.client_cidrs.clear(),
            &["RevokeSecurityGroupIngress"],
        ),
        row(
            "clientCIDRs changed",
            office,
            |object| object.spec.network.client_cidrs = vec!["172.16.0.0/16".into()],
            &["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"],
        ),
        row(
            "endpointIngress",
            as_in_the_example,
            |object| object.spec.network.endpoint_ingress = EndpointIngress::AllTraffic,
            &["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"],
        ),
        row("endpoint added", as_in_the_example, with_kms, &["CreateVpcEndpoint"]),
        row("endpoint removed", with_kms, without_endpoints, &["DeleteVpcEndpoints"]),
        row(
            "endpoint is elsewhere",
            as_in_the_example,
            |object| {
                let elsewhere = Endpoint { external: Some(true), ..endpoint(EndpointService::Logs) };
                object.spec.network.endpoints = vec![elsewhere];
            },
            // The way to an endpoint in another VPC leads out of ours.
            &["AuthorizeSecurityGroupEgress", "DeleteVpcEndpoints"],
        ),
        row("endpoint policy opened", as_in_the_example, full_access, &["ModifyVpcEndpoint"]),
        row(
            "endpoint policy from a preset to a document",
            full_access,
            |object| object.spec.network.endpoints = vec![with_policy(None, Some(ONLY_LOGS))],
            &["ModifyVpcEndpoint"],
        ),
        row("endpoint policy by default again", full_access, without_endpoints, &["ModifyVpcEndpoint"]),
        row("privateDNS off", as_in_the_example, no_private_sts, &["ModifyVpcEndpoint"]),
        row("privateDNS on", no_private_sts, without_endpoints, &["ModifyVpcEndpoint"]),
        row(
            // A name that AWS holds back must not hold back the rest, so it goes by itself, once AWS is through with the rest.
            "endpoint in fewer subnets, with another policy and no private DNS: two calls",
            second_subnet,
            |object| {
                let narrow = Endpoint {
                    subnets: vec!["a".into()],
                    private_dns: Some(false),
                    ..with_policy(None, Some(ONLY_LOGS))
                };
                object.spec.network.endpoints = vec![narrow];
            },
            &["ModifyVpcEndpoint", "ModifyVpcEndpoint"],
        ),
        row(
            "subnet added",
            as_in_the_example,
            second_subnet,
            &[
                "AssociateRouteTable",
                "CreateSubnet",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
        row(
            "subnet removed",
            second_subnet,
            |object| object.spec.network.subnets.truncate(1),
            &[
                "DeleteSubnet",
                "DisassociateRouteTable",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn another_client_group_is_one_rule_more_and_one_less_again() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "isolated-sagemaker.yaml").await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("us-east-1").await);
    let vpc = tenant.object.spec.network.vpc.id.clone().expect("an existing VPC");
    let create = ec2.create_security_group().group_name("clients").description("clients").vpc_id(vpc);
    let group = create.send().await.expect("a group").group_id.expect("an id");

    for (groups, operation) in
        [(vec![group], "AuthorizeSecurityGroupIngress"), (Vec::new(), "RevokeSecurityGroupIngress")]
    {
        world.simulator.clear_log();
        tenant.edit(|object| object.spec.network.client_security_groups = groups);
        assert_ready(&world.settle(&mut tenant).await.report);
        assert_eq!(world.writes(), [operation]);
        world.check(&mut tenant).await;
        assert_eq!(world.writes(), [operation], "the check after it writes nothing");
    }
}
