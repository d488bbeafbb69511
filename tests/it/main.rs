//! Tests of whole programs, in one executable because each costs two seconds of linking.
#![cfg(feature = "sandbox")]

mod convergence;
mod schema;
mod world;
