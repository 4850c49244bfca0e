//! A statement is taken in: one way for directory, command line and HTTP.
//!
//! Its lines are written in pieces, so that tills need not wait for a hundred thousand of them, under
//! a statement that nobody sees until the last is written: a crash leaves all or nothing. Which
//! replica does so for a retailer, a lease says; who takes it over clears away what it finds. Whoever
//! asked for it may stop it until the last line is written: then nothing of it stays.

use super::lease::Lease;
use super::matching::PIECE;
use super::reading::{Reading, read};
use super::views::StatementView;
use crate::app::App;
use galleria_domain::plugin::Point;
use galleria_domain::{Context, Digest, Scope};
use galleria_ports::Error;
use galleria_ports::metrics;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::{LineMatch, LineRow, StatementRow, StatementState};
use galleria_ports::vault::{Spool, Vault};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who is to read which retailer's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRequest {
    /// The retailer.
    pub retailer: String,
    /// The slot, as `retailer.toml` names it.
    pub plugin: String,
}

/// A statement that is there now.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// What it is.
    pub statement: StatementView,
    /// Whether it was there before: the same file is one statement.
    pub before: bool,
}

/// What a plugin is told when it reads a statement.
pub fn reading_context(plugin: &LoadedPlugin, digest: &Digest, now: Timestamp) -> Context {
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
    app: App,
    vault: Arc<dyn Vault>,
    plugin: LoadedPlugin,
    /// Until it is kept.
    spool: Option<Box<dyn Spool>>,
    /// Its name.
    file: String,
    id: String,
    digest: Digest,
    size: u64,
    /// Of the lease.
    owner: String,
    /// Set to stop it.
    stop: Arc<AtomicBool>,
}

impl App {
    /// Where statements are spooled and kept.
    pub fn vault(&self) -> Result<&Arc<dyn Vault>, Error> {
        let none =
            || Error::Internal("no vault for statements was given to the application".into());
        self.vault.as_ref().ok_or_else(none)
    }

    /// The slot that reads a retailer's statements, by its name.
    pub fn statement_reader(&self, ask: &StatementRequest) -> Result<LoadedPlugin, Error> {
        let found = self.plugins.named(&ask.retailer, &ask.plugin);
        found
            .filter(|plugin| plugin.inspection.exports.contains(&Point::ReadStatement))
            .ok_or_else(|| Error::NotFound {
                what: "reader of statements",
                id: format!("{} of retailer {}", ask.plugin, ask.retailer),
            })
    }

    /// Takes a statement in, or finds that it was. It is matched when this returns. Once `stop` is set,
    /// it ends in `Error::Stopped`, and nothing is left; a statement that is whole by then stays.
    pub async fn statement_import(
        &self,
        ask: &StatementRequest,
        spool: Box<dyn Spool>,
        stop: Arc<AtomicBool>,
    ) -> Result<Imported, Error> {
        let imported = self.taken_in(ask, spool, stop).await;
        count(&imported);
        imported
    }

    async fn taken_in(
        &self,
        ask: &StatementRequest,
        spool: Box<dyn Spool>,
        stop: Arc<AtomicBool>,
    ) -> Result<Imported, Error> {
        let plugin = self.statement_reader(ask)?;
        let (digest, size) = spool.digest();
        let import = Import {
            app: self.clone(),
            vault: Arc::clone(self.vault()?),
            plugin,
            file: spool.file(),
            spool: Some(spool),
            id: id_of(&ask.retailer, digest.as_str()),
            digest,
            size,
            owner: uuid::Uuid::new_v4().to_string(),
            stop,
        };
        if let Some(before) = import.before().await? {
            return Ok(before);
        }
        let (import, reading) = import.read().await?;
        import.under_lease(reading).await
    }

    /// Takes a lease, or keeps it for so much longer: whether `owner` has it now.
    pub async fn lease(&self, name: &str, owner: &str, last: Duration) -> Result<bool, Error> {
        let (name, owner, now) = (name.to_owned(), owner.to_owned(), self.clock.now());
        self.records
            .write(move |tx| {
                let (name, owner) = (name.clone(), owner.clone());
                Box::pin(async move { tx.lease_take(&name, &owner, now, now + last).await })
            })
            .await
    }

    /// Clears away what a crash left of statements: lines nobody sees, originals of none. For the
    /// start; an import that is under way elsewhere is left alone.
    pub async fn statements_sweep(&self) -> Result<(), Error> {
        let mut retailers: Vec<_> = self
            .plugins
            .all()
            .iter()
            .map(|p| p.slot.retailer.clone())
            .collect();
        retailers.sort();
        retailers.dedup();
        for retailer in retailers {
            let lease = Lease::of(self, &retailer, uuid::Uuid::new_v4().to_string());
            if lease.take().await? {
                let swept = self.sweep(&lease, &retailer).await;
                lease.release().await;
                swept?;
            }
        }
        Ok(())
    }

    async fn sweep(&self, lease: &Lease<'_>, retailer: &str) -> Result<(), Error> {
        lease.clear(retailer).await?;
        for digest in self.vault()?.digests(retailer)? {
            self.forget_of_none(lease, retailer, &digest).await?;
        }
        Ok(())
    }

