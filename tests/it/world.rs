//! A world of one test: a simulated AWS in process, the real engine with real SDK clients, and virtual time. No Kubernetes: what a visit
//! of the controller does is done here in the same order, and the memory that the status is in production is a field.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use cloister::{
    aws::{
        account::Connection,
        engine::{Engine, Now},
    },
    kubernetes::{
        admit::admit,
        api::{AWSIdentity, IsolatedNotebookEnvironment, environment::Subnet},
        identity,
    },
    model::{
        address::Address,
        asked::{Asked, Told},
        environment::Environment,
        owner::Owner,
        plan::{Plan, plan, plan_deletion},
        port::{Cloud, Freshness, Intent, IntentLog, Observation, Problem, Scope},
        report::{Next, Report, conditions, report, report_deletion},
        tries::Tries,
    },
    resources,
    sandbox::{Settings, Simulator, clock::TokioClock, in_process::InProcess, log::Entry, world::Delays},
};
use tokio::time::Instant;

/// The start of virtual time.
const EPOCH: Duration = Duration::from_secs(1_795_000_000);
/// The account of all examples.
pub const ACCOUNT: &str = "111122223333";

/// A simulated AWS and an engine on top of it.
pub struct World {
    /// AWS.
    pub simulator: Arc<Simulator>,
    /// The controller's half that knows AWS.
    pub engine: Engine,
    begun: Instant,
}

/// An environment in a world, with what its status would remember.
pub struct Tenant {
    /// The manifest.
    pub object: IsolatedNotebookEnvironment,
    /// Its identity.
    pub identity: AWSIdentity,
    /// Ids by address.
    pub remembered: BTreeMap<Address, String>,
    /// Those of them that were declared as existing.
    pub declared: BTreeSet<Address>,
    intents: Mutex<Vec<Intent>>,
    freshness: Freshness,
    asked: Asked,
    tries: Tries,
    told: Told,
}

/// What one visit saw and did.
pub struct Visit {
    /// What was seen.
    pub observation: Observation,
    /// What was planned.
    pub plan: Plan,
    /// What would be told.
    pub report: Report,
}

impl World {
    /// An empty AWS with these waiting times.
    pub fn new(delays: Delays) -> Self {
        Self::with(Settings { delays, ..Settings::default() })
    }

    /// An empty AWS with these settings.
    pub fn with(settings: Settings) -> Self {
        let begun = Instant::now();
        let simulator = Simulator::new(settings, Arc::new(TokioClock::starting_at(EPOCH)));
        let engine = engine(InProcess::shared(Arc::clone(&simulator)), begun);
        Self { simulator, engine, begun }
    }

    /// The controller restarts: everything that was only in memory is lost.
    pub fn restart(&mut self) {
        self.through(InProcess::shared(Arc::clone(&self.simulator)));
    }

    /// The controller restarts, and reaches AWS through another network.
    pub fn through(&mut self, network: SharedHttpClient) {
        self.engine = engine(network, self.begun);
    }

    /// The controller restarts where it finds no credentials of its own.
    pub fn without_credentials(&mut self) {
        let network = InProcess::shared(Arc::clone(&self.simulator));
        let connection = Connection { http_client: Some(network), ..Connection::default() };
        self.engine = Engine::new(connection, resources::providers(), clock(self.begun));
    }

    /// The calls since the log was last cleared.
    pub fn calls(&self) -> Vec<Entry> {
        self.simulator.log()
    }

