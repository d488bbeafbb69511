//! Endpoint policies: what AWS accepts as one, and in which form it gives it back.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use serde_json::{Map, Value, json};

use super::super::bad_request;
use super::service::Type;
use crate::sandbox::wire::Refusal;

/// Characters, white space included.
const LIMIT: usize = 20_480;

/// The policy of an endpoint that was given none: everybody may do everything.
pub(super) fn default_document() -> String {
    let everything = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    rewritten(&json!({ "Statement": [everything] }))
}

/// The document as it will be kept.
///
/// # Errors
/// `InvalidPolicyDocument`.
pub(super) fn accepted(document: &str, kind: Type) -> Result<String, Refusal> {
    let length = document.chars().count();
    if length > LIMIT {
        return Err(invalid(&format!("The policy document has {length} characters; at most {LIMIT} are allowed.")));
    }
    let parsed: Value = serde_json::from_str(document).map_err(|error| {
        invalid(&format!(
            "The Policy Document is not valid. Syntax error at position ({},{})",
            error.line(),
            error.column()
        ))
    })?;
    check(&parsed, kind).map_err(|complaint| invalid(&format!("The Policy Document is not valid. {complaint}")))?;
    Ok(rewritten(&parsed))
}

fn invalid(message: &str) -> Refusal {
    bad_request("InvalidPolicyDocument", message)
}

fn check(document: &Value, kind: Type) -> Result<(), String> {
    let document = document.as_object().ok_or("It has to be a JSON object.")?;
    if let Some(unknown) = document.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(format!("Unknown field {unknown}."));
    }
    if let Some(version) = document.get("Version")
        && !["2012-10-17", "2008-10-17"].contains(&version.as_str().unwrap_or_default())
    {
        return Err(format!("Unknown version {version}."));
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.clone(),
        Some(statement @ Value::Object(_)) => vec![statement.clone()],
        _ => return Err("It has no statement.".into()),
    };
    statements.iter().try_for_each(|statement| check_statement(statement, kind))
}

fn check_statement(statement: &Value, kind: Type) -> Result<(), String> {
    const FIELDS: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let statement = statement.as_object().ok_or("A statement has to be a JSON object.")?;
    if let Some(unknown) = statement.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(format!("Unknown field {unknown}."));
    }
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err("Effect has to be Allow or Deny.".into());
    }
    for (one, other) in [("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")] {
        if statement.contains_key(one) == statement.contains_key(other) {
            return Err(format!("A statement needs either {one} or {other}."));
        }
    }
    match statement.get("Condition") {
        Some(Value::Object(operators)) => operators.iter().try_for_each(|(name, keys)| check_wildcards(name, keys))?,
        Some(_) => return Err("Condition has to be a JSON object.".into()),
        None => {}
    }
    // Gateway endpoints are for everybody, and restricted by conditions.
    let everybody = [json!("*"), json!({"AWS": "*"}), json!({"AWS": ["*"]})];
    if kind == Type::Gateway && !statement.get("Principal").is_some_and(|principal| everybody.contains(principal)) {
        return Err("The principal of a gateway endpoint's policy has to be *.".into());
    }
    Ok(())
}

/// Keys whose values have to be given in full.
const IN_FULL: [&str; 8] = [
    "aws:principalaccount",
    "aws:resourceaccount",
    "aws:sourceaccount",
    "aws:principalorgid",
    "aws:resourceorgid",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
];
/// Characters that have to stand together before or behind a wildcard.
const AROUND_WILDCARD: usize = 6;

/// Wildcards in texts are limited in endpoint policies, other than elsewhere
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>).
fn check_wildcards(operator: &str, keys: &Value) -> Result<(), String> {
    let operator = operator.rsplit(':').next().unwrap_or_default();
    if !operator.starts_with("String") {
        return Ok(());
    }
    for (key, values) in keys.as_object().into_iter().flatten() {
        let values = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
        for value in values.iter().filter_map(Value::as_str).filter(|value| value.contains(['*', '?'])) {
            if IN_FULL.contains(&key.to_ascii_lowercase().as_str()) {
                return Err(format!("The value of {key} cannot contain a wildcard."));
            }
            let lengths: Vec<usize> = value.split(['*', '?']).map(|part| part.chars().count()).collect();
            if lengths.windows(2).any(|beside| beside.iter().all(|length| *length < AROUND_WILDCARD)) {
                return Err(format!(
                    "{AROUND_WILDCARD} characters have to precede or follow a wildcard, as not in {value}."
                ));
            }
        }
    }
    Ok(())
}

/// AWS may give a policy back re-serialised: here in its own order and layout, so that whoever compares
/// texts instead of meanings finds out.
fn rewritten(document: &Value) -> String {
    serde_json::to_string_pretty(&sorted(document)).unwrap_or_default()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_principal(principal: &Value) -> String {
        let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"});
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    #[test]
    fn a_gateway_policy_is_for_everybody() {
        let role = json!({"AWS": "arn:aws:iam::111122223333:role/r"});
        assert!(accepted(&with_principal(&role), Type::Interface).is_ok());
        assert!(accepted(&with_principal(&role), Type::Gateway).is_err());
        assert!(accepted(&with_principal(&json!("*")), Type::Gateway).is_ok());
    }

    #[test]
    fn a_policy_needs_a_principal() {
        let document = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let refusal = accepted(document, Type::Interface).expect_err("no principal");
        assert_eq!(refusal.code, "InvalidPolicyDocument");
    }

    #[test]
    fn wildcards_need_company_and_account_numbers_none() {
        let under = |operator: &str, key: &str, value: Value| {
            let mut document: Value = serde_json::from_str(&with_principal(&json!("*"))).expect("JSON");
            document["Statement"][0]["Condition"] = json!({operator: {key: value}});
            accepted(&document.to_string(), Type::Interface).map(drop).map_err(|refusal| refusal.code)
        };
        let refused = Err("InvalidPolicyDocument".to_owned());
        assert_eq!(under("StringLike", "s3:prefix", json!("home/*")), refused);
        assert_eq!(under("StringLike", "s3:prefix", json!(["homes/*", "*/shared", "a*notebook"])), Ok(()));
        assert_eq!(under("StringLike", "aws:PrincipalAccount", json!("1111222233*")), refused);
        assert_eq!(under("ForAnyValue:StringLike", "aws:SourceVpc", json!("vpc-012345*")), refused);
        assert_eq!(under("ArnLike", "aws:PrincipalArn", json!("arn:*")), Ok(()));
        assert_eq!(under("StringEquals", "aws:PrincipalAccount", json!("111122223333")), Ok(()));
    }

    #[test]
    fn white_space_counts_towards_the_length() {
        let document = with_principal(&json!("*"));
        let padded = format!("{document}{}", " ".repeat(LIMIT - document.len()));
        assert!(accepted(&padded, Type::Interface).is_ok());
        assert!(accepted(&format!("{padded} "), Type::Interface).is_err());
    }

    #[test]
    fn a_policy_comes_back_in_another_layout_with_the_same_meaning() {
        let document = with_principal(&json!("*"));
        let kept = accepted(&document, Type::Interface).expect("acceptable");
        assert_ne!(kept, document);
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(parse(&kept), parse(&document));
    }
}
