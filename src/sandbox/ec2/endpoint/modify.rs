//! `ModifyVpcEndpoint`. Everything is checked before anything changes. Service, VPC and type cannot be changed.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>.

use std::net::Ipv4Addr;

use serde_json::json;

use super::super::{Ec2, bad_request};
use super::service::{self, Type};
use super::{Endpoint, Phase, create, dns, policy};
use crate::sandbox::wire::{Refusal, Reply};

pub(super) fn modify(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("VpcEndpointId")?.to_owned();
    let mut endpoint = ec2.state.endpoints.get(&id)?.clone();
    if !endpoint.is_open() {
        let message = format!("The VPC endpoint {id} cannot be changed while it is {}.", endpoint.phase.wire());
        return Err(bad_request("IncorrectState", message));
    }
    change_policy(ec2, &mut endpoint)?;
    match endpoint.kind {
        Type::Gateway => change_gateway(ec2, &mut endpoint)?,
        Type::Interface => change_interface(ec2, &mut endpoint)?,
    }
    if let Some(kept) = ec2.state.endpoints.peek_mut(&id) {
        *kept = endpoint;
    }
    Ok(json!({"return": true}))
}

fn change_policy(ec2: &Ec2<'_>, endpoint: &mut Endpoint) -> Result<(), Refusal> {
    let reset = ec2.call.flag("ResetPolicy") == Some(true);
    match ec2.call.text("PolicyDocument") {
        Some(_) if reset => {
            let message = "PolicyDocument and ResetPolicy cannot be given together.";
            Err(bad_request("InvalidParameterCombination", message))
        }
        Some(document) => {
            let service = service::named(&ec2.call.region, &endpoint.service, endpoint.kind)?;
            if !service.takes_policy(ec2) {
                let message = format!("The service {} does not support endpoint policies.", service.name);
                return Err(create::wrong(message));
            }
            endpoint.policy = policy::accepted(document, endpoint.kind)?;
            Ok(())
        }
        None => {
            if reset {
                endpoint.policy = policy::default_document();
            }
            Ok(())
        }
    }
}

fn change_gateway(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint) -> Result<(), Refusal> {
    for name in ["AddSubnetId", "RemoveSubnetId", "AddSecurityGroupId", "RemoveSecurityGroupId"] {
        if !ec2.call.texts(name).is_empty() {
            return Err(create::wrong(format!("{name} is only supported for Interface type VPC Endpoint.")));
        }
    }
    if ec2.call.flag("PrivateDnsEnabled") == Some(true) {
        return Err(create::wrong("Private DNS is only supported for Interface type VPC Endpoint."));
    }
    let (added, removed) = (ec2.call.texts("AddRouteTableId"), ec2.call.texts("RemoveRouteTableId"));
    for table in &removed {
        ec2.state.route_tables.get(table)?;
    }
    // A table that leads here already is fine.
    let added: Vec<String> = added.into_iter().filter(|table| !endpoint.route_tables.contains(table)).collect();
    for table in &added {
        create::check_route(ec2, endpoint, table)?;
    }
    for table in &added {
        create::add_route(ec2, endpoint, table)?;
    }
    for table in &removed {
        ec2.state.route_tables.get_mut(table)?.routes.retain(|route| route.target != endpoint.id);
        endpoint.route_tables.retain(|known| known != table);
    }
    Ok(())
}

