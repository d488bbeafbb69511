pub mod kubernetes;
pub mod model;

#[cfg(feature = "sandbox")]
pub mod sandbox;
