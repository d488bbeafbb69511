//! Managed policies and their versions. AWS's own can be read and attached, not changed.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use serde_json::{Value, json};

use super::super::clock::{Instant, iso8601_seconds};
use super::super::policy::{Document, Kind};
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::role_policies::path_in_arn;
use super::tags::Tags;
use super::{
    NOTHING, State, already_exists, arn, aws_managed, delete_conflict, invalid_input, limit_exceeded, malformed,
    no_such_entity, paging, required, size, url_encoded,
};

/// Characters of a managed policy.
const POLICY_QUOTA: usize = 6144;
/// Versions of a managed policy.
const VERSION_QUOTA: usize = 5;

/// A managed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedPolicy {
    /// Its name, as it was given.
    pub name: String,
    /// For example `/` or `/team/`.
    pub path: String,
    /// Its ARN, which contains the path.
    pub arn: String,
    /// `ANPA…`
    pub id: String,
    /// A text for people, set once and for all.
    pub description: Option<String>,
    /// When it was created.
    pub created: Instant,
    /// When the last version was made or another one made the default.
    pub updated: Instant,
    /// Its tags.
    pub tags: Tags,
    /// Versions in the order of their creation; numbers are never used twice.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version that is in force.
    pub default_version: u32,
    last_version: u32,
}

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// 3 for `v3`.
    pub number: u32,
    /// The document as it was given.
    pub document: String,
    /// When it was created.
    pub created: Instant,
}

impl ManagedPolicy {
    /// A policy with one version.
    pub(super) fn new(arn: String, id: String, document: String, now: Instant) -> Self {
        Self {
            name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            path: path_in_arn(&arn).to_owned(),
            arn,
            id,
            description: None,
            created: now,
            updated: now,
            tags: Tags::default(),
            versions: vec![PolicyVersion { number: 1, document, created: now }],
            default_version: 1,
            last_version: 1,
        }
    }

    /// The document that is in force.
    #[must_use]
    pub fn document(&self) -> &str {
        let default = self.versions.iter().find(|version| version.number == self.default_version);
        default.map_or("", |version| &version.document)
    }

    fn version_json(&self, version: &PolicyVersion, with_document: bool) -> Value {
        json!({
            "Document": with_document.then(|| url_encoded(&version.document)),
            "VersionId": format!("v{}", version.number),
            "IsDefaultVersion": version.number == self.default_version,
            "CreateDate": iso8601_seconds(version.created),
        })
    }

    /// What lists show: neither description nor tags (IAM API `ListPolicies`).
    fn summary(&self, state: &State) -> Value {
        json!({
            "PolicyName": self.name,
            "PolicyId": self.id,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.default_version),
            "AttachmentCount": state.roles().filter(|role| role.attached.contains(&self.arn)).count(),
            "PermissionsBoundaryUsageCount": state.roles().filter(|role| role.boundary.as_ref() == Some(&self.arn)).count(),
            "IsAttachable": true,
            "CreateDate": iso8601_seconds(self.created),
            "UpdateDate": iso8601_seconds(self.updated),
        })
    }

    fn full(&self, state: &State) -> Value {
        let mut shown = self.summary(state);
        shown["Description"] = json!(self.description);
        if !self.tags.is_empty() {
            shown["Tags"] = self.tags.to_json();
        }
        shown
    }

    /// What `GetAccountAuthorizationDetails` shows: all versions with their documents.
    pub(super) fn detail(&self, state: &State) -> Value {
        let mut shown = self.summary(state);
        shown["Description"] = json!(self.description);
        shown["PolicyVersionList"] =
            self.versions.iter().rev().map(|version| self.version_json(version, true)).collect();
        shown
    }
}

/// The policy with this ARN, of the caller's account or of AWS.
pub(super) fn by_arn(world: &mut World, call: &Call, arn: &str) -> Result<ManagedPolicy, Refusal> {
    is_policy_arn(arn)?;
    let policy = world.account(&call.account).iam.managed_policy(arn);
    policy.ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
}

