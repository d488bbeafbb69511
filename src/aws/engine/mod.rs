//! Observes an environment and carries out plans.
pub mod memory;
