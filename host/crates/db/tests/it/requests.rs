//! Answers kept under a key; requests and receipts queued.

use crate::rows::at;
use crate::stage::Stage;
use galleria_app::Error;
use galleria_app::records::{Answered, OutgoingRow, ReceiptRow};

on_both!(
    an_answer_is_kept_once_under_its_key,
    requests_and_receipts_are_queued_once,
);

async fn an_answer_is_kept_once_under_its_key(stage: &Stage) {
    let answered = Answered {
        key: "k".into(),
        request: "a".repeat(64),
        status: 201,
        body: "{\"ø\":1}".into(),
        at: at(1),
    };
    write_tx!(stage, [answered], |tx| tx.answered_insert(&answered).await).expect("kept");
    let twice = write_tx!(stage, [answered], |tx| tx.answered_insert(&answered).await);
    assert!(matches!(twice, Err(Error::Exists { .. })), "{twice:?}");
    let found = read_tx!(stage, [], |tx| {
        Ok((tx.answered_get("k").await?, tx.answered_get("K").await?))
    });
    assert_eq!(found.expect("read"), (Some(answered), None));
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
    // Each subscriber of an event has a first request of its own.
    for subscriber in ["a", "b"] {
        let row = outgoing(subscriber);
        write_tx!(stage, [row], |tx| tx.outgoing_insert(&row).await).expect("queued");
        let twice = write_tx!(stage, [row], |tx| tx.outgoing_insert(&row).await);
        assert!(matches!(
            twice,
            Err(Error::Exists {
                what: "request",
                ..
            })
        ));
    }
    let found = stage
        .rows("SELECT subscriber, created_ms FROM requests ORDER BY subscriber")
        .await;
    let created = at(1).as_millisecond();
    assert_eq!(
        found,
        [("a".to_owned(), created), ("b".to_owned(), created)]
    );

    let row = ReceiptRow {
        id: "e1/a/1".into(),
        event_id: "e1".into(),
        subscriber: "a".into(),
        store_id: "s1".into(),
        order_id: None,
        receipt: "{\"text\":\"thanks\"}".into(),
        created_at: at(2),
    };
    write_tx!(stage, [row], |tx| tx.receipt_insert(&row).await).expect("queued");
    let twice = write_tx!(stage, [row], |tx| tx.receipt_insert(&row).await);
    assert!(matches!(
        twice,
        Err(Error::Exists {
            what: "receipt",
            ..
        })
    ));
    let found = stage.rows("SELECT receipt, created_ms FROM receipts").await;
    assert_eq!(found, [(row.receipt, row.created_at.as_millisecond())]);
}
