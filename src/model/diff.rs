//! Differences between a wished and a seen state, as named facts.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    policy::PolicyDocument,
    resource::{Change, Field, Seen, Severity, Wanted},
    value::{Value, Wish, bounded},
};

/// In which way a field deviates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftKind {
    /// It has another value.
    Changed,
    /// Something that was asked for is not there.
    Missing,
    /// Something that nobody asked for is there.
    Unexpected,
}

/// One deviation: which field, wanted what, found what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDiff {
    /// The field's name, for the kind that corrects it.
    pub field: &'static str,
    /// The path for people, `policy.Statement[Read].Action`.
    pub path: String,
    /// In which way.
    pub kind: DriftKind,
    /// What was wanted, if anything.
    pub desired: Option<String>,
    /// What was found, if anything.
    pub observed: Option<String>,
    /// What correcting it takes.
    pub change: Change,
    /// How bad it is.
    pub severity: Severity,
}

/// The field name of tags, which every kind handles alike.
pub const TAGS: &str = "tags";

/// In which fields, tags included, a resource deviates from what is wanted.
///
/// A wish that is left to AWS or not yet known is never a difference.
#[must_use]
pub fn compare(wanted: &Wanted, seen: &Seen) -> Vec<FieldDiff> {
    let observed: BTreeMap<&str, Wish<Value>> =
        seen.state.fields().into_iter().map(|field| (field.name, field.value)).collect();
    let mut diffs = Vec::new();
    for field in wanted.state.fields() {
        let (Wish::Is(desired), Some(Wish::Is(observed))) = (&field.value, observed.get(field.name)) else { continue };
        compare_values(&field, desired, observed, &mut diffs);
    }
    for (key, desired) in &wanted.tags {
        let found = seen.tags.get(key);
        if found != Some(desired) {
            diffs.push(FieldDiff {
                field: TAGS,
                path: format!("tags[{key}]"),
                kind: if found.is_some() { DriftKind::Changed } else { DriftKind::Missing },
                desired: Some(bounded(desired, 256)),
                observed: found.map(|value| bounded(value, 256)),
                change: Change::Live,
                severity: Severity::Low,
            });
        }
    }
    diffs
}

fn compare_values(field: &Field, desired: &Value, observed: &Value, diffs: &mut Vec<FieldDiff>) {
    match (desired, observed) {
        (Value::Set(desired), Value::Set(observed)) => compare_sets(field, desired, observed, diffs),
        (Value::List(desired), Value::List(observed)) => compare_lists(field, desired, observed, diffs),
        (Value::Policies(desired), Value::Policies(observed)) => compare_policies(field, desired, observed, diffs),
        (Value::Policy(desired), Value::Policy(observed)) => {
            compare_policy(field, field.name, desired, observed, diffs);
        }
        // Whoever reads it has to see what it allows.
        (Value::Absent, Value::Policy(observed)) if !observed.statements.is_empty() => {
            compare_policy(field, field.name, &PolicyDocument::new([]), observed, diffs);
        }
        (desired, observed) if desired == observed => {}
        (desired, observed) => {
            let kind = match (desired, observed) {
                (Value::Absent, _) => DriftKind::Unexpected,
                (_, Value::Absent) => DriftKind::Missing,
                _ => DriftKind::Changed,
            };
            let side = |value: &Value| (*value != Value::Absent).then(|| value.brief());
            diffs.push(diff(field, field.name.to_owned(), kind, side(desired), side(observed)));
        }
    }
}

fn compare_sets(field: &Field, desired: &BTreeSet<String>, observed: &BTreeSet<String>, diffs: &mut Vec<FieldDiff>) {
    for missing in desired.difference(observed) {
        let path = format!("{}[{}]", field.name, bounded(missing, 128));
        diffs.push(diff(field, path, DriftKind::Missing, Some(bounded(missing, 256)), None));
    }
    for extra in observed.difference(desired) {
        let path = format!("{}[{}]", field.name, bounded(extra, 128));
        diffs.push(diff(field, path, DriftKind::Unexpected, None, Some(bounded(extra, 256))));
    }
}

