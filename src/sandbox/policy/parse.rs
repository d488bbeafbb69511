//! The grammar. What AWS says about a document that breaks it depends on where the document is used; the order of the
//! checks is the order in which AWS complains.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use serde_json::{Map, Value};

use super::condition::{Condition, Operator};
use super::{Document, Effect, Kind, Malformed, Principal, Scope, Statement};

type Parsed<T> = Result<T, Malformed>;

pub(super) fn document(text: &str, kind: Kind) -> Parsed<Document> {
    let value: Value = serde_json::from_str(text).map_err(|_| match kind {
        Kind::Trust => Malformed::new("This policy contains invalid Json"),
        Kind::Identity | Kind::Resource => Malformed::syntax(),
    })?;
    let members = object(&value)?;
    only(members, &["Version", "Id", "Statement"])?;
    let version = optional_text(members, "Version")?;
    if !matches!(version, None | Some("2008-10-17" | "2012-10-17")) {
        return Err(Malformed::syntax());
    }
    optional_text(members, "Id")?;
    let raw = match members.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => return Err(Malformed::syntax()),
    };
    let statements = raw.iter().map(|raw| statement(raw, kind)).collect::<Parsed<Vec<_>>>()?;
    if kind == Kind::Identity && version != Some("2012-10-17") {
        return Err(Malformed::new("Policy document must be version 2012-10-17 or greater."));
    }
    sids(&statements)?;
    for (statement, raw) in statements.iter().zip(raw) {
        meaning(statement, raw, kind)?;
    }
    Ok(Document { variables: version == Some("2012-10-17"), statements })
}

fn statement(value: &Value, kind: Kind) -> Parsed<Statement> {
    let members = object(value)?;
    only(
        members,
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"],
    )?;
    let effect = match optional_text(members, "Effect")? {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        None if kind == Kind::Trust => return Err(Malformed::new("Missing required field Effect")),
        _ => return Err(Malformed::syntax()),
    };
    Ok(Statement {
        sid: optional_text(members, "Sid")?.map(str::to_owned),
        effect,
        principals: either(members, "Principal", "NotPrincipal", principals)?,
        actions: either(members, "Action", "NotAction", texts)?.unwrap_or(Scope::Only(Vec::new())),
        resources: either(members, "Resource", "NotResource", texts)?,
        conditions: members.get("Condition").map_or(Ok(Vec::new()), conditions)?,
    })
}

/// What the parts of a statement have to be beyond their shape.
fn meaning(statement: &Statement, raw: &Value, kind: Kind) -> Parsed<()> {
    match (kind, &statement.principals) {
        (Kind::Identity, Some(_)) => return Err(Malformed::new("Policy document should not specify a principal.")),
        (Kind::Trust | Kind::Resource, None) => return Err(Malformed::new("Missing required field Principal")),
        _ => {}
    }
    if kind == Kind::Trust {
        let prohibited = ["Resource", "NotResource"].into_iter().find(|name| raw.get(*name).is_some());
        if let Some(name) = prohibited {
            return Err(Malformed::new(format!("Has prohibited field {name}")));
        }
        if statement.actions.entries().is_empty() {
            return Err(Malformed::new("Missing required field Action"));
        }
        return trust_actions(statement);
    }
    let actions = statement.actions.entries();
    if actions.is_empty() {
        return Err(Malformed::new("Policy statement must contain actions."));
    }
    actions.iter().try_for_each(|action| vendor(action))?;
    let resources = statement.resources.as_ref().map_or(&[][..], Scope::entries);
    if resources.is_empty() {
        return Err(Malformed::new("Policy statement must contain resources."));
    }
    resources.iter().try_for_each(|resource| arn(resource))?;
    if actions.iter().any(|action| action.matches(':').count() > 1) {
        return Err(Malformed::new("Actions/Condition can contain only one colon."));
    }
    Ok(())
}

fn trust_actions(statement: &Statement) -> Parsed<()> {
    let is_sts = |action: &String| action.to_ascii_lowercase().starts_with("sts:");
    if matches!(statement.actions, Scope::Only(_)) && statement.actions.entries().iter().all(is_sts) {
        return Ok(());
    }
    Err(Malformed::new("AssumeRole policy may only specify STS AssumeRole actions."))
}