fn change_interface(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint) -> Result<(), Refusal> {
    if !ec2.call.texts("AddRouteTableId").is_empty() || !ec2.call.texts("RemoveRouteTableId").is_empty() {
        return Err(create::wrong("Route table IDs are only supported for Gateway type VPC Endpoint."));
    }
    let service = service::named(&ec2.call.region, &endpoint.service, endpoint.kind)?;
    let groups = changed_groups(ec2, endpoint)?;
    let removed = ec2.call.texts("RemoveSubnetId");
    for subnet in &removed {
        ec2.state.subnets.get(subnet)?;
    }
    let staying: Vec<String> =
        endpoint.subnets.iter().map(|(subnet, _)| subnet.clone()).filter(|subnet| !removed.contains(subnet)).collect();
    let staying: Vec<&str> = staying.iter().map(String::as_str).collect();
    create::must_be_ipv4(ec2)?;
    let addresses = create::configured_subnets(ec2)?;
    let asked = ec2.call.texts("AddSubnetId");
    let named = asked.iter().chain(addresses.iter().map(|(subnet, _)| subnet)).map(String::as_str);
    let mut added: Vec<&str> = Vec::new();
    for subnet in named.filter(|subnet| !staying.contains(subnet)) {
        if !added.contains(&subnet) {
            added.push(subnet);
        }
    }
    create::check_subnets(ec2, &endpoint.vpc, &service, &staying, &added)?;
    let renamed = change_private_dns(ec2, endpoint, &service)?;

    if groups != endpoint.groups {
        for (_, interface) in &endpoint.subnets {
            ec2.state.regroup_interface(interface, &groups);
        }
        endpoint.groups = groups;
    }
    let leaving: Vec<_> =
        endpoint.subnets.extract_if(.., |(subnet, _)| removed.contains(subnet) || moves(&addresses, subnet)).collect();
    let done_at = ec2.call.now + ec2.settings.delays.endpoint_modify;
    for (_, interface) in &leaving {
        ec2.state.release_interface(interface, done_at);
    }
    // Another address is another interface: the old one goes, a new one comes.
    let moved: Vec<&str> = staying.iter().copied().filter(|subnet| moves(&addresses, subnet)).collect();
    for subnet in added.iter().chain(&moved) {
        let address = addresses.iter().find(|(known, _)| known == subnet).and_then(|(_, address)| *address);
        create::join(ec2, endpoint, subnet, address)?;
    }
    if renamed || !leaving.is_empty() || !added.is_empty() {
        endpoint.phase = Phase::Pending;
        endpoint.due = Some(done_at);
    }
    Ok(())
}

/// Whether a subnet is to have its interface at another address.
fn moves(addresses: &[(String, Option<Ipv4Addr>)], subnet: &str) -> bool {
    addresses.iter().any(|(known, address)| known == subnet && address.is_some())
}

/// At least one group stays.
fn changed_groups(ec2: &Ec2<'_>, endpoint: &Endpoint) -> Result<Vec<String>, Refusal> {
    let (added, removed) = (ec2.call.texts("AddSecurityGroupId"), ec2.call.texts("RemoveSecurityGroupId"));
    for group in &removed {
        ec2.state.groups.get(group)?;
    }
    let mut groups = endpoint.groups.clone();
    groups.extend(added.into_iter().filter(|group| !endpoint.groups.contains(group)));
    groups.retain(|group| !removed.contains(group));
    if groups.is_empty() && !removed.is_empty() {
        return Err(create::wrong("An interface endpoint needs at least one security group."));
    }
    create::check_groups(ec2, &endpoint.vpc, &groups)?;
    Ok(groups)
}

/// Whether private DNS changed. A name that is given up stays taken for a while, as after a deletion.
fn change_private_dns(ec2: &mut Ec2<'_>, endpoint: &mut Endpoint, service: &service::Service) -> Result<bool, Refusal> {
    let wanted = ec2.call.flag("PrivateDnsEnabled").unwrap_or(endpoint.private_dns);
    let only = create::inbound_resolver_only(ec2);
    let was = (endpoint.private_dns, endpoint.only_for_inbound_resolver);
    if wanted {
        if !endpoint.private_dns {
            dns::may_have_private_name(ec2, &endpoint.vpc, service, Some(&endpoint.id))?;
            endpoint.only_for_inbound_resolver = true;
        }
        endpoint.only_for_inbound_resolver = only.unwrap_or(endpoint.only_for_inbound_resolver);
        create::check_inbound_resolver(ec2, endpoint)?;
    } else if endpoint.private_dns {
        let until = ec2.call.now + ec2.settings.delays.private_dns_release;
        ec2.state.private_names.hold_service(&endpoint.vpc, &endpoint.service, endpoint.kind, until);
    }
    endpoint.private_dns = wanted;
    Ok(was != (endpoint.private_dns, endpoint.only_for_inbound_resolver))
}
