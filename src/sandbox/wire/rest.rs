//! CodeArtifact's protocol: operation from method and path, members from the query string, the headers and the body,
//! under the names of the service's model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

use super::misread::Misread;
use super::{finish, json_body, json_object, query};

/// Method, path and operation, as in the model of API version 2018-09-22.
const ROUTES: [(&str, &str, &str); 48] = [
    ("POST", "/v1/repository/external-connection", "AssociateExternalConnection"),
    ("POST", "/v1/package/versions/copy", "CopyPackageVersions"),
    ("POST", "/v1/domain", "CreateDomain"),
    ("POST", "/v1/package-group", "CreatePackageGroup"),
    ("POST", "/v1/repository", "CreateRepository"),
    ("DELETE", "/v1/domain", "DeleteDomain"),
    ("DELETE", "/v1/domain/permissions/policy", "DeleteDomainPermissionsPolicy"),
    ("DELETE", "/v1/package", "DeletePackage"),
    ("DELETE", "/v1/package-group", "DeletePackageGroup"),
    ("POST", "/v1/package/versions/delete", "DeletePackageVersions"),
    ("DELETE", "/v1/repository", "DeleteRepository"),
    ("DELETE", "/v1/repository/permissions/policies", "DeleteRepositoryPermissionsPolicy"),
    ("GET", "/v1/domain", "DescribeDomain"),
    ("GET", "/v1/package", "DescribePackage"),
    ("GET", "/v1/package-group", "DescribePackageGroup"),
    ("GET", "/v1/package/version", "DescribePackageVersion"),
    ("GET", "/v1/repository", "DescribeRepository"),
    ("DELETE", "/v1/repository/external-connection", "DisassociateExternalConnection"),
    ("POST", "/v1/package/versions/dispose", "DisposePackageVersions"),
    ("GET", "/v1/get-associated-package-group", "GetAssociatedPackageGroup"),
    ("POST", "/v1/authorization-token", "GetAuthorizationToken"),
    ("GET", "/v1/domain/permissions/policy", "GetDomainPermissionsPolicy"),
    ("GET", "/v1/package/version/asset", "GetPackageVersionAsset"),
    ("GET", "/v1/package/version/readme", "GetPackageVersionReadme"),
    ("GET", "/v1/repository/endpoint", "GetRepositoryEndpoint"),
    ("GET", "/v1/repository/permissions/policy", "GetRepositoryPermissionsPolicy"),
    ("GET", "/v1/package-group-allowed-repositories", "ListAllowedRepositoriesForGroup"),
    ("GET", "/v1/list-associated-packages", "ListAssociatedPackages"),
    ("POST", "/v1/domains", "ListDomains"),
    ("POST", "/v1/package-groups", "ListPackageGroups"),
    ("POST", "/v1/package/version/assets", "ListPackageVersionAssets"),
    ("POST", "/v1/package/version/dependencies", "ListPackageVersionDependencies"),
    ("POST", "/v1/package/versions", "ListPackageVersions"),
    ("POST", "/v1/packages", "ListPackages"),
    ("POST", "/v1/repositories", "ListRepositories"),
    ("POST", "/v1/domain/repositories", "ListRepositoriesInDomain"),
    ("POST", "/v1/package-groups/sub-groups", "ListSubPackageGroups"),
    ("POST", "/v1/tags", "ListTagsForResource"),
    ("POST", "/v1/package/version/publish", "PublishPackageVersion"),
    ("PUT", "/v1/domain/permissions/policy", "PutDomainPermissionsPolicy"),
    ("POST", "/v1/package", "PutPackageOriginConfiguration"),
    ("PUT", "/v1/repository/permissions/policy", "PutRepositoryPermissionsPolicy"),
    ("POST", "/v1/tag", "TagResource"),
    ("POST", "/v1/untag", "UntagResource"),
    ("PUT", "/v1/package-group", "UpdatePackageGroup"),
    ("PUT", "/v1/package-group-origin-configuration", "UpdatePackageGroupOriginConfiguration"),
    ("POST", "/v1/package/versions/update_status", "UpdatePackageVersionsStatus"),
    ("PUT", "/v1/repository", "UpdateRepository"),
];

