//! Requests that are no calls: not signed, for a service that is not simulated, or not to be understood; and what they
//! are told, in the protocol that whoever sent them seems to speak.

use bytes::Bytes;
use http::{Request, Response};

use super::{Refusal, Service, respond, unknown_operation};

/// The request id of answers that were given before anything happened.
const NO_ID: &str = "00000000-0000-4000-a000-000000000000";
/// Services that are not simulated and speak XML to paths of their own.
const REST_WITH_XML: [&str; 4] = ["s3", "s3-outposts", "route53", "cloudfront"];

/// Why there is no scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// No signature at all.
    Missing,
    /// Something else where the signature should be.
    Garbled,
    /// Signed for this service, which is not simulated.
    Elsewhere(String),
}

/// What is wrong with a signed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misread {
    /// It names no operation, or none that there is.
    Operation,
    /// Its body is no JSON object.
    Body,
}

impl Unsigned {
    /// The answer to it.
    pub(super) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let dialect = self.dialect(request);
        let suffix = if speaks_json(dialect) { "Exception" } else { "" };
        let refusal = match self {
            Self::Missing => {
                Refusal::new(403, format!("MissingAuthenticationToken{suffix}"), "Missing Authentication Token")
            }
            Self::Garbled => Refusal::new(
                400,
                format!("IncompleteSignature{suffix}"),
                "Authorization header requires 'Credential' parameter, with access key, date, region and service.",
            ),
            Self::Elsewhere(name) => {
                let code = if speaks_json(dialect) { "UnknownOperationException" } else { "InvalidAction" };
                let message = format!(
                    "The service {name} is not simulated; ec2, iam, sts, codeartifact and sagemaker (notebooks) are."
                );
                Refusal::new(400, code, message)
            }
        };
        respond(dialect, "", NO_ID, Err(refusal))
    }

    /// The service that is spoken to in the same way.
    fn dialect(&self, request: &Request<Bytes>) -> Service {
        let with_xml = matches!(self, Self::Elsewhere(name) if REST_WITH_XML.contains(&name.as_str()));
        if request.headers().contains_key("x-amz-target") {
            Service::SageMaker
        } else if request.uri().path() != "/" && !with_xml {
            Service::CodeArtifact
        } else if matches!(self, Self::Elsewhere(_)) {
            Service::Iam
        } else {
            Service::Ec2
        }
    }
}

impl Misread {
    /// The answer to it.
    pub(super) fn answer(self, service: Service, request: &Request<Bytes>) -> Response<Bytes> {
        let refusal = match self {
            Self::Body => Refusal::new(400, "SerializationException", "the body is not a valid JSON object"),
            Self::Operation if speaks_json(service) => unknown_operation(service, request.uri().path()),
            Self::Operation => Refusal::new(400, "MissingAction", "The request must contain the parameter Action"),
        };
        respond(service, "", NO_ID, Err(refusal))
    }
}

fn speaks_json(service: Service) -> bool {
    matches!(service, Service::CodeArtifact | Service::SageMaker)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn signed_for(service: &str, request: http::request::Builder, body: &'static str) -> Response<Bytes> {
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/{service}/aws4_request, Signature=x");
        let request = request.header("authorization", scope).body(Bytes::from_static(body.as_bytes()));
        *parse(&request.expect("a request")).expect_err("refused")
    }

    fn text(response: &Response<Bytes>) -> String {
        format!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()))
    }

    #[test]
    fn a_service_that_is_not_simulated_is_named_in_its_own_protocol() {
        let logs =
            signed_for("logs", Request::post("/").header("x-amz-target", "Logs_20140328.DescribeLogGroups"), "{}");
        assert_eq!(logs.headers()["x-amzn-errortype"], "UnknownOperationException");
        assert!(text(&logs).contains("The service logs is not simulated"), "{}", text(&logs));
        let lambda = signed_for("lambda", Request::get("/2015-03-31/functions/"), "");
        assert_eq!(lambda.headers()["x-amzn-errortype"], "UnknownOperationException");
        for (service, request) in [("s3", Request::get("/bucket")), ("cloudformation", Request::post("/"))] {
            let answer = text(&signed_for(service, request, "Action=ListStacks"));
            assert!(
                answer.starts_with("400 <ErrorResponse") && answer.contains("<Code>InvalidAction</Code>"),
                "{answer}"
            );
        }
    }

    #[test]
    fn a_header_that_is_no_signature_is_told_from_none() {
        let refused = |request: Request<Bytes>| text(&parse(&request).expect_err("refused"));
        let garbled = Request::post("/").header("authorization", "Bearer token").body(Bytes::new()).expect("a request");
        assert!(refused(garbled).contains("<Code>IncompleteSignature</Code>"));
        let unsigned = Request::get("/v1/domain").body(Bytes::new()).expect("a request");
        let answer = *parse(&unsigned).expect_err("refused");
        assert_eq!(answer.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    }

    #[test]
    fn a_request_without_action_is_told_so() {
        let answer = text(&signed_for("ec2", Request::post("/"), "VpcId=vpc-1"));
        assert!(answer.starts_with("400 ") && answer.contains("<Code>MissingAction</Code>"), "{answer}");
    }

    #[test]
    fn a_body_that_is_no_json_object_is_told_from_an_unknown_operation() {
        let code =
            |response: Response<Bytes>| response.headers()["x-amzn-errortype"].to_str().expect("text").to_owned();
        let unreadable = "SerializationException";
        assert_eq!(code(signed_for("codeartifact", Request::put("/v1/repository"), "{")), unreadable);
        let list_tags = || Request::post("/").header("x-amz-target", "SageMaker.ListTags");
        assert_eq!(code(signed_for("sagemaker", list_tags(), "[1]")), unreadable);
        let unknown = "UnknownOperationException";
        assert_eq!(code(signed_for("codeartifact", Request::put("/v1/nothing"), "{}")), unknown);
        assert_eq!(code(signed_for("sagemaker", Request::post("/endpoints/e/invocations"), "no JSON")), unknown);
    }
}
