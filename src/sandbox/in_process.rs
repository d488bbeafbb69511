//! The simulator as the HTTP client of the AWS SDK: real SDK clients talk to it without a socket, so that time can be
//! virtual and every test has an AWS of its own.

use std::io;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::{Outcome, Simulator};

/// A simulator in the place of the network.
#[derive(Debug, Clone)]
pub struct InProcess {
    simulator: Arc<Simulator>,
}

impl InProcess {
    /// Everything sent through this client ends in `simulator`.
    #[must_use]
    pub fn new(simulator: Arc<Simulator>) -> Self {
        Self { simulator }
    }

    /// In the form that `aws_config` takes.
    #[must_use]
    pub fn shared(simulator: Arc<Simulator>) -> SharedHttpClient {
        SharedHttpClient::new(Self::new(simulator))
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let simulator = self.simulator.clone();
        HttpConnectorFuture::new(async move { deliver(&simulator, request).await })
    }
}

async fn deliver(simulator: &Simulator, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user_error = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let (parts, body) = request.try_into_http1x().map_err(|error| user_error(error.into()))?.into_parts();
    let body: Bytes = body.collect().await.map_err(ConnectorError::io)?.to_bytes();
    match simulator.outcome(&http::Request::from_parts(parts, body)) {
        Outcome::Answer(response) => {
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(|error| user_error(error.into()))
        }
        Outcome::Lost => Err(ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())),
        Outcome::Silence => std::future::pending().await,
    }
}
