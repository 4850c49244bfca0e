//! The document is what it was, its examples are true, and no route goes untried.

use crate::host::Host;
use crate::stage::Stage;
use galleria_app::records::{
    DeadLetter, DocumentRow, DocumentState, JournalRow, OutgoingRow, Parked, ParkedState,
    ReceiptRow,
};
use galleria_domain::Event;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

on_both!(every_route_answers_its_example_as_the_document_tells);

fn blessing() -> bool {
    std::env::var("GALLERIA_BLESS").is_ok_and(|value| value == "1")
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a golden file, or renews it.
fn golden(path: &str, found: &str) {
    if blessing() {
        std::fs::write(here(path), found).expect("a golden file");
    }
    let kept = std::fs::read_to_string(here(path)).expect("a golden file");
    assert!(
        kept == found,
        "{path} is no longer true; GALLERIA_BLESS=1 renews it"
    );
}

fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    format!("{text}\n")
}

#[test]
fn the_document_is_as_it_was() {
    let text = galleria_api::openapi().to_pretty_json().expect("JSON");
    golden("tests/golden/openapi.json", &format!("{text}\n"));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut references = BTreeSet::new();
    gather(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference into the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

/// A generated client names its functions by them.
#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("an item").values() {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names.insert(name), "{path}: {name} is another's too");
        }
    }
}

/// Of fields of bodies, those of bodies within bodies too.
#[test]
fn every_field_says_what_it_is() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut silent = Vec::new();
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.expect("schemas") {
        fields(name, schema, &mut silent);
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

fn fields(place: &str, schema: &Value, silent: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        fields(&place, field, silent);
        if !field["description"].is_string() {
            silent.push(place);
        }
    }
    for parts in ["oneOf", "anyOf", "allOf"] {
        let parts = schema[parts].as_array().into_iter().flatten();
        parts.for_each(|part| fields(place, part, silent));
    }
    if schema["items"].is_object() {
        fields(place, &schema["items"], silent);
    }
}

/// Of every answer and every body, and each is what its schema says.
#[test]
fn whatever_is_sent_has_an_example_that_is_of_its_schema() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let (mut seen, mut wrong) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let body = [("body".to_owned(), &operation["requestBody"])];
            let all = operation["responses"].as_object().expect("responses");
            let all = all.iter().map(|(status, one)| (status.clone(), one));
            for (status, told) in all.chain(body) {
                let Some(content) = told["content"].as_object() else {
                    assert_eq!(status, "body", "{method} {path} tells nothing of {status}");
                    continue;
                };
                for (kind, content) in content {
                    let place = format!("{method} {path}: {status} {kind}");
                    wrong.append(&mut shown(&document, content, &place, told, &status));
                    seen += 1;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 600, "{seen}");
}

/// What is wrong with a body's examples, by its schema; a problem's must be what is told of it.
fn shown(
    document: &Value,
    content: &Value,
    place: &str,
    told: &Value,
    status: &str,
) -> Vec<String> {
    let several = content["examples"].as_object().into_iter().flatten();
    let several = several.map(|(name, one)| {
        let reference = one["$ref"].as_str().expect("a reference");
        let one = document.pointer(reference.trim_start_matches('#'));
        let value = &one.expect("an example")["value"];
        let words = told["description"].as_str().expect("a description");
        assert!(words.contains(&format!("`{name}`")), "{place}: {name}");
        assert_eq!(value["code"], *name, "{place}");
        assert_eq!(value["status"].to_string(), status, "{place}");
        value
    });
    let all: Vec<_> = several.chain(content.get("example")).collect();
    if all.is_empty() {
        return vec![format!("{place} has no example")];
    }
    let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
    let schema = jsonschema::draft202012::new(&schema).expect("a schema");
    let errors = all.into_iter().flat_map(|one| schema.iter_errors(one));
    errors
        .map(|error| format!("{place}: {}: {error}", error.instance_path()))
        .collect()
}

fn gather(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                references.insert(reference.clone());
            }
            fields.values().for_each(|value| gather(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| gather(value, references)),
        _ => {}
    }
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Sends the document's own examples.
pub struct Walk {
    pub host: Host,
    pub document: Value,
    walked: BTreeSet<(String, String)>,
}

