//! The verdict on isolation: does any route, setting or endpoint let the notebooks out? Pure.
//!
//! False needs one hole that was seen; True needs that everything was seen and no hole was among it; otherwise it is Unknown, and the message names what
//! could not be seen. A security group alone is no way out: one that lets everything through is named as a limit that is missing, not as a hole.
//! `docs/explanation/isolation.md` says what counts and what this cannot see.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    address::{Address, Kind},
    environment::{Endpoint, EndpointPolicy, Environment},
    group_rule::{Direction, Rule},
    policy::{Effect, PolicyDocument, Statement},
    port::{Observation, Problem},
    report::{Fact, Truth, conditions},
    resource::Sight,
    services::Service,
    stations::{Place, Station, groups_of_notebooks, lets_in, lets_out, places, stations},
    surroundings::{Look, Route, RouteTable, Surroundings, VPC, VpcEndpoint},
    value::bounded,
};

/// The name that DHCP options have for the VPC's own resolver.
const OWN_RESOLVER: &str = "AmazonProvidedDNS";

/// Whether nothing lets the notebooks out.
#[must_use]
pub fn isolated(environment: &Environment, observation: &Observation) -> Fact {
    let mut case = Case::default();
    case.judge_notebooks(observation);
    match &observation.surroundings {
        Some(around) => {
            let places = places(environment, observation);
            case.judge_completeness(environment, &places, around);
            case.judge_routes(&places, &stations(observation), around);
            case.judge_endpoints(environment, observation, &places, around);
            case.weigh_groups(environment, observation, around);
            case.name_resolver(observation, around);
        }
        None => case.miss_network(observation),
    }
    case.verdict(environment, observation)
}

/// What speaks against isolation, what could not be seen, and what is worth saying anyway.
#[derive(Debug, Default)]
struct Case {
    holes: Vec<Point>,
    unseen: Vec<Point>,
    remarks: Vec<String>,
}

#[derive(Debug)]
struct Point {
    reason: String,
    message: String,
}

impl Case {
    fn hole(&mut self, reason: &str, message: String) {
        self.holes.push(Point { reason: reason.to_owned(), message });
    }

    fn unseen(&mut self, reason: &str, message: impl Into<String>) {
        self.unseen.push(Point { reason: reason.to_owned(), message: message.into() });
    }

    fn refused(&mut self, problem: &Problem) {
        let message = format!("could not be seen: {problem}");
        if self.unseen.iter().all(|point| point.message != message) {
            self.unseen(&problem.reason, message);
        }
    }

    /// Take down what was not seen of a look that the verdict depends on.
    fn needs<T>(&mut self, what: &str, look: &Look<T>) {
        match look {
            Look::Seen(_) => {}
            Look::Refused(problem) => self.refused(problem),
            Look::NotYet => self.unseen("NotSeen", format!("{what} were not seen yet")),
        }
    }

    fn verdict(mut self, environment: &Environment, observation: &Observation) -> Fact {
        let fact = |truth, reason: &str, message: &str| Fact {
            name: conditions::ISOLATED,
            truth,
            reason: reason.to_owned(),
            message: bounded(message, 1024),
        };
        let list = |points: &[Point]| points.iter().map(|point| point.message.as_str()).collect::<Vec<_>>().join("; ");
        if let Some(first) = self.holes.first() {
            let limits = if self.remarks.is_empty() { String::new() } else { format!("; {}", self.remarks.join("; ")) };
            return fact(Truth::False, &first.reason, &format!("{}{limits}", list(&self.holes)));
        }
        if let Some(first) = self.unseen.first() {
            return fact(Truth::Unknown, &first.reason, &list(&self.unseen));
        }
        let vpc = observation.vpc_id().unwrap_or(VPC);
        let subnets = counted(environment.network.subnets.len(), "subnet");
        let direct = match stations(observation).len() {
            0 => String::new(),
            notebooks => format!("direct internet access is off on {}, ", counted(notebooks, "notebook")),
        };
        let seen =
            format!("no route of {subnets} leads out of {vpc}, {direct}no endpoint lets everybody do everything");
        self.remarks.insert(0, seen);
        fact(Truth::True, "NoWayOut", &self.remarks.join("; "))
    }

    // --- notebooks ------------------------------------------------------------------------------------------------------------

