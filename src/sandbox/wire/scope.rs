//! Reading the signature of a request: which service and region it is for and whose access key signed it.
//! The signature itself is not verified: the simulator believes everybody.

use bytes::Bytes;
use http::Request;

use super::Service;
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
}

/// The scope of a request, if it is one to a simulated service.
pub fn of(request: &Request<Bytes>) -> Option<Scope> {
    signed(request).or_else(|| unsigned_sts(request))
}

/// `Credential=AKIA…/20261122/eu-west-1/ec2/aws4_request`, in the header or in a presigned query string.
fn signed(request: &Request<Bytes>) -> Option<Scope> {
    let credential = credential_in_header(request).or_else(|| {
        let pairs = query::pairs(request.uri().query()?.as_bytes());
        pairs.into_iter().find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value)
    })?;
    let mut parts = credential.split('/');
    let access_key = parts.next()?.to_owned();
    let _date = parts.next()?;
    let region = parts.next()?.to_owned();
    let service = Service::from_signing_name(parts.next()?)?;
    Some(Scope { service, region, access_key: Some(access_key) })
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
    })
}
