//! Policies of ours as others may have changed them: what was added only to take rights away is set aside, reported and kept;
//! everything else is drift.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>.

use std::collections::BTreeSet;

use crate::{
    aws::error::AwsError,
    model::{
        policy::{Effect, PolicyDocument, Statement, placed},
        port::ErrorClass,
        resource::{Finding, Severity},
        value::{Wish, bounded},
    },
};

/// A policy that was seen, and apart from it the Deny statements that somebody added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sifted {
    /// What is compared with what is wanted.
    pub policy: Option<PolicyDocument>,
    /// What is left alone.
    pub denies: BTreeSet<Statement>,
}

/// Read a policy as AWS returned it. One that cannot be understood is compared as one that says nothing.
pub fn read(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap_or_else(|error| {
        tracing::warn!(%error, "a policy document cannot be read");
        PolicyDocument::new([])
    })
}

/// Set aside the Deny statements that `wanted` does not have. A statement with the name of a wanted one is a changed one.
pub fn sift(observed: Option<PolicyDocument>, wanted: Option<&PolicyDocument>) -> Sifted {
    let Some(mut policy) = observed else { return Sifted::default() };
    let wanted_sids: BTreeSet<&str> = wanted
        .into_iter()
        .flat_map(|wanted| &wanted.statements)
        .filter_map(|statement| statement.sid.as_deref())
        .collect();
    let is_added = |statement: &Statement| {
        statement.effect == Effect::Deny
            && !wanted.is_some_and(|wanted| wanted.statements.contains(statement))
            && !statement.sid.as_deref().is_some_and(|sid| wanted_sids.contains(sid))
    };
    let (denies, rest) = std::mem::take(&mut policy.statements).into_iter().partition(is_added);
    policy.statements = rest;
    let nothing_left = policy.statements.is_empty() && !BTreeSet::is_empty(&denies);
    Sifted { policy: (!nothing_left).then_some(policy), denies }
}

/// The policy to write: the wanted one with what is left alone. `None` when there is nothing to say.
pub fn with_denies(wanted: Option<&PolicyDocument>, denies: &BTreeSet<Statement>) -> Option<PolicyDocument> {
    if wanted.is_none() && denies.is_empty() {
        return None;
    }
    let mut policy = wanted.cloned().unwrap_or_else(|| PolicyDocument::new([]));
    policy.statements.extend(denies.iter().cloned());
    Some(policy)
}

/// What is said about statements that are left alone.
pub fn findings(field: &str, denies: &BTreeSet<Statement>) -> Vec<Finding> {
    let finding = |(place, statement): (String, &Statement)| Finding {
        field: format!("{field}.{place}"),
        observed: bounded(&format!("Deny added by somebody: {}", statement.to_json()), 256),
        severity: Severity::Medium,
    };
    placed(denies).into_iter().map(finding).collect()
}

/// Refuse a policy that AWS would refuse for its length, with numbers.
pub fn within(operation: &'static str, what: &str, used: usize, limit: usize) -> Result<(), AwsError> {
    if used <= limit {
        return Ok(());
    }
    let message =
        format!("{what} has {used} characters, {limit} are allowed: ask for less, or name resources by patterns");
    Err(AwsError::new(ErrorClass::Invalid, operation, message))
}

/// What a refused change of a resource policy means: somebody else changed it meanwhile, or a principal that was made a moment ago is
/// not known everywhere yet. The next look decides anew.
pub fn not_yet(error: AwsError) -> AwsError {
    let changed_meanwhile = error.class == ErrorClass::Exists;
    let unknown_principal = error.class == ErrorClass::Invalid && error.message.contains("principal");
    if changed_meanwhile || unknown_principal { AwsError { class: ErrorClass::Waiting, ..error } } else { error }
}

/// The wanted policy, if it is known and there is one.
pub fn known(wish: &Wish<Option<PolicyDocument>>) -> Option<&PolicyDocument> {
    wish.known().and_then(Option::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(sid: &str) -> Statement {
        Statement::allow(sid, ["s3:GetObject"], ["*"])
    }

    #[test]
    fn an_added_deny_is_set_aside_and_written_back() {
        let wanted = PolicyDocument::new([allow("Read")]);
        let seen = PolicyDocument::new([allow("Read"), allow("Protect").denying(), allow("Open")]);
        let sifted = sift(Some(seen), Some(&wanted));
        assert_eq!(sifted.policy, Some(PolicyDocument::new([allow("Read"), allow("Open")])));
        let written = with_denies(Some(&wanted), &sifted.denies).unwrap();
        assert_eq!(written, PolicyDocument::new([allow("Read"), allow("Protect").denying()]));
        let found = findings("policy", &sifted.denies);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, "policy.Statement[Protect]");
        let said =
            r#"Deny added by somebody: {"Sid":"Protect","Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
        assert_eq!(found[0].observed, said);
    }

    #[test]
    fn denies_without_a_name_are_told_apart() {
        let nameless = |resource: &str| Statement { sid: None, ..Statement::allow("", ["s3:*"], [resource]) }.denying();
        let found = findings("policy", &BTreeSet::from([nameless("a"), nameless("b")]));
        assert_ne!(found[0].field, found[1].field);
        assert!(found.iter().all(|finding| finding.field.starts_with("policy.Statement[Deny s3:* ")), "{found:?}");
    }

    #[test]
    fn a_policy_of_nothing_but_added_denies_compares_as_none_and_is_never_deleted() {
        let sifted = sift(Some(PolicyDocument::new([allow("Protect").denying()])), None);
        assert_eq!(sifted.policy, None);
        assert!(with_denies(None, &sifted.denies).is_some());
        assert!(with_denies(None, &BTreeSet::new()).is_none());
    }

    #[test]
    fn a_wanted_deny_and_a_statement_turned_into_one_are_compared() {
        let wanted = PolicyDocument::new([allow("No").denying(), allow("Read")]);
        let seen = PolicyDocument::new([allow("No").denying(), allow("Read").denying()]);
        let sifted = sift(Some(seen.clone()), Some(&wanted));
        assert_eq!((sifted.policy, sifted.denies.len()), (Some(seen), 0));
    }

    #[test]
    fn a_policy_that_is_too_long_is_refused_with_numbers() {
        let error = within("iam:PutRolePolicy", "the inline policy", 11, 10).unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid);
        assert!(error.message.contains("11 characters, 10 are allowed"), "{error}");
    }
}
