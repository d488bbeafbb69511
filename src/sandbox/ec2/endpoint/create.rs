//! `CreateVpcEndpoint`.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::super::route_table::Route;
use super::super::table::Resource;
use super::super::{Ec2, bad_request, prefix_list, security_group, subnet, tags};
use super::service::{self, Service, Type};
use super::{Endpoint, Phase, dns, policy, wire};
use crate::sandbox::wire::{Refusal, Reply, boolean};

pub(super) fn wrong(message: impl Into<String>) -> Refusal {
    bad_request("InvalidParameter", message)
}

pub(super) fn create(ec2: &mut Ec2<'_>) -> Reply {
    // The default is Gateway, whatever the service is.
    let kind = match ec2.call.text("VpcEndpointType") {
        None | Some("Gateway") => Type::Gateway,
        Some("Interface") => Type::Interface,
        Some(other) => return Err(wrong(format!("The endpoint type {other} is not supported."))),
    };
    let vpc = ec2.required("VpcId")?.to_owned();
    ec2.state.vpcs.get(&vpc)?;
    let service = service::named(&ec2.call.region, ec2.required("ServiceName")?, kind)?;
    service.must_be_offered(ec2)?;
    must_be_of_this_region(ec2)?;
    let policy = match ec2.call.text("PolicyDocument") {
        Some(_) if !service.takes_policy(ec2) => {
            return Err(wrong(format!("The service {} does not support endpoint policies.", service.name)));
        }
        Some(document) => policy::accepted(document, kind)?,
        None => policy::default_document(),
    };
    let tags = tags::of_create(ec2, Endpoint::KIND.resource_type)?;
    within_quota(ec2, kind, &vpc)?;
    let mut endpoint = Endpoint {
        id: ec2.ids.hex("vpce"),
        kind,
        vpc,
        service: service.name.clone(),
        phase: Phase::Available,
        due: None,
        policy,
        subnets: Vec::new(),
        groups: Vec::new(),
        route_tables: Vec::new(),
        private_dns: false,
        only_for_inbound_resolver: false,
        label: ec2.ids.token(8),
        created: ec2.call.now,
    };
    match kind {
        Type::Gateway => as_gateway(ec2, &mut endpoint)?,
        Type::Interface => as_interface(ec2, &mut endpoint, &service)?,
    }
    ec2.tag(&endpoint.id, tags);
    let answer = wire(ec2, &endpoint);
    let visible = ec2.visible();
    ec2.state.endpoints.insert(endpoint, visible);
    Ok(json!({"vpcEndpoint": answer, "clientToken": ec2.call.text("ClientToken")}))
}

/// A VPC has so many endpoints of a kind and no more.
fn within_quota(ec2: &Ec2<'_>, kind: Type, vpc: &str) -> Result<(), Refusal> {
    let alive = || ec2.state.endpoints.iter().filter(|endpoint| endpoint.kind == kind && !endpoint.is_deleted());
    let quotas = &ec2.settings.quotas;
    let full = match kind {
        Type::Gateway => alive().count() >= quotas.gateway_endpoints_per_region,
        Type::Interface => alive().filter(|endpoint| endpoint.vpc == vpc).count() >= quotas.interface_endpoints_per_vpc,
    };
    if full {
        return Err(bad_request("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."));
    }
    Ok(())
}

fn as_gateway(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint) -> Result<(), Refusal> {
    if !ec2.call.texts("SubnetId").is_empty() {
        return Err(wrong("Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints."));
    }
    if !ec2.call.texts("SecurityGroupId").is_empty() {
        return Err(wrong("Security Group Ids are only supported for Interface type VPC Endpoint."));
    }
    if ec2.call.flag("PrivateDnsEnabled") == Some(true) {
        return Err(wrong("Private DNS is only supported for Interface type VPC Endpoint."));
    }
    if inbound_resolver_only(ec2).is_some() {
        let message =
            "DnsOptions PrivateDnsOnlyForInboundResolverEndpoint is applicable only to Interface VPC Endpoints.";
        return Err(wrong(message));
    }
    let tables = ec2.call.texts("RouteTableId");
    for table in &tables {
        check_route(ec2, endpoint, table)?;
    }
    for table in &tables {
        add_route(ec2, endpoint, table)?;
    }
    Ok(())
}

