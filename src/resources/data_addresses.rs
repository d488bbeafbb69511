//! The logical addresses of packages, permissions and notebooks, so that kinds can name each other without importing each other.

use crate::model::address::{Address, Kind};

/// A domain, by its name in AWS.
pub fn domain(name: &str) -> Address {
    Address::new(Kind::Domain, name)
}

/// A repository of the environment's domain, by its name in AWS.
pub fn repository(name: &str) -> Address {
    Address::new(Kind::Repository, name)
}

/// The role that the notebooks run with.
pub fn role() -> Address {
    Address::new(Kind::Role, "execution")
}

/// The policy of ours that is attached to a role which is not ours.
pub fn install_policy() -> Address {
    Address::new(Kind::Policy, "install")
}

/// The scripts of a notebook.
pub fn lifecycle(notebook: &str) -> Address {
    Address::new(Kind::LifecycleConfiguration, notebook)
}

/// A notebook.
pub fn notebook(name: &str) -> Address {
    Address::new(Kind::NotebookInstance, name)
}
