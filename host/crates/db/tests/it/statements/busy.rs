//! How long others wait for the writer while a large statement comes in.

use super::reader::{Office, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_domain::MatchingRules;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LINES: u64 = 100_000;

/// `cargo test -p galleria-db --release --test it busy -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of a minute"]
#[expect(clippy::print_stderr, reason = "it tells what it measured")]
async fn tills_go_on_while_a_large_statement_comes_in() {
    let stage = Stage::sqlite().await;
    let tenders: Vec<_> = (0..LINES)
        .map(|n| tender(&format!("p{n}"), &format!("psp-{n}"), 1_000))
        .collect();
    for some in tenders.chunks(5_000) {
        record(&stage, some.to_vec(), before()).await;
    }
    let office = Office::new(Arc::new(stage.db.clone()), MatchingRules::default());
    while office.app.statements_match().await.expect("looked at") > 0 {}
    let lines: Vec<_> = (0..LINES)
        .map(|n| line(n + 2, &format!("psp-{n}"), 1_000))
        .collect();
    let text = file(&header("b-1", None), &lines);
    let over = Arc::new(AtomicBool::new(false));
    let (till, told) = (stage.clone(), Arc::clone(&over));
    let till = tokio::spawn(async move {
        let mut waits = Vec::new();
        while !told.load(Ordering::Relaxed) {
            let begun = Instant::now();
            write_tx!(till, [], |tx| tx.number_next("till", "entry").await).expect("a number");
            waits.push(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        waits.sort();
        waits
    });
    let begun = Instant::now();
    let imported = office.import("large.csv", &text).await.expect("imported");
    let took = begun.elapsed();
    over.store(true, Ordering::Relaxed);
    let waits = till.await.expect("a till");
    assert_eq!(imported.statement.outcomes[0].lines, LINES);
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let most = waits[waits.len() * 99 / 100];
    eprintln!(
        "{LINES} lines in {took:?}; {} writes beside it waited {median:?}, 99 of 100 at most \
         {most:?}, the longest {longest:?}",
        waits.len()
    );
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}
