//! VPC endpoints: how they come about, change state and go. Creating is in `create`, changing in `modify`; what can be
//! connected to is in [`service`], names in [`dns`], policies in `policy`.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

mod create;
pub mod dns;
mod modify;
mod policy;
pub mod service;

use std::time::Duration;

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, missing, tenth};
use crate::sandbox::clock::{Instant, iso8601};
use crate::sandbox::wire::{Refusal, Reply};
use crate::sandbox::world::Settings;
use service::Type;

/// A VPC endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    id: String,
    /// Gateway or interface.
    pub kind: Type,
    /// The VPC around it.
    pub vpc: String,
    /// The full name of the service.
    pub service: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// When the phase ends by itself.
    due: Option<Instant>,
    policy: String,
    /// Subnets and the interfaces in them.
    pub subnets: Vec<(String, String)>,
    /// Its security groups.
    pub groups: Vec<String>,
    /// The route tables that lead to it.
    pub route_tables: Vec<String>,
    /// Whether the service's own name leads to it.
    pub private_dns: bool,
    only_for_inbound_resolver: bool,
    /// The part of its names that cannot be guessed from its id.
    label: String,
    created: Instant,
}

/// Where an endpoint is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The owner of the service has to agree.
    PendingAcceptance,
    /// Being made or changed.
    Pending,
    /// In use.
    Available,
    /// In use, but not in all of its subnets.
    Partial,
    /// The owner of the service did not agree.
    Rejected,
    /// The owner of the service did not say anything for too long.
    Expired,
    /// AWS could not make it.
    Failed {
        /// `LastError.Code`.
        code: String,
        /// `LastError.Message`.
        message: String,
    },
    /// Its interfaces are still there.
    Deleting,
    /// Only a memory.
    Deleted,
}

impl Phase {
    /// On the wire states begin with a small letter, unlike in the model.
    fn wire(&self) -> &'static str {
        match self {
            Self::PendingAcceptance => "pendingAcceptance",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Partial => "partial",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Failed { .. } => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl Resource for Endpoint {
    const KIND: Kind = Kind {
        prefix: "vpce",
        resource_type: "vpc-endpoint",
        not_found: "InvalidVpcEndpointId.NotFound",
        malformed: "InvalidVpcEndpointId.Malformed",
        noun: "Vpc Endpoint Id",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl Endpoint {
    /// Whether nothing of it is left but its entry in listings.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.phase == Phase::Deleted
    }

    /// Whether a text has the form of an endpoint's id.
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        Self::KIND.check(text).is_ok()
    }

    /// What it lets through.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Whether it takes anything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Available | Phase::Partial)
    }

    fn names(&self, region: &str) -> Vec<String> {
        if !self.private_dns {
            return Vec::new();
        }
        service::find(region, &self.service, self.kind).map(|service| service.private_names).unwrap_or_default()
    }
}

impl State {
    /// Makes an endpoint fail, as AWS does when it cannot build it.
    pub fn fail_endpoint(&mut self, id: &str, code: &str, message: &str) {
        self.put_endpoint(id, Phase::Failed { code: code.to_owned(), message: message.to_owned() });
    }

    /// Puts an endpoint into a state in which it then stays. Whether there is such an endpoint.
    pub fn put_endpoint(&mut self, id: &str, phase: Phase) -> bool {
        let Some(endpoint) = self.endpoints.peek_mut(id) else { return false };
        endpoint.phase = phase;
        endpoint.due = None;
        true
    }

    /// The decision of a service's owner about an endpoint that waits for it; it comes up or is rejected at once.
    pub fn decide_endpoint(&mut self, id: &str, accepted: bool) {
        self.put_endpoint(id, if accepted { Phase::Available } else { Phase::Rejected });
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpcEndpoint" => create::create,
        "ModifyVpcEndpoint" => modify::modify,
        "DeleteVpcEndpoints" => delete,
        "DescribeVpcEndpoints" => describe,
        "DescribeVpcEndpointServices" => service::describe,
        _ => return None,
    })
}

/// How long an endpoint takes to go. Gateways are entries in route tables, not machines.
fn deletion(kind: Type, settings: &Settings) -> Duration {
    match kind {
        Type::Interface => settings.delays.endpoint_delete,
        Type::Gateway => tenth(settings.delays.endpoint_delete),
    }
}

/// Lets endpoints reach the states they are due to reach.
pub(super) fn settle(state: &mut State, now: Instant, settings: &Settings) {
    let due = |endpoint: &&Endpoint| endpoint.due.is_some_and(|due| due <= now);
    let ids: Vec<String> = state.endpoints.iter().filter(due).map(|endpoint| endpoint.id.clone()).collect();
    for id in ids {
        while advance(state, &id, now, settings) {}
    }
}

/// One step of one endpoint; whether there may be another.
fn advance(state: &mut State, id: &str, now: Instant, settings: &Settings) -> bool {
    let Some(endpoint) = state.endpoints.peek_mut(id) else { return false };
    let Some(due) = endpoint.due.filter(|due| *due <= now) else { return false };
    match endpoint.phase {
        Phase::Pending => {
            endpoint.phase = Phase::Available;
            endpoint.due = None;
        }
        Phase::Deleting => {
            endpoint.phase = Phase::Deleted;
            // Remembered for a while.
            endpoint.due = Some(due + tenth(settings.delays.endpoint_delete));
            let interfaces = std::mem::take(&mut endpoint.subnets);
            let released = due + settings.delays.private_dns_release;
            let (vpc, service, kind) = (endpoint.vpc.clone(), endpoint.service.clone(), endpoint.kind);
            if std::mem::take(&mut endpoint.private_dns) {
                state.private_names.hold_service(&vpc, &service, kind, released);
            }
            for (_, interface) in interfaces {
                state.release_interface(&interface, due);
            }
        }
        Phase::Deleted => {
            state.endpoints.remove(id);
            state.tags.remove(id);
        }
        Phase::PendingAcceptance
        | Phase::Available
        | Phase::Partial
        | Phase::Rejected
        | Phase::Expired
        | Phase::Failed { .. } => endpoint.due = None,
    }
    true
}

