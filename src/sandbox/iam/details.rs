//! `GetAccountAuthorizationDetails`: everything of the account in one paged read.

use serde_json::{Value, json};

use super::super::wire::{Call, Reply};
use super::super::world::World;
use super::{aws_managed, paging};

/// One element of the lists, kept small until it is known to be on the page.
enum Entity {
    User(String),
    Role(String),
    Policy(String),
}

/// Users, then roles, then policies; the page size counts them together. Of AWS's policies only those in use appear.
pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let filter = call.texts("Filter");
    let wanted = |kind: &str| filter.is_empty() || filter.iter().any(|entry| entry == kind);
    let partition = world.partition;
    let state = &world.account(&call.account).iam;
    let mut all = Vec::new();
    if wanted("User") {
        all.extend(state.users.keys().map(|key| (format!("1{key}"), Entity::User(key.clone()))));
    }
    if wanted("Role") {
        all.extend(state.roles.keys().map(|key| (format!("2{key}"), Entity::Role(key.clone()))));
    }
    if wanted("LocalManagedPolicy") {
        all.extend(state.policies.keys().map(|arn| (format!("3{arn}"), Entity::Policy(arn.clone()))));
    }
    if wanted("AWSManagedPolicy") {
        let in_use =
            |arn: &String| state.roles().any(|role| role.attached.contains(arn) || role.boundary.as_ref() == Some(arn));
        let used = aws_managed::all(partition).map(|policy| policy.arn).filter(in_use);
        all.extend(used.map(|arn| (format!("4{arn}"), Entity::Policy(arn))));
    }
    let (entities, next) = paging::page(call, all)?;
    let (mut users, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    for entity in entities {
        match entity {
            Entity::User(key) => users.extend(state_of(world, call).users.get(&key).map(super::User::detail)),
            Entity::Role(key) => {
                let role = state_of(world, call).roles.get(&key).cloned();
                roles.extend(role.map(|role| role.detail(world)));
            }
            Entity::Policy(arn) => {
                let state = state_of(world, call);
                policies.extend(state.managed_policy(&arn).map(|policy| policy.detail(state)));
            }
        }
    }
    let mut answer = json!({
        "UserDetailList": Value::Array(users),
        "GroupDetailList": [],
        "RoleDetailList": Value::Array(roles),
        "Policies": Value::Array(policies),
    });
    paging::finish(&mut answer, next);
    Ok(answer)
}

fn state_of<'a>(world: &'a mut World, call: &Call) -> &'a super::State {
    &world.account(&call.account).iam
}
