//! A `SageMaker` notebook instance.
//!
//! Its volume holds people's work: nothing here deletes it to make it anew, and whatever AWS cannot change stays as it is. Changes that
//! need a stopped notebook go one state at a time, stop, update, start; what has to be remembered in between is noted on the notebook
//! itself (`notebook_note`).
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeNotebookInstance.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_sagemaker::types::{DirectInternetAccess, InstanceType, RootAccess};

use self::writes::{add_tags, change, metadata, start, start_again, stop};
use super::{
    data_addresses, ec2_addresses, install_permissions, kms_key,
    notebook_note::{self, Note},
    point_tags,
    sagemaker_notebooks::{Details, NotebookRow, Notebooks},
    sagemaker_scripts::{self, LifecycleRow, Lifecycles},
    sagemaker_tags,
};
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::{Address, Kind},
        diff::{FieldDiff, touches},
        environment::{Endpoint, Environment, ExecutionRole, Notebook, Part, Run},
        owner::Tags,
        port::ErrorClass,
        resource::{
            Change, Context, Field, Finding, Management, Output, Phase, Remedy, ResourceKind, Seen, Severity, State,
            Wanted,
        },
        value::Wish,
    },
};

mod writes;

/// The kind.
pub struct NotebookInstance;

const IN_SERVICE: &str = "InService";
const STOPPED: &str = "Stopped";
const FAILED: &str = "Failed";

// --- rows ---------------------------------------------------------------------------------------------------------------------
// The rows are those of `sagemaker_notebooks`.

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a notebook looks like.
#[derive(Debug, Clone, Default)]
pub struct NotebookState {
    direct_internet_access: Wish<String>,
    subnet: Wish<String>,
    security_groups: Wish<BTreeSet<String>>,
    kms_key_id: Wish<Option<String>>,
    instance_type: Wish<String>,
    role_arn: Wish<String>,
    lifecycle_config: Wish<Option<String>>,
    root_access: Wish<String>,
    minimum_imds_version: Wish<String>,
    platform_identifier: Wish<String>,
    volume_size_gib: Wish<i32>,
    running: Wish<String>,
    restart_after_update: Wish<bool>,
    /// What the manifest says about running, also where it leaves it to the user.
    run: Option<Run>,
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
    status: String,
    modified_seconds: i64,
    note: Note,
}

