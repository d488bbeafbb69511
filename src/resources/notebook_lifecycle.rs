//! The lifecycle configuration of a notebook: the scripts that keep pip logged in, followed by the user's.
//!
//! It has a stable name and is updated in place, which takes effect at the notebook's next start. No secret may be in it.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_sagemaker::types::NotebookInstanceLifecycleHook;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    data_addresses, point_tags,
    sagemaker_scripts::{self, LifecycleRow, Lifecycles},
    sagemaker_tags,
};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk, gone},
        inventory::Listing,
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        address::Kind,
        diff::{FieldDiff, TAGS, touches},
        environment::{Environment, Notebook},
        hooks::{Hooks, hooks_of},
        owner::Tags,
        port::ErrorClass,
        resource::{Context, Field, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        start_script::{StartScript, TooLarge},
        value::{Value, Wish},
    },
};

/// The kind.
pub struct NotebookLifecycle;

// --- rows ---------------------------------------------------------------------------------------------------------------------

/// The scripts of one configuration, in plain text.
struct Scripts {
    on_create: Option<String>,
    on_start: Option<String>,
}

#[async_trait]
impl Listing for Scripts {
    async fn fetch(clients: &Clients, name: &str) -> Result<Self, AwsError> {
        const OPERATION: &str = "sagemaker:DescribeNotebookInstanceLifecycleConfig";
        let describe = clients
            .sagemaker
            .describe_notebook_instance_lifecycle_config()
            .notebook_instance_lifecycle_config_name(name);
        let answer = describe.send().await.map_err(from_sdk(OPERATION))?;
        Ok(Self { on_create: decoded(answer.on_create()), on_start: decoded(answer.on_start()) })
    }
}

fn decoded(hooks: &[NotebookInstanceLifecycleHook]) -> Option<String> {
    let content = hooks.first()?.content()?;
    // What is not Base64 was not written by us, and differs whatever it is.
    let plain = STANDARD.decode(content).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(plain.unwrap_or_else(|| content.to_owned()))
}

fn encoded(script: Option<&Script>) -> Vec<NotebookInstanceLifecycleHook> {
    let hook =
        |script: &Script| NotebookInstanceLifecycleHook::builder().content(StartScript::encoded(&script.0)).build();
    script.map(hook).into_iter().collect()
}

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a lifecycle configuration looks like.
#[derive(Debug, Clone, Default)]
pub struct LifecycleState {
    on_create: Wish<Option<Script>>,
    on_start: Wish<Option<Script>>,
    /// Why the wished scripts cannot be written at all.
    refused: Option<TooLarge>,
    /// What is needed to write to it and is not compared.
    written: Written,
}

/// A script, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Script(String);

impl From<Script> for Value {
    fn from(script: Script) -> Self {
        Self::Script(script.0)
    }
}

/// What a look keeps for a later write.
#[derive(Debug, Clone, Default)]
struct Written {
    arn: String,
    born: String,
}

