//! The package index that pip talks to. (Being written.)

use bytes::Bytes;
use http::{Request, Response};

use crate::sandbox::clock::Instant;
use crate::sandbox::world::World;

/// Answers a request to a repository endpoint; `None` if it is not one.
pub fn handle(_world: &mut World, _request: &Request<Bytes>, _now: Instant) -> Option<Response<Bytes>> {
    None
}
