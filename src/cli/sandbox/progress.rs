//! How far an environment is, told as its conditions change.

use std::time::{Duration, Instant};

use anyhow::bail;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;

use crate::kubernetes::api::IsolatedNotebookEnvironment;
use crate::sandbox::program::Program;

const POLL: Duration = Duration::from_millis(300);
/// What is stalled this long will not get further without a person.
const STALLED: Duration = Duration::from_secs(15);

/// Watches one environment and the controller that works on it.
pub struct Follower<'a> {
    environments: &'a Api<IsolatedNotebookEnvironment>,
    name: &'a str,
    controller: &'a mut Program,
    began: Instant,
    said: String,
    stalled_since: Option<Instant>,
}

impl<'a> Follower<'a> {
    pub fn new(environments: &'a Api<IsolatedNotebookEnvironment>, name: &'a str, controller: &'a mut Program) -> Self {
        Self { environments, name, controller, began: Instant::now(), said: String::new(), stalled_since: None }
    }

    /// Until it is ready; for ever without patience.
    pub async fn until_ready(mut self, patience: Option<Duration>) -> anyhow::Result<()> {
        loop {
            let environment = self.environments.get(self.name).await?;
            self.tell(&environment);
            if is_current(&environment) && holds(&environment, "Ready") {
                return Ok(());
            }
            self.go_on(Some(&environment), patience)?;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Until Kubernetes no longer knows it.
    pub async fn until_gone(mut self, patience: Duration) -> anyhow::Result<()> {
        while let Some(environment) = self.environments.get_opt(self.name).await? {
            self.tell(&environment);
            self.go_on(Some(&environment), Some(patience))?;
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn tell(&mut self, environment: &IsolatedNotebookEnvironment) {
        let now = headline(environment);
        if now != self.said {
            println!("{:8.1} s  {now}", self.began.elapsed().as_secs_f64());
            self.said = now;
        }
    }

    fn go_on(
        &mut self,
        environment: Option<&IsolatedNotebookEnvironment>,
        patience: Option<Duration>,
    ) -> anyhow::Result<()> {
        check_alive(self.controller)?;
        let stalled = environment.is_some_and(|environment| holds(environment, "Stalled"));
        self.stalled_since = if stalled { self.stalled_since.or_else(|| Some(Instant::now())) } else { None };
        let Some(patience) = patience else { return Ok(()) };
        let table = environment.map(conditions_table).unwrap_or_default();
        if self.stalled_since.is_some_and(|since| since.elapsed() > STALLED) {
            bail!("stalled: {}\n{table}", self.said);
        }
        if self.began.elapsed() > patience {
            let log = self.controller.last_words();
            bail!(
                "not done after {} s: {}\n{table}\nThe controller's last words:\n{log}",
                patience.as_secs(),
                self.said
            );
        }
        Ok(())
    }
}

/// Without a controller nothing goes on.
pub fn check_alive(controller: &mut Program) -> anyhow::Result<()> {
    match controller.ended()? {
        Some(status) => bail!("the controller ended by itself ({status}):\n{}", controller.last_words()),
        None => Ok(()),
    }
}

/// All conditions, one a line.
pub fn conditions_table(environment: &IsolatedNotebookEnvironment) -> String {
    let conditions = conditions(environment);
    let width = |column: fn(&Condition) -> &str| conditions.iter().map(|it| column(it).len()).max().unwrap_or(0);
    let (name, status, reason) = (width(|it| &it.type_), width(|it| &it.status), width(|it| &it.reason));
    let line =
        |it: &Condition| format!("{:name$}  {:status$}  {:reason$}  {}", it.type_, it.status, it.reason, it.message);
    conditions.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The one thing worth knowing now: what needs a person, else what goes on, else whether it is ready.
fn headline(environment: &IsolatedNotebookEnvironment) -> String {
    let told = ["Stalled", "Reconciling", "Ready"];
    let told = told.iter().filter_map(|name| conditions(environment).iter().find(|it| it.type_ == **name));
    let told = told.clone().find(|it| it.status == "True").or_else(|| told.into_iter().next_back());
    let Some(condition) = told else { return "waiting for the controller to take notice".into() };
    match environment.status.as_ref().and_then(|status| status.resources.as_ref()) {
        Some(count) if count.total > 0 => format!("{}/{} ready  {}", count.ready, count.total, sentence(condition)),
        _ => sentence(condition),
    }
}

/// Short enough for a line or two: the whole message is in the status.
fn sentence(condition: &Condition) -> String {
    const LIMIT: usize = 160;
    let unless = if condition.status == "True" { "" } else { "not " };
    let mut message: String = condition.message.chars().take(LIMIT).collect();
    if message.len() < condition.message.len() {
        message.push('…');
    }
    format!("{unless}{} ({}): {message}", condition.type_, condition.reason)
}

fn conditions(environment: &IsolatedNotebookEnvironment) -> &[Condition] {
    environment.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}

fn holds(environment: &IsolatedNotebookEnvironment, name: &str) -> bool {
    conditions(environment).iter().any(|it| it.type_ == name && it.status == "True")
}

/// Whether the status speaks of the present spec.
fn is_current(environment: &IsolatedNotebookEnvironment) -> bool {
    let observed = environment.status.as_ref().and_then(|status| status.observed_generation);
    observed.is_some() && observed == environment.metadata.generation
}
