//! A walk over every route: sends the examples of the OpenAPI document to an empty host in a fixed order, and
//! compares the responses with their examples.

use crate::golden::{golden, pretty, renewing};
use crate::host::Host;
use crate::rows::{
    add_dead_letter, add_decision, add_parked_and_queued, add_tax_comparison, add_tax_rows,
};
use crate::stage::Stage;
use galleria_app::reloads::Loaded;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both!(every_route_answers_with_its_documented_example);

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A host that gets the examples of the document in a fixed order.
pub struct Walk {
    pub host: Host,
    pub document: Value,
    sent: BTreeSet<(String, String)>,
}

impl Walk {
    /// Sends the example of an operation and compares the response with its example,
    /// `src/examples/<answer>.json`.
    async fn step(&mut self, method: Method, template: &str, answer: Option<&str>) {
        let word = method.as_str().to_lowercase();
        let operation = &self.document["paths"][template][&word];
        assert!(operation.is_object(), "{method} {template}");
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut path = template.to_owned();
        for parameter in parameters.iter().filter(|one| one["in"] == "path") {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().expect("an example of an id");
            path = path.replace(&format!("{{{name}}}"), example);
        }
        let request = &operation["requestBody"]["content"]["application/json"]["example"];
        // All in one trace, which the timeline shows.
        let call = self.host.request(method.clone(), &path);
        let call = call.header("traceparent", TRACE);
        let call = match request {
            Value::Null => call,
            body => call.header("Idempotency-Key", template).json(body),
        };
        let sent = self.host.send(call).await;
        assert!((200..300).contains(&sent.status), "{path}: {}", sent.text);
        if let Some(name) = answer {
            golden(&format!("src/examples/{name}.json"), &pretty(&sent.json()));
            let documented = &operation["responses"][sent.status.to_string()];
            let documented = &documented["content"]["application/json"]["example"];
            assert!(
                renewing() || *documented == sent.json(),
                "the example of {method} {template}"
            );
        }
        self.sent.insert((word, template.to_owned()));
    }

    /// Sends the example of a file and compares the response with its example.
    async fn file(&mut self, template: &str, answer: &str) {
        let operation = &self.document["paths"][template]["post"];
        let file = operation["requestBody"]["content"]["text/csv"]["example"].clone();
        let path = template
            .replace("{retailer}", "example")
            .replace("{id}", "madrid-1");
        let file = file.as_str().expect("text");
        let sent = self.host.upload(&path, template, "text/csv", file).await;
        let found = pretty(&sent.expect(200));
        golden(&format!("src/examples/{answer}.json"), &found);
        let documented = &operation["responses"]["200"]["content"]["application/json"]["example"];
        assert!(
            renewing() || *documented == sent.json(),
            "the example of {template}"
        );
        self.sent.insert(("post".into(), template.to_owned()));
    }

    /// Operations that were not sent.
    fn missing(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().expect("paths").iter();
        let all = paths.flat_map(|(path, item)| {
            let methods = item.as_object().expect("an item").keys();
            methods.map(|method| (method.clone(), path.clone()))
        });
        all.filter(|operation| !self.sent.contains(operation))
            .collect()
    }
}

async fn every_route_answers_with_its_documented_example(stage: &Stage) {
    let walk = walked(stage).await;
    assert_eq!(walk.missing(), Vec::new());
    walk.host.stop().await;
}

