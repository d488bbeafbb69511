//! `cloister import`: a manifest of what is there already, as existing parts that are only looked at.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context, anyhow, bail};

use self::written::{Place, Survey, write};
use super::{
    look::Looker,
    manifest,
    review::{
        Document, Question, Verdict,
        text::{self, Colours},
    },
};
use crate::{
    aws::eyes::Eyes,
    model::{
        port::{Identity, Problem},
        services::code_artifact_regions,
    },
    resources::survey::{DomainNames, DomainSurvey, Notebook, NotebookSurvey, Repository, VpcSurvey},
};

mod written;

/// Print a manifest of a VPC, a CodeArtifact domain and notebooks that exist: everything as existing, with `management: Observe`.
///
/// Nothing is written, neither to AWS nor to a cluster. What a manifest cannot say is a comment in it or a line on the standard error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Region
    #[arg(long)]
    region: String,
    /// Id of the VPC
    #[arg(long, value_name = "VPC")]
    vpc: String,
    /// Subnet of the environment, by id; can be repeated. Those of the notebooks when absent, or else all of the VPC
    #[arg(long, value_name = "SUBNET")]
    subnet: Vec<String>,
    /// CodeArtifact domain; the only one of the region when absent
    #[arg(long)]
    domain: Option<String>,
    /// Notebook instance; can be repeated
    #[arg(long)]
    notebook: Vec<String>,
    /// Execution role, by ARN or name; that of the notebooks when absent
    #[arg(long)]
    role: Option<String>,
    /// Name for the environment; the VPC's id when absent
    #[arg(long)]
    name: Option<String>,
    /// Namespace for the environment
    #[arg(long, default_value = "default")]
    namespace: String,
    /// AWSIdentity for the environment, by name
    #[arg(long, default_value = "default")]
    identity: String,
}

/// Print the manifest, and say on the standard error what it lacks.
///
/// # Errors
/// When something that was named does not exist or cannot be read.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !code_artifact_regions().contains(&args.region.as_str()) {
        bail!(
            "--region {} has no CodeArtifact; regions that have it: {}",
            args.region,
            code_artifact_regions().join(", ")
        );
    }
    let looker = Looker::alone();
    let survey = survey(looker.eyes(), &args).await?;
    let place = Place {
        region: args.region.clone(),
        name: args.name.clone().unwrap_or_else(|| args.vpc.clone()),
        namespace: args.namespace.clone(),
        identity: args.identity.clone(),
    };
    let (text, mut remarks) = write(&place, &survey)?;
    let mut parsed = manifest::parse(&text).context("the manifest that was made is not one")?;
    let object = manifest::environment(&parsed.environments.remove(0), None)?;
    let review = Box::pin(looker.review(Question::Plan, object)).await;
    let document = Document::new(Question::Plan, vec![review]);
    std::io::stdout().write_all(text.as_bytes()).context("the manifest could not be printed")?;
    if document.result == Verdict::Nothing {
        remarks.push(
            "`cloister plan` finds nothing to do for it; `cloister drift` says what it finds worth a word".into(),
        );
    } else {
        remarks.push(format!("`cloister plan` says:\n\n{}", text::render(&document, Colours(false))));
    }
    for remark in remarks {
        eprintln!("{remark}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads for one region, with the credentials at hand.
struct Surveyor<'a> {
    eyes: &'a Eyes,
    identity: Identity,
    region: &'a str,
}

async fn survey(eyes: &Eyes, args: &Args) -> anyhow::Result<Survey> {
    let account = eyes.account(&args.region).await.map_err(|problem| said(&problem))?;
    let identity = Identity {
        name: "at hand".into(),
        account: account.clone(),
        role_arn: None,
        external_id: None,
        session_tags: std::collections::BTreeMap::new(),
    };
    let surveyor = Surveyor { eyes, identity, region: &args.region };
    let notebooks = surveyor.notebooks(&args.notebook).await?;
    let (domain, repositories) = surveyor.packages(args.domain.as_deref()).await?;
    let VpcSurvey(vpc) = surveyor.read(&args.vpc).await?;
    let mut vpc = vpc.with_context(|| format!("there is no VPC {} in {}", args.vpc, args.region))?;
    let mut chosen = args.subnet.clone();
    for (name, notebook) in &notebooks {
        let subnet = notebook.subnet.clone().with_context(|| format!("notebook {name} is in no VPC"))?;
        if !vpc.subnets.iter().any(|found| found.id == subnet) {
            bail!("notebook {name} is in subnet {subnet}, which is not in VPC {}", args.vpc);
        }
        chosen.push(subnet);
    }
    if let Some(missing) = args.subnet.iter().find(|id| !vpc.subnets.iter().any(|found| found.id == **id)) {
        bail!("there is no subnet {missing} in VPC {}", args.vpc);
    }
    if !chosen.is_empty() {
        vpc.subnets.retain(|subnet| chosen.contains(&subnet.id));
    }
    let role_arn = match (&args.role, notebooks.first()) {
        (Some(arn), _) if arn.starts_with("arn:") => arn.clone(),
        (Some(name), _) => format!("arn:aws:iam::{account}:role/{name}"),
        (None, Some((_, notebook))) => notebook.role_arn.clone(),
        (None, None) => bail!("a manifest has an execution role: give --role, or a --notebook that has one"),
    };
    Ok(Survey { account, vpc_id: args.vpc.clone(), vpc, domain, repositories, notebooks, role_arn })
}

impl Surveyor<'_> {
    async fn read<T: crate::aws::inventory::Listing>(&self, key: &str) -> anyhow::Result<T> {
        self.eyes.read(&self.identity, self.region, key).await.map_err(|problem| said(&problem))
    }

    async fn notebooks(&self, names: &[String]) -> anyhow::Result<Vec<(String, Notebook)>> {
        let mut notebooks = Vec::new();
        for name in names {
            let NotebookSurvey(found) = self.read(name).await?;
            let found = found.with_context(|| format!("there is no notebook {name} in {}", self.region))?;
            notebooks.push((name.clone(), found));
        }
        Ok(notebooks)
    }

    /// The domain and its repositories; none when a domain was named that does not exist.
    async fn packages(&self, named: Option<&str>) -> anyhow::Result<(String, Option<Vec<Repository>>)> {
        let domain = match named {
            Some(domain) => domain.to_owned(),
            None => self.only_domain().await?,
        };
        let DomainSurvey(repositories) = self.read(&domain).await?;
        if repositories.as_ref().is_some_and(Vec::is_empty) {
            bail!("domain {domain} has no repository, and a manifest has one at least: make one first");
        }
        Ok((domain, repositories))
    }

    async fn only_domain(&self) -> anyhow::Result<String> {
        let DomainNames(mut domains) = self.read("").await?;
        match (domains.pop(), domains.as_slice()) {
            (Some(only), []) => Ok(only),
            (None, _) => bail!(
                "there is no CodeArtifact domain in {}, and a manifest has one: name the one that is to be made with --domain",
                self.region
            ),
            (Some(last), others) => {
                bail!("there are several CodeArtifact domains: {}, {last}; choose with --domain", others.join(", "))
            }
        }
    }
}

fn said(problem: &Problem) -> anyhow::Error {
    anyhow!("{}: {}", problem.reason, problem.message)
}
