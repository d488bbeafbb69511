//! Parts that the manifest declares as existing: where it does so, and what is said when they are not there.

use super::{
    address::{Address, Kind},
    environment::Environment,
    port::{ErrorClass, Problem},
};

/// The reason of problems about such parts that are not there.
pub const NOT_FOUND: &str = "ExistingNotFound";

/// What is said about a part that the manifest declares as existing, by this id or name, and that is not there.
#[must_use]
pub fn not_found(environment: &Environment, address: &Address, id: &str) -> Problem {
    let message = format!(
        "{id} does not exist in account {} and region {}, or may not be seen; the manifest says that it exists: make it, or correct {}",
        environment.account,
        environment.region,
        field(address)
    );
    Problem::new(ErrorClass::Invalid, message).because(NOT_FOUND).about(address)
}

/// Where the manifest says that it exists, and what else it can say there.
fn field(address: &Address) -> String {
    let name = address.name.split('#').next().unwrap_or_default();
    match address.kind {
        Kind::Vpc => "`spec.network.vpc.id`".to_owned(),
        Kind::Subnet => format!("`spec.network.subnets[{name}].id`"),
        // The table of an existing subnet.
        Kind::RouteTable => {
            format!("`spec.network.subnets[{}].id`", name.strip_prefix("subnet-").unwrap_or(name))
        }
        Kind::SecurityGroup | Kind::SecurityGroupRules => format!("`spec.network.securityGroups.{name}.id`"),
        Kind::VpcEndpoint => format!("`spec.network.endpoints[{name}].id`"),
        Kind::Domain => "`spec.packages.domain` (without `existing` it is made here)".to_owned(),
        Kind::Repository => format!("`spec.packages.repositories[{name}]` (without `existing` it is made here)"),
        Kind::Role | Kind::Policy => "`spec.executionRole.arn`".to_owned(),
        Kind::LifecycleConfiguration | Kind::NotebookInstance => {
            format!("`spec.notebooks[{name}]` (without `existing` it is made here)")
        }
    }
}
