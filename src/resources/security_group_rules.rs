//! The rules of the security groups: one resource per group.
//!
//! A group of ours has exactly the rules that are wanted: what is missing is added first, what is there besides goes, by rule id. A wanted rule
//! that somebody else has put there is as good as ours, and stays. In a group that exists already nothing is written: what it lacks is named,
//! with the command that adds it.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::ResourceType;
use ipnet::IpNet;

use super::{
    ec2_addresses::{self, Group},
    ec2_groups::{GroupRow, SecurityGroups},
    ec2_rule::{self, Direction, Rule},
    ec2_tags,
};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk, gone, put_off},
        inventory::Listing,
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::{Address, Kind},
        diff::{FieldDiff, touches},
        environment::{Endpoint, Environment, Part, Traffic},
        owner::{TAG_PREFIX, Tags},
        port::ErrorClass,
        resource::{Context, Field, Finding, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        services::Service,
        surroundings::{Look, SecurityGroup, Surroundings},
        value::Wish,
    },
};

/// The kind.
pub struct SecurityGroupRules;

/// Where endpoints can be that are neither ours nor in this VPC: behind private addresses, wherever the network leads (RFC 1918).
const PRIVATE_ADDRESSES: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// The field that says whether everything may go out.
const EGRESS_TO_ANYWHERE: &str = "egressToAnywhere";

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All security-group rules of the region.
struct Rules(Vec<RuleRow>);

struct RuleRow {
    group: String,
    rule: Rule,
    handle: Handle,
}

/// What it takes to get hold of a rule.
#[derive(Debug, Clone)]
struct Handle {
    id: String,
    /// It carries owner tags.
    tagged: bool,
}

#[async_trait]
impl Listing for Rules {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_security_group_rules().into_paginator().page_size(1000).items().send();
        let rules = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSecurityGroupRules"))?;
        Ok(Self(rules.into_iter().filter_map(RuleRow::from_sdk).collect()))
    }
}

