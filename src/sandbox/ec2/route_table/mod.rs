//! Route tables and which subnets use them. A subnet without an association uses the main table of its VPC.

mod association;
mod propagation;
mod route;

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

pub use route::Route;

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, State, bad_request, done, in_use, tags};
use crate::sandbox::wire::Reply;

/// A route table.
#[derive(Debug, Clone)]
pub struct RouteTable {
    id: String,
    /// The VPC around it.
    pub vpc: String,
    /// Its routes; the first is the local one.
    pub routes: Vec<Route>,
    /// The VPN gateways that may add to its routes. None of them has anything to announce.
    propagating: BTreeSet<String>,
    associations: Vec<Association>,
}

/// A table in use: by a subnet, or as the main table.
#[derive(Debug, Clone)]
struct Association {
    id: String,
    subnet: Option<String>,
}

impl Resource for RouteTable {
    const KIND: Kind = Kind {
        prefix: "rtb",
        resource_type: "route-table",
        not_found: "InvalidRouteTableID.NotFound",
        malformed: "InvalidRouteTableId.Malformed",
        noun: "routeTable ID",
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn vpc(&self) -> Option<&str> {
        Some(&self.vpc)
    }
}

impl RouteTable {
    /// Whether it serves the subnets that have no table of their own.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.associations.iter().any(|association| association.subnet.is_none())
    }
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateRouteTable" => create,
        "DeleteRouteTable" => delete,
        "DescribeRouteTables" => describe,
        "AssociateRouteTable" => association::associate,
        "DisassociateRouteTable" => association::disassociate,
        "ReplaceRouteTableAssociation" => association::replace,
        "CreateRoute" => route::create,
        "ReplaceRoute" => route::replace,
        "DeleteRoute" => route::delete,
        "EnableVgwRoutePropagation" => propagation::enable,
        "DisableVgwRoutePropagation" => propagation::disable,
        _ => return None,
    })
}

pub(super) fn create_main(ec2: &mut Ec2<'_>, vpc: &str, block: Ipv4Net) {
    let associations = vec![Association { id: ec2.ids.hex("rtbassoc"), subnet: None }];
    let id = ec2.ids.hex("rtb");
    let routes = vec![Route::local(block)];
    let propagating = BTreeSet::new();
    ec2.state.route_tables.insert_seen(RouteTable { id, vpc: vpc.to_owned(), routes, propagating, associations });
}

pub(super) fn delete_main(ec2: &mut Ec2<'_>, vpc: &str) {
    let id = ec2.state.route_tables.iter().find(|table| table.vpc == vpc).map(|table| table.id.clone());
    if let Some(id) = id {
        ec2.state.route_tables.remove(&id);
        ec2.state.tags.remove(&id);
    }
}

/// A subnet that goes takes its association along.
pub(super) fn forget_subnet(state: &mut State, subnet: &str) {
    for table in state.route_tables.iter_mut() {
        table.associations.retain(|association| association.subnet.as_deref() != Some(subnet));
    }
}

/// A VPN gateway that leaves its VPC announces nothing there any more.
pub(super) fn forget_gateway(state: &mut State, gateway: &str) {
    for table in state.route_tables.iter_mut() {
        table.propagating.remove(gateway);
    }
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    let vpc_id = ec2.required("VpcId")?.to_owned();
    let block = ec2.state.vpcs.get(&vpc_id)?.cidr;
    let tags = tags::of_create(ec2, RouteTable::KIND.resource_type)?;
    let siblings = ec2.state.route_tables.iter().filter(|table| table.vpc == vpc_id).count();
    if siblings >= ec2.settings.quotas.route_tables_per_vpc {
        let message = "The maximum number of route tables has been reached.";
        return Err(bad_request("RouteTableLimitExceeded", message));
    }
    let routes = vec![Route::local(block)];
    let (propagating, associations) = (BTreeSet::new(), Vec::new());
    let table = RouteTable { id: ec2.ids.hex("rtb"), vpc: vpc_id, routes, propagating, associations };
    ec2.tag(&table.id, tags);
    let answer = wire(ec2, &table);
    let visible = ec2.visible();
    ec2.state.route_tables.insert(table, visible);
    Ok(json!({"routeTable": answer, "clientToken": ec2.call.text("ClientToken")}))
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("RouteTableId")?.to_owned();
    if !ec2.state.route_tables.get(&id)?.associations.is_empty() {
        return Err(in_use("routeTable", &id));
    }
    for endpoint in ec2.state.endpoints.iter_mut() {
        endpoint.route_tables.retain(|table| *table != id);
    }
    ec2.state.route_tables.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}

fn wire(ec2: &Ec2<'_>, table: &RouteTable) -> Value {
    let associations: Vec<Value> = table
        .associations
        .iter()
        .map(|association| {
            json!({
                "routeTableAssociationId": association.id,
                "routeTableId": table.id,
                "subnetId": association.subnet,
                "main": association.subnet.is_none(),
                "associationState": {"state": "associated"},
            })
        })
        .collect();
    let propagating: Vec<Value> = table.propagating.iter().map(|gateway| json!({"gatewayId": gateway})).collect();
    json!({
        "routeTableId": table.id,
        "vpcId": table.vpc,
        "ownerId": ec2.call.account,
        "routeSet": table.routes.iter().map(|route| route.wire(ec2.state, &table.vpc)).collect::<Vec<_>>(),
        "associationSet": associations,
        "propagatingVgwSet": propagating,
        "tagSet": ec2.tags_of(&table.id),
    })
}

const LISTING: Listing = Listing {
    set: "routeTableSet",
    ids: "RouteTableId",
    id: "routeTableId",
    filters: &[
        ("association.gateway-id", "associationSet.gatewayId"),
        ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
        ("association.route-table-id", "associationSet.routeTableId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("association.main", "associationSet.main"),
        ("owner-id", "ownerId"),
        ("route-table-id", "routeTableId"),
        ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "routeSet.destinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", "routeSet.egressOnlyInternetGatewayId"),
        ("route.gateway-id", "routeSet.gatewayId"),
        ("route.instance-id", "routeSet.instanceId"),
        ("route.nat-gateway-id", "routeSet.natGatewayId"),
        ("route.transit-gateway-id", "routeSet.transitGatewayId"),
        ("route.origin", "routeSet.origin"),
        ("route.state", "routeSet.state"),
        ("route.vpc-peering-connection-id", "routeSet.vpcPeeringConnectionId"),
        ("vpc-id", "vpcId"),
    ],
    tagged: true,
    page: Page { least: 5, most: 100, strict: true },
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.route_tables, |table| wire(ec2, table))
}
