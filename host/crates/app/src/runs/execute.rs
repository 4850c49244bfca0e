//! One attempt at a run, from its lease to its outcome.

use super::attempt::{Attempt, Run, host_failed};
use super::finish::RunCommit;
use crate::feeds::Progress;
use crate::newest::serves_newest;
use crate::runs::Runs;
use galleria_domain::plugin::{Capability, Point, StoreFilter};
use galleria_domain::{CallFault, HostFault, Totals};
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::files::{Files, RunOutput};
use galleria_ports::in_tx;
use galleria_ports::plugins::{CallOutcome, Usage};
use galleria_ports::records::{RunLease, RunRow, RunState};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The minimum interval between updates of the progress.
const LOOK: Duration = Duration::from_secs(1);

/// The interval between checks whether the retailer of a due run serves again.
const RETAILER_PAUSE: Duration = Duration::from_secs(30);

/// The result of looking up the plugin and the store of a run.
enum RunTarget {
    Ready(Box<Run>),
    Missing(CallFault),
}

/// The owner of the lease, and its duration.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub owner: String,
    pub lease: Duration,
}

/// Stops the call when its waiter is dropped.
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A running call of the plugin.
struct Call {
    handle: JoinHandle<CallOutcome<Totals>>,
    /// Rows read so far.
    counted: Arc<AtomicU64>,
    stop: StopWhenDropped,
}

/// The observed progress of a call.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    lost: bool,
    cancelled: bool,
}

impl Runs {
    /// Executes a leased run. Returns an error if the database is not available: the lease ends and
    /// the run is retried.
    pub(super) async fn run_attempt(
        &self,
        files: &dyn Files,
        holder: &Holder,
        row: RunRow,
        progress: Progress,
        stop: Arc<AtomicBool>,
    ) -> Result<Attempt, Error> {
        let lease = RunLease {
            id: row.id.clone(),
            owner: holder.owner.clone(),
            attempt: row.attempts,
        };
        if self.core.plugins.is_unavailable(&row.retailer) {
            return self.run_postponed(&lease, &row).await;
        }
        let row = self.run_fixed(row).await?;
        let run = match self.run_target(row.clone()).await? {
            RunTarget::Ready(run) => *run,
            // Another process may know the slot.
            RunTarget::Missing(_) if !serves_newest(&self.core, &row.retailer).await? => {
                return self.run_postponed(&lease, &row).await;
            }
            RunTarget::Missing(fault) => {
                let usage = Usage::default();
                return self.run_failed(&lease, &row, None, fault, usage, 0).await;
            }
        };
        let begun = match files.begin(&run.row.id, &run.row.retailer, run.folder_of()) {
            Ok(begun) => begun,
            Err(error) => {
                let (fault, usage) = (host_failed(&error), Usage::default());
                return self
                    .run_failed(&lease, &row, Some(&run), fault, usage, 0)
                    .await;
            }
        };
        let mut call = self.run_called(&run, &*begun, progress);
        let (called, seen) = self.run_watched(holder, &lease, &mut call, &stop).await?;
        let rows_read = call.counted.load(Ordering::Relaxed);
        let fault = match called.outcome {
            _ if seen.lost => return Ok(Attempt::Lost),
            Ok(totals) => {
                let kept = self
                    .run_kept(&lease, &run, begun, totals, called.usage, rows_read)
                    .await?;
                match kept {
                    RunCommit::Yes => return Ok(Attempt::Ended),
                    RunCommit::Lost => return Ok(Attempt::Lost),
                    RunCommit::No(fault) => fault,
                }
            }
            Err(fault) => {
                // Discard before the lease is released: another attempt writes drafts with the same
                // names.
                begun.discard();
                fault
            }
        };
        if seen.cancelled {
            let end = self.run_end(RunState::Cancelled, row.attempts, rows_read);
            return self.run_closed(&lease, end, Attempt::Stopped).await;
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(Attempt::Stopped);
        }
        self.run_failed(&lease, &row, Some(&run), fault, called.usage, rows_read)
            .await
    }

