//! What stands in an environment's VPC besides what the environment made: routes, gateways, network ACLs, resolvers, endpoints of others, and the rules
//! of all security groups.
//!
//! Nothing in here is ever written to. The verdicts ([`super::isolation`], [`super::reachability`], [`super::controls`]) read it, and what stands
//! there by itself in a VPC of ours becomes drift that is reported and left alone ([`strangers`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
};

use ipnet::IpNet;

use super::{
    acl,
    address::{Address, Kind},
    diff::DriftKind,
    environment::{Environment, Part},
    group_rule::{Direction, Rule},
    owner::Ownership,
    plan::{Action, Drift},
    policy::PolicyDocument,
    port::{Observation, Problem},
    resource::{Output, Seen, Severity, Sight},
    services::RegionFacts,
    value::Value,
};

/// What became of a look at one sort of thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Look<T> {
    /// It was not looked at in this visit, because nothing depends on it yet.
    #[default]
    NotYet,
    /// This was seen.
    Seen(T),
    /// It could not be looked at.
    Refused(Problem),
}

impl<T> Look<T> {
    /// What was seen, if it could be.
    pub const fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(what) => Some(what),
            Self::NotYet | Self::Refused(_) => None,
        }
    }

    /// Why it could not be seen.
    pub const fn refusal(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::NotYet | Self::Seen(_) => None,
        }
    }
}

impl<T> From<Result<T, Problem>> for Look<T> {
    fn from(result: Result<T, Problem>) -> Self {
        match result {
            Ok(what) => Self::Seen(what),
            Err(problem) => Self::Refused(problem),
        }
    }
}

/// The surroundings of an environment whose VPC exists.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The id of the VPC.
    pub vpc: String,
    /// The address blocks of the VPC besides its first one, IPv4 and IPv6.
    pub further_blocks: BTreeSet<String>,
    /// What the region offers.
    pub facts: RegionFacts,
    /// The route tables of the VPC.
    pub route_tables: Look<Vec<RouteTable>>,
    /// The security groups of the VPC, by id.
    pub groups: Look<BTreeMap<String, SecurityGroup>>,
    /// The endpoints in the VPC, whosever they are, without those that are gone.
    pub endpoints: Look<Vec<VpcEndpoint>>,
    /// The network ACLs of the VPC.
    pub acls: Look<Vec<NetworkAcl>>,
    /// The id of the VPC's DHCP options.
    pub dhcp_options: Option<String>,
    /// The id of DHCP options in the region that name the VPC's own resolver.
    pub usual_dhcp_options: Option<String>,
    /// The name servers that these tell the VPC's hosts; `AmazonProvidedDNS` is the VPC's own resolver.
    pub name_servers: Look<Vec<String>>,
    /// What is attached to the VPC, by sort.
    pub attachments: BTreeMap<AttachmentKind, Look<Vec<Attachment>>>,
}

/// A route table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// In effect for the subnets of the VPC without a table of their own.
    pub main: bool,
    /// The subnets that it is in effect for by association.
    pub subnets: BTreeSet<String>,
    /// Its routes.
    pub routes: Vec<Route>,
    /// The VPN gateways whose routes it takes over by itself.
    pub propagating: BTreeSet<String>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// A CIDR block, or the id of a prefix list.
    pub destination: String,
    /// Where it leads: an id, or `local`.
    pub target: String,
    /// Its target is gone: what is sent there is dropped.
    pub blackhole: bool,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its name; that of the group which comes with every VPC is `default`.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// Its id.
    pub id: String,
    /// Of which service.
    pub service_name: String,
    /// `Gateway`, `Interface` or a rarer sort.
    pub endpoint_type: String,
    /// As AWS spells it, in lower case.
    pub state: String,
    /// Its policy; none when AWS shows none, and why it cannot be read otherwise.
    pub policy: Option<Result<PolicyDocument, String>>,
    /// The route tables that lead to it.
    pub route_tables: BTreeSet<String>,
    /// The security groups of its network interfaces.
    pub security_groups: BTreeSet<String>,
}

impl VpcEndpoint {
    /// Whether nothing goes through it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "deleting" | "deleted" | "failed" | "rejected" | "expired")
    }
}

