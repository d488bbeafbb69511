//! A bench for the simulator's own tests: real SDK clients that talk to a simulator in process, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::clock::TokioClock;
use super::in_process::InProcess;
use super::{Settings, Simulator};

/// The account of the tests.
pub const ACCOUNT: &str = "111122223333";
/// The region of the tests.
pub const REGION: &str = "eu-west-1";

/// A simulator and the ways to talk to it.
pub struct Bench {
    /// The simulator.
    pub simulator: Arc<Simulator>,
}

impl Bench {
    /// A simulator in which nothing exists yet, on virtual time.
    pub fn new(settings: Settings) -> Self {
        Self { simulator: Simulator::new(settings, Arc::new(TokioClock::default())) }
    }

    /// What the SDK needs to be the administrator of an account in a region.
    pub fn config(&self, account: &str, region: &'static str) -> SdkConfig {
        self.with_credentials(Credentials::new(account, "secret", None, None, "test"), region)
    }

    /// What the SDK needs to be whoever the credentials belong to.
    pub fn with_credentials(&self, credentials: Credentials, region: &'static str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(InProcess::shared(self.simulator.clone()))
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .build()
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// The credentials of a session of a role.
    pub async fn assume(&self, role_arn: &str) -> Credentials {
        let sts = aws_sdk_sts::Client::new(&self.config(ACCOUNT, REGION));
        let answer = sts.assume_role().role_arn(role_arn).role_session_name("test").send().await.expect("a session");
        let given = answer.credentials.expect("credentials");
        Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), None, "test")
    }

    /// A role with a trust policy for a principal and one inline policy; gives its ARN.
    pub async fn role(&self, name: &str, principal: &str, statements: &str) -> String {
        let iam = aws_sdk_iam::Client::new(&self.config(ACCOUNT, REGION));
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
        );
        let role = iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.expect("a role");
        if !statements.is_empty() {
            let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            let put = iam.put_role_policy().role_name(name).policy_name("p").policy_document(policy);
            put.send().await.expect("a policy");
        }
        role.role.expect("a role").arn
    }
}

/// Code and message of a refusal.
pub fn refusal<T: std::fmt::Debug, E, R>(result: Result<T, SdkError<E, R>>) -> (String, String)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
    R: std::fmt::Debug,
{
    let error = result.expect_err("a refusal");
    let error = error.as_service_error().expect("an answer of the service");
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}
