//! A status that fits its schema. What is reported comes from AWS and from annotations, where longer texts are allowed than
//! here; a status refused for one of them would never be written again.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::crds;

/// Stands for what was left out at the end of a text.
const LEFT_OUT: char = '…';

static STATUS: LazyLock<Value> = LazyLock::new(|| {
    let schema = crds().into_iter().next().and_then(|crd| crd.spec.versions.into_iter().next()?.schema);
    let schema = serde_json::to_value(schema).unwrap_or_default();
    schema["openAPIV3Schema"]["properties"]["status"].clone()
});

/// The same status with texts and lists cut to what the schema allows.
pub(super) fn within_bounds<T: Serialize + DeserializeOwned>(status: T) -> T {
    let Ok(mut json) = serde_json::to_value(&status) else { return status };
    if cut(&STATUS, &mut json) { serde_json::from_value(json).unwrap_or(status) } else { status }
}

/// Cuts a value in place, and says whether anything had to be cut.
fn cut(schema: &Value, value: &mut Value) -> bool {
    match value {
        Value::String(text) => cut_text(schema, text),
        Value::Array(items) => {
            let many = bound(schema, "maxItems").is_some_and(|most| {
                let many = items.len() > most;
                items.truncate(most);
                many
            });
            items.iter_mut().fold(many, |cut_before, item| cut(&schema["items"], item) || cut_before)
        }
        Value::Object(fields) => fields.iter_mut().fold(false, |cut_before, (name, field)| {
            let known = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
            cut(known, field) || cut_before
        }),
        _ => false,
    }
}

fn cut_text(schema: &Value, text: &mut String) -> bool {
    let Some(most) = bound(schema, "maxLength").filter(|most| text.chars().count() > *most) else { return false };
    *text = text.chars().take(most.saturating_sub(1)).chain([LEFT_OUT]).collect();
    true
}

fn bound(schema: &Value, keyword: &str) -> Option<usize> {
    schema[keyword].as_u64().and_then(|most| usize::try_from(most).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::api::EnvironmentStatus;
    use crate::kubernetes::api::environment::{NotebookStatus, PackagesStatus, RepositoryStatus};

    #[test]
    fn a_status_that_fits_is_left_alone() {
        let status = EnvironmentStatus { next_steps: vec!["x".repeat(1024); 50], ..EnvironmentStatus::default() };
        assert_eq!(status.clone().within_bounds(), status);
    }

    #[test]
    fn texts_and_lists_are_cut_wherever_they_are() {
        let address = [("pypi".to_owned(), "é".repeat(2000))].into();
        let repository = RepositoryStatus { name: "a".to_owned(), endpoints: address, ..RepositoryStatus::default() };
        let status = EnvironmentStatus {
            last_handled_reconcile_at: Some("now".repeat(1000)),
            next_steps: vec![String::new(); 51],
            notebooks: vec![NotebookStatus { name: "n".to_owned(), arn: Some("a".repeat(3000)), ..Default::default() }],
            packages: Some(PackagesStatus { repositories: vec![repository], ..PackagesStatus::default() }),
            ..EnvironmentStatus::default()
        }
        .within_bounds();

        let handled = status.last_handled_reconcile_at.unwrap();
        assert_eq!((handled.chars().count(), handled.chars().last()), (256, Some(LEFT_OUT)));
        assert_eq!(status.next_steps.len(), 50);
        assert_eq!(status.notebooks[0].arn.as_ref().unwrap().chars().count(), 2048);
        assert_eq!(status.packages.unwrap().repositories[0].endpoints["pypi"].chars().count(), 1024);
    }
}
