//! Work that continues before a result arrives: if a row existed that it took for new, the database runs it again.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::Error;
use galleria_ports::records::{Claim, OrderStatus, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

on_both!(
    a_row_that_exists_is_reported_as_if_the_work_had_waited,
    an_update_of_a_missing_row_is_reported,
    work_that_handles_a_row_that_exists_commits_the_rest,
    an_error_of_the_work_does_not_hide_a_row_that_exists,
    work_of_one_query_changes_nothing_and_runs_no_second,
    a_write_of_one_query_is_committed_with_it,
);

async fn claims(stage: &Stage) -> Vec<(String, i64)> {
    stage
        .rows("SELECT event_id, at_ms FROM effects ORDER BY event_id")
        .await
}

async fn with_order(stage: &Stage) {
    let store = rows::store("s", "r");
    let order = rows::bare_order("o1", "s");
    let stored = write_tx!(stage, [store, order], |tx| {
        tx.store_put(&store).await?;
        tx.order_insert(&order).await
    });
    stored.expect("stored");
}

/// PostgreSQL needs a second run, SQLite knows the result at once.
fn runs(stage: &Stage) -> u32 {
    match stage.config.url.starts_with("postgres") {
        true => 2,
        false => 1,
    }
}

async fn a_row_that_exists_is_reported_as_if_the_work_had_waited(stage: &Stage) {
    with_order(stage).await;
    let order = rows::bare_order("o1", "s");
    // The answer arrives with COMMIT, or with a later query.
    for continues in [false, true] {
        let tries = Arc::new(AtomicU32::new(0));
        let placed = write_tx!(stage, [order, tries], |tx| {
            tries.fetch_add(1, Ordering::SeqCst);
            tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await?;
            tx.order_insert(&order).await?;
            if continues {
                tx.order_get("o1").await?;
            }
            Ok(())
        });
        let error = placed.expect_err("the order exists");
        assert!(
            matches!(&error, Error::Exists { what: "order", id } if id == "o1"),
            "{error:?}"
        );
        assert_eq!(tries.load(Ordering::SeqCst), runs(stage));
        assert!(claims(stage).await.is_empty());
    }
}

async fn an_update_of_a_missing_row_is_reported(stage: &Stage) {
    with_order(stage).await;
    let set = write_tx!(stage, [], |tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await?;
        tx.order_set_status("o1", OrderStatus::Voided).await?;
        tx.order_set_status("o2", OrderStatus::Voided).await
    });
    let error = set.expect_err("there is no such order");
    assert!(
        matches!(&error, Error::NotFound { id, .. } if id == "o2"),
        "{error:?}"
    );
    assert!(claims(stage).await.is_empty());
    let open = stage.rows("SELECT status, 1 FROM orders").await;
    assert_eq!(open, [("open".to_owned(), 1)]);
}

async fn work_that_handles_a_row_that_exists_commits_the_rest(stage: &Stage) {
    with_order(stage).await;
    let (again, other) = (rows::bare_order("o1", "s"), rows::bare_order("o2", "s"));
    let placed = write_tx!(stage, [again, other], |tx| {
        let exists = tx.order_insert(&again).await.is_err();
        tx.order_insert(&other).await?;
        Ok(exists)
    });
    assert!(placed.expect("committed"), "the first order exists");
    let orders = stage.rows("SELECT id, 1 FROM orders ORDER BY id").await;
    assert_eq!(orders, [("o1".to_owned(), 1), ("o2".to_owned(), 1)]);
}

async fn an_error_of_the_work_does_not_hide_a_row_that_exists(stage: &Stage) {
    with_order(stage).await;
    let order = rows::bare_order("o1", "s");
    let placed = write_tx!(stage, [order], |tx| {
        tx.order_insert(&order).await?;
        Err::<(), _>(Error::Internal("an error after the insert".into()))
    });
    let error = placed.expect_err("the order exists");
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
}

async fn work_of_one_query_changes_nothing_and_runs_no_second(stage: &Stage) {
    let records = stage.records();
    let one = records.read_one(galleria_ports::in_tx!(|tx| tx.position_get("g").await));
    assert_eq!(one.await.expect("read"), 0);
    let two = records.read_one(galleria_ports::in_tx!(|tx| {
        tx.position_get("g").await?;
        tx.position_get("g").await
    }));
    let error = two.await.expect_err("two queries").to_string();
    assert!(
        error.contains("position_get: the work may run one query"),
        "{error}"
    );
    // Outside of a transaction that BEGIN has begun, PostgreSQL rejects a write. SQLite discards it.
    let written = records.read_one(galleria_ports::in_tx!(|tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await
    }));
    match written.await {
        Ok(claim) => assert_eq!(claim, Claim::New),
        Err(error) => assert!(error.chain().contains("read-only"), "{}", error.chain()),
    }
    assert!(claims(stage).await.is_empty());
}

async fn a_write_of_one_query_is_committed_with_it(stage: &Stage) {
    let records = stage.records();
    let one = records.write_one(galleria_ports::in_tx!(|tx| {
        tx.effect_claim("e1", "a", Outcome::Applied, at(1)).await
    }));
    assert_eq!(one.await.expect("written"), Claim::New);
    let none = records.write_one(galleria_ports::in_tx!(|_tx| Ok(())));
    none.await.expect("no query");
    // The query fails.
    let order = rows::bare_order("o1", "no such store");
    let failed = records.write_one(galleria_ports::in_tx!(|tx, order| tx
        .order_insert(&order)
        .await));
    let error = failed.await.expect_err("a missing store").to_string();
    assert!(error.contains("order_insert"), "{error}");
    let two = records.write_one(galleria_ports::in_tx!(|tx| {
        tx.position_get("g").await?;
        tx.effect_claim("e2", "a", Outcome::Applied, at(1)).await
    }));
    let error = two.await.expect_err("two queries").to_string();
    assert!(
        error.contains("effect_claim: the work may run one query"),
        "{error}"
    );
    let claimed = [("e1".to_owned(), at(1).as_millisecond())];
    assert_eq!(claims(stage).await, claimed);
    // The connection is usable afterwards.
    let next = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
    assert_eq!(next.expect("written"), 1);
}
