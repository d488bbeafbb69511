//! What the command line reads of a cluster. It gets and lists; it writes nothing.

use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Config, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{
    api::{AWSIdentity, IsolatedNotebookEnvironment},
    identity,
};
use crate::model::port::Problem;

/// A cluster that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig is there and cannot be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// The API server refused, or is out of reach.
    #[error("{what} could not be read from the cluster: {source}")]
    Unreadable {
        /// What was asked for.
        what: String,
        /// What came instead.
        source: Box<kube::Error>,
    },
}

/// A cluster, to be read.
pub struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    /// The cluster of the kubeconfig, or the one that this process runs in; `None` when there is neither and nobody asked for one.
    ///
    /// # Errors
    /// When there is a kubeconfig that cannot be used.
    pub async fn find(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Option<Self>, Error> {
        let options = KubeConfigOptions { context: context.map(ToOwned::to_owned), ..KubeConfigOptions::default() };
        let config = match kubeconfig {
            Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await,
            None => Config::from_kubeconfig(&options).await,
        };
        let config = match config {
            Ok(config) => config,
            Err(error) if kubeconfig.is_none() && context.is_none() && is_absent(&error) => match Config::incluster() {
                Ok(config) => config,
                Err(_) => return Ok(None),
            },
            Err(error) => return Err(error.into()),
        };
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(unreadable("a client"))?;
        Ok(Some(Self { client, namespace }))
    }

    /// The namespace that is meant when none is named.
    #[must_use]
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    /// The id of the cluster: the uid of its `kube-system` namespace.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn id(&self) -> Result<String, Error> {
        let system = Api::<Namespace>::all(self.client.clone()).get("kube-system").await;
        Ok(system.map_err(unreadable("Namespace kube-system"))?.uid().unwrap_or_default())
    }

    /// An environment, if it exists.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn environment(&self, namespace: &str, name: &str) -> Result<Option<IsolatedNotebookEnvironment>, Error> {
        let environments = Api::<IsolatedNotebookEnvironment>::namespaced(self.client.clone(), namespace);
        let what = format!("IsolatedNotebookEnvironment {namespace}/{name}");
        environments.get_opt(name).await.map_err(unreadable(&what))
    }

    /// All environments of a namespace, or of all.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn environments(&self, namespace: Option<&str>) -> Result<Vec<IsolatedNotebookEnvironment>, Error> {
        let environments = match namespace {
            Some(namespace) => Api::<IsolatedNotebookEnvironment>::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let found = environments.list(&ListParams::default()).await;
        Ok(found.map_err(unreadable("the list of IsolatedNotebookEnvironments"))?.items)
    }

    /// The identity of this name, if it admits the namespace.
    ///
    /// # Errors
    /// As [`identity::find`].
    pub async fn identity(&self, name: &str, namespace: &str) -> Result<AWSIdentity, Problem> {
        identity::find(&self.client, name, namespace).await
    }

    /// Whether an identity that is not in the cluster (yet) admits the namespace.
    ///
    /// # Errors
    /// As [`identity::check`].
    pub async fn check(&self, identity: &AWSIdentity, namespace: &str) -> Result<(), Problem> {
        identity::check(&self.client, identity, namespace).await
    }
}

/// There is no kubeconfig, or one that leads nowhere.
fn is_absent(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath | KubeconfigError::CurrentContextNotSet => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn unreadable(what: &str) -> impl Fn(kube::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Unreadable { what: what.clone(), source: Box::new(source) }
}