impl State for LifecycleState {
    fn fields(&self) -> Vec<Field> {
        let Self { on_create, on_start, refused: _, written: _ } = self.clone();
        // Both run as root, with the execution role's rights.
        vec![
            Field::live("onCreate", on_create).severe(Severity::High),
            Field::live("onStart", on_start).severe(Severity::High),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for NotebookLifecycle {
    fn kind(&self) -> Kind {
        Kind::LifecycleConfiguration
    }

    fn desire(&self, environment: &Environment, _: Context<'_>) -> Vec<Wanted> {
        let notebooks =
            environment.notebooks.iter().filter(|notebook| sagemaker_scripts::wanted(environment, notebook));
        notebooks.map(|notebook| desire(environment, notebook)).collect()
    }
}

fn desire(environment: &Environment, notebook: &Notebook) -> Wanted {
    let address = data_addresses::lifecycle(&notebook.name);
    let state = match hooks_of(environment, notebook) {
        Ok(Hooks { on_create, on_start }) => LifecycleState {
            on_create: Wish::Is(on_create.map(Script)),
            on_start: Wish::Is(on_start.map(Script)),
            ..LifecycleState::default()
        },
        Err(refused) => LifecycleState { refused: Some(refused), ..LifecycleState::default() },
    };
    Wanted {
        tags: environment.tags_of(&address),
        address,
        management: Management::Owned,
        name: Some(sagemaker_scripts::name(&environment.owner, &notebook.name)),
        needs: Vec::new(),
        state: Arc::new(state),
    }
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for NotebookLifecycle {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        let look = reader.look::<Lifecycles>("").await?;
        let prefix = sagemaker_scripts::prefix(reader.owner);
        let mut items = Vec::new();
        for config in &look.rows.0 {
            // All of ours begin alike: those that a crash left behind are found, too.
            if reader.concerns(wanted, &config.name) || config.name.starts_with(&prefix) {
                items.extend(look_at(reader, config, wanted).await?);
            }
        }
        Ok(items)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        const OPERATION: &str = "sagemaker:CreateNotebookInstanceLifecycleConfig";
        let name = wanted.name.as_ref().ok_or_else(|| AwsError::unresolved(OPERATION, "name"))?;
        let state = wanted.state::<LifecycleState>();
        if let Some(refused) = &state.refused {
            return Err(AwsError::new(ErrorClass::Invalid, OPERATION, refused.to_string()));
        }
        let create = writer.write(OPERATION)?.sagemaker.create_notebook_instance_lifecycle_config();
        let create =
            create.notebook_instance_lifecycle_config_name(name).set_tags(Some(sagemaker_tags::request(&wanted.tags)));
        let create = create.set_on_create(hooks(&state.on_create).filter(|hooks| !hooks.is_empty()));
        let create = create.set_on_start(hooks(&state.on_start).filter(|hooks| !hooks.is_empty()));
        let created = create.send().await.map_err(from_sdk(OPERATION))?;
        let arn = created.notebook_instance_lifecycle_config_arn.ok_or_else(|| AwsError::unreadable(OPERATION))?;
        Ok(Created::id(name).with(Output::Arn, arn))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        const OPERATION: &str = "sagemaker:UpdateNotebookInstanceLifecycleConfig";
        let state = wanted.state::<LifecycleState>();
        let (on_create, on_start) = (touches(diffs, "onCreate"), touches(diffs, "onStart"));
        if on_create || on_start {
            let update = writer.write(OPERATION)?.sagemaker.update_notebook_instance_lifecycle_config();
            let update = update.notebook_instance_lifecycle_config_name(&seen.id);
            // An empty list takes a hook away, none leaves it.
            let update = update.set_on_create(hooks(&state.on_create).filter(|_| on_create));
            let update = update.set_on_start(hooks(&state.on_start).filter(|_| on_start));
            update.send().await.map_err(from_sdk(OPERATION))?;
        }
        if touches(diffs, TAGS) {
            let Written { arn, born } = &seen.state::<LifecycleState>().written;
            sagemaker_tags::add(writer, arn, born, seen, &point_tags::deviating(&wanted.tags, diffs)).await?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "sagemaker:DeleteNotebookInstanceLifecycleConfig";
        let Written { arn, .. } = &seen.state::<LifecycleState>().written;
        let tags = match sagemaker_tags::read_now(writer.read(), arn).await {
            Err(error) if error.is_not_found() => return Ok(Progress::Done),
            tags => tags?,
        };
        point_tags::still_ours(OPERATION, seen, &tags)?;
        must_be_unused(OPERATION, writer.read(), &seen.id).await?;
        let delete = writer.write(OPERATION)?.sagemaker.delete_notebook_instance_lifecycle_config();
        gone(delete.notebook_instance_lifecycle_config_name(&seen.id).send().await.map_err(from_sdk(OPERATION)))?;
        Ok(Progress::Done)
    }

    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let Written { arn, born } = &seen.state::<LifecycleState>().written;
        sagemaker_tags::refresh(writer, arn, born).await.map(Some)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        let Written { arn, born } = &seen.state::<LifecycleState>().written;
        sagemaker_tags::remove(writer, arn, born, seen, &point_tags::released(seen, keys)).await
    }
}

fn hooks(wish: &Wish<Option<Script>>) -> Option<Vec<NotebookInstanceLifecycleHook>> {
    wish.known().map(|script| encoded(script.as_ref()))
}

/// Whether AWS deletes a configuration that is in use is not known: it is not asked to.
async fn must_be_unused(operation: &'static str, clients: &Clients, name: &str) -> Result<(), AwsError> {
    let list = clients.sagemaker.list_notebook_instances().notebook_instance_lifecycle_config_name_contains(name);
    let pages = list.into_paginator().items().send();
    let notebooks = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("sagemaker:ListNotebookInstances"))?;
    let uses = |notebook: &&aws_sdk_sagemaker::types::NotebookInstanceSummary| {
        notebook.notebook_instance_lifecycle_config_name() == Some(name)
    };
    match notebooks.iter().find(uses).and_then(|notebook| notebook.notebook_instance_name()) {
        Some(notebook) => {
            Err(AwsError::new(ErrorClass::Waiting, operation, format!("notebook {notebook} still uses it")))
        }
        None => Ok(()),
    }
}

/// One configuration in depth; `None` when it is gone by now or turns out not to concern us.
async fn look_at(reader: &Reader<'_>, config: &LifecycleRow, wanted: &[Wanted]) -> Result<Option<Item>, AwsError> {
    let should = reader.should_be_ours(wanted, &config.name);
    let tags = match sagemaker_tags::look(reader, &config.arn, &config.born, should).await {
        Err(error) if error.is_not_found() => return Ok(None),
        tags => tags?,
    };
    if !reader.concerns(wanted, &config.name) && reader.owner.address_of(&tags).is_none() {
        return Ok(None);
    }
    let modified = config.modified.as_nanos();
    let version = (modified != 0).then(|| format!("{}/{modified}", config.born));
    let scripts = match reader.look_at_version::<Scripts>(&config.name, version).await {
        Err(error) if error.is_not_found() => return Ok(None),
        scripts => scripts?,
    };
    Ok(Some(Item {
        id: config.name.clone(),
        address: None,
        tags,
        phase: Phase::Ready,
        outputs: BTreeMap::from([(Output::Id, config.name.clone()), (Output::Arn, config.arn.clone())]),
        findings: Vec::new(),
        state: Arc::new(LifecycleState {
            on_create: Wish::Is(scripts.rows.on_create.clone().map(Script)),
            on_start: Wish::Is(scripts.rows.on_start.clone().map(Script)),
            refused: None,
            written: Written { arn: config.arn.clone(), born: config.born.clone() },
        }),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::test_environment::{environment, facts, outputs};

    fn wanted(environment: &Environment) -> Vec<Wanted> {
        let (outputs, facts) = (outputs(&[]), facts());
        NotebookLifecycle.desire(environment, Context { outputs: &outputs, facts: &facts })
    }

    #[test]
    fn scripts_are_there_for_pip_or_for_the_user_and_otherwise_not_at_all() {
        let mut environment = environment();
        assert_eq!(wanted(&environment).len(), 1);
        environment.packages.install = None;
        assert_eq!(wanted(&environment).len(), 0);
        environment.notebooks[0].on_start = Some("echo a\r\necho b\r\n".into());
        let alone = wanted(&environment).remove(0);
        let state = alone.state::<LifecycleState>();
        assert_eq!(state.on_start, Wish::Is(Some(Script("#!/bin/bash\necho a\necho b\n".into()))));
        assert_eq!(state.on_create, Wish::Is(None));
    }

    #[test]
    fn an_existing_notebook_keeps_its_scripts() {
        let mut environment = environment();
        environment.notebooks[0].existing = true;
        assert!(wanted(&environment).is_empty());
    }

    #[test]
    fn the_name_stays_when_the_script_changes() {
        let mut environment = environment();
        let before = wanted(&environment).remove(0);
        environment.notebooks[0].on_start = Some("echo".into());
        let after = wanted(&environment).remove(0);
        assert_eq!(before.name, after.name);
        assert_ne!(before.state::<LifecycleState>().on_start, after.state::<LifecycleState>().on_start);
        assert!(before.name.unwrap().len() <= 63);
    }

    #[test]
    fn a_script_that_is_too_long_is_kept_back_with_the_reason() {
        use crate::model::start_script::MAX_ENCODED;

        let mut environment = environment();
        environment.notebooks[0].on_start = Some("x".repeat(MAX_ENCODED));
        let wanted = wanted(&environment).remove(0);
        let state = wanted.state::<LifecycleState>();
        assert_eq!(state.refused.as_ref().map(|refused| refused.hook), Some("onStart"));
        assert_eq!(state.on_start, Wish::Any);
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let script = Script("#!/bin/bash\necho é\n".into());
        assert_eq!(decoded(&encoded(Some(&script))), Some(script.0));
        assert_eq!(decoded(&[]), None);
    }
}
