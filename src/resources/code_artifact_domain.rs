//! The `CodeArtifact` domain and its resource policy.
//!
//! A domain cannot be updated: name and key are fixed. It holds everybody's repositories, so it goes only after a listing shows that
//! nothing foreign is left in it.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/service-limits.html>.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_codeartifact::types::DomainStatus;

use super::{
    code_artifact_tags, data_addresses, kms_key, point_tags,
    policy_documents::{self, Sifted},
};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk, gone},
        inventory::Listing,
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        access::{Place, PolicyInPlace},
        address::{Address, Kind},
        diff::{FieldDiff, TAGS, touches},
        environment::{Environment, ExecutionRole},
        owner::Tags,
        policy::{PolicyDocument, Statement},
        port::ErrorClass,
        resource::{Context, Field, Finding, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        value::Wish,
    },
};

/// The kind.
pub struct CodeArtifactDomain;

/// The longest policy of a domain.
const POLICY_LIMIT: usize = 7168;
/// How many repositories are looked at to say whose they are when a domain cannot go.
const NAMED_AT_MOST: usize = 20;

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// All domains that the account owns in the region.
struct Domains(Vec<DomainRow>);

#[derive(Clone)]
struct DomainRow {
    name: String,
    owner: String,
    arn: String,
    born: String,
    encryption_key: Option<String>,
    deleted: bool,
}

#[async_trait]
impl Listing for Domains {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let pages = clients.codeartifact.list_domains().into_paginator().page_size(1000).items().send();
        let domains = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("codeartifact:ListDomains"))?;
        let row = |domain: aws_sdk_codeartifact::types::DomainSummary| {
            Some(DomainRow {
                born: point_tags::born(domain.created_time.as_ref()),
                name: domain.name?,
                owner: domain.owner?,
                arn: domain.arn?,
                encryption_key: domain.encryption_key,
                deleted: is_deleted(domain.status.as_ref()),
            })
        };
        Ok(Self(domains.into_iter().filter_map(row).collect()))
    }
}

/// A domain of another account, by `owner/name`: no listing shows it.
enum ForeignDomain {
    Gone,
    /// It may not be looked at from here, which says nothing about using it.
    Hidden,
    There(DomainRow),
}

#[async_trait]
impl Listing for ForeignDomain {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let (owner, name) = key.split_once('/').unwrap_or_default();
        let describe = clients.codeartifact.describe_domain().domain(name).domain_owner(owner);
        let domain = match describe.send().await.map_err(from_sdk("codeartifact:DescribeDomain")) {
            Ok(answer) => answer.domain,
            Err(error) if error.is_not_found() => None,
            Err(error) if error.class == ErrorClass::Denied => return Ok(Self::Hidden),
            Err(error) => return Err(error),
        };
        let Some(domain) = domain else { return Ok(Self::Gone) };
        Ok(Self::There(DomainRow {
            born: point_tags::born(domain.created_time.as_ref()),
            name: name.to_owned(),
            owner: owner.to_owned(),
            arn: domain.arn.unwrap_or_else(|| arn(&clients.region, owner, name)),
            encryption_key: domain.encryption_key,
            deleted: is_deleted(domain.status.as_ref()),
        }))
    }
}

/// The policy of one domain, by `owner/name`.
struct DomainPolicy {
    document: Option<PolicyDocument>,
    in_place: Option<PolicyInPlace>,
    revision: Option<String>,
}

#[async_trait]
impl Listing for DomainPolicy {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let (owner, name) = key.split_once('/').unwrap_or_default();
        let get = clients.codeartifact.get_domain_permissions_policy().domain(name).domain_owner(owner);
        match get.send().await.map_err(from_sdk("codeartifact:GetDomainPermissionsPolicy")) {
            Ok(answer) => {
                let policy = answer.policy;
                let text = policy.as_ref().and_then(|policy| policy.document());
                let in_place = text.map(|text| PolicyInPlace::read(Place::Resource, policy_name(name), text));
                let document = text.map(policy_documents::read);
                Ok(Self { document, in_place, revision: policy.and_then(|policy| policy.revision) })
            }
            // The same error says that the domain has none.
            Err(error) if error.is_not_found() => Ok(Self { document: None, in_place: None, revision: None }),
            Err(error) => Err(error),
        }
    }
}

