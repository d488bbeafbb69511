//! Reading the signature of a request: which service and region it is for and whose access key signed it.
//! The signature itself is not verified: the simulator believes everybody.

use bytes::Bytes;
use http::Request;

use super::Service;
use super::misread::Unsigned;
use super::query;

/// What the signature of a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The service of the credential scope.
    pub service: Service,
    /// The region of the credential scope.
    pub region: String,
    /// The access key id; `None` for the few operations that need no signature.
    pub access_key: Option<String>,
    /// The token that belongs to temporary credentials, as it was sent.
    pub session_token: Option<String>,
}

/// The scope of a request, if it is one to a simulated service.
pub(super) fn of(request: &Request<Bytes>) -> Result<Scope, Unsigned> {
    match credential(request) {
        Some(credential) => signed(request, &credential),
        None if request.headers().contains_key("authorization") => Err(Unsigned::Garbled),
        None => unsigned_sts(request).ok_or(Unsigned::Missing),
    }
}

/// `AKIA…/20261122/eu-west-1/ec2/aws4_request`, in the header or in a presigned query string.
fn credential(request: &Request<Bytes>) -> Option<String> {
    credential_in_header(request).or_else(|| in_query(request, "X-Amz-Credential"))
}

fn in_query(request: &Request<Bytes>, wanted: &str) -> Option<String> {
    let pairs = query::pairs(request.uri().query()?.as_bytes());
    pairs.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
}

fn signed(request: &Request<Bytes>, credential: &str) -> Result<Scope, Unsigned> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, _date, region, service, ..] = parts[..] else { return Err(Unsigned::Garbled) };
    let known = Service::from_signing_name(service).ok_or_else(|| Unsigned::Elsewhere(service.to_owned()))?;
    let in_header = request.headers().get("x-amz-security-token").and_then(|token| token.to_str().ok());
    Ok(Scope {
        service: known,
        region: region.to_owned(),
        access_key: Some(access_key.to_owned()),
        session_token: in_header.map(str::to_owned).or_else(|| in_query(request, "X-Amz-Security-Token")),
    })
}

fn credential_in_header(request: &Request<Bytes>) -> Option<String> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let start = header.find("Credential=")? + "Credential=".len();
    header[start..].split([',', ' ']).next().map(str::to_owned)
}

/// A pod with a projected token has nothing to sign with yet: `AssumeRoleWithWebIdentity` comes unsigned.
fn unsigned_sts(request: &Request<Bytes>) -> Option<Scope> {
    let (operation, _) = query::read(request)?;
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).or(request.uri().host())?;
    let region = host.strip_prefix("sts.").and_then(|rest| rest.strip_suffix(".amazonaws.com")).unwrap_or("us-east-1");
    operation.starts_with("AssumeRoleWith").then(|| Scope {
        service: Service::Sts,
        region: region.to_owned(),
        access_key: None,
        session_token: None,
    })
}