/// A network ACL: what crosses the border of its subnets, in either direction, is judged by the first entry that matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkAcl {
    /// Its id.
    pub id: String,
    /// Whether it came with the VPC.
    pub default: bool,
    /// The subnets that it guards.
    pub subnets: BTreeSet<String>,
    /// Its entries, in any order.
    pub entries: Vec<AclEntry>,
}

/// An entry of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    /// Its place: lower numbers decide first.
    pub number: i32,
    /// Whether it is about what leaves the subnet.
    pub egress: bool,
    /// Whether it lets through.
    pub allow: bool,
    /// The number of the protocol; `-1` is all of them.
    pub protocol: String,
    /// The addresses on the other side.
    pub block: IpNet,
    /// First and last port; none for all.
    pub ports: Option<(u16, u16)>,
}

/// The sorts of things that can be attached to a VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachmentKind {
    /// To the internet and back.
    InternetGateway,
    /// To wherever its own subnet leads.
    NatGateway,
    /// To the internet, for IPv6.
    EgressOnlyGateway,
    /// To another VPC.
    Peering,
    /// To a transit gateway.
    TransitGateway,
    /// To another site.
    VpnGateway,
}

impl AttachmentKind {
    /// The list in which it appears in the drift of the VPC.
    #[must_use]
    pub const fn list(self) -> &'static str {
        match self {
            Self::InternetGateway => "internetGateways",
            Self::NatGateway => "natGateways",
            Self::EgressOnlyGateway => "egressOnlyInternetGateways",
            Self::Peering => "peeringConnections",
            Self::TransitGateway => "transitGatewayAttachments",
            Self::VpnGateway => "vpnGateways",
        }
    }
}

impl fmt::Display for AttachmentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::InternetGateway => "internet gateway",
            Self::NatGateway => "NAT gateway",
            Self::EgressOnlyGateway => "egress-only internet gateway",
            Self::Peering => "peering connection",
            Self::TransitGateway => "transit gateway attachment",
            Self::VpnGateway => "virtual private gateway",
        })
    }
}

/// Something that is attached to a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// What AWS says of its state.
    pub state: String,
}

impl Surroundings {
    /// The table that a subnet uses: its own, or else the main table of the VPC. `None` when the tables were not seen, or for a subnet that has no table
    /// of its own and is not known to be in this VPC.
    #[must_use]
    pub fn table_in_effect(&self, subnet: &str, in_this_vpc: bool) -> Option<&RouteTable> {
        let tables = self.route_tables.seen()?;
        let own = tables.iter().find(|table| table.subnets.contains(subnet));
        own.or_else(|| tables.iter().find(|table| table.main && in_this_vpc))
    }

    /// The ACL that guards a subnet.
    #[must_use]
    pub fn acl_of(&self, subnet: &str) -> Option<&NetworkAcl> {
        let acls = self.acls.seen()?;
        acls.iter().find(|acl| acl.subnets.contains(subnet))
    }
}

impl Observation {
    /// Something that was seen, by its address.
    #[must_use]
    pub fn seen(&self, kind: Kind, name: &str) -> Option<&Seen> {
        self.sights.get(&Address::new(kind, name)).and_then(Sight::seen)
    }

    /// The id of the environment's VPC, once there is one.
    #[must_use]
    pub fn vpc_id(&self) -> Option<&str> {
        self.outputs.get(&Address::new(Kind::Vpc, VPC), Output::Id)
    }

    /// The address blocks of the environment's VPC, the first one first.
    #[must_use]
    pub fn vpc_blocks(&self) -> Vec<IpNet> {
        let blocks = self.outputs.get(&Address::new(Kind::Vpc, VPC), Output::CidrBlock).unwrap_or_default();
        blocks.split(',').filter_map(|block| block.parse().ok()).collect()
    }

    /// The address of the VPC's own resolver: the third of its first block.
    #[must_use]
    pub fn resolver(&self) -> Option<Ipv4Addr> {
        match self.vpc_blocks().first()? {
            IpNet::V4(block) => u32::from(block.network()).checked_add(2).map(Ipv4Addr::from),
            IpNet::V6(_) => None,
        }
    }
}

