//! The constraints on STS's parameters (service model).

use std::sync::LazyLock;

use regex::Regex;

use super::super::iam::parameters::{at_most_50, constraint, length, missing, number, tags, validation_errors};
use super::super::policy::{Document, Kind};
use super::super::wire::{Call, Refusal};

/// Characters of a session policy.
pub(super) const SESSION_POLICY_LIMIT: usize = 2048;

static SESSION_NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Za-z0-9_+=,.@-]*$"));
static SERIAL_NUMBER: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Za-z0-9_+=/:,.@-]*$"));
static TOKEN_CODE: LazyLock<Regex> = LazyLock::new(|| regex(r"^[0-9]*$"));
static EXTERNAL_ID: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Za-z0-9_+=,.@:/-]*$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

pub(super) fn check_assume_role(call: &Call) -> Result<(), Refusal> {
    let mut broken = common(call);
    if let Some(id) = call.text("ExternalId") {
        length(id, "externalId", 2, 1224, &mut broken);
        matches(id, "externalId", &EXTERNAL_ID, r"[\w+=,.@:\/-]*", &mut broken);
    }
    if let Some(identity) = call.text("SourceIdentity") {
        length(identity, "sourceIdentity", 2, 64, &mut broken);
        matches(identity, "sourceIdentity", &SESSION_NAME, r"[\w+=,.@-]*", &mut broken);
    }
    tags(call.items("Tags"), "tags", &mut broken);
    at_most_50(call.items("TransitiveTagKeys"), "transitiveTagKeys", &mut broken);
    device(call, &mut broken);
    finish(&broken)?;
    session_policy(call)
}

pub(super) fn check_web_identity(call: &Call) -> Result<(), Refusal> {
    let mut broken = common(call);
    match call.text("WebIdentityToken") {
        Some(token) => length(token, "webIdentityToken", 4, 20_000, &mut broken),
        None => broken.push(missing("webIdentityToken")),
    }
    if let Some(provider) = call.text("ProviderId") {
        length(provider, "providerId", 4, 2048, &mut broken);
    }
    finish(&broken)?;
    session_policy(call)
}

pub(super) fn check_session_token(call: &Call) -> Result<(), Refusal> {
    let mut broken = Vec::new();
    if let Some(seconds) = call.text("DurationSeconds") {
        number(seconds, "durationSeconds", 900, 129_600, &mut broken);
    }
    device(call, &mut broken);
    finish(&broken)
}

/// The device of a second factor and what it shows. Nobody here has one, so that nothing is made of it.
fn device(call: &Call, broken: &mut Vec<String>) {
    if let Some(serial) = call.text("SerialNumber") {
        length(serial, "serialNumber", 9, 256, broken);
        matches(serial, "serialNumber", &SERIAL_NUMBER, r"[\w+=/:,.@-]*", broken);
    }
    if let Some(code) = call.text("TokenCode") {
        length(code, "tokenCode", 6, 6, broken);
        matches(code, "tokenCode", &TOKEN_CODE, r"[\d]*", broken);
    }
}

/// What all ways of taking a role have in common.
fn common(call: &Call) -> Vec<String> {
    let mut broken = Vec::new();
    match call.text("RoleArn") {
        Some(arn) => length(arn, "roleArn", 20, 2048, &mut broken),
        None => broken.push(missing("roleArn")),
    }
    match call.text("RoleSessionName") {
        Some(name) => {
            length(name, "roleSessionName", 2, 64, &mut broken);
            matches(name, "roleSessionName", &SESSION_NAME, r"[\w+=,.@-]*", &mut broken);
        }
        None => broken.push(missing("roleSessionName")),
    }
    if let Some(seconds) = call.text("DurationSeconds") {
        number(seconds, "durationSeconds", 900, 43_200, &mut broken);
    }
    if let Some(policy) = call.text("Policy") {
        length(policy, "policy", 1, SESSION_POLICY_LIMIT, &mut broken);
    }
    broken
}

fn matches(text: &str, place: &str, pattern: &Regex, shown: &str, broken: &mut Vec<String>) {
    if !pattern.is_match(text) {
        broken.push(constraint(text, place, &format!("Member must satisfy regular expression pattern: {shown}")));
    }
}

fn finish(broken: &[String]) -> Result<(), Refusal> {
    if broken.is_empty() { Ok(()) } else { Err(validation_errors(broken)) }
}

fn session_policy(call: &Call) -> Result<(), Refusal> {
    let Some(policy) = call.text("Policy") else { return Ok(()) };
    Document::parse(policy, Kind::Identity)
        .map(drop)
        .map_err(|malformed| Refusal::new(400, "MalformedPolicyDocument", malformed.0))
}
