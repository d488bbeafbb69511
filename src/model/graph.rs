//! The order in which things go: what must be gone before what.
//!
//! The order of creation follows from each resource's `needs`. The order of deletion is a property of the kinds, because
//! it must also be known when the manifest is not valid any more.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>.

use std::collections::BTreeSet;

use super::{
    address::{Address, Kind},
    resource::Seen,
    value::{Value, Wish},
};

/// The kinds of which nothing may be left when one of this kind is deleted.
#[must_use]
pub const fn gone_before(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Vpc => {
            &[Kind::Subnet, Kind::RouteTable, Kind::SecurityGroup, Kind::SecurityGroupRules, Kind::VpcEndpoint]
        }
        Kind::Subnet => &[Kind::NotebookInstance, Kind::VpcEndpoint, Kind::RouteTable],
        Kind::SecurityGroup => &[Kind::SecurityGroupRules, Kind::VpcEndpoint, Kind::NotebookInstance],
        Kind::RouteTable | Kind::SecurityGroupRules => &[Kind::VpcEndpoint, Kind::NotebookInstance],
        // A notebook never runs with an endpoint and its policy gone.
        Kind::VpcEndpoint | Kind::LifecycleConfiguration | Kind::Role | Kind::Policy => &[Kind::NotebookInstance],
        Kind::Domain => &[Kind::Repository],
        // Repositories among each other: downstream first, see `blocks`.
        Kind::Repository | Kind::NotebookInstance => &[],
    }
}

/// Whether `other` must be gone before `seen` can go.
#[must_use]
pub fn blocks(other: &Seen, seen: &Seen) -> bool {
    if gone_before(seen.address.kind).contains(&other.address.kind) {
        return true;
    }
    seen.address.kind == Kind::Repository
        && other.address.kind == Kind::Repository
        && upstreams(other).contains(&seen.id)
}

/// The upstreams of a repository, by name.
fn upstreams(repository: &Seen) -> BTreeSet<String> {
    let field = repository.state.fields().into_iter().find(|field| field.name == "upstreams");
    match field.map(|field| field.value) {
        Some(Wish::Is(Value::List(names))) => names.into_iter().collect(),
        _ => BTreeSet::new(),
    }
}

/// The addresses of those of `others` that must be gone before `seen` can go.
pub fn blockers<'a>(seen: &Seen, others: impl IntoIterator<Item = &'a Seen>) -> BTreeSet<Address> {
    others
        .into_iter()
        .filter(|other| other.address != seen.address && blocks(other, seen))
        .map(|other| other.address.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletion_has_no_circles() {
        fn reaches(from: Kind, to: Kind, depth: usize) -> bool {
            depth > 0 && gone_before(from).iter().any(|&kind| kind == to || reaches(kind, to, depth - 1))
        }
        for kind in Kind::ALL {
            assert!(!reaches(kind, kind, Kind::ALL.len()), "{kind} waits for itself");
        }
    }
}
