//! STS: temporary credentials, who they belong to, and who may get them.
//!
//! It evaluates trust policies; what a session may then do is IAM's to say. Signatures are not checked anywhere, so an
//! access key id is all there is to a lasting credential; a temporary one needs its session token too.

mod parameters;
mod web_identity;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::clock::{Instant, iso8601_seconds};
use super::iam::{self, Role, show_principals, tags};
use super::policy::{AccessRequest, Document, Kind, evaluate, grants_by_name};
use super::wire::{Call, Caller, Refusal, Reply, Service, unknown_operation};
use super::world::World;

/// Sessions that come from a session last an hour at most (AWS: role chaining).
const CHAINED_LIMIT: i64 = 3600;

/// The credentials that have been given out, by access key id.
#[derive(Debug, Clone, Default)]
pub struct State {
    sessions: BTreeMap<String, Open>,
}

/// A session, and the token without which its key is worth nothing.
#[derive(Debug, Clone)]
struct Open {
    token: String,
    session: Session,
}

/// What a temporary credential stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Who one is with it.
    pub caller: Caller,
    /// The unique id of the role: a session does not outlive its role.
    pub role_id: Option<String>,
    /// When it ends.
    pub expires: Instant,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of the session tags that later sessions inherit.
    pub transitive: Vec<String>,
    /// Documents that cut the session down.
    pub policies: Vec<String>,
    /// Managed policies that cut it down.
    pub policy_arns: Vec<String>,
}

impl Session {
    /// Whether the session has session policies.
    #[must_use]
    pub fn limits(&self) -> bool {
        !self.policies.is_empty() || !self.policy_arns.is_empty()
    }
}

/// Who an access key given out by STS belongs to; `None` for a key that is not of this kind.
///
/// # Errors
/// The session has ended, or never was; or its token did not come with the key.
pub fn caller(
    world: &World,
    service: Service,
    (access_key, token): (&str, Option<&str>),
    now: Instant,
) -> Result<Option<Caller>, Refusal> {
    let Some(Open { token: own, session }) = world.sts.sessions.get(access_key) else {
        return if access_key.starts_with("ASIA") { Err(invalid_token(service)) } else { Ok(None) };
    };
    if token != Some(own) {
        return Err(invalid_token(service));
    }
    if now >= session.expires {
        return Err(expired_token(service));
    }
    if let (Some(id), Some(name)) = (&session.role_id, &session.caller.role_name) {
        let role = world.existing_account(&session.caller.account).and_then(|account| account.iam.role(name));
        if role.is_none_or(|role| role.id != *id) {
            return Err(invalid_token(service));
        }
    }
    Ok(Some(session.caller.clone()))
}

fn expired_token(service: Service) -> Refusal {
    let message = "The security token included in the request is expired";
    match service {
        Service::Ec2 => Refusal::new(400, "RequestExpired", "Request has expired."),
        Service::Iam | Service::Sts => Refusal::new(403, "ExpiredToken", message),
        Service::CodeArtifact => Refusal::new(403, "ExpiredTokenException", message),
        Service::SageMaker => Refusal::new(400, "ExpiredTokenException", message),
    }
}

fn invalid_token(service: Service) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match service {
        Service::Ec2 => {
            Refusal::new(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
        }
        Service::Iam | Service::Sts => Refusal::new(403, "InvalidClientTokenId", message),
        Service::CodeArtifact => Refusal::new(403, "UnrecognizedClientException", message),
        Service::SageMaker => Refusal::new(400, "UnrecognizedClientException", message),
    }
}

/// The session of a caller; of several with the same name the one that lasts longest.
pub(super) fn session_of(world: &World, caller: &Caller) -> Option<Session> {
    let sessions = world.sts.sessions.values().map(|open| &open.session);
    let sessions = sessions.filter(|session| session.caller.arn == caller.arn);
    sessions.max_by_key(|session| session.expires).filter(|_| caller.role_name.is_some()).cloned()
}

/// `AROA…:session` for a session of a role, the account's number for its root.
pub(super) fn user_id(role: Option<&Role>, caller: &Caller) -> String {
    let session = caller.arn.rsplit('/').next().unwrap_or_default();
    role.map_or_else(|| caller.account.clone(), |role| format!("{}:{session}", role.id))
}

/// Answers a call.
///
/// # Errors
/// What AWS would refuse.
pub fn handle(world: &mut World, call: &Call) -> Reply {
    match call.operation.as_str() {
        "AssumeRole" => assume_role(world, call),
        "AssumeRoleWithWebIdentity" => web_identity::assume_role(world, call),
        "GetCallerIdentity" => Ok(caller_identity(world, call)),
        "GetSessionToken" => session_token(world, call),
        other => Err(unknown_operation(call.service, other)),
    }
}

