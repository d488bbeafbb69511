//! Everything somebody could use to end the isolation of a network, and what of it a VPC cannot be deleted with.

use aws_sdk_ec2::types::{
    ConnectivityType, NatGatewayState, PortRange, RuleAction, VpcPeeringConnectionStateReasonCode,
};

use super::{Aws, code, filter};

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_holds_its_subnet_and_lingers_as_deleted() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let create = || aws.ec2.create_nat_gateway().subnet_id(&subnet);
    assert_eq!(create().send().await.map_err(code).expect_err("no address"), "MissingParameter");
    let made = create().connectivity_type(ConnectivityType::Private).send().await.expect("made").nat_gateway;
    let id = made.and_then(|gateway| gateway.nat_gateway_id).expect("an id");
    let table = aws.route_table(&vpc).await;
    let route = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    route.nat_gateway_id(&id).send().await.expect("routed");
    let delete_subnet = || aws.ec2.delete_subnet().subnet_id(&subnet).send();
    assert_eq!(delete_subnet().await.map_err(code).expect_err("refused"), "DependencyViolation");
    aws.ec2.delete_nat_gateway().nat_gateway_id(&id).send().await.expect("deleted");
    let found = aws.ec2.describe_nat_gateways().filter(filter("vpc-id", &vpc)).send().await.expect("listed");
    assert_eq!(found.nat_gateways()[0].state(), Some(&NatGatewayState::Deleted));
    delete_subnet().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn an_egress_only_gateway_holds_its_vpc() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let made = aws.ec2.create_egress_only_internet_gateway().vpc_id(&vpc).send().await.expect("made");
    let id = made.egress_only_internet_gateway.and_then(|one| one.egress_only_internet_gateway_id).expect("an id");
    let found = aws.ec2.describe_egress_only_internet_gateways().send().await.expect("listed");
    let attachment = &found.egress_only_internet_gateways()[0].attachments()[0];
    assert_eq!(attachment.vpc_id(), Some(vpc.as_str()));
    let delete = || aws.ec2.delete_vpc().vpc_id(&vpc).send();
    assert_eq!(delete().await.map_err(code).expect_err("refused"), "DependencyViolation");
    aws.ec2.delete_egress_only_internet_gateway().egress_only_internet_gateway_id(&id).send().await.expect("deleted");
    delete().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn a_vpc_has_one_internet_gateway() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = aws.ec2.create_internet_gateway().send().await.expect("made").internet_gateway;
        ids.push(made.and_then(|gateway| gateway.internet_gateway_id).expect("an id"));
    }
    let attach = |id: &str| aws.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(&vpc).send();
    attach(&ids[0]).await.expect("attached");
    assert_eq!(attach(&ids[0]).await.map_err(code).expect_err("refused"), "Resource.AlreadyAssociated");
    assert_eq!(attach(&ids[1]).await.map_err(code).expect_err("refused"), "InvalidParameterValue");
    let look = aws.ec2.describe_internet_gateways().filters(filter("attachment.vpc-id", &vpc));
    assert_eq!(look.send().await.expect("listed").internet_gateways().len(), 1);
    let delete = aws.ec2.delete_internet_gateway().internet_gateway_id(&ids[0]).send().await;
    assert_eq!(delete.map_err(code).expect_err("refused"), "DependencyViolation");
}

