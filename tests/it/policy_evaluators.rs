//! Two readings of IAM's policy language, written apart, held against each other: the product's and the simulator's. Where the product gives an
//! answer it is the simulator's; where it cannot tell, it says so.

use std::collections::BTreeMap;

use cloister::{
    model::access::{Context, Place, PolicyInPlace, Principal, Request, Ruling, Use, rule, rule_by_name},
    sandbox::policy::{AccessRequest, Decision, Document, Kind, evaluate, grants_by_name},
};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/reader";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/reader/SageMaker";

const ACTIONS: [&str; 8] = [
    "*",
    "codeartifact:*",
    "codeartifact:Get*",
    "codeartifact:GetAuthorizationToken",
    "CodeArtifact:readfromrepository",
    "codeartifact:*Repository*",
    "sts:GetServiceBearerToken",
    "s3:?etObject",
];
const RESOURCES: [&str; 11] = [
    "*",
    "arn:aws:codeartifact:us-east-1:111122223333:domain/d",
    "arn:aws:codeartifact:*:*:domain/*",
    "arn:aws:codeartifact:us-east-1:111122223333:repository/d/r",
    "arn:aws:codeartifact:us-east-1:${aws:PrincipalAccount}:repository/d/*",
    "arn:aws:codeartifact:us-east-1:111122223333:repository/d/${aws:PrincipalTag/team}",
    "arn:aws:codeartifact:us-east-1:111122223333:repository/${aws:PrincipalTag/domain, 'd'}/?",
    "arn:aws:codeartifact:us-east-1:444455556666:*",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::${aws:PrincipalTag/team}/${*}",
    "arn:aws:s3:::data/a",
];
const ASKED_ACTIONS: [&str; 4] = [
    "codeartifact:GetAuthorizationToken",
    "codeartifact:ReadFromRepository",
    "sts:GetServiceBearerToken",
    "s3:GetObject",
];
const ASKED_RESOURCES: [&str; 5] = [
    "*",
    "arn:aws:codeartifact:us-east-1:111122223333:domain/d",
    "arn:aws:codeartifact:us-east-1:111122223333:repository/d/r",
    "arn:aws:codeartifact:us-east-1:444455556666:repository/d/r",
    "arn:aws:s3:::data/a",
];
const KEYS: [(&str, &[&str]); 9] = [
    ("aws:PrincipalAccount", &["111122223333", "444455556666", "${aws:PrincipalAccount}"]),
    ("aws:PrincipalArn", &[ROLE, "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:root", "*"]),
    ("aws:PrincipalTag/team", &["red", "r", "r*", "data"]),
    ("aws:PrincipalTag/domain", &["d", "D"]),
    ("aws:SourceVpce", &["vpce-1", "vpce-2", "vpce-*"]),
    ("aws:SourceIp", &["10.0.0.0/8", "10.1.2.3", "203.0.113.0/24"]),
    ("aws:SecureTransport", &["true", "false"]),
    ("aws:TagKeys", &["team", "env"]),
    ("aws:EpochTime", &["1795000000", "0", "2026-11-22T17:00:00Z", "9e9"]),
];
const OPERATORS: [&str; 23] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringNotLike",
    "ForAnyValue:StringNotEquals",
    "Bool",
    "BoolIfExists",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "ArnLike",
    "ArnNotEquals",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "DateGreaterThan",
    "DateLessThanEquals",
];
/// What each key has in a request; an empty list is a request without it.
const VALUES: [(&str, &[&[&str]]); 9] = [
    ("aws:PrincipalAccount", &[&["111122223333"]]),
    ("aws:PrincipalArn", &[&[ROLE]]),
    ("aws:PrincipalTag/team", &[&[], &["red"], &["r"], &["*"], &["data"]]),
    ("aws:PrincipalTag/domain", &[&[], &["d"]]),
    ("aws:SourceVpce", &[&[], &["vpce-1"], &["vpce-2"]]),
    ("aws:SourceIp", &[&[], &["10.1.2.3"], &["203.0.113.10"]]),
    ("aws:SecureTransport", &[&[], &["true"], &["false"]]),
    ("aws:TagKeys", &[&[], &["team"], &["team", "env"], &["more"]]),
    ("aws:EpochTime", &[&[], &["1795000000"]]),
];

