//! Tax tables over HTTP: imported once, listed in pages, exported as CSV, deleted.

use crate::host::{Answer, Host};
use crate::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    a_file_is_imported_once_and_listed_in_pages,
    a_dry_run_lists_the_differences,
    forty_invalid_cells_are_reported_together_and_nothing_changes,
    an_export_is_an_import_that_changes_nothing,
    a_table_is_deleted_once_for_a_key,
    only_operators_within_reach_change_a_table,
);

const TABLE: &str = "/v1/stores/s1/tax-table";
const HEADER: &str = "tax_code,tax_level,retailer_tax_level_id,tax_percent\n";

async fn with_store(stage: &Stage) -> Host {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host
}

fn file(count: usize, rate: &str) -> String {
    let rows = (0..count).map(|n| format!("C{n:03},VAT,{n},{rate}\n"));
    HEADER.to_owned() + &rows.collect::<String>()
}

async fn import(host: &Host, query: &str, key: &str, text: &str) -> Answer {
    let path = format!("{TABLE}{query}");
    host.upload(&path, key, "text/csv", text).await
}

async fn csv(host: &Host, path: &str) -> Answer {
    let request = host.request(Method::GET, path).header("Accept", "text/csv");
    host.send(request).await
}

async fn delete(host: &Host, query: &str, key: Option<&str>) -> Answer {
    let request = host.request(Method::DELETE, &format!("{TABLE}{query}"));
    host.send(match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    })
    .await
}

fn counts(result: &Value) -> [u64; 4] {
    ["added", "changed", "removed", "unchanged"].map(|name| result[name].as_u64().expect(name))
}

async fn operations(host: &Host) -> Vec<Value> {
    let log = host
        .get("/v1/operations?subject=store%20s1")
        .await
        .expect(200);
    let log = log["operations"].as_array().expect("a list").clone();
    let about_taxes = |one: &Value| {
        one["action"]
            .as_str()
            .is_some_and(|name| name.starts_with("tax_"))
    };
    log.into_iter().filter(about_taxes).collect()
}

