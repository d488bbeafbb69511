//! The port between Kubernetes and AWS: what the controller asks of a cloud, in the model's own words.
//!
//! `crate::kubernetes` sees AWS only through [`Cloud`]; `crate::aws` implements it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use super::{
    address::{Address, Kind},
    environment::Environment,
    owner::Owner,
    plan::Plan,
    resource::{Outputs, Sight, Wanted},
    surroundings::Surroundings,
};

/// What kind of answer AWS gave when it did not do what was asked. One table maps its error codes to these, one place maps these to
/// what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// The thing is not there.
    NotFound,
    /// The thing, or one of the same name, is there already.
    Exists,
    /// Too many requests; ask later and slower.
    Throttled,
    /// Something else has to happen first; AWS will say yes later.
    Waiting,
    /// Not allowed.
    Denied,
    /// There are no credentials, or the role cannot be assumed.
    Credentials,
    /// A quota is used up.
    Quota,
    /// AWS refuses the request as such.
    Invalid,
    /// It is not known whether the request had its effect: look, do not repeat.
    Unknown,
    /// A passing fault; the request had no effect.
    Transient,
}

impl ErrorClass {
    /// Whether nothing will change until a person acts.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Denied | Self::Credentials | Self::Quota | Self::Invalid | Self::Exists)
    }

    /// Its name, as metrics and logs show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Exists => "Exists",
            Self::Throttled => "Throttled",
            Self::Waiting => "Waiting",
            Self::Denied => "Denied",
            Self::Credentials => "Credentials",
            Self::Quota => "Quota",
            Self::Invalid => "Invalid",
            Self::Unknown => "Unknown",
            Self::Transient => "Transient",
        }
    }

    /// The reason that conditions give.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::Exists => "AlreadyExists",
            Self::Throttled => "Throttled",
            Self::Waiting => "WaitingForAWS",
            Self::Denied => "AccessDenied",
            Self::Credentials => "CredentialsUnusable",
            Self::Quota => "QuotaExceeded",
            Self::Invalid => "InvalidRequest",
            Self::Unknown => "OutcomeUnknown",
            Self::Transient => "AWSUnavailable",
        }
    }
}

/// Something that keeps an environment from being as asked, in words that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem; decides when to try again.
    pub class: ErrorClass,
    /// CamelCase reason for conditions and Events; usually the class's.
    pub reason: String,
    /// The resource it is about, if it is about one.
    pub address: Option<Address>,
    /// What happened and what to do, without secrets, without request ids.
    pub message: String,
}

impl Problem {
    /// A problem with the reason of its class.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, reason: class.reason().to_owned(), address: None, message: message.into() }
    }

    /// The same problem with its own reason.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }

    /// The same problem about a resource.
    #[must_use]
    pub fn about(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(formatter, "{address}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

/// Which role in which account to act as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The name of the `AWSIdentity`.
    pub name: String,
    /// The account that it must lead to.
    pub account: String,
    /// The role to assume; the controller's own credentials when absent.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Session tags.
    pub session_tags: BTreeMap<String, String>,
}

/// How old a look may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Everything is looked at anew: the manifest changed, or somebody asked.
    Now,
    /// The periodic check: looks of the same round are shared.
    Check,
    /// Only what is waited for is looked at anew.
    Poll,
}

/// Whose resources to look at, and how closely.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Whose.
    pub owner: Owner,
    /// As whom.
    pub identity: Identity,
    /// Where.
    pub region: String,
    /// What is wanted; `None` when the object is being deleted, which needs no valid manifest.
    pub environment: Option<Arc<Environment>>,
    /// Ids that the status remembers. They can veto a creation, never authorise a write.
    pub remembered: BTreeMap<Address, String>,
    /// Those of them that the manifest declared as existing: they never were ours.
    pub declared: BTreeSet<Address>,
    /// Creations begun and not yet seen to have ended.
    pub intents: Vec<Intent>,
    /// How old a look may be.
    pub freshness: Freshness,
}

impl Scope {
    /// The ids of what is remembered as ours.
    #[must_use]
    pub fn ours(&self) -> BTreeMap<Address, String> {
        let ours = self.remembered.iter().filter(|(address, _)| !self.declared.contains(address));
        ours.map(|(address, id)| (address.clone(), id.clone())).collect()
    }
}

/// What was seen of an environment's resources.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// What is wanted, with every input that is known filled in.
    pub wanted: Vec<Wanted>,
    /// What is known of every wanted resource, and of every other resource that carries the owner's tags.
    pub sights: BTreeMap<Address, Sight>,
    /// The outputs of what exists.
    pub outputs: Outputs,
    /// Intents that are over: the resource is there, or it is certain that it is not.
    pub settled_intents: BTreeSet<String>,
    /// What stands around the environment in its VPC; `None` as long as there is no VPC.
    pub surroundings: Option<Surroundings>,
}

/// The decision to create something that AWS would create twice if asked twice, written down before the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Which resource.
    pub address: Address,
    /// A value that occurs once; also a tag of the resource.
    pub token: String,
    /// When it was written down, in seconds since the epoch.
    pub begun_at: i64,
}

/// Where intents are made durable.
#[async_trait]
pub trait IntentLog: Send + Sync {
    /// Write the intent down.
    ///
    /// # Errors
    /// When it could not be written; then the creation must not happen.
    async fn begin(&self, intent: &Intent) -> Result<(), Problem>;
}

/// How a step of a plan ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and AWS confirmed.
    Done,
    /// AWS is at it; the text says what is waited for.
    Started(String),
    /// Its turn has not come; the text says what is waited for.
    Waiting(String),
    /// It did not work.
    Failed(Problem),
}

/// How the steps of a plan ended.
pub type Outcomes = BTreeMap<Address, Outcome>;

/// A cloud that can be looked at and changed.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Look at everything that the scope's owner has or wants.
    ///
    /// # Errors
    /// When nothing can be looked at: no credentials, the wrong account. What concerns single resources is in their sights.
    async fn observe(&self, scope: &Scope) -> Result<Observation, Problem>;

    /// Carry out the steps of a plan that are ready. Never waits for AWS to finish: what takes time is looked at again.
    async fn apply(&self, scope: &Scope, observation: &Observation, plan: &Plan, intents: &dyn IntentLog) -> Outcomes;

    /// The kinds that are being waited for, so that the next [`Freshness::Poll`] looks at these.
    fn wait_for(&self, owner: &Owner, kinds: BTreeSet<Kind>);

    /// When there will be room for what the owner's steps waited for last, so that nobody waits longer than needed for calls that are rationed.
    /// `None` when they waited for no room.
    async fn turn_in(&self, scope: &Scope) -> Option<Duration>;

    /// Forget what was kept in memory about an owner whose resources are gone.
    fn forget(&self, owner: &Owner);
}
