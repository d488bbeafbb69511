//! Instance profiles: how a role gets onto machines. Here for one thing only: a role that is in one cannot be deleted.

use serde_json::{Value, json};

use super::super::clock::{Instant, iso8601_seconds};
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::tags::Tags;
use super::{
    NOTHING, Role, already_exists, arn, delete_conflict, limit_exceeded, no_such_entity, paging, required, role,
};

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its name, as it was given.
    pub name: String,
    /// For example `/`.
    pub path: String,
    /// Its ARN, which contains the path.
    pub arn: String,
    /// `AIPA…`
    pub id: String,
    /// When it was created.
    pub created: Instant,
    /// The name of its role: one at most.
    pub role: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl InstanceProfile {
    fn shown(&self, world: &mut World, account: &str) -> Value {
        let role = self.role.as_ref().and_then(|name| world.account(account).iam.role(name).cloned());
        let roles: Vec<Value> = role.iter().map(|role| role.summary(world)).collect();
        let mut shown = json!({
            "Path": self.path,
            "InstanceProfileName": self.name,
            "InstanceProfileId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601_seconds(self.created),
            "Roles": roles,
        });
        if !self.tags.is_empty() {
            shown["Tags"] = self.tags.to_json();
        }
        shown
    }
}

/// The profiles that a role is in, as answers show them.
pub(super) fn of_role(world: &mut World, role: &Role) -> Vec<(String, Value)> {
    let account = role.account().to_owned();
    let has = |profile: &&InstanceProfile| profile.role.as_ref() == Some(&role.name);
    let profiles: Vec<_> = world.account(&account).iam.instance_profiles.values().filter(has).cloned().collect();
    profiles.iter().map(|profile| (profile.name.clone(), profile.shown(world, &account))).collect()
}

fn named<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut InstanceProfile, Refusal> {
    let name = required(call, "InstanceProfileName");
    let profile = world.account(&call.account).iam.instance_profiles.get_mut(&name.to_lowercase());
    profile.ok_or_else(|| no_such_entity(format!("Instance Profile {name} cannot be found.")))
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "InstanceProfileName").to_owned();
    let tags = Tags::default().with(call)?;
    let key = name.to_lowercase();
    if world.account(&call.account).iam.instance_profiles.contains_key(&key) {
        return Err(already_exists(format!("Instance Profile {name} already exists.")));
    }
    let path = call.text("Path").unwrap_or("/").to_owned();
    let profile = InstanceProfile {
        arn: arn(world, &call.account, "instance-profile", &path, &name),
        id: world.ids.unique("AIPA"),
        created: call.now,
        role: None,
        tags,
        name,
        path,
    };
    let shown = profile.shown(world, &call.account);
    world.account(&call.account).iam.instance_profiles.insert(key, profile);
    Ok(json!({"InstanceProfile": shown}))
}

pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let profile = named(world, call)?.clone();
    Ok(json!({"InstanceProfile": profile.shown(world, &call.account)}))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let profile = named(world, call)?;
    if profile.role.is_some() {
        return Err(delete_conflict("Cannot delete entity, must remove roles from instance profile first."));
    }
    let key = profile.name.to_lowercase();
    world.account(&call.account).iam.instance_profiles.remove(&key);
    Ok(NOTHING)
}

pub(super) fn add_role(world: &mut World, call: &Call) -> Reply {
    let role = role::modifiable(world, call)?.name.clone();
    let profile = named(world, call)?;
    if profile.role.is_some() {
        return Err(limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"));
    }
    profile.role = Some(role);
    Ok(NOTHING)
}

pub(super) fn remove_role(world: &mut World, call: &Call) -> Reply {
    let role = role::named(world, call)?.name.clone();
    let profile = named(world, call)?;
    if profile.role.take_if(|name| *name == role).is_none() {
        return Err(no_such_entity(format!("Role {role} in instance profile {} cannot be found.", profile.name)));
    }
    Ok(NOTHING)
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let profiles = world.account(&call.account).iam.instance_profiles.values();
    let profiles: Vec<_> = profiles.filter(|profile| profile.path.starts_with(prefix)).cloned().collect();
    let items = profiles.iter().map(|profile| (profile.name.clone(), profile.shown(world, &call.account))).collect();
    paging::list(call, "InstanceProfiles", items)
}

pub(super) fn list_for_role(world: &mut World, call: &Call) -> Reply {
    let role = role::named(world, call)?.clone();
    let items = of_role(world, &role);
    paging::list(call, "InstanceProfiles", items)
}
