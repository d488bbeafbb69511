//! The record of every call the simulator answered, for tests that count calls or check what was asked for.
//! It is evidence, never input: nothing in the simulator reads it.

use serde_json::{Value, json};

use super::clock::{Instant, iso8601};
use super::wire::Service;

/// One call and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it arrived.
    pub at: Instant,
    /// The service that was called.
    pub service: Service,
    /// The operation, as the service's model names it.
    pub operation: String,
    /// The account in which it took place.
    pub account: String,
    /// The region of the signature.
    pub region: String,
    /// Who called.
    pub caller_arn: String,
    /// What was asked for.
    pub params: Value,
    /// The HTTP status of the answer that was made, even if a fault kept it from arriving.
    pub status: u16,
    /// The error code, if it was refused.
    pub code: Option<String>,
    /// Whether the operation can change anything.
    pub write: bool,
    /// The fault that was applied, if any.
    pub fault: Option<String>,
}

impl Entry {
    /// The entry as the log over HTTP shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "at": iso8601(self.at),
            "service": self.service.signing_name(),
            "operation": self.operation,
            "account": self.account,
            "region": self.region,
            "callerArn": self.caller_arn,
            "params": self.params,
            "status": self.status,
            "code": self.code,
            "write": self.write,
            "fault": self.fault,
        })
    }
}

/// Whether an operation can change anything in AWS. Handing out credentials and presigned URLs changes nothing.
#[must_use]
pub fn is_write(operation: &str) -> bool {
    const READS: [&str; 9] =
        ["Describe", "Get", "List", "Simulate", "Search", "AssumeRole", "CreatePresigned", "Decode", "Generate"];
    !READS.iter().any(|prefix| operation.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handing_out_credentials_is_not_a_write() {
        for read in ["DescribeVpcs", "GetAuthorizationToken", "AssumeRole", "CreatePresignedNotebookInstanceUrl"] {
            assert!(!is_write(read), "{read}");
        }
        for write in ["CreateVpc", "TagResource", "PutRolePolicy", "StartNotebookInstance"] {
            assert!(is_write(write), "{write}");
        }
    }
}
