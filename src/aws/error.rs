//! What AWS errors mean: one table from codes to classes, and words that a person can act on.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::credentials::{Lack, lack};
use crate::model::port::{ErrorClass, Problem};

/// The reason of problems about things that somebody else still needs.
const IN_USE: &str = "InUse";
/// The reason of problems about services that a region does not have.
const NOT_OFFERED: &str = "ServiceNotOffered";
/// What AWS says, in lower case, when a private DNS name is taken.
const TAKEN_NAME: &str = "conflicting dns domain";
/// The reason of problems about operations that the endpoint does not know.
const NOT_IMPLEMENTED: &str = "NotImplemented";
/// The reason of problems about things that the manifest refers to and that are not there.
const REFERENCED_NOT_FOUND: &str = "ReferencedNotFound";
/// The reason of problems about a manifest that cannot be carried out as it is written.
const INVALID_SPEC: &str = "InvalidSpec";
/// The codes that are ours and not AWS's: they become the reason of the condition.
const OWN_REASONS: [&str; 5] = [IN_USE, NOT_OFFERED, NOT_IMPLEMENTED, REFERENCED_NOT_FOUND, INVALID_SPEC];

/// An AWS call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {}", describe(code.as_deref(), message))]
pub struct AwsError {
    /// What kind of answer it is.
    pub class: ErrorClass,
    /// The operation, `ec2:CreateVpc`.
    pub operation: &'static str,
    /// AWS's code, if it gave one.
    pub code: Option<String>,
    /// AWS's words, without request ids.
    pub message: String,
}

fn describe(code: Option<&str>, message: &str) -> String {
    match code {
        Some(code) => format!("{code}: {message}"),
        None => message.to_owned(),
    }
}

impl AwsError {
    /// An error of our own making about a call.
    pub fn new(class: ErrorClass, operation: &'static str, message: impl Into<String>) -> Self {
        Self { class, operation, code: None, message: message.into() }
    }

    /// An input that should have been known by now; the step is tried again with the next look.
    #[must_use]
    pub fn unresolved(operation: &'static str, field: &str) -> Self {
        Self::new(ErrorClass::Waiting, operation, format!("{field} is not known yet"))
    }

    /// An answer to a write that lacks what it should name. The write had its effect; the next look shows it.
    #[must_use]
    pub fn unreadable(operation: &'static str) -> Self {
        Self::new(ErrorClass::Unknown, operation, "the answer does not name what was made")
    }

    /// What AWS says about one item of a call that succeeded as a whole.
    #[must_use]
    pub fn of_item(operation: &'static str, code: &str, message: &str) -> Self {
        let class = classify(Some(code), message, 400, is_read(operation));
        Self { class, operation, code: Some(code.to_owned()), message: without_request_id(message) }
    }

    /// Whether AWS said that the thing is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.class == ErrorClass::NotFound
    }

    /// Whether the private DNS name of an endpoint is taken: by one that was deleted a moment ago, or by somebody's endpoint or hosted zone.
    #[must_use]
    pub fn is_taken_name(&self) -> bool {
        self.message.to_ascii_lowercase().contains(TAKEN_NAME)
    }

    /// Whether it may only be that what was written to IAM is not known everywhere yet: a role that cannot be taken, a principal that does not exist.
    #[must_use]
    pub fn may_be_propagation(&self) -> bool {
        const WORDS: [&str; 3] = ["could not assume role", "cannot be assumed", "principal"];
        let text = self.message.to_ascii_lowercase();
        self.class == ErrorClass::Waiting && WORDS.iter().any(|words| text.contains(words))
    }

    /// Something that is not ours needs what should go: nothing was deleted, and a person must decide.
    #[must_use]
    pub fn in_use(operation: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(IN_USE.to_owned()), ..Self::new(ErrorClass::Exists, operation, message) }
    }

    /// The region does not have the service: nothing was sent, and the manifest has to change.
    #[must_use]
    pub fn not_offered(operation: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(NOT_OFFERED.to_owned()), ..Self::new(ErrorClass::Invalid, operation, message) }
    }

    /// What is not there is something that the manifest refers to: it will not come by itself. AWS's words, and what a person can do.
    #[must_use]
    pub fn about_a_reference(self, remedy: &str) -> Self {
        let message = format!("{} {remedy}", self.message);
        Self { class: ErrorClass::Invalid, code: Some(REFERENCED_NOT_FOUND.to_owned()), message, ..self }
    }

    /// Whether something that the manifest refers to is not there.
    #[must_use]
    pub fn lacks_a_reference(&self) -> bool {
        self.code.as_deref() == Some(REFERENCED_NOT_FOUND)
    }

    /// What the manifest asks for cannot be had: nothing was sent.
    #[must_use]
    pub fn invalid_spec(operation: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(INVALID_SPEC.to_owned()), ..Self::new(ErrorClass::Invalid, operation, message) }
    }

    /// The problem for the status.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let own = self.code.as_deref().filter(|code| OWN_REASONS.contains(code));
        match own {
            Some(reason) => Problem::new(self.class, format!("{}: {}", self.operation, self.message)).because(reason),
            None => Problem::new(self.class, self.to_string()),
        }
    }
}