/// Operation and parameters of a request. The content of a published asset is in `assetContent`, in base64.
pub(super) fn read(request: &Request<Bytes>) -> Result<(String, Value), Misread> {
    let method = request.method().as_str();
    let path = request.uri().path();
    let route = ROUTES.iter().find(|route| route.0 == method && route.1 == path);
    let operation = route.ok_or(Misread::Operation)?.2;
    let mut params = body(operation, request)?;
    for (name, value) in query::pairs(request.uri().query().unwrap_or_default().as_bytes()) {
        let member = member(operation, &name);
        params.insert(member.clone(), typed(&member, value));
    }
    Ok((operation.to_owned(), Value::Object(params)))
}

fn body(operation: &str, request: &Request<Bytes>) -> Result<Map<String, Value>, Misread> {
    if operation != "PublishPackageVersion" {
        return json_object(request.body());
    }
    let mut params = Map::new();
    params.insert("assetContent".into(), BASE64.encode(request.body()).into());
    let digest = request.headers().get("x-amz-content-sha256").and_then(|digest| digest.to_str().ok());
    params.extend(digest.map(|digest| ("assetSHA256".to_owned(), digest.into())));
    Ok(params)
}

/// The model's name of a query parameter: camel case, but for a handful that are abbreviated on the wire.
fn member(operation: &str, name: &str) -> String {
    match (operation, name) {
        (_, "duration") => "durationSeconds".into(),
        (_, "version") => "packageVersion".into(),
        (_, "revision") => "packageVersionRevision".into(),
        ("PublishPackageVersion", "asset") => "assetName".into(),
        _ => {
            let mut parts = name.split('-');
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |joined, part| {
                let (head, tail) = part.split_at(part.len().min(1));
                joined + &head.to_ascii_uppercase() + tail
            })
        }
    }
}

fn typed(member: &str, value: String) -> Value {
    match member {
        "maxResults" | "durationSeconds" => value.parse::<i64>().map_or(Value::String(value), Value::from),
        "preview" | "unfinished" => value.parse::<bool>().map_or(Value::String(value), Value::from),
        _ => Value::String(value),
    }
}

/// Writes the answer. The handler of `GetPackageVersionAsset` gives the content in `asset`, in base64.
pub fn answer(operation: &str, request_id: &str, value: &Value) -> Response<Bytes> {
    if operation != "GetPackageVersionAsset" {
        return json_body(200, request_id, "application/json", None, value);
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let content = BASE64.decode(text("asset")).unwrap_or_default();
    let mut response = Response::new(Bytes::from(content));
    finish(&mut response, 200, request_id, "application/octet-stream");
    let headers = [
        ("x-assetname", "assetName"),
        ("x-packageversion", "packageVersion"),
        ("x-packageversionrevision", "packageVersionRevision"),
    ];
    for (header, member) in headers {
        if let Ok(value) = text(member).parse() {
            response.headers_mut().insert(header, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn query_parameters_get_their_names_from_the_model() {
        let request = Request::post("/v1/authorization-token?domain=d&domain-owner=111122223333&duration=900")
            .body(Bytes::new())
            .expect("a request");
        let (operation, params) = read(&request).expect("a known route");
        assert_eq!(operation, "GetAuthorizationToken");
        assert_eq!(params, json!({"domain": "d", "domainOwner": "111122223333", "durationSeconds": 900}));
    }

    #[test]
    fn a_published_asset_travels_as_base64() {
        let request = Request::post("/v1/package/version/publish?asset=a.whl&version=1.0")
            .header("x-amz-content-sha256", "abc")
            .body(Bytes::from_static(b"wheel"))
            .expect("a request");
        let (_, params) = read(&request).expect("a known route");
        let expected =
            json!({"assetContent": "d2hlZWw=", "assetSHA256": "abc", "assetName": "a.whl", "packageVersion": "1.0"});
        assert_eq!(params, expected);
    }
}
