//! A `CodeArtifact` repository with its upstreams, external connection and resource policy.
//!
//! Downstream repositories hold on to the very repository that was their upstream, not to its name: one that was deleted and made again
//! has to be linked again. AWS shows the name only, so what a repository was linked to is noted in a tag of it.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>.

use std::{any::Any, collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use aws_sdk_codeartifact::types::UpstreamRepository;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    code_artifact_repositories::{
        Details, ForeignRepositories, Place, Repositories, RepositoryPolicy, RepositoryRow, describe, list_in_domain,
        policy_name,
    },
    code_artifact_tags, data_addresses, point_tags,
    policy_documents::{self, Sifted},
};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk, gone},
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        access::{self, PolicyInPlace},
        address::{Address, Kind},
        diff::{FieldDiff, touches},
        environment::{Environment, ExecutionRole, Repository, RepositoryPermissions},
        owner::Tags,
        policy::{PolicyDocument, Statement},
        port::ErrorClass,
        resource::{Context, Field, Finding, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        value::{Wish, short_digest},
    },
};

/// The kind.
pub struct CodeArtifactRepository;

/// The tag that says which upstreams, by name and birth, a repository was linked to.
const LINKS_TAG: &str = "cloister.dev/upstreams";
/// The longest policy of a repository.
const POLICY_LIMIT: usize = 7168;
/// What a reader of a repository may do: the same as the execution role by its own policy.
const READ_ACTIONS: [&str; 3] =
    ["codeartifact:GetRepositoryEndpoint", "codeartifact:ListPackages", "codeartifact:ReadFromRepository"];
/// Point reads that are under way at once.
const SIDE_BY_SIDE: usize = 8;

// --- rows ---------------------------------------------------------------------------------------------------------------------
// The rows are those of `code_artifact_repositories`.

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a repository looks like.
#[derive(Debug, Clone, Default)]
pub struct RepositoryState {
    description: Wish<Option<String>>,
    upstreams: Wish<Vec<String>>,
    /// A digest of the upstreams by name and birth.
    upstream_links: Wish<Option<String>>,
    external_connections: Wish<BTreeSet<String>>,
    policy: Wish<Option<PolicyDocument>>,
    /// What is needed to write to it and is not compared.
    written: Written,
}

/// What a look, or the manifest, keeps for a later write.
#[derive(Debug, Clone, Default)]
struct Written {
    place: Place,
    arn: String,
    born: String,
    revision: Option<String>,
    sifted: Sifted,
    /// The policy as it is, for the verdict on permissions.
    in_place: Vec<PolicyInPlace>,
}

impl State for RepositoryState {
    fn fields(&self) -> Vec<Field> {
        let Self { description, upstreams, upstream_links, external_connections, policy, written: _ } = self.clone();
        vec![
            Field::live("description", description).severe(Severity::Low),
            // What a repository reaches decides what gets into the network.
            Field::live("upstreams", upstreams).severe(Severity::High),
            Field::live("upstreamLinks", upstream_links),
            Field::live("externalConnections", external_connections).severe(Severity::High),
            Field::live("policy", policy).severe(Severity::High),
        ]
    }

