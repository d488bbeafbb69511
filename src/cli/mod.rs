//! The command line: one file per subcommand, which parses, calls and renders. Nothing is decided here.

#[cfg(feature = "sandbox")]
pub mod control_plane;
pub mod controller;
pub mod drift;
pub mod generate;
pub mod import;
pub mod interrupt;
pub mod look;
pub mod manifest;
pub mod plan;
pub mod review;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "sandbox")]
pub mod simulator;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps SageMaker notebook environments without internet access in line with a manifest.
#[derive(Debug, Parser)]
#[command(name = "cloister", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep AWS in line with the environments of a cluster
    Controller(controller::Args),
    /// Print what the controller would do; writes nothing
    Plan(plan::Args),
    /// Print what is out of line now; writes nothing
    Drift(drift::Args),
    /// Print a manifest of what is there already; writes nothing
    Import(import::Args),
    /// Print the custom resource definitions
    Crd,
    /// Write the files of the repository that are made from the types, or check that they are fresh
    Generate(generate::Args),
    /// The simulated AWS alone, until Ctrl-C
    #[cfg(feature = "sandbox")]
    Simulator(simulator::Args),
    /// etcd, kube-apiserver and kube-controller-manager alone, until Ctrl-C
    #[cfg(feature = "sandbox")]
    ControlPlane(control_plane::Args),
    /// Control plane, simulated AWS, controller and an example, until Ctrl-C
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Args),
}

/// Runs what the command line asks for.
///
/// # Errors
/// What the command could not do.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Controller(args) => controller::run(args).await,
        Command::Plan(args) => Box::pin(plan::run(args)).await,
        Command::Drift(args) => Box::pin(drift::run(args)).await,
        Command::Import(args) => Box::pin(import::run(args)).await,
        Command::Crd => generate::print_crds(),
        Command::Generate(args) => generate::run(&args),
        #[cfg(feature = "sandbox")]
        Command::Simulator(args) => simulator::run(args).await,
        #[cfg(feature = "sandbox")]
        Command::ControlPlane(args) => control_plane::run(args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => Box::pin(sandbox::run(args)).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