    fn judge_notebooks(&mut self, observation: &Observation) {
        let unknown = observation.sights.iter().filter(|(address, _)| address.kind == Kind::NotebookInstance);
        for (address, sight) in unknown {
            if let Sight::Unknown(problem) = sight {
                self.refused(&problem.clone().about(address));
            }
        }
        for Station { label, subnet, direct_internet_access, .. } in stations(observation) {
            match direct_internet_access.as_deref() {
                Some("Disabled") => {}
                Some(_) => self.hole(
                    "DirectInternetAccess",
                    format!(
                        "{label} has direct internet access, past the VPC; AWS can turn it off only on a new notebook"
                    ),
                ),
                None => self.unseen("NotSeen", format!("whether {label} has direct internet access is not known")),
            }
            if subnet.is_none() {
                self.hole("OutsideVPC", format!("{label} is in no subnet: nothing of this network is in its way"));
            }
        }
    }

    // --- routes ---------------------------------------------------------------------------------------------------------------

    fn miss_network(&mut self, observation: &Observation) {
        match observation.sights.get(&Address::new(Kind::Vpc, VPC)) {
            Some(Sight::Unknown(problem)) => self.refused(problem),
            _ => self.unseen("NoNetwork", "there is no VPC yet to judge"),
        }
    }

    fn judge_completeness(&mut self, environment: &Environment, places: &[Place], around: &Surroundings) {
        self.needs("route tables", &around.route_tables);
        self.needs("security groups", &around.groups);
        self.needs("endpoints", &around.endpoints);
        self.needs("DHCP options", &around.name_servers);
        for problem in around.attachments.values().filter_map(Look::refusal) {
            self.refused(problem);
        }
        if places.len() < environment.network.subnets.len() {
            self.unseen("NoNetwork", "not every subnet is there yet");
        }
        for place in places.iter().filter(|place| place.vpc.as_ref().is_some_and(|vpc| *vpc != around.vpc)) {
            let vpc = place.vpc.as_deref().unwrap_or_default();
            self.unseen(
                "NotSeen",
                format!("{} is in {vpc}, not in {}: its routes are not looked at", place.label, around.vpc),
            );
        }
    }

    fn judge_routes(&mut self, places: &[Place], stations: &[Station], around: &Surroundings) {
        if around.route_tables.seen().is_none() {
            return;
        }
        let mut tables: BTreeMap<&str, (&RouteTable, Vec<String>)> = BTreeMap::new();
        let inside = places.iter().filter(|place| place.vpc.as_ref().is_none_or(|vpc| *vpc == around.vpc));
        let inside: Vec<(&str, &str, bool)> =
            inside.map(|place| (place.id.as_str(), place.label.as_str(), true)).collect();
        let elsewhere =
            stations.iter().filter_map(|station| Some((station.subnet.as_deref()?, station.label.as_str(), false)));
        let elsewhere = elsewhere.filter(|(subnet, ..)| places.iter().all(|place| place.id != *subnet));
        for (subnet, label, in_this_vpc) in inside.iter().copied().chain(elsewhere) {
            match around.table_in_effect(subnet, in_this_vpc) {
                Some(table) => tables.entry(&table.id).or_insert((table, Vec::new())).1.push(label.to_owned()),
                None if in_this_vpc => self.unseen("NotSeen", format!("no route table is in effect for {label}")),
                None => self.unseen(
                    "NotSeen",
                    format!("{label} is in {subnet}, which is not under network.subnets: its routes are not known"),
                ),
            }
        }
        for (table, labels) in tables.into_values() {
            for way in ways_out(table) {
                self.hole("RouteOut", format!("{}: {} routes {way}", labels.join(", "), table.id));
            }
        }
    }

    // --- endpoints ------------------------------------------------------------------------------------------------------------

    fn judge_endpoints(
        &mut self,
        environment: &Environment,
        observation: &Observation,
        places: &[Place],
        around: &Surroundings,
    ) {
        let usable = around
            .endpoints
            .seen()
            .into_iter()
            .flatten()
            .filter(|endpoint| !endpoint.is_over() && is_usable(endpoint, observation, places, around));
        for endpoint in usable {
            let label = label(endpoint, observation);
            if let Some(where_to) = leads_elsewhere(endpoint) {
                self.hole("EndpointOut", format!("{label} leads to {where_to}"));
                continue;
            }
            match &endpoint.policy {
                Some(Ok(policy)) if is_open(policy, &endpoint.service_name) => {
                    let asked =
                        if asked_for(environment, observation, endpoint) { ", as the manifest asks" } else { "" };
                    let message = format!("the policy of {label} lets everybody do everything{asked}");
                    self.hole("OpenEndpointPolicy", message);
                }
                Some(Err(error)) => self.unseen("NotSeen", format!("the policy of {label} cannot be read: {error}")),
                None => self.unseen("NotSeen", format!("AWS shows no policy of {label}")),
                Some(Ok(_)) => {}
            }
        }
    }

