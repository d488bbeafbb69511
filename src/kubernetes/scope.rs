//! From an object and its identity to a [`Scope`]: whose resources, as whom, where, and what is remembered. The controller and the command
//! line look at AWS with the same scope.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kube::{Resource, ResourceExt};

use super::{
    admit::admit,
    api::{AWSIdentity, IsolatedNotebookEnvironment, environment::Management},
    identity, intents,
};
use crate::model::{
    address::Address,
    environment::Environment,
    owner::Owner,
    port::{ErrorClass, Freshness, Problem, Scope},
};

/// Everything that a look at AWS needs.
///
/// # Errors
/// When the identity leads to another account than the object lives in, or the manifest means nothing that could be made.
pub fn scope_of(
    object: &IsolatedNotebookEnvironment,
    cluster: &str,
    identity: &AWSIdentity,
    freshness: Freshness,
) -> Result<Scope, Problem> {
    check_account(object, &identity.spec.account)?;
    let owner = Owner {
        cluster: cluster.to_owned(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
    };
    // A deletion needs no valid manifest; a valid one tells under which names to look, besides those that are remembered.
    let deleting = object.meta().deletion_timestamp.is_some();
    let environment: Option<Arc<Environment>> = match admit(object, owner.clone(), identity) {
        Ok(environment) => Some(Arc::new(environment)),
        Err(_) if deleting => None,
        Err(problem) => return Err(problem),
    };
    Ok(Scope {
        owner,
        identity: identity::to_model(identity),
        region: object.spec.region.clone(),
        environment,
        remembered: remembered(object),
        declared: declared(object),
        intents: intents::from_status(object),
        freshness,
    })
}

/// The account is pinned at first contact.
fn check_account(object: &IsolatedNotebookEnvironment, account: &str) -> Result<(), Problem> {
    let pinned = object.status.as_ref().and_then(|status| status.account.as_deref());
    match pinned {
        Some(pinned) if pinned != account => {
            let name = &object.spec.identity_ref.name;
            let message = format!(
                "this environment lives in account {pinned}, but AWSIdentity {name} leads to {account}; nothing is written until it leads back"
            );
            Err(Problem::new(ErrorClass::Credentials, message).because("AccountChanged"))
        }
        _ => Ok(()),
    }
}

/// The ids that the status remembers.
pub(super) fn remembered(object: &IsolatedNotebookEnvironment) -> BTreeMap<Address, String> {
    let items =
        object.status.as_ref().and_then(|status| status.resources.as_ref()).map(|resources| resources.items.as_slice());
    items.unwrap_or_default().iter().filter_map(|item| Some((item.resource.parse().ok()?, item.id.clone()))).collect()
}

/// What the status remembers as declared to be there already.
fn declared(object: &IsolatedNotebookEnvironment) -> BTreeSet<Address> {
    let items =
        object.status.as_ref().and_then(|status| status.resources.as_ref()).map(|resources| resources.items.as_slice());
    let declared = items.unwrap_or_default().iter().filter(|item| item.existing == Some(true));
    declared.filter_map(|item| item.resource.parse().ok()).collect()
}

/// Why a deletion has to wait for a person.
#[must_use]
pub fn deletion_waits(object: &IsolatedNotebookEnvironment) -> Option<Problem> {
    if object.spec.deletion_protection {
        let message = "`spec.deletionProtection` is true: AWS stays untouched; set it to false to delete";
        return Some(Problem::new(ErrorClass::Invalid, message).because("DeletionProtected"));
    }
    if object.spec.paused {
        let message = "`spec.paused` is true: the deletion waits; set it to false to go on";
        return Some(Problem::new(ErrorClass::Invalid, message).because("Paused"));
    }
    None
}

/// Whether AWS cannot hold anything of this object: it never got as far as an account, or it only ever looks.
#[must_use]
pub fn nothing_was_made(object: &IsolatedNotebookEnvironment) -> bool {
    let observes = object.spec.management == Management::Observe;
    observes || object.status.as_ref().is_none_or(|status| status.account.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::api::EnvironmentStatus;

    fn object(change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> IsolatedNotebookEnvironment {
        let mut object: IsolatedNotebookEnvironment =
            serde_saphyr::from_str(include_str!("../../examples/closed-network.yaml")).expect("a manifest");
        object.status =
            Some(EnvironmentStatus { account: Some("111122223333".into()), ..EnvironmentStatus::default() });
        change(&mut object);
        object
    }

    #[test]
    fn a_deletion_waits_for_the_person_who_protected_or_paused_it() {
        let reason = |change: fn(&mut IsolatedNotebookEnvironment)| {
            deletion_waits(&object(change)).map(|problem| (problem.class.needs_person(), problem.reason))
        };
        assert_eq!(reason(|_| ()), None);
        assert_eq!(reason(|object| object.spec.deletion_protection = true), Some((true, "DeletionProtected".into())));
        assert_eq!(reason(|object| object.spec.paused = true), Some((true, "Paused".into())));
    }

    #[test]
    fn an_object_that_only_looks_or_never_got_to_an_account_made_nothing() {
        assert!(!nothing_was_made(&object(|_| ())));
        assert!(nothing_was_made(&object(|object| object.spec.management = Management::Observe)));
        assert!(nothing_was_made(&object(|object| object.status = None)));
    }
}