impl State for NotebookState {
    fn fields(&self) -> Vec<Field> {
        let Self {
            direct_internet_access,
            subnet,
            security_groups,
            kms_key_id,
            instance_type,
            role_arn,
            lifecycle_config,
            root_access,
            minimum_imds_version,
            platform_identifier,
            volume_size_gib,
            running,
            restart_after_update,
            run: _,
            requested_key: _,
            written: _,
        } = self.clone();
        vec![
            Field::fixed("directInternetAccess", direct_internet_access).severe(Severity::High),
            Field::fixed("subnet", subnet).severe(Severity::High),
            Field::fixed("securityGroups", security_groups).severe(Severity::High),
            Field::fixed("kmsKeyId", kms_key_id),
            Field::stopped("instanceType", instance_type),
            Field::stopped("roleArn", role_arn).severe(Severity::High),
            Field::stopped("lifecycleConfig", lifecycle_config).severe(Severity::High),
            Field::stopped("rootAccess", root_access).severe(Severity::High),
            Field::stopped("minimumIMDSVersion", minimum_imds_version).severe(Severity::High),
            Field::stopped("platformIdentifier", platform_identifier),
            Field::stopped("volumeSizeGiB", volume_size_gib),
            Field::live("running", running),
            Field::live("restartAfterUpdate", restart_after_update).severe(Severity::Low),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for NotebookInstance {
    fn kind(&self) -> Kind {
        Kind::NotebookInstance
    }

    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted> {
        environment.notebooks.iter().map(|notebook| desire(environment, notebook, context)).collect()
    }
}

fn desire(environment: &Environment, notebook: &Notebook, context: Context<'_>) -> Wanted {
    let address = data_addresses::notebook(&notebook.name);
    let state = NotebookState { direct_internet_access: Wish::Is("Disabled".to_owned()), ..NotebookState::default() };
    if notebook.existing {
        return Wanted {
            address,
            management: Management::Existing(notebook.name.clone()),
            name: Some(notebook.name.clone()),
            needs: Vec::new(),
            tags: Tags::new(),
            state: Arc::new(state),
        };
    }
    let group = context.outputs.input(&ec2_addresses::Group::Notebooks.address(), Output::Id);
    let scripts = sagemaker_scripts::wanted(environment, notebook);
    Wanted {
        tags: environment.tags_of(&address),
        address,
        management: Management::Owned,
        name: Some(notebook.name.clone()),
        needs: needs(environment, notebook),
        state: Arc::new(NotebookState {
            subnet: context.outputs.input(&ec2_addresses::subnet(&notebook.subnet), Output::Id),
            security_groups: group.map(|id| BTreeSet::from([id])),
            // Without a wish it is AWS's own key, and AWS does not say which one that is.
            kms_key_id: notebook.kms_key_id.as_deref().and_then(kms_key::id).map_or(Wish::Any, |id| Wish::Is(Some(id))),
            instance_type: Wish::Is(notebook.instance_type.clone()),
            role_arn: Wish::Is(environment.role_arn()),
            lifecycle_config: Wish::Is(scripts.then(|| sagemaker_scripts::name(&environment.owner, &notebook.name))),
            root_access: Wish::Is(if notebook.root_access { "Enabled" } else { "Disabled" }.to_owned()),
            minimum_imds_version: Wish::Is(notebook.minimum_imds_version.clone()),
            platform_identifier: notebook.platform.clone().map_or(Wish::Any, Wish::Is),
            volume_size_gib: Wish::Is(notebook.volume_size_gib),
            running: match notebook.run {
                Run::Unmanaged => Wish::Any,
                Run::Running => Wish::Is(IN_SERVICE.to_owned()),
                Run::Stopped => Wish::Is(STOPPED.to_owned()),
            },
            restart_after_update: Wish::Is(false),
            run: Some(notebook.run),
            requested_key: notebook.kms_key_id.clone(),
            ..state
        }),
    }
}

/// A notebook never runs before everything that isolates it is there.
fn needs(environment: &Environment, notebook: &Notebook) -> Vec<Address> {
    let network = &environment.network;
    let mut needs = vec![
        ec2_addresses::subnet(&notebook.subnet),
        ec2_addresses::Group::Notebooks.address(),
        data_addresses::role(),
    ];
    if matches!(network.notebooks_group, Part::Managed(())) {
        needs.push(ec2_addresses::Group::Notebooks.rules());
    }
    if sagemaker_scripts::wanted(environment, notebook) {
        needs.push(data_addresses::lifecycle(&notebook.name));
    }
    let attaches = matches!(environment.role, ExecutionRole::Existing { attach_policy: true, .. });
    if attaches && !install_permissions::statements(environment).is_empty() {
        needs.push(data_addresses::install_policy());
    }
    let managed = network.endpoints.iter().filter(|(_, endpoint)| matches!(endpoint, Endpoint::Managed { .. }));
    needs.extend(managed.map(|(service, _)| ec2_addresses::endpoint(*service)));
    needs
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for NotebookInstance {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let look = reader.look::<Notebooks>("").await?;
        let prefix = sagemaker_scripts::prefix(reader.owner);
        let mut items = Vec::new();
        for row in &look.rows.0 {
            let wish = wanted.iter().find(|wanted| same_name(wanted, &row.name));
            // A notebook with scripts of ours is probably ours, whatever else was forgotten.
            let has_ours = row.lifecycle.as_ref().is_some_and(|name| name.starts_with(&prefix));
            if wish.is_some() || reader.concerns(wanted, &row.name) || has_ours {
                items.extend(look_at(reader, row, wish).await?);
            }
        }
        Ok(items)
    }

    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        same_name(wanted, &item.id)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        const OPERATION: &str = "sagemaker:CreateNotebookInstance";
        let (name, state) = (&wanted.address.name, wanted.state::<NotebookState>());
        let create = writer.write(OPERATION)?.sagemaker.create_notebook_instance().notebook_instance_name(name);
        let create = create
            .direct_internet_access(DirectInternetAccess::Disabled)
            .set_subnet_id(state.subnet.known().cloned())
            .set_security_group_ids(state.security_groups.known().map(|groups| groups.iter().cloned().collect()))
            .set_kms_key_id(state.requested_key.clone())
            .set_instance_type(state.instance_type.known().map(|kind| InstanceType::from(kind.as_str())))
            .set_role_arn(state.role_arn.known().cloned())
            .set_lifecycle_config_name(state.lifecycle_config.known().cloned().flatten())
            .set_root_access(state.root_access.known().map(|access| RootAccess::from(access.as_str())))
            .set_instance_metadata_service_configuration(
                state.minimum_imds_version.known().map(|version| metadata(version)),
            )
            .set_platform_identifier(state.platform_identifier.known().cloned())
            .set_volume_size_in_gb(state.volume_size_gib.known().copied())
            .set_tags(Some(sagemaker_tags::request(&wanted.tags)));
        let created = create.send().await.map_err(from_sdk(OPERATION))?;
        Ok(Created::id(name).with(Output::Arn, created.notebook_instance_arn.unwrap_or_default()))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<NotebookState>(), seen.state::<NotebookState>());
        let Written { status, note, .. } = &found.written;
        let mut tags = point_tags::deviating(&wanted.tags, diffs);
        let needs_stop = diffs.iter().any(|diff| diff.change == Change::Stopped);
        let starts = touches(diffs, "running") && wish.run == Some(Run::Running)
            || note.restart && matches!(wish.run, Some(Run::Unmanaged | Run::Running));
        match status.as_str() {
            FAILED => start_again(writer, seen, tags).await,
            IN_SERVICE if needs_stop || touches(diffs, "running") => {
                if needs_stop && wish.run == Some(Run::Unmanaged) && !note.restart {
                    tags.insert(
                        notebook_note::TAG.to_owned(),
                        Note { restart: true, ..*note }.text().unwrap_or_default(),
                    );
                }
                add_tags(writer, seen, &tags).await?;
                stop(writer, &seen.id).await
            }
            STOPPED if needs_stop => {
                add_tags(writer, seen, &tags).await?;
                change(writer, wish, seen, diffs).await
            }
            STOPPED if starts => {
                add_tags(writer, seen, &tags).await?;
                // The note stays until the notebook is seen running: a start sometimes does not take.
                start(writer, &seen.id).await
            }
            IN_SERVICE | STOPPED => {
                let left = Note { restart: false, ..*note };
                match left.text() {
                    Some(text) if note.restart => drop(tags.insert(notebook_note::TAG.to_owned(), text)),
                    None if note.restart => {
                        let Written { arn, born, .. } = &found.written;
                        sagemaker_tags::remove(writer, arn, born, seen, &[notebook_note::TAG.to_owned()]).await?;
                    }
                    _ => {}
                }
                add_tags(writer, seen, &tags).await?;
                Ok(Progress::Done)
            }
            busy => Err(AwsError::new(
                ErrorClass::Waiting,
                "sagemaker:UpdateNotebookInstance",
                format!("the notebook is {busy}"),
            )),
        }
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "sagemaker:DeleteNotebookInstance";
        let Written { arn, status, .. } = &seen.state::<NotebookState>().written;
        if !matches!(status.as_str(), IN_SERVICE | STOPPED | FAILED) {
            // Neither stopping nor deleting is legal before it has come to rest.
            return Ok(Progress::Started(format!("the notebook is {status}")));
        }
        let tags = match sagemaker_tags::read_now(writer.read(), arn).await {
            Err(error) if error.is_not_found() => return Ok(Progress::Done),
            tags => tags?,
        };
        point_tags::still_ours(OPERATION, seen, &tags)?;
        if status == IN_SERVICE {
            return stop(writer, &seen.id).await;
        }
        let delete = writer.write(OPERATION)?.sagemaker.delete_notebook_instance().notebook_instance_name(&seen.id);
        match delete.send().await.map_err(from_sdk(OPERATION)) {
            Err(error) if error.is_not_found() => Ok(Progress::Done),
            deleted => deleted.map(|_| Progress::Started("the notebook is being deleted".into())),
        }
    }

    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let Written { arn, born, .. } = &seen.state::<NotebookState>().written;
        sagemaker_tags::refresh(writer, arn, born).await.map(Some)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let Written { arn, born, .. } = &seen.state::<NotebookState>().written;
        sagemaker_tags::remove(writer, arn, born, seen, &point_tags::released(seen, keys)).await
    }
}

