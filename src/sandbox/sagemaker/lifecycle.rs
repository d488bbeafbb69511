//! Lifecycle configurations: scripts that run as root when a notebook is created or started.
//! The simulator keeps them and runs nothing.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::list::Listing;
use super::region;
use super::rules::{NAME, SCRIPT, forbid_reserved, invalid, modelled, not_found, tags};
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// A lifecycle configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Unique in account and region.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The script of the creation, in Base64.
    pub on_create: Option<String>,
    /// The script of every start, in Base64.
    pub on_start: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Instant,
    /// When it was last changed.
    pub modified: Instant,
}

impl Lifecycle {
    fn summary(&self) -> Value {
        json!({
            "NotebookInstanceLifecycleConfigName": self.name,
            "NotebookInstanceLifecycleConfigArn": self.arn,
            "CreationTime": epoch_seconds(self.created),
            "LastModifiedTime": epoch_seconds(self.modified),
        })
    }

    fn describe(&self) -> Value {
        let hooks =
            |script: &Option<String>| script.iter().map(|content| json!({"Content": content})).collect::<Value>();
        let mut shown = self.summary();
        shown["OnCreate"] = hooks(&self.on_create);
        shown["OnStart"] = hooks(&self.on_start);
        shown
    }
}

/// What a request says about one of the two scripts.
#[derive(Debug, PartialEq, Eq)]
enum Hook {
    Unmentioned,
    Absent,
    Script(String),
}

impl Hook {
    fn read(members: &mut Members<'_>, name: &str) -> Self {
        let Some(hooks) = members.list(name, 0, 1) else { return Self::Unmentioned };
        let Some(content) = hooks.first().and_then(|hook| hook.get("Content")).and_then(Value::as_str) else {
            return Self::Absent;
        };
        members.check(&format!("{name}.1.member.content"), content, &SCRIPT);
        Self::Script(content.to_owned())
    }

    /// Scripts travel and are kept in Base64.
    fn must_be_encoded(&self, name: &str) -> Result<(), Refusal> {
        match self {
            Self::Script(content) if STANDARD.decode(content).is_err() => {
                Err(invalid(format!("The content of {name} is not valid Base64")))
            }
            _ => Ok(()),
        }
    }

    fn apply(self, script: &mut Option<String>) {
        match self {
            Self::Unmentioned => {}
            Self::Absent => *script = None,
            Self::Script(content) => *script = Some(content),
        }
    }
}

/// Both scripts of a request.
struct Hooks {
    on_create: Hook,
    on_start: Hook,
}

impl Hooks {
    fn read(members: &mut Members<'_>) -> Self {
        Self { on_create: Hook::read(members, "OnCreate"), on_start: Hook::read(members, "OnStart") }
    }

    fn must_be_encoded(&self) -> Result<(), Refusal> {
        self.on_create.must_be_encoded("OnCreate")?;
        self.on_start.must_be_encoded("OnStart")
    }

    fn apply(self, lifecycle: &mut Lifecycle) {
        self.on_create.apply(&mut lifecycle.on_create);
        self.on_start.apply(&mut lifecycle.on_start);
    }
}

/// `CreateNotebookInstanceLifecycleConfig`.
pub fn create(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceLifecycleConfigName", &NAME).to_owned();
    let hooks = Hooks::read(&mut members);
    let tags = tags(&mut members);
    members.finish().map_err(invalid)?;
    hooks.must_be_encoded()?;
    forbid_reserved(&tags)?;
    let arn = format!(
        "arn:{}:sagemaker:{}:{}:notebook-instance-lifecycle-config/{}",
        world.partition,
        call.region,
        call.account,
        name.to_lowercase()
    );
    let allowed = world.settings.quotas.lifecycle_configurations;
    let lifecycles = &mut region(world, call).sagemaker.lifecycles;
    // As with notebooks, two names that differ only in case would share one ARN.
    if lifecycles.values().any(|lifecycle| lifecycle.arn == arn) {
        // A validation error that says "duplicate"; the exact words are not known.
        return Err(invalid(format!("Cannot create a duplicate Notebook Instance Lifecycle Config ({arn})")));
    }
    if lifecycles.len() >= allowed {
        let message = format!("The account-level limit of {allowed} Notebook Instance Lifecycle Configs was reached.");
        return Err(modelled("ResourceLimitExceeded", message));
    }
    let mut lifecycle = Lifecycle {
        name: name.clone(),
        arn: arn.clone(),
        on_create: None,
        on_start: None,
        tags: tags.into_iter().collect(),
        created: call.now,
        modified: call.now,
    };
    hooks.apply(&mut lifecycle);
    lifecycles.insert(name, lifecycle);
    Ok(json!({"NotebookInstanceLifecycleConfigArn": arn}))
}

fn name_in(call: &Call) -> Result<String, Refusal> {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceLifecycleConfigName", &NAME).to_owned();
    members.finish().map_err(invalid)?;
    Ok(name)
}

/// `DescribeNotebookInstanceLifecycleConfig`.
pub fn describe(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    region(world, call).sagemaker.lifecycles.get(&name).map(Lifecycle::describe).ok_or_else(not_found)
}

/// `UpdateNotebookInstanceLifecycleConfig`. A hook that is not mentioned stays, an empty list takes it away. It may be
/// in use: the change is felt at the next start.
pub fn update(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    let mut members = Members::of(&call.params);
    let hooks = Hooks::read(&mut members);
    members.finish().map_err(invalid)?;
    hooks.must_be_encoded()?;
    let lifecycle = region(world, call).sagemaker.lifecycles.get_mut(&name).ok_or_else(not_found)?;
    hooks.apply(lifecycle);
    lifecycle.modified = call.now;
    Ok(json!({}))
}

/// `DeleteNotebookInstanceLifecycleConfig`. Whether AWS allows it while a notebook uses it is not known;
/// refusing is the answer that keeps callers on the safe side.
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    let state = &mut region(world, call).sagemaker;
    let lifecycle = state.lifecycles.get(&name).ok_or_else(not_found)?;
    let user = state.notebooks.values().find(|notebook| notebook.configuration.lifecycle.as_ref() == Some(&name));
    if let Some(user) = user {
        return Err(invalid(format!(
            "Notebook Instance Lifecycle Config ({}) is in use by Notebook Instance ({})",
            lifecycle.arn, user.arn
        )));
    }
    state.lifecycles.remove(&name);
    Ok(json!({}))
}

/// `ListNotebookInstanceLifecycleConfigs`.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let listing = Listing::read(&mut members, &["Name", "CreationTime", "LastModifiedTime"]);
    members.finish().map_err(invalid)?;
    let keyed = |one: &Lifecycle| (listing.key(&one.name, "", one.created, one.modified), one.summary());
    let lifecycles = region(world, call).sagemaker.lifecycles.values();
    let entries = lifecycles.filter(|one| listing.wants(&one.name, one.created, one.modified)).map(keyed).collect();
    listing.answer("NotebookInstanceLifecycleConfigs", entries)
}
