//! VPC endpoints: states, names, interfaces, routes and policies.

use aws_sdk_ec2::types::State;

use super::{Aws, REGION, code, filter, message, pass};
use crate::sandbox::Settings;

const REPOSITORIES: &str = "codeartifact.repositories";

#[tokio::test(start_paused = true)]
async fn states_begin_with_a_small_letter_which_the_sdk_does_not_know() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let id = aws.endpoint(&vpc, REPOSITORIES, &subnet).await;
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("pending"));
    pass(90).await;
    let found = aws.ec2.describe_vpc_endpoints().send().await.expect("listed");
    let state = found.vpc_endpoints()[0].state().expect("a state");
    assert_eq!(state.as_str(), "available");
    assert_ne!(*state, State::Available);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_endpoint_lingers_as_deleting_and_holds_subnet_and_group() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let group = aws.group(&vpc, "g").await;
    let made = aws.interface_endpoint(&vpc, REPOSITORIES, &subnet).security_group_ids(&group).send().await;
    let id = made.expect("made").vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id).expect("an id");
    pass(90).await;
    let deleted = aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&id).send().await.expect("status 200");
    assert!(deleted.unsuccessful().is_empty());
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("deleting"));
    let delete_group = || aws.ec2.delete_security_group().group_id(&group).send();
    let delete_subnet = || aws.ec2.delete_subnet().subnet_id(&subnet).send();
    assert_eq!(delete_group().await.map_err(code).expect_err("refused"), "DependencyViolation");
    assert_eq!(delete_subnet().await.map_err(code).expect_err("refused"), "DependencyViolation");
    pass(90).await;
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("deleted"));
    delete_group().await.expect("deleted");
    delete_subnet().await.expect("deleted");
    pass(90).await;
    assert_eq!(aws.endpoint_state(&id).await, Err("InvalidVpcEndpointId.NotFound".into()));
    aws.ec2.delete_vpc().vpc_id(&vpc).send().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_not_there_succeeds_with_a_list_of_failures() {
    let aws = Aws::new();
    let deleted = aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids("vpce-0123456789abcdef0").send().await;
    let deleted = deleted.expect("status 200");
    let item = &deleted.unsuccessful()[0];
    assert_eq!(item.error().and_then(|error| error.code()), Some("InvalidVpcEndpoint.NotFound"));
    assert_eq!(item.resource_id(), Some("vpce-0123456789abcdef0"));
}

#[tokio::test(start_paused = true)]
async fn private_dns_needs_both_attributes_of_the_vpc() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let refused = aws.interface_endpoint(&vpc, "sts", &subnet).send().await;
    assert_eq!(refused.map_err(code).expect_err("refused"), "InvalidParameter");
    let without = aws.interface_endpoint(&vpc, "sts", &subnet).private_dns_enabled(false).send().await;
    assert_eq!(without.expect("made").vpc_endpoint.and_then(|one| one.private_dns_enabled), Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_private_name_is_taken_until_some_time_after_its_endpoint_is_gone() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let id = aws.endpoint(&vpc, REPOSITORIES, &subnet).await;
    let again = || aws.interface_endpoint(&vpc, REPOSITORIES, &subnet).send();
    let refused = again().await.expect_err("refused");
    assert_eq!(
        message(&refused),
        format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
             d.codeartifact.{REGION}.amazonaws.com in the VPC {vpc}"
        )
    );
    assert_eq!(code(refused), "InvalidParameter");
    aws.endpoint(&vpc, "codeartifact.api", &subnet).await;
    aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&id).send().await.expect("deleted");
    pass(200).await;
    assert_eq!(aws.endpoint_state(&id).await, Err("InvalidVpcEndpointId.NotFound".into()));
    assert_eq!(again().await.map_err(code).expect_err("released late"), "InvalidParameter");
    pass(60).await;
    again().await.expect("released");
}

#[tokio::test(start_paused = true)]
async fn a_hosted_zone_of_the_customer_conflicts_too() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let zone = format!("sts.{REGION}.amazonaws.com");
    aws.simulator.with_world(|world| {
        let ec2 = &mut world.account(super::ACCOUNT).region(REGION).ec2;
        ec2.private_names.associate_zone(&vpc, &zone);
    });
    let refused = aws.interface_endpoint(&vpc, "sts", &subnet).send().await;
    assert_eq!(refused.map_err(code).expect_err("refused"), "InvalidParameter");
}

#[tokio::test(start_paused = true)]
async fn private_dns_is_on_when_nothing_is_said_and_the_default_group_is_taken() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let made = aws.interface_endpoint(&vpc, "sts", &subnet).set_private_dns_enabled(None).send().await;
    let made = made.expect("made").vpc_endpoint.expect("an endpoint");
    assert_eq!(made.private_dns_enabled(), Some(true));
    assert_eq!(made.groups()[0].group_name(), Some("default"));
}