    /// Calls the plugin on its own thread.
    fn run_called(&self, run: &Run, begun: &dyn RunOutput, progress: Progress) -> Call {
        let stop = StopWhenDropped(Arc::new(AtomicBool::new(false)));
        let counted = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&counted);
        let progress: Progress = Arc::new(move |rows| {
            counting.fetch_add(rows, Ordering::Relaxed);
            progress(rows);
        });
        let stop_flag = Arc::clone(&stop.0);
        let streams = run.streams(&self.core.records, begun.sink(), &progress, stop_flag);
        let (plugins, plugin) = (Arc::clone(&self.core.plugins), run.plugin.clone());
        let (cx, stream) = (run.context(), run.stream());
        let called = move || plugins.run(&plugin, &cx, &stream, streams);
        Call {
            handle: tokio::task::spawn_blocking(called),
            counted,
            stop,
        }
    }

    /// Fixes the input that all attempts share. The first attempt determines it.
    async fn run_fixed(&self, mut row: RunRow) -> Result<RunRow, Error> {
        if row.as_of.is_some() {
            return Ok(row);
        }
        let now = self.core.clock.now();
        let leased_row = row.clone();
        let plugin = self.core.plugins.named(&row.retailer, &row.subscriber);
        let settles = plugin.as_ref().is_some_and(|plugin| {
            let imports = &plugin.inspection.imports;
            imports.contains(&Capability::Settlement)
        });
        let stores = match (row.store_id.as_str(), &plugin) {
            ("", Some(plugin)) => self.stores_served(plugin).await?.len(),
            ("", None) => 0,
            _ => 1,
        };
        let stores = u32::try_from(stores).unwrap_or(u32::MAX);
        let since = self
            .core
            .records
            .write(in_tx!(|tx, leased_row| {
                let row = leased_row;
                let since = tx
                    .run_last_ended(&row.retailer, &row.subscriber, row.point, &row.store_id)
                    .await?;
                tx.run_begin(&row.id, now, since, stores).await?;
                if settles {
                    // A report has its window. A settlement must not omit a payout.
                    let late = row.point == Point::WriteSettlement;
                    tx.settlement_select(&row, late).await?;
                }
                Ok(since)
            }))
            .await?;
        (row.as_of, row.since, row.stores) = (Some(now), since, stores);
        Ok(row)
    }

    /// Ends an attempt that is not counted.
    async fn run_postponed(&self, lease: &RunLease, row: &RunRow) -> Result<Attempt, Error> {
        let attempts = row.attempts.saturating_sub(1);
        let mut end = self.run_end(RunState::Due, attempts, row.progress);
        end.due_at = later(end.at, RETAILER_PAUSE);
        self.run_closed(lease, end, Attempt::Postponed).await
    }

    /// Looks up the plugin and the store. Either may be removed after the run was planned.
    async fn run_target(&self, row: RunRow) -> Result<RunTarget, Error> {
        let gone = |what: String| CallFault::Host(HostFault::NotServed(what));
        let plugin = self.core.plugins.named(&row.retailer, &row.subscriber);
        let Some(plugin) = plugin.filter(|plugin| plugin.inspection.exports.contains(&row.point))
        else {
            let what = format!(
                "{} of {} does not serve {}",
                row.subscriber, row.retailer, row.point
            );
            return Ok(RunTarget::Missing(gone(what)));
        };
        let store = match row.store_id.as_str() {
            "" => None,
            id => match self.core.store(id).await {
                Ok(store) => Some(store),
                Err(Error::NotFound { .. }) => {
                    return Ok(RunTarget::Missing(gone(format!("no store {id}"))));
                }
                Err(error) => return Err(error),
            },
        };
        let covered = match store.is_none() && plugin.slot.filter != StoreFilter::default() {
            true => {
                let served = self.stores_served(&plugin).await?.into_iter();
                Some(Arc::new(served.map(|store| store.id).collect()))
            }
            false => None,
        };
        let as_of = row.as_of.unwrap_or_else(|| self.core.clock.now());
        Ok(RunTarget::Ready(Box::new(Run {
            row,
            plugin,
            store,
            covered,
            as_of,
        })))
    }

    /// Waits for a call, renews its lease, and stops the call if it is no longer wanted.
    async fn run_watched(
        &self,
        holder: &Holder,
        lease: &RunLease,
        call: &mut Call,
        stop: &AtomicBool,
    ) -> Result<(CallOutcome<Totals>, Seen), Error> {
        let (mut seen, look) = (Seen::default(), LOOK.min(holder.lease / 3));
        let mut looked = self.core.clock.now();
        // Check for a stop more often than the database is updated.
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                called = &mut call.handle => {
                    let called = called
                        .map_err(|error| Error::Internal(format!("running a plugin: {error}")))?;
                    return Ok((called, seen));
                }
                _ = tick.tick() => {
                    if stop.load(Ordering::Relaxed) {
                        call.stop.0.store(true, Ordering::Relaxed);
                    }
                }
            }
            let now = self.core.clock.now();
            if later(looked, look) > now {
                continue;
            }
            looked = now;
            let rows = call.counted.load(Ordering::Relaxed);
            match self
                .run_renewed(lease, later(now, holder.lease), rows)
                .await
            {
                Ok(Some(false)) => {}
                Ok(Some(true)) => seen.cancelled = true,
                Ok(None) => seen.lost = true,
                // The lease may last long enough. It is checked again when the run ends.
                Err(error) => {
                    tracing::warn!(run = %lease.id, "run lease not renewed: {}", error.chain())
                }
            }
            if seen.lost || seen.cancelled {
                call.stop.0.store(true, Ordering::Relaxed);
            }
        }
    }

    async fn run_renewed(
        &self,
        lease: &RunLease,
        until: Timestamp,
        rows: u64,
    ) -> Result<Option<bool>, Error> {
        let lease = lease.clone();
        self.core
            .records
            .write(in_tx!(|tx, lease| tx.run_renew(&lease, until, rows).await))
            .await
    }
}
