//! The verdict on permissions: whether the policies that are really in place let the notebooks' role log in and install.
//!
//! It tells three things apart that look alike to whoever sits at the notebook: no way to the service (the connection hangs), no permission
//! (access is denied), and both in order. Pure; it evaluates what was seen and makes no call of its own. What nobody can see from here (the
//! organisation's policies, the policies of buckets) it does not evaluate and says so.

mod needs;
mod tell;

use super::{
    access::{Gates, Judgement, Place, PolicyInPlace, Principal, Request, Ruling, Use, rule},
    address::{Address, Kind},
    environment::{Endpoint, Environment},
    port::Observation,
    report::{Fact, Truth, conditions},
    resource::{Output, Phase, Seen, Sight},
    services::Service,
};
use needs::{Need, Target, needs};
use tell::{Findings, Problem};

/// Whether the role may do what the environment needs of it.
#[must_use]
pub fn permissions_ready(environment: &Environment, observation: &Observation) -> Fact {
    let view = View { environment, observation };
    let role = match view.role() {
        Ok(role) => role,
        Err(fact) => return fact,
    };
    let mut findings = Findings::default();
    view.judge_trust(role, &mut findings);
    for service in view.ways() {
        if let Way::None(why) = view.way(service) {
            findings.no_way.push((service, why));
        }
    }
    for need in needs(environment) {
        view.judge(role, &need, &mut findings);
    }
    view.judge_upstreams(role, &mut findings);
    tell::fact(environment, &findings)
}

/// What restricts presigned URLs: nothing, because the manifest does not say who may use one.
#[must_use]
pub fn access_restricted() -> Fact {
    Fact {
        name: conditions::ACCESS_RESTRICTED,
        truth: Truth::Unknown,
        reason: "NotAsked".into(),
        message: "the manifest has no rules for presigned URLs; IAM alone decides who may open a notebook".into(),
    }
}

/// How a call gets to a service.
enum Way<'a> {
    /// Through an endpoint that was seen.
    Endpoint(&'a Seen),
    /// Not at all, and why.
    None(String),
    /// Somehow; with which policy is not known.
    Unseen(String),
    /// Not by an endpoint of this environment.
    NotAsked,
}

struct View<'a> {
    environment: &'a Environment,
    observation: &'a Observation,
}

