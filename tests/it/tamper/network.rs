//! What somebody can do to VPCs, subnets, route tables and the rules of security groups.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, EgressOnlyInternetGateway, Filter, GatewayType, IpPermission, IpRange, ResourceType,
    SecurityGroupRule, SecurityGroupRuleRequest, SecurityGroupRuleUpdate, Tag, TagSpecification,
};

use super::table::{Row, Then, Thing, changed, missing, row, unexpected};
use crate::laws::person::Person;

fn flag(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

/// By the name that somebody gave it.
fn theirs(vpc: &str) -> [Filter; 2] {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    [filter("vpc-id", vpc), filter("tag:Name", "theirs")]
}

fn named(kind: ResourceType) -> TagSpecification {
    let name = Tag::builder().key("Name").value("theirs").build();
    TagSpecification::builder().resource_type(kind).tags(name).build()
}

/// Somebody else's subnet in the VPC, in a zone where none of ours is.
pub async fn their_subnet(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let there = person.ec2.describe_subnets().set_filters(Some(theirs(vpc).into())).send().await.expect("subnets");
    if let Some(id) = there.subnets().iter().find_map(|subnet| subnet.subnet_id()) {
        return id.to_owned();
    }
    let vpcs = person.ec2.describe_vpcs().vpc_ids(vpc).send().await.expect("the VPC").vpcs.unwrap_or_default();
    let block = vpcs[0].cidr_block().expect("a block");
    let block = format!("{}.99.0/24", block.split('.').take(2).collect::<Vec<_>>().join("."));
    let inside = Filter::builder().name("vpc-id").values(vpc).build();
    let ours = person.ec2.describe_subnets().filters(inside).send().await.expect("subnets").subnets.unwrap_or_default();
    let zones = person.ec2.describe_availability_zones().send().await.expect("zones");
    let zone = zones.availability_zones().iter().filter_map(|zone| zone.zone_name());
    let mut free = zone.filter(|zone| ours.iter().all(|subnet| subnet.availability_zone() != Some(zone)));
    let create =
        person.ec2.create_subnet().vpc_id(vpc).cidr_block(block).availability_zone(free.next().expect("a zone"));
    let created = create.tag_specifications(named(ResourceType::Subnet)).send().await.expect("a subnet").subnet;
    created.and_then(|subnet| subnet.subnet_id).expect("its id")
}

/// Somebody else's route table in the VPC.
pub async fn their_table(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let there = person.ec2.describe_route_tables().set_filters(Some(theirs(vpc).into())).send().await.expect("tables");
    if let Some(id) = there.route_tables().iter().find_map(|table| table.route_table_id()) {
        return id.to_owned();
    }
    let create = person.ec2.create_route_table().vpc_id(vpc).tag_specifications(named(ResourceType::RouteTable));
    let created = create.send().await.expect("a table").route_table;
    created.and_then(|table| table.route_table_id).expect("its id")
}

/// Somebody else's security group in the VPC.
pub async fn their_group(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let there = person.ec2.describe_security_groups().set_filters(Some(theirs(vpc).into())).send().await;
    if let Some(id) = there.expect("groups").security_groups().iter().find_map(|group| group.group_id()) {
        return id.to_owned();
    }
    let create = person.ec2.create_security_group().vpc_id(vpc).group_name("theirs").description("theirs");
    let create = create.tag_specifications(named(ResourceType::SecurityGroup));
    create.send().await.expect("a group").group_id.expect("its id")
}

/// Somebody else's way out of the VPC.
async fn their_gateway(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let attached = Filter::builder().name("attachment.vpc-id").values(vpc).build();
    let there = person.ec2.describe_internet_gateways().filters(attached).send().await.expect("gateways");
    if let Some(id) = there.internet_gateways().iter().find_map(|gateway| gateway.internet_gateway_id()) {
        return id.to_owned();
    }
    let created = person.ec2.create_internet_gateway().send().await.expect("a gateway").internet_gateway;
    let id = created.and_then(|gateway| gateway.internet_gateway_id).expect("its id");
    person.ec2.attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc).send().await.expect("attached");
    id
}

/// Somebody else's way out of the VPC for IPv6.
async fn their_egress_only_gateway(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let there = person.ec2.describe_egress_only_internet_gateways().send().await.expect("gateways");
    let mut there = there.egress_only_internet_gateways.unwrap_or_default().into_iter();
    let attached =
        |gateway: &EgressOnlyInternetGateway| gateway.attachments().iter().any(|it| it.vpc_id() == Some(vpc));
    if let Some(id) = there.find(attached).and_then(|gateway| gateway.egress_only_internet_gateway_id) {
        return id;
    }
    let created = person.ec2.create_egress_only_internet_gateway().vpc_id(vpc).send().await.expect("a gateway");
    created.egress_only_internet_gateway.and_then(|it| it.egress_only_internet_gateway_id).expect("its id")
}