/// How AWS spells a status is not certain.
fn is_deleted(status: Option<&DomainStatus>) -> bool {
    status.is_some_and(|status| status.as_str().eq_ignore_ascii_case("Deleted"))
}

fn policy_name(domain: &str) -> String {
    format!("the policy of domain {domain}")
}

fn arn(region: &str, owner: &str, name: &str) -> String {
    format!("arn:aws:codeartifact:{region}:{owner}:domain/{name}")
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a domain looks like.
#[derive(Debug, Clone)]
pub struct DomainState {
    encryption_key: Wish<String>,
    policy: Wish<Option<PolicyDocument>>,
    /// The key as the manifest spells it, for the creation.
    requested_key: Option<String>,
    /// What is needed to write to it and is not compared.
    written: Written,
}

/// What a look keeps for a later write.
#[derive(Debug, Clone, Default)]
struct Written {
    arn: String,
    born: String,
    revision: Option<String>,
    sifted: Sifted,
    /// The policy as it is, for the verdict on permissions.
    in_place: Vec<PolicyInPlace>,
}

impl State for DomainState {
    fn fields(&self) -> Vec<Field> {
        let Self { encryption_key, policy, requested_key: _, written: _ } = self.clone();
        vec![Field::fixed("encryptionKey", encryption_key), Field::live("policy", policy).severe(Severity::High)]
    }

    fn policies(&self) -> &[PolicyInPlace] {
        &self.written.in_place
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for CodeArtifactDomain {
    fn kind(&self) -> Kind {
        Kind::Domain
    }

    fn desire(&self, environment: &Environment, _: Context<'_>) -> Vec<Wanted> {
        let domain = &environment.packages.domain;
        let address = data_addresses::domain(&domain.name);
        let owned = !domain.existing && domain.owner == environment.account;
        let key = domain.encryption_key.as_deref().and_then(kms_key::id);
        vec![Wanted {
            tags: if owned { environment.tags_of(&address) } else { Tags::new() },
            address,
            management: if owned { Management::Owned } else { Management::Existing(domain.name.clone()) },
            name: Some(domain.name.clone()),
            needs: if owned { needs(environment) } else { Vec::new() },
            state: Arc::new(DomainState {
                encryption_key: key.map_or(Wish::Any, Wish::Is),
                policy: if owned { Wish::Is(domain.policy.clone()) } else { Wish::Any },
                requested_key: domain.encryption_key.clone(),
                written: Written::default(),
            }),
        }]
    }
}

/// A policy cannot name a role that does not exist.
fn needs(environment: &Environment) -> Vec<Address> {
    let role = format!("AWS:{}", environment.role_arn());
    let names_it = |statement: &Statement| {
        statement.principals.as_ref().is_some_and(|principals| principals.patterns.contains(&role))
    };
    let policy = environment.packages.domain.policy.as_ref();
    let waits = policy.is_some_and(|policy| policy.statements.iter().any(names_it));
    let managed = matches!(environment.role, ExecutionRole::Managed(_));
    if waits && managed { vec![data_addresses::role()] } else { Vec::new() }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for CodeArtifactDomain {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let foreign = reader.environment.map(|environment| &environment.packages.domain);
        if let Some(domain) = foreign.filter(|domain| domain.owner != reader.account_id()) {
            return foreign_item(reader, &domain.owner, &domain.name).await;
        }
        let domains = reader.look::<Domains>("").await?;
        let mut items = Vec::new();
        for domain in &domains.rows.0 {
            // Without a manifest every domain may be what a crash left behind; there are ten at most.
            if reader.environment.is_some() && !reader.concerns(wanted, &domain.name) {
                continue;
            }
            let should = reader.should_be_ours(wanted, &domain.name);
            let tags = match code_artifact_tags::look(reader, &domain.arn, &domain.born, should).await {
                // It went, and is still listed.
                Err(error) if error.is_not_found() => continue,
                tags => tags?,
            };
            let concerns = reader.concerns(wanted, &domain.name) || reader.owner.address_of(&tags).is_some();
            if concerns {
                let policy = reader.look::<DomainPolicy>(&format!("{}/{}", domain.owner, domain.name)).await?;
                let wish = wanted.iter().find(|wanted| wanted.name.as_ref() == Some(&domain.name));
                items.push(domain.item(tags, Some(&policy.rows), wish));
            }
        }
        Ok(items)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let (name, state) = (&wanted.address.name, wanted.state::<DomainState>());
        let policy = policy_documents::known(&state.policy);
        let create = writer.write("codeartifact:CreateDomain")?.codeartifact.create_domain().domain(name);
        let create = create
            .set_encryption_key(state.requested_key.clone())
            .set_tags(Some(code_artifact_tags::request(&wanted.tags)));
        let created = create.send().await.map_err(from_sdk("codeartifact:CreateDomain"))?;
        let clients = writer.read();
        let arn = arn(&clients.region, &clients.account, name);
        if let Some(created) = created.domain.as_ref().and_then(|domain| domain.created_time()) {
            code_artifact_tags::learn(writer, &arn, &point_tags::born(Some(created)), wanted.tags.clone()).await;
        }
        if let Some(policy) = policy {
            // If this fails, the next look finds the difference.
            put_policy(writer, name, policy, None).await.ok();
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
        let Written { arn, born, revision, sifted, in_place: _ } = &seen.state::<DomainState>().written;
        if touches(diffs, "policy") {
            let wish = policy_documents::known(&wanted.state::<DomainState>().policy);
            match policy_documents::with_denies(wish, &sifted.denies) {
                Some(policy) => put_policy(writer, &seen.id, &policy, revision.clone()).await?,
                None => delete_policy(writer, &seen.id, revision.clone()).await?,
            }
        }
        if touches(diffs, TAGS) {
            code_artifact_tags::add(writer, arn, born, seen, &point_tags::deviating(&wanted.tags, diffs)).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "codeartifact:DeleteDomain";
        let arn = &seen.state::<DomainState>().written.arn;
        let tags = match code_artifact_tags::read_now(writer.read(), arn).await {
            Err(error) if error.is_not_found() => return Ok(Progress::Done),
            tags => tags?,
        };
        point_tags::still_ours(OPERATION, seen, &tags)?;
        must_be_empty(OPERATION, writer.read(), seen).await?;
        let delete =
            writer.write(OPERATION)?.codeartifact.delete_domain().domain(&seen.id).domain_owner(&writer.read().account);
        match delete.send().await.map_err(from_sdk(OPERATION)) {
            Err(error) if error.is_not_found() => Ok(Progress::Done),
            // A repository came in between, or one of ours is still on its way out.
            Err(error) if error.class == ErrorClass::Exists => Err(AwsError { class: ErrorClass::Waiting, ..error }),
            deleted => deleted.map(|_| Progress::Done),
        }
    }

    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let Written { arn, born, .. } = &seen.state::<DomainState>().written;
        code_artifact_tags::refresh(writer, arn, born).await.map(Some)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let Written { arn, born, .. } = &seen.state::<DomainState>().written;
        code_artifact_tags::release(writer, arn, born, seen, keys).await
    }
}

async fn put_policy(
    writer: &Writer<'_>,
    name: &str,
    policy: &PolicyDocument,
    revision: Option<String>,
) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:PutDomainPermissionsPolicy";
    let document = policy.to_json();
    policy_documents::within(OPERATION, "the domain's policy", document.chars().count(), POLICY_LIMIT)?;
    let put = writer.write(OPERATION)?.codeartifact.put_domain_permissions_policy().domain(name);
    let put = put.domain_owner(&writer.read().account).policy_document(document).set_policy_revision(revision);
    put.send().await.map_err(from_sdk(OPERATION)).map_err(policy_documents::not_yet)?;
    Ok(())
}

async fn delete_policy(writer: &Writer<'_>, name: &str, revision: Option<String>) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:DeleteDomainPermissionsPolicy";
    let delete = writer.write(OPERATION)?.codeartifact.delete_domain_permissions_policy().domain(name);
    let delete = delete.domain_owner(&writer.read().account).set_policy_revision(revision);
    gone(delete.send().await.map_err(from_sdk(OPERATION)).map_err(policy_documents::not_yet))
}

/// Refuse to go on while repositories are left; foreign ones are named.
async fn must_be_empty(operation: &'static str, clients: &Clients, seen: &Seen) -> Result<(), AwsError> {
    let list = clients.codeartifact.list_repositories_in_domain().domain(&seen.id).domain_owner(&clients.account);
    let pages = list.into_paginator().page_size(1000).items().send();
    let repositories =
        pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("codeartifact:ListRepositoriesInDomain"))?;
    let mut foreign = Vec::new();
    for repository in repositories.iter().take(NAMED_AT_MOST) {
        match code_artifact_tags::read_now(clients, repository.arn().unwrap_or_default()).await {
            Ok(tags) if point_tags::same_owner(seen, &tags) => {}
            // It went while we were looking.
            Err(error) if error.is_not_found() => {}
            Err(error) if error.class != ErrorClass::Denied => return Err(error),
            _ => foreign.push(repository.name().unwrap_or("?")),
        }
    }
    if !foreign.is_empty() {
        let message = format!(
            "domain {} has repositories that are not ours: {}; delete or move them, or keep the domain (deletionPolicy: Retain)",
            seen.id,
            foreign.join(", ")
        );
        return Err(AwsError::in_use(operation, message));
    }
    if !repositories.is_empty() {
        let message = format!("{} repositories are still in domain {}", repositories.len(), seen.id);
        return Err(AwsError::new(ErrorClass::Waiting, operation, message));
    }
    Ok(())
}

/// The domain of another account: what can be seen of it from here.
async fn foreign_item(reader: &Reader<'_>, owner: &str, name: &str) -> Result<Vec<Item>, AwsError> {
    let key = format!("{owner}/{name}");
    let look = reader.look::<ForeignDomain>(&key).await?;
    let (row, hidden) = match &look.rows {
        ForeignDomain::Gone => return Ok(Vec::new()),
        ForeignDomain::There(row) => (row.clone(), false),
        ForeignDomain::Hidden => {
            let arn = arn(reader.region(), owner, name);
            let row = DomainRow {
                name: name.into(),
                owner: owner.into(),
                arn,
                born: String::new(),
                encryption_key: None,
                deleted: false,
            };
            (row, true)
        }
    };
    let policy = match reader.look::<DomainPolicy>(&key).await {
        Ok(look) => Some(look),
        Err(error) if error.class == ErrorClass::Denied => None,
        Err(error) => return Err(error),
    };
    let mut item = row.item(Tags::new(), policy.as_ref().map(|look| &look.rows), None);
    if hidden {
        item.findings.push(Finding {
            field: "domain".into(),
            observed: format!(
                "account {owner} does not let us look at it; whether it can be used shows when packages are installed"
            ),
            severity: Severity::Low,
        });
    }
    Ok(vec![item])
}

impl DomainRow {
    /// The item; without a policy when that may not be read.
    fn item(&self, tags: Tags, policy: Option<&DomainPolicy>, wanted: Option<&Wanted>) -> Item {
        let wish = wanted.and_then(|wanted| policy_documents::known(&wanted.state::<DomainState>().policy));
        let sifted = policy_documents::sift(policy.and_then(|policy| policy.document.clone()), wish);
        Item {
            id: self.name.clone(),
            address: None,
            tags,
            phase: if self.deleted { Phase::Deleting } else { Phase::Ready },
            outputs: BTreeMap::from([(Output::Id, self.name.clone()), (Output::Arn, self.arn.clone())]),
            findings: policy_documents::findings("policy", &sifted.denies),
            state: Arc::new(DomainState {
                encryption_key: self.encryption_key.as_deref().and_then(kms_key::id).map_or(Wish::Any, Wish::Is),
                policy: policy.map_or(Wish::Any, |_| Wish::Is(sifted.policy.clone())),
                requested_key: None,
                written: Written {
                    arn: self.arn.clone(),
                    born: self.born.clone(),
                    revision: policy.and_then(|policy| policy.revision.clone()),
                    sifted,
                    in_place: if let Some(policy) = policy {
                        policy.in_place.iter().cloned().collect()
                    } else {
                        let why = format!("account {} does not let us read it", self.owner);
                        vec![PolicyInPlace::unseen(Place::Resource, policy_name(&self.name), why)]
                    },
                },
            }),
        }
    }
}
