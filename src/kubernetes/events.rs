//! Events: what happened, once, when it happened. They are made from the difference between what the status said and what it says, so that a
//! visit which finds nothing new says nothing; and from nothing else, so that they hold no more than the status does.

use std::collections::BTreeMap;

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::{
    admit::APPROVE,
    api::{
        EnvironmentStatus, IsolatedNotebookEnvironment,
        environment::{DriftItem, DriftSeverity},
    },
    drift::is_corrected,
    memory::Memory,
};
use crate::model::{
    plan::{Hold, Verb},
    report::{Report, conditions},
    value::bounded,
};

/// How many Events of one sort a visit publishes; the rest is counted in one more.
const OF_ONE_SORT: usize = 10;
/// How many resources an Event names.
const NAMED: usize = 8;
/// What Kubernetes takes as a note, in bytes; most characters here have one.
const NOTE: usize = 1000;
/// What Kubernetes takes as an action.
const ACTION: usize = 128;

/// Something worth an Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether somebody should have a look.
    pub warning: bool,
    /// Why, in one CamelCase word.
    pub reason: String,
    /// What was done or seen, and to what: Events with the same reason and action are counted as one.
    pub action: String,
    /// In a sentence.
    pub note: String,
}

/// Publishes Events. Whether that works changes nothing: they are news, the status is the truth.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// Events of this controller.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { recorder: Recorder::new(client, Reporter::from("cloister")) }
    }

    /// Publish what is worth it.
    pub async fn publish(&self, object: &IsolatedNotebookEnvironment, notices: Vec<Notice>) {
        // With the version every Event would be about another thing, and none would ever be counted together.
        let mut about = object.object_ref(&());
        about.resource_version = None;
        for notice in notices {
            let event = Event {
                type_: if notice.warning { EventType::Warning } else { EventType::Normal },
                reason: bounded(&notice.reason, ACTION),
                note: Some(fitting(&notice.note)),
                action: bounded(&notice.action, ACTION),
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, &about).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    reason = event.reason,
                    "an Event was not taken"
                );
            }
        }
    }
}

/// Cut to the bytes that Kubernetes takes.
fn fitting(note: &str) -> String {
    let mut limit = NOTE;
    while bounded(note, limit).len() > NOTE {
        limit -= limit / 8 + 1;
    }
    bounded(note, limit)
}

/// What is new in a status, and what was done for it.
pub fn notices(
    before: &EnvironmentStatus,
    after: &EnvironmentStatus,
    report: &Report,
    memory: &mut Memory,
) -> Vec<Notice> {
    let mut all = steps(report, memory);
    all.extend(found(before, after));
    all.extend(corrected(before, after));
    all.extend(approval(before, after));
    all.extend(stalled(before, after));
    all.extend(reached(before, after));
    all.extend(deletion(after, report, memory));
    all
}

fn normal(reason: &str, action: impl Into<String>, note: impl Into<String>) -> Notice {
    Notice { warning: false, reason: reason.into(), action: action.into(), note: note.into() }
}

/// What was begun in this visit: one Event for each sort of step.
fn steps(report: &Report, memory: &mut Memory) -> Vec<Notice> {
    let mut sorts: BTreeMap<Verb, Vec<String>> = BTreeMap::new();
    for (address, verb) in &report.written {
        if memory.written.get(address) != Some(verb) {
            sorts.entry(*verb).or_default().push(address.to_string());
        }
    }
    memory.written.clone_from(&report.written);
    sorts
        .into_iter()
        .map(|(verb, addresses)| {
            let reason = match verb {
                Verb::Create => "Creating",
                Verb::Update => "Changing",
                Verb::Adopt => "Adopting",
                Verb::Delete => "Deleting",
                Verb::Release => "Releasing",
            };
            let more = addresses.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named: Vec<&str> = addresses.iter().take(NAMED).map(String::as_str).collect();
            normal(reason, format!("{verb} {}", addresses[0]), format!("{verb} {}{more}", named.join(", ")))
        })
        .collect()
}