    // --- what does not decide -------------------------------------------------------------------------------------------------

    /// Rules let traffic pass a group, they lead nowhere: without a route the wide ones of them take nothing out.
    fn weigh_groups(&mut self, environment: &Environment, observation: &Observation, around: &Surroundings) {
        let Some(groups) = around.groups.seen() else { return };
        let inside = observation.vpc_blocks();
        let name = Service::S3.endpoint_service(&environment.region);
        let s3 = around.facts.prefix_lists.get(&name).map(String::as_str);
        for id in groups_of_notebooks(observation) {
            let Some(group) = groups.get(&id) else {
                self.unseen("NotSeen", format!("security group {id} of the notebooks was not seen in {}", around.vpc));
                continue;
            };
            let wide: BTreeSet<String> =
                group.rules.iter().filter(|rule| is_wide(rule, &inside, s3)).map(ToString::to_string).collect();
            if !wide.is_empty() {
                let wide = wide.into_iter().collect::<Vec<_>>().join(", ");
                self.remarks.push(format!("limited by routes only: {id} lets out {wide}"));
            }
        }
    }

    fn name_resolver(&mut self, observation: &Observation, around: &Surroundings) {
        let Some(servers) = around.name_servers.seen() else { return };
        let own = servers.iter().all(|server| server == OWN_RESOLVER);
        let support = observation.seen(Kind::Vpc, VPC).and_then(|vpc| vpc.flag("enableDnsSupport"));
        if own && support == Some(false) {
            return;
        }
        let whose = if own {
            let address = observation.resolver();
            format!("the VPC's resolver{}", address.map(|address| format!(" ({address})")).unwrap_or_default())
        } else {
            format!("name server {}", servers.join(", "))
        };
        self.remarks.push(format!("known exception: {whose} answers names of the internet"));
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Every way out that a table has, in words.
fn ways_out(table: &RouteTable) -> Vec<String> {
    let routes = table
        .routes
        .iter()
        .filter_map(|route| leads_out(route).map(|sort| format!("{} to {sort} {}", route.destination, route.target)));
    let announced = table.propagating.iter();
    routes.chain(announced.map(|gateway| format!("whatever virtual private gateway {gateway} announces"))).collect()
}

/// What a route leads to, if that is outside the VPC. A black hole drops what is sent there, and a gateway endpoint is judged by its policy.
fn leads_out(route: &Route) -> Option<&'static str> {
    if route.blackhole {
        return None;
    }
    let target = route.target.as_str();
    match target.split_once(['-', ':']).map_or(target, |(prefix, _)| prefix) {
        "local" | "nothing" => None,
        "vpce" if route.destination.starts_with("pl-") => None,
        "vpce" => Some("Gateway Load Balancer endpoint"),
        "igw" => Some("internet gateway"),
        "nat" => Some("NAT gateway"),
        "eigw" => Some("egress-only internet gateway"),
        "tgw" => Some("transit gateway"),
        "pcx" => Some("VPC peering connection"),
        "vgw" => Some("virtual private gateway"),
        "lgw" => Some("local gateway"),
        "cagw" => Some("carrier gateway"),
        "eni" => Some("network interface"),
        "i" => Some("instance"),
        "arn" if target.contains(":networkmanager:") => Some("core network"),
        _ => Some("something else:"),
    }
}

/// Whether notebooks get as far as an endpoint. What cannot be seen of that is held against it.
fn is_usable(endpoint: &VpcEndpoint, observation: &Observation, places: &[Place], around: &Surroundings) -> bool {
    if endpoint.endpoint_type == "Gateway" {
        let mut tables = places.iter().filter_map(|place| around.table_in_effect(&place.id, true));
        return around.route_tables.seen().is_none() || tables.any(|table| endpoint.route_tables.contains(&table.id));
    }
    if endpoint.endpoint_type == "GatewayLoadBalancer" {
        return false; // only routes lead there, and these are judged
    }
    let notebooks = groups_of_notebooks(observation);
    let mut sources = places.iter().map(|place| place.block.into_iter().collect::<Vec<IpNet>>());
    let groups = &endpoint.security_groups;
    sources.any(|block| lets_in(around, groups, &notebooks, &block) != Some(false))
        && lets_out(around, &notebooks, groups, &observation.vpc_blocks()) != Some(false)
}

/// An endpoint that does not lead to a service of AWS.
fn leads_elsewhere(endpoint: &VpcEndpoint) -> Option<String> {
    match endpoint.endpoint_type.as_str() {
        "Resource" | "ServiceNetwork" => Some(format!("{}, which may be anywhere", endpoint.service_name)),
        _ if endpoint.service_name.contains(".vpce-svc-") => {
            Some(format!("{}, a service that somebody offers by himself", endpoint.service_name))
        }
        _ => None,
    }
}

/// The endpoint as the manifest calls it, or as somebody else's.
fn label(endpoint: &VpcEndpoint, observation: &Observation) -> String {
    let mut seen = observation.sights.values().filter_map(Sight::seen);
    match seen.find(|seen| seen.id == endpoint.id) {
        Some(seen) => format!("{} ({})", seen.address, endpoint.id),
        None => format!("{} ({}), which is not of this environment", endpoint.id, endpoint.service_name),
    }
}

fn asked_for(environment: &Environment, observation: &Observation, endpoint: &VpcEndpoint) -> bool {
    environment.network.endpoints.iter().any(|(service, wanted)| {
        matches!(wanted, Endpoint::Managed { policy: EndpointPolicy::FullAccess, .. })
            && observation.seen(Kind::VpcEndpoint, service.name()).is_some_and(|seen| seen.id == endpoint.id)
    })
}

/// Whether a policy lets everybody do everything that the service can, with whatever belongs to whomever, as the one does that AWS gives an endpoint
/// by default. A Deny for everything that is not of certain principals or resources makes a limit of it again.
#[must_use]
pub fn is_open(policy: &PolicyDocument, service_name: &str) -> bool {
    let service = service_name.rsplit('.').next().unwrap_or_default();
    let about_everything = |statement: &Statement| {
        let what = statement.resources.as_ref();
        is_any_action(statement, service) && what.is_none_or(|what| what.negated || what.patterns.contains("*"))
    };
    let opens = |statement: &Statement| {
        let who = statement.principals.as_ref();
        statement.effect == Effect::Allow
            && who.is_none_or(|who| who.negated || who.patterns.contains("*"))
            && about_everything(statement)
            && !names_an_owner(statement)
    };
    let fences = |statement: &Statement| {
        let limits = statement.conditions.is_empty() || names_an_owner(statement);
        statement.effect == Effect::Deny && about_everything(statement) && limits
    };
    policy.statements.iter().any(opens) && !policy.statements.iter().any(fences)
}

/// `*`, or every action of the service: S3's endpoint passes nothing but S3.
fn is_any_action(statement: &Statement, service: &str) -> bool {
    let all = format!("{service}:*");
    let whole = |action: &str| action == "*" || service == "s3" && action.eq_ignore_ascii_case(&all);
    statement.actions.negated || statement.actions.patterns.iter().any(|action| whole(action.as_str()))
}

/// Whether a condition is about whose principal or whose resource it is. Any other (encrypted transport, the VPC that the call comes from) is met by
/// whoever sits in a notebook.
fn names_an_owner(statement: &Statement) -> bool {
    const OWNERS: [&str; 6] =
        ["aws:Principal", "aws:Resource", "aws:userid", "aws:username", "s3:ResourceAccount", "s3:DataAccessPoint"];
    let mut keys = statement.conditions.values().flat_map(BTreeMap::keys);
    keys.any(|key| OWNERS.iter().any(|owner| key.starts_with(owner)))
}

/// Whether a rule lets out more than endpoints in the VPC and S3 through its gateway need.
fn is_wide(rule: &Rule, inside: &[IpNet], s3: Option<&str>) -> bool {
    if rule.direction != Direction::Egress || rule.refers_to_group() {
        return false;
    }
    match rule.peer.parse::<IpNet>() {
        Ok(block) => !inside.iter().any(|part| part.contains(&block)),
        Err(_) => s3.is_some_and(|list| list != rule.peer),
    }
}

#[cfg(test)]
mod tests;