impl Seen {
    /// The value of a field, if AWS showed it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value> {
        let fields = self.state.fields().into_iter();
        fields.filter(|field| field.name == name).find_map(|field| field.value.known().cloned())
    }

    /// The value of a field that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.field(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a field that is a set of texts.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<BTreeSet<String>> {
        match self.field(name) {
            Some(Value::Set(set)) => Some(set),
            _ => None,
        }
    }

    /// The value of a field that is true or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.field(name) {
            Some(Value::Bool(flag)) => Some(flag),
            _ => None,
        }
    }
}

/// The name of the one VPC inside its environment.
pub(super) const VPC: &str = "main";

/// What stands by itself in a VPC of ours and is not ours: reported, never deleted, never detached. In a VPC of somebody else everything is
/// somebody else's, and nothing is worth a word.
#[must_use]
pub fn strangers(environment: &Environment, observation: &Observation) -> Vec<Drift> {
    let (Some(around), Some(vpc)) = (&observation.surroundings, observation.seen(Kind::Vpc, VPC)) else {
        return Vec::new();
    };
    let ours = matches!(vpc.ownership, Ownership::Ours | Ownership::Earlier);
    if !ours || matches!(environment.network.vpc, Part::Existing(_)) {
        return Vec::new();
    }
    let added = |severity: Severity, list: &str, name: &str, what: String| Drift {
        address: vpc.address.clone(),
        id: vpc.id.clone(),
        path: format!("{list}[{name}]"),
        kind: DriftKind::Unexpected,
        desired: None,
        observed: Some(what),
        severity,
        action: Action::Report,
    };
    let stranger = |list: &str, id: &str, what: String| added(Severity::High, list, id, what);
    let attached =
        around.attachments.iter().flat_map(|(kind, look)| look.seen().into_iter().flatten().map(|it| (*kind, it)));
    let attached = attached.map(|(kind, it)| stranger(kind.list(), &it.id, format!("{kind}, {}", it.state)));
    let known: BTreeSet<&str> =
        observation.sights.values().filter_map(Sight::seen).map(|seen| seen.id.as_str()).collect();
    let endpoints = around.endpoints.seen().into_iter().flatten();
    let foreign = endpoints.filter(|endpoint| !endpoint.is_over() && !known.contains(endpoint.id.as_str()));
    let foreign = foreign.map(|it| stranger("vpcEndpoints", &it.id, format!("endpoint of {}", it.service_name)));
    let blocks = around.further_blocks.iter().map(|block| {
        let (list, what) = if block.contains(':') {
            ("ipv6CidrBlocks", "things in this VPC can have IPv6 addresses")
        } else {
            ("cidrBlocks", "further addresses count as this VPC's own")
        };
        added(Severity::Medium, list, block, what.to_owned())
    });
    let to_defaults = added_to_defaults(around);
    let to_defaults = to_defaults.into_iter().map(|(list, name, what)| added(Severity::Medium, list, &name, what));
    attached.chain(foreign).chain(blocks).chain(to_defaults).collect()
}

/// What somebody put into the security group and the network ACL that came with the VPC, by list and name. As AWS made them they are left, and not
/// worth a word.
fn added_to_defaults(around: &Surroundings) -> Vec<(&'static str, String, String)> {
    let groups = around.groups.seen().into_iter().flatten().filter(|(_, group)| group.name == "default");
    let rules = groups.flat_map(|(id, group)| {
        let added = group.rules.iter().filter(|rule| !is_of_every_default_group(rule, id));
        added.map(move |rule| {
            let what = format!("a rule of {id}, the group of whatever in this VPC names none");
            ("defaultSecurityGroup", rule.to_string(), what)
        })
    });
    let acls = around.acls.seen().into_iter().flatten().filter(|acl| acl.default);
    let entries = acls.flat_map(|acl| {
        let added = acl.entries.iter().filter(|entry| !is_of_every_default_acl(entry));
        added.map(move |entry| {
            let (way, side) = if entry.egress { ("egress", "to") } else { ("ingress", "from") };
            let verb = if entry.allow { "allows" } else { "denies" };
            let ports = entry.ports.map(|(first, last)| format!(" {first}-{last}")).unwrap_or_default();
            let what = format!("{} {verb} protocol {}{ports} {side} {}", acl.id, entry.protocol, entry.block);
            ("defaultNetworkACL", format!("{way} {}", entry.number), what)
        })
    });
    rules.chain(entries).collect()
}

