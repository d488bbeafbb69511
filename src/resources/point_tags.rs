//! Tags of things whose tags AWS shows one by one only (`CodeArtifact`, `SageMaker`, managed policies).
//!
//! They are kept for an hour, together with the creation time of the thing they were read from: a thing that somebody made anew
//! under the same name is never taken for ours. What we write ourselves is put in their place. Before anything is deleted they are read anew.

use std::time::Duration;

use aws_smithy_types::DateTime;

use crate::{
    aws::error::AwsError,
    model::{
        diff::{FieldDiff, TAGS},
        owner::{CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG, TAG_PREFIX, Tags, is_telling},
        port::ErrorClass,
        resource::Seen,
    },
};

/// How old they may become.
pub const MAX_AGE: Duration = Duration::from_hours(1);

/// The shelf of a thing's tags: its ARN and the mark of its birth.
pub fn shelf(arn: &str, born: &str) -> String {
    format!("{arn}@{born}")
}

/// The ARN that a shelf is about.
pub fn arn_of(shelf: &str) -> &str {
    shelf.rsplit_once('@').map_or(shelf, |(arn, _)| arn)
}

/// The mark of a thing's birth: its creation time in seconds, which all answers of a service agree on.
pub fn born(created: Option<&DateTime>) -> String {
    created.map_or_else(String::new, |created| created.secs().to_string())
}

/// Without the tags that AWS reserves for itself, but with those that say whose a thing is.
pub fn without_reserved(pairs: impl Iterator<Item = (String, String)>) -> Tags {
    pairs.filter(|(key, _)| is_telling(key)).collect()
}

/// The wanted tags that deviate.
pub fn deviating(wanted: &Tags, diffs: &[FieldDiff]) -> Tags {
    let deviates = |key: &str| diffs.iter().any(|diff| diff.path == format!("{TAGS}[{key}]"));
    wanted.iter().filter(|(key, _)| deviates(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The keys to take off when a thing is released: those asked for, and whatever else we noted on it.
pub fn released(seen: &Seen, keys: &[String]) -> Vec<String> {
    let ours = seen.tags.keys().filter(|key| key.starts_with(TAG_PREFIX) && !keys.contains(key));
    keys.iter().chain(ours).cloned().collect()
}

/// Whether tags name the same owner as those of `seen`.
pub fn same_owner(seen: &Seen, tags: &Tags) -> bool {
    [CLUSTER_TAG, NAMESPACE_TAG, NAME_TAG]
        .iter()
        .all(|key| tags.contains_key(*key) && tags.get(*key) == seen.tags.get(*key))
}

/// The last look before a deletion: what was known of the tags may be an hour old.
pub fn still_ours(operation: &'static str, seen: &Seen, now: &Tags) -> Result<(), AwsError> {
    if same_owner(seen, now) {
        return Ok(());
    }
    let message = format!("{} does not carry our owner tags any more; it was not deleted", seen.id);
    Err(AwsError::new(ErrorClass::Exists, operation, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_that_was_made_anew_has_a_shelf_of_its_own() {
        let first = shelf("arn:aws:x:::y/@z", &born(Some(&DateTime::from_secs(1))));
        let second = shelf("arn:aws:x:::y/@z", &born(Some(&DateTime::from_secs(2))));
        assert_ne!(first, second);
        assert_eq!(arn_of(&first), "arn:aws:x:::y/@z");
    }
}
