//! Manifests from files, checked as the API server would check them.

use std::{io::Read as _, path::Path};

use anyhow::{Context, bail};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kubernetes::api::{
    AWSIdentity, IsolatedNotebookEnvironment,
    check::{as_stored, violations},
    crds,
};

const ENVIRONMENT: &str = "IsolatedNotebookEnvironment";
const IDENTITY: &str = "AWSIdentity";

/// What a file holds.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Environments, as written.
    pub environments: Vec<Value>,
    /// Identities, checked.
    pub identities: Vec<AWSIdentity>,
    /// Kinds of other objects, which are left alone.
    pub others: Vec<String>,
}

/// Read a file of one or more documents; `-` is the standard input.
///
/// # Errors
/// When it cannot be read or is not YAML, or when an identity in it would be refused.
pub fn read(path: &Path) -> anyhow::Result<Manifests> {
    let name = path.display();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input could not be read")?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| format!("{name} could not be read"))?
    };
    parse(&text).with_context(|| format!("in {name}"))
}

/// The documents of a text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> anyhow::Result<Manifests> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("this is not YAML")?;
    let mut manifests = Manifests::default();
    for document in documents {
        let kind = document["kind"].as_str().unwrap_or_default().to_owned();
        let ours = document["apiVersion"].as_str().is_some_and(|version| version.starts_with("cloister.dev/"));
        match kind.as_str() {
            ENVIRONMENT if ours => manifests.environments.push(document),
            IDENTITY if ours => manifests.identities.push(checked(IDENTITY, &document, None)?),
            "" => bail!("a document has no `kind`"),
            _ => manifests.others.push(kind),
        }
    }
    Ok(manifests)
}

/// The environment that was written, as a creation or as an update of `old`.
///
/// # Errors
/// Every reason for which the API server would refuse it, with its field.
pub fn environment(
    written: &Value,
    old: Option<&IsolatedNotebookEnvironment>,
) -> anyhow::Result<IsolatedNotebookEnvironment> {
    let old = old.map(serde_json::to_value).transpose()?;
    checked(ENVIRONMENT, written, old.as_ref())
}

fn checked<T: DeserializeOwned>(kind: &str, object: &Value, old: Option<&Value>) -> anyhow::Result<T> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        bail!("{kind}: metadata.name: required value");
    }
    let definition = definition(kind)?;
    let found = violations(&definition, object, old);
    if !found.is_empty() {
        let lines: Vec<String> = found.iter().map(|violation| format!("\n  {violation}")).collect();
        bail!("{kind} {name} is invalid:{}", lines.concat());
    }
    serde_json::from_value(as_stored(&definition, object)).with_context(|| format!("{kind} {name} is invalid"))
}

fn definition(kind: &str) -> anyhow::Result<CustomResourceDefinition> {
    let found = crds().into_iter().find(|definition| definition.spec.names.kind == kind);
    found.with_context(|| format!("{kind} is not a kind of this version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY_EXAMPLE: &str = include_str!("../../examples/identity.yaml");
    const ENVIRONMENT_EXAMPLE: &str = include_str!("../../examples/closed-network.yaml");

    #[test]
    fn documents_of_other_kinds_are_left_alone() {
        let text = format!(
            "{IDENTITY_EXAMPLE}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: x}}\n---\n{ENVIRONMENT_EXAMPLE}"
        );
        let manifests = parse(&text).unwrap();
        assert_eq!((manifests.identities.len(), manifests.environments.len()), (1, 1));
        assert_eq!(manifests.others, ["Namespace"]);
        assert!(environment(&manifests.environments[0], None).is_ok());
    }

    #[test]
    fn what_the_server_would_refuse_is_refused_with_its_field() {
        let manifests = parse(&ENVIRONMENT_EXAMPLE.replace("ap-northeast-1", "atlantis-1")).unwrap();
        let error = environment(&manifests.environments[0], None).unwrap_err().to_string();
        assert!(error.contains("spec.region: `region` must be one that has CodeArtifact"), "{error}");
    }

    #[test]
    fn what_cannot_be_changed_is_compared_with_what_there_is() {
        let written = parse(ENVIRONMENT_EXAMPLE).unwrap().environments.remove(0);
        let old = environment(&written, None).unwrap();
        let edited = parse(&ENVIRONMENT_EXAMPLE.replace("10.0.0.0/16", "10.0.0.0/17")).unwrap();
        let error = environment(&edited.environments[0], Some(&old)).unwrap_err().to_string();
        assert!(error.contains("`vpc.cidrBlock` cannot be changed"), "{error}");
    }
}