/// A host that got every example.
pub async fn walked(stage: &Stage) -> Walk {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    let mut walk = Walk {
        host,
        document,
        sent: BTreeSet::new(),
    };
    let (get, post) = (Method::GET, Method::POST);
    walk.step(Method::PUT, "/v1/stores/{id}", Some("store"))
        .await;
    walk.step(get.clone(), "/v1/stores/{id}", Some("store"))
        .await;
    walk.step(get.clone(), "/v1/stores", Some("store_page"))
        .await;
    walk.file("/v1/stores/import", "stores_import").await;
    let settings = "/v1/stores/{id}/tax-settings";
    for method in [Method::PUT, Method::GET] {
        walk.step(method, settings, Some("tax_settings")).await;
    }
    walk.step(get.clone(), "/v1/taxes/upstreams", Some("tax_upstreams"))
        .await;
    walk.step(
        post.clone(),
        "/v1/stores/{id}/members/identify",
        Some("identify"),
    )
    .await;
    products(&mut walk).await;
    taxes(&mut walk).await;
    walk.step(post.clone(), "/v1/shifts", Some("shift")).await;
    walk.step(post.clone(), "/v1/orders", Some("order")).await;
    walk.step(post.clone(), "/v1/orders/{id}/payments", Some("payment"))
        .await;
    walk.step(post.clone(), "/v1/orders/{id}/refunds", Some("refund"))
        .await;
    walk.step(
        post.clone(),
        "/v1/orders/{id}/verifications",
        Some("verification"),
    )
    .await;
    let order = "/v1/orders/post/requestBody/content/application~1json/example";
    let pointer = format!("/paths/{}", order.replacen("/v1/orders", "~1v1~1orders", 1));
    let mut second = walk.document.pointer(&pointer).expect("an order").clone();
    second["id"] = json!("order-2");
    walk.host
        .post("/v1/orders", "order-2", &second)
        .await
        .expect(201);
    walk.step(post.clone(), "/v1/orders/{id}/voids", Some("void"))
        .await;
    let marks = "/v1/fiscal-records/{id}/marks";
    walk.step(post.clone(), marks, Some("mark")).await;
    let one = "/v1/fiscal-records/{id}";
    walk.step(get.clone(), one, Some("fiscal_record")).await;
    walk.step(get.clone(), "/v1/fiscal-records", Some("fiscal_page"))
        .await;
    let movements = "/v1/shifts/{id}/movements";
    walk.step(post.clone(), movements, Some("movement")).await;
    walk.step(post, "/v1/shifts/{id}/end", Some("shift_end"))
        .await;
    add_decision(&walk.host).await;
    listed(&mut walk).await;
    walk.step(get.clone(), "/v1/orders/{id}/documents", Some("documents"))
        .await;
    walk.step(get.clone(), "/v1/orders/{id}/journal", Some("journal"))
        .await;
    let journal = "/v1/events/{id}/journal";
    walk.step(get.clone(), journal, Some("event_journal")).await;
    let text = format!("{journal}/{{digest}}");
    walk.step(get.clone(), &text, Some("journal_text")).await;
    operating(&mut walk).await;
    reloads(&mut walk).await;
    dead_letters(&mut walk).await;
    walk.step(get.clone(), "/v1/timeline/{id}", Some("timeline"))
        .await;
    comparisons(&mut walk).await;
    statements(&mut walk).await;
    runs(&mut walk).await;
    for path in ["/v1/status", "/healthz", "/readyz"] {
        let name = path.rsplit('/').next();
        walk.step(get.clone(), path, name).await;
    }
    walk.step(get.clone(), "/openapi.json", None).await;
    // Not JSON, and this host has no recorder: see `metrics.rs`.
    let metrics = ("get".to_owned(), "/metrics".to_owned());
    walk.sent.insert(metrics);
    walk
}

/// Lists and single resources.
async fn listed(walk: &mut Walk) {
    let get = Method::GET;
    let steps = [
        ("/v1/orders", "order_page"),
        ("/v1/orders/{id}", "order_paid"),
        ("/v1/payments", "payment_page"),
        ("/v1/payments/{id}", "payment_detail"),
        ("/v1/refunds", "refund_page"),
        ("/v1/refunds/{id}", "refund_detail"),
        ("/v1/voids", "void_page"),
        ("/v1/verifications", "verification_page"),
        ("/v1/shifts", "shift_page"),
        ("/v1/shifts/{id}", "shift_detail"),
        ("/v1/documents", "document_page"),
        ("/v1/documents/{id}", "document"),
    ];
    for (path, answer) in steps {
        walk.step(get.clone(), path, Some(answer)).await;
    }
    // Not JSON: see `listed.rs`.
    let content = "/v1/documents/{id}/content";
    walk.step(get, content, None).await;
}

