//! Observes environments and carries out plans: the implementation of [`Cloud`] for AWS.
//!
//! * [`observe`](observe): every kind in its lane, lanes side by side; looks are shared through the inventory.
//! * [`doubt`](doubt): what the status knows and a list lacks is asked for by its id before anything follows from that.
//! * [`apply`](apply): every step as soon as what it waits for is done, side by side, through the one ownership gate.
//! * [`memory`]: what saves calls and time and may be lost.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;

use self::memory::Marks;
use super::{
    account::{Account, Accounts, Connection},
    provider::{Permit, Provider},
};
use crate::model::{
    address::Kind,
    environment::Environment,
    owner::Owner,
    plan::Plan,
    port::{Cloud, Freshness, IntentLog, Observation, Outcomes, Problem, Scope},
    resource::{Context, Outputs, Wanted},
    services::RegionFacts,
};

mod apply;
mod doubt;
pub mod memory;
mod observe;

/// Seconds since the epoch; handed in, so that tests have their own time.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// AWS, as the controller uses it.
pub struct Engine {
    accounts: Accounts,
    providers: Vec<Arc<dyn Provider>>,
    now: Now,
    marks: Mutex<HashMap<Owner, Arc<Marks>>>,
}

impl Engine {
    /// An engine for these kinds, which reaches AWS by this connection.
    #[must_use]
    pub fn new(connection: Connection, providers: Vec<Arc<dyn Provider>>, now: Now) -> Self {
        Self { accounts: Accounts::new(connection), providers, now, marks: Mutex::default() }
    }

    fn marks(&self, owner: &Owner) -> Arc<Marks> {
        let mut marks = self.marks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(marks.entry(owner.clone()).or_default())
    }

    async fn open(&self, scope: &Scope) -> Result<Arc<Account>, Problem> {
        self.accounts.open(&scope.identity, &scope.region).await
    }

    /// Everything the environment wants, with the inputs that `outputs` can fill in.
    fn desire(&self, environment: &Environment, outputs: &Outputs, facts: &RegionFacts) -> Vec<Wanted> {
        let context = Context { outputs, facts };
        self.providers.iter().flat_map(|provider| provider.desire(environment, context)).collect()
    }

    fn provider(&self, kind: Kind) -> Option<&dyn Provider> {
        self.providers.iter().map(AsRef::as_ref).find(|provider| provider.kind() == kind)
    }
}

/// How old a look may be, for each freshness. A check accepts the looks of its own round, which other environments may have begun.
fn max_age(scope: &Scope) -> Duration {
    let interval =
        scope.environment.as_ref().map_or(Duration::from_mins(5), |environment| environment.rules.drift_check_interval);
    match scope.freshness {
        Freshness::Now => Duration::ZERO,
        Freshness::Check => interval / 10,
        Freshness::Poll => interval,
    }
}

#[async_trait]
impl Cloud for Engine {
    async fn observe(&self, scope: &Scope) -> Result<Observation, Problem> {
        let account = self.open(scope).await?;
        Ok(self.look_around(&account, scope).await)
    }

    async fn apply(&self, scope: &Scope, observation: &Observation, plan: &Plan, intents: &dyn IntentLog) -> Outcomes {
        let permitted = match Permit::of(scope) {
            Ok(permit) => self.open(scope).await.map(|account| (permit, account)),
            Err(problem) => Err(problem),
        };
        match permitted {
            Ok((permit, account)) => self.carry_out(permit, &account, scope, observation, plan, intents).await,
            Err(problem) => plan
                .steps
                .keys()
                .map(|address| (address.clone(), crate::model::port::Outcome::Failed(problem.clone())))
                .collect(),
        }
    }

    fn wait_for(&self, owner: &Owner, kinds: BTreeSet<Kind>) {
        self.marks(owner).wait_for(kinds);
    }

    async fn turn_in(&self, scope: &Scope) -> Option<Duration> {
        self.open(scope).await.ok()?.limits.turn_in(&scope.owner)
    }

    fn forget(&self, owner: &Owner) {
        self.marks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(owner);
    }
}
