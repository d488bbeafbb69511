//! Drift as the status tells it: what is open, since when, and what was corrected of late. Pure; nothing changes here by time alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::api::{
    EnvironmentStatus,
    environment::{DriftAction, DriftItem, DriftKind, DriftSeverity, DriftStatus},
};
use crate::model::{
    address::Kind,
    asked::Told,
    diff,
    plan::{Action, Drift},
    report::{Report, conditions},
    resource::Severity,
    value::bounded,
};

/// How many deviations the status lists; the rest is counted.
const ITEMS: usize = 50;
/// How many of them are corrected ones.
const CORRECTED: usize = 10;
/// How long a corrected deviation stays listed at least when the status is written.
const CORRECTED_SECONDS: i64 = 3600;
/// The longest field path that the schema takes.
const FIELD: usize = 512;

/// What is told of drift after a look. Corrected deviations stay until [`forget_corrected`].
pub(super) fn drift(before: &EnvironmentStatus, report: &Report, now: Timestamp) -> DriftStatus {
    let known = before.drift.as_ref().map(|drift| drift.items.as_slice()).unwrap_or_default();
    let open: BTreeSet<(String, Option<String>)> = report.drift.iter().map(place).collect();
    let mut items: Vec<DriftItem> =
        report.drift.iter().take(ITEMS).map(|drift| item(drift, report, known, now)).collect();
    let gone = known.iter().filter(|item| !open.contains(&(item.resource.clone(), item.field.clone())));
    let mut corrected: Vec<DriftItem> = gone.filter_map(|item| corrected(item, now)).collect();
    corrected.sort_by(|one, other| {
        let place = |item: &DriftItem| (item.resource.clone(), item.field.clone());
        other.corrected_at.cmp(&one.corrected_at).then_with(|| place(one).cmp(&place(other)))
    });
    corrected.truncate(CORRECTED.min(ITEMS.saturating_sub(items.len())));
    items.extend(corrected);
    DriftStatus { total: i32::try_from(report.drift.len()).unwrap_or(i32::MAX), items }
}

/// Leave out what was corrected more than an hour ago. For a status that is written anyway.
pub(super) fn forget_corrected(status: &mut EnvironmentStatus, now: Timestamp) {
    let Some(drift) = &mut status.drift else { return };
    let old = |time: &Time| now.as_second() - time.0.as_second() >= CORRECTED_SECONDS;
    drift.items.retain(|item| !(is_corrected(item) && item.corrected_at.as_ref().is_none_or(old)));
}

/// What the status tells of a time that this process may not remember.
#[must_use]
pub fn told(generation: Option<i64>, status: &EnvironmentStatus) -> Told {
    let held = |name: &str| {
        let condition = status.conditions.iter().find(|condition| condition.type_ == name);
        condition.is_some_and(|condition| condition.status == "True" && condition.observed_generation == generation)
    };
    // Not everything needs to have been as asked: each of these speaks for its own kinds.
    let as_asked = |kind: &Kind| {
        held(conditions::READY)
            || match kind {
                Kind::Vpc
                | Kind::Subnet
                | Kind::RouteTable
                | Kind::SecurityGroup
                | Kind::SecurityGroupRules
                | Kind::VpcEndpoint => held(conditions::NETWORK_READY),
                Kind::Domain | Kind::Repository => held(conditions::PACKAGES_READY),
                Kind::LifecycleConfiguration | Kind::NotebookInstance => held(conditions::NOTEBOOKS_READY),
                Kind::Role | Kind::Policy => false,
            }
    };
    let items = status.drift.as_ref().map(|drift| drift.items.as_slice()).unwrap_or_default();
    Told {
        as_asked: Kind::ALL.into_iter().filter(as_asked).collect(),
        drift: items
            .iter()
            .filter(|item| !is_corrected(item))
            .map(|item| (item.resource.clone(), item.field.clone().unwrap_or_default()))
            .collect(),
    }
}

/// Whether a deviation is there no more.
pub(super) fn is_corrected(item: &DriftItem) -> bool {
    item.action == DriftAction::Corrected
}