/// What is not there need not be removed: a removal that did not find its thing has done its work.
///
/// # Errors
/// With whatever else AWS said.
pub fn gone<T>(result: Result<T, AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Go on when something that the manifest refers to is not there: that is told at the end, and everything else is done without it.
///
/// # Errors
/// What is wrong otherwise.
pub fn put_off(result: Result<(), AwsError>, missing: &mut Option<AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error) if error.lacks_a_reference() => {
            missing.get_or_insert(error);
            Ok(())
        }
        result => result,
    }
}

/// Turn the result of an SDK call into ours, naming the operation: `ec2.create_vpc().send().await.map_err(from_sdk("ec2:CreateVpc"))`.
pub fn from_sdk<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| classify_sdk(operation, &error)
}

fn classify_sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let reading = is_read(operation);
    if lack(error) == Some(Lack::OutOfReach) {
        // It could not even be signed: nothing happened.
        let words = "credentials cannot be had just now; whoever gives them out (STS) is out of reach or busy";
        return AwsError::new(ErrorClass::Transient, operation, words);
    }
    match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().map(ToOwned::to_owned);
            let status = context.raw().status().as_u16();
            let message = context.err().message().map_or_else(|| speechless(status), without_request_id);
            let class = classify(code.as_deref(), &message, status, reading);
            // AWS knows what the SDK sends; what stands in for it may not.
            let unknown = is_unknown_operation(code.as_deref().unwrap_or_default(), status);
            let code = if unknown { Some(NOT_IMPLEMENTED.to_owned()) } else { code };
            AwsError { class, operation, code, message }
        }
        // The request never left: nothing happened.
        SdkError::ConstructionFailure(source) => {
            let text = format!("{source:?}");
            let class = if mentions_credentials(&text) { ErrorClass::Credentials } else { ErrorClass::Invalid };
            AwsError::new(
                class,
                operation,
                "the request could not be made; check the identity's credentials and the field values",
            )
        }
        SdkError::DispatchFailure(failure) => dispatch_failure(operation, reading, failure),
        SdkError::TimeoutError(_) => AwsError::new(
            ambiguous(reading),
            operation,
            "no answer in time; the endpoint may be out of reach from here",
        ),
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            let class = if status < 400 { ambiguous(reading) } else { classify(None, "", status, reading) };
            AwsError::new(class, operation, speechless(status))
        }
        _ => AwsError::new(ambiguous(reading), operation, "the call ended in an unknown way"),
    }
}

/// The words for an answer that has none of its own: not AWS's, but of something in its place or in between.
fn speechless(status: u16) -> String {
    format!(
        "the answer (HTTP status {status}) says nothing that can be read; if it stays so, this endpoint does not have the operation"
    )
}

/// How services say that they have no such operation, and how what stands in for them does.
fn is_unknown_operation(code: &str, status: u16) -> bool {
    status == 501 || matches!(code, "InvalidAction" | "UnknownOperationException")
}

fn dispatch_failure(
    operation: &'static str,
    reading: bool,
    failure: &aws_smithy_runtime_api::client::result::DispatchFailure,
) -> AwsError {
    let text = failure.as_connector_error().map_or_else(|| format!("{failure:?}"), |error| format!("{error:?}"));
    if mentions_credentials(&text) {
        let words =
            "no usable credentials: check the identity's role, its trust policy and the controller's own credentials";
        return AwsError::new(ErrorClass::Credentials, operation, words);
    }
    if failure.is_timeout() {
        return AwsError::new(
            ambiguous(reading),
            operation,
            "no answer in time; the endpoint may be out of reach from here",
        );
    }
    AwsError::new(ambiguous(reading), operation, "the connection failed; the endpoint may be out of reach from here")
}

fn mentions_credentials(debug: &str) -> bool {
    debug.contains("CredentialsNotLoaded") || debug.contains("redential") || debug.contains("ProviderError")
}

/// A read that got no answer had no effect; a write may have had one.
const fn ambiguous(reading: bool) -> ErrorClass {
    if reading { ErrorClass::Transient } else { ErrorClass::Unknown }
}

