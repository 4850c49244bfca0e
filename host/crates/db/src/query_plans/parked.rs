//! Plans of the query for due events on PostgreSQL, while many events are parked.

use crate::{Db, DbConfig, query_log};
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use galleria_test_database::TestDatabase;
use jiff::Timestamp;

const PARKED: i64 = 100_000;
const LIMIT: u32 = 2_200;

/// Parks each event in a lane of its own, as when they are set aside, or all in few lanes; ready or not.
fn park(lanes: i64, ready: i64) -> String {
    format!(
        "TRUNCATE parked;
         INSERT INTO parked (event_id, subscriber, consumer_group, lane, position, topic, data, created_ms,
             state, attempts, due_ms, ready_ms, since_ms, cause)
         SELECT 'e' || n, 'slot', 'g', 'l' || (n % {lanes}), n, 't', '{{}}', n, 'retry', 1, n,
             CASE WHEN n <= {lanes} AND n <= {ready} THEN 0 ELSE 9223372036854775807 END, n, 'c'
         FROM generate_series(1, {PARKED}) n"
    )
}

/// Reads the due events, and returns the rows that each step of the plan read.
async fn read_rows(url: &str, statement: &str) -> (String, i64) {
    let mut database = TestDatabase::connect(url).await;
    let settings = ["force_custom_plan", "force_generic_plan"];
    for setting in settings {
        let prepare =
            format!("SET plan_cache_mode = {setting}; PREPARE due_{setting} AS {statement}");
        database.run(&prepare).await;
    }
    let mut most = (String::new(), 0);
    for setting in settings {
        let explain = format!(
            "SET plan_cache_mode = {setting};
             EXPLAIN (ANALYZE, TIMING OFF) EXECUTE due_{setting} ('g', 1000, {LIMIT})"
        );
        let steps = database.texts(&explain).await;
        let rows = steps.iter().map(|step| rows_of(step)).max().unwrap_or(0);
        if rows >= most.1 {
            most = (steps.join("\n"), rows);
        }
    }
    most
}

/// The rows of all loops of a step: `(actual rows=2 loops=3)`, and those that a filter removed.
fn rows_of(step: &str) -> i64 {
    let number = |word: &str| {
        let after = step.split_once(word)?.1;
        let end = after.find(|c: char| !c.is_ascii_digit());
        after[..end.unwrap_or(after.len())].parse::<i64>().ok()
    };
    let read = number("actual rows=").zip(number("loops="));
    let removed = number("Rows Removed by Filter: ").unwrap_or(0);
    read.map_or(0, |(rows, loops)| rows * loops).max(removed)
}

#[tokio::test]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn due_events_are_read_along_an_index() {
    let _turn = query_log::turn().await;
    let url = galleria_test_postgres::database();
    let config = DbConfig::new(url.clone());
    Db::migrate(&config).await.expect("migrated");
    let db = Db::open(&config).await.expect("open");
    let records: &dyn Records = &db;
    query_log::take();
    let read = records.read(in_tx!(|tx| tx
        .parked_due("g", Timestamp::UNIX_EPOCH, LIMIT)
        .await));
    assert!(read.await.expect("read").is_empty());
    let statement = query_log::take().remove(0).1;
    db.close().await.expect("closed");
    let mut database = TestDatabase::connect(&url).await;
    for (lanes, ready) in [(PARKED, 0), (PARKED, PARKED), (50, PARKED)] {
        database.run(&park(lanes, ready)).await;
        // Statistics of an empty table, and of this one.
        for analysed in [false, true] {
            if analysed {
                database.run("ANALYZE parked").await;
            }
            let (plan, rows) = read_rows(&url, &statement).await;
            assert!(
                rows <= i64::from(LIMIT),
                "{lanes} lanes, {ready} ready, analysed: {analysed}: {rows} rows\n{plan}"
            );
        }
    }
}
