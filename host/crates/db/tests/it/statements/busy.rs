//! How long other transactions wait for the writer during the import of a large statement.

use super::reader::{Importer, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_domain::MatchingRules;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LINES: u64 = 100_000;

/// `cargo test -p galleria-db --release --test it busy -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
#[expect(clippy::print_stderr, reason = "prints its measurements")]
async fn tills_continue_during_a_large_statement_import() {
    let stage = Stage::sqlite().await;
    let tenders: Vec<_> = (0..LINES)
        .map(|n| tender(&format!("p{n}"), &format!("psp-{n}"), 1_000))
        .collect();
    for chunk in tenders.chunks(5_000) {
        record(&stage, chunk.to_vec(), before()).await;
    }
    let importer = Importer::new(Arc::new(stage.db.clone()), MatchingRules::default());
    while importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched")
        > 0
    {}
    let lines: Vec<_> = (0..LINES)
        .map(|n| line(n + 2, &format!("psp-{n}"), 1_000))
        .collect();
    let text = file(&header("b-1", None), &lines);
    let stop = Arc::new(AtomicBool::new(false));
    let (till, done) = (stage.clone(), Arc::clone(&stop));
    let till = tokio::spawn(async move {
        let mut waits = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let start = Instant::now();
            write_tx!(till, [], |tx| tx.number_next("till", "entry").await).expect("a number");
            waits.push(start.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        waits.sort();
        waits
    });
    let start = Instant::now();
    let imported = importer.import("large.csv", &text).await.expect("imported");
    let duration = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let waits = till.await.expect("a till");
    assert_eq!(imported.statement.outcomes[0].lines, LINES);
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let p99 = waits[waits.len() * 99 / 100];
    eprintln!(
        "{LINES} lines in {duration:?}; {} concurrent writes waited {median:?}, 99 of 100 at most \
         {p99:?}, the longest {longest:?}",
        waits.len()
    );
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}