impl Walk {
    /// Sends the example of an operation and holds its answer against the example of the answer,
    /// kept as `src/examples/<answer>.json`.
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
        // Of one trace: the story tells it.
        let asked = self.host.request(method.clone(), &path);
        let asked = asked.header("traceparent", TRACE);
        let asked = match request {
            Value::Null => asked,
            body => asked.header("Idempotency-Key", template).json(body),
        };
        let sent = self.host.send(asked).await;
        assert!((200..300).contains(&sent.status), "{path}: {}", sent.text);
        if let Some(name) = answer {
            golden(&format!("src/examples/{name}.json"), &pretty(&sent.json()));
            let told = &operation["responses"][sent.status.to_string()];
            let told = &told["content"]["application/json"]["example"];
            assert!(
                blessing() || *told == sent.json(),
                "the example of {method} {template}"
            );
        }
        self.walked.insert((word, template.to_owned()));
    }

    /// Sends the example of a file, and holds its answer against the example of the answer.
    async fn file(&mut self, template: &str, answer: &str) {
        let operation = &self.document["paths"][template]["post"];
        let file = operation["requestBody"]["content"]["text/csv"]["example"].clone();
        let path = template.replace("{retailer}", "example");
        let file = file.as_str().expect("text");
        let sent = self.host.upload(&path, template, "text/csv", file).await;
        let found = pretty(&sent.expect(200));
        golden(&format!("src/examples/{answer}.json"), &found);
        let told = &operation["responses"]["200"]["content"]["application/json"]["example"];
        assert!(
            blessing() || *told == sent.json(),
            "the example of {template}"
        );
        self.walked.insert(("post".into(), template.to_owned()));
    }

    /// Every operation that was not tried; stays empty.
    fn untried(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().expect("paths").iter();
        let all = paths.flat_map(|(path, item)| {
            let methods = item.as_object().expect("an item").keys();
            methods.map(|method| (method.clone(), path.clone()))
        });
        all.filter(|operation| !self.walked.contains(operation))
            .collect()
    }
}

async fn every_route_answers_its_example_as_the_document_tells(stage: &Stage) {
    let walk = walked(stage).await;
    assert_eq!(walk.untried(), Vec::new());
    walk.host.stop().await;
}

/// A host to which every example was sent.
pub async fn walked(stage: &Stage) -> Walk {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    let mut walk = Walk {
        host,
        document,
        walked: BTreeSet::new(),
    };
    let (get, post) = (Method::GET, Method::POST);
    walk.step(Method::PUT, "/v1/stores/{id}", Some("store"))
        .await;
    walk.step(get.clone(), "/v1/stores/{id}", Some("store"))
        .await;
    walk.step(get.clone(), "/v1/stores", Some("store_page"))
        .await;
    walk.file("/v1/stores/import", "stores_import").await;
    walk.step(
        post.clone(),
        "/v1/stores/{id}/members/identify",
        Some("identify"),
    )
    .await;
    products(&mut walk).await;
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
    decided(&walk.host).await;
    listed(&mut walk).await;
    walk.step(get.clone(), "/v1/orders/{id}/documents", Some("documents"))
        .await;
    walk.step(get.clone(), "/v1/orders/{id}/journal", Some("journal"))
        .await;
    let journal = "/v1/events/{id}/journal";
    walk.step(get.clone(), journal, Some("event_journal")).await;
    let text = format!("{journal}/{{digest}}");
    walk.step(get.clone(), &text, Some("journal_text")).await;
    desk(&mut walk).await;
    dead_letters(&mut walk).await;
    walk.step(get.clone(), "/v1/timeline/{id}", Some("timeline"))
        .await;
    statements(&mut walk).await;
    runs(&mut walk).await;
    for path in ["/v1/status", "/healthz", "/readyz"] {
        let name = path.rsplit('/').next();
        walk.step(get.clone(), path, name).await;
    }
    walk.step(get.clone(), "/openapi.json", None).await;
    // Text, and not for this host: see `metrics.rs`.
    let metrics = ("get".to_owned(), "/metrics".to_owned());
    walk.walked.insert(metrics);
    walk
}