    fn policies(&self) -> &[PolicyInPlace] {
        &self.written.in_place
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for CodeArtifactRepository {
    fn kind(&self) -> Kind {
        Kind::Repository
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        environment.packages.repositories.iter().map(|repository| desire(environment, repository, context)).collect()
    }
}

fn desire(environment: &Environment, repository: &Repository, context: Context<'_>) -> Wanted {
    let domain = &environment.packages.domain;
    let place = Place { domain: domain.name.clone(), owner: domain.owner.clone() };
    let address = data_addresses::repository(&repository.name);
    let written = Written { place, ..Written::default() };
    if repository.existing {
        return Wanted {
            address,
            management: Management::Existing(repository.name.clone()),
            name: Some(repository.name.clone()),
            needs: Vec::new(),
            tags: Tags::new(),
            state: Arc::new(RepositoryState { written, ..RepositoryState::default() }),
        };
    }
    Wanted {
        tags: environment.tags_of(&address),
        address,
        management: Management::Owned,
        name: Some(repository.name.clone()),
        needs: needs(environment, repository),
        state: Arc::new(RepositoryState {
            description: repository.description.clone().map_or(Wish::Any, |text| Wish::Is(said(text))),
            upstreams: Wish::Is(repository.upstreams.clone()),
            upstream_links: links(repository, context),
            external_connections: Wish::Is(repository.external_connection.iter().cloned().collect()),
            policy: Wish::Is(policy(environment, repository)),
            written,
        }),
    }
}

fn needs(environment: &Environment, repository: &Repository) -> Vec<Address> {
    let mut needs = vec![data_addresses::domain(&environment.packages.domain.name)];
    needs.extend(repository.upstreams.iter().map(|upstream| data_addresses::repository(upstream)));
    // A policy cannot name a role that does not exist.
    if !matches!(repository.permissions, RepositoryPermissions::None)
        && matches!(environment.role, ExecutionRole::Managed(_))
    {
        needs.push(data_addresses::role());
    }
    needs
}

/// What the upstreams are by name and birth. Without upstreams there is nothing to be linked to.
fn links(repository: &Repository, context: Context<'_>) -> Wish<Option<String>> {
    if repository.upstreams.is_empty() {
        return Wish::Any;
    }
    let born = |upstream: &String| context.outputs.input(&data_addresses::repository(upstream), Output::UniqueId);
    let links = repository.upstreams.iter().map(|upstream| born(upstream).map(|born| format!("{upstream}@{born}")));
    Wish::all::<Vec<String>>(links).map(|links| Some(short_digest(&links.join("\n"))))
}

fn policy(environment: &Environment, repository: &Repository) -> Option<PolicyDocument> {
    match &repository.permissions {
        RepositoryPermissions::None => None,
        RepositoryPermissions::Document(document) => Some(document.clone()),
        RepositoryPermissions::Readers(principals) => {
            let readers = principals.iter().chain(&environment.leaving.roles).cloned();
            let readers = readers.chain([environment.role_arn()]).map(|arn| format!("AWS:{arn}"));
            Some(PolicyDocument::new([Statement::allow("Read", READ_ACTIONS, ["*"]).by(readers)]))
        }
    }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for CodeArtifactRepository {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        // Without any knowledge of a domain every repository of the account may be what a crash left behind.
        let place = place(reader);
        let foreign = place.as_ref().filter(|place| place.owner != reader.account_id());
        let rows: Vec<RepositoryRow> = if let Some(place) = foreign {
            let look = reader.look::<ForeignRepositories>(&format!("{}/{}", place.owner, place.domain)).await?;
            match &look.rows.0 {
                Some(rows) => rows.clone(),
                None => return Ok(wanted.iter().map(|wanted| hidden(reader, place, wanted)).collect()),
            }
        } else {
            let look = reader.look::<Repositories>("").await?;
            let here = |row: &&RepositoryRow| place.as_ref().is_none_or(|place| row.place == *place);
            look.rows.0.iter().filter(here).cloned().collect()
        };
        // Without a manifest every repository of the domain may be what a crash left behind.
        let concerned = rows.iter().filter(|row| reader.environment.is_none() || reader.concerns(wanted, &row.name));
        let looks: Vec<_> = concerned.map(|row| look_at(reader, row, wanted)).collect();
        let items: Vec<Option<Item>> = stream::iter(looks).buffered(SIDE_BY_SIDE).try_collect().await?;
        Ok(items.into_iter().flatten().collect())
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        let (name, state) = (&wanted.address.name, wanted.state::<RepositoryState>());
        let place = &state.written.place;
        let mut tags = wanted.tags.clone();
        tags.extend(link_tag(state));
        let create = writer.write("codeartifact:CreateRepository")?.codeartifact.create_repository().repository(name);
        let create =
            create.domain(&place.domain).domain_owner(&place.owner).set_tags(Some(code_artifact_tags::request(&tags)));
        let create =
            create.set_description(state.description.known().cloned().flatten()).set_upstreams(upstreams(state));
        let created = create.send().await.map_err(from_sdk("codeartifact:CreateRepository"))?;
        let arn = place.arn(&writer.read().region, name);
        let created = created.repository.as_ref().and_then(|repository| repository.created_time());
        let created = created.ok_or_else(|| AwsError::unreadable("codeartifact:CreateRepository"))?;
        let born = point_tags::born(Some(created));
        code_artifact_tags::learn(writer, &arn, &born, tags).await;
        // Without its external connection it has no packages, and nothing may be led to it: then it is not made yet, and the next look finds the
        // difference.
        for connection in state.external_connections.known().into_iter().flatten() {
            associate(writer, place, name, connection).await?;
        }
        // If this fails, the next look finds the difference.
        if let Some(policy) = policy_documents::known(&state.policy) {
            put_policy(writer, place, name, policy, None).await.ok();
        }
        Ok(Created::id(name).with(Output::Arn, arn).with(Output::UniqueId, born))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<RepositoryState>(), seen.state::<RepositoryState>());
        let Written { place, arn, born, revision, sifted, in_place: _ } = &found.written;
        // Upstreams and an external connection exclude each other: AWS takes the one only after the other is gone.
        if touches(diffs, "externalConnections") {
            for connection in only_in(&found.external_connections, &wish.external_connections) {
                disassociate(writer, place, &seen.id, &connection).await?;
            }
        }
        let relink = touches(diffs, "upstreams") || touches(diffs, "upstreamLinks");
        if relink || touches(diffs, "description") {
            let update =
                writer.write("codeartifact:UpdateRepository")?.codeartifact.update_repository().repository(&seen.id);
            let update = update.domain(&place.domain).domain_owner(&place.owner);
            let update = update.set_upstreams(upstreams(wish).filter(|_| relink));
            let description = wish.description.known().filter(|_| touches(diffs, "description"));
            let update = update.set_description(description.map(|text| text.clone().unwrap_or_default()));
            update.send().await.map_err(from_sdk("codeartifact:UpdateRepository"))?;
        }
        if touches(diffs, "externalConnections") {
            for connection in only_in(&wish.external_connections, &found.external_connections) {
                associate(writer, place, &seen.id, &connection).await?;
            }
        }
        if touches(diffs, "policy") {
            match policy_documents::with_denies(policy_documents::known(&wish.policy), &sifted.denies) {
                Some(policy) => put_policy(writer, place, &seen.id, &policy, revision.clone()).await?,
                None => delete_policy(writer, place, &seen.id, revision.clone()).await?,
            }
        }
        let mut tags = point_tags::deviating(&wanted.tags, diffs);
        // Linked again to what it was linked to before, there is nothing new to note.
        if relink && wish.upstream_links != found.upstream_links {
            tags.extend(link_tag(wish));
        }
        code_artifact_tags::add(writer, arn, born, seen, &tags).await?;
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "codeartifact:DeleteRepository";
        let Written { place, arn, .. } = &seen.state::<RepositoryState>().written;
        let tags = match code_artifact_tags::read_now(writer.read(), arn).await {
            Err(error) if error.is_not_found() => return Ok(Progress::Done),
            tags => tags?,
        };
        point_tags::still_ours(OPERATION, seen, &tags)?;
        must_be_nobodys_upstream(OPERATION, writer.read(), seen).await?;
        let delete =
            writer.write(OPERATION)?.codeartifact.delete_repository().domain(&place.domain).domain_owner(&place.owner);
        gone(delete.repository(&seen.id).send().await.map_err(from_sdk(OPERATION)))?;
        Ok(Progress::Done)
    }

    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let Written { arn, born, .. } = &seen.state::<RepositoryState>().written;
        code_artifact_tags::refresh(writer, arn, born).await.map(Some)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let Written { arn, born, .. } = &seen.state::<RepositoryState>().written;
        code_artifact_tags::release(writer, arn, born, seen, keys).await
    }
}

