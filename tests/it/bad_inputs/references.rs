//! What the manifest refers to, and is not there or is not what it is taken for: named, with what to do about it, and in the way of nothing else.

use aws_sdk_ec2::types::{Filter, SecurityGroupRule};
use cloister::kubernetes::api::environment::{Endpoint, EndpointService, Subnet};

use super::*;

const REASON: &str = "ReferencedNotFound";

// --- policies -----------------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_missing_boundary_is_named_and_once_it_is_there_the_role_is_made() {
    let world = World::new(Delays::real());
    let mut tenant = closed_network(|_| {});
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, REASON, &[BOUNDARY, "Create the policy", "spec.permissionsBoundary"]);
    world.with_boundary().await;
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_policy_is_named_and_keeps_no_other_from_coming_and_going() {
    let (world, hands) = with_hands().await;
    let there = hands.policy("There", EVERYTHING).await;
    let missing = there.replace("There", "Missing");
    let mut tenant = closed_network(|object| {
        object.spec.execution_role.managed_policy_arns = vec![missing.clone(), there.clone()];
    });
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, REASON, &[&missing, "spec.executionRole.managedPolicyArns"]);
    let role = tenant.environment().role_arn();
    let role = role.rsplit('/').next().expect("a name");
    let open = "arn:aws:iam::aws:policy/AdministratorAccess";
    hands.iam.attach_role_policy().role_name(role).policy_arn(open).send().await.expect("attached");
    get_stuck(&world, &mut tenant).await;
    let attached = hands.iam.list_attached_role_policies().role_name(role).send().await.expect("a list");
    let attached = attached.attached_policies.unwrap_or_default();
    let arns: Vec<_> = attached.iter().filter_map(|policy| policy.policy_arn()).collect();
    assert_eq!(arns, [there], "what can be attached is, and what nobody asked for is not");
    hands.policy("Missing", EVERYTHING).await;
    gets_ready(&world, &mut tenant).await;
}

// --- security groups ----------------------------------------------------------------------------------------------------------

/// The rules of the endpoints' group.
async fn rules_of_endpoints(ec2: &aws_sdk_ec2::Client, tenant: &Tenant) -> Vec<SecurityGroupRule> {
    let group = &tenant.remembered[&"SecurityGroup/endpoints".parse().expect("an address")];
    let of_group = Filter::builder().name("group-id").values(group).build();
    let rules = ec2.describe_security_group_rules().filters(of_group).send().await.expect("rules");
    rules.security_group_rules.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_missing_client_group_is_named_and_the_notebooks_get_in_all_the_same() {
    let (world, existing, mut tenant) = isolated().await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("us-east-1").await);
    let missing = "sg-0aaaaaaaaaaaaaaaa";
    tenant.edit(|object| object.spec.network.client_security_groups = vec![missing.into()]);
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, REASON, &[missing, "spec.network.clientSecurityGroups"]);
    let rules = rules_of_endpoints(&ec2, &tenant).await;
    let group_of = |rule: &SecurityGroupRule| rule.referenced_group_info.clone().and_then(|peer| peer.group_id);
    assert!(rules.iter().any(|rule| group_of(rule).as_ref() == Some(&existing.group)), "{rules:?}");
    assert!(
        rules.iter().all(|rule| rule.is_egress == Some(false)),
        "what AWS opens in a new group is closed: {rules:?}"
    );

    let create = ec2.create_security_group().group_name("clients").description("clients").vpc_id(&existing.vpc);
    let clients = create.send().await.expect("a group").group_id.expect("its id");
    tenant.edit(|object| object.spec.network.client_security_groups = vec![clients.clone()]);
    gets_ready(&world, &mut tenant).await;
    let rules = rules_of_endpoints(&ec2, &tenant).await;
    assert!(rules.iter().any(|rule| group_of(rule).as_ref() == Some(&clients)), "{rules:?}");
}

// --- subnets of an endpoint ---------------------------------------------------------------------------------------------------

fn placed(service: EndpointService, subnets: &[&str]) -> Vec<Endpoint> {
    let subnets = subnets.iter().map(|name| (*name).to_owned()).collect();
    vec![Endpoint { service, id: None, external: None, policy: None, subnets, private_dns: None }]
}

