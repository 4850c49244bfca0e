//! Imports a file of products completely or not at all.
//!
//! The first pass checks every cell and writes nothing. The second one compares the rows with the catalogue in batches
//! and adds the differences to an invisible draft, which one row then publishes. Tills wait for one batch at
//! most, unchanged rows write nothing, and an interrupted import leaves only rows that are swept later.

mod current;

use self::current::There;
use super::publication::Publication;
use super::request::{CatalogueImportRequest, Imported, Missing};
use super::row::{DETAILS, LAYOUT, Row, Rules, details};
use crate::catalogue::Catalogue;
use crate::catalogue::LeasedDraft;
use crate::core::{IdempotencyKey, Reply};
use crate::tabular::{
    BATCH, Cells, End, Importer, Job, Layout, NotImported, Problems, Unique, Upload, Watch, import,
    imported,
};
use galleria_csv::Position;
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{PriceRow, ProductRow};
use jiff::Timestamp;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

impl Catalogue {
    /// Imports a file, or returns all its problems. With an idempotency key, the response is saved and a repeated
    /// request gets the same response.
    pub async fn import(
        &self,
        request: CatalogueImportRequest,
        file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Result<Reply, NotImported> {
        let job = Job::new((request.format, request.options), file, key, watch);
        let products = async {
            let numbers = request.numbers().map_err(|wrong| {
                let mut problems = Problems::default();
                problems.add(wrong);
                NotImported::Refused(problems)
            })?;
            let stores = self.core.stores_of(&request.retailer).await?;
            Ok(Products {
                service: self.clone(),
                rules: Rules::new(stores, numbers),
                request,
                seen: Unique::default(),
                counts: Imported::default(),
                draft: None,
            })
        };
        import(&self.core, job, products).await
    }
}

/// Hashes of a product's details. If a store's row repeats a detail wrongly, 32 bits miss it once in four billion
/// cases; then only a message is missing.
type Hashes = [u32; DETAILS.len()];

struct Products {
    service: Catalogue,
    rules: Rules,
    request: CatalogueImportRequest,
    /// By SKU; for a store's price, by SKU and store.
    seen: Unique<Hashes>,
    counts: Imported,
    /// The draft that receives the differences; `None` in a dry run.
    draft: Option<LeasedDraft>,
}

/// The changes of a batch.
#[derive(Default)]
struct Changes {
    products: Vec<ProductRow>,
    prices: Vec<PriceRow>,
}

impl Importer for Products {
    type Row = Row;
    const LAYOUT: &'static Layout = &LAYOUT;

    fn row(&self, cells: &Cells, _: &[String], problems: &mut Problems) -> Option<Row> {
        self.rules.row(cells, problems)
    }

    fn note(&mut self, cells: &Cells, row: Option<&Row>, problems: &mut Problems) {
        let (key, hashes, column) = match row {
            None => return,
            Some(Row::Product(product)) => (product.sku.clone(), details(product).map(hash), "sku"),
            Some(Row::Price(price, _)) => (both(price), Hashes::default(), "store"),
        };
        self.seen.add(cells.at, column, &key, hashes, problems);
    }

    fn check(&self, rows: u64, problems: &mut Problems) {
        let prices_alone = || self.seen.values().all(|key| key.contains('\0'));
        if self.request.missing == Missing::Deactivate && rows > 0 && prices_alone() {
            let message = "must contain product rows, because missing products are deactivated";
            problems.add(Problem::new("file", message));
        }
    }

    async fn begin(&mut self) -> Result<(), Error> {
        self.draft = Some(self.service.draft_begin(&self.request.retailer).await?);
        Ok(())
    }

    async fn compare(
        &mut self,
        batch: Vec<(Position, Row)>,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        let changes = self.differing(batch, problems).await?;
        // Do not write the rest of a rejected file.
        match problems.total {
            0 => self.add(changes).await,
            _ => Ok(()),
        }
    }

    /// Publishes the draft, or removes it if nothing differs, and saves the response.
    async fn finish(&mut self, end: End<'_>) -> Result<Reply, NotImported> {
        if self.request.missing == Missing::Deactivate {
            self.deactivate(end.watch).await?;
        }
        self.counts.rows = end.rows;
        self.counts.dry_run = end.dry_run;
        let reply = imported(&self.counts)?;
        let Some(draft) = &self.draft else {
            return Ok(reply);
        };
        end.watch.go_on()?;
        let publication = Publication {
            draft: draft.draft.clone(),
            empty: draft.empty,
            key: end.key,
            reply: reply.clone(),
            now: self.service.core.clock.now(),
        };
        let records = &self.service.core.records;
        records
            .write(in_tx!(|tx, publication| publication.write(tx).await))
            .await?;
        self.draft = None;
        Ok(reply)
    }

