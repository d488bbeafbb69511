//! Subnets. A subnet has neither name nor client token, but AWS makes no two with overlapping addresses: its CIDR block in its
//! VPC is its place.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SubnetIpv6CidrBlockAssociation};

use super::{ec2_addresses, ec2_in_use, ec2_tags};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::Kind,
        diff::{FieldDiff, TAGS, touches},
        environment::{Endpoint, Environment, ManagedSubnet, Part},
        owner::Tags,
        resource::{
            Context, Field, Finding, Management, Output, Phase, Remedy, ResourceKind, Seen, Severity, State, Wanted,
        },
        value::Wish,
    },
};

/// The kind.
pub struct Subnet;

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All subnets of the region.
struct Subnets(Vec<SubnetRow>);

struct SubnetRow {
    id: String,
    vpc: String,
    cidr_block: String,
    availability_zone: String,
    map_public_ip_on_launch: Option<bool>,
    ipv6_blocks: BTreeSet<String>,
    /// Whether what starts in it gets an IPv6 address by itself.
    assigns_ipv6: bool,
    state: String,
    tags: Tags,
}

#[async_trait]
impl Listing for Subnets {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_subnets().into_paginator().page_size(1000).items().send();
        let subnets = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSubnets"))?;
        Ok(Self(subnets.into_iter().filter_map(SubnetRow::from_sdk).collect()))
    }
}

