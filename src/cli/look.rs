//! What `plan` and `drift` have in common: which environments are meant, what is known about them, and a look at AWS without hands.
//!
//! Environments come from a file or from the cluster. What the status remembers comes from the cluster when there is one; with AWS alone it is
//! found out as far as owner tags tell, and what had to be taken for granted is said.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::ValueEnum;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::{
    controller::now,
    manifest,
    review::{
        Document, Found, Neighbours, Question, Review, Title, endpoints_come_or_go_among_others,
        text::{self, Colours},
    },
};
use crate::{
    aws::{
        account::Connection,
        eyes::{Eyes, Life, Lives},
    },
    kubernetes::{
        api::{AWSIdentity, AWSIdentitySpec, IsolatedNotebookEnvironment, environment::DeletionPolicy, identity},
        drift::told,
        identity::check_without_labels,
        reader::Cluster,
        scope::{deletion_waits, nothing_was_made, scope_of},
    },
    model::{
        asked::Asked,
        plan::{plan, plan_deletion},
        port::{ErrorClass, Freshness, Observation, Outcomes, Problem, Scope},
        report::{report, report_deletion},
    },
    resources::{self, survey},
};

/// Where environments come from, and with which eyes AWS is looked at.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Manifest with environments, and AWSIdentities if you like; `-` is the standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    filename: Option<PathBuf>,
    /// Manifest with the AWSIdentity, instead of the cluster's
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Namespace of the environment
    #[arg(short = 'n', long)]
    namespace: Option<String>,
    /// Kubeconfig to use instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long)]
    context: Option<String>,
    /// Ask AWS alone, whatever kubeconfig there is
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    no_cluster: bool,
    /// Id of the cluster (the uid of its kube-system namespace), where it is not asked and tags do not tell
    #[arg(long, value_name = "UID")]
    cluster_id: Option<String>,
    /// Look with the credentials at hand instead of assuming the role of the AWSIdentity
    #[arg(long)]
    own_credentials: bool,
    /// How to print it
    #[arg(short = 'o', long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs; the schema is in docs/reference/command-line.md.
    Json,
}

/// Which live environments are meant.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// This one.
    Named(&'a str),
    /// All of the namespace.
    Namespace,
    /// All.
    All,
}

/// Look, print, and end with what was found.
///
/// # Errors
/// When the environments cannot be read, or a manifest would be refused.
pub async fn answer(question: Question, args: &Args, which: Which<'_>) -> anyhow::Result<ExitCode> {
    let (looker, objects) = Looker::open(args, which).await?;
    let mut reviews = Vec::new();
    for object in objects {
        reviews.push(Box::pin(looker.review(question, object)).await);
    }
    let document = Document::new(question, reviews);
    let mut out = std::io::stdout();
    let printed = match args.output {
        Output::Json => serde_json::to_string_pretty(&document)? + "\n",
        Output::Text => {
            let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            text::render(&document, Colours(colours))
        }
    };
    out.write_all(printed.as_bytes()).context("the answer could not be printed")?;
    Ok(ExitCode::from(document.result.exit_code()))
}

/// What is known besides AWS.
enum Source {
    /// A cluster, and its id.
    Cluster(Cluster, String),
    /// Nothing.
    Alone,
}

/// Looks at environments.
pub struct Looker {
    eyes: Eyes,
    source: Source,
    identities: Vec<AWSIdentity>,
    cluster_id: Option<String>,
    own_credentials: bool,
    assumptions: Vec<String>,
}

