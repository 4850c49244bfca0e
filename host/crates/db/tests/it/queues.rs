//! Lists for operators, and making a parked event due.

use crate::rows::{self, at};
use crate::stage::Stage;
use ParkedState::{Behind, Blocking, Retry, Waiting};
use galleria_ports::records::{
    OperationFilter, OperationRow, OutgoingRow, ParkedCursor, ParkedFilter, ParkedState,
    QueueCursor, QueueFilter, ReceiptRow,
};

on_both!(
    parked_events_are_paged_and_filtered,
    an_event_made_due_stays_in_its_lane,
    queues_are_filtered_by_event_order_store_and_retailer,
    faults_are_listed_by_slot_and_time,
    operations_are_filtered_by_action_and_actor,
);

async fn parked(stage: &Stage, filter: ParkedFilter, limit: u32) -> Vec<String> {
    let (mut ids, mut after): (Vec<String>, Option<ParkedCursor>) = (Vec::new(), None);
    loop {
        let page = read_tx!(stage, [filter, after], |tx| {
            tx.parked_list(&filter, after.as_ref(), limit).await
        });
        let page = page.expect("a page");
        let Some(last) = page.last() else { return ids };
        after = Some(ParkedCursor {
            since: last.since,
            position: last.event.position,
            subscriber: last.subscriber.clone(),
        });
        ids.extend(page.into_iter().map(|one| one.event.id));
    }
}

async fn parked_events_are_paged_and_filtered(stage: &Stage) {
    let mut other = rows::parked("e4", "m", 4, Waiting);
    other.event.store = Some("s2".into());
    other.subscriber = "another".into();
    let mut without_store = rows::parked("e5", "n", 5, Retry);
    without_store.event.store = None;
    // Two events parked at the same time.
    let mut first = rows::parked("e1", "l", 1, Blocking);
    first.since = at(2);
    let all = [
        first,
        rows::parked("e2", "l", 2, Behind),
        rows::parked("e3", "k", 3, Retry),
        other,
        without_store,
    ];
    write_tx!(stage, [all], |tx| {
        tx.store_put(&rows::store("s1", "r")).await?;
        tx.store_put(&rows::store("s2", "q")).await?;
        for row in &all {
            tx.parked_put(row).await?;
        }
        Ok(())
    })
    .expect("parked");
    let one = |text: &str| Some(text.to_owned());
    let everything = ParkedFilter::default();
    for limit in [1, 2, 99] {
        let ids = parked(stage, everything.clone(), limit).await;
        assert_eq!(ids, ["e1", "e2", "e3", "e4", "e5"], "{limit}");
    }
    for (filter, expected) in [
        (
            ParkedFilter {
                store: one("s1"),
                ..everything.clone()
            },
            &["e1", "e2", "e3"][..],
        ),
        (
            ParkedFilter {
                retailer: one("q"),
                ..everything.clone()
            },
            &["e4"],
        ),
        (
            ParkedFilter {
                subscriber: one("another"),
                ..everything.clone()
            },
            &["e4"],
        ),
        (
            ParkedFilter {
                state: Some(Retry),
                ..everything.clone()
            },
            &["e3", "e5"],
        ),
        (
            ParkedFilter {
                retailer: one("q"),
                store: one("s1"),
                ..everything.clone()
            },
            &[],
        ),
    ] {
        assert_eq!(
            parked(stage, filter.clone(), 1).await,
            expected,
            "{filter:?}"
        );
    }
}

async fn an_event_made_due_stays_in_its_lane(stage: &Stage) {
    let all = [
        rows::parked("first", "l", 60, Retry),
        rows::parked("second", "l", 70, Retry),
        rows::parked("waits", "m", 80, Waiting),
        rows::parked("behind", "m", 81, Behind),
        rows::parked("held", "n", 82, Blocking),
    ];
    write_tx!(stage, [all], |tx| {
        for row in &all {
            tx.parked_put(row).await?;
        }
        Ok(())
    })
    .expect("parked");
    let due = || async {
        let due = read_tx!(stage, [], |tx| tx.parked_due("g", at(50), 99).await);
        let due = due.expect("due").into_iter();
        due.map(|parked| parked.event.id).collect::<Vec<_>>()
    };
    let make_due = |id: &'static str| async move {
        let result = write_tx!(stage, [], |tx| tx.parked_make_due(id, "slot", at(50)).await);
        result.expect("updated")
    };
    assert!(due().await.is_empty());
    // The second event of a lane is due only after the first is removed.
    assert!(make_due("second").await);
    assert!(due().await.is_empty());
    assert!(make_due("first").await);
    assert_eq!(due().await, ["first"]);
    write_tx!(stage, [], |tx| tx.parked_remove("first", "slot").await).expect("removed");
    assert_eq!(due().await, ["second"]);
    assert!(make_due("waits").await);
    assert_eq!(due().await.len(), 2);
    for id in ["behind", "held", "nothing"] {
        assert!(!make_due(id).await, "{id}");
    }
    assert_eq!(due().await.len(), 2);
}

fn receipt(id: &str, event: &str, store: &str, order: Option<&str>, created: i64) -> ReceiptRow {
    ReceiptRow {
        id: id.into(),
        event_id: event.into(),
        subscriber: "slot".into(),
        store_id: store.into(),
        order_id: order.map(ToOwned::to_owned),
        receipt: "{}".into(),
        created_at: at(created),
    }
}

