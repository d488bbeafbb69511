//! The customer managed policy that lets an existing role install packages, and its attachment to that role (scenario C).
//!
//! The role is not ours: nothing of it is changed but this one attachment, and on deletion exactly that goes.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    data_addresses, iam_account,
    iam_account::{IamAccount, PolicyRow},
    install_permissions, point_tags,
    policy_documents::{self, Sifted, within},
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
        environment::{Environment, ExecutionRole, derived_name},
        owner::{Owner, Tags},
        policy::PolicyDocument,
        port::ErrorClass,
        resource::{Context, Field, Finding, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        value::Wish,
    },
};

/// The kind.
pub struct IamPolicy;

/// The tag that says to which role of somebody else's we attached it.
const ATTACHED_TAG: &str = "cloister.dev/attached-to";
/// The most characters of a managed policy.
const LIMIT: usize = 6_144;
/// How many versions a policy can have besides its default one.
const OTHER_VERSIONS: usize = 4;

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// The tags of one policy: no bulk call shows them.
struct PolicyTags(Tags);

impl AsRef<Tags> for PolicyTags {
    fn as_ref(&self) -> &Tags {
        &self.0
    }
}

#[async_trait]
impl Listing for PolicyTags {
    async fn fetch(clients: &Clients, shelf: &str) -> Result<Self, AwsError> {
        read_tags_now(clients, point_tags::arn_of(shelf)).await.map(Self)
    }
}

async fn read_tags_now(clients: &Clients, arn: &str) -> Result<Tags, AwsError> {
    let pages = clients.iam.list_policy_tags().policy_arn(arn).into_paginator().items().send();
    let tags = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("iam:ListPolicyTags"))?;
    Ok(iam_account::read_tags(tags))
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a policy of ours looks like.
#[derive(Debug, Clone, Default)]
pub struct PolicyState {
    document: Wish<PolicyDocument>,
    attached_roles: Wish<BTreeSet<String>>,
    /// What is needed to write to it and is not compared.
    written: Written,
}

/// What a look keeps for a later write.
#[derive(Debug, Clone, Default)]
struct Written {
    arn: String,
    unique_id: String,
    other_versions: Vec<String>,
    sifted: Sifted,
    /// Roles, and how many users and groups, that somebody else attached it to.
    foreign_roles: BTreeSet<String>,
    others: usize,
}

