//! A simulated AWS, as much of it as an isolated notebook environment needs.
//!
//! It speaks AWS's own protocols: [`Simulator::handle`] takes an HTTP request and gives an HTTP response, mounted as
//! the SDK's HTTP client in tests ([`in_process`]) and on a TCP port for everything else ([`server`]).
//! It is a second, independent statement of how AWS behaves and therefore imports nothing else of this crate: an
//! error shared by both sides would be invisible.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

pub mod clock;
pub mod codeartifact;
mod constraint;
pub mod control_plane;
pub mod controls;
pub mod ec2;
pub mod faults;
pub mod iam;
pub mod in_process;
pub mod log;
mod paging;
pub mod policy;
pub mod program;
pub mod region;
pub mod run_folder;
pub mod sagemaker;
pub mod server;
pub mod sts;
#[cfg(test)]
mod testing;
pub mod way;
pub mod wire;
pub mod world;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use clock::{Clock, Instant};
use faults::{Fault, Kind};
use log::Entry;
use wire::{Call, Caller, Parsed, Refusal, Reply, Scope, Service};
use world::{DEFAULT_ACCOUNT, World};
pub use world::{Delays, Quotas, Settings};

/// The simulated AWS.
pub struct Simulator {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

struct Inner {
    world: World,
    log: Vec<Entry>,
    faults: faults::Plan,
    /// The world before the last change and before the last creation; kept only while a fault may ask for them.
    before_change: Option<World>,
    before_creation: Option<World>,
    /// The worlds before the changes of late, with the times of these changes; kept only while a fault may ask for them.
    past: VecDeque<(Instant, World)>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Simulator").finish_non_exhaustive()
    }
}

/// How a request ends for whoever sent it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With an answer.
    Answer(Response<Bytes>),
    /// With an answer that got lost.
    Lost,
    /// Not at all.
    Silence,
}

impl Simulator {
    /// A simulated AWS in which nothing exists yet.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Arc<Self> {
        let inner = Inner {
            world: World::new(settings),
            log: Vec::new(),
            faults: faults::Plan::default(),
            before_change: None,
            before_creation: None,
            past: VecDeque::new(),
        };
        Arc::new(Self { clock, inner: Mutex::new(inner) })
    }

    /// Answers a request as AWS would. A lost answer is status 500 here; a hang never returns.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self.outcome(&request) {
            Outcome::Answer(response) => response,
            Outcome::Lost => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
            Outcome::Silence => std::future::pending().await,
        }
    }

    /// Every call so far, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.inner().log.clone()
    }

    /// Forgets the calls so far.
    pub fn clear_log(&self) {
        self.inner().log.clear();
    }

    /// The planned faults.
    pub fn faults(&self) -> Faults<'_> {
        Faults { simulator: self }
    }

    /// Looks into the world or changes it behind everybody's back. Does not wait for anything to become due.
    pub fn with_world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.inner().world)
    }

    /// The present time of the simulated AWS.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn outcome(&self, request: &Request<Bytes>) -> Outcome {
        let now = self.clock.now();
        let mut inner = self.inner();
        // Whoever calls what is not there waits until it gives up.
        let Ok(way) = way::of(&mut inner.world, request) else { return Outcome::Silence };
        inner.world.way = way;
        inner.world.partition = region::PARTITION;
        if let Some(response) = codeartifact::pypi::handle(&mut inner.world, request, now) {
            return Outcome::Answer(response);
        }
        match wire::parse(request) {
            Ok(parsed) => inner.answer(parsed, now),
            Err(response) => Outcome::Answer(*response),
        }
    }
}

/// Access to the planned faults of a simulator.
#[derive(Debug)]
pub struct Faults<'a> {
    simulator: &'a Simulator,
}

impl Faults<'_> {
    /// Plans one more.
    pub fn add(&self, fault: Fault) {
        self.simulator.inner().faults.add(fault);
    }

    /// From now on everything works.
    pub fn clear(&self) {
        self.simulator.inner().faults.clear();
    }
}

impl Inner {
    fn answer(&mut self, parsed: Parsed, now: Instant) -> Outcome {
        let request_id = self.world.ids.uuid();
        let Parsed { scope, operation, params } = parsed;
        let service = scope.service;
        self.world.partition = region::partition(&scope.region);
        let caller = region::must_exist(&scope.region, service).and_then(|()| identify(&self.world, &scope, now));
        let call = Call {
            service,
            account: caller.as_ref().map_or_else(|_| DEFAULT_ACCOUNT.to_owned(), |caller| caller.account.clone()),
            region: scope.region,
            operation,
            params,
            caller: caller.clone().unwrap_or_else(|_| administrator("aws", DEFAULT_ACCOUNT)),
            now,
        };
        let fault = self.faults.strike(service, &call.operation, &call.params);
        if fault == Some(Kind::Hang) {
            self.record(&call, fault, 0, None);
            return Outcome::Silence;
        }
        let reply = caller.and_then(|_| self.reply(&call, fault));
        let code = reply.as_ref().err().map(|refusal| refusal.code.clone());
        let status = reply.as_ref().err().map_or(200, |refusal| refusal.status);
        self.record(&call, fault, status, code);
        match fault {
            Some(Kind::LostReply) => Outcome::Lost,
            _ => Outcome::Answer(wire::respond(service, &call.operation, &request_id, reply)),
        }
    }

