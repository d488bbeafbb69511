//! Edits of `spec.executionRole`.

use cloister::kubernetes::api::{
    IsolatedNotebookEnvironment,
    environment::{Access, Effect, S3Access, Statement},
};

use super::{are_carried_out, as_in_the_example, row};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

pub fn logs(object: &mut IsolatedNotebookEnvironment) {
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
