//! The VPC and its DNS attributes.
//!
//! A VPC has neither name nor client token: AWS makes a second one when asked twice. Its creation is therefore preceded by a durable
//! intent, whose token is also one of its tags.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType, VpcAttributeName, VpcCidrBlockState, VpcCidrBlockStateCode,
    VpcState as AwsState,
};

use super::{ec2_addresses, ec2_tags, ec2_vpc_contents};
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
        environment::{Environment, Part},
        owner::{INTENT_TAG, Tags},
        resource::{Context, Field, Management, Output, Phase, ResourceKind, Seen, State, Wanted},
        surroundings::Surroundings,
        value::Wish,
    },
};

/// The kind.
pub struct Vpc;

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All VPCs of the region.
struct Vpcs(Vec<VpcRow>);

struct VpcRow {
    id: String,
    cidr_block: String,
    /// All its blocks, the first one first: others can be added to a VPC later.
    cidr_blocks: Vec<String>,
    ipv6_blocks: BTreeSet<String>,
    available: bool,
    dhcp_options: Option<String>,
    tags: Tags,
}

#[async_trait]
impl Listing for Vpcs {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.ec2.describe_vpcs().into_paginator().page_size(1000).items().send();
        let vpcs = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeVpcs"))?;
        Ok(Self(vpcs.into_iter().filter_map(VpcRow::from_sdk).collect()))
    }
}

impl VpcRow {
    fn from_sdk(vpc: aws_sdk_ec2::types::Vpc) -> Option<Self> {
        let cidr_block = vpc.cidr_block?;
        let associated =
            |state: &VpcCidrBlockState| state.state.as_ref().map(VpcCidrBlockStateCode::as_str) == Some("associated");
        let associations = vpc.cidr_block_association_set.unwrap_or_default().into_iter();
        let others = associations
            .filter(|other| other.cidr_block_state.as_ref().is_none_or(associated))
            .filter_map(|other| other.cidr_block);
        let others: BTreeSet<String> = others.filter(|other| *other != cidr_block).collect();
        let ipv6 = vpc.ipv6_cidr_block_association_set.unwrap_or_default().into_iter();
        let ipv6 = ipv6.filter(|block| block.ipv6_cidr_block_state.as_ref().is_none_or(associated));
        Some(Self {
            ipv6_blocks: ipv6.filter_map(|block| block.ipv6_cidr_block).collect(),
            tags: ec2_tags::read(vpc.tags.as_deref()),
            id: vpc.vpc_id?,
            cidr_blocks: [cidr_block.clone()].into_iter().chain(others).collect(),
            cidr_block,
            dhcp_options: vpc.dhcp_options_id,
            available: vpc.state != Some(AwsState::Pending),
        })
    }
}

/// The DNS attributes of one VPC: AWS has no bulk call, and reads one attribute per call.
struct DnsAttributes {
    support: bool,
    hostnames: bool,
}

