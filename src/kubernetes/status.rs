//! From a report to the status, and the status to the API server: only when it says something else than before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{
    admit::RECONCILE_AT,
    api::{
        EnvironmentStatus, IsolatedNotebookEnvironment,
        environment::{
            ControlResult, ControlStatus, EndpointStatus, ExecutionRoleStatus, NetworkStatus, NotebookStatus,
            PackagesStatus, PipStatus, RepositoryStatus, ResourceCount, ResourceReference, Summary,
        },
    },
    drift,
};
use crate::model::{
    address::{Address, Kind},
    controls::{Control, Judgement},
    environment::Environment,
    port::{ErrorClass, Observation, Problem},
    report::{Fact, Report, Truth, conditions, report_blocked},
    resource::Output,
    value::bounded,
};

/// The field manager of the status, and of nothing else.
const MANAGER: &str = "cloister";
/// How many resources the status lists with their ids.
const RESOURCE_ITEMS: usize = 512;
/// The longest value of the annotation that the status holds.
const ASKED_AT: usize = 256;
/// How many held steps the status lists.
const NEXT_STEPS: usize = 50;
/// How old `lastVerifiedTime` may become before it alone is reason enough to write.
const VERIFIED_SECONDS: i64 = 3600;

/// Writes the status and the finalizer of one object.
pub struct StatusWriter {
    api: Api<IsolatedNotebookEnvironment>,
    name: String,
}

impl StatusWriter {
    /// The writer for an object.
    #[must_use]
    pub fn new(client: &Client, object: &IsolatedNotebookEnvironment) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        Self { api: Api::namespaced(client.clone(), &namespace), name: object.name_any() }
    }

    /// Tell what a full look found. Gives what the status says now.
    ///
    /// # Errors
    /// When the API server did not take it.
    pub async fn tell(
        &self,
        object: &IsolatedNotebookEnvironment,
        environment: Option<&Environment>,
        observation: &Observation,
        report: &Report,
    ) -> Result<EnvironmentStatus, kube::Error> {
        let now = now();
        let before = object.status.clone().unwrap_or_default();
        let mut status = compose(object, &before, environment, observation, report, now).within_bounds();
        settle_times(&before, &mut status, now);
        self.write_if_new(object, &before, &status).await?;
        Ok(status)
    }

    /// Tell what keeps us from looking. What was known before stays as it was. Gives what the status says now.
    ///
    /// # Errors
    /// When the API server did not take it.
    pub async fn tell_blocked(
        &self,
        object: &IsolatedNotebookEnvironment,
        report: &Report,
    ) -> Result<EnvironmentStatus, kube::Error> {
        let now = now();
        let before = object.status.clone().unwrap_or_default();
        let mut status = before.clone();
        status.observed_generation = object.metadata.generation;
        status.conditions = conditions(object, &before, &report.facts, now);
        status.last_handled_reconcile_at = asked_at(object);
        let status = status.within_bounds();
        self.write_if_new(object, &before, &status).await?;
        Ok(status)
    }

    /// Remember the account before anything is made in it, so that a deletion knows where to look whatever happens next. All conditions
    /// are there from this moment on.
    ///
    /// # Errors
    /// When the API server did not take it.
    pub async fn pin_account(
        &self,
        object: IsolatedNotebookEnvironment,
        account: &str,
    ) -> Result<IsolatedNotebookEnvironment, kube::Error> {
        let before = object.status.clone().unwrap_or_default();
        if before.account.is_some() {
            return Ok(object);
        }
        let first =
            Problem::new(ErrorClass::Waiting, "AWS is being looked at for the first time").because("Progressing");
        let mut status = before.clone();
        status.account = Some(account.to_owned());
        status.conditions = conditions(&object, &before, &report_blocked(&first).facts, now());
        // The generation counts as observed only once it was compared with AWS; an object that was edited meanwhile is visited anew, so that no
        // status speaks of a manifest that it was not made from.
        let version = object.resource_version();
        self.apply(&object, &status, version).await
    }

    async fn write_if_new(
        &self,
        object: &IsolatedNotebookEnvironment,
        before: &EnvironmentStatus,
        status: &EnvironmentStatus,
    ) -> Result<(), kube::Error> {
        if before != status {
            self.apply(object, status, None).await?;
        }
        Ok(())
    }

    /// Server-side apply of the whole status; refused when `version` is given and the object has moved on.
    pub(super) async fn apply(
        &self,
        object: &IsolatedNotebookEnvironment,
        status: &EnvironmentStatus,
        version: Option<String>,
    ) -> Result<IsolatedNotebookEnvironment, kube::Error> {
        let mut metadata = json!({"name": self.name, "uid": object.uid()});
        if let Some(version) = version {
            metadata["resourceVersion"] = json!(version);
        }
        let patch = json!({
            "apiVersion": "cloister.dev/v1alpha1",
            "kind": "IsolatedNotebookEnvironment",
            "metadata": metadata,
            "status": status,
        });
        self.api.patch_status(&self.name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await
    }

    /// Add a finalizer, unless somebody changed the list in the meantime.
    pub(super) async fn add_finalizer(
        &self,
        object: &IsolatedNotebookEnvironment,
        finalizer: &str,
    ) -> Result<IsolatedNotebookEnvironment, kube::Error> {
        let mut finalizers = object.finalizers().to_vec();
        finalizers.push(finalizer.to_owned());
        self.set_finalizers(object, &finalizers).await
    }

    /// Remove a finalizer, unless somebody changed the list in the meantime.
    pub(super) async fn remove_finalizer(
        &self,
        object: &IsolatedNotebookEnvironment,
        finalizer: &str,
    ) -> Result<(), kube::Error> {
        let finalizers: Vec<String> = object.finalizers().iter().filter(|name| *name != finalizer).cloned().collect();
        match self.set_finalizers(object, &finalizers).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            result => result.map(drop),
        }
    }

    /// A merge patch with uid and resourceVersion: it does nothing to another object of the same name, and nothing to one that moved on.
    async fn set_finalizers(
        &self,
        object: &IsolatedNotebookEnvironment,
        finalizers: &[String],
    ) -> Result<IsolatedNotebookEnvironment, kube::Error> {
        let metadata =
            json!({"uid": object.uid(), "resourceVersion": object.resource_version(), "finalizers": finalizers});
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(json!({"metadata": metadata}))).await
    }
}