impl State for PolicyState {
    fn fields(&self) -> Vec<Field> {
        let Self { document, attached_roles, written: _ } = self.clone();
        vec![Field::live("document", document).severe(Severity::High), Field::live("attachedRoles", attached_roles)]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for IamPolicy {
    fn kind(&self) -> Kind {
        Kind::Policy
    }

    fn desire(&self, environment: &Environment, _: Context<'_>) -> Vec<Wanted> {
        let ExecutionRole::Existing { arn, attach_policy: true } = &environment.role else { return Vec::new() };
        let statements = install_permissions::statements(environment);
        if statements.is_empty() {
            return Vec::new();
        }
        let address = data_addresses::install_policy();
        let role = iam_account::name_in(arn).to_owned();
        let mut tags = environment.tags_of(&address);
        // A role that a notebook still has stays attached, and is recognised by the tag until it goes.
        let leaving = &environment.leaving.attached_roles;
        tags.insert(ATTACHED_TAG.to_owned(), leaving.first().unwrap_or(&role).clone());
        vec![Wanted {
            tags,
            address,
            management: Management::Owned,
            name: Some(policy_name(&environment.owner)),
            needs: vec![data_addresses::role()],
            state: Arc::new(PolicyState {
                document: Wish::Is(PolicyDocument::new(statements)),
                attached_roles: Wish::Is(leaving.iter().cloned().chain([role]).collect()),
                written: Written::default(),
            }),
        }]
    }
}

/// Names of policies have 128 characters at most.
fn policy_name(owner: &Owner) -> String {
    derived_name(owner, "install", 128)
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for IamPolicy {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let look = reader.look::<IamAccount>("").await?;
        let name = policy_name(reader.owner);
        let mut items = Vec::new();
        for policy in &look.rows.policies {
            // The name follows from the owner: it is known even when nothing else is.
            if policy.name == name || reader.concerns(wanted, &policy.name) {
                let tags_of = point_tags::shelf(&policy.arn, &policy.unique_id);
                let should = reader.should_be_ours(wanted, &policy.name);
                let tags = match reader.look_at_tags::<PolicyTags>(&tags_of, point_tags::MAX_AGE, should).await {
                    Err(error) if error.is_not_found() => continue,
                    tags => tags?.rows.0.clone(),
                };
                let wish = wanted.iter().find(|wanted| wanted.name.as_ref() == Some(&policy.name));
                items.push(item(&look.rows, policy, tags, wish));
            }
        }
        Ok(items)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        const OPERATION: &str = "iam:CreatePolicy";
        let name = wanted.name.as_ref().ok_or_else(|| AwsError::unresolved(OPERATION, "name"))?;
        let state = wanted.state::<PolicyState>();
        let document = state.document.known().ok_or_else(|| AwsError::unresolved(OPERATION, "document"))?;
        within(OPERATION, "the policy", document.size(), LIMIT)?;
        let create = writer.write(OPERATION)?.iam.create_policy().policy_name(name).policy_document(document.to_json());
        let create = create.set_tags(Some(iam_account::request_tags(&wanted.tags)));
        let created = create.send().await.map_err(from_sdk(OPERATION))?;
        let created = created.policy.as_ref();
        let arn = created.and_then(|policy| policy.arn()).map(ToOwned::to_owned);
        let arn = arn.unwrap_or_else(|| format!("arn:aws:iam::{}:policy/{name}", writer.read().account));
        if let Some(unique_id) = created.and_then(|policy| policy.policy_id()) {
            writer.learn(&point_tags::shelf(&arn, unique_id), PolicyTags(wanted.tags.clone())).await;
        }
        for role in state.attached_roles.known().into_iter().flatten() {
            // If this fails, the next look finds the difference.
            attach(writer, role, &arn).await.ok();
        }
        Ok(Created::id(name).with(Output::Arn, arn))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<PolicyState>(), seen.state::<PolicyState>());
        if let (true, Some(document)) = (touches(diffs, "document"), wish.document.known()) {
            let document = policy_documents::with_denies(Some(document), &found.written.sifted.denies);
            if let Some(document) = document {
                new_version(writer, &found.written, &document).await?;
            }
        }
        if let (true, Some(roles)) = (touches(diffs, "attachedRoles"), wish.attached_roles.known()) {
            let there = found.attached_roles.known().cloned().unwrap_or_default();
            for role in roles.difference(&there) {
                attach(writer, role, &found.written.arn).await?;
            }
            for role in there.difference(roles) {
                detach(writer, role, &found.written.arn).await?;
            }
        }
        if touches(diffs, TAGS) {
            let tags = point_tags::deviating(&wanted.tags, diffs);
            let tag = writer.write("iam:TagPolicy")?.iam.tag_policy().policy_arn(&found.written.arn);
            tag.set_tags(Some(iam_account::request_tags(&tags))).send().await.map_err(from_sdk("iam:TagPolicy"))?;
            let mut all = seen.tags.clone();
            all.extend(tags);
            learn(writer, &found.written, all).await;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "iam:DeletePolicy";
        let PolicyState { attached_roles, written, .. } = seen.state::<PolicyState>();
        let tags = match read_tags_now(writer.read(), &written.arn).await {
            Err(error) if error.is_not_found() => return Ok(Progress::Done),
            tags => tags?,
        };
        point_tags::still_ours(OPERATION, seen, &tags)?;
        if !written.foreign_roles.is_empty() || written.others > 0 {
            return Err(AwsError::in_use(OPERATION, attached_elsewhere(&seen.id, written)));
        }
        for role in attached_roles.known().into_iter().flatten() {
            detach(writer, role, &written.arn).await?;
        }
        for version in &written.other_versions {
            delete_version(writer, &written.arn, version).await?;
        }
        let delete = writer.write(OPERATION)?.iam.delete_policy().policy_arn(&written.arn);
        gone(delete.send().await.map_err(from_sdk(OPERATION)))?;
        Ok(Progress::Done)
    }

    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let written = &seen.state::<PolicyState>().written;
        let tags = read_tags_now(writer.read(), &written.arn).await?;
        learn(writer, written, tags.clone()).await;
        Ok(Some(tags))
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let written = &seen.state::<PolicyState>().written;
        let keys = point_tags::released(seen, keys);
        let untag = writer.write("iam:UntagPolicy")?.iam.untag_policy().policy_arn(&written.arn);
        untag.set_tag_keys(Some(keys.clone())).send().await.map_err(from_sdk("iam:UntagPolicy"))?;
        let mut left = seen.tags.clone();
        left.retain(|key, _| !keys.contains(key));
        learn(writer, written, left).await;
        Ok(())
    }
}

async fn learn(writer: &Writer<'_>, written: &Written, tags: Tags) {
    writer.learn(&point_tags::shelf(&written.arn, &written.unique_id), PolicyTags(tags)).await;
}

/// A policy has five versions at most: the oldest makes room.
async fn new_version(writer: &Writer<'_>, written: &Written, document: &PolicyDocument) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:CreatePolicyVersion";
    within(OPERATION, "the policy", document.size(), LIMIT)?;
    if written.other_versions.len() >= OTHER_VERSIONS
        && let Some(oldest) = written.other_versions.first()
    {
        delete_version(writer, &written.arn, oldest).await?;
    }
    let create = writer.write(OPERATION)?.iam.create_policy_version().policy_arn(&written.arn);
    match create.policy_document(document.to_json()).set_as_default(true).send().await.map_err(from_sdk(OPERATION)) {
        // There are more versions than were seen, perhaps one whose answer was lost: the next look shows them.
        Err(error) if error.class == ErrorClass::Quota => Err(AwsError { class: ErrorClass::Waiting, ..error }),
        created => created.map(drop),
    }
}

async fn delete_version(writer: &Writer<'_>, arn: &str, version: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:DeletePolicyVersion";
    let delete = writer.write(OPERATION)?.iam.delete_policy_version().policy_arn(arn).version_id(version);
    gone(delete.send().await.map_err(from_sdk(OPERATION)))
}

async fn attach(writer: &Writer<'_>, role: &str, arn: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:AttachRolePolicy";
    let attach = writer.write(OPERATION)?.iam.attach_role_policy().role_name(role).policy_arn(arn);
    attach.send().await.map_err(from_sdk(OPERATION))?;
    Ok(())
}

async fn detach(writer: &Writer<'_>, role: &str, arn: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "iam:DetachRolePolicy";
    let detach = writer.write(OPERATION)?.iam.detach_role_policy().role_name(role).policy_arn(arn);
    gone(detach.send().await.map_err(from_sdk(OPERATION)))
}

fn attached_elsewhere(policy: &str, written: &Written) -> String {
    let mut places: Vec<String> = written.foreign_roles.iter().map(|role| format!("role {role}")).collect();
    if written.others > 0 {
        places.push(format!("{} users or groups", written.others));
    }
    format!("policy {policy} is attached by somebody to {}; detach it there first", places.join(", "))
}

fn item(account: &IamAccount, policy: &PolicyRow, tags: Tags, wanted: Option<&Wanted>) -> Item {
    let wish = wanted.map(Wanted::state::<PolicyState>);
    let wished_roles = wish.and_then(|wish| wish.attached_roles.known());
    let attached: BTreeSet<String> = account.roles_with(&policy.arn).into_iter().map(ToOwned::to_owned).collect();
    let others = policy.attachments.saturating_sub(attached.len());
    // Ours is the attachment that is wanted, and the one that was.
    let is_ours =
        |role: &String| wished_roles.is_some_and(|roles| roles.contains(role)) || tags.get(ATTACHED_TAG) == Some(role);
    let (ours, foreign): (BTreeSet<String>, BTreeSet<String>) = attached.into_iter().partition(is_ours);
    let sifted = policy_documents::sift(Some(policy.document()), wish.and_then(|wish| wish.document.known()));
    let mut findings = policy_documents::findings("document", &sifted.denies);
    let written = Written {
        arn: policy.arn.clone(),
        unique_id: policy.unique_id.clone(),
        other_versions: policy.other_versions.clone(),
        sifted: sifted.clone(),
        foreign_roles: foreign,
        others,
    };
    if !written.foreign_roles.is_empty() || others > 0 {
        let observed = attached_elsewhere(&policy.name, &written);
        findings.push(Finding { field: "attachedRoles".into(), observed, severity: Severity::Medium });
    }
    Item {
        id: policy.name.clone(),
        address: None,
        tags,
        phase: Phase::Ready,
        outputs: BTreeMap::from([(Output::Id, policy.name.clone()), (Output::Arn, policy.arn.clone())]),
        findings,
        state: Arc::new(PolicyState {
            document: Wish::Is(sifted.policy.unwrap_or_else(|| PolicyDocument::new([]))),
            attached_roles: Wish::Is(ours),
            written,
        }),
    }
}