fn vendor(action: &str) -> Parsed<()> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, _)) = action.split_once(':') else {
        return Err(Malformed::new("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
    };
    let fine = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if vendor.is_empty() || !vendor.chars().all(fine) {
        return Err(Malformed::new(format!("Vendor {vendor} is not valid")));
    }
    Ok(())
}

fn arn(resource: &str) -> Parsed<()> {
    if resource == "*" {
        return Ok(());
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let not_an_arn = || Malformed::new(format!("Resource {resource} must be in ARN format or \"*\"."));
    if parts[0] != "arn" {
        return Err(not_an_arn());
    }
    if parts.len() < 3 {
        return Err(Malformed::new("Resource vendor must be fully qualified and cannot contain regexes."));
    }
    let partition = parts[1];
    if !(partition == "*" || partition == "aws" || partition.starts_with("aws-") || partition.starts_with("${")) {
        return Err(Malformed::new(format!("Partition \"{partition}\" is not valid for resource \"{resource}\".")));
    }
    if parts.len() < 6 && parts[parts.len() - 1] != "*" {
        return Err(Malformed::new("The policy failed legacy parsing"));
    }
    Ok(())
}

fn sids(statements: &[Statement]) -> Parsed<()> {
    let mut seen = Vec::new();
    for sid in statements.iter().filter_map(|statement| statement.sid.as_deref()).filter(|sid| !sid.is_empty()) {
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Malformed::new(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ));
        }
        if seen.contains(&sid) {
            return Err(Malformed::new("Statement IDs (SID) in a single policy must be unique."));
        }
        seen.push(sid);
    }
    Ok(())
}

fn principals(value: &Value) -> Parsed<Vec<Principal>> {
    if value.as_str() == Some("*") {
        return Ok(vec![Principal::Anyone]);
    }
    let mut out = Vec::new();
    for (kind, entries) in object(value)? {
        for entry in texts(entries)? {
            out.push(match (kind.as_str(), entry) {
                ("AWS", entry) if entry == "*" => Principal::Anyone,
                ("AWS", entry) => Principal::Aws(entry),
                ("Service", entry) => Principal::Service(entry),
                ("Federated", entry) => Principal::Federated(entry),
                ("CanonicalUser", entry) => Principal::CanonicalUser(entry),
                _ => return Err(Malformed::syntax()),
            });
        }
    }
    if out.is_empty() { Err(Malformed::syntax()) } else { Ok(out) }
}

fn conditions(value: &Value) -> Parsed<Vec<Condition>> {
    let mut out = Vec::new();
    for (name, keys) in object(value)? {
        let operator = Operator::named(name).ok_or_else(Malformed::syntax)?;
        for (key, wanted) in object(keys)? {
            out.push(Condition::new(operator, key, scalars(wanted)?));
        }
    }
    Ok(out)
}

/// An element or its negation; both at once is one too many.
fn either<T>(
    members: &Map<String, Value>,
    positive: &str,
    negative: &str,
    read: impl Fn(&Value) -> Parsed<Vec<T>>,
) -> Parsed<Option<Scope<T>>> {
    match (members.get(positive), members.get(negative)) {
        (Some(_), Some(_)) => Err(Malformed::syntax()),
        (Some(value), None) => read(value).map(|entries| Some(Scope::Only(entries))),
        (None, Some(value)) => read(value).map(|entries| Some(Scope::AllBut(entries))),
        (None, None) => Ok(None),
    }
}

fn object(value: &Value) -> Parsed<&Map<String, Value>> {
    value.as_object().ok_or_else(Malformed::syntax)
}

fn only(members: &Map<String, Value>, known: &[&str]) -> Parsed<()> {
    if members.keys().all(|name| known.contains(&name.as_str())) { Ok(()) } else { Err(Malformed::syntax()) }
}

fn optional_text<'a>(members: &'a Map<String, Value>, name: &str) -> Parsed<Option<&'a str>> {
    members.get(name).map(|value| value.as_str().ok_or_else(Malformed::syntax)).transpose()
}

fn texts(value: &Value) -> Parsed<Vec<String>> {
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    entries.iter().map(|entry| entry.as_str().map(str::to_owned).ok_or_else(Malformed::syntax)).collect()
}

