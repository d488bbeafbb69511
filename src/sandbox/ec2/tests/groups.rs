//! Security groups and their rules.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, PrefixListId, ResourceType, SecurityGroupRuleRequest, SecurityGroupRuleUpdate,
    UserIdGroupPair,
};

use super::{Aws, code, filter, tagged};

fn https_from(block: &str) -> IpPermission {
    https().ip_ranges(IpRange::builder().cidr_ip(block).build()).build()
}

fn https() -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443)
}

#[tokio::test(start_paused = true)]
async fn a_new_group_lets_everything_out_and_nothing_in() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let found = aws.ec2.describe_security_groups().group_ids(&group).send().await.expect("found");
    let found = &found.security_groups()[0];
    assert!(found.ip_permissions().is_empty());
    assert_eq!(found.ip_permissions_egress()[0].ip_protocol(), Some("-1"));
    let rules = aws.ec2.describe_security_group_rules().filters(filter("group-id", &group)).send().await;
    let rules = rules.expect("listed");
    assert_eq!(rules.security_group_rules()[0].cidr_ipv4(), Some("0.0.0.0/0"));
    let id = rules.security_group_rules()[0].security_group_rule_id().expect("an id");
    let revoke = || aws.ec2.revoke_security_group_egress().group_id(&group).security_group_rule_ids(id).send();
    revoke().await.expect("revoked");
    assert_eq!(revoke().await.map_err(code).expect_err("gone"), "InvalidSecurityGroupRuleId.NotFound");
}

#[tokio::test(start_paused = true)]
async fn names_are_unique_in_a_vpc_whatever_the_case() {
    let aws = Aws::new();
    let (vpc, elsewhere) = (aws.vpc().await, aws.vpc().await);
    aws.group(&vpc, "endpoints").await;
    aws.group(&elsewhere, "endpoints").await;
    let again = aws.ec2.create_security_group().vpc_id(&vpc).group_name("Endpoints").description("d").send().await;
    assert_eq!(again.map_err(code).expect_err("refused"), "InvalidGroup.Duplicate");
    let bad = aws.ec2.create_security_group().vpc_id(&vpc).group_name("sg-mine").description("d").send().await;
    assert_eq!(bad.map_err(code).expect_err("refused"), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_there_is_a_duplicate_even_with_another_description() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let authorize = |permission| {
        aws.ec2
            .authorize_security_group_ingress()
            .group_id(&group)
            .ip_permissions(permission)
            .tag_specifications(tagged(ResourceType::SecurityGroupRule, "owner", "me"))
            .send()
    };
    let made = authorize(https_from("10.0.0.9/16")).await.expect("made");
    assert_eq!(made.security_group_rules()[0].cidr_ipv4(), Some("10.0.0.0/16"), "host bits are cleared");
    assert_eq!(made.security_group_rules()[0].tags()[0].value(), Some("me"));
    let range = IpRange::builder().cidr_ip("10.0.0.0/16").description("other").build();
    let again = authorize(https().ip_ranges(range).build()).await;
    assert_eq!(again.map_err(code).expect_err("refused"), "InvalidPermission.Duplicate");
}

#[tokio::test(start_paused = true)]
async fn a_call_with_one_bad_rule_adds_none() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let authorize = |permissions: Vec<IpPermission>| {
        aws.ec2.authorize_security_group_ingress().group_id(&group).set_ip_permissions(Some(permissions)).send()
    };
    let bad = authorize(vec![https_from("10.0.0.0/16"), https_from("nonsense")]).await;
    assert_eq!(bad.map_err(code).expect_err("refused"), "InvalidParameterValue");
    authorize(vec![https_from("10.0.0.0/16")]).await.expect("nothing was added before");
}

