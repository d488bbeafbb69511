//! The AWS half of a resource kind: list, create, update, delete.
//!
//! A provider never decides: what is whose, what differs and what may be done has been decided when it is called. It never waits: what
//! AWS takes time for is looked at again later. It never repeats a call: the SDK does, for throttling and passing faults.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    account::{Account, Clients},
    engine::memory::Marks,
    error::AwsError,
    inventory::{Listing, Looked},
    limits::Asking,
};
use crate::model::{
    address::{Address, Kind},
    diff::FieldDiff,
    environment::Environment,
    owner::{Owner, Ownership, Tags},
    plan::Hold,
    port::{ErrorClass, Problem, Scope},
    resource::{Finding, Management, Output, Phase, ResourceKind, Seen, State, Wanted},
    surroundings::Surroundings,
};

/// A thing in AWS that may be one of an environment's resources: what `list` returns.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id, or its name where the name is the id.
    pub id: String,
    /// Its logical address where it follows from something else than the owner tags on itself (the rules of a group).
    pub address: Option<Address>,
    /// Its tags, without those that AWS reserves.
    pub tags: Tags,
    /// How far AWS is with it.
    pub phase: Phase,
    /// What others take from it.
    pub outputs: BTreeMap<Output, String>,
    /// What is reported and never corrected.
    pub findings: Vec<Finding>,
    /// What it looks like.
    pub state: Arc<dyn State>,
}

impl Item {
    /// The state in its kind's own type.
    ///
    /// # Panics
    /// When asked for the type of another kind, which is a bug in that kind and found by its first test.
    #[must_use]
    pub fn state<S: State>(&self) -> &S {
        self.state.as_any().downcast_ref().expect("a kind asks for its own state")
    }
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Done and confirmed.
    Done,
    /// AWS is at it; what is waited for.
    Started(String),
}

/// A creation that AWS accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The id, or the name where the name is the id.
    pub id: String,
    /// The outputs that are known at once, so that what depends on it can follow in the same round.
    pub outputs: BTreeMap<Output, String>,
}

impl Created {
    /// A creation with nothing but an id.
    pub fn id(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { outputs: BTreeMap::from([(Output::Id, id.clone())]), id }
    }

    /// The same creation with one more output.
    #[must_use]
    pub fn with(mut self, output: Output, value: impl Into<String>) -> Self {
        self.outputs.insert(output, value.into());
        self
    }
}

/// The eyes: everything that a provider can look with. It cannot write.
pub struct Reader<'a> {
    /// The account that is looked at.
    pub(super) account: &'a Account,
    /// Whose resources are looked for.
    pub owner: &'a Owner,
    /// What is wanted, unless the object is being deleted.
    pub environment: Option<&'a Environment>,
    /// Ids that were known before, by address.
    pub remembered: &'a BTreeMap<Address, String>,
    /// What was written and when.
    pub(super) marks: &'a Marks,
    /// Which kind is being looked for.
    pub(super) kind: Kind,
    /// How old a look may be.
    pub(super) max_age: Duration,
}

