//! What the API server would say about an object, said without one.
//!
//! It applies the schema of our own definitions in the order in which the server does: nulls dropped, defaults filled in,
//! types and bounds, then the rules, and transition rules for list entries of the same name. A test holds both against
//! the same manifests. It knows only the keywords that our schema uses, and a test fails when the schema uses another.

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::cel::{Validator, apply_defaults};
use regex::Regex;
use serde_json::{Map, Value, json};

/// One reason why an object is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, as `kubectl` prints it.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// All reasons for which the server would refuse `object`, as a creation or, with `old`, as an update of that. Empty: it
/// would take it. A definition without a schema refuses everything.
#[must_use]
pub fn violations(definition: &CustomResourceDefinition, object: &Value, old: Option<&Value>) -> Vec<Violation> {
    let Some(schema) = schema_of(definition) else {
        return vec![Violation { path: String::new(), message: "the definition has no schema".to_owned() }];
    };
    let object = completed(&schema, object);
    let old = old.map(|old| completed(&schema, old));

    let mut check = Check { found: Vec::new(), blocked: false };
    check.shape(&schema, &object, "");
    if !check.blocked {
        check.rules(&Validator::new(), &schema, &object, old.as_ref(), "");
    }
    check.found
}

/// The object as the server would keep it: nulls dropped and defaults filled in.
#[must_use]
pub fn as_stored(definition: &CustomResourceDefinition, object: &Value) -> Value {
    schema_of(definition).map_or_else(|| object.clone(), |schema| completed(&schema, object))
}

fn schema_of(definition: &CustomResourceDefinition) -> Option<Value> {
    let schema = definition.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    let mut schema = serde_json::to_value(schema).ok()?;
    let properties = schema.get_mut("properties")?.as_object_mut()?;
    // The server knows these of every object; a definition does not repeat them.
    for (name, shape) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        properties.insert(name.to_owned(), json!({"type": shape, "x-kubernetes-preserve-unknown-fields": true}));
    }
    Some(schema)
}

