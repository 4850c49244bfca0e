//! The steps of every import of a file: replay, check, compare, write.
//!
//! The file is read twice. The first pass checks every cell and writes nothing. The second one compares the rows with
//! the records in batches, which finds more problems. Only an importer writes, and only a file without problems.

use super::columns::{Cells, Layout};
use super::{Format, Guards, NotImported, Problems, Rows, Step, Upload, Watch};
use crate::core::{Core, IdempotencyKey, Reply};
use galleria_csv::Position;
use galleria_domain::Problem;
use galleria_ports::Error;
use serde::Serialize;
use std::collections::HashMap;
use tokio::runtime::Handle;

/// Rows in a batch. A batch is one transaction of about ten milliseconds on SQLite, the longest wait of a till. With
/// half as many rows, an import would take 1.5 times as long.
pub(crate) const BATCH: usize = 256;

/// The options of every import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Only report what the import would do.
    pub dry_run: bool,
    /// Accept a file without rows.
    pub allow_empty: bool,
    /// The treatment of a `'` before a formula.
    pub guards: Guards,
}

/// The parts of an import that depend on the kind of file.
pub(crate) trait Importer: Send + 'static {
    type Row: Send;
    const LAYOUT: &'static Layout;

    /// Converts a row, or adds its problems.
    fn row(&self, cells: &Cells, further: &[String], problems: &mut Problems) -> Option<Self::Row>;

    /// Records a row in the first pass, and adds a problem if it repeats another one.
    fn note(&mut self, cells: &Cells, row: Option<&Self::Row>, problems: &mut Problems);

    /// Checks the rules for the complete file, which has `rows` rows.
    fn check(&self, rows: u64, problems: &mut Problems) {
        let _ = (rows, problems);
    }

    /// Prepares writing. Not called for a dry run, nor if there are problems.
    async fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Compares a batch with the records.
    async fn compare(
        &mut self,
        batch: Vec<(Position, Self::Row)>,
        problems: &mut Problems,
    ) -> Result<(), Error>;

    /// Returns the rows that are out of the caller's reach.
    fn beyond(&mut self) -> Problems {
        Problems::default()
    }

    /// Writes the differences of a file with `rows` rows, and saves the reply under the key. In a dry run, it only
    /// returns the reply.
    async fn finish(&mut self, end: End<'_>) -> Result<Reply, NotImported>;

    /// Removes what `begin` prepared, if `finish` did not succeed.
    async fn abort(&mut self) {}
}

/// The end of an import.
pub(crate) struct End<'e> {
    pub rows: u64,
    pub dry_run: bool,
    pub key: Option<IdempotencyKey>,
    pub watch: &'e Watch,
}

/// An uploaded file, and how it is imported.
pub(crate) struct Job {
    file: Box<dyn Upload>,
    format: Format,
    options: ImportOptions,
    /// With a key, the reply is saved, and a repeated request gets the same reply.
    key: Option<IdempotencyKey>,
    watch: Watch,
}

/// Imports a file completely, or returns all its problems.
pub(crate) async fn import<I: Importer>(
    core: &Core,
    job: Job,
    importer: impl Future<Output = Result<I, NotImported>>,
) -> Result<Reply, NotImported> {
    if let Some(key) = job.key.clone()
        && let Some(before) = core.answered(key).await?
    {
        return Ok(before);
    }
    let importer = importer.await?;
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || job.run(importer, &runtime)).await;
    done.map_err(|error| Error::Internal(format!("importing a file: {error}")))?
}

impl Job {
    pub fn new(
        (format, options): (Format, ImportOptions),
        file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Self {
        Self {
            file,
            format,
            options,
            key,
            watch,
        }
    }

    fn run<I: Importer>(mut self, mut importer: I, runtime: &Handle) -> Result<Reply, NotImported> {
        let (rows, problems) = self.check(&mut importer)?;
        if problems.total == 0 && !self.options.dry_run {
            runtime.block_on(importer.begin())?;
        }
        let compared = self.compare(&mut importer, rows, problems, runtime);
        let end = End {
            rows,
            dry_run: self.options.dry_run,
            key: self.key,
            watch: &self.watch,
        };
        let done = compared.and_then(|()| {
            self.watch.go_on()?;
            runtime.block_on(importer.finish(end))
        });
        if done.is_err() {
            runtime.block_on(importer.abort());
        }
        done
    }

    fn open<I: Importer>(
        &mut self,
        problems: &mut Problems,
    ) -> Result<Option<Rows<'_>>, std::io::Error> {
        let (format, guards) = (self.format, self.options.guards);
        Rows::open(&mut *self.file, I::LAYOUT, format, guards, problems)
    }