fn is_of_every_default_group(rule: &Rule, group: &str) -> bool {
    // AWS adds the one for IPv6 with the first IPv6 block.
    let out = [Rule::default_egress(), Rule::all(Direction::Egress, "::/0")];
    *rule == Rule::all(Direction::Ingress, group) || out.contains(rule)
}

/// An entry that lets everything pass, for IPv6 once there is an IPv6 block, and the last ones, which deny.
fn is_of_every_default_acl(entry: &AclEntry) -> bool {
    let everything = entry.protocol == "-1" && entry.block.prefix_len() == 0;
    everything && (entry.allow && matches!(entry.number, 100 | 101) || !entry.allow && entry.number >= acl::LAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict_example::{environment, everything, observation};

    /// What is told of the surroundings, changed.
    fn told(change: impl FnOnce(&mut Surroundings)) -> Vec<(String, Severity)> {
        let mut observation = observation();
        change(observation.surroundings.as_mut().unwrap());
        let drift = strangers(&environment(), &observation);
        assert!(drift.iter().all(|drift| drift.action == Action::Report && drift.kind == DriftKind::Unexpected));
        drift.into_iter().map(|drift| (drift.path, drift.severity)).collect()
    }

    #[test]
    fn address_blocks_that_somebody_gave_our_vpc_are_told() {
        assert_eq!(told(|_| {}), []);
        let blocks = ["10.1.0.0/16", "2001:db8::/56"].map(ToOwned::to_owned);
        let expected = ["cidrBlocks[10.1.0.0/16]", "ipv6CidrBlocks[2001:db8::/56]"]
            .map(|path| (path.to_owned(), Severity::Medium));
        assert_eq!(told(|around| around.further_blocks = BTreeSet::from(blocks.clone())), expected);

        let mut theirs = environment();
        theirs.network.vpc = Part::Existing("vpc-1".into());
        let mut observation = observation();
        observation.surroundings.as_mut().unwrap().further_blocks = BTreeSet::from(blocks);
        assert_eq!(strangers(&theirs, &observation), []);
    }

    #[test]
    fn what_somebody_put_into_the_group_and_the_acl_that_came_with_our_vpc_is_told() {
        let as_made = |around: &mut Surroundings| {
            let rules = vec![Rule::all(Direction::Ingress, "sg-d"), Rule::default_egress()];
            let Look::Seen(groups) = &mut around.groups else { unreachable!("they were seen") };
            groups.insert("sg-d".into(), SecurityGroup { name: "default".into(), rules });
            let Look::Seen(acls) = &mut around.acls else { unreachable!("they were seen") };
            let last = |egress| AclEntry { number: acl::LAST, allow: false, ..everything(egress) };
            acls[0].entries.extend([last(true), last(false)]);
        };
        assert_eq!(told(as_made), []);
        let path = |path: &str| (path.to_owned(), Severity::Medium);
        let found = told(|around| {
            as_made(around);
            let Look::Seen(groups) = &mut around.groups else { unreachable!("they were seen") };
            // The rules of any other group are compared where the group is ours, and its owner's where it is not.
            for group in groups.values_mut() {
                group.rules.push(Rule::https(Direction::Ingress, "0.0.0.0/0"));
            }
            let Look::Seen(acls) = &mut around.acls else { unreachable!("they were seen") };
            let https = AclEntry { protocol: "6".into(), ports: Some((443, 443)), ..everything(false) };
            acls[0].entries.push(AclEntry { number: 50, allow: false, ..https.clone() });
            acls[0].entries.push(AclEntry { number: 110, ..https });
        });
        let expected = [
            path("defaultSecurityGroup[tcp 443 from 0.0.0.0/0]"),
            path("defaultNetworkACL[ingress 50]"),
            path("defaultNetworkACL[ingress 110]"),
        ];
        assert_eq!(found, expected);
    }
}
