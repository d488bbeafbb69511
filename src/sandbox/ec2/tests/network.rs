//! VPCs, subnets, route tables and gateways.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, RouteState, VpcAttributeName};

use super::{ACCOUNT, Aws, client, code, filter, tag, tagged};
use crate::sandbox::Settings;

fn boolean(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

#[tokio::test(start_paused = true)]
async fn a_vpc_clears_host_bits_and_comes_with_table_group_and_acl() {
    let aws = Aws::new();
    let made = aws.ec2.create_vpc().cidr_block("10.0.0.1/16").send().await.expect("made");
    let vpc = made.vpc.expect("a VPC");
    assert_eq!(vpc.cidr_block(), Some("10.0.0.0/16"));
    let inside = || filter("vpc-id", vpc.vpc_id().expect("an id"));
    let tables = aws.ec2.describe_route_tables().filters(inside()).send().await.expect("tables");
    assert_eq!(tables.route_tables()[0].associations()[0].main(), Some(true));
    let groups = aws.ec2.describe_security_groups().filters(inside()).send().await.expect("groups");
    assert_eq!(groups.security_groups()[0].group_name(), Some("default"));
    let acls = aws.ec2.describe_network_acls().filters(inside()).send().await.expect("ACLs");
    assert_eq!(acls.network_acls()[0].is_default(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_account_has_no_vpc_and_other_accounts_and_regions_are_other_worlds() {
    let aws = Aws::new();
    aws.vpc().await;
    for (account, region) in [("444455556666", super::REGION), (ACCOUNT, "us-east-1")] {
        let other = client(&aws.simulator, account, region);
        assert!(other.describe_vpcs().send().await.expect("listed").vpcs().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn host_names_need_resolution_and_only_one_attribute_changes_per_call() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let both = aws
        .ec2
        .modify_vpc_attribute()
        .vpc_id(&vpc)
        .enable_dns_support(boolean(true))
        .enable_dns_hostnames(boolean(true));
    assert_eq!(both.send().await.map_err(code).expect_err("refused"), "InvalidParameterCombination");
    let off = aws.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_support(boolean(false));
    off.send().await.expect("changed");
    let hostnames = || aws.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(boolean(true)).send();
    assert!(hostnames().await.is_err());
    let on = aws.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_support(boolean(true));
    on.send().await.expect("changed");
    hostnames().await.expect("changed");
    let read = aws.ec2.describe_vpc_attribute().vpc_id(&vpc).attribute(VpcAttributeName::EnableDnsHostnames);
    let read = read.send().await.expect("read");
    assert_eq!(read.enable_dns_hostnames().and_then(AttributeBooleanValue::value), Some(true));
    assert!(read.enable_dns_support().is_none(), "one attribute per call");
}

#[tokio::test(start_paused = true)]
async fn the_sixth_vpc_of_a_region_is_over_the_quota() {
    let aws = Aws::new();
    for _ in 0..5 {
        aws.vpc().await;
    }
    let sixth = aws.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(sixth.map_err(code).expect_err("refused"), "VpcLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_vpc_is_between_16_and_28_bits() {
    let aws = Aws::new();
    for block in ["10.0.0.0/8", "10.0.0.0/29"] {
        let made = aws.ec2.create_vpc().cidr_block(block).send().await;
        assert_eq!(made.map_err(code).expect_err("refused"), "InvalidVpc.Range");
    }
}

#[tokio::test(start_paused = true)]
async fn subnets_stay_inside_their_vpc_and_apart_from_each_other() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    for (block, expected) in [
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
    ] {
        let made = aws.ec2.create_subnet().vpc_id(&vpc).cidr_block(block).send().await;
        assert_eq!(made.map_err(code).expect_err("refused"), expected, "{block}");
    }
    let nowhere = aws.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.2.0/24").availability_zone("eu-west-1a");
    assert_eq!(nowhere.send().await.map_err(code).expect_err("refused"), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn five_addresses_of_a_subnet_are_never_available() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/28", "a").await;
    let count = async || {
        let found = aws.ec2.describe_subnets().subnet_ids(&subnet).send().await.expect("found");
        found.subnets()[0].available_ip_address_count().expect("a count")
    };
    assert_eq!(count().await, 11);
    let made = aws.ec2.create_network_interface().subnet_id(&subnet).send().await.expect("an interface");
    assert_eq!(made.network_interface().and_then(|one| one.private_ip_address()), Some("10.0.1.4"));
    assert_eq!(count().await, 10);
    for _ in 0..10 {
        aws.ec2.create_network_interface().subnet_id(&subnet).send().await.expect("an interface");
    }
    let full = aws.ec2.create_network_interface().subnet_id(&subnet).send().await;
    assert_eq!(full.map_err(code).expect_err("refused"), "InsufficientFreeAddressesInSubnet");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_before_what_depends_on_it() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let interface = aws.ec2.create_network_interface().subnet_id(&subnet).send().await.expect("an interface");
    let interface = interface.network_interface().and_then(|one| one.network_interface_id()).expect("an id").to_owned();
    let delete_subnet = || aws.ec2.delete_subnet().subnet_id(&subnet).send();
    let delete_vpc = || aws.ec2.delete_vpc().vpc_id(&vpc).send();
    assert_eq!(delete_subnet().await.map_err(code).expect_err("refused"), "DependencyViolation");
    assert_eq!(delete_vpc().await.map_err(code).expect_err("refused"), "DependencyViolation");
    aws.ec2.delete_network_interface().network_interface_id(&interface).send().await.expect("deleted");
    delete_subnet().await.expect("deleted");
    delete_vpc().await.expect("deleted");
    assert_eq!(delete_vpc().await.map_err(code).expect_err("refused"), "InvalidVpcID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_vpc_takes_along_what_came_with_it() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    aws.ec2.delete_vpc().vpc_id(&vpc).send().await.expect("deleted");
    assert!(aws.ec2.describe_route_tables().send().await.expect("listed").route_tables().is_empty());
    assert!(aws.ec2.describe_security_groups().send().await.expect("listed").security_groups().is_empty());
    assert!(aws.ec2.describe_network_acls().send().await.expect("listed").network_acls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subnet_has_one_route_table_and_keeps_it_from_being_deleted() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let (one, other) = (aws.route_table(&vpc).await, aws.route_table(&vpc).await);
    let associate = |table: &str| aws.ec2.associate_route_table().route_table_id(table).subnet_id(&subnet).send();
    let association = associate(&one).await.expect("associated").association_id.expect("an id");
    for table in [&one, &other] {
        assert_eq!(associate(table).await.map_err(code).expect_err("refused"), "Resource.AlreadyAssociated");
    }
    let delete = || aws.ec2.delete_route_table().route_table_id(&one).send();
    assert_eq!(delete().await.map_err(code).expect_err("refused"), "DependencyViolation");
    let replace = aws.ec2.replace_route_table_association().association_id(&association).route_table_id(&other);
    assert_ne!(replace.send().await.expect("replaced").new_association_id(), Some(association.as_str()));
    delete().await.expect("deleted");
    aws.ec2.delete_subnet().subnet_id(&subnet).send().await.expect("an association does not hold a subnet");
}

#[tokio::test(start_paused = true)]
async fn a_route_to_a_gateway_that_is_gone_is_a_black_hole() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let table = aws.route_table(&vpc).await;
    let gateway = aws.ec2.create_internet_gateway().send().await.expect("made").internet_gateway;
    let gateway = gateway.and_then(|gateway| gateway.internet_gateway_id).expect("an id");
    let route = || {
        aws.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0").gateway_id(&gateway).send()
    };
    assert_eq!(route().await.map_err(code).expect_err("not attached"), "InvalidParameterValue");
    aws.ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("attached");
    route().await.expect("made");
    assert_eq!(route().await.map_err(code).expect_err("refused"), "RouteAlreadyExists");
    let delete_vpc = aws.ec2.delete_vpc().vpc_id(&vpc).send().await;
    assert_eq!(delete_vpc.map_err(code).expect_err("refused"), "DependencyViolation");
    aws.ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("detached");
    aws.ec2.delete_internet_gateway().internet_gateway_id(&gateway).send().await.expect("deleted");
    let tables = aws.ec2.describe_route_tables().route_table_ids(&table).send().await.expect("found");
    let routes = tables.route_tables()[0].routes();
    assert_eq!(routes.len(), 2);
    assert_eq!(routes[1].state(), Some(&RouteState::Blackhole));
}

#[tokio::test(start_paused = true)]
async fn a_client_token_gives_the_same_route_table_again() {
    let aws = Aws::new();
    let (vpc, elsewhere) = (aws.vpc().await, aws.vpc().await);
    let create = |vpc: &str| aws.ec2.create_route_table().vpc_id(vpc).client_token("t").send();
    let id = |made: aws_sdk_ec2::operation::create_route_table::CreateRouteTableOutput| {
        made.route_table.and_then(|table| table.route_table_id).expect("an id")
    };
    let first = id(create(&vpc).await.expect("made"));
    assert_eq!(id(create(&vpc).await.expect("made")), first);
    assert_eq!(create(&elsewhere).await.map_err(code).expect_err("refused"), "IdempotentParameterMismatch");
    aws.ec2.delete_route_table().route_table_id(&first).send().await.expect("deleted");
    assert_eq!(id(create(&vpc).await.expect("answered")), first, "a token outlives what it made");
}

#[tokio::test(start_paused = true)]
async fn tags_come_with_the_create_and_only_for_its_own_kind() {
    let aws = Aws::new();
    let create = |kind| aws.ec2.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tagged(kind, "owner", "me"));
    let wrong = create(ResourceType::Subnet).send().await;
    assert_eq!(wrong.map_err(code).expect_err("refused"), "InvalidParameterValue");
    create(ResourceType::Vpc).send().await.expect("made");
    aws.vpc().await;
    let mine = aws.ec2.describe_vpcs().filters(filter("tag:owner", "me")).send().await.expect("listed");
    assert_eq!(mine.vpcs().len(), 1);
    let id = mine.vpcs()[0].vpc_id().expect("an id");
    aws.ec2.create_tags().resources(id).tags(tag("other", "")).send().await.expect("tagged");
    let wrong_value = aws.ec2.delete_tags().resources(id).tags(tag("owner", "you")).send();
    wrong_value.await.expect("nothing to do");
    let tags = aws.ec2.describe_tags().filters(filter("resource-id", id)).send().await.expect("listed");
    assert_eq!(tags.tags().iter().filter_map(|tag| tag.key()).collect::<Vec<_>>(), ["other", "owner"]);
    let reserved = aws.ec2.create_tags().resources(id).tags(tag("aws:x", "y")).send().await;
    assert_eq!(reserved.map_err(code).expect_err("refused"), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn custom_dhcp_options_can_take_the_place_of_the_default_ones() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let given =
        aws_sdk_ec2::types::NewDhcpConfiguration::builder().key("domain-name-servers").values("10.9.9.9").build();
    let made = aws.ec2.create_dhcp_options().dhcp_configurations(given).send().await.expect("made").dhcp_options;
    let id = made.and_then(|options| options.dhcp_options_id).expect("an id");
    aws.ec2.associate_dhcp_options().dhcp_options_id(&id).vpc_id(&vpc).send().await.expect("associated");
    let found = aws.ec2.describe_vpcs().vpc_ids(&vpc).send().await.expect("found");
    assert_eq!(found.vpcs()[0].dhcp_options_id(), Some(id.as_str()));
    let options = aws.ec2.describe_dhcp_options().dhcp_options_ids(&id).send().await.expect("found");
    let configuration = &options.dhcp_options()[0].dhcp_configurations()[0];
    assert_eq!(configuration.values()[0].value(), Some("10.9.9.9"));
    let delete = || aws.ec2.delete_dhcp_options().dhcp_options_id(&id).send();
    assert_eq!(delete().await.map_err(code).expect_err("in use"), "DependencyViolation");
    aws.ec2.associate_dhcp_options().dhcp_options_id("default").vpc_id(&vpc).send().await.expect("none at all");
    delete().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn public_addresses_are_off_until_somebody_turns_them_on() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let public = async || {
        let found = aws.ec2.describe_subnets().subnet_ids(&subnet).send().await.expect("found");
        found.subnets()[0].map_public_ip_on_launch()
    };
    assert_eq!(public().await, Some(false));
    let modify = aws.ec2.modify_subnet_attribute().subnet_id(&subnet).map_public_ip_on_launch(boolean(true));
    modify.send().await.expect("changed");
    assert_eq!(public().await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn the_main_route_table_can_be_replaced_but_not_disassociated() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let other = aws.route_table(&vpc).await;
    let main = async || {
        let look = aws.ec2.describe_route_tables().filters(filter("association.main", "true"));
        let tables = look.send().await.expect("listed").route_tables.expect("tables");
        (tables[0].route_table_id().map(str::to_owned), tables[0].associations()[0].clone())
    };
    let (_, association) = main().await;
    let association = association.route_table_association_id().expect("an id");
    let disassociate = aws.ec2.disassociate_route_table().association_id(association).send().await;
    assert_eq!(disassociate.map_err(code).expect_err("refused"), "InvalidParameterValue");
    let replace = aws.ec2.replace_route_table_association().association_id(association).route_table_id(&other);
    replace.send().await.expect("replaced");
    assert_eq!(main().await.0.as_deref(), Some(other.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_route_can_be_led_elsewhere_but_not_the_local_one() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let table = aws.route_table(&vpc).await;
    let gateway = aws.ec2.create_internet_gateway().send().await.expect("made").internet_gateway;
    let gateway = gateway.and_then(|gateway| gateway.internet_gateway_id).expect("an id");
    aws.ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("attached");
    let replace = |block: &str| {
        let replace = aws.ec2.replace_route().route_table_id(&table).destination_cidr_block(block);
        replace.gateway_id(&gateway).send()
    };
    assert_eq!(replace("0.0.0.0/0").await.map_err(code).expect_err("not there"), "InvalidRoute.NotFound");
    assert_eq!(replace("10.0.0.0/16").await.map_err(code).expect_err("local"), "InvalidParameterValue");
    let create = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    create.gateway_id(&gateway).send().await.expect("made");
    replace("0.0.0.0/0").await.expect("replaced");
}

#[tokio::test(start_paused = true)]
async fn the_quota_can_be_raised() {
    let mut settings = Settings::default();
    settings.quotas.vpcs_per_region = 6;
    let aws = Aws::with(settings);
    for _ in 0..6 {
        aws.vpc().await;
    }
}
