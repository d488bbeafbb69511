//! The rules of CodeArtifact's members, as its service model (2018-09-22) states them, and the forms of its refusals.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/service-limits.html>.

use std::sync::LazyLock;

use serde_json::Value;

use crate::sandbox::constraint::{Members, Text};
use crate::sandbox::wire::Refusal;

/// Part of a DNS name, therefore strict.
pub static DOMAIN: LazyLock<Text> = LazyLock::new(|| Text::matching(2, 50, r"[a-z][a-z0-9\-]{0,48}[a-z0-9]"));
/// An account number.
pub static ACCOUNT: LazyLock<Text> = LazyLock::new(|| Text::matching(12, 12, "[0-9]{12}"));
/// A repository, by name and never by ARN.
pub static REPOSITORY: LazyLock<Text> = LazyLock::new(|| Text::matching(2, 100, r"[A-Za-z0-9][A-Za-z0-9._\-]{1,99}"));
/// A public repository.
pub static CONNECTION: LazyLock<Text> = LazyLock::new(|| Text::matching(2, 100, r"[A-Za-z0-9][A-Za-z0-9._\-:]{1,99}"));
/// A description.
pub static DESCRIPTION: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 1000, r"\P{C}*"));
/// An ARN or, for keys, an id or alias.
pub static ARN: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 1011, r"\S+"));
/// A policy document.
pub static POLICY: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 7168, r"[\P{C}\s]+"));
/// The revision of a policy.
pub static POLICY_REVISION: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 100, r"\S+"));
/// The token of a further page.
pub static NEXT_TOKEN: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 2000, r"\S+"));
/// Namespaces, packages and versions.
pub static PACKAGE: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 255, r"[^#/\s]+"));
/// The file of a package version.
pub static ASSET: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 255, r"\P{C}+"));
/// The digest of an asset.
pub static SHA256: LazyLock<Text> = LazyLock::new(|| Text::matching(64, 64, "[0-9a-f]+"));
/// The revision of a package version.
pub static REVISION: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 50, r"\S+"));
/// The key of a tag.
pub static TAG_KEY: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 128, r"\P{C}+"));
/// The value of a tag.
pub static TAG_VALUE: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 256, r"\P{C}*"));
/// The formats of packages.
pub const FORMATS: [&str; 8] = ["npm", "pypi", "maven", "nuget", "generic", "ruby", "swift", "cargo"];
/// Tags that a domain or repository can have, although the model lets 200 pass.
pub const MOST_TAGS: usize = 50;

/// A member that breaks the rules of the model.
pub fn malformed(message: String) -> Refusal {
    Refusal::new(400, "ValidationException", message).with("reason", "FIELD_VALIDATION_FAILED")
}

/// A request that keeps the rules of the model and makes no sense all the same.
pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message).with("reason", "OTHER")
}

/// Something that does not exist.
pub fn not_found(kind: &str, id: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message).with("resourceId", id).with("resourceType", kind)
}

/// Something that exists already, or is in a state that forbids this.
pub fn conflict(kind: &str, id: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ConflictException", message).with("resourceId", id).with("resourceType", kind)
}

/// A quota that is used up: status 402 in this service.
pub fn quota_exceeded(kind: &str, id: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(402, "ServiceQuotaExceededException", message).with("resourceId", id).with("resourceType", kind)
}

/// A caller without permission.
pub fn denied(caller: &str, action: &str, resource: &str) -> Refusal {
    let message = format!("User: {caller} is not authorized to perform: {action} on resource: {resource}");
    Refusal::new(403, "AccessDeniedException", message)
}

/// Tags as they were sent, each checked.
pub fn tags(members: &mut Members<'_>) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for (index, tag) in members.list("tags", 0, 200).unwrap_or_default().iter().enumerate() {
        let part = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        members.check(&format!("tags.{}.member.key", index + 1), part("key"), &TAG_KEY);
        members.check(&format!("tags.{}.member.value", index + 1), part("value"), &TAG_VALUE);
        tags.push((part("key").to_owned(), part("value").to_owned()));
    }
    tags
}

/// Refuses keys that are reserved and keys that come twice.
///
/// # Errors
/// A validation refusal.
pub fn forbid_reserved(tags: &[(String, String)]) -> Result<(), Refusal> {
    for (index, (key, _)) in tags.iter().enumerate() {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("Tag keys that start with aws: are reserved: {key}")));
        }
        if tags[..index].iter().any(|(earlier, _)| earlier == key) {
            return Err(invalid(format!("Duplicate tag key: {key}")));
        }
    }
    Ok(())
}

/// Refuses more tags than a resource can have.
///
/// # Errors
/// A quota refusal.
pub fn must_not_be_too_many(count: usize, kind: &str, arn: &str) -> Result<(), Refusal> {
    if count <= MOST_TAGS {
        return Ok(());
    }
    Err(quota_exceeded(kind, arn, format!("The limit of {MOST_TAGS} tags on {arn} would be exceeded")))
}