impl RuleRow {
    fn from_sdk(rule: aws_sdk_ec2::types::SecurityGroupRule) -> Option<Self> {
        let tags = ec2_tags::read(rule.tags.as_deref());
        Some(Self {
            rule: ec2_rule::from_sdk(&rule)?,
            handle: Handle {
                id: rule.security_group_rule_id?,
                tagged: tags.keys().any(|key| key.starts_with(TAG_PREFIX)),
            },
            group: rule.group_id?,
        })
    }
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What the rules of a group look like.
#[derive(Debug, Clone)]
pub struct SecurityGroupRulesState {
    group: Wish<String>,
    ingress: Wish<BTreeSet<Rule>>,
    egress: Wish<BTreeSet<Rule>>,
    /// Whether everything may go out: what AWS puts into every new group. Wished for only while the exact rules are not known, so that such a
    /// group is closed from its first moment.
    egress_to_anywhere: Wish<bool>,
    /// Of what is wanted: the rules for what goes out that are known by now. No field, as more may follow.
    certain_egress: BTreeSet<Rule>,
    /// Of what is wanted: a rule for a group that is not there (any more) is among it. No field: which one is known once the group is there. Until
    /// then no rule for a group is too many.
    lacks_group: bool,
    /// Of what was seen: how to get hold of each rule. No field.
    handles: BTreeMap<Rule, Handle>,
    /// Of what is wanted: the tags of each rule that we make. No field, as rules without them are good, too.
    rule_tags: Tags,
    /// Of what is wanted: the groups that the manifest names, which may not be there. No field: the rules say which they are.
    clients: BTreeSet<String>,
    /// Of what is wanted of an existing group: what to look for in it. No field, as such a group may have any other rules.
    check: Option<Check>,
}

/// What an existing group is examined for.
#[derive(Debug, Clone)]
struct Check {
    /// What it must let through.
    needed: BTreeSet<Rule>,
    /// The addresses of the VPC.
    network: Vec<IpNet>,
    /// Nothing should come in: whoever reaches a notebook directly needs no password.
    closed: bool,
}

impl State for SecurityGroupRulesState {
    fn fields(&self) -> Vec<Field> {
        let Self {
            group,
            ingress,
            egress,
            egress_to_anywhere,
            certain_egress: _,
            lacks_group: _,
            handles: _,
            rule_tags: _,
            clients: _,
            check: _,
        } = self.clone();
        let texts = |rules: BTreeSet<Rule>| rules.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
        vec![
            Field::fixed("group", group),
            Field::live("ingress", ingress.map(texts)).severe(Severity::High),
            Field::live("egress", egress.map(texts)).severe(Severity::High),
            Field::live(EGRESS_TO_ANYWHERE, egress_to_anywhere).severe(Severity::High),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl SecurityGroupRulesState {
    const fn rules(&self, direction: Direction) -> &Wish<BTreeSet<Rule>> {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for SecurityGroupRules {
    fn kind(&self) -> Kind {
        Kind::SecurityGroupRules
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        Group::BOTH.into_iter().map(|group| wanted(group, environment, context)).collect()
    }
}

fn wanted(group: Group, environment: &Environment, context: Context<'_>) -> Wanted {
    let address = group.rules();
    let (ingress, egress) = match group {
        Group::Notebooks => (Vec::new(), notebooks_egress(environment, context)),
        Group::Endpoints => (endpoints_ingress(environment, context), Vec::new()),
    };
    let certain_egress: BTreeSet<Rule> = egress.iter().filter_map(Wish::known).cloned().collect();
    let own = id_of(group, environment, context);
    let lacks_group = own.known().is_some() && ingress.iter().chain(&egress).any(waits_for_group);
    let (ingress, egress) = (all_of(ingress, lacks_group), all_of(egress, lacks_group));
    let state = SecurityGroupRulesState {
        group: own,
        ingress,
        egress_to_anywhere: if egress == Wish::Any { Wish::Is(false) } else { Wish::Any },
        egress,
        certain_egress,
        lacks_group,
        handles: BTreeMap::new(),
        rule_tags: environment.tags_of(&address),
        clients: environment.network.client_security_groups.clone(),
        check: None,
    };
    let (management, state) = match group.part(environment) {
        Part::Managed(()) => (Management::Owned, state),
        Part::Existing(id) => (Management::Existing(id.clone()), examined(group, state, context)),
    };
    Wanted { address, management, name: None, needs: needs(environment), tags: Tags::new(), state: Arc::new(state) }
}

/// Whether a rule is for a group that is not there (any more).
fn waits_for_group(rule: &Wish<Rule>) -> bool {
    matches!(rule, Wish::After(address) if address.kind == Kind::SecurityGroup)
}

/// All rules of a direction. A group that is not there keeps only the rules for itself from being known.
fn all_of(mut rules: Vec<Wish<Rule>>, without_groups: bool) -> Wish<BTreeSet<Rule>> {
    rules.retain(|rule| !(without_groups && waits_for_group(rule)));
    Wish::all(rules)
}

/// The groups that rules are in and refer to, and the VPC whose addresses some are about.
fn needs(environment: &Environment) -> Vec<Address> {
    let groups = Group::BOTH.into_iter().filter(|group| matches!(group.part(environment), Part::Managed(())));
    [ec2_addresses::vpc()].into_iter().chain(groups.map(Group::address)).collect()
}

/// An existing group is not made to have exactly these rules, it is examined for what they are for.
fn examined(group: Group, state: SecurityGroupRulesState, context: Context<'_>) -> SecurityGroupRulesState {
    let needed = match group {
        Group::Notebooks => state.egress.known(),
        Group::Endpoints => state.ingress.known(),
    };
    let check = Check {
        // Of what is not known yet nothing can be missing.
        needed: needed.cloned().unwrap_or_default(),
        network: vpc_blocks(context).known().into_iter().flatten().filter_map(|block| block.parse().ok()).collect(),
        closed: group == Group::Notebooks,
    };
    SecurityGroupRulesState {
        ingress: Wish::Any,
        egress: Wish::Any,
        egress_to_anywhere: Wish::Any,
        check: Some(check),
        ..state
    }
}

fn id_of(group: Group, environment: &Environment, context: Context<'_>) -> Wish<String> {
    match group.part(environment) {
        Part::Managed(()) => context.outputs.input(&group.address(), Output::Id),
        Part::Existing(id) => Wish::Is(id.clone()),
    }
}

fn vpc_blocks(context: Context<'_>) -> Wish<Vec<String>> {
    context
        .outputs
        .input(&ec2_addresses::vpc(), Output::CidrBlock)
        .map(|blocks| blocks.split(',').map(ToOwned::to_owned).collect())
}

/// Who reaches the endpoints: the notebooks, and the clients that the manifest names.
///
/// In a VPC that is not ours the private DNS of an endpoint sends everybody there to it. Unless the manifest says who the clients are, everybody
/// there is let in, so that nobody is cut off from a service that worked before.
fn endpoints_ingress(environment: &Environment, context: Context<'_>) -> Vec<Wish<Rule>> {
    let network = &environment.network;
    let from_group = |group: String| match network.client_group_traffic {
        Traffic::Https => Rule::https(Direction::Ingress, group),
        Traffic::All => Rule::all(Direction::Ingress, group),
    };
    let from_block = |block: String| Rule::https(Direction::Ingress, block);
    let mut rules = vec![id_of(Group::Notebooks, environment, context).map(from_group)];
    rules.extend(network.client_security_groups.iter().cloned().map(|group| Wish::Is(from_group(group))));
    rules.extend(network.client_cidrs.iter().cloned().map(|block| Wish::Is(from_block(block))));
    if network.client_cidrs.is_empty() && matches!(network.vpc, Part::Existing(_)) {
        rules.extend(each(vpc_blocks(context)).map(|block| block.map(from_block)));
    }
    rules
}

/// What the notebooks reach: the endpoints, and S3 through its gateway, whose traffic the group filters, too. The resolver of the
/// VPC needs no rule. An endpoint that exists already is somewhere in the VPC, in groups of its own; one that is elsewhere has a private address.
fn notebooks_egress(environment: &Environment, context: Context<'_>) -> Vec<Wish<Rule>> {
    let to = |peer: String| Rule::https(Direction::Egress, peer);
    let endpoints = &environment.network.endpoints;
    let interfaces = || endpoints.iter().filter(|(service, _)| !service.is_gateway()).map(|(_, endpoint)| endpoint);
    let mut rules = vec![id_of(Group::Endpoints, environment, context).map(to)];
    rules.extend(environment.leaving.endpoint_groups.iter().cloned().map(|group| Wish::Is(to(group))));
    if interfaces().any(|endpoint| matches!(endpoint, Endpoint::Existing(_))) {
        rules.extend(each(vpc_blocks(context)).map(|block| block.map(to)));
    }
    if interfaces().any(|endpoint| matches!(endpoint, Endpoint::External)) {
        rules.extend(PRIVATE_ADDRESSES.into_iter().map(|block| Wish::Is(to(block.to_owned()))));
    }
    if endpoints.contains_key(&Service::S3) {
        let name = Service::S3.endpoint_service(&environment.region);
        // When the list is not known, neither is the right set of rules: nothing is taken away from what is there.
        rules.push(context.facts.prefix_lists.get(&name).cloned().map_or(Wish::Any, |list| Wish::Is(to(list))));
    }
    rules
}

/// A wish for several, as several wishes.
fn each(wish: Wish<Vec<String>>) -> impl Iterator<Item = Wish<String>> {
    let wishes = match wish {
        Wish::Is(values) => values.into_iter().map(Wish::Is).collect(),
        Wish::After(address) => vec![Wish::After(address)],
        Wish::Any => vec![Wish::Any],
    };
    wishes.into_iter()
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for SecurityGroupRules {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let groups = reader.look::<SecurityGroups>("").await?;
        let rules = reader.look::<Rules>("").await?;
        let items = groups.rows.0.iter().filter_map(|group| {
            let address = address_of(reader, wanted, group);
            let asked_for: Vec<&Wanted> = wanted.iter().filter(|wanted| group_of(wanted) == Some(&group.id)).collect();
            (address.is_some() || !asked_for.is_empty()).then(|| item(group, address, &rules.rows.0, &asked_for))
        });
        Ok(items.collect())
    }

    async fn survey(&self, reader: &Reader<'_>, around: &mut Surroundings) {
        let (groups, rules) = (reader.look::<SecurityGroups>("").await, reader.look::<Rules>("").await);
        around.groups = match (groups, rules) {
            (Ok(groups), Ok(rules)) => {
                let of_vpc = groups.rows.0.iter().filter(|group| group.vpc == around.vpc);
                Look::Seen(of_vpc.map(|group| (group.id.clone(), surrounding(group, &rules.rows.0))).collect())
            }
            (Err(error), _) | (_, Err(error)) => Look::Refused(error.problem()),
        };
    }

    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        group_of(wanted) == Some(&item.id)
    }

    /// Only for a group that was made in this very round; a group that is in sight has rules, if only none.
    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let state = wanted.state::<SecurityGroupRulesState>();
        let group =
            state.group.known().ok_or_else(|| AwsError::unresolved("ec2:AuthorizeSecurityGroupEgress", "group"))?;
        let ingress: Vec<&Rule> = state.ingress.known().into_iter().flatten().collect();
        let mut missing = None;
        put_off(authorize(writer, group, Direction::Ingress, &ingress, state).await, &mut missing)?;
        let egress = state.egress.known().unwrap_or(&state.certain_egress);
        authorize(writer, group, Direction::Egress, &egress.iter().collect::<Vec<_>>(), state).await?;
        if !egress.contains(&Rule::default_egress()) {
            revoke_default_egress(writer, group).await?;
        }
        missing.map_or_else(|| Ok(Created::id(group)), Err)
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<SecurityGroupRulesState>(), seen.state::<SecurityGroupRulesState>());
        let differing =
            || [Direction::Ingress, Direction::Egress].into_iter().filter(|direction| touches(diffs, direction.name()));
        let both = |direction: Direction| Some((wish.rules(direction).known()?, found.rules(direction).known()?));
        let mut missing = None;
        for (direction, (rules, found)) in differing().filter_map(|direction| Some((direction, both(direction)?))) {
            let lacking: Vec<&Rule> = rules.difference(found).collect();
            put_off(authorize(writer, &seen.id, direction, &lacking, wish).await, &mut missing)?;
        }
        for (direction, (wish, there)) in differing().filter_map(|direction| Some((direction, both(direction)?))) {
            let extra = there.difference(wish).filter_map(|rule| found.handles.get(rule));
            revoke(writer, &seen.id, direction, extra.map(|handle| handle.id.clone()).collect()).await?;
        }
        if touches(diffs, EGRESS_TO_ANYWHERE) {
            let empty = BTreeSet::new();
            let there = found.egress.known().unwrap_or(&empty);
            let lacking: Vec<&Rule> = wish.certain_egress.difference(there).collect();
            authorize(writer, &seen.id, Direction::Egress, &lacking, wish).await?;
            let open = found.handles.get(&Rule::default_egress()).map(|handle| handle.id.clone());
            revoke(writer, &seen.id, Direction::Egress, open.into_iter().collect()).await?;
        }
        missing.map_or(Ok(Progress::Done), Err)
    }

    /// Rules go with their group. But two groups whose rules refer to each other can only be deleted when these rules are gone.
    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        let state = seen.state::<SecurityGroupRulesState>();
        for direction in [Direction::Ingress, Direction::Egress] {
            let referring =
                state.handles.iter().filter(|(rule, _)| rule.direction == direction && rule.refers_to_group());
            revoke(writer, &seen.id, direction, referring.map(|(_, handle)| handle.id.clone()).collect()).await?;
        }
        Ok(Progress::Done)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let handles = seen.state::<SecurityGroupRulesState>().handles.values();
        let tagged: Vec<String> = handles.filter(|handle| handle.tagged).map(|handle| handle.id.clone()).collect();
        if tagged.is_empty() { Ok(()) } else { ec2_tags::remove_from(writer, &tagged, keys).await }
    }
}

fn surrounding(group: &GroupRow, rules: &[RuleRow]) -> SecurityGroup {
    let rules = rules.iter().filter(|row| row.group == group.id).map(|row| row.rule.clone());
    SecurityGroup { name: group.name.clone(), rules: rules.collect() }
}

fn group_of(wanted: &Wanted) -> Option<&String> {
    wanted.state::<SecurityGroupRulesState>().group.known()
}

/// The address of a group's rules, if the group has owner tags. A second group with the same address (a creation that a crash doubled) has not the
/// wanted rules, but spare ones.
fn address_of(reader: &Reader<'_>, wanted: &[Wanted], group: &GroupRow) -> Option<Address> {
    let name = reader.owner.address_of(&group.tags).filter(|address| address.kind == Kind::SecurityGroup)?.name;
    let address = Address::new(Kind::SecurityGroupRules, name);
    let other = wanted
        .iter()
        .find(|wanted| wanted.address == address)
        .and_then(group_of)
        .is_some_and(|wanted| *wanted != group.id);
    Some(if other { address.spare(&group.id) } else { address })
}

fn item(group: &GroupRow, address: Option<Address>, rules: &[RuleRow], asked_for: &[&Wanted]) -> Item {
    let rows = || rules.iter().filter(|row| row.group == group.id);
    let wishes = || asked_for.iter().map(|wanted| wanted.state::<SecurityGroupRulesState>());
    let counts = |rule: &Rule| {
        let wanted =
            |wish: &SecurityGroupRulesState| wish.rules(rule.direction).known().is_some_and(|all| all.contains(rule));
        !rule.refers_to_group() || wishes().all(|wish| !wish.lacks_group || wanted(wish))
    };
    let of = |direction: Direction| {
        let rules = rows().map(|row| row.rule.clone()).filter(|rule| rule.direction == direction);
        Wish::Is(rules.filter(counts).collect())
    };
    let state = SecurityGroupRulesState {
        group: Wish::Is(group.id.clone()),
        ingress: of(Direction::Ingress),
        egress: of(Direction::Egress),
        egress_to_anywhere: Wish::Is(rows().any(|row| row.rule == Rule::default_egress())),
        certain_egress: BTreeSet::new(),
        lacks_group: false,
        handles: rows().map(|row| (row.rule.clone(), row.handle.clone())).collect(),
        rule_tags: Tags::new(),
        clients: BTreeSet::new(),
        check: None,
    };
    let checks = wishes().filter_map(|wish| wish.check.as_ref());
    Item {
        id: group.id.clone(),
        address,
        // The group's: the rules are whose the group is.
        tags: group.tags.clone(),
        phase: Phase::Ready,
        outputs: BTreeMap::from([(Output::Id, group.id.clone())]),
        findings: checks.flat_map(|check| examine(&group.id, check, &state.handles)).collect(),
        state: Arc::new(state),
    }
}

/// What an existing group lacks, and what it lets in that it should not.
fn examine(group: &str, check: &Check, rules: &BTreeMap<Rule, Handle>) -> Vec<Finding> {
    let lacking = check.needed.iter().filter(|needed| !rules.keys().any(|rule| rule.covers(needed, &check.network)));
    let lacking = lacking.map(|needed| Finding {
        field: format!("{}[{needed}]", needed.direction.name()),
        observed: format!("not let through; its owner can add it: {}", needed.command(group)),
        severity: Severity::Medium,
    });
    let open = rules.keys().filter(|rule| check.closed && rule.direction == Direction::Ingress);
    let open = open.map(|rule| Finding {
        field: format!("ingress[{rule}]"),
        observed: "lets traffic to notebooks in, which answer without asking for a password".into(),
        severity: Severity::High,
    });
    lacking.chain(open).collect()
}

/// Add rules. A group that the manifest names and that is not there keeps nobody else out.
async fn authorize(
    writer: &Writer<'_>,
    group: &str,
    direction: Direction,
    rules: &[&Rule],
    wish: &SecurityGroupRulesState,
) -> Result<(), AwsError> {
    let together = authorize_together(writer, group, direction, rules, &wish.rule_tags).await;
    let (named, others): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| wish.clients.contains(&rule.peer));
    match together {
        // What AWS does not show yet is a group of ours; that passes.
        Err(error) if error.is_not_found() && !named.is_empty() && !error.message.contains(group) => {}
        result => return result,
    }
    authorize_together(writer, group, direction, &others, &wish.rule_tags).await?;
    let mut missing = None;
    for rule in named {
        let added = authorize_together(writer, group, direction, &[rule], &wish.rule_tags).await;
        let remedy =
            "Correct spec.network.clientSecurityGroups: every group must be there, in the VPC of the endpoints.";
        let told = |error: AwsError| {
            if error.is_not_found() {
                AwsError { message: format!("{}: {}.", rule.peer, error.message.trim_end_matches('.')), ..error }
                    .about_a_reference(remedy)
            } else {
                error
            }
        };
        put_off(added.map_err(told), &mut missing)?;
    }
    missing.map_or(Ok(()), Err)
}

/// Add rules, all in one call: all of them or none.
async fn authorize_together(
    writer: &Writer<'_>,
    group: &str,
    direction: Direction,
    rules: &[&Rule],
    tags: &Tags,
) -> Result<(), AwsError> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions = Some(rules.iter().map(|rule| ec2_rule::to_sdk(rule)).collect());
    let tags = ec2_tags::specification(ResourceType::SecurityGroupRule, tags);
    let result = match direction {
        Direction::Ingress => {
            let add = writer.write("ec2:AuthorizeSecurityGroupIngress")?.ec2.authorize_security_group_ingress();
            let add = add.group_id(group).set_ip_permissions(permissions).tag_specifications(tags);
            add.send().await.map(drop).map_err(from_sdk("ec2:AuthorizeSecurityGroupIngress"))
        }
        Direction::Egress => {
            let add = writer.write("ec2:AuthorizeSecurityGroupEgress")?.ec2.authorize_security_group_egress();
            let add = add.group_id(group).set_ip_permissions(permissions).tag_specifications(tags);
            add.send().await.map(drop).map_err(from_sdk("ec2:AuthorizeSecurityGroupEgress"))
        }
    };
    match result {
        // One of them has appeared since the last look. The next one shows which, and what is still missing.
        Err(error) if error.class == ErrorClass::Exists => Ok(()),
        result => result,
    }
}