impl<'a> View<'a> {
    fn role(&self) -> Result<&'a Seen, Fact> {
        let arn = self.environment.role_arn();
        let wanted = self.observation.wanted.iter().find(|wanted| wanted.address.kind == Kind::Role);
        let sight = wanted.and_then(|wanted| self.observation.sights.get(&wanted.address));
        match sight {
            Some(Sight::Present(seen)) => Ok(seen),
            Some(Sight::Unknown(problem)) => {
                Err(tell::unknown(&problem.reason, &format!("role {arn} cannot be seen: {problem}")))
            }
            Some(Sight::Unsettled { .. } | Sight::Unlisted { .. }) => {
                Err(tell::no_role(self.environment, &format!("role {arn} was made a moment ago")))
            }
            Some(Sight::Absent) | None => Err(tell::no_role(self.environment, &format!("role {arn} does not exist"))),
        }
    }

    /// The services that the calls of this environment go through.
    fn ways(&self) -> Vec<Service> {
        let mut services: Vec<Service> = needs(self.environment).iter().filter_map(|need| need.through).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    fn way(&self, service: Service) -> Way<'a> {
        match self.environment.network.endpoints.get(&service) {
            None => {
                let declare = format!("no endpoint of {service} is declared in network.endpoints (id or external)");
                return Way::Unseen(declare);
            }
            Some(Endpoint::External) => {
                return Way::Unseen(format!("the endpoint of {service} is elsewhere, and its policy cannot be seen"));
            }
            Some(Endpoint::Managed { .. } | Endpoint::Existing(_)) => {}
        }
        let address = Address::new(Kind::VpcEndpoint, service.name());
        match self.observation.sights.get(&address) {
            Some(Sight::Present(seen)) => match &seen.phase {
                Phase::Ready => Way::Endpoint(seen),
                Phase::Progressing(what) => Way::None(format!("{} is not available yet: {what}", seen.id)),
                Phase::Failed { reason, .. } => Way::None(format!("{} cannot be used: {reason}", seen.id)),
                Phase::Deleting => Way::None(format!("{} is being deleted", seen.id)),
            },
            Some(Sight::Unknown(problem)) => Way::Unseen(format!("{address} cannot be seen: {problem}")),
            Some(Sight::Unsettled { id }) => Way::None(format!("{id} was made a moment ago")),
            Some(Sight::Unlisted { id }) => Way::Unseen(format!("AWS's list lacks {id}")),
            Some(Sight::Absent) | None => Way::None("there is no VPC endpoint".into()),
        }
    }

    fn judge_trust(&self, role: &Seen, findings: &mut Findings) {
        let request = Request {
            principal: Principal::Service("sagemaker.amazonaws.com".into()),
            action: "sts:AssumeRole".into(),
            resource: self.environment.role_arn(),
            context: super::access::Context::default(),
        };
        match rule(&at(role, Place::Trust), Use::Trust, &request) {
            Ruling::Allowed => {}
            Ruling::Denied(by) => findings.denied.push(Problem::new("take the role", &request, by.to_string())),
            Ruling::Silent => findings.untrusted = true,
            Ruling::Unclear { why, .. } => findings.unclear.push(Problem::new("take the role", &request, why)),
        }
    }

    fn judge(&self, role: &Seen, need: &Need, findings: &mut Findings) {
        let way = need.through.map_or(Way::NotAsked, |service| self.way(service));
        let request = self.request(role, need, &way);
        let (resource, foreign) = self.resource_policies(need);
        let unseen: Vec<PolicyInPlace> = match &way {
            Way::Unseen(why) => vec![PolicyInPlace::unseen(Place::Endpoint, "the endpoint", why)],
            Way::Endpoint(_) | Way::None(_) | Way::NotAsked => Vec::new(),
        };
        let gates = Gates {
            identity: at(role, Place::Identity),
            boundary: at(role, Place::Boundary),
            resource: resource.iter().collect(),
            foreign,
            endpoint: match &way {
                Way::Endpoint(endpoint) => Some(at(endpoint, Place::Endpoint)),
                Way::Unseen(_) => Some(unseen.iter().collect()),
                // Without a way nothing stops the call on it: what is told then is what else would.
                Way::None(_) | Way::NotAsked => None,
            },
            not_ours: need.by_somebody,
        };
        match gates.judge(&request) {
            Judgement::Allowed => {}
            Judgement::Denied(by) => findings.denied.push(Problem::new(need.purpose, &request, by.to_string())),
            Judgement::Missing(gates) => findings.missing.extend(gates.into_iter().map(|gate| (gate, need.clone()))),
            Judgement::Unclear(why) => findings.unclear.push(Problem::new(need.purpose, &request, why)),
        }
    }

    /// The policies of what a call is done to, and whether that belongs to another account.
    fn resource_policies(&self, need: &Need) -> (Vec<PolicyInPlace>, bool) {
        let domain = &self.environment.packages.domain;
        let mut addresses = Vec::new();
        let mut foreign = domain.owner != self.environment.account;
        match &need.target {
            Target::Nothing => return (Vec::new(), false),
            Target::Domain => addresses.push(Address::new(Kind::Domain, &domain.name)),
            Target::Repository(name) => {
                addresses.push(Address::new(Kind::Domain, &domain.name));
                let address = Address::new(Kind::Repository, name);
                let administrator = self.observation.outputs.get(&address, Output::Administrator);
                // Whoever administers a repository is at home in it, whosever the domain is.
                foreign = foreign && administrator != Some(&self.environment.account);
                addresses.push(address);
            }
        }
        let policies = addresses.iter().flat_map(|address| match self.observation.sights.get(address) {
            Some(Sight::Present(seen)) => seen.state.policies().to_vec(),
            Some(Sight::Unknown(problem)) => {
                vec![PolicyInPlace::unseen(Place::Resource, format!("the policy of {address}"), problem.to_string())]
            }
            Some(Sight::Absent | Sight::Unsettled { .. } | Sight::Unlisted { .. }) | None => Vec::new(),
        });
        (policies.collect(), foreign)
    }

    /// Whether AWS asks the policies of upstreams when something is read through them is not documented: a denial there may count.
    fn judge_upstreams(&self, role: &Seen, findings: &mut Findings) {
        let Some(install) = &self.environment.packages.install else { return };
        let others = self.environment.packages.repositories.iter().filter(|other| other.name != install.repository);
        for upstream in others {
            let need = Need::read(self.environment, &upstream.name);
            let request = self.request(role, &need, &Way::NotAsked);
            let address = Address::new(Kind::Repository, &upstream.name);
            let Some(seen) = self.observation.sights.get(&address).and_then(Sight::seen) else { continue };
            if let Ruling::Denied(by) = rule(&at(seen, Place::Resource), Use::Resource, &request) {
                let why = format!("{by} denies it there, and whether AWS asks upstreams is not documented");
                findings.unclear.push(Problem::new("read through an upstream", &request, why));
            }
        }
    }

    fn request(&self, role: &Seen, need: &Need, way: &Way<'_>) -> Request {
        let tags = match &need.target {
            Target::Nothing => None,
            Target::Domain => Some(Address::new(Kind::Domain, &self.environment.packages.domain.name)),
            Target::Repository(name) => Some(Address::new(Kind::Repository, name)),
        };
        let target = tags.and_then(|address| self.observation.sights.get(&address)).and_then(Sight::seen);
        let endpoint = match way {
            Way::Endpoint(endpoint) => Some(*endpoint),
            Way::None(_) | Way::Unseen(_) | Way::NotAsked => None,
        };
        need.request(self.environment, role, endpoint, target)
    }
}

fn at(seen: &Seen, place: Place) -> Vec<&PolicyInPlace> {
    seen.state.policies().iter().filter(|policy| policy.place == place).collect()
}
