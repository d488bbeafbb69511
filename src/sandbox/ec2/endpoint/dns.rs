//! Names of endpoints: their own, which only AWS knows, and the service's, which only one endpoint per VPC can have.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{Ec2, bad_request, fingerprint};
use super::Endpoint;
use super::service::{self, Service, Type};
use crate::sandbox::clock::Instant;
use crate::sandbox::wire::Refusal;

/// Private names that are taken although no endpoint has them: those of endpoints that are gone, which AWS releases
/// late, and those of a private hosted zone that a customer made.
#[derive(Debug, Clone, Default)]
pub struct HeldNames(Vec<Held>);

#[derive(Debug, Clone)]
struct Held {
    vpc: String,
    what: Name,
    until: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    OfService(String, Type),
    OfZone(String),
}

impl HeldNames {
    pub(super) fn hold_service(&mut self, vpc: &str, service: &str, kind: Type, until: Instant) {
        let what = Name::OfService(service.to_owned(), kind);
        self.0.push(Held { vpc: vpc.to_owned(), what, until: Some(until) });
    }

    /// A private hosted zone of the customer is associated with the VPC.
    pub fn associate_zone(&mut self, vpc: &str, name: &str) {
        self.0.push(Held { vpc: vpc.to_owned(), what: Name::OfZone(name.to_owned()), until: None });
    }

    /// The hosted zone is not associated any more.
    pub fn dissociate_zone(&mut self, vpc: &str, name: &str) {
        let what = Name::OfZone(name.to_owned());
        self.0.retain(|held| held.vpc != vpc || held.what != what);
    }

    pub(in super::super) fn forget_vpc(&mut self, vpc: &str) {
        self.0.retain(|held| held.vpc != vpc);
    }

    fn takes(&self, vpc: &str, service: &Service, now: Instant) -> bool {
        self.0.iter().filter(|held| held.vpc == vpc && held.until.is_none_or(|until| until > now)).any(|held| {
            match &held.what {
                Name::OfService(name, kind) => *name == service.name && *kind == service.kind,
                Name::OfZone(zone) => service.private_names.iter().any(|name| name.trim_start_matches("*.") == zone),
            }
        })
    }
}

/// Whether an endpoint of this service may have the service's name in this VPC.
///
/// # Errors
/// The VPC does not resolve names, or something else has the name.
pub(super) fn may_have_private_name(
    ec2: &Ec2<'_>,
    vpc_id: &str,
    service: &Service,
    itself: Option<&str>,
) -> Result<(), Refusal> {
    let vpc = ec2.state.vpcs.get(vpc_id)?;
    if !vpc.dns_support || !vpc.dns_hostnames {
        let message = format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for \
             {vpc_id}"
        );
        return Err(bad_request("InvalidParameter", message));
    }
    let Some(name) = service.private_names.first() else {
        let message =
            format!("Private DNS can't be enabled because the service {} does not provide a name.", service.name);
        return Err(bad_request("InvalidParameter", message));
    };
    let named = |endpoint: &Endpoint| {
        endpoint.vpc == vpc_id
            && Some(endpoint.id.as_str()) != itself
            && endpoint.names(&ec2.call.region).iter().any(|name| service.private_names.contains(name))
    };
    if ec2.state.endpoints.iter().any(named) || ec2.state.private_names.takes(vpc_id, service, ec2.call.now) {
        let message = format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {} in the VPC \
             {vpc_id}",
            name.trim_start_matches("*."),
        );
        return Err(bad_request("InvalidParameter", message));
    }
    Ok(())
}

/// The names of an endpoint: first the regional one, then one per zone, then the service's own.
pub(super) fn entries(ec2: &Ec2<'_>, endpoint: &Endpoint) -> Vec<Value> {
    let region = &ec2.call.region;
    let Some(service) = service::find(region, &endpoint.service, endpoint.kind) else { return Vec::new() };
    if endpoint.kind == Type::Gateway || endpoint.subnets.is_empty() {
        return Vec::new();
    }
    let base = service.base_name(region);
    let own_zone = zone_id(&base);
    let (id, label) = (&endpoint.id, &endpoint.label);
    let mut entries = vec![json!({"dnsName": format!("{id}-{label}.{base}"), "hostedZoneId": own_zone})];
    let zones: BTreeSet<&str> = endpoint
        .subnets
        .iter()
        .filter_map(|(subnet, _)| ec2.state.subnets.peek(subnet).map(|subnet| subnet.zone.as_str()))
        .collect();
    entries.extend(
        zones.iter().map(|zone| json!({"dnsName": format!("{id}-{label}-{zone}.{base}"), "hostedZoneId": own_zone})),
    );
    let hidden = if endpoint.is_open() { zone_id(id) } else { "ZONEIDPENDING".to_owned() };
    entries.extend(endpoint.names(region).iter().map(|name| json!({"dnsName": name, "hostedZoneId": hidden})));
    entries
}

/// Looks like the id of a hosted zone and is the same for the same name.
fn zone_id(of: &str) -> String {
    format!("Z{}", fingerprint(of, 10).to_ascii_uppercase())
}
