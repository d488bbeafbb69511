//! What the schema cannot see: things that are there, not there, not ours or not allowed. Each ends in a condition that says what to do, nothing
//! of somebody else is written to, and once the cause is gone the environment gets ready by itself.
#![expect(clippy::type_complexity, reason = "a table of edits is read in place")]

use std::time::Duration;

use cloister::{
    kubernetes::{admit::admit, api::IsolatedNotebookEnvironment},
    model::{
        port::{Cloud, Freshness, Problem},
        report::{Next, report_blocked},
    },
    sandbox::{Settings, world::Delays},
};

use crate::{
    existing::{BOUNDARY, Existing},
    hands::{EVERYTHING, Hands, TRUST, stalled},
    world::{ACCOUNT, Tenant, Visit, World, assert_ready},
};

mod references;

const DOMAIN: &str = "test-artifact-domain";
const NOTEBOOK: &str = "Test-Notebook-Instance";

/// A world with the boundary of the examples, and somebody else's hands.
async fn with_hands() -> (World, Hands) {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let hands = Hands::on(&world);
    (world, hands)
}

fn closed_network(change: impl FnOnce(&mut IsolatedNotebookEnvironment)) -> Tenant {
    Tenant::of("closed-network.yaml", change)
}

/// Visits for twenty minutes, so that everything that can be done is done.
async fn get_stuck(world: &World, tenant: &mut Tenant) -> Visit {
    for _ in 0..120 {
        world.visit(tenant).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    world.check(tenant).await
}

/// The operations of a service that wrote something in whose parameters this text is.
fn writes_about(world: &World, service: &str, text: &str) -> Vec<String> {
    let about = world.calls().into_iter().filter(|entry| {
        entry.write && entry.to_json()["service"] == service && entry.params.to_string().contains(text)
    });
    about.map(|entry| entry.operation).collect()
}

#[track_caller]
fn assert_stalled(visit: &Visit, reason: &str, words: &[&str]) {
    let stalled = stalled(&visit.report);
    assert!(stalled.starts_with(&format!("{reason} ")), "expected {reason}: {stalled}");
    for word in words {
        assert!(stalled.contains(word), "expected {word}: {stalled}");
    }
}

fn adopt(tenant: &mut Tenant, address: &str) {
    tenant.edit(|object| {
        object.metadata.annotations = Some([("cloister.dev/adopt".to_owned(), address.to_owned())].into());
    });
}

/// Ready, and nothing is written any more.
async fn gets_ready(world: &World, tenant: &mut Tenant) {
    // What is stalled is tried again by itself.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let visit = world.settle(tenant).await;
    assert_ready(&visit.report);
    world.check(tenant).await;
    world.simulator.clear_log();
    assert_ready(&world.check(tenant).await.report);
    assert_eq!(world.writes(), Vec::<String>::new(), "what is as asked is left alone");
}

// --- the name is taken --------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_domain_of_somebody_is_left_alone_until_it_may_be_adopted() {
    let (world, hands) = with_hands().await;
    hands.codeartifact.create_domain().domain(DOMAIN).send().await.expect("a domain");
    world.simulator.clear_log();
    let mut tenant = closed_network(|_| {});
    let visit = get_stuck(&world, &mut tenant).await;
    let adoption = format!("Domain/{DOMAIN}");
    assert_stalled(&visit, "AlreadyExists", &[DOMAIN, &format!("cloister.dev/adopt={adoption}")]);
    assert_eq!(writes_about(&world, "codeartifact", DOMAIN), Vec::<String>::new());
    adopt(&mut tenant, &adoption);
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_role_of_somebody_is_left_alone_until_it_may_be_adopted() {
    let (world, hands) = with_hands().await;
    let other = TRUST.replace("sagemaker", "ec2");
    hands.iam.create_role().role_name("notebooks").assume_role_policy_document(other).send().await.expect("a role");
    world.simulator.clear_log();
    let mut tenant = closed_network(|object| object.spec.execution_role.name = Some("notebooks".into()));
    let visit = get_stuck(&world, &mut tenant).await;
    let words = stalled(&visit.report);
    let adoption = words.split("cloister.dev/adopt=").nth(1).and_then(|rest| rest.split('\'').next()).expect(&words);
    assert_stalled(&visit, "AlreadyExists", &["notebooks"]);
    let touched: Vec<String> = world.writes().into_iter().filter(|operation| operation.contains("Role")).collect();
    assert_eq!(touched, Vec::<String>::new());
    adopt(&mut tenant, adoption);
    gets_ready(&world, &mut tenant).await;
    let role = hands.iam.get_role().role_name("notebooks").send().await.expect("a role").role.expect("a role");
    assert!(role.assume_role_policy_document().is_some_and(|trust| trust.contains("sagemaker")), "made as asked");
    assert!(role.permissions_boundary().is_some(), "and limited");
}

#[tokio::test(start_paused = true)]
async fn a_notebook_of_somebody_is_left_alone_and_once_it_is_gone_ours_is_made() {
    let (world, hands) = with_hands().await;
    hands.iam.create_role().role_name("theirs").assume_role_policy_document(TRUST).send().await.expect("a role");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let create = hands.sagemaker.create_notebook_instance().notebook_instance_name(NOTEBOOK);
    let create = create.instance_type("ml.t3.medium".into()).role_arn(format!("arn:aws:iam::{ACCOUNT}:role/theirs"));
    create.send().await.expect("a notebook");
    tokio::time::sleep(Duration::from_mins(10)).await;
    world.simulator.clear_log();

    let mut tenant = closed_network(|_| {});
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "AlreadyExists", &[NOTEBOOK, "cannot be adopted: directInternetAccess is Enabled"]);
    let touched: Vec<String> = writes_about(&world, "sagemaker", NOTEBOOK);
    assert!(
        touched.iter().all(|operation| operation == "CreateNotebookInstanceLifecycleConfig"),
        "only the configuration of the same name is ours: {touched:?}"
    );
    assert_eq!(hands.notebook_status(NOTEBOOK).await.as_deref(), Some("InService"));

    hands.sagemaker.stop_notebook_instance().notebook_instance_name(NOTEBOOK).send().await.expect("stopped");
    tokio::time::sleep(Duration::from_mins(5)).await;
    hands.sagemaker.delete_notebook_instance().notebook_instance_name(NOTEBOOK).send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(5)).await;
    tenant.edit(|_| {});
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn what_another_environment_has_is_taken_and_free_again_when_it_is_deleted() {
    let (world, _) = with_hands().await;
    let mut first = closed_network(|_| {});
    gets_ready(&world, &mut first).await;
    let mut second = closed_network(|object| {
        object.metadata.name = Some("second".into());
        object.metadata.uid = Some("uid-of-second".into());
        object.spec.notebooks[0].name = "another".into();
    });
    world.simulator.clear_log();
    let visit = get_stuck(&world, &mut second).await;
    assert_stalled(&visit, "NameTaken", &[DOMAIN, "environment data-science/closed-network"]);
    assert_eq!(writes_about(&world, "codeartifact", DOMAIN), Vec::<String>::new());
    adopt(&mut second, &format!("Domain/{DOMAIN}"));
    let visit = get_stuck(&world, &mut second).await;
    assert_stalled(&visit, "NameTaken", &[DOMAIN]);
    assert_eq!(
        writes_about(&world, "codeartifact", DOMAIN),
        Vec::<String>::new(),
        "what is another's cannot be adopted"
    );

    assert_eq!(world.delete(&mut first).await.next, Next::Gone);
    second.edit(|object| object.metadata.annotations = None);
    gets_ready(&world, &mut second).await;
}

