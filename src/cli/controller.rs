//! `cloister controller`: the controller by itself.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use kube::Client;

use super::interrupt;
use crate::{
    aws::{account::Connection, engine::Engine},
    kubernetes::controller,
    resources,
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
}

/// Run the controller.
///
/// # Errors
/// When the cluster cannot be reached.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::try_default().await?;
    let engine = Engine::new(Connection::default(), resources::providers(), Arc::new(now));
    tracing::info!("the controller is starting");
    let stop = async {
        if let Err(error) = interrupt::interrupted().await {
            tracing::warn!(%error, "signals cannot be received; only a kill ends this process");
            std::future::pending::<()>().await;
        }
    };
    controller::run(client, Arc::new(engine), args.namespace.as_deref(), stop).await?;
    tracing::info!("the controller has finished what it was doing");
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "where the clock comes in: intents carry wall time")]
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs().cast_signed())
}
