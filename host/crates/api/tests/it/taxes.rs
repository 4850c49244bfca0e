//! Taxes of baskets: evaluated, recorded once, listed, removed; and the listener of a tax service.

use crate::host::{Answer, Host, test_config};
use crate::rows::add_tax_rows;
use crate::stage::Stage;
use galleria_api::{AccessConfig, HttpConfig, Surface, serve};
use galleria_app::Policy;
use galleria_domain::tax::TaxRow;
use galleria_ports::access::{Caller, Reach, Scope};
use galleria_ports::in_tx;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

on_both!(
    a_basket_is_evaluated_with_the_table_of_its_store,
    a_recorded_evaluation_is_repeated_byte_for_byte,
    an_evaluation_without_a_key_is_recorded_once_for_its_content,
    concurrent_repetitions_get_one_record,
    callers_with_different_reach_may_use_the_same_key,
    records_are_listed_and_removed_by_age,
    a_request_that_passed_many_hosts_is_rejected,
    the_listener_of_a_tax_service_serves_nothing_else,
);

const EVALUATE: &str = "/v1/taxes/evaluate";

fn basket(amount: &str, commit: bool) -> Value {
    json!({
        "store_data": {"store_id": "s1", "tax_included_in_price": true},
        "commit": commit,
        "items": [{"item_id": "1", "total_amount": amount, "tax_code": "STANDARD"}],
    })
}

async fn with_table(stage: &Stage) -> Host {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    add_tax_rows(&host, "s1").await;
    host
}

/// Sends a basket, with a key if there is one.
async fn send(host: &Host, key: Option<&str>, basket: &Value) -> Answer {
    let request = host.request(Method::POST, EVALUATE).json(basket);
    host.send(match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    })
    .await
}

/// Changes the rate of `STANDARD` to 10 %.
async fn change_table(host: &Host) {
    let row = json!({
        "tax_code": "STANDARD", "tax_level": "IVA 10", "retailer_tax_level_id": "STANDARD", "tax_percent": "10", "authority": "ES",
    });
    let rows: Vec<TaxRow> = vec![serde_json::from_value(row).expect("a row")];
    let put = host.app.core.records().write(in_tx!(|tx, rows| {
        tx.tax_table_change("s1").await?;
        tx.tax_row_put_many("s1", &rows).await
    }));
    put.await.expect("a changed table");
}

async fn list(host: &Host, query: &str) -> Value {
    let path = format!("/v1/stores/s1/tax-evaluations{query}");
    host.get(&path).await.expect(200)
}

async fn a_basket_is_evaluated_with_the_table_of_its_store(stage: &Stage) {
    let host = with_table(stage).await;
    let evaluated = send(&host, None, &basket("12.10", false)).await.expect(200);
    assert_eq!(
        (
            &evaluated["total_tax"],
            &evaluated["route"],
            &evaluated["fallback"]
        ),
        (&json!("2.10"), &json!("embedded"), &json!(false))
    );
    assert_eq!(evaluated["item_tax"][0]["taxes"][0]["tax_level"], "IVA 21");
    // Nothing was recorded, not even under a key.
    send(&host, Some("k"), &basket("12.10", false))
        .await
        .expect(200);
    assert_eq!(list(&host, "").await["evaluations"], json!([]));

    let mut unknown = basket("12.10", false);
    unknown["items"][0]["tax_code"] = json!("LUXURY");
    let rejected = send(&host, None, &unknown).await;
    assert_eq!(rejected.code(), "invalid");
    assert_eq!(rejected.json()["errors"][0]["field"], "items.0.tax_code");
    let mut elsewhere = basket("12.10", false);
    elsewhere["store_data"]["store_id"] = json!("s9");
    assert_eq!(send(&host, None, &elsewhere).await.code(), "not_found");
    let mut calculator = basket("12.10", false);
    calculator["store_data"]["tax_calculator"] = json!("swiss");
    assert_eq!(send(&host, None, &calculator).await.code(), "invalid");
    let number = basket("12.10", false)
        .to_string()
        .replace("\"12.10\"", "12.10");
    let request = host.request(Method::POST, EVALUATE).body(number);
    let rejected = host.send(request.header("Content-Type", "application/json"));
    assert_eq!(rejected.await.code(), "bad_json");
    host.stop().await;
}

