//! An edit of each field of the manifest that can be changed is carried out by the fewest calls, and by none once it is.
//!
//! Every row lists every write, in alphabetical order: what is not listed may not be called.
#![expect(clippy::large_futures, reason = "a test has room for its whole scenario on the stack")]

use cloister::{
    kubernetes::api::{
        IsolatedNotebookEnvironment,
        environment::{
            Access, DeletionPolicy, Disruption, Effect, Endpoint, EndpointIngress, EndpointPolicy,
            EndpointPolicyPreset, EndpointService, ExternalConnection, Lifecycle, Management, Notebook, NotebookState,
            Permission, Repository, RepositoryPermissions, RootAccess, S3Access, Statement,
        },
    },
    sandbox::world::Delays,
};

use crate::{
    hands::Hands,
    world::{Tenant, Visit, World, assert_ready, second_subnet, truth},
};

mod values;

type Change = fn(&mut IsolatedNotebookEnvironment);

/// One edit of the manifest.
struct Row {
    /// Which one.
    edit: &'static str,
    /// What differs from the example before the edit.
    before: Change,
    /// The edit.
    change: Change,
    /// The writes that carry it out, sorted.
    writes: &'static [&'static str],
    /// The end of it.
    end: End,
}

/// How an edit ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Carried out.
    Ready,
    /// A person is asked first.
    Held,
}

const fn row(edit: &'static str, before: Change, change: Change, writes: &'static [&'static str]) -> Row {
    Row { edit, before, change, writes, end: End::Ready }
}

const fn held(edit: &'static str, before: Change, change: Change) -> Row {
    Row { edit, before, change, writes: &[], end: End::Held }
}

/// Nothing differs from the example.
const fn as_in_the_example(_: &mut IsolatedNotebookEnvironment) {}

/// Carry out every row and name all that differ at once.
async fn are_carried_out(example: &str, rows: &[Row]) {
    let wrong = differences(example, rows).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Carry out the rows one after the other in one world.
async fn differences(example: &str, rows: &[Row]) -> Vec<String> {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, example).await;
    let pristine = tenant.object.clone();
    let mut wrong = Vec::new();
    for row in rows {
        tenant.edit(|object| {
            pristine.clone_into(object);
            (row.before)(object);
        });
        if let Err(why) = truth(&world.settle(&mut tenant).await.report, "Ready") {
            wrong.push(format!("before {}: {why}", row.edit));
        }
        world.check(&mut tenant).await;
        world.simulator.clear_log();
        tenant.edit(row.change);
        let visit = world.settle(&mut tenant).await;
        wrong.extend(judge(&world, &mut tenant, &visit, row).await);
    }
    wrong
}

/// The example's environment, ready.
async fn begin(world: &World, example: &str) -> Tenant {
    let mut tenant = if example == "isolated-sagemaker.yaml" {
        let existing = world.isolated_notebook("us-east-1", 0).await;
        existing.tenant(example, "isolated-sagemaker")
    } else {
        world.with_boundary().await;
        Tenant::of(example, |_| {})
    };
    assert_ready(&world.settle(&mut tenant).await.report);
    world.check(&mut tenant).await;
    world.simulator.clear_log();
    tenant
}

async fn judge(world: &World, tenant: &mut Tenant, visit: &Visit, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let edit = row.edit;
    let writes = sorted(world);
    if writes != row.writes {
        wrong.push(format!("{edit}: expected {:?}, was {writes:?}", row.writes));
    }
    let facts = |visit: &Visit| visit.report.fact("Ready").map(|fact| format!("{} {}", fact.reason, fact.message));
    match row.end {
        End::Ready => {
            if visit.report.fact("Ready").is_none_or(|fact| fact.truth.as_str() != "True") {
                wrong.push(format!("{edit}: {:?}", facts(visit)));
            }
        }
        End::Held => {
            if visit.report.approval.is_none() {
                wrong.push(format!("{edit}: no approval is asked for: {:?}", facts(visit)));
            }
        }
    }
    world.simulator.clear_log();
    let again = world.check(tenant).await;
    let writes = sorted(world);
    if !writes.is_empty() {
        wrong.push(format!("{edit}: the check after it wrote {writes:?}; {:?}", facts(&again)));
    }
    wrong
}

/// The writes, sorted. A deletion that AWS refuses as long as it has not released an interface is asked for again until it has; only the last
/// one counts.
fn sorted(world: &World) -> Vec<String> {
    let refused = |code: &Option<String>| code.as_deref() == Some("DependencyViolation");
    let calls = world.calls().into_iter().filter(|entry| entry.write && !refused(&entry.code));
    let mut writes: Vec<String> = calls.map(|entry| entry.operation).collect();
    writes.sort();
    writes
}

// --- network ------------------------------------------------------------------------------------------------------------------

fn endpoint(service: EndpointService) -> Endpoint {
    Endpoint { service, id: None, external: None, policy: None, subnets: Vec::new(), private_dns: None }
}

fn with_policy(preset: Option<EndpointPolicyPreset>, document: Option<&str>) -> Endpoint {
    let policy = EndpointPolicy { preset, document: document.map(ToOwned::to_owned) };
    Endpoint { policy: Some(policy), ..endpoint(EndpointService::Logs) }
}

const ONLY_LOGS: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"logs:PutLogEvents","Resource":"*"}]}"#;

