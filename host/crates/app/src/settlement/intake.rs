//! Imports a statement. Directories, the command line and HTTP share this code.
//!
//! Lines are written in batches, so that tills do not wait for a hundred thousand of them. The statement
//! stays invisible until its last line is written: a crash leaves all or nothing. A lease selects the replica
//! that imports for a retailer; a replica that takes the lease over removes an unfinished import. The caller can
//! stop the import until the last line is written; then nothing of it is stored.

use super::lease::Lease;
use super::matching::PIECE;
use super::reading::{Reading, read};
use super::rejected::MAX_PROBLEMS;
use super::views::StatementView;
use crate::settlement::Settlement;
use galleria_domain::plugin::Point;
use galleria_domain::{Context, Digest, Problem, Scope};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::metrics;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::{
    LineMatch, LineRow, RejectedStatementRow, StatementRow, StatementState,
};
use galleria_ports::vault::{Spool, Vault};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Which slot of which retailer reads the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRequest {
    /// The retailer.
    pub retailer: String,
    /// The name of the slot in `retailer.toml`.
    pub plugin: String,
}

/// An imported statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The statement.
    pub statement: StatementView,
    /// Whether it was imported before: the same file is one statement.
    pub before: bool,
}

/// The context of a plugin that reads a statement.
pub fn reading_context(plugin: &LoadedPlugin, digest: &str, now: Timestamp) -> Context {
    let now = now.to_zoned_datetime(TimeZone::UTC);
    Context {
        event_id: format!("statement:{digest}"),
        attempt: 1,
        occurred_at: now.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string(),
        business_date: now.date().to_string(),
        scope: Scope::Retailer(plugin.slot.retailer.clone()),
        settings: plugin.slot.settings.clone(),
        counters: Vec::new(),
        prior: Vec::new(),
    }
}

/// The import of one file.
struct Import {
    service: Settlement,
    vault: Arc<dyn Vault>,
    plugin: LoadedPlugin,
    /// The file in the spool, until the vault stores it.
    spool: Option<Box<dyn Spool>>,
    /// The file's name.
    file: String,
    id: String,
    digest: Digest,
    size: u64,
    /// The owner of the lease.
    owner: String,
    /// Set to stop the import.
    stop: Arc<AtomicBool>,
}

impl Settlement {
    /// The storage of statement files.
    pub fn vault(&self) -> Result<&Arc<dyn Vault>, Error> {
        let none = || Error::Internal("the application has no vault for statements".into());
        self.vault.as_ref().ok_or_else(none)
    }

    /// The slot that reads a retailer's statements, by its name.
    pub fn statement_reader(&self, request: &StatementRequest) -> Result<LoadedPlugin, Error> {
        self.core.check_in_service(&request.retailer)?;
        let found = self.core.plugins.named(&request.retailer, &request.plugin);
        found
            .filter(|plugin| plugin.inspection.exports.contains(&Point::ReadStatement))
            .ok_or_else(|| Error::NotFound {
                what: "reader of statements",
                id: format!("{} of retailer {}", request.plugin, request.retailer),
            })
    }

    /// Imports and matches a statement, or finds the earlier import of the same file. If `stop` is set, this returns
    /// `Error::Stopped` and stores nothing, unless all lines are already written.
    pub async fn import(
        &self,
        request: &StatementRequest,
        spool: Box<dyn Spool>,
        stop: Arc<AtomicBool>,
    ) -> Result<Imported, Error> {
        let imported = self.taken_in(request, spool, stop).await;
        count(&imported);
        imported
    }

    async fn taken_in(
        &self,
        request: &StatementRequest,
        spool: Box<dyn Spool>,
        stop: Arc<AtomicBool>,
    ) -> Result<Imported, Error> {
        let plugin = self.statement_reader(request)?;
        let (digest, size) = spool.digest();
        let import = Import {
            service: self.clone(),
            vault: Arc::clone(self.vault()?),
            plugin,
            file: spool.file(),
            spool: Some(spool),
            id: id_of(&request.retailer, digest.as_str()),
            digest,
            size,
            owner: uuid::Uuid::new_v4().to_string(),
            stop,
        };
        if let Some(before) = import.before().await? {
            return Ok(before);
        }
        let (mut import, reading) = import.read().await?;
        match reading {
            Ok(reading) => import.under_lease(reading).await,
            Err(Error::Invalid(problems)) => match import.reject(&problems).await? {
                Some(imported) => Ok(imported),
                None => Err(Error::Invalid(problems)),
            },
            Err(error) => Err(error),
        }
    }