/// Somebody else's way from the VPC to another site.
async fn their_vpn_gateway(person: &Person, thing: &Thing) -> String {
    let vpc = thing.neighbour("VPC/main");
    let attached = Filter::builder().name("attachment.vpc-id").values(vpc).build();
    let there = person.ec2.describe_vpn_gateways().filters(attached).send().await.expect("gateways");
    if let Some(id) = there.vpn_gateways().iter().find_map(|gateway| gateway.vpn_gateway_id()) {
        return id.to_owned();
    }
    let created = person.ec2.create_vpn_gateway().r#type(GatewayType::Ipsec1).send().await.expect("a gateway");
    let id = created.vpn_gateway.and_then(|gateway| gateway.vpn_gateway_id).expect("its id");
    person.ec2.attach_vpn_gateway().vpn_gateway_id(&id).vpc_id(vpc).send().await.expect("attached");
    id
}

// --- VPC and subnet -----------------------------------------------------------------------------------------------------------

/// VPCs.
pub fn vpc() -> Vec<Row> {
    vec![
        row(
            "enableDnsSupport",
            "name resolution is turned off",
            Then::Corrected(&["ModifyVpcAttribute"]),
            |person, thing| {
                Box::pin(async move {
                    let modify = person.ec2.modify_vpc_attribute().vpc_id(thing.id()).enable_dns_support(flag(false));
                    modify.send().await.expect("modified");
                    vec![changed("enableDnsSupport")]
                })
            },
        ),
        row(
            "enableDnsHostnames",
            "host names are turned off",
            Then::Corrected(&["ModifyVpcAttribute"]),
            |person, thing| {
                Box::pin(async move {
                    let modify = person.ec2.modify_vpc_attribute().vpc_id(thing.id()).enable_dns_hostnames(flag(false));
                    modify.send().await.expect("modified");
                    vec![changed("enableDnsHostnames")]
                })
            },
        ),
    ]
}

/// Subnets.
pub fn subnet() -> Vec<Row> {
    let then = Then::Corrected(&["ModifySubnetAttribute"]);
    vec![row("mapPublicIpOnLaunch", "public addresses are given out", then, |person, thing| {
        Box::pin(async move {
            let modify = person.ec2.modify_subnet_attribute().subnet_id(thing.id()).map_public_ip_on_launch(flag(true));
            modify.send().await.expect("modified");
            vec![changed("mapPublicIpOnLaunch")]
        })
    })]
}

// --- route table --------------------------------------------------------------------------------------------------------------

/// Route tables.
pub fn route_table() -> Vec<Row> {
    vec![
        row("routes", "a way out is opened", Then::Corrected(&["DeleteRoute"]), |person, thing| {
            Box::pin(async move {
                let gateway = their_gateway(person, thing).await;
                let create = person.ec2.create_route().route_table_id(thing.id()).destination_cidr_block("0.0.0.0/0");
                create.gateway_id(&gateway).send().await.expect("a route");
                vec![unexpected(format!("routes[0.0.0.0/0 via {gateway}]"))]
            })
        }),
        row("routes", "a way out is opened for IPv6", Then::Corrected(&["DeleteRoute"]), |person, thing| {
            Box::pin(async move {
                let gateway = their_egress_only_gateway(person, thing).await;
                let create = person.ec2.create_route().route_table_id(thing.id()).destination_ipv6_cidr_block("::/0");
                create.egress_only_internet_gateway_id(&gateway).send().await.expect("a route");
                vec![unexpected(format!("routes[::/0 via {gateway}]"))]
            })
        }),
        row(
            "routes",
            "another site may announce routes",
            Then::Corrected(&["DisableVgwRoutePropagation"]),
            |person, thing| {
                Box::pin(async move {
                    let gateway = their_vpn_gateway(person, thing).await;
                    let enable = person.ec2.enable_vgw_route_propagation().route_table_id(thing.id());
                    enable.gateway_id(&gateway).send().await.expect("enabled");
                    vec![unexpected(format!("routes[propagation from {gateway}]"))]
                })
            },
        ),
        row(
            "associations",
            "a subnet is put back to the main table",
            Then::Corrected(&["AssociateRouteTable"]),
            |person, thing| {
                Box::pin(async move {
                    let (subnet, association) = association(person, thing).await;
                    let disassociate = person.ec2.disassociate_route_table().association_id(association);
                    disassociate.send().await.expect("disassociated");
                    vec![missing(format!("associations[{subnet}]"))]
                })
            },
        ),
        row(
            "associations",
            "a subnet is put to another table",
            Then::Corrected(&["ReplaceRouteTableAssociation"]),
            |person, thing| {
                Box::pin(async move {
                    let (subnet, association) = association(person, thing).await;
                    let table = their_table(person, thing).await;
                    let replace = person.ec2.replace_route_table_association().association_id(association);
                    replace.route_table_id(table).send().await.expect("replaced");
                    vec![missing(format!("associations[{subnet}]"))]
                })
            },
        ),
        row(
            "associations",
            "somebody else's subnet uses it",
            Then::Corrected(&["DisassociateRouteTable"]),
            |person, thing| {
                Box::pin(async move {
                    let subnet = their_subnet(person, thing).await;
                    let associate = person.ec2.associate_route_table().route_table_id(thing.id()).subnet_id(&subnet);
                    associate.send().await.expect("associated");
                    vec![unexpected(format!("associations[{subnet}]"))]
                })
            },
        ),
    ]
}

