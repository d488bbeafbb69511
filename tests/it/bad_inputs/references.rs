//! What the manifest refers to, and is not there or is not what it is taken for: named, with what to do about it, and in the way of nothing else.

use aws_sdk_ec2::types::{Filter, SecurityGroupRule};

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
