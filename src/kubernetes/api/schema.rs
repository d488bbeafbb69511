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
    use crate::kubernetes::api::cases::{accepted, example};
    use crate::kubernetes::api::check::as_stored;
    use serde::Serialize;
    use serde::de::DeserializeOwned;

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

    #[test]
    fn the_printed_definitions_say_what_the_types_say() {
        for ((_, text), crd) in render().iter().zip(crds()) {
            let printed: Value = serde_saphyr::from_str(text).unwrap();
            assert_eq!(printed, serde_json::to_value(crd).unwrap());
        }
    }

    #[test]
    fn every_field_is_described() {
        each_field(&mut |path, schema| {
            let text = schema["description"].as_str().unwrap_or_default();
            assert!(text.len() >= 10, "{path} has no description");
        });
    }

    #[test]
    fn every_field_of_a_spec_says_its_default_whether_it_can_change_and_an_example() {
        each_field(&mut |path, schema| {
            let text = schema["description"].as_str().unwrap_or_default();
            if path.contains(".spec.") {
                for word in ["an be changed|annot be changed", "Example: `", "Default: |Required"] {
                    assert!(word.split('|').any(|word| text.contains(word)), "{path} does not say {word}: {text}");
                }
            }
        });
    }

    #[test]
    fn every_string_list_and_map_is_bounded() {
        each_schema(&mut |path, schema| {
            let bounded = match schema["type"].as_str() {
                Some("string") => {
                    schema["maxLength"].is_u64() || schema["enum"].is_array() || schema["format"] == "date-time"
                }
                Some("array") => schema["maxItems"].is_u64() && schema["x-kubernetes-list-type"].is_string(),
                Some("object") if schema.get("additionalProperties").is_some() => schema["maxProperties"].is_u64(),
                Some(_) => true,
                None => false,
            };
            assert!(bounded, "{path} is not bounded: {schema}");
        });
    }

    #[test]
    fn every_enum_is_words_of_ours_or_names_of_aws() {
        each_schema(&mut |path, schema| {
            for word in schema["enum"].as_array().into_iter().flatten() {
                let word = word.as_str().unwrap();
                let camel_case = word.starts_with(|first: char| first.is_ascii_uppercase())
                    && word.chars().all(|character| character.is_ascii_alphanumeric());
                let formats = ["pypi", "npm", "maven", "nuget", "ruby", "swift", "cargo"];
                let of_aws = word.starts_with("public:") || formats.contains(&word);
                assert!(camel_case || of_aws, "{path}: {word}");
            }
        });
    }

    #[test]
    fn no_default_lies_below_a_list_item() {
        each_schema(&mut |path, schema| {
            assert!(!path.contains("[]") || schema.get("default").is_none(), "{path} has a default");
        });
    }

    #[test]
    fn the_schema_uses_no_keyword_that_the_offline_check_does_not_know() {
        const KNOWN: [&str; 21] = [
            "type",
            "format",
            "description",
            "default",
            "enum",
            "pattern",
            "minLength",
            "maxLength",
            "minimum",
            "maximum",
            "minItems",
            "maxItems",
            "maxProperties",
            "items",
            "properties",
            "additionalProperties",
            "required",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-map-type",
            "x-kubernetes-validations",
        ];
        each_schema(&mut |path, schema| {
            for keyword in schema.as_object().unwrap().keys() {
                assert!(KNOWN.contains(&keyword.as_str()), "{path} uses {keyword}");
            }
            if let Some(pattern) = schema["pattern"].as_str() {
                assert!(regex::Regex::new(pattern).is_ok(), "{path}: {pattern}");
            }
        });
    }

    #[test]
    fn every_rule_has_a_message_that_names_what_to_write() {
        each_schema(&mut |path, schema| {
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let message = rule["message"].as_str().unwrap_or_default();
                assert!(
                    ["must", "cannot", "never", "no existing"].iter().any(|word| message.contains(word)),
                    "{path}: {rule}"
                );
            }
        });
    }

    #[test]
    fn what_is_read_is_written_back_unchanged() {
        for case in accepted() {
            let object = case.manifest();
            match object["kind"].as_str() {
                Some("AWSIdentity") => same_after_reading::<AWSIdentity>(&object),
                _ => same_after_reading::<IsolatedNotebookEnvironment>(&object),
            }
        }
    }

    #[test]
    fn the_rules_can_be_asked_on_the_types_themselves() {
        let environment: IsolatedNotebookEnvironment = serde_json::from_value(example("closed-network")).unwrap();
        environment.validate_cel().unwrap();

        let mut elsewhere = environment.clone();
        elsewhere.spec.region = "us-east-1".to_owned();
        let refusal = elsewhere.validate_cel_update(&environment).unwrap_err().to_string();
        assert!(refusal.contains("`region` cannot be changed"), "{refusal}");
    }

    fn same_after_reading<T: DeserializeOwned + Serialize>(object: &Value) {
        let definition = crds().into_iter().find(|crd| object["kind"] == *crd.spec.names.kind).unwrap();
        let object = &as_stored(&definition, object);
        let read: T = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(&serde_json::to_value(&read).unwrap(), object);
    }

    fn each_schema(visit: &mut dyn FnMut(&str, &Value)) {
        for crd in crds() {
            let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            walk(&crd.spec.names.kind, &serde_json::to_value(schema).unwrap(), &mut |path, schema, _| {
                visit(path, schema);
            });
        }
    }

    fn each_field(visit: &mut dyn FnMut(&str, &Value)) {
        for crd in crds() {
            let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let mut fields = 0;
            walk(&crd.spec.names.kind, &serde_json::to_value(schema).unwrap(), &mut |path, schema, is_field| {
                if is_field {
                    fields += 1;
                    visit(path, schema);
                }
            });
            assert!(fields > 15, "{fields} fields were visited");
        }
    }

    fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value, bool)) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            visit(&path, field, true);
            walk(&path, field, visit);
        }
        for (keyword, mark) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let Some(inner) = schema.get(keyword) {
                let path = format!("{path}{mark}");
                visit(&path, inner, false);
                walk(&path, inner, visit);
            }
        }
    }
}
