//! Timelines: everything recorded about an id, found by any of its ids.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{
    FiscalRow, FiscalState, MarkRow, MarkState, MovementKind, MovementRow, OperationRow, Outcome,
    OutgoingRow, ParkedState, ReceiptRow, Subject, TimelineRow,
};
use galleria_ports::trace;

on_both!(
    a_timeline_is_found_by_each_of_its_ids,
    a_timeline_lists_the_entries_of_an_order,
    a_timeline_reports_truncated_kinds,
    a_run_is_found_by_its_id_and_its_files,
    an_event_lists_everything_its_decisions_queued,
    a_mark_and_a_movement_belong_to_order_and_shift,
    the_store_of_an_event_is_found_in_any_table,
);

/// Inserts an order with payment, refund, document, attempt, dead letter and operation.
async fn fill(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        tx.store_put(&rows::store("s1", "r")).await?;
        tx.order_insert(&rows::full_order("o1", "s1")).await?;
        tx.payment_insert(&rows::payment("p1", "o1")).await?;
        tx.refund_insert(&rows::full_refund("b1", "o1")).await?;
        tx.shift_insert(&rows::shift("h1", "s1")).await?;
        let mut tender = galleria_domain::RecordedTender {
            id: "payment:p1/1".into(),
            retailer: "r".into(),
            psp_reference: "psp-1".into(),
            entry_id: "p1".into(),
            order_id: "o1".into(),
            ..galleria_domain::RecordedTender::default()
        };
        tender.store_id = "s1".into();
        tx.tender_insert_many(&[tender], at(4)).await?;
        let document = galleria_ports::records::DocumentRow {
            event_id: "payment:p1".into(),
            order_id: Some("o1".into()),
            ..rows::document("d1")
        };
        tx.document_insert_many(std::slice::from_ref(&document))
            .await?;
        let mut attempt = rows::journal("payment:p1", 1);
        attempt.order_id = Some("o1".into());
        tx.journal_insert(&attempt).await?;
        tx.effect_claim("payment:p1", "slot", Outcome::Applied, at(5))
            .await?;
        tx.dead_letter_put(&rows::letter("refund:b1", 9)).await?;
        let letter = rows::letter("refund:b1", 9);
        tx.parked_put(&rows::parked("refund:b1", "o1", 2, ParkedState::Blocking))
            .await?;
        tx.operation_insert(&OperationRow {
            at: at(20),
            actor: "ana".into(),
            action: "dead_letter_replay".into(),
            subject: format!("refund:b1 of {}", letter.subscriber),
            reason: "corrected".into(),
            before: "{}".into(),
            after: "{}".into(),
        })
        .await?;
        tx.event_append(&rows::new_event("payment:p1", "payments"), at(4))
            .await
    })
    .expect("filled");
}

async fn subjects(stage: &Stage, id: &'static str) -> Vec<(Subject, String)> {
    read_tx!(stage, [], |tx| tx.timeline_subjects(id, 50).await).expect("read")
}

async fn entries(stage: &Stage, subject: Subject, id: &'static str) -> Vec<TimelineRow> {
    let timeline = read_tx!(stage, [], |tx| tx.timeline_rows(subject, id, 50).await).expect("read");
    assert!(timeline.truncated.is_empty(), "{:?}", timeline.truncated);
    timeline.rows
}

async fn a_timeline_is_found_by_each_of_its_ids(stage: &Stage) {
    fill(stage).await;
    let order = (Subject::Order, "o1".to_owned());
    for id in [
        "o1",
        "shop-1",
        "p1",
        "b1",
        "0007",
        "psp-1",
        "payment:p1",
        "d1",
        "d1.xml",
        "payment:p1/1",
    ] {
        let subjects = subjects(stage, id).await;
        assert!(subjects.contains(&order), "{id}: {subjects:?}");
    }
    assert_eq!(subjects(stage, "h1").await, [(Subject::Shift, "h1".into())]);
    assert_eq!(
        subjects(stage, "refund:b1").await,
        [(Subject::Event, "refund:b1".into())]
    );
    for id in ["", "nothing", "nothing.1", "o2"] {
        assert_eq!(subjects(stage, id).await, [], "{id}");
    }
}