/// Names of notebooks are part of host names, where case does not count.
fn same_name(wanted: &Wanted, name: &str) -> bool {
    wanted.name.as_ref().is_some_and(|wanted| wanted.eq_ignore_ascii_case(name))
}

/// One notebook in depth; `None` when it is gone by now or turns out not to concern us.
async fn look_at(reader: &Reader<'_>, row: &NotebookRow, wanted: Option<&Wanted>) -> Result<Option<Item>, AwsError> {
    let tags = match sagemaker_tags::look(reader, &row.arn, &row.born).await {
        Err(error) if error.is_not_found() => return Ok(None),
        tags => tags?,
    };
    let remembered = reader.remembered.values().any(|id| *id == row.name);
    if wanted.is_none() && !remembered && reader.owner.address_of(&tags).is_none() {
        return Ok(None);
    }
    let version = format!("{}/{}/{}", row.born, row.modified, row.status);
    let details = match reader.look_at_version::<Details>(&row.name, &version).await {
        Err(error) if error.is_not_found() => return Ok(None),
        details => details?,
    };
    let restart_pending = match &row.lifecycle {
        Some(name) if row.status == IN_SERVICE => {
            // Worth a word about the notebook, and nothing that it cannot be seen without.
            let look = reader.look_learned::<Lifecycles>("", point_tags::MAX_AGE).await;
            let newer = |config: &LifecycleRow| config.name == *name && config.modified.as_nanos() > row.modified;
            look.map_or(Some("unknown"), |look| look.rows.0.iter().any(newer).then_some("true"))
        }
        _ => None,
    };
    Ok(Some(item(row, &details.rows, tags, restart_pending, wanted)))
}