fn items(status: &EnvironmentStatus) -> &[DriftItem] {
    status.drift.as_ref().map(|drift| drift.items.as_slice()).unwrap_or_default()
}

fn place(item: &DriftItem) -> String {
    format!("{} {}", item.resource, item.field.as_deref().unwrap_or_default()).trim_end().to_owned()
}

/// Deviations that were not told before.
fn found(before: &EnvironmentStatus, after: &EnvironmentStatus) -> Vec<Notice> {
    let known = |item: &DriftItem| items(before).iter().any(|old| !is_corrected(old) && place(old) == place(item));
    let new: Vec<&DriftItem> = items(after).iter().filter(|item| !is_corrected(item) && !known(item)).collect();
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".into());
    let notice = |item: &&DriftItem| Notice {
        warning: item.severity == DriftSeverity::High,
        reason: "DriftFound".into(),
        action: format!("{:?} {}", item.action, place(item)),
        note: format!(
            "{} ({}): wanted {}, found {}; {:?}, {:?}, {:?}",
            place(item),
            item.id.as_deref().unwrap_or("-"),
            side(&item.desired),
            side(&item.observed),
            item.kind,
            item.severity,
            item.action
        ),
    };
    let rest: Vec<&DriftItem> = new.iter().skip(OF_ONE_SORT).copied().collect();
    let mut notices: Vec<Notice> = new.iter().take(OF_ONE_SORT).map(notice).collect();
    if !rest.is_empty() {
        notices.push(Notice {
            warning: rest.iter().any(|item| item.severity == DriftSeverity::High),
            reason: "DriftFound".into(),
            action: "See more".into(),
            note: format!("{} more deviations, see status.drift", rest.len()),
        });
    }
    notices
}

/// Deviations that are there no more because of this controller.
fn corrected(before: &EnvironmentStatus, after: &EnvironmentStatus) -> Vec<Notice> {
    let known = |item: &DriftItem| {
        items(before).iter().any(|old| old.corrected_at == item.corrected_at && place(old) == place(item))
    };
    let new = items(after).iter().filter(|item| is_corrected(item) && !known(item));
    let note = |item: &DriftItem| match &item.desired {
        Some(desired) => format!("{} is {desired} again", place(item)),
        None => format!("{} is gone again", place(item)),
    };
    // The status lists no more than ten.
    new.map(|item| normal("DriftCorrected", format!("Correct {}", place(item)), note(item))).collect()
}

fn approval(before: &EnvironmentStatus, after: &EnvironmentStatus) -> Option<Notice> {
    let digest = after.plan_digest.as_ref().filter(|digest| before.plan_digest.as_ref() != Some(digest))?;
    let steps: Vec<&str> = after.next_steps.iter().map(String::as_str).collect();
    Some(Notice {
        warning: true,
        reason: Hold::StopsNotebook.reason().into(),
        action: format!("Hold {digest}"),
        note: format!("annotate {APPROVE}={digest} to let these steps pass: {}", steps.join("; ")),
    })
}

/// The truth, reason and message of a condition.
fn condition<'a>(status: &'a EnvironmentStatus, name: &str) -> (&'a str, &'a str, &'a str) {
    let found = status.conditions.iter().find(|condition| condition.type_ == name);
    found.map_or(("Unknown", "", ""), |found| (&found.status, &found.reason, &found.message))
}

fn stalled(before: &EnvironmentStatus, after: &EnvironmentStatus) -> Option<Notice> {
    let (truth, reason, message) = condition(after, conditions::STALLED);
    let (was, because, _) = condition(before, conditions::STALLED);
    let new = truth == "True" && (was, because) != (truth, reason);
    // What needs an approval is told with the steps and the digest.
    let told = reason == Hold::StopsNotebook.reason() && after.plan_digest.is_some();
    (new && !told).then(|| Notice {
        warning: true,
        reason: reason.into(),
        action: "Stall".into(),
        note: message.into(),
    })
}

