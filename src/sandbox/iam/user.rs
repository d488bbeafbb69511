//! Users: only so much that policies can name them. They have no credentials here.

use serde_json::{Value, json};

use super::super::clock::{Instant, iso8601_seconds};
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::tags::Tags;
use super::{NOTHING, already_exists, arn, no_such_entity, paging, required, role_policies, validation_error};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name, as it was given.
    pub name: String,
    /// For example `/`.
    pub path: String,
    /// Its ARN, which contains the path.
    pub arn: String,
    /// `AIDA…`
    pub id: String,
    /// When it was created.
    pub created: Instant,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl User {
    fn summary(&self) -> Value {
        json!({
            "Path": self.path,
            "UserName": self.name,
            "UserId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601_seconds(self.created),
        })
    }

    fn full(&self) -> Value {
        let mut shown = self.summary();
        if let Some(arn) = &self.boundary {
            shown["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        }
        if !self.tags.is_empty() {
            shown["Tags"] = self.tags.to_json();
        }
        shown
    }

    /// What `GetAccountAuthorizationDetails` shows.
    pub(super) fn detail(&self) -> Value {
        let mut shown = self.full();
        shown["UserPolicyList"] = json!([]);
        shown["GroupList"] = json!([]);
        shown["AttachedManagedPolicies"] = json!([]);
        shown
    }
}

fn no_such_user(name: &str) -> Refusal {
    no_such_entity(format!("The user with name {name} cannot be found."))
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "UserName").to_owned();
    let path = call.text("Path").unwrap_or("/").to_owned();
    let tags = Tags::default().with(call)?;
    let key = name.to_lowercase();
    if world.account(&call.account).iam.users.contains_key(&key) {
        return Err(already_exists(format!("User with name {name} already exists.")));
    }
    let boundary = call.text("PermissionsBoundary").map(str::to_owned);
    if let Some(boundary) = &boundary {
        role_policies::attachable_as_boundary(world, call, boundary)?;
    }
    let user = User {
        arn: arn(world, &call.account, "user", &path, &name),
        id: world.ids.unique("AIDA"),
        created: call.now,
        boundary,
        tags,
        name,
        path,
    };
    let shown = user.full();
    world.account(&call.account).iam.users.insert(key, user);
    Ok(json!({"User": shown}))
}

pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let Some(name) = call.text("UserName") else {
        return if call.caller.role_name.is_some() {
            Err(validation_error("Must specify userName when calling with non-User credentials"))
        } else {
            let account = &call.caller.account;
            let epoch = iso8601_seconds(Instant::ZERO);
            Ok(
                json!({"User": {"Path": "/", "UserName": "root", "UserId": account, "Arn": call.caller.arn, "CreateDate": epoch}}),
            )
        };
    };
    let user = world.account(&call.account).iam.users.get(&name.to_lowercase());
    user.map(|user| json!({"User": user.full()})).ok_or_else(|| no_such_user(name))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "UserName");
    let removed = world.account(&call.account).iam.users.remove(&name.to_lowercase());
    removed.map(|_| NOTHING).ok_or_else(|| no_such_user(name))
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let users = world.account(&call.account).iam.users.values().filter(|user| user.path.starts_with(prefix));
    paging::list(call, "Users", users.map(|user| (user.name.clone(), user.summary())).collect())
}
