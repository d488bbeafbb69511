//! The border between HTTP and the services: which service, account and operation a request is for, its parameters
//! as one tree, and the answer in the protocol that the service speaks. It decides nothing about AWS's behaviour.

mod misread;
mod query;
mod rest;
mod scope;
#[cfg(test)]
mod shapes;
mod xml;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::clock::Instant;
use misread::Misread;
pub use scope::Scope;

/// The services that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Networks; EC2's variant of the query protocol.
    Ec2,
    /// Identities; query protocol.
    Iam,
    /// Credentials; query protocol.
    Sts,
    /// Packages; REST with JSON.
    CodeArtifact,
    /// Notebooks; JSON 1.1.
    SageMaker,
}

impl Service {
    /// The name in the credential scope of a signature.
    #[must_use]
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::CodeArtifact => "codeartifact",
            Self::SageMaker => "sagemaker",
        }
    }

    /// The service with this name in the credential scope, if it is simulated.
    #[must_use]
    pub fn from_signing_name(name: &str) -> Option<Self> {
        let all = [Self::Ec2, Self::Iam, Self::Sts, Self::CodeArtifact, Self::SageMaker];
        all.into_iter().find(|service| service.signing_name() == name)
    }
}

/// One call of an operation.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service called.
    pub service: Service,
    /// The account of the caller.
    pub account: String,
    /// The region of the signature.
    pub region: String,
    /// The operation, as the service's model names it.
    pub operation: String,
    /// What was asked for. Query protocols: all scalars are strings.
    pub params: Value,
    /// Who calls.
    pub caller: Caller,
    /// When.
    pub now: Instant,
}

impl Call {
    /// A scalar parameter as text; an empty text counts as absent, as it does in the query protocols.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A list of scalars; absent and empty are the same.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.items(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A list of any kind; absent and empty are the same.
    #[must_use]
    pub fn items(&self, name: &str) -> &[Value] {
        self.params.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A boolean, of either kind of protocol.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        boolean(self.params.get(name)?)
    }

    /// A whole number, of either kind of protocol.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        let value = self.params.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }
}

/// A boolean, of either kind of protocol.
#[must_use]
pub fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account of the credentials.
    pub account: String,
    /// `arn:aws:iam::ACCOUNT:root`, `…:user/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// The role, if the credentials come from one.
    pub role_name: Option<String>,
}

/// What an operation answers.
pub type Reply = Result<Value, Refusal>;

/// An error as AWS gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The error code, for example `InvalidVpcID.NotFound`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Further members of the error in the JSON protocols, for example `resourceType`.
    pub details: Box<Map<String, Value>>,
}

impl Refusal {
    /// An error without further members.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), details: Box::default() }
    }

    /// The same error with one more member.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }
}

/// A request that has been understood but not yet been given to anybody.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Service, region and access key of the signature.
    pub scope: Scope,
    /// The operation.
    pub operation: String,
    /// Its parameters.
    pub params: Value,
}

/// Reads a request, or says why it is no request to AWS.
///
/// # Errors
/// The answer to give instead: the request is not signed, for an unknown service, or for an unknown operation.
pub fn parse(request: &Request<Bytes>) -> Result<Parsed, Box<Response<Bytes>>> {
    let scope = scope::of(request).map_err(|unsigned| Box::new(unsigned.answer(request)))?;
    let understood = match scope.service {
        Service::Ec2 | Service::Iam | Service::Sts => query::read(request).ok_or(Misread::Operation),
        Service::CodeArtifact => rest::read(request),
        Service::SageMaker => read_json_target(request),
    };
    match understood {
        Ok((operation, params)) => Ok(Parsed { scope, operation, params }),
        Err(misread) => Err(Box::new(misread.answer(scope.service, request))),
    }
}

fn read_json_target(request: &Request<Bytes>) -> Result<(String, Value), Misread> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix("SageMaker.")).ok_or(Misread::Operation)?;
    Ok((operation.to_owned(), Value::Object(json_object(request.body())?)))
}

/// The members in a JSON body; none in an empty one.
fn json_object(body: &[u8]) -> Result<Map<String, Value>, Misread> {
    if body.is_empty() { Ok(Map::new()) } else { serde_json::from_slice(body).map_err(|_| Misread::Body) }
}

/// The answer of each protocol to an operation it does not have.
#[must_use]
pub fn unknown_operation(service: Service, operation: &str) -> Refusal {
    match service {
        Service::Ec2 => Refusal::new(
            400,
            "InvalidAction",
            format!("The action {operation} is not valid for this web service, as far as it is simulated."),
        ),
        Service::Iam | Service::Sts => Refusal::new(
            400,
            "InvalidAction",
            format!("Could not find operation {operation} among those that are simulated"),
        ),
        Service::CodeArtifact | Service::SageMaker => Refusal::new(
            400,
            "UnknownOperationException",
            format!("operation {operation} is not known, or not simulated"),
        ),
    }
}