async fn a_timeline_lists_the_entries_of_an_order(stage: &Stage) {
    fill(stage).await;
    let mut rows = entries(stage, Subject::Order, "o1").await;
    rows.sort();
    let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
    for kind in [
        "order", "payment", "refund", "tender", "attempt", "document",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    // A pending document has no delivery.
    assert!(!kinds.contains(&"delivery"), "{kinds:?}");
    let payment = rows.iter().find(|row| row.kind == "payment");
    let payment = payment.expect("a payment");
    assert_eq!((payment.id.as_str(), payment.at), ("p1", at(4)));
    assert!(
        payment.facts.contains(&("receipt", "0007".into())),
        "{payment:?}"
    );

    let events = read_tx!(stage, [], |tx| tx.timeline_events("o1", 50).await).expect("read");
    assert_eq!(events, ["payment:p1", "refund:b1"]);
    let payment = entries(stage, Subject::Event, "payment:p1").await;
    let kinds: Vec<_> = payment.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["event", "effect", "attempt", "document"]);
    let refund = entries(stage, Subject::Event, "refund:b1").await;
    let kinds: Vec<_> = refund.iter().map(|row| row.kind).collect();
    assert!(kinds.starts_with(&["parked", "dead_letter"]), "{kinds:?}");
    let operation = refund.iter().find(|row| row.kind == "operation");
    let operation = operation.expect("an operation");
    assert!(
        operation.facts.contains(&("reason", "corrected".into())),
        "{operation:?}"
    );
}

async fn a_timeline_reports_truncated_kinds(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        for attempt in 1..=3 {
            tx.journal_insert(&rows::journal("e1", attempt)).await?;
        }
        Ok(())
    })
    .expect("filled");
    let timeline = read_tx!(stage, [], |tx| tx
        .timeline_rows(Subject::Event, "e1", 2)
        .await);
    let timeline = timeline.expect("read");
    assert_eq!(
        (timeline.rows.len(), timeline.truncated),
        (2, vec!["attempt"])
    );
}

async fn a_run_is_found_by_its_id_and_its_files(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        tx.run_insert(&crate::runs::run("r1", 1)).await?;
        let document = galleria_ports::records::DocumentRow {
            event_id: "run:r1".into(),
            order_id: None,
            ..rows::document("d1")
        };
        tx.document_insert_many(std::slice::from_ref(&document))
            .await?;
        let mut attempt = rows::journal("run:r1", 1);
        attempt.order_id = None;
        tx.journal_insert(&attempt).await
    })
    .expect("filled");
    let run = (Subject::Run, "r1".to_owned());
    for id in ["r1", "d1", "d1.xml"] {
        let subjects = subjects(stage, id).await;
        assert!(subjects.contains(&run), "{id}: {subjects:?}");
    }
    let rows = entries(stage, Subject::Run, "r1").await;
    let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["attempt", "document", "run_requested"]);
}

