//! VPC endpoints, interface and gateway, with their policies.
//!
//! Making, changing and deleting endpoints are the calls of which AWS takes the fewest: all changes of one go into one call.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{ResourceType, VpcEndpointType};

use super::{
    ec2_addresses::{self, Group},
    ec2_client_token::{Answers, client_token, is_still},
    ec2_endpoints::{EndpointRow, VpcEndpoints},
    ec2_tags,
    network_policy::policy_of,
    policy_documents::{Sifted, findings, sift},
};
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        access::PolicyInPlace,
        address::{Address, Kind},
        diff::{FieldDiff, TAGS, touches},
        environment::{Endpoint, EndpointPolicy, Environment, Part, Subnet},
        owner::Tags,
        policy::{PolicyDocument, Statement},
        resource::{
            Context, Field, Finding, Management, Output, Phase, Remedy, ResourceKind, Seen, Severity, State, Wanted,
        },
        services::Service,
        surroundings::{self, Surroundings},
        value::{Wish, bounded},
    },
};

mod changes;

/// The kind.
#[derive(Default)]
pub struct VpcEndpoint {
    answers: Answers,
}

/// The field with the subnets in which an interface endpoint has addresses.
const SUBNETS: &str = "subnets";

// --- rows ---------------------------------------------------------------------------------------------------------------------

// The rows are those of `ec2_endpoints`.

// --- state --------------------------------------------------------------------------------------------------------------------

/// What an endpoint looks like.
#[derive(Debug, Clone)]
pub struct VpcEndpointState {
    vpc: Wish<String>,
    service_name: Wish<String>,
    endpoint_type: Wish<String>,
    policy: Wish<PolicyDocument>,
    private_dns_enabled: Wish<bool>,
    subnets: Wish<BTreeSet<String>>,
    security_groups: Wish<BTreeSet<String>>,
    route_tables: Wish<BTreeSet<String>>,
    /// Of what was seen: it will never work (again). No field: the phase says it.
    over: bool,
    /// Of what was seen: the policy as it is.
    in_place: Vec<PolicyInPlace>,
    /// Of what was seen: the Deny statements that somebody added to its policy. No field: they are named and stay.
    denies: BTreeSet<Statement>,
    /// Of what is wanted: the region that does not have the service. No field: one that exists shows that it has.
    not_offered_in: Option<String>,
    /// Of what is wanted: which subnets that the manifest names for it are in one zone, and what to do. No field: AWS takes one of them only.
    crowded: Option<String>,
}

impl State for VpcEndpointState {
    fn fields(&self) -> Vec<Field> {
        let Self {
            vpc,
            service_name,
            endpoint_type,
            policy,
            private_dns_enabled,
            subnets,
            security_groups,
            route_tables,
            over: _,
            in_place: _,
            denies: _,
            not_offered_in: _,
            crowded: _,
        } = self.clone();
        vec![
            Field::fixed("vpc", vpc),
            Field::fixed("serviceName", service_name),
            Field::fixed("type", endpoint_type),
            Field::live("policy", policy).severe(Severity::High),
            Field::live("privateDNSEnabled", private_dns_enabled),
            Field::live(SUBNETS, subnets),
            Field::live("securityGroups", security_groups).severe(Severity::High),
            Field::live("routeTables", route_tables),
        ]
    }

