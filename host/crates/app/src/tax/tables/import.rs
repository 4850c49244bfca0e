//! Imports a file of tax rows completely or not at all: the table of one store, or those of many stores.
//!
//! Every cell is checked, and every table is compared with its rows, before anything is written. One transaction
//! locks the tables, compares those again that changed meanwhile, and writes the differences. An evaluation reads a
//! table before or after it.

use super::changes::Changes;
use super::result::TaxTableImported;
use super::row::{LAYOUT, LAYOUT_OF_STORES, row};
use super::rows_of;
use super::write::{Compared, Writing};
use crate::core::{Core, IdempotencyKey, Reply};
use crate::tabular::{
    Cells, End, Format, ImportOptions, Importer, Job, Layout, NotImported, Problems, Upload, Watch,
    import, imported,
};
use crate::tax::Taxes;
use galleria_csv::Position;
use galleria_domain::tax::{MAX_TAXES, TaxRow};
use galleria_domain::{Problem, Store};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

/// How a file of tax rows is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxTableImport {
    /// The store of all rows. Without it, each row names its store in the column `store_id`.
    pub store: Option<String>,
    /// The format of the file.
    pub format: Format,
    /// The options of every import.
    pub options: ImportOptions,
    /// Remove the rows of a store that the file does not have. Stores that the file does not have stay unchanged.
    pub replace: bool,
    /// The stores that the caller may change.
    pub reach: Reach,
    /// The actor.
    pub actor: String,
    /// The reason.
    pub reason: String,
}

impl Taxes {
    /// Imports a file, or returns all its problems. The reply is a [`TaxTableImported`]. With an idempotency key, it is
    /// saved and a repeated request gets the same reply.
    pub async fn import_table(
        &self,
        request: TaxTableImport,
        file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Result<Reply, NotImported> {
        let job = Job::new((request.format, request.options), file, key, watch);
        match request.store.clone() {
            Some(store) => {
                let one = Tables::<false>::of_store(&self.core, request, store);
                import(&self.core, job, one).await
            }
            None => {
                let many = Tables::<true>::new(self.core.clone(), request);
                import(&self.core, job, async { Ok(many) }).await
            }
        }
    }

    /// Imports rows that are not in a file, such as messages. A row that could not be converted is its problems; all
    /// problems are reported together, with the number of the row from 1.
    pub async fn import_rows(
        &self,
        request: TaxTableImport,
        rows: impl IntoIterator<Item = Result<TaxRow, Vec<Problem>>>,
        key: Option<IdempotencyKey>,
    ) -> Result<Reply, NotImported> {
        let (mut lines, mut invalid) = (Vec::new(), Problems::default());
        for (number, row) in (1..).zip(rows) {
            match row {
                Ok(row) => serde_json::to_writer(&mut lines, &row)
                    .map_err(|error| Error::Internal(format!("serialising a tax row: {error}")))?,
                Err(problems) => problems.into_iter().for_each(|problem| {
                    invalid.of_row(Position::of_line(number), &problem.field, problem.message);
                }),
            }
            // The line of an invalid row is blank, so that the others keep their numbers.
            lines.push(b'\n');
        }
        let is_valid = invalid.total == 0;
        let options = ImportOptions {
            dry_run: request.options.dry_run || !is_valid,
            allow_empty: request.options.allow_empty || !is_valid,
            ..request.options
        };
        let request = TaxTableImport {
            format: Format::JsonLines,
            options,
            ..request
        };
        let file = Box::new(Cursor::new(lines));
        let key = key.filter(|_| is_valid);
        match self
            .import_table(request, file, key, Watch::default())
            .await
        {
            Ok(_) if !is_valid => Err(NotImported::Refused(invalid)),
            Err(NotImported::Refused(others)) => Err(NotImported::Refused(invalid.merged(others))),
            imported => imported,
        }
    }
}

/// The rows of a file by store: of one store, or of many.
struct Tables<const MANY: bool> {
    core: Core,
    request: TaxTableImport,
    /// The row of each key.
    seen: HashMap<Box<str>, u64>,
    /// The number of taxes of each code and date.
    taxes: HashMap<Box<str>, usize>,
    beyond: Problems,
    /// The stores of the file; `None` for an unknown one.
    stores: HashMap<String, Option<Store>>,
    tables: BTreeMap<String, Vec<TaxRow>>,
}

impl Tables<false> {
    async fn of_store(
        core: &Core,
        request: TaxTableImport,
        id: String,
    ) -> Result<Self, NotImported> {
        let mut tables = Self::new(core.clone(), request);
        let store = core.store(&id).await?;
        if !tables.request.reach.has_store(&store) {
            return Err(crate::access::Subject::Store(id).missing().into());
        }
        tables.stores.insert(id.clone(), Some(store));
        // An import of no rows can remove all rows.
        tables.tables.insert(id, Vec::new());
        Ok(tables)
    }
}

impl<const MANY: bool> Tables<MANY> {
    fn new(core: Core, request: TaxTableImport) -> Self {
        Self {
            core,
            request,
            seen: HashMap::new(),
            taxes: HashMap::new(),
            beyond: Problems::default(),
            stores: HashMap::new(),
            tables: BTreeMap::new(),
        }
    }