/// Two plugins publish and send for one event.
async fn an_event_lists_everything_its_decisions_queued(stage: &Stage) {
    fill(stage).await;
    let trace: galleria_domain::trace::Trace =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            .parse()
            .expect("a trace");
    let queued = async {
        write_tx!(stage, [], |tx| {
            tx.effect_claim("payment:p1", "a/b", Outcome::Applied, at(6))
                .await?;
            for id in ["slot/0", "slot/1", "a/b/0", "slot/9", "other/0"] {
                let id = format!("payment:p1/{id}");
                tx.event_append(&rows::new_event(&id, "sales"), at(6))
                    .await?;
            }
            tx.outgoing_insert_many(&[OutgoingRow {
                id: "payment:p1/0".into(),
                event_id: "payment:p1".into(),
                subscriber: "slot".into(),
                store_id: "s1".into(),
                order_id: Some("o1".into()),
                request: "{}".into(),
                created_at: at(6),
            }])
            .await?;
            tx.receipt_insert_many(&[ReceiptRow {
                id: "payment:p1/slot/0".into(),
                event_id: "payment:p1".into(),
                subscriber: "slot".into(),
                store_id: "s1".into(),
                order_id: Some("o1".into()),
                receipt: "{}".into(),
                created_at: at(6),
            }])
            .await
        })
    };
    let origin = galleria_domain::trace::Origin {
        trace: Some(trace),
        request: None,
    };
    trace::within(origin, queued).await.expect("queued");
    let mut rows = entries(stage, Subject::Event, "payment:p1").await;
    rows.sort();
    let ids = |kind: &str| {
        let entries = rows.iter().filter(|row| row.kind == kind);
        entries.map(|row| row.id.as_str()).collect::<Vec<_>>()
    };
    // `slot/9` is not a publication of the slot, because `slot/2` is missing. `other` has no effect.
    let published = ["payment:p1/a/b/0", "payment:p1/slot/0", "payment:p1/slot/1"];
    assert_eq!(ids("publication"), published);
    assert_eq!(ids("outgoing_request"), ["payment:p1/0"]);
    assert_eq!(ids("receipt"), ["payment:p1/slot/0"]);
    let first = rows.iter().find(|row| row.kind == "publication");
    let facts = [
        ("event", "payment:p1"),
        ("plugin", "a/b"),
        ("topic", "sales"),
        ("key", "key"),
        ("state", "queued"),
        ("trace", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ];
    let facts = facts.map(|(name, text)| (name, text.to_owned()));
    assert_eq!(first.expect("one").facts, facts);
    // A publication is an event of its own.
    let published = subjects(stage, "payment:p1/slot/1").await;
    assert_eq!(
        published,
        [(Subject::Event, "payment:p1/slot/1".to_owned())]
    );
}

async fn a_mark_and_a_movement_belong_to_order_and_shift(stage: &Stage) {
    fill(stage).await;
    write_tx!(stage, [], |tx| {
        tx.fiscal_insert(&FiscalRow {
            order_id: "o1".into(),
            refund_id: String::new(),
            entry_id: Some("p1".into()),
            receipt: Some("0007".into()),
            store_id: Some("s1".into()),
            retailer: Some("r".into()),
            state: FiscalState::Marked,
            created_at: at(4),
            changed_at: at(7),
        })
        .await?;
        tx.mark_insert(&MarkRow {
            order_id: "o1".into(),
            refund_id: String::new(),
            mark: "400001".into(),
            scheme: "mydata".into(),
            attributes: Vec::new(),
            state: MarkState::Applied,
            issued_at: at(6),
            received_at: at(7),
        })
        .await?;
        tx.movement_insert(&MovementRow {
            id: "m1".into(),
            shift_id: "h1".into(),
            kind: MovementKind::PayIn,
            amount: 5,
            reason: "change".into(),
            cashier: None,
            at: at(8),
            accepted_at: at(8),
        })
        .await
    })
    .expect("filled");
    assert_eq!(
        subjects(stage, "400001").await,
        [(Subject::Order, "o1".to_owned())]
    );
    assert_eq!(
        subjects(stage, "m1").await,
        [(Subject::Shift, "h1".to_owned())]
    );
    let has = |rows: &[TimelineRow], kind: &str, id: &str| {
        assert!(
            rows.iter().any(|row| row.kind == kind && row.id == id),
            "{kind} {id}: {rows:?}"
        );
    };
    let order = entries(stage, Subject::Order, "o1").await;
    has(&order, "fiscal_record", "p1");
    has(&order, "fiscal_mark", "400001");
    let shift = entries(stage, Subject::Shift, "h1").await;
    has(&shift, "movement", "m1");
    // Amounts of an order and of a movement are in the currency of the store.
    for (rows, kind) in [(order, "order"), (shift, "movement")] {
        let row = rows.into_iter().find(|row| row.kind == kind);
        let facts = row.expect(kind).facts;
        for fact in [("currency", "DKK"), ("minor_digits", "2")] {
            let fact = (fact.0, fact.1.to_owned());
            assert!(facts.contains(&fact), "{kind} lacks {fact:?}: {facts:?}");
        }
    }
}

async fn the_store_of_an_event_is_found_in_any_table(stage: &Stage) {
    fill(stage).await;
    let store = |id: &'static str| async move {
        read_tx!(stage, [], |tx| tx.timeline_store(id).await).expect("read")
    };
    assert_eq!(store("payment:p1").await.as_deref(), Some("s1"));
    // The event is not in the log, but parked and a dead letter.
    assert_eq!(store("refund:b1").await.as_deref(), Some("s1"));
    assert_eq!(store("refund:b2").await, None);
}
