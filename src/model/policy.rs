//! IAM policy documents in a canonical form, so that `==` means "says the same".
//!
//! AWS re-serialises, reorders, percent-encodes and abbreviates policies. Whatever is read is brought into this form
//! before anything compares it: single values become sets, actions lose their case, an account id becomes the ARN of its root,
//! statements lose their order.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Map, Value as Json, json};

use super::value::{bounded, short_digest};

/// A policy document, canonical.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyDocument {
    /// `2012-10-17` or `2008-10-17` (what AWS assumes when none is given).
    pub version: String,
    /// The statements, sorted.
    pub statements: BTreeSet<Statement>,
}

/// Allow or Deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Grants (or, in an endpoint policy, lets pass).
    Allow,
    /// Forbids, whatever else allows.
    Deny,
}

/// One statement, canonical.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its name, if it has one.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Who, as `AWS:arn:…`, `Service:…` or `*`. `None` in identity policies.
    pub principals: Option<Clause>,
    /// What may be done.
    pub actions: Clause<Caseless>,
    /// On what.
    pub resources: Option<Clause>,
    /// Under which conditions: operator, key, values.
    pub conditions: Conditions,
}

/// A set of patterns, or everything but them (`NotAction`, `NotResource`, `NotPrincipal`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause<T: Ord = String> {
    /// Whether the patterns are excluded instead of included.
    pub negated: bool,
    /// The patterns.
    pub patterns: BTreeSet<T>,
}

/// The conditions of a statement: operator, key, values.
pub type Conditions = BTreeMap<String, BTreeMap<Caseless, BTreeSet<String>>>;

/// A text that IAM reads without regard to case (actions, condition keys) and that is written as it was given.
#[derive(Debug, Clone)]
pub struct Caseless(String);

impl Caseless {
    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it begins with these letters, whatever their case.
    #[must_use]
    pub fn starts_with(&self, prefix: &str) -> bool {
        self.0.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

impl<T: Into<String>> From<T> for Caseless {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Ord for Caseless {
    fn cmp(&self, other: &Self) -> Ordering {
        let letters = |text: &'_ Self| text.0.to_ascii_lowercase();
        letters(self).cmp(&letters(other))
    }
}

impl PartialOrd for Caseless {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Caseless {}

/// A text that is no policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not JSON.
    #[error("policy document is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not a policy.
    #[error("policy document: `{path}` {problem}")]
    NotAPolicy {
        /// Where.
        path: String,
        /// What is wrong there.
        problem: &'static str,
    },
}

/// One place in which two policies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDifference {
    /// The place, `Statement[Read].Action`.
    pub path: String,
    /// What the first one says there.
    pub desired: Option<String>,
    /// What the second one says there.
    pub observed: Option<String>,
}

impl<T: Ord> Clause<T> {
    /// The patterns themselves.
    pub fn of<P: Into<T>>(patterns: impl IntoIterator<Item = P>) -> Self {
        Self { negated: false, patterns: patterns.into_iter().map(Into::into).collect() }
    }
}

impl Statement {
    /// An Allow statement of an identity policy.
    pub fn allow<A: Into<String>, R: Into<String>>(
        sid: &str,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            sid: Some(sid.to_owned()),
            effect: Effect::Allow,
            principals: None,
            actions: Clause::of(actions.into_iter().map(Into::<String>::into)),
            resources: Some(Clause::of(resources)),
            conditions: BTreeMap::new(),
        }
    }

    /// The same statement as a Deny.
    #[must_use]
    pub fn denying(mut self) -> Self {
        self.effect = Effect::Deny;
        self
    }

    /// The same statement for these principals (`*`, `AWS:arn:…`, `Service:…`).
    #[must_use]
    pub fn by<P: Into<String>>(mut self, principals: impl IntoIterator<Item = P>) -> Self {
        self.principals = Some(Clause::of(principals));
        self
    }

    /// The same statement without a resource (trust policies).
    #[must_use]
    pub fn without_resource(mut self) -> Self {
        self.resources = None;
        self
    }

    /// The same statement under one more condition.
    #[must_use]
    pub fn when<V: Into<String>>(mut self, operator: &str, key: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.conditions
            .entry(operator.to_owned())
            .or_default()
            .insert(key.into(), values.into_iter().map(Into::into).collect());
        self
    }

    /// The statement as it stands in a document, ready to paste into one.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Map::new();
        if let Some(sid) = &self.sid {
            object.insert("Sid".into(), json!(sid));
        }
        object.insert("Effect".into(), json!(self.effect.to_string()));
        if let Some(clause) = &self.principals {
            object.insert(
                if clause.negated { "NotPrincipal" } else { "Principal" }.into(),
                principals_json(&clause.patterns),
            );
        }
        object.insert(
            if self.actions.negated { "NotAction" } else { "Action" }.into(),
            one_or_many(&written(&self.actions.patterns)),
        );
        if let Some(clause) = &self.resources {
            object
                .insert(if clause.negated { "NotResource" } else { "Resource" }.into(), one_or_many(&clause.patterns));
        }
        if !self.conditions.is_empty() {
            let operators = self.conditions.iter().map(|(operator, keys)| {
                let keys: Map<_, _> =
                    keys.iter().map(|(key, values)| (key.as_str().to_owned(), one_or_many(values))).collect();
                (operator.clone(), Json::Object(keys))
            });
            object.insert("Condition".into(), Json::Object(operators.collect()));
        }
        Json::Object(object)
    }

