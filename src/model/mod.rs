//! The pure core: what an environment is, what it should look like in AWS, how reality differs, what to do about it
//! and how to say so.
//!
//! Nothing in here does I/O, reads a clock or draws a random number; nothing in here knows tokio, kube or an AWS SDK.
//! That is what makes a plan printable, a golden test possible and Observe mode trustworthy.

pub mod access;
pub mod acl;
pub mod address;
pub mod adoption;
pub mod asked;
pub mod controls;
pub mod diff;
pub mod environment;
pub mod existing;
pub mod graph;
pub mod group_rule;
pub mod hooks;
pub mod isolation;
pub mod leaving;
pub mod order;
pub mod owner;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod port;
pub mod reachability;
pub mod report;
pub mod resource;
pub mod services;
pub mod start_script;
mod stations;
pub mod step;
pub mod surroundings;
pub mod tries;
pub mod value;
#[cfg(test)]
mod verdict_example;
