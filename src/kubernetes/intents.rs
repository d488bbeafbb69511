//! Creation intents in the status: the only thing in it that is memory (kube-and-build 10).
//!
//! Writing one sends the resourceVersion that was planned from: whoever planned from an old status is refused, and does not create.

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use tokio::sync::Mutex;

use super::{
    api::{IsolatedNotebookEnvironment, environment::CreationIntent},
    status::StatusWriter,
};
use crate::model::port::{ErrorClass, Intent, IntentLog, Problem};

/// The intents of one object during one visit.
pub struct StatusIntents<'a> {
    writer: &'a StatusWriter,
    object: Mutex<IsolatedNotebookEnvironment>,
}

impl<'a> StatusIntents<'a> {
    /// The intents of an object as it was planned from.
    pub fn new(writer: &'a StatusWriter, object: IsolatedNotebookEnvironment) -> Self {
        Self { writer, object: Mutex::new(object) }
    }

    /// The object with whatever was written in the meantime.
    pub fn into_object(self) -> IsolatedNotebookEnvironment {
        self.object.into_inner()
    }
}

#[async_trait]
impl IntentLog for StatusIntents<'_> {
    async fn begin(&self, intent: &Intent) -> Result<(), Problem> {
        let mut object = self.object.lock().await;
        let mut status = object.status.clone().unwrap_or_default();
        status.intents.push(to_status(intent));
        let version = object.resource_version();
        let written = self.writer.apply(&object, &status, version).await.map_err(|error| {
            let message = format!(
                "the intent to create {} could not be written down, so nothing was created: {error}",
                intent.address
            );
            Problem::new(ErrorClass::Transient, message).because("IntentNotWritten")
        })?;
        *object = written;
        Ok(())
    }
}

fn to_status(intent: &Intent) -> CreationIntent {
    CreationIntent {
        address: intent.address.to_string(),
        token: Some(intent.token.clone()),
        attempt: 0,
        started_at: Time(Timestamp::from_second(intent.begun_at).unwrap_or_default()),
    }
}

/// The intents that a status remembers.
pub fn from_status(object: &IsolatedNotebookEnvironment) -> Vec<Intent> {
    let intents = object.status.as_ref().map(|status| status.intents.as_slice()).unwrap_or_default();
    intents
        .iter()
        .filter_map(|intent| {
            Some(Intent {
                address: intent.address.parse().ok()?,
                token: intent.token.clone()?,
                begun_at: intent.started_at.0.as_second(),
            })
        })
        .collect()
}