#[expect(clippy::disallowed_methods, reason = "where the clock comes in: conditions carry wall time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn compose(
    object: &IsolatedNotebookEnvironment,
    before: &EnvironmentStatus,
    environment: Option<&Environment>,
    observation: &Observation,
    report: &Report,
    now: Timestamp,
) -> EnvironmentStatus {
    let intents = before
        .intents
        .iter()
        .filter(|intent| intent.token.as_ref().is_none_or(|token| !observation.settled_intents.contains(token)));
    let mut status = EnvironmentStatus {
        observed_generation: object.metadata.generation,
        conditions: conditions(object, before, &report.facts, now),
        last_verified_time: Some(Time(now)),
        last_handled_reconcile_at: asked_at(object),
        account: before.account.clone(),
        resources: Some(resources(before, environment.is_some(), observation, report)),
        intents: intents.cloned().collect(),
        ..EnvironmentStatus::default()
    };
    let Some(environment) = environment else { return status };
    status.network = Some(network(environment, observation, report));
    status.packages = Some(packages(environment));
    status.execution_role = Some(ExecutionRoleStatus { arn: Some(environment.role_arn()) });
    status.notebooks = notebooks(report);
    status.controls = controls(report);
    status.drift = Some(drift::drift(before, report, now));
    status.next_steps = report.next_steps.iter().take(NEXT_STEPS).cloned().collect();
    status.plan_digest.clone_from(&report.approval);
    let available = report.endpoints.iter().filter(|endpoint| endpoint.available).count();
    let ready = report.notebooks.iter().filter(|notebook| notebook.ready).count();
    status.summary = Some(Summary {
        endpoints: Some(format!("{available}/{}", report.endpoints.len())),
        notebooks: Some(format!("{ready}/{}", report.notebooks.len())),
    });
    status
}

/// Nothing in the status changes by time alone, but for `lastVerifiedTime` once in an hour.
fn settle_times(before: &EnvironmentStatus, status: &mut EnvironmentStatus, now: Timestamp) {
    let mut same = status.clone();
    same.last_verified_time.clone_from(&before.last_verified_time);
    let fresh =
        before.last_verified_time.as_ref().is_some_and(|time| now.as_second() - time.0.as_second() < VERIFIED_SECONDS);
    if same == *before && fresh {
        *status = same;
    } else {
        drift::forget_corrected(status, now);
    }
}

/// When somebody asked for a look, as the status can hold it: a longer text would never seem to be answered.
pub(super) fn asked_at(object: &IsolatedNotebookEnvironment) -> Option<String> {
    object.annotations().get(RECONCILE_AT).map(|asked| bounded(asked, ASKED_AT))
}

