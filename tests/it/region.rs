//! What a region does not have, or does not let us see.

use std::time::Duration;

use aws_sdk_ec2::types::{Filter, IpPermission};
use cloister::{
    kubernetes::api::environment::{Endpoint, EndpointService},
    sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
        world::Delays,
    },
};

use crate::{
    hands::stalled,
    world::{Tenant, World, assert_ready},
};

const REGION: &str = "ap-northeast-1";

#[tokio::test(start_paused = true)]
async fn a_service_that_the_region_does_not_have_is_named_and_hides_nothing_of_the_others() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    // STS can be had in one zone only: whoever does not know the zones puts the subnet into another one.
    world.simulator.with_world(|world| {
        world.settings.service_zones.insert("sts".into(), vec!['c']);
        world.settings.services_not_offered.push("kms".into());
    });
    let mut tenant = Tenant::of("closed-network.yaml", |object| {
        object.spec.network.subnets[0].availability_zone = None;
        object.spec.network.endpoints.push(Endpoint {
            service: EndpointService::Kms,
            id: None,
            external: None,
            policy: None,
            subnets: Vec::new(),
            private_dns: None,
        });
    });
    for _ in 0..100 {
        world.visit(&mut tenant).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let visit = world.check(&mut tenant).await;
    let why = stalled(&visit.report);
    assert!(why.starts_with("ServiceNotOffered "), "{why}");
    for word in ["com.amazonaws.ap-northeast-1.kms", REGION, "spec.network.endpoints"] {
        assert!(why.contains(word), "{word} is not in: {why}");
    }
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk(REGION).await);
    let subnets = ec2.describe_subnets().send().await.expect("a list");
    assert_eq!(subnets.subnets()[0].availability_zone(), Some("ap-northeast-1c"), "the zones are known all the same");
    let endpoints = world.calls().into_iter().filter(|entry| entry.operation.contains("VpcEndpoint"));
    let refused: Vec<String> = endpoints.filter_map(|entry| entry.code).collect();
    assert_eq!(refused, Vec::<String>::new(), "nothing is asked that AWS refuses");
    tenant.edit(|object| object.spec.network.endpoints.clear());
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn a_new_group_is_closed_also_while_the_address_of_s3_is_not_known() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let faults = world.simulator.faults();
    faults.add(Fault::on(Service::Ec2, "DescribePrefixLists", Occurrence::All, Kind::ServerError(500)));
    let mut tenant = Tenant::of("closed-network.yaml", |_| {});
    for _ in 0..20 {
        world.visit(&mut tenant).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(open_groups(&world).await, Vec::<String>::new());
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk(REGION).await);
    let out = Filter::builder().name("tag:cloister.dev/resource").values("SecurityGroupRules/notebooks").build();
    let rules = ec2.describe_security_group_rules().filters(out).send().await.expect("rules");
    assert!(rules.security_group_rules().iter().any(|rule| rule.is_egress() == Some(true)), "what is known is let out");

    // A crash may have left a group as AWS makes it.
    let group = tenant.remembered.iter().find(|(address, _)| address.to_string() == "SecurityGroup/notebooks");
    let group = group.map(|(_, id)| id.clone()).expect("a group");
    let anywhere = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let all = IpPermission::builder().ip_protocol("-1").ip_ranges(anywhere).build();
    ec2.authorize_security_group_egress().group_id(&group).ip_permissions(all).send().await.expect("opened");
    assert_eq!(open_groups(&world).await, [group]);
    world.check(&mut tenant).await;
    assert_eq!(open_groups(&world).await, Vec::<String>::new());

    faults.clear();
    assert_ready(&world.settle(&mut tenant).await.report);
}

/// The groups besides the default ones that let everything out.
async fn open_groups(world: &World) -> Vec<String> {
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk(REGION).await);
    let groups = ec2.describe_security_groups().send().await.expect("groups").security_groups.unwrap_or_default();
    let open = groups.into_iter().filter(|group| group.group_name() != Some("default")).filter(|group| {
        let ranges = group.ip_permissions_egress().iter().flat_map(IpPermission::ip_ranges);
        ranges.into_iter().any(|range| range.cidr_ip() == Some("0.0.0.0/0"))
    });
    open.filter_map(|group| group.group_id).collect()
}
