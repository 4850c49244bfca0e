//! Imports a file of products completely or not at all.
//!
//! The file is read twice. The first pass checks every cell and writes nothing. The second one compares the rows
//! with the catalogue in batches and adds the differences to an invisible draft, which one row then publishes.
//! So tills wait for one batch at most, unchanged rows write nothing, and an interrupted import leaves only rows
//! that are swept later.

mod current;

use self::current::There;
use super::publication::Publication;
use super::request::{CatalogueImportRequest, Imported, Missing};
use super::row::{DETAILS, LAYOUT, Row, Rules, details};
use crate::catalogue::Catalogue;
use crate::catalogue::LeasedDraft;
use crate::core::{IdempotencyKey, Reply};
use crate::tabular::{NotImported, Problems, Rows, Step, Upload, Watch};
use galleria_csv::Position;
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{PriceRow, ProductRow};
use jiff::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tokio::runtime::Handle;

/// Rows in a batch. A batch is one transaction of about ten milliseconds on SQLite, the longest wait of a till. With
/// half as many rows, an import would take half as long again.
const PIECE: usize = 256;

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
        if let Some(key) = key.clone()
            && let Some(before) = self.core.answered(key).await?
        {
            return Ok(before);
        }
        let numbers = request.numbers().map_err(|wrong| {
            let mut problems = Problems::default();
            problems.add(wrong);
            NotImported::Refused(problems)
        })?;
        let stores = self.core.stores_of(&request.retailer).await?;
        let job = Job {
            service: self.clone(),
            runtime: Handle::current(),
            rules: Rules::new(stores, numbers),
            request,
            key,
            watch,
            problems: Problems::default(),
            seen: HashMap::new(),
            counts: Imported::default(),
        };
        let done = tokio::task::spawn_blocking(move || job.run(file)).await;
        done.map_err(|error| Error::Internal(format!("importing products: {error}")))?
    }
}

/// The place of a product or store price in the file.
struct Mark {
    row: u64,
    /// Hashes of the product's details. With 32 bits each, a store's row that repeats a detail wrongly goes unnoticed
    /// once in four billion cases, which only omits a message.
    details: [u32; DETAILS.len()],
}

struct Job {
    service: Catalogue,
    runtime: Handle,
    rules: Rules,
    request: CatalogueImportRequest,
    key: Option<IdempotencyKey>,
    watch: Watch,
    problems: Problems,
    /// By SKU; for a store's price, by SKU and store.
    seen: HashMap<Box<str>, Mark>,
    counts: Imported,
}

/// The changes of a batch.
#[derive(Default)]
struct Changes {
    products: Vec<ProductRow>,
    prices: Vec<PriceRow>,
}

impl Job {
    fn run(mut self, mut file: Box<dyn Upload>) -> Result<Reply, NotImported> {
        self.check(&mut *file)?;
        if self.problems.total > 0 || self.request.dry_run {
            self.compare(&mut *file, &mut None)?;
            return self.looked();
        }
        let mut draft = Some(self.begin()?);
        let done = self
            .compare(&mut *file, &mut draft)
            .and_then(|()| self.deactivate(&mut draft))
            .and_then(|()| self.show(&mut draft));
        if let Some(draft) = draft {
            // The draft is invisible. If it cannot be removed now, it is swept later.
            let cleared = self
                .runtime
                .block_on(self.service.draft_clear(&draft.draft));
            if let Err(error) = cleared {
                tracing::warn!(
                    error = error.chain(),
                    "product draft not removed; it will be swept"
                );
            }
        }
        done
    }

    /// Checks every cell.
    fn check(&mut self, file: &mut dyn Upload) -> Result<(), NotImported> {
        let Some(mut rows) = Rows::open(file, &LAYOUT, self.request.format, &mut self.problems)?
        else {
            return Err(self.refused());
        };
        while let Some(cells) = rows.next(&mut self.problems)? {
            self.counts.rows += 1;
            if self.counts.rows.is_multiple_of(PIECE as u64) {
                self.watch.go_on()?;
                (self.watch.steps)(Step::Checked(self.counts.rows));
            }
            if let Some(row) = self.rules.row(&cells, &mut self.problems) {
                self.note(cells.at, &row);
            }
        }
        (self.watch.steps)(Step::Checked(self.counts.rows));
        // Otherwise a file that was cut off after its header would deactivate every product.
        let prices_alone = || self.seen.keys().all(|key| key.contains('\0'));
        if self.request.missing == Missing::Deactivate && prices_alone() {
            let message = "must contain product rows, because missing products are deactivated";
            self.problems.add(Problem::new("file", message));
        }
        Ok(())
    }

    fn note(&mut self, at: Position, noted: &Row) {
        let (key, details, column) = match noted {
            Row::Product(product) => (product.sku.clone(), details(product).map(hash), "sku"),
            Row::Price(price, _) => (both(price), Default::default(), "store"),
        };
        match self.seen.entry(key.into_boxed_str()) {
            Entry::Vacant(place) => {
                place.insert(Mark {
                    row: at.row,
                    details,
                });
            }
            Entry::Occupied(before) => {
                let message = format!(
                    "must be unique in the file; row {} has it too",
                    before.get().row
                );
                self.problems.of_row(at, column, message);
            }
        }
    }

