//! The stores whose orders need an evaluation before their transaction, as far as this process knows.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stores that had tax settings or a tax table at their last order.
///
/// It only saves work: the transaction of an order checks the records. A store that is missing here costs that
/// transaction once more, and a store too many costs one more read.
#[derive(Clone, Debug, Default)]
pub(super) struct TaxedStores(Arc<Mutex<HashSet<String>>>);

impl TaxedStores {
    fn all(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn contains(&self, store: &str) -> bool {
        self.all().contains(store)
    }

    pub fn add(&self, store: &str) {
        let mut all = self.all();
        if !all.contains(store) {
            all.insert(store.to_owned());
        }
    }

    pub fn remove(&self, store: &str) {
        self.all().remove(store);
    }
}
