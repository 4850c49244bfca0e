//! Builds the streams of a run: a feed for each capability that its component imports and was
//! granted.
//!
//! A new feed is one line in [`Run::streams`].

use super::attempt::Run;
use crate::feeds::{
    ActivityPages, FeedWindow, ProductPages, Progress, SaleLinePages, SettlementPages,
};
use galleria_domain::plugin::Capability;
use galleria_ports::plugins::{Sink, Streams};
use galleria_ports::records::Records;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl Run {
    /// Call this on the runtime: feeds query the database there.
    pub(super) fn streams(
        &self,
        records: &Arc<dyn Records>,
        output: Box<dyn Sink>,
        progress: &Progress,
        stop: Arc<AtomicBool>,
    ) -> Streams {
        let granted = self.plugin.slot.rights().capabilities;
        let imports = &self.plugin.inspection.imports;
        let wants = |what: Capability| imports.contains(&what) && granted.contains(&what);
        let from = || {
            (
                Arc::clone(records),
                self.window_of_feeds(),
                Arc::clone(progress),
            )
        };
        Streams {
            sale_lines: wants(Capability::SaleLines).then(|| {
                let (records, window, progress) = from();
                Box::new(SaleLinePages::new(records, window, progress)) as _
            }),
            activities: wants(Capability::Activities).then(|| {
                let (records, window, progress) = from();
                Box::new(ActivityPages::new(records, window, progress)) as _
            }),
            settlement: wants(Capability::Settlement).then(|| {
                let (records, window, progress) = from();
                let run = self.row.id.clone();
                Box::new(SettlementPages::new(records, run, window.store, progress)) as _
            }),
            products: wants(Capability::Products).then(|| {
                let (records, window, progress) = from();
                let (store, since) = (self.store.clone(), self.row.since);
                Box::new(ProductPages::new(records, window, store, since, progress)) as _
            }),
            output: Some(output),
            stop,
            ..Streams::default()
        }
    }

    /// The window of all feeds of this run. `since` is separate, for feeds that report changes.
    fn window_of_feeds(&self) -> FeedWindow {
        FeedWindow {
            retailer: self.row.retailer.clone(),
            store: self.store.as_ref().map(|store| store.id.clone()),
            covered: self.covered.clone(),
            first: self.row.first.clone(),
            last: self.row.last.clone(),
            as_of: self.as_of,
        }
    }
}
