//! The program: reads the command line, sets up logging, and hands over to the library.

use std::process::ExitCode;

use clap::Parser;
use cloister::{
    cli::{self, Cli},
    kubernetes::tls,
};
use tracing_subscriber::EnvFilter;

// The work is waiting for AWS. Two threads do it, also on a node of many cores, where each further thread would keep a heap of its own.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap would end with 2, which means "changes" to a pipeline that runs `plan`.
            error.print().ok();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    tls::choose();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,cloister=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match cli::run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
