//! Routes. Whoever adds one to a gateway ends the isolation of the subnets that use the table.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Map, Value, json};

use super::super::{Ec2, State, bad_request, cidr, done, invalid, missing, prefix_list, vpc};
use crate::sandbox::wire::{Refusal, Reply};

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// A CIDR block in canonical form or the id of a prefix list.
    pub destination: String,
    /// Where it leads: an id, or `local`.
    pub target: String,
    origin: &'static str,
}

impl Route {
    /// The route every table has.
    #[must_use]
    pub fn local(block: Ipv4Net) -> Self {
        Self { destination: block.to_string(), target: "local".into(), origin: "CreateRouteTable" }
    }

    /// The route that a gateway endpoint puts into a table.
    #[must_use]
    pub fn of_endpoint(prefix_list: &str, endpoint: &str) -> Self {
        Self { destination: prefix_list.to_owned(), target: endpoint.to_owned(), origin: "CreateRoute" }
    }

    fn is_of_endpoint(&self) -> bool {
        self.target.starts_with("vpce-") && self.destination.starts_with("pl-")
    }

    /// Whether what it leads to takes anything: it exists, and a gateway is attached to the VPC.
    fn is_active(&self, state: &State, vpc: &str) -> bool {
        let attached = |to: Option<&String>| to.is_some_and(|to| to == vpc);
        match self.target.rsplit_once('-').map_or(self.target.as_str(), |(prefix, _)| prefix) {
            "local" | "tgw" => true,
            "igw" => attached(state.internet_gateways.peek(&self.target).and_then(|gateway| gateway.vpc.as_ref())),
            "vgw" => attached(state.vpn_gateways.peek(&self.target).and_then(|gateway| gateway.vpc.as_ref())),
            _ => state.has(&self.target),
        }
    }

    /// The route as answers show it: a black hole if its target is gone.
    #[must_use]
    pub fn wire(&self, state: &State, vpc: &str) -> Value {
        let destination = match self.destination.as_str() {
            list if list.starts_with("pl-") => "destinationPrefixListId",
            block if block.contains(':') => "destinationIpv6CidrBlock",
            _ => "destinationCidrBlock",
        };
        let target = match self.target.rsplit_once('-').map_or("", |(prefix, _)| prefix) {
            "nat" => "natGatewayId",
            "eigw" => "egressOnlyInternetGatewayId",
            "pcx" => "vpcPeeringConnectionId",
            "tgw" => "transitGatewayId",
            "eni" => "networkInterfaceId",
            _ => "gatewayId",
        };
        let mut wire = Map::new();
        wire.insert(destination.into(), self.destination.clone().into());
        wire.insert(target.into(), self.target.clone().into());
        wire.insert("origin".into(), self.origin.into());
        wire.insert("state".into(), if self.is_active(state, vpc) { "active" } else { "blackhole" }.into());
        Value::Object(wire)
    }
}

const TARGETS: [&str; 10] = [
    "GatewayId",
    "NatGatewayId",
    "EgressOnlyInternetGatewayId",
    "VpcPeeringConnectionId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "VpcEndpointId",
    "InstanceId",
    "LocalGatewayId",
    "CarrierGatewayId",
];

fn destination(ec2: &Ec2<'_>) -> Result<String, Refusal> {
    if let Some(block) = ec2.call.text("DestinationCidrBlock") {
        return cidr(block, "destinationCidrBlock").map(|block| block.to_string());
    }
    if let Some(block) = ec2.call.text("DestinationIpv6CidrBlock") {
        let block = block.parse::<Ipv6Net>().map_err(|_| {
            invalid(format!(
                "Value ({block}) for parameter destinationIpv6CidrBlock is invalid. This is not a valid CIDR block."
            ))
        })?;
        return Ok(block.trunc().to_string());
    }
    let list = ec2.call.text("DestinationPrefixListId").ok_or_else(|| missing("DestinationCidrBlock"))?;
    prefix_list::check(&ec2.call.region, list)?;
    Ok(list.to_owned())
}

