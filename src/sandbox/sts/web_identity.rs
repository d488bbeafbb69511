//! Taking a role with the token of an identity provider, as pods with a service account do. The signature of the token is
//! not checked; what it claims is.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::clock::{Instant, iso8601_seconds};
use super::super::policy::evaluate;
use super::super::wire::{Call, Refusal, Reply};
use super::super::world::World;
use super::{
    Session, duration, federated_request, parameters, policy_arns, role_answer, role_named, session_caller, trust_of,
};

/// What is believed of a token.
struct Claims {
    issuer: String,
    subject: String,
    audience: Vec<String>,
    expires: Option<Instant>,
}

pub(super) fn assume_role(world: &mut World, call: &Call) -> Reply {
    parameters::check_web_identity(call)?;
    let claims = read(call.text("WebIdentityToken").unwrap_or_default())?;
    if let Some(expires) = claims.expires.filter(|expires| *expires <= call.now) {
        let (now, expires) = (iso8601_seconds(call.now), iso8601_seconds(expires));
        let message =
            format!("Token expired: current date/time {now} must be before the expiration date/time {expires}");
        return Err(Refusal::new(400, "ExpiredTokenException", message));
    }
    let refused = || Refusal::new(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let role = role_named(world, call, refused)?;
    let issuer = claims.issuer.trim_start_matches("https://");
    let provider = format!("arn:{}:iam::{}:oidc-provider/{issuer}", world.partition, role.account());
    let mut request = federated_request(call, &provider, &role);
    request.context.insert(format!("{issuer}:sub"), vec![claims.subject.clone()]);
    request.context.insert(format!("{issuer}:aud"), claims.audience.clone());
    if !evaluate(&trust_of(world, &role, call.now), &request).is_allow() {
        return Err(refused());
    }
    let session = Session {
        caller: session_caller(&role, call.text("RoleSessionName").unwrap_or_default()),
        role_id: Some(role.id.clone()),
        expires: call.now + duration(call, &role, false)?,
        tags: BTreeMap::new(),
        transitive: Vec::new(),
        policies: call.text("Policy").map(str::to_owned).into_iter().collect(),
        policy_arns: policy_arns(call),
    };
    let mut answer = role_answer(world, &role, session);
    answer["SubjectFromWebIdentityToken"] = json!(claims.subject);
    answer["Provider"] = json!(provider);
    answer["Audience"] = json!(claims.audience.first());
    Ok(answer)
}

fn read(token: &str) -> Result<Claims, Refusal> {
    let not_a_token = || {
        Refusal::new(
            400,
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    };
    let payload = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Value = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(not_a_token)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let audience = match claims.get("aud") {
        Some(Value::Array(entries)) => entries.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(single)) => vec![single.clone()],
        _ => Vec::new(),
    };
    Ok(Claims {
        issuer: text("iss").ok_or_else(not_a_token)?,
        subject: text("sub").ok_or_else(not_a_token)?,
        audience,
        expires: claims.get("exp").and_then(Value::as_u64).map(Duration::from_secs),
    })
}
