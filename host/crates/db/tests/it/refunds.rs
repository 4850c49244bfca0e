//! Never more is given back than was paid: in full, by line, by amount, and by many at a time.

use crate::rows;
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_app::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams, Usage};
use galleria_app::{App, DrivenClock, Error, Key, Policy};
use galleria_domain::{CallFault, Context, Decision, Digest, HostFault, Member, Totals};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

on_both!(
    of_two_full_refunds_at_once_one_is_accepted,
    lines_are_given_back_piece_by_piece_and_no_piece_twice,
    amounts_come_to_no_more_than_was_paid,
    refunds_before_the_payment_share_what_is_paid,
);

/// No plugin at all.
struct Nobody;

fn not_served<T>() -> Called<T> {
    Called {
        outcome: Err(CallFault::Host(HostFault::NotServed("nothing is".into()))),
        usage: Usage::default(),
    }
}

impl Plugins for Nobody {
    fn all(&self) -> &[Loaded] {
        &[]
    }

    fn react(&self, _: &Loaded, _: &Context, _: &Argument) -> Called<Decision> {
        not_served()
    }

    fn identify(&self, _: &Loaded, _: &Context, _: &str) -> Called<Option<Member>> {
        not_served()
    }

    fn run(&self, _: &Loaded, _: &Context, _: &Stream, _: Streams) -> Called<Totals> {
        not_served()
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a request")
}

fn key(text: &str) -> Key {
    Key {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
    }
}

/// An order `o1` of two lines: three pieces for 10.00 in all, and one for 2.10.
async fn ordered(stage: &Stage) -> App {
    let store = rows::store("s1", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let clock = Arc::new(DrivenClock::new(rows::at(0)));
    let records = Arc::new(stage.db.clone());
    let app = App::new(records, Arc::new(Nobody), clock, Policy::default());
    let line = |number: u32, pieces: i64, cents: i64, off: i64| {
        json!({
            "number": number, "sku": "sku", "description": "a thing", "unit": "EA",
            "quantity": pieces.to_string(),
            "regular_price": format!("{}.{:02}", cents / 100, cents % 100),
            "unit_price": format!("{}.{:02}", cents / 100, cents % 100),
            "amount": pieces * cents - off,
            "discounts": [{ "id": "d", "reason": "less", "amount": off }],
        })
    };
    let order = json!({
        "id": "o1", "store_id": "s1", "workstation": "w1", "begun_at": "2026-11-24T10:00:00Z",
        "lines": [line(1, 3, 334, 2), line(2, 1, 210, 0)],
    });
    app.order_place(key("order"), read(order))
        .await
        .expect("placed");
    app
}

async fn pay(app: &App) {
    let payment = json!({
        "id": "p1", "at": "2026-11-24T10:05:00Z",
        "tenders": [{ "number": 1, "kind": "card", "amount": 1210, "tendered": 1210, "change": 0 }],
    });
    app.payment_accept(key("payment"), "o1", read(payment))
        .await
        .expect("paid");
}

/// Asks for refunds of the same extent at the same time; how many were accepted.
async fn ask(app: &App, name: &str, times: usize, extent: Value) -> usize {
    let ask = |number: usize| {
        let id = format!("{name}-{number}");
        let refund = read(json!({
            "id": id, "at": "2026-11-24T11:00:00Z", "reason": "torn", "extent": extent,
        }));
        async move { app.refund_accept(key(&id), "o1", refund).await }
    };
    let answers = join_all((0..times).map(ask)).await;
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(matches!(refused, Error::Invalid(_)), "{refused}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

/// What all refunds of the order gave back, by their sums and by what was booked as tenders.
async fn given_back(stage: &Stage) -> i64 {
    let refunds = read_tx!(stage, [], |tx| tx.refunds_of_order("o1").await).expect("refunds");
    let came_to = refunds.iter().filter_map(|row| row.refund.as_ref());
    let gross: i64 = came_to.clone().map(|refund| refund.gross).sum();
    let tenders = came_to.flat_map(|refund| &refund.tenders);
    assert_eq!(tenders.map(|tender| tender.amount).sum::<i64>(), gross);
    let booked = stage
        .rows("SELECT 'back' AS side, CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM tenders WHERE back = 1")
        .await;
    assert_eq!(booked[0].1, -gross);
    gross
}

async fn of_two_full_refunds_at_once_one_is_accepted(stage: &Stage) {
    let app = ordered(stage).await;
    pay(&app).await;
    assert_eq!(ask(&app, "full", 2, json!("full")).await, 1);
    assert_eq!(given_back(stage).await, 1210);
    for extent in [
        json!("full"),
        json!({ "amount": 1 }),
        json!({ "lines": [{ "line": 2 }] }),
    ] {
        assert_eq!(ask(&app, "more", 1, extent).await, 0);
    }
    let payment = app.payment("p1").await.expect("a payment");
    assert_eq!((payment.refunded, payment.left), (1210, 0));
}

async fn lines_are_given_back_piece_by_piece_and_no_piece_twice(stage: &Stage) {
    let app = ordered(stage).await;
    pay(&app).await;
    let piece = json!({ "lines": [{ "line": 1, "quantity": "1" }] });
    assert_eq!(ask(&app, "piece", 5, piece).await, 3);
    // 10.00 in three parts, none of them 3.33 and a third.
    assert_eq!(given_back(stage).await, 1000);
    assert_eq!(
        ask(&app, "line", 3, json!({ "lines": [{ "line": 2 }] })).await,
        1
    );
    assert_eq!(given_back(stage).await, 1210);
    assert_eq!(ask(&app, "rest", 1, json!("full")).await, 0);
}

async fn amounts_come_to_no_more_than_was_paid(stage: &Stage) {
    let app = ordered(stage).await;
    pay(&app).await;
    assert_eq!(ask(&app, "too-much", 1, json!({ "amount": 1211 })).await, 0);
    assert_eq!(ask(&app, "sum", 4, json!({ "amount": 500 })).await, 2);
    assert_eq!(given_back(stage).await, 1000);
    // The line would come to 10.00: 2.10 are left.
    let line = json!({ "lines": [{ "line": 1 }] });
    assert_eq!(ask(&app, "line", 1, line).await, 0);
    let payment = app.payment("p1").await.expect("a payment");
    assert_eq!((payment.refunded, payment.left), (1000, 210));
    for id in &payment.refunds {
        let refund = app.refund(id).await.expect("a refund");
        assert_eq!((refund.gross, refund.left), (Some(500), Some(210)));
    }
    assert_eq!(ask(&app, "over", 1, json!({ "amount": 211 })).await, 0);
    assert_eq!(ask(&app, "last", 3, json!("full")).await, 1);
    assert_eq!(given_back(stage).await, 1210);
}

async fn refunds_before_the_payment_share_what_is_paid(stage: &Stage) {
    let app = ordered(stage).await;
    assert_eq!(ask(&app, "early", 2, json!({ "amount": 800 })).await, 2);
    assert_eq!(given_back(stage).await, 0);
    pay(&app).await;
    assert_eq!(given_back(stage).await, 800);
    assert_eq!(ask(&app, "late", 2, json!({ "amount": 300 })).await, 1);
    assert_eq!(given_back(stage).await, 1100);
}
