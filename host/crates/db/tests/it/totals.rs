//! Totals of stores: the same before and after their rows are added.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{DocumentState, LeaseLimit, StoreMetrics};

on_both!(
    totals_are_the_same_at_each_step,
    rows_are_added_some_minutes_later,
);

const MINUTES: i64 = 6 * 60_000;

async fn metrics(stage: &Stage) -> (Vec<(String, u64, u64, u64)>, u64) {
    let (metrics, delivered) = read_tx!(stage, [], |tx| {
        let delivered = tx.document_count(DocumentState::Delivered).await?;
        Ok((tx.store_metrics().await?, delivered))
    })
    .expect("read");
    let of_store = |one: StoreMetrics| (one.store_id, one.events, one.documents, one.cpu_us);
    (metrics.into_iter().map(of_store).collect(), delivered)
}

async fn advance(stage: &Stage, now: i64) {
    let more = write_tx!(stage, [], |tx| tx.totals_advance(at(now)).await);
    assert!(!more.expect("advanced"));
}

/// Writes an event, a document and an attempt of store `s1`, and a publication.
async fn write(stage: &Stage, number: usize) {
    write_tx!(stage, [], |tx| {
        for id in [format!("e{number}"), format!("e{number}/slot/1")] {
            let mut event = rows::new_event(&id, "t");
            event.store = Some("s1".into());
            tx.event_append(&event, at(1)).await?;
        }
        let document = rows::document(&format!("d{number}"));
        tx.document_insert_many(&[document]).await?;
        tx.journal_insert(&rows::journal("e", 1)).await
    })
    .expect("written");
}

/// Delivers all documents.
async fn deliver(stage: &Stage) {
    let limit = LeaseLimit {
        documents: 9,
        bytes: 1 << 20,
    };
    write_tx!(stage, [], |tx| {
        let retailer = rows::document("d").retailer;
        let leased = tx
            .document_lease(&retailer, "host", at(1), at(9), limit)
            .await?;
        let ids: Vec<_> = leased.into_iter().map(|document| document.id).collect();
        tx.document_advance(&ids, "host", DocumentState::Delivered, at(2))
            .await
    })
    .expect("delivered");
}

async fn totals_are_the_same_at_each_step(stage: &Stage) {
    let mut now = 0;
    for number in 1..=4 {
        write(stage, number).await;
        let n = number as u64;
        for delivered in [n - 1, n] {
            if delivered == n {
                deliver(stage).await;
            }
            for _ in 0..2 {
                let of_s1 = ("s1".to_owned(), n, delivered, n * 1_000);
                assert_eq!(metrics(stage).await, (vec![of_s1], delivered));
                now += MINUTES;
                advance(stage, now).await;
            }
        }
    }
}

async fn rows_are_added_some_minutes_later(stage: &Stage) {
    const ADDED: &str = "SELECT store_id, events FROM store_totals";
    write(stage, 1).await;
    for now in [MINUTES, MINUTES + 60_000, 2 * MINUTES - 60_001] {
        advance(stage, now).await;
        assert!(stage.rows(ADDED).await.is_empty());
    }
    write(stage, 2).await;
    advance(stage, 2 * MINUTES).await;
    // The second event may be uncommitted.
    assert_eq!(stage.rows(ADDED).await, [("s1".to_owned(), 1)]);
    advance(stage, 3 * MINUTES).await;
    assert_eq!(stage.rows(ADDED).await, [("s1".to_owned(), 2)]);
}
