//! Domains, repositories and packages as the SDK and pip see them, in virtual time.

use std::time::Duration;

use aws_sdk_codeartifact::Client;
use aws_sdk_codeartifact::types::{
    AllowPublish, AllowUpstream, ExternalConnectionStatus, PackageFormat, PackageOriginRestrictions,
    PackageVersionErrorCode, PackageVersionStatus, Tag, UpstreamRepository, ValidationExceptionReason,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::sandbox::Settings;
use crate::sandbox::testing::{ACCOUNT, Bench, REGION, refusal};

const PARTNER: &str = "444455556666";

struct Depot {
    bench: Bench,
    client: Client,
}

impl Depot {
    /// A domain with a store that is connected to PyPI and a repository over it.
    async fn new() -> Self {
        let depot = Self::empty();
        depot.client.create_domain().domain("acme").send().await.unwrap();
        depot.repository("store", &[]).await;
        depot.connect("store").await;
        depot.repository("team", &["store"]).await;
        depot
    }

    fn empty() -> Self {
        let bench = Bench::new(Settings::default());
        let client = Client::new(&bench.config(ACCOUNT, REGION));
        Self { bench, client }
    }

    async fn repository(&self, name: &str, upstreams: &[&str]) {
        let request = self.client.create_repository().domain("acme").repository(name);
        let request = upstreams.iter().fold(request, |request, upstream| request.upstreams(up(upstream)));
        request.send().await.unwrap();
    }

    async fn connect(&self, name: &str) {
        let request = self.client.associate_external_connection().domain("acme").repository(name);
        request.external_connection("public:pypi").send().await.unwrap();
    }

    async fn upstream(&self, name: &str, upstreams: &[&str]) -> Result<(), (String, String)> {
        let request = self.client.update_repository().domain("acme").repository(name);
        let upstreams = upstreams.iter().map(|upstream| up(upstream)).collect();
        let result = request.set_upstreams(Some(upstreams)).send().await;
        if result.is_ok() { Ok(()) } else { Err(refusal(result)) }
    }

    async fn token(&self, client: &Client) -> String {
        client
            .get_authorization_token()
            .domain("acme")
            .domain_owner(ACCOUNT)
            .send()
            .await
            .unwrap()
            .authorization_token
            .unwrap()
    }

    async fn get(&self, token: &str, path: &str) -> Response<Bytes> {
        let credentials = STANDARD.encode(format!("aws:{token}"));
        let request = Request::get(format!("http://localhost/_pypi/acme-{ACCOUNT}/pypi/{path}"));
        let request = request.header("authorization", format!("Basic {credentials}")).body(Bytes::new()).unwrap();
        self.bench.simulator.handle(request).await
    }

    async fn packages(&self, repository: &str) -> Vec<String> {
        let listed = self.client.list_packages().domain("acme").repository(repository).send().await.unwrap();
        listed.packages().iter().map(|package| package.package.clone().unwrap()).collect()
    }

    async fn as_role(&self, arn: &str) -> Client {
        self.bench.pass(Duration::from_secs(30)).await;
        Client::new(&self.bench.with_credentials(self.bench.assume(arn).await, REGION))
    }
}

fn up(name: &str) -> UpstreamRepository {
    UpstreamRepository::builder().repository_name(name).build().unwrap()
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8_lossy(response.body()).into_owned()
}

const WHEEL: &str = "simple/tinydep/1.0.0/tinydep-1.0.0-py3-none-any.whl";
const TRUST: &str = r#"{"AWS":"111122223333"}"#;
const LOGIN: &str =
    r#"{"Effect":"Allow","Action":["codeartifact:GetAuthorizationToken","sts:GetServiceBearerToken"],"Resource":"*"}"#;
const READ: &str = r#"{"Effect":"Allow","Action":"codeartifact:ReadFromRepository","Resource":"*"}"#;

#[tokio::test(start_paused = true)]
async fn a_domain_is_described_with_its_key_and_the_bucket_of_the_region() {
    let depot = Depot::new().await;
    let domain = depot.client.describe_domain().domain("acme").send().await.unwrap().domain.unwrap();
    assert_eq!(domain.arn.unwrap(), format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/acme"));
    assert_eq!(domain.repository_count, 2);
    assert_eq!(domain.s3_bucket_arn.unwrap(), "arn:aws:s3:::assets-438097961670-eu-west-1");
    assert!(domain.encryption_key.unwrap().starts_with(&format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/")));
    let (code, _) = refusal(depot.client.create_domain().domain("acme").send().await);
    assert_eq!(code, "ConflictException");
    let empty_key = depot.client.create_domain().domain("other").encryption_key("").send().await;
    assert_eq!(refusal(empty_key).0, "ValidationException");
    let bad_key = depot.client.create_domain().domain("other").encryption_key("arn:aws:kms:us-east-1:1:key/a");
    let error = bad_key.send().await.unwrap_err().into_service_error();
    let aws_sdk_codeartifact::operation::create_domain::CreateDomainError::ValidationException(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.reason, Some(ValidationExceptionReason::EncryptionKeyError));
}

#[tokio::test(start_paused = true)]
async fn a_domain_goes_only_when_it_is_empty_and_then_as_often_as_one_likes() {
    let depot = Depot::new().await;
    let delete = || depot.client.delete_domain().domain("acme").send();
    assert_eq!(refusal(delete().await).0, "ConflictException");
    for repository in ["team", "store"] {
        depot.client.delete_repository().domain("acme").repository(repository).send().await.unwrap();
    }
    delete().await.unwrap();
    delete().await.unwrap();
    assert_eq!(refusal(depot.client.describe_domain().domain("acme").send().await).0, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_domain_whose_key_is_lost_goes_with_all_it_holds() {
    let depot = Depot::new().await;
    depot.bench.simulator.with_world(|world| {
        world.account(ACCOUNT).region(REGION).codeartifact.domain_mut("acme").unwrap().key_usable = false;
    });
    let list = depot.client.list_repositories_in_domain().domain("acme").send().await;
    assert_eq!(refusal(list).0, "ValidationException");
    let delete = depot.client.delete_repository().domain("acme").repository("team").send().await;
    assert_eq!(refusal(delete).0, "ValidationException");
    depot.client.delete_domain().domain("acme").send().await.unwrap();
    assert_eq!(refusal(depot.client.describe_domain().domain("acme").send().await).0, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn quotas_have_a_status_of_their_own() {
    let depot = Depot::empty();
    for number in 0..10 {
        depot.client.create_domain().domain(format!("domain-{number}")).send().await.unwrap();
    }
    let error = depot.client.create_domain().domain("one-too-many").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 402);
    assert!(error.into_service_error().is_service_quota_exceeded_exception());
    let first = depot.client.list_domains().max_results(7).send().await.unwrap();
    let rest = depot.client.list_domains().max_results(7).next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((first.domains().len(), rest.domains().len(), rest.next_token()), (7, 3, None));
}

#[tokio::test(start_paused = true)]
async fn names_are_names_and_not_arns() {
    let depot = Depot::new().await;
    let arn = format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/acme/team");
    let (code, message) = refusal(depot.client.describe_repository().domain("acme").repository(arn).send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("at 'repository' failed to satisfy constraint"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_repository_has_upstreams_or_one_external_connection() {
    let depot = Depot::new().await;
    let connect = |name: &str, to: &str| {
        depot.client.associate_external_connection().domain("acme").repository(name).external_connection(to).send()
    };
    assert_eq!(refusal(connect("team", "public:pypi").await).0, "ConflictException");
    assert_eq!(refusal(connect("store", "public:npmjs").await).0, "ConflictException");
    assert_eq!(depot.upstream("store", &["team"]).await.unwrap_err().0, "ConflictException");
    let described = depot.client.describe_repository().domain("acme").repository("store").send().await.unwrap();
    let connections = described.repository.unwrap().external_connections.unwrap();
    assert_eq!(connections[0].external_connection_name.as_deref(), Some("public:pypi"));
    assert_eq!(connections[0].status.as_ref().map(ExternalConnectionStatus::as_str), Some("Available"));
}

#[tokio::test(start_paused = true)]
async fn upstreams_are_few_known_ordered_and_without_circles() {
    let depot = Depot::new().await;
    depot.repository("leaf", &["team"]).await;
    assert_eq!(depot.upstream("team", &["leaf"]).await.unwrap_err().0, "ValidationException");
    assert_eq!(depot.upstream("team", &["team"]).await.unwrap_err().0, "ValidationException");
    assert_eq!(depot.upstream("team", &["nowhere"]).await.unwrap_err().0, "ResourceNotFoundException");
    let many: Vec<String> = (0..11).map(|number| format!("up-{number}")).collect();
    for name in &many {
        depot.repository(name, &[]).await;
    }
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(depot.upstream("team", &many).await.unwrap_err().0, "ServiceQuotaExceededException");
    depot.upstream("team", &["up-2", "up-1"]).await.unwrap();
    let described = depot.client.describe_repository().domain("acme").repository("team");
    let upstreams = described.send().await.unwrap().repository.unwrap().upstreams.unwrap();
    let names: Vec<_> = upstreams.iter().map(|upstream| upstream.repository_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["up-2", "up-1"]);
    let describe = depot.client.update_repository().domain("acme").repository("team").description("x");
    assert_eq!(describe.send().await.unwrap().repository.unwrap().upstreams.unwrap().len(), 2);
    depot.upstream("team", &[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_was_created_again_is_another_one_until_the_list_is_set_again() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    depot.client.delete_repository().domain("acme").repository("store").send().await.unwrap();
    depot.repository("store", &[]).await;
    depot.connect("store").await;
    let broken = depot.get(&token, "team/simple/tinydep/").await;
    assert_eq!(broken.status(), StatusCode::NOT_FOUND);
    assert!(text(&broken).contains("no longer exists"), "{}", text(&broken));
    let described = depot.client.describe_repository().domain("acme").repository("team").send().await.unwrap();
    assert_eq!(described.repository.unwrap().upstreams.unwrap()[0].repository_name.as_deref(), Some("store"));
    depot.upstream("team", &["store"]).await.unwrap();
    assert_eq!(depot.get(&token, "team/simple/tinydep/").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_download_is_kept_where_it_was_asked_for_and_where_it_came_in() {
    let depot = Depot::new().await;
    depot.repository("leaf", &["team"]).await;
    let token = depot.token(&depot.client).await;
    let index = depot.get(&token, "leaf/simple/TinyDep/").await;
    assert!(text(&index).contains("href=\"1.0.0/tinydep-1.0.0-py3-none-any.whl#sha256="), "{}", text(&index));
    assert!(depot.packages("leaf").await.is_empty());
    let wheel = depot.get(&token, &format!("leaf/{WHEEL}")).await;
    assert_eq!(wheel.status(), StatusCode::OK);
    assert_eq!(depot.packages("leaf").await, ["tinydep"]);
    assert!(depot.packages("team").await.is_empty());
    assert_eq!(depot.packages("store").await, ["tinydep"]);

    depot.upstream("leaf", &[]).await.unwrap();
    assert_eq!(depot.get(&token, &format!("leaf/{WHEEL}")).await.status(), StatusCode::OK);
    assert_eq!(depot.get(&token, "leaf/simple/six/").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn an_archived_version_is_neither_listed_nor_delivered() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    depot.get(&token, &format!("team/{WHEEL}")).await;
    let set = |status: PackageVersionStatus| {
        let update = depot.client.update_package_versions_status().domain("acme").repository("team");
        update.format(PackageFormat::Pypi).package("tinydep").versions("1.0.0").target_status(status).send()
    };
    set(PackageVersionStatus::Unlisted).await.unwrap();
    assert!(!text(&depot.get(&token, "team/simple/tinydep/").await).contains("tinydep-1.0.0"));
    assert_eq!(depot.get(&token, &format!("team/{WHEEL}")).await.status(), StatusCode::OK);
    set(PackageVersionStatus::Archived).await.unwrap();
    assert_eq!(depot.get(&token, &format!("team/{WHEEL}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(refusal(set(PackageVersionStatus::Disposed).await).0, "ValidationException");
    let versions = depot.client.list_package_versions().domain("acme").repository("team");
    let versions = versions.format(PackageFormat::Pypi).package("tinydep").send().await.unwrap();
    assert_eq!(versions.versions()[0].status, PackageVersionStatus::Archived);
}

#[tokio::test(start_paused = true)]
async fn copying_is_all_or_nothing_and_repeatable() {
    let depot = Depot::new().await;
    depot.repository("safe", &[]).await;
    let copy = |versions: &[&str], upstream: bool| {
        let request = depot.client.copy_package_versions().domain("acme").include_from_upstream(upstream);
        let request = request.source_repository("team").destination_repository("safe");
        let versions = versions.iter().map(|version| (*version).to_owned()).collect();
        request.format(PackageFormat::Pypi).package("tinydep").set_versions(Some(versions)).send()
    };
    assert_eq!(refusal(copy(&["1.0.0"], false).await).0, "ResourceNotFoundException");
    let failed = copy(&["1.0.0", "9.9.9"], true).await.unwrap().failed_versions.unwrap();
    assert_eq!(failed["9.9.9"].error_code, Some(PackageVersionErrorCode::NotFound));
    assert_eq!(failed["1.0.0"].error_code, Some(PackageVersionErrorCode::Skipped));
    assert!(depot.packages("safe").await.is_empty());
    let done = copy(&["1.0.0"], true).await.unwrap().successful_versions.unwrap();
    assert_eq!(done["1.0.0"].status, Some(PackageVersionStatus::Published));
    assert!(copy(&["1.0.0"], true).await.unwrap().successful_versions.unwrap().is_empty());
    let token = depot.token(&depot.client).await;
    assert_eq!(depot.get(&token, &format!("safe/{WHEEL}")).await.status(), StatusCode::OK);
    assert_eq!(depot.get(&token, "safe/simple/six/").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_block_on_a_package_ends_the_search_for_it() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    let restrictions =
        PackageOriginRestrictions::builder().publish(AllowPublish::Allow).upstream(AllowUpstream::Block).build();
    let put = depot.client.put_package_origin_configuration().domain("acme").repository("team");
    put.format(PackageFormat::Pypi).package("tinydep").restrictions(restrictions.unwrap()).send().await.unwrap();
    assert_eq!(depot.get(&token, "team/simple/tinydep/").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_policy_has_a_revision_and_shows_the_id_of_a_role_that_is_gone() {
    let depot = Depot::new().await;
    let role = depot.bench.role("reader", TRUST, "").await;
    depot.bench.pass(Duration::from_secs(30)).await;
    let policy = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"codeartifact:ReadFromRepository","Resource":"*"}}]}}"#
        )
    };
    let put = || depot.client.put_repository_permissions_policy().domain("acme").repository("team");
    let get = || depot.client.get_repository_permissions_policy().domain("acme").repository("team").send();
    assert_eq!(refusal(get().await).0, "ResourceNotFoundException");
    let unknown = policy("arn:aws:iam::111122223333:role/nobody");
    assert_eq!(refusal(put().policy_document(unknown).send().await).0, "ValidationException");
    assert_eq!(refusal(put().policy_document("{").send().await).0, "ValidationException");
    let long = policy(&role).replace("2012-10-17\"", &format!("2012-10-17\"{}", " ".repeat(7168)));
    assert_eq!(refusal(put().policy_document(long).send().await).0, "ValidationException");
    let first = put().policy_document(policy(&role)).send().await.unwrap().policy.unwrap();
    let stale = put().policy_document(policy(ACCOUNT)).policy_revision("stale").send().await;
    assert_eq!(refusal(stale).0, "ConflictException");
    assert!(get().await.unwrap().policy.unwrap().document.unwrap().contains(&role));

    let iam = aws_sdk_iam::Client::new(&depot.bench.config(ACCOUNT, REGION));
    iam.delete_role().role_name("reader").send().await.unwrap();
    let shown = get().await.unwrap().policy.unwrap().document.unwrap();
    assert!(shown.contains("AROA") && !shown.contains(&role), "{shown}");
    let delete = depot.client.delete_repository_permissions_policy().domain("acme").repository("team");
    delete.policy_revision(first.revision.unwrap()).send().await.unwrap();
    assert_eq!(refusal(get().await).0, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_denial_in_a_policy_binds_administrators_too() {
    let depot = Depot::new().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"codeartifact:DeleteRepository","Resource":"*"}]}"#;
    let put = depot.client.put_domain_permissions_policy().domain("acme").policy_document(policy);
    put.send().await.unwrap();
    let delete = depot.client.delete_repository().domain("acme").repository("team").send().await;
    assert_eq!(refusal(delete).0, "AccessDeniedException");
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_token_it_is_401_and_without_permission_403() {
    let depot = Depot::new().await;
    assert_eq!(depot.get("nonsense", "team/simple/six/").await.status(), StatusCode::UNAUTHORIZED);
    let role = depot.bench.role("login-only", TRUST, LOGIN).await;
    let client = depot.as_role(&role).await;
    let token = depot.token(&client).await;
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::FORBIDDEN);

    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"codeartifact:ReadFromRepository","Resource":"*"}}]}}"#
    );
    let put = depot.client.put_repository_permissions_policy().domain("acme").repository("team");
    put.policy_document(policy).send().await.unwrap();
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::OK);
    assert_eq!(depot.get(&token, "store/simple/six/").await.status(), StatusCode::FORBIDDEN);

    depot.bench.pass(Duration::from_hours(12)).await;
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn a_token_outlives_the_session_but_not_the_permissions_of_its_role() {
    let depot = Depot::new().await;
    let role = depot.bench.role("reader", TRUST, &format!("{LOGIN},{READ}")).await;
    let client = depot.as_role(&role).await;
    let token = depot.token(&client).await;
    let tied = client.get_authorization_token().domain("acme").duration_seconds(0).send().await.unwrap();
    depot.bench.pass(Duration::from_secs(3700)).await;
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::OK);
    let tied = tied.authorization_token.unwrap();
    assert_eq!(depot.get(&tied, "team/simple/six/").await.status(), StatusCode::UNAUTHORIZED);
    let iam = aws_sdk_iam::Client::new(&depot.bench.config(ACCOUNT, REGION));
    iam.delete_role_policy().role_name("reader").policy_name("p").send().await.unwrap();
    assert_eq!(depot.get(&token, "team/simple/six/").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_role_without_the_bearer_permission_gets_no_token() {
    let depot = Depot::new().await;
    let only = r#"{"Effect":"Allow","Action":"codeartifact:GetAuthorizationToken","Resource":"*"}"#;
    let role = depot.bench.role("half", TRUST, only).await;
    let client = depot.as_role(&role).await;
    let (code, message) = refusal(client.get_authorization_token().domain("acme").send().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("sts:GetServiceBearerToken"), "{message}");
    let short = depot.client.get_authorization_token().domain("acme").duration_seconds(600).send().await;
    assert_eq!(refusal(short).0, "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn a_repository_policy_alone_is_enough_within_the_account() {
    let depot = Depot::new().await;
    let role = depot.bench.role("lister", TRUST, "").await;
    let client = depot.as_role(&role).await;
    let list = || client.list_packages().domain("acme").repository("team").send();
    assert_eq!(refusal(list().await).0, "AccessDeniedException");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"codeartifact:ListPackages","Resource":"*"}}]}}"#
    );
    let put = depot.client.put_repository_permissions_policy().domain("acme").repository("team");
    put.policy_document(policy).send().await.unwrap();
    list().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_account_needs_the_domains_permission_and_learns_nothing_without_it() {
    let depot = Depot::new().await;
    let partner = Client::new(&depot.bench.config(PARTNER, REGION));
    for domain in ["acme", "not-there"] {
        let describe = partner.describe_domain().domain(domain).domain_owner(ACCOUNT).send().await;
        assert_eq!(refusal(describe).0, "AccessDeniedException");
    }
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{PARTNER}"}},"Action":["codeartifact:DescribeDomain","codeartifact:CreateRepository"],"Resource":"*"}}]}}"#
    );
    depot.client.put_domain_permissions_policy().domain("acme").policy_document(policy).send().await.unwrap();
    partner.describe_domain().domain("acme").domain_owner(ACCOUNT).send().await.unwrap();
    let created = partner.create_repository().domain("acme").domain_owner(ACCOUNT).repository("theirs");
    let created = created.send().await.unwrap().repository.unwrap();
    assert_eq!(created.administrator_account.as_deref(), Some(PARTNER));
    assert_eq!(created.domain_owner.as_deref(), Some(ACCOUNT));
    let delete = partner.delete_domain().domain("acme").domain_owner(ACCOUNT).send().await;
    assert_eq!(refusal(delete).0, "AccessDeniedException");
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_that_of_the_format_and_of_aws_unless_the_simulator_has_an_address() {
    let depot = Depot::new().await;
    let endpoint =
        || depot.client.get_repository_endpoint().domain("acme").repository("team").format(PackageFormat::Pypi);
    let url = endpoint().send().await.unwrap().repository_endpoint.unwrap();
    assert_eq!(url, format!("https://acme-{ACCOUNT}.d.codeartifact.{REGION}.amazonaws.com/pypi/team/"));
    let dual = endpoint().endpoint_type(aws_sdk_codeartifact::types::EndpointType::Dualstack).send().await.unwrap();
    assert!(dual.repository_endpoint.unwrap().contains(".on.aws/"));
    depot.bench.simulator.with_world(|world| world.settings.public_url = Some("http://127.0.0.1:4599".into()));
    let url = endpoint().send().await.unwrap().repository_endpoint.unwrap();
    assert_eq!(url, format!("http://127.0.0.1:4599/_pypi/acme-{ACCOUNT}/pypi/team/"));
}

#[tokio::test(start_paused = true)]
async fn a_region_without_the_service_does_not_answer_as_the_service() {
    let depot = Depot::empty();
    let seoul = Client::new(&depot.bench.config(ACCOUNT, "ap-northeast-2"));
    assert_eq!(refusal(seoul.list_domains().send().await).0, "UnknownEndpoint");
}

#[tokio::test(start_paused = true)]
async fn tags_belong_to_an_arn_and_are_fifty_at_most() {
    let depot = Depot::new().await;
    let arn = format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/acme/team");
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let all = (0..50).map(|number| tag(&format!("k{number}"))).collect();
    depot.client.tag_resource().resource_arn(&arn).set_tags(Some(all)).send().await.unwrap();
    let more = depot.client.tag_resource().resource_arn(&arn).tags(tag("more")).send().await;
    assert_eq!(refusal(more).0, "ServiceQuotaExceededException");
    depot.client.untag_resource().resource_arn(&arn).tag_keys("k0").send().await.unwrap();
    let listed = depot.client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags().len(), 49);
    let domain = format!("arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/nowhere");
    let missing = depot.client.list_tags_for_resource().resource_arn(domain).send().await;
    assert_eq!(refusal(missing).0, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_generic_version_is_published_once_and_read_back() {
    let depot = Depot::new().await;
    let publish = |content: &'static [u8]| {
        let asset = super::Asset::new("a", Bytes::from_static(content), Duration::ZERO);
        let request = depot.client.publish_package_version().domain("acme").repository("team");
        let request = request.format(PackageFormat::Generic).namespace("n").package("tool").package_version("1.0");
        request
            .asset_name("tool.bin")
            .asset_sha256(asset.sha256)
            .asset_content(Bytes::from_static(content).into())
            .send()
    };
    publish(b"one").await.unwrap();
    assert_eq!(refusal(publish(b"two").await).0, "ConflictException");
    let get = depot.client.get_package_version_asset().domain("acme").repository("team").asset("tool.bin");
    let get = get.format(PackageFormat::Generic).namespace("n").package("tool").package_version("1.0");
    let asset = get.send().await.unwrap().asset.collect().await.unwrap().into_bytes();
    assert_eq!(asset, Bytes::from_static(b"one"));
}

#[tokio::test(start_paused = true)]
async fn the_index_is_reached_by_the_names_of_aws_and_of_an_endpoint_too() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    let get = async |host: &str, path: String| {
        let request = Request::get(path).header("host", host).header("authorization", format!("Bearer {token}"));
        depot.bench.simulator.handle(request.body(Bytes::new()).unwrap()).await.status()
    };
    let aws = format!("acme-{ACCOUNT}.d.codeartifact.{REGION}.amazonaws.com");
    assert_eq!(get(&aws, "/pypi/team/simple/six/".into()).await, StatusCode::OK);
    let endpoint = format!("vpce-0a-1b.d.codeartifact.{REGION}.vpce.amazonaws.com");
    assert_eq!(get(&endpoint, format!("/pypi/d/acme-{ACCOUNT}/team/simple/six/")).await, StatusCode::OK);
    assert_eq!(get(&aws, "/pypi/team/simple/six".into()).await, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(get(&aws, "/pypi/team/simple/".into()).await, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn twine_may_publish_a_file_once_and_not_what_comes_from_outside() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    let post = async |name: &str, version: &str| {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n{version}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{name}-{version}.whl\"\r\n\r\n\
             wheel\r\n--x--\r\n"
        );
        let request = Request::post(format!("http://localhost/_pypi/acme-{ACCOUNT}/pypi/team/"));
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        depot.bench.simulator.handle(request.body(Bytes::from(body)).unwrap()).await.status()
    };
    assert_eq!(post("inhouse", "1.0").await, StatusCode::OK);
    assert_eq!(post("inhouse", "1.0").await, StatusCode::CONFLICT);
    let wheel = depot.get(&token, "team/simple/inhouse/1.0/inhouse-1.0.whl").await;
    assert_eq!(text(&wheel), "wheel");
    assert_eq!(post("six", "1.16.0").await, StatusCode::CONFLICT, "it exists upstream");
    depot.get(&token, &format!("team/{WHEEL}")).await;
    assert_eq!(post("tinydep", "99.0").await, StatusCode::CONFLICT, "publishing is blocked");
}

#[tokio::test(start_paused = true)]
async fn the_first_version_decides_what_may_come_later() {
    let depot = Depot::new().await;
    let token = depot.token(&depot.client).await;
    depot.get(&token, &format!("team/{WHEEL}")).await;
    let listed = depot.client.list_packages().domain("acme").repository("team").send().await.unwrap();
    let configuration = listed.packages()[0].origin_configuration.clone().unwrap().restrictions.unwrap();
    assert_eq!((configuration.publish, configuration.upstream), (AllowPublish::Block, AllowUpstream::Allow));
}
