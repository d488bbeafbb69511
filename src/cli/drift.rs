//! `cloister drift`: what is out of line now.

use std::process::ExitCode;

use super::{
    look::{self, Which, answer},
    review::Question,
};

/// Print how AWS deviates from what is asked for: in an environment, in all of a namespace, or in all there are.
///
/// Nothing is written, neither to AWS nor to the cluster. Ends with 0 when nothing deviates, with 2 when something does, and with 1 when not
/// everything could be looked at.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment of the cluster; all of the namespace when absent
    #[arg(conflicts_with_all = ["filename", "all_namespaces"])]
    name: Option<String>,
    /// The environments of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["filename", "namespace"])]
    all_namespaces: bool,
    #[command(flatten)]
    look: look::Args,
}

/// Print the drift.
///
/// # Errors
/// As [`answer`].
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let which = match (&args.name, args.all_namespaces) {
        (Some(name), _) => Which::Named(name),
        (None, true) => Which::All,
        (None, false) => Which::Namespace,
    };
    Box::pin(answer(Question::Drift, &args.look, which)).await
}
