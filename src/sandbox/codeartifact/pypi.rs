//! The package index of a repository, as pip and twine use it (PEP 503, 691 and 700). It is reached by
//! AWS's host names, by those of a VPC endpoint, and under `/_pypi/` of the simulator's own address.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::access::bearer_may;
use super::package::{Asset, Origin, PackageKey, Version};
use super::place::{DomainPlace, RepositoryPlace};
use super::reach::{Reachable, reach, retain};
use super::token::{Grant, redeem};
use super::upload::Form;
use super::{publish, region_exists};
use crate::sandbox::clock::{Instant, iso8601};
use crate::sandbox::wire::Refusal;
use crate::sandbox::world::World;

const HTML: &str = "text/html; charset=UTF-8";
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// What a request asks a repository for.
struct Target {
    domain: String,
    owner: String,
    repository: String,
    rest: Vec<String>,
    has_slash: bool,
}

impl Target {
    /// Where the request leads, if to a repository at all.
    fn of(request: &Request<Bytes>) -> Option<Self> {
        let path = request.uri().path();
        if let Some(path) = path.strip_prefix("/_pypi/") {
            let (label, path) = path.split_once('/')?;
            return Self::parse(label, path.strip_prefix("pypi/")?);
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or(request.uri().host())?;
        let (label, rest) = host.split_once(".d.codeartifact.")?;
        let region = rest.split('.').next()?;
        let path = path.strip_prefix("/pypi/")?;
        if !region_exists(region) {
            return None;
        }
        // The names of a VPC endpoint do not say which domain, so the path does.
        match path.strip_prefix("d/").filter(|_| label.starts_with("vpce-")) {
            Some(path) => path.split_once('/').and_then(|(label, path)| Self::parse(label, path)),
            None => Self::parse(label, path),
        }
    }

    fn parse(label: &str, path: &str) -> Option<Self> {
        let (domain, owner) = label.rsplit_once('-')?;
        let mut parts = path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
        let repository = parts.next()?;
        let mut rest: Vec<String> = parts.collect();
        let has_slash = rest.last().is_none_or(String::is_empty);
        if has_slash {
            rest.pop();
        }
        Some(Self { domain: domain.to_owned(), owner: owner.to_owned(), repository, rest, has_slash })
    }
}

/// Answers a request to a repository endpoint; `None` if it is not one.
pub fn handle(world: &mut World, request: &Request<Bytes>, now: Instant) -> Option<Response<Bytes>> {
    let target = Target::of(request)?;
    Some(answer(world, request, &target, now).unwrap_or_else(|response| response))
}

type Answer = Result<Response<Bytes>, Response<Bytes>>;

/// A repository that the bearer of the token may use, and who that is.
struct Session {
    place: RepositoryPlace,
    region: String,
    now: Instant,
}

fn answer(world: &mut World, request: &Request<Bytes>, target: &Target, now: Instant) -> Answer {
    let action = if request.method() == Method::POST { "PublishPackageVersion" } else { "ReadFromRepository" };
    let session = enter(world, request.headers(), target, action, now)?;
    let rest: Vec<&str> = target.rest.iter().map(String::as_str).collect();
    match (request.method().as_str(), rest.as_slice()) {
        ("POST", []) => upload(world, request, &session),
        ("GET" | "HEAD", ["simple", package]) if !target.has_slash => Ok(redirect(package)),
        ("GET" | "HEAD", ["simple", package]) => index(world, request.headers(), &session, package),
        ("GET" | "HEAD", ["simple", package, version, file]) => {
            let (delivered, response) = download(world, &session, package, version, file)?;
            if request.method() == Method::GET {
                retain_in(world, &session, package, &delivered);
            }
            Ok(response)
        }
        // There is no list of all projects.
        ("GET" | "HEAD" | "POST", _) => Err(plain(StatusCode::NOT_FOUND, "Not Found")),
        _ => Err(plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")),
    }
}

/// The user is always `aws` and the token its password; or the token comes as it is.
fn token_in(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (user, token) = decoded.split_once(':')?;
    (scheme.eq_ignore_ascii_case("basic") && user == "aws").then(|| token.to_owned())
}

fn enter(
    world: &mut World,
    headers: &HeaderMap,
    target: &Target,
    action: &str,
    now: Instant,
) -> Result<Session, Response<Bytes>> {
    let redeemed = token_in(headers).and_then(|token| redeem(world, &token, now));
    let Some((grant, region)) = redeemed.filter(|(grant, _)| grant.domain == target.domain) else {
        return Err(unauthenticated());
    };
    let domain = DomainPlace::new(world, &region, target.owner.clone(), &target.domain);
    let place = domain.repository(&target.repository);
    must_be_allowed(world, &grant, action, &place, &region, now)?;
    let readable = domain.find(world, &region).and_then(|domain| {
        domain.must_be_readable()?;
        domain.repository(&place.name).map(|_| ())
    });
    readable.map_err(|refusal| refuse(&refusal))?;
    Ok(Session { place, region, now })
}

fn must_be_allowed(
    world: &mut World,
    grant: &Grant,
    action: &str,
    place: &RepositoryPlace,
    region: &str,
    now: Instant,
) -> Result<(), Response<Bytes>> {
    if bearer_may(world, grant, &format!("codeartifact:{action}"), place, region, now) {
        return Ok(());
    }
    let message = format!("User: {} is not authorized to perform: codeartifact:{action}", grant.caller.arn);
    Err(plain(StatusCode::FORBIDDEN, &message))
}

/// The versions of a package that can be delivered.
fn versions(
    world: &mut World,
    session: &Session,
    key: &PackageKey,
) -> Result<BTreeMap<String, Reachable>, Response<Bytes>> {
    let domain = session.place.domain.find(world, &session.region).map_err(|refusal| refuse(&refusal))?;
    let found = reach(domain, &session.place.name, key).map_err(|refusal| refuse(&refusal))?;
    if found.is_empty() {
        return Err(plain(StatusCode::NOT_FOUND, &format!("Package '{}' not found", key.name)));
    }
    Ok(found)
}

fn index(world: &mut World, headers: &HeaderMap, session: &Session, package: &str) -> Answer {
    let key = PackageKey::python(package);
    let found = versions(world, session, &key)?;
    let listed: Vec<&Version> = found.values().map(|one| &one.version).filter(|version| version.is_listed()).collect();
    let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or_default();
    // What pip prefers it names first.
    let wants_json = match (accepted.find(JSON), accepted.find("text/html")) {
        (Some(json), Some(html)) => json < html,
        (json, _) => json.is_some(),
    };
    let (kind, body) = if wants_json { (JSON, json_index(&key, &listed)) } else { (HTML, html_index(&key, &listed)) };
    Ok(respond(StatusCode::OK, kind, body.into()))
}

fn link(version: &Version, asset: &Asset) -> String {
    format!("{}/{}#sha256={}", version.version, asset.name, asset.sha256)
}

fn html_index(key: &PackageKey, versions: &[&Version]) -> String {
    let mut lines = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.1\"><title>Links for {0}</title>\
         </head><body>\n<h1>Links for {0}</h1>\n",
        key.name
    );
    for version in versions {
        let python = version.requires_python.as_deref().map(|range| range.replace('>', "&gt;").replace('<', "&lt;"));
        let python = python.map(|range| format!(" data-requires-python=\"{range}\"")).unwrap_or_default();
        for asset in &version.assets {
            lines.extend(["<a href=\"", &link(version, asset), "\"", &python, ">", &asset.name, "</a><br>\n"]);
        }
    }
    lines + "</body></html>\n"
}

fn json_index(key: &PackageKey, versions: &[&Version]) -> String {
    let file = |version: &Version, asset: &Asset| {
        json!({
            "filename": asset.name,
            "url": format!("{}/{}", version.version, asset.name),
            "hashes": {"sha256": asset.sha256},
            "requires-python": version.requires_python,
            "size": asset.content.len(),
            "upload-time": iso8601(asset.uploaded),
        })
    };
    let files: Vec<Value> =
        versions.iter().flat_map(|version| version.assets.iter().map(move |asset| file(version, asset))).collect();
    let numbers: Vec<&str> = versions.iter().map(|version| version.version.as_str()).collect();
    json!({"meta": {"api-version": "1.1"}, "name": key.name, "versions": numbers, "files": files}).to_string()
}

fn download(
    world: &mut World,
    session: &Session,
    package: &str,
    version: &str,
    file: &str,
) -> Result<(Reachable, Response<Bytes>), Response<Bytes>> {
    let mut found = versions(world, session, &PackageKey::python(package))?;
    let missing = || plain(StatusCode::NOT_FOUND, &format!("'{file}' not found"));
    let delivered = found.remove(version).filter(|found| found.version.is_downloadable()).ok_or_else(missing)?;
    let asset = delivered.version.assets.iter().find(|asset| asset.name == file).ok_or_else(missing)?;
    let content = asset.content.clone();
    Ok((delivered, respond(StatusCode::OK, "application/octet-stream", content)))
}

fn retain_in(world: &mut World, session: &Session, package: &str, delivered: &Reachable) {
    if let Ok(domain) = session.place.domain.find(world, &session.region) {
        retain(domain, &session.place.name, &PackageKey::python(package), delivered, session.now);
    }
}

/// What twine does.
fn upload(world: &mut World, request: &Request<Bytes>, session: &Session) -> Answer {
    let malformed = || plain(StatusCode::BAD_REQUEST, "Not a package upload");
    let form = Form::read(request.headers(), request.body()).ok_or_else(malformed)?;
    let (file, content) = form.file.clone().ok_or_else(malformed)?;
    let name = form.text("name").ok_or_else(malformed)?;
    let number = form.text("version").ok_or_else(malformed)?;
    let asset = Asset::new(file, content, session.now);
    if form.text("sha256_digest").is_some_and(|digest| digest != asset.sha256) {
        return Err(plain(StatusCode::BAD_REQUEST, "The SHA-256 digest does not match the content"));
    }
    let version = Version {
        version: number.to_owned(),
        status: "Published".to_owned(),
        published: session.now,
        origin: Origin::Internal(session.place.name.clone()),
        summary: form.text("summary").unwrap_or_default().to_owned(),
        requires: form.texts("requires_dist"),
        requires_python: form.text("requires_python").map(str::to_owned),
        assets: vec![asset],
    };
    let domain = session.place.domain.find(world, &session.region).map_err(|refusal| refuse(&refusal))?;
    publish::add(domain, &session.place.name, &PackageKey::python(name), version)
        .map_err(|refusal| refuse(&refusal))?;
    Ok(plain(StatusCode::OK, ""))
}

fn refuse(refusal: &Refusal) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    plain(status, &refusal.message)
}

fn unauthenticated() -> Response<Bytes> {
    let mut response = plain(StatusCode::UNAUTHORIZED, "Unauthenticated: request did not include a valid token");
    let challenge = HeaderValue::from_static("Basic realm=\"AWS CodeArtifact\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// Links in an index are relative, so its address has to end in a slash.
fn redirect(package: &str) -> Response<Bytes> {
    let mut response = plain(StatusCode::MOVED_PERMANENTLY, "");
    if let Ok(location) = HeaderValue::from_str(&format!("{package}/")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn plain(status: StatusCode, message: &str) -> Response<Bytes> {
    respond(status, "text/plain; charset=UTF-8", Bytes::from(message.to_owned()))
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
