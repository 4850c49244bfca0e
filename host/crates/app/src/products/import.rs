//! A file of products becomes the catalogue: all of it at once, or nothing of it.
//!
//! The file is read twice. First every cell is looked at, and nothing is written. Then rows are held
//! against what is there, a piece at a time; what differs is added to a draft that nobody sees, and
//! one row shows the draft. So tills wait for a piece at most, a row that says what is there already
//! writes nothing, and an import that broke off leaves nothing but rows that are swept away.

use super::row::{DETAILS, LAYOUT, Row, Rules, details};
use crate::app::{App, IdempotencyKey, Reply};
use crate::products::Held;
use crate::tabular::{Format, NotImported, Problems, Rows, Step, Upload, Watch};
use galleria_domain::Problem;
use galleria_ports::Error;
use galleria_ports::records::{CatalogueDraft, InTx, PriceRow, ProductRow, SavedResponse, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tokio::runtime::Handle;

/// Rows of a piece. A piece is one transaction of some ten milliseconds on SQLite, which is what a
/// till waits at most; half as many would take the import half as long again.
const PIECE: usize = 256;
/// What becomes of products that a file does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// They stay as they are: the file holds what is to change.
    #[default]
    Keep,
    /// They are no longer sold: the file holds everything.
    Deactivate,
}

/// What is asked to be imported, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueImportRequest {
    /// Whose products.
    pub retailer: String,
    /// How rows are written.
    pub format: Format,
    /// Whether prices have a decimal comma.
    pub decimal_comma: bool,
    /// Only look, and tell what would come of it.
    pub dry_run: bool,
    /// What becomes of products that the file does not name.
    pub missing: Missing,
}

/// The result of an import. `added`, `changed`, `unchanged` and `deactivated` count products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Imported {
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// Rows of the file, without the header.
    pub rows: u64,
    /// New products.
    pub added: u64,
    /// Changed products.
    pub changed: u64,
    /// Unchanged products.
    pub unchanged: u64,
    /// Products that are no longer sold.
    pub deactivated: u64,
    /// Prices of single stores.
    pub store_prices: PriceCounts,
}

/// Counts of prices of single stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceCounts {
    /// New prices.
    pub added: u64,
    /// Changed prices.
    pub changed: u64,
    /// Unchanged prices.
    pub unchanged: u64,
    /// Removed prices.
    pub removed: u64,
}