async fn a_recorded_evaluation_is_repeated_byte_for_byte(stage: &Stage) {
    let host = with_table(stage).await;
    let first = send(&host, Some("k"), &basket("12.10", true)).await;
    first.expect(200);
    change_table(&host).await;
    let again = send(&host, Some("k"), &basket("12.10", true)).await;
    assert!(!first.replayed() && again.replayed());
    assert_eq!(first.text, again.text);
    let other = send(&host, Some("k"), &basket("12.11", true)).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let new = send(&host, Some("k2"), &basket("12.10", true)).await;
    assert_eq!(new.expect(200)["total_tax"], "1.10");
    // A rejected request does not use up its key.
    let mut unknown = basket("12.10", true);
    unknown["items"][0]["tax_code"] = json!("LUXURY");
    assert_eq!(send(&host, Some("k3"), &unknown).await.code(), "invalid");
    send(&host, Some("k3"), &basket("1.00", true))
        .await
        .expect(200);
    let key = "k".repeat(201);
    let long = send(&host, Some(&key), &basket("1.00", true)).await;
    assert_eq!(long.code(), "idempotency_key_invalid");
    host.stop().await;
}

async fn an_evaluation_without_a_key_is_recorded_once_for_its_content(stage: &Stage) {
    let (host, clock) = stage.driven(Policy::default()).await;
    host.add_store_and_shift().await;
    add_tax_rows(&host, "s1").await;
    let first = send(&host, None, &basket("12.10", true)).await;
    change_table(&host).await;
    let again = send(&host, None, &basket("12.10", true)).await;
    assert!(!first.replayed() && again.replayed());
    assert_eq!(
        (first.text.as_str(), 200),
        (again.text.as_str(), again.status)
    );
    let other = send(&host, None, &basket("12.11", true)).await;
    assert!(!other.replayed());
    other.expect(200);
    // The same basket on the next business date is another sale.
    clock.advance(Duration::from_secs(24 * 60 * 60));
    let tomorrow = send(&host, None, &basket("12.10", true)).await;
    assert!(!tomorrow.replayed());
    assert_eq!(tomorrow.expect(200)["total_tax"], "1.10");
    assert_eq!(
        list(&host, "").await["evaluations"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    host.stop().await;
}

async fn concurrent_repetitions_get_one_record(stage: &Stage) {
    let host = with_table(stage).await;
    let basket = basket("12.10", true);
    let all = (0..20).map(|_| send(&host, Some("k"), &basket));
    let all = futures_util::future::join_all(all).await;
    let texts: std::collections::BTreeSet<_> = all.iter().map(|one| &one.text).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(all.iter().all(|one| one.status == 200));
    let first: Vec<_> = all.iter().filter(|one| !one.replayed()).collect();
    assert_eq!(first.len(), 1);
    assert_eq!(
        list(&host, "").await["evaluations"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    host.stop().await;
}

async fn callers_with_different_reach_may_use_the_same_key(stage: &Stage) {
    let host = with_table(stage).await;
    let as_caller = async |token: &str, amount: &str| {
        let request = host.request(Method::POST, EVALUATE);
        let request = request.header("Authorization", format!("Bearer {token}"));
        let request = request.header("Idempotency-Key", "1");
        host.send(request.json(&basket(amount, true))).await
    };
    as_caller("till;stores=s1", "1.00").await.expect(200);
    as_caller("till;retailers=example", "2.00")
        .await
        .expect(200);
    let foreign = as_caller("till;retailers=other", "2.00").await;
    assert_eq!(foreign.code(), "not_found");
    let listed = list(&host, "?idempotency_key=1").await;
    assert_eq!(listed["evaluations"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["evaluations"][0]["idempotency_key"], "1");
    host.stop().await;
}

async fn records_are_listed_and_removed_by_age(stage: &Stage) {
    let mut policy = Policy::default();
    policy.tax.evaluations_kept = Duration::from_secs(60);
    let (host, clock) = stage.driven(policy).await;
    host.add_store_and_shift().await;
    add_tax_rows(&host, "s1").await;
    for number in 1..=5 {
        let key = format!("k{number}");
        send(&host, Some(&key), &basket("1.00", true))
            .await
            .expect(200);
        clock.advance(Duration::from_secs(20));
    }
    let keys = |page: &Value| -> Vec<String> {
        let all = page["evaluations"].as_array().expect("a list").iter();
        all.map(|one| one["idempotency_key"].as_str().expect("a key").to_owned())
            .collect()
    };
    let first = list(&host, "?limit=2").await;
    assert_eq!(keys(&first), ["k5", "k4"]);
    let next = first["next"].as_str().expect("another page");
    let second = list(&host, &format!("?limit=2&after={next}")).await;
    assert_eq!(keys(&second), ["k3", "k2"]);
    assert_eq!(keys(&list(&host, "?idempotency_key=k2").await), ["k2"]);
    assert_eq!(keys(&list(&host, "?idempotency_key=none").await), [""; 0]);
    for query in ["?after=x", "?limit=0", "?limit=101"] {
        let path = format!("/v1/stores/s1/tax-evaluations{query}");
        assert_eq!(host.get(&path).await.code(), "invalid", "{query}");
    }
    let missing = host.get("/v1/stores/s9/tax-evaluations").await;
    assert_eq!(missing.code(), "not_found");
    assert_eq!(host.app.taxes.sweep().await.expect("removed"), 2);
    assert_eq!(keys(&list(&host, "").await), ["k5", "k4", "k3"]);
    // The key of a removed record can be used again.
    send(&host, Some("k1"), &basket("2.00", true))
        .await
        .expect(200);
    host.stop().await;
}

async fn a_request_that_passed_many_hosts_is_rejected(stage: &Stage) {
    let host = with_table(stage).await;
    for (hops, status) in [("2", 200), ("3", 409), ("4000000000", 409)] {
        let request = host.request(Method::POST, EVALUATE);
        let request = request.header("galleria-tax-hops", hops);
        let answer = host.send(request.json(&basket("1.00", false))).await;
        assert_eq!(answer.status, status, "{hops}: {}", answer.text);
        if status == 409 {
            assert_eq!(answer.code(), "tax_route_loop");
        }
    }
    host.stop().await;
}

async fn the_listener_of_a_tax_service_serves_nothing_else(stage: &Stage) {
    let host = with_table(stage).await;
    let reaching = |store: &str| Caller {
        name: "tax-network".into(),
        log_name: "tax-network".into(),
        scope: Scope::Till,
        reach: Reach::Some {
            retailers: [].into(),
            stores: [store.to_owned()].into(),
        },
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let mut outcomes = Vec::new();
    for identity in [None, Some(reaching("s1")), Some(reaching("s2"))] {
        let config = HttpConfig {
            surface: Surface::Taxes,
            roles: vec!["tax".into()],
            access: AccessConfig {
                identity,
                ..AccessConfig::default()
            },
            ..test_config()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, host.app.clone(), config, stop.clone()));
        let url = |path: &str| format!("http://{address}{path}");
        let evaluated = client.post(url(EVALUATE)).json(&basket("12.10", true));
        outcomes.push(evaluated.send().await.expect("an answer").status().as_u16());
        // Wrong credentials are rejected although the listener has an identity.
        let wrong = client
            .post(url(EVALUATE))
            .bearer_auth("gk_1")
            .json(&basket("1.00", false));
        assert_eq!(wrong.send().await.expect("an answer").status(), 401);
        for (path, status) in [
            ("/v1/stores", 404),
            ("/v1/stores/s1/tax-evaluations", 404),
            ("/openapi.json", 404),
            ("/metrics", 404),
            ("/readyz", 200),
        ] {
            let answer = client.get(url(path)).send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{path}");
        }
        stop.cancel();
        served.await.expect("no panic").expect("a drain");
    }
    assert_eq!(outcomes, [401, 200, 404]);
    let listed = list(&host, "").await;
    assert_eq!(listed["evaluations"][0]["actor"], "tax-network");
    host.stop().await;
}