fn place(drift: &Drift) -> (String, Option<String>) {
    (drift.address.to_string(), (!drift.path.is_empty()).then(|| bounded(&drift.path, FIELD)))
}

fn item(drift: &Drift, report: &Report, known: &[DriftItem], now: Timestamp) -> DriftItem {
    let (resource, field) = place(drift);
    let earlier = known.iter().find(|item| item.resource == resource && item.field == field && !is_corrected(item));
    DriftItem {
        id: Some(drift.id.clone()),
        kind: match drift.kind {
            diff::DriftKind::Changed => DriftKind::Changed,
            diff::DriftKind::Missing => DriftKind::Missing,
            diff::DriftKind::Unexpected => DriftKind::Unexpected,
        },
        desired: drift.desired.clone(),
        observed: drift.observed.clone(),
        severity: match drift.severity {
            Severity::High => DriftSeverity::High,
            Severity::Medium => DriftSeverity::Medium,
            Severity::Low => DriftSeverity::Low,
        },
        action: match drift.action {
            Action::Correct if report.written.contains_key(&drift.address) => DriftAction::Correcting,
            // What was written and is not seen yet: AWS is at it.
            Action::Correct => earlier.map_or(DriftAction::Pending, |item| match item.action {
                DriftAction::Correcting if !failed(drift, report) => DriftAction::Correcting,
                _ => DriftAction::Pending,
            }),
            Action::Held => DriftAction::AwaitingApproval,
            Action::Report => DriftAction::Reported,
        },
        first_seen: earlier.map_or(Time(now), |item| item.first_seen.clone()),
        corrected_at: None,
        resource,
        field,
    }
}

fn failed(drift: &Drift, report: &Report) -> bool {
    report.problems.iter().any(|problem| problem.address.as_ref() == Some(&drift.address))
}

