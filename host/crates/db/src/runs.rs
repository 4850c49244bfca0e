//! Runs of stream plugins.
//!
//! Owns the choice of the runs that may be leased. `ready_ms` is
//!
//! - the due time of a due or failed run;
//! - the end of the lease of a running run;
//! - never, for a run that is over.
//!
//! Owner and attempt number identify an attempt. If the row contains others, the attempt has lost the
//! run.

use crate::query::{Query, Row, SqlEnum, query};
use crate::retailers::waiting_retailers;
use crate::transaction::{Lock, Transaction};
use async_trait::async_trait;
use galleria_domain::plugin::Point;
use galleria_ports::Error;
use galleria_ports::records::{RunEnd, RunFilter, RunLease, RunRow, RunState, Runs};
use jiff::Timestamp;

/// Queries contain its digits, so that they can use the index of the runs that are not over.
const NEVER: i64 = 9_223_372_036_854_775_807;

impl SqlEnum for RunState {
    const ALL: &'static [Self] = Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

impl SqlEnum for Point {
    const ALL: &'static [Self] = Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

#[async_trait]
impl Runs for Transaction<'_> {
    async fn run_insert(&mut self, run: &RunRow) -> Result<bool, Error> {
        let insert = query(
            "run_insert",
            "INSERT INTO runs (id, retailer, subscriber, point, store_id, first_date, last_date,
                 schedule, state, attempts, tries, due_ms, ready_ms, sums, files, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*run.id)
        .bind(&*run.retailer)
        .bind(&*run.subscriber)
        .bind_enum(run.point)
        .bind(&*run.store_id)
        .bind(&*run.first)
        .bind(&*run.last)
        .bind(&*run.schedule)
        .bind_enum(run.state)
        .bind(i64::from(run.attempts))
        .bind(i64::from(run.tries))
        .bind_timestamp(run.due_at)
        .bind(ready(run.state, run.due_at))
        .bind_json(&run.sums)
        .bind_json(&run.files)
        .bind_timestamp(run.created_at);
        Ok(self.execute(insert).await? > 0)
    }

    async fn run_get(&mut self, id: &str) -> Result<Option<RunRow>, Error> {
        let get = query("run_get", "SELECT * FROM runs WHERE id = $1").bind(id);
        self.fetch_optional_as(get, run).await
    }