fn is_policy_arn(arn: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/") => Ok(()),
        _ => Err(invalid_input(format!("ARN {arn} is not valid."))),
    }
}

fn named(world: &mut World, call: &Call) -> Result<ManagedPolicy, Refusal> {
    by_arn(world, call, required(call, "PolicyArn"))
}

/// The policy that a call names, to change it. The refusal for AWS's own is not documented; this is what it amounts to.
fn modifiable<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut ManagedPolicy, Refusal> {
    let arn = required(call, "PolicyArn");
    let policy = named(world, call)?;
    let state = &mut world.account(&call.account).iam;
    state.policies.get_mut(&policy.arn).ok_or_else(|| {
        let message = format!(
            "User: {} is not authorized to perform: iam:{} on resource: policy {arn}",
            call.caller.arn, call.operation
        );
        Refusal::new(403, "AccessDenied", message)
    })
}

fn checked_document(call: &Call) -> Result<String, Refusal> {
    let document = required(call, "PolicyDocument");
    Document::parse(document, Kind::Identity).map_err(|malformed_document| malformed(malformed_document.0))?;
    if size(document) > POLICY_QUOTA {
        return Err(limit_exceeded(format!("Cannot exceed quota for PolicySize: {POLICY_QUOTA}")));
    }
    Ok(document.to_owned())
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let name = required(call, "PolicyName");
    let tags = Tags::default().with(call)?;
    let quota = world.settings.quotas.managed_policies;
    let policies = &world.account(&call.account).iam.policies;
    if policies.values().any(|policy| policy.name.eq_ignore_ascii_case(name)) {
        return Err(already_exists(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
    }
    if policies.len() >= quota {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerAccount: {quota}")));
    }
    let document = checked_document(call)?;
    let arn = arn(world, &call.account, "policy", call.text("Path").unwrap_or("/"), name);
    let mut policy = ManagedPolicy::new(arn, world.ids.unique("ANPA"), document, call.now);
    policy.description = call.text("Description").map(str::to_owned);
    policy.tags = tags;
    let state = &mut world.account(&call.account).iam;
    let mut shown = policy.full(state);
    shown["Description"] = Value::Null;
    state.policies.insert(policy.arn.clone(), policy);
    Ok(json!({"Policy": shown}))
}

pub(super) fn get(world: &mut World, call: &Call) -> Reply {
    let policy = named(world, call)?;
    Ok(json!({"Policy": policy.full(&world.account(&call.account).iam)}))
}

/// The number in `v3`; a version that was never made is as good as a suffix that means nothing here.
fn version_number(call: &Call) -> Option<u32> {
    required(call, "VersionId").strip_prefix('v')?.parse().ok()
}

fn version_named<'a>(policy: &'a ManagedPolicy, call: &Call) -> Result<&'a PolicyVersion, Refusal> {
    let number = version_number(call);
    policy.versions.iter().find(|version| Some(version.number) == number).ok_or_else(|| {
        let id = required(call, "VersionId");
        no_such_entity(format!("Policy {} version {id} does not exist or is not attachable.", policy.arn))
    })
}

