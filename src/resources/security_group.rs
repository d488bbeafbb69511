//! Security groups without their rules: one for the notebooks, one for the endpoints.
//!
//! Nothing but the tags of a group can be changed. Its name is unique in its VPC, and derived from whose it is: nobody else comes upon it.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-interface-endpoint.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_ec2::types::ResourceType;

use super::{
    ec2_addresses::{self, Group},
    ec2_groups::{GroupRow, SecurityGroups},
    ec2_in_use, ec2_tags,
};
use crate::{
    aws::{
        error::{AwsError, from_sdk, gone},
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::Kind,
        diff::{FieldDiff, TAGS, touches},
        environment::{Environment, Part},
        owner::Tags,
        resource::{Context, Field, Management, Output, Phase, ResourceKind, Seen, State, Wanted},
        value::Wish,
    },
};

/// The kind.
pub struct SecurityGroup;

/// The longest name that AWS takes.
const NAME_LIMIT: usize = 255;

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a security group looks like.
#[derive(Debug, Clone)]
pub struct SecurityGroupState {
    vpc: Wish<String>,
    /// Its name, unique in its VPC. No field: AWS never changes it, nothing goes by it, and a group that was taken over has one of its own.
    group_name: Wish<String>,
    /// The text that came with its creation. No field, for the same reasons.
    description: Wish<String>,
}

impl State for SecurityGroupState {
    fn fields(&self) -> Vec<Field> {
        let Self { vpc, group_name: _, description: _ } = self.clone();
        vec![Field::fixed("vpc", vpc)]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn unfit(&self) -> Option<String> {
        let default = self.group_name.known().is_some_and(|name| name == "default");
        default.then(|| "it is the default security group of its VPC, which goes only with the VPC".to_owned())
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for SecurityGroup {
    fn kind(&self) -> Kind {
        Kind::SecurityGroup
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        Group::BOTH.into_iter().map(|group| wanted(group, environment, context)).collect()
    }
}

fn wanted(group: Group, environment: &Environment, context: Context<'_>) -> Wanted {
    let address = group.address();
    let vpc = context.outputs.input(&ec2_addresses::vpc(), Output::Id);
    let needs = vec![ec2_addresses::vpc()];
    match group.part(environment) {
        Part::Existing(id) => Wanted {
            address,
            management: Management::Existing(id.clone()),
            name: None,
            needs,
            tags: Tags::new(),
            state: Arc::new(SecurityGroupState { group_name: Wish::Any, description: Wish::Any, vpc }),
        },
        Part::Managed(()) => {
            let name = environment.derived_name(group.name(), NAME_LIMIT);
            Wanted {
                tags: environment.tags_of(&address),
                address,
                management: Management::Owned,
                name: Some(name.clone()),
                needs,
                state: Arc::new(SecurityGroupState {
                    group_name: Wish::Is(name),
                    description: Wish::Is(description(group).to_owned()),
                    vpc,
                }),
            }
        }
    }
}

/// Fixed texts: AWS cannot change the description of a group.
const fn description(group: Group) -> &'static str {
    match group {
        Group::Notebooks => "Notebook instances: nothing comes in",
        Group::Endpoints => "VPC endpoints: HTTPS from notebooks and clients",
    }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for SecurityGroup {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let groups = reader.look::<SecurityGroups>("").await?;
        let items = groups.rows.0.iter().filter_map(|group| {
            let item = item(group);
            let concerns = ec2_tags::concerns(reader, wanted, &group.id, &group.tags);
            (concerns || wanted.iter().any(|wanted| self.same_place(wanted, &item))).then_some(item)
        });
        Ok(items.collect())
    }

    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        let (wanted, found) = (wanted.state::<SecurityGroupState>(), item.state::<SecurityGroupState>());
        match (&wanted.group_name, &found.group_name) {
            // Names that differ in case only are the same name to AWS.
            (Wish::Is(wish), Wish::Is(name)) => {
                wish.eq_ignore_ascii_case(name) && wanted.vpc.known().is_some() && wanted.vpc == found.vpc
            }
            _ => false,
        }
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let state = wanted.state::<SecurityGroupState>();
        let unresolved = |field| AwsError::unresolved("ec2:CreateSecurityGroup", field);
        let create = writer
            .write("ec2:CreateSecurityGroup")?
            .ec2
            .create_security_group()
            .group_name(state.group_name.known().ok_or_else(|| unresolved("groupName"))?)
            .description(state.description.known().ok_or_else(|| unresolved("description"))?)
            .vpc_id(state.vpc.known().ok_or_else(|| unresolved("vpc"))?)
            .tag_specifications(ec2_tags::specification(ResourceType::SecurityGroup, &wanted.tags));
        let created = create.send().await.map_err(from_sdk("ec2:CreateSecurityGroup"))?;
        Ok(Created::id(created.group_id.ok_or_else(|| AwsError::unreadable("ec2:CreateSecurityGroup"))?))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        if touches(diffs, TAGS) {
            ec2_tags::correct(writer, &seen.id, &wanted.tags, diffs).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "ec2:DeleteSecurityGroup";
        if let Wish::Is(vpc) = &seen.state::<SecurityGroupState>().vpc {
            ec2_in_use::must_be_unused(OPERATION, writer, seen, vpc).await?;
        }
        let delete = writer.write(OPERATION)?.ec2.delete_security_group().group_id(&seen.id);
        gone(delete.send().await.map_err(from_sdk(OPERATION)))?;
        Ok(Progress::Done)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        ec2_tags::remove(writer, &seen.id, keys).await
    }
}

fn item(group: &GroupRow) -> Item {
    Item {
        id: group.id.clone(),
        address: None,
        tags: group.tags.clone(),
        phase: Phase::Ready,
        outputs: BTreeMap::from([(Output::Id, group.id.clone()), (Output::VpcId, group.vpc.clone())]),
        findings: Vec::new(),
        state: Arc::new(SecurityGroupState {
            group_name: Wish::Is(group.name.clone()),
            description: Wish::Is(group.description.clone()),
            vpc: Wish::Is(group.vpc.clone()),
        }),
    }
}
