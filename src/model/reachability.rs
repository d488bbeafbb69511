//! The verdict on the network's use: do the notebooks reach the services that they need? Pure.
//!
//! Every fault names what is in the way and the command or the field of the manifest that clears it. What could not be seen makes the verdict Unknown, never
//! True. `docs/explanation/isolation.md` says what is looked at.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net};

use super::{
    acl::{Crossing, LAST, denial, free_number},
    address::{Address, Kind},
    environment::{Endpoint, Environment},
    group_rule::{Direction, Rule},
    port::Observation,
    report::{Fact, Truth, conditions},
    resource::{Output, Phase, Seen, Sight},
    services::Service,
    stations::{Place, groups_of_notebooks, lets_in, lets_out, places, stations},
    surroundings::{Look, NetworkAcl, Surroundings, VPC},
    value::bounded,
};

/// The port of every service of AWS.
const HTTPS: (u16, u16) = (443, 443);
/// The ports from which Linux begins connections, and to which answers come.
const ANSWERS: (u16, u16) = (32768, 60999);
/// What the network's own resolver is called in DHCP options, and its addresses that are the same in every VPC.
const OWN_RESOLVERS: [&str; 3] = ["AmazonProvidedDNS", "169.254.169.253", "fd00:ec2::253"];

/// Whether the notebooks reach what they need. `progress` says how far the network's resources are.
#[must_use]
pub fn network_ready(environment: &Environment, observation: &Observation, progress: Fact) -> Fact {
    let mut case = Case { environment, observation, faults: Vec::new(), unseen: Vec::new(), remarks: Vec::new() };
    case.examine_endpoints();
    case.examine_names();
    case.examine_groups();
    case.examine_acls();
    case.verdict(progress)
}

struct Case<'a> {
    environment: &'a Environment,
    observation: &'a Observation,
    faults: Vec<Fault>,
    unseen: Vec<Fault>,
    remarks: Vec<String>,
}

struct Fault {
    reason: String,
    message: String,
}

/// An endpoint of the environment that is there.
struct Door {
    service: Service,
    groups: BTreeSet<String>,
    subnets: BTreeSet<String>,
}

/// Which way is closed: whose rules lack something, and towards whom.
type Closed = (Direction, BTreeSet<String>, BTreeSet<String>);