// --- what the manifest says exists does not -----------------------------------------------------------------------------------

async fn isolated() -> (World, Existing, Tenant) {
    let world = World::new(Delays::real());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    (world, existing, tenant)
}

#[tokio::test(start_paused = true)]
async fn a_missing_vpc_is_named_and_nothing_is_made_in_the_account_that_needs_it() {
    let (world, _, mut tenant) = isolated().await;
    tenant.edit(|object| object.spec.network.vpc.id = Some("vpc-0aaaaaaaaaaaaaaaa".into()));
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "ExistingNotFound", &["vpc-0aaaaaaaaaaaaaaaa", ACCOUNT, "us-east-1"]);
    let made: Vec<String> = world.writes().into_iter().filter(|operation| operation.contains("Vpc")).collect();
    assert_eq!(made, Vec::<String>::new());
    assert_eq!(world.delete(&mut tenant).await.next, Next::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_missing_subnet_is_named_and_the_right_one_repairs_it() {
    let (world, existing, mut tenant) = isolated().await;
    tenant.edit(|object| object.spec.network.subnets[0].id = Some("subnet-0aaaaaaaaaaaaaaaa".into()));
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "ExistingNotFound", &["subnet-0aaaaaaaaaaaaaaaa"]);
    tenant.edit(|object| object.spec.network.subnets[0].id = Some(existing.subnet));
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_group_is_named_and_the_right_one_repairs_it() {
    let (world, existing, mut tenant) = isolated().await;
    let group = |id: &str| Some(cloister::kubernetes::api::environment::ExistingSecurityGroup { id: id.to_owned() });
    tenant.edit(|object| object.spec.network.security_groups.notebooks = group("sg-0aaaaaaaaaaaaaaaa"));
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "ExistingNotFound", &["sg-0aaaaaaaaaaaaaaaa"]);
    tenant.edit(|object| object.spec.network.security_groups.notebooks = group(&existing.group));
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_is_named_and_once_it_is_there_it_gets_its_policy() {
    let (world, _, mut tenant) = isolated().await;
    tenant.edit(|object| {
        object.spec.execution_role.arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/later"));
        // The notebook that is there has its own role, which would have to be told as well.
        object.spec.notebooks.clear();
    });
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "ExistingNotFound", &["later"]);
    let hands = Hands::on(&world);
    hands.iam.create_role().role_name("later").assume_role_policy_document(TRUST).send().await.expect("a role");
    tenant.edit(|_| {});
    gets_ready(&world, &mut tenant).await;
    let attached = hands.iam.list_attached_role_policies().role_name("later").send().await.expect("a list");
    assert_eq!(attached.attached_policies().len(), 1);
}

