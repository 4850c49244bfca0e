//! An effect that waits for the turn of its order.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{Claim, Outcome};
use std::sync::Arc;
use tokio::sync::Notify;

/// Another host gives the event up, while this one waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_dead_letter_of_the_turn_before_is_found() {
    let stage = Stage::postgres().await;
    let order = rows::full_order("o1", "s1");
    let store = rows::store("s1", "r1");
    write_tx!(stage, [order, store], |tx| {
        tx.store_put(&store).await?;
        tx.order_insert(&order).await
    })
    .expect("inserted");
    let (locked, waits) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let other = tokio::spawn({
        let (stage, locked, waits) = (stage.clone(), Arc::clone(&locked), Arc::clone(&waits));
        async move {
            write_tx!(stage, [locked, waits], |tx| {
                tx.order_lock("o1").await?;
                locked.notify_one();
                waits.notified().await;
                tx.dead_letter_put(&rows::letter("e1", 5)).await
            })
        }
    });
    locked.notified().await;
    let applied = tokio::spawn({
        let stage = stage.clone();
        async move {
            write_tx!(stage, [], |tx| {
                let applied = Outcome::Applied;
                let claim = tx
                    .effect_claim_of_order("e1", "slot", applied, at(6), "o1")
                    .await?;
                let row = rows::journal("e1", 1);
                Ok((claim, tx.journal_insert_applied(&row).await?))
            })
        }
    });
    const WAITING: &str = "SELECT datname::TEXT, COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' GROUP BY datname";
    while stage.rows(WAITING).await.is_empty() {
        tokio::task::yield_now().await;
    }
    waits.notify_one();
    other.await.expect("no panic").expect("given up");
    let applied = applied.await.expect("no panic").expect("applied");
    assert_eq!(applied, (Claim::New, true));
}
