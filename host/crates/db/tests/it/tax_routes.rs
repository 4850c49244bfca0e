//! Tax settings of stores, and evaluations by the routes that they select.

use crate::stage::Stage;
use async_trait::async_trait;
use galleria_app::tax::TaxFailure;
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_db::Db;
use galleria_domain::tax::{Calculator, TaxRequest, TaxResponse, TaxRoute, TaxSettings};
use galleria_domain::{Digest, Problem};
use galleria_ports::Error;
use galleria_ports::clock::SystemClock;
use galleria_ports::records::OperationFilter;
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstream, TaxUpstreams};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

on_both!(
    settings_are_replaced_recorded_and_listed,
    deleted_settings_leave_the_defaults_and_are_recorded,
    unknown_calculators_and_routes_without_an_address_are_rejected,
    a_change_applies_to_the_next_evaluation_of_another_host,
    concurrent_changes_of_different_fields_are_both_kept,
    a_failed_service_gives_an_error_or_the_fallback,
    a_rejected_basket_is_the_callers_error,
    every_route_gets_the_same_basket,
);

/// Answers with the fault, or with a tax of 1.00 for grpc and 2.00 for http.
#[derive(Default)]
struct Services {
    fault: Mutex<Option<TaxFault>>,
    requests: Mutex<Vec<(TaxRoute, TaxRequest)>>,
}

impl Services {
    fn fail(&self, fault: impl Into<Option<TaxFault>>) {
        *self.fault.lock().expect("a fault") = fault.into();
    }
}

#[async_trait]
impl TaxUpstreams for Services {
    async fn evaluate(
        &self,
        route: TaxRoute,
        request: &TaxRequest,
        _call: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        let mut requests = self.requests.lock().expect("requests");
        requests.push((route, request.clone()));
        match self.fault.lock().expect("a fault").clone() {
            Some(fault) => Err(fault),
            None => {
                let tax = if route == TaxRoute::Grpc {
                    "1.00"
                } else {
                    "2.00"
                };
                let response = json!({"total_basket_amount": "10", "total_taxable_amount": "9",
                    "total_tax": tax, "total_basket_amount_after_tax": "10", "tax_breakup": [], "item_tax": []});
                Ok(serde_json::from_value(response).expect("a response"))
            }
        }
    }

    async fn check(&self, _: TaxRoute) -> Result<(), TaxFault> {
        Ok(())
    }

    fn upstreams(&self) -> Vec<TaxUpstream> {
        let upstream = |route| TaxUpstream {
            route,
            address: "http://tax".into(),
            breaker: Default::default(),
            last_failure: None,
        };
        [TaxRoute::Grpc, TaxRoute::Http].map(upstream).to_vec()
    }
}

async fn add_store(stage: &Stage, id: &str) {
    let store = crate::rows::store(id, "shop");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
}

async fn app(stage: &Stage) -> App {
    let db = Db::open(&stage.config).await.expect("a second connection");
    let mut policy = Policy::default();
    for name in [Calculator::DEFAULT, "per-total"] {
        let calculators = &mut policy.tax.calculators;
        calculators.insert(name.to_owned(), Calculator::default());
    }
    let plugins = Arc::new(crate::no_plugins::NoPlugins);
    App::new(Arc::new(db), plugins, Arc::new(SystemClock), policy)
}

async fn with_services(stage: &Stage) -> (App, Arc<Services>) {
    let services = Arc::new(Services::default());
    let app = app(stage).await.with_tax_upstreams(services.clone());
    (app, services)
}

fn settings(route: TaxRoute) -> TaxSettings {
    let default = json!([{"tax_code": "ANY", "tax_level": "IVA", "retailer_tax_level_id": "1", "tax_percent": "25"}]);
    TaxSettings {
        route,
        default_taxes: serde_json::from_value(default).expect("rows"),
        ..TaxSettings::default()
    }
}

async fn put(app: &App, settings: TaxSettings) -> Result<galleria_app::Reply, Error> {
    app.taxes
        .put_settings(None, "s", settings, "ana", "a test")
        .await
}

fn request() -> TaxRequest {
    let request = json!({"store_data": {"store_id": "s"},
        "items": [{"item_id": "1", "total_amount": "10.00", "tax_code": "STD"}]});
    serde_json::from_value(request).expect("a request")
}

