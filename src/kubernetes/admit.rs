//! The border between what somebody wrote and what it means: a manifest is admitted into a valid [`Environment`], or refused with
//! the field, the value and what is allowed.
//!
//! The schema refuses most mistakes at `kubectl apply`. Here is what it cannot state (circles among upstreams, limits of the identity), and
//! whatever an older schema let through.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/repo-policies.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::api::{
    AWSIdentity, IsolatedNotebookEnvironment,
    environment::{
        self as spec, Access, DeletionPolicy, Effect as SpecEffect, EndpointIngress, EndpointPolicyPreset, Management,
        NotebookState, Permission, RootAccess,
        notebooks::{DEFAULT_MINIMUM_IMDS_VERSION, DEFAULT_VOLUME_SIZE_GIB},
    },
};
use crate::model::{
    environment::{
        BucketAccess, DOMAIN_SID, Domain, Endpoint, EndpointPolicy, Environment, ExecutionRole, Install, ManagedRole,
        ManagedSubnet, Network, Notebook, Packages, Part, REPOSITORY_SID, ROLE_SIDS, Repository, RepositoryPermissions,
        Rules, Run, Subnet, Traffic, derived_name,
    },
    hooks::hooks_of,
    leaving::Leaving,
    owner::Owner,
    policy::{Clause, Conditions, Effect, PolicyDocument, Statement},
    port::{ErrorClass, Problem},
    services::Service,
    start_script::TooLarge,
};

pub use crate::model::adoption::ANNOTATION as ADOPT;
/// Annotation with the digest of the held steps that may be carried out.
pub const APPROVE: &str = "cloister.dev/approve";
/// Annotation that asks for a full look now.
pub const RECONCILE_AT: &str = "cloister.dev/reconcile-at";

/// What the manifest means.
///
/// # Errors
/// When it contradicts itself or the identity's limits. The first contradiction is named.
pub fn admit(
    object: &IsolatedNotebookEnvironment,
    owner: Owner,
    identity: &AWSIdentity,
) -> Result<Environment, Problem> {
    let spec = &object.spec;
    let account = identity.spec.account.clone();
    if !identity.spec.regions.contains(&spec.region) {
        let allowed = identity.spec.regions.join(", ");
        let name = spec.identity_ref.name.as_str();
        return Err(invalid(format!(
            "`spec.region` is {}, but AWSIdentity {name} may use only: {allowed}",
            spec.region
        )));
    }
    check_limits(spec, identity)?;
    check_tags(&spec.tags)?;
    let role = role(spec, &owner, identity)?;
    let role_arn = role.arn(&account);
    let repositories = repositories(spec, &role_arn)?;
    check_upstreams(&repositories)?;
    let notebooks = notebooks(spec)?;
    let environment = Environment {
        region: spec.region.clone(),
        tags: spec.tags.clone(),
        rules: rules(object)?,
        network: network(spec)?,
        packages: Packages {
            domain: Domain {
                name: spec.packages.domain.name.clone(),
                owner: spec.packages.domain.owner.clone().unwrap_or_else(|| account.clone()),
                existing: spec.packages.domain.existing,
                encryption_key: spec.packages.domain.encryption_key.clone(),
                policy: domain_policy(&spec.packages.domain, &role_arn)?,
            },
            repositories,
            install: spec.packages.install.as_ref().map(|install| Install {
                repository: install.repository.clone(),
                formats: install.formats.iter().map(wire).collect(),
            }),
        },
        role,
        notebooks,
        owner,
        account,
        leaving: Leaving::default(),
    };
    check_hooks(&environment)?;
    Ok(environment)
}

/// To IAM and SageMaker two keys that differ in case only are the same key, twice.
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Problem> {
    let mut keys = BTreeMap::new();
    for key in tags.keys() {
        if let Some(other) = keys.insert(key.to_lowercase(), key) {
            return Err(invalid(format!("`spec.tags` has both {other} and {key}, which AWS does not tell apart")));
        }
    }
    Ok(())
}