/// Writes an answer in the protocol of the service.
#[must_use]
pub fn respond(service: Service, operation: &str, request_id: &str, reply: Reply) -> Response<Bytes> {
    #[cfg(test)]
    shapes::check(service, operation, reply.as_ref().ok());
    match (service, reply) {
        (Service::Ec2, Ok(value)) => markup(200, request_id, &xml::ec2_answer(operation, request_id, &value)),
        (Service::Ec2, Err(refusal)) => markup(refusal.status, request_id, &xml::ec2_error(request_id, &refusal)),
        (Service::Iam | Service::Sts, Ok(value)) => {
            markup(200, request_id, &xml::query_answer(service, operation, request_id, &value))
        }
        (Service::Iam | Service::Sts, Err(refusal)) => {
            markup(refusal.status, request_id, &xml::query_error(service, request_id, &refusal))
        }
        (Service::CodeArtifact, Ok(value)) => rest::answer(operation, request_id, &value),
        (Service::SageMaker, Ok(value)) => json_body(200, request_id, "application/x-amz-json-1.1", None, &value),
        (Service::CodeArtifact, Err(refusal)) => {
            let mut body = *refusal.details;
            body.insert("message".into(), refusal.message.into());
            json_body(refusal.status, request_id, "application/json", Some(&refusal.code), &Value::Object(body))
        }
        (Service::SageMaker, Err(refusal)) => {
            let mut body = *refusal.details;
            body.insert("__type".into(), refusal.code.clone().into());
            // Errors that the model knows spell it with a capital letter; then it is among the details.
            if !body.contains_key("Message") {
                body.insert("message".into(), refusal.message.into());
            }
            let body = Value::Object(body);
            json_body(refusal.status, request_id, "application/x-amz-json-1.1", Some(&refusal.code), &body)
        }
    }
}

fn markup(status: u16, request_id: &str, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    finish(&mut response, status, request_id, "text/xml;charset=UTF-8");
    response
}

fn json_body(status: u16, request_id: &str, kind: &'static str, code: Option<&str>, body: &Value) -> Response<Bytes> {
    let body = if body.is_null() { "{}".to_owned() } else { body.to_string() };
    let mut response = Response::new(Bytes::from(body));
    finish(&mut response, status, request_id, kind);
    if let Some(code) = code.and_then(|code| code.parse().ok()) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn finish(response: &mut Response<Bytes>, status: u16, request_id: &str, kind: &'static str) {
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    if let Ok(id) = request_id.parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn signed(service: &str, request: http::request::Builder) -> http::request::Builder {
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/{service}/aws4_request, Signature=x");
        request.header("authorization", scope)
    }

    fn body(response: &Response<Bytes>) -> String {
        String::from_utf8_lossy(response.body()).into_owned()
    }

    #[test]
    fn the_signature_says_which_service_and_region_are_meant() {
        let request = signed("sagemaker", Request::post("/").header("x-amz-target", "SageMaker.ListTags"));
        let request = request.body(Bytes::from_static(br#"{"ResourceArn":"a"}"#)).expect("a request");
        let parsed = parse(&request).expect("understood");
        assert_eq!((parsed.scope.service, parsed.scope.region.as_str()), (Service::SageMaker, "eu-west-1"));
        assert_eq!((parsed.operation.as_str(), &parsed.params["ResourceArn"]), ("ListTags", &json!("a")));
    }

    #[test]
    fn a_presigned_request_carries_its_scope_in_the_query_string() {
        let uri = "/?Action=GetCallerIdentity&X-Amz-Credential=AKIA%2F20261122%2Feu-west-1%2Fsts%2Faws4_request";
        let parsed = parse(&Request::get(uri).body(Bytes::new()).expect("a request")).expect("understood");
        assert_eq!((parsed.scope.service, parsed.operation.as_str()), (Service::Sts, "GetCallerIdentity"));
        assert_eq!(parsed.params, json!({}));
    }

    #[test]
    fn a_web_identity_comes_without_signature() {
        let request = Request::post("/").header("host", "sts.eu-west-1.amazonaws.com");
        let form = Bytes::from_static(b"Action=AssumeRoleWithWebIdentity&RoleArn=r");
        let parsed = parse(&request.body(form).expect("a request")).expect("understood");
        assert_eq!((parsed.scope.access_key, parsed.scope.region.as_str()), (None, "eu-west-1"));
    }

    #[test]
    fn each_protocol_has_its_own_form_of_errors() {
        let refusal = || Err(Refusal::new(409, "ConflictException", "<taken>").with("resourceType", "domain"));
        let ec2 = respond(Service::Ec2, "X", "id", refusal());
        assert!(body(&ec2).contains("<Response><Errors><Error><Code>ConflictException</Code>"));
        assert!(body(&ec2).contains("<Message>&lt;taken&gt;</Message>"));
        assert!(body(&respond(Service::Iam, "X", "id", refusal())).contains("<Type>Sender</Type>"));
        let rest = respond(Service::CodeArtifact, "X", "id", refusal());
        assert_eq!(rest.headers()["x-amzn-errortype"], "ConflictException");
        assert_eq!(body(&rest), r#"{"resourceType":"domain","message":"<taken>"}"#);
        let json = respond(Service::SageMaker, "X", "id", refusal());
        assert!(body(&json).contains(r#""__type":"ConflictException""#));
        assert_eq!(json.status(), 409);
    }
}
