//! What AWS looks like: bulk looks that every environment of an account and region shares.
//!
//! A look is a whole listing (all VPCs of the region) or, where AWS has no bulk call, a point read (one VPC's DNS attributes). It is
//! kept together with the time at which its read began, and is read again only when somebody needs a newer one; whoever asks at the
//! same moment waits for the same read. Nothing in here decides what a look means.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{account::Clients, error::AwsError};

/// Something that can be looked at: a listing or a point read. Each resource kind defines its own, in its own compact rows; whole
/// AWS answers are never kept.
#[async_trait]
pub trait Listing: Send + Sync + Sized + 'static {
    /// Read it, all pages. `key` is empty for listings and names the thing for point reads.
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError>;
}

/// A look: what was read, and when its read began.
#[derive(Debug)]
pub struct Looked<T> {
    /// When the read began: whatever was written before this is in it (as far as AWS is consistent).
    pub began: Instant,
    /// What was read.
    pub rows: T,
}

type Key = (TypeId, String);
type AnyShelf = Arc<dyn Any + Send + Sync>;

struct Shelf<T> {
    latest: tokio::sync::Mutex<Option<Arc<Looked<T>>>>,
}

/// The looks of one account and region.
#[derive(Default)]
pub struct Inventory {
    shelves: Mutex<HashMap<Key, AnyShelf>>,
}

impl Inventory {
    /// A look whose read began at `not_before` or later.
    ///
    /// # Errors
    /// When a read was needed and failed; an older look is then still there for those who can live with it.
    pub async fn get<T: Listing>(
        &self,
        clients: &Clients,
        key: &str,
        not_before: Instant,
    ) -> Result<Arc<Looked<T>>, AwsError> {
        let place = self.shelf::<T>(key);
        // Held during the read: whoever needs the same look waits here and finds it.
        let mut latest = place.latest.lock().await;
        if let Some(look) = latest.as_ref().filter(|look| look.began >= not_before) {
            return Ok(Arc::clone(look));
        }
        let began = Instant::now();
        let look = Arc::new(Looked { began, rows: T::fetch(clients, key).await? });
        *latest = Some(Arc::clone(&look));
        Ok(look)
    }

    /// The last look, however old, if there ever was one.
    pub async fn latest<T: Listing>(&self, key: &str) -> Option<Arc<Looked<T>>> {
        self.shelf::<T>(key).latest.lock().await.clone()
    }

    /// Put a look in place that was learned by writing (the tags just sent), as if it had been read.
    pub async fn learn<T: Listing>(&self, key: &str, rows: T) {
        *self.shelf::<T>(key).latest.lock().await = Some(Arc::new(Looked { began: Instant::now(), rows }));
    }

    fn shelf<T: Listing>(&self, key: &str) -> Arc<Shelf<T>> {
        let mut all = self.shelves.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = all
            .entry((TypeId::of::<T>(), key.to_owned()))
            .or_insert_with(|| Arc::new(Shelf::<T> { latest: tokio::sync::Mutex::new(None) }));
        Arc::clone(found).downcast().unwrap_or_else(|_| unreachable!("a shelf is found by the type it was made with"))
    }
}
