//! The drift table: everything that somebody can do behind our back to a resource of ours, field by field, and what comes of it.
//!
//! Every row (`table`) is tried by AWS's own API: in Observe it is told and nothing is written, and switching to Enforce carries out what was
//! announced; in Enforce it is told within one drift check interval and corrected by exactly the writes that the row gives, or stays and is told, and
//! then there is silence. The table has to be complete: each field that any wanted resource of any scene has a wish for needs a row that can be done
//! to that very resource, or a reason why nobody can change it. That holds for every kind that is registered, so whoever adds a kind or a field is
//! sent here. The deletion of every resource is in [`gone`].
#![expect(clippy::large_futures, reason = "a test has room for its whole scenario on the stack")]

mod endpoints;
mod gone;
mod network;
mod notebooks;
mod packages;
mod permissions;
mod table;
mod tags;

use std::{collections::BTreeSet, time::Duration};

use cloister::{
    kubernetes::api::environment::{Disruption, Management as Mode, Permission},
    model::{
        address::{Address, Kind},
        diff::{DriftKind, compare},
        plan::{Action, Drift},
        report::conditions,
        resource::Severity,
    },
    resources,
};

use self::table::{Row, Then, Thing, Told, rows, unchangeable};
use crate::{
    laws::{
        Breaches, ours,
        scenes::{Scene, Stage},
    },
    world::{Visit, truth},
};

/// A test for each kind.
macro_rules! on {
    ($($name:ident: $kind:ident,)+) => {
        /// The kinds that have a test.
        const TRIED: &[Kind] = &[$(Kind::$kind),+];
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            try_everything(Kind::$kind).await;
        })+
    };
}

on! {
    drift_of_vpcs: Vpc,
    drift_of_subnets: Subnet,
    drift_of_route_tables: RouteTable,
    drift_of_security_groups: SecurityGroup,
    drift_of_security_group_rules: SecurityGroupRules,
    drift_of_endpoints: VpcEndpoint,
    drift_of_domains: Domain,
    drift_of_repositories: Repository,
    drift_of_roles: Role,
    drift_of_policies: Policy,
    drift_of_lifecycle_configurations: LifecycleConfiguration,
    drift_of_notebooks: NotebookInstance,
}

/// Fields that nothing has a wish for once it is settled, and why.
const WISHED_ON_THE_WAY: [(Kind, &str, &str); 1] = [(
    Kind::SecurityGroupRules,
    "egressToAnywhere",
    "stands for the rules for what goes out as long as these are not known; afterwards `egress` is compared rule by rule",
)];

#[test]
fn every_registered_kind_is_tried() {
    let registered: BTreeSet<Kind> = resources::providers().iter().map(|provider| provider.kind()).collect();
    assert_eq!(registered, TRIED.iter().copied().collect());
}

#[tokio::test(start_paused = true)]
async fn every_field_that_anything_of_ours_has_a_wish_for_is_in_the_table() {
    let mut breaches = Breaches::new();
    let mut used = BTreeSet::new();
    let (mut wished, mut reported) = (BTreeSet::new(), BTreeSet::new());
    for scene in Scene::ALL {
        for thing in things(&scene.made().await.quiet().await) {
            let (address, kind) = (&thing.wanted.address, thing.wanted.address.kind);
            let table = rows(kind);
            used.extend(table.iter().filter(|row| row.applies(&thing)).map(|row| (kind, row.field, row.what)));
            for field in thing.wanted.state.fields() {
                reported.insert((kind, field.name));
                if thing.wish(field.name).is_none() {
                    continue;
                }
                wished.insert((kind, field.name));
                let fixed = unchangeable(kind).iter().any(|(name, _)| *name == field.name);
                let tried = table.iter().any(|row| row.field == field.name && row.applies(&thing));
                match (fixed, tried) {
                    (false, false) => breaches.push(format!("{scene:?}: nothing is done to {address} {}", field.name)),
                    (true, true) => breaches.push(format!("{kind} {}: changed, and said to be fixed", field.name)),
                    _ => {}
                }
            }
            if !thing.wanted.tags.is_empty() && !table.iter().any(|row| row.field == "tags" && row.applies(&thing)) {
                breaches.push(format!("{scene:?}: nothing is done to the tags of {address}"));
            }
        }
    }
    let passing: BTreeSet<_> = WISHED_ON_THE_WAY.iter().map(|(kind, field, _)| (*kind, *field)).collect();
    for (kind, field) in passing.intersection(&wished).chain(passing.difference(&reported)) {
        breaches.push(format!("{kind} {field}: is said to be wished for only on the way"));
    }
    for (kind, field) in reported.difference(&wished).filter(|field| !passing.contains(field)) {
        breaches.push(format!("{kind} {field}: no scene has a wish for it"));
    }
    for kind in Kind::ALL {
        for row in rows(kind) {
            if !used.contains(&(kind, row.field, row.what)) {
                breaches.push(format!("{kind} {}: {} can be done to nothing", row.field, row.what));
            }
        }
        for (field, _) in unchangeable(kind) {
            if !reported.contains(&(kind, *field)) {
                breaches.push(format!("{kind} {field}: is said to be fixed, and does not exist"));
            }
        }
    }
    assert!(breaches.is_empty(), "the table is not complete\n  {}", breaches.join("\n  "));
}