impl Case<'_> {
    fn fault(&mut self, reason: &str, message: String) {
        if self.faults.iter().all(|fault| fault.message != message) {
            self.faults.push(Fault { reason: reason.to_owned(), message });
        }
    }

    /// Take down that a look which the verdict depends on did not happen.
    fn needs<T>(&mut self, what: &str, look: &Look<T>) {
        let (reason, message) = match look {
            Look::Seen(_) => return,
            Look::Refused(problem) => (problem.reason.clone(), format!("could not be seen: {problem}")),
            Look::NotYet => ("NotSeen".to_owned(), format!("{what} were not seen yet")),
        };
        if self.unseen.iter().all(|fault| fault.message != message) {
            self.unseen.push(Fault { reason, message });
        }
    }

    fn verdict(self, progress: Fact) -> Fact {
        let fact = |truth, reason: &str, message: &str| Fact {
            name: conditions::NETWORK_READY,
            truth,
            reason: reason.to_owned(),
            message: bounded(message, 1024),
        };
        let list = |faults: &[Fault]| faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ");
        let whole = progress.truth == Truth::True;
        if let Some(first) = self.faults.first() {
            // What is on its way needs nobody's help.
            let under_way = first.reason == NO_PATH && progress.reason == PROGRESSING;
            let reason = if under_way { PROGRESSING } else { &first.reason };
            let rest = if whole { String::new() } else { format!("; {}", progress.message) };
            return fact(Truth::False, reason, &format!("{}{rest}", list(&self.faults)));
        }
        if !whole {
            return progress;
        }
        if let Some(first) = self.unseen.first() {
            return fact(Truth::Unknown, &first.reason, &list(&self.unseen));
        }
        let message = [vec![progress.message], self.remarks].concat().join("; ");
        fact(Truth::True, &progress.reason, &message)
    }

    // --- endpoints ------------------------------------------------------------------------------------------------------------

    fn examine_endpoints(&mut self) {
        let (mut absent, mut external) = (Vec::new(), Vec::new());
        for (service, endpoint) in &self.environment.network.endpoints {
            match endpoint {
                Endpoint::External => external.push(service.name()),
                Endpoint::Existing(_) | Endpoint::Managed { .. } => {
                    match self.observation.sights.get(&Address::new(Kind::VpcEndpoint, service.name())) {
                        Some(Sight::Absent) | None => absent.push(service.name()),
                        Some(Sight::Unsettled { .. } | Sight::Unknown(_)) => {}
                        Some(Sight::Present(seen)) => self.examine_endpoint(endpoint, seen),
                    }
                }
            }
            self.examine_zones(*service, endpoint);
        }
        if !absent.is_empty() {
            let place = self
                .observation
                .vpc_id()
                .map_or_else(|| "there is no VPC yet".to_owned(), |vpc| format!("{vpc} has no endpoint for it"));
            let message = format!("no path to {}: {place}", absent.join(", "));
            self.faults.insert(0, Fault { reason: NO_PATH.to_owned(), message });
        }
        if !external.is_empty() {
            self.remarks.push(format!("reached elsewhere and not looked at: {}", external.join(", ")));
        }
    }

    fn examine_endpoint(&mut self, endpoint: &Endpoint, seen: &Seen) {
        let label = format!("{} ({})", seen.address, seen.id);
        let reason = match &seen.phase {
            Phase::Failed { reason, .. } => reason.as_str(),
            Phase::Ready | Phase::Progressing(_) | Phase::Deleting => "AWS gives no reason",
        };
        let state = seen.outputs.get(&Output::State).map(|state| state.to_ascii_lowercase()).unwrap_or_default();
        match state.as_str() {
            "available" => {}
            "pending" => self.fault(PROGRESSING, format!("{label} is being made")),
            "pendingacceptance" => self.fault(
                "EndpointPendingAcceptance",
                format!("{label} waits for the owner of the service: aws ec2 accept-vpc-endpoint-connections --vpc-endpoint-ids {} --service-id vpce-svc-…", seen.id),
            ),
            "partial" => self.fault(
                "EndpointPartial",
                format!("{label} works in some of its subnets only ({reason}): aws ec2 describe-vpc-endpoints --vpc-endpoint-ids {}", seen.id),
            ),
            "rejected" => self.fault("EndpointRejected", format!("{label} was rejected by the owner of the service ({reason})")),
            "failed" => self.fault("EndpointFailed", format!("{label} failed ({reason})")),
            "expired" => self.fault("EndpointExpired", format!("{label} was not accepted in time ({reason})")),
            "deleting" | "deleted" => self.fault("EndpointDeleting", format!("{label} is being deleted")),
            other => self.fault("EndpointUnavailable", format!("{label} is {other}")),
        }
        if seen.text("type").as_deref() == Some("Interface") && seen.flag("privateDNSEnabled") == Some(false) {
            let remedy = match endpoint {
                Endpoint::Managed { private_dns: false, .. } => {
                    "take privateDNS: false out of network.endpoints".to_owned()
                }
                _ => format!("aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --private-dns-enabled", seen.id),
            };
            self.fault(
                "PrivateDNSOff",
                format!("the service's own name does not lead to {label}, as private DNS is off: {remedy}"),
            );
        }
    }

    fn examine_zones(&mut self, service: Service, endpoint: &Endpoint) {
        let (Endpoint::Managed { subnets, .. }, Some(around)) = (endpoint, &self.observation.surroundings) else {
            return;
        };
        let name = service.endpoint_service(&self.environment.region);
        let Some(facts) = around.facts.endpoint_services.get(&name).filter(|_| !service.is_gateway()) else { return };
        let places = places(self.environment, self.observation);
        let chosen = places.iter().filter(|place| subnets.as_ref().is_none_or(|names| names.contains(&place.name)));
        let zones: BTreeSet<&str> = chosen.filter_map(|place| place.zone.as_deref()).collect();
        if facts.zones.is_empty() || zones.is_empty() || zones.iter().any(|zone| facts.zones.contains(*zone)) {
            return;
        }
        let offered = facts.zones.iter().cloned().collect::<Vec<_>>().join(", ");
        let zones = zones.into_iter().collect::<Vec<_>>().join(", ");
        self.fault(
            "ZoneNotSupported",
            format!("{service} is not offered in {zones}, only in {offered}: add a subnet there to network.subnets"),
        );
    }

    /// The interface endpoints of the environment that can be gone through.
    fn doors(&self) -> Vec<Door> {
        let here = self.environment.network.endpoints.iter().filter(|(_, endpoint)| **endpoint != Endpoint::External);
        let door = |service: &Service| {
            let seen = self.observation.seen(Kind::VpcEndpoint, service.name())?;
            let groups = seen.set("securityGroups").unwrap_or_default();
            let subnets = seen.set("subnets").unwrap_or_default();
            (!service.is_gateway() && seen.phase == Phase::Ready && !groups.is_empty()).then_some(Door {
                service: *service,
                groups,
                subnets,
            })
        };
        here.filter_map(|(service, _)| door(service)).collect()
    }

    // --- names ----------------------------------------------------------------------------------------------------------------

    fn examine_names(&mut self) {
        let interfaces = self
            .environment
            .network
            .endpoints
            .iter()
            .any(|(service, endpoint)| !service.is_gateway() && *endpoint != Endpoint::External);
        let Some(vpc) = self.observation.seen(Kind::Vpc, VPC).filter(|_| interfaces) else { return };
        let attribute =
            |option: &str| format!("aws ec2 modify-vpc-attribute --vpc-id {} --{option} Value=true", vpc.id);
        if vpc.flag("enableDnsSupport") == Some(false) {
            let message = format!("{} answers no question about names: {}", vpc.id, attribute("enable-dns-support"));
            self.fault("DNSSupportOff", message);
        }
        if vpc.flag("enableDnsHostnames") == Some(false) {
            let message = format!("private DNS does not work in {}: {}", vpc.id, attribute("enable-dns-hostnames"));
            self.fault("DNSHostnamesOff", message);
        }
        let Some(around) = &self.observation.surroundings else { return };
        self.needs("DHCP options", &around.name_servers);
        let Some(servers) = around.name_servers.seen() else { return };
        let own = self.observation.resolver().map(|address| address.to_string());
        let is_own = |server: &String| OWN_RESOLVERS.contains(&server.as_str()) || Some(server) == own.as_ref();
        let others: Vec<&str> = servers.iter().filter(|server| !is_own(server)).map(String::as_str).collect();
        if others.is_empty() && !servers.is_empty() {
            return;
        }
        let options = around.dhcp_options.as_deref().unwrap_or_default();
        let asked = if others.is_empty() { "nobody".to_owned() } else { others.join(", ") };
        let usual = around.usual_dhcp_options.as_deref().unwrap_or("…");
        self.fault(
            "CustomDNS",
            format!(
                "hosts in {} ask {asked} for names ({options}); only the VPC's own resolver knows the endpoints' private names: aws ec2 associate-dhcp-options --vpc-id {} --dhcp-options-id {usual}",
                vpc.id, vpc.id
            ),
        );
    }

    // --- security groups ------------------------------------------------------------------------------------------------------

    fn examine_groups(&mut self) {
        let Some(around) = &self.observation.surroundings else { return };
        self.needs("security groups", &around.groups);
        let places = places(self.environment, self.observation);
        let clients = self.clients(&places);
        let mut closed: BTreeMap<Closed, BTreeSet<&str>> = BTreeMap::new();
        let doors = self.doors();
        for Door { service, groups, subnets } in &doors {
            let beside = blocks(&places, subnets, self.observation);
            for (client, block) in &clients {
                if lets_in(around, groups, client, block) == Some(false) {
                    closed
                        .entry((Direction::Ingress, groups.clone(), client.clone()))
                        .or_default()
                        .insert(service.name());
                }
                if lets_out(around, client, groups, &beside) == Some(false) {
                    closed
                        .entry((Direction::Egress, client.clone(), groups.clone()))
                        .or_default()
                        .insert(service.name());
                }
            }
        }
        let mut messages: Vec<String> = closed
            .into_iter()
            .filter_map(|((direction, groups, peers), services)| {
                let (group, peer) = (groups.first()?, peers.first()?);
                let needed = Rule::https(direction, peer.clone());
                let services = services.into_iter().collect::<Vec<_>>().join(", ");
                Some(format!("{group} does not let {needed} through ({services}): {}", needed.command(group)))
            })
            .collect();
        messages.extend(self.closed_to_s3(around, &clients));
        let s3 = self.environment.network.endpoints.get(&Service::S3);
        if let Some(problem) =
            around.facts.s3_unseen.as_ref().filter(|_| s3.is_some_and(|s3| *s3 != Endpoint::External))
        {
            let message = format!("whether the notebooks' groups let them out to S3 is not known: {problem}");
            self.unseen.push(Fault { reason: problem.reason.clone(), message });
        }
        for message in messages {
            self.fault("GroupClosed", message);
        }
    }

    /// What leaves for S3 through its gateway passes the notebooks' groups under S3's own addresses.
    fn closed_to_s3(&self, around: &Surroundings, clients: &[(BTreeSet<String>, Vec<IpNet>)]) -> Vec<String> {
        let Some(list) = self.s3_list(around) else { return Vec::new() };
        let closed = clients
            .iter()
            .filter(|(client, _)| lets_out(around, client, &BTreeSet::from([list.clone()]), &[]) == Some(false));
        let message = |group: &String| {
            let needed = Rule::https(Direction::Egress, list.clone());
            format!("{group} does not let {needed} through (S3): {}", needed.command(group))
        };
        closed.filter_map(|(client, _)| client.first().map(message)).collect()
    }

    /// The prefix list of S3, if the notebooks need its gateway and it is there.
    fn s3_list(&self, around: &Surroundings) -> Option<String> {
        self.observation.seen(Kind::VpcEndpoint, Service::S3.name()).filter(|seen| seen.phase == Phase::Ready)?;
        self.environment.network.endpoints.get(&Service::S3).filter(|endpoint| **endpoint != Endpoint::External)?;
        around.facts.prefix_lists.get(&Service::S3.endpoint_service(&self.environment.region)).cloned()
    }

    /// The groups of each notebook, with the addresses of its subnet; without a notebook, those that one would have.
    fn clients(&self, places: &[Place]) -> Vec<(BTreeSet<String>, Vec<IpNet>)> {
        let block =
            |subnet: &str| places.iter().filter(|place| place.id == subnet).filter_map(|place| place.block).collect();
        let stations = stations(self.observation).into_iter().filter(|station| !station.groups.is_empty());
        let mut clients: Vec<(BTreeSet<String>, Vec<IpNet>)> =
            stations.filter_map(|station| Some((station.groups, block(&station.subnet?)))).collect();
        if clients.is_empty() {
            let groups = groups_of_notebooks(self.observation);
            clients =
                places.iter().filter(|_| !groups.is_empty()).map(|place| (groups.clone(), block(&place.id))).collect();
        }
        clients.sort();
        clients.dedup();
        clients
    }

    // --- network ACLs ---------------------------------------------------------------------------------------------------------

    fn examine_acls(&mut self) {
        let Some(around) = &self.observation.surroundings else { return };
        self.needs("network ACLs", &around.acls);
        let places = places(self.environment, self.observation);
        let standing: BTreeSet<String> =
            stations(self.observation).into_iter().filter_map(|station| station.subnet).collect();
        let sources = places.iter().filter(|place| standing.is_empty() || standing.contains(&place.id));
        let s3: Vec<Ipv4Net> = self
            .s3_list(around)
            .and_then(|list| around.facts.prefix_list_blocks.get(&list))
            .into_iter()
            .flatten()
            .filter_map(|block| block.parse().ok())
            .collect();
        let doors: BTreeSet<String> = self.doors().into_iter().flat_map(|door| door.subnets).collect();
        let mut messages = Vec::new();
        for source in sources {
            let Some(guard) = around.acl_of(&source.id) else { continue };
            // Traffic inside a subnet does not pass its ACL.
            for target in places.iter().filter(|place| place.id != source.id && doors.contains(&place.id)) {
                let (Some(IpNet::V4(from)), Some(IpNet::V4(to))) = (source.block, target.block) else { continue };
                messages.extend(there_and_back(guard, &source.label, to));
                if let Some(guard) = around.acl_of(&target.id) {
                    messages.extend(barred(guard, &target.label, Crossing::In, from, HTTPS));
                    messages.extend(barred(guard, &target.label, Crossing::Out, from, ANSWERS));
                }
            }
            messages.extend(s3.iter().flat_map(|block| there_and_back(guard, &source.label, *block)).take(2));
        }
        for message in messages {
            self.fault("NetworkACLDenies", message);
        }
    }
}

