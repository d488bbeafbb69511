//! Somebody with administrator's rights who works on the account besides the controller.

use std::sync::Arc;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{SdkConfig, region::Region};
use cloister::{
    model::{plan::Drift, report::Report},
    sandbox::in_process::InProcess,
};

use crate::world::{ACCOUNT, Tenant, Visit, World};

/// The SDK clients of an administrator.
pub struct Hands {
    /// Packages.
    pub codeartifact: aws_sdk_codeartifact::Client,
    /// Permissions.
    pub iam: aws_sdk_iam::Client,
    /// Notebooks.
    pub sagemaker: aws_sdk_sagemaker::Client,
}

/// A policy document that allows everything.
pub const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Action":"*","Resource":"*"}]}"#;
/// A policy document that only denies.
pub const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#;
/// The trust policy of a role for notebooks.
pub const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

impl Hands {
    /// Hands in the region of the examples.
    pub fn on(world: &World) -> Self {
        let credentials = Credentials::new(ACCOUNT, "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(InProcess::shared(Arc::clone(&world.simulator)))
            .region(Region::new("ap-northeast-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Self {
            codeartifact: aws_sdk_codeartifact::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            sagemaker: aws_sdk_sagemaker::Client::new(&config),
        }
    }

    /// Make a customer managed policy; gives its ARN.
    pub async fn policy(&self, name: &str, document: &str) -> String {
        let created = self.iam.create_policy().policy_name(name).policy_document(document).send().await;
        created.expect("a policy").policy.and_then(|policy| policy.arn).expect("an ARN")
    }

    /// The status of a notebook.
    pub async fn notebook_status(&self, name: &str) -> Option<String> {
        let described = self.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await.ok()?;
        described.notebook_instance_status.map(|status| status.as_str().to_owned())
    }

    /// The tags of a notebook, by key.
    pub async fn notebook_tag(&self, name: &str, key: &str) -> Option<String> {
        let described = self.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await;
        let arn = described.expect("a notebook").notebook_instance_arn.expect("an ARN");
        let tags = self.sagemaker.list_tags().resource_arn(arn).send().await.expect("tags").tags.unwrap_or_default();
        tags.into_iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value)
    }
}

/// An environment of scenario A that is made, and the hands of somebody else.
pub async fn made(world: &World) -> (Tenant, Hands) {
    made_with(world, |_| {}).await
}

/// The same, changed as the test needs it.
pub async fn made_with(
    world: &World,
    change: impl FnOnce(&mut cloister::kubernetes::api::IsolatedNotebookEnvironment),
) -> (Tenant, Hands) {
    let hands = Hands::on(world);
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", change);
    let visit = world.settle(&mut tenant).await;
    crate::world::assert_ready(&visit.report);
    world.simulator.clear_log();
    (tenant, hands)
}

/// The deviation at a path, if the visit saw it.
pub fn drift<'a>(visit: &'a Visit, path: &str) -> Option<&'a Drift> {
    visit.plan.drift.iter().find(|drift| drift.path == path)
}

/// The paths of everything that deviates.
pub fn paths(visit: &Visit) -> Vec<String> {
    visit.plan.drift.iter().map(|drift| drift.path.clone()).collect()
}

/// What keeps it from getting further, in one text.
pub fn stalled(report: &Report) -> String {
    report.fact("Stalled").map(|fact| format!("{} {}", fact.reason, fact.message)).unwrap_or_default()
}
