//! Roles: who they are, who may take them, their tags. Their permissions are in `role_policies`.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::clock::{Instant, iso8601_seconds};
use super::super::policy::{AccessRequest, Document, Kind, evaluate};
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::principals::{show_principals, store_principals};
use super::tags::Tags;
use super::{
    NOTHING, already_exists, arn, delete_conflict, instance_profile, invalid_input, limit_exceeded, malformed,
    no_such_entity, paging, required, role_policies, service_linked, url_encoded, visible_from,
};

/// Characters of a trust policy; white space counts.
const TRUST_QUOTA: usize = 2048;

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name, as it was given.
    pub name: String,
    /// For example `/` or `/team/`.
    pub path: String,
    /// Its ARN, which contains the path.
    pub arn: String,
    /// `AROA…`; a role of the same name created later has another one.
    pub id: String,
    /// When it was created.
    pub created: Instant,
    /// A text for people.
    pub description: Option<String>,
    /// The longest session in seconds.
    pub max_session: i64,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Inline policies: documents by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached policies.
    pub attached: BTreeSet<String>,
    /// When and in which region a session of it was last used.
    pub last_used: Option<(Instant, String)>,
    /// From when on policies may name it.
    pub(super) visible_from: Instant,
    trust: Trust,
}

/// A trust policy. STS and the services see a change only after a while.
#[derive(Debug, Clone, PartialEq)]
struct Trust {
    document: String,
    in_force_from: Instant,
    before: Option<String>,
}

