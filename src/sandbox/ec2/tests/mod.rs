//! EC2 as the real SDK sees it: every test has a simulated AWS of its own and virtual time.

mod endpoints;
mod groups;
mod lists;
mod network;
mod strangers;
mod trouble;
mod ways_out;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, VpcEndpointType};

use crate::sandbox::clock::TokioClock;
use crate::sandbox::in_process::InProcess;
use crate::sandbox::{Delays, Settings, Simulator};

const REGION: &str = "ap-northeast-1";
const ACCOUNT: &str = "111122223333";

struct Aws {
    simulator: Arc<Simulator>,
    ec2: Client,
}

impl Aws {
    fn new() -> Self {
        Self::with(Settings::with_delays(Delays::real()))
    }

    fn with(settings: Settings) -> Self {
        let simulator = Simulator::new(settings, Arc::new(TokioClock::default()));
        let ec2 = client(&simulator, ACCOUNT, REGION);
        Self { simulator, ec2 }
    }

    async fn vpc(&self) -> String {
        let vpc = self.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.expect("a VPC").vpc;
        vpc.and_then(|vpc| vpc.vpc_id).expect("an id")
    }

    /// A VPC in which private DNS works.
    async fn vpc_with_names(&self) -> String {
        let vpc = self.vpc().await;
        let on = || aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true).build();
        self.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on()).send().await.expect("changed");
        vpc
    }

    async fn subnet(&self, vpc: &str, block: &str, zone: &str) -> String {
        let create = self.ec2.create_subnet().vpc_id(vpc).cidr_block(block);
        let subnet = create.availability_zone(format!("{REGION}{zone}")).send().await.expect("a subnet").subnet;
        subnet.and_then(|subnet| subnet.subnet_id).expect("an id")
    }

    async fn group(&self, vpc: &str, name: &str) -> String {
        let create = self.ec2.create_security_group().vpc_id(vpc).group_name(name).description("of a test");
        create.send().await.expect("a group").group_id.expect("an id")
    }

    async fn route_table(&self, vpc: &str) -> String {
        let table = self.ec2.create_route_table().vpc_id(vpc).send().await.expect("a route table").route_table;
        table.and_then(|table| table.route_table_id).expect("an id")
    }

    fn interface_endpoint(
        &self,
        vpc: &str,
        service: &str,
        subnet: &str,
    ) -> aws_sdk_ec2::operation::create_vpc_endpoint::builders::CreateVpcEndpointFluentBuilder {
        self.ec2
            .create_vpc_endpoint()
            .vpc_id(vpc)
            .vpc_endpoint_type(VpcEndpointType::Interface)
            .service_name(format!("com.amazonaws.{REGION}.{service}"))
            .subnet_ids(subnet)
            .private_dns_enabled(true)
    }

    async fn endpoint(&self, vpc: &str, service: &str, subnet: &str) -> String {
        let made = self.interface_endpoint(vpc, service, subnet).send().await.expect("an endpoint");
        made.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id).expect("an id")
    }

    async fn endpoint_state(&self, id: &str) -> Result<String, String> {
        let found = self.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await.map_err(code)?;
        let state = found.vpc_endpoints.and_then(|all| all.into_iter().next()).and_then(|one| one.state);
        Ok(state.expect("a state").as_str().to_owned())
    }
}

fn client(simulator: &Arc<Simulator>, account: &str, region: &str) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(account, "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(InProcess::shared(simulator.clone()))
        .build();
    Client::from_conf(config)
}

/// The error code of a failed call.
#[expect(clippy::needless_pass_by_value, reason = "stands in map_err, which gives it away")]
fn code<E, R>(error: SdkError<E, R>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata + std::fmt::Debug,
{
    error.code().map_or_else(|| format!("{error:?}"), str::to_owned)
}

fn message<E, R>(error: &SdkError<E, R>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    error.message().unwrap_or_default().to_owned()
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn tagged(kind: ResourceType, key: &str, value: &str) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).tags(tag(key, value)).build()
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}