fn target(ec2: &Ec2<'_>, table: &str) -> Result<String, Refusal> {
    let given: Vec<&str> = TARGETS.iter().filter_map(|name| ec2.call.text(name)).collect();
    let [target] = given.as_slice() else {
        if given.is_empty() {
            return Err(missing("GatewayId"));
        }
        return Err(bad_request("InvalidParameterCombination", "A route has exactly one target"));
    };
    let vpc = &ec2.state.route_tables.get(table)?.vpc;
    reachable(ec2.state, target, vpc, table)?;
    Ok((*target).to_owned())
}

/// Whether a target exists and can be reached from the VPC.
fn reachable(state: &State, target: &str, vpc: &str, table: &str) -> Result<(), Refusal> {
    let of_vpc = |same: bool| vpc::same_network(("route table", table), ("network gateway", target), same);
    match target.rsplit_once('-').map_or("", |(prefix, _)| prefix) {
        "igw" => match state.internet_gateways.get(target) {
            Ok(gateway) => of_vpc(gateway.vpc.as_deref() == Some(vpc)),
            Err(_) => Err(no_gateway(target)),
        },
        "vgw" => match state.vpn_gateways.get(target) {
            Ok(gateway) => of_vpc(gateway.vpc.as_deref() == Some(vpc)),
            Err(_) => Err(no_gateway(target)),
        },
        "nat" => of_vpc(state.nat_gateways.get(target)?.vpc == vpc),
        "eigw" => of_vpc(state.egress_gateways.get(target)?.vpc == vpc),
        "eni" => of_vpc(state.interfaces.get(target)?.vpc == vpc),
        "pcx" => state.peerings.get(target).map(|_| ()),
        "tgw" => {
            let attached = |attachment: &super::super::peering::TransitAttachment| {
                attachment.gateway == target && attachment.vpc == vpc
            };
            if state.transit_attachments.iter().any(attached) {
                return Ok(());
            }
            Err(bad_request(
                "InvalidTransitGatewayID.NotFound",
                format!("The transitGateway ID '{target}' does not exist."),
            ))
        }
        _ => Err(no_gateway(target)),
    }
}

fn no_gateway(target: &str) -> Refusal {
    bad_request("InvalidGatewayID.NotFound", format!("The gateway ID '{target}' does not exist"))
}

pub(super) fn create(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("RouteTableId")?.to_owned();
    let table = ec2.state.route_tables.get(&id)?;
    let destination = destination(ec2)?;
    if table.routes.iter().any(|route| route.destination == destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(bad_request("RouteAlreadyExists", message));
    }
    if table.routes.len() >= ec2.settings.quotas.routes_per_table {
        let message = format!("The maximum number of routes has been reached for route table {id}.");
        return Err(bad_request("RouteLimitExceeded", message));
    }
    let target = target(ec2, &id)?;
    let route = Route { destination, target, origin: "CreateRoute" };
    ec2.state.route_tables.get_mut(&id)?.routes.push(route);
    done()
}

/// Where a route is that a call wants to change. Routes of endpoints change only with the endpoint.
fn position(ec2: &Ec2<'_>, id: &str, destination: &str) -> Result<usize, Refusal> {
    let table = ec2.state.route_tables.get(id)?;
    let at = table.routes.iter().position(|route| route.destination == destination).ok_or_else(|| {
        let message = format!("no route with destination-cidr-block {destination} in route table {id}");
        bad_request("InvalidRoute.NotFound", message)
    })?;
    let route = &table.routes[at];
    if route.is_of_endpoint() {
        return Err(invalid(format!("cannot change VPC endpoint route {destination} in route table {id}")));
    }
    if route.target == "local" {
        return Err(invalid(format!("cannot remove local route {destination} in route table {id}")));
    }
    Ok(at)
}

pub(super) fn replace(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("RouteTableId")?.to_owned();
    let at = position(ec2, &id, &destination(ec2)?)?;
    let target = target(ec2, &id)?;
    ec2.state.route_tables.get_mut(&id)?.routes[at].target = target;
    Ok(json!({}))
}

pub(super) fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("RouteTableId")?.to_owned();
    let at = position(ec2, &id, &destination(ec2)?)?;
    ec2.state.route_tables.get_mut(&id)?.routes.remove(at);
    done()
}
