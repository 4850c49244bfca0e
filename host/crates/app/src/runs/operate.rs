//! Lists runs, requests, replays and cancels them, and executes one immediately.

use super::attempt::Attempt;
use super::execute::Holder;
use super::plan::RunRequest;
use super::views::{RunPage, RunView};
use crate::core::{IdempotencyKey, Reply};
use crate::events::Acting;
use crate::feeds::Progress;
use crate::runs::Runs;
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::files::Files;
use galleria_ports::in_tx;
use galleria_ports::records::{OperationRow, RunEnd, RunFilter, RunLease, RunRow, RunState, Tx};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The result of a manual run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// The run succeeded.
    Ended(RunView),
    /// The run had succeeded before: the same window is the same run.
    Before(RunView),
    /// The run was stopped; nothing of it was stored.
    Stopped,
}

impl Runs {
    /// A run by its id.
    pub async fn run(&self, id: &str) -> Result<RunView, Error> {
        self.run_row(id).await.map(Into::into)
    }

    pub(super) async fn run_row(&self, id: &str) -> Result<RunRow, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| row_of(tx, &id).await))
            .await
    }

    /// Runs before `before`, the newest first.
    pub async fn list(
        &self,
        filter: RunFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<RunPage, Error> {
        let before = before.unwrap_or(i64::MAX);
        // One extra row shows whether there is a next page.
        let mut rows = self
            .core
            .records
            .read(in_tx!(|tx, filter| tx
                .run_list(&filter, before, limit.saturating_add(1))
                .await))
            .await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| row.serial);
        Ok(RunPage {
            runs: rows.into_iter().map(Into::into).collect(),
            next,
        })
    }

    /// Requests a run, which any worker may execute. If the window was run before, returns that
    /// run.
    pub async fn request(&self, key: IdempotencyKey, request: RunRequest) -> Result<Reply, Error> {
        let row = match self.run_planned(&request).await {
            Ok(row) => row,
            Err(error) => return self.core.answered_or(key, error).await,
        };
        let reply = self
            .core
            .once(
                key,
                202,
                in_tx!(|tx, row| {
                    tx.run_insert(&row).await?;
                    run_view(tx, &row.id).await
                }),
            )
            .await;
        self.core.run_wanted.notify();
        reply
    }

    /// Makes a dead, cancelled or failed run due now, with all its tries.
    pub async fn replay(
        &self,
        key: IdempotencyKey,
        id: &str,
        acting: Acting,
    ) -> Result<Reply, Error> {
        acting.check()?;
        let (id, now) = (id.to_owned(), self.core.clock.now());
        let reply = self
            .core
            .once(
                key,
                200,
                in_tx!(|tx, id, acting| {
                    let before = row_of(tx, &id).await?;
                    let state = before.state;
                    if tx.run_replay(&id, now).await? {
                        record(tx, "run_replay", &before, &acting, now).await?;
                        return run_view(tx, &id).await;
                    }
                    Err(Error::Conflict {
                        code: "run_not_dead",
                        message: format!("run {id} is {}, and needs no replay", state.name()),
                    })
                }),
            )
            .await;
        self.core.run_wanted.notify();
        reply
    }

    /// Cancels a run. A running one stops at its next row.
    pub async fn cancel(
        &self,
        key: IdempotencyKey,
        id: &str,
        acting: Acting,
    ) -> Result<Reply, Error> {
        acting.check()?;
        let (id, now) = (id.to_owned(), self.core.clock.now());
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, id, acting| {
                    let before = row_of(tx, &id).await?;
                    let state = before.state;
                    if tx.run_cancel(&id, now).await? {
                        record(tx, "run_cancel", &before, &acting, now).await?;
                        return run_view(tx, &id).await;
                    }
                    Err(Error::Conflict {
                        code: "run_ended",
                        message: format!("run {id} is already {}", state.name()),
                    })
                }),
            )
            .await
    }

    /// Executes a window immediately, with one try. `stop` ends it at its next row and discards its
    /// output.
    pub async fn run_now(
        &self,
        files: &dyn Files,
        request: &RunRequest,
        owner: &str,
        lease: Duration,
        progress: Progress,
        stop: Arc<AtomicBool>,
    ) -> Result<ByHand, Error> {
        let mut new = self.run_planned(request).await?;
        // The person at the command line retries it.
        new.tries = 1;
        let id = new.id.clone();
        let (taken, before) = self.run_added(new, owner, lease).await?;
        let Some(row) = taken else {
            let before = self.run_row(&id).await?;
            return match before.state {
                RunState::Ended => Ok(ByHand::Before(before.into())),
                _ => Err(Error::Conflict {
                    code: "run_under_way",
                    message: format!("run {id} is running on another host: see `runs list`"),
                }),
            };
        };
        let holder = Holder {
            owner: owner.to_owned(),
            lease,
        };
        match self
            .run_attempt(files, &holder, row.clone(), progress, stop)
            .await?
        {
            Attempt::Ended => Ok(ByHand::Ended(self.run(&id).await?)),
            Attempt::Failed(fault, _) => Err(Error::Plugin(fault)),
            Attempt::Lost => Err(Error::Conflict {
                code: "run_under_way",
                message: format!(
                    "run {id} lost its lease to another host: its output was discarded"
                ),
            }),
            // The request checked it, so it went out of service since.
            Attempt::Stopped | Attempt::Postponed => {
                let back = before.map(|before| as_it_was(*before, self.core.clock.now()));
                self.run_put_back(&row, owner, back).await?;
                Ok(ByHand::Stopped)
            }
        }
    }

    /// Adds a run if it does not exist, and leases it. Returns also the previous state.
    async fn run_added(
        &self,
        new: RunRow,
        owner: &str,
        lease: Duration,
    ) -> Result<(Option<RunRow>, Option<Box<RunRow>>), Error> {
        let now = self.core.clock.now();
        let (owner, until) = (owner.to_owned(), later(now, lease));
        self.core
            .records
            .write(in_tx!(|tx, new, owner| {
                let before = tx.run_get(&new.id).await?.map(Box::new);
                tx.run_insert(&new).await?;
                let taken = tx.run_lease_by_id(&new.id, &owner, now, until).await?;
                Ok((taken, before))
            }))
            .await
    }

    /// Reverts an attempt that was stopped. `back` is the state to restore; `None` removes the run.
    pub(super) async fn run_put_back(
        &self,
        row: &RunRow,
        owner: &str,
        back: Option<RunEnd>,
    ) -> Result<(), Error> {
        let lease = RunLease {
            id: row.id.clone(),
            owner: owner.to_owned(),
            attempt: row.attempts,
        };
        self.core
            .records
            .write(in_tx!(|tx, lease, back| {
                match back {
                    None => tx.run_remove(&lease).await,
                    Some(back) => tx.run_finish(&lease, &back).await,
                }
            }))
            .await
            .map(drop)
    }
}