fn caller_identity(world: &mut World, call: &Call) -> Value {
    let caller = &call.caller;
    let account = &world.account(&caller.account).iam;
    let role = caller.role_name.as_ref().and_then(|name| account.role(name));
    json!({"UserId": user_id(role, caller), "Account": caller.account, "Arn": caller.arn})
}

fn not_authorized(call: &Call, role_arn: &str, action: &str) -> Refusal {
    let message = format!("User: {} is not authorized to perform: {action} on resource: {role_arn}", call.caller.arn);
    Refusal::new(403, "AccessDenied", message)
}

/// The role that a call names. One that does not exist is refused like one that does not trust the caller.
fn role_named(world: &mut World, call: &Call, refusal: impl Fn() -> Refusal) -> Result<Role, Refusal> {
    let arn = call.text("RoleArn").unwrap_or_default();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, resource] if resource.starts_with("role/") => {
            world.account(account).iam.role_by_arn(arn).cloned().ok_or_else(refusal)
        }
        _ => Err(iam::validation_error("Request ARN is invalid")),
    }
}

fn trust_of(world: &mut World, role: &Role, now: Instant) -> Vec<Document> {
    let Some(stored) = role.trust_in_force(now).map(str::to_owned) else { return Vec::new() };
    Document::parse(&show_principals(world, &stored), Kind::Trust).into_iter().collect()
}

/// A root may take roles here, which in AWS it may not: it stands for the administrator of its account.
fn assume_role(world: &mut World, call: &Call) -> Reply {
    parameters::check_assume_role(call)?;
    let arn = call.text("RoleArn").unwrap_or_default();
    let role = role_named(world, call, || not_authorized(call, arn, "sts:AssumeRole"))?;
    let inherited = session_of(world, &call.caller);
    let mut tags: BTreeMap<String, String> =
        tags::in_call(call).map(|(key, value)| (key.into(), value.into())).collect();
    let mut actions = vec!["sts:AssumeRole"];
    if !tags.is_empty() || !call.texts("TransitiveTagKeys").is_empty() {
        actions.push("sts:TagSession");
    }
    if call.text("SourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        may_assume(world, call, &role, action)?;
    }
    let chained = call.caller.role_name.is_some();
    let seconds = duration(call, &role, chained)?;
    let mut transitive = call.texts("TransitiveTagKeys");
    for key in inherited.iter().flat_map(|session| &session.transitive) {
        if let Some(value) = inherited.as_ref().and_then(|session| session.tags.get(key)) {
            tags.insert(key.clone(), value.clone());
        }
        transitive.push(key.clone());
    }
    let session = Session {
        caller: session_caller(&role, call.text("RoleSessionName").unwrap_or_default()),
        role_id: Some(role.id.clone()),
        expires: call.now + seconds,
        tags,
        transitive,
        policies: call.text("Policy").map(str::to_owned).into_iter().collect(),
        policy_arns: policy_arns(call),
    };
    let mut answer = role_answer(world, &role, session);
    answer["SourceIdentity"] = json!(call.text("SourceIdentity"));
    Ok(answer)
}

fn policy_arns(call: &Call) -> Vec<String> {
    let members = call.items("PolicyArns").iter();
    members.filter_map(|member| member.get("arn").and_then(Value::as_str).map(str::to_owned)).collect()
}

fn session_caller(role: &Role, session: &str) -> Caller {
    Caller { account: role.account().to_owned(), arn: role.session_arn(session), role_name: Some(role.name.clone()) }
}

/// The trust policy has to allow it; unless that names the caller itself and is of the same account, so does the
/// caller's own role.
fn may_assume(world: &mut World, call: &Call, role: &Role, action: &str) -> Result<(), Refusal> {
    let refused = || not_authorized(call, &role.arn, action);
    let mut request = iam::request(world, &call.caller, &call.region, call.now);
    action.clone_into(&mut request.action);
    request.resource.clone_from(&role.arn);
    request.context.extend(session_context(call, role));
    let trust = trust_of(world, role, call.now);
    if !evaluate(&trust, &request).is_allow() {
        return Err(refused());
    }
    let granted = role.account() == call.caller.account && grants_by_name(&trust, &request);
    iam::permits(world, &call.caller, &request, granted).map_err(|_| refused())
}