/// What was added and what is missing is told one by one; the order only where it is all that differs.
fn compare_lists(field: &Field, desired: &[String], observed: &[String], diffs: &mut Vec<FieldDiff>) {
    let members = |list: &[String]| list.iter().cloned().collect();
    let before = diffs.len();
    compare_sets(field, &members(desired), &members(observed), diffs);
    if desired != observed && diffs.len() == before {
        let whole = |list: &[String]| Some(Value::List(list.to_vec()).brief());
        diffs.push(diff(field, field.name.to_owned(), DriftKind::Changed, whole(desired), whole(observed)));
    }
}

fn compare_policies(
    field: &Field,
    desired: &BTreeMap<String, PolicyDocument>,
    observed: &BTreeMap<String, PolicyDocument>,
    diffs: &mut Vec<FieldDiff>,
) {
    for (name, policy) in desired {
        let path = format!("{}[{name}]", field.name);
        match observed.get(name) {
            Some(found) => compare_policy(field, &path, policy, found, diffs),
            None => diffs.push(diff(field, path, DriftKind::Missing, Some(policy.summary()), None)),
        }
    }
    for (name, policy) in observed {
        if !desired.contains_key(name) {
            let path = format!("{}[{name}]", field.name);
            diffs.push(diff(field, path, DriftKind::Unexpected, None, Some(policy.summary_with_statement())));
        }
    }
}

/// Policies are compared by meaning; what is named is the statement that differs, never the whole body.
fn compare_policy(
    field: &Field,
    path: &str,
    desired: &PolicyDocument,
    observed: &PolicyDocument,
    diffs: &mut Vec<FieldDiff>,
) {
    for difference in desired.differences(observed) {
        let path = format!("{path}.{}", difference.path);
        let kind = match (&difference.desired, &difference.observed) {
            (None, _) => DriftKind::Unexpected,
            (_, None) => DriftKind::Missing,
            _ => DriftKind::Changed,
        };
        diffs.push(diff(field, path, kind, difference.desired, difference.observed));
    }
}

fn diff(field: &Field, path: String, kind: DriftKind, desired: Option<String>, observed: Option<String>) -> FieldDiff {
    FieldDiff { field: field.name, path, kind, desired, observed, change: field.change, severity: field.severity }
}

/// Whether a field is among the differences.
#[must_use]
pub fn touches(diffs: &[FieldDiff], field: &str) -> bool {
    diffs.iter().any(|diff| diff.field == field)
}

#[cfg(test)]
mod tests {
    use std::{any::Any, sync::Arc};

    use super::*;
    use crate::model::{
        address::{Address, Kind},
        owner::{Ownership, Tags},
        policy::Statement,
        resource::{Management, Phase, State},
    };

    /// A state of one field.
    #[derive(Debug)]
    struct Only(Value);

