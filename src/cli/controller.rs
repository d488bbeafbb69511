//! `cloister controller`: the controller by itself.

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use kube::Client;
use tokio::net::TcpListener;

use super::interrupt;
use crate::{
    aws::{account::Connection, engine::Engine},
    kubernetes::controller,
    metrics::Metrics,
    resources, serve,
};

/// Keep AWS in line with the environments of a cluster, until SIGTERM or Ctrl-C.
///
/// Kubernetes is found by the kubeconfig or from within the cluster; AWS by the default credential chain, or wherever `AWS_ENDPOINT_URL`
/// and `AWS_ENDPOINT_URL_<SERVICE>` point.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep only the environments of this namespace
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Serve /metrics, /healthz and /readyz on this address, such as 0.0.0.0:9090; without it nothing is served
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_address: Option<SocketAddr>,
}

/// Run the controller.
///
/// # Errors
/// When the cluster cannot be reached.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::try_default().await?;
    let metrics = Arc::new(Metrics::default());
    if let Some(address) = args.metrics_address {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))?;
        tracing::info!(address = %listener.local_addr()?, "metrics and health are served");
        tokio::spawn(serve::serve(listener, Arc::clone(&metrics)));
    }
    let connection = Connection { metrics: Some(Arc::clone(&metrics)), ..Connection::default() };
    let engine = Engine::new(connection, resources::providers(), Arc::new(now));
    tracing::info!("the controller is starting");
    let stop = async {
        if let Err(error) = interrupt::interrupted().await {
            tracing::warn!(%error, "signals cannot be received; only a kill ends this process");
            std::future::pending::<()>().await;
        }
    };
    controller::run(client, Arc::new(engine), args.namespace.as_deref(), metrics, stop).await?;
    tracing::info!("the controller has finished what it was doing");
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "where the clock comes in: intents carry wall time")]
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs().cast_signed())
}
