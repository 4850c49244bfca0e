//! Orders of stores whose route is a tax service.

use super::*;

on_both!(
    a_service_evaluates_the_order_or_its_fallback_does,
    a_response_for_another_order_stores_nothing,
    the_service_is_called_once_for_each_order,
);

/// A response with one tax of 10 %, which prices do not include.
fn response(items: &[RequestItem]) -> TaxResponse {
    let items = items.iter().map(|item| {
        let amount = item.total_amount;
        let (unscaled, scale) = (amount.unscaled, amount.scale + 1);
        let tax = Decimal { unscaled, scale };
        let after = Decimal {
            unscaled: unscaled * 11,
            scale,
        };
        json!({
            "item_id": item.item_id, "total_amount": amount.to_string(), "taxable_amount": amount.to_string(),
            "total_tax": tax.to_string(), "total_amount_after_tax": after.to_string(),
            "taxes": [{"tax_code": item.tax_code, "tax_percent": "10.00", "taxable_amount": amount.to_string(),
                "tax_amount": tax.to_string()}],
        })
    });
    read(json!({
        "total_basket_amount": "0", "total_taxable_amount": "0", "total_tax": "0",
        "total_basket_amount_after_tax": "0", "tax_breakup": [], "item_tax": items.collect::<Value>(),
    }))
}

/// A host whose store uses a tax service, whose responses lack the first `missing` items.
async fn with_service(
    stage: &Stage,
    settings: TaxSettings,
    missing: usize,
) -> (App, Arc<Services>) {
    let service = Services::new(move |_, request| Ok(response(&request.items[missing..])));
    let app = app(stage).await.with_tax_upstreams(service.clone());
    let route = TaxRoute::Http;
    put_settings(stage, TaxSettings { route, ..settings }).await;
    put_table(stage, spain()).await;
    (app, service)
}

fn unavailable() -> TaxFault {
    TaxFault::Unavailable {
        cause: "connection refused".into(),
    }
}

async fn a_service_evaluates_the_order_or_its_fallback_does(stage: &Stage) {
    let (app, service) = with_service(stage, TaxSettings::default(), 0).await;
    let mut back = line(2, 110, "RED");
    back["returned"] = json!(true);
    let lines = json!([line(1, 1210, "STD"), back]);
    let order = place(&app, "o1", lines.clone()).await.expect("placed");
    let expected = json!([[["STD", "10", 1210, 121]], [["RED", "10", 110, 11]]]);
    assert_eq!(taxes(&order), expected);
    assert_eq!(
        (&order["net"], &order["gross"]),
        (&json!(1100), &json!(1210))
    );
    let evaluated = json!({"lines": [1, 2], "route": "http", "fallback": false});
    assert_eq!(order["tax_evaluation"]["evaluated"], evaluated);
    let request = json!(service.last_request());
    assert_eq!(request["business_date"], "2026-11-24");
    let items = json!([
        {"item_id": "1", "total_amount": "12.10", "tax_code": "STD"},
        {"item_id": "2", "total_amount": "-1.10", "tax_code": "RED"},
    ]);
    assert_eq!(request["items"], items);

    service.fail(unavailable());
    let error = place(&app, "o2", lines.clone()).await;
    assert!(
        matches!(
            &error,
            Err(Error::Upstream {
                code: "tax_service_unavailable",
                ..
            })
        ),
        "{error:?}"
    );
    assert!(!is_stored(&app, "o2").await);
    let settings = TaxSettings {
        route: TaxRoute::Http,
        fallback: Some(TaxRoute::Embedded),
        ..TaxSettings::default()
    };
    put_settings(stage, settings).await;
    let order = place(&app, "o2", lines.clone()).await.expect("placed");
    assert_eq!(
        taxes(&order),
        json!([[["STD", "21", 1000, 210]], [["RED", "10", 100, 10]]])
    );
    let evaluated = json!({"lines": [1, 2], "route": "embedded", "fallback": true});
    assert_eq!(order["tax_evaluation"]["evaluated"], evaluated);

    // The service rejects a code: no fallback, and the line is named.
    let rejected_code = Problem::new("items.1.tax_code", "must be known");
    service.fail(TaxFault::Rejected(vec![rejected_code]));
    let problems = rejected(&app, "o3", lines).await;
    assert!(
        problems[0].starts_with("lines.1.taxes: must be sent, or the tax code ")
            && problems[0].contains("must be known"),
        "{problems:?}"
    );
}

async fn a_response_for_another_order_stores_nothing(stage: &Stage) {
    let (app, _) = with_service(stage, TaxSettings::default(), 1).await;
    let error = place(
        &app,
        "o1",
        json!([line(1, 1210, "STD"), line(2, 110, "RED")]),
    )
    .await;
    let Err(Error::Upstream { code, message, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(code, "tax_response_invalid");
    assert!(message.contains("item 1 is missing"), "{message}");
    assert!(!is_stored(&app, "o1").await);
}

async fn the_service_is_called_once_for_each_order(stage: &Stage) {
    let settings = TaxSettings {
        line_taxes: LineTaxes::Record,
        ..TaxSettings::default()
    };
    let (app, service) = with_service(stage, settings, 0).await;
    let lines = json!([line(1, 1210, "STD")]);
    for _ in 0..3 {
        place(&app, "o1", lines.clone()).await.expect("placed");
    }
    assert_eq!(service.requests().len(), 1);
    // One call for the lines with taxes, one for those without.
    let lines = json!([line(1, 1210, "STD"), taxed(2, 121, 21)]);
    let order = place(&app, "o2", lines).await.expect("placed");
    assert_eq!(service.requests().len(), 3);
    assert_eq!(order["tax_evaluation"]["compared"]["route"], "http");
    // The order is accepted although the lines with taxes cannot be compared.
    service.fail(unavailable());
    let order = place(&app, "o3", json!([taxed(1, 121, 21)]))
        .await
        .expect("placed");
    let compared = &order["tax_evaluation"]["compared"];
    assert_eq!(
        compared["error"],
        "the tax service of the route http is unavailable"
    );
    assert_eq!(compared["route"], Value::Null);
}
