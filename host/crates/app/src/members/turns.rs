//! Limits calls in flight. A store with a slow plugin delays only itself.

use galleria_ports::Error;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls in flight: of all stores, and of each store.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    each: usize,
    /// One entry for each store that was ever used.
    stores: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// The permit for one call, until it is dropped.
pub(crate) struct Turn {
    _store: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Turns {
    pub fn new(all: usize, each: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all.max(1))),
            each: each.max(1),
            stores: Mutex::default(),
        }
    }

    /// Waits for a permit. The permit of the store comes first, so that waiters of a slow store
    /// hold nothing that other stores need.
    pub async fn take(&self, store: &str) -> Result<Turn, Error> {
        let of_store = {
            let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(self.each));
            Arc::clone(stores.entry(store.to_owned()).or_insert_with(new))
        };
        let closed = |_| Error::Internal("the call limit of a store was closed".into());
        Ok(Turn {
            _store: of_store.acquire_owned().await.map_err(closed)?,
            _all: Arc::clone(&self.all)
                .acquire_owned()
                .await
                .map_err(closed)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_slow_store_leaves_room_for_the_others() {
        let turns = Turns::new(3, 2);
        let slow = [turns.take("slow").await, turns.take("slow").await];
        let wait = Duration::from_millis(20);
        let third = tokio::time::timeout(wait, turns.take("slow")).await;
        assert!(third.is_err(), "two of them are in flight");
        let other = turns.take("other").await.expect("a turn");
        let full = tokio::time::timeout(wait, turns.take("third")).await;
        assert!(full.is_err(), "three are in flight");
        drop(other);
        turns.take("third").await.expect("a turn");
        drop(slow);
        turns.take("slow").await.expect("a turn");
    }
}
