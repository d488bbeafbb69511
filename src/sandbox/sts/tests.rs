//! Sessions: who gets one, and what it may do. Real SDK clients against a simulator in the same process.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sts::error::ProvideErrorMetadata;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::Simulator;
use super::super::clock::TokioClock;
use super::super::in_process::InProcess;
use super::super::world::{Delays, Settings};

const HOME: &str = "111122223333";
const OTHER: &str = "444455556666";

/// A simulated AWS, and clients in it.
struct Aws(Arc<Simulator>);

impl Aws {
    fn new() -> Self {
        Self(Simulator::new(Settings::with_delays(Delays::none()), Arc::new(TokioClock::default())))
    }

    fn iam(&self, credentials: Credentials) -> aws_sdk_iam::Client {
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .http_client(InProcess::shared(self.0.clone()));
        aws_sdk_iam::Client::from_conf(config.build())
    }

    fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials)
            .http_client(InProcess::shared(self.0.clone()));
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// Makes a role in an account; `policy` is what it may do.
    async fn role(&self, account: &str, name: &str, trust: Value, policy: Option<Value>) -> String {
        let iam = self.iam(root(account));
        let document = json!({"Version": "2012-10-17", "Statement": trust}).to_string();
        let made = iam.create_role().role_name(name).assume_role_policy_document(document).send().await.unwrap();
        if let Some(policy) = policy {
            let document = json!({"Version": "2012-10-17", "Statement": policy}).to_string();
            iam.put_role_policy().role_name(name).policy_name("p").policy_document(document).send().await.unwrap();
        }
        made.role.unwrap().arn
    }

    /// Takes a role, or says with which code and message it was refused.
    async fn take(&self, who: Credentials, role: &str) -> Result<Credentials, (String, String)> {
        self.take_with(who, role, |request| request).await
    }

    async fn take_with(
        &self,
        who: Credentials,
        role: &str,
        more: impl FnOnce(
            aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder,
        ) -> aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder,
    ) -> Result<Credentials, (String, String)> {
        let request = more(self.sts(who).assume_role().role_arn(role).role_session_name("session"));
        match request.send().await {
            Ok(answer) => {
                let given = answer.credentials.unwrap();
                Ok(Credentials::new(
                    given.access_key_id,
                    given.secret_access_key,
                    Some(given.session_token),
                    None,
                    "test",
                ))
            }
            Err(error) => Err(error_of(&error)),
        }
    }

    async fn who(&self, credentials: Credentials) -> Result<String, (String, String)> {
        let answer = self.sts(credentials).get_caller_identity().send().await;
        answer.map(|answer| answer.arn.unwrap()).map_err(|error| error_of(&error))
    }
}