pub(super) fn get_version(world: &mut World, call: &Call) -> Reply {
    let policy = named(world, call)?;
    let version = version_named(&policy, call)?;
    Ok(json!({"PolicyVersion": policy.version_json(version, true)}))
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let partition = world.partition;
    let state = &world.account(&call.account).iam;
    let scope = call.text("Scope").unwrap_or("All");
    let local = state.policies.values().filter(|_| scope != "AWS").cloned();
    let all = local.chain(aws_managed::all(partition).filter(|_| scope != "Local"));
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let attached = |arn: &String| state.roles().any(|role| role.attached.contains(arn));
    let is_boundary = |arn: &String| state.roles().any(|role| role.boundary.as_ref() == Some(arn));
    let usage = call.text("PolicyUsageFilter");
    let only_attached = call.flag("OnlyAttached").unwrap_or(false);
    let wanted = all.filter(|policy| {
        let by_usage = match usage {
            Some("PermissionsPolicy") => attached(&policy.arn),
            Some(_) => is_boundary(&policy.arn),
            None => !only_attached || attached(&policy.arn) || is_boundary(&policy.arn),
        };
        by_usage && policy.path.starts_with(prefix)
    });
    paging::list(call, "Policies", wanted.map(|policy| (policy.name.clone(), policy.summary(state))).collect())
}

/// Newest first.
pub(super) fn list_versions(world: &mut World, call: &Call) -> Reply {
    let policy = named(world, call)?;
    let key = |version: &PolicyVersion| format!("{:010}", u32::MAX - version.number);
    let items = policy.versions.iter().map(|version| (key(version), policy.version_json(version, false))).collect();
    paging::list(call, "Versions", items)
}

pub(super) fn create_version(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    let document = checked_document(call)?;
    if policy.versions.len() >= VERSION_QUOTA {
        return Err(limit_exceeded(format!(
            "A managed policy can have up to {VERSION_QUOTA} versions. Before you create a new version, you must delete an existing version."
        )));
    }
    policy.last_version += 1;
    policy.updated = call.now;
    let version = PolicyVersion { number: policy.last_version, document, created: call.now };
    if call.flag("SetAsDefault").unwrap_or(false) {
        policy.default_version = version.number;
    }
    policy.versions.push(version.clone());
    Ok(json!({"PolicyVersion": policy.version_json(&version, false)}))
}

pub(super) fn delete_version(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    let number = version_named(policy, call)?.number;
    if number == policy.default_version {
        return Err(delete_conflict("Cannot delete the default version of a policy."));
    }
    policy.versions.retain(|version| version.number != number);
    Ok(NOTHING)
}

pub(super) fn set_default_version(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    policy.default_version = version_named(policy, call)?.number;
    policy.updated = call.now;
    Ok(NOTHING)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    let (arn, versions) = (policy.arn.clone(), policy.versions.len());
    let state = &mut world.account(&call.account).iam;
    if state.roles().any(|role| role.attached.contains(&arn) || role.boundary.as_ref() == Some(&arn)) {
        return Err(delete_conflict("Cannot delete a policy attached to entities."));
    }
    if versions > 1 {
        return Err(delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    state.policies.remove(&arn);
    Ok(NOTHING)
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Reply {
    paging::list(call, "Tags", named(world, call)?.tags.items())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    policy.tags = policy.tags.with(call)?;
    Ok(NOTHING)
}

pub(super) fn untag(world: &mut World, call: &Call) -> Reply {
    let policy = modifiable(world, call)?;
    call.texts("TagKeys").iter().for_each(|key| policy.tags.remove(key));
    Ok(NOTHING)
}

pub(super) fn list_entities(world: &mut World, call: &Call) -> Reply {
    let policy = named(world, call)?;
    let roles_wanted = matches!(call.text("EntityFilter"), None | Some("Role"));
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let usage = call.text("PolicyUsageFilter");
    let roles = world.account(&call.account).iam.roles().filter(|role| {
        let attached = role.attached.contains(&policy.arn) && usage != Some("PermissionsBoundary");
        let bound = role.boundary.as_ref() == Some(&policy.arn) && usage != Some("PermissionsPolicy");
        roles_wanted && (attached || bound) && role.path.starts_with(prefix)
    });
    let roles = roles.map(|role| (role.name.clone(), json!({"RoleName": role.name, "RoleId": role.id}))).collect();
    let (roles, next) = paging::page(call, roles)?;
    let mut answer = json!({"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": roles});
    paging::finish(&mut answer, next);
    Ok(answer)
}