#[tokio::test(start_paused = true)]
async fn two_subnets_of_an_endpoint_that_come_into_one_zone_are_refused_and_the_rest_is_made() {
    let (world, _) = with_hands().await;
    let mut tenant = closed_network(|object| {
        let [a] = &mut object.spec.network.subnets[..] else { panic!("one subnet") };
        a.availability_zone = None;
        let b = Subnet { name: "b".into(), cidr_block: Some("10.0.2.0/24".into()), ..a.clone() };
        object.spec.network.subnets.push(b);
        object.spec.notebooks[0].subnet = Some("a".into());
        object.spec.network.endpoints = placed(EndpointService::Sts, &["a", "b"]);
    });
    let visit = get_stuck(&world, &mut tenant).await;
    assert_stalled(&visit, "InvalidSpec", &["spec.network.endpoints[STS].subnets", "a and b", "ap-northeast-1"]);
    let made = |visit: &Visit| visit.observation.outputs.contains(&"VPCEndpoint/STS".parse().expect("an address"));
    assert!(!made(&visit), "nothing that was not asked for");
    tenant.edit(|object| object.spec.network.endpoints = placed(EndpointService::Sts, &["b"]));
    gets_ready(&world, &mut tenant).await;
}

#[tokio::test(start_paused = true)]
async fn an_existing_subnet_in_the_zone_of_another_is_refused_and_the_endpoint_stays_as_it_is() {
    let (world, existing, mut tenant) = isolated().await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("us-east-1").await);
    let create = ec2.create_subnet().vpc_id(&existing.vpc).cidr_block("10.60.2.0/24").availability_zone("us-east-1a");
    let second = create.send().await.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id);
    tenant.edit(|object| {
        let network = &mut object.spec.network;
        network.subnets.push(Subnet { name: "second".into(), id: second, ..Subnet::default() });
        network.endpoints = placed(EndpointService::CodeArtifactApi, &["private"]);
    });
    gets_ready(&world, &mut tenant).await;
    tenant.edit(|object| {
        object.spec.network.endpoints = placed(EndpointService::CodeArtifactApi, &["private", "second"]);
    });
    let visit = get_stuck(&world, &mut tenant).await;
    let words = ["spec.network.endpoints[CodeArtifactAPI].subnets", "private and second", "us-east-1a"];
    assert_stalled(&visit, "InvalidSpec", &words);
    assert_eq!(world.writes(), Vec::<String>::new());
    tenant.edit(|object| {
        object.spec.network.endpoints = placed(EndpointService::CodeArtifactApi, &["second"]);
    });
    gets_ready(&world, &mut tenant).await;
}

// --- parts that are declared as existing --------------------------------------------------------------------------------------

/// Something that the manifest says exists and does not, what the message names, and what the correction that it asks for is.
struct Missing {
    declare: fn(&mut IsolatedNotebookEnvironment),
    named: [&'static str; 2],
    correct: fn(&mut IsolatedNotebookEnvironment),
}

const MISSING: [Missing; 4] = [
    Missing {
        declare: |object| object.spec.packages.domain.existing = true,
        named: ["isolatedsm", "`spec.packages.domain`"],
        correct: |object| object.spec.packages.domain.existing = false,
    },
    Missing {
        declare: |object| {
            object.spec.packages.repositories[0].existing = Some(true);
            object.spec.packages.repositories[0].external_connection = None;
        },
        named: ["pypi-store", "`spec.packages.repositories[pypi-store]`"],
        correct: |object| object.spec.packages.repositories[0].existing = None,
    },
    Missing {
        declare: |object| {
            let mut endpoints = placed(EndpointService::CodeArtifactApi, &[]);
            endpoints[0].id = Some("vpce-0aaaaaaaaaaaaaaaa".into());
            object.spec.network.endpoints = endpoints;
        },
        named: ["vpce-0aaaaaaaaaaaaaaaa", "`spec.network.endpoints[CodeArtifactAPI].id`"],
        correct: |object| object.spec.network.endpoints.clear(),
    },
    Missing {
        declare: |object| object.spec.notebooks[0].name = "elsewhere".into(),
        named: ["elsewhere", "`spec.notebooks[elsewhere]`"],
        correct: |object| object.spec.notebooks[0].name = "isolated-notebook".into(),
    },
];

#[tokio::test(start_paused = true)]
async fn what_is_declared_as_existing_and_is_not_there_is_named_with_the_field_to_correct() {
    for Missing { declare, named, correct } in MISSING {
        let (world, _, mut tenant) = isolated().await;
        tenant.edit(declare);
        let visit = get_stuck(&world, &mut tenant).await;
        assert_stalled(&visit, "ExistingNotFound", &named);
        tenant.edit(correct);
        gets_ready(&world, &mut tenant).await;
    }
}
