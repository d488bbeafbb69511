//! One visit to an environment. [`reconcile`] is the table of contents: gather, think, act, tell.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kube::{Client, Resource, ResourceExt, runtime::controller::Action};
use tokio::time::Instant;

use super::{
    admit,
    api::{EnvironmentStatus, IsolatedNotebookEnvironment, environment::DriftSeverity},
    drift::{self, is_corrected},
    events::{Events, Notice, notices},
    identity,
    intents::StatusIntents,
    memory::Memories,
    requeue::Backoff,
    scope::{deletion_waits, nothing_was_made, remembered, scope_of},
    status::{StatusWriter, asked_at},
};
use crate::{
    metrics::{self, Metrics},
    model::{
        environment::Environment,
        plan::{Plan, plan, plan_deletion},
        port::{Cloud, Freshness, Observation, Outcome, Outcomes, Problem, Scope},
        report::{Next, Report, report, report_blocked, report_deletion},
    },
};

/// The finalizer: while it is there, AWS may hold something of the environment's.
pub const FINALIZER: &str = "cloister.dev/aws-resources";

/// What every visit works with.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// AWS.
    pub cloud: Arc<dyn Cloud>,
    /// Uid of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// When to come back.
    pub backoff: Backoff,
    /// What is kept in mind about the objects.
    pub memories: Memories,
    /// Where news go.
    pub events: Events,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Context {
    /// The object is gone, and everything about it that was only in memory.
    pub fn forget(&self, object: &impl ResourceExt) {
        let uid = object.uid().unwrap_or_default();
        self.memories.forget(&uid);
        self.backoff.restart(&uid);
        self.metrics.forget(&object.namespace().unwrap_or_default(), &object.name_any());
    }
}

/// A visit that could not even tell what happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not take what was to be written.
    #[error("the object could not be written")]
    Kubernetes(#[source] Box<kube::Error>),
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(Box::new(error))
    }
}

/// Bring AWS one step closer to what the object says, and tell in its status how far that is.
///
/// # Errors
/// When the API server could not be told; then everything is done again.
pub async fn reconcile(object: Arc<IsolatedNotebookEnvironment>, context: Arc<Context>) -> Result<Action, Error> {
    let writer = StatusWriter::new(&context.client, &object);
    let visit = Visit { object: &object, context: &context, writer: &writer };
    let timer = Timer::begin(&context.metrics);
    let told = if object.meta().deletion_timestamp.is_some() {
        visit.delete().await // AWS: deletes or releases. Kubernetes: status, finalizer, Events
    } else {
        visit.keep().await // AWS: whatever the plan says. Kubernetes: finalizer, status, Events
    };
    timer.end(&told);
    let told = told?;
    let interval = admit::duration(&object.spec.drift_check_interval).unwrap_or(Duration::from_mins(5));
    Ok(context.backoff.next(&object.uid().unwrap_or_default(), told, interval))
}

struct Visit<'a> {
    object: &'a IsolatedNotebookEnvironment,
    context: &'a Context,
    writer: &'a StatusWriter,
}

