//! An environment that is only looked at: nothing can be written for it, whatever a plan asks for, and its credentials need no right to.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cloister::{
    kubernetes::api::environment::Management,
    model::{
        plan::{Hold, Plan, plan},
        port::{Cloud, Outcome},
        report::conditions,
    },
    sandbox::world::Delays,
};

use crate::{
    hands::{EVERYTHING, Hands, drift, made, stalled},
    world::{ACCOUNT, Tenant, World, assert_ready},
};

/// The statement `Look` of docs/how-to/run-on-aws.md.
fn may_look() -> String {
    let page = std::fs::read_to_string(crate::cluster::checkout().join("docs/how-to/run-on-aws.md")).expect("the page");
    let statement = page.split(r#""Sid": "Look","#).nth(1).and_then(|rest| rest.split("},").next()).expect("Look");
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Look",{statement}}}]}}"#)
}

/// A role that may look and do nothing else.
async fn as_onlooker(world: &World, tenant: &mut Tenant) {
    let iam = Hands::on(world).iam;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    iam.create_role().role_name("onlooker").assume_role_policy_document(trust).send().await.expect("a role");
    let put = iam.put_role_policy().role_name("onlooker").policy_name("look").policy_document(may_look());
    put.send().await.expect("put");
    tokio::time::sleep(Duration::from_mins(1)).await;
    tenant.identity.spec.role_arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/onlooker"));
}

#[tokio::test(start_paused = true)]
async fn from_nothing_the_whole_plan_is_shown_and_nothing_is_made() {
    let world = World::new(Delays::real());
    world.with_boundary().await;
    let mut tenant = Tenant::of("closed-network.yaml", |object| object.spec.management = Management::Observe);
    as_onlooker(&world, &mut tenant).await;
    world.simulator.clear_log();
    for _ in 0..3 {
        world.check(&mut tenant).await;
    }
    let visit = world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let refused = |code: &String| code.contains("Denied") || code.contains("Unauthorized");
    assert!(!world.calls().iter().filter_map(|call| call.code.as_ref()).any(refused), "the right to look is enough");
    assert_eq!(visit.report.next_steps.len(), visit.report.total, "{:#?}", visit.report.next_steps);
    assert!(visit.report.next_steps.contains(&format!("create VPC/main ({})", Hold::Observe.way_out())));
    assert!(stalled(&visit.report).starts_with("ObserveOnly "), "{}", stalled(&visit.report));
    assert_eq!(visit.report.drift, vec![], "what was never there is not missed");

    // The same manifest, carried out.
    tenant.identity.spec.role_arn = None;
    tenant.edit(|object| object.spec.management = Management::Enforce);
    assert_ready(&world.settle(&mut tenant).await.report);
}

#[tokio::test(start_paused = true)]
async fn drift_is_shown_and_left_until_it_may_be_corrected() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tenant.edit(|object| object.spec.management = Management::Observe);
    as_onlooker(&world, &mut tenant).await;
    let arn = tenant.environment().role_arn();
    let role = arn.rsplit('/').next().expect("a name");
    hands.iam.delete_role_permissions_boundary().role_name(role).send().await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.simulator.clear_log();
    for _ in 0..3 {
        let visit = world.check(&mut tenant).await;
        assert!(drift(&visit, "permissionsBoundary").is_some());
        assert_eq!(visit.report.fact(conditions::IN_SYNC).map(|fact| fact.truth.as_str()), Some("False"));
        assert_eq!(visit.report.next_steps.len(), 1, "{:?}", visit.report.next_steps);
    }
    // An edit is not carried out either, so that it counts as a difference like any other.
    tenant.edit(|object| object.spec.network.client_cidrs = vec!["172.16.0.0/16".into()]);
    let visit = world.visit(&mut tenant).await;
    let resources: BTreeSet<String> = visit.report.drift.iter().map(|drift| drift.address.to_string()).collect();
    assert!(
        resources.contains("SecurityGroupRules/endpoints") && resources.contains("Role/execution"),
        "{resources:?}"
    );
    assert_eq!(world.writes(), Vec::<String>::new());

    tenant.identity.spec.role_arn = None;
    tenant.edit(|object| object.spec.management = Management::Enforce);
    assert_ready(&world.settle(&mut tenant).await.report);
    let writes: BTreeSet<String> = world.writes().into_iter().collect();
    assert_eq!(writes, ["AuthorizeSecurityGroupIngress", "PutRolePermissionsBoundary"].map(ToOwned::to_owned).into());
}

#[tokio::test(start_paused = true)]
async fn paused_shows_what_would_be_done_and_does_nothing() {
    let world = World::new(Delays::real());
    let (mut tenant, hands) = made(&world).await;
    tenant.edit(|object| object.spec.paused = true);
    let visit = world.visit(&mut tenant).await;
    assert_ready(&visit.report);
    let reconciling = visit.report.fact(conditions::RECONCILING).expect("told");
    assert_eq!((reconciling.truth.as_str(), reconciling.reason.as_str()), ("False", "Paused"));

    let role = tenant.environment().role_arn();
    let role = role.rsplit('/').next().expect("a name").to_owned();
    let put = hands.iam.put_role_policy().role_name(&role).policy_name("open").policy_document(EVERYTHING);
    put.send().await.expect("put");
    world.simulator.clear_log();
    let visit = world.check(&mut tenant).await;
    assert!(drift(&visit, "inlinePolicies[open]").is_some(), "a hole is seen while paused");
    assert!(stalled(&visit.report).starts_with("Paused "), "{}", stalled(&visit.report));
    assert!(visit.report.next_steps[0].contains(Hold::Paused.way_out()), "{:?}", visit.report.next_steps);
    assert_eq!(world.writes(), Vec::<String>::new());

    tenant.edit(|object| object.spec.paused = false);
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(world.writes(), ["DeleteRolePolicy"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_asks_for_writes_gets_none_where_nothing_may_be_written() {
    for paused in [false, true] {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        let mut tenant = Tenant::of("closed-network.yaml", |_| {});
        let enforced = Arc::new(tenant.environment());
        let scope = tenant.scope(Arc::clone(&enforced));
        let observation = world.engine.observe(&scope).await.expect("AWS can be looked at");
        let steps: Plan = plan(&enforced, &observation, &scope.remembered);
        assert!(!steps.steps.is_empty());
        tenant.edit(|object| {
            object.spec.paused = paused;
            object.spec.management = if paused { Management::Enforce } else { Management::Observe };
        });
        let scope = tenant.scope(Arc::new(tenant.environment()));
        world.simulator.clear_log();
        let outcomes = world.engine.apply(&scope, &observation, &steps, &tenant).await;
        assert_eq!(world.calls().len(), 0, "not even a look");
        let reason = if paused { "Paused" } else { "ObserveOnly" };
        assert_eq!(outcomes.len(), steps.steps.len());
        for outcome in outcomes.values() {
            assert!(matches!(outcome, Outcome::Failed(problem) if problem.reason == reason), "{outcome:?}");
        }
    }
}
