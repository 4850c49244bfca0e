//! The feed `products`.

use super::queries::Queries;
use super::{FeedWindow, PAGE, Progress};
use crate::catalogue::in_scope;
use galleria_domain::{Decimal, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{CatalogueRow, Deadline, Feed};
use galleria_ports::records::{CatalogueEntry, CataloguePage, Records};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;

/// The products of a retailer at the run's instant, in pages in the order of SKU.
///
/// A product without a price in the scope (no price, or only a general one in another currency than the store's)
/// is returned as inactive, with a price of 0 and no currency. So a run that reports changes also reports a
/// removed price.
pub struct ProductPages {
    queries: Queries,
    window: FeedWindow,
    store: Option<Store>,
    since: Option<Timestamp>,
    after: String,
    fixed: bool,
    progress: Progress,
}

impl ProductPages {
    /// Starts at the first product. `since` is the instant of the last successful run of this slot and scope. Create
    /// it on the runtime and read it outside.
    pub fn new(
        records: Arc<dyn Records>,
        window: FeedWindow,
        store: Option<Store>,
        since: Option<Timestamp>,
        progress: Progress,
    ) -> Self {
        Self {
            queries: Queries::new(records),
            window,
            store,
            since,
            after: String::new(),
            fixed: false,
            progress,
        }
    }

    /// Freezes the version with a write, which waits for a version that is being published. From here on the data of
    /// this run cannot change, and later versions are later than this run.
    fn fix(&mut self, deadline: &dyn Deadline) -> Result<(), Error> {
        let (retailer, as_of) = (self.window.retailer.clone(), self.window.as_of);
        self.queries.write(
            deadline,
            in_tx!(|tx, retailer| tx.catalogue_freeze(&retailer, as_of).await),
        )?;
        self.fixed = true;
        Ok(())
    }

    fn page(&self, max: u32, deadline: &dyn Deadline) -> Result<CataloguePage, Error> {
        let (window, after) = (self.window.clone(), self.after.clone());
        self.queries.read(
            deadline,
            in_tx!(|tx, window, after| {
                let store = window.store.as_deref();
                tx.catalogue_list(&window.retailer, store, window.as_of, &after, max)
                    .await
            }),
        )
    }

    fn row(&self, listed: CatalogueEntry) -> CatalogueRow {
        let store = self.store.as_ref();
        let view = in_scope(listed, store);
        let changed = self.since.is_none_or(|since| view.changed_at > since);
        let (price, currency) = match view.price {
            Some(price) => (price.amount, price.currency),
            None => (Decimal::whole(0), String::new()),
        };
        CatalogueRow {
            sku: view.sku,
            gtin: view.gtin,
            name: view.name,
            category: view.category,
            unit: view.unit,
            price,
            currency,
            tax_code: view.tax_code,
            active: view.active,
            changed_at: match store {
                Some(store) => store.local_text(view.changed_at),
                None => in_utc(view.changed_at),
            },
            changed,
        }
    }
}

fn in_utc(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")
        .to_string()
}

impl Feed<CatalogueRow> for ProductPages {
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<CatalogueRow>, Error> {
        if !self.fixed {
            self.fix(deadline)?;
        }
        // A page may be empty because its products are newer: continue.
        let listed = loop {
            let page = self.page(max.clamp(1, PAGE), deadline)?;
            let Some(last) = page.last else {
                return Ok(Vec::new());
            };
            self.after = last;
            if !page.listed.is_empty() {
                break page.listed;
            }
        };
        (self.progress)(listed.len() as u64);
        Ok(listed.into_iter().map(|listed| self.row(listed)).collect())
    }
}
