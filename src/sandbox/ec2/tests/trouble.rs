//! Faults, rates and late visibility, as the SDK meets them.

use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::SdkError;

use super::{Aws, code, pass};
use crate::sandbox::faults::{Fault, Kind, Occurrence};
use crate::sandbox::wire::Service;
use crate::sandbox::{Delays, Settings};

fn fault(aws: &Aws, operation: &str, occurrence: Occurrence, kind: Kind) {
    aws.simulator.faults().add(Fault::on(Service::Ec2, operation, occurrence, kind));
}

async fn count(aws: &Aws) -> usize {
    aws.ec2.describe_vpcs().send().await.expect("listed").vpcs().len()
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_a_broken_connection_after_the_effect() {
    let aws = Aws::new();
    fault(&aws, "CreateVpc", Occurrence::Nth(1), Kind::LostReply);
    let lost = aws.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.expect_err("no answer");
    assert!(matches!(lost, SdkError::DispatchFailure(_)), "{lost:?}");
    assert_eq!(count(&aws).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_has_no_effect_and_the_sdk_repeats_it() {
    let aws = Aws::new();
    fault(&aws, "CreateVpc", Occurrence::First(2), Kind::Throttle);
    let create = || aws.ec2.create_vpc().cidr_block("10.0.0.0/16");
    assert_eq!(create().send().await.map_err(code).expect_err("refused"), "RequestLimitExceeded");
    assert_eq!(count(&aws).await, 0);
    let patient = aws_sdk_ec2::Config::builder().retry_config(RetryConfig::standard());
    create().customize().config_override(patient).send().await.expect("repeated");
    let codes: Vec<_> = aws.simulator.log().into_iter().filter(|entry| entry.write).map(|entry| entry.code).collect();
    let throttled = Some("RequestLimitExceeded".to_owned());
    assert_eq!(codes, [throttled.clone(), throttled, None]);
}

#[tokio::test(start_paused = true)]
async fn a_server_error_has_no_effect() {
    let aws = Aws::new();
    fault(&aws, "CreateVpc", Occurrence::All, Kind::ServerError(500));
    let refused = aws.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.expect_err("refused");
    assert_eq!(refused.raw_response().map(|response| response.status().as_u16()), Some(500));
    aws.simulator.faults().clear();
    assert_eq!(count(&aws).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_never_answers() {
    let aws = Aws::new();
    fault(&aws, "DescribeVpcs", Occurrence::Nth(1), Kind::Hang);
    let hour = Duration::from_hours(1);
    assert!(tokio::time::timeout(hour, aws.ec2.describe_vpcs().send()).await.is_err());
    assert_eq!(count(&aws).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_the_world_before_the_last_change() {
    let aws = Aws::new();
    fault(&aws, "DescribeVpcs", Occurrence::Nth(1), Kind::StaleRead);
    aws.vpc().await;
    assert_eq!(count(&aws).await, 0);
    assert_eq!(count(&aws).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_just_created_may_not_be_found_by_the_next_call() {
    let aws = Aws::new();
    fault(&aws, "CreateSubnet", Occurrence::Nth(1), Kind::NotFoundAfterCreate);
    let vpc = aws.vpc().await;
    let create = || aws.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.1.0/24").send();
    assert_eq!(create().await.map_err(code).expect_err("not yet"), "InvalidVpcID.NotFound");
    create().await.expect("now");
    assert_eq!(aws.ec2.describe_subnets().send().await.expect("listed").subnets().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_a_visibility_window_everything_new_is_found_late() {
    let delays = Delays { visibility: Duration::from_secs(3), ..Delays::none() };
    let aws = Aws::with(Settings::with_delays(delays));
    let vpc = aws.vpc().await;
    assert_eq!(count(&aws).await, 0);
    let look = || aws.ec2.describe_vpcs().vpc_ids(&vpc).send();
    assert_eq!(look().await.map_err(code).expect_err("not yet"), "InvalidVpcID.NotFound");
    pass(3).await;
    assert_eq!(look().await.expect("found").vpcs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_described_late_and_can_be_worked_with_at_once() {
    let aws = Aws::with(Settings::with_delays(Delays::none().lagging()));
    let vpc = aws.vpc().await;
    let look = || aws.ec2.describe_vpcs().vpc_ids(&vpc).send();
    assert_eq!(look().await.map_err(code).expect_err("not yet"), "InvalidVpcID.NotFound");
    assert_eq!(count(&aws).await, 0);
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    pass(1).await;
    assert_eq!(look().await.expect("found").vpcs().len(), 1);
    let subnets = aws.ec2.describe_subnets().subnet_ids(&subnet).send().await.expect("found");
    assert_eq!(subnets.subnets().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn four_endpoint_calls_use_up_the_bucket_and_it_refills_slowly() {
    let aws = Aws::with(Settings { enforce_throttle: true, ..Settings::default() });
    let vpc = aws.vpc().await;
    let service = format!("com.amazonaws.{}.s3", super::REGION);
    let create = || aws.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(&service).send();
    for _ in 0..4 {
        create().await.expect("within the burst");
    }
    assert_eq!(create().await.map_err(code).expect_err("empty"), "RequestLimitExceeded");
    pass(3).await;
    assert_eq!(create().await.map_err(code).expect_err("0.9 of a token"), "RequestLimitExceeded");
    pass(1).await;
    create().await.expect("refilled");
}

#[tokio::test(start_paused = true)]
async fn the_log_knows_who_asked_for_what_and_how_it_ended() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    aws.ec2.delete_subnet().subnet_id("subnet-0123456789abcdef0").send().await.expect_err("refused");
    let log = aws.simulator.log();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].operation.as_str(), log[0].status, log[0].write), ("CreateVpc", 200, true));
    assert_eq!(log[0].caller_arn, format!("arn:aws:iam::{}:root", super::ACCOUNT));
    assert_eq!(log[1].code.as_deref(), Some("InvalidSubnetID.NotFound"));
    assert!(vpc.starts_with("vpc-"));
    aws.simulator.clear_log();
    assert!(aws.simulator.log().is_empty());
}
