//! Principals in stored policies. AWS keeps the unique id of a role or user, not its name: somebody else who later gets
//! the name is not meant, and after the end of a principal its bare id is what shows.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::clock::Instant;
use super::super::policy::{canonical, replace_principals};
use super::super::world::World;

/// A principal that a policy may not name because there is no such principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPrincipal {
    kind: String,
    name: String,
}

impl std::fmt::Display for InvalidPrincipal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.kind.to_uppercase();
        write!(formatter, "Invalid principal in policy: \"{kind}\":\"{}\"", self.name)
    }
}

/// The form in which a document that names principals is kept: canonical, with unique ids. The document must have been
/// parsed before.
///
/// # Errors
/// It names a principal that does not exist, or not yet as far as the rest of AWS can see.
pub fn store_principals(world: &mut World, document: &str, now: Instant) -> Result<String, InvalidPrincipal> {
    let mut value = serde_json::from_str(document).unwrap_or(Value::Null);
    replace_principals(&mut value, |kind, name| {
        stored(world, kind, name, now).ok_or_else(|| InvalidPrincipal { kind: kind.to_owned(), name: name.to_owned() })
    })?;
    Ok(canonical(&value))
}

/// The form in which a stored document is shown and judged: ARNs for those who live, ids for those who are gone.
#[must_use]
pub fn show_principals(world: &mut World, stored: &str) -> String {
    if !stored.contains("\"AROA") && !stored.contains("\"AIDA") {
        return stored.to_owned();
    }
    let mut value = serde_json::from_str(stored).unwrap_or(Value::Null);
    let shown = replace_principals::<()>(&mut value, |_, name| {
        Ok(arn_of_unique_id(world, name).unwrap_or_else(|| name.to_owned()))
    });
    if shown.is_ok() { value.to_string() } else { stored.to_owned() }
}

static SERVICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$").expect("the pattern is a constant")
});

fn stored(world: &mut World, kind: &str, name: &str, now: Instant) -> Option<String> {
    match kind {
        "Service" => SERVICE.is_match(name).then(|| name.to_owned()),
        "AWS" => stored_aws(world, name, now),
        _ => Some(name.to_owned()),
    }
}

fn stored_aws(world: &mut World, name: &str, now: Instant) -> Option<String> {
    if name == "*" {
        return Some(name.to_owned());
    }
    if is_account(name) {
        return Some(format!("arn:{}:iam::{name}:root", world.partition));
    }
    if name.starts_with("AROA") || name.starts_with("AIDA") {
        return arn_of_unique_id(world, name).map(|_| name.to_owned());
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let [arn, partition, service, "", account, resource] = parts[..] else { return None };
    if arn != "arn" || partition != world.partition || !is_account(account) {
        return None;
    }
    if service == "iam" && resource == "root" || service == "sts" && resource.starts_with("federated-user/") {
        return Some(name.to_owned());
    }
    let state = &world.account(account).iam;
    let id = state.unique_id_of(name)?;
    let is_new = state.role_by_arn(name).is_some_and(|role| now < role.visible_from);
    (!is_new).then_some(id)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Looks in all accounts: an id does not say where it belongs.
fn arn_of_unique_id(world: &mut World, id: &str) -> Option<String> {
    let accounts: Vec<String> = world.account_ids().map(str::to_owned).collect();
    accounts.iter().find_map(|account| world.account(account).iam.arn_of_unique_id(id))
}