impl SubnetRow {
    fn from_sdk(subnet: aws_sdk_ec2::types::Subnet) -> Option<Self> {
        let associated = |block: &SubnetIpv6CidrBlockAssociation| {
            let state = block.ipv6_cidr_block_state.as_ref().and_then(|state| state.state.as_ref());
            state.is_none_or(|state| state.as_str() == "associated")
        };
        let ipv6 = subnet.ipv6_cidr_block_association_set.unwrap_or_default().into_iter().filter(associated);
        Some(Self {
            ipv6_blocks: ipv6.filter_map(|block| block.ipv6_cidr_block).collect(),
            assigns_ipv6: subnet.assign_ipv6_address_on_creation == Some(true),
            tags: ec2_tags::read(subnet.tags.as_deref()),
            id: subnet.subnet_id?,
            vpc: subnet.vpc_id?,
            cidr_block: subnet.cidr_block?,
            availability_zone: subnet.availability_zone?,
            map_public_ip_on_launch: subnet.map_public_ip_on_launch,
            state: subnet.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        })
    }
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a subnet looks like.
#[derive(Debug, Clone)]
pub struct SubnetState {
    vpc: Wish<String>,
    cidr_block: Wish<String>,
    availability_zone: Wish<String>,
    map_public_ip_on_launch: Wish<bool>,
    /// Where to make it if the manifest does not say. No field: wherever it is in the end is right, also when the region offers something else
    /// by then.
    suggested_zone: Option<String>,
}

impl State for SubnetState {
    fn fields(&self) -> Vec<Field> {
        let Self { vpc, cidr_block, availability_zone, map_public_ip_on_launch, suggested_zone: _ } = self.clone();
        vec![
            Field::fixed("vpc", vpc),
            Field::fixed("cidrBlock", cidr_block),
            Field::fixed("availabilityZone", availability_zone),
            Field::live("mapPublicIpOnLaunch", map_public_ip_on_launch),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for Subnet {
    fn kind(&self) -> Kind {
        Kind::Subnet
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        let vpc = context.outputs.input(&ec2_addresses::vpc(), Output::Id);
        let suggested_zone = zone_for_all_endpoints(environment, context);
        let subnets = environment.network.subnets.iter().map(|subnet| {
            let address = ec2_addresses::subnet(&subnet.name);
            let state = SubnetState {
                vpc: vpc.clone(),
                cidr_block: Wish::Any,
                availability_zone: Wish::Any,
                map_public_ip_on_launch: Wish::Is(false),
                suggested_zone: None,
            };
            let (management, tags, state) = match &subnet.part {
                Part::Existing(id) => (Management::Existing(id.clone()), Tags::new(), state),
                Part::Managed(ManagedSubnet { cidr_block, availability_zone }) => {
                    let state = SubnetState {
                        cidr_block: Wish::Is(cidr_block.clone()),
                        availability_zone: availability_zone.clone().map_or(Wish::Any, Wish::Is),
                        suggested_zone: suggested_zone.clone(),
                        ..state
                    };
                    (Management::Owned, environment.tags_of(&address), state)
                }
            };
            Wanted { address, management, name: None, needs: vec![ec2_addresses::vpc()], tags, state: Arc::new(state) }
        });
        subnets.collect()
    }
}

/// A zone in which every interface endpoint of ours can have an address: AWS would pick any zone, and endpoint services are not in all of them.
fn zone_for_all_endpoints(environment: &Environment, context: Context<'_>) -> Option<String> {
    let endpoints = environment.network.endpoints.iter();
    let ours =
        endpoints.filter(|(service, endpoint)| !service.is_gateway() && matches!(endpoint, Endpoint::Managed { .. }));
    let services: Vec<String> = ours.map(|(service, _)| service.endpoint_service(&environment.region)).collect();
    context.facts.common_zone(&services).map(ToOwned::to_owned)
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for Subnet {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let subnets = reader.look::<Subnets>("").await?;
        let items = subnets.rows.0.iter().filter_map(|subnet| {
            let item = subnet.item(reader.owner.address_of(&subnet.tags).is_some());
            let concerns = ec2_tags::concerns(reader, wanted, &subnet.id, &subnet.tags);
            (concerns || wanted.iter().any(|wanted| self.same_place(wanted, &item))).then_some(item)
        });
        Ok(items.collect())
    }

    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        let (wanted, found) = (wanted.state::<SubnetState>(), item.state::<SubnetState>());
        let same = |one: &Wish<String>, other: &Wish<String>| one.known().is_some() && one == other;
        same(&wanted.vpc, &found.vpc) && same(&wanted.cidr_block, &found.cidr_block)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let state = wanted.state::<SubnetState>();
        let unresolved = |field| AwsError::unresolved("ec2:CreateSubnet", field);
        let vpc = state.vpc.known().ok_or_else(|| unresolved("vpc"))?;
        let cidr_block = state.cidr_block.known().ok_or_else(|| unresolved("cidrBlock"))?;
        let zone = state.availability_zone.known().or(state.suggested_zone.as_ref());
        // Public addresses are off in every new subnet: nothing to set.
        let create = writer
            .write("ec2:CreateSubnet")?
            .ec2
            .create_subnet()
            .vpc_id(vpc)
            .cidr_block(cidr_block)
            .set_availability_zone(zone.cloned())
            .tag_specifications(ec2_tags::specification(ResourceType::Subnet, &wanted.tags));
        let created = create.send().await.map_err(from_sdk("ec2:CreateSubnet"))?;
        let subnet = created.subnet.and_then(SubnetRow::from_sdk);
        let subnet = subnet.ok_or_else(|| AwsError::unreadable("ec2:CreateSubnet"))?;
        Ok(Created { id: subnet.id.clone(), outputs: subnet.outputs() })
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        if touches(diffs, "mapPublicIpOnLaunch") {
            let off = AttributeBooleanValue::builder().value(false).build();
            let modify = writer.write("ec2:ModifySubnetAttribute")?.ec2.modify_subnet_attribute();
            let modify = modify.subnet_id(&seen.id).map_public_ip_on_launch(off);
            modify.send().await.map_err(from_sdk("ec2:ModifySubnetAttribute"))?;
        }
        if touches(diffs, TAGS) {
            ec2_tags::correct(writer, &seen.id, &wanted.tags, diffs).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "ec2:DeleteSubnet";
        if let Wish::Is(vpc) = &seen.state::<SubnetState>().vpc {
            ec2_in_use::must_be_empty(OPERATION, writer, seen, vpc).await?;
        }
        let delete = writer.write(OPERATION)?.ec2.delete_subnet().subnet_id(&seen.id);
        match delete.send().await.map_err(from_sdk(OPERATION)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(Progress::Done),
        }
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        ec2_tags::remove(writer, &seen.id, keys).await
    }
}

impl SubnetRow {
    /// What somebody did to a subnet of ours for IPv6, which it was made without.
    fn findings(&self) -> Vec<Finding> {
        let finding = |field: String, observed: &str| Finding {
            field,
            observed: observed.to_owned(),
            severity: Severity::Medium,
        };
        let blocks = self.ipv6_blocks.iter();
        let blocks =
            blocks.map(|block| finding(format!("ipv6CidrBlocks[{block}]"), "things in it can have IPv6 addresses"));
        let assigns = self
            .assigns_ipv6
            .then(|| finding("assignIpv6AddressOnCreation".to_owned(), "true: what starts in it gets an IPv6 address"));
        blocks.chain(assigns).collect()
    }

    fn item(&self, ours: bool) -> Item {
        Item {
            id: self.id.clone(),
            address: None,
            tags: self.tags.clone(),
            phase: self.phase(),
            outputs: self.outputs(),
            findings: if ours { self.findings() } else { Vec::new() },
            state: Arc::new(SubnetState {
                vpc: Wish::Is(self.vpc.clone()),
                cidr_block: Wish::Is(self.cidr_block.clone()),
                availability_zone: Wish::Is(self.availability_zone.clone()),
                // Not in the answer means not known, never "off".
                map_public_ip_on_launch: self.map_public_ip_on_launch.map_or(Wish::Any, Wish::Is),
                suggested_zone: None,
            }),
        }
    }

    fn outputs(&self) -> BTreeMap<Output, String> {
        BTreeMap::from([
            (Output::Id, self.id.clone()),
            (Output::CidrBlock, self.cidr_block.clone()),
            (Output::AvailabilityZone, self.availability_zone.clone()),
            (Output::VpcId, self.vpc.clone()),
        ])
    }

    fn phase(&self) -> Phase {
        match self.state.as_str() {
            "pending" => Phase::Progressing("the subnet is being made".into()),
            "unavailable" | "failed" | "failed-insufficient-capacity" => {
                Phase::Failed { reason: format!("AWS says that the subnet is {}", self.state), remedy: Remedy::Person }
            }
            _ => Phase::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Subnet as AwsSubnet, SubnetCidrBlockState, SubnetCidrBlockStateCode};

    use super::*;

    #[test]
    fn ipv6_in_a_subnet_of_ours_is_told_and_in_one_of_others_is_not() {
        let block = |block: &str, code: SubnetCidrBlockStateCode| {
            let state = SubnetCidrBlockState::builder().state(code).build();
            SubnetIpv6CidrBlockAssociation::builder().ipv6_cidr_block(block).ipv6_cidr_block_state(state).build()
        };
        let subnet = || {
            let subnet = AwsSubnet::builder().subnet_id("subnet-1").vpc_id("vpc-1").cidr_block("10.0.1.0/24");
            subnet.availability_zone("us-east-1a").assign_ipv6_address_on_creation(false)
        };
        let quiet = SubnetRow::from_sdk(subnet().build()).unwrap();
        assert!(quiet.item(true).findings.is_empty());
        let opened = subnet()
            .ipv6_cidr_block_association_set(block("2001:db8:1::/64", SubnetCidrBlockStateCode::Associated))
            .ipv6_cidr_block_association_set(block("2001:db8:2::/64", SubnetCidrBlockStateCode::Disassociated))
            .assign_ipv6_address_on_creation(true);
        let opened = SubnetRow::from_sdk(opened.build()).unwrap();
        let fields: Vec<_> = opened.item(true).findings.into_iter().map(|finding| finding.field).collect();
        assert_eq!(fields, ["ipv6CidrBlocks[2001:db8:1::/64]", "assignIpv6AddressOnCreation"]);
        assert!(opened.item(false).findings.is_empty());
    }
}