impl Looker {
    /// Eyes for AWS alone, with the credentials at hand.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            eyes: eyes(),
            source: Source::Alone,
            identities: Vec::new(),
            cluster_id: None,
            own_credentials: true,
            assumptions: Vec::new(),
        }
    }

    /// The eyes.
    #[must_use]
    pub const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    async fn open(args: &Args, which: Which<'_>) -> anyhow::Result<(Self, Vec<IsolatedNotebookEnvironment>)> {
        let written = args.filename.as_deref().map(manifest::read).transpose()?;
        let mut looker = Self {
            cluster_id: args.cluster_id.clone(),
            own_credentials: args.own_credentials,
            source: source(args, written.is_some()).await?,
            ..Self::alone()
        };
        if let Some(file) = &args.identity {
            looker.identities = manifest::read(file)?.identities;
            if looker.identities.is_empty() {
                bail!("there is no AWSIdentity in {}", file.display());
            }
        }
        let objects = match written {
            Some(written) => {
                looker.identities.extend(written.identities);
                if written.environments.is_empty() {
                    bail!("there is no IsolatedNotebookEnvironment in the file");
                }
                looker.written(args.namespace.as_deref(), written.environments).await?
            }
            None => looker.live(args.namespace.as_deref(), which).await?,
        };
        Ok((looker, objects))
    }

    /// The environments of a file. One that exists in the cluster keeps its uid and what its status remembers, and is checked as an edit.
    async fn written(
        &self,
        namespace: Option<&str>,
        written: Vec<Value>,
    ) -> anyhow::Result<Vec<IsolatedNotebookEnvironment>> {
        let mut objects = Vec::new();
        for mut document in written {
            let own = document["metadata"]["namespace"].as_str().map(ToOwned::to_owned);
            if let (Some(own), Some(asked)) = (&own, namespace)
                && own != asked
            {
                bail!("the file says namespace {own}, --namespace says {asked}");
            }
            let namespace = own.or_else(|| namespace.map(ToOwned::to_owned));
            let namespace = namespace.unwrap_or_else(|| self.default_namespace());
            if document["metadata"].is_object() {
                document["metadata"]["namespace"] = json!(namespace);
            }
            let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let live = match &self.source {
                Source::Cluster(cluster, _) if !name.is_empty() => cluster.environment(&namespace, &name).await?,
                Source::Cluster(..) | Source::Alone => None,
            };
            let mut object = manifest::environment(&document, live.as_ref())?;
            object.status = None;
            object.metadata.uid = Some(NOT_MADE_YET.to_owned());
            object.metadata.generation = None;
            object.metadata.deletion_timestamp = None;
            if let Some(live) = live {
                object.metadata.uid = live.metadata.uid;
                object.status = live.status;
            }
            objects.push(object);
        }
        Ok(objects)
    }

    async fn live(
        &self,
        namespace: Option<&str>,
        which: Which<'_>,
    ) -> anyhow::Result<Vec<IsolatedNotebookEnvironment>> {
        let Source::Cluster(cluster, _) = &self.source else {
            bail!("without a cluster the environment has to come from a file: -f FILE");
        };
        let namespace = namespace.map_or_else(|| self.default_namespace(), ToOwned::to_owned);
        match which {
            Which::All => Ok(cluster.environments(None).await?),
            Which::Namespace => Ok(cluster.environments(Some(&namespace)).await?),
            Which::Named(name) => {
                let found = cluster.environment(&namespace, name).await?;
                let found =
                    found.with_context(|| format!("there is no environment {name} in namespace {namespace}"))?;
                Ok(vec![found])
            }
        }
    }

    fn default_namespace(&self) -> String {
        match &self.source {
            Source::Cluster(cluster, _) => cluster.default_namespace().to_owned(),
            Source::Alone => "default".to_owned(),
        }
    }

    /// Look at one environment and say what there is to say.
    pub async fn review(&self, question: Question, mut object: IsolatedNotebookEnvironment) -> Review {
        let mut title = Title {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            account: None,
            region: object.spec.region.clone(),
            assumptions: self.assumptions.clone(),
            remembers: matches!(self.source, Source::Cluster(..)),
            is_live: object.metadata.generation.is_some(),
        };
        if is_deleting(&object)
            && let Some(problem) = deletion_waits(&object)
        {
            return Review::blocked(title, &problem);
        }
        match self.look(&mut object, &mut title).await {
            Ok((scope, observation)) => {
                let neighbours = self.neighbours(question, &scope, &observation).await;
                say(question, title, &object, &scope, &observation, neighbours.as_ref())
            }
            Err(problem) => Review::blocked(title, &in_this_shell(problem)),
        }
    }

    async fn look(
        &self,
        object: &mut IsolatedNotebookEnvironment,
        title: &mut Title,
    ) -> Result<(Scope, Observation), Problem> {
        let identity = self.identity(object, title).await?;
        title.account = Some(identity.spec.account.clone());
        let scope = match &self.source {
            Source::Cluster(_, id) => scope_of(object, id, &identity, Freshness::Check)?,
            Source::Alone => self.scope_by_tags(object, &identity, title).await?,
        };
        let observation = self.eyes.look(&scope).await?;
        Ok((scope, observation))
    }

    /// Who is in a VPC that is not ours, where a plan may make or delete an endpoint there: that concerns everybody.
    async fn neighbours(
        &self,
        question: Question,
        scope: &Scope,
        observation: &Observation,
    ) -> Option<Result<Neighbours, Problem>> {
        if question == Question::Drift || !endpoints_come_or_go_among_others(observation) {
            return None;
        }
        let vpc = observation.vpc_id()?;
        let found = self.eyes.read::<survey::Neighbours>(&scope.identity, &scope.region, vpc).await;
        Some(found.map(|found| found.0))
    }

    async fn identity(&self, object: &IsolatedNotebookEnvironment, title: &mut Title) -> Result<AWSIdentity, Problem> {
        let name = &object.spec.identity_ref.name;
        let given = self.identities.iter().find(|identity| identity.metadata.name.as_ref() == Some(name));
        let mut identity = match (given, &self.source) {
            (Some(given), Source::Cluster(cluster, _)) => {
                cluster.check(given, &title.namespace).await?;
                given.clone()
            }
            (Some(given), Source::Alone) => {
                if !check_without_labels(given, &title.namespace)? {
                    title.assumptions.push(format!(
                        "AWSIdentity {name} admits namespace {}: that depends on labels, which only the cluster knows",
                        title.namespace
                    ));
                }
                given.clone()
            }
            (None, Source::Cluster(cluster, _)) => cluster.identity(name, &title.namespace).await?,
            (None, Source::Alone) => self.assumed_identity(object, title).await?,
        };
        if self.own_credentials && identity.spec.role_arn.is_some() {
            title.assumptions.push(format!("the credentials at hand see what the role of AWSIdentity {name} sees"));
            identity.spec.role_arn = None;
            identity.spec.external_id = None;
            identity.spec.session_tags.clear();
        }
        Ok(identity)
    }

    /// What an AWSIdentity would say that leads where the credentials at hand lead, and forbids nothing.
    async fn assumed_identity(
        &self,
        object: &IsolatedNotebookEnvironment,
        title: &mut Title,
    ) -> Result<AWSIdentity, Problem> {
        let role = &object.spec.execution_role;
        let name = object.spec.identity_ref.name.clone();
        if role.arn.is_none() && role.permissions_boundary.is_none() {
            let message = format!(
                "`spec.executionRole` is a managed role, and only AWSIdentity {name} says which permissions boundary it gets: give it \
                 with --identity FILE, or in the same file"
            );
            return Err(Problem::new(ErrorClass::Invalid, message).because("IdentityNotFound"));
        }
        let account = self.eyes.account(&object.spec.region).await?;
        title.assumptions.push(format!(
            "account {account}, to which the credentials at hand lead; AWSIdentity {name} was not given, so its limits were not checked"
        ));
        let namespaces = vec![title.namespace.clone()];
        let spec = AWSIdentitySpec {
            account,
            regions: vec![object.spec.region.clone()],
            allowed_namespaces: Some(identity::AllowedNamespaces { names: namespaces, selector: None }),
            permissions_boundary: role.permissions_boundary.clone().unwrap_or_default(),
            ..AWSIdentitySpec::default()
        };
        Ok(AWSIdentity::new(&name, spec))
    }

    /// The scope of an environment whose cluster is not asked: the cluster's id and the object's uid are those that its resources carry.
    async fn scope_by_tags(
        &self,
        object: &mut IsolatedNotebookEnvironment,
        identity: &AWSIdentity,
        title: &mut Title,
    ) -> Result<Scope, Problem> {
        let unknown = self.cluster_id.as_deref().unwrap_or(NOT_MADE_YET);
        let scope = scope_of(object, unknown, identity, Freshness::Check)?;
        let lives = self.eyes.lives(&scope).await?;
        let Some(life) = pick(&lives, self.cluster_id.as_deref(), title)? else { return Ok(scope) };
        object.metadata.uid = Some(life.uid);
        scope_of(object, &life.cluster, identity, Freshness::Check)
    }
}

