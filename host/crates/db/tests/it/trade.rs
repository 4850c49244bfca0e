//! Stores, orders, payments, refunds, voids, shifts and sequence numbers.

use crate::rows::{self, at};
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_ports::Error;
use galleria_ports::records::{OrderStatus, Outcome};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

on_both!(
    a_store_is_inserted_replaced_and_listed,
    an_order_is_inserted_once_and_changes_status,
    an_order_is_locked_by_one_transaction,
    a_transaction_that_waited_for_an_order_sees_its_changes,
    an_order_has_one_payment,
    refunds_are_listed_in_order_of_acceptance,
    a_void_is_inserted_once,
    a_shift_is_inserted_once_and_closed,
    rolled_back_numbers_leave_no_gaps,
);

/// One transaction waits for an order's payment while another applies its effect.
async fn a_transaction_that_waited_for_an_order_sees_its_changes(stage: &Stage) {
    with_orders(stage).await;
    let (writer, locked) = (stage.clone(), Arc::new(Notify::new()));
    let notify = Arc::clone(&locked);
    let applied = tokio::spawn(async move {
        write_tx!(writer, [notify], |tx| {
            tx.order_lock("o1").await?;
            tx.effect_claim("payment:p1", "slot", Outcome::Applied, at(1))
                .await?;
            notify.notify_one();
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(())
        })
    });
    locked.notified().await;
    let effect = write_tx!(stage, [], |tx| {
        tx.order_lock("o1").await?;
        tx.effect_get("payment:p1", "slot").await
    });
    assert!(effect.expect("read").is_some());
    applied.await.expect("no panic").expect("applied");
}

/// Inserts a store with orders `o1` and `o2`.
async fn with_orders(stage: &Stage) {
    let store = rows::store("s1", "r");
    let orders = [rows::full_order("o1", "s1"), rows::bare_order("o2", "s1")];
    write_tx!(stage, [store, orders], |tx| {
        tx.store_put(&store).await?;
        tx.order_insert(&orders[0]).await?;
        tx.order_insert(&orders[1]).await
    })
    .expect("orders");
}

