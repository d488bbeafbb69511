//! What IAM policies say about a request. Pure.
//!
//! The simulator has a reading of the policy language of its own, and a test holds the two against each other; neither may import the other.
//! What cannot be told (an operator that is not known here, a condition key of which nobody knows the value) is said to be so and is
//! never taken for a permission. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod condition;
mod context;
mod gates;
mod pattern;
mod statement;
#[cfg(test)]
mod tests;
mod truth;

use std::{fmt, sync::Arc};

pub use context::{Context, Principal, Request};
pub use gates::{Gate, Gates, Judgement};
use statement::{Naming, speaks_of};
use truth::Holds;

use super::policy::{Effect, PolicyDocument, PolicyError, Statement};

/// A policy document with its statements in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Variables exist since `2012-10-17` only.
    variables: bool,
    statements: Vec<Statement>,
}

impl Document {
    /// Read a document.
    ///
    /// # Errors
    /// When it is no policy.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (version, statements) = PolicyDocument::parse_in_order(text)?;
        Ok(Self { variables: version == "2012-10-17", statements })
    }
}

/// Where a policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Who may take the role.
    Trust,
    /// An inline or attached policy of the role.
    Identity,
    /// The role's permissions boundary.
    Boundary,
    /// The policy of a domain or repository.
    Resource,
    /// The policy of a VPC endpoint.
    Endpoint,
}

/// A policy that was seen to be in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyInPlace {
    /// Where it counts.
    pub place: Place,
    /// What people call it: `inline policy cloister`.
    pub name: String,
    /// What it says, or why that is not known.
    pub document: Result<Arc<Document>, String>,
}

impl PolicyInPlace {
    /// A policy as AWS shows it.
    #[must_use]
    pub fn read(place: Place, name: impl Into<String>, text: &str) -> Self {
        let document = Document::parse(text).map(Arc::new).map_err(|error| error.to_string());
        Self { place, name: name.into(), document }
    }

    /// A policy that could not be seen.
    #[must_use]
    pub fn unseen(place: Place, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place, name: name.into(), document: Err(why.into()) }
    }
}

/// The rules by which a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Of a role: no principals.
    Identity,
    /// Of a resource or an endpoint: principals and resources.
    Resource,
    /// Of a role, saying who may take it: principals, no resources.
    Trust,
}

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The policy.
    pub policy: String,
    /// Its statement: the Sid, or its number.
    pub statement: String,
}

impl fmt::Display for Citation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "statement {} of {}", self.statement, self.policy)
    }
}

/// What policies of one place say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied(Citation),
    /// Nothing speaks of it.
    Silent,
    /// It cannot be told.
    Unclear {
        /// Why.
        why: String,
        /// Whether what is unclear may be a denial.
        may_deny: bool,
    },
}

/// What these policies say about a request.
#[must_use]
pub fn rule(policies: &[&PolicyInPlace], usage: Use, request: &Request) -> Ruling {
    ruling(policies, usage, request, Naming::AccountCounts)
}

/// The same for whoever is named or everybody: to name the account alone is no grant to one of its roles.
#[must_use]
pub fn rule_by_name(policies: &[&PolicyInPlace], usage: Use, request: &Request) -> Ruling {
    ruling(policies, usage, request, Naming::ByName)
}

fn ruling(policies: &[&PolicyInPlace], usage: Use, request: &Request, naming: Naming) -> Ruling {
    let mut allowed = false;
    let (mut unclear_denial, mut unclear_grant) = (None, None);
    for policy in policies {
        let document = match &policy.document {
            Ok(document) => document,
            Err(why) => {
                unclear_denial.get_or_insert(format!("{}: {why}", policy.name));
                continue;
            }
        };
        for (at, statement) in document.statements.iter().enumerate() {
            let citation = || Citation { policy: policy.name.clone(), statement: label(statement, at) };
            match (speaks_of(statement, request, usage, naming, document.variables), statement.effect) {
                (Holds::No, _) => {}
                (Holds::Yes, Effect::Deny) => return Ruling::Denied(citation()),
                (Holds::Yes, Effect::Allow) => allowed = true,
                (Holds::Unclear(why), effect) => {
                    let unclear = if effect == Effect::Deny { &mut unclear_denial } else { &mut unclear_grant };
                    unclear.get_or_insert_with(|| format!("{effect} in {}: {why}", citation()));
                }
            }
        }
    }
    match (unclear_denial, allowed, unclear_grant) {
        (Some(why), ..) => Ruling::Unclear { why, may_deny: true },
        (None, true, _) => Ruling::Allowed,
        (None, false, Some(why)) => Ruling::Unclear { why, may_deny: false },
        (None, false, None) => Ruling::Silent,
    }
}

fn label(statement: &Statement, at: usize) -> String {
    statement.sid.clone().unwrap_or_else(|| format!("{} (without Sid)", at + 1))
}
