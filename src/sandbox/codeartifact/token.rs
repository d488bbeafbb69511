//! Authorization tokens and repository endpoints: what pip is given to reach packages.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::place::{DomainPlace, RepositoryPlace};
use super::rules::{FORMATS, invalid, malformed};
use crate::sandbox::clock::{Instant, epoch_seconds};
use crate::sandbox::constraint::Members;
use crate::sandbox::sts;
use crate::sandbox::wire::{Call, Caller, Reply};
use crate::sandbox::world::World;

/// How long a token lives unless something else is asked for.
const DEFAULT_LIFETIME: i64 = 43200;

/// What a token stands for. It cannot be taken back; only its bearer's permissions can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The domain it was issued for.
    pub domain: String,
    /// Whoever asked for it.
    pub caller: Caller,
    /// The unique id of the caller's role: another role of the same name has no part in it.
    pub role_id: Option<String>,
    /// When it ends.
    pub expires: Instant,
}

/// `GetAuthorizationToken`. The root user is refused by AWS; the simulator's administrators are shown as root and stand for IAM users here.
pub fn issue(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = DomainPlace::read(&mut members, world, call);
    let duration = members.number("durationSeconds", 0, 43200);
    members.finish().map_err(malformed)?;
    if duration.is_some_and(|seconds| (1..900).contains(&seconds)) {
        return Err(invalid("durationSeconds must be 0 or between 900 and 43200"));
    }
    place.open(world, call)?;
    let lifetime = Duration::from_secs(duration.unwrap_or(DEFAULT_LIFETIME).unsigned_abs());
    let session_ends = sts::session_of(world, &call.caller).map(|session| session.expires);
    let expires = match (lifetime.as_secs(), session_ends) {
        // Only this duration ties the token to the session of the role; any other can outlive it.
        (0, Some(end)) => end,
        (0, None) => call.now + Duration::from_secs(DEFAULT_LIFETIME.unsigned_abs()),
        _ => call.now + lifetime,
    };
    // AWS gives the end in whole seconds.
    let expires = Duration::from_secs(expires.as_secs());
    let role = call.caller.role_name.as_ref();
    let role_id = role.and_then(|name| Some(world.account(&call.caller.account).iam.role(name)?.id.clone()));
    let token = write_token(&place, &call.region, &world.ids.token(86));
    let tokens = &mut world.account(&place.owner).region(&call.region).codeartifact.tokens;
    tokens.retain(|_, grant| grant.expires > call.now);
    let grant = Grant { domain: place.name, caller: call.caller.clone(), role_id, expires };
    tokens.insert(token.clone(), grant);
    Ok(json!({"authorizationToken": token, "expiration": epoch_seconds(expires)}))
}

/// A token says which domain it is for, in a part that is only encoded; the rest is random.
fn write_token(place: &DomainPlace, region: &str, random: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"ver": 1, "kid": "simulated"}));
    format!("{head}.{}.{random}", part(&json!({"reg": region, "own": place.owner, "dom": place.name})))
}

/// The grant behind a token that is valid now, and the region it was issued in.
#[must_use]
pub fn redeem(world: &mut World, token: &str, now: Instant) -> Option<(Grant, String)> {
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()?;
    let (region, owner) = (claims["reg"].as_str()?, claims["own"].as_str()?);
    let tokens = &world.account(owner).region(region).codeartifact.tokens;
    let grant = tokens.get(token).filter(|grant| grant.expires > now)?;
    Some((grant.clone(), region.to_owned()))
}

/// `GetRepositoryEndpoint`. Where the simulator can be reached from outside, the endpoint leads to its own index.
pub fn endpoint(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    if members.raw("format").is_none() {
        members.missing("format");
    }
    let format = members.choice("format", &FORMATS).unwrap_or_default();
    let dual_stack = members.choice("endpointType", &["dualstack", "ipv4"]) == Some("dualstack");
    members.finish().map_err(malformed)?;
    place.open(world, call)?;
    if format == "generic" {
        return Err(invalid("Repository endpoints are not available for the package format generic."));
    }
    let host = format!("{}-{}", place.domain.name, place.domain.owner);
    let suffix = if dual_stack { "on.aws" } else { "amazonaws.com" };
    let base = match &world.settings.public_url {
        Some(url) => format!("{}/_pypi/{host}", url.trim_end_matches('/')),
        None => format!("https://{host}.d.codeartifact.{}.{suffix}", call.region),
    };
    Ok(json!({"repositoryEndpoint": format!("{base}/{format}/{}/", place.name)}))
}