/// Stands for an id that nobody has given yet.
const NOT_MADE_YET: &str = "not-made-yet";

fn eyes() -> Eyes {
    Eyes::new(Connection::default(), resources::providers(), std::sync::Arc::new(now))
}

async fn source(args: &Args, from_file: bool) -> anyhow::Result<Source> {
    if args.no_cluster {
        return Ok(Source::Alone);
    }
    match Cluster::find(args.kubeconfig.as_deref(), args.context.as_deref()).await? {
        Some(cluster) => {
            let id = match &args.cluster_id {
                Some(id) => id.clone(),
                None => cluster.id().await.context("with AWS alone: --no-cluster")?,
            };
            Ok(Source::Cluster(cluster, id))
        }
        None if from_file => Ok(Source::Alone),
        None => bail!("there is no kubeconfig and no file: give -f FILE, or a kubeconfig"),
    }
}

/// Which object the resources belong to, if any is there.
fn pick(lives: &Lives, cluster: Option<&str>, title: &mut Title) -> Result<Option<Life>, Problem> {
    let Title { namespace, name, .. } = &*title;
    let mut clusters: Vec<&str> = lives.keys().map(|life| life.cluster.as_str()).collect();
    clusters.dedup();
    let cluster = match (cluster, clusters.as_slice()) {
        (Some(given), _) => given,
        (None, [only]) => only,
        (None, []) => {
            title.assumptions.push(format!(
                "nothing carries the owner tags of {namespace}/{name}, so it was never made; names that Cloister derives will end \
                 differently, as they contain the cluster's id (--cluster-id)"
            ));
            return Ok(None);
        }
        (None, several) => {
            let message = format!(
                "resources carry the owner tags of {namespace}/{name} of several clusters: {}; say which with --cluster-id",
                several.join(", ")
            );
            return Err(Problem::new(ErrorClass::Invalid, message).because("ClusterAmbiguous"));
        }
    };
    // Of several lives in the same cluster the one with the most resources is most probably the present one.
    let present = lives.iter().filter(|(life, _)| life.cluster == cluster).max_by_key(|(_, count)| **count);
    let Some((life, count)) = present else { return Ok(None) };
    title.assumptions.push(format!(
        "cluster {cluster} and uid {}, from the owner tags of {count} resources; what the status remembers is not known",
        life.uid
    ));
    Ok(Some(life.clone()))
}

