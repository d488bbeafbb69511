//! The values of fields: put the meaning into the type, and `==` is the comparison.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{address::Address, policy::PolicyDocument};

/// One side of a state field: what is wished for, or what was seen.
///
/// What was seen is always [`Wish::Is`]. What is wished may be left to AWS ([`Wish::Any`]) or depend on a resource that
/// does not exist yet ([`Wish::After`]); neither is ever a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wish<T> {
    /// Whatever AWS reports is right.
    #[default]
    Any,
    /// Exactly this.
    Is(T),
    /// Known once this resource exists.
    After(Address),
}

impl<T> Wish<T> {
    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Any | Self::After(_) => None,
        }
    }

    /// The same wish about something made from the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Wish<U> {
        match self {
            Self::Any => Wish::Any,
            Self::Is(value) => Wish::Is(change(value)),
            Self::After(address) => Wish::After(address),
        }
    }

    /// A wish about all the values; unknown as soon as one of them is.
    pub fn all<C: FromIterator<T>>(wishes: impl IntoIterator<Item = Self>) -> Wish<C> {
        let mut known = Vec::new();
        for wish in wishes {
            match wish {
                Self::Any => return Wish::Any,
                Self::Is(value) => known.push(value),
                Self::After(address) => return Wish::After(address),
            }
        }
        Wish::Is(known.into_iter().collect())
    }
}

impl<T> From<T> for Wish<T> {
    fn from(value: T) -> Self {
        Self::Is(value)
    }
}

/// A field's value in the form in which it is compared and reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Not set.
    Absent,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Texts whose order matters; additions and omissions are reported one by one.
    List(Vec<String>),
    /// Texts whose order does not matter; additions and omissions are reported one by one.
    Set(BTreeSet<String>),
    /// Names and texts, of which only the wished ones count (tags).
    Tags(BTreeMap<String, String>),
    /// An IAM policy, compared by meaning.
    Policy(Box<PolicyDocument>),
    /// Named IAM policies, compared by meaning; additions and omissions are reported one by one.
    Policies(BTreeMap<String, PolicyDocument>),
    /// A long text (a script), compared whole and reported by its digest.
    Script(String),
}

impl Value {
    /// The value for people, bounded in length: policies by digest and the names of their statements, scripts by digest, never their bodies.
    #[must_use]
    pub fn brief(&self) -> String {
        let text = match self {
            Self::Absent => "none".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::List(values) => format!("[{}]", values.join(", ")),
            Self::Set(values) => format!("[{}]", values.iter().cloned().collect::<Vec<_>>().join(", ")),
            Self::Tags(values) => {
                let pairs: Vec<_> = values.iter().map(|(key, value)| format!("{key}={value}")).collect();
                pairs.join(", ")
            }
            Self::Policy(policy) => policy.summary(),
            Self::Policies(policies) => {
                let named: Vec<_> =
                    policies.iter().map(|(name, policy)| format!("{name} {}", policy.digest())).collect();
                format!("[{}]", named.join(", "))
            }
            Self::Script(text) => format!("sha256:{}", short_digest(text)),
        };
        bounded(&text, 256)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.brief())
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256: enough to tell two apart, short enough to read.
#[must_use]
pub fn short_digest(text: &str) -> String {
    use std::fmt::Write;

    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(8).fold(String::new(), |mut digits, byte| {
        // Writing into a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// `text`, cut at `limit` characters with a mark where it was cut.
#[must_use]
pub fn bounded(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Self {
        Self::List(value)
    }
}
impl From<BTreeSet<String>> for Value {
    fn from(value: BTreeSet<String>) -> Self {
        Self::Set(value)
    }
}
impl From<BTreeMap<String, String>> for Value {
    fn from(value: BTreeMap<String, String>) -> Self {
        Self::Tags(value)
    }
}
impl From<PolicyDocument> for Value {
    fn from(value: PolicyDocument) -> Self {
        Self::Policy(Box::new(value))
    }
}
impl From<BTreeMap<String, PolicyDocument>> for Value {
    fn from(value: BTreeMap<String, PolicyDocument>) -> Self {
        Self::Policies(value)
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}