    /// What it says, bounded in length.
    #[must_use]
    pub fn brief(&self) -> String {
        bounded(&self.to_json().to_string(), 256)
    }

    /// Where it stands in a document, `Statement[Read]`: by its name, or without one by what it does and a digest, which stays when another
    /// statement without a name is added.
    fn place(&self) -> String {
        match &self.sid {
            Some(sid) => format!("Statement[{}]", bounded(sid, 64)),
            None => self.place_by_digest(),
        }
    }

    fn place_by_digest(&self) -> String {
        let digest = short_digest(&self.to_json().to_string().to_ascii_lowercase());
        format!("Statement[{} {}]", bounded(&self.label(), 64), &digest[..8])
    }

    fn label(&self) -> String {
        self.sid.clone().unwrap_or_else(|| {
            let first = self.actions.patterns.first().map_or("", Caseless::as_str);
            bounded(&format!("{} {first}", self.effect), 64)
        })
    }
}

/// Statements with the places where they stand, no two in the same: AWS does not see to it everywhere that names differ.
pub fn placed<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Vec<(String, &'a Statement)> {
    let mut taken = BTreeSet::new();
    let place = |statement: &'a Statement| {
        let named = statement.place();
        let place = if taken.insert(named.clone()) { named } else { statement.place_by_digest() };
        (place, statement)
    };
    statements.into_iter().map(place).collect()
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}

impl PolicyDocument {
    /// A policy of these statements, in the current version of the language.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self { version: "2012-10-17".into(), statements: statements.into_iter().collect() }
    }

    /// Read a policy from JSON, percent-encoded (as IAM returns it) or plain.
    ///
    /// # Errors
    /// When it is no policy document; the error names the place.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (version, statements) = Self::parse_in_order(text)?;
        Ok(Self { version, statements: statements.into_iter().collect() })
    }

    /// The same, with the statements as they stand in the text, for those who have to name one that has no Sid.
    ///
    /// # Errors
    /// When it is no policy document; the error names the place.
    pub fn parse_in_order(text: &str) -> Result<(String, Vec<Statement>), PolicyError> {
        let decoded;
        let text = if text.trim_start().starts_with('%') {
            decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            decoded.as_str()
        } else {
            text
        };
        let json: Json = serde_json::from_str(text).map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let object = json.as_object().ok_or_else(|| wrong("$", "must be an object"))?;
        // Without a Version AWS reads the document in the older language.
        let version = object.get("Version").and_then(Json::as_str).unwrap_or("2008-10-17").to_owned();
        let statements = match object.get("Statement") {
            Some(Json::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| statement(at, item)).collect::<Result<_, _>>()?
            }
            Some(single @ Json::Object(_)) => vec![statement(0, single)?],
            _ => return Err(wrong("Statement", "must be a statement or a list of statements")),
        };
        Ok((version, statements))
    }

    /// The document as AWS takes it: compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let statements: Vec<_> = self.statements.iter().map(Statement::to_json).collect();
        json!({"Version": self.version, "Statement": statements}).to_string()
    }

    /// Its length as IAM counts it: without white space. Compact JSON has none outside of strings.
    #[must_use]
    pub fn size(&self) -> usize {
        self.to_json().chars().filter(|character| !character.is_whitespace()).count()
    }

    /// A short digest of its meaning.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", short_digest(&self.to_json().to_ascii_lowercase()))
    }

    /// A digest and the statements' names: enough to recognise it, without its body.
    #[must_use]
    pub fn summary(&self) -> String {
        let labels: Vec<_> = self.statements.iter().map(Statement::label).collect();
        bounded(&format!("{} [{}]", self.digest(), labels.join(", ")), 256)
    }

    /// The same with the first statement that grants something, for a document that nobody asked for.
    #[must_use]
    pub fn summary_with_statement(&self) -> String {
        let grants = |statement: &&Statement| statement.effect == Effect::Allow;
        match self.statements.iter().find(grants).or(self.statements.first()) {
            Some(statement) => bounded(&format!("{} with {}", bounded(&self.summary(), 96), statement.to_json()), 256),
            None => self.summary(),
        }
    }

    /// Whether it can only take rights away.
    #[must_use]
    pub fn only_denies(&self) -> bool {
        self.statements.iter().all(|statement| statement.effect == Effect::Deny)
    }

    /// Where `observed` says something else, statement by statement.
    #[must_use]
    pub fn differences(&self, observed: &Self) -> Vec<PolicyDifference> {
        let mut differences = Vec::new();
        if self.version != observed.version && self.statements == observed.statements {
            differences.push(PolicyDifference {
                path: "Version".into(),
                desired: Some(self.version.clone()),
                observed: Some(observed.version.clone()),
            });
        }
        let mut extra: Vec<&Statement> = observed.statements.difference(&self.statements).collect();
        for wanted in self.statements.difference(&observed.statements) {
            let twin = extra.iter().position(|found| wanted.sid.is_some() && found.sid == wanted.sid);
            let found = twin.map(|at| extra.remove(at));
            differences.extend(statement_differences(wanted, found));
        }
        let extra = placed(extra).into_iter();
        differences.extend(extra.map(|(path, found)| PolicyDifference {
            path,
            desired: None,
            observed: Some(found.brief()),
        }));
        differences
    }
}

