//! Records the end of an attempt: state, journal and files, in one transaction.

use super::attempt::{Attempt, Run, host_failed};
use crate::detail::detail;
use crate::runs::Runs;
use crate::shared_texts::put_texts;
use galleria_domain::{
    CallFault, Digest, FailedTry, Fault, HostFault, NextTry, Problem, RetryPolicy, Totals,
};
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::files::{RunOutput, StagedFile};
use galleria_ports::in_tx;
use galleria_ports::plugins::Usage;
use galleria_ports::records::{
    DocumentRow, DocumentState, JournalRow, RunEnd, RunFile, RunLease, RunRow, RunState, Tx,
};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Whether a successful end was committed.
pub(super) enum RunCommit {
    Yes,
    Lost,
    No(CallFault),
}

/// Everything that one transaction writes about an attempt.
struct RunRecord {
    lease: RunLease,
    end: RunEnd,
    journal: Option<JournalRow>,
    blobs: Vec<(Digest, String)>,
    documents: Vec<DocumentRow>,
}

impl Runs {
    /// Records a successful end and its files. They are on the disk under temporary names; the
    /// deliverer renames them.
    pub(super) async fn run_kept(
        &self,
        lease: &RunLease,
        run: &Run,
        mut begun: Box<dyn RunOutput>,
        totals: Totals,
        usage: Usage,
        rows_read: u64,
    ) -> Result<RunCommit, Error> {
        let (written, begun) = tokio::task::spawn_blocking(move || (begun.sync(), begun))
            .await
            .map_err(|error| Error::Internal(format!("syncing a run's files: {error}")))?;
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                begun.discard();
                return Ok(RunCommit::No(host_failed(&error)));
            }
        };
        let mut end = self.run_end(RunState::Ended, run.row.attempts, rows_read);
        (end.rows, end.sums) = (totals.rows, totals.sums);
        end.files = written.iter().map(file).collect();
        let (journal, blobs) = journal(run, usage, "applied", None, end.at);
        let documents = written.into_iter().map(|file| document(run, file, end.at));
        let leaving = RunRecord {
            lease: lease.clone(),
            journal: Some(journal),
            blobs,
            documents: documents.collect(),
            end,
        };
        match self.run_left(leaving).await {
            Ok(true) => {
                self.core.document_decided.notify();
                tracing::info!(
                    run = %lease.id, retailer = %run.row.retailer, plugin = %run.row.subscriber,
                    rows = totals.rows, "run succeeded"
                );
                Ok(RunCommit::Yes)
            }
            Ok(false) => {
                begun.discard();
                Ok(RunCommit::Lost)
            }
            Err(Error::NameTaken { directory, name }) => {
                begun.discard();
                Ok(RunCommit::No(name_taken(&directory, &name)))
            }
            // The commit may have succeeded although its response was lost: then the files are
            // needed. If the database is unavailable, the files stay, and the next attempt replaces
            // them.
            Err(error) => match self.run_row(&lease.id).await?.state {
                RunState::Ended => Ok(RunCommit::Yes),
                _ => {
                    begun.discard();
                    Ok(RunCommit::No(host_failed(&error)))
                }
            },
        }
    }

    /// Records a failed attempt: the run is retried later, or it is dead.
    pub(super) async fn run_failed(
        &self,
        lease: &RunLease,
        row: &RunRow,
        run: Option<&Run>,
        fault: CallFault,
        usage: Usage,
        rows_read: u64,
    ) -> Result<Attempt, Error> {
        let policy = RetryPolicy {
            backoff: self.policy.backoff,
            tries: row.tries,
            // A run has no limit on its age: its tries limit postponed attempts too.
            max_age: None,
        };
        let failed = FailedTry {
            id: &row.id,
            failures: row.attempts,
            age: Duration::ZERO,
            previous: row.code.as_deref(),
        };
        let wait = match policy.after(&fault, failed) {
            NextTry::After(wait) => Some(wait),
            NextTry::GiveUp => None,
        };
        let state = if wait.is_some() {
            RunState::Failed
        } else {
            RunState::Dead
        };
        let mut end = self.run_end(state, row.attempts, rows_read);
        end.due_at = later(end.at, wait.unwrap_or_default());
        end.code = Some(fault.code().to_owned());
        end.detail = Some(detail(&safe(&fault)));
        let message = detail(&fault.to_string());
        let (retailer, plugin) = (&row.retailer, &row.subscriber);
        match wait {
            Some(wait) => tracing::warn!(
                run = %row.id, %retailer, %plugin, store = %row.store_id, attempt = row.attempts,
                code = fault.code(), wait_ms = wait.as_millis(),
                "run failed, trying again later: {message}"
            ),
            None => tracing::error!(
                run = %row.id, %retailer, %plugin, store = %row.store_id, attempt = row.attempts,
                code = fault.code(), "run failed and is dead until it is replayed: {message}"
            ),
        }
        let (journal, blobs) = run
            .map(|run| journal(run, usage, fault.code(), Some(message.clone()), end.at))
            .unzip();
        let leaving = RunRecord {
            lease: lease.clone(),
            end,
            journal,
            blobs: blobs.unwrap_or_default(),
            documents: Vec::new(),
        };
        Ok(match self.run_left(leaving).await? {
            true => Attempt::Failed(fault, state),
            false => Attempt::Lost,
        })
    }

    /// Records an end without success or failure.
    pub(super) async fn run_closed(
        &self,
        lease: &RunLease,
        end: RunEnd,
        attempt: Attempt,
    ) -> Result<Attempt, Error> {
        let leaving = RunRecord {
            lease: lease.clone(),
            end,
            journal: None,
            blobs: Vec::new(),
            documents: Vec::new(),
        };
        Ok(match self.run_left(leaving).await? {
            true => attempt,
            false => Attempt::Lost,
        })
    }

    /// An end at the current time without details.
    pub(super) fn run_end(&self, state: RunState, attempts: u32, progress: u64) -> RunEnd {
        let at = self.core.clock.now();
        RunEnd {
            state,
            attempts,
            due_at: at,
            progress,
            rows: 0,
            sums: Vec::new(),
            files: Vec::new(),
            code: None,
            detail: None,
            at,
        }
    }

    /// Returns false if the lease was lost. Then nothing was written.
    async fn run_left(&self, leaving: RunRecord) -> Result<bool, Error> {
        let leaving = Arc::new(leaving);
        self.core
            .records
            .write(in_tx!(|tx, leaving| write(tx, &leaving).await))
            .await
    }
}