fn full_access(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints = vec![with_policy(Some(EndpointPolicyPreset::Default), None)];
}

fn with_kms(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints = vec![endpoint(EndpointService::Kms)];
}

fn without_endpoints(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.endpoints.clear();
}

fn office(object: &mut IsolatedNotebookEnvironment) {
    object.spec.network.client_cidrs = vec!["192.168.0.0/16".into()];
}

fn no_private_sts(object: &mut IsolatedNotebookEnvironment) {
    let sts = Endpoint { private_dns: Some(false), ..endpoint(EndpointService::Sts) };
    object.spec.network.endpoints = vec![sts];
}

#[tokio::test(start_paused = true)]
async fn edits_of_the_network_take_the_fewest_calls() {
    let rows = [
        row("clientCIDRs added", as_in_the_example, office, &["AuthorizeSecurityGroupIngress"]),
        row(
            "clientCIDRs removed",
            office,
            |object| object.spec.network.client_cidrs.clear(),
            &["RevokeSecurityGroupIngress"],
        ),
        row(
            "clientCIDRs changed",
            office,
            |object| object.spec.network.client_cidrs = vec!["172.16.0.0/16".into()],
            &["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"],
        ),
        row(
            "endpointIngress",
            as_in_the_example,
            |object| object.spec.network.endpoint_ingress = EndpointIngress::AllTraffic,
            &["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"],
        ),
        row("endpoint added", as_in_the_example, with_kms, &["CreateVpcEndpoint"]),
        row("endpoint removed", with_kms, without_endpoints, &["DeleteVpcEndpoints"]),
        row(
            "endpoint is elsewhere",
            as_in_the_example,
            |object| {
                let elsewhere = Endpoint { external: Some(true), ..endpoint(EndpointService::Logs) };
                object.spec.network.endpoints = vec![elsewhere];
            },
            // The way to an endpoint in another VPC leads out of ours.
            &["AuthorizeSecurityGroupEgress", "DeleteVpcEndpoints"],
        ),
        row("endpoint policy opened", as_in_the_example, full_access, &["ModifyVpcEndpoint"]),
        row(
            "endpoint policy from a preset to a document",
            full_access,
            |object| object.spec.network.endpoints = vec![with_policy(None, Some(ONLY_LOGS))],
            &["ModifyVpcEndpoint"],
        ),
        row("endpoint policy by default again", full_access, without_endpoints, &["ModifyVpcEndpoint"]),
        row("privateDNS off", as_in_the_example, no_private_sts, &["ModifyVpcEndpoint"]),
        row("privateDNS on", no_private_sts, without_endpoints, &["ModifyVpcEndpoint"]),
        row(
            // A name that AWS holds back must not hold back the rest, so it goes by itself, once AWS is through with the rest.
            "endpoint in fewer subnets, with another policy and no private DNS: two calls",
            second_subnet,
            |object| {
                let narrow = Endpoint {
                    subnets: vec!["a".into()],
                    private_dns: Some(false),
                    ..with_policy(None, Some(ONLY_LOGS))
                };
                object.spec.network.endpoints = vec![narrow];
            },
            &["ModifyVpcEndpoint", "ModifyVpcEndpoint"],
        ),
        row(
            "subnet added",
            as_in_the_example,
            second_subnet,
            &[
                "AssociateRouteTable",
                "CreateSubnet",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
        row(
            "subnet removed",
            second_subnet,
            |object| object.spec.network.subnets.truncate(1),
            &[
                "DeleteSubnet",
                "DisassociateRouteTable",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn another_client_group_is_one_rule_more_and_one_less_again() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "isolated-sagemaker.yaml").await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("us-east-1").await);
    let vpc = tenant.object.spec.network.vpc.id.clone().expect("an existing VPC");
    let create = ec2.create_security_group().group_name("clients").description("clients").vpc_id(vpc);
    let group = create.send().await.expect("a group").group_id.expect("an id");

    for (groups, operation) in
        [(vec![group], "AuthorizeSecurityGroupIngress"), (Vec::new(), "RevokeSecurityGroupIngress")]
    {
        world.simulator.clear_log();
        tenant.edit(|object| object.spec.network.client_security_groups = groups);
        assert_ready(&world.settle(&mut tenant).await.report);
        assert_eq!(world.writes(), [operation]);
        world.check(&mut tenant).await;
        assert_eq!(world.writes(), [operation], "the check after it writes nothing");
    }
}

// --- tags and rules -----------------------------------------------------------------------------------------------------------

fn costs(object: &mut IsolatedNotebookEnvironment) {
    object.spec.tags.insert("cost-centre".into(), "4711".into());
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_one_call_for_each_resource() {
    let rows = [row(
        "tag added",
        as_in_the_example,
        costs,
        &[
            "AddTags",
            "AddTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "CreateTags",
            "TagResource",
            "TagResource",
            "TagResource",
            "TagRole",
        ],
    )];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn what_only_changes_how_we_behave_calls_nothing() {
    let rows = [
        row("driftCheckInterval", as_in_the_example, |object| object.spec.drift_check_interval = "10m".into(), &[]),
        row("deletionPolicy", as_in_the_example, |object| object.spec.deletion_policy = DeletionPolicy::Retain, &[]),
        row("deletionProtection", as_in_the_example, |object| object.spec.deletion_protection = true, &[]),
        row("paused", as_in_the_example, |object| object.spec.paused = true, &[]),
        row("management", as_in_the_example, |object| object.spec.management = Management::Observe, &[]),
        row("disruption", as_in_the_example, may_stop, &[]),
        row(
            "clientCIDRs in another order",
            |object| object.spec.network.client_cidrs = vec!["192.168.0.0/16".into(), "172.16.0.0/16".into()],
            |object| object.spec.network.client_cidrs.reverse(),
            &[],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

// --- packages -----------------------------------------------------------------------------------------------------------------

fn team(object: &mut IsolatedNotebookEnvironment) {
    object.spec.packages.repositories.push(Repository {
        name: "team".into(),
        upstreams: vec!["pypi-store".into()],
        ..Repository::default()
    });
}

fn mirror(object: &mut IsolatedNotebookEnvironment) {
    object.spec.packages.repositories.push(Repository {
        name: "npm-store".into(),
        external_connection: Some(ExternalConnection::Npmjs),
        ..Repository::default()
    });
}

fn from_the_mirror(object: &mut IsolatedNotebookEnvironment) {
    object.spec.packages.repositories[1].upstreams.push("npm-store".into());
}

fn mirrored(object: &mut IsolatedNotebookEnvironment) {
    mirror(object);
    from_the_mirror(object);
}

fn readable(object: &mut IsolatedNotebookEnvironment) {
    let readers = vec!["arn:aws:iam::111122223333:role/GeneralIsolatedNotebook".into()];
    let permissions = RepositoryPermissions { readers, ..RepositoryPermissions::default() };
    object.spec.packages.repositories[0].permissions = Some(permissions);
}

fn described(object: &mut IsolatedNotebookEnvironment) {
    object.spec.packages.repositories[1].description = Some("what everybody installs from".into());
}

/// The policies of both `CodeArtifact` endpoints name the repositories, and a tag notes to which births of its upstreams one is linked.
#[tokio::test(start_paused = true)]
async fn edits_of_the_packages_take_the_fewest_calls() {
    let rows = [
        row(
            "repository added",
            as_in_the_example,
            team,
            &["CreateRepository", "ModifyVpcEndpoint", "ModifyVpcEndpoint"],
        ),
        row(
            "repository with an external connection added",
            as_in_the_example,
            mirror,
            &["AssociateExternalConnection", "CreateRepository", "ModifyVpcEndpoint", "ModifyVpcEndpoint"],
        ),
        row(
            "repository removed",
            team,
            |object| object.spec.packages.repositories.truncate(2),
            &["DeleteRepository", "ModifyVpcEndpoint", "ModifyVpcEndpoint"],
        ),
        row(
            "repository removed that another one reached",
            mirrored,
            |object| {
                object.spec.packages.repositories.truncate(2);
                object.spec.packages.repositories[1].upstreams.truncate(1);
            },
            &["DeleteRepository", "ModifyVpcEndpoint", "ModifyVpcEndpoint", "TagResource", "UpdateRepository"],
        ),
        row("description added", as_in_the_example, described, &["UpdateRepository"]),
        row(
            "description changed",
            described,
            |object| object.spec.packages.repositories[1].description = Some("packages".into()),
            &["UpdateRepository"],
        ),
        row("upstream added", mirror, from_the_mirror, &["TagResource", "UpdateRepository"]),
        row(
            "upstreams in another order, and another description",
            mirrored,
            |object| {
                described(object);
                object.spec.packages.repositories[1].upstreams.reverse();
            },
            &["TagResource", "UpdateRepository"],
        ),
        row(
            "external connection added",
            |object| {
                object
                    .spec
                    .packages
                    .repositories
                    .push(Repository { name: "npm-store".into(), ..Repository::default() });
            },
            |object| object.spec.packages.repositories[2].external_connection = Some(ExternalConnection::Npmjs),
            &["AssociateExternalConnection"],
        ),
        row(
            "external connection removed",
            mirror,
            |object| object.spec.packages.repositories[2].external_connection = None,
            &["DisassociateExternalConnection"],
        ),
        row(
            "install from another repository",
            team,
            |object| {
                if let Some(install) = &mut object.spec.packages.install {
                    install.repository = "team".into();
                }
            },
            &["PutRolePolicy", "UpdateNotebookInstanceLifecycleConfig"],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn edits_of_who_may_read_take_one_call() {
    let rows = [
        row("readers added", as_in_the_example, readable, &["PutRepositoryPermissionsPolicy"]),
        row(
            "readers removed",
            readable,
            |object| object.spec.packages.repositories[0].permissions = None,
            &["DeleteRepositoryPermissionsPolicy"],
        ),
        row(
            "no policy for the existing role",
            as_in_the_example,
            |object| object.spec.execution_role.attach_policy = false,
            &["DeletePolicy", "DetachRolePolicy"],
        ),
    ];
    are_carried_out("isolated-sagemaker.yaml", &rows).await;
}

// --- role ---------------------------------------------------------------------------------------------------------------------

const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

fn logs(object: &mut IsolatedNotebookEnvironment) {
    object.spec.execution_role.statements = vec![Statement {
        sid: Some("WriteLogs".into()),
        effect: Effect::Allow,
        actions: vec!["logs:PutLogEvents".into()],
        resources: vec!["*".into()],
        ..Statement::default()
    }];
}

fn read_only(object: &mut IsolatedNotebookEnvironment) {
    object.spec.execution_role.managed_policy_arns = vec![READ_ONLY.into()];
}

#[tokio::test(start_paused = true)]
async fn edits_of_the_role_take_the_fewest_calls() {
    let rows = [
        row(
            "s3 added: the role, and the way there",
            as_in_the_example,
            |object| {
                object.spec.execution_role.s3.push(S3Access { bucket: "models".into(), access: Access::Read });
            },
            &["ModifyVpcEndpoint", "PutRolePolicy"],
        ),
        row("statements added", as_in_the_example, logs, &["ModifyVpcEndpoint", "PutRolePolicy"]),
        row(
            "statements changed and removed",
            logs,
            |object| object.spec.execution_role.statements.clear(),
            &["ModifyVpcEndpoint", "PutRolePolicy"],
        ),
        row("managedPolicyArns added", as_in_the_example, read_only, &["AttachRolePolicy"]),
        row(
            "managedPolicyArns removed",
            read_only,
            |object| object.spec.execution_role.managed_policy_arns.clear(),
            &["DetachRolePolicy"],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

// --- notebooks ----------------------------------------------------------------------------------------------------------------

fn may_stop(object: &mut IsolatedNotebookEnvironment) {
    object.spec.disruption = Disruption { stop_notebooks: Permission::Allow, ..Disruption::default() };
}

fn may_delete(object: &mut IsolatedNotebookEnvironment) {
    second_notebook(object);
    object.spec.disruption = Disruption { delete_notebooks: Permission::Allow, ..Disruption::default() };
}

fn second_notebook(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks.push(Notebook {
        name: "second".into(),
        instance_type: Some("ml.t3.medium".into()),
        ..Notebook::default()
    });
}

fn without_second_notebook(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks.truncate(1);
}

fn stopped(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks[0].state = Some(NotebookState::Stopped);
}

fn larger(object: &mut IsolatedNotebookEnvironment) {
    object.spec.notebooks[0].volume_size_gib = Some(40);
}

fn larger_and_faster_and_rooted(object: &mut IsolatedNotebookEnvironment) {
    larger(object);
    object.spec.notebooks[0].instance_type = Some("ml.t3.large".into());
    object.spec.notebooks[0].root_access = Some(RootAccess::Enabled);
}

/// A note that the notebook is to be started again, and its removal, are the price of surviving a restart in between.
const STOPPED_AND_STARTED: &[&str] =
    &["AddTags", "DeleteTags", "StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance"];

#[tokio::test(start_paused = true)]
async fn edits_of_the_notebooks_take_the_fewest_calls() {
    let rows = [
        held("volumeSizeGiB asks", as_in_the_example, larger),
        row("volumeSizeGiB", may_stop, larger, STOPPED_AND_STARTED),
        row("three fields at one stop", may_stop, larger_and_faster_and_rooted, STOPPED_AND_STARTED),
        row("volumeSizeGiB of a stopped one", stopped, larger, &["UpdateNotebookInstance"]),
        held("rootAccess asks", as_in_the_example, |object| {
            object.spec.notebooks[0].root_access = Some(RootAccess::Enabled);
        }),
        held("minimumIMDSVersion asks", as_in_the_example, |object| {
            object.spec.notebooks[0].minimum_imds_version = Some(1);
        }),
        row(
            "lifecycle.onStart",
            as_in_the_example,
            |object| {
                let lifecycle = Lifecycle { on_start: Some("echo hello".into()), ..Lifecycle::default() };
                object.spec.notebooks[0].lifecycle = Some(lifecycle);
            },
            &["UpdateNotebookInstanceLifecycleConfig"],
        ),
        row("state Stopped", as_in_the_example, stopped, &["StopNotebookInstance"]),
        row(
            "state Running",
            stopped,
            |object| object.spec.notebooks[0].state = Some(NotebookState::Running),
            &["StartNotebookInstance"],
        ),
        row(
            "notebook added",
            as_in_the_example,
            second_notebook,
            &[
                "CreateNotebookInstance",
                "CreateNotebookInstanceLifecycleConfig",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
            ],
        ),
        row(
            "notebook removed",
            may_delete,
            without_second_notebook,
            &[
                "DeleteNotebookInstance",
                "DeleteNotebookInstanceLifecycleConfig",
                "ModifyVpcEndpoint",
                "ModifyVpcEndpoint",
                "StopNotebookInstance",
            ],
        ),
    ];
    // A volume does not get smaller again: every row has a world of its own.
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(differences("closed-network.yaml", &[row]).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_removed_notebook_and_its_script_wait_for_an_approval() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "closed-network.yaml").await;
    tenant.edit(second_notebook);
    assert_ready(&world.settle(&mut tenant).await.report);
    world.simulator.clear_log();
    tenant.edit(without_second_notebook);
    let visit = world.settle(&mut tenant).await;
    let approval = visit.report.approval.expect("something to approve");
    assert_eq!(sorted(&world), Vec::<String>::new(), "what it needs stays as it was");
    tenant.approve(&approval);
    assert_ready(&world.settle(&mut tenant).await.report);
    let writes = world.writes();
    let closed = writes.iter().position(|operation| operation == "ModifyVpcEndpoint");
    let deleted = writes.iter().position(|operation| operation == "DeleteNotebookInstance");
    assert!(deleted.is_some() && closed > deleted, "the way to it is closed once it is gone: {writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_approval_of_what_is_shown_carries_it_out_once() {
    let world = World::new(Delays::real());
    let mut tenant = begin(&world, "closed-network.yaml").await;
    tenant.edit(larger);
    let visit = world.settle(&mut tenant).await;
    tenant.approve(&visit.report.approval.expect("something to approve"));
    assert_ready(&world.settle(&mut tenant).await.report);
    assert_eq!(sorted(&world), STOPPED_AND_STARTED);
    assert_eq!(Hands::on(&world).notebook_status("Test-Notebook-Instance").await.as_deref(), Some("InService"));
    world.simulator.clear_log();
    world.check(&mut tenant).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}