/// The domain whose repositories are looked at: the manifest's, or the one that was known before.
fn place(reader: &Reader<'_>) -> Option<Place> {
    if let Some(environment) = reader.environment {
        let domain = &environment.packages.domain;
        return Some(Place { domain: domain.name.clone(), owner: domain.owner.clone() });
    }
    let known = reader.remembered.iter().find(|(address, _)| address.kind == Kind::Domain);
    known.map(|(_, id)| Place { domain: id.clone(), owner: reader.account_id().to_owned() })
}

/// One repository in depth; `None` when it is gone by now or turns out not to concern us.
async fn look_at(reader: &Reader<'_>, row: &RepositoryRow, wanted: &[Wanted]) -> Result<Option<Item>, AwsError> {
    let key = row.place.key(&row.name);
    let foreign = row.place.owner != reader.account_id();
    let should = !foreign && reader.should_be_ours(wanted, &row.name);
    let tags = match code_artifact_tags::look(reader, &row.arn, &row.born, should).await {
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) if foreign && error.class == ErrorClass::Denied => Tags::new(),
        tags => tags?,
    };
    if !reader.concerns(wanted, &row.name) && reader.owner.address_of(&tags).is_none() {
        return Ok(None);
    }
    let (details, policy) = futures::join!(reader.look::<Details>(&key), reader.look::<RepositoryPolicy>(&key));
    let details = match details {
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) if foreign && error.class == ErrorClass::Denied => None,
        details => Some(details?),
    };
    let policy = match policy {
        Err(error) if foreign && error.class == ErrorClass::Denied => None,
        policy => Some(policy?),
    };
    let wish = wanted.iter().find(|wanted| wanted.name.as_ref() == Some(&row.name));
    Ok(Some(row.item(tags, details.as_ref().map(|look| &look.rows), policy.as_ref().map(|look| &look.rows), wish)))
}