/// In conditions numbers and booleans stand for their text.
fn scalars(value: &Value) -> Parsed<Vec<String>> {
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    let text = |entry: &Value| match entry {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(entry.to_string()),
        _ => Err(Malformed::syntax()),
    };
    entries.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(kind: Kind, statement: &Value) -> String {
        let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        document(&text, kind).map_or_else(|Malformed(message)| message, |_| String::new())
    }

    fn about(member: &str, value: &Value) -> String {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"});
        statement[member] = value.clone();
        complaint(Kind::Identity, &statement)
    }

    #[test]
    fn a_document_needs_its_version_and_statements_in_the_right_shape() {
        let statement = json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"});
        let parse = |value: Value| document(&value.to_string(), Kind::Identity).map(drop);
        assert_eq!(parse(json!({"Version": "2012-10-17", "Statement": [statement]})), Ok(()));
        let old = Err(Malformed::new("Policy document must be version 2012-10-17 or greater."));
        assert_eq!(parse(json!({"Statement": [statement]})), old);
        assert_eq!(parse(json!({"Version": "2008-10-17", "Statement": [statement]})), old);
        assert_eq!(parse(json!({"Version": "2013-10-17", "Statement": [statement]})), Err(Malformed::syntax()));
        assert_eq!(parse(json!({"Version": "2012-10-17", "Statement": []})), Err(Malformed::syntax()));
        assert_eq!(
            parse(json!({"Version": "2012-10-17", "Statement": [statement], "More": 1})),
            Err(Malformed::syntax())
        );
        assert_eq!(document("not json", Kind::Trust), Err(Malformed::new("This policy contains invalid Json")));
    }

    #[test]
    fn each_broken_element_has_its_own_complaint() {
        assert_eq!(about("Sid", &json!("ok1")), "");
        assert!(about("Sid", &json!("not ok")).starts_with("Statement IDs (SID) must be alpha-numeric."));
        assert_eq!(about("Effect", &json!("allow")), "Syntax errors in policy.");
        assert_eq!(about("Action", &json!([])), "Policy statement must contain actions.");
        assert!(about("Action", &json!("ListBucket")).starts_with("Actions/Conditions must be prefaced by a vendor"));
        assert_eq!(about("Action", &json!("a a:b")), "Vendor a a is not valid");
        assert_eq!(about("Action", &json!("a:b:c")), "Actions/Condition can contain only one colon.");
        assert_eq!(about("Resource", &json!([])), "Policy statement must contain resources.");
        assert_eq!(about("Resource", &json!("bucket")), "Resource bucket must be in ARN format or \"*\".");
        assert_eq!(about("Resource", &json!("arn:aws:s3::bucket")), "The policy failed legacy parsing");
        assert_eq!(
            about("Resource", &json!("arn:moon:s3:::bucket")),
            "Partition \"moon\" is not valid for resource \"arn:moon:s3:::bucket\"."
        );
        assert_eq!(about("NotAction", &json!("s3:*")), "Syntax errors in policy.");
        assert_eq!(about("Condition", &json!({"StringMatches": {"a": "b"}})), "Syntax errors in policy.");
        assert_eq!(about("Principal", &json!("*")), "Policy document should not specify a principal.");
        assert_eq!(about("Comment", &json!("hello")), "Syntax errors in policy.");
    }

    #[test]
    fn the_same_sid_twice_is_refused() {
        let statement = json!({"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        assert_eq!(
            complaint(Kind::Identity, &json!([statement, statement])),
            "Statement IDs (SID) in a single policy must be unique."
        );
    }

    #[test]
    fn a_trust_policy_names_principals_and_sts_actions_and_no_resource() {
        let trust =
            json!({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"});
        assert_eq!(complaint(Kind::Trust, &trust), "");
        let with = |member: &str, value: Value| {
            let mut statement = trust.clone();
            statement[member] = value;
            complaint(Kind::Trust, &statement)
        };
        let without = |member: &str| {
            let mut statement = trust.clone();
            statement.as_object_mut().unwrap().remove(member);
            complaint(Kind::Trust, &statement)
        };
        assert_eq!(with("Resource", json!("*")), "Has prohibited field Resource");
        assert_eq!(with("Action", json!("s3:GetObject")), "AssumeRole policy may only specify STS AssumeRole actions.");
        assert_eq!(without("Principal"), "Missing required field Principal");
        assert_eq!(without("Action"), "Missing required field Action");
        assert_eq!(without("Effect"), "Missing required field Effect");
    }

    #[test]
    fn numbers_and_booleans_in_conditions_are_texts() {
        let condition =
            json!({"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"aws:MultiFactorAuthAge": [3600]}});
        assert_eq!(about("Condition", &condition), "");
    }
}