/// What is ours in a scene, to be tampered with.
fn things(visit: &Visit) -> Vec<Thing> {
    let ids = &visit.report.ids;
    ours(visit).into_iter().map(|(wanted, seen)| Thing { wanted, seen, ids: ids.clone() }).collect()
}

fn thing(visit: &Visit, address: &Address) -> Thing {
    things(visit).into_iter().find(|thing| thing.wanted.address == *address).expect("it is ours")
}

/// Every row is tried in the first scene in which there is something to try it on, on the first such resource. That it can be done to all the others
/// is said above.
async fn try_everything(kind: Kind) {
    let mut breaches = Breaches::new();
    let mut left = rows(kind);
    for scene in [Scene::EveryField, Scene::Mixed, Scene::Isolated, Scene::ClosedNetwork] {
        let mut stage = scene.made().await;
        let all = things(&stage.quiet().await);
        for row in std::mem::take(&mut left) {
            let target = all.iter().find(|thing| thing.wanted.address.kind == kind && row.applies(thing));
            let Some(Thing { wanted, .. }) = target else {
                left.push(row);
                continue;
            };
            let found = stage.hold(&row, &wanted.address).await;
            if !found.is_empty() || matches!(row.then, Then::Reported) {
                // What stays as it was made would be in the way of the next.
                stage = scene.made().await;
            }
            let name = format!("{scene:?}, {} {}: {}", wanted.address, row.field, row.what);
            breaches.extend(found.into_iter().map(|breach| format!("{name}: {breach}")));
        }
        if left.is_empty() {
            break;
        }
    }
    breaches.extend(left.iter().map(|row| format!("{}: {} was not tried", row.field, row.what)));
    assert!(breaches.is_empty(), "drift of {kind}\n  {}", breaches.join("\n  "));
}

/// The writes that AWS carried out, in alphabetical order. What it refused for the moment is made again, and counts when it is done.
fn writes(stage: &Stage) -> Vec<String> {
    let calls = stage.world.calls().into_iter().filter(|call| call.write && call.code.is_none());
    let mut writes: Vec<String> = calls.map(|call| call.operation).collect();
    writes.sort();
    writes
}

impl Stage {
    /// A check after everything was made.
    pub async fn quiet(&mut self) -> Visit {
        self.world.check(&mut self.tenant).await
    }

    /// Look without touching, or take care of it.
    pub async fn turn(&mut self, mode: Mode) -> Visit {
        self.tenant.edit(|object| object.spec.management = mode);
        self.world.visit(&mut self.tenant).await
    }

    async fn hold(&mut self, row: &Row, address: &Address) -> Breaches {
        match row.then {
            Then::Corrected(expected) => {
                let mut breaches = self.observe(row, address, Action::Held, expected).await;
                breaches.extend(self.enforce(row, address, expected).await);
                breaches
            }
            Then::Asked(expected) => self.ask(row, address, expected).await,
            Then::Reported => self.only_report(row, address).await,
        }
    }

    /// Somebody does it; gives what has to be told.
    async fn tamper(&mut self, row: &Row, address: &Address) -> Deed {
        let before = self.quiet().await;
        let thing = thing(&before, address);
        let told = (row.hand)(&self.person, &thing).await;
        self.world.simulator.clear_log();
        if row.slow {
            tokio::time::sleep(Duration::from_hours(1)).await;
        }
        let others = before.report.drift.into_iter().filter(|drift| drift.address != *address);
        Deed {
            address: address.clone(),
            id: thing.id().to_owned(),
            told,
            opens: OPENING.contains(&row.field),
            others: others.map(|drift| (drift.address, drift.path)).collect(),
        }
    }