fn is_deleting(object: &IsolatedNotebookEnvironment) -> bool {
    object.meta().deletion_timestamp.is_some()
}

/// Where the controller would speak of its own credentials, here those of whoever calls are meant.
fn in_this_shell(problem: Problem) -> Problem {
    if !matches!(problem.reason.as_str(), "CredentialsUnusable" | "AccessDenied") {
        return problem;
    }
    let message = format!(
        "{}. This command calls AWS with the credentials at hand: see AWS_PROFILE, AWS_ACCESS_KEY_ID, and --own-credentials",
        problem.message
    );
    Problem { message, ..problem }
}

fn say(
    question: Question,
    title: Title,
    object: &IsolatedNotebookEnvironment,
    scope: &Scope,
    observation: &Observation,
    neighbours: Option<&Result<Neighbours, Problem>>,
) -> Review {
    if let Some(environment) = scope.environment.as_deref().filter(|_| !is_deleting(object)) {
        let mut plan = plan(environment, observation, &scope.ours());
        if let (true, Some(status)) = (title.is_live, &object.status) {
            // What the manifest's author changed is on its way, it is not out of line.
            let told = told(object.metadata.generation, status);
            Asked::default().sort_out(observation, &mut plan, &environment.rules, &told);
        }
        let report = report(environment, observation, &plan, &Outcomes::new());
        return Review::new(question, title, Found { observation, plan: &plan, report: &report, neighbours });
    }
    let nothing = Observation::default();
    let observation = if nothing_was_made(object) { &nothing } else { observation };
    let plan = plan_deletion(observation, object.spec.deletion_policy == DeletionPolicy::Retain);
    let report = report_deletion(observation, &plan, &Outcomes::new());
    // What is being deleted is wanted no more, whatever the manifest says.
    let observation = Observation { wanted: Vec::new(), ..observation.clone() };
    Review::new(question, title, Found { observation: &observation, plan: &plan, report: &report, neighbours })
}