fn item(row: &NotebookRow, details: &Details, tags: Tags, restart: Option<&str>, wanted: Option<&Wanted>) -> Item {
    let wish = wanted.map(Wanted::state::<NotebookState>);
    let note = Note::read(tags.get(notebook_note::TAG));
    let run = wish.and_then(|wish| wish.run).unwrap_or(Run::Unmanaged);
    let mut outputs = BTreeMap::from([
        (Output::Id, row.name.clone()),
        (Output::Arn, row.arn.clone()),
        (Output::State, row.status.clone()),
    ]);
    outputs.extend(restart.map(|pending| (Output::RestartPending, pending.to_owned())));
    // A volume only grows: one that is larger than asked for is as asked for.
    let asked = wish.and_then(|wish| wish.volume_size_gib.known().copied()).unwrap_or(i32::MAX);
    let ours = wanted.is_some_and(|wanted| wanted.management == Management::Owned);
    let mut findings = if ours { details.additions() } else { Vec::new() };
    if details.volume_size > asked {
        findings.push(Finding {
            field: "volumeSizeGiB".to_owned(),
            observed: format!("{}: a volume cannot shrink", details.volume_size),
            severity: Severity::Low,
        });
    }
    Item {
        id: row.name.clone(),
        address: None,
        phase: phase(&row.status, details.failure_reason.as_deref(), note.remedy(row.modified_seconds(), run)),
        outputs,
        findings,
        state: Arc::new(NotebookState {
            direct_internet_access: Wish::Is(details.direct_internet_access.clone()),
            subnet: Wish::Is(details.subnet.clone().unwrap_or_default()),
            security_groups: Wish::Is(details.security_groups.clone()),
            kms_key_id: Wish::Is(details.kms_key.as_deref().and_then(kms_key::id)),
            instance_type: shown(&details.instance_type),
            role_arn: shown(&details.role_arn),
            lifecycle_config: Wish::Is(details.lifecycle.clone()),
            root_access: shown(&details.root_access),
            minimum_imds_version: shown(&details.minimum_imds_version),
            platform_identifier: shown(&details.platform),
            volume_size_gib: if details.volume_size == 0 {
                Wish::Any
            } else {
                Wish::Is(details.volume_size.min(asked))
            },
            // What a failed notebook needs is said by its phase, not by a difference.
            running: if row.status == FAILED { Wish::Any } else { Wish::Is(row.status.clone()) },
            restart_after_update: Wish::Is(note.restart),
            run: None,
            requested_key: None,
            written: Written {
                arn: row.arn.clone(),
                born: row.born.clone(),
                status: row.status.clone(),
                modified_seconds: row.modified_seconds(),
                note,
            },
        }),
        tags,
    }
}