impl Visit<'_> {
    async fn keep(&self) -> Result<Next, Error> {
        let object = self.with_finalizer().await?;
        let scope = match self.scope(&object).await {
            Ok(scope) => scope,
            Err(problem) => return self.tell(&object, &report_blocked(&problem)).await,
        };
        let Some(environment) = scope.environment.clone() else { return Ok(Next::Check) };
        let object = self.writer.pin_account(object, &scope.identity.account).await?;
        let observation = match self.context.cloud.observe(&scope).await {
            Ok(observation) => observation,
            Err(problem) => return self.tell(&object, &report_blocked(&problem)).await,
        };
        let mut plan = plan(&environment, &observation, &scope.remembered);
        self.sort_out_drift(&object, &environment, &observation, &mut plan);
        let (object, outcomes) = self.carry_out(object, &scope, &observation, &plan).await;
        let report = report(&environment, &observation, &plan, &outcomes);
        self.context.cloud.wait_for(&scope.owner, report.waiting_for.clone());
        self.tell_all(&object, Some(&environment), &observation, &report).await
    }

    async fn delete(&self) -> Result<Next, Error> {
        let object = self.object.clone();
        if !object.finalizers().iter().any(|name| name == FINALIZER) {
            return Ok(Next::Gone);
        }
        if let Some(problem) = deletion_waits(self.object) {
            return self.tell(&object, &report_blocked(&problem)).await;
        }
        if nothing_was_made(self.object) {
            return self.let_go().await;
        }
        let scope = match self.scope(&object).await {
            Ok(scope) => scope,
            Err(problem) => return self.tell(&object, &report_blocked(&self.what_remains(problem))).await,
        };
        let observation = match self.context.cloud.observe(&scope).await {
            Ok(observation) => observation,
            Err(problem) => return self.tell(&object, &report_blocked(&self.what_remains(problem))).await,
        };
        let retain = object.spec.deletion_policy == super::api::environment::DeletionPolicy::Retain;
        let plan = plan_deletion(&observation, retain);
        let (object, outcomes) = self.carry_out(object, &scope, &observation, &plan).await;
        let report = report_deletion(&observation, &plan, &outcomes);
        self.context.cloud.wait_for(&scope.owner, report.waiting_for.clone());
        if report.next == Next::Gone {
            self.context.cloud.forget(&scope.owner);
            return self.let_go().await;
        }
        self.tell_all(&object, None, &observation, &report).await
    }

    async fn carry_out(
        &self,
        object: IsolatedNotebookEnvironment,
        scope: &Scope,
        observation: &Observation,
        plan: &Plan,
    ) -> (IsolatedNotebookEnvironment, Outcomes) {
        if plan.steps.is_empty() {
            return (object, Outcomes::new());
        }
        let intents = StatusIntents::new(self.writer, object);
        let outcomes = self.context.cloud.apply(scope, observation, plan, &intents).await;
        self.context.memories.with(&scope.owner.uid, |memory| {
            memory.asked.did(plan, &outcomes);
            memory.tries.did(plan, &outcomes);
        });
        if outcomes.values().any(|outcome| *outcome == Outcome::Done) {
            // Something got done, so what comes next is near: waiting starts from the beginning.
            self.context.backoff.restart(&self.object.uid().unwrap_or_default());
        }
        if let Some(turn) = self.context.cloud.turn_in(scope).await {
            self.context.backoff.expect(&self.object.uid().unwrap_or_default(), turn);
        }
        (intents.into_object(), outcomes)
    }

    /// Tell drift from what the manifest's author changed, and corrections that work from those that do not.
    fn sort_out_drift(
        &self,
        object: &IsolatedNotebookEnvironment,
        environment: &Environment,
        observation: &Observation,
        plan: &mut Plan,
    ) {
        let status = object.status.clone().unwrap_or_default();
        let told = drift::told(object.metadata.generation, &status);
        self.context.memories.with(&object.uid().unwrap_or_default(), |memory| {
            memory.asked.sort_out(observation, plan, &environment.rules, &told);
            memory.tries.weigh(plan);
        });
    }

    /// Whose resources, as whom, where: everything that a look at AWS needs.
    async fn scope(&self, object: &IsolatedNotebookEnvironment) -> Result<Scope, Problem> {
        let namespace = object.namespace().unwrap_or_default();
        let identity = identity::find(&self.context.client, &object.spec.identity_ref.name, &namespace).await?;
        scope_of(object, &self.context.cluster, &identity, self.freshness(object))
    }

    fn freshness(&self, object: &IsolatedNotebookEnvironment) -> Freshness {
        let status = object.status.clone().unwrap_or_default();
        let asked = asked_at(object);
        let changed = status.observed_generation != object.metadata.generation;
        if changed || asked.is_some() && asked != status.last_handled_reconcile_at {
            self.context.backoff.restart(&object.uid().unwrap_or_default());
            return Freshness::Now;
        }
        let reconciling =
            status.conditions.iter().any(|condition| condition.type_ == "Reconciling" && condition.status == "True");
        if reconciling || object.meta().deletion_timestamp.is_some() { Freshness::Poll } else { Freshness::Check }
    }

    fn what_remains(&self, problem: Problem) -> Problem {
        let ids: Vec<String> =
            remembered(self.object).into_iter().map(|(address, id)| format!("{address} ({id})")).collect();
        if ids.is_empty() {
            return problem;
        }
        let message = format!(
            "{}; still in AWS: {}. Repair the identity, or set `spec.deletionPolicy: Retain` once it works, to keep them",
            problem.message,
            ids.join(", ")
        );
        Problem { message, ..problem }
    }

    async fn with_finalizer(&self) -> Result<IsolatedNotebookEnvironment, Error> {
        if self.object.finalizers().iter().any(|name| name == FINALIZER) {
            return Ok(self.object.clone());
        }
        Ok(self.writer.add_finalizer(self.object, FINALIZER).await?)
    }

    /// AWS confirmed that nothing is left.
    async fn let_go(&self) -> Result<Next, Error> {
        let gone = Notice {
            warning: false,
            reason: "Gone".into(),
            action: "Finish".into(),
            note: "nothing of this environment is left for the controller to do in AWS".into(),
        };
        self.context.events.publish(self.object, vec![gone]).await;
        self.writer.remove_finalizer(self.object, FINALIZER).await?;
        self.context.forget(self.object);
        Ok(Next::Gone)
    }

    async fn tell(&self, object: &IsolatedNotebookEnvironment, report: &Report) -> Result<Next, Error> {
        let status = self.writer.tell_blocked(object, report).await?;
        self.announce(object, &status, report, None).await;
        Ok(report.next)
    }

    async fn tell_all(
        &self,
        object: &IsolatedNotebookEnvironment,
        environment: Option<&Environment>,
        observation: &Observation,
        report: &Report,
    ) -> Result<Next, Error> {
        let status = self.writer.tell(object, environment, observation, report).await?;
        self.announce(object, &status, report, Some(now())).await;
        Ok(report.next)
    }

    /// What the status says, as news and as figures.
    async fn announce(
        &self,
        object: &IsolatedNotebookEnvironment,
        status: &EnvironmentStatus,
        report: &Report,
        verified: Option<i64>,
    ) {
        let before = object.status.clone().unwrap_or_default();
        let uid = object.uid().unwrap_or_default();
        let news = self.context.memories.with(&uid, |memory| {
            memory.last_verified = verified.or(memory.last_verified);
            let figures = figures(status, report, memory.last_verified);
            self.context.metrics.tell(&object.namespace().unwrap_or_default(), &object.name_any(), figures);
            notices(&before, status, report, memory)
        });
        for problem in &report.problems {
            self.context.metrics.problem(problem.class.name());
        }
        self.context.events.publish(object, news).await;
    }
}

