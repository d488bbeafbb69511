//! The simulator on a TCP port, for the `aws` CLI, boto3, pip and the controller as a program of its own.
//! Besides AWS it answers `GET` and `DELETE /_simulator/log`, so that tests outside the process can count calls.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use tokio::net::TcpListener;

use super::Simulator;
use super::log::Entry;

/// Larger than any package that a test publishes.
const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// Serves until `shutdown` is ready.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes =
        Router::new().route("/_simulator/log", get(show_log).delete(clear_log)).fallback(answer).with_state(simulator);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
}

async fn show_log(State(simulator): State<Arc<Simulator>>) -> impl IntoResponse {
    let entries: Vec<_> = simulator.log().iter().map(Entry::to_json).collect();
    ([(header::CONTENT_TYPE, "application/json")], serde_json::Value::from(entries).to_string())
}

async fn clear_log(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.clear_log();
    StatusCode::NO_CONTENT
}

async fn answer(State(simulator): State<Arc<Simulator>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let response: Response<Bytes> = simulator.handle(Request::from_parts(parts, body)).await;
    response.map(Body::from)
}