async fn association(person: &Person, thing: &Thing) -> (String, String) {
    person.associations(thing.id()).await.into_iter().next().expect("an association")
}

// --- rules --------------------------------------------------------------------------------------------------------------------

/// The rules of security groups.
pub fn rules() -> Vec<Row> {
    vec![
        row("ingress", "somebody is let in", Then::Corrected(&["RevokeSecurityGroupIngress"]), |person, thing| {
            Box::pin(async move {
                let authorize = person.ec2.authorize_security_group_ingress().group_id(thing.id());
                authorize.ip_permissions(ssh()).send().await.expect("a rule");
                vec![unexpected("ingress[tcp 22 from 0.0.0.0/0]")]
            })
        }),
        row("egress", "somebody is let out", Then::Corrected(&["RevokeSecurityGroupEgress"]), |person, thing| {
            Box::pin(async move {
                let authorize = person.ec2.authorize_security_group_egress().group_id(thing.id());
                authorize.ip_permissions(ssh()).send().await.expect("a rule");
                vec![unexpected("egress[tcp 22 to 0.0.0.0/0]")]
            })
        }),
        row(
            "ingress",
            "all rules are taken away",
            Then::Corrected(&["AuthorizeSecurityGroupIngress"]),
            |person, thing| Box::pin(all_taken_away(person, thing, "ingress")),
        )
        .when(|thing| !thing.texts("ingress").is_empty()),
        row(
            "egress",
            "all rules are taken away",
            Then::Corrected(&["AuthorizeSecurityGroupEgress"]),
            |person, thing| Box::pin(all_taken_away(person, thing, "egress")),
        )
        .when(|thing| !thing.texts("egress").is_empty()),
        row(
            "ingress",
            "a rule is widened to all ports",
            Then::Corrected(&["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]),
            |person, thing| Box::pin(widened(person, thing, "ingress")),
        )
        .when(|thing| !thing.texts("ingress").is_empty()),
        row(
            "egress",
            "a rule is widened to all ports",
            Then::Corrected(&["AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress"]),
            |person, thing| Box::pin(widened(person, thing, "egress")),
        )
        .when(|thing| !thing.texts("egress").is_empty()),
    ]
}

fn ssh() -> IpPermission {
    let anybody = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(anybody).build()
}

async fn of_direction(person: &Person, thing: &Thing, direction: &str) -> Vec<SecurityGroupRule> {
    let mut rules = person.rules(thing.id()).await;
    rules.retain(|rule| rule.is_egress == Some(direction == "egress"));
    rules
}

async fn all_taken_away(person: &Person, thing: &Thing, direction: &str) -> Vec<super::table::Told> {
    let rules = of_direction(person, thing, direction).await;
    let ids = Some(rules.into_iter().filter_map(|rule| rule.security_group_rule_id).collect());
    if direction == "egress" {
        let revoke = person.ec2.revoke_security_group_egress().group_id(thing.id());
        revoke.set_security_group_rule_ids(ids).send().await.expect("revoked");
    } else {
        let revoke = person.ec2.revoke_security_group_ingress().group_id(thing.id());
        revoke.set_security_group_rule_ids(ids).send().await.expect("revoked");
    }
    thing.texts(direction).into_iter().map(|rule| missing(format!("{direction}[{rule}]"))).collect()
}

async fn widened(person: &Person, thing: &Thing, direction: &str) -> Vec<super::table::Told> {
    let rule = of_direction(person, thing, direction).await.into_iter().next().expect("a rule");
    let group = rule.referenced_group_info.and_then(|group| group.group_id);
    let peer = rule.cidr_ipv4.clone().or(rule.prefix_list_id.clone()).or(group.clone()).expect("the other end");
    let wide = SecurityGroupRuleRequest::builder().ip_protocol("tcp").from_port(1).to_port(65535);
    let wide =
        wide.set_cidr_ipv4(rule.cidr_ipv4).set_prefix_list_id(rule.prefix_list_id).set_referenced_group_id(group);
    let update = SecurityGroupRuleUpdate::builder().security_group_rule(wide.build());
    let update = update.set_security_group_rule_id(rule.security_group_rule_id).build();
    let modify = person.ec2.modify_security_group_rules().group_id(thing.id()).security_group_rules(update);
    modify.send().await.expect("modified");
    let side = if direction == "egress" { "to" } else { "from" };
    vec![
        missing(format!("{direction}[tcp 443 {side} {peer}]")),
        unexpected(format!("{direction}[tcp 1-65535 {side} {peer}]")),
    ]
}
