//! What somebody can do to notebooks and their scripts.

use std::time::Duration;

use aws_sdk_sagemaker::{
    operation::update_notebook_instance::builders::UpdateNotebookInstanceFluentBuilder,
    types::{InstanceMetadataServiceConfiguration, IpAddressType, NotebookInstanceLifecycleHook, RootAccess},
};
use cloister::model::{owner::Tags, value::Value};

use super::{
    permissions::their_role,
    table::{Row, Then, Thing, Told, changed, missing, row, unexpected},
};
use crate::{laws::person::Person, world::ACCOUNT};

// --- scripts ------------------------------------------------------------------------------------------------------------------

/// Lifecycle configurations.
pub fn scripts() -> Vec<Row> {
    const ONE_CALL: Then = Then::Corrected(&["UpdateNotebookInstanceLifecycleConfig"]);
    vec![
        row("onStart", "it is replaced", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_scripts(person, thing, None, Some(vec![script("curl http://elsewhere")])).await;
                vec![changed("onStart")]
            })
        })
        .when(|thing| thing.wish("onStart") != Some(Value::Absent)),
        row("onStart", "it is taken away", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_scripts(person, thing, None, Some(Vec::new())).await;
                vec![missing("onStart")]
            })
        })
        .when(|thing| thing.wish("onStart") != Some(Value::Absent)),
        row("onCreate", "it is replaced", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_scripts(person, thing, Some(vec![script("curl http://elsewhere")]), None).await;
                vec![changed("onCreate")]
            })
        })
        .when(|thing| thing.wish("onCreate") != Some(Value::Absent)),
        row("onCreate", "it is taken away", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_scripts(person, thing, Some(Vec::new()), None).await;
                vec![missing("onCreate")]
            })
        })
        .when(|thing| thing.wish("onCreate") != Some(Value::Absent)),
        row("onCreate", "one is added", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_scripts(person, thing, Some(vec![script("curl http://elsewhere")]), None).await;
                vec![unexpected("onCreate")]
            })
        })
        .when(|thing| thing.wish("onCreate") == Some(Value::Absent)),
    ]
}

fn script(line: &str) -> NotebookInstanceLifecycleHook {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let content = STANDARD.encode(format!("#!/bin/bash\n{line}\n"));
    NotebookInstanceLifecycleHook::builder().content(content).build()
}

type Hooks = Option<Vec<NotebookInstanceLifecycleHook>>;

async fn set_scripts(person: &Person, thing: &Thing, on_create: Hooks, on_start: Hooks) {
    let update = person.sagemaker.update_notebook_instance_lifecycle_config();
    let update = update.notebook_instance_lifecycle_config_name(thing.id());
    update.set_on_create(on_create).set_on_start(on_start).send().await.expect("updated");
}

// --- notebook -----------------------------------------------------------------------------------------------------------------

/// Whether a notebook is to run or to stand still, as the manifest says; none when its users decide.
fn run(thing: &Thing) -> Option<&'static str> {
    match thing.wish("running") {
        Some(Value::Text(status)) if status == "InService" => Some("InService"),
        Some(_) => Some("Stopped"),
        None => None,
    }
}

/// One thing that can be changed of a stopped notebook.
struct Setting {
    field: &'static str,
    what: &'static str,
    left_stopped: super::table::Hand,
    started_again: super::table::Hand,
}

/// Both ways to change it: and leave the notebook stopped, or start it again.
macro_rules! setting {
    ($field:literal, $what:literal, $told:expr, $change:expr) => {
        Setting {
            field: $field,
            what: $what,
            left_stopped: |person, thing| {
                Box::pin(async move {
                    update(person, thing, $change(person).await).await;
                    vec![$told($field)]
                })
            },
            started_again: |person, thing| {
                Box::pin(async move {
                    update(person, thing, $change(person).await).await;
                    person.start(thing.id()).await;
                    vec![$told($field)]
                })
            },
        }
    };
}

fn settings() -> Vec<Setting> {
    type Change = UpdateNotebookInstanceFluentBuilder;
    vec![
        setting!("instanceType", "another type", changed, async |_: &Person| |update: Change| {
            update.instance_type("ml.t3.xlarge".into())
        }),
        setting!("roleArn", "another role", changed, async |person: &Person| {
            let role = format!("arn:aws:iam::{ACCOUNT}:role/{}", their_role(person).await);
            move |update: Change| update.role_arn(role)
        }),
        setting!("lifecycleConfig", "no scripts", missing, async |_: &Person| |update: Change| {
            update.disassociate_lifecycle_config(true)
        }),
        setting!("lifecycleConfig", "other scripts", changed, async |person: &Person| {
            let scripts = their_scripts(person).await;
            move |update: Change| update.lifecycle_config_name(scripts)
        }),
        setting!("rootAccess", "root for its users", changed, async |_: &Person| |update: Change| {
            update.root_access(RootAccess::Enabled)
        }),
        setting!("minimumIMDSVersion", "an older metadata service", changed, async |_: &Person| |update: Change| {
            let older = InstanceMetadataServiceConfiguration::builder();
            let older = older.minimum_instance_metadata_service_version("1").build();
            update.instance_metadata_service_configuration(older)
        }),
    ]
}