async fn a_store_is_inserted_replaced_and_listed(stage: &Stage) {
    // Ids are ordered by bytes, unlike in any locale.
    let ids = ["B", "a", "b-1", "b.1", "b_1", "é"];
    for (place, id) in ids.iter().rev().enumerate() {
        let store = rows::store(id, if place % 2 == 0 { "r" } else { "q" });
        write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    }
    let page = |retailer: Option<&'static str>, after: &'static str, limit| async move {
        let list = read_tx!(stage, [], |tx| tx.store_list(retailer, after, limit).await);
        let ids = list.expect("a page").into_iter().map(|store| store.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(page(None, "", 4).await, ids[..4]);
    assert_eq!(page(None, "b.1", 4).await, ids[4..]);
    assert_eq!(page(Some("r"), "", 9).await, ["a", "b.1", "é"]);
    assert_eq!(page(Some("r"), "b", 1).await, ["b.1"]);

    let mut store = rows::store("a", "q");
    store.currency = "SEK".into();
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("replaced");
    let result = read_tx!(stage, [], |tx| tx.store_get("a").await).expect("read");
    assert_eq!(result, Some(store));
    assert_eq!(page(Some("r"), "", 9).await, ["b.1", "é"]);
    let none = read_tx!(stage, [], |tx| tx.store_get("A").await).expect("read");
    assert_eq!(none, None);
}

async fn an_order_is_inserted_once_and_changes_status(stage: &Stage) {
    with_orders(stage).await;
    let result = read_tx!(stage, [], |tx| {
        Ok((
            tx.order_get("o1").await?,
            tx.order_get("o2").await?,
            tx.order_get("o3").await?,
        ))
    });
    let (mut full, bare) = (rows::full_order("o1", "s1"), rows::bare_order("o2", "s1"));
    assert_eq!(
        result.expect("read"),
        (Some(full.clone()), Some(bare), None)
    );

    let again = rows::bare_order("o1", "s1");
    let error =
        write_tx!(stage, [again], |tx| tx.order_insert(&again).await).expect_err("id taken");
    assert!(matches!(error, Error::Exists { what: "order", id } if id == "o1"));

    for status in [OrderStatus::Paid, OrderStatus::Voided] {
        full.status = status;
        let result = write_tx!(stage, [], |tx| {
            tx.order_set_status("o1", status).await?;
            tx.order_get("o1").await
        });
        assert_eq!(result.expect("updated"), Some(full.clone()));
    }
    let none = write_tx!(stage, [], |tx| tx
        .order_set_status("o3", OrderStatus::Paid)
        .await);
    assert!(matches!(none, Err(Error::NotFound { what: "order", .. })));

    let without_store = rows::bare_order("o4", "nowhere");
    let error = write_tx!(stage, [without_store], |tx| tx
        .order_insert(&without_store)
        .await);
    assert!(matches!(error, Err(Error::Records { .. })), "{error:?}");
}

async fn an_order_is_locked_by_one_transaction(stage: &Stage) {
    with_orders(stage).await;
    let pay = || async {
        write_tx!(stage, [], |tx| {
            let order = tx.order_get("o1").await?.expect("an order");
            tokio::time::sleep(Duration::from_millis(20)).await;
            tx.order_set_status("o1", OrderStatus::Paid).await?;
            Ok(order.status == OrderStatus::Open)
        })
        .expect("paid")
    };
    let first = join_all((0..6).map(|_| pay())).await;
    assert_eq!(first.into_iter().filter(|first| *first).count(), 1);
}

async fn an_order_has_one_payment(stage: &Stage) {
    with_orders(stage).await;
    let payment = rows::payment("p1", "o1");
    write_tx!(stage, [payment], |tx| tx.payment_insert(&payment).await).expect("paid");
    let result = read_tx!(stage, [], |tx| {
        Ok([
            tx.payment_get("p1").await?,
            tx.payment_get_by_order("o1").await?,
            tx.payment_get("o1").await?,
            tx.payment_get_by_order("o2").await?,
        ])
    });
    let same = Some(payment);
    assert_eq!(result.expect("read"), [same.clone(), same, None, None]);

    for (id, order_id) in [("p1", "o2"), ("p2", "o1"), ("p1", "o1")] {
        let other = rows::payment(id, order_id);
        let error = write_tx!(stage, [other], |tx| tx.payment_insert(&other).await);
        assert!(matches!(error, Err(Error::Exists { .. })), "{error:?}");
    }
    let mut other = rows::payment("p2", "o2");
    other.shift_id = None;
    write_tx!(stage, [other], |tx| tx.payment_insert(&other).await).expect("paid");
    let result = read_tx!(stage, [], |tx| tx.payment_get_by_order("o2").await).expect("read");
    assert_eq!(result, Some(other));
}

async fn refunds_are_listed_in_order_of_acceptance(stage: &Stage) {
    // An order that has not arrived yet may be refunded.
    for id in ["r2", "r1", "r3"] {
        let bare = rows::bare_refund(id, "o9");
        write_tx!(stage, [bare], |tx| tx.refund_insert(&bare).await).expect("a refund");
    }
    let full = rows::full_refund("r4", "o9");
    write_tx!(stage, [full], |tx| tx.refund_insert(&full).await).expect("a refund");
    let duplicate = write_tx!(stage, [full], |tx| tx.refund_insert(&full).await);
    assert!(matches!(
        duplicate,
        Err(Error::Exists { what: "refund", .. })
    ));

    let resolved = rows::refund("r1");
    write_tx!(stage, [resolved], |tx| tx
        .refund_resolve("r1", &resolved)
        .await)
    .expect("resolved");
    let none = write_tx!(stage, [resolved], |tx| tx
        .refund_resolve("r9", &resolved)
        .await);
    assert!(matches!(none, Err(Error::NotFound { what: "refund", .. })));

    let mut second = rows::bare_refund("r1", "o9");
    second.refund = Some(resolved);
    let result = read_tx!(stage, [], |tx| {
        Ok((
            tx.refund_list_by_order("o9").await?,
            tx.refund_get("r4").await?,
        ))
    });
    let (all, one) = result.expect("read");
    let (first, third) = (rows::bare_refund("r2", "o9"), rows::bare_refund("r3", "o9"));
    assert_eq!(all, [first, second, third, full.clone()]);
    assert_eq!(one, Some(full));
}

async fn a_void_is_inserted_once(stage: &Stage) {
    let void = rows::void("v1");
    write_tx!(stage, [void], |tx| tx.void_insert(&void).await).expect("voided");
    let duplicate = write_tx!(stage, [void], |tx| tx.void_insert(&void).await);
    assert!(matches!(duplicate, Err(Error::Exists { what: "void", .. })));
    let result = read_tx!(stage, [], |tx| tx.void_get("v1").await).expect("read");
    assert_eq!(result, Some(void));
}

async fn a_shift_is_inserted_once_and_closed(stage: &Stage) {
    let store = rows::store("s1", "r");
    let mut shift = rows::shift("shift", "s1");
    write_tx!(stage, [store, shift], |tx| {
        tx.store_put(&store).await?;
        tx.shift_insert(&shift).await
    })
    .expect("opened");
    let duplicate = write_tx!(stage, [shift], |tx| tx.shift_insert(&shift).await);
    assert!(matches!(
        duplicate,
        Err(Error::Exists { what: "shift", .. })
    ));

    let result = read_tx!(stage, [], |tx| tx.shift_get("shift").await).expect("read");
    assert_eq!(result.as_ref(), Some(&shift));
    shift.sums = rows::sums();
    shift.closed = Some(rows::closed("shift"));
    shift.closed_at = Some(at(99));
    let result = write_tx!(stage, [shift], |tx| {
        tx.shift_update(&shift).await?;
        tx.shift_get("shift").await
    });
    assert_eq!(result.expect("closed"), Some(shift.clone()));
    shift.id = "other".into();
    let none = write_tx!(stage, [shift], |tx| tx.shift_update(&shift).await);
    assert!(matches!(none, Err(Error::NotFound { what: "shift", .. })));
}

async fn rolled_back_numbers_leave_no_gaps(stage: &Stage) {
    let take = |caller: u32| async move {
        write_tx!(stage, [], |tx| {
            let number = tx.number_next("s1/w1", "entry").await?;
            match caller % 3 {
                0 => Err(Error::Internal("rolled back".into())),
                _ => Ok(number),
            }
        })
    };
    let results = join_all((0..30).map(take)).await;
    let mut numbers: Vec<u64> = results.into_iter().flatten().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    let others = write_tx!(stage, [], |tx| {
        Ok([
            tx.number_next("s1/w2", "entry").await?,
            tx.number_next("s1/w1", "receipt").await?,
            tx.number_next("s1/w1", "entry").await?,
            tx.number_next("s1/w1", "entry").await?,
        ])
    });
    assert_eq!(others.expect("numbers"), [1, 1, 21, 22]);
}