/// The end that restores the previous state: a dead or cancelled run keeps its state and reason.
fn as_it_was(before: RunRow, now: Timestamp) -> RunEnd {
    let state = match before.state {
        // The previous owner is gone; otherwise the lease could not have been taken.
        RunState::Running => RunState::Due,
        state => state,
    };
    RunEnd {
        state,
        attempts: before.attempts,
        due_at: before.due_at,
        progress: before.progress,
        rows: before.rows,
        sums: before.sums,
        files: before.files,
        code: before.code,
        detail: before.detail,
        at: before.ended_at.unwrap_or(now),
    }
}

async fn row_of(tx: &mut dyn Tx, id: &str) -> Result<RunRow, Error> {
    tx.run_get(id).await?.ok_or_else(|| Error::NotFound {
        what: "run",
        id: id.to_owned(),
    })
}

/// Records an operation on a run. The subject is the plain id, so that the timeline finds it.
async fn record(
    tx: &mut dyn Tx,
    action: &str,
    before: &RunRow,
    acting: &Acting,
    now: Timestamp,
) -> Result<(), Error> {
    let after = row_of(tx, &before.id).await?;
    // A running run is still running when its cancellation is requested.
    let state = |row: &RunRow| {
        json!({ "state": row.state.name(), "attempts": row.attempts, "code": row.code }).to_string()
    };
    tx.operation_insert(&OperationRow {
        at: now,
        actor: acting.actor.clone(),
        action: action.into(),
        subject: before.id.clone(),
        reason: acting.reason.clone(),
        before: state(before),
        after: state(&after),
    })
    .await
}

async fn run_view(tx: &mut dyn Tx, id: &str) -> Result<serde_json::Value, Error> {
    let view = RunView::from(row_of(tx, id).await?);
    serde_json::to_value(view).map_err(|error| Error::Internal(format!("a run's view: {error}")))
}
