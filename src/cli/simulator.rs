//! `cloister simulator`: the simulated AWS alone, in the foreground.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::interrupt::interrupted;
use crate::sandbox::clock::WallClock;
use crate::sandbox::world::Quotas;
use crate::sandbox::{Delays, Settings, Simulator, server};

/// Arguments of `cloister simulator`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 4599)]
    port: u16,
    /// How long endpoints, notebooks and grants take to change their state.
    #[arg(long, value_enum, default_value_t = Delay::Real)]
    delay: Delay,
    /// Start as if AWS had raised every quota that it raises on request.
    #[arg(long)]
    raised_quotas: bool,
    /// Refuse calls to EC2 that come faster than AWS takes them.
    #[arg(long)]
    throttle: bool,
}

/// How long the simulated AWS takes for what it does after having answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Delay {
    /// Minutes, as AWS does.
    Real,
    /// A second or two.
    Short,
    /// Nothing.
    None,
}

impl Delay {
    /// What that means.
    pub(super) fn delays(self) -> Delays {
        match self {
            Self::Real => Delays::real().lagging(),
            Self::Short => Delays::short(),
            Self::None => Delays::none(),
        }
    }
}

/// A simulated AWS that answers on a port for as long as this lives.
pub(super) struct Served {
    /// Where it answers.
    pub url: String,
    task: JoinHandle<()>,
}

impl Served {
    /// With these settings, as far as they do not follow from the port.
    pub async fn on(port: u16, settings: Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} of 127.0.0.1 not had"))?;
        let url = format!("http://{}", listener.local_addr()?);
        // Package URLs lead back to us, or `pip` would follow them to AWS. Ids differ from run to run, as AWS's do.
        let settings = Settings { public_url: Some(url.clone()), seed: fastrand::u64(..), ..settings };
        let simulator = Simulator::new(settings, Arc::new(WallClock));
        let task = tokio::spawn(async move {
            if let Err(error) = server::serve(simulator, listener, std::future::pending()).await {
                tracing::error!(%error, "the simulated AWS no longer answers");
            }
        });
        Ok(Self { url, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs until interrupted.
///
/// # Errors
/// The port is taken.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let quotas = if args.raised_quotas { Quotas::raised() } else { Quotas::default() };
    let settings = Settings { quotas, enforce_throttle: args.throttle, ..Settings::with_delays(args.delay.delays()) };
    let served = Served::on(args.port, settings).await?;
    let url = &served.url;
    println!(
        "The simulated AWS answers on {url}, in every account and region.

  export AWS_ENDPOINT_URL={url} AWS_REGION=ap-northeast-1 AWS_DEFAULT_REGION=ap-northeast-1
  export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=any
  aws ec2 create-vpc --cidr-block 10.0.0.0/16
  aws ec2 describe-vpcs

An access key id of twelve digits is the administrator of that account, any other of the account 111122223333.
`curl {url}/_simulator/log` shows the calls so far; docs/explanation/simulator.md says how to make trouble.
Ctrl-C ends it; nothing is kept."
    );
    interrupted().await?;
    println!();
    Ok(ExitCode::SUCCESS)
}