/// What was told before is listed and looked at, one by one.
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
    // Bytes, and no JSON: see `listed.rs`.
    let content = "/v1/documents/{id}/content";
    walk.step(get, content, None).await;
}

/// A statement is sent, looked at, and its line settled by hand and taken back.
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
    let refused = walk.host.send(empty).await;
    assert_eq!(refused.code(), "file_refused");
    let told = &refused.json()["errors"][0];
    assert_eq!(
        (&told["row"], &told["field"]),
        (&json!(1), &json!("Psp Reference"))
    );
    let large = walk
        .host
        .request(Method::POST, path)
        .body(vec![b'x'; 2 << 20]);
    assert_eq!(walk.host.send(large).await.code(), "body_too_large");
    walk.walked.insert(("post".into(), import.to_owned()));
    let steps = [
        (&get, "/v1/statements", "statement_page"),
        (&get, "/v1/statements/{id}", "statement"),
        (&get, "/v1/statements/{id}/lines", "statement_lines"),
        (&post, "/v1/statement-lines/{id}/settle", "line_settled"),
        (&post, "/v1/statement-lines/{id}/undo", "line_undone"),
        (&get, "/v1/statement-lines/{id}", "line_explained"),
    ];
    for (method, path, answer) in steps {
        walk.step(method.clone(), path, Some(answer)).await;
    }
    let uncovered = "/v1/statements/uncovered";
    let path = format!("{uncovered}?retailer=example&days=0");
    let found = walk.host.get(&path).await.expect(200);
    golden("src/examples/statement_uncovered.json", &pretty(&found));
    walk.walked.insert(("get".into(), uncovered.to_owned()));
}

/// A run is asked for, looked at, cancelled and replayed.
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

