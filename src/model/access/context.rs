//! A request as policies see it: who asks, for what, and which condition keys it carries.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::policy::Caseless;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A session of a role, whose name is not known.
    Role {
        /// The ARN of the role.
        arn: String,
    },
    /// An AWS service.
    Service(String),
    /// Somebody whom the environment does not know (who signed the URL of an asset).
    Somebody,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// For example `codeartifact:ReadFromRepository`.
    pub action: String,
    /// The ARN of what it is done to, or `*` where the action knows no resource.
    pub resource: String,
    /// Its condition keys.
    pub context: Context,
}

/// The condition keys of a request: what is known to be in it, what is known to be missing, and by omission what is not known.
#[derive(Debug, Clone, Default)]
pub struct Context {
    present: BTreeMap<Caseless, BTreeSet<String>>,
    absent: BTreeSet<Caseless>,
    absent_families: Vec<&'static str>,
}

/// What is known of a key.
pub(super) enum Key<'a> {
    Present(&'a BTreeSet<String>),
    Absent,
    Unknown,
}

impl Context {
    /// The same request with this key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.present.entry(Caseless::from(key)).or_default().insert(value.into());
        self
    }

    /// The same request, certainly without these keys.
    #[must_use]
    pub fn without<'a>(mut self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        self.absent.extend(keys.into_iter().map(Caseless::from));
        self
    }

    /// The same request, certainly without further keys that begin like this (`aws:RequestTag/`).
    #[must_use]
    pub fn without_others(mut self, family: &'static str) -> Self {
        self.absent_families.push(family);
        self
    }

    pub(super) fn key(&self, key: &str) -> Key<'_> {
        let key = Caseless::from(key);
        match self.present.get(&key) {
            Some(values) if values.is_empty() => Key::Absent,
            Some(values) => Key::Present(values),
            None if self.absent.contains(&key) => Key::Absent,
            None if self.absent_families.iter().any(|family| key.starts_with(family)) => Key::Absent,
            None => Key::Unknown,
        }
    }
}
