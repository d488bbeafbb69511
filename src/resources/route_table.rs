//! Route tables, their routes and which subnets use them.
//!
//! All subnets of ours share one table, without any way out. For a subnet that exists already, the table that is in effect for it is looked at:
//! a gateway endpoint puts its route there.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{ResourceType, Route, RouteTableAssociation};

use super::{
    ec2_addresses,
    ec2_client_token::{Answers, client_token, is_still},
    ec2_tags,
};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk, gone},
        inventory::Listing,
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::Kind,
        diff::{FieldDiff, TAGS, touches},
        environment::{Environment, Part},
        owner::Tags,
        port::ErrorClass,
        resource::{Context, Field, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        surroundings::{self, Surroundings},
        value::Wish,
    },
};

/// The kind.
#[derive(Default)]
pub struct RouteTable {
    answers: Answers,
}

/// Between a route's destination and its target in the text of a route.
const VIA: &str = " via ";
/// How a table comes about.
const CREATE: &str = "ec2:CreateRouteTable";
/// What the text of a route begins with that makes AWS add routes by itself.
const PROPAGATION: &str = "propagation from ";

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All route tables of the region.
struct RouteTables(Vec<RouteTableRow>);

struct RouteTableRow {
    id: String,
    vpc: String,
    /// In effect for the subnets of the VPC without a table of their own.
    main: bool,
    routes: BTreeSet<String>,
    /// All its routes, also those that AWS keeps there.
    all_routes: Vec<surroundings::Route>,
    /// Subnets, and the ids of their associations.
    associations: BTreeMap<String, String>,
    tags: Tags,
}

#[async_trait]
impl Listing for RouteTables {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_route_tables().into_paginator().page_size(100).items().send();
        let tables = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeRouteTables"))?;
        Ok(Self(tables.into_iter().filter_map(RouteTableRow::from_sdk).collect()))
    }
}

impl RouteTableRow {
    fn from_sdk(table: aws_sdk_ec2::types::RouteTable) -> Option<Self> {
        let all = table.routes.unwrap_or_default();
        let routes = all.iter().filter_map(route_text);
        let gateways = table.propagating_vgws.unwrap_or_default().into_iter().filter_map(|gateway| gateway.gateway_id);
        let associations = table.associations.unwrap_or_default();
        Some(Self {
            tags: ec2_tags::read(table.tags.as_deref()),
            id: table.route_table_id?,
            vpc: table.vpc_id?,
            main: associations.iter().any(|association| association.main == Some(true)),
            routes: routes.chain(gateways.map(|gateway| format!("{PROPAGATION}{gateway}"))).collect(),
            all_routes: all.iter().filter_map(route).collect(),
            associations: associations.into_iter().filter(is_in_effect).filter_map(of_subnet).collect(),
        })
    }
}

fn is_in_effect(association: &RouteTableAssociation) -> bool {
    let state = association.association_state.as_ref().and_then(|state| state.state.as_ref());
    state.is_none_or(|state| !matches!(state.as_str(), "disassociating" | "disassociated" | "failed"))
}

fn of_subnet(association: RouteTableAssociation) -> Option<(String, String)> {
    Some((association.subnet_id?, association.route_table_association_id?))
}

/// A route as text, `0.0.0.0/0 via igw-…`. None for what is in every table (`local`), for what a gateway endpoint keeps there by itself, and for
/// what a VPN gateway announces: that follows the propagation, which is a text of its own.
fn route_text(route: &Route) -> Option<String> {
    let destination = destination(route)?;
    let target = target(route);
    // To addresses instead of a prefix list, an endpoint is one of a load balancer, and somebody made the route.
    let made_by_aws = target == "local" || target.starts_with("vpce-") && destination.starts_with("pl-");
    let announced = route.origin.as_ref().is_some_and(|origin| origin.as_str() == "EnableVgwRoutePropagation");
    (!made_by_aws && !announced).then(|| format!("{destination}{VIA}{target}"))
}