/// What waits and what is queued is shown, an event let be tried now, and plugins with their faults.
async fn desk(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    waiting(&walk.host).await;
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

/// An event that waits for its next attempt, a receipt and a request that a plugin wants sent, and a
/// fault of another.
async fn waiting(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let parked = Parked {
        group: "COMMON_GROUP".into(),
        subscriber: "poslog".into(),
        lane: "madrid-1/order-1".into(),
        event: Event {
            position: 2,
            id: "refund:refund-1".into(),
            topic: "mishi.streams.common".into(),
            key: Some("order-1".into()),
            store: Some("madrid-1".into()),
            data: json!({ "order_id": "order-1", "refund_id": "refund-1" }),
            server_timestamp: 1_795_514_671_000,
            origin: galleria_domain::trace::Origin::default(),
        },
        state: ParkedState::Retry,
        attempts: 2,
        due_at: "2026-11-24T12:05:00Z".parse().expect("an instant"),
        since: at,
        waits_for: None,
        cause: "retry: the target is away".into(),
    };
    let receipt = ReceiptRow {
        id: "payment:payment-1/receipts/0".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "receipts".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        receipt: json!({
            "template": "sale", "locale": "es-ES",
            "document": {
                "directory": "receipts", "name": "receipt.pdf", "media_type": "application/pdf",
                "body": [37, 80, 68, 70],
            },
            "attributes": [{ "name": "email", "value": "ana@example.com" }],
        })
        .to_string(),
        created_at: at,
    };
    let request = OutgoingRow {
        id: "payment:payment-1/0".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        request: json!({
            "id": "sale", "target": "back-office", "method": "POST", "path": "/sales",
            "headers": [{ "name": "x-shop", "value": "a secret" }], "body": [123, 125],
        })
        .to_string(),
        created_at: at,
    };
    let fault = JournalRow {
        event_id: "run:nightly".into(),
        subscriber: "daily-sales".into(),
        retailer: "example".into(),
        store_id: String::new(),
        order_id: None,
        attempt: 1,
        outcome: "out_of_memory".into(),
        detail: None,
        plugin: "daily-sales".into(),
        component: String::new(),
        settings: String::new(),
        argument: String::new(),
        decision: None,
        cpu_us: 412,
        memory_bytes: 67_108_864,
        output_bytes: 0,
        at,
    };
    let kept = host.app.records().write(move |tx| {
        let (parked, receipt) = (parked.clone(), receipt.clone());
        let (request, fault) = (request.clone(), fault.clone());
        Box::pin(async move {
            tx.parked_put(&parked).await?;
            tx.receipt_insert(&receipt).await?;
            tx.outgoing_insert(&request).await?;
            tx.journal_insert(&fault).await
        })
    });
    kept.await.expect("kept");
}

/// What was given up is shown, replayed and discarded, one by one and together.
async fn dead_letters(walk: &mut Walk) {
    let (get, post) = (Method::GET, Method::POST);
    let one = "/v1/dead-letters/{event}/{subscriber}";
    given_up(&walk.host).await;
    walk.step(get.clone(), "/v1/dead-letters", Some("dead_letters"))
        .await;
    walk.step(get.clone(), one, Some("dead_letter")).await;
    walk.step(
        post.clone(),
        &format!("{one}/replay"),
        Some("settled_letters"),
    )
    .await;
    given_up(&walk.host).await;
    let settled = Some("settled_letters");
    walk.step(post.clone(), &format!("{one}/discard"), settled)
        .await;
    for action in ["replay", "discard"] {
        given_up(&walk.host).await;
        walk.step(post.clone(), &format!("/v1/dead-letters/{action}"), settled)
            .await;
        let left = walk.host.get("/v1/dead-letters").await.expect(200);
        assert_eq!(left["dead_letters"], json!([]), "{action}");
    }
    walk.step(get, "/v1/operations", Some("operations")).await;
}

/// A dead letter of a plugin whose settings were wrong.
pub async fn given_up(host: &Host) {
    let letter = DeadLetter {
        group: "PAYMENT_GROUP".into(),
        subscriber: "poslog".into(),
        lane: "order-1".into(),
        event: Event {
            position: 1,
            id: "payment:payment-1".into(),
            topic: "mishi.streams.post-payment-success".into(),
            key: Some("order-1".into()),
            store: Some("madrid-1".into()),
            data: json!({ "order_id": "order-1", "payment_id": "payment-1" }),
            server_timestamp: 1_795_514_671_000,
            origin: galleria_domain::trace::Origin::default(),
        },
        code: "misconfigured".into(),
        detail: "return_style: unknown".into(),
        attempts: 1,
        component: galleria_domain::Digest::of(b"component").to_string(),
        died_at: "2026-11-24T10:04:32Z".parse().expect("an instant"),
    };
    let put = host.app.records().write(move |tx| {
        let letter = letter.clone();
        Box::pin(async move { tx.dead_put(&letter).await })
    });
    put.await.expect("a dead letter");
}

/// A product is put, a file of them is imported, and all are listed.
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

/// What a plugin decided, as the journal keeps it.
const DECISION: &str = include_str!("../golden/decision.json");

/// What a plugin would have left behind.
async fn decided(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let digest = |text: &str| galleria_domain::Digest::of(text.as_bytes()).to_string();
    let document = DocumentRow {
        id: "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        directory: "poslog".into(),
        name: "poslog_0042_20261124_000001.xml".into(),
        media_type: "application/xml".into(),
        size: 6,
        digest: digest("<xml/>"),
        body: Some(b"<xml/>".to_vec()),
        state: DocumentState::Pending,
        created_at: at,
    };
    let attempt = JournalRow {
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        attempt: 1,
        outcome: "applied".into(),
        detail: None,
        plugin: "poslog".into(),
        component: digest("component"),
        settings: digest("settings"),
        argument: digest("argument"),
        decision: Some(digest(DECISION)),
        cpu_us: 412,
        memory_bytes: 131_072,
        output_bytes: 6,
        at,
    };
    let kept = host.app.records().write(move |tx| {
        let (document, attempt) = (document.clone(), attempt.clone());
        Box::pin(async move {
            tx.document_insert(&document).await?;
            let decision = attempt.decision.clone().unwrap_or_default();
            tx.blob_put(&decision, DECISION, at).await?;
            tx.journal_insert(&attempt).await
        })
    });
    kept.await.expect("kept");
}
