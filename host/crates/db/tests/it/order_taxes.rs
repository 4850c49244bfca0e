//! Orders without taxes get them through their store's route, on both databases.

mod carried;
mod services;

use crate::no_plugins::NoPlugins;
use crate::rows;
use crate::stage::Stage;
use crate::tax_kit::{Services, read};
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_domain::tax::{
    Calculator, LineTaxes, RequestItem, RoundingMethod, TaxResponse, TaxRoute, TaxRow, TaxSettings,
};
use galleria_domain::{Decimal, Digest, Problem};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::DrivenClock;
use galleria_ports::tax::TaxFault;
use serde_json::{Value, json};
use std::sync::Arc;

on_both!(
    a_store_without_settings_and_table_keeps_its_orders_as_sent,
    lines_without_taxes_get_those_of_the_table,
    a_repeated_order_is_not_evaluated_again,
    the_line_or_the_product_names_the_tax_code,
    unknown_codes_name_the_line_and_store_nothing,
    a_failing_route_stores_nothing,
    only_lines_without_taxes_are_evaluated,
    a_refund_has_the_taxes_of_the_sale,
    rounding_per_total_reaches_the_order,
);

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
    }
}

/// A host with the store `s1` in Spain.
async fn app(stage: &Stage) -> App {
    let mut store = rows::store("s1", "r");
    store.country = "ES".into();
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let mut policy = Policy::default();
    let total = Calculator {
        method: RoundingMethod::PerTotal,
        ..Calculator::default()
    };
    policy.tax.calculators.extend([
        (Calculator::DEFAULT.to_owned(), Calculator::default()),
        ("total".to_owned(), total),
    ]);
    let clock = Arc::new(DrivenClock::new(rows::at(0)));
    App::new(
        Arc::new(stage.db.clone()),
        Arc::new(NoPlugins),
        clock,
        policy,
    )
}

async fn put_table(stage: &Stage, rows: Value) {
    let rows: Vec<TaxRow> = read(rows);
    write_tx!(stage, [rows], |tx| {
        tx.tax_table_change("s1").await?;
        tx.tax_row_put_many("s1", &rows).await
    })
    .expect("a table");
}

async fn put_settings(stage: &Stage, settings: TaxSettings) {
    write_tx!(stage, [settings], |tx| tx
        .tax_settings_put("s1", &settings)
        .await)
    .expect("settings");
}

async fn delete_table(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        tx.tax_table_change("s1").await?;
        tx.tax_table_delete("s1").await
    })
    .expect("deleted");
}

fn spain() -> Value {
    json!([
        {"tax_code": "STD", "tax_level": "IVA 21", "retailer_tax_level_id": "1", "tax_percent": "21.00"},
        {"tax_code": "RED", "tax_level": "IVA 10", "retailer_tax_level_id": "2", "tax_percent": "10.00",
            "authority": "ES-AEAT", "treatment": "reduced"},
    ])
}

fn line(number: u32, cents: i64, code: &str) -> Value {
    let price = format!("{}.{:02}", cents / 100, cents % 100);
    let attributes = match code {
        "" => json!([]),
        code => json!([{"name": "tax-code", "value": code}]),
    };
    json!({
        "number": number, "sku": format!("sku-{number}"), "description": "a thing", "unit": "EA",
        "quantity": "1", "regular_price": price, "unit_price": price, "amount": cents,
        "attributes": attributes,
    })
}

/// A line that carries 21 % tax.
fn taxed(number: u32, cents: i64, tax: i64) -> Value {
    let mut line = line(number, cents, "");
    line["taxes"] = json!([{
        "code": "STD", "authority": "ES", "rate": "21", "taxable": cents - tax, "amount": tax,
        "included": true, "treatment": "standard",
    }]);
    line
}

async fn place(app: &App, id: &str, lines: Value) -> Result<Value, Error> {
    let order = json!({
        "id": id, "store_id": "s1", "workstation": "w1", "begun_at": "2026-11-24T10:00:00Z",
        "lines": lines,
    });
    let reply = app.orders.place(key(id), read(order)).await?;
    Ok(serde_json::from_str(&reply.body).expect("JSON"))
}

