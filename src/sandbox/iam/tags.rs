//! Tags of IAM's things: keys are the same in any case, and keep the case they were given.

use serde_json::{Value, json};

use super::super::wire::{Call, Refusal};
use super::{invalid_input, limit_exceeded};

/// Tags in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// The tags, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a tag.
    pub fn set(&mut self, key: &str, value: &str) {
        self.remove(key);
        self.0.push((key.to_owned(), value.to_owned()));
        self.0.sort();
    }

    /// Removes a tag, if it is there.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(existing, _)| existing.to_lowercase() != key.to_lowercase());
    }

    /// The tags with those of the call added.
    pub(super) fn with(&self, call: &Call) -> Result<Self, Refusal> {
        let mut out = self.clone();
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in in_call(call) {
            let folded = key.to_lowercase();
            if folded.starts_with("aws:") {
                return Err(invalid_input(format!(
                    "The tag key {key} starts with aws:, which is reserved for system use."
                )));
            }
            if seen.contains(&folded) {
                return Err(invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
            }
            out.set(key, value);
            seen.push(folded);
        }
        if out.0.len() > 50 {
            return Err(limit_exceeded("The number of tags has reached the maximum limit."));
        }
        Ok(out)
    }

    /// As a list of `Key` and `Value`.
    pub(super) fn to_json(&self) -> Value {
        self.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }

    /// The same for a paged list.
    pub(super) fn items(&self) -> Vec<(String, Value)> {
        self.iter().map(|(key, value)| (key.to_owned(), json!({"Key": key, "Value": value}))).collect()
    }
}

/// The tags that a call of a query protocol carries.
pub(in super::super) fn in_call(call: &Call) -> impl Iterator<Item = (&str, &str)> {
    call.items("Tags").iter().filter_map(|tag| {
        let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
        Some((tag.get("Key")?.as_str()?, value))
    })
}
