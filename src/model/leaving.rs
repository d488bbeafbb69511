//! What stays as long as somebody still needs it. Pure.
//!
//! A notebook that left the manifest is there until its deletion was approved and AWS is done with it; a repository that left it until nothing is
//! linked to it any more; a running notebook installs from the repository with which it was started until it is started again; an endpoint is in its
//! old security group until the new one was added. The kinds derive their wishes from an environment that has all of these still in it, so that
//! every way is widened before it is used and narrowed after.
//!
//! Nothing in here opens anything: what is found in AWS counts only as far as it is ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    address::{Address, Kind},
    environment::Environment,
    owner::Ownership,
    resource::{Output, Seen, Sight},
    value::{Value, Wish},
};

/// What is not in the manifest (any more) and still needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Names of notebook instances of ours that are still there.
    pub notebooks: BTreeSet<String>,
    /// Names of repositories of ours that are still there.
    pub repositories: BTreeSet<String>,
    /// Names of repositories from which running notebooks install until their next start.
    pub installed: BTreeSet<String>,
    /// Ids of security groups in which endpoints of ours still are, and to which the notebooks are let out already.
    pub endpoint_groups: BTreeSet<String>,
}

/// What was seen.
type Sights = BTreeMap<Address, Sight>;

/// The environment as long as some of what left its manifest is still needed.
#[must_use]
pub fn until_gone(environment: &Arc<Environment>, sights: &Sights) -> Arc<Environment> {
    let leaving = Leaving {
        notebooks: notebooks(environment, sights),
        repositories: repositories(environment, sights),
        installed: installed(environment, sights),
        endpoint_groups: endpoint_groups(sights),
    };
    if leaving == environment.leaving {
        return Arc::clone(environment);
    }
    Arc::new(Environment { leaving, ..Environment::clone(environment) })
}

fn ours(sights: &Sights, kind: Kind) -> impl Iterator<Item = &Seen> {
    let seen = sights.values().filter_map(Sight::seen).filter(move |seen| seen.address.kind == kind);
    seen.filter(|seen| matches!(seen.ownership, Ownership::Ours | Ownership::Earlier))
}

fn field(seen: &Seen, name: &str) -> Option<Value> {
    match seen.state.fields().into_iter().find(|field| field.name == name)?.value {
        Wish::Is(value) => Some(value),
        Wish::Any | Wish::After(_) => None,
    }
}

fn notebooks(environment: &Environment, sights: &Sights) -> BTreeSet<String> {
    let listed = |name: &str| environment.notebooks.iter().any(|notebook| notebook.name.eq_ignore_ascii_case(name));
    ours(sights, Kind::NotebookInstance).map(|seen| seen.id.clone()).filter(|name| !listed(name)).collect()
}

fn repositories(environment: &Environment, sights: &Sights) -> BTreeSet<String> {
    let listed = |name: &str| environment.packages.repositories.iter().any(|repository| repository.name == name);
    ours(sights, Kind::Repository).map(|seen| seen.id.clone()).filter(|name| !listed(name)).collect()
}

/// The repositories that the role may read already, while some notebook runs with a start script that is not the present one (any more). Only those of
/// ours: what somebody else added to the role is not kept for it.
fn installed(environment: &Environment, sights: &Sights) -> BTreeSet<String> {
    let Some(install) = &environment.packages.install else { return BTreeSet::new() };
    if !some_notebook_waits_for_its_script(sights, &install.repository) {
        return BTreeSet::new();
    }
    let readable = readable(sights);
    let candidates = environment.packages.repositories.iter().map(|repository| repository.name.clone());
    let candidates = candidates.chain(repositories(environment, sights));
    candidates
        .filter(|name| *name != install.repository && readable.contains(&environment.repository_arn(name)))
        .collect()
}

/// The repositories that left the manifest and from which running notebooks install until their next start, and everything that these reach.
#[must_use]
pub fn still_in_use(environment: &Environment, sights: &Sights) -> BTreeSet<Address> {
    let installed = installed(environment, sights);
    ours(sights, Kind::Repository)
        .map(|seen| seen.address.clone())
        .filter(|address| installed.contains(&address.name))
        .collect()
}

fn some_notebook_waits_for_its_script(sights: &Sights, repository: &str) -> bool {
    let running = |seen: &&Seen| {
        seen.outputs
            .get(&Output::State)
            .is_some_and(|state| !matches!(state.as_str(), "Stopped" | "Failed" | "Deleting"))
    };
    let address = format!("/pypi/{repository}/simple/");
    let other = ours(sights, Kind::LifecycleConfiguration)
        .filter_map(|seen| field(seen, "onStart"))
        .any(|script| matches!(script, Value::Script(text) if text.contains("/pypi/") && !text.contains(&address)));
    ours(sights, Kind::NotebookInstance)
        .filter(running)
        // Also where it is not known: what may still be in use is not taken away.
        .any(|seen| other || seen.outputs.contains_key(&Output::RestartPending))
}

/// The ARNs that the policies of ours let the notebooks' role read packages from.
fn readable(sights: &Sights) -> BTreeSet<String> {
    let roles = ours(sights, Kind::Role).filter_map(|seen| field(seen, "inlinePolicies"));
    let policies = ours(sights, Kind::Policy).filter_map(|seen| field(seen, "document"));
    let documents = roles.chain(policies).flat_map(|value| match value {
        Value::Policies(documents) => documents.into_values().collect(),
        Value::Policy(document) => vec![*document],
        _ => Vec::new(),
    });
    let statements = documents.flat_map(|document| document.statements);
    let reading =
        statements.filter(|statement| statement.actions.patterns.contains(&"codeartifact:ReadFromRepository".into()));
    reading.filter_map(|statement| statement.resources).flat_map(|resources| resources.patterns).collect()
}

/// The groups of our endpoints to which a rule lets the notebooks out.
fn endpoint_groups(sights: &Sights) -> BTreeSet<String> {
    let sets = |kind: Kind, name: &'static str| {
        ours(sights, kind).filter_map(move |seen| match field(seen, name) {
            Some(Value::Set(set)) => Some(set),
            _ => None,
        })
    };
    let egress: BTreeSet<String> = sets(Kind::SecurityGroupRules, "egress").flatten().collect();
    let let_out = |group: &String| egress.iter().any(|rule| rule.ends_with(&format!(" to {group}")));
    sets(Kind::VpcEndpoint, "securityGroups").flatten().filter(let_out).collect()
}
