//! What sessions of roles may do in the services, with the real SDK clients.

use aws_sdk_codeartifact::types::UpstreamRepository;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use aws_types::SdkConfig;

use super::super::super::testing::{ACCOUNT, Bench, REGION, refusal};
use super::super::super::world::{Delays, Settings};

const TRUST: &str = r#"{"AWS":"111122223333"}"#;

fn bench() -> Bench {
    Bench::new(Settings::with_delays(Delays::none()))
}

/// A session of a new role that may do what the statements say.
async fn session(bench: &Bench, statements: &str) -> SdkConfig {
    let arn = bench.role("worker", TRUST, statements).await;
    bench.with_credentials(bench.assume(&arn).await, REGION)
}

async fn domain(bench: &Bench) -> aws_sdk_codeartifact::Client {
    let client = aws_sdk_codeartifact::Client::new(&bench.config(ACCOUNT, REGION));
    client.create_domain().domain("acme").send().await.unwrap();
    client.create_repository().domain("acme").repository("pypi").send().await.unwrap();
    client
}

#[tokio::test(start_paused = true)]
async fn a_repository_policy_that_names_the_role_is_enough_but_not_to_replace_itself() {
    let bench = bench();
    let owner = domain(&bench).await;
    let worker = aws_sdk_codeartifact::Client::new(&session(&bench, "").await);
    let describe = || worker.describe_repository().domain("acme").repository("pypi").send();
    assert_eq!(refusal(describe().await).0, "AccessDeniedException");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:role/worker"}},"Action":"codeartifact:*","Resource":"*"}}]}}"#
    );
    let put = |client: &aws_sdk_codeartifact::Client| {
        client.put_repository_permissions_policy().domain("acme").repository("pypi").policy_document(&policy).send()
    };
    put(&owner).await.unwrap();
    describe().await.unwrap();
    assert_eq!(refusal(put(&worker).await).0, "AccessDeniedException");
}

#[tokio::test(start_paused = true)]
async fn a_token_also_needs_the_bearer_permission_of_sts() {
    let bench = bench();
    domain(&bench).await;
    let token = r#"{"Effect":"Allow","Action":"codeartifact:GetAuthorizationToken","Resource":"arn:aws:codeartifact:*:*:domain/acme"}"#;
    let worker = aws_sdk_codeartifact::Client::new(&session(&bench, token).await);
    let get = || worker.get_authorization_token().domain("acme").send();
    let (code, message) = refusal(get().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("is not authorized to perform: sts:GetServiceBearerToken"), "{message}");
    let bearer = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:GetServiceBearerToken","Resource":"*","Condition":{"StringEquals":{"sts:AWSServiceName":"codeartifact.amazonaws.com"}}}}"#;
    let iam = aws_sdk_iam::Client::new(&bench.config(ACCOUNT, REGION));
    iam.put_role_policy().role_name("worker").policy_name("bearer").policy_document(bearer).send().await.unwrap();
    get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upstream_needs_permission_on_the_upstream() {
    let bench = bench();
    domain(&bench).await;
    let create = r#"{"Effect":"Allow","Action":"codeartifact:CreateRepository","Resource":"*"}"#;
    let worker = aws_sdk_codeartifact::Client::new(&session(&bench, create).await);
    worker.create_repository().domain("acme").repository("alone").send().await.unwrap();
    let upstream = UpstreamRepository::builder().repository_name("pypi").build().unwrap();
    let request = worker.create_repository().domain("acme").repository("below").upstreams(upstream);
    let (_, message) = refusal(request.send().await);
    assert!(
        message.contains(
            "codeartifact:AssociateWithDownstreamRepository on resource: \
             arn:aws:codeartifact:eu-west-1:111122223333:repository/acme/pypi"
        ),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_notebook_needs_permission_to_pass_its_role() {
    let bench = bench();
    let statements = r#"{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"},
        {"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}"#;
    let worker = aws_sdk_sagemaker::Client::new(&session(&bench, statements).await);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/worker");
    let request = worker.create_notebook_instance().notebook_instance_name("n").role_arn(&role);
    let (code, message) = refusal(request.instance_type("ml.t3.medium".into()).send().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains(&format!("iam:PassRole on resource: {role}")), "{message}");
}

#[tokio::test(start_paused = true)]
async fn starting_and_deleting_a_notebook_in_a_network_needs_permission_there() {
    let bench = bench();
    let config = bench.config(ACCOUNT, REGION);
    let (ec2, admin) = (aws_sdk_ec2::Client::new(&config), aws_sdk_sagemaker::Client::new(&config));
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.1.0/24").send().await.unwrap().subnet.unwrap();
    let group = ec2.create_security_group().vpc_id(&vpc).group_name("n").description("n").send().await.unwrap();
    let role = bench.role("notebook", r#"{"Service":"sagemaker.amazonaws.com"}"#, "").await;
    let create = admin.create_notebook_instance().notebook_instance_name("n").role_arn(&role);
    let create = create.instance_type("ml.t3.medium".into()).subnet_id(subnet.subnet_id.unwrap());
    create.security_group_ids(group.group_id.unwrap()).send().await.unwrap();
    admin.describe_notebook_instance().notebook_instance_name("n").send().await.unwrap();
    admin.stop_notebook_instance().notebook_instance_name("n").send().await.unwrap();
    let everything_but_networks = r#"{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}"#;
    let worker = aws_sdk_sagemaker::Client::new(&session(&bench, everything_but_networks).await);
    let (_, start) = refusal(worker.start_notebook_instance().notebook_instance_name("n").send().await);
    assert!(start.contains("ec2:CreateNetworkInterface"), "{start}");
    let (_, delete) = refusal(worker.delete_notebook_instance().notebook_instance_name("n").send().await);
    assert!(delete.contains("ec2:DeleteNetworkInterface"), "{delete}");
}

#[tokio::test(start_paused = true)]
async fn tags_of_request_and_resource_decide_where_a_policy_says_so() {
    let bench = bench();
    let statements = r#"
        {"Effect":"Allow","Action":["ec2:CreateVpc","ec2:CreateTags"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/owner":"me"}}},
        {"Effect":"Allow","Action":"ec2:DeleteVpc","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"me"}}}"#;
    let worker = aws_sdk_ec2::Client::new(&session(&bench, statements).await);
    let create = |owner: &str| {
        let tag = Tag::builder().key("owner").value(owner).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Vpc).tags(tag).build();
        worker.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tags).send()
    };
    assert_eq!(refusal(create("you").await).0, "UnauthorizedOperation");
    let mine = create("me").await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let admin = aws_sdk_ec2::Client::new(&bench.config(ACCOUNT, REGION));
    let foreign = admin.create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    assert_eq!(refusal(worker.delete_vpc().vpc_id(foreign).send().await).0, "UnauthorizedOperation");
    worker.delete_vpc().vpc_id(mine).send().await.unwrap();
}
