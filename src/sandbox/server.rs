//! The simulator on a TCP port, for the `aws` CLI, boto3, pip and the controller as a program of its own.
//! Besides AWS it answers below `/_simulator`, so that somebody outside the process can count calls and make trouble:
//! `GET` and `DELETE log`, `POST` and `DELETE faults`, `POST starts`, `PUT endpoints/ID`. Bodies are those of [`controls`](super::controls).

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use tokio::net::TcpListener;

use super::Simulator;
use super::controls::{self, EndpointState, Order, Start};
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
    let routes = Router::new()
        .route("/_simulator/log", get(show_log).delete(clear_log))
        .route("/_simulator/faults", post(plan_fault).delete(clear_faults))
        .route("/_simulator/starts", post(spoil_start))
        .route("/_simulator/endpoints/{id}", put(put_endpoint))
        .fallback(answer)
        .with_state(simulator);
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

async fn plan_fault(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response<Body> {
    controlled(read::<Order>(&body).and_then(Order::read).map(|fault| simulator.faults().add(fault)))
}

async fn clear_faults(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.faults().clear();
    StatusCode::NO_CONTENT
}

async fn spoil_start(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response<Body> {
    controlled(read::<Start>(&body).and_then(|start| controls::spoil_start(&simulator, start)))
}

async fn put_endpoint(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    controlled(read::<EndpointState>(&body).and_then(|state| controls::put_endpoint(&simulator, &id, state)))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Nothing to say, or what was wrong.
fn controlled(outcome: Result<(), String>) -> Response<Body> {
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(complaint) => (StatusCode::BAD_REQUEST, format!("{complaint}\n")).into_response(),
    }
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

    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_ec2::config::retry::RetryConfig;
    use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_ec2::error::ProvideErrorMetadata;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::sandbox::clock::WallClock;
    use crate::sandbox::{Delays, Settings};

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
        let vpc = client(address).create_vpc().cidr_block("10.0.0.0/16").send().await;
        assert_eq!(vpc.expect("made").vpc().and_then(|vpc| vpc.owner_id()), Some("444455556666"));
        let log = plain(address, "GET /_simulator/log HTTP/1.1").await;
        assert!(log.contains(r#""operation":"CreateVpc""#) && log.contains(r#""region":"eu-west-1""#), "{log}");
        let cleared = plain(address, "DELETE /_simulator/log HTTP/1.1").await;
        assert!(cleared.starts_with("HTTP/1.1 204"), "{cleared}");
        assert!(plain(address, "GET /_simulator/log HTTP/1.1").await.ends_with("[]"));
    }

    async fn sent(address: SocketAddr, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let head =
            format!("{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    fn client(address: SocketAddr) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("444455556666", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(format!("http://{address}"))
            .build();
        aws_sdk_ec2::Client::from_conf(config)
    }

    #[tokio::test]
    async fn faults_can_be_planned_and_taken_back_from_outside() {
        let (address, _stop) = listening().await;
        let ec2 = client(address);
        let order = r#"{"service": "ec2", "operation": "DescribeVpcs", "kind": "throttle"}"#;
        let planned = sent(address, "POST /_simulator/faults", order).await;
        assert!(planned.starts_with("HTTP/1.1 204"), "{planned}");
        let throttled = ec2.describe_vpcs().send().await.expect_err("throttled");
        assert_eq!(throttled.code(), Some("RequestLimitExceeded"));
        assert!(sent(address, "DELETE /_simulator/faults", "").await.starts_with("HTTP/1.1 204"));
        ec2.describe_vpcs().send().await.expect("no fault any more");
        let refused = sent(address, "POST /_simulator/faults", r#"{"service": "ec2", "kind": "sulk"}"#).await;
        assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("kind sulk"), "{refused}");
    }

    #[tokio::test]
    async fn the_start_of_a_notebook_can_be_spoilt_from_outside() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let simulator = Simulator::new(Settings::with_delays(Delays::none()), Arc::new(WallClock));
        tokio::spawn(serve(simulator, listener, std::future::pending()));
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("any", "secret", None, None, "test")))
            .endpoint_url(format!("http://{address}"))
            .build();
        let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
        let role = aws_sdk_iam::Client::new(&config).create_role().role_name("r").assume_role_policy_document(trust);
        let role = role.send().await.expect("made").role.expect("a role");
        let order = r#"{"region": "eu-west-1", "notebook": "nb", "outcome": "failed", "reason": "out of tea"}"#;
        let spoilt = sent(address, "POST /_simulator/starts", order).await;
        assert!(spoilt.starts_with("HTTP/1.1 204"), "{spoilt}");
        let notebooks = aws_sdk_sagemaker::Client::new(&config);
        let create = notebooks.create_notebook_instance().notebook_instance_name("nb").role_arn(role.arn);
        create.instance_type("ml.t3.medium".into()).send().await.expect("made");
        let shown = notebooks.describe_notebook_instance().notebook_instance_name("nb").send().await.expect("found");
        assert_eq!(shown.failure_reason(), Some("out of tea"));
    }

    #[tokio::test]
    async fn an_endpoint_can_be_put_into_a_state_that_no_call_leads_to() {
        let (address, _stop) = listening().await;
        let ec2 = client(address);
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.expect("made").vpc;
        let vpc = vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
        let service = "com.amazonaws.eu-west-1.s3";
        let made = ec2.create_vpc_endpoint().vpc_id(vpc).service_name(service).send().await.expect("made");
        let id = made.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id).expect("an id");
        for state in ["partial", "expired", "rejected", "pendingAcceptance", "failed"] {
            let body = format!(r#"{{"state": "{state}"}}"#);
            let put = sent(address, &format!("PUT /_simulator/endpoints/{id}"), &body).await;
            assert!(put.starts_with("HTTP/1.1 204"), "{put}");
            let shown = ec2.describe_vpc_endpoints().vpc_endpoint_ids(&id).send().await.expect("found");
            assert_eq!(shown.vpc_endpoints()[0].state().map(aws_sdk_ec2::types::State::as_str), Some(state));
        }
        let absent = sent(address, "PUT /_simulator/endpoints/vpce-0", r#"{"state": "partial"}"#).await;
        assert!(absent.starts_with("HTTP/1.1 400") && absent.contains("no endpoint vpce-0"), "{absent}");
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
