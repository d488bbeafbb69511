//! The custom resources of `cloister.dev/v1alpha1`: what a user writes and what they read back.
//!
//! These types are the wire format and its schema, nothing more. They may hold any value that the schema lets through;
//! whoever wants a value that cannot be malformed converts it into the model first. No behaviour towards AWS belongs here.

mod bounds;
pub mod check;
#[allow(clippy::duplicated_attributes, reason = "every printer column has a type and a priority of its own")]
pub mod environment;
#[allow(clippy::duplicated_attributes, reason = "every printer column has a type and a priority of its own")]
pub mod identity;
mod rule;
pub mod schema;

#[cfg(test)]
mod cases;

pub use environment::{EnvironmentStatus, IsolatedNotebookEnvironment, IsolatedNotebookEnvironmentSpec};
pub use identity::{AWSIdentity, AWSIdentitySpec};
pub use schema::{crds, render};