    fn policies(&self) -> &[PolicyInPlace] {
        &self.in_place
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn unfit(&self) -> Option<String> {
        self.over.then(|| "it is deleted, rejected or has failed for good".to_owned())
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for VpcEndpoint {
    fn kind(&self) -> Kind {
        Kind::VpcEndpoint
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        let endpoints = environment.network.endpoints.iter();
        endpoints.filter_map(|(service, endpoint)| wanted(*service, endpoint, environment, context)).collect()
    }
}

fn wanted(service: Service, endpoint: &Endpoint, environment: &Environment, context: Context<'_>) -> Option<Wanted> {
    let address = ec2_addresses::endpoint(service);
    let not_offered = context.facts.not_offered.contains(&service.endpoint_service(&environment.region));
    let any = VpcEndpointState {
        vpc: context.outputs.input(&ec2_addresses::vpc(), Output::Id),
        service_name: Wish::Is(service.endpoint_service(&environment.region)),
        endpoint_type: Wish::Is(if service.is_gateway() { "Gateway" } else { "Interface" }.to_owned()),
        policy: Wish::Any,
        private_dns_enabled: Wish::Any,
        subnets: Wish::Any,
        security_groups: Wish::Any,
        route_tables: Wish::Any,
        over: false,
        in_place: Vec::new(),
        denies: BTreeSet::new(),
        not_offered_in: not_offered.then(|| environment.region.clone()),
        crowded: None,
    };
    match endpoint {
        Endpoint::External => None,
        Endpoint::Existing(id) => Some(Wanted {
            address,
            management: Management::Existing(id.clone()),
            name: None,
            needs: vec![ec2_addresses::vpc()],
            tags: Tags::new(),
            state: Arc::new(VpcEndpointState {
                // The notebooks use the services' ordinary names.
                private_dns_enabled: if service.is_gateway() { Wish::Any } else { Wish::Is(true) },
                ..any
            }),
        }),
        Endpoint::Managed { policy, private_dns, subnets } => {
            let policy = policy_wish(service, policy, environment, context);
            let state = if service.is_gateway() {
                VpcEndpointState { policy, route_tables: tables_of(environment, context), ..any }
            } else {
                let chosen = subnets_of(environment, subnets.as_ref());
                VpcEndpointState {
                    policy,
                    private_dns_enabled: Wish::Is(*private_dns),
                    subnets: if subnets.is_some() {
                        all_named(&chosen, context)
                    } else {
                        one_of_each_zone(&chosen, service, environment, context)
                    },
                    crowded: subnets.as_ref().and_then(|_| crowded(&chosen, service, context)),
                    security_groups: group_of_endpoints(environment, context).map(|group| BTreeSet::from([group])),
                    ..any
                }
            };
            Some(Wanted {
                tags: environment.tags_of(&address),
                address,
                management: Management::Owned,
                name: None,
                needs: needs(service, environment, subnets.as_ref()),
                state: Arc::new(state),
            })
        }
    }
}

fn needs(service: Service, environment: &Environment, named: Option<&BTreeSet<String>>) -> Vec<Address> {
    let mut needs = vec![ec2_addresses::vpc()];
    if service.is_gateway() {
        let tables: BTreeSet<Address> = environment.network.subnets.iter().map(ec2_addresses::route_table_of).collect();
        needs.extend(tables);
    } else {
        needs.extend(subnets_of(environment, named).iter().map(|subnet| ec2_addresses::subnet(&subnet.name)));
        needs.push(Group::Endpoints.address());
    }
    needs
}

/// Some services take no endpoint policy and let everything through, whatever is sent.
fn policy_wish(
    service: Service,
    policy: &EndpointPolicy,
    environment: &Environment,
    context: Context<'_>,
) -> Wish<PolicyDocument> {
    let facts = context.facts.endpoint_services.get(&service.endpoint_service(&environment.region));
    if facts.is_some_and(|facts| !facts.policy_supported) {
        return Wish::Any;
    }
    // A notebook that left the list is open to its users until it is gone.
    let there = context.outputs.of_kind(Kind::NotebookInstance).map(|address| address.name.as_str());
    Wish::Is(policy_of(&environment.with_notebooks(there), service, policy))
}

fn group_of_endpoints(environment: &Environment, context: Context<'_>) -> Wish<String> {
    match &environment.network.endpoints_group {
        Part::Managed(()) => context.outputs.input(&Group::Endpoints.address(), Output::Id),
        Part::Existing(id) => Wish::Is(id.clone()),
    }
}

/// The route tables of all subnets: in each of them the gateway endpoint gets its route.
fn tables_of(environment: &Environment, context: Context<'_>) -> Wish<BTreeSet<String>> {
    let tables = environment.network.subnets.iter().map(ec2_addresses::route_table_of);
    Wish::all(tables.map(|table| context.outputs.input(&table, Output::Id)))
}

/// The subnets in which an endpoint may have its addresses, in the manifest's order.
fn subnets_of<'a>(environment: &'a Environment, named: Option<&BTreeSet<String>>) -> Vec<&'a Subnet> {
    let subnets = environment.network.subnets.iter();
    subnets.filter(|subnet| named.is_none_or(|named| named.contains(&subnet.name))).collect()
}

/// The subnets that the manifest names for the endpoint: all of them or none. Where they are has to be known, too.
fn all_named(subnets: &[&Subnet], context: Context<'_>) -> Wish<BTreeSet<String>> {
    Wish::all(subnets.iter().map(|subnet| {
        let address = ec2_addresses::subnet(&subnet.name);
        match context.outputs.input(&address, Output::AvailabilityZone) {
            Wish::Is(_) => context.outputs.input(&address, Output::Id),
            unknown => unknown,
        }
    }))
}

/// Two of the subnets that the manifest names for the endpoint, if they are in one zone: AWS gives an endpoint one address a zone. The schema refuses
/// what it can see; the zone of an existing subnet and one that is left to us are known by now.
fn crowded(subnets: &[&Subnet], service: Service, context: Context<'_>) -> Option<String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    subnets.iter().find_map(|subnet| {
        let zone = context.outputs.get(&ec2_addresses::subnet(&subnet.name), Output::AvailabilityZone)?;
        let other = *first.entry(zone).or_insert(&subnet.name);
        (other != subnet.name).then(|| {
            format!(
                "`spec.network.endpoints[{}].subnets` names {other} and {}, which are both in {zone}; AWS gives an endpoint one \
                 address a zone: leave one of them out",
                service.name(),
                subnet.name
            )
        })
    })
}

