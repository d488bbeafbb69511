//! What every IAM operation takes, and the complaints about parameters that break the model's constraints.
//! Here stands the form of parameters only; whether the things they name exist is for the operations.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::wire::{Call, Refusal, boolean};
use super::validation_error;

/// A parameter of an operation.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    name: &'static str,
    required: bool,
    form: Form,
}

/// The shapes of the model that differ in their constraints.
#[derive(Clone, Copy)]
enum Form {
    /// `[\w+=,.@-]+`
    Name(usize),
    Path,
    PolicyPath,
    PathPrefix,
    Document,
    Description,
    AnyText(usize),
    Number(i64, i64),
    Arn,
    Version,
    Boolean,
    OneOf(&'static [&'static str]),
    EachOf(&'static [&'static str]),
    Tags,
    TagKeys,
}

const fn needs(name: &'static str, form: Form) -> Parameter {
    Parameter { name, required: true, form }
}

const fn takes(name: &'static str, form: Form) -> Parameter {
    Parameter { name, required: false, form }
}

const ROLE: Parameter = needs("RoleName", Form::Name(64));
const PROFILE: Parameter = needs("InstanceProfileName", Form::Name(128));
const POLICY_ARN: Parameter = needs("PolicyArn", Form::Arn);
const POLICY_NAME: Parameter = needs("PolicyName", Form::Name(128));
const POLICY_DOCUMENT: Parameter = needs("PolicyDocument", Form::Document);
const VERSION: Parameter = needs("VersionId", Form::Version);
const MARKER: Parameter = takes("Marker", Form::AnyText(320));
const MAX_ITEMS: Parameter = takes("MaxItems", Form::Number(1, 1000));
const TAGS: Parameter = takes("Tags", Form::Tags);
const USAGE: Parameter = takes("PolicyUsageFilter", Form::OneOf(&["PermissionsPolicy", "PermissionsBoundary"]));
const ENTITIES: &[&str] = &["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
const SESSION: Form = Form::Number(3600, 43200);

/// The parameters of an operation, `None` if IAM here does not have it (by the service model).
pub(super) fn of(operation: &str) -> Option<Vec<Parameter>> {
    Some(match operation {
        "CreateRole" => vec![
            takes("Path", Form::Path),
            ROLE,
            needs("AssumeRolePolicyDocument", Form::Document),
            takes("Description", Form::Description),
            takes("MaxSessionDuration", SESSION),
            takes("PermissionsBoundary", Form::Arn),
            TAGS,
        ],
        "GetRole" | "DeleteRole" | "DeleteServiceLinkedRole" | "DeleteRolePermissionsBoundary" => vec![ROLE],
        "CreateServiceLinkedRole" => vec![
            needs("AWSServiceName", Form::Name(128)),
            takes("Description", Form::Description),
            takes("CustomSuffix", Form::Name(64)),
        ],
        "GetServiceLinkedRoleDeletionStatus" => vec![needs("DeletionTaskId", Form::AnyText(1000))],
        "UpdateRole" => vec![ROLE, takes("Description", Form::Description), takes("MaxSessionDuration", SESSION)],
        "UpdateRoleDescription" => vec![ROLE, needs("Description", Form::Description)],
        "UpdateAssumeRolePolicy" => vec![ROLE, POLICY_DOCUMENT],
        "CreateInstanceProfile" => vec![PROFILE, takes("Path", Form::Path), TAGS],
        "GetInstanceProfile" | "DeleteInstanceProfile" => vec![PROFILE],
        "AddRoleToInstanceProfile" | "RemoveRoleFromInstanceProfile" => vec![PROFILE, ROLE],
        "ListRoles" | "ListUsers" | "ListInstanceProfiles" => {
            vec![takes("PathPrefix", Form::PathPrefix), MARKER, MAX_ITEMS]
        }
        "TagRole" => vec![ROLE, needs("Tags", Form::Tags)],
        "UntagRole" => vec![ROLE, needs("TagKeys", Form::TagKeys)],
        "ListRoleTags" | "ListRolePolicies" | "ListInstanceProfilesForRole" => vec![ROLE, MARKER, MAX_ITEMS],
        "PutRolePolicy" => vec![ROLE, POLICY_NAME, POLICY_DOCUMENT],
        "GetRolePolicy" | "DeleteRolePolicy" => vec![ROLE, POLICY_NAME],
        "AttachRolePolicy" | "DetachRolePolicy" => vec![ROLE, POLICY_ARN],
        "ListAttachedRolePolicies" => vec![ROLE, takes("PathPrefix", Form::PolicyPath), MARKER, MAX_ITEMS],
        "PutRolePermissionsBoundary" => vec![ROLE, needs("PermissionsBoundary", Form::Arn)],
        "CreatePolicy" => vec![
            POLICY_NAME,
            takes("Path", Form::PolicyPath),
            POLICY_DOCUMENT,
            takes("Description", Form::AnyText(1000)),
            TAGS,
        ],
        "GetPolicy" | "DeletePolicy" => vec![POLICY_ARN],
        "GetPolicyVersion" | "DeletePolicyVersion" | "SetDefaultPolicyVersion" => vec![POLICY_ARN, VERSION],
        "ListPolicies" => vec![
            takes("Scope", Form::OneOf(&["All", "AWS", "Local"])),
            takes("OnlyAttached", Form::Boolean),
            takes("PathPrefix", Form::PolicyPath),
            USAGE,
            MARKER,
            MAX_ITEMS,
        ],
        "ListPolicyVersions" | "ListPolicyTags" => vec![POLICY_ARN, MARKER, MAX_ITEMS],
        "CreatePolicyVersion" => vec![POLICY_ARN, POLICY_DOCUMENT, takes("SetAsDefault", Form::Boolean)],
        "TagPolicy" => vec![POLICY_ARN, needs("Tags", Form::Tags)],
        "UntagPolicy" => vec![POLICY_ARN, needs("TagKeys", Form::TagKeys)],
        "ListEntitiesForPolicy" => vec![
            POLICY_ARN,
            takes("EntityFilter", Form::OneOf(ENTITIES)),
            takes("PathPrefix", Form::Path),
            USAGE,
            MARKER,
            MAX_ITEMS,
        ],
        "GetAccountAuthorizationDetails" => vec![takes("Filter", Form::EachOf(ENTITIES)), MARKER, MAX_ITEMS],
        "CreateUser" => vec![
            takes("Path", Form::Path),
            needs("UserName", Form::Name(64)),
            takes("PermissionsBoundary", Form::Arn),
            TAGS,
        ],
        "GetUser" => vec![takes("UserName", Form::Name(128))],
        "DeleteUser" => vec![needs("UserName", Form::Name(128))],
        _ => return None,
    })
}

/// Refuses a call whose parameters break the model: all broken constraints in one error, as AWS does.
pub(super) fn check(call: &Call, parameters: &[Parameter]) -> Result<(), Refusal> {
    let mut broken = Vec::new();
    for parameter in parameters {
        parameter.constraints(call, &mut broken);
    }
    if !broken.is_empty() {
        return Err(validation_errors(&broken));
    }
    parameters.iter().try_for_each(|parameter| parameter.characters(call))
}

/// The error for constraints of the model, given as `Value … constraint: …`.
pub(in super::super) fn validation_errors(broken: &[String]) -> Refusal {
    let plural = if broken.len() == 1 { "" } else { "s" };
    validation_error(format!("{} validation error{plural} detected: {}", broken.len(), broken.join("; ")))
}

/// One broken constraint in AWS's words.
pub(in super::super) fn constraint(value: &str, place: &str, rule: &str) -> String {
    format!("Value '{value}' at '{place}' failed to satisfy constraint: {rule}")
}

/// A required parameter that is not there.
pub(in super::super) fn missing(place: &str) -> String {
    format!("Value null at '{place}' failed to satisfy constraint: Member must not be null")
}

/// Complaints about the length of a text, which AWS counts in characters.
pub(in super::super) fn length(value: &str, place: &str, min: usize, max: usize, broken: &mut Vec<String>) {
    let count = value.chars().count();
    if count < min {
        broken.push(constraint(value, place, &format!("Member must have length greater than or equal to {min}")));
    }
    if count > max {
        broken.push(constraint(value, place, &format!("Member must have length less than or equal to {max}")));
    }
}

/// The parameter's name as error messages have it.
fn place(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

static NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Za-z0-9_+=,.@-]+$"));
static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"^(/|/[\x21-\x7E]+/)$"));
static POLICY_PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"^((/[A-Za-z0-9.,+@=_-]+)*)/$"));
static PATH_PREFIX: LazyLock<Regex> = LazyLock::new(|| regex(r"^/[\x21-\x7F]*$"));
static DESCRIPTION: LazyLock<Regex> = LazyLock::new(|| regex(r"^[\t\n\r\x20-\x7E\u{A1}-\u{FF}]*$"));
static DOCUMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"^[\t\n\r\x20-\u{FF}]+$"));
static VERSION_ID: LazyLock<Regex> = LazyLock::new(|| regex(r"^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$"));
static TAG_TEXT: LazyLock<Regex> = LazyLock::new(|| regex(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"));
const TAG_RULE: &str = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]";

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

impl Parameter {
    /// Constraints that AWS counts up: presence, length, range, enumeration.
    fn constraints(&self, call: &Call, broken: &mut Vec<String>) {
        let place = place(self.name);
        match (call.params.get(self.name), self.form) {
            (None | Some(Value::Null), _) => {
                if self.required {
                    broken.push(missing(&place));
                }
            }
            (Some(Value::Array(members)), Form::Tags) => tags(members, &place, broken),
            (Some(Value::Array(members)), Form::TagKeys) => tag_keys(members, &place, broken),
            (Some(Value::Array(members)), Form::EachOf(choices)) => {
                members.iter().filter_map(Value::as_str).for_each(|member| one_of(member, &place, choices, broken));
            }
            // The query protocol writes an empty list as an empty text.
            (Some(_), Form::Tags | Form::TagKeys | Form::EachOf(_)) => {}
            (Some(value), _) => self.scalar(value.as_str().unwrap_or_default(), &place, broken),
        }
    }

    fn scalar(&self, text: &str, place: &str, broken: &mut Vec<String>) {
        match self.form {
            Form::Name(max) => length(text, place, 1, max, broken),
            Form::Path | Form::PolicyPath | Form::PathPrefix => length(text, place, 1, 512, broken),
            Form::Document => length(text, place, 1, 131_072, broken),
            Form::Description => {
                length(text, place, 0, 1000, broken);
                if !DESCRIPTION.is_match(text) {
                    let rule = r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*";
                    broken.push(constraint(text, place, rule));
                }
            }
            Form::AnyText(max) => length(text, place, 0, max, broken),
            Form::Arn => length(text, place, 20, 2048, broken),
            Form::Version => {
                if !VERSION_ID.is_match(text) {
                    let rule = r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";
                    broken.push(constraint(text, place, rule));
                }
            }
            Form::Number(min, max) => number(text, place, min, max, broken),
            Form::Boolean => {
                if boolean(&Value::String(text.to_owned())).is_none() {
                    broken.push(constraint(text, place, "Member must satisfy enum value set: [true, false]"));
                }
            }
            Form::OneOf(choices) => one_of(text, place, choices, broken),
            Form::Tags | Form::TagKeys | Form::EachOf(_) => {}
        }
    }

    /// Constraints about which AWS complains in other words, one at a time.
    fn characters(&self, call: &Call) -> Result<(), Refusal> {
        let Some(text) = call.params.get(self.name).and_then(Value::as_str) else { return Ok(()) };
        let place = place(self.name);
        let (fits, rule) = match self.form {
            Form::Name(_) => {
                (NAME.is_match(text), "It must contain only alphanumeric characters and/or the following: +=,.@_-")
            }
            Form::Path => (
                PATH.is_match(text),
                "It must begin and end with / and contain only alphanumeric characters and/or / characters.",
            ),
            Form::PolicyPath => (
                POLICY_PATH.is_match(text),
                "It must begin and end with / and contain only alphanumeric characters and/or / characters.",
            ),
            Form::PathPrefix => (
                PATH_PREFIX.is_match(text),
                "It must begin with / and contain only alphanumeric characters and/or / characters.",
            ),
            // No characters beyond Latin-1 anywhere in a document.
            Form::Document => (DOCUMENT.is_match(text), "It must contain only printable ASCII characters."),
            _ => (true, ""),
        };
        if fits { Ok(()) } else { Err(validation_error(format!("The specified value for {place} is invalid. {rule}"))) }
    }
}

fn one_of(text: &str, place: &str, choices: &[&str], broken: &mut Vec<String>) {
    if !choices.contains(&text) {
        let rule = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
        broken.push(constraint(text, place, &rule));
    }
}

/// Complaints about a number that is out of its range, or none.
pub(in super::super) fn number(text: &str, place: &str, min: i64, max: i64, broken: &mut Vec<String>) {
    match text.parse::<i64>() {
        Ok(number) if number < min => {
            broken.push(constraint(text, place, &format!("Member must have value greater than or equal to {min}")));
        }
        Ok(number) if number > max => {
            broken.push(constraint(text, place, &format!("Member must have value less than or equal to {max}")));
        }
        Ok(_) => {}
        Err(_) => broken.push(constraint(text, place, "Member must be a number")),
    }
}

/// Complaints about a list of tags (at most 50).
pub(in super::super) fn tags(members: &[Value], place: &str, broken: &mut Vec<String>) {
    at_most_50(members, place, broken);
    for (position, member) in members.iter().enumerate() {
        let at = format!("{place}.{}.member", position + 1);
        match member.get("Key").and_then(Value::as_str) {
            Some(key) => tag_text(key, &format!("{at}.key"), 1, 128, broken),
            None => broken.push(missing(&format!("{at}.key"))),
        }
        match member.get("Value").and_then(Value::as_str) {
            Some(value) => tag_text(value, &format!("{at}.value"), 0, 256, broken),
            None => broken.push(missing(&format!("{at}.value"))),
        }
    }
}

fn tag_keys(members: &[Value], place: &str, broken: &mut Vec<String>) {
    at_most_50(members, place, broken);
    for (position, key) in members.iter().filter_map(Value::as_str).enumerate() {
        tag_text(key, &format!("{place}.{}.member", position + 1), 1, 128, broken);
    }
}

fn tag_text(text: &str, place: &str, min: usize, max: usize, broken: &mut Vec<String>) {
    length(text, place, min, max, broken);
    if !TAG_TEXT.is_match(text) {
        broken.push(constraint(text, place, &format!("{TAG_RULE}{}", if min == 0 { '*' } else { '+' })));
    }
}

/// A complaint about a list of more than fifty.
pub(in super::super) fn at_most_50(members: &[Value], place: &str, broken: &mut Vec<String>) {
    if members.len() > 50 {
        broken.push(constraint(
            &Value::Array(members.to_vec()).to_string(),
            place,
            "Member must have length less than or equal to 50",
        ));
    }
}
