//! Where resources of one kind are kept, by id, and how each kind says that an id is malformed or unknown.
//!
//! AWS on this: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>.

use std::collections::BTreeMap;

use super::bad_request;
use crate::sandbox::clock::Instant;
use crate::sandbox::wire::Refusal;

/// A kind of resource as ids and errors show it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What stands before the last dash of an id.
    pub prefix: &'static str,
    /// The name in `TagSpecification.ResourceType` and `DescribeTags`.
    pub resource_type: &'static str,
    /// The code for an id that does not exist.
    pub not_found: &'static str,
    /// The code for a text that is no id of this kind.
    pub malformed: &'static str,
    /// How the message names it: `The vpc ID '…' does not exist`.
    pub noun: &'static str,
}

impl Kind {
    /// Whether the text has the form of an id of this kind.
    ///
    /// # Errors
    /// The kind's `Malformed` code.
    pub fn check(&self, id: &str) -> Result<(), Refusal> {
        let hex = id.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        let well_formed = (hex.len() == 8 || hex.len() == 17)
            && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if well_formed {
            return Ok(());
        }
        Err(bad_request(self.malformed, format!("Invalid id: \"{id}\" (expecting \"{}-...\")", self.prefix)))
    }

    /// The answer to an id that does not exist.
    #[must_use]
    pub fn absent(&self, id: &str) -> Refusal {
        bad_request(self.not_found, format!("The {} '{id}' does not exist", self.noun))
    }
}

/// A resource that is kept in a [`Table`].
pub trait Resource {
    /// Its kind.
    const KIND: Kind;
    /// Its id.
    fn id(&self) -> &str;
    /// The VPC it is in, if it is always in one.
    fn vpc(&self) -> Option<&str> {
        None
    }
}

/// All resources of one kind.
#[derive(Debug, Clone)]
pub struct Table<T> {
    rows: BTreeMap<String, T>,
    /// Created so recently that AWS does not find them yet, or finds them but does not describe them.
    unseen: BTreeMap<String, Visible>,
    now: Instant,
}

/// When something new shows. AWS acts on what it has just made sooner than it describes it.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    /// To calls that act on it.
    pub found_from: Instant,
    /// To calls that describe it, by its id or by what it is like.
    pub described_from: Instant,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), unseen: BTreeMap::new(), now: Instant::ZERO }
    }
}

impl<T: Resource> Table<T> {
    /// Adds a resource that is not seen by everybody at once.
    pub fn insert(&mut self, row: T, visible: Visible) {
        let id = row.id().to_owned();
        self.unseen.insert(id.clone(), visible);
        self.rows.insert(id, row);
    }

    /// Adds a resource that comes with another one and is found at once.
    pub fn insert_seen(&mut self, row: T) {
        self.rows.insert(row.id().to_owned(), row);
    }

    /// Lets everything be found whose time has come.
    pub fn settle(&mut self, now: Instant) {
        self.now = now;
        self.unseen.retain(|_, visible| visible.found_from.max(visible.described_from) > now);
    }

    /// The resource, as a call that names it finds it.
    ///
    /// # Errors
    /// The id is malformed or does not exist.
    pub fn get(&self, id: &str) -> Result<&T, Refusal> {
        T::KIND.check(id)?;
        self.rows.get(id).filter(|_| self.is_found(id)).ok_or_else(|| T::KIND.absent(id))
    }

    fn is_found(&self, id: &str) -> bool {
        self.unseen.get(id).is_none_or(|visible| visible.found_from <= self.now)
    }

    fn is_described(&self, id: &str) -> bool {
        self.unseen.get(id).is_none_or(|visible| visible.found_from.max(visible.described_from) <= self.now)
    }

    /// Whether a call that describes this resource finds it.
    #[must_use]
    pub fn describes(&self, id: &str) -> bool {
        self.rows.contains_key(id) && self.is_described(id)
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// The id is malformed or does not exist.
    pub fn get_mut(&mut self, id: &str) -> Result<&mut T, Refusal> {
        self.get(id)?;
        self.rows.get_mut(id).ok_or_else(|| T::KIND.absent(id))
    }

    /// The resource, found or not yet found.
    pub fn peek(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    /// The same, to be changed.
    pub fn peek_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(id)
    }

    /// Takes a resource away.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        self.unseen.remove(id);
        self.rows.remove(id)
    }

    /// Everything that exists.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// Everything that exists, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut()
    }

    /// Everything that a listing shows.
    pub fn seen(&self) -> impl Iterator<Item = &T> {
        self.rows.values().filter(|row| self.is_described(row.id()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