/// AWS gives an endpoint one address a zone: it takes the first subnet of each, in zones where the service is.
fn one_of_each_zone(
    subnets: &[&Subnet],
    service: Service,
    environment: &Environment,
    context: Context<'_>,
) -> Wish<BTreeSet<String>> {
    let supported = context.facts.endpoint_services.get(&service.endpoint_service(&environment.region));
    let supported = |zone: &str| supported.is_none_or(|facts| facts.zones.is_empty() || facts.zones.contains(zone));
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for subnet in subnets {
        let address = ec2_addresses::subnet(&subnet.name);
        let output = |output: Output| context.outputs.get(&address, output);
        let (Some(id), Some(zone)) = (output(Output::Id), output(Output::AvailabilityZone)) else {
            return Wish::After(address);
        };
        first.entry(zone).or_insert(id);
    }
    let usable: BTreeSet<String> =
        first.iter().filter(|(zone, _)| supported(zone)).map(|(_, id)| (*id).to_owned()).collect();
    // With no subnet that suits, AWS's own refusal says more than an endpoint without any address would.
    Wish::Is(if usable.is_empty() { first.into_values().map(ToOwned::to_owned).collect() } else { usable })
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for VpcEndpoint {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let endpoints = reader.look::<VpcEndpoints>("").await?;
        let items = endpoints.rows.0.iter().filter_map(|endpoint| {
            let item = endpoint.item(None);
            let concerns = ec2_tags::concerns(reader, wanted, &endpoint.id, &endpoint.tags);
            match wanted.iter().find(|wanted| self.same_place(wanted, &item)) {
                Some(wanted) => Some(endpoint.item(wanted.state::<VpcEndpointState>().policy.known())),
                None => concerns.then_some(item),
            }
        });
        Ok(items.collect())
    }

    async fn survey(&self, reader: &Reader<'_>, around: &mut Surroundings) {
        let look = reader.look::<VpcEndpoints>("").await.map_err(|error| error.problem());
        let of_vpc = |all: &VpcEndpoints| {
            all.0.iter().filter(|row| row.vpc == around.vpc).map(EndpointRow::surrounding).collect()
        };
        around.endpoints = look.map(|look| of_vpc(&look.rows)).into();
    }

    /// In a VPC a service has one interface endpoint (a second one could not have private DNS), and in a route table one gateway.
    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        let (wanted, found) = (wanted.state::<VpcEndpointState>(), item.state::<VpcEndpointState>());
        let same_service = wanted.vpc.known().is_some()
            && wanted.vpc == found.vpc
            && wanted.service_name == found.service_name
            && wanted.endpoint_type == found.endpoint_type;
        let same_tables = match (&wanted.route_tables, &found.route_tables) {
            (Wish::Is(wish), Wish::Is(tables)) => !wish.is_disjoint(tables),
            _ => true,
        };
        same_service && same_tables && !found.over
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        const OPERATION: &str = "ec2:CreateVpcEndpoint";
        let before = writer.known::<VpcEndpoints>("").await;
        let token = self.answers.fresh(client_token(wanted, writer.attempt));
        let endpoint = request(writer, wanted, &token).await?;
        let was_there = |row: &&EndpointRow| row.id == endpoint.id;
        let earlier = before.as_ref().and_then(|look| look.rows.0.iter().find(was_there));
        if endpoint.is_over() {
            return Err(self.answers.used_up(OPERATION, token, &endpoint.id, "was deleted earlier"));
        }
        if earlier.is_some_and(|earlier| !is_still(wanted, &earlier.tags)) {
            return Err(self.answers.used_up(OPERATION, token, &endpoint.id, "does not carry our tags any more"));
        }
        Ok(endpoint.created())
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<VpcEndpointState>(), seen.state::<VpcEndpointState>());
        if touches(diffs, TAGS) {
            ec2_tags::correct(writer, &seen.id, &wanted.tags, diffs).await?;
        }
        // What cannot be had holds nothing else up.
        let crowded = wish.crowded.as_ref().filter(|_| touches(diffs, SUBNETS));
        let possible = |diff: &&FieldDiff| diff.field != TAGS && (crowded.is_none() || diff.field != SUBNETS);
        let diffs: Vec<FieldDiff> = diffs.iter().filter(possible).cloned().collect();
        let left = if diffs.is_empty() { None } else { changes::modify(writer, &seen.id, wish, found, &diffs).await? };
        if let Some(crowded) = crowded {
            return Err(AwsError::invalid_spec("ec2:ModifyVpcEndpoint", crowded));
        }
        Ok(left.map_or(Progress::Done, |what| Progress::Started(what.to_owned())))
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        let mut results = self.delete_all(writer, &[seen]).await;
        results.pop().unwrap_or(Ok(Progress::Done))
    }

    async fn delete_all(&self, writer: &Writer<'_>, seen: &[&Seen]) -> Vec<Result<Progress, AwsError>> {
        // What is on its way out needs no further call of the few that AWS takes.
        let going: Vec<&&Seen> = seen.iter().filter(|seen| seen.phase != Phase::Deleting).collect();
        let refused = if going.is_empty() { Ok(BTreeMap::new()) } else { changes::delete(writer, &going).await };
        let result = |seen: &&Seen| match &refused {
            Err(error) if seen.phase != Phase::Deleting => Err(error.clone()),
            Ok(refused) if refused.contains_key(&seen.id) => refused[&seen.id].clone(),
            _ => Ok(Progress::Started("the endpoint is being deleted".into())),
        };
        seen.iter().map(result).collect()
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        ec2_tags::remove(writer, &seen.id, keys).await
    }
}

