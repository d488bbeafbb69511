//! Holes that somebody opens in the network, and obstacles that somebody puts into it: named within one check, and left alone where they are not ours.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, ConnectivityType, Filter, GatewayType, IpPermission, IpRange, NewDhcpConfiguration,
    PortRange, RuleAction,
};
use cloister::{
    kubernetes::api::IsolatedNotebookEnvironment,
    model::{
        address::{Address, Kind},
        controls::Judgement,
        diff::DriftKind,
        plan::Action,
        report::{Fact, conditions},
        resource::Severity,
    },
    sandbox::world::Delays,
};

use crate::world::{Tenant, Visit, World, assert_ready, second_subnet, truth};

/// Somebody with administrator's rights on the network.
struct Person {
    ec2: aws_sdk_ec2::Client,
}

impl Person {
    async fn in_region(world: &World, region: &str) -> Self {
        Self { ec2: aws_sdk_ec2::Client::new(&world.sdk(region).await) }
    }

    async fn internet_gateway(&self, vpc: &str) -> String {
        let created = self.ec2.create_internet_gateway().send().await.unwrap();
        let id = created.internet_gateway.and_then(|gateway| gateway.internet_gateway_id).unwrap();
        self.ec2.attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc).send().await.unwrap();
        id
    }

    async fn nat_gateway(&self, subnet: &str) -> String {
        let create = self.ec2.create_nat_gateway().subnet_id(subnet).connectivity_type(ConnectivityType::Private);
        create.send().await.unwrap().nat_gateway.and_then(|gateway| gateway.nat_gateway_id).unwrap()
    }

    async fn egress_only_gateway(&self, vpc: &str) -> String {
        let created = self.ec2.create_egress_only_internet_gateway().vpc_id(vpc).send().await.unwrap();
        created.egress_only_internet_gateway.and_then(|gateway| gateway.egress_only_internet_gateway_id).unwrap()
    }

    async fn other_vpc(&self) -> String {
        let created = self.ec2.create_vpc().cidr_block("10.9.0.0/16").send().await.unwrap();
        created.vpc.and_then(|vpc| vpc.vpc_id).unwrap()
    }

    async fn peering(&self, asks: &str, is_asked: &str) -> String {
        let create = self.ec2.create_vpc_peering_connection().vpc_id(asks).peer_vpc_id(is_asked);
        let created = create.send().await.unwrap().vpc_peering_connection;
        created.and_then(|peering| peering.vpc_peering_connection_id).unwrap()
    }

    async fn transit_gateway_attachment(&self, vpc: &str, subnet: &str) -> String {
        let create = self.ec2.create_transit_gateway_vpc_attachment().transit_gateway_id("tgw-0123456789abcdef0");
        let created = create.vpc_id(vpc).subnet_ids(subnet).send().await.unwrap().transit_gateway_vpc_attachment;
        created.and_then(|attachment| attachment.transit_gateway_attachment_id).unwrap()
    }

    async fn vpn_gateway(&self, vpc: &str) -> String {
        let created = self.ec2.create_vpn_gateway().r#type(GatewayType::Ipsec1).send().await.unwrap();
        let id = created.vpn_gateway.and_then(|gateway| gateway.vpn_gateway_id).unwrap();
        self.ec2.attach_vpn_gateway().vpn_gateway_id(&id).vpc_id(vpc).send().await.unwrap();
        id
    }

    /// The table that comes with a VPC.
    async fn main_table(&self, vpc: &str) -> String {
        let filters = [("vpc-id", vpc), ("association.main", "true")].map(|(name, value)| filter(name, value));
        let tables = self.ec2.describe_route_tables().set_filters(Some(filters.to_vec())).send().await.unwrap();
        tables.route_tables.unwrap_or_default().into_iter().find_map(|table| table.route_table_id).unwrap()
    }

    async fn acl(&self, vpc: &str) -> String {
        let acls = self.ec2.describe_network_acls().filters(filter("vpc-id", vpc)).send().await.unwrap();
        acls.network_acls.unwrap_or_default().into_iter().find_map(|acl| acl.network_acl_id).unwrap()
    }

    async fn deny(&self, acl: &str, egress: bool, ports: (i32, i32), block: &str) {
        let range = PortRange::builder().from(ports.0).to(ports.1).build();
        let entry = self.ec2.create_network_acl_entry().network_acl_id(acl).rule_number(50).egress(egress);
        let entry = entry.protocol("6").port_range(range).cidr_block(block).rule_action(RuleAction::Deny);
        entry.send().await.unwrap();
    }

    async fn allow_again(&self, acl: &str, egress: bool) {
        let delete = self.ec2.delete_network_acl_entry().network_acl_id(acl).rule_number(50).egress(egress);
        delete.send().await.unwrap();
    }

    async fn endpoint(&self, vpc: &str, service: &str) -> String {
        let endpoints = self.ec2.describe_vpc_endpoints().filters(filter("vpc-id", vpc)).send().await.unwrap();
        let of_service = |endpoint: &aws_sdk_ec2::types::VpcEndpoint| {
            endpoint.service_name.as_ref().is_some_and(|name| name.ends_with(service))
        };
        let found = endpoints.vpc_endpoints.unwrap_or_default().into_iter().find(of_service);
        found.and_then(|endpoint| endpoint.vpc_endpoint_id).unwrap()
    }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Scenario A, made, quiet and past its first check.