    /// In Observe it is told and announced, nothing is written, and switching to Enforce carries it out.
    async fn observe(&mut self, row: &Row, address: &Address, action: Action, expected: &[&str]) -> Breaches {
        self.turn(Mode::Observe).await;
        let deed = self.tamper(row, address).await;
        let mut breaches = Breaches::new();
        for round in ["first", "second"] {
            let visit = self.quiet().await;
            let tells = |wrong: String| format!("Observe, {round} look: {wrong}");
            breaches.extend(tells_all(&visit, &deed, action).into_iter().map(tells));
            if !visit.report.next_steps.iter().any(|step| step.contains(&address.to_string())) {
                breaches.push(tells(format!("it is not among the next steps {:?}", visit.report.next_steps)));
            }
            if !self.world.writes().is_empty() {
                breaches.push(tells(format!("{:?} were written", self.world.writes())));
            }
        }
        self.turn(Mode::Enforce).await;
        self.world.settle(&mut self.tenant).await;
        breaches.extend(self.wrote(expected, "switched to Enforce").await);
        breaches
    }

    /// In Enforce it is told and corrected at the next check.
    async fn enforce(&mut self, row: &Row, address: &Address, expected: &[&str]) -> Breaches {
        let deed = self.tamper(row, address).await;
        let visit = self.quiet().await;
        let mut breaches = tells_all(&visit, &deed, Action::Correct);
        self.world.settle(&mut self.tenant).await;
        breaches.extend(self.wrote(expected, "Enforce").await);
        breaches
    }

    /// It waits for a person, who allows it in the end.
    async fn ask(&mut self, row: &Row, address: &Address, expected: &[&str]) -> Breaches {
        let deed = self.tamper(row, address).await;
        let mut breaches = Breaches::new();
        for mode in [Mode::Enforce, Mode::Observe, Mode::Enforce] {
            self.turn(mode).await;
            let visit = self.quiet().await;
            breaches.extend(tells_all(&visit, &deed, Action::Held));
            if !visit.report.next_steps.iter().any(|step| step.contains(&address.to_string())) {
                breaches.push(format!("it is not among the next steps {:?}", visit.report.next_steps));
            }
            if !self.world.writes().is_empty() {
                breaches.push(format!("nobody allowed {:?}", self.world.writes()));
            }
        }
        let allow = |permission| Disruption { stop_notebooks: permission, ..Disruption::default() };
        self.tenant.edit(|object| object.spec.disruption = allow(Permission::Allow));
        self.world.settle(&mut self.tenant).await;
        breaches.extend(self.wrote(expected, "allowed").await);
        self.tenant.edit(|object| object.spec.disruption = allow(Permission::Approve));
        self.quiet().await;
        breaches
    }

    /// It is named as long as it is there, in whichever mode, and never written to.
    async fn only_report(&mut self, row: &Row, address: &Address) -> Breaches {
        let deed = self.tamper(row, address).await;
        let mut breaches = Breaches::new();
        for mode in [Mode::Enforce, Mode::Observe, Mode::Enforce] {
            self.turn(mode).await;
            let visit = self.quiet().await;
            breaches.extend(tells_all(&visit, &deed, Action::Report));
        }
        if !self.world.writes().is_empty() {
            breaches.push(format!("{:?} were written", self.world.writes()));
        }
        breaches
    }

    /// Whether exactly these writes were made, and after them nothing deviates and nothing is written.
    async fn wrote(&mut self, expected: &[&str], when: &str) -> Breaches {
        let mut breaches = Breaches::new();
        let written = writes(self);
        if written != expected {
            breaches.push(format!("{when}: expected {expected:?}, was {written:?}"));
        }
        self.world.simulator.clear_log();
        let visit = self.quiet().await;
        if !self.world.writes().is_empty() {
            breaches.push(format!("{when}: after it {:?} were written", self.world.writes()));
        }
        for (wanted, seen) in ours(&visit) {
            let left: Vec<_> = compare(&wanted, &seen).into_iter().map(|diff| diff.path).collect();
            if !left.is_empty() {
                breaches.push(format!("{when}: {} still deviates in {left:?}", wanted.address));
            }
            let told = visit.report.drift.iter().filter(|drift| drift.address == wanted.address && !is_stranger(drift));
            breaches.extend(told.map(|drift| format!("{when}: it is still told that {}", text(drift))));
        }
        breaches.extend(in_sync(&visit, visit.report.drift.is_empty()).into_iter().map(|why| format!("{when}: {why}")));
        breaches
    }
}