async fn a_file_is_imported_once_and_listed_in_pages(stage: &Stage) {
    let host = with_store(stage).await;
    let first = import(&host, "?reason=rates%20of%202026", "k", &file(250, "21")).await;
    assert_eq!(counts(&first.expect(200)), [250, 0, 0, 0]);
    let again = import(&host, "?reason=rates%20of%202026", "k", &file(250, "21")).await;
    assert!(again.replayed());
    assert_eq!(again.text, first.text);
    for other in [
        import(&host, "?reason=rates%20of%202026", "k", &file(1, "2")).await,
        import(&host, "", "k", &file(250, "21")).await,
    ] {
        assert_eq!(other.code(), "idempotency_key_reused");
    }
    let log = operations(&host).await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        (
            &log[0]["actor"],
            &log[0]["reason"],
            &log[0]["after"]["added"]
        ),
        (&json!("test-admin"), &json!("rates of 2026"), &json!(250))
    );
    let (mut codes, mut path, mut pages) = (Vec::new(), format!("{TABLE}?limit=100"), 0);
    loop {
        let page = host.get(&path).await.expect(200);
        let rows = page["rows"].as_array().expect("rows").iter();
        codes.extend(rows.map(|row| row["tax_code"].as_str().expect("a code").to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        let next: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
        path = format!("{TABLE}?limit=100&after={next}");
    }
    let expected: Vec<String> = (0..250).map(|n| format!("C{n:03}")).collect();
    assert_eq!((codes, pages), (expected, 3));
    for (query, code) in [
        ("?after=x", "invalid"),
        ("?after=%5B%22a%22%2C%22%5Cu0000%22%2Cnull%5D", "invalid"),
        ("?limit=0", "invalid"),
        ("?limit=1001", "invalid"),
        ("?offset=1", "bad_query"),
    ] {
        assert_eq!(
            host.get(&format!("{TABLE}{query}")).await.code(),
            code,
            "{query}"
        );
    }
    let unknown = "/v1/stores/s9/tax-table";
    assert_eq!(host.get(unknown).await.code(), "not_found");
    assert_eq!(csv(&host, unknown).await.code(), "not_found");
    let request = host.upload(unknown, "unknown", "text/csv", HEADER).await;
    assert_eq!(request.code(), "not_found");
    let wrong = host.upload(TABLE, "json", "application/json", "[]").await;
    assert_eq!(wrong.code(), "unsupported_media_type");
    let long = "x".repeat(1_001);
    let long = import(&host, &format!("?reason={long}"), "long", &file(1, "1")).await;
    assert_eq!(long.code(), "invalid");
    host.stop().await;
}

async fn a_dry_run_lists_the_differences(stage: &Stage) {
    let host = with_store(stage).await;
    import(&host, "", "first", &file(3, "21")).await.expect(200);
    let new = format!("{HEADER}C000,VAT,0,10\nC001,VAT,1,21\nNEW,VAT,new,4\n");
    let shown = import(&host, "?dry_run=true&replace=true", "dry", &new)
        .await
        .expect(200);
    assert_eq!(
        (&shown["dry_run"], counts(&shown)),
        (&json!(true), [1, 1, 1, 1])
    );
    let rates: Vec<_> = shown["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|one| {
            (
                one["before"]["tax_percent"].clone(),
                one["after"]["tax_percent"].clone(),
            )
        })
        .collect();
    assert_eq!(
        rates,
        [
            (json!("21.00"), json!("10")),
            (json!("21.00"), Value::Null),
            (Value::Null, json!("4"))
        ]
    );
    assert_eq!(
        operations(&host).await.len(),
        1,
        "a dry run is not recorded"
    );
    // The first hundred are listed, all are counted.
    let many = import(&host, "?dry_run=true", "many", &file(300, "5"))
        .await
        .expect(200);
    assert_eq!(counts(&many), [297, 3, 0, 0]);
    assert_eq!(many["changes"].as_array().map(Vec::len), Some(100));
    assert_eq!(
        host.get(TABLE).await.expect(200)["rows"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    host.stop().await;
}

async fn forty_invalid_cells_are_reported_together_and_nothing_changes(stage: &Stage) {
    let host = with_store(stage).await;
    let mut text = file(60, "21");
    for n in 0..40 {
        text = text.replace(
            &format!("C{n:03},VAT,{n},21"),
            &format!("C{n:03},VAT,{n},21%"),
        );
    }
    let rejected = import(&host, "", "k", &text).await;
    assert_eq!(rejected.code(), "file_refused");
    let errors = rejected.json()["errors"]
        .as_array()
        .expect("errors")
        .clone();
    assert_eq!(errors.len(), 40);
    for (n, error) in errors.iter().enumerate() {
        assert_eq!(
            (&error["row"], &error["field"]),
            (&json!(n + 2), &json!("tax_percent"))
        );
    }
    assert_eq!(host.get(TABLE).await.expect(200)["rows"], json!([]));
    let empty = import(&host, "", "empty", HEADER).await;
    assert_eq!(empty.code(), "file_refused");
    let empty = import(&host, "?allow_empty=true", "allowed", HEADER).await;
    assert_eq!(counts(&empty.expect(200)), [0, 0, 0, 0]);
    host.stop().await;
}

async fn an_export_is_an_import_that_changes_nothing(stage: &Stage) {
    let host = with_store(stage).await;
    let lines = [
        json!({ "tax_code": "=A", "tax_level": "say \"VAT\"; 21", "retailer_tax_level_id": "1", "tax_percent": "21" }),
        json!({ "tax_code": "B", "tax_level": "", "retailer_tax_level_id": "", "tax_percent": "0",
            "authority": "ES", "treatment": "exempt", "position": 3, "valid_from": "2027-01-01" }),
        json!({ "tax_code": "C", "tax_level": "fee", "retailer_tax_level_id": "-2", "tax_percent": "0.125",
            "kind": "fixed_per_unit", "affects_later_taxes": true, "ignores_earlier_taxes": true }),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sent = host
        .upload(TABLE, "lines", "application/x-ndjson", &lines)
        .await;
    assert_eq!(counts(&sent.expect(200)), [3, 0, 0, 0]);
    let exported = csv(&host, TABLE).await;
    assert_eq!(exported.status, 200);
    assert_eq!(
        exported.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    let expected = "\
tax_code,tax_level,retailer_tax_level_id,tax_percent,authority,kind,treatment,affects_later_taxes,\
ignores_earlier_taxes,position,valid_from\r
'=A,\"say \"\"VAT\"\"; 21\",1,21.00,,percent,,false,false,0,\r
B,,,0,ES,percent,exempt,false,false,3,2027-01-01\r
C,fee,'-2,0.125,,fixed_per_unit,,true,true,0,\r
";
    assert_eq!(exported.text, expected);
    let same = import(&host, "?replace=true", "same", &exported.text).await;
    assert_eq!(counts(&same.expect(200)), [0, 0, 0, 3]);
    let page = host.get(TABLE).await.expect(200);
    let rows = page["rows"].as_array().expect("rows").iter();
    let rows: String = rows.map(|row| format!("{row}\n")).collect();
    let path = format!("{TABLE}?replace=true");
    let same = host
        .upload(&path, "rows", "application/x-ndjson", &rows)
        .await;
    assert_eq!(counts(&same.expect(200)), [0, 0, 0, 3]);
    host.stop().await;
}

async fn a_table_is_deleted_once_for_a_key(stage: &Stage) {
    let host = with_store(stage).await;
    import(&host, "", "first", &file(3, "21")).await.expect(200);
    let first = delete(&host, "?reason=closed", Some("d")).await;
    assert_eq!(first.expect(200), json!({ "rows": 3 }));
    import(&host, "", "second", &file(2, "21"))
        .await
        .expect(200);
    // The repetition does not delete the new table.
    let again = delete(&host, "?reason=closed", Some("d")).await;
    assert!(again.replayed());
    assert_eq!(again.expect(200), json!({ "rows": 3 }));
    let other = delete(&host, "?reason=other", Some("d")).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(
        delete(&host, "", Some("not visible")).await.code(),
        "idempotency_key_invalid"
    );
    assert_eq!(
        delete(&host, "", None).await.expect(200),
        json!({ "rows": 2 })
    );
    assert_eq!(
        delete(&host, "", None).await.expect(200),
        json!({ "rows": 0 })
    );
    let log = operations(&host).await;
    let log: Vec<_> = log
        .iter()
        .map(|one| (&one["action"], &one["reason"], &one["before"]["rows"]))
        .collect();
    let (imported, deleted) = (json!("tax_table_import"), json!("tax_table_delete"));
    assert_eq!(
        log,
        [
            (&deleted, &json!(""), &json!(2)),
            (&imported, &json!(""), &json!(0)),
            (&deleted, &json!("closed"), &json!(3)),
            (&imported, &json!(""), &json!(0)),
        ]
    );
    host.stop().await;
}

async fn only_operators_within_reach_change_a_table(stage: &Stage) {
    let host = with_store(stage).await;
    let send = async |method: Method, bearer: &str| {
        let request = host.request(method.clone(), TABLE).bearer_auth(bearer);
        let request = match method {
            Method::POST => request
                .header("Idempotency-Key", bearer)
                .header("Content-Type", "text/csv")
                .body(file(1, "21")),
            _ => request,
        };
        host.send(request).await.status
    };
    for (bearer, get, post, delete) in [
        ("till;stores=s1", 200, 403, 403),
        ("till;stores=s2", 404, 403, 403),
        ("back_office;stores=s1", 200, 403, 403),
        ("operator;stores=s2", 404, 404, 404),
        ("operator;retailers=other", 404, 404, 404),
        ("operator;stores=s1", 200, 200, 200),
        ("operator;retailers=example", 200, 200, 200),
    ] {
        assert_eq!(send(Method::GET, bearer).await, get, "GET by {bearer}");
        assert_eq!(send(Method::POST, bearer).await, post, "POST by {bearer}");
        assert_eq!(
            send(Method::DELETE, bearer).await,
            delete,
            "DELETE by {bearer}"
        );
    }
    host.stop().await;
}
