//! The custom resource definitions, made from the types: `crds/` is this, printed.
//!
//! It only shapes what the types say for Kubernetes' eyes. A rule about a field belongs on the field.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use super::{AWSIdentity, IsolatedNotebookEnvironment};

/// The definitions of all custom resources, as they are installed.
///
/// # Panics
/// Never: both definitions are made of types known at compile time, and a test makes them.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    [IsolatedNotebookEnvironment::crd(), AWSIdentity::crd()].into_iter().map(finished).collect()
}

/// File name and text of every definition, the same for the same types.
///
/// # Panics
/// Never: a definition that was serialised into JSON can be printed as YAML.
#[must_use]
pub fn render() -> Vec<(String, String)> {
    crds()
        .iter()
        .map(|crd| {
            let json = serde_json::to_value(crd).expect("a definition is JSON");
            let yaml = serde_saphyr::to_string(&json).expect("JSON is YAML");
            (format!("{}.yaml", crd.spec.names.plural), format!("{HEADER}{yaml}"))
        })
        .collect()
}

const HEADER: &str = "# Made from src/kubernetes/api by `cloister generate`. Do not edit.\n";

/// Shapes a derived definition: absent instead of null, and prose without line breaks.
fn finished(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut json = serde_json::to_value(crd).expect("a derived definition is JSON");
    shape(&mut json);
    serde_json::from_value(json).expect("shaping keeps a definition a definition")
}

/// An optional field is absent, never null: a null would make `has()` true in a rule although nothing is there. The server
/// drops nulls from fields that are not nullable.
fn shape(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.shift_remove("nullable");
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            fields.values_mut().for_each(shape);
        }
        Value::Array(items) => items.iter_mut().for_each(shape),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_on_disk_are_fresh() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        for (name, text) in render() {
            let file = folder.join(&name);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &text).unwrap();
            }
            let stored = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(stored == text, "{} is stale: run this test with UPDATE=1", file.display());
        }
    }
}