    /// Acquires or extends a lease; returns whether `owner` holds it.
    pub async fn lease(&self, name: &str, owner: &str, last: Duration) -> Result<bool, Error> {
        let (name, owner, now) = (name.to_owned(), owner.to_owned(), self.core.clock.now());
        self.core
            .records
            .write(in_tx!(|tx, name, owner| tx
                .lease_take(&name, &owner, now, now + last)
                .await))
            .await
    }
}

/// The id derives from the file's digest: the same file of a retailer is the same statement.
pub(super) fn id_of(retailer: &str, digest: &str) -> String {
    let id = Digest::of(format!("statement/{retailer}/{digest}").as_bytes());
    id.as_str()[..20].to_owned()
}

impl Import {
    async fn before(&self) -> Result<Option<Imported>, Error> {
        let id = self.id.clone();
        let found = self
            .service
            .core
            .records
            .read(in_tx!(|tx, id| tx.statement_get(&id).await));
        let found = found.await?;
        let there = found.filter(|row| row.state != StatementState::Importing);
        match there {
            Some(row) => self.service.seen(row, true).await.map(Some),
            None => Ok(None),
        }
    }

    /// Lets the plugin read the file. Runs without the lease.
    async fn read(self) -> Result<(Self, Result<Reading, Error>), Error> {
        let task = move || {
            let reading = self.read_spool();
            (self, reading)
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(|error| Error::Internal(format!("reading a statement: {error}")))
    }

    fn read_spool(&self) -> Result<Reading, Error> {
        let scratch = self.vault.scratch()?;
        let now = self.service.core.clock.now();
        let cx = reading_context(&self.plugin, self.digest.as_str(), now);
        let source = self.spool()?.source()?;
        let plugins = &*self.service.core.plugins;
        let stop = Arc::clone(&self.stop);
        read(plugins, &self.plugin, &cx, source, scratch, stop)
    }

    /// Stores the original of a rejected file with the reasons. Returns the statement if another process imported
    /// the file meanwhile.
    async fn reject(&mut self, problems: &[Problem]) -> Result<Option<Imported>, Error> {
        let app = self.service.clone();
        let lease = Lease::of(&app, &self.plugin.slot.retailer, self.owner.clone());
        lease.wait(|| self.go_on()).await?;
        let done = self.write_rejection(&lease, problems).await;
        lease.release().await;
        done
    }

    /// Writes the row first: an original without a row is removed at the next start.
    async fn write_rejection(
        &mut self,
        lease: &Lease<'_>,
        problems: &[Problem],
    ) -> Result<Option<Imported>, Error> {
        if let Some(before) = self.before().await? {
            return Ok(Some(before));
        }
        let slot = &self.plugin.slot;
        let row = RejectedStatementRow {
            id: self.id.clone(),
            retailer: slot.retailer.clone(),
            plugin: slot.name.clone(),
            file: self.file.clone(),
            digest: self.digest.to_string(),
            size: self.size,
            problems: problems.iter().take(MAX_PROBLEMS).cloned().collect(),
            rejected_at: self.service.core.clock.now(),
        };
        let retailer = row.retailer.clone();
        lease
            .write(in_tx!(|tx, row| tx.rejected_statement_put(&row).await))
            .await?;
        self.keep(&retailer).await?;
        Ok(None)
    }

    async fn under_lease(mut self, reading: Reading) -> Result<Imported, Error> {
        let app = self.service.clone();
        let lease = Lease::of(&app, &self.plugin.slot.retailer, self.owner.clone());
        lease.wait(|| self.go_on()).await?;
        let done = self.write(&lease, reading).await;
        lease.release().await;
        if let Some(before) = done? {
            return Ok(before);
        }
        app.match_statement(&self.plugin.slot.retailer, &self.id)
            .await?;
        match self.before().await? {
            Some(now) => Ok(Imported {
                before: false,
                ..now
            }),
            None => Err(Error::Internal(
                "the imported statement does not exist".into(),
            )),
        }
    }

    /// Writes the statement; returns it if it was imported while this import waited for the lease.
    async fn write(
        &mut self,
        lease: &Lease<'_>,
        mut reading: Reading,
    ) -> Result<Option<Imported>, Error> {
        let retailer = self.plugin.slot.retailer.clone();
        if let Some(before) = self.before().await? {
            return Ok(Some(before));
        }
        lease.clear(&retailer).await?;
        let row = self.row(&reading);
        self.no_other_file(&row).await?;
        self.keep(&retailer).await?;
        let inserted = row.clone();
        lease
            .write(in_tx!(|tx, inserted| {
                let row = inserted;
                tx.rejected_statement_remove(&row.id).await?;
                tx.statement_insert(&row).await
            }))
            .await?;
        let written = self.lines(lease, &row, &mut reading).await;
        if let Err(error) = written {
            // If this fails, the next import or start removes the rest.
            if let Err(error) = self.take_back(lease, &retailer).await {
                tracing::warn!(error = error.chain(), "unfinished statement not removed");
            }
            return Err(error);
        }
        Ok(None)
    }

    /// Removes the written lines and the original.
    async fn take_back(&self, lease: &Lease<'_>, retailer: &str) -> Result<(), Error> {
        lease.clear(retailer).await?;
        let digest = self.digest.as_str();
        self.service.delete_orphan(lease, retailer, digest).await
    }

    /// Returns an error if the import should stop.
    fn go_on(&self) -> Result<(), Error> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::Stopped),
            false => Ok(()),
        }
    }

    fn spool(&self) -> Result<&dyn Spool, Error> {
        let kept = || Error::Internal("the statement file is already stored".into());
        self.spool.as_deref().ok_or_else(kept)
    }

    /// Stores the original, on a thread for blocking work.
    async fn keep(&mut self, retailer: &str) -> Result<(), Error> {
        let (spool, retailer) = (self.spool.take(), retailer.to_owned());
        let keeping = tokio::task::spawn_blocking(move || match spool {
            Some(mut spool) => spool.commit(&retailer),
            None => Ok(()),
        });
        keeping
            .await
            .map_err(|error| Error::Internal(format!("storing a statement file: {error}")))?
    }

    async fn lines(
        &self,
        lease: &Lease<'_>,
        row: &StatementRow,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        let mut number = 0;
        loop {
            self.go_on()?;
            let lines = reading.next(PIECE)?;
            let last = lines.len() < PIECE;
            let rows = lines.into_iter().map(|line| {
                number += 1;
                LineRow {
                    statement: row.id.clone(),
                    number,
                    retailer: row.retailer.clone(),
                    line,
                    matched: LineMatch::default(),
                }
            });
            let rows: Arc<Vec<LineRow>> = Arc::new(rows.collect());
            let id = row.id.clone();
            lease
                .write(in_tx!(|tx, rows, id| {
                    tx.statement_line_insert_many(&rows).await?;
                    if last {
                        // From here on the statement is visible, and matching continues after a crash.
                        let state = StatementState::Matching;
                        tx.statement_advance(&id, state, 0).await?;
                    }
                    Ok(())
                }))
                .await?;
            if last {
                return Ok(());
            }
        }
    }

    fn row(&self, reading: &Reading) -> StatementRow {
        let slot = &self.plugin.slot;
        StatementRow {
            id: self.id.clone(),
            retailer: slot.retailer.clone(),
            plugin: slot.name.clone(),
            component: self.plugin.inspection.digest.to_string(),
            file: self.file.clone(),
            digest: self.digest.to_string(),
            size: self.size,
            header: reading.header.clone(),
            net: reading.net,
            lines: reading.lines,
            state: StatementState::Importing,
            matched_to: 0,
            imported_at: self.service.core.clock.now(),
        }
    }

    /// Rejects another file for the same payout: a person must decide which one is right.
    async fn no_other_file(&self, row: &StatementRow) -> Result<(), Error> {
        let (retailer, header) = (row.retailer.clone(), row.header.clone());
        let found = self
            .service
            .core
            .records
            .read(in_tx!(|tx, retailer, header| tx
                .statement_get_by_payout(&retailer, &header)
                .await));
        match found.await? {
            None => Ok(()),
            Some(other) => Err(super::payout_exists(&other)),
        }
    }
}

/// Counts an import by its outcome. A stopped import is not counted, because nothing of it is stored.
fn count(imported: &Result<Imported, Error>) {
    let outcome = match imported {
        Ok(imported) if imported.before => "repeated",
        Ok(_) => "imported",
        Err(Error::Invalid(_) | Error::Conflict { .. }) => "refused",
        Err(Error::Stopped) => return,
        Err(_) => "failed",
    };
    metrics::statement(outcome);
}
