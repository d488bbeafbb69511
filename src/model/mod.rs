//! The pure core: what an environment is, what it should look like in AWS, how reality differs, what to do about it
//! and how to say so.
//!
//! Nothing in here does I/O, reads a clock or draws a random number; nothing in here knows tokio, kube or an AWS SDK.
//! That is what makes a plan printable, a golden test possible and Observe mode trustworthy.

pub mod access;
pub mod address;
pub mod adoption;
pub mod asked;
pub mod diff;
pub mod environment;
pub mod graph;
pub mod hooks;
pub mod owner;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod port;
pub mod report;
pub mod resource;
pub mod services;
pub mod start_script;
pub mod step;
pub mod value;
