//! `cloister control-plane`: a real Kubernetes control plane alone, in the foreground.

use std::path::Path;
use std::process::ExitCode;

use super::interrupt::interrupted;
use crate::sandbox::control_plane::{ControlPlane, assets};
use crate::sandbox::run_folder::RunFolder;

/// Arguments of `cloister control-plane`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Starts one below `folder`, on a thread that may block.
pub(super) async fn start(folder: &Path) -> anyhow::Result<ControlPlane> {
    let (assets, folder) = (assets()?, folder.to_owned());
    tokio::task::spawn_blocking(move || ControlPlane::start(&assets, &folder)).await?
}

/// Runs until interrupted.
///
/// # Errors
/// The programs are not there, or do not start.
pub async fn run(_: Args) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::create("control-plane")?;
    println!("Starting etcd, kube-apiserver and kube-controller-manager …");
    let control_plane = tokio::select! {
        started = start(folder.path()) => started?,
        asked = interrupted() => return asked.map(|()| ExitCode::FAILURE).map_err(Into::into),
    };
    println!(
        "Kubernetes answers on {server}. There is no kubelet: pods are accepted and never run.

  export KUBECONFIG={kubeconfig}
  {kubectl} get namespaces

Logs are beside the kubeconfig. Ctrl-C ends it; nothing is kept.",
        server = control_plane.server(),
        kubeconfig = control_plane.kubeconfig().display(),
        kubectl = control_plane.kubectl().display(),
    );
    interrupted().await?;
    println!();
    control_plane.stop();
    Ok(ExitCode::SUCCESS)
}
