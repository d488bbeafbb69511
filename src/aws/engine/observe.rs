//! Looking at an environment: four lanes of kinds, side by side; within a lane what others take inputs from comes first.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    Engine, doubt, max_age,
    memory::{Marks, UNSEEN},
};
use crate::{
    aws::{
        account::Account,
        locate::{UNDECIDED, sights},
        provider::{Provider, Reader},
        region_facts, surroundings,
    },
    model::{
        address::{Address, Kind},
        adoption::Adoption,
        leaving::until_gone,
        port::{Freshness, Observation, Problem, Scope},
        resource::{Context, Management, Outputs, Sight, Wanted},
        services::RegionFacts,
        surroundings::Surroundings,
    },
};

/// The kinds that are looked at one after the other; different lanes have nothing to say to each other while looking.
const LANES: [&[Kind]; 4] = [
    &[Kind::Vpc, Kind::Subnet, Kind::RouteTable, Kind::SecurityGroup, Kind::SecurityGroupRules, Kind::VpcEndpoint],
    &[Kind::Domain, Kind::Repository],
    &[Kind::Role, Kind::Policy],
    &[Kind::LifecycleConfiguration, Kind::NotebookInstance],
];

/// How long something may be invisible of which nobody knows whether it was made.
const UNANSWERED: Duration = Duration::from_secs(90);

struct Lane {
    sights: BTreeMap<Address, Sight>,
    outputs: Outputs,
}

impl Engine {
    /// Look at everything that the owner has or wants. What cannot be looked at is [`Sight::Unknown`], nothing more.
    pub(super) async fn look_around(&self, account: &Account, scope: &Scope) -> Observation {
        let begun = Instant::now();
        let marks = self.marks(&scope.owner);
        marks.looks(scope.freshness);
        let facts = region_facts::facts(account, scope.environment.as_deref()).await;
        let lanes = LANES.map(|kinds| self.look_at_lane(account, scope, &marks, &facts, kinds));
        let mut observation = Observation::default();
        for lane in futures::future::join_all(lanes).await {
            for (address, sight) in lane.sights {
                if let Some(seen) = sight.seen() {
                    observation.outputs.set(address.clone(), seen.outputs.clone());
                }
                observation.sights.insert(address, sight);
            }
        }
        if let Some(environment) = &scope.environment {
            let environment = until_gone(environment, &observation.sights);
            observation.wanted = self.desire(&environment, &observation.outputs, &facts);
            observation.surroundings = self.survey(account, scope, &marks, facts, &observation, begun).await;
        }
        self.weigh_intents(scope, &mut observation);
        observation
    }

    async fn look_at_lane(
        &self,
        account: &Account,
        scope: &Scope,
        marks: &Marks,
        facts: &RegionFacts,
        kinds: &[Kind],
    ) -> Lane {
        let mut lane = Lane { sights: BTreeMap::new(), outputs: Outputs::default() };
        for provider in kinds.iter().filter_map(|kind| self.provider(*kind)) {
            let context = Context { outputs: &lane.outputs, facts };
            let wanted =
                scope.environment.as_ref().map(|environment| provider.desire(environment, context)).unwrap_or_default();
            let mut found = if container_is_missing(provider.kind(), &lane.sights) {
                let absent = wanted.iter().map(|wanted| (wanted.address.clone(), Sight::Absent));
                absent.inspect(|(address, _)| marks.sighted(address, true)).collect()
            } else if let Some(problem) = container_is_undecided(provider.kind(), &lane.sights) {
                unknown(scope, provider.kind(), &wanted, &problem)
            } else {
                look_at_kind(account, scope, marks, provider, &wanted).await
            };
            doubt::follow_the_group(&lane.sights, &mut found);
            for (address, sight) in found {
                if let Some(seen) = sight.seen() {
                    lane.outputs.set(address.clone(), seen.outputs.clone());
                }
                lane.sights.insert(address, sight);
            }
        }
        lane
    }

    /// Look at what stands around the environment in its VPC, with looks as old as those of this visit, which `begun` a moment ago.
    async fn survey(
        &self,
        account: &Account,
        scope: &Scope,
        marks: &Marks,
        facts: RegionFacts,
        observation: &Observation,
        begun: Instant,
    ) -> Option<Surroundings> {
        let vpc = observation.vpc_id()?.to_owned();
        let mut around = Surroundings { vpc, facts, ..Surroundings::default() };
        let age = max_age(scope);
        // The kinds have looked a moment ago, in this very visit: no need to look again.
        let max_age = age + begun.elapsed() + Duration::from_secs(5);
        for provider in &self.providers {
            let reader = reader(account, scope, marks, provider.kind(), max_age);
            provider.survey(&reader, &mut around).await;
        }
        // In a VPC that was made a moment ago nothing of others is looked for until the first check.
        let written = marks.last_write(Kind::Vpc).is_some_and(|written| written.elapsed() < age);
        let young = written && scope.freshness == Freshness::Poll;
        let not_before = begun.checked_sub(age).unwrap_or(begun);
        surroundings::survey(account, &mut around, young, not_before).await;
        Some(around)
    }