// --- credentials and rights ---------------------------------------------------------------------------------------------------

const ROLE: &str = "cloister";

fn as_role(tenant: &mut Tenant) {
    tenant.identity.spec.role_arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"));
}

/// The role of the controller, with every right.
async fn make_role(hands: &Hands) {
    let trust = TRUST.replace(r#""Service":"sagemaker.amazonaws.com""#, &format!(r#""AWS":"{ACCOUNT}""#));
    hands.iam.create_role().role_name(ROLE).assume_role_policy_document(trust).send().await.expect("a role");
    let put = hands.iam.put_role_policy().role_name(ROLE).policy_name("all").policy_document(EVERYTHING);
    put.send().await.expect("put");
    tokio::time::sleep(Duration::from_mins(1)).await;
}

/// Why AWS cannot even be looked at.
async fn refusal(world: &World, tenant: &Tenant) -> Problem {
    let scope = tenant.scope_without_manifest(Freshness::Now);
    world.engine.observe(&scope).await.expect_err("a refusal")
}

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed_is_named_and_used_once_it_can() {
    let (world, hands) = with_hands().await;
    let mut tenant = closed_network(|_| {});
    as_role(&mut tenant);
    let problem = refusal(&world, &tenant).await;
    let stalled = stalled(&report_blocked(&problem));
    assert!(stalled.contains(&format!("role/{ROLE}")), "{stalled}");
    assert_eq!(world.writes(), Vec::<String>::new(), "and no other credentials are used instead");
    make_role(&hands).await;
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_lead_to_another_account_write_nothing() {
    let (world, _) = with_hands().await;
    let mut tenant = closed_network(|_| {});
    tenant.identity.spec.account = "444455556666".into();
    let problem = refusal(&world, &tenant).await;
    let words = stalled(&report_blocked(&problem));
    assert!(words.starts_with("AccountChanged "), "{words}");
    assert!(words.contains("444455556666") && words.contains(ACCOUNT), "{words}");
    assert_eq!(world.writes(), Vec::<String>::new());
    tenant.identity.spec.account = ACCOUNT.into();
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_is_named_and_made_once_it_is_allowed() {
    let (world, hands) = with_hands().await;
    make_role(&hands).await;
    let deny = EVERYTHING.replace("Allow", "Deny").replace(r#""Action":"*""#, r#""Action":"ec2:CreateVpcEndpoint""#);
    let put = hands.iam.put_role_policy().role_name(ROLE).policy_name("no-endpoints").policy_document(deny);
    put.send().await.expect("put");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.simulator.clear_log();
    let mut tenant = closed_network(|_| {});
    as_role(&mut tenant);
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "AccessDenied", &["ec2:CreateVpcEndpoint"]);
    assert!(
        world.writes().contains(&"CreateRepository".to_owned()),
        "what does not need it is made: {:?}",
        world.writes()
    );
    let delete = hands.iam.delete_role_policy().role_name(ROLE).policy_name("no-endpoints");
    delete.send().await.expect("deleted");
    world.simulator.clear_log();
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn without_any_credentials_nothing_is_done_and_once_there_are_some_it_goes_on() {
    let (mut world, _) = with_hands().await;
    let mut tenant = closed_network(|_| {});
    world.without_credentials();
    let problem = refusal(&world, &tenant).await;
    let words = stalled(&report_blocked(&problem));
    assert!(words.starts_with("AccessDenied "), "{words}");
    for word in ["the controller's own credentials", "no usable credentials"] {
        assert!(words.contains(word), "{word} is not in: {words}");
    }
    assert_eq!(world.writes(), Vec::<String>::new());
    world.restart();
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_is_neither_made_again_nor_deleted() {
    let (world, hands) = with_hands().await;
    make_role(&hands).await;
    let mut tenant = closed_network(|_| {});
    as_role(&mut tenant);
    gets_ready(&world, &mut tenant).await;
    let look = r#""Action":["ec2:DescribeSubnets","ec2:DescribeVpcEndpoints","iam:GetAccountAuthorizationDetails"]"#;
    let deny = EVERYTHING.replace("Allow", "Deny").replace(r#""Action":"*""#, look);
    let put = hands.iam.put_role_policy().role_name(ROLE).policy_name("blind").policy_document(deny);
    put.send().await.expect("put");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.simulator.clear_log();
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "AccessDenied", &["ec2:DescribeSubnets", "Subnet/a"]);
    assert!(!stalled(&visit.report).contains("Encoded"), "{}", stalled(&visit.report));
    assert_eq!(world.writes(), Vec::<String>::new());
    let asked = world.calls().into_iter().filter(|call| call.operation != "AssumeRole");
    assert!(asked.into_iter().all(|call| call.caller_arn.contains(ROLE)), "no other credentials are used");
    hands.iam.delete_role_policy().role_name(ROLE).policy_name("blind").send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.simulator.clear_log();
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(world.writes(), Vec::<String>::new(), "everything was there all the time");
}

// --- limits and the manifest itself -------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_named_and_a_raised_one_is_used() {
    let mut settings = Settings::with_delays(Delays::real());
    settings.quotas.vpcs_per_region = 0;
    let world = World::with(settings);
    world.with_boundary().await;
    let mut tenant = closed_network(|_| {});
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "QuotaExceeded", &["ec2:CreateVpc"]);
    world.simulator.with_world(|world| world.settings.quotas.vpcs_per_region = 5);
    gets_ready(&world, &mut tenant).await;
}

#[test]
fn a_circle_of_upstreams_is_refused_with_the_circle() {
    let tenant = closed_network(|object| {
        let repositories = &mut object.spec.packages.repositories;
        repositories[0].external_connection = None;
        repositories[0].upstreams = vec!["test-artifact-repository".into()];
    });
    let problem = admit(&tenant.object, tenant.owner(), &tenant.identity).expect_err("a circle");
    let words = stalled(&report_blocked(&problem));
    assert!(words.starts_with("InvalidSpec "), "{words}");
    assert!(words.contains("pypi-store -> test-artifact-repository -> pypi-store"), "{words}");
}

#[test]
fn a_script_that_is_too_long_together_with_ours_is_refused_with_its_length_and_the_limit() {
    for (hook, field) in [("onStart", true), ("onCreate", false)] {
        let tenant = closed_network(|object| {
            let long = Some("# a line of some length\n".repeat(330));
            let lifecycle = object.spec.notebooks[0].lifecycle.get_or_insert_default();
            *if field { &mut lifecycle.on_start } else { &mut lifecycle.on_create } = long;
        });
        let problem = admit(&tenant.object, tenant.owner(), &tenant.identity).expect_err("too long");
        let words = stalled(&report_blocked(&problem));
        let field = format!("`spec.notebooks[{NOTEBOOK}].lifecycle.{hook}` makes a script of ");
        assert!(words.starts_with("InvalidSpec ") && words.contains(&field) && words.contains("16384"), "{words}");
    }
}

#[test]
fn a_statement_with_the_name_of_one_of_ours_is_refused_also_when_an_older_schema_took_it() {
    let tenant = closed_network(|object| {
        let statement = serde_json::json!({
            "sid": "Logs", "effect": "Allow", "actions": ["logs:PutLogEvents"], "resources": ["*"]
        });
        object.spec.execution_role.statements = vec![serde_json::from_value(statement).expect("a statement")];
    });
    let problem = admit(&tenant.object, tenant.owner(), &tenant.identity).expect_err("a name of ours");
    assert!(problem.message.contains("`spec.executionRole.statements`") && problem.message.contains("Logs"));
}

#[test]
fn what_the_identity_does_not_allow_is_refused_with_what_it_allows() {
    let cases: [(fn(&mut IsolatedNotebookEnvironment), &str, &str); 3] = [
        (|object| object.spec.region = "eu-west-1".into(), "InvalidSpec", "ap-northeast-1"),
        (
            |object| object.spec.notebooks[0].instance_type = Some("ml.p3.16xlarge".into()),
            "NotAllowedByIdentity",
            "ml.t3.xlarge",
        ),
        (
            |object| {
                object.spec.execution_role.permissions_boundary = Some(format!("arn:aws:iam::{ACCOUNT}:policy/none"));
            },
            "NotAllowedByIdentity",
            BOUNDARY,
        ),
    ];
    for (change, reason, allowed) in cases {
        let tenant = closed_network(change);
        let problem = admit(&tenant.object, tenant.owner(), &tenant.identity).expect_err(reason);
        let words = stalled(&report_blocked(&problem));
        assert!(words.starts_with(&format!("{reason} ")) && words.contains(allowed), "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_everybody_in_a_vpc_are_not_changed_before_somebody_says_so() {
    let (world, _, mut tenant) = isolated().await;
    tenant.edit(|object| object.spec.network.acknowledge_vpc_wide = false);
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "AcknowledgementRequired", &["network.acknowledgeVPCWide: true"]);
    assert!(!world.writes().contains(&"CreateVpcEndpoint".to_owned()), "{:?}", world.writes());
    tenant.edit(|object| object.spec.network.acknowledge_vpc_wide = true);
    gets_ready(&world, &mut tenant).await;
}
