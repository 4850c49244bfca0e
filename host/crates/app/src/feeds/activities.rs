//! The feed `activities`: complete sales, refunds, voids, shifts and verifications of a window.
//!
//! Training records are excluded, as in `sale-lines`: a run that forgot to exclude them would report turnover that
//! does not exist.

use super::{FeedWindow, Progress};
use galleria_domain::{Activity, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::Feed;
use galleria_ports::records::{ActivityCursor, ActivityPage, Records};
use std::sync::Arc;

/// The maximum number of activities in one page, also if the guest requests more. A basket takes about
/// 10 KiB, and its refund as much again, so that a page takes a MiB or two.
const PAGE: u32 = 128;

/// The activities of a window in pages.
pub struct ActivityPages {
    records: Arc<dyn Records>,
    runtime: tokio::runtime::Handle,
    window: FeedWindow,
    after: ActivityCursor,
    /// The store of the last activity, which usually is the store of the next one.
    store: Option<Store>,
    progress: Progress,
}

impl ActivityPages {
    /// Starts at the first activity. Create it on the runtime and read it outside.
    pub fn new(records: Arc<dyn Records>, window: FeedWindow, progress: Progress) -> Self {
        Self {
            records,
            runtime: tokio::runtime::Handle::current(),
            window,
            after: ActivityCursor::default(),
            store: None,
            progress,
        }
    }

    fn page(&self, limit: u32) -> Result<ActivityPage, Error> {
        let (window, after) = (self.window.clone(), self.after.clone());
        self.runtime
            .block_on(self.records.read(in_tx!(|tx, window, after| {
                tx.activity_list(
                    &window.retailer,
                    window.store.as_deref(),
                    &window.first,
                    &window.last,
                    window.as_of,
                    &after,
                    limit,
                )
                .await
            })))
    }

    fn store(&mut self, id: &str) -> Result<Store, Error> {
        if let Some(store) = self.store.as_ref().filter(|store| store.id == id) {
            return Ok(store.clone());
        }
        let wanted = id.to_owned();
        let found = self.runtime.block_on(
            self.records
                .read(in_tx!(|tx, wanted| tx.store_get(&wanted).await)),
        )?;
        let store = found.ok_or_else(|| Error::NotFound {
            what: "store",
            id: id.to_owned(),
        })?;
        self.store = Some(store.clone());
        Ok(store)
    }
}

impl Feed<(Store, Activity)> for ActivityPages {
    fn next(&mut self, max: u32) -> Result<Vec<(Store, Activity)>, Error> {
        // A page may be empty because of retention or because it has only other stores: continue.
        loop {
            let ActivityPage {
                mut activities,
                last,
            } = self.page(max.clamp(1, PAGE))?;
            let Some(last) = last else {
                return Ok(Vec::new());
            };
            self.after = last;
            activities.retain(|(store, _)| self.window.covers(store));
            if activities.is_empty() {
                continue;
            }
            (self.progress)(activities.len() as u64);
            let whole = activities.into_iter();
            return whole
                .map(|(store, activity)| Ok((self.store(&store)?, activity)))
                .collect();
        }
    }
}
