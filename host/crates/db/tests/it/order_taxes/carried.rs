//! Lines that carry taxes: compared with the store's route as its settings say.

use super::*;

on_both!(
    lines_with_taxes_must_agree_if_the_store_requires_it,
    differences_are_recorded_and_shown,
);

async fn lines_with_taxes_must_agree_if_the_store_requires_it(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let settings = TaxSettings {
        line_taxes: LineTaxes::Require,
        ..TaxSettings::default()
    };
    put_settings(stage, settings.clone()).await;
    let problems = rejected(
        &app,
        "o1",
        json!([line(1, 100, "STD"), taxed(2, 1210, 209)]),
    )
    .await;
    assert_eq!(
        problems,
        [
            "lines.1.taxes: must agree with the store's tax route embedded: code \"STD\" at 21 % (included): the line \
          has 209, the route has 210 (in minor units)"
        ]
    );
    assert!(!is_stored(&app, "o1").await);
    let lines = json!([line(1, 110, "RED"), taxed(2, 1210, 210)]);
    let order = place(&app, "o1", lines).await.expect("placed");
    let evaluation = json!({
        "evaluated": {"lines": [1], "route": "embedded", "fallback": false},
        "compared": {"lines": [2], "route": "embedded", "fallback": false, "differences": [], "error": null},
    });
    assert_eq!(order["tax_evaluation"], evaluation);
    // A route that fails cannot confirm the taxes.
    let failing = TaxSettings {
        route: TaxRoute::Http,
        ..settings
    };
    put_settings(stage, failing).await;
    let error = place(&app, "o2", json!([taxed(1, 1210, 210)])).await;
    assert!(matches!(error, Err(Error::Upstream { .. })), "{error:?}");
    assert!(!is_stored(&app, "o2").await);
}

async fn differences_are_recorded_and_shown(stage: &Stage) {
    let app = app(stage).await;
    put_table(stage, spain()).await;
    let settings = TaxSettings {
        line_taxes: LineTaxes::Record,
        ..TaxSettings::default()
    };
    put_settings(stage, settings.clone()).await;
    let lines = json!([taxed(1, 121, 21), taxed(2, 1210, 209)]);
    let order = place(&app, "o1", lines.clone()).await.expect("placed");
    assert_eq!(
        taxes(&order),
        json!([[["STD", "21", 100, 21]], [["STD", "21", 1001, 209]]])
    );
    let compared = json!({
        "lines": [1, 2], "route": "embedded", "fallback": false, "error": null,
        "differences": [
            {"line": 2, "code": "STD", "rate": "21", "included": true, "sent": 209, "evaluated": 210}],
    });
    assert_eq!(order["tax_evaluation"]["compared"], compared);
    let shown = |id: &'static str| {
        let app = &app;
        async move {
            let timeline = app.operations.timeline(id, &Reach::Everything).await;
            let entries = timeline.expect("a timeline").entries.into_iter();
            let mut entries = entries.filter(|entry| entry.what == "order_taxes");
            entries.next().expect("an entry").facts
        }
    };
    let facts = shown("o1").await;
    assert_eq!(
        facts["differing"],
        "line 2: code \"STD\" at 21 % (included): the line has 209, the route has 210 (in minor units)"
    );
    assert_eq!(
        (&*facts["compared_lines"], &*facts["differences"]),
        ("1, 2", "1")
    );
    assert_eq!(&*facts["minor_digits"], "2");

    // The order is accepted although the route fails.
    let failing = TaxSettings {
        route: TaxRoute::Http,
        ..settings
    };
    put_settings(stage, failing).await;
    let order = place(&app, "o2", lines).await.expect("placed");
    assert_eq!(order["tax_evaluation"]["compared"]["route"], Value::Null);
    assert!(order["tax_evaluation"]["compared"]["error"].is_string());
    assert!(shown("o2").await.contains_key("not_compared"));
}