/// Import of a statement; manual settlement of its line, and the undo.
async fn statements(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    let import = "/v1/retailers/{retailer}/statements";
    let path = "/v1/retailers/example/statements?plugin=statements&file=payout-42.csv";
    let send = |host: &Host| {
        let request = host.request(Method::POST, path);
        request.body("a statement of example")
    };
    let sent = walk.host.send(send(&walk.host)).await.expect(201);
    golden("src/examples/statement.json", &pretty(&sent));
    let again = walk.host.send(send(&walk.host)).await.expect(200);
    assert_eq!(again, sent);
    let empty = walk.host.request(Method::POST, path);
    let rejected = walk.host.send(empty).await;
    assert_eq!(rejected.code(), "file_refused");
    let error = &rejected.json()["errors"][0];
    assert_eq!(
        (&error["row"], &error["field"]),
        (&json!(1), &json!("Psp Reference"))
    );
    let large = walk
        .host
        .request(Method::POST, path)
        .body(vec![b'x'; 2 << 20]);
    assert_eq!(walk.host.send(large).await.code(), "body_too_large");
    walk.sent.insert(("post".into(), import.to_owned()));
    let steps = [
        (&get, "/v1/statements", "statement_page"),
        (&get, "/v1/statements/{id}", "statement"),
        (&get, "/v1/statements/{id}/lines", "statement_lines"),
        (&post, "/v1/statement-lines/{id}/settle", "line_settled"),
        (&post, "/v1/statement-lines/{id}/undo", "line_undone"),
        (&get, "/v1/statement-lines/{id}", "line_explained"),
        (&post, "/v1/statements/{id}/reread", "statement_reread"),
    ];
    for (method, path, answer) in steps {
        walk.step(method.clone(), path, Some(answer)).await;
    }
    let uncovered = "/v1/statements/uncovered";
    let path = format!("{uncovered}?retailer=example&days=0");
    let found = walk.host.get(&path).await.expect(200);
    golden("src/examples/statement_uncovered.json", &pretty(&found));
    walk.sent.insert(("get".into(), uncovered.to_owned()));
    let rejected = "/v1/statements/rejected";
    let path = format!("{rejected}?retailer=example");
    let found = walk.host.get(&path).await.expect(200);
    golden("src/examples/statement_rejected.json", &pretty(&found));
    walk.sent.insert(("get".into(), rejected.to_owned()));
}

/// Request, cancellation and replay of a run.
async fn runs(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    walk.step(post.clone(), "/v1/runs", Some("run")).await;
    walk.step(get.clone(), "/v1/runs", Some("run_page")).await;
    walk.step(get, "/v1/runs/{id}", Some("run")).await;
    walk.step(post.clone(), "/v1/runs/{id}/cancel", Some("run_cancelled"))
        .await;
    walk.step(post, "/v1/runs/{id}/replay", Some("run_replayed"))
        .await;
}

/// Parked events and a retry, queued receipts and requests, plugins with their faults.
async fn operating(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    add_parked_and_queued(&walk.host).await;
    let one = "/v1/parked/{event}/{subscriber}";
    let retry = format!("{one}/retry");
    for (method, path, answer) in [
        (&get, "/v1/parked", "parked_page"),
        (&get, one, "parked"),
        (&post, &retry, "parked_retried"),
        (&get, "/v1/receipts", "receipt_page"),
        (&get, "/v1/requests", "request_page"),
        (&get, "/v1/plugins", "plugin_page"),
        (&get, "/v1/plugins/{retailer}/{slot}", "plugin"),
    ] {
        walk.step(method.clone(), path, Some(answer)).await;
    }
}

/// A reload of a retailer, which succeeds in one process and fails in another.
async fn reloads(walk: &mut Walk) {
    let reloads = walk.host.app.reloads.clone();
    let [one, other] = [
        "8f14e45f-ceea-4679-8a2b-6a2a5a1f0c11@host-1",
        "c9f0f895-fb98-4b91-9f5f-2d0f6f1e7b52@host-2",
    ];
    for host in [one, other] {
        let Loaded { load, at, .. } = loaded(0, LoadState::Serving);
        let begun = reloads.begin(host, vec![load], std::time::Duration::ZERO, at);
        begun.await.expect("recorded");
    }
    let path = "/v1/retailers/{retailer}/reload";
    walk.step(Method::POST, path, Some("retailer_reload")).await;
    for (host, state) in [(one, LoadState::Serving), (other, LoadState::ReloadFailed)] {
        let load = loaded(1, state);
        reloads.record(host, vec![load]).await.expect("recorded");
    }
    let get = Method::GET;
    walk.step(get.clone(), "/v1/retailers/{retailer}", Some("retailer"))
        .await;
    walk.step(get, "/v1/retailers", Some("retailer_page")).await;
}

fn loaded(generation: i64, state: LoadState) -> Loaded {
    let error = "retailers/example/retailer.toml: plugins.daily-sales.settings.delimiter: must be one character";
    let errors = match state {
        LoadState::Serving => Vec::new(),
        _ => vec![error.to_owned()],
    };
    Loaded {
        generation,
        load: RetailerLoad {
            retailer: "example".into(),
            state,
            errors,
        },
        at: "2026-11-24T12:00:00Z".parse().expect("an instant"),
    }
}

