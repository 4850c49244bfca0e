//! The worker: plans scheduled runs and executes due runs, a few at a time.
//!
//! Runs block their own threads and never delay events. Many hosts may share one database: each run
//! has a lease, which its host renews. Retailers take turns by the time that their runs take, so that the
//! due runs of one delay those of another by at most one run for each worker.

use super::attempt::Attempt;
use super::execute::Holder;
use crate::feeds::Progress;
use crate::runs::Runs;
use galleria_domain::Shares;
use galleria_ports::Error;
use galleria_ports::clock::{elapsed, later};
use galleria_ports::files::Files;
use galleria_ports::in_tx;
use galleria_ports::records::{RunLease, RunRow, RunState};
use jiff::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The maximum interval between planning passes, because stores are added and removed.
const PLAN_EVERY: Duration = Duration::from_secs(60);
/// The maximum interval between checks for due runs, because other processes request runs.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The pause if another host took the run that was ready, or after a database error.
const LOOK_SOON: Duration = Duration::from_millis(200);

/// The configuration of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsConfig {
    /// The number of concurrent runs.
    pub at_once: usize,
    /// The duration of a lease.
    pub lease: Duration,
}

impl Default for RunsConfig {
    fn default() -> Self {
        Self {
            at_once: 1,
            lease: Duration::from_secs(30),
        }
    }
}

/// Executes runs.
#[derive(Clone)]
pub struct RunWorker {
    service: Runs,
    files: Arc<dyn Files>,
    holder: Holder,
    at_once: usize,
    retailers: Arc<Mutex<Shares<String>>>,
}

impl RunWorker {
    /// Creates a worker. Its name must be unique.
    pub fn new(service: Runs, files: Arc<dyn Files>, owner: String, config: RunsConfig) -> Self {
        Self {
            service,
            files,
            holder: Holder {
                owner,
                lease: config.lease,
            },
            at_once: config.at_once.max(1),
            retailers: Arc::default(),
        }
    }