    /// Compares every row with the catalogue, and writes the differences if there is a draft.
    fn compare(
        &mut self,
        file: &mut dyn Upload,
        draft: &mut Option<LeasedDraft>,
    ) -> Result<(), NotImported> {
        let mut again = Problems::default();
        let Some(mut rows) = Rows::open(file, &LAYOUT, self.request.format, &mut again)? else {
            return Ok(());
        };
        let (mut piece, mut compared) = (Vec::with_capacity(PIECE), 0);
        loop {
            let next = rows.next(&mut again)?;
            let over = next.is_none();
            if let Some(cells) = next {
                compared += 1;
                if let Some(row) = self.rules.row(&cells, &mut again) {
                    piece.push((cells.at, row));
                }
            }
            if piece.len() == PIECE || (over && !piece.is_empty()) {
                self.watch.go_on()?;
                let changes = self.differing(std::mem::take(&mut piece))?;
                self.add(draft, changes)?;
                (self.watch.steps)(Step::Compared(compared, self.counts.rows));
            }
            if over {
                break;
            }
        }
        match self.problems.total {
            0 => Ok(()),
            _ => Err(self.refused()),
        }
    }

    /// The differences between a batch and the catalogue.
    fn differing(&mut self, piece: Vec<(Position, Row)>) -> Result<Changes, Error> {
        let there = self.there(&piece)?;
        let mut changes = Changes::default();
        for (at, said) in piece {
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
                    self.agrees(at, &price.sku, &repeated, &there);
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
        &mut self,
        at: Position,
        sku: &str,
        repeated: &[Option<String>; DETAILS.len()],
        there: &There,
    ) {
        let own = match (self.seen.get(sku), there.products.get(sku)) {
            (Some(mark), _) => mark.details,
            (None, Some(product)) => details(product).map(hash),
            (None, None) => {
                let message =
                    "must be an existing product, or one of this file in a row without a store";
                return self.problems.of_row(at, "sku", message);
            }
        };
        for ((column, text), own) in DETAILS.iter().zip(repeated).zip(own) {
            if text.as_ref().is_some_and(|text| hash(text) != own) {
                let message = "must be empty or equal to the product's own row";
                self.problems.of_row(at, column, message);
            }
        }
    }

    /// Deactivates active products that the file does not contain.
    fn deactivate(&mut self, draft: &mut Option<LeasedDraft>) -> Result<(), NotImported> {
        if self.request.missing == Missing::Keep {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            self.watch.go_on()?;
            let (retailer, last) = (self.request.retailer.clone(), after.clone());
            let page = self.service.core.records.read(in_tx!(|tx, retailer, last| {
                let limit = u32::try_from(PIECE).unwrap_or(u32::MAX);
                tx.catalogue_list(&retailer, None, Timestamp::MAX, &last, limit)
                    .await
            }));
            let page = self.runtime.block_on(page)?;
            let Some(last) = page.last else {
                return Ok(());
            };
            after = last;
            let products = page.listed.into_iter().map(|listed| listed.product);
            let gone = products
                .filter(|product| product.active && !self.seen.contains_key(&*product.sku))
                .map(|product| ProductRow {
                    active: false,
                    ..product
                });
            let changes = Changes {
                products: gone.collect(),
                prices: Vec::new(),
            };
            self.counts.deactivated += changes.products.len() as u64;
            self.add(draft, changes)?;
        }
    }

    fn begin(&self) -> Result<LeasedDraft, Error> {
        let begun = self.service.draft_begin(&self.request.retailer);
        self.runtime.block_on(begun)
    }

    /// Adds changes to the draft, and renews its reservation.
    fn add(&mut self, draft: &mut Option<LeasedDraft>, changes: Changes) -> Result<(), Error> {
        let Some(draft) = draft else {
            return Ok(());
        };
        // A rejected file is not written any further.
        if self.problems.total > 0 {
            return Ok(());
        }
        let added = self
            .service
            .draft_add(draft, changes.products, changes.prices);
        self.runtime.block_on(added)
    }

    /// Publishes the draft, or removes it if nothing differs, and saves the response.
    fn show(&mut self, draft: &mut Option<LeasedDraft>) -> Result<Reply, NotImported> {
        let Some(holding) = draft.as_ref() else {
            return self.looked();
        };
        self.watch.go_on()?;
        let reply = self.reply()?;
        let publication = Publication {
            draft: holding.draft.clone(),
            empty: holding.empty,
            key: self.key.clone(),
            reply: reply.clone(),
            now: self.service.core.clock.now(),
        };
        let shown = self
            .service
            .core
            .records
            .write(in_tx!(|tx, publication| publication.write(tx).await));
        self.runtime.block_on(shown)?;
        *draft = None;
        Ok(reply)
    }

    /// The response of a dry run.
    fn looked(&mut self) -> Result<Reply, NotImported> {
        if self.request.missing == Missing::Deactivate {
            self.deactivate(&mut None)?;
        }
        Ok(self.reply()?)
    }

    fn reply(&self) -> Result<Reply, Error> {
        let imported = Imported {
            dry_run: self.request.dry_run,
            ..self.counts.clone()
        };
        let body = serde_json::to_string(&imported)
            .map_err(|error| Error::Internal(format!("serialising a response: {error}")))?;
        Ok(Reply {
            status: 200,
            body,
            repeated: false,
        })
    }

    fn refused(&mut self) -> NotImported {
        NotImported::Refused(std::mem::take(&mut self.problems))
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