fn some_of(pool: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::collection::vec(select(pool), 1..=2).prop_map(|texts| json!(texts))
}

fn principal() -> impl Strategy<Value = Value> {
    let names = [
        ROLE,
        SESSION,
        ACCOUNT,
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::444455556666:root",
        "arn:aws:iam::111122223333:role/other",
        "444455556666",
    ];
    prop_oneof![
        1 => Just(json!("*")),
        1 => Just(json!({"Service": "codeartifact.amazonaws.com"})),
        3 => proptest::collection::vec(select(names.to_vec()), 1..=2).prop_map(|names| json!({"AWS": names})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    let one = (select(&OPERATORS[..]), select(&KEYS[..])).prop_flat_map(|(operator, (key, values))| {
        let values: Vec<&str> = match operator {
            "Null" => vec!["true", "false"],
            _ => values.to_vec(),
        };
        proptest::collection::vec(select(values), 1..=2).prop_map(move |values| (operator, key, json!(values)))
    });
    proptest::collection::vec(one, 0..=2).prop_map(|all| {
        let mut condition = Map::new();
        for (operator, key, values) in all {
            condition.entry(operator).or_insert_with(|| json!({}))[key] = values;
        }
        Value::Object(condition)
    })
}

fn statement(with_principal: bool) -> impl Strategy<Value = Value> {
    let parts = (any::<bool>(), any::<[bool; 3]>(), some_of(&ACTIONS), some_of(&RESOURCES), principal(), condition());
    parts.prop_map(
        move |(deny, [not_action, not_resource, not_principal], actions, resources, principals, condition)| {
            // The Not… forms are rarer than the plain ones.
            let not = |yes: bool, other: bool| if yes && other { "Not" } else { "" };
            let mut statement = Map::new();
            statement.insert("Effect".into(), json!(if deny { "Deny" } else { "Allow" }));
            if with_principal {
                statement.insert(format!("{}Principal", not(not_principal, deny)), principals);
            }
            statement.insert(format!("{}Action", not(not_action, not_resource)), actions);
            statement.insert(format!("{}Resource", not(not_resource, not_principal)), resources);
            if condition.as_object().is_some_and(|condition| !condition.is_empty()) {
                statement.insert("Condition".into(), condition);
            }
            Value::Object(statement)
        },
    )
}

fn policies(with_principal: bool) -> impl Strategy<Value = Vec<String>> {
    let document = proptest::collection::vec(statement(with_principal), 1..=3)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}).to_string());
    proptest::collection::vec(document, 1..=2)
}

