//! The rules of SageMaker's members, as its service model (2017-07-24) states them, and the forms of its refusals.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::sandbox::constraint::{Members, Text};
use crate::sandbox::wire::Refusal;

/// Names of notebooks and lifecycle configurations.
pub static NAME: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 63, "[a-zA-Z0-9](-*[a-zA-Z0-9])*"));
/// A domain of Studio, of which there is none.
pub static DOMAIN_ID: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 63, "d-(-*[a-z0-9]){1,61}"));
/// Part of a name, to search by.
pub static NAME_PART: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 63, "[a-zA-Z0-9-]+"));
/// Ids of subnets and security groups.
pub static EC2_ID: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 32, "[-0-9a-zA-Z]+"));
/// The execution role.
pub static ROLE_ARN: LazyLock<Text> =
    LazyLock::new(|| Text::matching(20, 2048, r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"));
/// The key that encrypts the volume.
pub static KMS_KEY: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 2048, "[a-zA-Z0-9:/_-]*"));
/// A Git repository, by name or by address.
pub static CODE_REPOSITORY: LazyLock<Text> =
    LazyLock::new(|| Text::matching(1, 1024, r"https://([^/]+)/?(.*)$|^[a-zA-Z0-9](-*[a-zA-Z0-9])*"));
/// The operating system of a notebook.
pub static PLATFORM: LazyLock<Text> = LazyLock::new(|| {
    Text::matching(0, 20, "(notebook-al1-v1|notebook-al2-v1|notebook-al2-v2|notebook-al2-v3|notebook-al2023-v1)")
});
/// The lowest version of the metadata service that is offered inside.
pub static METADATA_VERSION: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 1, "1|2"));
/// A script, encoded.
pub static SCRIPT: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 16384, r"[\S\s]+"));
/// What can be tagged.
pub static RESOURCE_ARN: LazyLock<Text> =
    LazyLock::new(|| Text::matching(0, 256, "arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+"));
/// The key of a tag.
pub static TAG_KEY: LazyLock<Text> = LazyLock::new(|| Text::matching(1, 128, r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"));
/// The value of a tag.
pub static TAG_VALUE: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 256, r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"));
/// The token of a further page.
pub static NEXT_TOKEN: LazyLock<Text> = LazyLock::new(|| Text::matching(0, 8192, ".*"));

/// SageMaker's answer to nearly everything that is wrong with notebooks.
#[must_use]
pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

/// What does not exist: never a "not found" code, always this word in a validation message.
#[must_use]
pub fn not_found() -> Refusal {
    invalid("RecordNotFound")
}

/// An error that the model knows: it spells its message with a capital letter.
pub fn modelled(code: &str, message: String) -> Refusal {
    Refusal::new(400, code, message.clone()).with("Message", message)
}

/// A quota that is used up.
#[must_use]
pub fn limit_exceeded(limit: &str, allowed: usize, used: usize) -> Refusal {
    modelled(
        "ResourceLimitExceeded",
        format!(
            "The account-level service limit '{limit}' is {allowed} Instances, with current utilization of {used} \
             Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for \
             this quota."
        ),
    )
}

/// Tags as they were sent, each checked.
pub fn tags(members: &mut Members<'_>) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for (index, tag) in members.list("Tags", 0, 50).unwrap_or_default().iter().enumerate() {
        let part = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        members.check(&format!("tags.{}.member.key", index + 1), part("Key"), &TAG_KEY);
        members.check(&format!("tags.{}.member.value", index + 1), part("Value"), &TAG_VALUE);
        tags.push((part("Key").to_owned(), part("Value").to_owned()));
    }
    tags
}

/// Refuses what no request may contain although the model allows it: reserved keys and a key twice.
///
/// # Errors
/// A validation refusal.
pub fn forbid_reserved(tags: &[(String, String)]) -> Result<(), Refusal> {
    for (index, (key, _)) in tags.iter().enumerate() {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
        }
        if tags[..index].iter().any(|(earlier, _)| earlier == key) {
            return Err(invalid(format!(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive: {key}"
            )));
        }
    }
    Ok(())
}

/// Tags as they are shown.
pub fn show_tags<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Value {
    tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}