impl Reader<'_> {
    /// The account's id.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.account.clients.account
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.account.clients.region
    }

    /// A listing, new enough: no older than this round allows and begun after this environment's last write to this kind.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look<T: Listing>(&self, key: &str) -> Result<Arc<Looked<T>>, AwsError> {
        self.look_within(key, self.max_age).await
    }

    /// A listing that also has what this environment last wrote to another kind: where what is written to one shows in the other.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look_after_writes_to<T: Listing>(&self, other: Kind, key: &str) -> Result<Arc<Looked<T>>, AwsError> {
        let now = Instant::now();
        let oldest = now.checked_sub(self.max_age).unwrap_or(now);
        let written = [self.kind, other].into_iter().filter_map(|kind| self.marks.last_write(kind)).max();
        let not_before = written.map_or(oldest, |written| oldest.max(written));
        self.account.inventory.get(&self.account.clients, key, not_before).await
    }

    /// A look that may be older, for what hardly ever changes. It is begun after this environment's last write to this kind all the same.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look_within<T: Listing>(&self, key: &str, max_age: Duration) -> Result<Arc<Looked<T>>, AwsError> {
        let now = Instant::now();
        let oldest = now.checked_sub(max_age).unwrap_or(now);
        let not_before = self.marks.last_write(self.kind).map_or(oldest, |written| oldest.max(written));
        self.account.inventory.get(&self.account.clients, key, not_before).await
    }

    /// A look that this environment's own writes do not make too old, because whoever writes puts what was written in its place
    /// ([`Writer::learn`]). For what AWS shows one by one only (tags).
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look_learned<T: Listing>(&self, key: &str, max_age: Duration) -> Result<Arc<Looked<T>>, AwsError> {
        let now = Instant::now();
        self.account.inventory.get(&self.account.clients, key, now.checked_sub(max_age).unwrap_or(now)).await
    }

    /// The same for tags, which say whose a thing is. That a thing is not ours although it `should` be is believed for no longer than anything else:
    /// its tags may not have been there yet when they were read, or somebody puts them back.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look_at_tags<T: Listing + AsRef<Tags>>(
        &self,
        key: &str,
        max_age: Duration,
        should: bool,
    ) -> Result<Arc<Looked<T>>, AwsError> {
        let look = self.look_learned::<T>(key, max_age).await?;
        let whose = self.owner.recognise(look.rows.as_ref());
        if !should || matches!(whose, Ownership::Ours | Ownership::Earlier) {
            return Ok(look);
        }
        self.look_learned::<T>(key, max_age.min(self.max_age)).await
    }

    /// A look that stays good until something says that it does not: read again when `version` (AWS's `LastModifiedTime`) is another than the one
    /// it was read for, and once an hour for certainty. Without a version it is like any other look.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look_at_version<T: Listing>(
        &self,
        name: &str,
        version: Option<String>,
    ) -> Result<Arc<Looked<T>>, AwsError> {
        let Some(version) = version else { return self.look(name).await };
        // The version is part of the key's content, not of the shelf: one shelf per name, so that old versions leave no trace.
        let versions = self.marks.version_of::<T>(name);
        let not_before = if versions.as_deref() == Some(version.as_str()) {
            let now = Instant::now();
            now.checked_sub(CERTAINTY).unwrap_or(now)
        } else {
            Instant::now()
        };
        let not_before = self.marks.last_write(self.kind).map_or(not_before, |written| not_before.max(written));
        let look = self.account.inventory.get(&self.account.clients, name, not_before).await?;
        self.marks.set_version::<T>(name, &version);
        Ok(look)
    }

    /// Whether a person named this id as one that may be taken over.
    #[must_use]
    pub fn may_adopt(&self, id: &str) -> bool {
        self.environment.is_some_and(|environment| environment.rules.adopt.names(id))
    }

    /// Whether a thing of this name should be the environment's own: wanted as that, or remembered and not wanted as somebody else's.
    #[must_use]
    pub fn should_be_ours(&self, wanted: &[Wanted], name: &str) -> bool {
        match wanted.iter().find(|wanted| wanted.name.as_deref() == Some(name)) {
            Some(wanted) => wanted.management == Management::Owned,
            None => self.remembered.iter().any(|(address, id)| address.kind == self.kind && id == name),
        }
    }

    /// Whether a thing of this name may be the environment's: wanted by it, or remembered as its own. Point reads are made for these only.
    #[must_use]
    pub fn concerns(&self, wanted: &[Wanted], name: &str) -> bool {
        wanted.iter().any(|wanted| wanted.name.as_deref() == Some(name))
            || self.remembered.iter().any(|(address, id)| address.kind == self.kind && id == name)
    }
}

/// How old a look at something that shows its modification time may become.
const CERTAINTY: Duration = Duration::from_hours(1);

/// The permission to write for an environment. There is no [`Writer`] without one, and none for an environment that is only looked at: not even
/// a plan that asks for a write gets one.
#[derive(Debug, Clone, Copy)]
pub struct Permit(());

impl Permit {
    /// The permission for what the scope is about, if it has one.
    ///
    /// # Errors
    /// When the environment is observed or paused.
    pub(super) fn of(scope: &Scope) -> Result<Self, Problem> {
        let rules = scope.environment.as_ref().map(|environment| &environment.rules);
        let hold = match rules {
            Some(rules) if rules.observe_only => Hold::Observe,
            Some(rules) if rules.paused => Hold::Paused,
            // A deletion asks before it gets here.
            Some(_) | None => return Ok(Self(())),
        };
        Err(Problem::new(ErrorClass::Invalid, hold.way_out()).because(hold.reason()))
    }
}