async fn closed_network(change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> (World, Tenant, Person) {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let person = Person::in_region(&world, "ap-northeast-1").await;
    let mut tenant = Tenant::of("closed-network.yaml", change);
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_ready(&world.check(&mut tenant).await.report);
    world.simulator.clear_log();
    (world, tenant, person)
}

/// Scenario C, the same.
async fn isolated_notebook() -> (World, Tenant, Person) {
    let world = World::new(Delays::real());
    let person = Person::in_region(&world, "us-east-1").await;
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_ready(&world.check(&mut tenant).await.report);
    world.simulator.clear_log();
    (world, tenant, person)
}

fn id(tenant: &Tenant, kind: Kind, name: &str) -> String {
    tenant.remembered[&Address::new(kind, name)].clone()
}

fn fact<'a>(visit: &'a Visit, name: &str) -> &'a Fact {
    visit.report.fact(name).unwrap()
}

/// The condition is False for this reason, and its message has all these words.
#[track_caller]
fn assert_false(visit: &Visit, name: &str, reason: &str, words: &[&str]) {
    let fact = fact(visit, name);
    assert_eq!((fact.truth.as_str(), fact.reason.as_str()), ("False", reason), "{}", fact.message);
    for word in words {
        assert!(fact.message.contains(word), "{word} is not in: {}", fact.message);
    }
}

#[track_caller]
fn assert_isolated(visit: &Visit) {
    truth(&visit.report, conditions::ISOLATED).unwrap();
}

/// What stands in the VPC of ours is reported, in the first place, and nothing was written.
#[track_caller]
fn assert_reported(world: &World, visit: &Visit, path: &str) {
    let found = visit.report.drift.iter().find(|drift| drift.path == path);
    let drift = found.unwrap_or_else(|| panic!("{path} is not among {:?}", visit.report.drift));
    assert_eq!(drift.address, Address::new(Kind::Vpc, "main"));
    assert_eq!((drift.kind, drift.severity, drift.action), (DriftKind::Unexpected, Severity::High, Action::Report));
    assert!(fact(visit, conditions::IN_SYNC).message.contains(path), "{:?}", fact(visit, conditions::IN_SYNC));
    assert_eq!(world.writes(), Vec::<String>::new(), "what is not ours is left alone");
}

