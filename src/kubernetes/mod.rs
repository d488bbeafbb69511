//! Knows Kubernetes, not AWS: the custom resources, what a manifest means, and the loop that keeps AWS in line with it.
//!
//! AWS is seen only through [`crate::model::port::Cloud`].

pub mod admit;
pub mod api;
pub mod controller;
pub mod drift;
pub mod events;
pub mod identity;
mod intents;
mod memory;
pub mod reader;
pub mod reconcile;
mod requeue;
pub mod scope;
pub mod status;
pub mod tls;
