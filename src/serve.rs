//! The small HTTP server for whoever watches the controller: metrics and health. It shows no more than [`crate::metrics`] has, and takes nothing.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use crate::metrics::Metrics;

/// The type of the page, as OpenMetrics wants it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serve `/metrics`, `/healthz` (the process answers) and `/readyz` (the environments are known) for as long as the process lives.
///
/// # Errors
/// When the socket fails.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) -> std::io::Result<()> {
    let shown = Arc::clone(&metrics);
    let page = move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], shown.text()) };
    let readiness = move || async move {
        if metrics.is_ready() {
            "ok\n".into_response()
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "the environments are not known yet\n").into_response()
        }
    };
    let router = Router::new()
        .route("/metrics", get(page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness));
    axum::serve(listener, router).await
}
