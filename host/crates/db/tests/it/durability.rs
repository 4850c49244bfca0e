//! What was answered outlives `kill -9`.

use crate::rows;
use crate::stage::{self, Stage};
use galleria_db::{Db, DbConfig};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

/// Names the database to the child process.
const URL: &str = "GALLERIA_TEST_DURABILITY_URL";
/// Tells its lines from those of the test harness.
const MARK: &str = "acknowledged ";

/// The child: appends events as fast as it can, several at a time, and tells each that was answered.
/// Without a parent that names a database there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let db = Db::open(&DbConfig::new(url)).await.expect("open");
    let lanes = (0..8).map(|lane| {
        let db = db.clone();
        tokio::spawn(async move { append_for_ever(&db, lane).await })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.expect("a lane goes on");
    }
}

async fn append_for_ever(db: &Db, lane: u32) {
    let records: &dyn galleria_app::records::Records = db;
    for number in 0_u64.. {
        let id = format!("e{lane}-{number}");
        let event = rows::new_event(&id, "t");
        records
            .write(move |tx| {
                let event = event.clone();
                Box::pin(async move {
                    // Two rows in one transaction: both or none.
                    tx.event_append(&event, rows::at(1)).await?;
                    tx.blob_put(&event.id, "body", rows::at(1)).await
                })
            })
            .await
            .expect("appended");
        // Not `println!`: the harness would keep it back.
        let line = format!("{MARK}{id}\n");
        std::io::stdout().write_all(line.as_bytes()).expect("told");
    }
}

async fn outlives_kill(config: DbConfig) {
    Db::migrate(&config).await.expect("migrated");
    for after in [1, 40, 400] {
        let told = kill_child_after(&config.url, after);
        let stage = Stage::open(config.clone(), None).await;
        let events = stage.rows("SELECT id, created_ms FROM outbox").await;
        let bodies = stage.rows("SELECT digest, used_ms FROM blobs").await;
        let events: BTreeSet<String> = events.into_iter().map(|(id, _)| id).collect();
        let bodies: BTreeSet<String> = bodies.into_iter().map(|(id, _)| id).collect();
        let lost: Vec<_> = told.difference(&events).collect();
        assert!(lost.is_empty(), "answered and lost: {lost:?}");
        assert_eq!(events, bodies, "both rows of a transaction or none");
        stage.run("DELETE FROM outbox").await;
        stage.run("DELETE FROM blobs").await;
        stage.db.close().await.expect("closed");
    }
}

/// Runs the child until it has told `count` events, kills it, and answers all that it told.
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
    let mut told = BTreeSet::new();
    for line in out.lines() {
        let line = line.expect("a line");
        // A line that was cut in two by the end tells nothing.
        if let Some((_, id)) = line.split_once(MARK) {
            told.insert(id.to_owned());
        }
        if told.len() == count {
            child.kill().expect("killed");
        }
    }
    let status = child.wait().expect("it ended");
    assert!(!status.success(), "it was killed, it did not end");
    assert!(told.len() >= count);
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_outlives_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    outlives_kill(stage::file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_outlives_kill() {
    if let Some(url) = galleria_test_postgres::database() {
        outlives_kill(DbConfig::new(url)).await;
    }
}