/// The condition keys of taking a role.
fn session_context(call: &Call, role: &Role) -> BTreeMap<String, Vec<String>> {
    let mut context = BTreeMap::new();
    for (parameter, key) in [
        ("ExternalId", "sts:ExternalId"),
        ("RoleSessionName", "sts:RoleSessionName"),
        ("SourceIdentity", "sts:SourceIdentity"),
    ] {
        if let Some(value) = call.text(parameter) {
            context.insert(key.to_owned(), vec![value.to_owned()]);
        }
    }
    for (key, value) in tags::in_call(call) {
        context.insert(format!("aws:RequestTag/{key}"), vec![value.to_owned()]);
        context.entry("aws:TagKeys".to_owned()).or_insert_with(Vec::new).push(key.to_owned());
    }
    let transitive = call.texts("TransitiveTagKeys");
    if !transitive.is_empty() {
        context.insert("sts:TransitiveTagKeys".to_owned(), transitive);
    }
    for (key, value) in role.tags.iter() {
        context.insert(format!("aws:ResourceTag/{key}"), vec![value.to_owned()]);
        context.insert(format!("iam:ResourceTag/{key}"), vec![value.to_owned()]);
    }
    context
}

fn duration(call: &Call, role: &Role, chained: bool) -> Result<Duration, Refusal> {
    let seconds = call.number("DurationSeconds").unwrap_or(3600);
    if chained && seconds > CHAINED_LIMIT {
        return Err(iam::validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > role.max_session {
        return Err(iam::validation_error(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// Opens a session and answers with its credentials and what it is called.
fn role_answer(world: &mut World, role: &Role, session: Session) -> Value {
    let caller = session.caller.clone();
    let packed = session.limits() || !session.tags.is_empty();
    let length = session.policies.iter().map(String::len).sum::<usize>()
        + session.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let mut answer = json!({
        "Credentials": open(world, session),
        "AssumedRoleUser": {"AssumedRoleId": user_id(Some(role), &caller), "Arn": caller.arn},
    });
    if packed {
        // How AWS packs is not documented; this is the share of the plain limit.
        answer["PackedPolicySize"] = json!((length * 100).div_ceil(parameters::SESSION_POLICY_LIMIT));
    }
    answer
}

/// What a service does for whoever it works for (a notebook instance): it takes a role that trusts it. Gives the access key id and the
/// token of the session.
pub fn take_for_service(
    world: &mut World,
    account: &str,
    role: &str,
    service: &str,
    session: &str,
    now: Instant,
) -> Option<(String, String)> {
    let role = world.account(account).iam.role(role).filter(|role| role.trusts_service(service, now))?.clone();
    let session = Session {
        caller: session_caller(&role, session),
        role_id: Some(role.id),
        expires: now + Duration::from_hours(1),
        tags: BTreeMap::new(),
        transitive: Vec::new(),
        policies: Vec::new(),
        policy_arns: Vec::new(),
    };
    let credentials = open(world, session);
    let text = |name: &str| credentials[name].as_str().map(str::to_owned);
    Some((text("AccessKeyId")?, text("SessionToken")?))
}

fn open(world: &mut World, session: Session) -> Value {
    let mut key = world.ids.unique("ASIA");
    key.truncate(20);
    let secret = world.ids.token(40);
    let token = format!("FwoGZXIvYXdzE{}", world.ids.token(200));
    let credentials = json!({
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": iso8601_seconds(session.expires),
    });
    world.sts.sessions.insert(key, Open { token, session });
    credentials
}

fn session_token(world: &mut World, call: &Call) -> Reply {
    parameters::check_session_token(call)?;
    if call.caller.role_name.is_some() {
        return Err(Refusal::new(403, "AccessDenied", "Cannot call GetSessionToken with session credentials"));
    }
    // The sessions of a root last an hour at most.
    let seconds = call.number("DurationSeconds").unwrap_or(3600).min(3600);
    let session = Session {
        caller: call.caller.clone(),
        role_id: None,
        expires: call.now + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        tags: BTreeMap::new(),
        transitive: Vec::new(),
        policies: Vec::new(),
        policy_arns: Vec::new(),
    };
    Ok(json!({"Credentials": open(world, session)}))
}

/// A request by somebody who is not an AWS principal: a federated one.
fn federated_request(call: &Call, provider: &str, role: &Role) -> AccessRequest {
    AccessRequest {
        principal_arn: provider.to_owned(),
        role_arn: None,
        action: format!("sts:{}", call.operation),
        resource: role.arn.clone(),
        context: session_context(call, role),
    }
}

#[cfg(test)]
mod tests;
