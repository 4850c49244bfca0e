//! Transactions are applied as a whole or not at all, and failures do not affect others.

use crate::rows::{self, at};
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_ports::Error;
use galleria_ports::records::{ActivityKind, ActivityRow, Claim, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

on_both!(
    a_failed_transaction_is_rolled_back_and_affects_no_other,
    work_with_a_failed_query_is_never_committed,
    a_failure_that_is_reported_later_fails_the_work,
    writes_of_a_read_are_discarded,
    queued_work_is_committed_before_closing,
    cancelled_callers_affect_no_other,
);

async fn claims(stage: &Stage) -> Vec<(String, i64)> {
    stage
        .rows("SELECT event_id, at_ms FROM effects ORDER BY at_ms")
        .await
}

/// Claims the effect of `e<number>`. Then fails for multiples of five and panics for multiples of seven.
async fn claim(stage: &Stage, number: i64) -> Result<Claim, Error> {
    write_tx!(stage, [], |tx| {
        let claim = tx
            .effect_claim(&format!("e{number}"), "a", Outcome::Applied, at(number))
            .await?;
        assert!(number % 7 != 0, "multiple of seven");
        match number % 5 {
            0 => Err(Error::Internal("multiple of five".into())),
            _ => Ok(claim),
        }
    })
}

async fn a_failed_transaction_is_rolled_back_and_affects_no_other(stage: &Stage) {
    let outcomes = join_all((1..=64).map(|number| claim(stage, number))).await;
    let mut committed = Vec::new();
    for (outcome, number) in outcomes.into_iter().zip(1..) {
        match outcome {
            Ok(claim) => {
                assert_eq!(claim, Claim::New);
                committed.push((format!("e{number}"), at(number).as_millisecond()));
            }
            Err(error) => {
                let expected = if number % 7 == 0 {
                    "panicked: multiple of seven"
                } else {
                    "multiple of five"
                };
                assert!(error.to_string().ends_with(expected), "{number}: {error}");
            }
        }
    }
    assert_eq!(committed.len(), 64 - 9 - 12 + 1);
    assert_eq!(claims(stage).await, committed);
    assert_eq!(stage.db.works(), committed.len() as u64);
}

/// Works queue while the disk syncs, and share the next commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_works_share_a_commit() {
    let stage = Stage::sqlite().await;
    let outcomes = join_all((1..=64).map(|number| claim(&stage, number * 35 + 1))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let (works, commits) = (stage.db.works(), stage.db.commits());
    assert_eq!(works, 64);
    assert!(commits * 4 <= works, "{commits} commits for {works} works");
}

async fn work_with_a_failed_query_is_never_committed(stage: &Stage) {
    // The work ignores the error of a query. PostgreSQL would then roll back silently at commit, and the
    // caller would get a success.
    let order = rows::bare_order("o1", "no such store");
    let outcome = write_tx!(stage, [order], |tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await?;
        let _ = tx.order_insert(&order).await;
        Ok(())
    });
    let error = outcome.expect_err("the failed query");
    assert!(matches!(error, Error::Records { .. }), "{error:?}");
    assert!(error.to_string().contains("order_insert"), "{error}");
    // PostgreSQL quotes values in the details of its errors.
    let logged = format!("{} {error:?}", error.chain());
    assert!(!logged.contains("no such store"), "{logged}");
    assert!(claims(stage).await.is_empty());
}

/// The work does not wait for the result of the second insert.
async fn a_failure_that_is_reported_later_fails_the_work(stage: &Stage) {
    let activity = ActivityRow {
        store_id: "s".into(),
        business_date: "2026-11-01".into(),
        begun_at: at(1),
        kind: ActivityKind::Sale,
        id: "a1".into(),
        accepted_at: at(1),
    };
    for continues in [false, true] {
        let outcome = write_tx!(stage, [activity], |tx| {
            tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await?;
            tx.activity_insert(&activity).await?;
            tx.activity_insert(&activity).await?;
            if continues {
                tx.effect_get("e1", "a").await?;
            }
            Ok(())
        });
        let error = outcome.expect_err("the second insert").chain();
        assert!(error.contains("activity_insert"), "{error}");
        assert!(claims(stage).await.is_empty());
    }
    claim(stage, 1).await.expect("the database still works");
}

async fn writes_of_a_read_are_discarded(stage: &Stage) {
    let result = read_tx!(stage, [], |tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await
    });
    assert_eq!(result.expect("claimed in the read"), Claim::New);
    assert!(claims(stage).await.is_empty());
    // A read does not see later commits of others.
    let outside = stage.clone();
    let seen = read_tx!(stage, [outside], |tx| {
        let before = tx.effect_get("e2", "a").await?;
        claim(&outside, 2).await?;
        Ok((before, tx.effect_get("e2", "a").await?))
    });
    assert_eq!(seen.expect("read"), (None, None));
    assert_eq!(claims(stage).await.len(), 1);
}

async fn queued_work_is_committed_before_closing(stage: &Stage) {
    let tasks: Vec<_> = (1..=4)
        .map(|number| {
            let stage = stage.clone();
            tokio::spawn(async move { claim(&stage, number).await })
        })
        .collect();
    // Wait until all four are queued before closing.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.db.close().await.expect("closed");
    for task in tasks {
        task.await.expect("no panic").expect("done");
    }
    claim(stage, 6).await.expect_err("closed");
    read_tx!(stage, [], |tx| tx.dead_letter_count().await).expect_err("closed");
    stage.db.close().await.expect("closing twice");
    assert_eq!(claims(stage).await.len(), 4);
}

async fn cancelled_callers_affect_no_other(stage: &Stage) {
    let started = Arc::new(AtomicU32::new(0));
    // On a busy machine the first waits may end before any work starts: then wait longer.
    let mut number = 0;
    while number < 20 || started.load(Ordering::SeqCst) == 0 {
        number += 1;
        let slow = write_slowly(stage, number, &started);
        // Cancel the caller while its work waits or runs.
        let wait = Duration::from_millis(number as u64 % 10 * (1 + number as u64 / 20));
        tokio::time::timeout(wait, slow).await.ok();
    }
    claim(stage, 1_003).await.expect("the database still works");
    assert!(started.load(Ordering::SeqCst) > 0);
    let committed = claims(stage).await;
    assert!(
        committed
            .iter()
            .all(|(id, _)| id == "e1003" || id.ends_with("-complete")),
        "{committed:?}"
    );
}

/// Parks an event, pauses, then removes it and claims an effect.
async fn write_slowly(stage: &Stage, number: i64, started: &Arc<AtomicU32>) {
    write_tx!(stage, [started], |tx| {
        started.fetch_add(1, Ordering::SeqCst);
        let (half, complete) = (format!("e{number}-half"), format!("e{number}-complete"));
        tx.parked_put(&rows::parked(
            &half,
            "l",
            number,
            galleria_ports::records::ParkedState::Blocking,
        ))
        .await?;
        tokio::time::sleep(Duration::from_millis(4)).await;
        tx.parked_remove(&half, "slot").await?;
        tx.effect_claim(&complete, "a", Outcome::Applied, at(number))
            .await
            .map(drop)
    })
    .expect("done");
}