    /// An intent is over when its resource is seen, or when looks have been negative past the settling time. Until then nothing may be created
    /// again.
    fn weigh_intents(&self, scope: &Scope, observation: &mut Observation) {
        for intent in &scope.intents {
            let there = observation.sights.get(&intent.address).is_some_and(|sight| sight.seen().is_some());
            let age = (self.now)() - intent.begun_at;
            // Of what AWS has named it is known that it was made.
            let answered = scope.remembered.contains_key(&intent.address);
            let patience = if answered { UNSEEN } else { UNANSWERED };
            if there || age > patience.as_secs().cast_signed() {
                observation.settled_intents.insert(intent.token.clone());
            } else if let Some(sight @ Sight::Absent) = observation.sights.get_mut(&intent.address) {
                *sight = Sight::Unsettled { id: format!("the {} of an earlier try", intent.address.kind) };
            }
        }
    }
}

/// What is inside one of several VPCs is as undecided as these are.
fn container_is_undecided(kind: Kind, sights: &BTreeMap<Address, Sight>) -> Option<Problem> {
    let inside = container_of(kind) == Some(Kind::Vpc);
    let mut vpcs = sights.iter().filter(|(address, _)| inside && address.kind == Kind::Vpc);
    vpcs.find_map(|(_, sight)| match sight {
        Sight::Unknown(problem) if problem.reason == UNDECIDED => {
            let message = "which VPC it is in is not decided: see VPC/main";
            Some(Problem::new(problem.class, message).because(UNDECIDED))
        }
        _ => None,
    })
}

/// What is inside something that is wanted and certainly not there is not there either: no need to look.
fn container_is_missing(kind: Kind, sights: &BTreeMap<Address, Sight>) -> bool {
    let Some(container) = container_of(kind) else { return false };
    let mut containers = sights.iter().filter(|(address, _)| address.kind == container).peekable();
    containers.peek().is_some() && containers.all(|(_, sight)| matches!(sight, Sight::Absent))
}

/// The kind of what it is in.
const fn container_of(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::SecurityGroupRules | Kind::VpcEndpoint => {
            Some(Kind::Vpc)
        }
        Kind::Repository => Some(Kind::Domain),
        Kind::Vpc
        | Kind::Domain
        | Kind::Role
        | Kind::Policy
        | Kind::LifecycleConfiguration
        | Kind::NotebookInstance => None,
    }
}

fn reader<'a>(account: &'a Account, scope: &'a Scope, marks: &'a Marks, kind: Kind, max_age: Duration) -> Reader<'a> {
    Reader {
        account,
        owner: &scope.owner,
        environment: scope.environment.as_deref(),
        remembered: &scope.remembered,
        marks,
        kind,
        max_age,
    }
}

async fn look_at_kind(
    account: &Account,
    scope: &Scope,
    marks: &Marks,
    provider: &dyn Provider,
    wanted: &[Wanted],
) -> BTreeMap<Address, Sight> {
    let kind = provider.kind();
    let reader = reader(account, scope, marks, kind, age_for(scope, marks, kind));
    match provider.list(&reader, wanted).await {
        Ok(items) => {
            let nothing = Adoption::default();
            let adopt = scope.environment.as_ref().map_or(&nothing, |environment| &environment.rules.adopt);
            let mut sights = sights(provider, &scope.owner, wanted, &items, &marks.recent(), &scope.ours(), adopt);
            doubt::ask_by_id(&reader, wanted, &items, &mut sights).await;
            for (address, sight) in &sights {
                match sight {
                    Sight::Present(seen) => marks.seen(address, &seen.id),
                    Sight::Absent => marks.sighted(address, true),
                    Sight::Unsettled { .. } | Sight::Unlisted { .. } | Sight::Unknown(_) => {}
                }
            }
            sights
        }
        Err(error) => unknown(scope, kind, wanted, &error.problem()),
    }
}

/// Nothing of this kind can be seen: that is said of everything wanted and everything remembered, and nothing is concluded from it.
fn unknown(scope: &Scope, kind: Kind, wanted: &[Wanted], problem: &Problem) -> BTreeMap<Address, Sight> {
    let remembered = scope.remembered.keys().filter(|address| address.kind == kind).cloned();
    let wanted = wanted.iter().map(|wanted| wanted.address.clone());
    let mut addresses: Vec<Address> = remembered.chain(wanted).collect();
    if addresses.is_empty() && scope.environment.is_none() {
        // A deletion must not end while it cannot see whether anything is left.
        addresses.push(Address::new(kind, "unknown"));
    }
    addresses.into_iter().map(|address| (address, Sight::Unknown(problem.clone()))).collect()
}

fn age_for(scope: &Scope, marks: &Marks, kind: Kind) -> Duration {
    let general = max_age(scope);
    match (scope.freshness, marks.poll_age(kind)) {
        (Freshness::Poll, Some(polling)) => polling.min(general),
        _ => general,
    }
}

/// Whether a wanted resource is ours to write to at all.
pub(super) const fn is_writable(wanted: &Wanted) -> bool {
    !matches!(wanted.management, Management::Existing(_))
}