/// Ask for an endpoint. Everything is said explicitly: AWS's defaults are a gateway, the default group and, by some accounts, private DNS.
async fn request(writer: &Writer<'_>, wanted: &Wanted, token: &str) -> Result<EndpointRow, AwsError> {
    const OPERATION: &str = "ec2:CreateVpcEndpoint";
    let state = wanted.state::<VpcEndpointState>();
    let known =
        |wish: &Wish<String>, field| wish.known().cloned().ok_or_else(|| AwsError::unresolved(OPERATION, field));
    let (vpc, service) = (known(&state.vpc, "vpc")?, known(&state.service_name, "serviceName")?);
    if let Some(region) = &state.not_offered_in {
        let message = format!(
            "region {region} has no endpoint service {service}; leave {} out of spec.network.endpoints, say there where it is \
             (`external: true`), or choose another region",
            wanted.address.name
        );
        return Err(AwsError::not_offered(OPERATION, message));
    }
    if let Some(crowded) = &state.crowded {
        return Err(AwsError::invalid_spec(OPERATION, crowded));
    }
    let endpoint_type = VpcEndpointType::from(known(&state.endpoint_type, "type")?.as_str());
    let ids = |wish: &Wish<BTreeSet<String>>| wish.known().map(|ids| ids.iter().cloned().collect());
    let create = writer
        .write(OPERATION)?
        .ec2
        .create_vpc_endpoint()
        .vpc_id(vpc)
        .service_name(service)
        .vpc_endpoint_type(endpoint_type)
        .set_policy_document(state.policy.known().map(PolicyDocument::to_json))
        .private_dns_enabled(state.private_dns_enabled.known().copied().unwrap_or_default())
        .set_subnet_ids(ids(&state.subnets))
        .set_security_group_ids(ids(&state.security_groups))
        .set_route_table_ids(ids(&state.route_tables))
        .client_token(token)
        .tag_specifications(ec2_tags::specification(ResourceType::VpcEndpoint, &wanted.tags));
    let created = create.send().await.map_err(from_sdk(OPERATION))?;
    created.vpc_endpoint.and_then(EndpointRow::from_sdk).ok_or_else(|| AwsError::unreadable(OPERATION))
}