/// What AWS leaves out of an answer is not known; nothing is stopped and changed because of it.
fn shown(text: &str) -> Wish<String> {
    if text.is_empty() { Wish::Any } else { Wish::Is(text.to_owned()) }
}

/// How far AWS is with a notebook, by its status.
fn phase(status: &str, failure_reason: Option<&str>, remedy: Remedy) -> Phase {
    match status {
        IN_SERVICE | STOPPED => Phase::Ready,
        "Deleting" => Phase::Deleting,
        FAILED => Phase::Failed { reason: failure_reason.unwrap_or("AWS gives no reason").to_owned(), remedy },
        "Pending" => Phase::Progressing("the notebook is starting".into()),
        "Stopping" => Phase::Progressing("the notebook is stopping".into()),
        "Updating" => Phase::Progressing("the notebook is being updated".into()),
        other => Phase::Progressing(format!("the notebook is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::test_environment::{environment, facts, network_outputs};

    fn wanted(environment: &Environment) -> Wanted {
        let (outputs, facts) = (network_outputs(), facts());
        NotebookInstance.desire(environment, Context { outputs: &outputs, facts: &facts }).remove(0)
    }

    fn details() -> Details {
        Details {
            direct_internet_access: "Disabled".into(),
            subnet: Some("subnet-a".into()),
            security_groups: BTreeSet::from(["sg-notebooks".into()]),
            instance_type: "ml.t3.medium".into(),
            role_arn: "arn".into(),
            root_access: "Disabled".into(),
            minimum_imds_version: "2".into(),
            platform: "notebook-al2023-v1".into(),
            volume_size: 20,
            ..Details::default()
        }
    }

    fn row(status: &str) -> NotebookRow {
        NotebookRow {
            name: "test-notebook".into(),
            arn: "arn".into(),
            born: "1".into(),
            status: status.into(),
            modified: 1_000_000_000_000,
            lifecycle: None,
        }
    }

    #[test]
    fn a_notebook_waits_for_everything_that_isolates_it() {
        let needs: Vec<String> = wanted(&environment()).needs.iter().map(ToString::to_string).collect();
        for need in [
            "Subnet/a",
            "SecurityGroup/notebooks",
            "SecurityGroupRules/notebooks",
            "Role/execution",
            "LifecycleConfiguration/test-notebook",
            "VPCEndpoint/CodeArtifactAPI",
            "VPCEndpoint/S3",
        ] {
            assert!(needs.iter().any(|found| found == need), "{need} is not among {needs:?}");
        }
    }

    #[test]
    fn an_existing_notebook_is_asked_for_nothing_but_its_isolation() {
        let mut environment = environment();
        environment.notebooks[0].existing = true;
        let wanted = wanted(&environment);
        let asked: Vec<_> = wanted.state.fields().into_iter().filter(|field| field.value != Wish::Any).collect();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].name, "directInternetAccess");
    }

    #[test]
    fn what_the_manifest_leaves_open_is_as_aws_has_it() {
        let wanted = wanted(&environment());
        let state = wanted.state::<NotebookState>();
        assert_eq!((&state.platform_identifier, &state.running), (&Wish::Any, &Wish::Any));
        assert_eq!(state.kms_key_id, Wish::Any);
    }

    #[test]
    fn states_of_aws_mean_what_can_be_done() {
        let of = |status: &str| phase(status, Some("no capacity"), Remedy::Update);
        assert_eq!((of("InService"), of("Stopped")), (Phase::Ready, Phase::Ready));
        assert_eq!(of("Deleting"), Phase::Deleting);
        assert_eq!(of("Failed"), Phase::Failed { reason: "no capacity".into(), remedy: Remedy::Update });
        for status in ["Pending", "Stopping", "Updating", "SomethingNew"] {
            assert!(matches!(of(status), Phase::Progressing(_)), "{status}");
        }
    }

    #[test]
    fn a_larger_volume_is_large_enough_and_a_smaller_one_is_not() {
        let wanted = wanted(&environment());
        let volume = |size: i32| {
            let item =
                item(&row("InService"), &Details { volume_size: size, ..details() }, Tags::new(), None, Some(&wanted));
            let state = item.state.as_any().downcast_ref::<NotebookState>().unwrap().volume_size_gib.clone();
            (state, item.findings.len())
        };
        assert_eq!(volume(50), (Wish::Is(20), 1));
        assert_eq!(volume(10), (Wish::Is(10), 0));
    }

    #[test]
    fn what_an_answer_leaves_out_is_no_difference_that_would_stop_a_notebook() {
        let wanted = wanted(&environment());
        let partial = Details {
            instance_type: String::new(),
            role_arn: String::new(),
            root_access: String::new(),
            minimum_imds_version: String::new(),
            platform: String::new(),
            volume_size: 0,
            lifecycle: wanted.state::<NotebookState>().lifecycle_config.known().cloned().flatten(),
            ..details()
        };
        let item = item(&row("InService"), &partial, Tags::new(), None, Some(&wanted));
        let seen = item.state.as_any().downcast_ref::<NotebookState>().unwrap().fields();
        let asked = wanted.state::<NotebookState>().fields();
        let stopping = asked.iter().zip(&seen).filter(|(asked, _)| asked.change == Change::Stopped);
        for (asked, seen) in stopping {
            assert!(seen.value == Wish::Any || seen.value == asked.value, "{}", asked.name);
        }
    }

    #[test]
    fn a_failed_notebook_says_so_by_its_phase_and_not_by_a_difference() {
        let wanted = wanted(&environment());
        let item = item(&row("Failed"), &details(), Tags::new(), None, Some(&wanted));
        let state = item.state.as_any().downcast_ref::<NotebookState>().unwrap();
        assert_eq!(state.running, Wish::Any);
        assert!(matches!(item.phase, Phase::Failed { remedy: Remedy::Update, .. }));
    }

    #[test]
    fn a_note_that_it_has_to_run_again_is_a_difference_until_it_does() {
        let wanted = wanted(&environment());
        let tags = Tags::from([(notebook_note::TAG.to_owned(), "restart/0/0".to_owned())]);
        let item = item(&row("Stopped"), &details(), tags, None, Some(&wanted));
        let state = item.state.as_any().downcast_ref::<NotebookState>().unwrap();
        assert_eq!(state.restart_after_update, Wish::Is(true));
        assert_eq!(wanted.state::<NotebookState>().restart_after_update, Wish::Is(false));
    }
}
