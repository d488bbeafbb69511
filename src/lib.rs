pub mod kubernetes;

#[cfg(feature = "sandbox")]
pub mod sandbox;
