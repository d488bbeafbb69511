//! Why there are no credentials: nobody gives any, or whoever gives them cannot be reached just now. Only the first needs a person.
//!
//! AWS on this: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::error::classify;
use crate::model::port::ErrorClass;

/// Why a call could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// There are none, or they were refused.
    Refused,
    /// Whoever gives them out did not answer, or asked to be left alone for a while.
    OutOfReach,
}

/// Whether an error is about credentials, and why. Of several reasons the innermost counts: a role cannot be assumed without credentials either.
pub(super) fn lack(error: &(dyn Error + 'static)) -> Option<Lack> {
    let mut lack = None;
    let mut next = Some(error);
    while let Some(error) = next {
        let said = of_sts::<AssumeRoleError>(error).or_else(|| of_sts::<AssumeRoleWithWebIdentityError>(error));
        let said = said.or_else(|| error.downcast_ref().map(of_provider));
        lack = said.or(lack);
        next = error.source();
    }
    lack
}

const fn of_provider(error: &CredentialsError) -> Lack {
    match error {
        CredentialsError::ProviderTimedOut(_) => Lack::OutOfReach,
        _ => Lack::Refused,
    }
}

fn of_sts<E: ProvideErrorMetadata + Error + 'static>(error: &(dyn Error + 'static)) -> Option<Lack> {
    match error.downcast_ref::<SdkError<E, HttpResponse>>()? {
        SdkError::ServiceError(answer) => {
            let (code, message) = (answer.err().code(), answer.err().message().unwrap_or_default());
            let passes = matches!(
                classify(code, message, answer.raw().status().as_u16(), true),
                ErrorClass::Throttled | ErrorClass::Transient
            );
            Some(if passes { Lack::OutOfReach } else { Lack::Refused })
        }
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_) => Some(Lack::OutOfReach),
        _ => None,
    }
}
