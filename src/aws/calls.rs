//! Counts every request to AWS where the SDK makes it, its own retries included.

use std::sync::Arc;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::FinalizerInterceptorContextRef},
        orchestrator::{HttpResponse, Metadata},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use super::error::{classify, is_read};
use crate::metrics::Metrics;

/// How much of an error's body is looked at for its code.
const LOOKED_AT: usize = 4096;

/// Counts the tries of one client.
#[derive(Debug, Clone)]
pub struct Counting(pub Arc<Metrics>);

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = config.load::<Metadata>() {
            let outcome = context.response().map_or("NoAnswer", |response| outcome(call.name(), response));
            self.0.call(call.service(), call.name(), outcome);
        }
        Ok(())
    }
}

fn outcome(operation: &str, response: &HttpResponse) -> &'static str {
    if response.status().is_success() {
        return "OK";
    }
    let body = response.body().bytes().unwrap_or_default();
    let body = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
    let code = response.headers().get("x-amzn-errortype").or_else(|| code_in(&body));
    // `Code:http://…` and `namespace#Code`: the services have three ways to say it.
    let code = code.map(|code| code.split(':').next().unwrap_or(code)).and_then(|code| code.rsplit('#').next());
    classify(code, &body, response.status().as_u16(), is_read(operation)).name()
}

/// The code in the body of an error: `<Code>…</Code>`, or `"__type": "…"`.
fn code_in(body: &str) -> Option<&str> {
    if let Some((_, rest)) = body.split_once("<Code>") {
        return rest.split('<').next();
    }
    let (_, rest) = body.split_once("\"__type\"")?;
    rest.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_the_service_says_it() {
        let xml = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>";
        assert_eq!(code_in(xml), Some("RequestLimitExceeded"));
        assert_eq!(code_in(r#"{"__type":"ThrottlingException","message":"m"}"#), Some("ThrottlingException"));
        assert_eq!(code_in("nothing"), None);
    }
}
