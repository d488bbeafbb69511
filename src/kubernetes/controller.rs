//! Watches environments and identities, and visits environments: events only shorten the wait, the periodic full look is the truth.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        Controller, Predicate, PredicateConfig, WatchStreamExt,
        controller::{Action, Config},
        predicates, reflector,
        reflector::ObjectRef,
        watcher,
        watcher::Config as WatchConfig,
    },
};

use super::{
    api::{AWSIdentity, IsolatedNotebookEnvironment},
    events::Events,
    memory::Memories,
    reconcile::{Context, Error, reconcile},
    requeue::Backoff,
};
use crate::{
    metrics::Metrics,
    model::{
        port::{Cloud, ErrorClass},
        report::Next,
    },
};

/// How many environments are visited at once. Visits never wait for AWS to finish anything, so few are enough.
const CONCURRENCY: u16 = 16;
/// How long bursts of events about one object are gathered.
const DEBOUNCE: Duration = Duration::from_millis(200);

type Guarded = DeserializeGuard<IsolatedNotebookEnvironment>;

/// Run until `stop` resolves; visits under way are finished. With a namespace only the environments in it are kept.
///
/// # Errors
/// When the cluster cannot be reached or has no `kube-system` namespace to take its id from.
pub async fn run(
    client: Client,
    cloud: Arc<dyn Cloud>,
    namespace: Option<&str>,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<(), kube::Error> {
    let cluster = Api::<Namespace>::all(client.clone()).get("kube-system").await?.uid().unwrap_or_default();
    let context = Arc::new(Context {
        client: client.clone(),
        cloud,
        cluster,
        backoff: Backoff::default(),
        memories: Memories::default(),
        events: Events::new(client.clone()),
        metrics: Arc::clone(&metrics),
    });

    let environments: Api<Guarded> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (reader, store) = reflector::store();
    let forgetful = Arc::clone(&context);
    let stream = watcher(environments, WatchConfig::default())
        .default_backoff()
        .reflect(store)
        .inspect_ok(move |event| {
            // Also when somebody took our finalizer off.
            if let watcher::Event::Delete(object) = event {
                forgetful.forget(object);
            }
        })
        .applied_objects()
        // Status writes of ours must not wake us; edits of the manifest, finalizers and annotations must.
        .predicate_filter(
            predicates::generation.combine(predicates::finalizers).combine(predicates::annotations),
            PredicateConfig::default(),
        );
    let all = reader.clone();
    let known = reader.clone();
    let identities = Api::<AWSIdentity>::all(client);
    let work = Controller::for_stream(stream, reader)
        .with_config(Config::default().concurrency(CONCURRENCY).debounce(DEBOUNCE))
        .watches(identities, WatchConfig::default(), move |identity| users_of(&all, &identity))
        .graceful_shutdown_on(stop)
        .run(visit, on_error, context)
        .for_each(|_| std::future::ready(()));
    let announce = async {
        if known.wait_until_ready().await.is_ok() {
            metrics.set_ready();
        }
        std::future::pending().await
    };
    tokio::select! {
        () = work => Ok(()),
        never = announce => never,
    }
}

fn users_of(all: &reflector::Store<Guarded>, identity: &AWSIdentity) -> Vec<ObjectRef<Guarded>> {
    let name = identity.name_any();
    let uses = |object: &Arc<Guarded>| object.0.as_ref().is_ok_and(|object| object.spec.identity_ref.name == name);
    all.state().into_iter().filter(uses).map(|object| ObjectRef::from_obj(object.as_ref())).collect()
}

async fn visit(object: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    match &object.0 {
        Ok(object) => reconcile(Arc::new(object.clone()), context).await,
        Err(error) => {
            // The schema was changed under a stored object: nothing can be concluded from it until somebody edits it.
            tracing::error!(object = %object.name_any(), %error, "the object cannot be read");
            Ok(Action::await_change())
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn on_error(object: Arc<Guarded>, error: &Error, context: Arc<Context>) -> Action {
    tracing::warn!(object = %object.name_any(), error = error as &dyn std::error::Error, "the visit could not be finished");
    context.backoff.next(&object.uid().unwrap_or_default(), Next::Retry(ErrorClass::Transient), Duration::from_secs(30))
}