#[async_trait]
impl Listing for DnsAttributes {
    async fn fetch(clients: &Clients, vpc: &str) -> Result<Self, AwsError> {
        let read = |attribute: VpcAttributeName| {
            let describe = clients.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(attribute);
            async move { describe.send().await.map_err(from_sdk("ec2:DescribeVpcAttribute")) }
        };
        let (support, hostnames) =
            futures::try_join!(read(VpcAttributeName::EnableDnsSupport), read(VpcAttributeName::EnableDnsHostnames))?;
        let on = |value: Option<AttributeBooleanValue>| value.and_then(|value| value.value).unwrap_or_default();
        Ok(Self { support: on(support.enable_dns_support), hostnames: on(hostnames.enable_dns_hostnames) })
    }
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a VPC looks like.
#[derive(Debug, Clone)]
pub struct VpcState {
    cidr_block: Wish<String>,
    enable_dns_support: Wish<bool>,
    enable_dns_hostnames: Wish<bool>,
}

impl State for VpcState {
    fn fields(&self) -> Vec<Field> {
        let Self { cidr_block, enable_dns_support, enable_dns_hostnames } = self.clone();
        vec![
            Field::fixed("cidrBlock", cidr_block),
            Field::live("enableDnsSupport", enable_dns_support),
            Field::live("enableDnsHostnames", enable_dns_hostnames),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for Vpc {
    fn kind(&self) -> Kind {
        Kind::Vpc
    }

    fn desire(&self, environment: &Environment, _: Context<'_>) -> Vec<Wanted> {
        let address = ec2_addresses::vpc();
        let (management, cidr_block) = match &environment.network.vpc {
            Part::Managed(cidr_block) => (Management::Owned, Wish::Is(cidr_block.clone())),
            Part::Existing(id) => (Management::Existing(id.clone()), Wish::Any),
        };
        let owned = management == Management::Owned;
        vec![Wanted {
            tags: if owned { environment.tags_of(&address) } else { Tags::new() },
            address,
            management,
            name: None,
            needs: Vec::new(),
            state: Arc::new(VpcState {
                cidr_block,
                // Private DNS of the endpoints needs both.
                enable_dns_support: Wish::Is(true),
                enable_dns_hostnames: Wish::Is(true),
            }),
        }]
    }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for Vpc {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let vpcs = reader.look::<Vpcs>("").await?;
        let mut items = Vec::new();
        for vpc in &vpcs.rows.0 {
            if ec2_tags::concerns(reader, wanted, &vpc.id, &vpc.tags) {
                let dns = reader.look::<DnsAttributes>(&vpc.id).await?;
                items.push(vpc.item(&dns.rows));
            }
        }
        Ok(items)
    }

    async fn survey(&self, reader: &Reader<'_>, around: &mut Surroundings) {
        if let Ok(vpcs) = reader.look::<Vpcs>("").await {
            let own = vpcs.rows.0.iter().find(|vpc| vpc.id == around.vpc);
            around.dhcp_options = own.and_then(|vpc| vpc.dhcp_options.clone());
            around.further_blocks = own.map(VpcRow::further_blocks).unwrap_or_default();
        }
    }

    fn same_place(&self, _: &Wanted, _: &Item) -> bool {
        false // VPCs may overlap: nothing stands in another's place
    }

    fn needs_intent(&self) -> bool {
        true
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let state = wanted.state::<VpcState>();
        let cidr_block = state.cidr_block.known().ok_or_else(|| AwsError::unresolved("ec2:CreateVpc", "cidrBlock"))?;
        let mut tags = wanted.tags.clone();
        tags.extend(writer.intent.iter().map(|token| (INTENT_TAG.to_owned(), token.clone())));
        let create = writer
            .write("ec2:CreateVpc")?
            .ec2
            .create_vpc()
            .cidr_block(cidr_block)
            .tag_specifications(ec2_tags::specification(ResourceType::Vpc, &tags));
        // Not repeated by the SDK: the first try may have had its effect, and AWS would make a second VPC.
        let once = aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled());
        let created = create.customize().config_override(once).send().await.map_err(from_sdk("ec2:CreateVpc"))?;
        let id = created.vpc.and_then(|vpc| vpc.vpc_id).unwrap_or_default();
        // DNS support is on in every new VPC, hostnames are off. If this fails, the next look finds the difference.
        set_dns_attribute(writer, &id, VpcAttributeName::EnableDnsHostnames).await.ok();
        Ok(Created::id(&id).with(Output::CidrBlock, cidr_block))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        // Hostnames can be enabled only while DNS support is on: support first.
        if touches(diffs, "enableDnsSupport") {
            set_dns_attribute(writer, &seen.id, VpcAttributeName::EnableDnsSupport).await?;
        }
        if touches(diffs, "enableDnsHostnames") {
            set_dns_attribute(writer, &seen.id, VpcAttributeName::EnableDnsHostnames).await?;
        }
        if touches(diffs, TAGS) {
            ec2_tags::correct(writer, &seen.id, &wanted.tags, diffs).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "ec2:DeleteVpc";
        ec2_vpc_contents::must_be_empty(OPERATION, writer, seen).await?;
        let delete = writer.write(OPERATION)?.ec2.delete_vpc().vpc_id(&seen.id);
        match delete.send().await.map_err(from_sdk(OPERATION)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(Progress::Done),
        }
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        ec2_tags::remove(writer, &seen.id, keys).await
    }
}

async fn set_dns_attribute(writer: &Writer<'_>, vpc: &str, attribute: VpcAttributeName) -> Result<(), AwsError> {
    let on = AttributeBooleanValue::builder().value(true).build();
    let modify = writer.write("ec2:ModifyVpcAttribute")?.ec2.modify_vpc_attribute().vpc_id(vpc);
    let modify = match attribute {
        VpcAttributeName::EnableDnsSupport => modify.enable_dns_support(on),
        _ => modify.enable_dns_hostnames(on),
    };
    modify.send().await.map_err(from_sdk("ec2:ModifyVpcAttribute"))?;
    Ok(())
}

impl VpcRow {
    fn further_blocks(&self) -> BTreeSet<String> {
        self.cidr_blocks.iter().skip(1).chain(&self.ipv6_blocks).cloned().collect()
    }

    fn item(&self, dns: &DnsAttributes) -> Item {
        Item {
            id: self.id.clone(),
            address: None,
            tags: self.tags.clone(),
            phase: if self.available { Phase::Ready } else { Phase::Progressing("the VPC is being made".into()) },
            outputs: BTreeMap::from([(Output::Id, self.id.clone()), (Output::CidrBlock, self.cidr_blocks.join(","))]),
            findings: Vec::new(),
            state: Arc::new(VpcState {
                cidr_block: Wish::Is(self.cidr_block.clone()),
                enable_dns_support: Wish::Is(dns.support),
                enable_dns_hostnames: Wish::Is(dns.hostnames),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Vpc as AwsVpc, VpcCidrBlockAssociation, VpcIpv6CidrBlockAssociation};

    use super::*;

    #[test]
    fn blocks_that_somebody_added_are_told_apart_from_those_that_are_gone() {
        let state = |code: VpcCidrBlockStateCode| VpcCidrBlockState::builder().state(code).build();
        let block = |block: &str, code: VpcCidrBlockStateCode| {
            VpcCidrBlockAssociation::builder().cidr_block(block).cidr_block_state(state(code)).build()
        };
        let ipv6 = |block: &str, code: VpcCidrBlockStateCode| {
            VpcIpv6CidrBlockAssociation::builder().ipv6_cidr_block(block).ipv6_cidr_block_state(state(code)).build()
        };
        let vpc = AwsVpc::builder()
            .vpc_id("vpc-1")
            .cidr_block("10.0.0.0/16")
            .cidr_block_association_set(block("10.0.0.0/16", VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(block("10.1.0.0/16", VpcCidrBlockStateCode::Associated))
            .cidr_block_association_set(block("10.2.0.0/16", VpcCidrBlockStateCode::Disassociated))
            .ipv6_cidr_block_association_set(ipv6("2001:db8:1::/56", VpcCidrBlockStateCode::Associated))
            .ipv6_cidr_block_association_set(ipv6("2001:db8:2::/56", VpcCidrBlockStateCode::Disassociated));
        let row = VpcRow::from_sdk(vpc.build()).unwrap();
        assert_eq!(row.further_blocks(), BTreeSet::from(["10.1.0.0/16".to_owned(), "2001:db8:1::/56".to_owned()]));
    }
}
