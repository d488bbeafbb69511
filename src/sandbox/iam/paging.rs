//! `Marker` and `MaxItems`. A marker is the key after which the next page begins, so that a page stays right when
//! something before it comes or goes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::super::wire::{Call, Refusal};
use super::validation_error;

/// Items on a page if the caller does not say (service model).
const DEFAULT_PAGE: usize = 100;

/// The page of `items` that the call asks for, and the marker of the next one. Items come with the key by which they
/// are ordered.
pub(super) fn page<T>(call: &Call, mut items: Vec<(String, T)>) -> Result<(Vec<T>, Option<String>), Refusal> {
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(marker) = call.text("Marker") {
        let after = read(marker)?;
        items.retain(|(key, _)| *key > after);
    }
    let size = call.number("MaxItems").and_then(|size| usize::try_from(size).ok()).unwrap_or(DEFAULT_PAGE);
    let next =
        (items.len() > size).then(|| items.get(size.saturating_sub(1)).map(|(key, _)| BASE64_STANDARD.encode(key)));
    items.truncate(size);
    Ok((items.into_iter().map(|(_, item)| item).collect(), next.flatten()))
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

fn read(marker: &str) -> Result<String, Refusal> {
    let bytes = BASE64_STANDARD.decode(marker).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| validation_error(format!("Invalid Marker: {marker}")))
}
