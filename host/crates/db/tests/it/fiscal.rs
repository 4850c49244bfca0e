//! Fiscal records: created with their payment, marked once, and early for a limited time.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::Policy;
use galleria_app::fiscal::{FiscalListQuery, MarkView, NewMark};
use galleria_app::orders::{NewOrder, NewPayment};
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::clock::DrivenClock;
use galleria_ports::records::{FiscalFilter, FiscalState};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    a_mark_concurrent_with_its_payment_is_applied_once,
    of_two_concurrent_marks_one_conflicts,
    an_early_mark_expires,
);

async fn new_app(stage: &Stage) -> (App, Arc<DrivenClock>) {
    let store = rows::store("s1", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let clock = Arc::new(DrivenClock::new(at(0)));
    let records = Arc::new(stage.db.clone());
    let app = App::new(
        records,
        Arc::new(NoPlugins),
        clock.clone(),
        Policy::default(),
    );
    (app, clock)
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
    }
}

async fn place(app: &App, id: &str) {
    let line = json!({
        "number": 1, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
        "quantity": "1",
        "regular_price": "10",
        "unit_price": "10",
    });
    let order = json!({
        "id": id, "store_id": "s1", "workstation": "w1", "begun_at": at(0), "lines": [line],
    });
    let order: NewOrder = serde_json::from_value(order).expect("an order");
    app.orders
        .place(key(&format!("order {id}")), order)
        .await
        .expect("placed");
}

async fn pay(app: &App, id: &str) {
    let tender =
        json!({ "number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0 });
    let payment = json!({ "id": format!("p-{id}"), "at": at(1), "tenders": [tender] });
    let payment: NewPayment = serde_json::from_value(payment).expect("a payment");
    let paid = app
        .orders
        .accept_payment(key(&format!("pay {id}")), id, payment)
        .await;
    paid.expect("paid");
}

async fn mark(app: &App, key_text: &str, order: &str, text: &str) -> Result<MarkView, Error> {
    let new = NewMark {
        scheme: "mydata".into(),
        mark: text.into(),
        issued_at: at(2),
        refund_id: None,
        attributes: rows::attributes(),
    };
    let reply = app.fiscal.accept_mark(key(key_text), order, new).await?;
    Ok(serde_json::from_str(&reply.body).expect("a mark"))
}

async fn states(app: &App, order: &str) -> (String, Vec<String>) {
    let mut detail = app.fiscal.order_records(order).await.expect("a record");
    let one = detail.records.remove(0);
    let marks = one.marks.into_iter().map(|mark| mark.state);
    (one.record.state, marks.collect())
}

/// Counts the events of marks of all orders.
async fn events(stage: &Stage) -> i64 {
    let rows = stage.rows("SELECT 'marks', COUNT(*) FROM outbox WHERE id LIKE 'mark:%'");
    rows.await[0].1
}

async fn a_mark_concurrent_with_its_payment_is_applied_once(stage: &Stage) {
    let (app, _) = new_app(stage).await;
    for round in 0..12_u32 {
        let id = format!("o{round}");
        place(&app, &id).await;
        let (paying, order_id) = (app.clone(), id.clone());
        let paid = tokio::spawn(async move { pay(&paying, &order_id).await });
        let marks = (0..2).map(|n| {
            let (app, id) = (app.clone(), id.clone());
            tokio::spawn(async move { mark(&app, &format!("{id}-{n}"), &id, "400001").await })
        });
        let marks: Vec<_> = marks.collect();
        for one in marks {
            let view = one.await.expect("no panic").expect("accepted");
            assert!(
                ["early", "applied"].contains(&&*view.state),
                "{}",
                view.state
            );
        }
        paid.await.expect("paid");
        assert_eq!(
            states(&app, &id).await,
            ("marked".into(), vec!["applied".into()])
        );
        assert_eq!(events(stage).await, i64::from(round) + 1);
    }
}

async fn of_two_concurrent_marks_one_conflicts(stage: &Stage) {
    let (app, _) = new_app(stage).await;
    place(&app, "o1").await;
    pay(&app, "o1").await;
    let marks = ["400001", "400002"].map(|text| {
        let app = app.clone();
        tokio::spawn(async move { mark(&app, text, "o1", text).await })
    });
    let mut applied = 0;
    for one in marks {
        match one.await.expect("no panic") {
            Ok(view) => {
                assert_eq!(view.state, "applied");
                applied += 1;
            }
            Err(Error::Conflict { code, .. }) => assert_eq!(code, "mark_conflict"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((applied, events(stage).await), (1, 1));
    let expected = ("conflict".into(), vec!["applied".into(), "conflict".into()]);
    assert_eq!(states(&app, "o1").await, expected);
}

async fn an_early_mark_expires(stage: &Stage) {
    let (app, clock) = new_app(stage).await;
    // The order is not placed yet.
    mark(&app, "1", "o1", "400001").await.expect("accepted");
    clock.advance(Duration::from_secs(72 * 3600));
    place(&app, "o1").await;
    pay(&app, "o1").await;
    assert_eq!(
        states(&app, "o1").await,
        ("marked".into(), vec!["applied".into()])
    );

    mark(&app, "2", "o2", "400002").await.expect("accepted");
    clock.advance(Duration::from_secs(72 * 3600 + 1));
    place(&app, "o2").await;
    pay(&app, "o2").await;
    assert_eq!(
        states(&app, "o2").await,
        ("early".into(), vec!["early".into()])
    );
    assert_eq!(events(stage).await, 1);
    let request = FiscalListQuery {
        filter: FiscalFilter {
            store_id: Some("s1".into()),
            state: Some(FiscalState::Early),
            ..FiscalFilter::default()
        },
        limit: 10,
        ..FiscalListQuery::default()
    };
    let listed = app.fiscal.list(request).await.expect("a list");
    let orders: Vec<_> = listed.records.iter().map(|one| &one.order_id).collect();
    assert_eq!(orders, ["o2"]);
    // The same mark again is no longer early.
    let view = mark(&app, "3", "o2", "400002").await.expect("accepted");
    assert_eq!(view.state, "applied");
    assert_eq!(
        states(&app, "o2").await,
        ("marked".into(), vec!["applied".into()])
    );
    assert_eq!(events(stage).await, 2);
}
