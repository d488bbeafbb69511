//! EC2's networks of one account and region: VPCs and everything in them that isolation depends on.
//! There is no default VPC in a fresh account. IPv6 is known only where somebody could break isolation with it.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

pub mod acl;
pub mod dhcp;
pub mod endpoint;
mod filter;
pub mod gateway;
mod idempotency;
pub mod interface;
pub mod peering;
mod prefix_list;
pub mod route_table;
pub mod security_group;
pub mod subnet;
mod table;
mod tags;
#[cfg(test)]
mod tests;
mod throttle;
pub mod vpc;
mod zone;

use std::fmt::Write as _;
use std::time::Duration;

use ipnet::Ipv4Net;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clock::Instant;
use super::region;
use super::wire::{Call, Refusal, Reply, unknown_operation};
use super::world::{Ids, Settings, World};
use table::{Resource, Table, Visible};

/// What EC2 keeps for an account and region.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) vpcs: Table<vpc::Vpc>,
    pub(crate) subnets: Table<subnet::Subnet>,
    pub(crate) route_tables: Table<route_table::RouteTable>,
    pub(crate) groups: Table<security_group::Group>,
    pub(crate) endpoints: Table<endpoint::Endpoint>,
    pub(crate) interfaces: Table<interface::Interface>,
    pub(crate) internet_gateways: Table<gateway::InternetGateway>,
    pub(crate) nat_gateways: Table<gateway::NatGateway>,
    pub(crate) egress_gateways: Table<gateway::EgressOnlyGateway>,
    pub(crate) peerings: Table<peering::Peering>,
    pub(crate) transit_attachments: Table<peering::TransitAttachment>,
    pub(crate) vpn_gateways: Table<peering::VpnGateway>,
    pub(crate) acls: Table<acl::Acl>,
    pub(crate) dhcp_options: Table<dhcp::DhcpOptions>,
    pub(crate) tags: tags::Tags,
    pub(crate) private_names: endpoint::dns::HeldNames,
    addresses: interface::Addresses,
    tokens: idempotency::Tokens,
    buckets: throttle::Buckets,
}

/// One call at work on the state of its account and region.
pub struct Ec2<'a> {
    settings: &'a Settings,
    ids: &'a Ids,
    call: &'a Call,
    state: &'a mut State,
}

impl Ec2<'_> {
    /// When something created now is seen, and by whom.
    fn visible(&self) -> Visible {
        let (now, delays) = (self.call.now, &self.settings.delays);
        Visible { found_from: now + delays.visibility, described_from: now + delays.description }
    }

    /// Stores the tags of something just created.
    fn tag(&mut self, id: &str, tags: std::collections::BTreeMap<String, String>) {
        if !tags.is_empty() {
            self.state.tags.insert(id.to_owned(), tags);
        }
    }

    fn tags_of(&self, id: &str) -> Value {
        tags::wire(&self.state.tags, id)
    }

    fn arn(&self, resource: &str) -> String {
        let partition = region::partition(&self.call.region);
        format!("arn:{partition}:ec2:{}:{}:{resource}", self.call.region, self.call.account)
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.call.text(name).ok_or_else(|| missing(name))
    }
}