/// How an environment is, as the metrics show it.
fn figures(status: &EnvironmentStatus, report: &Report, last_verified: Option<i64>) -> metrics::Environment {
    let items = status.drift.as_ref().map(|drift| drift.items.as_slice()).unwrap_or_default();
    let mut drift: BTreeMap<&str, usize> = [("High", 0), ("Medium", 0), ("Low", 0)].into();
    for item in items.iter().filter(|item| !is_corrected(item)) {
        let severity = match item.severity {
            DriftSeverity::High => "High",
            DriftSeverity::Medium => "Medium",
            DriftSeverity::Low => "Low",
        };
        *drift.entry(severity).or_default() += 1;
    }
    let conditions = status.conditions.iter();
    metrics::Environment {
        conditions: conditions.map(|condition| (condition.type_.clone(), condition.status.clone())).collect(),
        drift,
        last_verified: last_verified.or_else(|| status.last_verified_time.as_ref().map(|time| time.0.as_second())),
        held: report.next_steps.len(),
        queued: report.queued,
    }
}

/// Measures one visit.
struct Timer<'a> {
    metrics: &'a Metrics,
    begun: Instant,
}

impl<'a> Timer<'a> {
    fn begin(metrics: &'a Metrics) -> Self {
        metrics.begin();
        Self { metrics, begun: Instant::now() }
    }

    fn end(self, told: &Result<Next, Error>) {
        let outcome = match told {
            Ok(Next::Check) => "Settled",
            Ok(Next::Poll) => "Moving",
            Ok(Next::Retry(_)) => "Retrying",
            Ok(Next::Gone) => "Gone",
            Err(_) => "Error",
        };
        self.metrics.end(outcome, self.begun.elapsed());
    }
}

#[expect(clippy::disallowed_methods, reason = "where the clock comes in: freshness is told in wall time")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