#[tokio::test(start_paused = true)]
async fn both_scenarios_end_isolated_and_with_a_path() {
    for example in ["closed-network.yaml", "isolated-sagemaker.yaml", "isolated-sagemaker-as-published.yaml"] {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let mut tenant = if example == "closed-network.yaml" {
            Tenant::of(example, |_| {})
        } else {
            world.isolated_notebook("us-east-1", 0).await.tenant(example, "isolated-sagemaker")
        };
        let made = world.settle(&mut tenant).await;
        for visit in [made, world.check(&mut tenant).await, world.check(&mut tenant).await] {
            assert_ready(&visit.report);
            truth(&visit.report, conditions::NETWORK_READY).unwrap();
            assert_isolated(&visit);
            let message = &fact(&visit, conditions::ISOLATED).message;
            assert!(message.contains("known exception: the VPC's resolver (10."), "{message}");
            assert_eq!(message.contains("limited by routes only"), example != "closed-network.yaml", "{message}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_endpoint_policy_that_the_manifest_asks_for_is_a_hole_all_the_same() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network-as-published.yaml", |_| {});
    let made = world.settle(&mut tenant).await;
    assert_ready(&made.report);
    let words = ["the policy of VPCEndpoint/S3", "lets everybody do everything, as the manifest asks"];
    assert_false(&made, conditions::ISOLATED, "OpenEndpointPolicy", &words);
}

#[tokio::test(start_paused = true)]
async fn every_sort_of_thing_that_is_attached_to_our_vpc_is_reported_and_left_alone() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let (vpc, subnet) = (id(&tenant, Kind::Vpc, "main"), id(&tenant, Kind::Subnet, "a"));
    let internet = person.internet_gateway(&vpc).await;
    let nat = person.nat_gateway(&subnet).await;
    let egress = person.egress_only_gateway(&vpc).await;
    let peering = person.peering(&person.other_vpc().await, &vpc).await;
    let transit = person.transit_gateway_attachment(&vpc, &subnet).await;
    let vpn = person.vpn_gateway(&vpc).await;
    let endpoint = person.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name("com.amazonaws.ap-northeast-1.kms");
    let endpoint = endpoint.vpc_endpoint_type(aws_sdk_ec2::types::VpcEndpointType::Interface).subnet_ids(&subnet);
    let endpoint = endpoint.private_dns_enabled(false).send().await.unwrap().vpc_endpoint;
    let endpoint = endpoint.and_then(|it| it.vpc_endpoint_id).unwrap();
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    let things = [
        ("egressOnlyInternetGateways", &egress),
        ("internetGateways", &internet),
        ("natGateways", &nat),
        ("peeringConnections", &peering),
        ("transitGatewayAttachments", &transit),
        ("vpcEndpoints", &endpoint),
        ("vpnGateways", &vpn),
    ];
    let expected: Vec<String> = things.iter().map(|(list, id)| format!("{list}[{id}]")).collect();
    let paths: Vec<&str> = visit.report.drift.iter().map(|drift| drift.path.as_str()).collect();
    assert_eq!(paths, expected);
    assert_reported(&world, &visit, &expected[0]);
    // Without a route none of them is a way out; the default group of the endpoint lets nobody in.
    assert_isolated(&visit);
    assert_ready(&visit.report);

    person.ec2.detach_internet_gateway().internet_gateway_id(&internet).vpc_id(&vpc).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    assert!(visit.report.drift.iter().all(|drift| !drift.path.contains(&internet)));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_puts_into_the_group_and_the_acl_that_came_with_our_vpc_is_reported_and_left_alone() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let vpc = id(&tenant, Kind::Vpc, "main");
    let quiet = world.check(&mut tenant).await;
    assert!(quiet.report.drift.is_empty(), "as AWS makes them they are let alone: {:?}", quiet.report.drift);

    let of_vpc = [filter("vpc-id", &vpc), filter("group-name", "default")];
    let groups = person.ec2.describe_security_groups().set_filters(Some(of_vpc.to_vec())).send().await.unwrap();
    let group = groups.security_groups()[0].group_id().unwrap();
    let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22);
    let ssh = ssh.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
    let authorize = person.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(ssh);
    authorize.send().await.unwrap();
    person.deny(&person.acl(&vpc).await, true, (80, 80), "0.0.0.0/0").await;
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    let drift = &visit.report.drift;
    let told: Vec<_> = drift.iter().map(|drift| (drift.path.as_str(), drift.action, drift.severity)).collect();
    let expected = ["defaultNetworkACL[egress 50]", "defaultSecurityGroup[tcp 22 from 0.0.0.0/0]"];
    assert_eq!(told, expected.map(|path| (path, Action::Report, Severity::Medium)));
    assert_eq!(world.writes(), Vec::<String>::new(), "what came with the VPC is left alone");
    assert_ready(&visit.report);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_stays_in_the_report_while_the_vpc_itself_is_being_corrected() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let vpc = id(&tenant, Kind::Vpc, "main");
    let gateway = person.internet_gateway(&vpc).await;
    let off = AttributeBooleanValue::builder().value(false).build();
    person.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), ["ModifyVpcAttribute"]);
    for _ in 0..3 {
        let visit = world.visit(&mut tenant).await;
        let path = format!("internetGateways[{gateway}]");
        assert!(visit.report.drift.iter().any(|drift| drift.path == path), "{:?}", visit.report.drift);
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_out_of_our_table_is_a_hole_until_it_is_removed() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let (vpc, table) = (id(&tenant, Kind::Vpc, "main"), id(&tenant, Kind::RouteTable, "main"));
    let gateway = person.internet_gateway(&vpc).await;
    let route = person.ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    route.gateway_id(&gateway).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    let words =
        [&format!("Subnet/a ({})", id(&tenant, Kind::Subnet, "a")), &table, "0.0.0.0/0 to internet gateway", &gateway];
    assert_false(&visit, conditions::ISOLATED, "RouteOut", &words);
    let after = world.settle(&mut tenant).await;
    assert_isolated(&after);
    assert!(after.report.drift.iter().any(|drift| drift.path == format!("internetGateways[{gateway}]")));
}