/// A deviation that is there no more: to be told as corrected if this controller wrote what corrected it. What went by itself, or because the
/// manifest changed, is told no more.
fn corrected(item: &DriftItem, now: Timestamp) -> Option<DriftItem> {
    match item.action {
        DriftAction::Corrected => Some(item.clone()),
        DriftAction::Correcting => {
            Some(DriftItem { action: DriftAction::Corrected, corrected_at: Some(Time(now)), ..item.clone() })
        }
        DriftAction::Pending | DriftAction::AwaitingApproval | DriftAction::Reported => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

    use super::*;
    use crate::model::{
        address::Address,
        plan::Verb,
        port::{ErrorClass, Problem},
        report::report_blocked,
    };

    fn report(paths: &[&str], action: Action) -> Report {
        let mut report = report_blocked(&Problem::new(ErrorClass::Waiting, "a test"));
        report.problems.clear();
        report.drift = paths.iter().map(|path| deviation(path, action)).collect();
        report
    }

    fn deviation(path: &str, action: Action) -> Drift {
        Drift {
            address: Address::new(Kind::VpcEndpoint, "STS"),
            id: "vpce-1".into(),
            path: path.into(),
            kind: diff::DriftKind::Changed,
            desired: Some("true".into()),
            observed: Some("false".into()),
            severity: Severity::Medium,
            action,
        }
    }

    fn writing(mut report: Report) -> Report {
        report.written.insert(Address::new(Kind::VpcEndpoint, "STS"), Verb::Update);
        report
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn status(drift: DriftStatus) -> EnvironmentStatus {
        EnvironmentStatus { drift: Some(drift), ..EnvironmentStatus::default() }
    }

    fn actions(drift: &DriftStatus) -> Vec<DriftAction> {
        drift.items.iter().map(|item| item.action).collect()
    }

    #[test]
    fn what_was_corrected_stays_for_an_hour_and_is_not_counted() {
        let found = drift(&EnvironmentStatus::default(), &writing(report(&["a"], Action::Correct)), at(0));
        assert_eq!((found.total, actions(&found)), (1, vec![DriftAction::Correcting]));
        let gone = drift(&status(found), &report(&[], Action::Correct), at(10));
        assert_eq!((gone.total, actions(&gone)), (0, vec![DriftAction::Corrected]));
        assert_eq!(gone.items[0].first_seen, Time(at(0)));
        assert_eq!(gone.items[0].corrected_at, Some(Time(at(10))));

        let later = drift(&status(gone.clone()), &report(&[], Action::Correct), at(9000));
        assert_eq!(later, gone, "nothing goes by time alone");
        let mut written = status(later);
        forget_corrected(&mut written, at(3609));
        assert_eq!(written.drift.as_ref().map(|drift| drift.items.len()), Some(1));
        forget_corrected(&mut written, at(3610));
        assert_eq!(written.drift.map(|drift| drift.items.len()), Some(0));
    }

    #[test]
    fn what_a_condition_says_of_this_manifest_speaks_for_its_kinds_although_not_everything_is_ready() {
        let condition = |name: &str, status: &str, generation| Condition {
            type_: name.into(),
            status: status.into(),
            observed_generation: Some(generation),
            reason: "R".into(),
            message: String::new(),
            last_transition_time: Time(at(0)),
        };
        let of = |conditions: Vec<Condition>| {
            told(Some(2), &EnvironmentStatus { conditions, ..EnvironmentStatus::default() }).as_asked
        };
        let ready = |status| condition("Ready", status, 2);
        assert_eq!(of(vec![ready("True")]), Kind::ALL.into_iter().collect());
        let packages = BTreeSet::from([Kind::Domain, Kind::Repository]);
        assert_eq!(of(vec![ready("False"), condition("PackagesReady", "True", 2)]), packages);
        assert_eq!(
            of(vec![condition("PackagesReady", "True", 1), condition("NetworkReady", "False", 2)]),
            BTreeSet::new()
        );
        assert!(of(vec![condition("NetworkReady", "True", 2)]).contains(&Kind::SecurityGroupRules));
    }

    #[test]
    fn what_goes_by_itself_was_not_corrected() {
        for action in [Action::Correct, Action::Held, Action::Report] {
            let found = drift(&EnvironmentStatus::default(), &report(&["a"], action), at(0));
            let gone = drift(&status(found), &report(&[], action), at(10));
            assert_eq!(gone, DriftStatus::default());
        }
    }

    #[test]
    fn what_was_written_is_being_corrected_until_it_is_seen_or_fails() {
        let found = drift(&EnvironmentStatus::default(), &writing(report(&["a"], Action::Correct)), at(0));
        let mut again = report(&["a"], Action::Correct);
        assert_eq!(actions(&drift(&status(found.clone()), &again, at(10))), [DriftAction::Correcting]);
        let denied = Problem::new(ErrorClass::Denied, "no").about(&Address::new(Kind::VpcEndpoint, "STS"));
        again.problems.push(denied);
        assert_eq!(actions(&drift(&status(found), &again, at(10))), [DriftAction::Pending]);
    }

    #[test]
    fn the_list_is_bounded_and_first_seen_stays_with_its_field() {
        let paths: Vec<String> = (0..60).map(|at| format!("field{at:02}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let many = drift(&EnvironmentStatus::default(), &writing(report(&paths, Action::Correct)), at(0));
        assert_eq!((many.total, many.items.len()), (60, 50));
        let one = drift(&status(many), &report(&["field03"], Action::Correct), at(10));
        assert_eq!((one.total, one.items.len()), (1, 11));
        assert_eq!(one.items[0].first_seen, Time(at(0)));
        let back = drift(&status(one), &report(&["field00"], Action::Correct), at(20));
        assert_eq!(back.items[0].first_seen, Time(at(20)), "what comes back is another deviation");
        assert_eq!(back.items.iter().filter(|item| item.field.as_deref() == Some("field00")).count(), 1);
    }

    #[test]
    fn a_path_that_is_too_long_is_recognised_when_it_comes_again() {
        let long = "x".repeat(2000);
        let found = status(drift(&EnvironmentStatus::default(), &report(&[&long], Action::Report), at(0)));
        let found = found.within_bounds();
        let again = drift(&found, &report(&[&long], Action::Report), at(10));
        assert_eq!(Some(&again), found.drift.as_ref());
    }
}
