//! What goes wrong on purpose. A test plans faults by service, operation and occurrence; the simulator asks at each
//! call whether one is due. A fault never changes what an operation does, only whether and how the answer arrives,
//! or which state of the world it is taken from.

use std::time::Duration;

use super::wire::Service;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Refused with the service's throttling error; nothing happens.
    Throttle,
    /// Refused with this HTTP status (500 or 503); nothing happens.
    ServerError(u16),
    /// It happens, but the answer is lost on the way: a connection error in process, status 500 over a socket.
    LostReply,
    /// It does not happen and no answer ever comes.
    Hang,
    /// The call does not yet see what was created last.
    NotFoundAfterCreate,
    /// The call sees the world as it was before the last change.
    StaleRead,
    /// A read sees the world as it was this long ago, whatever has changed since.
    Late(Duration),
}

/// Which of the matching calls are hit, counted from the moment the fault was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// Only the nth, beginning with 1.
    Nth(u32),
    /// The first n.
    First(u32),
    /// Every one.
    All,
}

impl Occurrence {
    fn includes(self, count: u32) -> bool {
        match self {
            Self::Nth(n) => count == n,
            Self::First(n) => count <= n,
            Self::All => true,
        }
    }
}

/// One planned fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The service, or any.
    pub service: Option<Service>,
    /// The operation, or any.
    pub operation: Option<String>,
    /// Only calls whose parameters contain this text (in JSON form), or any.
    pub containing: Option<String>,
    /// Which of the matching calls.
    pub occurrence: Occurrence,
    /// What goes wrong.
    pub kind: Kind,
    seen: u32,
}

impl Fault {
    /// A fault of one operation.
    #[must_use]
    pub fn on(service: Service, operation: &str, occurrence: Occurrence, kind: Kind) -> Self {
        let operation = Some(operation.to_owned());
        Self { service: Some(service), operation, containing: None, occurrence, kind, seen: 0 }
    }

    /// A fault of every operation of a service.
    #[must_use]
    pub fn anywhere(service: Service, occurrence: Occurrence, kind: Kind) -> Self {
        Self { service: Some(service), operation: None, containing: None, occurrence, kind, seen: 0 }
    }

    /// The same fault, only for calls that mention `text` in their parameters.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_owned());
        self
    }

    fn matches(&self, service: Service, operation: &str, params: &str) -> bool {
        self.service.is_none_or(|wanted| wanted == service)
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.containing.as_deref().is_none_or(|wanted| params.contains(wanted))
    }
}

/// The faults that are planned.
#[derive(Debug, Default)]
pub struct Plan {
    faults: Vec<Fault>,
}

impl Plan {
    /// Plans one more.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// From now on everything works.
    pub fn clear(&mut self) {
        self.faults.clear();
    }

    /// Whether earlier states of the world have to be kept.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        let looks_back = |kind| matches!(kind, Kind::NotFoundAfterCreate | Kind::StaleRead | Kind::Late(_));
        self.faults.iter().any(|fault| looks_back(fault.kind))
    }

    /// For how long earlier states of the world have to be kept.
    #[must_use]
    pub fn latest_read(&self) -> Duration {
        let late = self.faults.iter().map(|fault| match fault.kind {
            Kind::Late(by) => by,
            _ => Duration::ZERO,
        });
        late.max().unwrap_or_default()
    }

    /// Counts the call and says what, if anything, goes wrong with it. The fault planned first wins.
    pub fn strike(&mut self, service: Service, operation: &str, params: &serde_json::Value) -> Option<Kind> {
        if self.faults.is_empty() {
            return None;
        }
        let params = params.to_string();
        let mut struck = None;
        for fault in self.faults.iter_mut().filter(|fault| fault.matches(service, operation, &params)) {
            fault.seen += 1;
            if struck.is_none() && fault.occurrence.includes(fault.seen) {
                struck = Some(fault.kind);
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_planned_occurrence_is_hit() {
        let mut plan = Plan::default();
        plan.add(Fault::on(Service::Ec2, "CreateVpc", Occurrence::Nth(2), Kind::LostReply));
        let struck: Vec<_> = (0..3).map(|_| plan.strike(Service::Ec2, "CreateVpc", &json!({}))).collect();
        assert_eq!(struck, [None, Some(Kind::LostReply), None]);
        assert_eq!(plan.strike(Service::Iam, "CreateVpc", &json!({})), None);
    }

    #[test]
    fn a_fault_can_be_limited_to_calls_that_mention_something() {
        let mut plan = Plan::default();
        plan.add(Fault::on(Service::Ec2, "CreateVpc", Occurrence::All, Kind::Hang).containing("10.9."));
        assert_eq!(plan.strike(Service::Ec2, "CreateVpc", &json!({"CidrBlock": "10.0.0.0/16"})), None);
        assert_eq!(plan.strike(Service::Ec2, "CreateVpc", &json!({"CidrBlock": "10.9.0.0/16"})), Some(Kind::Hang));
    }
}