    async fn run_list(
        &mut self,
        filter: &RunFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error> {
        // A filter by state uses its index: few runs are not over.
        let sql = match filter.state {
            Some(_) => {
                "SELECT * FROM runs WHERE state = $5 AND serial < $1
                   AND ($2 = '' OR retailer = $2) AND ($3 = '' OR subscriber = $3)
                   AND ($4 = '' OR first_date >= $4)
                 ORDER BY serial DESC LIMIT $6"
            }
            None => {
                "SELECT * FROM runs WHERE serial < $1
                   AND ($2 = '' OR retailer = $2) AND ($3 = '' OR subscriber = $3)
                   AND ($4 = '' OR first_date >= $4) AND $5 = ''
                 ORDER BY serial DESC LIMIT $6"
            }
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let list = query("run_list", sql)
            .bind(before)
            .bind(text(&filter.retailer))
            .bind(text(&filter.subscriber))
            .bind(text(&filter.from))
            .bind(filter.state.map_or("", RunState::name))
            .bind(i64::from(limit));
        self.fetch_all_as(list, run).await
    }

    async fn run_next_time(&mut self) -> Result<Option<Timestamp>, Error> {
        let next = query(
            "run_next_time",
            "SELECT ready_ms FROM runs WHERE ready_ms < $1 ORDER BY ready_ms LIMIT 1",
        )
        .bind(NEVER);
        self.fetch_optional_as(next, |row| row.timestamp("ready_ms"))
            .await
    }

    async fn run_waiting_retailers(&mut self, now: Timestamp) -> Result<Vec<String>, Error> {
        let sql = waiting_retailers!(
            "runs",
            pending: "ready_ms < 9223372036854775807",
            ready: "ready_ms <= $1",
            order: "ready_ms, serial"
        );
        let waiting = query("run_waiting_retailers", sql).bind_timestamp(now);
        self.fetch_all_as(waiting, |row| row.text("name")).await
    }

    async fn run_lease(
        &mut self,
        retailer: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error> {
        let sql = self.locking(
            "SELECT id FROM runs WHERE retailer = $1 AND ready_ms <= $2
               AND ready_ms < 9223372036854775807
             ORDER BY ready_ms, serial LIMIT 1",
            Lock::Skip,
        );
        let free = query("run_lease", sql).bind(retailer).bind_timestamp(now);
        let Some(id) = self.fetch_optional_as(free, |row| row.text("id")).await? else {
            return Ok(None);
        };
        self.fetch_optional_as(lease_query("run_lease", &id, owner, now, until), run)
            .await
    }

    async fn run_lease_by_id(
        &mut self,
        id: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RunRow>, Error> {
        let sql = self.locking(
            "SELECT id FROM runs WHERE id = $1
               AND state <> 'ended' AND (state <> 'running' OR ready_ms <= $2)",
            Lock::Wait,
        );
        let free = query("run_lease_by_id", sql).bind(id).bind_timestamp(now);
        if self.fetch_optional(free).await?.is_none() {
            return Ok(None);
        }
        self.fetch_optional_as(lease_query("run_lease_by_id", id, owner, now, until), run)
            .await
    }

    async fn run_begin(
        &mut self,
        id: &str,
        as_of: Timestamp,
        since: Option<Timestamp>,
        stores: u32,
    ) -> Result<(), Error> {
        let begin = query(
            "run_begin",
            "UPDATE runs SET as_of_ms = $1, since_ms = $2, stores = $3
             WHERE id = $4 AND as_of_ms IS NULL",
        )
        .bind_timestamp(as_of)
        .bind(since.map(Timestamp::as_millisecond))
        .bind(i64::from(stores))
        .bind(id);
        self.execute_later(begin).await
    }

    async fn run_renew(
        &mut self,
        lease: &RunLease,
        until: Timestamp,
        progress: u64,
    ) -> Result<Option<bool>, Error> {
        let renew = query(
            "run_renew",
            "UPDATE runs SET ready_ms = $1, progress = $2
             WHERE id = $3 AND lease_owner = $4 AND attempts = $5 AND state = 'running'
             RETURNING stop",
        )
        .bind_timestamp(until)
        .bind(count(progress))
        .bind(&*lease.id)
        .bind(&*lease.owner)
        .bind(i64::from(lease.attempt));
        self.fetch_optional_as(renew, |row| row.bool("stop")).await
    }

    async fn run_finish(&mut self, lease: &RunLease, end: &RunEnd) -> Result<bool, Error> {
        let over = ready(end.state, end.due_at) == NEVER;
        let close = query(
            "run_finish",
            "UPDATE runs SET state = $1, attempts = $2, due_ms = $3, ready_ms = $4, progress = $5,
                 row_count = $6, sums = $7, files = $8, code = $9, detail = $10, ended_ms = $11,
                 lease_owner = NULL, stop = 0
             WHERE id = $12 AND lease_owner = $13 AND attempts = $14 AND state = 'running'",
        )
        .bind_enum(end.state)
        .bind(i64::from(end.attempts))
        .bind_timestamp(end.due_at)
        .bind(ready(end.state, end.due_at))
        .bind(count(end.progress))
        .bind(count(end.rows))
        .bind_json(&end.sums)
        .bind_json(&end.files)
        .bind_opt(end.code.as_deref())
        .bind_opt(end.detail.as_deref())
        .bind(over.then(|| end.at.as_millisecond()))
        .bind(&*lease.id)
        .bind(&*lease.owner)
        .bind(i64::from(lease.attempt));
        Ok(self.execute(close).await? > 0)
    }

    async fn run_replay(&mut self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let replay = query(
            "run_replay",
            "UPDATE runs SET state = 'due', attempts = 0, due_ms = $1, ready_ms = $1, stop = 0,
                 progress = 0, ended_ms = NULL, code = NULL, detail = NULL
             WHERE id = $2 AND state IN ('dead', 'cancelled', 'failed')",
        )
        .bind_timestamp(now)
        .bind(id);
        Ok(self.execute(replay).await? > 0)
    }

    async fn run_cancel(&mut self, id: &str, now: Timestamp) -> Result<bool, Error> {
        // The owner of a running run reads `stop` when it renews its lease, and closes the run.
        let cancel = query(
            "run_cancel",
            "UPDATE runs SET
                 stop = CASE state WHEN 'running' THEN 1 ELSE 0 END,
                 ready_ms = CASE state WHEN 'running' THEN ready_ms ELSE $1 END,
                 ended_ms = CASE state WHEN 'running' THEN NULL ELSE $2 END,
                 state = CASE state WHEN 'running' THEN state ELSE 'cancelled' END
             WHERE id = $3 AND state IN ('due', 'failed', 'dead', 'running')",
        )
        .bind(NEVER)
        .bind_timestamp(now)
        .bind(id);
        Ok(self.execute(cancel).await? > 0)
    }

    async fn run_remove(&mut self, lease: &RunLease) -> Result<bool, Error> {
        let forget = query(
            "run_remove",
            "DELETE FROM runs
             WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 'running'",
        )
        .bind(&*lease.id)
        .bind(&*lease.owner)
        .bind(i64::from(lease.attempt));
        Ok(self.execute(forget).await? > 0)
    }

    async fn run_last_ended(
        &mut self,
        retailer: &str,
        subscriber: &str,
        point: Point,
        store_id: &str,
    ) -> Result<Option<Timestamp>, Error> {
        let last = query(
            "run_last_ended",
            "SELECT as_of_ms FROM runs
             WHERE retailer = $1 AND subscriber = $2 AND point = $3 AND store_id = $4
               AND state = 'ended'
             ORDER BY as_of_ms DESC LIMIT 1",
        )
        .bind(retailer)
        .bind(subscriber)
        .bind_enum(point)
        .bind(store_id);
        self.fetch_optional_as(last, |row| row.timestamp("as_of_ms"))
            .await
    }
}

/// Leases a run that is free.
fn lease_query<'q>(
    name: &'static str,
    id: &'q str,
    owner: &'q str,
    now: Timestamp,
    until: Timestamp,
) -> Query<'q> {
    query(
        name,
        "UPDATE runs SET state = 'running', lease_owner = $1, attempts = attempts + 1,
             begun_ms = $2, ready_ms = $3, ended_ms = NULL
         WHERE id = $4
         RETURNING *",
    )
    .bind(owner)
    .bind_timestamp(now)
    .bind_timestamp(until)
    .bind(id)
}

fn ready(state: RunState, due_at: Timestamp) -> i64 {
    match state {
        RunState::Due | RunState::Running | RunState::Failed => due_at.as_millisecond(),
        RunState::Ended | RunState::Dead | RunState::Cancelled => NEVER,
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn run(row: &Row) -> Result<RunRow, Error> {
    Ok(RunRow {
        serial: row.int("serial")?,
        id: row.text("id")?,
        retailer: row.text("retailer")?,
        subscriber: row.text("subscriber")?,
        point: row.enum_value("point")?,
        store_id: row.text("store_id")?,
        first: row.text("first_date")?,
        last: row.text("last_date")?,
        schedule: row.text("schedule")?,
        state: row.enum_value("state")?,
        attempts: row.int_as("attempts")?,
        tries: row.int_as("tries")?,
        due_at: row.timestamp("due_ms")?,
        as_of: row.opt_timestamp("as_of_ms")?,
        since: row.opt_timestamp("since_ms")?,
        stores: row.int_as("stores")?,
        progress: row.int_as("progress")?,
        rows: row.int_as("row_count")?,
        sums: row.json("sums")?,
        files: row.json("files")?,
        code: row.opt_text("code")?,
        detail: row.opt_text("detail")?,
        created_at: row.timestamp("created_ms")?,
        begun_at: row.opt_timestamp("begun_ms")?,
        ended_at: row.opt_timestamp("ended_ms")?,
    })
}