fn error_of<E: ProvideErrorMetadata>(error: &E) -> (String, String) {
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

fn root(account: &str) -> Credentials {
    Credentials::new(account, "secret", None, None, "test")
}

fn trusting(principal: &str) -> Value {
    json!([{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}])
}

fn allowing(action: &str, resource: &str) -> Value {
    json!([{"Effect": "Allow", "Action": action, "Resource": resource}])
}

#[tokio::test(start_paused = true)]
async fn a_session_is_its_role_until_it_ends() {
    let aws = Aws::new();
    let role = aws.role(HOME, "worker", trusting(HOME), None).await;
    let session = aws.take(root(HOME), &role).await.unwrap();
    assert_eq!(aws.who(session.clone()).await.unwrap(), "arn:aws:sts::111122223333:assumed-role/worker/session");
    assert_eq!(aws.who(root(OTHER)).await.unwrap(), "arn:aws:iam::444455556666:root");
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(aws.who(session).await.unwrap_err().0, "ExpiredToken");
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_session_is_worth_nothing_without_its_token() {
    let aws = Aws::new();
    let role = aws.role(HOME, "worker", trusting(HOME), None).await;
    let session = aws.take(root(HOME), &role).await.unwrap();
    for token in [None, Some("another".to_owned())] {
        let torn = Credentials::new(session.access_key_id(), session.secret_access_key(), token, None, "test");
        assert_eq!(aws.who(torn).await.unwrap_err().0, "InvalidClientTokenId");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_does_not_outlive_its_role() {
    let aws = Aws::new();
    let role = aws.role(HOME, "worker", trusting(HOME), None).await;
    let session = aws.take(root(HOME), &role).await.unwrap();
    aws.iam(root(HOME)).delete_role().role_name("worker").send().await.unwrap();
    aws.role(HOME, "worker", trusting(HOME), None).await;
    assert_eq!(aws.who(session).await.unwrap_err().0, "InvalidClientTokenId");
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_account_asks_for_its_external_id() {
    let aws = Aws::new();
    let trust = json!([{
        "Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "cloister/env-1"}},
    }]);
    let role = aws.role(OTHER, "target", trust, None).await;
    let refused = aws.take(root(HOME), &role).await.unwrap_err();
    assert_eq!(refused.0, "AccessDenied");
    assert_eq!(
        refused.1,
        "User: arn:aws:iam::111122223333:root is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::444455556666:role/target"
    );
    let wrong = aws.take_with(root(HOME), &role, |request| request.external_id("cloister/env-2")).await;
    assert_eq!(wrong.unwrap_err().0, "AccessDenied");
    let session = aws.take_with(root(HOME), &role, |request| request.external_id("cloister/env-1")).await.unwrap();
    assert_eq!(aws.who(session).await.unwrap(), "arn:aws:sts::444455556666:assumed-role/target/session");
    assert_eq!(
        aws.take_with(root(OTHER), &role, |request| request.external_id("cloister/env-1")).await.unwrap_err().0,
        "AccessDenied"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust() {
    let aws = Aws::new();
    let missing = "arn:aws:iam::444455556666:role/missing";
    assert_eq!(aws.take(root(HOME), missing).await.unwrap_err().0, "AccessDenied");
    let nonsense = "arn:aws:s3:::bucket/for/nothing";
    assert_eq!(
        aws.take(root(HOME), nonsense).await.unwrap_err(),
        ("ValidationError".into(), "Request ARN is invalid".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_takes_another_if_the_trust_names_it_or_its_own_policy_allows_it() {
    let aws = Aws::new();
    let poor = aws.role(HOME, "poor", trusting(HOME), None).await;
    aws.role(HOME, "rich", trusting(HOME), Some(allowing("sts:AssumeRole", "*"))).await;
    let rich = "arn:aws:iam::111122223333:role/rich";
    let by_account = aws.role(HOME, "by-account", trusting(HOME), None).await;
    let by_name = aws.role(HOME, "by-name", trusting(&poor), None).await;
    let abroad = aws.role(OTHER, "abroad", trusting(&poor), None).await;
    let poor = aws.take(root(HOME), &poor).await.unwrap();
    let rich = aws.take(root(HOME), rich).await.unwrap();
    assert!(aws.take(rich.clone(), &by_account).await.is_ok());
    assert_eq!(aws.take(rich, &by_name).await.unwrap_err().0, "AccessDenied");
    assert_eq!(aws.take(poor.clone(), &by_account).await.unwrap_err().0, "AccessDenied");
    assert!(aws.take(poor.clone(), &by_name).await.is_ok());
    assert_eq!(
        aws.take(poor, &abroad).await.unwrap_err().0,
        "AccessDenied",
        "between accounts both sides must allow it"
    );
}

#[tokio::test(start_paused = true)]
async fn session_tags_need_a_permission_of_their_own() {
    let aws = Aws::new();
    let plain = aws.role(HOME, "plain", trusting(HOME), None).await;
    let trust =
        json!([{"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]);
    let tagged = aws.role(HOME, "tagged", trust, None).await;
    let tag = aws_sdk_sts::types::Tag::builder().key("team").value("red").build().unwrap();
    let refused = aws.take_with(root(HOME), &plain, |request| request.tags(tag.clone())).await.unwrap_err();
    assert!(refused.1.contains("sts:TagSession"), "{refused:?}");
    assert!(aws.take_with(root(HOME), &tagged, |request| request.tags(tag)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn sessions_have_lengths() {
    let aws = Aws::new();
    let role = aws.role(HOME, "worker", trusting(HOME), Some(allowing("sts:AssumeRole", "*"))).await;
    let long = |request: aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder| {
        request.duration_seconds(7200)
    };
    let (code, message) = aws.take_with(root(HOME), &role, long).await.unwrap_err();
    assert_eq!(code, "ValidationError");
    assert_eq!(message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    aws.iam(root(HOME)).update_role().role_name("worker").max_session_duration(7200).send().await.unwrap();
    let session = aws.take_with(root(HOME), &role, long).await.unwrap();
    assert!(aws.take_with(session, &role, long).await.unwrap_err().1.contains("role chaining"));
    let (code, message) = aws.take_with(root(HOME), &role, |request| request.duration_seconds(60)).await.unwrap_err();
    assert_eq!(code, "ValidationError");
    assert!(message.contains("Value '60' at 'durationSeconds' failed to satisfy constraint"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_session_may_do_what_its_role_may_do() {
    let aws = Aws::new();
    let role = aws
        .role(HOME, "reader", trusting(HOME), Some(allowing("iam:Get*", "arn:aws:iam::111122223333:role/read*")))
        .await;
    let iam = aws.iam(aws.take(root(HOME), &role).await.unwrap());
    iam.get_role().role_name("reader").send().await.unwrap();
    let refused = error_of(&iam.get_role().role_name("other").send().await.unwrap_err());
    assert_eq!(refused.0, "AccessDenied");
    assert_eq!(
        refused.1,
        "User: arn:aws:sts::111122223333:assumed-role/reader/session is not authorized to perform: iam:GetRole on \
         resource: arn:aws:iam::111122223333:role/other because no identity-based policy allows the iam:GetRole action"
    );
    let used = aws.iam(root(HOME)).get_role().role_name("reader").send().await.unwrap().role.unwrap().role_last_used;
    assert_eq!(used.unwrap().region.as_deref(), Some("us-east-1"));
}

#[tokio::test(start_paused = true)]
async fn boundary_and_session_policy_only_take_away() {
    let aws = Aws::new();
    let role = aws.role(HOME, "admin", trusting(HOME), Some(allowing("*", "*"))).await;
    let cut =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}});
    let iam = aws.iam(aws.take_with(root(HOME), &role, |request| request.policy(cut.to_string())).await.unwrap());
    iam.list_roles().send().await.unwrap();
    let refused = error_of(&iam.get_role().role_name("admin").send().await.unwrap_err());
    assert!(refused.1.ends_with("because no session policy allows the iam:GetRole action"), "{refused:?}");
    let boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    let root_iam = aws.iam(root(HOME));
    root_iam.put_role_permissions_boundary().role_name("admin").permissions_boundary(boundary).send().await.unwrap();
    let iam = aws.iam(aws.take(root(HOME), &role).await.unwrap());
    let refused = error_of(&iam.get_role().role_name("admin").send().await.unwrap_err());
    assert!(refused.1.ends_with("because no permissions boundary allows the iam:GetRole action"), "{refused:?}");
    root_iam
        .attach_role_policy()
        .role_name("admin")
        .policy_arn("arn:aws:iam::aws:policy/AWSDenyAll")
        .send()
        .await
        .unwrap();
    let refused = error_of(&iam.get_role().role_name("admin").send().await.unwrap_err());
    assert!(refused.1.ends_with("with an explicit deny in an identity-based policy"), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn the_condition_keys_of_delegation_are_filled() {
    let aws = Aws::new();
    let bound = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = json!([{
        "Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole"], "Resource": "arn:aws:iam::*:role/env/*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": bound, "aws:RequestTag/owner": "env"}},
    }]);
    let role = aws.role(HOME, "controller", trusting(HOME), Some(policy)).await;
    let iam = aws.iam(aws.take(root(HOME), &role).await.unwrap());
    let trust = json!({"Version": "2012-10-17", "Statement": trusting(HOME)}).to_string();
    let create = |path: &str, boundary: Option<&str>| {
        let tag = aws_sdk_iam::types::Tag::builder().key("owner").value("env").build().unwrap();
        let request = iam.create_role().role_name("made").path(path).assume_role_policy_document(&trust).tags(tag);
        request.set_permissions_boundary(boundary.map(str::to_owned)).send()
    };
    assert_eq!(error_of(&create("/env/", None).await.unwrap_err()).0, "AccessDenied");
    assert_eq!(error_of(&create("/", Some(bound)).await.unwrap_err()).0, "AccessDenied");
    create("/env/", Some(bound)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pod_takes_its_role_with_its_token() {
    let aws = Aws::new();
    let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let trust = json!([{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::{HOME}:oidc-provider/{issuer}")},
        "Condition": {"StringEquals": {format!("{issuer}:sub"): "system:serviceaccount:cloister:controller"}},
    }]);
    let role = aws.role(HOME, "irsa", trust, None).await;
    let token = |subject: &str, expires: u64| {
        let claims =
            json!({"iss": format!("https://{issuer}"), "sub": subject, "aud": ["sts.amazonaws.com"], "exp": expires});
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let take = async |token: String| {
        let sts = aws.sts(root(OTHER));
        let request =
            sts.assume_role_with_web_identity().role_arn(&role).role_session_name("pod").web_identity_token(token);
        request.send().await.map_err(|error| error_of(&error).0)
    };
    let answer = take(token("system:serviceaccount:cloister:controller", 4_000_000_000)).await.unwrap();
    assert_eq!(answer.assumed_role_user.unwrap().arn, "arn:aws:sts::111122223333:assumed-role/irsa/pod");
    assert_eq!(answer.audience.as_deref(), Some("sts.amazonaws.com"));
    assert_eq!(take(token("system:serviceaccount:other:pod", 4_000_000_000)).await.unwrap_err(), "AccessDenied");
    assert_eq!(take(token("system:serviceaccount:cloister:controller", 1)).await.unwrap_err(), "ExpiredTokenException");
    assert_eq!(take("no token".into()).await.unwrap_err(), "InvalidIdentityToken");
}

#[tokio::test(start_paused = true)]
async fn a_session_token_is_who_asked_for_it() {
    let aws = Aws::new();
    let given = aws.sts(root(OTHER)).get_session_token().send().await.unwrap().credentials.unwrap();
    let session =
        Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), None, "test");
    assert_eq!(aws.who(session).await.unwrap(), "arn:aws:iam::444455556666:root");
    let unknown = Credentials::new("ASIAAAAAAAAAAAAAAAAA", "secret", None, None, "test");
    assert_eq!(aws.who(unknown).await.unwrap_err().0, "InvalidClientTokenId");
}