/// Drops nulls, then fills in defaults until they add nothing, as a default may itself have fields with defaults.
fn completed(schema: &Value, object: &Value) -> Value {
    let mut object = object.clone();
    drop_nulls(&mut object);
    loop {
        let filled = apply_defaults(schema, &object);
        if filled == object {
            return object;
        }
        object = filled;
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

struct Check {
    found: Vec<Violation>,
    /// Whether rules cannot be asked: something required is missing, or of the wrong type, or too large.
    blocked: bool,
}

impl Check {
    fn add(&mut self, path: &str, message: String) {
        self.found.push(Violation { path: path.to_owned(), message });
    }

    fn block(&mut self, path: &str, message: String) {
        self.blocked = true;
        self.add(path, message);
    }

    /// Types, bounds and patterns.
    fn shape(&mut self, schema: &Value, value: &Value, path: &str) {
        let wanted = schema["type"].as_str().unwrap_or("object");
        let fits = match value {
            Value::Object(fields) if wanted == "object" => {
                self.object(schema, fields, path);
                true
            }
            Value::Array(items) if wanted == "array" => {
                self.array(schema, items, path);
                true
            }
            Value::String(text) if wanted == "string" => {
                self.string(schema, text, path);
                true
            }
            Value::Number(number) if wanted == "integer" => number.as_i64().is_some_and(|number| {
                self.integer(schema, number, path);
                true
            }),
            Value::Bool(_) => wanted == "boolean",
            _ => false,
        };
        if !fits {
            self.block(path, format!("must be of type {wanted}"));
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, path: &str) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.block(&join(path, name), "required value".to_owned());
            }
        }
        if let Some(most) = schema["maxProperties"].as_u64().filter(|most| exceeds(fields.len(), *most)) {
            self.block(path, format!("must have at most {most} properties"));
        }
        for (name, field) in fields {
            let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            match known {
                Some(known) => self.shape(known, field, &join(path, name)),
                None if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
                None => self.add(&join(path, name), "unknown field".to_owned()),
            }
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str) {
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| exceeds(items.len(), *most)) {
            self.block(path, format!("must have at most {most} items"));
        }
        if let Some(least) = schema["minItems"].as_u64().filter(|least| !exceeds(items.len() + 1, *least)) {
            self.add(path, format!("should have at least {least} items"));
        }
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.shape(&schema["items"], item, &path);
            if items[..index].iter().any(|earlier| is_same_entry(schema, earlier, item)) {
                self.add(&path, "Duplicate value".to_owned());
            }
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str) {
        let length = text.chars().count();
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| exceeds(length, *most)) {
            self.block(path, format!("may not be more than {most} bytes"));
        }
        if let Some(least) = schema["minLength"].as_u64().filter(|least| !exceeds(length + 1, *least)) {
            self.add(path, format!("should be at least {least} chars long"));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
        {
            self.add(path, format!("should match '{pattern}'"));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.iter().any(|allowed| allowed == text)
        {
            let allowed: Vec<_> = allowed.iter().map(Value::to_string).collect();
            self.add(path, format!("supported values: {}", allowed.join(", ")));
        }
        if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
            self.add(path, "must be a time such as 2026-01-31T12:00:00Z".to_owned());
        }
    }

    fn integer(&mut self, schema: &Value, number: i64, path: &str) {
        #[expect(clippy::cast_precision_loss, reason = "bounds in a schema are JSON numbers, and ours are small")]
        let number = number as f64;
        if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
            self.add(path, format!("should be greater than or equal to {least}"));
        }
        if let Some(most) = schema["maximum"].as_f64().filter(|most| number > *most) {
            self.add(path, format!("should be less than or equal to {most}"));
        }
    }

    /// The rules of this value and of everything in it.
    fn rules(&mut self, validator: &Validator, schema: &Value, value: &Value, old: Option<&Value>, path: &str) {
        if schema["x-kubernetes-validations"].is_array()
            && let Err(refusals) = validator.validate(&without_inner_rules(schema), value, old)
        {
            for refusal in refusals {
                let field = format!("{path}{}", refusal.field_path);
                self.add(field.trim_start_matches('.'), refusal.message);
            }
        }
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    if let Some(known) = schema["properties"].get(name).or_else(|| schema.get("additionalProperties")) {
                        self.rules(validator, known, field, old.and_then(|old| old.get(name)), &join(path, name));
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let old = old.and_then(|old| entry_of_old(schema, old, item));
                    self.rules(validator, &schema["items"], item, old, &format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
    }
}

/// The rules of a value, and what its fields are, but not their rules: those are asked one by one, because only here list
/// entries are compared with the earlier entry of the same name.
fn without_inner_rules(schema: &Value) -> Value {
    let mut outer = outline(schema);
    outer["x-kubernetes-validations"] = schema["x-kubernetes-validations"].clone();
    outer
}

/// Types and the names of fields alone: what a rule needs to know to find its way.
fn outline(schema: &Value) -> Value {
    let mut outline = Map::new();
    for keyword in ["type", "format"] {
        if let Some(value) = schema.get(keyword) {
            outline.insert(keyword.to_owned(), value.clone());
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(keyword) {
            outline.insert(keyword.to_owned(), self::outline(inner));
        }
    }
    if let Some(fields) = schema["properties"].as_object() {
        let fields = fields.iter().map(|(name, field)| (name.clone(), self::outline(field))).collect();
        outline.insert("properties".to_owned(), Value::Object(fields));
    }
    Value::Object(outline)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn exceeds(length: usize, bound: u64) -> bool {
    u64::try_from(length).is_ok_and(|length| length > bound)
}

/// Whether two items may not be in one list together.
fn is_same_entry(schema: &Value, one: &Value, other: &Value) -> bool {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => one == other,
        Some("map") => keys(schema).all(|key| one.get(key) == other.get(key)),
        _ => false,
    }
}

/// What an item was before: the entry with its keys, which only a list of named entries has.
fn entry_of_old<'a>(schema: &Value, old: &'a Value, item: &Value) -> Option<&'a Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    old.as_array()?.iter().find(|old| is_same_entry(schema, old, item))
}

fn keys(schema: &Value) -> impl Iterator<Item = &str> {
    schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::kubernetes::api::cases::{Case, EXAMPLES, accepted, example, refused};
    use crate::kubernetes::api::crds;

    static DEFINITIONS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(crds);

    fn said_of(object: &Value, old: Option<&Value>) -> Vec<Violation> {
        let definition = DEFINITIONS.iter().find(|crd| object["kind"] == *crd.spec.names.kind).unwrap();
        violations(definition, object, old)
    }

    fn listed(found: &[Violation]) -> String {
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_example_is_accepted() {
        for name in EXAMPLES {
            let found = said_of(&example(name), None);
            assert!(found.is_empty(), "{name}:\n{}", listed(&found));
        }
    }

    #[test]
    fn what_must_be_accepted_is() {
        for case in accepted() {
            let found = said_of(&case.manifest(), case.before().as_ref());
            assert!(found.is_empty(), "{}:\n{}", case.title, listed(&found));
        }
    }

    #[test]
    fn what_must_be_refused_is_with_its_field_and_reason() {
        let wrong: String = refused().iter().filter_map(unexpected).collect();
        assert!(wrong.is_empty(), "\n{wrong}");
    }

    #[test]
    fn an_update_is_refused_for_the_update_and_not_for_what_was_there() {
        for case in refused() {
            if let Some(old) = case.before() {
                let found = said_of(&old, None);
                assert!(found.is_empty(), "{}:\n{}", case.title, listed(&found));
            }
        }
    }

    fn unexpected(case: &Case) -> Option<String> {
        let found = said_of(&case.manifest(), case.before().as_ref());
        let expected = found.iter().any(|found| found.path == case.at && found.message.contains(&case.says));
        (!expected).then(|| format!("{}: not {}: {}\n{}", case.title, case.at, case.says, listed(&found)))
    }
}
