//! Tax settings of stores: changes, and their records.

use crate::stage::Stage;
use crate::tax_kit::operations;
use crate::tax_routes::{add_store, app, evaluated, put, settings, with_services};
use galleria_app::IdempotencyKey;
use galleria_domain::Digest;
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::Error;
use serde_json::{Value, json};

on_both!(
    settings_are_replaced_recorded_and_listed,
    deleted_settings_leave_the_defaults_and_are_recorded,
    unknown_calculators_and_routes_without_an_address_are_rejected,
    concurrent_changes_of_different_fields_are_both_kept,
);

async fn settings_are_replaced_recorded_and_listed(stage: &Stage) {
    add_store(stage, "s").await;
    add_store(stage, "t").await;
    let (app, _) = with_services(stage).await;
    assert_eq!(
        app.taxes.settings("s").await.expect("defaults"),
        TaxSettings::default()
    );
    let unknown = app.taxes.settings("unknown").await;
    assert!(matches!(
        unknown,
        Err(Error::NotFound { what: "store", .. })
    ));

    let key = IdempotencyKey {
        key: "k".into(),
        request: Digest::of(b"k"),
        as_sent: None,
    };
    let grpc = settings(TaxRoute::Grpc);
    let first = app
        .taxes
        .put_settings(key.clone(), "s", grpc.clone(), "ana", "ticket 1");
    let first = first.await.expect("stored");
    let second = app
        .taxes
        .put_settings(key, "s", grpc.clone(), "ana", "ticket 1");
    let second = second.await.expect("repeated");
    assert_eq!((first.body, second.repeated), (second.body, true));
    // Equal settings are no change.
    put(&app, grpc.clone()).await.expect("stored");
    let listed = app.taxes.settings_list("", 10).await.expect("a list");
    let listed: Vec<_> = listed
        .into_iter()
        .map(|(store, settings)| (store.id, settings))
        .collect();
    assert_eq!(
        listed,
        [
            ("s".into(), grpc.clone()),
            ("t".into(), TaxSettings::default())
        ]
    );

    put(&app, settings(TaxRoute::Http)).await.expect("stored");
    let log = operations(&app, "s", Some("tax_settings_put")).await;
    let rows = log.iter().map(|row| {
        (
            &*row.subject,
            &*row.actor,
            &*row.reason,
            row.before["route"].as_str(),
            row.after["route"].as_str(),
        )
    });
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            ("store s", "ana", "a test", Some("grpc"), Some("http")),
            ("store s", "ana", "ticket 1", None, Some("grpc")),
        ]
    );
}

async fn deleted_settings_leave_the_defaults_and_are_recorded(stage: &Stage) {
    add_store(stage, "s").await;
    let (app, _) = with_services(stage).await;
    let delete = async |store| {
        let deleted = app
            .taxes
            .delete_settings(None, store, "ana", "the tills do it")
            .await;
        deleted.map(|reply| serde_json::from_str::<Value>(&reply.body).expect("JSON"))
    };
    let none = json!({"before": null, "has_table": false});
    assert_eq!(delete("s").await.expect("nothing"), none);
    assert!(matches!(
        delete("unknown").await,
        Err(Error::NotFound { what: "store", .. })
    ));

    put(&app, settings(TaxRoute::Grpc)).await.expect("stored");
    let version = async || {
        let read = read_tx!(stage, [], |tx| tx.tax_store_get("s").await);
        read.expect("a store")
    };
    let before = version().await;
    let deleted = delete("s").await.expect("deleted");
    assert_eq!(deleted["before"], json!(settings(TaxRoute::Grpc)));
    let after = version().await;
    assert_eq!(after.settings, None);
    assert_eq!(after.settings_version, before.settings_version + 1);
    assert_eq!(
        app.taxes.settings("s").await.expect("defaults"),
        TaxSettings::default()
    );
    // The default taxes are gone, too.
    let error = evaluated(&app).await.expect_err("no table");
    assert!(error.to_string().contains("empty"), "{error}");
    assert_eq!(delete("s").await.expect("nothing"), none);

    let log = operations(&app, "s", Some("tax_settings_delete")).await;
    let rows = log.iter();
    let rows = rows.map(|row| {
        (
            &*row.subject,
            &*row.reason,
            &row.before["route"],
            &row.after,
        )
    });
    let expected = ("store s", "the tills do it", &json!("grpc"), &Value::Null);
    assert_eq!(rows.collect::<Vec<_>>(), [expected]);

    // New settings continue with a new version, so that no earlier comparison counts.
    put(&app, settings(TaxRoute::Grpc)).await.expect("stored");
    assert_eq!(version().await.settings_version, after.settings_version + 1);
}

async fn unknown_calculators_and_routes_without_an_address_are_rejected(stage: &Stage) {
    add_store(stage, "s").await;
    let (all, none) = (with_services(stage).await.0, app(stage).await);
    let problems = |error: Error| match error {
        Error::Invalid(problems) => problems,
        other => panic!("{other:?}"),
    };
    let wrong = TaxSettings {
        fallback: Some(TaxRoute::Http),
        shadow: Some(TaxRoute::Grpc),
        calculator: Some("other".into()),
        ..settings(TaxRoute::Grpc)
    };
    let found = problems(put(&none, wrong.clone()).await.expect_err("rejected"));
    let fields: Vec<&str> = found.iter().map(|problem| &*problem.field).collect();
    assert_eq!(
        fields,
        ["shadow", "route", "fallback", "shadow", "calculator"]
    );
    assert_eq!(
        found[1].message,
        "must be a route of this host, which has no address of the tax service grpc: set tax.grpc.address"
    );
    assert_eq!(
        found[4].message,
        "must be one of default, per-total, got \"other\""
    );
    let found = problems(put(&all, wrong).await.expect_err("rejected"));
    let fields: Vec<&str> = found.iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["shadow", "calculator"]);
    assert_eq!(
        all.taxes.settings("s").await.expect("none"),
        TaxSettings::default()
    );

    // A host without the address can still change other settings of a store that has the route.
    put(&all, settings(TaxRoute::Grpc)).await.expect("stored");
    let other = TaxSettings {
        calculator: Some("per-total".into()),
        ..settings(TaxRoute::Grpc)
    };
    put(&none, other).await.expect("stored");
    let error = evaluated(&none).await.expect_err("no address");
    assert!(
        matches!(
            &error,
            Error::Upstream {
                code: "tax_route_not_configured",
                ..
            }
        ),
        "{error:?}"
    );
}

async fn concurrent_changes_of_different_fields_are_both_kept(stage: &Stage) {
    add_store(stage, "s").await;
    let (one, other) = (with_services(stage).await.0, with_services(stage).await.0);
    for _ in 0..10 {
        put(&one, settings(TaxRoute::Grpc)).await.expect("stored");
        let moved = one
            .taxes
            .change_settings(None, "s", "ana", "move", |settings| TaxSettings {
                route: TaxRoute::Http,
                ..settings
            });
        let other = other
            .taxes
            .change_settings(None, "s", "ben", "calculator", |settings| TaxSettings {
                calculator: Some("per-total".into()),
                ..settings
            });
        let (moved, other) = tokio::join!(moved, other);
        moved.expect("stored");
        other.expect("stored");
        let settings = one.taxes.settings("s").await.expect("settings");
        assert_eq!(
            (settings.route, settings.calculator.as_deref()),
            (TaxRoute::Http, Some("per-total"))
        );
    }
}
