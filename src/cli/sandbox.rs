//! `cloister sandbox`: the product doing its job on one machine. A real control plane, a simulated AWS, the controller
//! as a program of its own, and an example that it makes come true.
//!
//! Everything lives in one folder below the user's cache and on free ports, so that several sandboxes do not meet, and
//! all of it ends with this process.

mod leftovers;
mod progress;
mod steps;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::control_plane;
use super::interrupt::interrupted;
use super::simulator::{Delay, Served};
use crate::kubernetes::api::{AWSIdentity, IsolatedNotebookEnvironment};
use crate::sandbox::Settings;
use crate::sandbox::control_plane::ControlPlane;
use crate::sandbox::program::{Plan, Program};
use crate::sandbox::run_folder::RunFolder;
use progress::Follower;
use steps::Steps;

/// Whoever may create the boundary may do everything; the boundary is the most that a role made by us can do.
const BOUNDARY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
    "codeartifact:Describe*", "codeartifact:Get*", "codeartifact:List*", "codeartifact:ReadFromRepository",
    "sts:GetServiceBearerToken", "sts:GetCallerIdentity", "s3:*", "logs:*"]}]}"#;

/// Arguments of `cloister sandbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete the example once it is ready, check that nothing is left in AWS, and end.
    #[arg(long)]
    once: bool,
    /// How long the simulated AWS takes for endpoints, notebooks and grants.
    #[arg(long, value_enum, default_value_t = Delay::Short)]
    delay: Delay,
    /// The environment to make.
    #[arg(long, default_value = "examples/closed-network.yaml")]
    example: PathBuf,
    /// The identity that it is made with.
    #[arg(long, default_value = "examples/identity.yaml")]
    identity: PathBuf,
    /// The custom resource definitions.
    #[arg(long, default_value = "crds")]
    crds: PathBuf,
}

