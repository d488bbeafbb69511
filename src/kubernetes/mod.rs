//! Everything that knows Kubernetes and nothing that knows AWS.

pub mod api;
pub mod tls;
