//! Refunds never exceed the payment: in full, by line, by amount, and concurrently.

use crate::rows;
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::Policy;
use galleria_domain::{CallFault, Context, Decision, Digest, HostFault, Member, Totals};
use galleria_ports::Error;
use galleria_ports::clock::DrivenClock;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, Usage,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

on_both!(
    one_of_two_concurrent_full_refunds_is_accepted,
    pieces_of_a_line_are_refunded_once,
    amounts_never_exceed_the_payment,
    early_refunds_share_the_payment,
);

/// A host without plugins.
struct NoPlugins;

fn not_served<T>() -> CallOutcome<T> {
    CallOutcome {
        outcome: Err(CallFault::Host(HostFault::NotServed("no plugin".into()))),
        usage: Usage::default(),
    }
}

impl Plugins for NoPlugins {
    fn all(&self) -> Vec<LoadedPlugin> {
        Vec::new()
    }

    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        not_served()
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        not_served()
    }

    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        not_served()
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a request")
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
    }
}

/// Places order `o1` with two lines: three pieces for 10.00 in total, and one for 2.10.
async fn app_with_order(stage: &Stage) -> App {
    let store = rows::store("s1", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let clock = Arc::new(DrivenClock::new(rows::at(0)));
    let records = Arc::new(stage.db.clone());
    let app = App::new(records, Arc::new(NoPlugins), clock, Policy::default());
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
    app.orders
        .place(key("order"), read(order))
        .await
        .expect("placed");
    app
}

async fn pay(app: &App) {
    let payment = json!({
        "id": "p1", "at": "2026-11-24T10:05:00Z",
        "tenders": [{ "number": 1, "kind": "card", "amount": 1210, "tendered": 1210, "change": 0 }],
    });
    app.orders
        .accept_payment(key("payment"), "o1", read(payment))
        .await
        .expect("paid");
}

/// Requests concurrent refunds of the same extent and returns the number of accepted ones.
async fn request_refunds(app: &App, name: &str, times: usize, extent: Value) -> usize {
    let request = |number: usize| {
        let id = format!("{name}-{number}");
        let refund = read(json!({
            "id": id, "at": "2026-11-24T11:00:00Z", "reason": "torn", "extent": extent,
        }));
        async move { app.orders.accept_refund(key(&id), "o1", refund).await }
    };
    let answers = join_all((0..times).map(request)).await;
    for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

/// The total of all refunds of the order. Checks it against the tenders.
async fn refunded_total(stage: &Stage) -> i64 {
    let refunds = read_tx!(stage, [], |tx| tx.refund_list_by_order("o1").await).expect("refunds");
    let resolved = refunds.iter().filter_map(|row| row.refund.as_ref());
    let gross: i64 = resolved.clone().map(|refund| refund.gross).sum();
    let tenders = resolved.flat_map(|refund| &refund.tenders);
    assert_eq!(tenders.map(|tender| tender.amount).sum::<i64>(), gross);
    let booked = stage
        .rows("SELECT 'back' AS side, CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM tenders WHERE back = 1")
        .await;
    assert_eq!(booked[0].1, -gross);
    gross
}

async fn one_of_two_concurrent_full_refunds_is_accepted(stage: &Stage) {
    let app = app_with_order(stage).await;
    pay(&app).await;
    assert_eq!(request_refunds(&app, "full", 2, json!("full")).await, 1);
    assert_eq!(refunded_total(stage).await, 1210);
    for extent in [
        json!("full"),
        json!({ "amount": 1 }),
        json!({ "lines": [{ "line": 2 }] }),
    ] {
        assert_eq!(request_refunds(&app, "more", 1, extent).await, 0);
    }
    let payment = app.orders.payment("p1").await.expect("a payment");
    assert_eq!((payment.refunded, payment.left), (1210, 0));
}

async fn pieces_of_a_line_are_refunded_once(stage: &Stage) {
    let app = app_with_order(stage).await;
    pay(&app).await;
    let piece = json!({ "lines": [{ "line": 1, "quantity": "1" }] });
    assert_eq!(request_refunds(&app, "piece", 5, piece).await, 3);
    // 10.00 in three parts, without a rest.
    assert_eq!(refunded_total(stage).await, 1000);
    assert_eq!(
        request_refunds(&app, "line", 3, json!({ "lines": [{ "line": 2 }] })).await,
        1
    );
    assert_eq!(refunded_total(stage).await, 1210);
    assert_eq!(request_refunds(&app, "rest", 1, json!("full")).await, 0);
}

async fn amounts_never_exceed_the_payment(stage: &Stage) {
    let app = app_with_order(stage).await;
    pay(&app).await;
    assert_eq!(
        request_refunds(&app, "too-much", 1, json!({ "amount": 1211 })).await,
        0
    );
    assert_eq!(
        request_refunds(&app, "sum", 4, json!({ "amount": 500 })).await,
        2
    );
    assert_eq!(refunded_total(stage).await, 1000);
    // The line would cost 10.00, but only 2.10 are left.
    let line = json!({ "lines": [{ "line": 1 }] });
    assert_eq!(request_refunds(&app, "line", 1, line).await, 0);
    let payment = app.orders.payment("p1").await.expect("a payment");
    assert_eq!((payment.refunded, payment.left), (1000, 210));
    for id in &payment.refunds {
        let refund = app.orders.refund(id).await.expect("a refund");
        assert_eq!((refund.gross, refund.left), (Some(500), Some(210)));
    }
    assert_eq!(
        request_refunds(&app, "over", 1, json!({ "amount": 211 })).await,
        0
    );
    assert_eq!(request_refunds(&app, "last", 3, json!("full")).await, 1);
    assert_eq!(refunded_total(stage).await, 1210);
}

async fn early_refunds_share_the_payment(stage: &Stage) {
    let app = app_with_order(stage).await;
    assert_eq!(
        request_refunds(&app, "early", 2, json!({ "amount": 800 })).await,
        2
    );
    assert_eq!(refunded_total(stage).await, 0);
    pay(&app).await;
    assert_eq!(refunded_total(stage).await, 800);
    assert_eq!(
        request_refunds(&app, "late", 2, json!({ "amount": 300 })).await,
        1
    );
    assert_eq!(refunded_total(stage).await, 1100);
}