async fn rejected(app: &App, id: &str, lines: Value) -> Vec<String> {
    match place(app, id, lines).await {
        Err(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

async fn is_stored(app: &App, id: &str) -> bool {
    match app.orders.order(id).await {
        Ok(_) => true,
        Err(Error::NotFound { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Code, rate, taxable amount and amount of each tax of each line.
fn taxes(order: &Value) -> Value {
    let lines = order["lines"].as_array().expect("lines").iter();
    let lines = lines.map(|line| {
        let taxes = line["taxes"].as_array().expect("taxes").iter();
        taxes
            .map(|tax| json!([tax["code"], tax["rate"], tax["taxable"], tax["amount"]]))
            .collect::<Value>()
    });
    lines.collect()
}

async fn a_store_without_settings_and_table_keeps_its_orders_as_sent(stage: &Stage) {
    let app = app(stage).await;
    let order = place(&app, "o1", json!([line(1, 1210, "STD"), taxed(2, 121, 21)])).await;
    let order = order.expect("placed");
    assert_eq!(taxes(&order), json!([[], [["STD", "21", 100, 21]]]));
    assert_eq!(order["tax_evaluation"], Value::Null);
    assert_eq!(
        (&order["gross"], &order["net"]),
        (&json!(1331), &json!(1310))
    );
    // A table that was deleted does not count; settings without a table do.
    put_table(stage, spain()).await;
    delete_table(stage).await;
    let order = place(&app, "o2", json!([line(1, 1210, "STD")])).await;
    assert_eq!(taxes(&order.expect("placed")), json!([[]]));
    put_settings(stage, TaxSettings::default()).await;
    let problems = rejected(&app, "o3", json!([line(1, 1210, "STD")])).await;
    assert!(
        problems[0].contains("tax table, which is empty"),
        "{problems:?}"
    );
}

async fn lines_without_taxes_get_those_of_the_table(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let mut deposit = line(3, 25, "");
    deposit["kind"] = json!("deposit");
    deposit["parent"] = json!(1);
    let mut gone = line(4, 500, "NONE");
    gone["voided"] = json!(true);
    let mut back = line(5, 110, "RED");
    back["returned"] = json!(true);
    let lines = json!([
        line(1, 1210, "STD"),
        line(2, 550, "RED"),
        deposit,
        gone,
        back
    ]);
    let order = place(&app, "o1", lines).await.expect("placed");
    let expected = json!([
        [["STD", "21", 1000, 210]],
        [["RED", "10", 500, 50]],
        [],
        [],
        [["RED", "10", 100, 10]],
    ]);
    assert_eq!(taxes(&order), expected);
    assert_eq!(
        (&order["gross"], &order["net"]),
        (&json!(1675), &json!(1425))
    );
    let sums = json!([
        {"code": "STD", "authority": "ES", "rate": "21", "taxable": 1000, "amount": 210, "included": true,
            "treatment": "standard", "attributes": [
                {"name": "level", "value": "IVA 21"}, {"name": "level-id", "value": "1"}]},
        {"code": "RED", "authority": "ES-AEAT", "rate": "10", "taxable": 400, "amount": 40, "included": true,
            "treatment": "reduced", "attributes": [
                {"name": "level", "value": "IVA 10"}, {"name": "level-id", "value": "2"}]},
    ]);
    assert_eq!(order["taxes"], sums);
    let evaluation = json!({
        "evaluated": {"lines": [1, 2, 5], "route": "embedded", "fallback": false}, "compared": null,
    });
    assert_eq!(order["tax_evaluation"], evaluation);
    let stored = app.orders.order("o1").await.expect("stored");
    assert_eq!(serde_json::to_value(stored).expect("JSON"), order);

    // Prices without tax.
    let settings = TaxSettings {
        tax_included_in_price: false,
        ..TaxSettings::default()
    };
    put_settings(stage, settings).await;
    let order = place(&app, "o2", json!([line(1, 1000, "STD")]))
        .await
        .expect("placed");
    assert_eq!(taxes(&order), json!([[["STD", "21", 1000, 210]]]));
    assert_eq!(
        (&order["gross"], &order["net"]),
        (&json!(1210), &json!(1000))
    );
}

async fn a_repeated_order_is_not_evaluated_again(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    put_settings(stage, TaxSettings::default()).await;
    let lines = json!([line(1, 1210, "STD")]);
    let first = place(&app, "o1", lines.clone()).await.expect("placed");
    // An evaluation would fail now.
    delete_table(stage).await;
    rejected(&app, "o2", lines.clone()).await;
    let again = place(&app, "o1", lines).await.expect("the saved response");
    assert_eq!(again, first);
    let mut other = key("o1");
    other.request = Digest::of(b"another request");
    let order = json!({
        "id": "o1", "store_id": "s1", "workstation": "w1", "begun_at": "2026-11-24T10:00:00Z",
        "lines": [line(1, 100, "STD")],
    });
    let error = app
        .orders
        .place(other, read(order))
        .await
        .expect_err("another request");
    assert!(
        matches!(
            error,
            Error::Conflict {
                code: "idempotency_key_reused",
                ..
            }
        ),
        "{error:?}"
    );
}

async fn the_line_or_the_product_names_the_tax_code(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    for (sku, code) in [("sku-1", "RED"), ("sku-2", "RED"), ("sku-3", "")] {
        let product = json!({
            "gtin": "", "name": "A thing", "category": "", "unit": "EA",
            "price": {"amount": "1.00", "currency": "DKK"}, "tax_code": code, "active": true,
        });
        let put = app.catalogue.put(key(sku), "r", sku, read(product));
        put.await.expect("a product");
    }
    let default_taxes = read(json!([
        {"tax_code": "ANY", "tax_level": "IVA 4", "retailer_tax_level_id": "9", "tax_percent": "4"},
    ]));
    put_settings(
        stage,
        TaxSettings {
            default_taxes,
            ..TaxSettings::default()
        },
    )
    .await;
    let lines = json!([
        line(1, 110, ""),
        line(2, 121, "STD"),
        line(3, 104, ""),
        line(4, 104, ""),
        line(5, 104, "NONE"),
    ]);
    let order = place(&app, "o1", lines).await.expect("placed");
    let expected = json!([
        [["RED", "10", 100, 10]],
        [["STD", "21", 100, 21]],
        [["ANY", "4", 100, 4]],
        [["ANY", "4", 100, 4]],
        [["ANY", "4", 100, 4]],
    ]);
    assert_eq!(taxes(&order), expected);
}

async fn unknown_codes_name_the_line_and_store_nothing(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let mut gift = line(1, 5000, "");
    gift["kind"] = json!({"gift_card_sale": "****1234"});
    let lines = json!([
        gift,
        line(2, 100, "STD"),
        line(3, 100, "NONE"),
        line(7, 100, "")
    ]);
    let problems = rejected(&app, "o1", lines).await;
    assert_eq!(
        problems,
        [
            "lines.2.taxes: must be sent, or the tax code (attribute tax-code, else that of the product) must be \
             in the store's tax table on 2026-11-24, got \"NONE\" (item 3)",
            "lines.3.taxes: must be sent, or the tax code (attribute tax-code, else that of the product) must be \
             in the store's tax table on 2026-11-24, got \"\" (item 7)",
        ]
    );
    assert!(!is_stored(&app, "o1").await);
    // The key is not used up.
    place(&app, "o1", json!([line(1, 100, "STD")]))
        .await
        .expect("placed");
    // Invalid lines are reported before their taxes.
    let mut wrong = line(1, 100, "NONE");
    wrong["amount"] = json!(99);
    let problems = rejected(&app, "o2", json!([wrong])).await;
    assert!(problems[0].starts_with("lines.0.amount: "), "{problems:?}");
}

async fn a_failing_route_stores_nothing(stage: &Stage) {
    let app = app(stage).await;
    let settings = TaxSettings {
        route: TaxRoute::Grpc,
        ..TaxSettings::default()
    };
    put_settings(stage, settings).await;
    let error = place(&app, "o1", json!([line(1, 100, "STD")])).await;
    assert!(
        matches!(
            &error,
            Err(Error::Upstream {
                code: "tax_route_not_configured",
                ..
            })
        ),
        "{error:?}"
    );
    assert!(!is_stored(&app, "o1").await);
    // Lines that need no evaluation do not need the route.
    place(&app, "o1", json!([taxed(1, 121, 21)]))
        .await
        .expect("placed");
}

async fn only_lines_without_taxes_are_evaluated(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let settings = TaxSettings {
        calculator: Some("total".into()),
        ..TaxSettings::default()
    };
    put_settings(stage, settings).await;
    // The tax of the first line is wrong, but it is kept, and it does not count in the total that is rounded.
    let lines = json!([
        taxed(1, 100, 99),
        line(2, 100, "STD"),
        line(3, 100, "STD"),
        line(4, 100, "STD")
    ]);
    let order = place(&app, "o1", lines).await.expect("placed");
    let expected = json!([
        [["STD", "21", 1, 99]],
        [["STD", "21", 82, 18]],
        [["STD", "21", 83, 17]],
        [["STD", "21", 83, 17]],
    ]);
    assert_eq!(taxes(&order), expected);
    assert_eq!(
        order["tax_evaluation"]["evaluated"]["lines"],
        json!([2, 3, 4])
    );
    assert_eq!(order["tax_evaluation"]["compared"], Value::Null);
}

async fn a_refund_has_the_taxes_of_the_sale(stage: &Stage) {
    let app = app(stage).await;
    for included in [true, false] {
        let settings = TaxSettings {
            tax_included_in_price: included,
            ..TaxSettings::default()
        };
        put_settings(stage, settings).await;
        put_table(stage, spain()).await;
        let id = |what: &str| format!("{what}-{included}");
        let mut three = line(1, 999, "STD");
        three["quantity"] = json!("3");
        three["unit_price"] = json!("3.33");
        let order = place(&app, &id("o"), json!([three, line(2, 550, "RED")])).await;
        let order = order.expect("placed");
        let gross = order["gross"].as_i64().expect("an amount");
        // 9.99 and 5.50: 1.73 and 0.50 are included, or 2.10 and 0.55 are added.
        assert_eq!(gross, if included { 1549 } else { 1549 + 210 + 55 });
        let payment = json!({
            "id": id("p"), "at": "2026-11-24T10:05:00Z",
            "tenders": [{"number": 1, "kind": "card", "amount": gross, "tendered": gross, "change": 0}],
        });
        let order = id("o");
        let paid = app
            .orders
            .accept_payment(key(&id("p")), &order, read(payment));
        paid.await.expect("paid");
        // The rates change before the refunds.
        put_table(
            stage,
            json!([
                {"tax_code": "STD", "tax_level": "IVA 25", "retailer_tax_level_id": "1", "tax_percent": "25"},
                {"tax_code": "RED", "tax_level": "IVA 12", "retailer_tax_level_id": "2", "tax_percent": "12",
                    "authority": "ES-AEAT", "treatment": "reduced"},
            ]),
        )
        .await;
        let refund = async |what: &str, extent: Value| {
            let id = id(what);
            let new =
                json!({"id": id, "at": "2026-11-24T11:00:00Z", "reason": "torn", "extent": extent});
            let order = format!("o-{included}");
            let refunded = app.orders.accept_refund(key(&id), &order, read(new));
            let reply = refunded.await.expect("refunded");
            let view: Value = serde_json::from_str(&reply.body).expect("JSON");
            let rows = read_tx!(stage, [order], |tx| tx.refund_list_by_order(&order).await);
            let row = rows.expect("refunds").pop().expect("a refund");
            let refund = row.refund.expect("resolved");
            assert_eq!(view["gross"], refund.gross);
            let taxes = refund.taxes.iter();
            let taxes = taxes.map(|tax| (tax.rate.to_string(), tax.taxable, tax.amount));
            (refund.gross, refund.net, taxes.collect::<Vec<_>>())
        };
        let pieces = json!({"lines": [{"line": 1, "quantity": "1"}]});
        let (first, net, taxes) = refund("r1", pieces.clone()).await;
        let expected = if included {
            (333, 275, 58)
        } else {
            (403, 333, 70)
        };
        assert_eq!((first, net, taxes[0].2), expected);
        assert_eq!(taxes[0].0, "21");
        let (second, ..) = refund("r2", pieces).await;
        let (rest, _, taxes) = refund("r3", json!("full")).await;
        assert_eq!(first + second + rest, gross);
        assert_eq!(taxes[1].0, "10");
        let reported = stage
            .rows(
                "SELECT 'tax' AS what,
                     CAST(SUM(CASE WHEN returned = 1 THEN -tax ELSE tax END) AS BIGINT)
                 FROM sale_lines",
            )
            .await;
        assert_eq!(reported[0].1, 0);
    }
}

async fn rounding_per_total_reaches_the_order(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let settings = TaxSettings {
        calculator: Some("total".into()),
        tax_included_in_price: false,
        ..TaxSettings::default()
    };
    put_settings(stage, settings).await;
    let lines: Vec<Value> = (1..=3).map(|number| line(number, 102, "STD")).collect();
    let order = place(&app, "o1", json!(lines)).await.expect("placed");
    // 0.2142 each, 0.6426 in all; per line it would be 0.63.
    assert_eq!(order["gross"], 306 + 64);
    assert_eq!(order["taxes"][0]["amount"], 64);
    assert_eq!(order["taxes"][0]["taxable"], 306);
}