/// The conditions: ours from the report, those of others as they are.
fn conditions(
    object: &IsolatedNotebookEnvironment,
    before: &EnvironmentStatus,
    facts: &[Fact],
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |fact: &Fact| {
        let earlier = before.conditions.iter().find(|condition| condition.type_ == fact.name);
        let unchanged = earlier.filter(|condition| condition.status == fact.truth.as_str());
        Condition {
            type_: fact.name.to_owned(),
            status: fact.truth.as_str().to_owned(),
            reason: fact.reason.clone(),
            message: fact.message.clone(),
            observed_generation: object.metadata.generation,
            last_transition_time: unchanged.map_or(Time(now), |condition| condition.last_transition_time.clone()),
        }
    };
    facts.iter().map(condition).collect()
}

/// What exists. A wanted resource that is not seen keeps its last id: it must not be made again as if it had never been.
fn resources(before: &EnvironmentStatus, wanted: bool, observation: &Observation, report: &Report) -> ResourceCount {
    let existing = |address: &Address| report.declared.contains(address).then_some(true);
    let item = |(address, id): (&Address, &String)| {
        let resource = address.to_string();
        (resource.clone(), ResourceReference { resource, id: id.clone(), existing: existing(address) })
    };
    let mut items: BTreeMap<String, ResourceReference> = report.ids.iter().map(item).collect();
    if wanted {
        let known = before.resources.as_ref().map(|resources| resources.items.as_slice()).unwrap_or_default();
        for item in known {
            if observation.wanted.iter().any(|wanted| wanted.address.to_string() == item.resource) {
                items.entry(item.resource.clone()).or_insert_with(|| item.clone());
            }
        }
    }
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    ResourceCount {
        total: count(report.total),
        ready: count(report.ready),
        items: items.into_values().take(RESOURCE_ITEMS).collect(),
    }
}

fn network(environment: &Environment, observation: &Observation, report: &Report) -> NetworkStatus {
    let id = |kind, name: &str| observation.outputs.get(&Address::new(kind, name), Output::Id).map(ToOwned::to_owned);
    let subnets = environment.network.subnets.iter().filter_map(|subnet| id(Kind::Subnet, &subnet.name));
    let groups = ["notebooks", "endpoints"].into_iter().filter_map(|name| id(Kind::SecurityGroup, name));
    let endpoints = report.endpoints.iter().filter_map(|endpoint| {
        Some(EndpointStatus {
            service: serde_json::from_value(json!(endpoint.service.name())).ok()?,
            id: endpoint.id.clone(),
            state: endpoint.state.clone(),
            dns_name: endpoint.dns_name.clone(),
        })
    });
    NetworkStatus {
        vpc_id: id(Kind::Vpc, "main"),
        subnet_ids: subnets.collect(),
        security_group_ids: groups.collect(),
        endpoints: endpoints.collect(),
    }
}

fn packages(environment: &Environment) -> PackagesStatus {
    let domain = &environment.packages.domain;
    let formats = environment.packages.install.as_ref().map(|install| install.formats.clone()).unwrap_or_default();
    let repository = |name: &String| RepositoryStatus {
        name: name.clone(),
        arn: Some(environment.repository_arn(name)),
        endpoints: formats.iter().map(|format| (format.clone(), environment.repository_url(name, format))).collect(),
    };
    let pip = environment.pip().map(|install| PipStatus {
        index_url: environment.pip_index_url(),
        login_command: Some(format!(
            "aws codeartifact login --tool pip --domain {} --domain-owner {} --repository {} --region {}",
            domain.name, domain.owner, install.repository, environment.region
        )),
    });
    PackagesStatus {
        domain_arn: Some(environment.domain_arn()),
        repositories: environment.packages.repositories.iter().map(|entry| repository(&entry.name)).collect(),
        pip,
    }
}

fn notebooks(report: &Report) -> Vec<NotebookStatus> {
    let status = |notebook: &crate::model::report::NotebookReport| NotebookStatus {
        name: notebook.name.clone(),
        arn: notebook.arn.clone(),
        state: notebook.state.clone(),
        restart_pending: notebook.restart_pending.then_some(true),
    };
    report.notebooks.iter().map(status).collect()
}

fn controls(report: &Report) -> Vec<ControlStatus> {
    let status = |control: &Control| ControlStatus {
        id: control.id.to_owned(),
        result: match control.judgement {
            Judgement::Passed => ControlResult::Passed,
            Judgement::Failed => ControlResult::Failed,
            Judgement::Unknown => ControlResult::Unknown,
        },
    };
    report.controls.iter().map(status).collect()
}

/// Whether a report says that everything is as asked; for logs and Events.
#[must_use]
pub fn is_ready(report: &Report) -> bool {
    report.fact(conditions::READY).is_some_and(|fact| fact.truth == Truth::True)
}