/// The schema bounds the user's fragments; how long they are together with ours only shows when they are put together.
fn check_hooks(environment: &Environment) -> Result<(), Problem> {
    for notebook in &environment.notebooks {
        if let Err(TooLarge { hook, used, limit }) = hooks_of(environment, notebook) {
            let name = &notebook.name;
            return Err(invalid(format!(
                "`spec.notebooks[{name}].lifecycle.{hook}` makes a script of {used} characters together with ours, as AWS \
                 counts them (Base64); {limit} are allowed: shorten it or let it fetch the rest"
            )));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(ErrorClass::Invalid, message).because("InvalidSpec")
}

/// How the manifest spells a value of one of its enums.
fn wire(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn rules(object: &IsolatedNotebookEnvironment) -> Result<Rules, Problem> {
    let spec = &object.spec;
    let annotation = |name: &str| object.metadata.annotations.as_ref().and_then(|all| all.get(name));
    let allows = |permission: Permission| permission == Permission::Allow;
    Ok(Rules {
        observe_only: spec.management == Management::Observe,
        paused: spec.paused,
        retain: spec.deletion_policy == DeletionPolicy::Retain,
        deletion_protection: spec.deletion_protection,
        drift_check_interval: duration(&spec.drift_check_interval)?,
        may_stop_notebooks: allows(spec.disruption.stop_notebooks),
        may_delete_notebooks: allows(spec.disruption.delete_notebooks),
        adopt: annotation(ADOPT)
            .map_or("", String::as_str)
            .parse()
            .map_err(|error| invalid(format!("the annotation {ADOPT}: {error}")))?,
        approved: annotation(APPROVE).cloned(),
    })
}

/// `1h30m`, `5m`, `90s`.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    let wrong = || {
        invalid(format!(
            "`spec.driftCheckInterval` is {text}; it must be a duration between 1m and 24h, such as 5m or 1h30m"
        ))
    };
    let mut seconds = 0_u64;
    let mut number = String::new();
    for letter in text.chars() {
        let unit = match letter {
            digit if digit.is_ascii_digit() => {
                number.push(digit);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let count: u64 = number.parse().map_err(|_| wrong())?;
        number.clear();
        seconds = seconds.saturating_add(count.saturating_mul(unit));
    }
    if !number.is_empty() || !(60..=86_400).contains(&seconds) {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

fn check_limits(spec: &spec::IsolatedNotebookEnvironmentSpec, identity: &AWSIdentity) -> Result<(), Problem> {
    let Some(limits) = &identity.spec.limits else { return Ok(()) };
    let name = identity.metadata.name.as_deref().unwrap_or_default();
    let refuse = |field: &str, value: &str, allowed: &[String]| {
        invalid(format!("`{field}` is {value}, but AWSIdentity {name} allows only: {}", allowed.join(", ")))
            .because("NotAllowedByIdentity")
    };
    if let (Some(id), Some(allowed)) = (&spec.network.vpc.id, &limits.vpc_ids)
        && !allowed.contains(id)
    {
        return Err(refuse("spec.network.vpc.id", id, allowed));
    }
    let domain = &spec.packages.domain.name;
    if let Some(allowed) = limits.domains.as_ref().filter(|allowed| !allowed.contains(domain)) {
        return Err(refuse("spec.packages.domain.name", domain, allowed));
    }
    for notebook in &spec.notebooks {
        if let (Some(kind), Some(allowed)) = (&notebook.instance_type, &limits.instance_types)
            && !allowed.contains(kind)
        {
            return Err(refuse(&format!("spec.notebooks[{}].instanceType", notebook.name), kind, allowed));
        }
    }
    Ok(())
}

// --- network ------------------------------------------------------------------------------------------------------------------

fn network(spec: &spec::IsolatedNotebookEnvironmentSpec) -> Result<Network, Problem> {
    let network = &spec.network;
    let vpc = part(network.vpc.cidr_block.as_ref(), network.vpc.id.as_ref())
        .ok_or_else(|| invalid("`spec.network.vpc` must have exactly one of `cidrBlock` and `id`"))?;
    let subnets = network.subnets.iter().map(|subnet| {
        let managed = subnet.cidr_block.as_ref().map(|cidr_block| ManagedSubnet {
            cidr_block: cidr_block.clone(),
            availability_zone: subnet.availability_zone.clone(),
        });
        let part = part(managed.as_ref(), subnet.id.as_ref()).ok_or_else(|| {
            invalid(format!("`spec.network.subnets[{}]` must have exactly one of `cidrBlock` and `id`", subnet.name))
        })?;
        Ok(Subnet { name: subnet.name.clone(), part })
    });
    let group = |group: &Option<spec::ExistingSecurityGroup>| {
        group.as_ref().map_or(Part::Managed(()), |group| Part::Existing(group.id.clone()))
    };
    Ok(Network {
        subnets: subnets.collect::<Result<_, _>>()?,
        client_cidrs: network.client_cidrs.iter().cloned().collect(),
        client_security_groups: network.client_security_groups.iter().cloned().collect(),
        client_group_traffic: match network.endpoint_ingress {
            EndpointIngress::Https => Traffic::Https,
            EndpointIngress::AllTraffic => Traffic::All,
        },
        notebooks_group: group(&network.security_groups.notebooks),
        endpoints_group: group(&network.security_groups.endpoints),
        endpoints: endpoints(network, &vpc)?,
        acknowledge_vpc_wide: network.acknowledge_vpc_wide,
        vpc,
    })
}

fn part<T: Clone>(managed: Option<&T>, existing: Option<&String>) -> Option<Part<T>> {
    match (managed, existing) {
        (Some(managed), None) => Some(Part::Managed(managed.clone())),
        (None, Some(id)) => Some(Part::Existing(id.clone())),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// The endpoints that follow from the rest of the manifest, then what the manifest says about single ones.
///
/// A VPC of ours has nothing, so it gets everything that notebooks use. A VPC that exists has what its users need; only the way to the packages
/// is added.
fn endpoints(network: &spec::Network, vpc: &Part<String>) -> Result<BTreeMap<Service, Endpoint>, Problem> {
    let derived: &[Service] = match vpc {
        Part::Managed(_) => &[
            Service::S3,
            Service::CodeArtifactApi,
            Service::CodeArtifactRepositories,
            Service::SageMakerApi,
            Service::SageMakerNotebook,
            Service::Sts,
            Service::Logs,
        ],
        Part::Existing(_) => &[Service::CodeArtifactApi, Service::CodeArtifactRepositories],
    };
    let ours = || Endpoint::Managed { policy: EndpointPolicy::LeastPrivilege, private_dns: true, subnets: None };
    let mut endpoints: BTreeMap<Service, Endpoint> = derived.iter().map(|service| (*service, ours())).collect();
    for entry in &network.endpoints {
        let name = wire(&entry.service);
        let service =
            name.parse().map_err(|()| invalid(format!("`spec.network.endpoints` names the unknown service {name}")))?;
        let endpoint = match (&entry.id, entry.external.unwrap_or_default()) {
            (Some(id), _) => Endpoint::Existing(id.clone()),
            (None, true) => Endpoint::External,
            (None, false) => Endpoint::Managed {
                policy: endpoint_policy(&name, entry.policy.as_ref())?,
                private_dns: entry.private_dns.unwrap_or(true),
                subnets: (!entry.subnets.is_empty()).then(|| entry.subnets.iter().cloned().collect()),
            },
        };
        endpoints.insert(service, endpoint);
    }
    Ok(endpoints)
}

/// How long an endpoint policy may be, white space included.
const ENDPOINT_POLICY_LIMIT: usize = 20_480;

fn endpoint_policy(service: &str, policy: Option<&spec::EndpointPolicy>) -> Result<EndpointPolicy, Problem> {
    let Some(policy) = policy else { return Ok(EndpointPolicy::LeastPrivilege) };
    let field = format!("spec.network.endpoints[{service}].policy.document");
    match (&policy.preset, &policy.document) {
        (Some(EndpointPolicyPreset::Default), None) => Ok(EndpointPolicy::FullAccess),
        (None, Some(text)) => {
            let document = PolicyDocument::parse(text).map_err(|error| invalid(format!("`{field}`: {error}")))?;
            if document.statements.iter().any(|statement| statement.principals.is_none()) {
                return Err(invalid(format!("`{field}`: every statement of an endpoint policy must have a Principal")));
            }
            let used = document.to_json().len();
            if used > ENDPOINT_POLICY_LIMIT {
                return Err(invalid(format!("`{field}` has {used} characters, {ENDPOINT_POLICY_LIMIT} are allowed")));
            }
            Ok(EndpointPolicy::Document(document))
        }
        _ => Ok(EndpointPolicy::LeastPrivilege),
    }
}

// --- packages -----------------------------------------------------------------------------------------------------------------

fn repositories(spec: &spec::IsolatedNotebookEnvironmentSpec, role_arn: &str) -> Result<Vec<Repository>, Problem> {
    let convert = |repository: &spec::Repository| {
        Ok(Repository {
            name: repository.name.clone(),
            existing: repository.existing.unwrap_or_default(),
            description: repository.description.clone(),
            upstreams: repository.upstreams.clone(),
            external_connection: repository.external_connection.as_ref().map(wire),
            permissions: match &repository.permissions {
                None => RepositoryPermissions::None,
                Some(permissions) if permissions.statements.is_empty() => {
                    RepositoryPermissions::Readers(permissions.readers.iter().cloned().collect())
                }
                Some(permissions) => {
                    RepositoryPermissions::Document(repository_policy(&repository.name, permissions, role_arn)?)
                }
            },
        })
    };
    spec.packages.repositories.iter().map(convert).collect()
}

/// How long the policy of a domain or repository may be.
const RESOURCE_POLICY_LIMIT: usize = 7168;
/// What reading a repository takes by its own policy.
const READ_ACTIONS: [&str; 3] =
    ["codeartifact:ReadFromRepository", "codeartifact:GetRepositoryEndpoint", "codeartifact:ListPackages"];
/// What using a domain takes by its own policy.
const USE_ACTIONS: [&str; 3] =
    ["codeartifact:GetAuthorizationToken", "codeartifact:DescribeDomain", "codeartifact:ListRepositoriesInDomain"];

fn repository_policy(
    repository: &str,
    permissions: &spec::RepositoryPermissions,
    role_arn: &str,
) -> Result<PolicyDocument, Problem> {
    let field = format!("spec.packages.repositories[{repository}].permissions");
    not_ours(&field, &permissions.statements, REPOSITORY_SID)?;
    let mut statements = resource_statements(&permissions.statements, role_arn);
    if !permissions.readers.is_empty() {
        statements.insert(ordinary(REPOSITORY_SID, READ_ACTIONS, &permissions.readers, role_arn));
    }
    resource_policy(&field, statements)
}

fn domain_policy(domain: &spec::Domain, role_arn: &str) -> Result<Option<PolicyDocument>, Problem> {
    const FIELD: &str = "spec.packages.domain.permissions";
    let Some(permissions) = &domain.permissions else { return Ok(None) };
    not_ours(FIELD, &permissions.statements, DOMAIN_SID)?;
    let mut statements = resource_statements(&permissions.statements, role_arn);
    if !permissions.users.is_empty() || statements.is_empty() {
        statements.insert(ordinary(DOMAIN_SID, USE_ACTIONS, &permissions.users, role_arn));
    }
    resource_policy(FIELD, statements).map(Some)
}

/// The schema says the same; an object may be older than the rule.
fn not_ours(field: &str, statements: &[spec::ResourceStatement], ours: &str) -> Result<(), Problem> {
    if statements.iter().any(|statement| statement.sid.as_deref() == Some(ours)) {
        let message = format!(
            "`{field}.statements` has the `sid` {ours}, which is that of our own statement; any other is allowed"
        );
        return Err(invalid(message));
    }
    Ok(())
}

/// What the execution role and those who are named besides it may do in the ordinary way.
fn ordinary(sid: &str, actions: [&str; 3], named: &[String], role_arn: &str) -> Statement {
    let principals = named.iter().map(|named| principal(named)).chain([format!("AWS:{role_arn}")]);
    Statement::allow(sid, actions, ["*"]).by(principals)
}

fn principal(text: &str) -> String {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "*" => text.to_owned(),
        // As policies are compared: an account's number is its root.
        account if is_account => format!("AWS:arn:aws:iam::{account}:root"),
        arn => format!("AWS:{arn}"),
    }
}

fn resource_statements(statements: &[spec::ResourceStatement], role_arn: &str) -> BTreeSet<Statement> {
    let convert = |statement: &spec::ResourceStatement| {
        let principals = match statement.principals.as_slice() {
            [] => Clause::of([format!("AWS:{role_arn}")]),
            named => Clause::of(named.iter().map(|named| principal(named))),
        };
        Statement {
            sid: statement.sid.clone(),
            effect: effect(statement.effect),
            principals: Some(principals),
            actions: Clause::of(statement.actions.iter().cloned()),
            resources: Some(Clause::of(["*"])),
            conditions: conditions(&statement.conditions),
        }
    };
    statements.iter().map(convert).collect()
}

fn resource_policy(field: &str, statements: BTreeSet<Statement>) -> Result<PolicyDocument, Problem> {
    let document = PolicyDocument::new(statements);
    let used = document.to_json().len();
    if used > RESOURCE_POLICY_LIMIT {
        return Err(invalid(format!(
            "`{field}` make a policy of {used} characters, {RESOURCE_POLICY_LIMIT} are allowed"
        )));
    }
    Ok(document)
}

/// CEL has no recursion, so circles among upstreams are found here.
fn check_upstreams(repositories: &[Repository]) -> Result<(), Problem> {
    let upstreams: BTreeMap<&str, &[String]> =
        repositories.iter().map(|repository| (repository.name.as_str(), repository.upstreams.as_slice())).collect();
    for start in upstreams.keys() {
        let mut path = vec![*start];
        if let Some(circle) = circle_from(start, &upstreams, &mut path) {
            return Err(invalid(format!(
                "`spec.packages.repositories`: upstreams form a circle: {circle}; remove one of these upstreams"
            )));
        }
    }
    Ok(())
}

fn circle_from<'a>(
    start: &str,
    upstreams: &BTreeMap<&'a str, &'a [String]>,
    path: &mut Vec<&'a str>,
) -> Option<String> {
    let here = *path.last()?;
    for next in upstreams.get(here).copied().unwrap_or_default() {
        if next == start {
            return Some(format!("{} -> {start}", path.join(" -> ")));
        }
        if path.contains(&next.as_str()) {
            continue;
        }
        path.push(next);
        if let Some(circle) = circle_from(start, upstreams, path) {
            return Some(circle);
        }
        path.pop();
    }
    None
}

// --- role ---------------------------------------------------------------------------------------------------------------------

fn role(
    spec: &spec::IsolatedNotebookEnvironmentSpec,
    owner: &Owner,
    identity: &AWSIdentity,
) -> Result<ExecutionRole, Problem> {
    let role = &spec.execution_role;
    if let Some(arn) = &role.arn {
        if !arn.contains(&format!(":{}:", identity.spec.account)) {
            let account = &identity.spec.account;
            return Err(invalid(format!("`spec.executionRole.arn` is {arn}; it must be a role of account {account}")));
        }
        return Ok(ExecutionRole::Existing { arn: arn.clone(), attach_policy: role.attach_policy });
    }
    let required = &identity.spec.permissions_boundary;
    if let Some(asked) = role.permissions_boundary.as_ref().filter(|asked| *asked != required) {
        let message = format!(
            "`spec.executionRole.permissionsBoundary` is {asked}, but the identity requires {required}; leave it out"
        );
        return Err(invalid(message).because("NotAllowedByIdentity"));
    }
    let ours = |sid: &&String| ROLE_SIDS.contains(&sid.as_str());
    if let Some(sid) = role.statements.iter().filter_map(|statement| statement.sid.as_ref()).find(ours) {
        return Err(invalid(format!(
            "`spec.executionRole.statements` has the `sid` {sid}, which is one of ours; {} are taken",
            ROLE_SIDS.join(", ")
        )));
    }
    let statements = role.statements.iter().map(|statement| Statement {
        sid: statement.sid.clone(),
        effect: effect(statement.effect),
        principals: None,
        actions: Clause::of(statement.actions.iter().cloned()),
        resources: Some(Clause::of(statement.resources.iter().cloned())),
        conditions: conditions(&statement.conditions),
    });
    Ok(ExecutionRole::Managed(Box::new(ManagedRole {
        name: role.name.clone().unwrap_or_else(|| derived_name(owner, "role", 64)),
        s3: role
            .s3
            .iter()
            .map(|entry| BucketAccess { bucket: entry.bucket.clone(), write: entry.access == Access::ReadWrite })
            .collect(),
        statements: statements.collect(),
        managed_policies: role.managed_policy_arns.iter().cloned().collect(),
        permissions_boundary: Some(required.clone()),
    })))
}

const fn effect(effect: SpecEffect) -> Effect {
    match effect {
        SpecEffect::Allow => Effect::Allow,
        SpecEffect::Deny => Effect::Deny,
    }
}

fn conditions(conditions: &spec::Conditions) -> Conditions {
    let keys = |keys: &BTreeMap<String, Vec<String>>| {
        keys.iter().map(|(key, values)| (key.as_str().into(), values.iter().cloned().collect())).collect()
    };
    conditions.iter().map(|(operator, values)| (operator.clone(), keys(values))).collect()
}

// --- notebooks ----------------------------------------------------------------------------------------------------------------

fn notebooks(spec: &spec::IsolatedNotebookEnvironmentSpec) -> Result<Vec<Notebook>, Problem> {
    let only_subnet = match spec.network.subnets.as_slice() {
        [only] => Some(&only.name),
        _ => None,
    };
    let convert = |notebook: &spec::Notebook| {
        let existing = notebook.existing.unwrap_or_default();
        let subnet = notebook.subnet.as_ref().or(only_subnet);
        if subnet.is_none() && !existing {
            return Err(invalid(format!(
                "`spec.notebooks[{}].subnet` must be set, as there are several subnets",
                notebook.name
            )));
        }
        let lifecycle = notebook.lifecycle.clone().unwrap_or_default();
        Ok(Notebook {
            name: notebook.name.clone(),
            existing,
            instance_type: notebook.instance_type.clone().unwrap_or_default(),
            volume_size_gib: notebook.volume_size_gib.unwrap_or(DEFAULT_VOLUME_SIZE_GIB),
            subnet: subnet.cloned().unwrap_or_default(),
            run: match notebook.state.unwrap_or_default() {
                NotebookState::Unmanaged => Run::Unmanaged,
                NotebookState::Running => Run::Running,
                NotebookState::Stopped => Run::Stopped,
            },
            root_access: notebook.root_access.unwrap_or_default() == RootAccess::Enabled,
            minimum_imds_version: notebook.minimum_imds_version.unwrap_or(DEFAULT_MINIMUM_IMDS_VERSION).to_string(),
            kms_key_id: notebook.kms_key_id.clone(),
            platform: notebook.platform_identifier.clone(),
            on_create: lifecycle.on_create,
            on_start: lifecycle.on_start,
        })
    };
    spec.notebooks.iter().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str, upstreams: &[&str]) -> Repository {
        Repository {
            name: name.into(),
            existing: false,
            description: None,
            upstreams: upstreams.iter().map(|name| (*name).to_owned()).collect(),
            external_connection: None,
            permissions: RepositoryPermissions::None,
        }
    }

    #[test]
    fn a_circle_of_upstreams_is_named() {
        let circle = [repository("a", &["b"]), repository("b", &["c"]), repository("c", &["a"])];
        let problem = check_upstreams(&circle).unwrap_err();
        assert!(problem.message.contains("a -> b -> c -> a"), "{}", problem.message);
        let tree = [repository("a", &["b", "c"]), repository("b", &["c"]), repository("c", &[])];
        assert!(check_upstreams(&tree).is_ok());
    }

    #[test]
    fn tags_that_differ_in_case_only_are_named() {
        let tags = |keys: [&str; 2]| keys.map(|key| (key.to_owned(), String::new())).into();
        let problem = check_tags(&tags(["Team", "team"])).unwrap_err();
        assert!(problem.message.contains("both Team and team"), "{}", problem.message);
        assert_eq!(check_tags(&tags(["Team", "Teams"])), Ok(()));
    }

    #[test]
    fn durations_are_read_as_kubernetes_writes_them() {
        assert_eq!(duration("1h30m").unwrap(), Duration::from_mins(90));
        assert_eq!(duration("5m").unwrap(), Duration::from_mins(5));
        for wrong in ["5", "59s", "25h", "m", "", "5 m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