    /// Checks every cell, and returns the number of rows.
    fn check<I: Importer>(&mut self, importer: &mut I) -> Result<(u64, Problems), NotImported> {
        let (mut count, mut problems) = (0, Problems::default());
        let watch = self.watch.clone();
        let Some(mut rows) = self.open::<I>(&mut problems)? else {
            return Err(NotImported::Refused(problems));
        };
        let further = rows.further().to_vec();
        while let Some(cells) = rows.next(&mut problems)? {
            count += 1;
            if count % BATCH as u64 == 0 {
                watch.go_on()?;
                (watch.steps)(Step::Checked(count));
            }
            let row = importer.row(&cells, &further, &mut problems);
            importer.note(&cells, row.as_ref(), &mut problems);
        }
        if let Some(note) = rows.note() {
            // A warning, because the log of a command has nothing below.
            tracing::warn!("import: {note}");
        }
        (watch.steps)(Step::Checked(count));
        if count == 0 && problems.total == 0 && !self.options.allow_empty {
            let message = "must contain rows; to import a file without rows, set allow_empty (on the command line: \
                           --allow-empty)";
            problems.add(Problem::new("file", message));
        }
        importer.check(count, &mut problems);
        Ok((count, problems))
    }

    /// Compares every row with the records. Fails if there are problems.
    fn compare<I: Importer>(
        &mut self,
        importer: &mut I,
        all: u64,
        mut problems: Problems,
        runtime: &Handle,
    ) -> Result<(), NotImported> {
        let watch = self.watch.clone();
        // The first pass reported these.
        let mut again = Problems::default();
        if let Some(mut rows) = self.open::<I>(&mut again)? {
            let further = rows.further().to_vec();
            let (mut batch, mut done) = (Vec::with_capacity(BATCH), 0);
            loop {
                let next = rows.next(&mut again)?;
                let over = next.is_none();
                if let Some(cells) = next {
                    done += 1;
                    let row = importer.row(&cells, &further, &mut again);
                    batch.extend(row.map(|row| (cells.at, row)));
                }
                if batch.len() == BATCH || (over && !batch.is_empty()) {
                    watch.go_on()?;
                    let compared = importer.compare(std::mem::take(&mut batch), &mut problems);
                    runtime.block_on(compared)?;
                    (watch.steps)(Step::Compared(done, all));
                }
                if over {
                    break;
                }
            }
        }
        let beyond = importer.beyond();
        if beyond.total > 0 {
            return Err(NotImported::Beyond(beyond));
        }
        match problems.total {
            0 => Ok(()),
            _ => Err(NotImported::Refused(problems)),
        }
    }
}

/// The values of a file that must be unique, each with its row and a mark.
pub(crate) struct Unique<M = ()>(HashMap<Box<str>, (u64, M)>);

impl<M> Default for Unique<M> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<M> Unique<M> {
    /// Adds a value, or a problem if another row has it.
    pub fn add(
        &mut self,
        at: Position,
        column: &str,
        value: &str,
        mark: M,
        problems: &mut Problems,
    ) {
        if let Some((row, _)) = self.0.get(value) {
            let message = format!("must be unique in the file; row {row} has it too");
            problems.of_row(at, column, message);
        } else {
            self.0.insert(value.into(), (at.row, mark));
        }
    }

    /// Returns the mark of a value.
    pub fn mark(&self, value: &str) -> Option<&M> {
        self.0.get(value).map(|(_, mark)| mark)
    }

    /// Returns the values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|value| &**value)
    }
}

/// Returns the reply with the result of an import.
pub(crate) fn imported(result: &impl Serialize) -> Result<Reply, Error> {
    let body = serde_json::to_string(result)
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))?;
    Ok(Reply {
        status: 200,
        body,
        repeated: false,
    })
}