/// A repository of another account that does not let us look: whether it can be used shows when packages are installed.
fn hidden(reader: &Reader<'_>, place: &Place, wanted: &Wanted) -> Item {
    let name = wanted.address.name.clone();
    let arn = place.arn(reader.region(), &name);
    let row = RepositoryRow { name, place: place.clone(), arn, born: "hidden".into(), administrator: None };
    let mut item = row.item(Tags::new(), None, None, None);
    item.findings.push(Finding {
        field: "repository".into(),
        observed: format!(
            "account {} does not let us look at it; whether it can be used shows when packages are installed",
            place.owner
        ),
        severity: Severity::Low,
    });
    item
}

/// A description that says nothing is none, whether AWS shows it or leaves it out.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn only_in(one: &Wish<BTreeSet<String>>, other: &Wish<BTreeSet<String>>) -> Vec<String> {
    let empty = BTreeSet::new();
    let of = |wish| Wish::known(wish).unwrap_or(&empty);
    of(one).difference(of(other)).cloned().collect()
}

fn link_tag(state: &RepositoryState) -> Option<(String, String)> {
    let links = state.upstream_links.known()?.clone()?;
    Some((LINKS_TAG.to_owned(), links))
}

fn upstreams(state: &RepositoryState) -> Option<Vec<UpstreamRepository>> {
    let names = state.upstreams.known()?;
    Some(names.iter().filter_map(|name| UpstreamRepository::builder().repository_name(name).build().ok()).collect())
}

