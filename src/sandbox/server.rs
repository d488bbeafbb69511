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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::sandbox::Settings;
    use crate::sandbox::clock::WallClock;

    async fn listening() -> (SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let simulator = Simulator::new(Settings::default(), Arc::new(WallClock));
        let shutdown = async move { stopped.await.unwrap_or_default() };
        tokio::spawn(serve(simulator, listener, shutdown));
        (address, stop)
    }

    async fn plain(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = format!("{request}\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    #[tokio::test]
    async fn an_sdk_reaches_the_simulator_by_its_endpoint_url_and_the_log_tells_of_it() {
        let (address, _stop) = listening().await;
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("444455556666", "secret", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .build();
        let vpc = aws_sdk_ec2::Client::from_conf(config).create_vpc().cidr_block("10.0.0.0/16").send().await;
        assert_eq!(vpc.expect("made").vpc().and_then(|vpc| vpc.owner_id()), Some("444455556666"));
        let log = plain(address, "GET /_simulator/log HTTP/1.1").await;
        assert!(log.contains(r#""operation":"CreateVpc""#) && log.contains(r#""region":"eu-west-1""#), "{log}");
        let cleared = plain(address, "DELETE /_simulator/log HTTP/1.1").await;
        assert!(cleared.starts_with("HTTP/1.1 204"), "{cleared}");
        assert!(plain(address, "GET /_simulator/log HTTP/1.1").await.ends_with("[]"));
    }

    #[tokio::test]
    async fn who_does_not_sign_is_refused() {
        let (address, _stop) = listening().await;
        let answer = plain(address, "GET /?Action=DescribeVpcs HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("MissingAuthenticationToken"), "{answer}");
    }

    #[tokio::test]
    async fn the_simulator_stops_when_it_is_told_to() {
        let (address, stop) = listening().await;
        stop.send(()).expect("still serving");
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