fn statement_differences(wanted: &Statement, found: Option<&Statement>) -> Vec<PolicyDifference> {
    let path = wanted.place();
    let text = |json: Option<&Json>| json.map(|json| bounded(&json.to_string(), 256));
    let Some(found) = found else {
        return vec![PolicyDifference { path, desired: Some(wanted.brief()), observed: None }];
    };
    let (wanted, found) = (wanted.to_json(), found.to_json());
    let parts = ["Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    parts
        .into_iter()
        .filter(|part| !same(wanted.get(part), found.get(part)))
        .map(|part| PolicyDifference {
            path: format!("{path}.{part}"),
            desired: text(wanted.get(part)),
            observed: text(found.get(part)),
        })
        .collect()
}

/// Whether two parts say the same but for the case of their letters, which is what is left once the canonical statements differ elsewhere.
fn same(one: Option<&Json>, other: Option<&Json>) -> bool {
    let text = |json: Option<&Json>| json.map(|json| json.to_string().to_ascii_lowercase());
    text(one) == text(other)
}

fn wrong(path: impl Into<String>, problem: &'static str) -> PolicyError {
    PolicyError::NotAPolicy { path: path.into(), problem }
}

fn statement(at: usize, json: &Json) -> Result<Statement, PolicyError> {
    let here = |part: &str| format!("Statement[{at}].{part}");
    let object = json.as_object().ok_or_else(|| wrong(format!("Statement[{at}]"), "must be an object"))?;
    let effect = match object.get("Effect").and_then(Json::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(wrong(here("Effect"), "must be Allow or Deny")),
    };
    let clause = |plain: &str, negated: &str| -> Result<Option<Clause>, PolicyError> {
        match (object.get(plain), object.get(negated)) {
            (Some(_), Some(_)) => Err(wrong(here(plain), "excludes its Not… form")),
            (Some(json), None) => Ok(Some(Clause { negated: false, patterns: texts(&here(plain), json)? })),
            (None, Some(json)) => Ok(Some(Clause { negated: true, patterns: texts(&here(negated), json)? })),
            (None, None) => Ok(None),
        }
    };
    let principals = match (object.get("Principal"), object.get("NotPrincipal")) {
        (Some(json), _) => Some(Clause { negated: false, patterns: principals(&here("Principal"), json)? }),
        (None, Some(json)) => Some(Clause { negated: true, patterns: principals(&here("NotPrincipal"), json)? }),
        (None, None) => None,
    };
    let actions = clause("Action", "NotAction")?.ok_or_else(|| wrong(here("Action"), "is missing"))?;
    Ok(Statement {
        // An empty Sid is what some tools write for none.
        sid: object.get("Sid").and_then(Json::as_str).filter(|sid| !sid.is_empty()).map(ToOwned::to_owned),
        effect,
        principals,
        actions: Clause { negated: actions.negated, patterns: actions.patterns.into_iter().map(Into::into).collect() },
        resources: clause("Resource", "NotResource")?,
        conditions: conditions(&here("Condition"), object.get("Condition"))?,
    })
}

fn texts(path: &str, json: &Json) -> Result<BTreeSet<String>, PolicyError> {
    let items = match json {
        Json::Array(items) => items.iter().map(scalar).collect(),
        single => scalar(single).map(|text| BTreeSet::from([text])),
    };
    items.ok_or_else(|| wrong(path, "must be a text or a list of texts"))
}

/// Booleans and numbers in policies mean their texts.
fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn principals(path: &str, json: &Json) -> Result<BTreeSet<String>, PolicyError> {
    let Json::Object(kinds) = json else {
        return match json.as_str() {
            Some("*") => Ok(BTreeSet::from(["*".to_owned()])),
            _ => Err(wrong(path, "must be \"*\" or an object")),
        };
    };
    let mut all = BTreeSet::new();
    for (kind, values) in kinds {
        for value in texts(path, values)? {
            all.insert(match (kind.as_str(), value.as_str()) {
                // For resource policies `{"AWS":"*"}` says the same as `"*"`.
                ("AWS", "*") => "*".to_owned(),
                ("AWS", account) if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("AWS:arn:aws:iam::{account}:root")
                }
                (kind, value) => format!("{kind}:{value}"),
            });
        }
    }
    Ok(all)
}