/// Routes of every sort in the main table of a VPC that is not ours, where the notebook's subnet has no table of its own.
#[tokio::test(start_paused = true)]
async fn ways_out_of_an_existing_network_are_named_as_what_they_are_and_not_touched() {
    let (world, mut tenant, person) = isolated_notebook().await;
    let (vpc, subnet) = (id(&tenant, Kind::Vpc, "main"), id(&tenant, Kind::Subnet, "private"));
    let table = person.main_table(&vpc).await;
    let to = |block: &str| person.ec2.create_route().route_table_id(&table).destination_cidr_block(block);
    let nat = person.nat_gateway(&subnet).await;
    let egress = person.egress_only_gateway(&vpc).await;
    let peering = person.peering(&vpc, &person.other_vpc().await).await;
    person.transit_gateway_attachment(&vpc, &subnet).await;
    let vpn = person.vpn_gateway(&vpc).await;
    let interface = person.ec2.create_network_interface().subnet_id(&subnet).send().await.unwrap().network_interface;
    let interface = interface.and_then(|it| it.network_interface_id).unwrap();
    let internet = person.internet_gateway(&vpc).await;

    to("0.0.0.0/0").nat_gateway_id(&nat).send().await.unwrap();
    let v6 = person.ec2.create_route().route_table_id(&table).destination_ipv6_cidr_block("::/0");
    v6.egress_only_internet_gateway_id(&egress).send().await.unwrap();
    to("10.9.0.0/16").vpc_peering_connection_id(&peering).send().await.unwrap();
    to("10.10.0.0/16").transit_gateway_id("tgw-0123456789abcdef0").send().await.unwrap();
    to("10.11.0.0/16").gateway_id(&vpn).send().await.unwrap();
    to("10.12.0.0/16").network_interface_id(&interface).send().await.unwrap();
    to("192.0.2.0/24").gateway_id(&internet).send().await.unwrap();
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    let words = [
        format!("{table} routes 0.0.0.0/0 to NAT gateway {nat}"),
        format!("::/0 to egress-only internet gateway {egress}"),
        format!("10.9.0.0/16 to VPC peering connection {peering}"),
        "10.10.0.0/16 to transit gateway tgw-0123456789abcdef0".to_owned(),
        format!("10.11.0.0/16 to virtual private gateway {vpn}"),
        format!("10.12.0.0/16 to network interface {interface}"),
    ];
    assert_false(&visit, conditions::ISOLATED, "RouteOut", &words.each_ref().map(|word| &**word));
    assert!(visit.report.drift.is_empty(), "a VPC of others may have what its owner wants: {:?}", visit.report.drift);
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_ready(&visit.report);

    for block in ["0.0.0.0/0", "10.9.0.0/16", "10.10.0.0/16", "10.11.0.0/16", "192.0.2.0/24"] {
        let delete = person.ec2.delete_route().route_table_id(&table).destination_cidr_block(block);
        delete.send().await.unwrap();
    }
    let v6 = person.ec2.delete_route().route_table_id(&table).destination_ipv6_cidr_block("::/0");
    v6.send().await.unwrap();
    // The last route leads to something that is gone: a black hole is no way out.
    person.ec2.delete_network_interface().network_interface_id(&interface).send().await.unwrap();
    assert_isolated(&world.check(&mut tenant).await);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_somebody_opened_is_a_hole() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let sts = person.endpoint(&id(&tenant, Kind::Vpc, "main"), ".sts").await;
    let open = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    person.ec2.modify_vpc_endpoint().vpc_endpoint_id(&sts).policy_document(open).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    let words = [format!("the policy of VPCEndpoint/STS ({sts}) lets everybody do everything")];
    assert_false(&visit, conditions::ISOLATED, "OpenEndpointPolicy", &[&words[0]]);
    assert_isolated(&world.settle(&mut tenant).await);
}