/// The hands. Only the engine makes one, only with a permit.
pub struct Writer<'a> {
    pub(super) account: &'a Account,
    /// Proof that this environment may be written for.
    pub(super) _permit: Permit,
    pub(super) marks: &'a Marks,
    /// Who writes, about what.
    pub(super) asking: Asking,
    /// A number that differs between tries to create the same resource, for client tokens: AWS answers a repeated token with what it made the first time,
    /// though that may be gone by now.
    pub attempt: u32,
    /// The token of the durable intent, for kinds that need one.
    pub intent: Option<String>,
    /// Whether anything was sent.
    pub(super) sent: AtomicBool,
}

impl Writer<'_> {
    const fn kind(&self) -> Kind {
        self.asking.address.kind
    }

    /// The clients, for one write of `operation` (`ec2:CreateVpc`): takes from its budget, and makes every earlier look at this kind too old.
    ///
    /// # Errors
    /// When the operation's budget is used up for now; nothing was sent.
    pub fn write(&self, operation: &'static str) -> Result<&Clients, AwsError> {
        self.account.limits.take(operation, &self.asking).inspect_err(|_| {
            if let Some(metrics) = &self.account.metrics {
                metrics.held_back(operation);
            }
        })?;
        self.marks.wrote(self.kind());
        self.sent.store(true, Ordering::Relaxed);
        Ok(&self.account.clients)
    }

    /// A look that a deletion decides by: not older than what is waited for may be, and shared by all who wait for the same.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn look<T: Listing>(&self, key: &str) -> Result<Arc<Looked<T>>, AwsError> {
        let now = Instant::now();
        let oldest = now.checked_sub(self.marks.poll_age(self.kind()).unwrap_or_default()).unwrap_or(now);
        self.account.inventory.get(&self.account.clients, key, oldest).await
    }

    /// The last look at something, however old, if there was one. Whatever is in it was there before what is written next.
    pub async fn known<T: Listing>(&self, key: &str) -> Option<Arc<Looked<T>>> {
        self.account.inventory.latest(key).await
    }

    /// The clients, for a read that belongs to a write (what a deletion has to remove first).
    #[must_use]
    pub const fn read(&self) -> &Clients {
        &self.account.clients
    }

    /// Put what was just written in the place of a look (tags that were sent need not be read back).
    pub async fn learn<T: Listing>(&self, key: &str, rows: T) {
        self.account.inventory.learn(key, rows).await;
    }
}

/// What is written takes its time: a look that somebody began while the answer was outstanding need not have it. However the write ended, also
/// when nobody waits for its answer any more, every look that began before its end is too old.
impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if self.sent.load(Ordering::Relaxed) {
            self.marks.wrote(self.kind());
        }
    }
}

/// The AWS half of a resource kind.
#[async_trait]
pub trait Provider: ResourceKind {
    /// Everything of this kind that may be one of the environment's resources: what carries any owner tags, what has a wanted or remembered
    /// id or name, what stands in the place of something wanted.
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError>;

    /// Tell what its listing shows of the VPC around the environment, or that it could not be read.
    async fn survey(&self, _reader: &Reader<'_>, _around: &mut Surroundings) {}

    /// Whether `item` stands where `wanted` should be (same name, same service in the same VPC), so that creating would conflict.
    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        wanted.name.as_deref() == Some(item.id.as_str())
    }

    /// Whether `item`, which carries the tags of `wanted`, may be it: a name that the manifest changed makes another thing of it.
    fn may_be(&self, wanted: &Wanted, item: &Item) -> bool {
        let _ = (wanted, item);
        true
    }

    /// Whether AWS makes a second one when asked twice. Then the intent is written down before the call.
    fn needs_intent(&self) -> bool {
        false
    }

    /// Make it. All inputs are known.
    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError>;

    /// Correct the fields in `diffs` and no others, with the fewest calls; add before remove.
    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError>;

    /// Delete it, or take the next step towards that. "Not found" is success.
    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError>;

    /// Delete several, in the order given, in one call where AWS takes many ids. The answers are in the same order.
    async fn delete_all(&self, writer: &Writer<'_>, seen: &[&Seen]) -> Vec<Result<Progress, AwsError>> {
        let mut results = Vec::new();
        for seen in seen {
            results.push(self.delete(writer, seen).await);
        }
        results
    }

    /// Its tags as they are at this moment, for kinds whose tags are otherwise seen with delay. What is seen is kept as the latest look.
    async fn tags_now(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Option<Tags>, AwsError> {
        let _ = (writer, seen);
        Ok(None)
    }

    /// Take these tags off it (the owner tags, when it is kept).
    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError>;
}
