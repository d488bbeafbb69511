//! Domain and repositories against a simulated `CodeArtifact` that others work on, too.

use cloister::{
    kubernetes::api::environment::{DomainPermissions, ResourceStatement},
    sandbox::world::Delays,
};

use crate::{
    hands::{Hands, drift, made, made_with, paths, stalled},
    world::{ACCOUNT, World, assert_ready},
};

const DOMAIN: &str = "test-artifact-domain";
const STORE: &str = "pypi-store";
const REPOSITORY: &str = "test-artifact-repository";

/// The store that the repository really reaches: a name may stand for a repository that is gone.
fn is_linked(world: &World) -> bool {
    world.simulator.with_world(|world| {
        let domain =
            world.account(ACCOUNT).region("ap-northeast-1").codeartifact.domain_mut(DOMAIN).expect("the domain");
        domain.repositories[REPOSITORY].upstreams.iter().any(|upstream| upstream.id == domain.repositories[STORE].id)
    })
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_deleted_is_made_again_and_linked_again() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    assert!(is_linked(&world));
    hands.codeartifact.delete_repository().domain(DOMAIN).repository(STORE).send().await.expect("deleted");
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert!(is_linked(&world), "the repository reaches the new store: {:?}", world.writes());
}

#[tokio::test(start_paused = true)]
async fn what_was_added_to_a_repository_goes_and_an_added_deny_stays_and_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":"codeartifact:*","Resource":"*"},
        {"Sid":"Keep","Effect":"Deny","Principal":"*","Action":"codeartifact:DeleteRepository","Resource":"*"}]}"#;
    let put = hands.codeartifact.put_repository_permissions_policy().domain(DOMAIN).repository(STORE);
    put.policy_document(policy).send().await.expect("put");
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    assert!(
        drift(&visit, "policy").is_some() || paths(&visit).iter().any(|path| path.contains("Everybody")),
        "{:?}",
        paths(&visit)
    );
    assert_eq!(world.writes(), ["PutRepositoryPermissionsPolicy"]);
    let get = hands.codeartifact.get_repository_permissions_policy().domain(DOMAIN).repository(STORE);
    let left = get.send().await.expect("a policy").policy.and_then(|policy| policy.document).expect("a document");
    assert!(left.contains("Keep") && !left.contains("Everybody"), "{left}");

    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(visit.plan.drift.iter().any(|drift| drift.observed.as_ref().is_some_and(|seen| seen.contains("Keep"))));
    assert_eq!(world.writes(), Vec::<String>::new(), "what is reported is not written again and again");
}

#[tokio::test(start_paused = true)]
async fn an_added_external_connection_goes_and_the_upstreams_come_back() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let clear = hands.codeartifact.update_repository().domain(DOMAIN).repository(REPOSITORY);
    clear.set_upstreams(Some(Vec::new())).send().await.expect("updated");
    let associate = hands.codeartifact.associate_external_connection().domain(DOMAIN).repository(REPOSITORY);
    associate.external_connection("public:pypi").send().await.expect("associated");
    world.simulator.clear_log();

    let visit = world.check(&mut tenant).await;
    assert!(paths(&visit).iter().any(|path| path == "externalConnections[public:pypi]"), "{:?}", paths(&visit));
    let writes = world.writes();
    assert_eq!(writes[..2], ["DisassociateExternalConnection", "UpdateRepository"], "the only order AWS takes");
    assert!(is_linked(&world));
}

#[tokio::test(start_paused = true)]
async fn a_domain_with_a_foreign_repository_is_not_deleted_and_the_repository_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    hands.codeartifact.create_repository().domain(DOMAIN).repository("of-others").send().await.expect("created");
    let report = world.delete(&mut tenant).await;
    assert!(stalled(&report).contains("of-others"), "{}", stalled(&report));
    assert!(stalled(&report).starts_with("InUse"), "{}", stalled(&report));
    assert!(!world.writes().contains(&"DeleteDomain".to_owned()));
    let list = hands.codeartifact.list_repositories_in_domain().domain(DOMAIN).send().await.expect("a list");
    assert_eq!(list.repositories().iter().filter_map(|one| one.name()).collect::<Vec<_>>(), ["of-others"]);
}

#[tokio::test(start_paused = true)]
async fn a_repository_with_a_foreign_downstream_is_not_deleted_and_the_downstream_is_named() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    let upstream =
        aws_sdk_codeartifact::types::UpstreamRepository::builder().repository_name(STORE).build().expect("a name");
    let create = hands.codeartifact.create_repository().domain(DOMAIN).repository("of-others").upstreams(upstream);
    create.send().await.expect("created");
    let report = world.delete(&mut tenant).await;
    assert!(stalled(&report).contains("of-others"), "{}", stalled(&report));
    hands
        .codeartifact
        .describe_repository()
        .domain(DOMAIN)
        .repository(STORE)
        .send()
        .await
        .expect("the store is still there");
}

