//! Taxes of orders over HTTP.

use crate::doubles::OneMember;
use crate::host::{Host, order, payment, refund, test_config};
use crate::stage::Stage;
use galleria_app::Policy;
use galleria_domain::tax::{Calculator, LineTaxes, TaxRoute, TaxRow, TaxSettings};
use galleria_ports::in_tx;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

on_both!(
    an_order_without_taxes_gets_them_and_its_refund_too,
    a_line_with_unknown_or_different_taxes_is_named,
    an_order_is_not_stored_if_its_tax_service_fails,
);

/// A host with the store `s1`, whose table has one code.
async fn host(stage: &Stage) -> Host {
    let mut policy = Policy::default();
    let calculators = &mut policy.tax.calculators;
    calculators.insert(Calculator::DEFAULT.to_owned(), Calculator::default());
    let plugins = Arc::new(OneMember::default());
    let (host, _) = Host::with(stage.records().await, plugins, policy, test_config()).await;
    host.add_store_and_shift().await;
    let rows = json!([{"tax_code": "STD", "tax_level": "VAT 21", "retailer_tax_level_id": "1",
        "tax_percent": "21.00"}]);
    let rows: Vec<TaxRow> = serde_json::from_value(rows).expect("rows");
    let put = host.app.core.records().write(in_tx!(|tx, rows| {
        tx.tax_table_change("s1").await?;
        tx.tax_row_put_many("s1", &rows).await
    }));
    put.await.expect("a table");
    host
}

async fn put_settings(host: &Host, settings: TaxSettings) {
    let put = host.app.core.records().write(in_tx!(|tx, settings| tx
        .tax_settings_put("s1", &settings)
        .await));
    put.await.expect("settings");
}

/// The order of 12.10 without taxes.
fn untaxed(id: &str, code: &str) -> Value {
    let mut order = order(id);
    order["lines"][0]["taxes"] = json!([]);
    order["lines"][0]["attributes"] = json!([{"name": "tax-code", "value": code}]);
    order
}

async fn an_order_without_taxes_gets_them_and_its_refund_too(stage: &Stage) {
    let host = host(stage).await;
    let placed = host.post("/v1/orders", "o", &untaxed("o1", "STD")).await;
    let text = placed.text.clone();
    let placed = placed.expect(201);
    let tax = json!({
        "code": "STD", "authority": "ES", "rate": "21", "taxable": 1000, "amount": 210, "included": true,
        "treatment": "standard", "attributes": [
            {"name": "level", "value": "VAT 21"}, {"name": "level-id", "value": "1"}],
    });
    assert_eq!(placed["taxes"], json!([tax]));
    assert_eq!(placed["lines"][0]["taxes"], json!([tax]));
    assert_eq!(
        (&placed["gross"], &placed["net"]),
        (&json!(1210), &json!(1000))
    );
    let evaluation = json!({
        "evaluated": {"lines": [1], "route": "embedded", "fallback": false}, "compared": null,
    });
    assert_eq!(placed["tax_evaluation"], evaluation);
    let again = host.post("/v1/orders", "o", &untaxed("o1", "STD")).await;
    assert_eq!((again.status, &again.text), (201, &text));
    assert_eq!(
        host.get("/v1/orders/o1").await.expect(200)["taxes"],
        json!([tax])
    );

    let paid = host
        .post(
            "/v1/orders/o1/payments",
            "p",
            &payment("p1", 1210, Some("shift-1")),
        )
        .await;
    paid.expect(201);
    host.post("/v1/orders/o1/refunds", "r", &refund("r1"))
        .await
        .expect(201);
    let shown = host.get("/v1/refunds/r1").await.expect(200);
    assert_eq!(shown["taxes"], json!([tax]), "{shown:#}");
    host.stop().await;
}

async fn a_line_with_unknown_or_different_taxes_is_named(stage: &Stage) {
    let host = host(stage).await;
    let unknown = host.post("/v1/orders", "o", &untaxed("o1", "NONE")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "invalid"));
    assert_eq!(unknown.json()["errors"][0]["field"], "lines.0.taxes");
    // A rejected order does not use up its key.
    host.post("/v1/orders", "o", &untaxed("o1", "STD"))
        .await
        .expect(201);

    let settings = TaxSettings {
        line_taxes: LineTaxes::Require,
        ..TaxSettings::default()
    };
    put_settings(&host, settings).await;
    let mut wrong = order("o2");
    wrong["lines"][0]["taxes"][0]["code"] = json!("STD");
    wrong["lines"][0]["taxes"][0]["amount"] = json!(200);
    let differs = host.write(Method::POST, "/v1/orders", "o2", &wrong).await;
    assert_eq!((differs.status, differs.code().as_str()), (422, "invalid"));
    let error = &differs.json()["errors"][0];
    assert_eq!(error["field"], "lines.0.taxes");
    assert_eq!(
        error["message"],
        "must agree with the store's tax route embedded: code \"STD\" at 21 % (included): the line has 200, the \
         route has 210 (in minor units)"
    );
    wrong["lines"][0]["taxes"][0]["amount"] = json!(210);
    host.post("/v1/orders", "o2", &wrong).await.expect(201);
    host.stop().await;
}

/// The tax services of the double never answer.
async fn an_order_is_not_stored_if_its_tax_service_fails(stage: &Stage) {
    let host = host(stage).await;
    let settings = TaxSettings {
        route: TaxRoute::Http,
        ..TaxSettings::default()
    };
    put_settings(&host, settings.clone()).await;
    let failed = host.post("/v1/orders", "o", &untaxed("o1", "STD")).await;
    assert_eq!(
        (failed.status, failed.code().as_str()),
        (503, "tax_service_unavailable")
    );
    assert!(!failed.text.contains("10.0.0.7"), "{}", failed.text);
    assert_eq!(host.get("/v1/orders/o1").await.status, 404);
    // A line with taxes needs no service.
    host.post("/v1/orders", "o2", &order("o2"))
        .await
        .expect(201);
    // The till repeats the request under its key.
    let fallback = TaxSettings {
        fallback: Some(TaxRoute::Embedded),
        ..settings
    };
    put_settings(&host, fallback).await;
    let placed = host
        .post("/v1/orders", "o", &untaxed("o1", "STD"))
        .await
        .expect(201);
    let evaluated = json!({"lines": [1], "route": "embedded", "fallback": true});
    assert_eq!(placed["tax_evaluation"]["evaluated"], evaluated);
    host.stop().await;
}