    impl State for Only {
        fn fields(&self) -> Vec<Field> {
            vec![Field::live("field", Wish::Is(self.0.clone()))]
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn diffs(desired: impl Into<Value>, observed: impl Into<Value>) -> Vec<FieldDiff> {
        let address = Address::new(Kind::Repository, "any");
        let wanted = Wanted {
            address: address.clone(),
            management: Management::Owned,
            name: None,
            needs: Vec::new(),
            tags: Tags::new(),
            state: Arc::new(Only(desired.into())),
        };
        let seen = Seen {
            address,
            id: "any".into(),
            ownership: Ownership::Ours,
            tags: Tags::new(),
            phase: Phase::Ready,
            outputs: BTreeMap::new(),
            findings: Vec::new(),
            state: Arc::new(Only(observed.into())),
        };
        compare(&wanted, &seen)
    }

    fn told(diffs: &[FieldDiff]) -> Vec<(&str, DriftKind)> {
        diffs.iter().map(|diff| (diff.path.as_str(), diff.kind)).collect()
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn of_a_list_additions_and_omissions_are_told_one_by_one_and_its_order_only_by_itself() {
        use DriftKind::{Changed, Missing, Unexpected};
        let of = |observed: &[&str]| diffs(list(&["a", "b"]), list(observed));
        assert_eq!(told(&of(&["a", "b"])), []);
        assert_eq!(told(&of(&["a", "b", "theirs"])), [("field[theirs]", Unexpected)]);
        assert_eq!(told(&of(&["theirs", "b"])), [("field[a]", Missing), ("field[theirs]", Unexpected)]);
        assert_eq!(told(&of(&[])), [("field[a]", Missing), ("field[b]", Missing)]);
        let turned = of(&["b", "a"]);
        assert_eq!(told(&turned), [("field", Changed)]);
        assert_eq!(turned[0].desired.as_deref(), Some("[a, b]"));
        assert_eq!(turned[0].observed.as_deref(), Some("[b, a]"));
    }

    fn open(sid: &str) -> Statement {
        Statement::allow(sid, ["*"], ["*"]).by(["*"])
    }

    #[test]
    fn of_a_policy_where_none_was_wanted_every_statement_is_told_with_what_it_says() {
        let found = PolicyDocument::new([open("Everybody"), open("Somebody").denying()]);
        let found = diffs(Value::Absent, found);
        let paths = ["field.Statement[Everybody]", "field.Statement[Somebody]"];
        assert_eq!(told(&found), paths.map(|path| (path, DriftKind::Unexpected)));
        assert_eq!(
            found[0].observed.as_deref(),
            Some(r#"{"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#)
        );
        assert_eq!(told(&diffs(Value::Absent, PolicyDocument::new([]))), [("field", DriftKind::Unexpected)]);
        assert_eq!(told(&diffs(PolicyDocument::new([open("Ours")]), Value::Absent)), [("field", DriftKind::Missing)]);
    }

    #[test]
    fn of_a_named_policy_that_was_added_the_first_grant_is_shown() {
        let none = BTreeMap::<String, PolicyDocument>::new;
        let policy = PolicyDocument::new([open("A").denying(), open("B"), open("C")]);
        let found = diffs(none(), BTreeMap::from([("extra".to_owned(), policy)]));
        assert_eq!(told(&found), [("field[extra]", DriftKind::Unexpected)]);
        let observed = found[0].observed.as_deref().unwrap();
        let shown = r#" [A, B, C] with {"Sid":"B","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
        assert!(observed.starts_with("sha256:") && observed.ends_with(shown), "{observed}");
    }

    #[test]
    fn statements_without_a_name_have_paths_of_their_own_that_stay() {
        let nameless = |resource: &str| Statement { sid: None, ..Statement::allow("", ["s3:*"], [resource]) };
        let paths = |statements: Vec<Statement>| {
            let found = diffs(Value::Absent, PolicyDocument::new(statements));
            found.into_iter().map(|diff| diff.path).collect::<BTreeSet<_>>()
        };
        let one = paths(vec![nameless("b")]);
        let two = paths(vec![nameless("a"), nameless("b")]);
        assert!(one.iter().all(|path| path.starts_with("field.Statement[Allow s3:* ")), "{one:?}");
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(one.is_subset(&two), "{one:?} {two:?}");
        // AWS does not see to it everywhere that names differ.
        assert_eq!(paths(vec![open("Same"), open("Same").denying()]).len(), 2);
    }

    #[test]
    fn long_policies_lists_and_names_are_cut() {
        let long = "x".repeat(5000);
        let policy = || PolicyDocument::new([Statement::allow(&long, [long.as_str()], [long.as_str()])]);
        let policies = || BTreeMap::from([("extra".to_owned(), policy())]);
        let mut all = diffs(Value::Absent, policy());
        all.extend(diffs(policy(), Value::Absent));
        all.extend(diffs(BTreeMap::<String, PolicyDocument>::new(), policies()));
        all.extend(diffs(policies(), BTreeMap::<String, PolicyDocument>::new()));
        all.extend(diffs(list(&[&long, "a"]), list(&["a", &long])));
        all.extend(diffs(list(&[]), list(&[&long])));
        assert_eq!(all.len(), 6);
        for diff in all {
            let texts = [Some(&diff.path), diff.desired.as_ref(), diff.observed.as_ref()];
            assert!(texts.into_iter().flatten().all(|text| text.chars().count() <= 256), "{diff:?}");
        }
    }
}