/// Dead letters are listed, replayed and discarded, one by one and together.
async fn dead_letters(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    let one = "/v1/dead-letters/{event}/{subscriber}";
    add_dead_letter(&walk.host).await;
    walk.step(get.clone(), "/v1/dead-letters", Some("dead_letters"))
        .await;
    walk.step(get.clone(), one, Some("dead_letter")).await;
    walk.step(
        post.clone(),
        &format!("{one}/replay"),
        Some("settled_letters"),
    )
    .await;
    add_dead_letter(&walk.host).await;
    let settled = Some("settled_letters");
    walk.step(post.clone(), &format!("{one}/discard"), settled)
        .await;
    for action in ["replay", "discard"] {
        add_dead_letter(&walk.host).await;
        walk.step(post.clone(), &format!("/v1/dead-letters/{action}"), settled)
            .await;
        let left = walk.host.get("/v1/dead-letters").await.expect(200);
        assert_eq!(left["dead_letters"], json!([]), "{action}");
    }
    walk.step(get, "/v1/operations", Some("operations")).await;
}

/// A basket is evaluated and recorded.
async fn taxes(walk: &mut Walk) {
    add_tax_rows(&walk.host, "madrid-1").await;
    walk.step(Method::POST, "/v1/taxes/evaluate", Some("tax_evaluation"))
        .await;
    let list = "/v1/stores/{id}/tax-evaluations";
    walk.step(Method::GET, list, Some("tax_evaluation_page"))
        .await;
    walk.step(
        Method::GET,
        "/v1/stores/{id}/tax-evaluations/{evaluation}",
        Some("recorded_tax_evaluation"),
    )
    .await;
    tax_table(walk).await;
    // Orders of the walk use the table.
    add_tax_rows(&walk.host, "madrid-1").await;
}

/// A tax table is imported, listed, exported and deleted.
async fn tax_table(walk: &mut Walk) {
    let one = "/v1/stores/{id}/tax-table";
    walk.file(one, "tax_table_import").await;
    let import = "/v1/stores/madrid-1/tax-table?dry_run=true";
    let lines = "/paths/~1v1~1stores~1{id}~1tax-table/post/requestBody/content/application~1x-ndjson/example";
    let lines = walk.document.pointer(lines).and_then(Value::as_str);
    let kind = "application/x-ndjson";
    let lines = walk
        .host
        .upload(import, "tax-lines", kind, lines.expect("text"));
    assert_eq!(lines.await.expect(200)["added"], 1);
    walk.step(Method::GET, one, Some("tax_table_page")).await;
    let csv = walk
        .host
        .request(Method::GET, "/v1/stores/madrid-1/tax-table");
    let csv = walk.host.send(csv.header("Accept", "text/csv")).await;
    golden("src/examples/tax_table_csv.json", &pretty(&json!(csv.text)));
    walk.step(Method::DELETE, one, Some("tax_table_deleted"))
        .await;
}

/// Comparisons of two routes, and a move to the other one.
async fn comparisons(walk: &mut Walk) {
    add_tax_comparison(&walk.host).await;
    let comparisons = "/v1/stores/{id}/tax-comparisons";
    walk.step(Method::GET, comparisons, Some("tax_comparisons"))
        .await;
    walk.step(Method::POST, "/v1/stores/{id}/tax-move", Some("tax_move"))
        .await;
    let settings = "/v1/stores/{id}/tax-settings";
    walk.step(Method::DELETE, settings, Some("tax_settings_deleted"))
        .await;
}

/// A product is replaced, a file is imported, and all products are listed.
async fn products(walk: &mut Walk) {
    let one = "/v1/retailers/{retailer}/products/{sku}";
    walk.step(Method::PUT, one, Some("product")).await;
    walk.step(Method::GET, one, Some("product")).await;
    walk.file("/v1/retailers/{retailer}/products/import", "product_import")
        .await;
    let import = "/v1/retailers/example/products/import?dry_run=true";
    let operation = "/paths/~1v1~1retailers~1{retailer}~1products~1import/post";
    let lines = format!("{operation}/requestBody/content/application~1x-ndjson/example");
    let lines = walk.document.pointer(&lines).and_then(Value::as_str);
    let kind = "application/x-ndjson";
    let lines = walk
        .host
        .upload(import, "lines", kind, lines.expect("text"));
    assert_eq!(lines.await.expect(200)["rows"], 2);
    let all = "/v1/retailers/{retailer}/products";
    walk.step(Method::GET, all, Some("product_page")).await;
}
