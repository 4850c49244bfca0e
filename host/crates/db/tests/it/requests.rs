//! Responses saved under an idempotency key; queued requests and receipts.

use crate::rows::at;
use crate::stage::Stage;
use galleria_ports::Error;
use galleria_ports::records::{OutgoingRow, ReceiptRow, SavedResponse};

on_both!(
    a_response_is_saved_once_under_its_key,
    requests_and_receipts_are_queued_once,
);

async fn a_response_is_saved_once_under_its_key(stage: &Stage) {
    let response = SavedResponse {
        key: "k".into(),
        request: "a".repeat(64),
        status: 201,
        body: "{\"ø\":1}".into(),
        at: at(1),
    };
    write_tx!(stage, [response], |tx| tx
        .saved_response_insert(&response)
        .await)
    .expect("saved");
    let duplicate = write_tx!(stage, [response], |tx| tx
        .saved_response_insert(&response)
        .await);
    assert!(
        matches!(duplicate, Err(Error::Exists { .. })),
        "{duplicate:?}"
    );
    let rows = read_tx!(stage, [], |tx| {
        Ok((
            tx.saved_response_get("k").await?,
            tx.saved_response_get("K").await?,
        ))
    });
    assert_eq!(rows.expect("read"), (Some(response), None));
}

async fn requests_and_receipts_are_queued_once(stage: &Stage) {
    let outgoing = |subscriber: &str| OutgoingRow {
        id: "e1/1".into(),
        event_id: "e1".into(),
        subscriber: subscriber.into(),
        store_id: "s1".into(),
        order_id: None,
        request: "{}".into(),
        created_at: at(1),
    };
    // Each subscriber of an event has its own first request.
    for subscriber in ["a", "b"] {
        let row = outgoing(subscriber);
        write_tx!(stage, [row], |tx| tx
            .outgoing_insert_many(std::slice::from_ref(&row))
            .await)
        .expect("queued");
        let duplicate = write_tx!(stage, [row], |tx| tx
            .outgoing_insert_many(std::slice::from_ref(&row))
            .await);
        assert!(matches!(
            duplicate,
            Err(Error::Exists {
                what: "request",
                ..
            })
        ));
    }
    let rows = stage
        .rows("SELECT subscriber, created_ms FROM requests ORDER BY subscriber")
        .await;
    let created = at(1).as_millisecond();
    assert_eq!(rows, [("a".to_owned(), created), ("b".to_owned(), created)]);

    let row = ReceiptRow {
        id: "e1/a/1".into(),
        event_id: "e1".into(),
        subscriber: "a".into(),
        store_id: "s1".into(),
        order_id: None,
        receipt: "{\"text\":\"thanks\"}".into(),
        created_at: at(2),
    };
    write_tx!(stage, [row], |tx| tx
        .receipt_insert_many(std::slice::from_ref(&row))
        .await)
    .expect("queued");
    let duplicate = write_tx!(stage, [row], |tx| tx
        .receipt_insert_many(std::slice::from_ref(&row))
        .await);
    assert!(matches!(
        duplicate,
        Err(Error::Exists {
            what: "receipt",
            ..
        })
    ));
    let rows = stage.rows("SELECT receipt, created_ms FROM receipts").await;
    assert_eq!(rows, [(row.receipt, row.created_at.as_millisecond())]);
}