#[tokio::test(start_paused = true)]
async fn each_zone_has_a_name_and_an_interface_and_no_more_than_one_subnet() {
    let mut settings = Settings::default();
    settings.service_zones.insert("sts".into(), vec!['a', 'b']);
    let aws = Aws::with(settings);
    let vpc = aws.vpc_with_names().await;
    let a = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let a_too = aws.subnet(&vpc, "10.0.2.0/24", "a").await;
    let b = aws.subnet(&vpc, "10.0.3.0/24", "b").await;
    let c = aws.subnet(&vpc, "10.0.4.0/24", "c").await;
    let with = |more: &str| aws.interface_endpoint(&vpc, "sts", &a).subnet_ids(more).send();
    assert_eq!(with(&a_too).await.map_err(code).expect_err("refused"), "DuplicateSubnetsInSameZone");
    let unsupported = with(&c).await.expect_err("refused");
    assert!(message(&unsupported).contains("does not support the availability zone of the subnet"));
    let made = with(&b).await.expect("made").vpc_endpoint.expect("an endpoint");
    let id = made.vpc_endpoint_id().expect("an id");
    let names: Vec<&str> = made.dns_entries().iter().filter_map(|entry| entry.dns_name()).collect();
    assert_eq!(names.len(), 4, "regional, two zonal, private: {names:?}");
    assert!(names[0].starts_with(id) && names[0].ends_with(&format!(".sts.{REGION}.vpce.amazonaws.com")));
    assert!(names[1].contains(&format!("-{REGION}a.sts.")));
    assert_eq!(names[3], format!("sts.{REGION}.amazonaws.com"));
    let look = aws.ec2.describe_network_interfaces().filters(filter("vpc-id", &vpc));
    let interfaces = look.filters(filter("requester-managed", "true")).send().await.expect("listed");
    assert_eq!(interfaces.network_interfaces().len(), 2);
    for interface in interfaces.network_interfaces() {
        assert_eq!(interface.description(), Some(format!("VPC Endpoint Interface {id}").as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_puts_a_route_into_its_tables_that_only_it_can_take_out() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let table = aws.route_table(&vpc).await;
    let service = format!("com.amazonaws.{REGION}.s3");
    let create = || aws.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(&service).route_table_ids(&table).send();
    let made = create().await.expect("made").vpc_endpoint.expect("an endpoint");
    assert_eq!(made.state().map(State::as_str), Some("available"));
    assert_eq!(create().await.map_err(code).expect_err("refused"), "RouteAlreadyExists");
    let routes = async || {
        let tables = aws.ec2.describe_route_tables().route_table_ids(&table).send().await.expect("found");
        tables.route_tables()[0].routes().to_vec()
    };
    let route = routes().await[1].clone();
    assert_eq!(route.gateway_id(), made.vpc_endpoint_id());
    let list = route.destination_prefix_list_id().expect("a prefix list");
    let by_hand = aws.ec2.delete_route().route_table_id(&table).destination_prefix_list_id(list).send().await;
    assert_eq!(by_hand.map_err(code).expect_err("refused"), "InvalidParameterValue");
    let id = made.vpc_endpoint_id().expect("an id");
    let modify = || aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
    modify().remove_route_table_ids(&table).send().await.expect("removed");
    assert_eq!(routes().await.len(), 1);
    modify().add_route_table_ids(&table).send().await.expect("added");
    aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.expect("deleted");
    assert_eq!(routes().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_type_is_gateway_unless_said_otherwise() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let create = |service: &str| aws.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(service).send();
    let interface_only = create(&format!("com.amazonaws.{REGION}.sts")).await;
    assert_eq!(interface_only.map_err(code).expect_err("refused"), "InvalidParameter");
    let unknown = create(&format!("com.amazonaws.{REGION}.notebook")).await;
    assert_eq!(unknown.map_err(code).expect_err("refused"), "InvalidServiceName");
}

#[tokio::test(start_paused = true)]
async fn the_default_policy_allows_everything_and_comes_back_after_a_reset() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let id = aws.endpoint(&vpc, "sts", &subnet).await;
    let policy = async || {
        let found = aws.ec2.describe_vpc_endpoints().vpc_endpoint_ids(&id).send().await.expect("found");
        let text = found.vpc_endpoints()[0].policy_document().expect("a policy").to_owned();
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    let everything = serde_json::json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    let open = serde_json::json!({ "Statement": [everything] });
    assert_eq!(policy().await, open);
    let modify = || aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&id);
    let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
    let too_early = modify().policy_document(deny).send().await;
    assert_eq!(too_early.map_err(code).expect_err("still pending"), "IncorrectState");
    pass(90).await;
    modify().policy_document(deny).send().await.expect("changed");
    assert_eq!(policy().await["Statement"][0]["Effect"], "Deny");
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("available"));
    let both = modify().policy_document(deny).reset_policy(true).send().await;
    assert_eq!(both.map_err(code).expect_err("refused"), "InvalidParameterCombination");
    let nobody = r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let refused = modify().policy_document(nobody).send().await;
    assert_eq!(refused.map_err(code).expect_err("no principal"), "InvalidPolicyDocument");
    modify().reset_policy(true).send().await.expect("reset");
    assert_eq!(policy().await, open);
}

#[tokio::test(start_paused = true)]
async fn changing_subnets_and_groups_moves_interfaces() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let (a, b) = (aws.subnet(&vpc, "10.0.1.0/24", "a").await, aws.subnet(&vpc, "10.0.2.0/24", "b").await);
    let group = aws.group(&vpc, "g").await;
    let id = aws.endpoint(&vpc, "sts", &a).await;
    pass(90).await;
    let modify = || aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&id);
    modify().add_subnet_ids(&b).remove_subnet_ids(&a).send().await.expect("changed");
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("pending"));
    pass(30).await;
    aws.ec2.delete_subnet().subnet_id(&a).send().await.expect("left");
    let found = aws.ec2.describe_vpc_endpoints().vpc_endpoint_ids(&id).send().await.expect("found");
    let found = found.vpc_endpoints()[0].clone();
    assert_eq!(found.subnet_ids(), [b]);
    let default = found.groups()[0].group_id().expect("a group");
    let none = modify().remove_security_group_ids(default).send().await;
    assert_eq!(none.map_err(code).expect_err("one stays"), "InvalidParameter");
    modify().add_security_group_ids(&group).remove_security_group_ids(default).send().await.expect("changed");
    let interfaces = aws.ec2.describe_network_interfaces().filters(filter("group-id", &group)).send().await;
    assert_eq!(interfaces.expect("listed").network_interfaces().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_used_after_the_deletion_shows_the_deleted_endpoint() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let create = || aws.interface_endpoint(&vpc, "sts", &subnet).client_token("attempt-1").send();
    let first = create().await.expect("made").vpc_endpoint.expect("an endpoint");
    pass(90).await;
    let again = create().await.expect("answered").vpc_endpoint.expect("an endpoint");
    assert_eq!(again.vpc_endpoint_id(), first.vpc_endpoint_id());
    assert_eq!(again.state().map(State::as_str), Some("available"), "as it is now");
    let id = first.vpc_endpoint_id().expect("an id");
    aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.expect("deleted");
    pass(600).await;
    let late = create().await.expect("answered").vpc_endpoint.expect("an endpoint");
    assert_eq!(late.vpc_endpoint_id(), Some(id));
    assert_eq!(late.state().map(State::as_str), Some("deleted"));
    let other = aws.interface_endpoint(&vpc, "logs", &subnet).client_token("attempt-1").send().await;
    assert_eq!(other.map_err(code).expect_err("refused"), "IdempotentParameterMismatch");
}