impl EndpointRow {
    fn surrounding(&self) -> surroundings::VpcEndpoint {
        surroundings::VpcEndpoint {
            id: self.id.clone(),
            service_name: self.service_name.clone(),
            endpoint_type: self.endpoint_type.clone(),
            state: self.state.clone(),
            policy: self.policy.clone(),
            route_tables: self.route_tables.clone(),
            // No group has this name: what its rules let through cannot be known.
            security_groups: self.security_groups.clone().unwrap_or_else(|| BTreeSet::from(["?".to_owned()])),
        }
    }

    /// The item, with what somebody added to the wished policy only to take rights away set aside.
    fn item(&self, wish: Option<&PolicyDocument>) -> Item {
        let mut policy = self.policy.clone().and_then(Result::ok);
        let Sifted { policy: left, denies } = wish.map(|wish| sift(policy.clone(), Some(wish))).unwrap_or_default();
        if !denies.is_empty() {
            policy = Some(left.unwrap_or_else(|| PolicyDocument::new([])));
        }
        let mut found = self.unreadable();
        found.extend(findings("policy", &denies));
        found.extend(wish.map(|_| self.beyond_ipv4()).unwrap_or_default());
        Item {
            id: self.id.clone(),
            address: None,
            tags: self.tags.clone(),
            phase: self.phase(),
            outputs: self.outputs(),
            findings: found,
            state: Arc::new(VpcEndpointState {
                vpc: Wish::Is(self.vpc.clone()),
                service_name: Wish::Is(self.service_name.clone()),
                endpoint_type: Wish::Is(self.endpoint_type.clone()),
                // What AWS does not show is not known; it is not "none".
                policy: policy.map_or(Wish::Any, Wish::Is),
                private_dns_enabled: self.private_dns_enabled.map_or(Wish::Any, Wish::Is),
                subnets: self.subnets.clone().map_or(Wish::Any, Wish::Is),
                security_groups: self.security_groups.clone().map_or(Wish::Any, Wish::Is),
                route_tables: Wish::Is(self.route_tables.clone()),
                over: self.is_over(),
                in_place: vec![self.in_place.clone()],
                denies,
                not_offered_in: None,
                crowded: None,
            }),
        }
    }

