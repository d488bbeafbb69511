//! IAM's policy language: what a valid document is, and what it says about a request.
//!
//! The simulator has its own reading of the language and shares none with the product, so that a misunderstanding on
//! one side shows. It knows no account and no role: whoever calls turns stored principals into ARNs first and gives
//! the context keys of the request.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

mod condition;
mod evaluate;
mod parse;
mod pattern;

use serde_json::{Map, Value};

use condition::Condition;
pub use evaluate::{AccessRequest, Decision, evaluate, grants_by_name};

/// Where a document is used; each place has its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a role or user: no principal, `2012-10-17` only.
    Identity,
    /// Who may take a role: no resource, STS actions only.
    Trust,
    /// Attached to a resource: names principals and resources.
    Resource,
}

/// A document that is no valid policy, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl Malformed {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn syntax() -> Self {
        Self::new("Syntax errors in policy.")
    }
}

/// A valid policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Policy variables exist since `2012-10-17` only; a document without a version is from before.
    variables: bool,
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    principals: Option<Scope<Principal>>,
    actions: Scope<String>,
    resources: Option<Scope<String>>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// `Action` and its like, or `NotAction` and its like.
#[derive(Debug, Clone, PartialEq)]
enum Scope<T> {
    Only(Vec<T>),
    AllBut(Vec<T>),
}

impl<T> Scope<T> {
    fn entries(&self) -> &[T] {
        match self {
            Self::Only(entries) | Self::AllBut(entries) => entries,
        }
    }

    fn covers(&self, matches: impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::Only(entries) => entries.iter().any(matches),
            Self::AllBut(entries) => !entries.iter().any(matches),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Principal {
    Anyone,
    /// ARN, account number, or the unique id of somebody who is gone.
    Aws(String),
    Service(String),
    Federated(String),
    CanonicalUser(String),
}

impl Document {
    /// Reads a document by the rules of the place where it is to be used.
    ///
    /// # Errors
    /// What AWS would say about it.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        parse::document(text, kind)
    }
}

/// Replaces every `AWS`, `Service` and `Federated` principal of a document; the closure gets the kind and the value.
/// A principal `"*"` is left alone.
///
/// # Errors
/// The first error of the closure.
pub fn replace_principals<E>(
    document: &mut Value,
    mut replace: impl FnMut(&str, &str) -> Result<String, E>,
) -> Result<(), E> {
    for statement in statements_mut(document) {
        for element in ["Principal", "NotPrincipal"] {
            let Some(Value::Object(kinds)) = statement.get_mut(element) else { continue };
            for (kind, entries) in kinds {
                let entries = match entries {
                    Value::Array(entries) => entries.as_mut_slice(),
                    single => std::slice::from_mut(single),
                };
                for entry in entries {
                    if let Some(text) = entry.as_str() {
                        *entry = Value::String(replace(kind, text)?);
                    }
                }
            }
        }
    }
    Ok(())
}

fn statements_mut(document: &mut Value) -> &mut [Value] {
    match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(single) => std::slice::from_mut(single),
        None => &mut [],
    }
}

/// The form in which AWS gives back documents that it takes apart: no white space, elements in the
/// order of the grammar, statements as a list, a list of one as its only element.
#[must_use]
pub fn canonical(document: &Value) -> String {
    const TOP: [&str; 3] = ["Version", "Id", "Statement"];
    const STATEMENT: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let mut out = ordered(document, &TOP);
    for statement in statements_mut(&mut out) {
        *statement = ordered(statement, &STATEMENT);
        for element in statement.as_object_mut().into_iter().flatten().map(|(_, value)| value) {
            unwrap_singles(element);
        }
    }
    if let Some(statement) = out.get_mut("Statement").filter(|statement| statement.is_object()) {
        *statement = Value::Array(vec![statement.take()]);
    }
    out.to_string()
}

fn ordered(value: &Value, order: &[&str]) -> Value {
    let known = order.iter().filter_map(|name| Some(((*name).to_owned(), value.get(*name)?.clone())));
    Value::Object(known.collect::<Map<_, _>>())
}

fn unwrap_singles(value: &mut Value) {
    match value {
        Value::Array(entries) if entries.len() == 1 => *value = entries.remove(0),
        Value::Object(members) => members.iter_mut().for_each(|(_, member)| unwrap_singles(member)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_canonical_document_is_compact_ordered_and_without_lists_of_one() {
        let document = json!({
            "Statement": {"Action": ["sts:AssumeRole"], "Principal": {"AWS": ["a", "b"], "Service": ["s"]}, "Effect": "Allow"},
            "Version": "2012-10-17",
        });
        assert_eq!(
            canonical(&document),
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["a","b"],"Service":"s"},"Action":"sts:AssumeRole"}]}"#
        );
    }

    #[test]
    fn principals_are_replaced_wherever_they_stand() {
        let mut document = json!({"Statement": [
            {"Principal": {"AWS": "x"}}, {"NotPrincipal": {"AWS": ["x", "y"]}}, {"Principal": "*"},
        ]});
        replace_principals::<()>(&mut document, |_, name| Ok(name.to_uppercase())).unwrap();
        assert_eq!(
            document,
            json!({"Statement": [{"Principal": {"AWS": "X"}}, {"NotPrincipal": {"AWS": ["X", "Y"]}}, {"Principal": "*"}]})
        );
    }
}