/// Of a notebook that its users start and stop: a note on it that it has to be started again, and the removal of the note, are what a crash in
/// between costs.
const NOTED: &[&str] =
    &["AddTags", "DeleteTags", "StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance"];
/// Of a notebook that is to run.
const AS_ASKED: &[&str] = &["StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance"];

/// Notebooks.
pub fn notebook() -> Vec<Row> {
    let mut rows = Vec::new();
    for Setting { field, what, left_stopped, started_again } in settings() {
        // Nobody is disturbed when it stands still anyway.
        let stopped = row(field, what, Then::Corrected(&["UpdateNotebookInstance"]), left_stopped);
        rows.push(stopped.when(|thing| run(thing) != Some("InService")));
        rows.push(row(field, what, Then::Asked(NOTED), started_again).when(|thing| run(thing).is_none()));
        let running = row(field, what, Then::Asked(AS_ASKED), started_again);
        rows.push(running.when(|thing| run(thing) == Some("InService")));
    }
    rows.extend([
        row("volumeSizeGiB", "a larger volume, which cannot shrink again", Then::Reported, |person, thing| {
            Box::pin(async move {
                update_and_leave_running(person, thing, |update| update.volume_size_in_gb(200)).await;
                vec![unexpected("volumeSizeGiB")]
            })
        }),
        row("ipAddressType", "IPv6 addresses, too", Then::Reported, |person, thing| {
            Box::pin(async move {
                update_and_leave_running(person, thing, |update| update.ip_address_type(IpAddressType::Dualstack))
                    .await;
                vec![unexpected("ipAddressType")]
            })
        })
        .beside(),
        row(
            "defaultCodeRepository",
            "somebody's code, with a password in its address",
            Then::Reported,
            |person, thing| {
                Box::pin(async move {
                    let theirs = "https://somebody:secret@git.example.com/code";
                    update_and_leave_running(person, thing, |update| update.default_code_repository(theirs)).await;
                    vec![unexpected("defaultCodeRepository")]
                })
            },
        )
        .beside(),
        row("running", "it is stopped", Then::Corrected(&["StartNotebookInstance"]), |person, thing| {
            Box::pin(async move {
                person.stop(thing.id()).await;
                vec![changed("running")]
            })
        })
        .when(|thing| run(thing) == Some("InService")),
        row("running", "it is started", Then::Corrected(&["StopNotebookInstance"]), |person, thing| {
            Box::pin(async move {
                person.start(thing.id()).await;
                vec![changed("running")]
            })
        })
        .when(|thing| run(thing) == Some("Stopped")),
        row(
            "restartAfterUpdate",
            "it is said to be in the middle of an update",
            Then::Corrected(&["DeleteTags"]),
            |person, thing| Box::pin(noted(person, thing)),
        )
        .slow(),
    ]);
    rows
}

/// Change a notebook, which AWS does only while it is stopped.
async fn update(
    person: &Person,
    thing: &Thing,
    change: impl FnOnce(UpdateNotebookInstanceFluentBuilder) -> UpdateNotebookInstanceFluentBuilder,
) {
    let name = thing.id();
    if person.notebook_status(name).await.as_deref() == Some("InService") {
        person.stop(name).await;
    }
    let update = person.sagemaker.update_notebook_instance().notebook_instance_name(name);
    change(update).send().await.expect("updated");
    tokio::time::sleep(Duration::from_secs(2)).await;
    person.notebook_is(name, Some("Stopped")).await;
}

/// The same, and what is to run runs again.
async fn update_and_leave_running(
    person: &Person,
    thing: &Thing,
    change: impl FnOnce(UpdateNotebookInstanceFluentBuilder) -> UpdateNotebookInstanceFluentBuilder,
) {
    update(person, thing, change).await;
    if run(thing) == Some("InService") {
        person.start(thing.id()).await;
    }
}

async fn noted(person: &Person, thing: &Thing) -> Vec<Told> {
    let name = thing.id();
    if run(thing).is_none() && person.notebook_status(name).await.as_deref() == Some("Stopped") {
        person.start(name).await;
    }
    person.tag(&thing.seen, &Tags::from([("cloister.dev/start".to_owned(), "restart/0/0".to_owned())])).await;
    vec![changed("restartAfterUpdate")]
}

/// Made when they are not there.
async fn their_scripts(person: &Person) -> &'static str {
    let create = person.sagemaker.create_notebook_instance_lifecycle_config();
    drop(create.notebook_instance_lifecycle_config_name("theirs").send().await);
    "theirs"
}
