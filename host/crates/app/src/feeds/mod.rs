//! What a run pulls: rows of a window, a page at a time, so that memory stays the same for a million.
//!
//! A feed is read on the thread that the run blocks, and asks the database on the runtime's.

mod activities;
mod products;
mod sale_lines;
mod settlement;

pub use activities::ActivityPages;
pub use products::ProductPages;
pub use sale_lines::SaleLinePages;
pub use settlement::SettlementPages;

use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Told of every row that was read, for a progress bar.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// What a feed covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedWindow {
    /// The retailer.
    pub retailer: String,
    /// One store by the host's id; all of the retailer where none.
    pub store: Option<String>,
    /// The stores among them whose rows are told, by the host's ids; all where none.
    pub covered: Option<Arc<BTreeSet<String>>>,
    /// First business date.
    pub first: String,
    /// Last business date, included.
    pub last: String,
    /// What was recorded later is not in it.
    pub as_of: Timestamp,
}

impl FeedWindow {
    fn covers(&self, store: &str) -> bool {
        self.covered
            .as_ref()
            .is_none_or(|covered| covered.contains(store))
    }
}