/// `DeleteVpcEndpoints` is answered with status 200 even if nothing could be deleted.
fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let ids = ec2.call.texts("VpcEndpointId");
    if ids.is_empty() {
        return Err(missing("VpcEndpointId"));
    }
    for id in &ids {
        Endpoint::KIND.check(id)?;
    }
    let unsuccessful: Vec<Value> = ids
        .iter()
        .filter_map(|id| {
            let refusal = delete_one(ec2, id).err()?;
            Some(json!({"resourceId": id, "error": {"code": refusal.code, "message": refusal.message}}))
        })
        .collect();
    Ok(json!({"unsuccessful": unsuccessful}))
}

/// Deleting has a code of its own for an endpoint that is not there.
fn delete_one(ec2: &mut Ec2<'_>, id: &str) -> Result<(), Refusal> {
    let (now, settings) = (ec2.call.now, ec2.settings);
    let absent = || Refusal { code: "InvalidVpcEndpoint.NotFound".into(), ..Endpoint::KIND.absent(id) };
    let endpoint = ec2.state.endpoints.get_mut(id).map_err(|_| absent())?;
    match endpoint.phase {
        Phase::Deleting => return Ok(()),
        Phase::Deleted => return Err(absent()),
        _ => {}
    }
    endpoint.phase = Phase::Deleting;
    endpoint.due = Some(now + deletion(endpoint.kind, settings));
    endpoint.route_tables.clear();
    for table in ec2.state.route_tables.iter_mut() {
        table.routes.retain(|route| route.target != id);
    }
    Ok(())
}

fn wire(ec2: &Ec2<'_>, endpoint: &Endpoint) -> Value {
    let gateway = endpoint.kind == Type::Gateway;
    let groups: Vec<Value> = endpoint
        .groups
        .iter()
        .map(|id| {
            let name = ec2.state.groups.peek(id).map(|group| group.name.clone());
            json!({"groupId": id, "groupName": name})
        })
        .collect();
    let last_error = match &endpoint.phase {
        Phase::Failed { code, message } => Some(json!({"code": code, "message": message})),
        _ => None,
    };
    let subnets: Vec<&str> = endpoint.subnets.iter().map(|(subnet, _)| subnet.as_str()).collect();
    let interfaces: Vec<&str> = endpoint.subnets.iter().map(|(_, interface)| interface.as_str()).collect();
    let inbound_only =
        (endpoint.private_dns && service::is_s3(&endpoint.service)).then_some(endpoint.only_for_inbound_resolver);
    json!({
        "vpcEndpointId": endpoint.id,
        "vpcEndpointType": endpoint.kind.wire(),
        "vpcId": endpoint.vpc,
        "serviceName": endpoint.service,
        "state": endpoint.phase.wire(),
        "policyDocument": endpoint.policy,
        "routeTableIdSet": endpoint.route_tables,
        "subnetIdSet": subnets,
        "groupSet": groups,
        "ipAddressType": "ipv4",
        "dnsOptions": {
            "dnsRecordIpType": if gateway { "service-defined" } else { "ipv4" },
            "privateDnsOnlyForInboundResolverEndpoint": inbound_only,
        },
        "privateDnsEnabled": endpoint.private_dns,
        "requesterManaged": false,
        "networkInterfaceIdSet": interfaces,
        "dnsEntrySet": dns::entries(ec2, endpoint),
        "creationTimestamp": iso8601(endpoint.created),
        "ownerId": ec2.call.account,
        "lastError": last_error,
        "failureReason": match &endpoint.phase { Phase::Failed { message, .. } => Some(message), _ => None },
        "serviceRegion": ec2.call.region,
        "tagSet": ec2.tags_of(&endpoint.id),
    })
}

const LISTING: Listing = Listing {
    set: "vpcEndpointSet",
    ids: "VpcEndpointId",
    id: "vpcEndpointId",
    filters: &[
        ("ip-address-type", "ipAddressType"),
        ("service-name", "serviceName"),
        ("service-region", "serviceRegion"),
        ("vpc-id", "vpcId"),
        ("vpc-endpoint-id", "vpcEndpointId"),
        ("vpc-endpoint-state", "state"),
        ("vpc-endpoint-type", "vpcEndpointType"),
    ],
    tagged: true,
    page: Page::LENIENT,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.endpoints, |endpoint| wire(ec2, endpoint))
}

/// An earlier answer with the endpoint as it is now; one that is gone is shown as deleted.
pub(super) fn as_of_now(ec2: &Ec2<'_>, mut answer: Value) -> Value {
    let Some(shown) = answer.get_mut("vpcEndpoint") else { return answer };
    let id = shown.get("vpcEndpointId").and_then(Value::as_str).unwrap_or_default();
    match ec2.state.endpoints.peek(id) {
        Some(endpoint) => *shown = wire(ec2, endpoint),
        None => shown["state"] = "deleted".into(),
    }
    answer
}