/// What somebody did, and what has to be told of it.
struct Deed {
    /// To what.
    address: Address,
    /// Its id.
    id: String,
    /// What has to be told of it.
    told: Vec<Told>,
    /// Whether it opens something.
    opens: bool,
    /// What was told of other things before.
    others: BTreeSet<(Address, String)>,
}

/// What lets something in, out or be done when it deviates: the most severe of all.
const OPENING: [&str; 13] = [
    "routes",
    "ingress",
    "egress",
    "securityGroups",
    "policy",
    "document",
    "trustPolicy",
    "inlinePolicies",
    "attachedPolicies",
    "permissionsBoundary",
    "upstreams",
    "externalConnections",
    "rootAccess",
];

/// Under what the VPC names what stands in it and is not ours.
const STRANGERS: [&str; 7] = [
    "internetGateways[",
    "natGateways[",
    "egressOnlyInternetGateways[",
    "peeringConnections[",
    "transitGatewayAttachments[",
    "vpnGateways[",
    "vpcEndpoints[",
];

/// What somebody brought along is told of the VPC that it is in.
fn is_stranger(drift: &Drift) -> bool {
    drift.address.kind == Kind::Vpc
        && drift.action == Action::Report
        && STRANGERS.iter().any(|list| drift.path.starts_with(list))
}

/// A deviation in one line.
fn text(drift: &Drift) -> String {
    format!("{} {} {:?} {:?}", drift.address, drift.path, drift.kind, drift.action)
}

/// Whether the condition says what the report says.
fn in_sync(visit: &Visit, expected: bool) -> Option<String> {
    let said = truth(&visit.report, conditions::IN_SYNC);
    (said.is_ok() != expected).then(|| format!("InSync is {said:?} with {:?}", visit.report.drift))
}

/// Whether exactly this is told of the resource, well, and nothing of any other but what strangers bring along.
fn tells_all(visit: &Visit, deed: &Deed, action: Action) -> Breaches {
    let drift = || visit.report.drift.iter().filter(|drift| !is_stranger(drift));
    let of_it: Vec<&Drift> = drift().filter(|drift| drift.address == deed.address).collect();
    let mut is: Vec<_> = of_it.iter().map(|drift| (drift.path.clone(), drift.kind, drift.action)).collect();
    let mut expected: Vec<_> = deed.told.iter().map(|told| (told.path.clone(), told.kind, action)).collect();
    is.sort();
    expected.sort();
    let mut breaches = Breaches::new();
    if is != expected || expected.is_empty() {
        breaches.push(format!("expected {expected:?}, told is {is:?}"));
    }
    let known = |drift: &&Drift| deed.others.contains(&(drift.address.clone(), drift.path.clone()));
    let others = drift().filter(|drift| drift.address != deed.address && !known(drift));
    breaches.extend(others.map(|drift| format!("of others is told: {}", text(drift))));
    breaches.extend(of_it.iter().flat_map(|drift| is_well_told(drift, deed)));
    breaches.extend(in_sync(visit, false));
    breaches
}

/// Whether a deviation says what is wanted and what was found, in few words, and of which thing.
fn is_well_told(drift: &Drift, deed: &Deed) -> Breaches {
    let mut breaches = Breaches::new();
    let sides = match drift.kind {
        DriftKind::Changed => (true, true),
        DriftKind::Missing => (true, false),
        DriftKind::Unexpected => (false, true),
    };
    if (drift.desired.is_some(), drift.observed.is_some()) != sides || drift.desired == drift.observed {
        breaches.push(format!("{}: wanted {:?}, found {:?}", text(drift), drift.desired, drift.observed));
    }
    if drift.id != deed.id {
        breaches.push(format!("{}: is said of {}, not of {}", text(drift), drift.id, deed.id));
    }
    if deed.opens && drift.action != Action::Report && drift.severity != Severity::High {
        breaches.push(format!("{}: is said to be {:?}", text(drift), drift.severity));
    }
    for said in [Some(&drift.path), drift.desired.as_ref(), drift.observed.as_ref()].into_iter().flatten() {
        let too_much = ["#!/bin", "curl ", "\"Version\"", "secret"].iter().any(|part| said.contains(part));
        if said.is_empty() || said.chars().count() > 256 || too_much {
            breaches.push(format!("{}: says too much or nothing: {said}", text(drift)));
        }
    }
    breaches
}
