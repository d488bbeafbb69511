//! Dependency order.
