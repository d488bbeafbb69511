//! Carrying out a plan: steps run side by side as soon as what they wait for is done, each through the ownership gate.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};

use super::{Engine, doubt, memory::Marks, observe::is_writable};
use crate::{
    aws::{
        account::Account,
        error::AwsError,
        limits::Asking,
        provider::{Created, Permit, Progress, Provider, Writer},
        region_facts,
    },
    model::{
        address::{Address, Kind},
        diff::TAGS,
        environment::Environment,
        leaving::until_gone,
        owner::{OWN_TAG_KEYS, Ownership},
        plan::{Plan, Step, Verb},
        port::{ErrorClass, Intent, IntentLog, Observation, Outcome, Outcomes, Problem, Scope},
        resource::{Outputs, Seen, Sight, Wanted},
        services::RegionFacts,
        value::short_digest,
    },
};

/// How long something in the way may go by itself. AWS gives the names of deleted endpoints free after minutes.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long what was written to IAM may be unknown elsewhere. What is refused for longer is refused for good.
const PROPAGATION: Duration = Duration::from_mins(2);
/// How many calls of one environment are under way at once.
const SIDE_BY_SIDE: usize = 8;

/// What a step's turn came to.
enum Turn {
    Created(Created),
    Updated(Progress),
    Deleted(Progress),
    Released,
}

/// A step, or several deletions that AWS takes in one call.
struct Turned {
    results: Vec<(Address, Result<Turn, Problem>)>,
}

struct Round<'a> {
    engine: &'a Engine,
    permit: Permit,
    account: &'a Account,
    scope: &'a Scope,
    environment: Option<Arc<Environment>>,
    observation: &'a Observation,
    facts: RegionFacts,
    marks: &'a Marks,
    intents: &'a dyn IntentLog,
}

impl Engine {
    /// Carry out the steps that are ready, and those that become ready by it.
    pub(super) async fn carry_out(
        &self,
        permit: Permit,
        account: &Account,
        scope: &Scope,
        observation: &Observation,
        plan: &Plan,
        intents: &dyn IntentLog,
    ) -> Outcomes {
        let marks = self.marks(&scope.owner);
        let facts = region_facts::facts(account, scope.environment.as_deref()).await;
        let environment = scope.environment.as_ref().map(|environment| until_gone(environment, &observation.sights));
        let round =
            Round { engine: self, permit, account, scope, environment, observation, facts, marks: &marks, intents };
        let mut outputs = observation.outputs.clone();
        let mut outcomes = Outcomes::new();
        let mut pending: BTreeMap<&Address, &Step> = plan.steps.iter().collect();
        let mut running = FuturesUnordered::new();
        loop {
            let ready = take_ready(plan, &mut pending, &outcomes, SIDE_BY_SIDE.saturating_sub(running.len()));
            for group in group_deletions(ready) {
                let wanted = round.resolve(&group, &outputs);
                running.push(round.turn(group, wanted));
            }
            let Some(Turned { results }) = running.next().await else { break };
            for (address, result) in results {
                let outcome = round.settle(&address, result, &mut outputs);
                outcomes.insert(address, outcome);
            }
        }
        for (address, step) in pending {
            let first = step.after.iter().find(|address| !matches!(outcomes.get(*address), Some(Outcome::Done)));
            let first = first.map_or_else(String::new, ToString::to_string);
            outcomes.insert(address.clone(), Outcome::Waiting(format!("waits for {first}")));
        }
        outcomes
    }
}

/// Take out the steps whose predecessors are done. What is not in the plan at all is nothing to wait for when something is deleted; a creation
/// waits for it, as its inputs come from there.
fn take_ready<'a>(
    plan: &Plan,
    pending: &mut BTreeMap<&'a Address, &'a Step>,
    outcomes: &Outcomes,
    room: usize,
) -> Vec<&'a Step> {
    let is_met = |step: &Step, address: &Address| match outcomes.get(address) {
        Some(outcome) => *outcome == Outcome::Done,
        None => step.verb == Verb::Delete && !plan.steps.contains_key(address),
    };
    let is_ready = |step: &Step| step.after.iter().all(|address| is_met(step, address));
    let ready: Vec<&Address> =
        pending.iter().filter(|(_, step)| is_ready(step)).map(|(address, _)| *address).take(room).collect();
    ready.into_iter().filter_map(|address| pending.remove(address)).collect()
}

