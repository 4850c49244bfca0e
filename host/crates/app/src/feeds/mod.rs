//! The feeds of runs: rows of a window in pages, so that memory is constant for a million rows.
//!
//! A feed is read on the blocking thread of the run and queries the database on the runtime's threads.

mod activities;
mod products;
mod queries;
mod sale_lines;
mod settlement;

pub use activities::ActivityPages;
pub use products::ProductPages;
pub use sale_lines::SaleLinePages;
pub use settlement::SettlementPages;

use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The maximum number of rows in one page, also if more are requested: while a page is converted, it is in memory
/// several times. A page of products has all versions of each.
const PAGE: u32 = 1024;

/// Receives the number of rows read, for a progress bar.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// The window of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedWindow {
    /// The retailer.
    pub retailer: String,
    /// One store by the host's id; if absent, all stores of the retailer.
    pub store: Option<String>,
    /// The stores whose rows are returned, by the host's ids; if absent, all.
    pub covered: Option<Arc<BTreeSet<String>>>,
    /// The first business date.
    pub first: String,
    /// The last business date, included.
    pub last: String,
    /// Rows recorded later are excluded.
    pub as_of: Timestamp,
}

impl FeedWindow {
    fn covers(&self, store: &str) -> bool {
        self.covered
            .as_ref()
            .is_none_or(|covered| covered.contains(store))
    }
}
