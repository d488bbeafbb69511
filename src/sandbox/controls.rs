//! What somebody outside of the process can do to a simulator behind AWS's back: plan faults, spoil the start of
//! a notebook, and put endpoints into states that nobody reaches by calling AWS. It reads JSON and answers a status; routes and bodies are in `server`.

use super::Simulator;
use super::ec2::endpoint::Phase;
use super::faults::{Fault, Kind, Occurrence};
use super::wire::Service;
use super::world::DEFAULT_ACCOUNT;
use serde::Deserialize;

/// A fault as it is planned from outside.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    service: String,
    operation: Option<String>,
    containing: Option<String>,
    /// Only the nth of the matching calls.
    nth: Option<u32>,
    /// Only the first n of them.
    first: Option<u32>,
    kind: String,
    /// The HTTP status of a server error.
    status: Option<u16>,
}

impl Order {
    /// The fault that is meant.
    ///
    /// # Errors
    /// What is wrong with the order.
    pub fn read(self) -> Result<Fault, String> {
        let service = Service::from_signing_name(&self.service)
            .ok_or_else(|| format!("service {}: ec2, iam, sts, codeartifact or sagemaker", self.service))?;
        let occurrence = match (self.nth, self.first) {
            (None, None) => Occurrence::All,
            (Some(nth), None) => Occurrence::Nth(nth),
            (None, Some(first)) => Occurrence::First(first),
            (Some(_), Some(_)) => return Err("nth and first: one of them at most".into()),
        };
        let kind = match (self.kind.as_str(), self.status) {
            ("throttle", None) => Kind::Throttle,
            ("serverError", status) => match status.unwrap_or(500) {
                status @ (500 | 503) => Kind::ServerError(status),
                other => return Err(format!("status {other}: 500 or 503")),
            },
            (_, Some(_)) => return Err("status: goes with serverError only".into()),
            ("lostReply", None) => Kind::LostReply,
            ("hang", None) => Kind::Hang,
            ("notFoundAfterCreate", None) => Kind::NotFoundAfterCreate,
            ("staleRead", None) => Kind::StaleRead,
            (other, None) => {
                let kinds = "throttle, serverError, lostReply, hang, notFoundAfterCreate or staleRead";
                return Err(format!("kind {other}: {kinds}"));
            }
        };
        let fault = match &self.operation {
            Some(operation) => Fault::on(service, operation, occurrence, kind),
            None => Fault::anywhere(service, occurrence, kind),
        };
        Ok(match &self.containing {
            Some(text) => fault.containing(text),
            None => fault,
        })
    }
}

/// How the next start of a notebook is to end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Start {
    account: Option<String>,
    region: String,
    notebook: String,
    outcome: String,
    /// `FailureReason` of one that failed.
    reason: Option<String>,
}

/// Lets the next start of a notebook, the one of its creation included, go wrong.
///
/// # Errors
/// There is no such outcome.
pub fn spoil_start(simulator: &Simulator, start: Start) -> Result<(), String> {
    let account = start.account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
    simulator.with_world(|world| {
        let notebooks = &mut world.account(&account).region(&start.region).sagemaker;
        match start.outcome.as_str() {
            "failed" => {
                let reason = start.reason.unwrap_or_else(|| "Notebook Instance Lifecycle Config failed.".into());
                notebooks.fail_next_start(start.notebook, reason);
            }
            "lost" => notebooks.lose_next_start(start.notebook),
            other => return Err(format!("outcome {other}: failed or lost")),
        }
        Ok(())
    })
}

/// The state that an endpoint is to be in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointState {
    state: String,
    /// `LastError.Code` of one that failed.
    code: Option<String>,
    /// `LastError.Message` of one that failed.
    message: Option<String>,
}

impl EndpointState {
    fn read(self) -> Result<Phase, String> {
        Ok(match self.state.as_str() {
            "pendingAcceptance" => Phase::PendingAcceptance,
            "available" => Phase::Available,
            "rejected" => Phase::Rejected,
            "expired" => Phase::Expired,
            "partial" => Phase::Partial,
            "failed" => Phase::Failed {
                code: self.code.unwrap_or_else(|| "InternalError".into()),
                message: self.message.unwrap_or_else(|| "The endpoint could not be created.".into()),
            },
            other => {
                let states = "pendingAcceptance, available, partial, rejected, expired or failed";
                return Err(format!("state {other}: {states}; the others are reached by calls"));
            }
        })
    }
}

/// Puts the endpoint with this id into a state, in whichever account and region it is.
///
/// # Errors
/// There is no such endpoint, or no such state.
pub fn put_endpoint(simulator: &Simulator, id: &str, wanted: EndpointState) -> Result<(), String> {
    let phase = wanted.read()?;
    let found =
        simulator.with_world(|world| world.all_regions_mut().any(|region| region.ec2.put_endpoint(id, phase.clone())));
    if found { Ok(()) } else { Err(format!("there is no endpoint {id}")) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn order(order: Value) -> Result<Fault, String> {
        serde_json::from_value::<Order>(order).map_err(|error| error.to_string())?.read()
    }

    #[test]
    fn a_fault_is_ordered_by_service_operation_occurrence_and_kind() {
        let fault = order(json!({"service": "ec2", "operation": "CreateVpc", "first": 2, "kind": "throttle"}));
        let fault = fault.expect("understood");
        assert_eq!((fault.service, fault.operation.as_deref()), (Some(Service::Ec2), Some("CreateVpc")));
        assert_eq!((fault.occurrence, fault.kind), (Occurrence::First(2), Kind::Throttle));
        let fault = order(json!({"service": "iam", "kind": "serverError", "status": 503})).expect("understood");
        assert_eq!((fault.occurrence, fault.kind), (Occurrence::All, Kind::ServerError(503)));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_by_what_is_wrong_with_it() {
        let complaint = |value: Value| order(value).expect_err("refused");
        assert!(complaint(json!({"service": "s3", "kind": "hang"})).starts_with("service s3"));
        assert!(complaint(json!({"service": "ec2", "kind": "sulk"})).starts_with("kind sulk"));
        assert!(
            complaint(json!({"service": "ec2", "kind": "hang", "nth": 1, "first": 1})).starts_with("nth and first")
        );
        assert!(complaint(json!({"service": "ec2", "kind": "hang", "often": true})).contains("often"));
    }
}