impl Role {
    /// A role that may do nothing yet. Who may take it is in the form in which such documents are kept.
    fn new(world: &World, call: &Call, name: &str, path: &str, document: String) -> Self {
        let visible_from = visible_from(world, call.now);
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            arn: arn(world, &call.account, "role", path, name),
            id: world.ids.unique("AROA"),
            created: call.now,
            description: None,
            max_session: 3600,
            boundary: None,
            tags: Tags::default(),
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            last_used: None,
            visible_from,
            trust: Trust { document, in_force_from: visible_from, before: None },
        }
    }

    /// A role of a service of AWS.
    pub(super) fn of_service(world: &World, call: &Call, name: &str, path: &str, trust: &str) -> Self {
        let description = call.text("Description").map(str::to_owned);
        Self { description, ..Self::new(world, call, name, path, trust.to_owned()) }
    }

    /// The trust policy as stored, with unique ids for principals.
    #[must_use]
    pub fn trust(&self) -> &str {
        &self.trust.document
    }

    /// The trust policy that is in force, if the role can be seen at all.
    #[must_use]
    pub fn trust_in_force(&self, now: Instant) -> Option<&str> {
        if now < self.trust.in_force_from { self.trust.before.as_deref() } else { Some(&self.trust.document) }
    }

    /// Whether a service can take the role, as seen at `now`.
    ///
    /// The service gives no `aws:SourceAccount` and no `aws:SourceArn`: that notebooks do so is not documented,
    /// so a trust policy that asks for them is not met.
    #[must_use]
    pub fn trusts_service(&self, service: &str, now: Instant) -> bool {
        let document = self.trust_in_force(now).and_then(|text| Document::parse(text, Kind::Trust).ok());
        let request = AccessRequest {
            principal_arn: service.to_owned(),
            action: "sts:AssumeRole".into(),
            resource: self.arn.clone(),
            ..AccessRequest::default()
        };
        document.is_some_and(|document| evaluate(&[document], &request).is_allow())
    }

    /// The account of the role.
    #[must_use]
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`: without the path.
    #[must_use]
    pub fn session_arn(&self, session: &str) -> String {
        let partition = self.arn.split(':').nth(1).unwrap_or_default();
        format!("arn:{partition}:sts::{}:assumed-role/{}/{session}", self.account(), self.name)
    }

    fn last_used_json(&self) -> Value {
        self.last_used
            .as_ref()
            .map_or_else(|| json!({}), |(at, region)| json!({"LastUsedDate": iso8601_seconds(*at), "Region": region}))
    }

    fn boundary_json(&self) -> Value {
        self.boundary
            .as_ref()
            .map_or(Value::Null, |arn| json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}))
    }

    /// What lists show of a role: no tags, no boundary, no last use (IAM API `ListRoles`).
    pub(super) fn summary(&self, world: &mut World) -> Value {
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601_seconds(self.created),
            "AssumeRolePolicyDocument": url_encoded(&show_principals(world, &self.trust.document)),
            "Description": self.description,
            "MaxSessionDuration": self.max_session,
        })
    }

    /// Everything.
    fn full(&self, world: &mut World) -> Value {
        let mut shown = self.summary(world);
        shown["PermissionsBoundary"] = self.boundary_json();
        shown["RoleLastUsed"] = self.last_used_json();
        if !self.tags.is_empty() {
            shown["Tags"] = self.tags.to_json();
        }
        shown
    }

    /// What `GetAccountAuthorizationDetails` shows: all policies, but neither description nor session length.
    pub(super) fn detail(&self, world: &mut World) -> Value {
        let profiles = instance_profile::of_role(world, self).into_iter().map(|(_, profile)| profile);
        let inline = self
            .inline
            .iter()
            .map(|(name, document)| json!({"PolicyName": name, "PolicyDocument": url_encoded(document)}));
        let attached = self.attached.iter().map(|arn| role_policies::attached_json(arn));
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601_seconds(self.created),
            "AssumeRolePolicyDocument": url_encoded(&show_principals(world, &self.trust.document)),
            "InstanceProfileList": profiles.collect::<Value>(),
            "RolePolicyList": inline.collect::<Value>(),
            "AttachedManagedPolicies": attached.collect::<Value>(),
            "PermissionsBoundary": self.boundary_json(),
            "Tags": self.tags.to_json(),
            "RoleLastUsed": self.last_used_json(),
        })
    }
}

/// The role that a call names.
pub(super) fn named<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Role, Refusal> {
    let name = required(call, "RoleName");
    let role = world.account(&call.account).iam.role_mut(name);
    role.ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))
}

/// The role that a call names, if it may be changed: service-linked roles may not.
pub(super) fn modifiable<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Role, Refusal> {
    let role = named(world, call)?;
    if role.path.starts_with(service_linked::PATH) {
        let message = format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
            role.name
        );
        return Err(Refusal::new(400, "UnmodifiableEntity", message));
    }
    Ok(role)
}

/// A trust policy in the form in which it is kept.
fn stored_trust(world: &mut World, call: &Call, parameter: &str) -> Result<String, Refusal> {
    let text = required(call, parameter);
    Document::parse(text, Kind::Trust).map_err(|malformed_document| malformed(malformed_document.0))?;
    if text.chars().count() > TRUST_QUOTA {
        return Err(limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_QUOTA}")));
    }
    store_principals(world, text, call.now).map_err(|principal| malformed(principal.to_string()))
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "RoleName").to_owned();
    let path = call.text("Path").unwrap_or("/").to_owned();
    let tags = Tags::default().with(call)?;
    if path.starts_with(service_linked::PATH) {
        return Err(invalid_input(format!("The path {path} is reserved for service-linked roles.")));
    }
    let quota = world.settings.quotas.roles;
    let state = &world.account(&call.account).iam;
    if state.role(&name).is_some() {
        return Err(already_exists(format!("Role with name {name} already exists.")));
    }
    if state.roles.len() >= quota {
        return Err(limit_exceeded(format!("Cannot exceed quota for RolesPerAccount: {quota}")));
    }
    let boundary = call.text("PermissionsBoundary").map(str::to_owned);
    if let Some(boundary) = &boundary {
        role_policies::attachable_as_boundary(world, call, boundary)?;
    }
    let document = stored_trust(world, call, "AssumeRolePolicyDocument")?;
    let role = Role {
        description: call.text("Description").map(str::to_owned),
        max_session: call.number("MaxSessionDuration").unwrap_or(3600),
        boundary,
        tags,
        ..Role::new(world, call, &name, &path, document)
    };
    Ok(json!({"Role": keep(world, call, role)}))
}

/// Puts a new role into its account; how the answer to the creation shows it.
pub(super) fn keep(world: &mut World, call: &Call, role: Role) -> Value {
    let mut shown = role.full(world);
    // The answer to a creation knows nothing of later use.
    shown["RoleLastUsed"] = Value::Null;
    world.account(&call.account).iam.roles.insert(role.name.to_lowercase(), role);
    shown
}

pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let role = named(world, call)?.clone();
    Ok(json!({"Role": role.full(world)}))
}

pub(super) fn update(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    if let Some(description) = call.params.get("Description").and_then(Value::as_str) {
        set_description(role, description);
    }
    if let Some(seconds) = call.number("MaxSessionDuration") {
        role.max_session = seconds;
    }
    Ok(json!({}))
}

pub(super) fn update_description(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    set_description(role, required(call, "Description"));
    let role = role.clone();
    Ok(json!({"Role": role.summary(world)}))
}

/// An empty description is none.
fn set_description(role: &mut Role, description: &str) {
    role.description = Some(description).filter(|text| !text.is_empty()).map(str::to_owned);
}

pub(super) fn update_trust(world: &mut World, call: &Call) -> Reply {
    modifiable(world, call)?;
    let document = stored_trust(world, call, "PolicyDocument")?;
    let in_force_from = visible_from(world, call.now);
    let role = modifiable(world, call)?;
    let before = role.trust_in_force(call.now).map(str::to_owned);
    role.trust = Trust { document, in_force_from, before };
    Ok(NOTHING)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    if !role.attached.is_empty() {
        return Err(delete_conflict("Cannot delete entity, must detach all policies first."));
    }
    if !role.inline.is_empty() {
        return Err(delete_conflict("Cannot delete entity, must delete policies first."));
    }
    let role = role.clone();
    if !instance_profile::of_role(world, &role).is_empty() {
        return Err(delete_conflict("Cannot delete entity, must remove roles from instance profile first."));
    }
    world.account(&call.account).iam.roles.remove(&role.name.to_lowercase());
    Ok(NOTHING)
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let roles: Vec<Role> = world.account(&call.account).iam.roles.values().cloned().collect();
    let roles = roles.into_iter().filter(|role| role.path.starts_with(prefix));
    let (roles, next) = paging::page(call, roles.map(|role| (role.name.clone(), role)).collect())?;
    let mut answer = json!({"Roles": roles.iter().map(|role| role.summary(world)).collect::<Value>()});
    paging::finish(&mut answer, next);
    Ok(answer)
}

pub(super) fn tag(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    role.tags = role.tags.with(call)?;
    Ok(NOTHING)
}

pub(super) fn untag(world: &mut World, call: &Call) -> Reply {
    let role = modifiable(world, call)?;
    call.texts("TagKeys").iter().for_each(|key| role.tags.remove(key));
    Ok(NOTHING)
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Reply {
    let items = named(world, call)?.tags.items();
    paging::list(call, "Tags", items)
}