type Operation = fn(&mut Ec2<'_>) -> Reply;

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(world: &mut World, call: &Call) -> Reply {
    let (settings, ids, place) = world.desk(&call.account, &call.region);
    let state = &mut place.ec2;
    state.settle(call.now, settings);
    if settings.enforce_throttle {
        state.buckets.take(call)?;
    }
    let operation = operation(&call.operation).ok_or_else(|| unknown_operation(call.service, &call.operation))?;
    must_be_readable(call)?;
    if call.flag("DryRun") == Some(true) {
        return Err(rehearse(&mut Ec2 { settings, ids, call, state: &mut state.clone() }, operation));
    }
    perform(&mut Ec2 { settings, ids, call, state }, operation)
}

fn perform(ec2: &mut Ec2<'_>, operation: Operation) -> Reply {
    dhcp::ensure_default(ec2);
    idempotency::once(ec2, operation)
}

/// A dry run is always refused: by what would have been wrong, or because nothing would have been.
fn rehearse(ec2: &mut Ec2<'_>, operation: Operation) -> Refusal {
    let message = "Request would have succeeded, but DryRun flag is set.";
    perform(ec2, operation).err().unwrap_or_else(|| Refusal::new(412, "DryRunOperation", message))
}

/// Refuses numbers and truth values that are none. Everything is text in this protocol.
fn must_be_readable(call: &Call) -> Result<(), Refusal> {
    const NUMBERS: [&str; 3] = ["MaxResults", "FromPort", "ToPort"];
    const FLAGS: [&str; 4] = ["DryRun", "PrivateDnsEnabled", "ResetPolicy", "AllAvailabilityZones"];
    let numbers = NUMBERS.into_iter().filter(|name| call.text(name).is_some() && call.number(name).is_none());
    let flags = FLAGS.into_iter().filter(|name| call.text(name).is_some() && call.flag(name).is_none());
    match numbers.chain(flags).next() {
        Some(name) => {
            let value = call.text(name).unwrap_or_default();
            Err(invalid(format!("Value ({value}) for parameter {} is invalid.", lower_first(name))))
        }
        None => Ok(()),
    }
}

fn operation(name: &str) -> Option<Operation> {
    vpc::operation(name)
        .or_else(|| subnet::operation(name))
        .or_else(|| route_table::operation(name))
        .or_else(|| security_group::operation(name))
        .or_else(|| endpoint::operation(name))
        .or_else(|| interface::operation(name))
        .or_else(|| gateway::operation(name))
        .or_else(|| peering::operation(name))
        .or_else(|| acl::operation(name))
        .or_else(|| dhcp::operation(name))
        .or_else(|| elsewhere(name))
}

fn elsewhere(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateTags" => tags::create_tags,
        "DeleteTags" => tags::delete_tags,
        "DescribeTags" => tags::describe_tags,
        "DescribeAvailabilityZones" => zone::describe_availability_zones,
        "DescribeRegions" => zone::describe_regions,
        "DescribePrefixLists" => prefix_list::describe_prefix_lists,
        "DescribeManagedPrefixLists" => prefix_list::describe_managed_prefix_lists,
        "GetManagedPrefixListEntries" => prefix_list::get_managed_prefix_list_entries,
        _ => return None,
    })
}

impl State {
    /// Lets everything happen that is due.
    pub fn settle(&mut self, now: Instant, settings: &Settings) {
        self.vpcs.settle(now);
        self.subnets.settle(now);
        self.route_tables.settle(now);
        self.groups.settle(now);
        self.endpoints.settle(now);
        self.internet_gateways.settle(now);
        endpoint::settle(self, now, settings);
        interface::settle(self, now);
        gateway::settle(self, now);
    }

    /// Whether a resource of any kind exists and is found.
    fn has(&self, id: &str) -> bool {
        fn within<T: Resource>(table: &Table<T>, id: &str) -> bool {
            table.get(id).is_ok()
        }
        within(&self.vpcs, id)
            || within(&self.subnets, id)
            || within(&self.route_tables, id)
            || within(&self.groups, id)
            || within(&self.endpoints, id)
            || within(&self.interfaces, id)
            || within(&self.internet_gateways, id)
            || within(&self.nat_gateways, id)
            || within(&self.egress_gateways, id)
            || within(&self.peerings, id)
            || within(&self.vpn_gateways, id)
            || within(&self.acls, id)
            || within(&self.dhcp_options, id)
            || self.groups.iter().any(|group| group.rules.contains_key(id))
    }
}

/// An error with status 400.
fn bad_request(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn missing(parameter: &str) -> Refusal {
    bad_request("MissingParameter", format!("The request must contain the parameter {}", lower_first(parameter)))
}

fn invalid(message: impl Into<String>) -> Refusal {
    bad_request("InvalidParameterValue", message)
}

fn in_use(noun: &str, id: &str) -> Refusal {
    bad_request("DependencyViolation", format!("The {noun} '{id}' has dependencies and cannot be deleted."))
}

/// The answer of operations that have nothing to say.
#[expect(clippy::unnecessary_wraps, reason = "stands at the end of operations, which return a reply")]
fn done() -> Reply {
    Ok(json!({"return": true}))
}

fn lower_first(text: &str) -> String {
    let (head, tail) = text.split_at(text.len().min(1));
    head.to_ascii_lowercase() + tail
}

/// A CIDR block in canonical form: AWS clears host bits instead of refusing them.
fn cidr(text: &str, parameter: &str) -> Result<Ipv4Net, Refusal> {
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| {
        invalid(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."))
    })
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// `{"Value": "true"}`, as attributes are given.
fn attribute(ec2: &Ec2<'_>, name: &str) -> Option<bool> {
    super::wire::boolean(ec2.call.params.get(name)?.get("Value")?)
}

/// The first bytes of a digest in hexadecimal: for ids that are the same in every account.
fn fingerprint(of: &str, bytes: usize) -> String {
    Sha256::digest(of.as_bytes()).iter().take(bytes).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// For transitions that take a fraction of a configured time.
fn tenth(duration: Duration) -> Duration {
    duration / 10
}
