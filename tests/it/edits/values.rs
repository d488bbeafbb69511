//! What is in a list or map already gets another value, or goes.

use cloister::kubernetes::api::{
    IsolatedNotebookEnvironment,
    environment::{Access, Lifecycle, PackageFormat, RepositoryPermissions, ResourceStatement},
};

use super::{
    are_carried_out, as_in_the_example,
    packages::readable,
    role::logs,
    row,
    rules::{EVERY_TAG, costs},
};

#[tokio::test(start_paused = true)]
async fn a_tag_gets_its_new_value_everywhere_and_one_that_left_the_manifest_stays() {
    let rows = [
        row(
            "tag changed",
            as_in_the_example,
            |object| {
                object.spec.tags.insert("purpose".into(), "another".into());
            },
            EVERY_TAG,
        ),
        // Nothing in AWS says whether we put it there or somebody else.
        row("tag removed", costs, |object| object.spec.tags.clear(), &[]),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

fn greeted(object: &mut IsolatedNotebookEnvironment) {
    let lifecycle = Lifecycle { on_start: Some("echo hello".into()), ..Lifecycle::default() };
    object.spec.notebooks[0].lifecycle = Some(lifecycle);
}

fn may_list(object: &mut IsolatedNotebookEnvironment) {
    let statement = ResourceStatement {
        sid: Some("List".into()),
        actions: vec!["codeartifact:ListPackages".into()],
        ..ResourceStatement::default()
    };
    let statements = vec![statement];
    object.spec.packages.repositories[1].permissions =
        Some(RepositoryPermissions { statements, ..RepositoryPermissions::default() });
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_manifest_already_gets_another_value_by_the_fewest_calls() {
    let rows = [
        row(
            "s3 access changed",
            as_in_the_example,
            |object| object.spec.execution_role.s3[0].access = Access::Read,
            &["ModifyVpcEndpoint", "PutRolePolicy"],
        ),
        row(
            "s3 bucket removed",
            as_in_the_example,
            |object| object.spec.execution_role.s3.clear(),
            &["ModifyVpcEndpoint", "PutRolePolicy"],
        ),
        row(
            "statements changed",
            logs,
            |object| {
                object.spec.execution_role.statements[0].resources = vec!["arn:aws:logs:*:*:log-group:mine".into()];
            },
            &["ModifyVpcEndpoint", "PutRolePolicy"],
        ),
        row("repository statements added", as_in_the_example, may_list, &["PutRepositoryPermissionsPolicy"]),
        row(
            "repository statements changed",
            may_list,
            |object| {
                let permissions = object.spec.packages.repositories[1].permissions.as_mut().expect("a policy");
                permissions.statements[0].actions = vec!["codeartifact:ReadFromRepository".into()];
            },
            &["PutRepositoryPermissionsPolicy"],
        ),
        row(
            "install.formats",
            as_in_the_example,
            |object| {
                let install = object.spec.packages.install.as_mut().expect("a repository");
                install.formats = vec![PackageFormat::Pypi, PackageFormat::Npm];
            },
            &["ModifyVpcEndpoint"],
        ),
        row(
            "lifecycle.onCreate",
            as_in_the_example,
            |object| {
                let lifecycle = Lifecycle { on_create: Some("echo once".into()), ..Lifecycle::default() };
                object.spec.notebooks[0].lifecycle = Some(lifecycle);
            },
            &["UpdateNotebookInstanceLifecycleConfig"],
        ),
        row(
            "lifecycle.onStart removed",
            greeted,
            |object| object.spec.notebooks[0].lifecycle = None,
            &["UpdateNotebookInstanceLifecycleConfig"],
        ),
    ];
    are_carried_out("closed-network.yaml", &rows).await;
}

#[tokio::test(start_paused = true)]
async fn other_readers_are_one_call() {
    let rows = [row(
        "readers changed",
        readable,
        |object| {
            let permissions = object.spec.packages.repositories[0].permissions.as_mut().expect("a policy");
            permissions.readers.clear();
            permissions.statements = vec![ResourceStatement {
                principals: vec![crate::world::ACCOUNT.into()],
                actions: vec!["codeartifact:ReadFromRepository".into()],
                ..ResourceStatement::default()
            }];
        },
        &["PutRepositoryPermissionsPolicy"],
    )];
    are_carried_out("isolated-sagemaker.yaml", &rows).await;
}
