//! Ids, filters and pages.

use aws_sdk_ec2::types::ResourceType;

use super::{Aws, code, filter, message, tagged};
use crate::sandbox::Settings;

fn roomy() -> Settings {
    let mut settings = Settings::default();
    settings.quotas.vpcs_per_region = 100;
    settings
}

#[tokio::test(start_paused = true)]
async fn pages_together_hold_everything_once() {
    let aws = Aws::with(roomy());
    for _ in 0..13 {
        aws.vpc().await;
    }
    let mut seen = Vec::new();
    let mut pages = aws.ec2.describe_vpcs().into_paginator().page_size(5).send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        sizes.push(page.vpcs().len());
        seen.extend(page.vpcs().iter().filter_map(|vpc| vpc.vpc_id().map(str::to_owned)));
    }
    assert_eq!(sizes, [5, 5, 3]);
    seen.dedup();
    assert_eq!(seen.len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_too_small_or_too_large_is_refused() {
    let aws = Aws::new();
    for size in [4, 1001] {
        let listed = aws.ec2.describe_vpcs().max_results(size).send().await;
        assert_eq!(listed.map_err(code).expect_err("refused"), "InvalidParameterValue");
    }
    aws.ec2.describe_vpc_endpoints().max_results(5000).send().await.expect("endpoints are cut down instead");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_filter_is_refused_and_wildcards_are_understood() {
    let aws = Aws::new();
    let vpc = aws.ec2.create_vpc().cidr_block("10.0.0.0/16");
    vpc.tag_specifications(tagged(ResourceType::Vpc, "owner", "team-a/env")).send().await.expect("made");
    let with = |name, value| aws.ec2.describe_vpcs().filters(filter(name, value)).send();
    let refused = with("vpc-name", "x").await.expect_err("refused");
    assert_eq!(message(&refused), "The filter 'vpc-name' is invalid");
    assert_eq!(code(refused), "InvalidParameterValue");
    assert_eq!(with("tag:owner", "team-a/*").await.expect("listed").vpcs().len(), 1);
    assert_eq!(with("tag:owner", "team-b/*").await.expect("listed").vpcs().len(), 0);
    assert_eq!(with("tag-key", "owner").await.expect("listed").vpcs().len(), 1);
    assert_eq!(with("cidr", "10.0.0.0/16").await.expect("listed").vpcs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_id_is_something_else_than_an_unknown_one() {
    let aws = Aws::new();
    let look = |id| aws.ec2.describe_vpcs().vpc_ids(id).send();
    assert_eq!(look("vpc-nonsense").await.map_err(code).expect_err("refused"), "InvalidVpcId.Malformed");
    let unknown = look("vpc-0123456789abcdef0").await.expect_err("refused");
    assert_eq!(message(&unknown), "The vpc ID 'vpc-0123456789abcdef0' does not exist");
    assert_eq!(code(unknown), "InvalidVpcID.NotFound");
    let group = aws.ec2.describe_security_groups().group_ids("sg-0123456789abcdef0").send().await;
    assert_eq!(group.map_err(code).expect_err("refused"), "InvalidGroup.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_that_it_would_have_worked_and_does_nothing() {
    let aws = Aws::new();
    let made = aws.ec2.create_vpc().cidr_block("10.0.0.0/16").dry_run(true).send().await;
    assert_eq!(made.map_err(code).expect_err("a dry run is an error"), "DryRunOperation");
    assert!(aws.ec2.describe_vpcs().send().await.expect("listed").vpcs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn services_say_where_they_are_and_whether_they_take_policies() {
    let mut settings = Settings::default();
    settings.service_zones.insert("sagemaker.api".into(), vec!['a', 'c']);
    settings.services_without_policy.push("logs".into());
    let aws = Aws::with(settings);
    let services = aws
        .ec2
        .describe_vpc_endpoint_services()
        .service_names("com.amazonaws.ap-northeast-1.sagemaker.api")
        .service_names("com.amazonaws.ap-northeast-1.logs")
        .service_names("aws.sagemaker.ap-northeast-1.notebook");
    let services = services.send().await.expect("listed");
    let detail = |end: &str| {
        let mut details = services.service_details().iter();
        details.find(|detail| detail.service_name().is_some_and(|name| name.ends_with(end))).expect("a service")
    };
    assert_eq!(detail("sagemaker.api").availability_zones(), ["ap-northeast-1a", "ap-northeast-1c"]);
    assert_eq!(detail("sagemaker.api").private_dns_name(), Some("api.sagemaker.ap-northeast-1.amazonaws.com"));
    assert_eq!(detail("logs").vpc_endpoint_policy_supported(), Some(false));
    assert_eq!(detail("notebook").vpc_endpoint_policy_supported(), Some(true));
    let seoul = super::client(&aws.simulator, super::ACCOUNT, "ap-northeast-2");
    let missing = seoul.describe_vpc_endpoint_services().service_names("com.amazonaws.ap-northeast-2.codeartifact.api");
    assert_eq!(missing.send().await.map_err(code).expect_err("refused"), "InvalidServiceName");
}

#[tokio::test(start_paused = true)]
async fn route_tables_come_in_pages_of_a_hundred() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    for _ in 0..100 {
        aws.route_table(&vpc).await;
    }
    let first = aws.ec2.describe_route_tables().send().await.expect("listed");
    assert_eq!(first.route_tables().len(), 100);
    let second = aws.ec2.describe_route_tables().set_next_token(first.next_token).send().await.expect("listed");
    assert_eq!(second.route_tables().len(), 1, "the main table makes it 101");
    assert!(second.next_token().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_what_would_be_refused_says_why_and_still_does_nothing() {
    let aws = Aws::new();
    let gone = aws.ec2.delete_vpc().vpc_id("vpc-0123456789abcdef0").dry_run(true).send().await;
    assert_eq!(gone.map_err(code).expect_err("refused"), "InvalidVpcID.NotFound");
    let vpc = aws.vpc().await;
    let deleted = aws.ec2.delete_vpc().vpc_id(&vpc).dry_run(true).send().await;
    assert_eq!(deleted.map_err(code).expect_err("only rehearsed"), "DryRunOperation");
    assert_eq!(aws.ec2.describe_vpcs().send().await.expect("listed").vpcs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_a_region_that_does_not_exist_there_is_nothing_to_list() {
    let aws = Aws::new();
    let nowhere = super::client(&aws.simulator, super::ACCOUNT, "atlantis-1");
    let refused = nowhere.describe_vpcs().send().await.expect_err("refused");
    assert!(message(&refused).contains("'atlantis-1'"), "{}", message(&refused));
    assert_eq!(code(refused), "AuthFailure");
    assert_eq!(aws.simulator.log()[0].region, "atlantis-1");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_none_is_refused() {
    let aws = Aws::new();
    let body = "Action=DescribeVpcs&Version=2016-11-15&MaxResults=many";
    let scope = "AWS4-HMAC-SHA256 Credential=111122223333/20261122/eu-west-1/ec2/aws4_request, Signature=x";
    let request =
        http::Request::post("/").header("authorization", scope).body(bytes::Bytes::from_static(body.as_bytes()));
    let answer = aws.simulator.handle(request.expect("a request")).await;
    assert_eq!(answer.status(), 400);
    assert!(String::from_utf8_lossy(answer.body()).contains("Value (many) for parameter maxResults is invalid."));
}