#[tokio::test(start_paused = true)]
async fn revoking_what_is_not_there_is_an_error() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let revoke = aws.ec2.revoke_security_group_ingress().group_id(&group).ip_permissions(https_from("10.0.0.0/16"));
    assert_eq!(revoke.send().await.map_err(code).expect_err("refused"), "InvalidPermission.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_another_one_names_cannot_be_deleted() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let (endpoints, notebooks) = (aws.group(&vpc, "endpoints").await, aws.group(&vpc, "notebooks").await);
    let pair = UserIdGroupPair::builder().group_id(&notebooks).build();
    let permission = https().user_id_group_pairs(pair).build();
    let made = aws.ec2.authorize_security_group_ingress().group_id(&endpoints).ip_permissions(permission).send().await;
    let rule = made.expect("made").security_group_rules()[0].clone();
    assert_eq!(rule.referenced_group_info().and_then(|info| info.group_id()), Some(notebooks.as_str()));
    let delete = || aws.ec2.delete_security_group().group_id(&notebooks).send();
    assert_eq!(delete().await.map_err(code).expect_err("refused"), "DependencyViolation");
    let revoke = aws.ec2.revoke_security_group_ingress().group_id(&endpoints);
    revoke.security_group_rule_ids(rule.security_group_rule_id().expect("an id")).send().await.expect("revoked");
    delete().await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn the_default_group_stays_as_long_as_the_vpc() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let groups = aws.ec2.describe_security_groups().filters(filter("vpc-id", &vpc)).send().await.expect("listed");
    let id = groups.security_groups()[0].group_id().expect("an id");
    let delete = aws.ec2.delete_security_group().group_id(id).send().await;
    assert_eq!(delete.map_err(code).expect_err("refused"), "CannotDelete");
}

#[tokio::test(start_paused = true)]
async fn egress_can_be_limited_to_a_prefix_list() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let lists = aws.ec2.describe_prefix_lists().send().await.expect("listed");
    let list = lists.prefix_lists()[0].prefix_list_id().expect("an id");
    let authorize = |list: &str| {
        let permission = https().prefix_list_ids(PrefixListId::builder().prefix_list_id(list).build()).build();
        aws.ec2.authorize_security_group_egress().group_id(&group).ip_permissions(permission).send()
    };
    let made = authorize(list).await.expect("made");
    let rule = &made.security_group_rules()[0];
    assert_eq!((rule.is_egress(), rule.prefix_list_id()), (Some(true), Some(list)));
    assert_eq!(authorize("pl-00000000").await.map_err(code).expect_err("refused"), "InvalidPrefixListID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_rule_can_be_widened_in_place_and_keeps_its_id() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    let authorize = aws.ec2.authorize_security_group_ingress().group_id(&group);
    let made = authorize.ip_permissions(https_from("10.0.0.0/16")).send().await.expect("made");
    let id = made.security_group_rules()[0].security_group_rule_id().expect("an id");
    let wider = SecurityGroupRuleRequest::builder().ip_protocol("-1").cidr_ipv4("0.0.0.0/0").build();
    let update = SecurityGroupRuleUpdate::builder().security_group_rule_id(id).security_group_rule(wider).build();
    let modify = aws.ec2.modify_security_group_rules().group_id(&group).security_group_rules(update);
    modify.send().await.expect("changed");
    let rules = aws.ec2.describe_security_group_rules().security_group_rule_ids(id).send().await.expect("found");
    let rule = &rules.security_group_rules()[0];
    assert_eq!((rule.cidr_ipv4(), rule.ip_protocol()), (Some("0.0.0.0/0"), Some("-1")));
}

#[tokio::test(start_paused = true)]
async fn what_people_write_about_a_rule_is_short_and_plain() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let group = aws.group(&vpc, "g").await;
    for description in ["x".repeat(256), "für alle".to_owned()] {
        let range = IpRange::builder().cidr_ip("10.0.0.0/16").description(description).build();
        let rule = https().ip_ranges(range).build();
        let authorized = aws.ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(rule).send().await;
        assert_eq!(authorized.map_err(code).expect_err("refused"), "InvalidParameterValue");
    }
}
