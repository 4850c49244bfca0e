//! The feed `activities`: complete sales, refunds, voids, shifts and verifications of a window.
//!
//! Training records are excluded, as in `sale-lines`: a run that forgot to exclude them would report turnover that
//! does not exist.

use super::queries::Queries;
use super::{FeedWindow, Progress};
use galleria_domain::{Activity, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{Deadline, Feed};
use galleria_ports::records::{ActivityCursor, ActivityPage, Records};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The maximum number of activities in one page, also if more are requested. A basket takes about 10 KiB, and its
/// refund as much again, so that a page takes a MiB or two.
const PAGE: u32 = 128;

/// The activities of a window in pages.
pub struct ActivityPages {
    queries: Queries,
    window: FeedWindow,
    after: ActivityCursor,
    progress: Progress,
}

impl ActivityPages {
    /// Starts at the first activity. Create it on the runtime and read it outside.
    pub fn new(records: Arc<dyn Records>, window: FeedWindow, progress: Progress) -> Self {
        Self {
            queries: Queries::new(records),
            window,
            after: ActivityCursor::default(),
            progress,
        }
    }

    /// The activities of the stores that the window covers, with these stores.
    fn page(
        &self,
        limit: u32,
        deadline: &dyn Deadline,
    ) -> Result<(ActivityPage, Vec<Store>), Error> {
        let (window, after) = (self.window.clone(), self.after.clone());
        self.queries.read(
            deadline,
            in_tx!(|tx, window, after| {
                let list = tx.activity_list(
                    &window.retailer,
                    window.store.as_deref(),
                    &window.first,
                    &window.last,
                    window.as_of,
                    &after,
                    limit,
                );
                let mut page = list.await?;
                page.activities.retain(|(store, _)| window.covers(store));
                let ids = page.activities.iter().map(|(store, _)| store.clone());
                let ids: BTreeSet<String> = ids.collect();
                let ids: Vec<String> = ids.into_iter().collect();
                let stores = tx.store_get_many(&ids).await?;
                Ok((page, stores))
            }),
        )
    }
}

impl Feed<(Store, Activity)> for ActivityPages {
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<(Store, Activity)>, Error> {
        // A page may be empty because of retention or because it has only other stores: continue.
        loop {
            let (page, stores) = self.page(max.clamp(1, PAGE), deadline)?;
            let Some(last) = page.last else {
                return Ok(Vec::new());
            };
            self.after = last;
            if page.activities.is_empty() {
                continue;
            }
            (self.progress)(page.activities.len() as u64);
            let stores = stores.into_iter().map(|store| (store.id.clone(), store));
            let stores: BTreeMap<String, Store> = stores.collect();
            let with_store = |(id, activity): (String, Activity)| match stores.get(&id) {
                Some(store) => Ok((store.clone(), activity)),
                None => Err(Error::NotFound { what: "store", id }),
            };
            return page.activities.into_iter().map(with_store).collect();
        }
    }
}
