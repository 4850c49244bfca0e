//! The feed `sale-lines`.

use super::queries::Queries;
use super::{FeedWindow, PAGE, Progress};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{Deadline, Feed};
use galleria_ports::records::{Records, SaleLine, SaleLineCursor};
use std::sync::Arc;

/// The sale lines of a window in pages.
pub struct SaleLinePages {
    queries: Queries,
    window: FeedWindow,
    after: SaleLineCursor,
    progress: Progress,
}

impl SaleLinePages {
    /// Starts at the first row. Create it on the runtime and read it outside.
    pub fn new(records: Arc<dyn Records>, window: FeedWindow, progress: Progress) -> Self {
        Self {
            queries: Queries::new(records),
            window,
            after: SaleLineCursor::default(),
            progress,
        }
    }
}

impl SaleLinePages {
    fn page(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<SaleLine>, Error> {
        let (window, after) = (self.window.clone(), self.after.clone());
        let page = self.queries.read(
            deadline,
            in_tx!(|tx, window, after| {
                tx.sale_line_list(
                    &window.retailer,
                    window.store.as_deref(),
                    &window.first,
                    &window.last,
                    window.as_of,
                    &after,
                    max,
                )
                .await
            }),
        )?;
        if let Some(line) = page.last() {
            self.after = SaleLineCursor {
                store_id: line.store_id.clone(),
                business_date: line.business_date.clone(),
                begun_at: line.begun_at.clone(),
                entry_id: line.entry_id.clone(),
                number: line.number,
            };
        }
        Ok(page)
    }
}

impl Feed<SaleLine> for SaleLinePages {
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<SaleLine>, Error> {
        // A page may be empty because it has only other stores: continue.
        loop {
            let mut page = self.page(max.clamp(1, PAGE), deadline)?;
            let end = page.is_empty();
            page.retain(|line| self.window.covers(&line.store_id));
            if end || !page.is_empty() {
                (self.progress)(page.len() as u64);
                return Ok(page);
            }
        }
    }
}