#[tokio::test(start_paused = true)]
async fn s3_names_for_on_premises_need_a_gateway_beside_them() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let refused = aws.interface_endpoint(&vpc, "s3", &subnet).send().await.expect_err("refused");
    assert!(message(&refused).contains("must have a Gateway endpoint for the service"));
    let gateway = aws.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(format!("com.amazonaws.{REGION}.s3"));
    gateway.send().await.expect("made");
    aws.endpoint(&vpc, "s3", &subnet).await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_has_to_accept_may_reject() {
    let mut settings = Settings::default();
    settings.services_with_acceptance.push("sts".into());
    let aws = Aws::with(settings);
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let id = aws.endpoint(&vpc, "sts", &subnet).await;
    pass(3600).await;
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("pendingAcceptance"));
    let decide = |accepted| {
        aws.simulator.with_world(|world| {
            world.account(super::ACCOUNT).region(REGION).ec2.decide_endpoint(&id, accepted);
        });
    };
    decide(false);
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("rejected"));
}

#[tokio::test(start_paused = true)]
async fn names_for_ipv6_and_services_of_other_regions_are_not_to_be_had() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let records = |kind| aws_sdk_ec2::types::DnsOptionsSpecification::builder().dns_record_ip_type(kind).build();
    let create = |kind| aws.interface_endpoint(&vpc, "sts", &subnet).dns_options(records(kind));
    let refused = create(aws_sdk_ec2::types::DnsRecordIpType::Ipv6).send().await;
    assert_eq!(refused.map_err(code).expect_err("refused"), "InvalidParameter");
    let elsewhere = aws.interface_endpoint(&vpc, "sts", &subnet).service_region("eu-west-1").send().await;
    assert_eq!(elsewhere.map_err(code).expect_err("refused"), "InvalidParameter");
    create(aws_sdk_ec2::types::DnsRecordIpType::ServiceDefined).send().await.expect("made");
}
