//! Whether a statement speaks of a request.

use std::collections::BTreeSet;

use super::{
    Use,
    context::{Context, Principal, Request},
    pattern::{Filled, Pattern, fill},
    truth::Holds,
};
use crate::model::policy::{Caseless, Clause, Effect, Statement};

/// Whether naming an account means everybody in it. In a denial it always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// It does: whoever administers the account passes the right on.
    AccountCounts,
    /// It does not: only who is named, or everybody.
    ByName,
}

pub(super) fn speaks_of(
    statement: &Statement,
    request: &Request,
    usage: Use,
    naming: Naming,
    variables: bool,
) -> Holds {
    let naming = if statement.effect == Effect::Deny { Naming::AccountCounts } else { naming };
    let conditions = statement.conditions.iter().flat_map(|(operator, keys)| {
        keys.iter()
            .map(|(key, wanted)| super::condition::holds(operator, key.as_str(), wanted, &request.context, variables))
    });
    let parts = [
        action(&statement.actions, &request.action),
        resource(statement.resources.as_ref(), request, usage, variables),
        principal(statement.principals.as_ref(), &request.principal, usage, naming),
    ];
    Holds::all(parts.into_iter().chain(conditions))
}

fn action(clause: &Clause<Caseless>, action: &str) -> Holds {
    let action = action.to_ascii_lowercase();
    let fits = |pattern: &Caseless| {
        let pattern = pattern.as_str().to_ascii_lowercase();
        let service = pattern.split_once(':').map_or("", |(service, _)| service);
        match Pattern::plain(&pattern).fits(&action) {
            true if pattern != "*" && service.contains(['*', '?']) => {
                Holds::Unclear(format!("the action {pattern} has a wildcard for the service"))
            }
            fits => fits.into(),
        }
    };
    Holds::any(clause.patterns.iter().map(fits)).not_if(clause.negated)
}

fn resource(clause: Option<&Clause>, request: &Request, usage: Use, variables: bool) -> Holds {
    let Some(clause) = clause else {
        return match usage {
            Use::Trust => Holds::Yes,
            Use::Identity | Use::Resource => Holds::Unclear("a statement names no resource".into()),
        };
    };
    let context = variables.then_some(&request.context);
    Holds::any(clause.patterns.iter().map(|text| one_resource(text, &request.resource, context, clause.negated)))
        .not_if(clause.negated)
}

fn one_resource(text: &str, resource: &str, context: Option<&Context>, negated: bool) -> Holds {
    if text == "*" {
        return Holds::Yes;
    }
    let pattern = match fill(text, context) {
        Filled::Pattern(pattern) => pattern,
        Filled::Nothing if negated => return Holds::Unclear(format!("a variable in {text} has no value")),
        Filled::Nothing => return Holds::No,
        Filled::Unclear(why) => return Holds::Unclear(why),
    };
    if !pattern.fits(resource) {
        return Holds::No;
    }
    if resource.starts_with("arn:") && pattern.fits_by_part(resource) != Some(true) {
        return Holds::Unclear(format!("a wildcard in {text} stands for a colon"));
    }
    Holds::Yes
}

fn principal(clause: Option<&Clause>, principal: &Principal, usage: Use, naming: Naming) -> Holds {
    let clause = match (clause, usage) {
        (None, Use::Identity) => return Holds::Yes,
        (None, Use::Resource | Use::Trust) => return Holds::Unclear("a statement names no principal".into()),
        (Some(_), Use::Identity) => {
            return Holds::Unclear("a statement of an identity policy names a principal".into());
        }
        (Some(clause), Use::Resource | Use::Trust) => clause,
    };
    let named = |pattern: &String| match principal {
        Principal::Role { arn } => names_role(pattern, arn, naming),
        Principal::Service(service) => names_service(pattern, service),
        Principal::Somebody if pattern == "*" => Holds::Yes,
        Principal::Somebody => Holds::Unclear(format!("it is not known who asks, and {pattern} is named")),
    };
    if clause.negated { but(&clause.patterns, principal) } else { Holds::any(clause.patterns.iter().map(named)) }
}

fn names_role(pattern: &str, role: &str, naming: Naming) -> Holds {
    let Some(named) = pattern.strip_prefix("AWS:") else { return (pattern == "*").into() };
    if named == role {
        return Holds::Yes;
    }
    if named.contains(['*', '?']) {
        return Holds::Unclear(format!("the principal {named} has a wildcard"));
    }
    if is_session_of(named, role) {
        return Holds::Unclear(format!("the principal {named} is one session of the role"));
    }
    (naming == Naming::AccountCounts && is_root_of(named, role)).into()
}

fn names_service(pattern: &str, service: &str) -> Holds {
    match pattern {
        "*" => Holds::Unclear("whether everybody includes AWS services is not documented".into()),
        _ => (pattern.strip_prefix("Service:") == Some(service)).into(),
    }
}

/// `NotPrincipal`. To leave out a session of a role AWS wants the session, the role and the account named, and the session's name is not known.
fn but(patterns: &BTreeSet<String>, principal: &Principal) -> Holds {
    if patterns.contains("*") {
        return Holds::No;
    }
    let Principal::Role { arn } = principal else {
        return Holds::Unclear("NotPrincipal and somebody who is no role".into());
    };
    let concerns = |pattern: &String| {
        let named = pattern.strip_prefix("AWS:").unwrap_or_default();
        named == arn || named.contains(['*', '?']) || is_session_of(named, arn) || is_root_of(named, arn)
    };
    match patterns.iter().find(|pattern| concerns(pattern)) {
        Some(pattern) => Holds::Unclear(format!("NotPrincipal names {pattern}, and a session's name is not known")),
        None => Holds::Yes,
    }
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

fn is_root_of(named: &str, role: &str) -> bool {
    named.ends_with(":root") && account_of(named).is_some() && account_of(named) == account_of(role)
}

fn is_session_of(named: &str, role: &str) -> bool {
    let role_name = role.rsplit('/').next().unwrap_or_default();
    let session = named.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next());
    session.is_some_and(|name| name.eq_ignore_ascii_case(role_name)) && account_of(named) == account_of(role)
}
