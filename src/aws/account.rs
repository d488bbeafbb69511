//! One handle per identity and region: the SDK clients, and the proof that the credentials lead where they should.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::sdk_config::SharedTimeSource;
use tokio::sync::{Mutex, OnceCell};

use super::{
    calls::Counting,
    error::{AwsError, from_sdk},
    inventory::Inventory,
    limits::Limits,
};
use crate::{
    metrics::Metrics,
    model::port::{ErrorClass, Identity, Problem},
};

/// One try of one call. An endpoint that is out of reach hangs otherwise for minutes.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// One call with the SDK's retries, the only layer that repeats calls.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The SDK clients of an identity in a region.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The account that the credentials lead to.
    pub account: String,
    /// The region.
    pub region: String,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// IAM, which is global.
    pub iam: aws_sdk_iam::Client,
    /// `CodeArtifact`.
    pub codeartifact: aws_sdk_codeartifact::Client,
    /// `SageMaker`.
    pub sagemaker: aws_sdk_sagemaker::Client,
}

/// An identity in a region: clients, looks and write budgets.
pub struct Account {
    /// The clients.
    pub clients: Clients,
    /// What the region looks like.
    pub inventory: Inventory,
    /// How fast it may be written to.
    pub limits: Arc<Limits>,
    /// Where calls are counted, if anywhere.
    pub metrics: Option<Arc<Metrics>>,
}

/// The client of a service, whose calls are counted.
macro_rules! client {
    ($service:ident, $config:expr, $connection:expr) => {{
        let config = $service::config::Builder::from($config);
        let config = match &$connection.metrics {
            Some(metrics) => config.interceptor(Counting(Arc::clone(metrics))),
            None => config,
        };
        $service::Client::from_conf(config.build())
    }};
}

/// Where requests go and what time it is: the real thing, or a test's.
#[derive(Clone, Default)]
pub struct Connection {
    /// Replaces the network.
    pub http_client: Option<SharedHttpClient>,
    /// Replaces the clock for signatures and expiry.
    pub time_source: Option<SharedTimeSource>,
    /// Replaces the default credential chain: the access key id.
    pub access_key_id: Option<String>,
    /// Where calls are counted, if anywhere.
    pub metrics: Option<Arc<Metrics>>,
}

/// The accounts in use, one per identity and region.
pub struct Accounts {
    connection: Connection,
    open: Mutex<HashMap<(Identity, String), Opening>>,
    /// By account and region: AWS counts the calls of all identities together.
    limits: Mutex<HashMap<(String, String), Arc<Limits>>>,
}

/// An account that is open, or that is being opened by whoever came first.
type Opening = Arc<OnceCell<Arc<Account>>>;

impl Accounts {
    /// No account yet; they are opened at first use.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self { connection, open: Mutex::default(), limits: Mutex::default() }
    }

    /// The account that an identity leads to, in a region.
    ///
    /// # Errors
    /// When there are no credentials, the role cannot be assumed, or the credentials lead to another account than the identity says.
    /// There is no fall-back to other credentials.
    pub async fn open(&self, identity: &Identity, region: &str) -> Result<Arc<Account>, Problem> {
        let key = (identity.clone(), region.to_owned());
        // One identity that AWS keeps waiting must not keep the others waiting: the map is locked for a moment only.
        let opening = Arc::clone(self.open.lock().await.entry(key).or_default());
        opening.get_or_try_init(|| self.connect(identity, region)).await.cloned()
    }

    async fn connect(&self, identity: &Identity, region: &str) -> Result<Arc<Account>, Problem> {
        let config = self.config(identity, region).await;
        let found = caller_account(&config).await.map_err(|error| unusable(identity, &error))?;
        if found != identity.account {
            let message = format!(
                "the credentials of AWSIdentity {} lead to account {found}, not to {}; nothing is written until they do",
                identity.name, identity.account
            );
            return Err(Problem::new(ErrorClass::Credentials, message).because("AccountChanged"));
        }
        let limits = Arc::clone(self.limits.lock().await.entry((found.clone(), region.to_owned())).or_default());
        Ok(Arc::new(Account {
            clients: Clients {
                account: found,
                region: region.to_owned(),
                ec2: client!(aws_sdk_ec2, &config, &self.connection),
                iam: client!(aws_sdk_iam, &config, &self.connection),
                codeartifact: client!(aws_sdk_codeartifact, &config, &self.connection),
                sagemaker: client!(aws_sdk_sagemaker, &config, &self.connection),
            },
            inventory: Inventory::default(),
            limits,
            metrics: self.connection.metrics.clone(),
        }))
    }

    /// The account that the default credentials lead to: for whoever has no identity to compare it with.
    ///
    /// # Errors
    /// When there are no credentials, or AWS does not take them.
    pub async fn caller(&self, region: &str) -> Result<String, Problem> {
        let nobody = Identity {
            name: String::new(),
            account: String::new(),
            role_arn: None,
            external_id: None,
            session_tags: std::collections::BTreeMap::new(),
        };
        let found = caller_account(&self.config(&nobody, region).await).await;
        found.map_err(|error| Problem::new(error.class, format!("whose credentials these are is not known: {error}")))
    }

    async fn config(&self, identity: &Identity, region: &str) -> SdkConfig {
        let Connection { http_client, time_source, access_key_id, metrics: _ } = &self.connection;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            );
        if let Some(client) = http_client {
            loader = loader.http_client(client.clone());
        }
        if let Some(time_source) = time_source {
            loader = loader.time_source(time_source.clone());
        }
        if let Some(id) = access_key_id {
            let fixed = aws_credential_types::Credentials::new(id, "secret", None, None, "given");
            loader = loader.credentials_provider(fixed);
        }
        let own = loader.load().await;
        let Some(role_arn) = &identity.role_arn else { return own };
        let mut assume = aws_config::sts::AssumeRoleProvider::builder(role_arn)
            .session_name("cloister")
            .region(Region::new(region.to_owned()))
            .configure(&own);
        if let Some(external_id) = &identity.external_id {
            assume = assume.external_id(external_id);
        }
        let tags: Vec<_> = identity
            .session_tags
            .iter()
            .filter_map(|(key, value)| aws_sdk_sts::types::Tag::builder().key(key).value(value).build().ok())
            .collect();
        if !tags.is_empty() {
            assume = assume.tags(tags.into_iter().map(|tag| (tag.key, tag.value)));
        }
        own.into_builder()
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(assume.build().await))
            .build()
    }
}

async fn caller_account(config: &SdkConfig) -> Result<String, AwsError> {
    let caller = aws_sdk_sts::Client::new(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(from_sdk("sts:GetCallerIdentity"))?;
    caller
        .account
        .ok_or_else(|| AwsError::new(ErrorClass::Transient, "sts:GetCallerIdentity", "the answer names no account"))
}

fn unusable(identity: &Identity, error: &AwsError) -> Problem {
    let who = identity.role_arn.as_ref().map_or_else(
        || format!("the controller's own credentials (AWSIdentity {})", identity.name),
        |role| format!("role {role} of AWSIdentity {}", identity.name),
    );
    match error.class {
        ErrorClass::Credentials | ErrorClass::Denied => {
            let message =
                format!("{who} cannot be used: {error}; check the role, its trust policy and its external id");
            Problem::new(ErrorClass::Credentials, message).because("AccessDenied")
        }
        _ => Problem::new(error.class, format!("{who} could not be checked: {error}")),
    }
}
