//! The manifests that the schema takes and refuses, for the offline check and the real server alike.

use serde::Deserialize;
use serde_json::Value;

/// A manifest, or an update of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) title: String,
    base: String,
    #[serde(default)]
    set: serde_json::Map<String, Value>,
    update: Option<serde_json::Map<String, Value>>,
    /// The field that is named, and what is said about it; a case that is accepted has neither.
    #[serde(default)]
    pub(super) at: String,
    #[serde(default)]
    pub(super) says: String,
}

impl Case {
    /// What there was before, for an update.
    pub(super) fn before(&self) -> Option<Value> {
        self.update.is_some().then(|| self.created())
    }

    /// The manifest itself.
    pub(super) fn manifest(&self) -> Value {
        let mut object = self.created();
        self.update.iter().flatten().for_each(|(path, value)| set(&mut object, path, value));
        object
    }

    fn created(&self) -> Value {
        let mut object = example(&self.base);
        self.set.iter().for_each(|(path, value)| set(&mut object, path, value));
        object
    }
}

/// Sets the value at a JSON pointer. A null at the end of the pointer removes the field; one further down stays.
fn set(object: &mut Value, path: &str, value: &Value) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap_or_else(|| panic!("{path}: there is no {parent}"));
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
        Value::Object(fields) if value.is_null() => assert!(fields.shift_remove(name).is_some(), "{path} is not there"),
        Value::Object(fields) => {
            fields.insert(name.to_owned(), value.clone());
        }
        _ => panic!("{path}: its parent is neither object nor list"),
    }
}

pub(super) fn refused() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("testdata/refused.yaml")).unwrap()
}

pub(super) fn accepted() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("testdata/accepted.yaml")).unwrap()
}

pub(super) const EXAMPLES: [&str; 5] = [
    "identity",
    "closed-network",
    "closed-network-as-published",
    "isolated-sagemaker",
    "isolated-sagemaker-as-published",
];

pub(super) fn example(name: &str) -> Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.yaml"));
    serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap()
}
