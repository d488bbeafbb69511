//! Edits of `spec.packages`, and of who may read.

use cloister::kubernetes::api::{
    IsolatedNotebookEnvironment,
    environment::{ExternalConnection, Repository, RepositoryPermissions},
};

use super::{are_carried_out, as_in_the_example, row};

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

pub fn readable(object: &mut IsolatedNotebookEnvironment) {
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