async fn associate(writer: &Writer<'_>, place: &Place, name: &str, connection: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:AssociateExternalConnection";
    let associate = writer.write(OPERATION)?.codeartifact.associate_external_connection().domain(&place.domain);
    let associate = associate.domain_owner(&place.owner).repository(name).external_connection(connection);
    match associate.send().await.map_err(from_sdk(OPERATION)) {
        // It may be the one that is asked for, of a call whose answer was lost.
        Err(error) if error.class == ErrorClass::Exists => {
            let found = describe(writer.read(), place, name).await?;
            if found.external_connections.contains(connection) { Ok(()) } else { Err(error) }
        }
        associated => associated.map(drop),
    }
}

async fn disassociate(writer: &Writer<'_>, place: &Place, name: &str, connection: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:DisassociateExternalConnection";
    let disassociate = writer.write(OPERATION)?.codeartifact.disassociate_external_connection().domain(&place.domain);
    let disassociate = disassociate.domain_owner(&place.owner).repository(name).external_connection(connection);
    gone(disassociate.send().await.map_err(from_sdk(OPERATION)))
}

async fn put_policy(
    writer: &Writer<'_>,
    place: &Place,
    name: &str,
    policy: &PolicyDocument,
    revision: Option<String>,
) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:PutRepositoryPermissionsPolicy";
    let document = policy.to_json();
    policy_documents::within(OPERATION, "the repository's policy", document.chars().count(), POLICY_LIMIT)?;
    let put = writer.write(OPERATION)?.codeartifact.put_repository_permissions_policy().domain(&place.domain);
    let put = put.domain_owner(&place.owner).repository(name).policy_document(document).set_policy_revision(revision);
    put.send().await.map_err(from_sdk(OPERATION)).map_err(policy_documents::not_yet)?;
    Ok(())
}

async fn delete_policy(
    writer: &Writer<'_>,
    place: &Place,
    name: &str,
    revision: Option<String>,
) -> Result<(), AwsError> {
    const OPERATION: &str = "codeartifact:DeleteRepositoryPermissionsPolicy";
    let delete = writer.write(OPERATION)?.codeartifact.delete_repository_permissions_policy().domain(&place.domain);
    let delete = delete.domain_owner(&place.owner).repository(name).set_policy_revision(revision);
    gone(delete.send().await.map_err(from_sdk(OPERATION)).map_err(policy_documents::not_yet))
}

/// Refuse to go on while a repository of the domain has this one as an upstream; foreign ones are named.
async fn must_be_nobodys_upstream(operation: &'static str, clients: &Clients, seen: &Seen) -> Result<(), AwsError> {
    let place = &seen.state::<RepositoryState>().written.place;
    let others = list_in_domain(clients, place).await?;
    let looks: Vec<_> =
        others.iter().filter(|row| row.name != seen.id).map(|row| has_upstream(clients, row, &seen.id)).collect();
    let found: Vec<Option<&RepositoryRow>> = stream::iter(looks).buffered(SIDE_BY_SIDE).try_collect().await?;
    let (mut ours, mut foreign) = (Vec::new(), Vec::new());
    for row in found.into_iter().flatten() {
        match code_artifact_tags::read_now(clients, &row.arn).await {
            Ok(tags) if point_tags::same_owner(seen, &tags) => ours.push(row.name.as_str()),
            // It went while we were looking.
            Err(error) if error.is_not_found() => {}
            Err(error) if error.class != ErrorClass::Denied => return Err(error),
            _ => foreign.push(row.name.as_str()),
        }
    }
    if !foreign.is_empty() {
        let message = format!(
            "repository {} is an upstream of repositories that are not ours: {}; take it off their upstreams first",
            seen.id,
            foreign.join(", ")
        );
        return Err(AwsError::in_use(operation, message));
    }
    if !ours.is_empty() {
        return Err(AwsError::new(
            ErrorClass::Waiting,
            operation,
            format!("is still an upstream of {}", ours.join(", ")),
        ));
    }
    Ok(())
}

