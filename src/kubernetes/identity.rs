//! Which AWS role an environment may use: looked up and checked at every visit. A namespace without identity gets nothing, and nothing
//! falls back to the controller's own credentials.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::api::{
    AWSIdentity,
    identity::{LabelOperator, LabelRequirement, NamespaceSelector},
};
use crate::model::port::{ErrorClass, Identity, Problem};

/// The identity of this name, if it admits the namespace.
///
/// # Errors
/// When there is none, when it does not admit the namespace, or when that cannot be found out.
pub async fn find(client: &Client, name: &str, namespace: &str) -> Result<AWSIdentity, Problem> {
    let identities = Api::<AWSIdentity>::all(client.clone());
    let identity = identities.get_opt(name).await.map_err(|error| unreadable("AWSIdentity", name, &error))?;
    let Some(identity) = identity else {
        let message = format!(
            "`spec.identityRef.name` is {name}, but there is no AWSIdentity of this name; ask the platform team for one"
        );
        return Err(Problem::new(ErrorClass::Credentials, message).because("IdentityNotFound"));
    };
    check(client, &identity, namespace).await?;
    Ok(identity)
}

/// Whether the identity admits the namespace.
///
/// # Errors
/// When it does not, or when that cannot be found out.
pub async fn check(client: &Client, identity: &AWSIdentity, namespace: &str) -> Result<(), Problem> {
    let labels = match &identity.spec.allowed_namespaces {
        Some(allowed) if allowed.selector.is_some() => labels_of(client, namespace).await?,
        _ => BTreeMap::new(),
    };
    if admits(identity, namespace, &labels) { Ok(()) } else { Err(not_admitted(identity, namespace)) }
}

/// Whether the identity admits the namespace, where its labels cannot be asked for: `false` when these would decide.
///
/// # Errors
/// When it does not admit it whatever the labels are.
pub fn check_without_labels(identity: &AWSIdentity, namespace: &str) -> Result<bool, Problem> {
    let selects = identity.spec.allowed_namespaces.as_ref().is_some_and(|allowed| allowed.selector.is_some());
    match admits(identity, namespace, &BTreeMap::new()) {
        true => Ok(true),
        false if selects => Ok(false),
        false => Err(not_admitted(identity, namespace)),
    }
}

fn not_admitted(identity: &AWSIdentity, namespace: &str) -> Problem {
    let name = identity.metadata.name.as_deref().unwrap_or_default();
    let message =
        format!("AWSIdentity {name} does not admit namespace {namespace}; its `spec.allowedNamespaces` must name it");
    Problem::new(ErrorClass::Credentials, message).because("NamespaceNotAllowed")
}

/// As whom to act, in the model's words.
#[must_use]
pub fn to_model(identity: &AWSIdentity) -> Identity {
    Identity {
        name: identity.metadata.name.clone().unwrap_or_default(),
        account: identity.spec.account.clone(),
        role_arn: identity.spec.role_arn.clone(),
        external_id: identity.spec.external_id.clone(),
        session_tags: identity.spec.session_tags.clone(),
    }
}

async fn labels_of(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>, Problem> {
    let found = Api::<Namespace>::all(client.clone()).get_opt(namespace).await;
    let found = found.map_err(|error| unreadable("Namespace", namespace, &error))?;
    Ok(found.and_then(|namespace| namespace.metadata.labels).unwrap_or_default())
}

fn unreadable(kind: &str, name: &str, error: &kube::Error) -> Problem {
    Problem::new(ErrorClass::Transient, format!("{kind} {name} could not be read: {error}"))
        .because("KubernetesUnavailable")
}

/// No `allowedNamespaces` means nobody; a name in the list or a match of the selector means yes.
fn admits(identity: &AWSIdentity, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
    identity.spec.allowed_namespaces.as_ref().is_some_and(|allowed| {
        allowed.names.iter().any(|name| name == namespace)
            || allowed.selector.as_ref().is_some_and(|selector| matches(selector, labels))
    })
}

fn matches(selector: &NamespaceSelector, labels: &BTreeMap<String, String>) -> bool {
    selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().all(|requirement| meets(requirement, labels))
}

fn meets(requirement: &LabelRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let listed = value.is_some_and(|value| requirement.values.contains(value));
    match requirement.operator {
        LabelOperator::In => listed,
        LabelOperator::NotIn => !listed,
        LabelOperator::Exists => value.is_some(),
        LabelOperator::DoesNotExist => value.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::api::{AWSIdentitySpec, identity::AllowedNamespaces};

    fn identity(allowed: Option<AllowedNamespaces>) -> AWSIdentity {
        AWSIdentity::new("i", AWSIdentitySpec { allowed_namespaces: allowed, ..AWSIdentitySpec::default() })
    }

    #[test]
    fn nobody_is_admitted_by_default() {
        assert!(!admits(&identity(None), "a", &BTreeMap::new()));
        assert!(!admits(&identity(Some(AllowedNamespaces::default())), "a", &BTreeMap::new()));
    }

    #[test]
    fn names_and_selectors_admit() {
        let named = AllowedNamespaces { names: vec!["a".into()], selector: None };
        assert!(admits(&identity(Some(named.clone())), "a", &BTreeMap::new()));
        assert!(!admits(&identity(Some(named)), "b", &BTreeMap::new()));
        let selector = NamespaceSelector {
            match_labels: BTreeMap::from([("team".into(), "x".into())]),
            match_expressions: vec![],
        };
        let selected = AllowedNamespaces { names: vec![], selector: Some(selector) };
        assert!(admits(&identity(Some(selected.clone())), "b", &BTreeMap::from([("team".into(), "x".into())])));
        assert!(!admits(&identity(Some(selected)), "b", &BTreeMap::new()));
    }
}
