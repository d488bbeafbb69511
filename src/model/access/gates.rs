//! The policies that a call has to pass, together: those of the role, its boundary, the resource's and the endpoint's.

use super::{Citation, PolicyInPlace, Request, Ruling, Use, rule, rule_by_name};

/// A place where a call can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The policies of the role.
    Identity,
    /// Its permissions boundary.
    Boundary,
    /// The resource's policy.
    Resource,
    /// The endpoint's policy.
    Endpoint,
}

/// What a call has to pass.
#[derive(Debug, Clone, Default)]
pub struct Gates<'a> {
    /// The inline and attached policies of the role.
    pub identity: Vec<&'a PolicyInPlace>,
    /// Its permissions boundary, if it has one.
    pub boundary: Vec<&'a PolicyInPlace>,
    /// The policies of the resource; none when it has none.
    pub resource: Vec<&'a PolicyInPlace>,
    /// Whether the resource belongs to another account, so that both sides must allow.
    pub foreign: bool,
    /// The policy of the endpoint on the way, if the call goes through one.
    pub endpoint: Option<Vec<&'a PolicyInPlace>>,
    /// Whether the role's own policies have no say (a request that somebody else signed).
    pub not_ours: bool,
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It passes.
    Allowed,
    /// A statement denies it.
    Denied(Citation),
    /// Nothing allows it at these gates.
    Missing(Vec<Gate>),
    /// It cannot be told.
    Unclear(String),
}

impl Gates<'_> {
    /// How a call ends.
    #[must_use]
    pub fn judge(&self, request: &Request) -> Judgement {
        let identity = if self.not_ours { Ruling::Allowed } else { rule(&self.identity, Use::Identity, request) };
        let boundary = rule(&self.boundary, Use::Identity, request);
        let boundary = if self.boundary.is_empty() { Ruling::Allowed } else { boundary };
        let resource = if self.foreign {
            rule(&self.resource, Use::Resource, request)
        } else {
            rule_by_name(&self.resource, Use::Resource, request)
        };
        let endpoint =
            self.endpoint.as_ref().map_or(Ruling::Allowed, |policies| rule(policies, Use::Resource, request));
        for ruling in [&identity, &boundary, &resource, &endpoint] {
            if let Ruling::Denied(citation) = ruling {
                return Judgement::Denied(citation.clone());
            }
        }
        let granted = if self.foreign { both(identity, resource) } else { either(identity, resource) };
        let gates = granted.into_iter().chain([(Gate::Boundary, boundary), (Gate::Endpoint, endpoint)]);
        let (mut missing, mut unclear) = (Vec::new(), None);
        for (gate, ruling) in gates {
            match ruling {
                Ruling::Silent => missing.push(gate),
                Ruling::Unclear { why, .. } => unclear = unclear.or(Some(why)),
                Ruling::Allowed | Ruling::Denied(_) => {}
            }
        }
        match (missing.is_empty(), unclear) {
            // What nothing allows is not allowed, whatever else is unclear.
            (false, _) => Judgement::Missing(missing),
            (true, Some(why)) => Judgement::Unclear(why),
            (true, None) => Judgement::Allowed,
        }
    }
}

/// Between accounts each side has to allow.
fn both(identity: Ruling, resource: Ruling) -> Vec<(Gate, Ruling)> {
    vec![(Gate::Identity, identity), (Gate::Resource, resource)]
}

/// Within an account one side is enough, unless the other may deny.
fn either(identity: Ruling, resource: Ruling) -> Vec<(Gate, Ruling)> {
    let may_deny = |ruling: &Ruling| matches!(ruling, Ruling::Unclear { may_deny: true, .. });
    let allows = |ruling: &Ruling| *ruling == Ruling::Allowed;
    let decided = if may_deny(&identity) {
        identity
    } else if may_deny(&resource) || allows(&resource) {
        resource
    } else if allows(&identity) || identity != Ruling::Silent {
        identity
    } else {
        resource
    };
    vec![(Gate::Identity, decided)]
}
