//! Throughput of group commit on SQLite with synchronous=FULL: 64 callers compared to one caller, whose
//! pieces of work are committed one by one. Alternating rounds; medians.
//!
//! `cargo bench -p galleria-db`

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

use galleria_db::{Db, DbConfig};
use galleria_domain::{JsonText, NewEvent};
use galleria_ports::in_tx;
use galleria_ports::records::{Outcome, Records};
use jiff::Timestamp;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

struct Throughput {
    works_per_second: f64,
    works_per_commit: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In the target folder: a temporary folder may be in memory, where a sync costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
    Db::migrate(&config).await?;
    let db = Db::open(&config).await?;
    let (mut single, mut grouped) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        single.push(measure(&db, round, 1).await);
        grouped.push(measure(&db, round, 64).await);
    }
    let (single, grouped) = (median(single), median(grouped));
    println!("callers  works/s  works/commit");
    for (callers, throughput) in [(1, &single), (64, &grouped)] {
        println!(
            "{callers:>7}  {:>7.0}  {:>12.1}",
            throughput.works_per_second, throughput.works_per_commit
        );
    }
    println!(
        "64 callers / 1 caller: {:.1}",
        grouped.works_per_second / single.works_per_second
    );
    db.close().await?;
    Ok(())
}

/// Measures work of an order's size: a number, an effect, a blob, an event.
async fn measure(db: &Db, round: usize, callers: usize) -> Throughput {
    let (works, commits, start) = (db.works(), db.commits(), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let db = db.clone();
        tasks.spawn(async move {
            for n in 0_u64.. {
                if start.elapsed() > ROUND {
                    return;
                }
                work(&db, format!("{round}:{callers}:{caller}:{n}")).await;
            }
        });
    }
    tasks.join_all().await;
    let (works, commits) = (db.works() - works, db.commits() - commits);
    Throughput {
        works_per_second: works as f64 / start.elapsed().as_secs_f64(),
        works_per_commit: works as f64 / commits as f64,
    }
}

async fn work(db: &Db, id: String) {
    let records: &dyn Records = db;
    let body = "x".repeat(2000);
    records
        .write(in_tx!(|tx, id, body| {
            let now = Timestamp::UNIX_EPOCH;
            tx.number_next("workstation", "entry").await?;
            tx.effect_claim(&id, "slot", Outcome::Applied, now).await?;
            tx.blob_put_many(&[(&id, &body)], now).await?;
            let event = NewEvent {
                id,
                topic: "topic".into(),
                key: None,
                store: None,
                data: JsonText::parse(r#"{"order_id":"o"}"#).expect("JSON"),
            };
            tx.event_append(&event, now).await
        }))
        .await
        .expect("written");
}

fn median(mut throughput: Vec<Throughput>) -> Throughput {
    throughput.sort_by(|a, b| a.works_per_second.total_cmp(&b.works_per_second));
    throughput.swap_remove(ROUNDS / 2)
}
