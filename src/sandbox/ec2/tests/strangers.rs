//! What callers ask for who are not the controller.

use aws_sdk_ec2::types::{IpAddressType, SubnetConfiguration, Tenancy};

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_about_a_network_is_refused_and_not_left_out() {
    let aws = Aws::new();
    let create = || aws.ec2.create_vpc().cidr_block("10.0.0.0/16");
    let with_ipv6 = create().amazon_provided_ipv6_cidr_block(true).send().await;
    assert_eq!(with_ipv6.map_err(code).err().as_deref(), Some("UnsupportedOperation"));
    let odd = create().instance_tenancy(Tenancy::from("rented")).send().await;
    assert_eq!(odd.map_err(code).err().as_deref(), Some("InvalidParameterValue"));
    let vpc = aws.vpc().await;
    let subnet = aws.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.1.0/24").ipv6_cidr_block("2001:db8::/64");
    assert_eq!(subnet.send().await.map_err(code).err().as_deref(), Some("UnsupportedOperation"));
}

#[tokio::test(start_paused = true)]
async fn tags_are_found_by_key_and_value() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let create = aws.ec2.create_tags().resources(&vpc).tags(tag("owner", "me")).tags(tag("other", "me"));
    create.send().await.expect("tagged");
    let keys = |name: &'static str, value: &'static str| {
        let list = aws.ec2.describe_tags().filters(filter(name, value));
        async move {
            let tags = list.send().await.expect("a list").tags.unwrap_or_default();
            tags.into_iter().filter_map(|tag| tag.key).collect::<Vec<_>>()
        }
    };
    assert_eq!(keys("tag:owner", "m*").await, ["owner"]);
    assert_eq!(keys("tag:owner", "you").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn reserved_keys_and_keys_that_come_twice_are_refused() {
    let aws = Aws::new();
    let vpc = aws.vpc().await;
    let twice = aws.ec2.create_tags().resources(&vpc).tags(tag("a", "1")).tags(tag("a", "2")).send().await;
    assert_eq!(twice.map_err(code).err().as_deref(), Some("InvalidParameterValue"));
    let reserved = aws.ec2.delete_tags().resources(&vpc).tags(tag("aws:a", "1")).send().await;
    assert_eq!(reserved.map_err(code).err().as_deref(), Some("InvalidParameterValue"));
}

#[tokio::test(start_paused = true)]
async fn another_address_of_an_endpoint_is_another_interface() {
    let aws = Aws::new();
    let vpc = aws.vpc_with_names().await;
    let subnet = aws.subnet(&vpc, "10.0.1.0/24", "a").await;
    let id = aws.endpoint(&vpc, "sts", &subnet).await;
    pass(120).await;
    let modify = || aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&id);
    let dual = modify().ip_address_type(IpAddressType::Dualstack).send().await;
    assert_eq!(dual.map_err(code).err().as_deref(), Some("InvalidParameter"));
    let at = |address: &str| SubnetConfiguration::builder().subnet_id(&subnet).ipv4(address).build();
    let outside = modify().subnet_configurations(at("10.0.2.9")).send().await;
    assert_eq!(outside.map_err(code).err().as_deref(), Some("InvalidParameter"));
    modify().subnet_configurations(at("10.0.1.77")).send().await.expect("changed");
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("pending"));
    pass(60).await;
    assert_eq!(aws.endpoint_state(&id).await.as_deref(), Ok("available"));
    let interfaces = aws.ec2.describe_network_interfaces().filters(filter("subnet-id", &subnet)).send().await;
    let interfaces = interfaces.expect("a list").network_interfaces.unwrap_or_default();
    let addresses: Vec<_> = interfaces.iter().filter_map(|interface| interface.private_ip_address.as_deref()).collect();
    assert_eq!(addresses, ["10.0.1.77"]);
}

#[tokio::test(start_paused = true)]
async fn regions_to_opt_in_to_are_listed_with_the_others() {
    let aws = Aws::new();
    let milan = aws.ec2.describe_regions().region_names("eu-south-1").send().await.expect("known");
    let status = milan.regions.and_then(|all| all.into_iter().next()).and_then(|one| one.opt_in_status);
    assert_eq!(status.as_deref(), Some("opted-in"));
}

#[tokio::test(start_paused = true)]
async fn validated_cryptography_is_offered_where_there_is_some() {
    let aws = Aws::new();
    let policy_for = |region: &'static str| {
        let ec2 = client(&aws.simulator, ACCOUNT, region);
        async move {
            let name = format!("com.amazonaws.{region}.sagemaker.runtime-fips");
            let found = ec2.describe_vpc_endpoint_services().service_names(name).send().await.map_err(code)?;
            let detail = found.service_details.and_then(|all| all.into_iter().next());
            Ok::<_, String>(detail.and_then(|detail| detail.vpc_endpoint_policy_supported))
        }
    };
    assert_eq!(policy_for("us-east-1").await, Ok(Some(false)));
    assert_eq!(policy_for("eu-west-1").await, Err("InvalidServiceName".into()));
}