/// Deletions of endpoints go into one call: AWS takes many ids at once and few calls.
fn group_deletions(steps: Vec<&Step>) -> Vec<Vec<&Step>> {
    let (together, single): (Vec<&Step>, Vec<&Step>) =
        steps.into_iter().partition(|step| step.address.kind == Kind::VpcEndpoint && step.verb == Verb::Delete);
    let mut groups: Vec<Vec<&Step>> = single.into_iter().map(|step| vec![step]).collect();
    if !together.is_empty() {
        groups.push(together);
    }
    groups
}

impl Round<'_> {
    /// What is wanted of these steps' resources, with the inputs that are known by now.
    fn resolve(&self, steps: &[&Step], outputs: &Outputs) -> Vec<Option<Wanted>> {
        let mut kinds: BTreeMap<Kind, Vec<Wanted>> = BTreeMap::new();
        steps
            .iter()
            .map(|step| {
                let environment = self.environment.as_deref()?;
                let kind = step.address.kind;
                let wanted = kinds.entry(kind).or_insert_with(|| {
                    let context = crate::model::resource::Context { outputs, facts: &self.facts };
                    self.engine.provider(kind).map(|provider| provider.desire(environment, context)).unwrap_or_default()
                });
                wanted.iter().find(|wanted| wanted.address == step.address).cloned()
            })
            .collect()
    }

    async fn turn(&self, steps: Vec<&Step>, wanted: Vec<Option<Wanted>>) -> Turned {
        if steps.len() > 1 {
            return Turned { results: self.delete_together(&steps).await };
        }
        let mut results = Vec::new();
        for (step, wanted) in steps.into_iter().zip(wanted) {
            tracing::info!(address = %step.address, verb = %step.verb, id = step.id.as_deref().unwrap_or("-"), "step");
            results.push((step.address.clone(), self.carry_out_one(step, wanted).await));
        }
        Turned { results }
    }

    async fn carry_out_one(&self, step: &Step, wanted: Option<Wanted>) -> Result<Turn, Problem> {
        let provider = self.provider(step)?;
        let problem = |error: AwsError| self.problem(&step.address, &error);
        match step.verb {
            Verb::Create => {
                let wanted = wanted.ok_or_else(|| not_wanted(step))?;
                self.create(provider, &wanted).await.map(Turn::Created)
            }
            Verb::Adopt => {
                let wanted = wanted.filter(is_writable).ok_or_else(|| not_wanted(step))?;
                self.adopt(provider, step, &wanted).await.map(Turn::Updated)
            }
            Verb::Update => {
                let wanted = wanted.filter(is_writable).ok_or_else(|| not_wanted(step))?;
                let seen = self.ours(step, Some(&wanted))?;
                if self.marks.may_be_old_news(&step.address, &step.diffs) {
                    let message = "was corrected a moment ago, and AWS still shows it as it was before";
                    return Err(Problem::new(ErrorClass::Waiting, message).about(&step.address));
                }
                let progress = provider.update(&self.writer(&step.address, None), &wanted, seen, &step.diffs).await;
                if matches!(progress, Ok(Progress::Done)) {
                    self.marks.corrected(&step.address, &step.diffs);
                }
                progress.map(Turn::Updated).map_err(problem)
            }
            Verb::Delete => {
                let seen = self.ours(step, None)?;
                provider.delete(&self.writer(&step.address, None), seen).await.map(Turn::Deleted).map_err(problem)
            }
            Verb::Release => {
                let seen = self.ours(step, None)?;
                let keys: Vec<String> = OWN_TAG_KEYS
                    .iter()
                    .filter(|key| seen.tags.contains_key(**key))
                    .map(|key| (*key).to_owned())
                    .collect();
                provider.untag(&self.writer(&step.address, None), seen, &keys).await.map_err(problem)?;
                Ok(Turn::Released)
            }
        }
    }

    async fn delete_together(&self, steps: &[&Step]) -> Vec<(Address, Result<Turn, Problem>)> {
        let mut results = Vec::new();
        let mut batch = Vec::new();
        for step in steps {
            match self.ours(step, None) {
                Ok(seen) => batch.push(seen),
                Err(problem) => results.push((step.address.clone(), Err(problem))),
            }
        }
        if let (Some(first), Ok(provider)) = (steps.first(), self.provider(steps[0])) {
            let deleted = provider.delete_all(&self.writer(&first.address, None), &batch).await;
            for (seen, result) in batch.iter().zip(deleted) {
                let result = result.map(Turn::Deleted).map_err(|error| self.problem(&seen.address, &error));
                results.push((seen.address.clone(), result));
            }
        }
        results
    }

    /// Put the owner tags on it, and nothing else: what else deviates is corrected once it is seen to be ours.
    async fn adopt(&self, provider: &dyn Provider, step: &Step, wanted: &Wanted) -> Result<Progress, Problem> {
        let seen = self.ours(step, Some(wanted))?;
        let writer = self.writer(&step.address, None);
        let problem = |error: AwsError| error.problem().about(&step.address);
        let tags = provider.tags_now(&writer, seen).await.map_err(problem)?;
        if let Some(tags) = tags.filter(|tags| self.scope.owner.recognise(tags) != seen.ownership) {
            let whose = self.scope.owner.recognise(&tags);
            let message =
                format!("{} is not whose it was a moment ago ({whose:?}); nothing was written to it", seen.id);
            return Err(Problem::new(ErrorClass::Waiting, message).about(&step.address));
        }
        let tags: Vec<_> = step.diffs.iter().filter(|diff| diff.field == TAGS).cloned().collect();
        provider.update(&writer, wanted, seen, &tags).await.map_err(problem)
    }

    async fn create(&self, provider: &dyn Provider, wanted: &Wanted) -> Result<Created, Problem> {
        let address = &wanted.address;
        if let Some(missing) = wanted.unresolved() {
            let message = format!("waits for {missing}");
            return Err(Problem::new(ErrorClass::Waiting, message).about(address));
        }
        if let Some(id) = self.scope.remembered.get(address).filter(|id| !doubt::is_certain(self.marks, address, id)) {
            let message = format!("AWS says that {id} is gone; it is made again once AWS stays with that");
            return Err(Problem::new(ErrorClass::Waiting, message).about(address));
        }
        let mut intent = None;
        if provider.needs_intent() {
            // A token that never repeats: the clock, and a counter for creations within one second.
            static COUNTER: AtomicU64 = AtomicU64::new(0);
            let now = (self.engine.now)();
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let token =
                short_digest(&format!("{}/{address}/{now}/{count}/{}", self.scope.owner.uid, std::process::id()));
            let entry = Intent { address: address.clone(), token: token.clone(), begun_at: now };
            self.intents.begin(&entry).await?;
            intent = Some(token);
        }
        let mut writer = self.writer(address, intent);
        writer.attempt = self.attempt(address);
        provider.create(&writer, wanted).await.map_err(|error| {
            let problem = self.problem(address, &error);
            // The next look may show whose it is: for a while nothing is known that would need a person.
            let may_be_ours = error.class == ErrorClass::Exists && self.marks.refused_for(address) < PATIENCE;
            if may_be_ours { Problem { class: ErrorClass::Waiting, ..problem } } else { problem }
        })
    }

    /// The attempt number for client tokens: another one once the earlier resource was seen gone.
    fn attempt(&self, address: &Address) -> u32 {
        let earlier = self.scope.remembered.get(address).map_or(0, |id| {
            let digest = short_digest(id);
            u32::from_str_radix(&digest[..6], 16).unwrap_or(1)
        });
        earlier.wrapping_add(self.marks.attempt(address))
    }

    /// The ownership gate: the last check before every write to something that exists.
    fn ours(&self, step: &Step, wanted: Option<&Wanted>) -> Result<&Seen, Problem> {
        let seen = self.observation.sights.get(&step.address).and_then(Sight::seen);
        let seen =
            seen.ok_or_else(|| Problem::new(ErrorClass::Waiting, "is not in sight any more").about(&step.address))?;
        let addition =
            wanted.is_some_and(|wanted| matches!(wanted.management, crate::model::resource::Management::Addition(_)));
        let allowed = match &seen.ownership {
            Ownership::Ours | Ownership::Earlier => true,
            Ownership::Nobody | Ownership::Tool(_) => step.verb == Verb::Adopt || addition,
            Ownership::Other(_) => addition,
        };
        if allowed {
            Ok(seen)
        } else {
            Err(Problem::new(ErrorClass::Exists, format!("{} is not ours; nothing was written to it", seen.id))
                .about(&step.address))
        }
    }

    fn settle(&self, address: &Address, result: Result<Turn, Problem>, outputs: &mut Outputs) -> Outcome {
        match result {
            Ok(Turn::Created(created)) => {
                self.marks.accepted(address);
                self.marks.expect(address, &created.id);
                outputs.set(address.clone(), created.outputs);
                Outcome::Done
            }
            Ok(Turn::Updated(progress)) => {
                self.marks.accepted(address);
                outcome(progress)
            }
            Ok(Turn::Released) => Outcome::Done,
            Ok(Turn::Deleted(progress)) => {
                self.marks.unexpect(address);
                if let Some(seen) = self.observation.sights.get(address).and_then(Sight::seen) {
                    self.marks.deleted(address.kind, &seen.id);
                }
                outcome(progress)
            }
            Err(problem) if matches!(problem.class, ErrorClass::Waiting | ErrorClass::Throttled) => {
                Outcome::Waiting(problem.message)
            }
            Err(problem) => {
                tracing::warn!(%address, class = ?problem.class, message = %problem.message, "step did not work");
                Outcome::Failed(problem)
            }
        }
    }

    fn provider(&self, step: &Step) -> Result<&dyn Provider, Problem> {
        let missing = || Problem::new(ErrorClass::Invalid, format!("no provider for {}", step.address.kind));
        self.engine.provider(step.address.kind).ok_or_else(missing)
    }

    fn writer(&self, address: &Address, intent: Option<String>) -> Writer<'_> {
        Writer {
            account: self.account,
            _permit: self.permit,
            marks: self.marks,
            asking: Asking {
                owner: self.scope.owner.clone(),
                address: address.clone(),
                urgent: self.marks.user_waits(),
            },
            attempt: 0,
            intent,
            sent: AtomicBool::new(false),
        }
    }

    /// What the status says about an error. AWS's own word that there are too many calls counts for everybody; what may pass by itself needs a
    /// person only once it did not.
    fn problem(&self, address: &Address, error: &AwsError) -> Problem {
        if error.class == ErrorClass::Throttled && error.code.is_some() {
            self.account.limits.is_empty(error.operation);
        }
        let problem = error.problem().about(address);
        if error.is_taken_name() {
            if self.marks.refused_for(address) < PATIENCE {
                return Problem { class: ErrorClass::Waiting, ..problem };
            }
            let message = format!(
                "{}; an endpoint of somebody or a private hosted zone of the VPC has this name: remove it, or set privateDNS: false",
                problem.message
            );
            return Problem::new(ErrorClass::Exists, message).because("PrivateDNSConflict").about(address);
        }
        if error.may_be_propagation() && self.marks.refused_for(address) >= PROPAGATION {
            // Nothing will change until a person does something about the role or the policy.
            return Problem { class: ErrorClass::Invalid, reason: ErrorClass::Invalid.reason().to_owned(), ..problem };
        }
        problem
    }
}

fn outcome(progress: Progress) -> Outcome {
    match progress {
        Progress::Done => Outcome::Done,
        Progress::Started(what) => Outcome::Started(what),
    }
}

fn not_wanted(step: &Step) -> Problem {
    Problem::new(ErrorClass::Waiting, "is not wanted any more").about(&step.address)
}
