//! Cloister keeps SageMaker notebook environments without internet access, which can still `pip install`, in line with a manifest.

pub mod aws;
pub mod cli;
pub mod kubernetes;
pub mod metrics;
pub mod model;
pub mod resources;
pub mod serve;

#[cfg(feature = "sandbox")]
pub mod sandbox;