async fn revoke(writer: &Writer<'_>, group: &str, direction: Direction, ids: Vec<String>) -> Result<(), AwsError> {
    if ids.is_empty() {
        return Ok(());
    }
    let result = match direction {
        Direction::Ingress => {
            let remove = writer.write("ec2:RevokeSecurityGroupIngress")?.ec2.revoke_security_group_ingress();
            let remove = remove.group_id(group).set_security_group_rule_ids(Some(ids));
            remove.send().await.map(drop).map_err(from_sdk("ec2:RevokeSecurityGroupIngress"))
        }
        Direction::Egress => {
            let remove = writer.write("ec2:RevokeSecurityGroupEgress")?.ec2.revoke_security_group_egress();
            let remove = remove.group_id(group).set_security_group_rule_ids(Some(ids));
            remove.send().await.map(drop).map_err(from_sdk("ec2:RevokeSecurityGroupEgress"))
        }
    };
    gone(result)
}

/// Take away what AWS put into a group that was made a moment ago. By what it says: its id is not known yet, and in a new group of ours nobody else
/// can have made it.
async fn revoke_default_egress(writer: &Writer<'_>, group: &str) -> Result<(), AwsError> {
    let remove = writer.write("ec2:RevokeSecurityGroupEgress")?.ec2.revoke_security_group_egress();
    let remove = remove.group_id(group).ip_permissions(ec2_rule::to_sdk(&Rule::default_egress()));
    gone(remove.send().await.map_err(from_sdk("ec2:RevokeSecurityGroupEgress")))
}
