//! All calls over gRPC, with API keys.

use super::{STORE, basket, basket_json, channel, client, host, open_stores, reason, row, with};
use crate::host::{Database, Host};
use galleria_tax::proto::tax_client::TaxClient;
use galleria_tax::proto::{
    DeleteStoreTaxTableRequest, GetStoreTaxTableRequest, ImportStoreTaxDataRequest,
    TaxEvaluateRequest, TaxRoute,
};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

on_both!(
    tables_and_baskets_are_served,
    a_recorded_evaluation_is_the_same_over_both_protocols
);

fn table(page_size: u32, page_token: String) -> GetStoreTaxTableRequest {
    GetStoreTaxTableRequest {
        store_id: STORE.into(),
        page_size,
        page_token,
    }
}

fn import(percents: &[(&str, &str)]) -> ImportStoreTaxDataRequest {
    ImportStoreTaxDataRequest {
        store_id: STORE.into(),
        rows: percents
            .iter()
            .map(|(code, percent)| row(code, percent))
            .collect(),
        replace: true,
        reason: "a new year".into(),
        ..Default::default()
    }
}

async fn tables_and_baskets_are_served(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), database, &[]);
    host.start().await;
    open_stores(&host).await;
    let operator = host.key(&[
        "--name",
        "office",
        "--scope",
        "operator",
        "--retailer",
        "corner",
    ]);
    let mut client = client(&host, Some(&operator)).await;

    let empty = client
        .evaluate_tax(basket("12.10", false))
        .await
        .expect_err("no table");
    assert_eq!(
        (empty.code(), reason(&empty)),
        (Code::InvalidArgument, "invalid".into())
    );
    assert!(
        empty
            .message()
            .contains("items.0.tax_code: must be in the store's tax table, which is empty")
    );
    let violations = empty
        .get_details_bad_request()
        .expect("fields")
        .field_violations;
    assert_eq!(violations[0].field, "items.0.tax_code");

    client
        .import_store_tax_code_data(import(&[
            ("STANDARD", "21"),
            ("BREAD", "4"),
            ("BOOK", "10.5"),
        ]))
        .await
        .expect("imported");
    let answer = client.evaluate_tax(with(
        basket("12.10", false),
        &[("x-request-id", "till-7/1")],
    ));
    let answer = answer.await.expect("taxes");
    let id = answer.metadata().get("x-request-id").expect("an id");
    assert_eq!(id, "till-7/1");
    let taxes = answer.into_inner();
    assert_eq!(
        (&*taxes.total_tax, taxes.route()),
        ("2.10", TaxRoute::Embedded)
    );
    assert_eq!(taxes.item_tax[0].taxes[0].tax_percent, "21");

    // In pages, and whole.
    let mut codes = Vec::new();
    let mut token = String::new();
    loop {
        let page = client
            .get_store_tax_table(table(2, token))
            .await
            .expect("a page")
            .into_inner();
        codes.push(
            page.rows
                .iter()
                .map(|row| row.tax_code.clone())
                .collect::<Vec<_>>(),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(codes, [vec!["BOOK", "BREAD"], vec!["STANDARD"]]);
    let whole = client
        .get_store_tax_table(table(0, String::new()))
        .await
        .expect("a table");
    assert_eq!(whole.get_ref().rows.len(), 3);
    assert_eq!(whole.get_ref().rows[0], row("BOOK", "10.5"));
    let bad = client
        .get_store_tax_table(table(2, "x".into()))
        .await
        .expect_err("a token");
    assert!(
        bad.message()
            .starts_with("page_token: must be the `next_page_token`"),
        "{bad}"
    );

    let deleted = DeleteStoreTaxTableRequest {
        store_id: STORE.into(),
        reason: "closed".into(),
    };
    client
        .delete_store_tax_table(deleted)
        .await
        .expect("deleted");
    let whole = client
        .get_store_tax_table(table(0, String::new()))
        .await
        .expect("a table");
    assert_eq!(whole.get_ref().rows.len(), 0);
    let operations = host
        .get("/v1/operations?actor=office")
        .await
        .expect("operations");
    let actions: Vec<_> = operations["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["action"].clone(), one["reason"].clone()))
        .collect();
    assert_eq!(
        actions,
        [
            (json!("tax_table_delete"), json!("closed")),
            (json!("tax_table_import"), json!("a new year")),
        ]
    );
    access_is_checked(&host, &operator).await;
    standard_services_are_public(&host).await;
    deadlines_are_kept(&host, &operator).await;
    host.stop();
    let log = host.log();
    for part in [
        "\"method\":\"EvaluateTax\"",
        "\"status\":\"OK\"",
        "\"caller\":\"office\"",
        "till-7/1",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
}

async fn access_is_checked(host: &Host, operator: &str) {
    let till = host.key(&["--name", "till-1", "--scope", "till", "--store", STORE]);
    let foreign = host.key(&["--name", "till-2", "--scope", "till", "--store", "tax-2"]);
    let (rest, last) = operator.split_at(operator.len() - 1);
    let wrong = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let evaluated = async |key: Option<&str>| {
        let called = client(host, key)
            .await
            .evaluate_tax(basket("1.00", false))
            .await;
        called.expect_err("no table").code()
    };
    assert_eq!(evaluated(None).await, Code::Unauthenticated);
    assert_eq!(evaluated(Some(&wrong)).await, Code::Unauthenticated);
    assert_eq!(evaluated(Some("x")).await, Code::Unauthenticated);
    assert_eq!(evaluated(Some(&till)).await, Code::InvalidArgument);
    assert_eq!(evaluated(Some(&foreign)).await, Code::NotFound);
    let mut client = client(host, Some(&till)).await;
    let refused = client
        .import_store_tax_code_data(import(&[("A", "1")]))
        .await
        .expect_err("a till");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        refused.message().contains("needs the scope `operator`"),
        "{refused}"
    );
    for hops in ["3", "77"] {
        let looping = with(basket("1.00", false), &[("galleria-tax-hops", hops)]);
        let looping = client.evaluate_tax(looping).await.expect_err("a loop");
        assert_eq!(
            (looping.code(), reason(&looping)),
            (Code::FailedPrecondition, "tax_route_loop".into())
        );
    }
    let mut unknown = basket("1.00", false);
    unknown.store_data.as_mut().expect("a store").store_id = "no\0store".into();
    let unknown = client.evaluate_tax(unknown).await.expect_err("no store");
    assert_eq!(unknown.code(), Code::NotFound);
    let invalid = client
        .evaluate_tax(TaxEvaluateRequest::default())
        .await
        .expect_err("no store");
    assert!(
        invalid.message().contains("store_data: must be present"),
        "{invalid}"
    );
}

async fn standard_services_are_public(host: &Host) {
    let mut health = HealthClient::new(channel(host).await);
    for service in ["", "galleria.tax.v1.Tax"] {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let answer = health.check(request).await.expect("a status").into_inner();
        assert_eq!(answer.status, 1, "{service} serves");
    }
    let mut reflection = ServerReflectionClient::new(channel(host).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await;
    let answer = answers.expect("answers").into_inner().next().await;
    let answer = answer
        .expect("an answer")
        .expect("an answer")
        .message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|one| &*one.name).collect();
    assert!(names.contains(&"galleria.tax.v1.Tax"), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
}

/// The server ends a call at the deadline that the client sent. The client has no timer of its own here.
async fn deadlines_are_kept(host: &Host, key: &str) {
    let http: Http<_, tonic::body::Body> = Http::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let origin = format!("http://{}", super::address(host, "grpc"));
    let mut client = TaxClient::with_origin(http, origin.parse().expect("an address"));
    let mut request = Request::new(tokio_stream::pending());
    let metadata = request.metadata_mut();
    metadata.insert(
        "authorization",
        format!("Bearer {key}").parse().expect("ASCII"),
    );
    metadata.insert("grpc-timeout", "200m".parse().expect("ASCII"));
    let late = client
        .stream_store_tax_code_data(request)
        .await
        .expect_err("too late");
    assert_eq!(
        (late.code(), reason(&late)),
        (Code::DeadlineExceeded, "timeout".into())
    );
}

async fn a_recorded_evaluation_is_the_same_over_both_protocols(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), database, &[]);
    host.start().await;
    open_stores(&host).await;
    let key = host.key(&["--name", "all", "--scope", "operator", "--everywhere"]);
    let mut client = client(&host, Some(&key)).await;
    client
        .import_store_tax_code_data(import(&[("STANDARD", "21")]))
        .await
        .expect("imported");
    let keyed = |amount| with(basket(amount, true), &[("idempotency-key", "sale-1")]);
    let first = client.evaluate_tax(keyed("12.10")).await.expect("taxes");
    assert!(first.metadata().get("idempotency-replayed").is_none());
    client
        .import_store_tax_code_data(import(&[("STANDARD", "10")]))
        .await
        .expect("imported");
    let again = client.evaluate_tax(keyed("12.10")).await.expect("taxes");
    assert_eq!(
        again
            .metadata()
            .get("idempotency-replayed")
            .expect("a mark"),
        "true"
    );
    assert_eq!(first.get_ref(), again.get_ref());
    let other = client
        .evaluate_tax(keyed("12.11"))
        .await
        .expect_err("another request");
    assert_eq!(
        (other.code(), reason(&other)),
        (Code::FailedPrecondition, "idempotency_key_reused".into())
    );
    let over_http = host
        .send(
            "POST",
            "/v1/taxes/evaluate",
            "sale-1",
            &basket_json("12.10", true),
        )
        .await;
    let (status, body) = over_http.expect("sent");
    assert_eq!(
        (status, &body["total_tax"]),
        (200, &json!("2.10")),
        "{body}"
    );
    let new = client
        .evaluate_tax(basket("12.10", true))
        .await
        .expect("taxes");
    assert_eq!(new.get_ref().total_tax, "1.10");
    let invalid = with(basket("1.00", true), &[("idempotency-key", "two words")]);
    let invalid = client.evaluate_tax(invalid).await.expect_err("a key");
    assert_eq!(reason(&invalid), "idempotency_key_invalid");
    let list = host
        .get(&format!("/v1/stores/{STORE}/tax-evaluations"))
        .await
        .expect("a list");
    assert_eq!(
        list["evaluations"].as_array().map(Vec::len),
        Some(2),
        "{list}"
    );
    host.stop();
}