type Keys = BTreeMap<&'static str, &'static [&'static str]>;

fn keys() -> impl Strategy<Value = Keys> {
    VALUES.map(|(key, values)| select(values).prop_map(move |values| (key, values))).prop_map(BTreeMap::from)
}

fn asked() -> impl Strategy<Value = (&'static str, &'static str, Keys)> {
    (select(&ASKED_ACTIONS[..]), select(&ASKED_RESOURCES[..]), keys())
}

/// The request for the product, in which nothing is known of one key.
fn ours((action, resource, keys): &(&str, &str, Keys), unknown: Option<&str>) -> Request {
    let mut context = Context::default();
    for (key, values) in keys.iter().filter(|(key, _)| Some(**key) != unknown) {
        context = match values {
            [] => context.without([*key]),
            values => values.iter().fold(context, |context, value| context.with(*key, *value)),
        };
    }
    Request {
        principal: Principal::Role { arn: ROLE.into() },
        action: (*action).into(),
        resource: (*resource).into(),
        context,
    }
}

fn theirs((action, resource, keys): &(&str, &str, Keys)) -> AccessRequest {
    let present = keys.iter().filter(|(_, values)| !values.is_empty());
    AccessRequest {
        principal_arn: SESSION.into(),
        role_arn: Some(ROLE.into()),
        action: (*action).into(),
        resource: (*resource).into(),
        context: present
            .map(|(key, values)| ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
            .collect(),
    }
}

fn in_place(documents: &[String]) -> Vec<PolicyInPlace> {
    documents.iter().map(|text| PolicyInPlace::read(Place::Identity, "p", text)).collect()
}

/// Whether the product contradicts the simulator.
fn contradicts(ours: &Ruling, theirs: &Decision) -> bool {
    match ours {
        Ruling::Allowed => !theirs.is_allow(),
        Ruling::Denied(_) => !theirs.is_explicit_deny(),
        Ruling::Silent => *theirs != Decision::ImplicitDeny,
        Ruling::Unclear { .. } => false,
    }
}

fn compare(
    documents: &[String],
    kind: Kind,
    asked: &(&str, &str, Keys),
    unknown: Option<&str>,
) -> Result<(), TestCaseError> {
    let parsed: Result<Vec<Document>, _> = documents.iter().map(|text| Document::parse(text, kind)).collect();
    prop_assume!(parsed.is_ok());
    let parsed = parsed.unwrap();
    let place = in_place(documents);
    let place: Vec<&PolicyInPlace> = place.iter().collect();
    let usage = if kind == Kind::Identity { Use::Identity } else { Use::Resource };
    let (request, reference) = (ours(asked, unknown), theirs(asked));
    let ruling = rule(&place, usage, &request);
    let decision = evaluate(&parsed, &reference);
    prop_assert!(!contradicts(&ruling, &decision), "{ruling:?} against {decision:?}");
    let by_name = rule_by_name(&place, usage, &request);
    let granted = grants_by_name(&parsed, &reference);
    match by_name {
        Ruling::Allowed => prop_assert!(granted, "by name, against {decision:?}"),
        Ruling::Denied(_) | Ruling::Silent => prop_assert!(!granted, "{by_name:?} by name"),
        Ruling::Unclear { .. } => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readings_of_identity_policies_agree(documents in policies(false), asked in asked()) {
        compare(&documents, Kind::Identity, &asked, None)?;
    }

    #[test]
    fn both_readings_of_resource_policies_agree(documents in policies(true), asked in asked()) {
        compare(&documents, Kind::Resource, &asked, None)?;
    }

    /// Whatever the value of a key that nobody knows beforehand: an answer that was given without it holds.
    #[test]
    fn an_answer_without_a_key_holds_for_every_value_of_it(
        documents in policies(false),
        asked in asked(),
        (key, values) in select(&VALUES[..]),
    ) {
        for value in values {
            let mut asked = asked.clone();
            asked.2.insert(key, value);
            compare(&documents, Kind::Identity, &asked, Some(key))?;
        }
    }
}

/// A comparison proves nothing if one side shrugs.
#[test]
fn most_questions_are_answered_and_every_answer_occurs() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut allowed, mut denied, mut silent, mut unclear) = (0, 0, 0, 0);
    for _ in 0..2000 {
        let (documents, asked) = (policies(false), asked()).new_tree(&mut runner).expect("a value").current();
        let place = in_place(&documents);
        match rule(&place.iter().collect::<Vec<_>>(), Use::Identity, &ours(&asked, None)) {
            Ruling::Allowed => allowed += 1,
            Ruling::Denied(_) => denied += 1,
            Ruling::Silent => silent += 1,
            Ruling::Unclear { .. } => unclear += 1,
        }
    }
    let counts = format!("{allowed} allowed, {denied} denied, {silent} silent, {unclear} unclear");
    assert!(allowed > 100 && denied > 100 && silent > 100, "{counts}");
    assert!(unclear < 400, "{counts}");
}