async fn write(tx: &mut dyn Tx, leaving: &RunRecord) -> Result<bool, Error> {
    if !tx.run_finish(&leaving.lease, &leaving.end).await? {
        return Ok(false);
    }
    put_texts(tx, &leaving.blobs, leaving.end.at).await?;
    if let Some(journal) = &leaving.journal {
        tx.journal_insert(journal).await?;
    }
    tx.document_insert_many(&leaving.documents).await?;
    Ok(true)
}

/// The fault of a file whose name is taken. It is permanent.
fn name_taken(directory: &str, name: &str) -> CallFault {
    CallFault::Guest(Fault::Invalid(vec![Problem::new(
        "output",
        format!("{directory}/{name} is the name of another document"),
    )]))
}

/// A fault without internal details of the host, which stay in the log.
fn safe(fault: &CallFault) -> String {
    match fault {
        CallFault::Host(HostFault::HostFailed(_)) => "the host failed: its log says why".into(),
        other => other.to_string(),
    }
}

fn file(written: &StagedFile) -> RunFile {
    RunFile {
        directory: written.directory.clone(),
        folder: (!written.folder.is_empty()).then(|| written.folder.clone()),
        name: written.name.clone(),
        size: written.size,
        digest: written.digest.to_string(),
    }
}

/// The journal row, and the texts that it refers to.
fn journal(
    run: &Run,
    usage: Usage,
    outcome: &str,
    detail: Option<String>,
    at: Timestamp,
) -> (JournalRow, Vec<(Digest, String)>) {
    let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let cx = run.context();
    let argument = serde_json::json!({
        "contract": galleria_domain::contract::VERSION, "point": run.row.point, "context": cx, "window": run.window(),
    });
    let argument = argument.to_string();
    let blobs = vec![
        (Digest::of(cx.settings.as_bytes()), cx.settings),
        (Digest::of(argument.as_bytes()), argument),
    ];
    let row = JournalRow {
        event_id: cx.event_id,
        subscriber: run.row.subscriber.clone(),
        retailer: run.row.retailer.clone(),
        store_id: run.row.store_id.clone(),
        order_id: None,
        attempt: run.row.attempts,
        outcome: outcome.to_owned(),
        detail,
        plugin: run.plugin.slot.plugin.clone(),
        component: run.plugin.inspection.digest.to_string(),
        settings: blobs[0].0.to_string(),
        argument: blobs[1].0.to_string(),
        decision: None,
        cpu_us: i64::try_from(usage.cpu.as_micros()).unwrap_or(i64::MAX),
        memory_bytes: count(usage.memory_bytes),
        output_bytes: count(usage.output_bytes),
        at,
    };
    (row, blobs)
}

fn document(run: &Run, file: StagedFile, now: Timestamp) -> DocumentRow {
    let StagedFile {
        id,
        directory,
        folder,
        name,
        media_type,
        size,
        digest,
    } = file;
    DocumentRow {
        id,
        event_id: format!("run:{}", run.row.id),
        subscriber: run.row.subscriber.clone(),
        retailer: run.row.retailer.clone(),
        store_id: run.row.store_id.clone(),
        order_id: None,
        directory,
        folder,
        name,
        media_type,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        digest: digest.to_string(),
        body: None,
        state: DocumentState::Prepared,
        created_at: now,
    }
}