    async fn abort(&mut self) {
        let Some(draft) = self.draft.take() else {
            return;
        };
        // The draft is invisible. If it cannot be removed now, it is swept later.
        if let Err(error) = self.service.draft_clear(&draft.draft).await {
            tracing::warn!(
                error = error.chain(),
                "product draft not removed; it will be swept"
            );
        }
    }
}

impl Products {
    /// The differences between a batch and the catalogue.
    async fn differing(
        &mut self,
        batch: Vec<(Position, Row)>,
        problems: &mut Problems,
    ) -> Result<Changes, Error> {
        let there = self.there(&batch).await?;
        let mut changes = Changes::default();
        for (at, said) in batch {
            match said {
                Row::Product(product) => {
                    let counts = &mut self.counts;
                    match there.products.get(&product.sku) {
                        Some(before) if *before == product => {
                            counts.unchanged += 1;
                            continue;
                        }
                        Some(before) if before.active && !product.active => counts.deactivated += 1,
                        Some(_) => counts.changed += 1,
                        None => counts.added += 1,
                    }
                    changes.products.push(product);
                }
                Row::Price(price, repeated) => {
                    self.agrees(at, &price.sku, &repeated, &there, problems);
                    let counts = &mut self.counts.store_prices;
                    let before = there.prices.get(&both(&price)).and_then(Option::as_ref);
                    match (before, &price.price) {
                        (before, now) if before == now.as_ref() => {
                            counts.unchanged += 1;
                            continue;
                        }
                        (None, _) => counts.added += 1,
                        (Some(_), Some(_)) => counts.changed += 1,
                        (Some(_), None) => counts.removed += 1,
                    }
                    changes.prices.push(price);
                }
            }
        }
        Ok(changes)
    }

    /// Checks that a store's row has a product and does not contradict it.
    fn agrees(
        &self,
        at: Position,
        sku: &str,
        repeated: &[Option<String>; DETAILS.len()],
        there: &There,
        problems: &mut Problems,
    ) {
        let own = match (self.seen.mark(sku), there.products.get(sku)) {
            (Some(hashes), _) => *hashes,
            (None, Some(product)) => details(product).map(hash),
            (None, None) => {
                let message =
                    "must be an existing product, or one of this file in a row without a store";
                return problems.of_row(at, "sku", message);
            }
        };
        for ((column, text), own) in DETAILS.iter().zip(repeated).zip(own) {
            if text.as_ref().is_some_and(|text| hash(text) != own) {
                let message = "must be empty or equal to the product's own row";
                problems.of_row(at, column, message);
            }
        }
    }

    /// Deactivates active products that the file does not contain.
    async fn deactivate(&mut self, watch: &Watch) -> Result<(), NotImported> {
        let mut after = String::new();
        loop {
            watch.go_on()?;
            let (retailer, last) = (self.request.retailer.clone(), after.clone());
            let page = self.service.core.records.read(in_tx!(|tx, retailer, last| {
                let limit = u32::try_from(BATCH).unwrap_or(u32::MAX);
                tx.catalogue_list(&retailer, None, Timestamp::MAX, &last, limit)
                    .await
            }));
            let page = page.await?;
            let Some(last) = page.last else {
                return Ok(());
            };
            after = last;
            let products = page.listed.into_iter().map(|listed| listed.product);
            let gone = products
                .filter(|product| product.active && self.seen.mark(&product.sku).is_none())
                .map(|product| ProductRow {
                    active: false,
                    ..product
                });
            let changes = Changes {
                products: gone.collect(),
                prices: Vec::new(),
            };
            self.counts.deactivated += changes.products.len() as u64;
            self.add(changes).await?;
        }
    }

    /// Adds changes to the draft, and renews its reservation.
    async fn add(&mut self, changes: Changes) -> Result<(), Error> {
        let Some(draft) = &mut self.draft else {
            return Ok(());
        };
        let added = self
            .service
            .draft_add(draft, changes.products, changes.prices);
        added.await
    }
}

/// The key of a store's price. SKUs have no control characters.
fn both(price: &PriceRow) -> String {
    format!("{}\0{}", price.sku, price.store_id)
}

fn hash(text: impl AsRef<str>) -> u32 {
    let mut hasher = DefaultHasher::new();
    text.as_ref().hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}