/// Whether a route table may lead to a gateway endpoint. A table has one such route per service.
pub(super) fn check_route(ec2: &Ec2<'_>, endpoint: &Endpoint, table: &str) -> Result<(), Refusal> {
    let list = prefix_list::of_service(&endpoint.service, &ec2.call.region).unwrap_or_default();
    let of_vpc = &ec2.state.route_tables.get(table)?.vpc;
    if *of_vpc != endpoint.vpc {
        return Err(wrong(format!("Route table {table} and VPC {} do not belong together.", endpoint.vpc)));
    }
    if prefix_list::routed_by(ec2.state, table, &list) {
        let message = format!("route table {table} already has a route with destination-prefix-list-id {list}");
        return Err(bad_request("RouteAlreadyExists", message));
    }
    Ok(())
}

/// Leads a route table to a gateway endpoint.
pub(super) fn add_route(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint, table: &str) -> Result<(), Refusal> {
    let list = prefix_list::of_service(&endpoint.service, &ec2.call.region).unwrap_or_default();
    let route = Route::of_endpoint(&list, &endpoint.id);
    ec2.state.route_tables.get_mut(table)?.routes.push(route);
    endpoint.route_tables.push(table.to_owned());
    Ok(())
}

fn as_interface(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint, service: &Service) -> Result<(), Refusal> {
    if !ec2.call.texts("RouteTableId").is_empty() {
        return Err(wrong("Route table IDs are only supported for Gateway type VPC Endpoint."));
    }
    must_be_ipv4(ec2)?;
    let subnets = wanted_subnets(ec2)?;
    let names: Vec<&str> = subnets.iter().map(|(subnet, _)| subnet.as_str()).collect();
    check_subnets(ec2, &endpoint.vpc, service, &[], &names)?;
    endpoint.groups = wanted_groups(ec2, &endpoint.vpc)?;
    // Left out, it is on, except for S3, which has had it only since 2023.
    let private_dns = ec2.call.flag("PrivateDnsEnabled").unwrap_or(!service::is_s3(&service.name));
    if private_dns {
        dns::may_have_private_name(ec2, &endpoint.vpc, service, None)?;
        endpoint.only_for_inbound_resolver = inbound_resolver_only(ec2).unwrap_or(true);
        check_inbound_resolver(ec2, endpoint)?;
    }
    endpoint.private_dns = private_dns;
    for (subnet, address) in subnets {
        join(ec2, endpoint, &subnet, address)?;
    }
    if service.asks_owner(ec2) {
        endpoint.phase = Phase::PendingAcceptance;
    } else {
        endpoint.phase = Phase::Pending;
        endpoint.due = Some(ec2.call.now + ec2.settings.delays.endpoint_create);
    }
    Ok(())
}

pub(super) fn inbound_resolver_only(ec2: &Ec2<'_>) -> Option<bool> {
    boolean(ec2.call.params.get("DnsOptions")?.get("PrivateDnsOnlyForInboundResolverEndpoint")?)
}

/// S3 names for on-premises only need a gateway endpoint for everybody else.
pub(super) fn check_inbound_resolver(ec2: &Ec2<'_>, endpoint: &Endpoint) -> Result<(), Refusal> {
    if !service::is_s3(&endpoint.service) || !endpoint.only_for_inbound_resolver {
        return Ok(());
    }
    let beside = |other: &Endpoint| {
        other.vpc == endpoint.vpc && other.service == endpoint.service && other.kind == Type::Gateway
    };
    if ec2.state.endpoints.iter().any(|other| beside(other) && !other.is_deleted()) {
        return Ok(());
    }
    Err(wrong(format!(
        "To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC {} must have a Gateway endpoint for the \
         service.",
        endpoint.vpc
    )))
}

/// The subnets that a call names, with the address if one is chosen.
fn wanted_subnets(ec2: &Ec2<'_>) -> Result<Vec<(String, Option<Ipv4Addr>)>, Refusal> {
    let mut subnets: Vec<_> = ec2.call.texts("SubnetId").into_iter().map(|subnet| (subnet, None)).collect();
    for (subnet, address) in configured_subnets(ec2)? {
        match subnets.iter_mut().find(|known| known.0 == subnet) {
            Some(known) => known.1 = address,
            None => subnets.push((subnet, address)),
        }
    }
    Ok(subnets)
}

/// The subnets for which a call chooses the address, which must be free.
pub(super) fn configured_subnets(ec2: &Ec2<'_>) -> Result<Vec<(String, Option<Ipv4Addr>)>, Refusal> {
    let mut subnets = Vec::new();
    for configuration in ec2.call.items("SubnetConfiguration") {
        let text = |name: &str| configuration.get(name).and_then(Value::as_str);
        let Some(subnet) = text("SubnetId") else { continue };
        let address = text("Ipv4").map(|given| {
            let address = given.parse().map_err(|_| wrong(format!("{given} is not an IPv4 address.")))?;
            let taken = ec2.state.addresses.taken_in(subnet).contains(&address);
            if taken || !ec2.state.subnets.get(subnet)?.offers(address) {
                return Err(wrong(format!("The address {given} is not available in subnet {subnet}.")));
            }
            Ok(address)
        });
        subnets.push((subnet.to_owned(), address.transpose()?));
    }
    Ok(subnets)
}