/// The repository, if the other one is among its upstreams.
async fn has_upstream<'a>(
    clients: &Clients,
    row: &'a RepositoryRow,
    upstream: &str,
) -> Result<Option<&'a RepositoryRow>, AwsError> {
    match describe(clients, &row.place, &row.name).await {
        Err(error) if error.is_not_found() => Ok(None),
        details => Ok(details?.upstreams.iter().any(|name| name == upstream).then_some(row)),
    }
}

impl RepositoryRow {
    /// The item; without details or policy when these may not be read.
    fn item(
        &self,
        tags: Tags,
        details: Option<&Details>,
        policy: Option<&RepositoryPolicy>,
        wanted: Option<&Wanted>,
    ) -> Item {
        let wish = wanted.and_then(|wanted| policy_documents::known(&wanted.state::<RepositoryState>().policy));
        let sifted = policy_documents::sift(policy.and_then(|policy| policy.document.clone()), wish);
        let outputs =
            [(Output::Id, self.name.clone()), (Output::Arn, self.arn.clone()), (Output::UniqueId, self.born.clone())];
        let administrator = self.administrator.clone().map(|account| (Output::Administrator, account));
        Item {
            id: self.name.clone(),
            address: None,
            phase: Phase::Ready,
            outputs: outputs.into_iter().chain(administrator).collect(),
            findings: policy_documents::findings("policy", &sifted.denies),
            state: Arc::new(RepositoryState {
                description: details.map_or(Wish::Any, |details| Wish::Is(details.description.clone().and_then(said))),
                upstreams: details.map_or(Wish::Any, |details| Wish::Is(details.upstreams.clone())),
                upstream_links: Wish::Is(tags.get(LINKS_TAG).cloned()),
                external_connections: details
                    .map_or(Wish::Any, |details| Wish::Is(details.external_connections.clone())),
                policy: policy.map_or(Wish::Any, |_| Wish::Is(sifted.policy.clone())),
                written: Written {
                    place: self.place.clone(),
                    arn: self.arn.clone(),
                    born: self.born.clone(),
                    revision: policy.and_then(|policy| policy.revision.clone()),
                    sifted,
                    in_place: if let Some(policy) = policy {
                        policy.in_place.iter().cloned().collect()
                    } else {
                        let why = format!("account {} does not let us read it", self.place.owner);
                        vec![PolicyInPlace::unseen(access::Place::Resource, policy_name(&self.name), why)]
                    },
                },
            }),
            tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::diff::compare,
        resources::test_environment::{environment, facts, outputs},
    };

    fn wanted(environment: &Environment, name: &str, born: Option<&str>) -> Wanted {
        let outputs =
            born.map(|born| outputs(&[("Repository/pypi-store", &[(Output::UniqueId, born)])])).unwrap_or_default();
        let facts = facts();
        let all = CodeArtifactRepository.desire(environment, Context { outputs: &outputs, facts: &facts });
        all.into_iter().find(|wanted| wanted.address.name == name).unwrap()
    }

    fn seen(wanted: &Wanted, details: &Details, policy: Option<PolicyDocument>, links: Option<&str>) -> Seen {
        let row = RepositoryRow {
            name: wanted.address.name.clone(),
            place: Place { domain: "test-artifact-domain".into(), owner: "111122223333".into() },
            arn: "arn".into(),
            born: "1".into(),
            administrator: None,
        };
        let mut tags = wanted.tags.clone();
        tags.extend(links.map(|links| (LINKS_TAG.to_owned(), links.to_owned())));
        let policy = RepositoryPolicy { document: policy, in_place: None, revision: None };
        let item = row.item(tags, Some(details), Some(&policy), Some(wanted));
        Seen {
            address: wanted.address.clone(),
            id: item.id,
            ownership: crate::model::owner::Ownership::Ours,
            tags: item.tags,
            phase: item.phase,
            outputs: item.outputs,
            findings: item.findings,
            state: item.state,
        }
    }

    fn details(upstreams: &[&str], connections: &[&str]) -> Details {
        Details {
            description: None,
            upstreams: upstreams.iter().map(|name| (*name).to_owned()).collect(),
            external_connections: connections.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn paths(wanted: &Wanted, seen: &Seen) -> Vec<String> {
        compare(wanted, seen).into_iter().map(|diff| diff.path).collect()
    }

    #[test]
    fn a_downstream_waits_for_its_upstream_and_then_knows_which_one_it_is() {
        let environment = environment();
        let before = wanted(&environment, "test-artifact-repository", None);
        assert_eq!(before.unresolved(), Some(data_addresses::repository("pypi-store")));
        assert!(before.needs.contains(&data_addresses::repository("pypi-store")));
        let first = wanted(&environment, "test-artifact-repository", Some("1"));
        let second = wanted(&environment, "test-artifact-repository", Some("2"));
        assert_eq!(first.unresolved(), None);
        assert_ne!(first.state::<RepositoryState>().upstream_links, second.state::<RepositoryState>().upstream_links);
    }

    #[test]
    fn an_upstream_that_was_made_anew_is_a_difference_though_its_name_still_shows() {
        let environment = environment();
        let first = wanted(&environment, "test-artifact-repository", Some("1"));
        let links = link_tag(first.state()).map(|(_, links)| links);
        let seen = seen(&first, &details(&["pypi-store"], &[]), None, links.as_deref());
        assert_eq!(paths(&first, &seen), Vec::<String>::new());
        let second = wanted(&environment, "test-artifact-repository", Some("2"));
        assert_eq!(paths(&second, &seen), ["upstreamLinks"]);
    }

    #[test]
    fn the_order_of_upstreams_matters_and_connections_are_named_one_by_one() {
        let mut environment = environment();
        environment.packages.repositories[1].upstreams = vec!["pypi-store".into(), "other".into()];
        environment.packages.repositories[1].existing = false;
        let store = wanted(&environment, "pypi-store", None);
        let open = seen(&store, &details(&[], &["public:pypi", "public:npmjs"]), None, None);
        assert_eq!(paths(&store, &open), ["externalConnections[public:npmjs]"]);
        let turned = wanted(&environment, "test-artifact-repository", Some("1"));
        let found = seen(&turned, &details(&["other", "pypi-store"], &[]), None, None);
        assert_eq!(paths(&turned, &found), ["upstreams"]);
    }

    #[test]
    fn readers_are_the_execution_role_and_those_named_and_a_dead_principal_is_a_difference() {
        let mut environment = environment();
        let ci = "arn:aws:iam::111122223333:role/ci".to_owned();
        environment.packages.repositories[0].permissions = RepositoryPermissions::Readers(BTreeSet::from([ci.clone()]));
        let store = wanted(&environment, "pypi-store", None);
        assert!(store.needs.contains(&data_addresses::role()), "a policy cannot name a role that does not exist");
        let policy = policy(&environment, &environment.packages.repositories[0]).unwrap();
        let text = policy.to_json();
        assert!(text.contains(&ci) && text.contains(&environment.role_arn()), "{text}");
        let dead = PolicyDocument::parse(&text.replace(&environment.role_arn(), "AROAEXAMPLE")).unwrap();
        let found = seen(&store, &details(&[], &["public:pypi"]), Some(dead), None);
        assert_eq!(paths(&store, &found), ["policy.Statement[Read].Principal"]);
    }

    #[test]
    fn of_an_existing_repository_nothing_is_asked() {
        let mut environment = environment();
        environment.packages.repositories[0].existing = true;
        let store = wanted(&environment, "pypi-store", None);
        assert_eq!(store.management, Management::Existing("pypi-store".into()));
        let found = seen(&store, &details(&["x"], &["public:npmjs"]), None, None);
        assert_eq!(paths(&store, &found), Vec::<String>::new());
    }
}
