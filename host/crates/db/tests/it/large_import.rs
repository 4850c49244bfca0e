//! Small writes during a large product import.

use crate::products::{catalogue, import, new_app, request};
use crate::rows;
use crate::stage::Stage;
use galleria_app::catalogue::ProductQuery;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

on_both!(tills_continue_during_a_large_import);

/// Small writes during an import of 5,000 products, or of 200,000 with `GALLERIA_LARGE=1`.
async fn tills_continue_during_a_large_import(stage: &Stage) {
    let count: usize = match std::env::var("GALLERIA_LARGE").as_deref() {
        Ok("1") => 200_000,
        _ => 5_000,
    };
    let app = new_app(stage).await;
    let text = catalogue(count, 100);
    let (longest, writes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let till = {
        let (stage, longest, writes) = (stage.clone(), Arc::clone(&longest), Arc::clone(&writes));
        tokio::spawn(async move {
            for number in 0.. {
                let id = format!("e{number}");
                let event = rows::new_event(&id, "t");
                let start = Instant::now();
                write_tx!(stage, [event], |tx| tx
                    .event_append(&event, rows::at(1))
                    .await)
                .expect("appended");
                let waited = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                longest.fetch_max(waited, Ordering::Relaxed);
                writes.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let measured = |what: &str, start: Instant| {
        let writes = writes.swap(0, Ordering::Relaxed);
        let longest = longest.swap(0, Ordering::Relaxed);
        let line = format!(
            "{count} products, {what}: {} ms; {writes} concurrent small writes, the longest \
             {longest} ms\n",
            start.elapsed().as_millis(),
        );
        // A chunk takes milliseconds, the whole import many seconds.
        assert!(writes > 0 && longest < 10_000, "{line}");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("printed");
    };
    let start = Instant::now();
    let done = import(&app, request(), &text).await.expect("imported");
    measured("first import", start);
    assert_eq!(done.added, count as u64);
    let start = Instant::now();
    let done = import(&app, request(), &text).await.expect("imported");
    measured("repeated, unchanged", start);
    assert_eq!(done.unchanged, count as u64);
    let start = Instant::now();
    let done = import(&app, request(), &catalogue(count, 200))
        .await
        .expect("imported");
    measured("all changed", start);
    assert_eq!(done.changed, count as u64);
    let start = Instant::now();
    let mut after = String::new();
    let mut read = 0;
    loop {
        let limit = 1000;
        let retailer = "r".to_owned();
        let page = app
            .catalogue
            .list(ProductQuery {
                retailer,
                after: after.clone(),
                limit,
                ..ProductQuery::default()
            })
            .await
            .expect("a page");
        read += page.products.len();
        let Some(next) = page.next else { break };
        after = next;
    }
    measured("read by pages", start);
    assert_eq!(read, count);
    till.abort();
}