    /// Reads the stores of a batch that were not read before.
    async fn read_stores(&mut self, batch: &[(Position, (String, TaxRow))]) -> Result<(), Error> {
        let ids = batch.iter().map(|(_, (store, _))| store);
        let mut ids: Vec<String> = ids
            .filter(|id| !self.stores.contains_key(*id))
            .cloned()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(());
        }
        let wanted = ids.clone();
        let records = &self.core.records;
        let read = records.read(in_tx!(|tx, wanted| tx.store_get_many(&wanted).await));
        let found = read.await?.into_iter();
        self.stores.extend(ids.into_iter().map(|id| (id, None)));
        self.stores
            .extend(found.map(|store| (store.id.clone(), Some(store))));
        Ok(())
    }

    /// Compares the rows of a store with its table.
    async fn compared(&self, store: String, rows: Vec<TaxRow>) -> Result<Compared, Error> {
        let id = store.clone();
        let read = self.core.records.read(in_tx!(|tx, id| {
            let version = tx.tax_store_get(&id).await?.table_version;
            Ok((version, rows_of(tx, &id).await?))
        }));
        let (version, table) = read.await?;
        Ok(Compared {
            changes: Changes::between(&store, table, &rows, self.request.replace),
            store,
            rows,
            version,
        })
    }
}

impl<const MANY: bool> Importer for Tables<MANY> {
    /// The store and the row of its table.
    type Row = (String, TaxRow);
    const LAYOUT: &'static Layout = if MANY { &LAYOUT_OF_STORES } else { &LAYOUT };

    fn row(
        &self,
        cells: &Cells,
        _: &[String],
        problems: &mut Problems,
    ) -> Option<(String, TaxRow)> {
        let store = cells.text("store_id");
        let store = match &self.request.store {
            Some(id) if store.is_empty() || store == id => Some(id.clone()),
            Some(id) => {
                let message = format!("must be {id}, the store of this import, or empty");
                problems.of_row(cells.at, "store_id", message);
                None
            }
            None if galleria_domain::names::is_id(store) => Some(store.to_owned()),
            None => {
                problems.of_row(cells.at, "store_id", "must be the id of a store");
                None
            }
        };
        let row = row(cells, problems)?;
        Some((store?, row))
    }

    fn note(&mut self, cells: &Cells, _: Option<&(String, TaxRow)>, problems: &mut Problems) {
        let texts = |columns: &[&str]| -> Box<str> {
            let texts: Vec<&str> = columns.iter().map(|column| cells.text(column)).collect();
            texts.join("\0").into()
        };
        if !cells.whole || cells.text("tax_code").is_empty() {
            return;
        }
        let key = texts(&[
            "store_id",
            "tax_code",
            "valid_from",
            "retailer_tax_level_id",
        ]);
        let row = *self.seen.entry(key).or_insert(cells.at.row);
        if row != cells.at.row {
            let message = format!(
                "must be unique in the file together with tax_code and valid_from; row {row} has the same"
            );
            return problems.of_row(cells.at, "retailer_tax_level_id", message);
        }
        let taxes = self
            .taxes
            .entry(texts(&["store_id", "tax_code", "valid_from"]))
            .or_default();
        *taxes += 1;
        if *taxes == MAX_TAXES + 1 {
            let message = format!("must be in at most {MAX_TAXES} rows with the same valid_from");
            problems.of_row(cells.at, "tax_code", message);
        }
    }

    async fn compare(
        &mut self,
        batch: Vec<(Position, (String, TaxRow))>,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        self.read_stores(&batch).await?;
        for (at, (id, row)) in batch {
            match self.stores.get(&id) {
                Some(Some(store)) if self.request.reach.has_store(store) => {
                    self.tables.entry(id).or_default().push(row);
                }
                // A caller with a limited reach does not learn which other stores exist.
                _ if self.request.reach != Reach::Everything => {
                    let message = "must be a store that the caller may change";
                    self.beyond.of_row(at, "store_id", message);
                }
                _ => {
                    let message = "must be an existing store; import stores first";
                    problems.of_row(at, "store_id", message);
                }
            }
        }
        Ok(())
    }

    fn beyond(&mut self) -> Problems {
        std::mem::take(&mut self.beyond)
    }

    async fn finish(&mut self, end: End<'_>) -> Result<Reply, NotImported> {
        let mut stores = Vec::with_capacity(self.tables.len());
        let mut problems = Problems::default();
        for (store, rows) in std::mem::take(&mut self.tables) {
            end.watch.go_on()?;
            let compared = self.compared(store, rows).await?;
            compared
                .changes
                .problems
                .iter()
                .cloned()
                .for_each(|problem| problems.add(problem));
            stores.push(compared);
        }
        if problems.total > 0 {
            return Err(NotImported::Refused(problems));
        }
        if end.dry_run {
            let all: Vec<_> = stores
                .iter()
                .map(|one| (one.store.as_str(), &one.changes))
                .collect();
            return Ok(imported(&TaxTableImported::new(true, end.rows, &all))?);
        }
        let writing = Writing {
            stores,
            rows: end.rows,
            replace: self.request.replace,
            actor: self.request.actor.clone(),
            reason: self.request.reason.clone(),
            now: self.core.clock.now(),
            watch: end.watch.clone(),
        };
        let written = self.core.once(end.key, 200, writing.work()).await;
        // A stopped import fails in its transaction.
        written.map_err(|error| end.watch.go_on().err().unwrap_or_else(|| error.into()))
    }
}
