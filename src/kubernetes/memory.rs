//! What the controller keeps in mind about an object between two visits. All of it can be lost: it decides what is told, and how
//! often something is repeated that had no effect; never what is done.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use crate::model::{
    address::{Address, Kind},
    asked::Asked,
    plan::Verb,
    tries::Tries,
};

/// What is kept in mind about one object.
#[derive(Default)]
pub struct Memory {
    /// What was asked of its resources.
    pub asked: Asked,
    /// The corrections that have not shown an effect yet.
    pub tries: Tries,
    /// The steps of the last visit, so that one which AWS takes minutes for is told once.
    pub written: BTreeMap<Address, Verb>,
    /// When AWS was last looked at for it, in seconds since the epoch.
    pub last_verified: Option<i64>,
    /// What its deletion waited for at the last visit.
    pub waiting_for: BTreeSet<Kind>,
}

/// What is kept in mind, by the object's uid.
#[derive(Default)]
pub struct Memories {
    objects: Mutex<HashMap<String, Memory>>,
}

impl Memories {
    /// Do something with what is kept in mind about an object.
    pub fn with<R>(&self, uid: &str, use_it: impl FnOnce(&mut Memory) -> R) -> R {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(objects.entry(uid.to_owned()).or_default())
    }

    /// The object is gone.
    pub fn forget(&self, uid: &str) {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}
