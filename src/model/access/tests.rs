use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const REPOSITORY: &str = "arn:aws:codeartifact:us-east-1:111122223333:repository/d/r";

fn policy(place: Place, statements: &str) -> PolicyInPlace {
    PolicyInPlace::read(place, "policy p", &format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#))
}

fn identity(statements: &str) -> PolicyInPlace {
    policy(Place::Identity, statements)
}

fn request(context: Context) -> Request {
    Request {
        principal: Principal::Role { arn: ROLE.into() },
        action: "codeartifact:ReadFromRepository".into(),
        resource: REPOSITORY.into(),
        context,
    }
}

fn rules(statements: &str, context: Context) -> Ruling {
    rule(&[&identity(statements)], Use::Identity, &request(context))
}

/// A statement that allows reading under a condition.
fn allowed_when(condition: &str, context: Context) -> Ruling {
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"codeartifact:Read*","Resource":"*","Condition":{condition}}}"#);
    rules(&statement, context)
}

fn is_unclear(ruling: &Ruling) -> bool {
    matches!(ruling, Ruling::Unclear { .. })
}

#[test]
fn a_denial_wins_and_is_cited_by_sid_or_by_its_place_in_the_text() {
    let allow = r#"{"Sid":"Z","Effect":"Allow","Action":"*","Resource":"*"}"#;
    let deny = |sid: &str| format!(r#"{{{sid}"Effect":"Deny","Action":"codeartifact:*","Resource":"*"}}"#);
    let cited = |text: String| match rules(&text, Context::default()) {
        Ruling::Denied(citation) => citation.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(cited(format!("[{allow},{}]", deny(r#""Sid":"Halt","#))), "statement Halt of policy p");
    assert_eq!(cited(format!("[{allow},{}]", deny(""))), "statement 2 (without Sid) of policy p");
}

#[test]
fn an_unknown_operator_key_or_document_is_never_a_permission() {
    for condition in [
        r#"{"StringMatches":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"ForSomeValues:StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
        r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}"#,
        r#"{"Null":{"aws:PrincipalOrgID":"true"}}"#,
    ] {
        let ruling = allowed_when(condition, Context::default().with("aws:PrincipalAccount", "111122223333"));
        assert!(is_unclear(&ruling), "{condition}: {ruling:?}");
    }
    let broken = PolicyInPlace::read(Place::Identity, "p", "{");
    let open = identity(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    assert!(is_unclear(&rule(&[&open, &broken], Use::Identity, &request(Context::default()))));
}

#[test]
fn what_is_unclear_does_not_matter_where_something_else_decides() {
    let unclear = r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Odd":{"a:b":"c"}}}"#;
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let other = r#"{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Odd":{"a:b":"c"}}}"#;
    assert_eq!(rules(&format!("[{unclear},{allow},{other}]"), Context::default()), Ruling::Allowed);
    let maybe = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Odd":{"a:b":"c"}}}"#;
    assert!(is_unclear(&rules(&format!("[{allow},{maybe}]"), Context::default())));
}

#[test]
fn a_missing_key_meets_what_is_negated_optional_or_of_none() {
    let without = || Context::default().without(["aws:SourceVpce"]);
    let meets = |operator: &str| {
        allowed_when(&format!(r#"{{"{operator}":{{"aws:SourceVpce":"vpce-1"}}}}"#), without()) == Ruling::Allowed
    };
    for operator in ["StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringEquals", "ArnNotLike"] {
        assert!(meets(operator), "{operator}");
    }
    for operator in ["StringEquals", "ForAnyValue:StringEquals", "ForAnyValue:StringNotEquals"] {
        assert!(!meets(operator), "{operator}");
    }
    assert_eq!(allowed_when(r#"{"Null":{"aws:sourcevpce":true}}"#, without()), Ruling::Allowed);
    assert_eq!(allowed_when(r#"{"Null":{"aws:sourcevpce":false}}"#, without()), Ruling::Silent);
}

#[test]
fn variables_are_filled_in_and_what_comes_out_is_no_wildcard() {
    let on = |resource: &str, version: &str, context: Context| {
        let text = format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}}}"#
        );
        rule(&[&PolicyInPlace::read(Place::Identity, "p", &text)], Use::Identity, &request(context))
    };
    let own = "arn:aws:codeartifact:*:${aws:PrincipalAccount}:repository/d/*";
    let team = "arn:aws:codeartifact:us-east-1:111122223333:repository/d/${aws:PrincipalTag/team}";
    let account = || Context::default().with("aws:principalaccount", "111122223333");
    assert_eq!(on(own, "2012-10-17", account()), Ruling::Allowed);
    assert_eq!(on(own, "2008-10-17", account()), Ruling::Silent, "variables came with the newer version");
    assert!(is_unclear(&on(team, "2012-10-17", Context::default())));
    assert_eq!(on(team, "2012-10-17", Context::default().with("aws:PrincipalTag/team", "*")), Ruling::Silent);
    assert_eq!(on(team, "2012-10-17", Context::default().without_others("aws:PrincipalTag/")), Ruling::Silent);
}

#[test]
fn a_wildcard_that_would_have_to_stand_for_a_colon_is_not_trusted() {
    let on = |resource: &str| {
        rules(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}"#), Context::default())
    };
    assert_eq!(on("arn:aws:codeartifact:*:*:repository/*"), Ruling::Allowed);
    assert!(is_unclear(&on("arn:aws:codeartifact:*:repository/*")));
    assert_eq!(on("arn:aws:codeartifact:*:domain/*"), Ruling::Silent);
}

#[test]
fn not_action_not_resource_and_not_principal() {
    let not_action = r#"{"Effect":"Allow","NotAction":["iam:*","s3:*"],"Resource":"*"}"#;
    let not_resource = r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:codeartifact:*:*:repository/d/*"}"#;
    assert_eq!(rules(&format!("[{not_action},{not_resource}]"), Context::default()), Ruling::Allowed);
    let but = |principal: &str| {
        let text = format!(r#"{{"Effect":"Deny","NotPrincipal":{principal},"Action":"*","Resource":"*"}}"#);
        rule(&[&policy(Place::Resource, &text)], Use::Resource, &request(Context::default()))
    };
    assert!(matches!(but(r#"{"AWS":"arn:aws:iam::111122223333:role/other"}"#), Ruling::Denied(_)));
    assert!(is_unclear(&but(&format!(r#"{{"AWS":["{ROLE}","111122223333"]}}"#))));
}

#[test]
fn whoever_is_named_in_a_resource_policy() {
    let by = |principal: &str| {
        let text = format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}"#);
        let policy = policy(Place::Resource, &text);
        let asked = request(Context::default());
        (rule(&[&policy], Use::Resource, &asked), rule_by_name(&[&policy], Use::Resource, &asked))
    };
    let both = |ruling: Ruling| (ruling.clone(), ruling);
    assert_eq!(by("\"*\""), both(Ruling::Allowed));
    assert_eq!(by(&format!(r#"{{"AWS":"{ROLE}"}}"#)), both(Ruling::Allowed));
    assert_eq!(
        by(r#"{"AWS":"111122223333"}"#),
        (Ruling::Allowed, Ruling::Silent),
        "an account only passes the right on"
    );
    assert_eq!(by(r#"{"AWS":"AROAEXAMPLE"}"#), both(Ruling::Silent), "somebody who is gone");
    assert_eq!(by(r#"{"Service":"codeartifact.amazonaws.com"}"#), both(Ruling::Silent));
    let session = by(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/SageMaker"}"#);
    assert!(is_unclear(&session.0) && is_unclear(&session.1));
}

#[test]
fn every_family_compares_in_its_own_way() {
    let meets = |operator: &str, value: &str, wanted: &str| {
        let condition = format!(r#"{{"{operator}":{{"k:k":"{wanted}"}}}}"#);
        allowed_when(&condition, Context::default().with("k:k", value)) == Ruling::Allowed
    };
    assert!(meets("StringLike", "abc", "a*") && !meets("StringEquals", "abc", "a*"));
    assert!(meets("StringEqualsIgnoreCase", "ABC", "abc") && !meets("StringEquals", "ABC", "abc"));
    assert!(meets("NumericLessThanEquals", "9.5", "10") && !meets("NumericGreaterThan", "9.5", "10"));
    assert!(meets("DateLessThan", "2026-11-22T17:00:00Z", "2026-11-23"));
    assert!(meets("Bool", "true", "TRUE"));
    assert!(meets("IpAddress", "10.1.2.3", "10.0.0.0/8") && meets("NotIpAddress", "11.1.2.3", "10.0.0.0/8"));
    assert!(meets("ArnLike", ROLE, "arn:aws:iam::*:role/*") && !meets("ArnLike", ROLE, "arn:aws:*:*:*:root"));
    assert!(is_unclear(&allowed_when(
        r#"{"IpAddress":{"k:k":"10.0.0.0/8"}}"#,
        Context::default().with("k:k", "somewhere")
    )));
}

fn gates<'a>(identity: &[&'a PolicyInPlace], resource: &[&'a PolicyInPlace], foreign: bool) -> Gates<'a> {
    Gates { identity: identity.to_vec(), resource: resource.to_vec(), foreign, ..Gates::default() }
}

#[test]
fn one_side_is_enough_at_home_and_both_are_needed_between_accounts() {
    let ours = identity(r#"{"Effect":"Allow","Action":"codeartifact:*","Resource":"*"}"#);
    let theirs = policy(
        Place::Resource,
        &format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"codeartifact:*","Resource":"*"}}"#),
    );
    let asked = request(Context::default());
    assert_eq!(gates(&[&ours], &[], false).judge(&asked), Judgement::Allowed);
    assert_eq!(gates(&[], &[&theirs], false).judge(&asked), Judgement::Allowed);
    assert_eq!(gates(&[], &[], false).judge(&asked), Judgement::Missing(vec![Gate::Identity]));
    assert_eq!(gates(&[&ours], &[], true).judge(&asked), Judgement::Missing(vec![Gate::Resource]));
    assert_eq!(gates(&[], &[&theirs], true).judge(&asked), Judgement::Missing(vec![Gate::Identity]));
    assert_eq!(gates(&[&ours], &[&theirs], true).judge(&asked), Judgement::Allowed);
}

#[test]
fn a_boundary_and_an_endpoint_limit_whatever_grants() {
    let ours = identity(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let narrow = policy(Place::Boundary, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let closed = policy(Place::Endpoint, r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#);
    let asked = request(Context::default());
    let limited = Gates { boundary: vec![&narrow], endpoint: Some(vec![&closed]), ..gates(&[&ours], &[], false) };
    assert_eq!(limited.judge(&asked), Judgement::Missing(vec![Gate::Boundary, Gate::Endpoint]));
    let unseen = PolicyInPlace::unseen(Place::Endpoint, "the endpoint", "it is elsewhere");
    let elsewhere = Gates { endpoint: Some(vec![&unseen]), ..gates(&[&ours], &[], false) };
    assert!(matches!(elsewhere.judge(&asked), Judgement::Unclear(_)));
}