#[tokio::test(start_paused = true)]
async fn a_thing_made_anew_by_somebody_under_our_name_is_not_taken_for_ours() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    hands.codeartifact.delete_repository().domain(DOMAIN).repository(REPOSITORY).send().await.expect("deleted");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    hands.codeartifact.create_repository().domain(DOMAIN).repository(REPOSITORY).send().await.expect("created");
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(!world.writes().iter().any(|operation| operation.contains("Repository")), "{:?}", world.writes());
    assert!(stalled(&visit.report).contains(REPOSITORY), "{}", stalled(&visit.report));
}

#[tokio::test(start_paused = true)]
async fn the_policy_names_the_role_again_after_the_role_was_made_again() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| {
        object.spec.packages.repositories[1].permissions =
            Some(cloister::kubernetes::api::environment::RepositoryPermissions::default());
        object.spec.notebooks.clear();
    })
    .await;
    let environment = tenant.environment();
    let role = environment.role_arn();
    let name = role.rsplit('/').next().expect("a name");
    let document = async || {
        let get = hands.codeartifact.get_repository_permissions_policy().domain(DOMAIN).repository(REPOSITORY);
        get.send().await.expect("a policy").policy.and_then(|policy| policy.document).expect("a document")
    };
    assert!(document().await.contains(&role), "{}", document().await);
    hands.iam.delete_role_policy().role_name(name).policy_name("cloister").send().await.expect("deleted");
    hands.iam.delete_role().role_name(name).send().await.expect("deleted");
    assert!(document().await.contains("AROA"));
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    world.settle(&mut tenant).await;
    let visit = world.check(&mut tenant).await;
    assert_ready(&visit.report);
    assert!(document().await.contains(&role) && !document().await.contains("AROA"), "{}", document().await);
}

/// The policy of the domain, as somebody else sees it.
async fn domain_policy(hands: &Hands) -> Option<String> {
    let get = hands.codeartifact.get_domain_permissions_policy().domain(DOMAIN).send().await.ok()?;
    get.policy.and_then(|policy| policy.document)
}

#[tokio::test(start_paused = true)]
async fn the_domain_has_the_policy_of_the_manifest_gets_it_back_and_loses_it_again() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made_with(&world, |object| {
        let statement = ResourceStatement {
            sid: Some("Describe".into()),
            actions: vec!["codeartifact:DescribePackageGroup".into()],
            ..ResourceStatement::default()
        };
        let permissions = DomainPermissions { users: vec!["444455556666".into()], statements: vec![statement] };
        object.spec.packages.domain.permissions = Some(permissions);
    })
    .await;
    let role = tenant.environment().role_arn();
    let made = domain_policy(&hands).await.expect("a policy");
    assert!(made.contains("arn:aws:iam::444455556666:root") || made.contains("444455556666"), "{made}");
    assert_eq!(
        made.matches(&role).count(),
        2,
        "the role is among the users, and a statement without principals is for it: {made}"
    );
    let visit = world.check(&mut tenant).await;
    assert_eq!((paths(&visit), world.writes()), (Vec::new(), Vec::new()), "an account's number is its root");

    let open = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"codeartifact:*","Resource":"*"}]}"#;
    let put = hands.codeartifact.put_domain_permissions_policy().domain(DOMAIN).policy_document(open);
    put.send().await.expect("put");
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(paths(&visit).contains(&"policy.Statement[Open]".to_owned()), "{:?}", paths(&visit));
    assert_eq!(world.writes(), ["PutDomainPermissionsPolicy"]);

    world.simulator.clear_log();
    tenant.edit(|object| object.spec.packages.domain.permissions = None);
    let visit = world.settle(&mut tenant).await;
    assert_ready(&visit.report);
    assert_eq!((domain_policy(&hands).await, world.writes()), (None, vec!["DeleteDomainPermissionsPolicy".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_check_reads_each_list_once_and_two_things_of_each_repository() {
    let world = World::new(Delays::real());
    let (mut tenant, _) = made(&world).await;
    world.check(&mut tenant).await;
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    let calls = world.calls().into_iter().filter(|entry| entry.service.signing_name() != "ec2");
    let mut calls: Vec<String> = calls.map(|entry| entry.operation).collect();
    calls.sort();
    let expected = [
        "DescribeRepository",
        "DescribeRepository",
        "GetAccountAuthorizationDetails",
        "GetDomainPermissionsPolicy",
        "GetRepositoryPermissionsPolicy",
        "GetRepositoryPermissionsPolicy",
        "ListDomains",
        "ListNotebookInstanceLifecycleConfigs",
        "ListNotebookInstances",
        "ListRepositories",
    ];
    assert_eq!(calls, expected);
}
