//! `Marker` and `MaxItems`.

use serde_json::{Map, Value, json};

use super::super::paging::{Page, page as page_of};
use super::super::wire::{Call, Refusal};
use super::validation_error;

/// Items on a page if the caller does not say (service model).
const DEFAULT_PAGE: usize = 100;

/// The page of `items` that the call asks for, and the marker of the next one. Items come with the key by which they
/// are ordered.
pub(super) fn page<T>(call: &Call, items: Vec<(String, T)>) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = call.number("MaxItems").and_then(|size| usize::try_from(size).ok()).unwrap_or(DEFAULT_PAGE);
    let marker = call.text("Marker");
    let Page { entries, next } = page_of(items, false, marker, size)
        .ok_or_else(|| validation_error(format!("Invalid Marker: {}", marker.unwrap_or_default())))?;
    Ok((entries, next))
}

/// An answer that is one list.
pub(super) fn list(call: &Call, name: &str, items: Vec<(String, Value)>) -> Result<Value, Refusal> {
    let (items, next) = page(call, items)?;
    let mut answer = json!({ name: items });
    finish(&mut answer, next);
    Ok(answer)
}

/// Adds what every paged answer ends with.
pub(super) fn finish(answer: &mut Value, next: Option<String>) {
    let end = match next {
        Some(marker) => json!({"IsTruncated": true, "Marker": marker}),
        None => json!({"IsTruncated": false}),
    };
    if let (Some(answer), Value::Object(end)) = (answer.as_object_mut(), end) {
        answer.extend::<Map<_, _>>(end);
    }
}
