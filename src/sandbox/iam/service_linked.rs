//! Service-linked roles: roles that belong to a service of AWS. A person can have one made and ask for its end, and can change
//! nothing about it.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html>.

use serde_json::json;

use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::role::{self, Role};
use super::{invalid_input, no_such_entity, required};

/// Where such roles are.
pub(super) const PATH: &str = "/aws-service-role/";

/// Services that have such roles, and the ends of their names.
const SERVICES: [(&str, &str); 4] = [
    ("sagemaker.amazonaws.com", "AmazonSageMakerNotebooks"),
    ("elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"),
    ("autoscaling.amazonaws.com", "AutoScaling"),
    ("ec2.amazonaws.com", "EC2CapacityReservationFleet"),
];

/// `CreateServiceLinkedRole`.
pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let service = required(call, "AWSServiceName");
    let Some((_, end)) = SERVICES.iter().find(|(known, _)| *known == service) else {
        return Err(invalid_input(format!(
            "{service} is not a valid service principal, or has no service-linked role."
        )));
    };
    let suffix = call.text("CustomSuffix").map(|suffix| format!("_{suffix}")).unwrap_or_default();
    let name = format!("AWSServiceRoleFor{end}{suffix}");
    if world.account(&call.account).iam.role(&name).is_some() {
        let message =
            format!("Service role name {name} has been taken in this account, please try a different suffix.");
        return Err(invalid_input(message));
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
    ]});
    let made = Role::of_service(world, call, &name, &format!("{PATH}{service}/"), &trust.to_string());
    Ok(json!({"Role": role::keep(world, call, made)}))
}

/// `DeleteServiceLinkedRole`. It takes a moment in AWS; here it is done when it is answered.
pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let uuid = world.ids.uuid();
    let role = role::named(world, call)?;
    let name = role.name.clone();
    if !role.path.starts_with(PATH) {
        return Err(no_such_entity(format!("The role with name {name} is not a service-linked role.")));
    }
    let task = format!("task{}{name}/{uuid}", role.path);
    world.account(&call.account).iam.roles.remove(&name.to_lowercase());
    Ok(json!({"DeletionTaskId": task}))
}

/// `GetServiceLinkedRoleDeletionStatus`.
pub(super) fn deletion_status(world: &mut World, call: &Call) -> Reply {
    let task = required(call, "DeletionTaskId");
    // `task/aws-service-role/SERVICE/NAME/UUID`
    let parts: Vec<&str> = task.split('/').collect();
    let unknown = || -> Refusal { no_such_entity(format!("Deletion task {task} cannot be found.")) };
    let ["task", "aws-service-role", _, name, _] = parts[..] else { return Err(unknown()) };
    match world.account(&call.account).iam.role(name) {
        Some(_) => Err(unknown()),
        None => Ok(json!({"Status": "SUCCEEDED"})),
    }
}