fn conditions(path: &str, json: Option<&Json>) -> Result<Conditions, PolicyError> {
    let mut all = BTreeMap::new();
    let Some(json) = json else { return Ok(all) };
    let operators = json.as_object().ok_or_else(|| wrong(path, "must be an object"))?;
    for (operator, keys) in operators {
        let path = format!("{path}.{operator}");
        let keys = keys.as_object().ok_or_else(|| wrong(&path, "must be an object"))?;
        let entry: &mut BTreeMap<_, _> = all.entry(operator.clone()).or_default();
        for (key, values) in keys {
            // Condition keys are case-insensitive.
            entry.insert(key.as_str().into(), texts(&format!("{path}.{key}"), values)?);
        }
    }
    Ok(all)
}

fn one_or_many(values: &BTreeSet<String>) -> Json {
    match values.first() {
        Some(single) if values.len() == 1 => json!(single),
        _ => json!(values),
    }
}

/// The texts as they were given.
fn written(patterns: &BTreeSet<Caseless>) -> BTreeSet<String> {
    patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect()
}

fn principals_json(patterns: &BTreeSet<String>) -> Json {
    if patterns.len() == 1 && patterns.contains("*") {
        return json!("*");
    }
    let mut kinds: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for pattern in patterns {
        let (kind, value) = pattern.split_once(':').unwrap_or(("AWS", pattern));
        kinds.entry(kind).or_default().insert(value.to_owned());
    }
    Json::Object(kinds.iter().map(|(kind, values)| ((*kind).to_owned(), one_or_many(values))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PolicyDocument {
        PolicyDocument::parse(text).unwrap()
    }

    #[test]
    fn spelling_order_and_encoding_do_not_matter() {
        let plain = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},
            "Action":["S3:GetObject","s3:PutObject"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}]}"#;
        let other = r#"{"Statement":{"Action":["s3:PutObject","s3:getobject"],"Resource":["*"],"Effect":"Allow","Condition":
            {"Bool":{"AWS:secureTransport":["true"]}},"Principal":{"AWS":["arn:aws:iam::111122223333:root"]}},"Version":"2012-10-17"}"#;
        assert_eq!(parse(plain), parse(other));
        let encoded = percent_encoding::utf8_percent_encode(other, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(parse(plain), parse(&encoded));
    }

    #[test]
    fn everybody_is_everybody() {
        let of = |principal: &str| {
            parse(&format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}}}"#
            ))
        };
        assert_eq!(of("\"*\""), of(r#"{"AWS":"*"}"#));
    }

    #[test]
    fn writing_and_reading_gives_the_same_policy() {
        let policy = PolicyDocument::new([
            Statement::allow("Read", ["codeartifact:ReadFromRepository"], ["arn:aws:codeartifact:::x"]).by(["*"]),
            Statement::allow("Bearer", ["sts:GetServiceBearerToken"], ["*"]).when(
                "StringEquals",
                "sts:AWSServiceName",
                ["codeartifact.amazonaws.com"],
            ),
            Statement::allow("No", ["s3:*"], ["*"]).denying(),
        ]);
        assert_eq!(parse(&policy.to_json()), policy);
    }

    #[test]
    fn a_difference_names_the_statement_and_the_part() {
        let wanted = PolicyDocument::new([Statement::allow("Read", ["s3:GetObject"], ["arn:aws:s3:::a/*"])]);
        let found = PolicyDocument::new([
            Statement::allow("Read", ["s3:GetObject"], ["*"]),
            Statement::allow("Open", ["*"], ["*"]),
        ]);
        let paths: Vec<_> = wanted.differences(&found).into_iter().map(|difference| difference.path).collect();
        assert_eq!(paths, ["Statement[Read].Resource", "Statement[Open]"]);
        assert!(wanted.differences(&wanted).is_empty());
    }

    #[test]
    fn what_is_no_policy_is_named() {
        let error = PolicyDocument::parse(r#"{"Statement":[{"Effect":"Perhaps","Action":"*"}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "policy document: `Statement[0].Effect` must be Allow or Deny");
    }
}