async fn queues_are_filtered_by_event_order_store_and_retailer(stage: &Stage) {
    let receipts = [
        receipt("b", "e1", "s1", Some("o1"), 2),
        receipt("a", "e2", "s1", Some("o1"), 2),
        receipt("c", "e3", "s2", None, 3),
    ];
    write_tx!(stage, [receipts], |tx| {
        tx.store_put(&rows::store("s1", "r")).await?;
        tx.store_put(&rows::store("s2", "q")).await?;
        for row in &receipts {
            tx.receipt_insert_many(std::slice::from_ref(row)).await?;
            for subscriber in ["slot", "other"] {
                tx.outgoing_insert_many(&[OutgoingRow {
                    id: row.id.clone(),
                    event_id: row.event_id.clone(),
                    subscriber: subscriber.into(),
                    store_id: row.store_id.clone(),
                    order_id: row.order_id.clone(),
                    request: "{}".into(),
                    created_at: row.created_at,
                }])
                .await?;
            }
        }
        Ok(())
    })
    .expect("queued");
    let one = |text: &str| Some(text.to_owned());
    let filter = |retailer, store, event, order| QueueFilter {
        retailer,
        store,
        event,
        order,
    };
    for (filter, expected) in [
        (filter(None, None, None, None), "a b c"),
        (filter(None, one("s1"), None, None), "a b"),
        (filter(one("q"), None, None, None), "c"),
        (filter(one("q"), one("s1"), None, None), ""),
        (filter(None, None, one("e1"), None), "b"),
        (filter(None, None, None, one("o1")), "a b"),
        (filter(None, one("s1"), one("e2"), one("o1")), "a"),
        (filter(None, one("s2"), None, one("o1")), ""),
    ] {
        // Pages of one row, so that each cursor leads to the next row.
        let (mut ids, mut after) = (Vec::new(), None::<QueueCursor>);
        let mut requests = Vec::new();
        loop {
            let page = read_tx!(stage, [filter, after], |tx| {
                tx.receipt_list(&filter, after.as_ref(), 1).await
            });
            let Some(row) = page.expect("a page").pop() else {
                break;
            };
            after = Some(QueueCursor {
                created_at: row.created_at,
                id: row.id.clone(),
                subscriber: row.subscriber,
            });
            ids.push(row.id);
        }
        let mut after = None::<QueueCursor>;
        loop {
            let page = read_tx!(stage, [filter, after], |tx| {
                tx.outgoing_list(&filter, after.as_ref(), 1).await
            });
            let Some(row) = page.expect("a page").pop() else {
                break;
            };
            requests.push(format!("{}/{}", row.id, row.subscriber));
            after = Some(QueueCursor {
                created_at: row.created_at,
                id: row.id,
                subscriber: row.subscriber,
            });
        }
        assert_eq!(ids.join(" "), expected, "{filter:?}");
        let each = ids
            .iter()
            .flat_map(|id| ["other", "slot"].map(|s| format!("{id}/{s}")));
        assert_eq!(requests, each.collect::<Vec<_>>(), "{filter:?}");
    }
}

async fn faults_are_listed_by_slot_and_time(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        for (attempt, outcome, retailer) in [
            (1, "trapped", "r"),
            (2, "applied", "r"),
            (3, "out_of_cpu", "r"),
            (4, "identified", "r"),
            (5, "refused", "r"),
            (6, "trapped", "q"),
            (7, "trapped", "r"),
        ] {
            let mut row = rows::journal("e1", attempt);
            row.outcome = outcome.into();
            row.retailer = retailer.into();
            tx.journal_insert(&row).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let faults = |since: i64, limit: u32| async move {
        let faults = read_tx!(stage, [], |tx| {
            tx.fault_list("r", "slot", at(since), limit).await
        });
        faults.expect("read")
    };
    let fault = |second: i64, code: &str| (at(second), code.to_owned());
    let all = [
        fault(7, "trapped"),
        fault(3, "out_of_cpu"),
        fault(1, "trapped"),
    ];
    assert_eq!(faults(0, 9).await, all);
    assert_eq!(faults(1, 9).await, all[..2]);
    assert_eq!(faults(0, 1).await, all[..1]);
    let none = read_tx!(stage, [], |tx| tx.fault_list("r", "other", at(0), 9).await);
    assert!(none.expect("read").is_empty());
}

async fn operations_are_filtered_by_action_and_actor(stage: &Stage) {
    let row = |action: &str, actor: &str, subject: &str| OperationRow {
        at: at(1),
        actor: actor.into(),
        action: action.into(),
        subject: subject.into(),
        reason: "check".into(),
        before: "{}".into(),
        after: "{}".into(),
    };
    let all = [
        row("run_replay", "ana", "x"),
        row("run_cancel", "ana", "x"),
        row("run_replay", "ben", "y"),
    ];
    write_tx!(stage, [all], |tx| {
        for row in &all {
            tx.operation_insert(row).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let find = |subject: &str, action: &str, actor: &str| {
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = OperationFilter {
            subject: own(subject),
            action: own(action),
            actor: own(actor),
        };
        async move {
            let page = read_tx!(stage, [filter], |tx| {
                tx.operation_list(&filter, i64::MAX, 9).await
            });
            let rows = page.expect("read").into_iter().map(|(_, row)| row);
            rows.collect::<Vec<_>>()
        }
    };
    let [first, second, third] = &all;
    assert_eq!(
        find("", "run_replay", "").await,
        [third.clone(), first.clone()]
    );
    assert_eq!(find("", "", "ana").await, [second.clone(), first.clone()]);
    assert_eq!(
        find("x", "run_replay", "").await,
        std::slice::from_ref(first)
    );
    assert_eq!(find("y", "", "ana").await, []);
}
