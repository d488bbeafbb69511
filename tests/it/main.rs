//! Everything that needs more than one part of the product: the real SDK against the simulated AWS, the controller
//! against a real kube-apiserver. One executable, because each takes seconds to link; one control plane for all tests,
//! which keep out of each other's way by a namespace each.
#![cfg(feature = "sandbox")]
#![allow(clippy::large_futures, reason = "a test's future is alone on its thread")]
#![allow(clippy::unwrap_used, reason = "what cannot be had ends the test, and the place says what it was")]

mod accounts;
mod adoption;
mod architecture;
mod bad_inputs;
mod botocore;
mod cli;
mod cli_in_a_cluster;
mod cluster;
mod control_plane;
mod convergence;
mod crashes;
mod deletion;
mod disruption;
mod documented_permissions;
mod edits;
mod end_to_end;
mod existing;
mod fairness;
mod hands;
mod isolation;
mod laws;
mod looks;
mod network;
mod no_outage;
mod notebooks;
mod observe;
mod other_endpoints;
mod packages;
mod permissions;
mod permissions_ready;
mod policy_evaluators;
mod region;
mod sandbox;
mod scale;
mod schema;
mod simulator;
mod start_script;
mod tamper;
mod telling;
mod world;