/// The simulated networks have no IPv6.
pub(super) fn must_be_ipv4(ec2: &Ec2<'_>) -> Result<(), Refusal> {
    let records = ec2.call.params.get("DnsOptions").and_then(|options| options.get("DnsRecordIpType"));
    match (ec2.call.text("IpAddressType"), records.and_then(Value::as_str)) {
        (None | Some("ipv4"), None | Some("ipv4" | "service-defined")) => Ok(()),
        (None | Some("ipv4"), Some(records)) => {
            Err(wrong(format!("The DNS record IP type {records} does not fit the IP address type ipv4.")))
        }
        (Some(_), _) => Err(wrong("The IP address type is not supported by all of the subnets.")),
    }
}

/// AWS's own services that are simulated are connected to in their own region only.
fn must_be_of_this_region(ec2: &Ec2<'_>) -> Result<(), Refusal> {
    match ec2.call.text("ServiceRegion").filter(|region| *region != ec2.call.region) {
        Some(region) => Err(wrong(format!("The service region {region} is not supported by this service."))),
        None => Ok(()),
    }
}

/// Whether an endpoint that is in `present` may also be in `added`.
pub(super) fn check_subnets(
    ec2: &Ec2<'_>,
    vpc: &str,
    service: &Service,
    present: &[&str],
    added: &[&str],
) -> Result<(), Refusal> {
    let zones = service.zones(ec2);
    let mut used: Vec<&str> =
        present.iter().filter_map(|subnet| ec2.state.subnets.peek(subnet).map(|subnet| subnet.zone.as_str())).collect();
    for id in added {
        let subnet = subnet::within(ec2.state, id, vpc)?;
        if !zones.contains(&subnet.zone) {
            let name = &service.name;
            return Err(wrong(format!(
                "The VPC endpoint service {name} does not support the availability zone of the subnet: {id}."
            )));
        }
        if used.contains(&subnet.zone.as_str()) {
            let message = format!(
                "Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint subnets should be in \
                 different availability zones supported by the VPC endpoint service."
            );
            return Err(bad_request("DuplicateSubnetsInSameZone", message));
        }
        if subnet.free_addresses(ec2.state.addresses.taken_in(id)).next().is_none() {
            let message = format!("There are not enough free addresses in subnet '{id}' to satisfy the request.");
            return Err(bad_request("InsufficientFreeAddressesInSubnet", message));
        }
        used.push(&subnet.zone);
    }
    Ok(())
}

/// The groups that a call names, or the default one of the VPC.
fn wanted_groups(ec2: &Ec2<'_>, vpc: &str) -> Result<Vec<String>, Refusal> {
    let mut groups = ec2.call.texts("SecurityGroupId");
    check_groups(ec2, vpc, &groups)?;
    if groups.is_empty() {
        groups.extend(security_group::default_of(ec2, vpc));
    }
    Ok(groups)
}

pub(super) fn check_groups(ec2: &Ec2<'_>, vpc: &str, groups: &[String]) -> Result<(), Refusal> {
    for group in groups {
        if ec2.state.groups.get(group)?.vpc != vpc {
            return Err(wrong(format!("Security group {group} and VPC {vpc} do not belong together.")));
        }
    }
    if groups.len() > ec2.settings.quotas.groups_per_interface {
        let message = "The maximum number of security groups per interface has been reached.";
        return Err(bad_request("SecurityGroupsPerInterfaceLimitExceeded", message));
    }
    Ok(())
}

/// Puts an interface of the endpoint into a subnet.
pub(super) fn join(
    ec2: &mut Ec2<'_>,
    endpoint: &mut Endpoint,
    subnet: &str,
    address: Option<Ipv4Addr>,
) -> Result<(), Refusal> {
    let interface = ec2.ids.hex("eni");
    let description = format!("VPC Endpoint Interface {}", endpoint.id);
    let groups = endpoint.groups.clone();
    let now = ec2.call.now;
    ec2.state.create_interface(interface.clone(), subnet, &groups, &description, true, "vpc_endpoint", now)?;
    if let Some(address) = address {
        ec2.state.readdress_interface(&interface, address);
    }
    endpoint.subnets.push((subnet.to_owned(), interface));
    Ok(())
}