#[tokio::test(start_paused = true)]
async fn a_peering_is_seen_from_both_sides_and_can_be_routed_to() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let other = aws.ec2.create_vpc().cidr_block("10.9.0.0/16").send().await.expect("made").vpc;
    let other = other.and_then(|vpc| vpc.vpc_id).expect("an id");
    let made = aws.ec2.create_vpc_peering_connection().vpc_id(&vpc).peer_vpc_id(&other).send().await.expect("made");
    let id = made.vpc_peering_connection.and_then(|one| one.vpc_peering_connection_id).expect("an id");
    aws.ec2.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.expect("accepted");
    for (name, value) in [("requester-vpc-info.vpc-id", &vpc), ("accepter-vpc-info.vpc-id", &other)] {
        let found =
            aws.ec2.describe_vpc_peering_connections().filters(filter(name, value)).send().await.expect("listed");
        let status = found.vpc_peering_connections()[0].status().and_then(|status| status.code());
        assert_eq!(status, Some(&VpcPeeringConnectionStateReasonCode::Active));
    }
    let table = aws.route_table(&vpc).await;
    let route = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("10.9.0.0/16");
    route.vpc_peering_connection_id(&id).send().await.expect("routed");
    aws.ec2.delete_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn transit_and_vpn_gateways_show_the_vpc_they_lead_to() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let attach = aws.ec2.create_transit_gateway_vpc_attachment().vpc_id(&vpc).subnet_ids(&subnet);
    let attached = attach.transit_gateway_id("tgw-0123456789abcdef0").send().await.expect("attached");
    let attachment = attached.transit_gateway_vpc_attachment.and_then(|one| one.transit_gateway_attachment_id);
    let attachment = attachment.expect("an id");
    let look = aws.ec2.describe_transit_gateway_vpc_attachments().filters(filter("vpc-id", &vpc));
    assert_eq!(look.send().await.expect("listed").transit_gateway_vpc_attachments().len(), 1);
    let table = aws.route_table(&vpc).await;
    let route = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    route.transit_gateway_id("tgw-0123456789abcdef0").send().await.expect("routed");

    let kind = aws_sdk_ec2::types::GatewayType::Ipsec1;
    let made = aws.ec2.create_vpn_gateway().r#type(kind).send().await.expect("made").vpn_gateway;
    let gateway = made.and_then(|gateway| gateway.vpn_gateway_id).expect("an id");
    aws.ec2.attach_vpn_gateway().vpn_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("attached");
    let look = aws.ec2.describe_vpn_gateways().filters(filter("attachment.vpc-id", &vpc));
    assert_eq!(look.send().await.expect("listed").vpn_gateways().len(), 1);
    let enable = || aws.ec2.enable_vgw_route_propagation().route_table_id(&table).gateway_id(&gateway).send();
    let propagating = async || {
        let found = aws.ec2.describe_route_tables().route_table_ids(&table).send().await.expect("found");
        let gateways = found.route_tables()[0].propagating_vgws().iter();
        gateways.filter_map(|gateway| gateway.gateway_id().map(str::to_owned)).collect::<Vec<_>>()
    };
    enable().await.expect("enabled");
    assert_eq!(propagating().await, [gateway.as_str()]);
    let disable = aws.ec2.disable_vgw_route_propagation().route_table_id(&table).gateway_id(&gateway);
    disable.send().await.expect("disabled");
    assert!(propagating().await.is_empty());
    enable().await.expect("enabled");
    aws.ec2.detach_vpn_gateway().vpn_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("detached");
    assert!(propagating().await.is_empty());
    assert_eq!(enable().await.map_err(code).expect_err("refused"), "Gateway.NotAttached");
    aws.ec2.delete_vpn_gateway().vpn_gateway_id(&gateway).send().await.expect("deleted");
    let detach = aws.ec2.delete_transit_gateway_vpc_attachment().transit_gateway_attachment_id(&attachment);
    detach.send().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_a_network_acl_can_be_made_replaced_and_deleted() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let acls = aws.ec2.describe_network_acls().filters(filter("vpc-id", &vpc)).send().await.expect("listed");
    let acl = acls.network_acls()[0].network_acl_id().expect("an id").to_owned();
    let https = || PortRange::builder().from(443).to(443).build();
    let create = || {
        let entry = aws.ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(50).egress(false);
        entry.protocol("6").port_range(https()).cidr_block("0.0.0.0/0").rule_action(RuleAction::Deny).send()
    };
    create().await.expect("made");
    assert_eq!(create().await.map_err(code).expect_err("refused"), "NetworkAclEntryAlreadyExists");
    let replace = aws.ec2.replace_network_acl_entry().network_acl_id(&acl).rule_number(50).egress(false);
    let replace = replace.protocol("6").port_range(https()).cidr_block("10.0.0.0/8").rule_action(RuleAction::Allow);
    replace.send().await.expect("replaced");
    let acls = aws.ec2.describe_network_acls().network_acl_ids(&acl).send().await.expect("found");
    let entries = acls.network_acls()[0].entries();
    let entry = entries.iter().find(|entry| entry.rule_number() == Some(50)).expect("the entry");
    assert_eq!((entry.cidr_block(), entry.rule_action()), (Some("10.0.0.0/8"), Some(&RuleAction::Allow)));
    let delete =
        |number| aws.ec2.delete_network_acl_entry().network_acl_id(&acl).rule_number(number).egress(false).send();
    delete(50).await.expect("deleted");
    assert_eq!(delete(32767).await.map_err(code).expect_err("always there"), "InvalidNetworkAclEntry.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_subnet_moves_to_another_network_acl() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let made = aws.ec2.create_network_acl().vpc_id(&vpc).send().await.expect("made").network_acl;
    let acl = made.and_then(|acl| acl.network_acl_id).expect("an id");
    let of_subnet = async || {
        let look = aws.ec2.describe_network_acls().filters(filter("association.subnet-id", &subnet));
        let found = look.send().await.expect("listed").network_acls.and_then(|acls| acls.into_iter().next());
        found.and_then(|acl| acl.associations).and_then(|all| all.into_iter().next()).expect("an association")
    };
    let before = of_subnet().await;
    let replace = aws.ec2.replace_network_acl_association().network_acl_id(&acl);
    let replace = replace.association_id(before.network_acl_association_id().expect("an id"));
    replace.send().await.expect("moved");
    assert_eq!(of_subnet().await.network_acl_id(), Some(acl.as_str()));
    let delete = || aws.ec2.delete_network_acl().network_acl_id(&acl).send();
    assert_eq!(delete().await.map_err(code).expect_err("refused"), "DependencyViolation");
    aws.ec2.delete_subnet().subnet_id(&subnet).send().await.expect("deleted");
    delete().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn prefix_lists_zones_and_regions_are_listed() {
    let aws = Aws::new();
    let name = format!("com.amazonaws.{}.s3", super::REGION);
    let lists = aws.ec2.describe_managed_prefix_lists().filters(filter("prefix-list-name", &name)).send().await;
    let id = lists.expect("listed").prefix_lists()[0].prefix_list_id().expect("an id").to_owned();
    let older = aws.ec2.describe_prefix_lists().prefix_list_ids(&id).send().await.expect("listed");
    let entries = aws.ec2.get_managed_prefix_list_entries().prefix_list_id(&id).send().await.expect("listed");
    assert_eq!(older.prefix_lists()[0].cidrs().len(), entries.entries().len());
    let zones = aws.ec2.describe_availability_zones().send().await.expect("listed");
    assert_eq!(zones.availability_zones().len(), 3);
    let regions = aws.ec2.describe_regions().region_names("us-east-1").send().await.expect("listed");
    assert_eq!(regions.regions()[0].endpoint(), Some("ec2.us-east-1.amazonaws.com"));
}

#[tokio::test(start_paused = true)]
async fn what_a_service_made_cannot_be_taken_away_by_hand() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    aws.endpoint(&vpc, "sts", &subnet).await;
    let interfaces = aws.ec2.describe_network_interfaces().send().await.expect("listed");
    let id = interfaces.network_interfaces()[0].network_interface_id().expect("an id");
    let delete = aws.ec2.delete_network_interface().network_interface_id(id).send().await;
    assert_eq!(delete.map_err(code).expect_err("refused"), "InvalidParameterValue");
    let group = aws.group(&vpc, "g").await;
    let regroup = aws.ec2.modify_network_interface_attribute().network_interface_id(id).groups(&group).send().await;
    assert_eq!(regroup.map_err(code).expect_err("refused"), "AuthFailure");
}

#[tokio::test(start_paused = true)]
async fn a_route_to_a_gateway_that_was_detached_leads_into_a_black_hole() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let made = aws.ec2.create_internet_gateway().send().await.expect("made").internet_gateway;
    let gateway = made.and_then(|gateway| gateway.internet_gateway_id).expect("an id");
    aws.ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("attached");
    let table = aws.route_table(&vpc).await;
    let route = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    route.gateway_id(&gateway).send().await.expect("routed");
    let state = async || {
        let found = aws.ec2.describe_route_tables().route_table_ids(&table).send().await.expect("found");
        found.route_tables()[0].routes()[1].state().expect("a state").as_str().to_owned()
    };
    assert_eq!(state().await, "active");
    aws.ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send().await.expect("detached");
    assert_eq!(state().await, "blackhole");
}