/// Runs until interrupted, or with `--once` to the end.
///
/// # Errors
/// Something did not start; with `--once` also when the example did not become ready, or left something behind.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    // Declared first, so that it goes last: the programs have their files in it.
    let folder = RunFolder::create("sandbox")?;
    tokio::select! {
        ended = perform(&args, folder.path()) => ended.map(|()| ExitCode::SUCCESS),
        asked = interrupted() => {
            asked?;
            println!("\nEnding the sandbox.");
            Ok(if args.once { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}

async fn perform(args: &Args, folder: &Path) -> anyhow::Result<()> {
    let mut steps = Steps::new(if args.once { 9 } else { 7 });
    let example: IsolatedNotebookEnvironment = read(&args.example)?;
    let identity: AWSIdentity = read(&args.identity)?;
    let mut stage = Stage::set(args, folder, &identity, &example, &mut steps).await?;

    let before = leftovers::everything(&stage.aws).await?;
    steps.run("apply the example", stage.kubectl(["apply", "-f", path(&args.example)?])).await?;
    steps.run("converge", stage.converge(args)).await?;
    if !args.once {
        stage.show(&example).await?;
        return stage.stay_up().await;
    }
    steps.run("delete the example again", stage.delete(args)).await?;
    steps.run("look for leftovers in AWS", leftovers::none_since(&stage.aws, &before)).await?;
    println!("\nReady was reached, and everything was deleted again without a leftover.");
    Ok(())
}

/// What runs in a sandbox, in the order of its end.
struct Stage {
    controller: Program,
    simulator: Served,
    control_plane: ControlPlane,
    environments: Api<IsolatedNotebookEnvironment>,
    name: String,
    namespace: String,
    aws: SdkConfig,
}

impl Stage {
    async fn set(
        args: &Args,
        folder: &Path,
        identity: &AWSIdentity,
        example: &IsolatedNotebookEnvironment,
        steps: &mut Steps,
    ) -> anyhow::Result<Self> {
        let name = example.metadata.name.clone().context("the example has no name")?;
        let namespace = example.metadata.namespace.clone().context("the example has no namespace")?;

        let control_plane = steps.run("start etcd and Kubernetes", control_plane::start(folder)).await?;
        let settings = Settings::with_delays(args.delay.delays());
        let simulator = steps.run("start the simulated AWS", Served::on(0, settings)).await?;
        let (account, region) = (&identity.spec.account, &example.spec.region);
        let aws = administrator(&simulator.url, account, region).await;

        let crds = path(&args.crds)?;
        steps
            .run("install the custom resources", async {
                kubectl(&control_plane, ["apply", "--server-side", "-f", crds]).await?;
                kubectl(&control_plane, ["wait", "--for=condition=Established", "--timeout=30s", "-f", crds]).await
            })
            .await?;
        steps
            .run("prepare namespace, identity and permissions boundary", async {
                create_boundary(&aws, &identity.spec.permissions_boundary).await?;
                kubectl(&control_plane, ["create", "namespace", &namespace]).await?;
                kubectl(&control_plane, ["apply", "-f", path(&args.identity)?]).await
            })
            .await?;
        let started = async { start_controller(&control_plane, &simulator.url, account, region, folder) };
        let controller = steps.run("start the controller", started).await?;

        let environments = Api::namespaced(client(&control_plane).await?, &namespace);
        Ok(Self { controller, simulator, control_plane, environments, name, namespace, aws })
    }

    async fn kubectl<const N: usize>(&self, args: [&str; N]) -> anyhow::Result<()> {
        kubectl(&self.control_plane, args).await
    }

    /// Follows the example until it is ready. Whoever watches is not given up on; `--once` is.
    async fn converge(&mut self, args: &Args) -> anyhow::Result<()> {
        let patience = args.once.then(|| patience(args.delay));
        Follower::new(&self.environments, &self.name, &mut self.controller).until_ready(patience).await
    }

    async fn delete(&mut self, args: &Args) -> anyhow::Result<()> {
        self.kubectl(["delete", "ine", &self.name, "--namespace", &self.namespace, "--wait=false"]).await?;
        Follower::new(&self.environments, &self.name, &mut self.controller).until_gone(patience(args.delay)).await
    }

    /// What came of it, and the lines to copy.
    async fn show(&self, example: &IsolatedNotebookEnvironment) -> anyhow::Result<()> {
        let environment = self.environments.get(&self.name).await?;
        println!("\n{}", progress::conditions_table(&environment));
        if let Some(pip) = environment.status.as_ref().and_then(|status| status.packages.as_ref()?.pip.as_ref()) {
            println!("pip index   {}", pip.index_url.as_deref().unwrap_or("not known"));
        }
        println!(
            "
Everything is up. To look around, copy:

  export KUBECONFIG={kubeconfig}
  alias kubectl={kubectl}
  kubectl get ine -n {namespace}
  kubectl get ine {name} -n {namespace} -o yaml

  export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=any AWS_REGION={region} AWS_DEFAULT_REGION={region}
  aws --endpoint-url {url} ec2 describe-vpc-endpoints
  aws --endpoint-url {url} sagemaker list-notebook-instances

  tail -f {log}

Ctrl-C here, or `make sandbox-down` elsewhere, ends it.",
            kubeconfig = self.control_plane.kubeconfig().display(),
            kubectl = self.control_plane.kubectl().display(),
            namespace = self.namespace,
            name = self.name,
            account =
                environment.status.as_ref().and_then(|status| status.account.as_deref()).unwrap_or("111122223333"),
            region = example.spec.region,
            url = self.simulator.url,
            log = self.controller.log().display(),
        );
        Ok(())
    }

    /// Until the interrupt, which is handled elsewhere; a program that dies meanwhile is worth a word.
    async fn stay_up(&mut self) -> anyhow::Result<()> {
        loop {
            progress::check_alive(&mut self.controller)?;
            if let Some(casualty) = self.control_plane.casualties().into_iter().next() {
                bail!(casualty);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// How long `--once` waits for the same example that takes AWS a quarter of an hour.
fn patience(delay: Delay) -> Duration {
    match delay {
        Delay::Real => Duration::from_mins(45),
        Delay::Short | Delay::None => Duration::from_mins(5),
    }
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} not read; the sandbox is started from the top of the checkout", file.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} not understood", file.display()))
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

async fn kubectl<I: IntoIterator<Item: AsRef<OsStr>>>(control_plane: &ControlPlane, args: I) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(control_plane.kubectl());
    command.arg("--kubeconfig").arg(control_plane.kubeconfig()).args(args).kill_on_drop(true);
    command.env("KUBECACHEDIR", control_plane.kubeconfig().with_file_name("kubectl-cache"));
    let output = command.output().await.context("kubectl not started")?;
    if !output.status.success() {
        bail!("kubectl: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

async fn client(control_plane: &ControlPlane) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read_from(control_plane.kubeconfig())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

async fn administrator(url: &str, account: &str, region: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(account, "any", None, None, "sandbox"))
        .load()
        .await
}

/// The account's owner makes the boundary before the controller comes; so do we.
async fn create_boundary(aws: &SdkConfig, arn: &str) -> anyhow::Result<()> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    aws_sdk_iam::Client::new(aws)
        .create_policy()
        .policy_name(name)
        .policy_document(BOUNDARY)
        .send()
        .await
        .map(drop)
        .map_err(|error| anyhow::anyhow!("policy {name}: {}", aws_sdk_iam::error::DisplayErrorContext(error)))
}

fn start_controller(
    control_plane: &ControlPlane,
    aws_url: &str,
    account: &str,
    region: &str,
    folder: &Path,
) -> anyhow::Result<Program> {
    Plan::new("controller", &ourselves()?, folder.join("controller.log"), Duration::from_secs(10))
        .args(["controller"])
        // Of the user's own AWS settings nothing may reach it, least of all credentials.
        .without_env("AWS_")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", aws_url)
        .env("AWS_ACCESS_KEY_ID", account)
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .env("AWS_REGION", region)
        .env("KUBECONFIG", control_plane.kubeconfig())
        .start()
        .context("controller not started")
}

/// This very program, also where another build has taken its place meanwhile.
fn ourselves() -> anyhow::Result<PathBuf> {
    let running = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if running.exists() { Ok(running) } else { Ok(std::env::current_exe()?) }
}
