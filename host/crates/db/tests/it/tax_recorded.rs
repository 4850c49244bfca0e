//! Recorded baskets of a store, evaluated again by another route: comparisons, recorded evaluations and orders.

use crate::rows::at;
use crate::stage::Stage;
use crate::tax_kit::commit;
use crate::tax_shop::{Shop, policy, settings};
use galleria_app::IdempotencyKey;
use galleria_app::orders::NewOrder;
use galleria_app::tax::{ComparisonReport, RecordedBaskets};
use galleria_domain::Digest;
use galleria_domain::tax::{TaxRoute, TaxSettings};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    evaluations_and_orders_of_a_store_without_a_shadow_are_compared,
    a_basket_that_is_recorded_twice_is_evaluated_once,
    baskets_before_a_time_and_lines_that_were_sent_with_taxes_do_not_count,
);

/// A store without a shadow, whose route is `embedded` with 25 % for every code.
async fn open(stage: &Stage) -> Shop {
    let shop = Shop::open(stage, policy(), 1_000).await;
    let settings = TaxSettings {
        shadow: None,
        ..settings()
    };
    let put = shop
        .app
        .taxes
        .put_settings(None, "s", settings, "ana", "no shadow");
    put.await.expect("settings");
    shop
}

async fn place(shop: &Shop, id: &str, cents: i64, taxes: Value) {
    let price = format!("{}.{:02}", cents / 100, cents % 100);
    let order = json!({
        "id": id, "store_id": "s", "workstation": "w", "begun_at": at(0).to_string(),
        "lines": [{
            "number": 1, "sku": "sku", "description": "a thing", "unit": "EA", "quantity": "1",
            "regular_price": price, "unit_price": price, "amount": cents, "taxes": taxes,
            "attributes": [{"name": "tax-code", "value": "STD"}],
        }],
    });
    let order: NewOrder = serde_json::from_value(order).expect("an order");
    let key = IdempotencyKey {
        key: id.into(),
        request: Digest::of(id.as_bytes()),
        as_sent: None,
    };
    shop.app.orders.place(key, order).await.expect("placed");
}

async fn replay(shop: &Shop, since: Option<Timestamp>) -> ComparisonReport {
    let mut evaluated = 0;
    let count = || evaluated += 1;
    let report = shop
        .app
        .taxes
        .replay_recorded("s", since, TaxRoute::Http, count);
    let report = report.await.expect("a report");
    let RecordedBaskets {
        comparisons,
        evaluations,
        orders,
    } = report.recorded.expect("recorded baskets");
    assert_eq!(comparisons + evaluations + orders, evaluated);
    report
}

fn recorded(comparisons: u64, evaluations: u64, orders: u64) -> Option<RecordedBaskets> {
    Some(RecordedBaskets {
        comparisons,
        evaluations,
        orders,
    })
}

async fn evaluations_and_orders_of_a_store_without_a_shadow_are_compared(stage: &Stage) {
    let shop = open(stage).await;
    let none = replay(&shop, None).await;
    assert_eq!(
        (none.recorded, none.summary.routes.len()),
        (recorded(0, 0, 0), 0)
    );
    commit(&shop.app, "s", Some("k1"), "12.50").await;
    place(&shop, "o1", 2_500, json!([])).await;
    let equal = replay(&shop, None).await;
    assert_eq!(equal.recorded, recorded(0, 1, 1));
    let counts = equal.summary.routes[0].baskets;
    assert_eq!((counts.equal, counts.different, counts.failed), (2, 0, 0));
    assert!(equal.differences.taxes.is_empty() && equal.differences.amounts.is_empty());

    shop.service.set_rate("20");
    let report = replay(&shop, None).await;
    let counts = &report.summary.routes[0];
    assert_eq!(
        (counts.route, counts.shadow),
        (TaxRoute::Embedded, TaxRoute::Http)
    );
    assert_eq!((counts.baskets.equal, counts.baskets.different), (0, 2));
    let row = &report.differences.taxes[0];
    let rates =
        [row.route_percent, row.shadow_percent].map(|rate| rate.map(|rate| rate.to_string()));
    assert_eq!(rates, [Some("25".to_owned()), Some("20".to_owned())]);
    // 2.50 and 5.00 by the route, 2.08 and 4.17 by the other one.
    assert_eq!(row.difference.to_string(), "-1.25");
    let names: Vec<&str> = row.examples.iter().map(|one| &*one.basket).collect();
    assert!(
        names[0].starts_with("evaluation ") && names[1] == "order o1",
        "{names:?}"
    );
    // Nothing of it counts for a move.
    assert_eq!(shop.page(None).await.summary.routes, []);
}

async fn a_basket_that_is_recorded_twice_is_evaluated_once(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 1_000).await;
    // The shadow records the first and the third of these equal baskets.
    for (number, key) in (1..).zip(["k1", "k2", "k3"]) {
        commit(&shop.app, "s", Some(key), "10.00").await;
        shop.settle(number).await;
    }
    let report = replay(&shop, None).await;
    assert_eq!(report.recorded, recorded(2, 1, 0));
    // An order with the same basket is another record of it.
    place(&shop, "o1", 1_000, json!([])).await;
    shop.settle(4).await;
    assert_eq!(replay(&shop, None).await.recorded, recorded(2, 1, 0));
    place(&shop, "o2", 1_100, json!([])).await;
    shop.settle(5).await;
    // The shadow has recorded this basket, too.
    assert_eq!(replay(&shop, None).await.recorded, recorded(3, 1, 0));
}

async fn baskets_before_a_time_and_lines_that_were_sent_with_taxes_do_not_count(stage: &Stage) {
    let shop = open(stage).await;
    commit(&shop.app, "s", Some("k1"), "1.00").await;
    place(&shop, "o1", 200, json!([])).await;
    let sent = json!([{"code": "STD", "authority": "DK", "rate": "25", "taxable": 240, "amount": 60,
        "included": true, "treatment": "standard"}]);
    place(&shop, "o2", 300, sent).await;
    assert_eq!(replay(&shop, None).await.recorded, recorded(0, 1, 1));
    shop.clock.advance(Duration::from_hours(1));
    let since = at(3_600_000);
    assert_eq!(replay(&shop, Some(since)).await.recorded, recorded(0, 0, 0));
    commit(&shop.app, "s", Some("k2"), "4.00").await;
    place(&shop, "o3", 500, json!([])).await;
    assert_eq!(replay(&shop, Some(since)).await.recorded, recorded(0, 1, 1));
    // Without a time, those of the last 30 days.
    shop.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(replay(&shop, None).await.recorded, recorded(0, 1, 1));
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(replay(&shop, None).await.recorded, recorded(0, 0, 0));
}
