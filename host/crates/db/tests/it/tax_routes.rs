//! Evaluations by the routes that stores select.

use crate::stage::Stage;
use crate::tax_kit::{Services, basket, one_tax, read};
use galleria_app::access::{ApiKeyCheck, ApiKeyRequest};
use galleria_app::tax::TaxFailure;
use galleria_app::{App, Policy};
use galleria_db::Db;
use galleria_domain::Problem;
use galleria_domain::tax::{Calculator, TaxRoute, TaxSettings};
use galleria_ports::Error;
use galleria_ports::access::{Reach, Scope};
use galleria_ports::clock::SystemClock;
use galleria_ports::tax::TaxFault;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

on_both!(
    a_change_applies_to_the_next_evaluation_of_another_host,
    a_change_under_load_applies_to_the_next_evaluation_and_request,
    a_failed_service_gives_an_error_or_the_fallback,
    a_rejected_basket_is_the_callers_error,
    every_route_gets_the_same_basket,
);

pub async fn add_store(stage: &Stage, id: &str) {
    let store = crate::rows::store(id, "shop");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
}

pub async fn app(stage: &Stage) -> App {
    let db = Db::open(&stage.config).await.expect("a second connection");
    let mut policy = Policy::default();
    for name in [Calculator::DEFAULT, "per-total"] {
        let calculators = &mut policy.tax.calculators;
        calculators.insert(name.to_owned(), Calculator::default());
    }
    let plugins = Arc::new(crate::no_plugins::NoPlugins);
    App::new(Arc::new(db), plugins, Arc::new(SystemClock), policy)
}

/// The tax is 1.00 by grpc, and 2.00 by http and by the default taxes.
pub async fn with_services(stage: &Stage) -> (App, Arc<Services>) {
    let services = Services::new(|route, _| {
        let tax = match route {
            TaxRoute::Grpc => "1.00",
            _ => "2.00",
        };
        let response = json!({"total_basket_amount": "10", "total_taxable_amount": "9", "total_tax": tax,
            "total_basket_amount_after_tax": "10", "tax_breakup": [], "item_tax": []});
        Ok(read(response))
    });
    let app = app(stage).await.with_tax_upstreams(services.clone());
    (app, services)
}

pub fn settings(route: TaxRoute) -> TaxSettings {
    TaxSettings {
        route,
        default_taxes: one_tax("ANY", "25"),
        ..TaxSettings::default()
    }
}

pub async fn put(app: &App, settings: TaxSettings) -> Result<galleria_app::Reply, Error> {
    app.taxes
        .put_settings(None, "s", settings, "ana", "a test")
        .await
}

/// Route, fallback and tax.
pub async fn evaluated(app: &App) -> Result<(TaxRoute, bool, String), Error> {
    let evaluated = app.taxes.evaluate(basket("s", &["10.00"])).await?;
    Ok((
        evaluated.route,
        evaluated.fallback,
        evaluated.response.total_tax.to_string(),
    ))
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

/// Other evaluations and commits on both hosts, at any time relative to a change, give none of them an old record.
async fn a_change_under_load_applies_to_the_next_evaluation_and_request(stage: &Stage) {
    add_store(stage, "s").await;
    add_store(stage, "t").await;
    let hosts = [with_services(stage).await.0, with_services(stage).await.0];
    put(&hosts[0], settings(TaxRoute::Grpc))
        .await
        .expect("stored");
    let mut load = JoinSet::new();
    for host in hosts.iter().flat_map(|host| [host.clone(), host.clone()]) {
        load.spawn(async move {
            loop {
                evaluated(&host).await.expect("taxes");
            }
        });
    }
    let (stage, other) = (stage.clone(), hosts[0].clone());
    load.spawn(async move {
        loop {
            add_store(&stage, "t").await;
            other.taxes.settings("t").await.expect("settings");
        }
    });
    for round in 0..60 {
        let (here, there) = (&hosts[round % 2], &hosts[1 - round % 2]);
        let route = [TaxRoute::Http, TaxRoute::Grpc][round % 2];
        put(here, settings(route)).await.expect("stored");
        for host in [there, here] {
            assert_eq!(evaluated(host).await.expect("taxes").0, route, "{round}");
        }
        if round % 10 == 0 {
            let request = ApiKeyRequest {
                name: format!("till-{round}"),
                scope: Scope::Till,
                reach: Reach::Everything,
                actor: "ana".into(),
                reason: "a test".into(),
            };
            let key = here.access.create_key(request).await.expect("a key");
            let is_accepted = async |host: &App| {
                let checked = host.access.authenticate(&key.text).await;
                matches!(checked.expect("checked"), ApiKeyCheck::Accepted(_))
            };
            assert!(is_accepted(there).await && is_accepted(here).await);
            let revoked = here.access.revoke_key(&key.view.id, "ana", "a test").await;
            revoked.expect("revoked");
            assert!(!is_accepted(there).await && !is_accepted(here).await);
        }
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
        .evaluate_by(&basket("s", &["10.00"]), TaxRoute::Grpc)
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
    let sent = services.last_request();
    assert_eq!(sent.store_data.tax_included_in_price, Some(false));
    assert_eq!(sent.store_data.tax_calculator.as_deref(), Some("per-total"));
    assert!(sent.business_date.is_some());
    // The request has precedence.
    let mut request = basket("s", &["10.00"]);
    request.store_data.tax_included_in_price = Some(true);
    request.store_data.tax_calculator = Some("default".into());
    request.business_date = Some("2026-01-31".parse().expect("a date"));
    app.taxes.evaluate(request.clone()).await.expect("taxes");
    let sent = services.last_request();
    assert_eq!(sent, request);
}