    fn reply(&mut self, call: &Call, fault: Option<Kind>) -> Reply {
        match fault {
            Some(Kind::Throttle) => Err(throttled(call.service)),
            Some(Kind::ServerError(status)) => Err(server_error(call.service, status)),
            Some(Kind::StaleRead) => self.look_back(call, |inner| &mut inner.before_change),
            Some(Kind::NotFoundAfterCreate) => self.look_back(call, |inner| &mut inner.before_creation),
            Some(Kind::Late(by)) if !log::is_write(&call.operation) => self.read_late(call, by),
            Some(Kind::LostReply | Kind::Hang | Kind::Late(_)) | None => self.act(call),
        }
    }

    /// Takes the answer from the world as it was some time ago.
    fn read_late(&mut self, call: &Call, by: std::time::Duration) -> Reply {
        let then = call.now.saturating_sub(by);
        // The world before the first change since then.
        match self.past.iter().find(|(changed, _)| *changed > then) {
            Some((_, world)) => dispatch(&mut world.clone(), &Call { now: then, ..call.clone() }),
            None => self.act(call),
        }
    }

    /// Takes the answer from an earlier world. A change that would have succeeded there happens in the present one.
    fn look_back(&mut self, call: &Call, pick: impl FnOnce(&mut Self) -> &mut Option<World>) -> Reply {
        let partition = self.world.partition;
        let earlier = pick(self).clone().map(|mut world| {
            world.partition = partition;
            dispatch(&mut world, call)
        });
        match earlier {
            Some(Err(refusal)) => Err(refusal),
            Some(Ok(value)) if !log::is_write(&call.operation) => Ok(value),
            _ => self.act(call),
        }
    }

    fn act(&mut self, call: &Call) -> Reply {
        if !self.faults.looks_back() || !log::is_write(&call.operation) {
            return dispatch(&mut self.world, call);
        }
        let before = self.world.clone();
        let reply = dispatch(&mut self.world, call);
        if reply.is_ok() {
            if call.operation.starts_with("Create") && call.operation != "CreateTags" {
                self.before_creation = Some(before.clone());
            }
            let forgotten = call.now.saturating_sub(self.faults.latest_read());
            self.past.retain(|(changed, _)| *changed > forgotten);
            if !self.faults.latest_read().is_zero() {
                self.past.push_back((call.now, before.clone()));
            }
            self.before_change = Some(before);
        }
        reply
    }

    fn record(&mut self, call: &Call, fault: Option<Kind>, status: u16, code: Option<String>) {
        self.log.push(Entry {
            at: call.now,
            service: call.service,
            operation: call.operation.clone(),
            account: call.account.clone(),
            region: call.region.clone(),
            caller_arn: call.caller.arn.clone(),
            params: call.params.clone(),
            status,
            code,
            write: log::is_write(&call.operation),
            fault: fault.map(|kind| format!("{kind:?}")),
        });
    }
}

fn dispatch(world: &mut World, call: &Call) -> Reply {
    if world.settings.enforce_iam && call.caller.role_name.is_some() {
        iam::authorize(world, call)?;
    }
    match call.service {
        Service::Ec2 => ec2::handle(world, call),
        Service::Iam => iam::handle(world, call),
        Service::Sts => sts::handle(world, call),
        Service::CodeArtifact => codeartifact::handle(world, call),
        Service::SageMaker => sagemaker::handle(world, call),
    }
}

/// Keys from STS belong to their session, an access key id of twelve digits is the administrator of that account,
/// and any other key is the administrator of the default account.
fn identify(world: &World, scope: &Scope, now: Instant) -> Result<Caller, Refusal> {
    let partition = world.partition;
    let Some(key) = &scope.access_key else {
        return Ok(Caller { account: DEFAULT_ACCOUNT.into(), arn: "anonymous".into(), role_name: None });
    };
    if let Some(caller) = sts::caller(world, scope.service, (key, scope.session_token.as_deref()), now)? {
        return Ok(caller);
    }
    let is_account = key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit());
    Ok(administrator(partition, if is_account { key } else { DEFAULT_ACCOUNT }))
}

fn administrator(partition: &str, account: &str) -> Caller {
    Caller { account: account.to_owned(), arn: format!("arn:{partition}:iam::{account}:root"), role_name: None }
}

/// The throttling error of each service.
fn throttled(service: Service) -> Refusal {
    match service {
        Service::Ec2 => Refusal::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Service::Iam | Service::Sts => Refusal::new(400, "Throttling", "Rate exceeded"),
        Service::CodeArtifact => Refusal::new(429, "ThrottlingException", "Rate exceeded"),
        Service::SageMaker => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
    }
}

fn server_error(service: Service, status: u16) -> Refusal {
    let code = match (service, status) {
        (Service::Ec2 | Service::Iam | Service::Sts, 503) => "ServiceUnavailable",
        (Service::Ec2, _) => "InternalError",
        (Service::Iam | Service::Sts, _) => "ServiceFailure",
        (Service::CodeArtifact | Service::SageMaker, 503) => "ServiceUnavailableException",
        (Service::CodeArtifact | Service::SageMaker, _) => "InternalServerException",
    };
    Refusal::new(status, code, "An internal error has occurred")
}