    fn created(&self) -> Created {
        Created { id: self.id.clone(), outputs: self.outputs() }
    }

    fn outputs(&self) -> BTreeMap<Output, String> {
        let always =
            [(Output::Id, self.id.clone()), (Output::State, self.state.clone()), (Output::VpcId, self.vpc.clone())];
        always.into_iter().chain(self.dns_name.clone().map(|name| (Output::DnsName, name))).collect()
    }

    /// A policy that nobody here can read may say anything.
    fn unreadable(&self) -> Vec<Finding> {
        let unreadable = self.policy.iter().filter_map(|policy| policy.as_ref().err());
        let finding = |error: &String| Finding {
            field: "policy".into(),
            observed: bounded(error, 256),
            severity: Severity::High,
        };
        unreadable.map(finding).collect()
    }

    /// Ours are made for IPv4; what somebody changed about that.
    fn beyond_ipv4(&self) -> Vec<Finding> {
        let addresses = ["ipAddressType", "dnsRecordIPType"].into_iter().zip(&self.addresses);
        let finding = |(field, addresses): (&str, &Option<String>)| {
            let beyond = addresses.as_ref().filter(|addresses| matches!(addresses.as_str(), "dualstack" | "ipv6"))?;
            Some(Finding { field: field.to_owned(), observed: beyond.clone(), severity: Severity::Medium })
        };
        addresses.filter_map(finding).collect()
    }

    fn phase(&self) -> Phase {
        let reason = || self.problem.clone().unwrap_or_else(|| format!("AWS says that the endpoint is {}", self.state));
        match self.state.as_str() {
            "available" => Phase::Ready,
            "pendingacceptance" => Phase::Progressing("the owner of the service has to accept the endpoint".into()),
            "pending" => Phase::Progressing("the endpoint is being made".into()),
            "deleting" | "deleted" => Phase::Deleting,
            // Some of its addresses work: to make it again would take these away, too.
            "partial" => {
                Phase::Failed { reason: format!("only partly available: {}", reason()), remedy: Remedy::Person }
            }
            "rejected" | "failed" | "expired" => Phase::Failed { reason: reason(), remedy: Remedy::Recreate },
            "" => Phase::Progressing("AWS does not say how far the endpoint is".into()),
            other => Phase::Progressing(format!("AWS says that the endpoint is {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        DnsOptions, DnsRecordIpType, IpAddressType, VpcEndpoint as AwsEndpoint, VpcEndpointType as AwsType,
    };

    use super::*;

    #[test]
    fn that_an_endpoint_of_ours_was_given_ipv6_is_told() {
        let endpoint = |addresses: IpAddressType, names: DnsRecordIpType| {
            let endpoint = AwsEndpoint::builder().vpc_endpoint_id("vpce-1").vpc_id("vpc-1").state("available".into());
            let endpoint = endpoint.service_name("com.amazonaws.us-east-1.sts").vpc_endpoint_type(AwsType::Interface);
            let options = DnsOptions::builder().dns_record_ip_type(names).build();
            EndpointRow::from_sdk(endpoint.ip_address_type(addresses).dns_options(options).build()).unwrap()
        };
        let fields = |row: &EndpointRow, wish: Option<&PolicyDocument>| {
            row.item(wish).findings.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
        };
        let wish = PolicyDocument::new([]);
        let changed = endpoint(IpAddressType::Dualstack, DnsRecordIpType::Dualstack);
        assert_eq!(fields(&changed, Some(&wish)), ["ipAddressType", "dnsRecordIPType"]);
        assert_eq!(fields(&changed, None), Vec::<String>::new());
        for usual in [DnsRecordIpType::Ipv4, DnsRecordIpType::ServiceDefined] {
            assert_eq!(fields(&endpoint(IpAddressType::Ipv4, usual), Some(&wish)), Vec::<String>::new());
        }
    }
}