/// Whether an operation (`ec2:DescribeVpcs`) only reads.
#[must_use]
pub fn is_read(operation: &str) -> bool {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    ["Describe", "Get", "List", "Lookup", "AssumeRole"].iter().any(|prefix| name.starts_with(prefix))
}

/// The class of an AWS answer. Order matters: the exact codes first, the texts that some services use instead of codes next.
pub(super) fn classify(code: Option<&str>, message: &str, status: u16, reading: bool) -> ErrorClass {
    let code = code.unwrap_or_default();
    if is_unknown_operation(code, status) {
        return ErrorClass::Denied;
    }
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "ProvisionedThroughputExceededException"
        | "TransactionInProgressException"
        | "LimitExceededException" => return ErrorClass::Throttled,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthFailure"
        | "OptInRequired"
        | "UnmodifiableEntity" => return ErrorClass::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidSignatureException" => return ErrorClass::Credentials,
        "DependencyViolation"
        | "IncorrectState"
        | "DeleteConflict"
        | "ConcurrentModification"
        | "ResourceInUse"
        | "OperationInProgress"
        | "InvalidVpcState" => return ErrorClass::Waiting,
        "NoSuchEntity"
        | "ResourceNotFoundException"
        | "ResourceNotFound"
        | "InvalidPermission.NotFound"
        | "InvalidAssociationID.NotFound" => return ErrorClass::NotFound,
        "EntityAlreadyExists"
        | "InvalidGroup.Duplicate"
        | "InvalidPermission.Duplicate"
        | "InvalidSubnet.Conflict"
        | "RouteAlreadyExists"
        | "Resource.AlreadyAssociated"
        | "ConflictException" => return ErrorClass::Exists,
        "ServiceQuotaExceededException"
        | "LimitExceeded"
        | "ResourceLimitExceeded"
        | "InsufficientFreeAddressesInSubnet"
        | "InsufficientInstanceCapacity" => return ErrorClass::Quota,
        "IdempotentParameterMismatch" => return ErrorClass::Unknown,
        // Not of the thing itself, as the text may sound.
        "DuplicateSubnetsInSameZone" => return ErrorClass::Invalid,
        // With a status that looks like a refusal, and yet nothing was refused.
        "RequestTimeout" | "RequestTimeoutException" => return ambiguous(reading),
        _ => {}
    }
    if code.ends_with(".NotFound") {
        return ErrorClass::NotFound;
    }
    if code.ends_with("LimitExceeded") {
        return ErrorClass::Quota;
    }
    classify_by_text(message).unwrap_or(match status {
        429 => ErrorClass::Throttled,
        401 | 403 => ErrorClass::Denied,
        // The service did not get to the end; only a read is certain to have done nothing.
        500.. => ambiguous(reading),
        _ => ErrorClass::Invalid,
    })
}

/// Services that say everything with `ValidationException` or `InvalidParameter` say more in the text.
fn classify_by_text(message: &str) -> Option<ErrorClass> {
    let text = message.to_ascii_lowercase();
    let table = [
        ("recordnotfound", ErrorClass::NotFound),
        ("unable to transition", ErrorClass::Waiting),
        (TAKEN_NAME, ErrorClass::Waiting),
        ("could not assume role", ErrorClass::Waiting),
        ("cannot be assumed", ErrorClass::Waiting),
        ("invalid principal in policy", ErrorClass::Waiting),
        ("already exists", ErrorClass::Exists),
    ];
    let said = table.into_iter().find(|(words, _)| text.contains(words)).map(|(_, class)| class);
    // A tag that is there twice is a mistake in the request; nothing of that name exists.
    let twice = text.contains("duplicate") && !text.contains("tag");
    said.or_else(|| twice.then_some(ErrorClass::Exists))
}

