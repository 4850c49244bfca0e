//! After a kill during the import of a statement, all of it is stored, or nothing.

use super::{details, import, retailer};
use crate::host::{Host, staged};
use galleria_db::Db;
use galleria_ports::in_tx;
use galleria_ports::records::{Records, StatementState};
use galleria_test_database::TestDatabase;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const ROWS: usize = 20_000;

/// The state of the only statement, and its number of written lines.
async fn progress(db: &Db) -> Option<(StatementState, u64)> {
    let records: &dyn Records = db;
    let found = records
        .read(in_tx!(|tx| {
            let Some(row) = tx.statement_list_unfinished().await?.into_iter().next() else {
                return Ok(None);
            };
            let lines = tx.statement_sums(&row.id).await?;
            Ok(Some((row.state, lines.iter().map(|sum| sum.lines).sum())))
        }))
        .await;
    found.ok().flatten()
}

/// The number of rows of a table.
pub async fn counted(host: &Host, table: &str) -> i64 {
    let mut database = TestDatabase::connect(&host.database().url).await;
    let count = format!("SELECT COUNT(*) FROM {table}");
    database.integers(&count).await[0]
}

/// Starts an import and calls `stop` on it as soon as it has reached a state.
pub async fn stop_at(
    host: &Host,
    file: &str,
    state: StatementState,
    lines: u64,
    stop: impl FnOnce(&mut Child),
) -> Child {
    let mut importing = host.galleria(&import(file));
    let importing = importing.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut importing = importing.spawn().expect("the binary");
    // Keep the database open: the state may last no longer than opening it.
    let db = Db::open(&host.database()).await.expect("the database");
    let begun = Instant::now();
    loop {
        let now = progress(&db).await;
        if now.is_some_and(|(is, count)| is == state && count >= lines) {
            break;
        }
        let over = importing.try_wait().expect("asked");
        assert!(over.is_none(), "it ended too soon: {now:?}");
        assert!(begun.elapsed() < Duration::from_secs(120), "{now:?}");
    }
    // Before the database is closed: meanwhile the import would reach its next state.
    stop(&mut importing);
    db.close().await.expect("closed");
    importing
}

/// Starts an import and kills it when it has reached a state.
async fn killed_at(host: &Host, file: &str, state: StatementState, lines: u64) {
    let kill = |importing: &mut Child| importing.kill().expect("killed");
    let mut importing = stop_at(host, file, state, lines, kill).await;
    importing.wait().expect("gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_complete_or_absent() {
    let retailers = retailer();
    let mut host = Host::with(retailers.path().into(), staged());
    std::fs::create_dir_all(host.data()).expect("a folder");
    let file = host.data().join("details.csv");
    std::fs::write(&file, details(ROWS)).expect("a statement");
    let file = file.display().to_string();
    assert!(host.run(&["statement", "list"]).status.success());

    killed_at(&host, &file, StatementState::Importing, 2_000).await;
    let db = Db::open(&host.database()).await.expect("the database");
    let (state, lines) = progress(&db).await.expect("something is left");
    db.close().await.expect("closed");
    assert_eq!(state, StatementState::Importing);
    assert!(lines >= 2_000 && lines < ROWS as u64);
    let listed = host.run(&["statement", "list"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(
        !listed.contains("details.csv"),
        "the aborted import is listed:\n{listed}"
    );

    killed_at(&host, &file, StatementState::Matching, ROWS as u64).await;
    let listed = host.run(&["statement", "list"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(
        listed.contains("details.csv"),
        "all of it is there:\n{listed}"
    );

    host.start().await;
    let statement = super::matched(&host, "example").await;
    assert_eq!(statement["lines"], ROWS);
    assert_eq!(statement["net"], ROWS * 980);
    host.stop();
    let spooled = std::fs::read_dir(host.data().join("statements/.spool")).expect("the spool");
    assert_eq!(spooled.count(), 0, "what the kills left is gone");
}