    /// The operations that wrote, since the log was last cleared.
    pub fn writes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|entry| entry.write).map(|entry| entry.operation).collect()
    }

    /// One visit to an environment that is wanted.
    pub async fn visit(&self, tenant: &mut Tenant) -> Visit {
        let environment = Arc::new(tenant.environment());
        let scope = tenant.scope(Arc::clone(&environment));
        let observation = self.engine.observe(&scope).await.expect("AWS can be looked at");
        tenant.settle(&observation);
        let mut plan = plan(&environment, &observation, &scope.ours());
        tenant.asked.sort_out(&observation, &mut plan, &environment.rules, &tenant.told);
        tenant.tries.weigh(&mut plan);
        let outcomes = self.engine.apply(&scope, &observation, &plan, tenant).await;
        tenant.asked.did(&plan, &outcomes);
        tenant.tries.did(&plan, &outcomes);
        let report = report(&environment, &observation, &plan, &outcomes);
        self.engine.wait_for(&scope.owner, report.waiting_for.clone());
        tenant.declared.retain(|address| !report.ids.contains_key(address));
        tenant.declared.extend(report.declared.clone());
        tenant.remembered.extend(report.ids.clone());
        let reconciling = report.fact(conditions::RECONCILING).is_some_and(|fact| fact.truth.as_str() == "True");
        tenant.freshness = if reconciling { Freshness::Poll } else { Freshness::Check };
        Visit { observation, plan, report }
    }

    /// Visits until there is nothing left to wait for, and the last one.
    ///
    /// # Panics
    /// When that takes more virtual time than anybody would wait.
    pub async fn settle(&self, tenant: &mut Tenant) -> Visit {
        for _ in 0..400 {
            let visit = self.visit(tenant).await;
            match visit.report.next {
                Next::Poll => tokio::time::sleep(Duration::from_secs(3)).await,
                Next::Check | Next::Gone => return visit,
                Next::Retry(class) if class.needs_person() => return visit,
                Next::Retry(_) => tokio::time::sleep(Duration::from_secs(5)).await,
            }
        }
        panic!("the environment does not settle: {:#?}", self.visit(tenant).await.report.facts);
    }

    /// The next periodic check.
    pub async fn check(&self, tenant: &mut Tenant) -> Visit {
        tokio::time::sleep(Duration::from_mins(5)).await;
        self.visit(tenant).await
    }

    /// One visit to an environment that is being deleted.
    pub async fn visit_deletion(&self, tenant: &mut Tenant) -> Report {
        let environment = Arc::new(tenant.environment());
        let retain = environment.rules.retain;
        let scope = Scope { freshness: Freshness::Poll, ..tenant.scope(environment) };
        self.delete_some(tenant, &scope, retain).await
    }

    async fn delete_some(&self, tenant: &Tenant, scope: &Scope, retain: bool) -> Report {
        let observation = self.engine.observe(scope).await.expect("AWS can be looked at");
        let plan = plan_deletion(&observation, retain);
        let outcomes = self.engine.apply(scope, &observation, &plan, tenant).await;
        let report = report_deletion(&observation, &plan, &outcomes);
        self.engine.wait_for(&scope.owner, report.waiting_for.clone());
        report
    }

    /// Delete the environment, visit by visit, until its finalizer would go.
    ///
    /// # Panics
    /// When that takes more virtual time than anybody would wait.
    pub async fn delete(&self, tenant: &mut Tenant) -> Report {
        self.delete_seeing(tenant, |_| ()).await
    }

    /// The same, with everything that is told on the way.
    ///
    /// # Panics
    /// When that takes more virtual time than anybody would wait.
    pub async fn delete_seeing(&self, tenant: &mut Tenant, mut see: impl FnMut(&Report)) -> Report {
        for _ in 0..600 {
            let report = Box::pin(self.visit_deletion(tenant)).await;
            see(&report);
            match report.next {
                Next::Gone => return report,
                Next::Retry(class) if class.needs_person() => return report,
                Next::Poll | Next::Check | Next::Retry(_) => tokio::time::sleep(Duration::from_secs(3)).await,
            }
        }
        panic!("the deletion does not end");
    }

    /// Delete the environment as when its manifest means nothing any more.
    ///
    /// # Panics
    /// When that takes more virtual time than anybody would wait.
    pub async fn delete_without_manifest(&self, tenant: &Tenant) {
        for _ in 0..600 {
            let scope = tenant.scope_without_manifest(Freshness::Poll);
            if self.delete_some(tenant, &scope, false).await.next == Next::Gone {
                return;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        panic!("the deletion does not end");
    }
}

fn engine(network: SharedHttpClient, begun: Instant) -> Engine {
    let connection =
        Connection { http_client: Some(network), access_key_id: Some(ACCOUNT.to_owned()), ..Connection::default() };
    Engine::new(connection, resources::providers(), clock(begun))
}

fn clock(begun: Instant) -> Now {
    Arc::new(move || (EPOCH + begun.elapsed()).as_secs().cast_signed())
}

impl Tenant {
    /// The environment of an example file, changed as the test needs it.
    pub fn of(example: &str, change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> Self {
        let mut object: IsolatedNotebookEnvironment = read(example);
        object.metadata.uid = Some(format!("uid-of-{}", object.metadata.name.clone().unwrap_or_default()));
        change(&mut object);
        Self {
            object,
            identity: read("identity.yaml"),
            remembered: BTreeMap::new(),
            declared: BTreeSet::new(),
            intents: Mutex::default(),
            freshness: Freshness::Now,
            asked: Asked::default(),
            tries: Tries::default(),
            told: Told::default(),
        }
    }

    /// The manifest was edited: the next visit looks at everything anew.
    pub fn edit(&mut self, change: impl FnOnce(&mut IsolatedNotebookEnvironment)) {
        change(&mut self.object);
        self.freshness = Freshness::Now;
    }

    /// A person approves of the steps that have this digest.
    pub fn approve(&mut self, digest: &str) {
        let approval = [("cloister.dev/approve".to_owned(), digest.to_owned())];
        self.edit(|object| object.metadata.annotations = Some(approval.into()));
    }

    /// The controller restarts: of what was told only the status remembers something.
    pub fn forget_what_was_asked(&mut self, told: Told) {
        (self.asked, self.told) = (Asked::default(), told);
    }

    /// The validated environment.
    pub fn environment(&self) -> Environment {
        admit(&self.object, self.owner(), &self.identity).expect("a valid manifest")
    }

    /// Whose resources.
    pub fn owner(&self) -> Owner {
        Owner {
            cluster: "cluster-1".into(),
            namespace: self.object.metadata.namespace.clone().unwrap_or_default(),
            name: self.object.metadata.name.clone().unwrap_or_default(),
            uid: self.object.metadata.uid.clone().unwrap_or_default(),
        }
    }

    /// What a look needs.
    pub fn scope(&self, environment: Arc<Environment>) -> Scope {
        Scope {
            environment: Some(environment),
            remembered: self.remembered.clone(),
            declared: self.declared.clone(),
            intents: self.intents.lock().expect("no test panics while it holds this").clone(),
            ..self.scope_without_manifest(self.freshness)
        }
    }

    /// What a look needs that has neither the manifest nor a memory.
    pub fn scope_without_manifest(&self, freshness: Freshness) -> Scope {
        Scope {
            owner: self.owner(),
            identity: identity::to_model(&self.identity),
            region: self.object.spec.region.clone(),
            environment: None,
            remembered: BTreeMap::new(),
            declared: BTreeSet::new(),
            intents: Vec::new(),
            freshness,
        }
    }

    fn settle(&self, observation: &Observation) {
        let mut intents = self.intents.lock().expect("no test panics while it holds this");
        intents.retain(|intent| !observation.settled_intents.contains(&intent.token));
    }
}

#[async_trait]
impl IntentLog for Tenant {
    async fn begin(&self, intent: &Intent) -> Result<(), Problem> {
        self.intents.lock().expect("no test panics while it holds this").push(intent.clone());
        Ok(())
    }
}

/// An example file as an object.
pub fn read<T: serde::de::DeserializeOwned>(example: &str) -> T {
    let path = format!("{}/examples/{example}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the example is there");
    serde_saphyr::from_str(&text).expect("the example is valid")
}

/// Another subnet in another zone; the notebook stays where it is.
pub fn second_subnet(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.subnets.push(Subnet {
        name: "c".into(),
        cidr_block: Some("10.0.2.0/24".into()),
        availability_zone: Some("ap-northeast-1c".into()),
        id: None,
    });
    object.spec.notebooks[0].subnet = Some("a".into());
}

/// Whether a condition is True, and if not, why.
pub fn truth(report: &Report, name: &str) -> Result<(), String> {
    let fact = report.fact(name).ok_or("no such condition")?;
    if fact.truth.as_str() == "True" { Ok(()) } else { Err(format!("{}: {} {}", name, fact.reason, fact.message)) }
}

/// Panics with the reason unless the environment is Ready.
pub fn assert_ready(report: &Report) {
    truth(report, conditions::READY).expect("Ready");
}
