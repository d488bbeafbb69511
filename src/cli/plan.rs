//! `cloister plan`: what would be done, before anything is.

use std::process::ExitCode;

use super::{
    look::{self, Which, answer},
    review::Question,
};

/// Print what the controller would do: for a manifest before it is applied, or for an environment of the cluster.
///
/// Nothing is written, neither to AWS nor to the cluster. Ends with 0 when nothing is to be done, with 2 when something is, and with 1 when a
/// person is needed or something could not be looked at.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment of the cluster, instead of -f
    #[arg(conflicts_with = "filename", required_unless_present = "filename")]
    name: Option<String>,
    #[command(flatten)]
    look: look::Args,
}

/// Print the plan.
///
/// # Errors
/// As [`answer`].
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let which = args.name.as_deref().map_or(Which::Namespace, Which::Named);
    Box::pin(answer(Question::Plan, &args.look, which)).await
}