impl App {
    /// Imports a file, or tells everything that is wrong with it. Under a key the answer is kept, and
    /// the same request is answered as before.
    pub async fn products_import(
        &self,
        ask: CatalogueImportRequest,
        file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Result<Reply, NotImported> {
        if let Some(key) = key.clone()
            && let Some(before) = self.answered(key).await?
        {
            return Ok(before);
        }
        let stores = self.stores_of(&ask.retailer).await?;
        let job = Job {
            app: self.clone(),
            runtime: Handle::current(),
            rules: Rules::new(stores, ask.decimal_comma),
            ask,
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

/// Where a product or a store's price stands in the file.
struct Mark {
    row: u64,
    /// Of the product's details. Thirty-two bits each: that a detail which a store's row repeats
    /// wrongly goes unnoticed is one case in four billion, and it harms nothing but the notice.
    details: [u32; DETAILS.len()],
}

struct Job {
    app: App,
    runtime: Handle,
    rules: Rules,
    ask: CatalogueImportRequest,
    key: Option<IdempotencyKey>,
    watch: Watch,
    problems: Problems,
    /// By sku, and for a store's price by sku and store.
    seen: HashMap<Box<str>, Mark>,
    counts: Imported,
}

/// What is to be written of a piece.
#[derive(Default)]
struct Changes {
    products: Vec<ProductRow>,
    prices: Vec<PriceRow>,
}

impl Job {
    fn run(mut self, mut file: Box<dyn Upload>) -> Result<Reply, NotImported> {
        self.check(&mut *file)?;
        if self.problems.total > 0 || self.ask.dry_run {
            self.compare(&mut *file, &mut None)?;
            return self.looked();
        }
        let mut held = Some(self.begin()?);
        let done = self
            .compare(&mut *file, &mut held)
            .and_then(|()| self.deactivate(&mut held))
            .and_then(|()| self.show(&mut held));
        if let Some(held) = held {
            // Nobody sees what is left; if it cannot be taken away now, it will be later.
            let cleared = self.runtime.block_on(self.app.draft_clear(&held.draft));
            if let Err(error) = cleared {
                tracing::warn!(
                    error = error.chain(),
                    "a draft of products was left to be swept"
                );
            }
        }
        done
    }

    /// Looks at every cell.
    fn check(&mut self, file: &mut dyn Upload) -> Result<(), NotImported> {
        let Some(mut rows) = Rows::open(file, &LAYOUT, self.ask.format, &mut self.problems)? else {
            return Err(self.refused());
        };
        while let Some(cells) = rows.next(&mut self.problems)? {
            self.counts.rows += 1;
            if self.counts.rows.is_multiple_of(PIECE as u64) {
                self.watch.go_on()?;
                (self.watch.steps)(Step::Checked(self.counts.rows));
            }
            if let Some(row) = self.rules.row(&cells, &mut self.problems) {
                self.note(cells.row, &row);
            }
        }
        (self.watch.steps)(Step::Checked(self.counts.rows));
        // A file that was cut off behind its header would end the sale of everything.
        let prices_alone = || self.seen.keys().all(|key| key.contains('\0'));
        if self.ask.missing == Missing::Deactivate && prices_alone() {
            let message =
                "a product's own row, where what the file does not name is no longer sold";
            self.problems.add(Problem::new("file", message));
        }
        Ok(())
    }

    fn note(&mut self, row: u64, noted: &Row) {
        let (key, details, column) = match noted {
            Row::Product(product) => (product.sku.clone(), details(product).map(hash), "sku"),
            Row::Price(price, _) => (both(price), Default::default(), "store"),
        };
        match self.seen.entry(key.into_boxed_str()) {
            Entry::Vacant(place) => {
                place.insert(Mark { row, details });
            }
            Entry::Occupied(before) => {
                let message = format!("named once; row {} names it, too", before.get().row);
                self.problems.of_row(row, column, message);
            }
        }
    }

    /// Holds every row against what is there, and writes what differs where there is a draft.
    fn compare(
        &mut self,
        file: &mut dyn Upload,
        held: &mut Option<Held>,
    ) -> Result<(), NotImported> {
        let mut again = Problems::default();
        let Some(mut rows) = Rows::open(file, &LAYOUT, self.ask.format, &mut again)? else {
            return Ok(());
        };
        let (mut piece, mut compared) = (Vec::with_capacity(PIECE), 0);
        loop {
            let next = rows.next(&mut again)?;
            let over = next.is_none();
            if let Some(cells) = next {
                compared += 1;
                if let Some(row) = self.rules.row(&cells, &mut again) {
                    piece.push((cells.row, row));
                }
            }
            if piece.len() == PIECE || (over && !piece.is_empty()) {
                self.watch.go_on()?;
                let changes = self.differing(std::mem::take(&mut piece))?;
                self.add(held, changes)?;
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

    /// What of a piece is not there yet.
    fn differing(&mut self, piece: Vec<(u64, Row)>) -> Result<Changes, Error> {
        let there = self.there(&piece)?;
        let mut changes = Changes::default();
        for (row, said) in piece {
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
                    self.agrees(row, &price.sku, &repeated, &there);
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

    /// A store's row needs its product, and must not contradict it.
    fn agrees(
        &mut self,
        row: u64,
        sku: &str,
        repeated: &[Option<String>; DETAILS.len()],
        there: &There,
    ) {
        let own = match (self.seen.get(sku), there.products.get(sku)) {
            (Some(mark), _) => mark.details,
            (None, Some(product)) => details(product).map(hash),
            (None, None) => {
                let message =
                    "a product that is there, or that this file names in a row without store";
                return self.problems.of_row(row, "sku", message);
            }
        };
        for ((column, text), own) in DETAILS.iter().zip(repeated).zip(own) {
            if text.as_ref().is_some_and(|text| hash(text) != own) {
                let message = "nothing, or what the product's own row says";
                self.problems.of_row(row, column, message);
            }
        }
    }

    fn there(&self, piece: &[(u64, Row)]) -> Result<There, Error> {
        let skus = piece.iter().map(|(_, row)| row.sku());
        // A price's product that the file itself names is not asked for: its mark is enough.
        let skus = skus.zip(piece).filter(|(sku, (_, row))| match row {
            Row::Product(_) => true,
            Row::Price(..) => !self.seen.contains_key(*sku),
        });
        let mut skus: Vec<String> = skus.map(|(sku, _)| sku.to_owned()).collect();
        skus.sort_unstable();
        skus.dedup();
        let prices = piece.iter().filter_map(|(_, row)| match row {
            Row::Price(price, _) => Some((price.sku.clone(), price.store_id.clone())),
            Row::Product(_) => None,
        });
        let prices: Vec<_> = prices.collect();
        let retailer = self.ask.retailer.clone();
        let found = self.app.records.read(move |tx| {
            let (retailer, skus, prices) = (retailer.clone(), skus.clone(), prices.clone());
            Box::pin(async move {
                let products = tx.catalogue_product_list(&retailer, &skus).await?;
                let prices = tx.catalogue_price_list(&retailer, &prices).await?;
                Ok((products, prices))
            })
        });
        let (products, prices) = self.runtime.block_on(found)?;
        Ok(There {
            products: products
                .into_iter()
                .map(|(product, _)| (product.sku.clone(), product))
                .collect(),
            prices: prices
                .into_iter()
                .map(|price| (both(&price), price.price))
                .collect(),
        })
    }

    /// Products that are sold and that the file does not name are no longer sold.
    fn deactivate(&mut self, held: &mut Option<Held>) -> Result<(), NotImported> {
        if self.ask.missing == Missing::Keep {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            self.watch.go_on()?;
            let (retailer, last) = (self.ask.retailer.clone(), after.clone());
            let page = self.app.records.read(move |tx| {
                let (retailer, last) = (retailer.clone(), last.clone());
                Box::pin(async move {
                    let limit = u32::try_from(PIECE).unwrap_or(u32::MAX);
                    tx.catalogue_list(&retailer, None, Timestamp::MAX, &last, limit)
                        .await
                })
            });
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
            self.add(held, changes)?;
        }
    }

    fn begin(&self) -> Result<Held, Error> {
        let begun = self.app.draft_begin(&self.ask.retailer);
        self.runtime.block_on(begun)
    }

    /// Adds to the draft, or keeps it where there is nothing to add for a while.
    fn add(&mut self, held: &mut Option<Held>, changes: Changes) -> Result<(), Error> {
        let Some(held) = held else {
            return Ok(());
        };
        // What is refused is not written any further.
        if self.problems.total > 0 {
            return Ok(());
        }
        let added = self.app.draft_add(held, changes.products, changes.prices);
        self.runtime.block_on(added)
    }

    /// Shows the draft, or drops it where nothing differs, and keeps the answer.
    fn show(&mut self, held: &mut Option<Held>) -> Result<Reply, NotImported> {
        let Some(holding) = held.as_ref() else {
            return self.looked();
        };
        self.watch.go_on()?;
        let reply = self.reply()?;
        let written = Written {
            draft: holding.draft.clone(),
            empty: holding.empty,
            key: self.key.clone(),
            reply: reply.clone(),
            now: self.app.clock.now(),
        };
        let shown = self.app.records.write(move |tx| {
            let written = written.clone();
            Box::pin(async move { written.show(tx).await }) as InTx<'_, ()>
        });
        self.runtime.block_on(shown)?;
        *held = None;
        Ok(reply)
    }

    /// What a dry run answers.
    fn looked(&mut self) -> Result<Reply, NotImported> {
        if self.ask.missing == Missing::Deactivate {
            self.deactivate(&mut None)?;
        }
        Ok(self.reply()?)
    }

    fn reply(&self) -> Result<Reply, Error> {
        let imported = Imported {
            dry_run: self.ask.dry_run,
            ..self.counts.clone()
        };
        let body = serde_json::to_string(&imported)
            .map_err(|error| Error::Internal(format!("an answer: {error}")))?;
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

/// What is there of a piece's products and prices.
struct There {
    products: HashMap<String, ProductRow>,
    prices: HashMap<String, Option<galleria_ports::records::Price>>,
}

/// The last transaction of an import.
#[derive(Clone)]
struct Written {
    draft: CatalogueDraft,
    empty: bool,
    key: Option<IdempotencyKey>,
    reply: Reply,
    now: Timestamp,
}

impl Written {
    async fn show(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        if let Some(key) = &self.key {
            tx.saved_response_insert(&SavedResponse {
                key: key.key.clone(),
                request: key.request.to_string(),
                status: self.reply.status,
                body: self.reply.body.clone(),
                at: self.now,
            })
            .await?;
        }
        match self.empty {
            // Nothing stands in it: one call ends it.
            true => tx.catalogue_draft_clear(&self.draft, 1).await.map(drop),
            false => tx
                .catalogue_draft_publish(&self.draft, self.now)
                .await
                .map(drop),
        }
    }
}

/// A store's price by product and store; no sku has a control character in it.
fn both(price: &PriceRow) -> String {
    format!("{}\0{}", price.sku, price.store_id)
}

fn hash(text: impl AsRef<str>) -> u32 {
    let mut hasher = DefaultHasher::new();
    text.as_ref().hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}