    /// Takes an original away that is no statement's.
    async fn forget_of_none(
        &self,
        lease: &Lease<'_>,
        retailer: &str,
        digest: &str,
    ) -> Result<(), Error> {
        let id = id_of(retailer, digest);
        let found = self.records.read(move |tx| {
            let id = id.clone();
            Box::pin(async move { tx.statement_get(&id).await })
        });
        if found.await?.is_none() {
            // The lease may have run out on the way here, and the file may be of an import that is
            // under way now.
            lease.write(|_| Box::pin(async { Ok(()) })).await?;
            self.vault()?.delete(retailer, digest)?;
        }
        Ok(())
    }
}

/// The same file of a retailer is the same statement.
fn id_of(retailer: &str, digest: &str) -> String {
    let id = Digest::of(format!("statement/{retailer}/{digest}").as_bytes());
    id.as_str()[..20].to_owned()
}

impl Import {
    async fn before(&self) -> Result<Option<Imported>, Error> {
        let id = self.id.clone();
        let found = self.app.records.read(move |tx| {
            let id = id.clone();
            Box::pin(async move { tx.statement_get(&id).await })
        });
        let found = found.await?;
        let there = found.filter(|row| row.state != StatementState::Importing);
        match there {
            Some(row) => self.app.seen(row, true).await.map(Some),
            None => Ok(None),
        }
    }

    /// Lets the plugin read it. Nobody else needs to wait meanwhile.
    async fn read(self) -> Result<(Self, Reading), Error> {
        let task = move || {
            let scratch = self.vault.scratch()?;
            let cx = reading_context(&self.plugin, &self.digest, self.app.clock.now());
            let source = self.spool()?.source()?;
            let plugins = Arc::clone(&self.app.plugins);
            let stop = Arc::clone(&self.stop);
            let reading = read(&*plugins, &self.plugin, &cx, source, scratch, stop)?;
            Ok((self, reading))
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(|error| Error::Internal(format!("reading a statement: {error}")))?
    }

    async fn under_lease(mut self, reading: Reading) -> Result<Imported, Error> {
        let app = self.app.clone();
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
            None => Err(Error::Internal("an imported statement is not there".into())),
        }
    }

    /// Writes the statement; answers it where it came while the lease was waited for.
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
            .write(move |tx| {
                let row = inserted.clone();
                Box::pin(async move { tx.statement_insert(&row).await })
            })
            .await?;
        let written = self.lines(lease, &row, &mut reading).await;
        if let Err(error) = written {
            // What stays, the next import or start clears away.
            if let Err(error) = self.take_back(lease, &retailer).await {
                tracing::warn!(error = error.chain(), "lines of a statement stay for now");
            }
            return Err(error);
        }
        Ok(None)
    }

    /// Takes away what was written, and the original with it.
    async fn take_back(&self, lease: &Lease<'_>, retailer: &str) -> Result<(), Error> {
        lease.clear(retailer).await?;
        let digest = self.digest.as_str();
        self.app.forget_of_none(lease, retailer, digest).await
    }

    /// An error once it is to stop.
    fn go_on(&self) -> Result<(), Error> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::Stopped),
            false => Ok(()),
        }
    }

    fn spool(&self) -> Result<&dyn Spool, Error> {
        let kept = || Error::Internal("a statement's file was kept before".into());
        self.spool.as_deref().ok_or_else(kept)
    }

    /// Keeps the original. That waits for the disk, which nobody else should.
    async fn keep(&mut self, retailer: &str) -> Result<(), Error> {
        let (spool, retailer) = (self.spool.take(), retailer.to_owned());
        let keeping = tokio::task::spawn_blocking(move || match spool {
            Some(mut spool) => spool.commit(&retailer),
            None => Ok(()),
        });
        keeping
            .await
            .map_err(|error| Error::Internal(format!("keeping a statement's file: {error}")))?
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
                .write(move |tx| {
                    let (rows, id) = (Arc::clone(&rows), id.clone());
                    Box::pin(async move {
                        tx.statement_line_insert_many(&rows).await?;
                        if last {
                            // From here on it is seen, and after a crash it is matched further.
                            let state = StatementState::Matching;
                            tx.statement_advance(&id, state, 0).await?;
                        }
                        Ok(())
                    })
                })
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
            imported_at: self.app.clock.now(),
        }
    }

    /// The same payout in another file is for a person to look at.
    async fn no_other_file(&self, row: &StatementRow) -> Result<(), Error> {
        let (retailer, header) = (row.retailer.clone(), row.header.clone());
        let found = self.app.records.read(move |tx| {
            let (retailer, header) = (retailer.clone(), header.clone());
            Box::pin(async move { tx.statement_get_by_payout(&retailer, &header).await })
        });
        match found.await? {
            None => Ok(()),
            Some(other) => Err(Error::Conflict {
                code: "payout_exists",
                message: format!(
                    "payout {} of {} came before in another file, {} (statement {}): one of the \
                     two is wrong or a correction, which is for a person to say",
                    other.header.reference, other.header.provider, other.file, other.id
                ),
            }),
        }
    }
}

/// Counts a statement by its outcome. One that was stopped is not counted: nothing of it is left.
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