    /// Works until `stop` is cancelled. Then running runs are reverted, as if they had not begun.
    pub async fn run(self, stop: CancellationToken) {
        let halt = Arc::new(AtomicBool::new(false));
        let (mut running, mut wanted) = (JoinSet::new(), self.service.core.run_wanted());
        let mut plan_at = self.service.core.clock.now();
        while !stop.is_cancelled() {
            if self.service.core.clock.now() >= plan_at {
                plan_at = self.next_plan().await;
            }
            let free = self.fill(&mut running, &halt).await;
            let now = self.service.core.clock.now();
            let wake = free.map_or(plan_at, |free| free.min(plan_at));
            let wait = wake
                .duration_since(now)
                .max(LOOK_SOON.try_into().unwrap_or_default());
            let wait = Duration::try_from(wait).unwrap_or(LOOK_SOON);
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = running.join_next(), if !running.is_empty() => ended(done),
                // Also after a reload, which may have changed schedules.
                () = wanted.notified(), if free.is_some() => plan_at = self.service.core.clock.now(),
                () = self.service.core.clock.sleep(wait) => {}
            }
        }
        halt.store(true, Ordering::Relaxed);
        while let Some(done) = running.join_next().await {
            ended(done);
        }
    }

    /// Adds the scheduled runs. Returns the time of the next check.
    pub async fn plan(&self) -> Result<Option<Timestamp>, Error> {
        self.service.schedules_planned().await
    }

    /// Executes one run that is ready. Returns false if there is none.
    pub async fn run_one(&self) -> Result<bool, Error> {
        match self.leased().await? {
            Some(row) => {
                self.attempt(row, Arc::default()).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    async fn next_plan(&self) -> Timestamp {
        let now = self.service.core.clock.now();
        match self.plan().await {
            Ok(next) => next.unwrap_or(Timestamp::MAX).min(later(now, PLAN_EVERY)),
            Err(error) => {
                tracing::warn!("planning schedules failed: {}", error.chain());
                later(now, LOOK_EVERY)
            }
        }
    }

    /// Begins runs while there is capacity. Returns the time at which the next may be ready; `None`
    /// without capacity.
    async fn fill(&self, running: &mut JoinSet<()>, halt: &Arc<AtomicBool>) -> Option<Timestamp> {
        while running.len() < self.at_once {
            match self.leased().await {
                Ok(Some(row)) => {
                    let (worker, halt) = (self.clone(), Arc::clone(halt));
                    running.spawn(async move {
                        let id = row.id.clone();
                        if let Err(error) = worker.attempt(row, halt).await {
                            tracing::error!(run = %id, "run attempt failed: {}", error.chain());
                        }
                    });
                }
                Ok(None) => return Some(self.next_ready().await),
                Err(error) => {
                    tracing::warn!("reading due runs failed: {}", error.chain());
                    return Some(later(self.service.core.clock.now(), LOOK_EVERY));
                }
            }
        }
        None
    }

    async fn next_ready(&self) -> Timestamp {
        let look = later(self.service.core.clock.now(), LOOK_EVERY);
        let next = self
            .service
            .core
            .records
            .read_one(in_tx!(|tx| tx.run_next_time().await))
            .await;
        next.ok().flatten().unwrap_or(look).min(look)
    }

    /// The run that has waited longest of the retailer whose turn it is, if it has tries left.
    async fn leased(&self) -> Result<Option<RunRow>, Error> {
        loop {
            match self.next().await? {
                Some(row) if row.attempts > row.tries => {
                    self.retailers().charge(&row.retailer, Duration::ZERO);
                    self.given_up(row).await?;
                }
                leased => return Ok(leased),
            }
        }
    }

    async fn next(&self) -> Result<Option<RunRow>, Error> {
        let records = &self.service.core.records;
        let now = self.service.core.clock.now();
        let until = later(now, self.holder.lease);
        let waiting = records.read_one(in_tx!(|tx| tx.run_waiting_retailers(now).await));
        let waiting = waiting.await?;
        let order = self.retailers().compete(waiting);
        for retailer in order {
            let owner = self.holder.owner.clone();
            let leased = records.write(in_tx!(|tx, retailer, owner| tx
                .run_lease(&retailer, &owner, now, until)
                .await));
            // Another host may have taken the runs of this retailer meanwhile.
            if let Some(row) = leased.await? {
                self.retailers().begin(&row.retailer);
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn retailers(&self) -> MutexGuard<'_, Shares<String>> {
        self.retailers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a run as dead whose attempts all crashed their host: another attempt would, too.
    async fn given_up(&self, row: RunRow) -> Result<(), Error> {
        tracing::error!(
            run = %row.id, retailer = %row.retailer, plugin = %row.subscriber,
            "run dead until it is replayed: each of its {} attempts crashed its host", row.tries
        );
        let mut end = self
            .service
            .run_end(RunState::Dead, row.tries, row.progress);
        end.code = Some("host_lost".into());
        end.detail = Some("its host was lost while it ran, in every attempt".into());
        let lease = RunLease {
            id: row.id,
            owner: self.holder.owner.clone(),
            attempt: row.attempts,
        };
        self.service
            .run_closed(&lease, end, Attempt::Stopped)
            .await
            .map(drop)
    }

    async fn attempt(&self, row: RunRow, halt: Arc<AtomicBool>) -> Result<(), Error> {
        let (retailer, begun) = (row.retailer.clone(), self.service.core.clock.now());
        let done = self.execute(row, halt).await;
        let cost = elapsed(begun, self.service.core.clock.now());
        self.retailers().charge(&retailer, cost);
        done
    }

    async fn execute(&self, row: RunRow, halt: Arc<AtomicBool>) -> Result<(), Error> {
        let nobody: Progress = Arc::new(|_| {});
        let attempt = self
            .service
            .run_attempt(&*self.files, &self.holder, row.clone(), nobody, halt)
            .await?;
        match attempt {
            Attempt::Stopped => {
                let due = self
                    .service
                    .run_end(RunState::Due, row.attempts.saturating_sub(1), 0);
                self.service
                    .run_put_back(&row, &self.holder.owner, Some(due))
                    .await
            }
            Attempt::Lost => {
                tracing::warn!(run = %row.id, "run lease lost, attempt discarded");
                Ok(())
            }
            Attempt::Ended | Attempt::Postponed | Attempt::Failed(..) => Ok(()),
        }
    }
}

fn ended(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!("run attempt panicked: {error}");
    }
}