#[tokio::test(start_paused = true)]
async fn direct_internet_access_of_an_existing_notebook_is_a_hole() {
    let world = World::new(Delays::real());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let sagemaker = aws_sdk_sagemaker::Client::new(&world.sdk("us-east-1").await);
    let create =
        sagemaker.create_notebook_instance().notebook_instance_name("open").instance_type("ml.t3.medium".into());
    let create = create.role_arn(&existing.role).subnet_id(&existing.subnet).security_group_ids(&existing.group);
    create.direct_internet_access("Enabled".into()).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(10)).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    tenant.object.spec.notebooks[0].name = "open".into();
    let visit = world.settle(&mut tenant).await;
    let words = ["NotebookInstance/open has direct internet access"];
    assert_false(&visit, conditions::ISOLATED, "DirectInternetAccess", &words);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_makes_the_verdict_unknown_and_names_the_operation() {
    use cloister::sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
    };
    let (world, mut tenant, _) = closed_network(|object| object.spec.notebooks.clear()).await;
    for (operation, condition) in [
        ("DescribeNatGateways", conditions::ISOLATED),
        ("DescribeVpnGateways", conditions::ISOLATED),
        ("DescribeNetworkAcls", conditions::NETWORK_READY),
        ("DescribeDhcpOptions", conditions::NETWORK_READY),
    ] {
        world.simulator.faults().add(Fault::on(Service::Ec2, operation, Occurrence::All, Kind::Throttle));
        let visit = world.check(&mut tenant).await;
        let fact = fact(&visit, condition);
        assert_eq!(fact.truth.as_str(), "Unknown", "{operation}: {}", fact.message);
        assert!(fact.message.contains(&format!("ec2:{operation}")), "{}", fact.message);
        world.simulator.faults().clear();
        truth(&world.check(&mut tenant).await.report, condition).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_acl_that_denies_requests_or_their_answers_is_named_with_the_way_to_open_it() {
    let (world, mut tenant, person) = closed_network(second_subnet).await;
    let vpc = id(&tenant, Kind::Vpc, "main");
    let acl = person.acl(&vpc).await;
    for (egress, ports, block, words) in [
        (true, (443, 443), "10.0.2.0/24", "does not let 443 out to 10.0.2.0/24"),
        (false, (443, 443), "10.0.1.0/24", "does not let 443 in from 10.0.1.0/24"),
        (false, (1024, 65535), "10.0.2.0/24", "does not let answers (ports 32768-60999) in from 10.0.2.0/24"),
        (true, (40000, 40000), "10.0.1.9/32", "does not let answers (ports 32768-60999) out to 10.0.1.0/24"),
    ] {
        person.deny(&acl, egress, ports, block).await;
        world.simulator.clear_log();
        let visit = world.check(&mut tenant).await;
        let option = if egress { "--egress" } else { "--ingress" };
        let remedy = format!("aws ec2 delete-network-acl-entry --network-acl-id {acl} {option} --rule-number 50");
        assert_false(&visit, conditions::NETWORK_READY, "NetworkACLDenies", &[words, &remedy]);
        assert_eq!(world.writes(), Vec::<String>::new());
        person.allow_again(&acl, egress).await;
        truth(&world.check(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn custom_name_servers_hide_the_endpoints_names() {
    let (world, mut tenant, person) = closed_network(|object| object.spec.notebooks.clear()).await;
    let vpc = id(&tenant, Kind::Vpc, "main");
    let before = person.ec2.describe_vpcs().vpc_ids(&vpc).send().await.unwrap().vpcs.unwrap_or_default().remove(0);
    let before = before.dhcp_options_id.unwrap();
    let servers = NewDhcpConfiguration::builder().key("domain-name-servers").values("10.7.7.7").build();
    let options = person.ec2.create_dhcp_options().dhcp_configurations(servers).send().await.unwrap().dhcp_options;
    let options = options.and_then(|options| options.dhcp_options_id).unwrap();
    person.ec2.associate_dhcp_options().dhcp_options_id(&options).vpc_id(&vpc).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    let words = [
        "10.7.7.7",
        options.as_str(),
        "aws ec2 associate-dhcp-options --vpc-id",
        &format!("--dhcp-options-id {before}"),
    ];
    assert_false(&visit, conditions::NETWORK_READY, "CustomDNS", &words);
    assert!(fact(&visit, conditions::ISOLATED).message.contains("known exception: name server 10.7.7.7"));
    person.ec2.associate_dhcp_options().dhcp_options_id(&before).vpc_id(&vpc).send().await.unwrap();
    truth(&world.check(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dns_attribute_and_a_group_of_an_existing_network_are_named_with_the_command() {
    let (world, mut tenant, person) = isolated_notebook().await;
    let vpc = id(&tenant, Kind::Vpc, "main");
    let group = id(&tenant, Kind::SecurityGroup, "notebooks");
    let off = AttributeBooleanValue::builder().value(false).build();
    person.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    let remedy = format!("aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames Value=true");
    assert_false(&visit, conditions::NETWORK_READY, "DNSHostnamesOff", &[&remedy]);
    let on = AttributeBooleanValue::builder().value(true).build();
    person.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    tenant.edit(|_| ());
    truth(&world.visit(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();

    let everything =
        IpPermission::builder().ip_protocol("-1").ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build());
    let everything = everything.build();
    let close = person.ec2.revoke_security_group_egress().group_id(&group).ip_permissions(everything.clone());
    close.send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    let remedy = format!("aws ec2 authorize-security-group-egress --group-id {group}");
    assert_false(
        &visit,
        conditions::NETWORK_READY,
        "GroupClosed",
        &["CodeArtifactAPI, CodeArtifactRepositories", &remedy],
    );
    let open = person.ec2.authorize_security_group_egress().group_id(&group).ip_permissions(everything);
    open.send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    tenant.edit(|_| ());
    truth(&world.visit(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();
}

#[tokio::test(start_paused = true)]
async fn before_its_endpoints_are_there_an_existing_notebook_has_no_path() {
    let world = World::new(Delays::real());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    tenant.object.spec.network.acknowledge_vpc_wide = false;
    let visit = world.settle(&mut tenant).await;
    let words = ["no path to CodeArtifactAPI, CodeArtifactRepositories", "acknowledgeVPCWide"];
    assert_false(&visit, conditions::NETWORK_READY, "NoPath", &words);
    assert_isolated(&visit);
    tenant.edit(|object| object.spec.network.acknowledge_vpc_wide = true);
    truth(&world.settle(&mut tenant).await.report, conditions::NETWORK_READY).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_controls_of_security_hub_are_judged() {
    let (world, mut tenant, person) = closed_network(|_| {}).await;
    let visit = world.check(&mut tenant).await;
    let judged = |visit: &Visit, id: &str| {
        visit.report.controls.iter().find(|control| control.id == id).map(|control| control.judgement)
    };
    let ids: Vec<&str> = visit.report.controls.iter().map(|control| control.id).collect();
    assert_eq!(
        ids,
        [
            "CodeArtifact.1",
            "EC2.2",
            "EC2.10",
            "EC2.13",
            "EC2.15",
            "EC2.18",
            "EC2.19",
            "EC2.21",
            "EC2.55",
            "EC2.56",
            "EC2.57",
            "EC2.58",
            "EC2.60",
            "SageMaker.1",
            "SageMaker.2",
            "SageMaker.3",
            "SageMaker.8"
        ]
    );
    for id in [
        "CodeArtifact.1",
        "EC2.13",
        "EC2.15",
        "EC2.18",
        "EC2.19",
        "EC2.21",
        "SageMaker.1",
        "SageMaker.2",
        "SageMaker.3",
    ] {
        assert_eq!(judged(&visit, id), Some(Judgement::Passed), "{id}");
    }
    // AWS gives a new VPC's default group rules, and nobody asked for an endpoint of EC2.
    for id in ["EC2.2", "EC2.10"] {
        assert_eq!(judged(&visit, id), Some(Judgement::Failed), "{id}");
    }
    let group = id(&tenant, Kind::SecurityGroup, "notebooks");
    let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(range).build();
    person.ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(ssh).send().await.unwrap();
    let visit = world.check(&mut tenant).await;
    for id in ["EC2.13", "EC2.18", "EC2.19"] {
        assert_eq!(judged(&visit, id), Some(Judgement::Failed), "{id}");
    }
}
