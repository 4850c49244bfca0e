//! The listeners: an identity, the role `tax`, probes, and errors of the configuration.

use super::{STORE, address, basket, basket_json, client, host, open_stores, row};
use crate::host::{Database, Host};
use galleria_tax::proto::ImportStoreTaxDataRequest;
use serde_json::{Value, json};
use tonic::Code;

on_both!(
    an_identity_calls_without_credentials,
    a_process_serves_only_taxes
);

const HTTP: &str = "tax.server.http_listen=127.0.0.1:0";

async fn an_identity_calls_without_credentials(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [
        HTTP,
        "tax.server.identity.name=tax-network",
        "tax.server.identity.scope=operator",
        "tax.server.identity.retailers=[\"corner\"]",
    ];
    let mut host = host(folder.path(), database, &settings);
    host.start().await;
    open_stores(&host).await;
    let mut network = client(&host, None).await;
    let import = |store: &str| ImportStoreTaxDataRequest {
        store_id: store.into(),
        rows: vec![row("STANDARD", "21")],
        ..Default::default()
    };
    network
        .import_store_tax_code_data(import(STORE))
        .await
        .expect("imported");
    let foreign = network
        .import_store_tax_code_data(import("tax-2"))
        .await
        .expect_err("no reach");
    assert_eq!(foreign.code(), Code::NotFound);
    let taxes = network
        .evaluate_tax(basket("12.10", true))
        .await
        .expect("taxes");
    assert_eq!(taxes.get_ref().total_tax, "2.10");
    let mut wrong = client(&host, Some("gk_1")).await;
    let wrong = wrong
        .evaluate_tax(basket("1.00", false))
        .await
        .expect_err("a wrong key");
    assert_eq!(wrong.code(), Code::Unauthenticated);

    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", address(&host, "http"));
    let evaluated = http
        .post(url("/v1/taxes/evaluate"))
        .json(&basket_json("12.10", true));
    let evaluated = evaluated.send().await.expect("an answer");
    assert_eq!(evaluated.status(), 200);
    // The record of the gRPC call.
    assert_eq!(evaluated.headers()["idempotency-replayed"], "true");
    for (path, status) in [
        ("/readyz", 200),
        ("/healthz", 200),
        ("/v1/orders", 404),
        ("/metrics", 404),
    ] {
        let answer = http.get(url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
    }
    // The API does not know the identity.
    let api = http
        .post(host.url("/v1/taxes/evaluate"))
        .json(&basket_json("1.00", false));
    assert_eq!(api.send().await.expect("an answer").status(), 401);
    let ready: Value = host.get("/readyz").await.expect("ready");
    let part = |name: &str| {
        let parts = ready["parts"].as_array().expect("parts");
        let part = parts.iter().find(|one| one["part"] == name);
        part.unwrap_or_else(|| panic!("{name} in {ready}")).clone()
    };
    for (name, listener) in [("tax grpc", "grpc"), ("tax http", "http")] {
        let part = part(name);
        assert_eq!(
            (&part["role"], &part["state"]),
            (&json!("tax"), &json!("running"))
        );
        let detail = format!("listens at {}", address(&host, listener));
        assert_eq!(part["detail"], json!(detail));
    }
    let metrics = host
        .client
        .get(host.url("/metrics"))
        .send()
        .await
        .expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let counter = "galleria_tax_grpc_calls_total{method=\"EvaluateTax\",status=\"OK\"} 1";
    assert!(metrics.contains(counter), "{metrics}");
    host.stop();
}

async fn a_process_serves_only_taxes(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut front = host(folder.path(), database, &[]);
    front.role("api");
    front.start().await;
    open_stores(&front).await;
    assert!(!front.data().join("tax.server.grpc.addr").exists());
    let mut back = front.beside("tax");
    back.start().await;
    let ready = back.get("/readyz").await.expect("ready");
    assert_eq!(ready["roles"], json!(["tax"]));
    let key = front.key(&["--name", "office", "--scope", "operator", "--everywhere"]);
    let mut client = client(&back, Some(&key)).await;
    let import = ImportStoreTaxDataRequest {
        store_id: STORE.into(),
        rows: vec![row("STANDARD", "21")],
        ..Default::default()
    };
    client
        .import_store_tax_code_data(import)
        .await
        .expect("imported");
    let (status, body) = front
        .send(
            "POST",
            "/v1/taxes/evaluate",
            "k",
            &basket_json("12.10", false),
        )
        .await
        .expect("sent");
    assert_eq!(
        (status, &body["total_tax"]),
        (200, &json!("2.10")),
        "{body}"
    );
    // The process drains with an open connection.
    back.stop();
    let gone = client
        .evaluate_tax(basket("1.00", false))
        .await
        .expect_err("stopped");
    assert_eq!(gone.code(), Code::Unavailable);
    front.stop();
}

#[test]
fn errors_of_the_configuration_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = Host::with(folder.path().into(), folder.path().into());
    let served = |arguments: &[&str]| {
        let output = host.run(&[&["serve"], arguments].concat());
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let missing = folder.path().join("missing.pem");
    let missing = missing.to_str().expect("text");
    for (arguments, expected) in [
        (
            vec!["--role", "tax"],
            "requires a listener; set tax.server.grpc_listen",
        ),
        (
            vec!["--set", "tax.server.grpc_listen=9000"],
            "must be an IP address and a port",
        ),
        (
            vec!["--set", "tax.server.identity.name=network"],
            "tax.server.identity.retailers: must name a retailer",
        ),
        (
            vec!["--set", "tax.server.identity.scope=root"],
            "tax.server.identity.scope",
        ),
        (
            vec!["--set", &format!("tax.server.tls.certificate={missing}")],
            "tax.server.tls.key: must be set, because `certificate` is set",
        ),
    ] {
        let error = served(&arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
