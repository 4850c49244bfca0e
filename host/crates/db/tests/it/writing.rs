//! Transactions: kept whole or not at all, whatever becomes of others.

use crate::rows::{self, at};
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_app::Error;
use galleria_app::records::{Outcome, Took};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

on_both!(
    a_transaction_that_fails_leaves_nothing_and_harms_no_other,
    a_failed_statement_is_never_committed,
    what_a_read_writes_is_not_kept,
    what_is_queued_is_done_before_closing,
    who_gave_up_waiting_harms_no_one,
);

async fn claimed(stage: &Stage) -> Vec<(String, i64)> {
    stage
        .rows("SELECT event_id, at_ms FROM effects ORDER BY at_ms")
        .await
}

/// Claims the effect of `e<number>`; every fifth fails afterwards, every seventh panics.
async fn claim(stage: &Stage, number: i64) -> Result<Took, Error> {
    write_tx!(stage, [], |tx| {
        let took = tx
            .effect_claim(&format!("e{number}"), "a", Outcome::Applied, at(number))
            .await?;
        assert!(number % 7 != 0, "the seventh");
        match number % 5 {
            0 => Err(Error::Internal("the fifth".into())),
            _ => Ok(took),
        }
    })
}

async fn a_transaction_that_fails_leaves_nothing_and_harms_no_other(stage: &Stage) {
    let outcomes = join_all((1..=64).map(|number| claim(stage, number))).await;
    let mut kept = Vec::new();
    for (outcome, number) in outcomes.into_iter().zip(1..) {
        match outcome {
            Ok(took) => {
                assert_eq!(took, Took::Now);
                kept.push((format!("e{number}"), at(number).as_millisecond()));
            }
            Err(error) => {
                let expected = if number % 7 == 0 {
                    "panicked: the seventh"
                } else {
                    "the fifth"
                };
                assert!(error.to_string().ends_with(expected), "{number}: {error}");
            }
        }
    }
    assert_eq!(kept.len(), 64 - 9 - 12 + 1);
    assert_eq!(claimed(stage).await, kept);
    assert_eq!(stage.db.works(), kept.len() as u64);
}

/// While the disk syncs, the next works queue up and share the next commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_that_come_together_share_a_commit() {
    let stage = Stage::sqlite().await;
    let outcomes = join_all((1..=64).map(|number| claim(&stage, number * 35 + 1))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let (works, commits) = (stage.db.works(), stage.db.commits());
    assert_eq!(works, 64);
    assert!(commits * 4 <= works, "{commits} commits for {works} works");
}

async fn a_failed_statement_is_never_committed(stage: &Stage) {
    // The work passes over the error of a statement; on PostgreSQL the rest would be rolled back in
    // silence, and the caller be told that it is durable.
    let lost = rows::bare_order("o1", "no such store");
    let outcome = write_tx!(stage, [lost], |tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await?;
        let _ = tx.order_insert(&lost).await;
        Ok(())
    });
    let error = outcome.expect_err("told");
    assert!(matches!(error, Error::Records { .. }), "{error:?}");
    assert!(error.to_string().contains("order_insert"), "{error}");
    assert!(claimed(stage).await.is_empty());
}

async fn what_a_read_writes_is_not_kept(stage: &Stage) {
    let took = read_tx!(stage, [], |tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await
    });
    assert_eq!(took.expect("claimed, for now"), Took::Now);
    assert!(claimed(stage).await.is_empty());
    // A snapshot: what others commit meanwhile is not seen.
    let outside = stage.clone();
    let seen = read_tx!(stage, [outside], |tx| {
        let before = tx.effect_get("e2", "a").await?;
        claim(&outside, 2).await?;
        Ok((before, tx.effect_get("e2", "a").await?))
    });
    assert_eq!(seen.expect("read"), (None, None));
    assert_eq!(claimed(stage).await.len(), 1);
}

async fn what_is_queued_is_done_before_closing(stage: &Stage) {
    let tasks: Vec<_> = (1..=4)
        .map(|number| {
            let stage = stage.clone();
            tokio::spawn(async move { claim(&stage, number).await })
        })
        .collect();
    // All four are with the database before it is closed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.db.close().await.expect("closed");
    for task in tasks {
        task.await.expect("no panic").expect("done");
    }
    claim(stage, 6).await.expect_err("closed");
    read_tx!(stage, [], |tx| tx.dead_count().await).expect_err("closed");
    stage.db.close().await.expect("again does no harm");
    assert_eq!(claimed(stage).await.len(), 4);
}

async fn who_gave_up_waiting_harms_no_one(stage: &Stage) {
    let begun = Arc::new(AtomicU32::new(0));
    for number in 1..=20 {
        let slow = write_tx_later(stage, number, &begun);
        // Given up while it waits, or in the midst of it.
        let wait = Duration::from_millis(number as u64 % 10);
        tokio::time::timeout(wait, slow).await.ok();
    }
    claim(stage, 1_003).await.expect("the database goes on");
    assert!(begun.load(Ordering::SeqCst) > 0);
    let kept = claimed(stage).await;
    assert!(
        kept.iter()
            .all(|(id, _)| id == "e1003" || id.ends_with("-whole")),
        "{kept:?}"
    );
}

/// Two claims with a pause between them; kept, the first has been renamed by the second.
async fn write_tx_later(stage: &Stage, number: i64, begun: &Arc<AtomicU32>) {
    write_tx!(stage, [begun], |tx| {
        begun.fetch_add(1, Ordering::SeqCst);
        let (half, whole) = (format!("e{number}-half"), format!("e{number}-whole"));
        tx.parked_put(&rows::parked(
            &half,
            "l",
            number,
            galleria_app::records::ParkedState::Held,
        ))
        .await?;
        tokio::time::sleep(Duration::from_millis(4)).await;
        tx.parked_remove(&half, "slot").await?;
        tx.effect_claim(&whole, "a", Outcome::Applied, at(number))
            .await
            .map(drop)
    })
    .expect("done");
}