fn reached(before: &EnvironmentStatus, after: &EnvironmentStatus) -> Vec<Notice> {
    let mut notices = Vec::new();
    let (truth, _, message) = condition(after, conditions::READY);
    if truth == "True" && condition(before, conditions::READY).0 != "True" {
        notices.push(normal("Ready", "Finish", message));
    }
    let paused = Hold::Paused.reason();
    let (_, reason, message) = condition(after, conditions::RECONCILING);
    if reason == paused && condition(before, conditions::RECONCILING).1 != paused {
        notices.push(normal(paused, "Pause", message));
    }
    notices
}

/// What a deletion waits for, when that is something else than before.
fn deletion(after: &EnvironmentStatus, report: &Report, memory: &mut Memory) -> Option<Notice> {
    let (_, reason, message) = condition(after, conditions::READY);
    if reason != "Deleting" || memory.waiting_for == report.waiting_for {
        return None;
    }
    memory.waiting_for.clone_from(&report.waiting_for);
    let kinds: Vec<String> = report.waiting_for.iter().map(ToString::to_string).collect();
    (!kinds.is_empty()).then(|| normal("DeletionWaits", format!("Delete {}", kinds.join(" ")), message))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;
    use crate::{
        kubernetes::api::environment::{DriftAction, DriftKind, DriftStatus},
        model::{
            address::{Address, Kind},
            port::{ErrorClass, Problem},
            report::report_blocked,
        },
    };

    fn report() -> Report {
        report_blocked(&Problem::new(ErrorClass::Waiting, "a test"))
    }

    fn with(conditions: &[(&str, &str, &str)]) -> EnvironmentStatus {
        let condition = |(name, status, reason): &(&str, &str, &str)| Condition {
            type_: (*name).into(),
            status: (*status).into(),
            reason: (*reason).into(),
            message: "why".into(),
            observed_generation: Some(1),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
        };
        EnvironmentStatus { conditions: conditions.iter().map(condition).collect(), ..EnvironmentStatus::default() }
    }

    fn item(field: &str, severity: DriftSeverity, action: DriftAction) -> DriftItem {
        DriftItem {
            resource: "VPCEndpoint/STS".into(),
            id: Some("vpce-1".into()),
            field: Some(field.into()),
            kind: DriftKind::Changed,
            desired: Some("true".into()),
            observed: Some("false".into()),
            severity,
            action,
            first_seen: Time(jiff::Timestamp::UNIX_EPOCH),
            corrected_at: (action == DriftAction::Corrected).then_some(Time(jiff::Timestamp::UNIX_EPOCH)),
        }
    }

    fn drifted(items: Vec<DriftItem>) -> EnvironmentStatus {
        EnvironmentStatus { drift: Some(DriftStatus { total: 0, items }), ..EnvironmentStatus::default() }
    }

    fn reasons(notices: &[Notice]) -> Vec<(bool, &str)> {
        notices.iter().map(|notice| (notice.warning, notice.reason.as_str())).collect()
    }

    #[test]
    fn a_deviation_is_told_when_it_comes_and_when_it_was_corrected() {
        let (none, mut memory) = (EnvironmentStatus::default(), Memory::default());
        let open = drifted(vec![
            item("policy", DriftSeverity::High, DriftAction::Pending),
            item("privateDNSEnabled", DriftSeverity::Medium, DriftAction::Pending),
        ]);
        let news = notices(&none, &open, &report(), &mut memory);
        assert_eq!(reasons(&news), [(true, "DriftFound"), (false, "DriftFound")]);
        assert_ne!(news[0].action, news[1].action, "two deviations are two Events");
        assert_eq!(
            news[1].note,
            "VPCEndpoint/STS privateDNSEnabled (vpce-1): wanted true, found false; Changed, Medium, Pending"
        );
        assert_eq!(notices(&open, &open, &report(), &mut memory), []);

        let corrected = drifted(vec![item("policy", DriftSeverity::High, DriftAction::Corrected)]);
        let news = notices(&open, &corrected, &report(), &mut memory);
        assert_eq!(reasons(&news), [(false, "DriftCorrected")]);
        assert_eq!(notices(&corrected, &corrected, &report(), &mut memory), []);
        assert_eq!(notices(&corrected, &none, &report(), &mut memory), [], "an old correction goes silently");
    }

    #[test]
    fn many_deviations_are_few_events() {
        let items = (0..50).map(|at| item(&format!("field{at}"), DriftSeverity::Low, DriftAction::Reported)).collect();
        let none = EnvironmentStatus::default();
        let news = notices(&none, &drifted(items), &report(), &mut Memory::default());
        assert_eq!(news.len(), 11);
        assert_eq!(news[10].note, "40 more deviations, see status.drift");
    }

    #[test]
    fn conditions_are_told_when_they_turn() {
        let mut memory = Memory::default();
        let before = with(&[("Ready", "False", "Progressing"), ("Stalled", "False", "NotStalled")]);
        let ready = with(&[("Ready", "True", "AsAsked"), ("Stalled", "False", "NotStalled")]);
        assert_eq!(reasons(&notices(&before, &ready, &report(), &mut memory)), [(false, "Ready")]);
        let stalled = with(&[("Ready", "False", "AccessDenied"), ("Stalled", "True", "AccessDenied")]);
        assert_eq!(reasons(&notices(&ready, &stalled, &report(), &mut memory)), [(true, "AccessDenied")]);
        assert_eq!(notices(&stalled, &stalled, &report(), &mut memory), []);
    }

    #[test]
    fn an_approval_is_asked_for_once_with_its_digest() {
        let mut held = with(&[("Stalled", "True", "ApprovalRequired")]);
        held.plan_digest = Some("abc".into());
        held.next_steps = vec!["delete NotebookInstance/a".into()];
        let mut memory = Memory::default();
        let news = notices(&EnvironmentStatus::default(), &held, &report(), &mut memory);
        assert_eq!(reasons(&news), [(true, "ApprovalRequired")]);
        assert!(news[0].note.contains("cloister.dev/approve=abc") && news[0].note.contains("NotebookInstance/a"));
        assert_eq!(notices(&held, &held, &report(), &mut memory), []);
    }

    #[test]
    fn a_step_that_takes_many_visits_is_told_once() {
        let (none, mut memory) = (EnvironmentStatus::default(), Memory::default());
        let mut deleting = report();
        for name in 0..10 {
            deleting.written.insert(Address::new(Kind::NotebookInstance, format!("n{name}")), Verb::Delete);
        }
        let news = notices(&none, &none, &deleting, &mut memory);
        assert_eq!(reasons(&news), [(false, "Deleting")]);
        assert!(news[0].note.ends_with("NotebookInstance/n7 and 2 more"), "{}", news[0].note);
        assert_eq!(notices(&none, &none, &deleting, &mut memory), []);
    }

    #[test]
    fn a_deletion_tells_what_it_waits_for_when_that_changes() {
        let mut memory = Memory::default();
        let status = with(&[("Ready", "False", "Deleting")]);
        let mut waiting = report();
        waiting.waiting_for = [Kind::NotebookInstance, Kind::Vpc].into();
        let news = notices(&status, &status, &waiting, &mut memory);
        assert_eq!(reasons(&news), [(false, "DeletionWaits")]);
        assert_eq!(notices(&status, &status, &waiting, &mut memory), []);
    }

    #[test]
    fn notes_fit_into_what_kubernetes_takes() {
        for text in ["x".repeat(5000), "…é漢".repeat(2000)] {
            assert!(fitting(&text).len() <= 1024);
        }
        assert_eq!(fitting("short"), "short");
    }
}