fn route(route: &Route) -> Option<surroundings::Route> {
    Some(surroundings::Route {
        destination: destination(route)?.clone(),
        target: target(route).to_owned(),
        blackhole: route.state.as_ref().is_some_and(|state| state.as_str() == "blackhole"),
    })
}

fn destination(route: &Route) -> Option<&String> {
    let blocks = route.destination_cidr_block.as_ref().or(route.destination_ipv6_cidr_block.as_ref());
    blocks.or(route.destination_prefix_list_id.as_ref())
}

fn target(route: &Route) -> &str {
    let targets = [
        &route.gateway_id,
        &route.nat_gateway_id,
        &route.egress_only_internet_gateway_id,
        &route.transit_gateway_id,
        &route.vpc_peering_connection_id,
        &route.local_gateway_id,
        &route.carrier_gateway_id,
        &route.core_network_arn,
        &route.odb_network_arn,
        // AWS shows the interface of a routed instance as well; the interface says more when it is foreign.
        &route.network_interface_id,
        &route.instance_id,
    ];
    targets.into_iter().flatten().next().map_or("nothing", String::as_str)
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a route table looks like.
#[derive(Debug, Clone)]
pub struct RouteTableState {
    vpc: Wish<String>,
    routes: Wish<BTreeSet<String>>,
    associations: Wish<BTreeSet<String>>,
    /// For every subnet of the VPC with a table of its own: the id of that association, whichever table it is. No field: it is what changing
    /// `associations` takes.
    association_ids: BTreeMap<String, String>,
    /// Of what was seen: it is in effect for the subnets without a table of their own. No field: AWS deletes it only with its VPC.
    main: bool,
    /// Of what was seen: whether a subnet uses it or it leads anywhere. No field.
    in_use: Option<bool>,
}

impl State for RouteTableState {
    fn fields(&self) -> Vec<Field> {
        let Self { vpc, routes, associations, association_ids: _, main: _, in_use: _ } = self.clone();
        vec![
            Field::fixed("vpc", vpc),
            Field::live("routes", routes).severe(Severity::High),
            Field::live("associations", associations),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn in_use(&self) -> Option<bool> {
        self.in_use
    }

    fn unfit(&self) -> Option<String> {
        self.main.then(|| "it is the main route table of its VPC, which goes only with the VPC".to_owned())
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for RouteTable {
    fn kind(&self) -> Kind {
        Kind::RouteTable
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        let mut wanted: Vec<Wanted> = own_table(environment, context).into_iter().collect();
        for subnet in &environment.network.subnets {
            if let Part::Existing(id) = &subnet.part {
                wanted.push(table_in_effect(&subnet.name, id, context));
            }
        }
        wanted
    }
}

/// The one table of all subnets of ours; none without such subnets.
fn own_table(environment: &Environment, context: Context<'_>) -> Option<Wanted> {
    let subnets: Vec<_> =
        ec2_addresses::managed_subnets(environment).map(|subnet| ec2_addresses::subnet(&subnet.name)).collect();
    if subnets.is_empty() {
        return None;
    }
    let address = ec2_addresses::own_route_table();
    Some(Wanted {
        management: Management::Owned,
        name: None,
        tags: environment.tags_of(&address),
        address,
        state: Arc::new(RouteTableState {
            vpc: context.outputs.input(&ec2_addresses::vpc(), Output::Id),
            routes: Wish::Is(BTreeSet::new()),
            associations: Wish::all(subnets.iter().map(|subnet| context.outputs.input(subnet, Output::Id))),
            association_ids: BTreeMap::new(),
            main: false,
            in_use: None,
        }),
        needs: [ec2_addresses::vpc()].into_iter().chain(subnets).collect(),
    })
}

/// The table that is in effect for an existing subnet. Which one that is only AWS knows, so it goes by the subnet's id.
fn table_in_effect(name: &str, subnet: &str, context: Context<'_>) -> Wanted {
    Wanted {
        address: ec2_addresses::route_table_in_effect(name),
        management: Management::Existing(subnet.to_owned()),
        name: None,
        needs: vec![ec2_addresses::subnet(name)],
        tags: Tags::new(),
        state: Arc::new(RouteTableState {
            vpc: context.outputs.input(&ec2_addresses::subnet(name), Output::VpcId),
            // Whatever routes an existing network has are as its owner wants them; whether they are a way out is for the verdict on isolation.
            routes: Wish::Any,
            associations: Wish::Any,
            association_ids: BTreeMap::new(),
            main: false,
            in_use: None,
        }),
    }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for RouteTable {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let look = reader.look::<RouteTables>("").await?;
        let tables = &look.rows.0;
        let ours = tables.iter().filter(|table| ec2_tags::concerns(reader, wanted, &table.id, &table.tags));
        let mut items: Vec<Item> = ours.map(|table| table.item(tables)).collect();
        for wanted in wanted {
            let (Management::Existing(subnet), Some(vpc)) =
                (&wanted.management, wanted.state::<RouteTableState>().vpc.known())
            else {
                continue;
            };
            if let Some(table) = in_effect(tables, vpc, subnet) {
                // Under the subnet's id and without the table's tags: the table may be in effect for many subnets, and it is not ours here.
                items.push(Item { id: subnet.clone(), tags: Tags::new(), ..table.item(tables) });
            }
        }
        Ok(items)
    }

    async fn survey(&self, reader: &Reader<'_>, around: &mut Surroundings) {
        let look = reader.look::<RouteTables>("").await.map_err(|error| error.problem());
        let of_vpc = |all: &RouteTables| {
            all.0.iter().filter(|table| table.vpc == around.vpc).map(RouteTableRow::surrounding).collect()
        };
        around.route_tables = look.map(|look| of_vpc(&look.rows)).into();
    }

    fn same_place(&self, _: &Wanted, _: &Item) -> bool {
        false // a VPC may have many tables
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let before = writer.known::<RouteTables>("").await;
        let before = before.iter().flat_map(|look| &look.rows.0);
        let token = self.answers.fresh(client_token(wanted, writer.attempt));
        let id = request(writer, wanted, &token).await?;
        // Nothing in the answer tells a table that was made now from one that the same token made long ago.
        if before.clone().any(|table| table.id == id && !is_still(wanted, &table.tags)) {
            return Err(self.answers.used_up(CREATE, token, &id, "does not carry our tags any more"));
        }
        if self.answers.again(&token, &id) {
            return Err(self.answers.used_up(CREATE, token, &id, "has not been seen since it was made"));
        }
        let associations: BTreeMap<&String, &String> = before.flat_map(|table| &table.associations).collect();
        for subnet in wanted.state::<RouteTableState>().associations.known().into_iter().flatten() {
            // If this fails, the next look finds the difference.
            associate(writer, &id, subnet, associations.get(subnet).copied()).await.ok();
        }
        Ok(Created::id(id))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<RouteTableState>(), seen.state::<RouteTableState>());
        if touches(diffs, "associations") {
            for subnet in missing(&wish.associations, &found.associations) {
                associate(writer, &seen.id, &subnet, found.association_ids.get(&subnet)).await?;
            }
            for subnet in missing(&found.associations, &wish.associations) {
                if let Some(association) = found.association_ids.get(&subnet) {
                    disassociate(writer, association).await?;
                }
            }
        }
        if touches(diffs, "routes") {
            for route in missing(&found.routes, &wish.routes) {
                remove_route(writer, &seen.id, &route).await?;
            }
        }
        if touches(diffs, TAGS) {
            ec2_tags::correct(writer, &seen.id, &wanted.tags, diffs).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        // A table in use cannot be deleted. From here on its subnets use the VPC's main table.
        let state = seen.state::<RouteTableState>();
        for subnet in state.associations.known().into_iter().flatten() {
            if let Some(association) = state.association_ids.get(subnet) {
                disassociate(writer, association).await?;
            }
        }
        let delete = writer.write("ec2:DeleteRouteTable")?.ec2.delete_route_table().route_table_id(&seen.id);
        gone(delete.send().await.map_err(from_sdk("ec2:DeleteRouteTable")))?;
        Ok(Progress::Done)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        ec2_tags::remove(writer, &seen.id, keys).await
    }
}

/// Ask for a table; its id.
async fn request(writer: &Writer<'_>, wanted: &Wanted, token: &str) -> Result<String, AwsError> {
    let vpc = &wanted.state::<RouteTableState>().vpc;
    let vpc = vpc.known().ok_or_else(|| AwsError::unresolved(CREATE, "vpc"))?;
    let create = writer
        .write(CREATE)?
        .ec2
        .create_route_table()
        .vpc_id(vpc)
        .client_token(token)
        .tag_specifications(ec2_tags::specification(ResourceType::RouteTable, &wanted.tags));
    let created = create.send().await.map_err(from_sdk(CREATE))?;
    let id = created.route_table.and_then(|table| table.route_table_id);
    id.ok_or_else(|| AwsError::unreadable(CREATE))
}

/// What the first has and the second lacks; nothing as long as one of the two is not known.
fn missing(has: &Wish<BTreeSet<String>>, lacks: &Wish<BTreeSet<String>>) -> Vec<String> {
    match (has.known(), lacks.known()) {
        (Some(has), Some(lacks)) => has.difference(lacks).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Let a subnet use a table, instead of the one that it is associated with so far.
async fn associate(
    writer: &Writer<'_>,
    table: &str,
    subnet: &str,
    instead_of: Option<&String>,
) -> Result<(), AwsError> {
    if let Some(association) = instead_of {
        let replace = writer.write("ec2:ReplaceRouteTableAssociation")?.ec2.replace_route_table_association();
        let replace = replace.association_id(association).route_table_id(table);
        replace.send().await.map_err(from_sdk("ec2:ReplaceRouteTableAssociation"))?;
    } else {
        let associate = writer.write("ec2:AssociateRouteTable")?.ec2.associate_route_table();
        let associate = associate.route_table_id(table).subnet_id(subnet);
        match associate.send().await.map_err(from_sdk("ec2:AssociateRouteTable")) {
            // It has a table by now; the next look shows which.
            Err(error) if error.class == ErrorClass::Exists => {}
            result => drop(result?),
        }
    }
    Ok(())
}

async fn disassociate(writer: &Writer<'_>, association: &str) -> Result<(), AwsError> {
    let disassociate =
        writer.write("ec2:DisassociateRouteTable")?.ec2.disassociate_route_table().association_id(association);
    gone(disassociate.send().await.map_err(from_sdk("ec2:DisassociateRouteTable")))
}

/// Take out a route, or stop AWS from adding routes.
async fn remove_route(writer: &Writer<'_>, table: &str, route: &str) -> Result<(), AwsError> {
    let result = if let Some(gateway) = route.strip_prefix(PROPAGATION) {
        let disable = writer.write("ec2:DisableVgwRoutePropagation")?.ec2.disable_vgw_route_propagation();
        let disable = disable.route_table_id(table).gateway_id(gateway);
        disable.send().await.map(drop).map_err(from_sdk("ec2:DisableVgwRoutePropagation"))
    } else {
        let destination = route.split_once(VIA).map_or(route, |(destination, _)| destination);
        let delete = writer.write("ec2:DeleteRoute")?.ec2.delete_route().route_table_id(table);
        let delete = match destination {
            list if list.starts_with("pl-") => delete.destination_prefix_list_id(list),
            block if block.contains(':') => delete.destination_ipv6_cidr_block(block),
            block => delete.destination_cidr_block(block),
        };
        delete.send().await.map(drop).map_err(from_sdk("ec2:DeleteRoute"))
    };
    gone(result)
}

/// The table that a subnet uses: its own, or else the main table of its VPC.
fn in_effect<'a>(tables: &'a [RouteTableRow], vpc: &str, subnet: &str) -> Option<&'a RouteTableRow> {
    let own = tables.iter().find(|table| table.associations.contains_key(subnet));
    own.or_else(|| tables.iter().find(|table| table.main && table.vpc == vpc))
}

impl RouteTableRow {
    fn surrounding(&self) -> surroundings::RouteTable {
        let propagating = self.routes.iter().filter_map(|route| route.strip_prefix(PROPAGATION));
        surroundings::RouteTable {
            id: self.id.clone(),
            main: self.main,
            subnets: self.associations.keys().cloned().collect(),
            routes: self.all_routes.clone(),
            propagating: propagating.map(ToOwned::to_owned).collect(),
        }
    }

    fn item(&self, all: &[Self]) -> Item {
        let neighbours = all.iter().filter(|table| table.vpc == self.vpc);
        let association_ids = neighbours.flat_map(|table| table.associations.clone()).collect();
        Item {
            id: self.id.clone(),
            address: None,
            tags: self.tags.clone(),
            phase: Phase::Ready,
            outputs: BTreeMap::from([(Output::Id, self.id.clone()), (Output::VpcId, self.vpc.clone())]),
            findings: Vec::new(),
            state: Arc::new(RouteTableState {
                vpc: Wish::Is(self.vpc.clone()),
                routes: Wish::Is(self.routes.clone()),
                associations: Wish::Is(self.associations.keys().cloned().collect()),
                association_ids,
                main: self.main,
                in_use: Some(
                    !self.associations.is_empty() || self.all_routes.iter().any(|route| route.target != "local"),
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(id: &str, main: bool, subnets: &[&str]) -> RouteTableRow {
        let associations = subnets.iter().map(|subnet| ((*subnet).to_owned(), format!("{id}-{subnet}"))).collect();
        RouteTableRow {
            id: id.into(),
            vpc: "vpc-1".into(),
            main,
            routes: BTreeSet::new(),
            all_routes: Vec::new(),
            associations,
            tags: Tags::new(),
        }
    }

    #[test]
    fn a_way_out_is_named_and_what_aws_keeps_in_a_table_is_not() {
        let route = || Route::builder().destination_cidr_block("0.0.0.0/0");
        assert_eq!(route_text(&route().gateway_id("igw-1").build()).as_deref(), Some("0.0.0.0/0 via igw-1"));
        assert_eq!(route_text(&route().nat_gateway_id("nat-1").build()).as_deref(), Some("0.0.0.0/0 via nat-1"));
        assert_eq!(route_text(&route().build()).as_deref(), Some("0.0.0.0/0 via nothing"));
        assert_eq!(route_text(&route().gateway_id("local").build()), None);
        let gateway_endpoint = Route::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1").build();
        assert_eq!(route_text(&gateway_endpoint), None);
        let through_a_balancer = route().gateway_id("vpce-1").build();
        assert_eq!(route_text(&through_a_balancer).as_deref(), Some("0.0.0.0/0 via vpce-1"));
        let announced = route().gateway_id("vgw-1").origin("EnableVgwRoutePropagation".into()).build();
        assert_eq!(route_text(&announced), None);
        let ipv6 =
            Route::builder().destination_ipv6_cidr_block("::/0").egress_only_internet_gateway_id("eigw-1").build();
        assert_eq!(route_text(&ipv6).as_deref(), Some("::/0 via eigw-1"));
    }

    #[test]
    fn a_subnet_without_a_table_of_its_own_uses_the_main_table() {
        let tables = [table("rtb-main", true, &[]), table("rtb-own", false, &["subnet-a"])];
        assert_eq!(in_effect(&tables, "vpc-1", "subnet-a").map(|table| table.id.as_str()), Some("rtb-own"));
        assert_eq!(in_effect(&tables, "vpc-1", "subnet-b").map(|table| table.id.as_str()), Some("rtb-main"));
        assert!(in_effect(&tables, "vpc-2", "subnet-c").is_none());
    }

    #[test]
    fn an_association_with_a_foreign_table_is_known_so_that_it_can_be_replaced() {
        let tables = [table("rtb-ours", false, &["subnet-a"]), table("rtb-theirs", false, &["subnet-b"])];
        let item = tables[0].item(&tables);
        let state = item.state::<RouteTableState>();
        assert_eq!(state.associations, Wish::Is(BTreeSet::from(["subnet-a".to_owned()])));
        assert_eq!(state.association_ids.get("subnet-b").map(String::as_str), Some("rtb-theirs-subnet-b"));
    }
}
