//! Operations on several versions of a package at once: all succeed or none, and the answer is status 200 either way.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/package-origin-controls.html>.

use serde_json::{Map, Value, json};

use super::package::{PackageKey, Version};
use super::repository::Repository;
use super::rules::{PACKAGE, REVISION, invalid};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::Refusal;

/// Why one version cannot be dealt with, in the model's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The destination has another one of this number.
    AlreadyExists,
    /// It is not the revision that was meant.
    MismatchedRevision,
    /// It is not in the status that was expected.
    MismatchedStatus,
    /// Its status does not allow it.
    NotAllowed,
    /// It is not there.
    NotFound,
}

impl Failure {
    fn describe(self, version: &str) -> Value {
        let (code, what) = match self {
            Self::AlreadyExists => ("ALREADY_EXISTS", "already exists in the destination repository"),
            Self::MismatchedRevision => ("MISMATCHED_REVISION", "has another revision"),
            Self::MismatchedStatus => ("MISMATCHED_STATUS", "has another status"),
            Self::NotAllowed => ("NOT_ALLOWED", "is in a status that does not allow this"),
            Self::NotFound => ("NOT_FOUND", "was not found"),
        };
        json!({"errorCode": code, "errorMessage": format!("Package version {version} {what}")})
    }
}

/// The versions that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(Vec<(String, Option<String>)>);

impl Selection {
    /// Reads `versions`, and `versionRevisions` where these are given. Where either will do, one and only one may be
    /// given; where versions are required, revisions only narrow them.
    ///
    /// # Errors
    /// Neither or both.
    pub fn read(members: &mut Members<'_>, either: bool) -> Result<Self, Refusal> {
        let versions = members.texts("versions", 0, 100, &PACKAGE);
        let revisions = members.raw("versionRevisions").and_then(Value::as_object);
        for (version, revision) in revisions.into_iter().flatten() {
            members.check("versionRevisions.key", version, &PACKAGE);
            members.check("versionRevisions.value", revision.as_str().unwrap_or_default(), &REVISION);
        }
        let revision_of = |version: &str| Some(revisions?.get(version)?.as_str()?.to_owned());
        match (versions, revisions) {
            (Some(_), Some(_)) if either => Err(invalid("versions and versionRevisions cannot be specified together")),
            (Some(versions), _) => Ok(Self(versions.into_iter().map(|one| (one.clone(), revision_of(&one))).collect())),
            (None, Some(revisions)) if either => {
                Ok(Self(revisions.keys().map(|one| (one.clone(), revision_of(one))).collect()))
            }
            _ if either => Err(invalid("Either versions or versionRevisions must be specified")),
            _ => {
                members.missing("versions");
                Ok(Self(Vec::new()))
            }
        }
    }

    /// Judges each version and then acts on all, or on none if one failed: then the others are reported as skipped.
    /// A version for which there is nothing to do is `Ok(None)` and is not reported.
    pub fn apply<T>(
        &self,
        mut judge: impl FnMut(&str, Option<&str>) -> Result<Option<T>, Failure>,
        mut act: impl FnMut(T) -> Version,
    ) -> Value {
        let judged: Vec<_> = self.0.iter().map(|(one, revision)| (one, judge(one, revision.as_deref()))).collect();
        let (mut successful, mut failed) = (Map::new(), Map::new());
        let all_well = judged.iter().all(|(_, judgement)| judgement.is_ok());
        for (version, judgement) in judged {
            match judgement {
                Err(failure) => {
                    failed.insert(version.clone(), failure.describe(version));
                }
                Ok(Some(_)) if !all_well => {
                    let message = format!("Package version {version} was skipped because another one failed");
                    failed.insert(version.clone(), json!({"errorCode": "SKIPPED", "errorMessage": message}));
                }
                Ok(Some(task)) => {
                    let done = act(task);
                    let entry = json!({"revision": done.revision(), "status": done.status});
                    successful.insert(version.clone(), entry);
                }
                Ok(None) => {}
            }
        }
        json!({"successfulVersions": successful, "failedVersions": failed})
    }
}

/// The version that is meant, if it is in the expected status.
///
/// # Errors
/// Not there, or another one.
pub fn meant<'r>(
    repository: &'r Repository,
    key: &PackageKey,
    version: &str,
    revision: Option<&str>,
    expected: Option<&str>,
) -> Result<&'r Version, Failure> {
    let found = repository.packages.get(key).and_then(|package| package.versions.get(version));
    let found = found.ok_or(Failure::NotFound)?;
    if revision.is_some_and(|revision| revision != found.revision()) {
        return Err(Failure::MismatchedRevision);
    }
    if expected.is_some_and(|status| status != found.status) {
        return Err(Failure::MismatchedStatus);
    }
    Ok(found)
}