/// Request ids, and what only AWS can decode, make every retry a new status; nobody can read them there.
fn without_request_id(message: &str) -> String {
    const NOISE: [&str; 5] =
        ["(Request ID", "(RequestId", "; Request ID:", " Encoded authorization failure message", "(Service: "];
    let first = NOISE.iter().filter_map(|noise| message.find(noise)).min();
    first.map_or_else(|| message.to_owned(), |at| message[..at].trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_facts() {
        let cases = [
            ("InvalidVpcEndpointId.NotFound", "", 400, ErrorClass::NotFound),
            ("InvalidVpcEndpoint.NotFound", "", 400, ErrorClass::NotFound),
            ("InvalidGroupId.Malformed", "", 400, ErrorClass::Invalid),
            ("LimitExceeded", "", 409, ErrorClass::Quota),
            ("VpcEndpointLimitExceeded", "", 400, ErrorClass::Quota),
            ("RequestLimitExceeded", "", 503, ErrorClass::Throttled),
            ("ValidationException", "RecordNotFound", 400, ErrorClass::NotFound),
            (
                "ValidationException",
                "Status (InService) not in ([Stopped]). Unable to transition to (Deleting)",
                400,
                ErrorClass::Waiting,
            ),
            ("ValidationException", "Cannot create a duplicate Notebook Instance (arn)", 400, ErrorClass::Exists),
            ("ValidationException", "Notebook Instance Lifecycle Config already exists.", 400, ErrorClass::Exists),
            (
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                400,
                ErrorClass::Invalid,
            ),
            ("ValidationException", "The role arn cannot be assumed by SageMaker.", 400, ErrorClass::Waiting),
            (
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for x",
                400,
                ErrorClass::Waiting,
            ),
            ("ServiceFailure", "", 500, ErrorClass::Unknown),
            ("RequestTimeout", "", 400, ErrorClass::Unknown),
            ("TransactionInProgressException", "", 400, ErrorClass::Throttled),
            ("IncompleteSignatureException", "", 400, ErrorClass::Credentials),
            ("MissingAuthenticationTokenException", "", 403, ErrorClass::Credentials),
            ("ValidationException", "bad", 400, ErrorClass::Invalid),
            ("DuplicateSubnetsInSameZone", "Duplicate subnets in the same zone", 400, ErrorClass::Invalid),
            ("InvalidAction", "The action X is not valid for this web service.", 400, ErrorClass::Denied),
            ("InternalFailure", "not implemented", 501, ErrorClass::Denied),
        ];
        for (code, message, status, class) in cases {
            assert_eq!(classify(Some(code), message, status, false), class, "{code} {message}");
        }
        assert_eq!(classify(Some("InternalServerException"), "", 500, true), ErrorClass::Transient);
    }

    #[test]
    fn request_ids_do_not_reach_the_status() {
        assert_eq!(without_request_id("no such thing (RequestId: 1-2-3)"), "no such thing");
        let denied = "You are not authorized to perform this operation. Encoded authorization failure message: 4fQ";
        assert_eq!(without_request_id(denied), "You are not authorized to perform this operation.");
    }

    #[test]
    fn something_missing_that_the_manifest_refers_to_needs_a_person_and_only_the_first_is_told() {
        let missing = |words: &str| {
            let error = AwsError::of_item("iam:AttachRolePolicy", "NoSuchEntity", words);
            assert_eq!(error.class, ErrorClass::NotFound);
            error.about_a_reference("Create it.")
        };
        let mut put_aside = None;
        assert_eq!(put_off(Err(missing("Policy p does not exist.")), &mut put_aside), Ok(()));
        assert_eq!(put_off(Err(missing("Policy q does not exist.")), &mut put_aside), Ok(()));
        let problem = put_aside.clone().unwrap().problem();
        assert_eq!(problem.reason, "ReferencedNotFound");
        assert_eq!(problem.message, "iam:AttachRolePolicy: Policy p does not exist. Create it.");
        assert!(problem.class.needs_person());
        let denied = Err(AwsError::new(ErrorClass::Denied, "iam:AttachRolePolicy", "no"));
        assert_eq!(put_off(denied.clone(), &mut put_aside), denied);
    }

    #[test]
    fn what_reaches_the_status_names_operation_resource_and_reason_and_stays_the_same_when_it_happens_again() {
        let cases = [
            ("UnauthorizedOperation", "not allowed. Encoded authorization failure message: X", "AccessDenied"),
            ("VpcLimitExceeded", "The maximum number of VPCs has been reached. (RequestId: X)", "QuotaExceeded"),
            (
                "RequestLimitExceeded",
                "Request limit exceeded. (Service: Ec2, Status Code: 503, Request ID: X)",
                "Throttled",
            ),
            ("InvalidParameterValue", "Value (x) is invalid; Request ID: X", "InvalidRequest"),
        ];
        let address = crate::model::address::Address::new(crate::model::address::Kind::Vpc, "main");
        for (code, message, reason) in cases {
            let told = |id: &str| {
                AwsError::of_item("ec2:CreateVpc", code, &message.replace('X', id)).problem().about(&address)
            };
            let problem = told("1-2-3");
            let text = problem.to_string();
            assert_eq!(problem.reason, reason, "{text}");
            assert!(text.starts_with(&format!("VPC/main: ec2:CreateVpc: {code}: ")), "{text}");
            assert!(!text.contains("1-2-3"), "{text}");
            assert_eq!(problem, told("4-5-6"));
        }
    }
}
