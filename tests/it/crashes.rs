//! Answers that are lost on the way and memories that are lost altogether: nothing is made twice, nothing is left behind.

use std::time::Duration;

use cloister::{
    kubernetes::api::environment::RepositoryPermissions,
    sandbox::{
        faults::{Fault, Kind, Occurrence},
        wire::Service,
        world::Delays,
    },
};

use crate::{
    hands::made,
    world::{Tenant, World, assert_ready},
};

/// Every write by which packages, permissions and notebooks come about.
const WRITES: [(Service, &str); 8] = [
    (Service::CodeArtifact, "CreateDomain"),
    (Service::CodeArtifact, "CreateRepository"),
    (Service::CodeArtifact, "AssociateExternalConnection"),
    (Service::CodeArtifact, "PutRepositoryPermissionsPolicy"),
    (Service::Iam, "CreateRole"),
    (Service::Iam, "PutRolePolicy"),
    (Service::SageMaker, "CreateNotebookInstanceLifecycleConfig"),
    (Service::SageMaker, "CreateNotebookInstance"),
];

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_leads_to_no_second_thing_and_no_standstill() {
    for (service, operation) in WRITES {
        let world = World::new(Delays::real());
        world.with_boundary().await;
        // Of the SDK's three tries the effect of the first is there, and none gets an answer.
        world.simulator.faults().add(Fault::on(service, operation, Occurrence::First(3), Kind::LostReply));
        let mut tenant = Tenant::of("closed-network.yaml", |object| {
            object.spec.packages.repositories[0].permissions = Some(RepositoryPermissions::default());
        });
        for _ in 0..60 {
            world.visit(&mut tenant).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        let visit = world.settle(&mut tenant).await;
        assert_ready(&visit.report);
        let tries = world.writes().into_iter().filter(|write| write == operation).count();
        assert!(tries >= 3, "the answer of {operation} was not lost: {tries} tries");
        world.simulator.clear_log();
        world.check(&mut tenant).await;
        assert_eq!(world.writes(), Vec::<String>::new(), "after the lost answer of {operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_without_manifest_and_without_memory_finds_everything() {
    let mut world = World::new(Delays::real());
    let (tenant, hands) = made(&world).await;
    let role = tenant.environment().role_arn();
    let role = role.rsplit('/').next().expect("a name");
    world.restart();
    world.delete_without_manifest(&tenant).await;
    assert!(hands.codeartifact.list_domains().send().await.expect("a list").domains().is_empty());
    assert!(hands.sagemaker.list_notebook_instances().send().await.expect("a list").notebook_instances().is_empty());
    let configs = hands.sagemaker.list_notebook_instance_lifecycle_configs().send().await.expect("a list");
    assert!(configs.notebook_instance_lifecycle_configs().is_empty());
    assert!(hands.iam.get_role().role_name(role).send().await.is_err());
}
