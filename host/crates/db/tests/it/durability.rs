//! Acknowledged commits survive `kill -9`.

use crate::rows;
use crate::stage::{self, Stage};
use galleria_db::{Db, DbConfig};
use galleria_ports::in_tx;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

/// Passes the database address to the child process.
const URL: &str = "GALLERIA_TEST_DURABILITY_URL";
/// Distinguishes the child's lines from those of the test runner.
const MARK: &str = "acknowledged ";

/// The child process: appends events concurrently and prints each acknowledged one. Does nothing
/// without a database address from a parent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let db = Db::open(&DbConfig::new(url)).await.expect("open");
    let lanes = (0..8).map(|lane| {
        let db = db.clone();
        tokio::spawn(async move { append_forever(&db, lane).await })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.expect("no panic");
    }
}

async fn append_forever(db: &Db, lane: u32) {
    let records: &dyn galleria_ports::records::Records = db;
    for number in 0_u64.. {
        let id = format!("e{lane}-{number}");
        let event = rows::new_event(&id, "t");
        records
            .write(in_tx!(|tx, event| {
                // Both rows in one transaction: both survive, or neither.
                tx.event_append(&event, rows::at(1)).await?;
                tx.blob_put_many(&[(&*event.id, "body")], rows::at(1)).await
            }))
            .await
            .expect("appended");
        // Not `println!`, which the test runner captures.
        let line = format!("{MARK}{id}\n");
        std::io::stdout()
            .write_all(line.as_bytes())
            .expect("printed");
    }
}

async fn commits_survive_kill(config: DbConfig) {
    Db::migrate(&config).await.expect("migrated");
    for count in [1, 40, 400] {
        let acknowledged = kill_child_after(&config.url, count);
        let stage = Stage::open(config.clone(), None).await;
        let events = stage.rows("SELECT id, created_ms FROM outbox").await;
        let bodies = stage.rows("SELECT digest, used_ms FROM blobs").await;
        let events: BTreeSet<String> = events.into_iter().map(|(id, _)| id).collect();
        let bodies: BTreeSet<String> = bodies.into_iter().map(|(id, _)| id).collect();
        let lost: Vec<_> = acknowledged.difference(&events).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert_eq!(events, bodies, "both rows of a transaction, or neither");
        stage.run("DELETE FROM outbox").await;
        stage.run("DELETE FROM blobs").await;
        stage.db.close().await.expect("closed");
    }
}

/// Runs the child until it has printed `count` events, kills it, and returns all printed events.
fn kill_child_after(url: &str, count: usize) -> BTreeSet<String> {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .args([
            "--exact",
            "durability::child_appends_until_it_is_killed",
            "--nocapture",
        ])
        .env(URL, url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let mut acknowledged = BTreeSet::new();
    for line in out.lines() {
        let line = line.expect("a line");
        // The kill may cut a line in two: ignore the fragment.
        if let Some((_, id)) = line.split_once(MARK) {
            acknowledged.insert(id.to_owned());
        }
        if acknowledged.len() == count {
            child.kill().expect("killed");
        }
    }
    let status = child.wait().expect("exit status");
    assert!(!status.success(), "the child was killed");
    assert!(acknowledged.len() >= count);
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_commits_survive_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    commits_survive_kill(stage::file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn postgres_commits_survive_kill() {
    commits_survive_kill(DbConfig::new(galleria_test_postgres::database())).await;
}