/// Route, fallback and tax.
async fn evaluated(app: &App) -> Result<(TaxRoute, bool, String), Error> {
    let evaluated = app.taxes.evaluate(request()).await?;
    Ok((
        evaluated.route,
        evaluated.fallback,
        evaluated.response.total_tax.to_string(),
    ))
}

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
    let filter = OperationFilter {
        action: Some("tax_settings_put".into()),
        ..OperationFilter::default()
    };
    let log = app.operations.log(filter, None, 10).await.expect("a log");
    let rows = log.operations.iter().map(|row| {
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

    let filter = OperationFilter {
        action: Some("tax_settings_delete".into()),
        ..OperationFilter::default()
    };
    let log = app.operations.log(filter, None, 10).await.expect("a log");
    let rows = log.operations.iter();
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

async fn a_change_applies_to_the_next_evaluation_of_another_host(stage: &Stage) {
    add_store(stage, "s").await;
    let (one, other) = (with_services(stage).await.0, with_services(stage).await.0);
    for round in 0..10 {
        let (route, tax) = match round % 3 {
            0 => (TaxRoute::Embedded, "2.00"),
            1 => (TaxRoute::Grpc, "1.00"),
            _ => (TaxRoute::Http, "2.00"),
        };
        put(&one, settings(route)).await.expect("stored");
        for host in [&one, &other] {
            assert_eq!(
                evaluated(host).await.expect("taxes"),
                (route, false, tax.into())
            );
        }
    }
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

async fn a_failed_service_gives_an_error_or_the_fallback(stage: &Stage) {
    add_store(stage, "s").await;
    let (app, services) = with_services(stage).await;
    put(&app, settings(TaxRoute::Grpc)).await.expect("stored");
    services.fail(TaxFault::Unavailable {
        cause: "connection refused by 10.0.0.7".into(),
    });
    let error = evaluated(&app).await.expect_err("unavailable");
    assert!(matches!(
        error,
        Error::Upstream {
            code: "tax_service_unavailable",
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "the tax service of the route grpc is unavailable"
    );
    assert!(
        error
            .chain()
            .ends_with("is unavailable: connection refused by 10.0.0.7"),
        "{}",
        error.chain()
    );

    let fallback = |fallback, default_taxes| TaxSettings {
        fallback: Some(fallback),
        default_taxes,
        ..settings(TaxRoute::Grpc)
    };
    let taxes = settings(TaxRoute::Grpc).default_taxes;
    put(&app, fallback(TaxRoute::Embedded, taxes.clone()))
        .await
        .expect("stored");
    let by_fallback = (TaxRoute::Embedded, true, "2.00".to_owned());
    assert_eq!(evaluated(&app).await.expect("taxes"), by_fallback);
    // The route itself still fails.
    let failure = app
        .taxes
        .evaluate_by(&request(), TaxRoute::Grpc)
        .await
        .expect_err("unavailable");
    assert!(matches!(
        failure,
        TaxFailure::Service {
            route: TaxRoute::Grpc,
            ..
        }
    ));

    // The fallback fails, too: first another service, then the table, which is empty.
    put(&app, fallback(TaxRoute::Http, taxes))
        .await
        .expect("stored");
    let error = evaluated(&app).await.expect_err("both fail").to_string();
    assert_eq!(
        error,
        "the tax service of the route grpc is unavailable; the fallback http failed, too: the tax service of the \
         route http is unavailable"
    );
    put(&app, fallback(TaxRoute::Embedded, Vec::new()))
        .await
        .expect("stored");
    let error = evaluated(&app).await.expect_err("both fail");
    assert!(matches!(
        error,
        Error::Upstream {
            code: "tax_service_unavailable",
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .contains("the fallback embedded failed, too: items.0.tax_code"),
        "{error}"
    );

    services.fail(None);
    assert_eq!(
        evaluated(&app).await.expect("taxes"),
        (TaxRoute::Grpc, false, "1.00".into())
    );
}

async fn a_rejected_basket_is_the_callers_error(stage: &Stage) {
    add_store(stage, "s").await;
    let (app, services) = with_services(stage).await;
    let with_fallback = TaxSettings {
        fallback: Some(TaxRoute::Embedded),
        ..settings(TaxRoute::Http)
    };
    put(&app, with_fallback).await.expect("stored");
    services.fail(TaxFault::Rejected(vec![Problem::new(
        "items.0.tax_code",
        "must be known",
    )]));
    let error = evaluated(&app).await.expect_err("rejected");
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "items.0.tax_code: must be known (tax service of the route http)"
    );
}

async fn every_route_gets_the_same_basket(stage: &Stage) {
    add_store(stage, "s").await;
    let (app, services) = with_services(stage).await;
    let http = TaxSettings {
        tax_included_in_price: false,
        calculator: Some("per-total".into()),
        ..settings(TaxRoute::Http)
    };
    put(&app, http).await.expect("stored");
    evaluated(&app).await.expect("taxes");
    let sent = services
        .requests
        .lock()
        .expect("requests")
        .pop()
        .expect("one")
        .1;
    assert_eq!(sent.store_data.tax_included_in_price, Some(false));
    assert_eq!(sent.store_data.tax_calculator.as_deref(), Some("per-total"));
    assert!(sent.business_date.is_some());
    // The request has precedence.
    let mut request = request();
    request.store_data.tax_included_in_price = Some(true);
    request.store_data.tax_calculator = Some("default".into());
    request.business_date = Some("2026-01-31".parse().expect("a date"));
    app.taxes.evaluate(request.clone()).await.expect("taxes");
    let sent = services
        .requests
        .lock()
        .expect("requests")
        .pop()
        .expect("one")
        .1;
    assert_eq!(sent, request);
}