const NO_PATH: &str = "NoPath";
const PROGRESSING: &str = "Progressing";

/// What keeps requests to `block` from leaving a subnet, and answers from coming back.
fn there_and_back(guard: &NetworkAcl, label: &str, block: Ipv4Net) -> Vec<String> {
    let there = barred(guard, label, Crossing::Out, block, HTTPS);
    there.into_iter().chain(barred(guard, label, Crossing::In, block, ANSWERS)).collect()
}

fn barred(guard: &NetworkAcl, label: &str, crossing: Crossing, block: Ipv4Net, ports: (u16, u16)) -> Option<String> {
    let number = denial(guard, crossing, block, ports)?;
    let (way, option) = match crossing {
        Crossing::Out => ("out to", "--egress"),
        Crossing::In => ("in from", "--ingress"),
    };
    let what = if ports == HTTPS { "443".to_owned() } else { format!("answers (ports {}-{})", ports.0, ports.1) };
    let id = &guard.id;
    let remedy = if number == LAST {
        let (first, last) = if ports == HTTPS { HTTPS } else { (1024, u16::MAX) };
        let number = free_number(guard, crossing);
        format!(
            "aws ec2 create-network-acl-entry --network-acl-id {id} {option} --rule-number {number} --protocol 6 --port-range From={first},To={last} --cidr-block {block} --rule-action allow"
        )
    } else {
        format!("aws ec2 delete-network-acl-entry --network-acl-id {id} {option} --rule-number {number}")
    };
    Some(format!("{id} of {label} does not let {what} {way} {block} (entry {number}): {remedy}"))
}

/// The addresses of subnets; all of the VPC's when one of them is not the manifest's.
fn blocks(places: &[Place], subnets: &BTreeSet<String>, observation: &Observation) -> Vec<IpNet> {
    let known = |subnet: &String| places.iter().find(|place| place.id == *subnet).and_then(|place| place.block);
    let known: Option<Vec<IpNet>> = subnets.iter().map(known).collect();
    known.filter(|blocks| !blocks.is_empty()).unwrap_or_else(|| observation.vpc_blocks())
}

#[cfg(test)]
mod tests;
