//! The journal of any event, with arguments and decisions, within reach.

use crate::host::{Answer, Host};
use crate::stage::Stage;
use galleria_domain::{Digest, JsonText, NewEvent, contract};
use galleria_ports::in_tx;
use galleria_ports::records::JournalRow;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    the_journal_of_any_event_is_visible_within_reach,
    arguments_and_decisions_are_read_by_event_and_digest,
);

/// Recorded with contract 0.1.0, which named the cashier `operator` and wrote decimals as objects.
const ARGUMENT: &str = r#"{"point":"on-refund","context":{"attempt":1},"argument":{
    "entry":{"operator":"ana"},"lines":[{"quantity":{"unscaled":125,"scale":2}}]}}"#;

fn decision() -> String {
    json!({
        "documents": [], "notes": [],
        "publications": [{ "topic": "sales", "key": null, "data": "{\"sum\":12}" }],
        "requests": [{
            "id": "1", "target": "office", "method": "POST", "path": "/sales",
            "headers": [{ "name": "x-token", "value": "canary" }], "body": b"canary",
        }],
        "receipts": [{
            "template": "sale", "locale": "es-ES",
            "document": {
                "directory": "receipts", "name": "r.pdf", "media_type": "application/pdf",
                "body": b"canary",
            },
            "attributes": [{ "name": "email", "value": "canary@example.com" }],
        }],
    })
    .to_string()
}

fn attempt(event: &str, store: &str, attempt: u32) -> JournalRow {
    let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
    JournalRow {
        event_id: event.into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: store.into(),
        order_id: None,
        attempt,
        outcome: if attempt == 1 { "retry" } else { "applied" }.into(),
        detail: None,
        plugin: "poslog".into(),
        component: digest("component"),
        settings: digest("settings"),
        argument: digest(ARGUMENT),
        decision: (attempt > 1).then(|| digest(&decision())),
        cpu_us: 412,
        memory_bytes: 65_536,
        output_bytes: 6,
        at: "2026-11-24T10:04:31Z".parse().expect("an instant"),
    }
}

/// Two attempts at an event of each store, and one at a run over all stores of a retailer.
async fn add_attempts(host: &Host) {
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    store["retailer"] = json!("other");
    host.write(Method::PUT, "/v1/stores/t1", "t1", &store)
        .await
        .expect(200);
    let request = json!({
        "retailer": "example", "plugin": "daily-sales", "first": "2026-11-23", "last": "2026-11-23",
    });
    let run = host.post("/v1/runs", "run", &request).await.expect(202);
    let run = format!("run:{}", run["id"].as_str().expect("an id"));
    let put = host.app.core.records().write(in_tx!(|tx, run| {
        let decision = decision();
        for text in [ARGUMENT, &decision, "{\"another\":1}"] {
            let digest = Digest::of(text.as_bytes());
            let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
            tx.blob_put_many(&[(digest.as_str(), text)], at).await?;
        }
        for (event, store) in [("refund:r1", "s1"), ("shift:h1", "s1"), ("refund:r2", "t1")] {
            for number in 1..=2 {
                tx.journal_insert(&attempt(event, store, number)).await?;
            }
        }
        tx.journal_insert(&attempt(&run, "", 1)).await?;
        let event = NewEvent {
            id: "void:v1".into(),
            topic: "t".into(),
            key: None,
            store: Some("s1".into()),
            data: JsonText::of(&Value::Null).expect("JSON"),
        };
        let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
        tx.event_append(&event, at).await.map(drop)
    }));
    put.await.expect("attempts");
}

async fn get_as(host: &Host, path: &str, bearer: &str) -> Answer {
    let request = host.request(Method::GET, path);
    host.send(request.header("authorization", format!("Bearer {bearer}")))
        .await
}

async fn the_journal_of_any_event_is_visible_within_reach(stage: &Stage) {
    let host = stage.host().await;
    add_attempts(&host).await;
    let runs = host.get("/v1/runs?retailer=example").await.expect(200);
    let run = runs["runs"][0]["id"].as_str().expect("an id").to_owned();
    let attempts = async |event: &str, bearer: &str| {
        let path = format!("/v1/events/{event}/journal");
        let answer = get_as(&host, &path, bearer).await;
        (answer.status == 200).then(|| answer.json().as_array().expect("a list").len())
    };
    let run = format!("run%3A{run}");
    for (event, all, example, s1, t1) in [
        ("refund:r1", Some(2), Some(2), Some(2), None),
        ("shift%3Ah1", Some(2), Some(2), Some(2), None),
        ("refund:r2", Some(2), None, None, Some(2)),
        (run.as_str(), Some(1), Some(1), None, None),
        // The event exists, without attempts so far.
        ("void:v1", Some(0), Some(0), Some(0), None),
        ("refund:r9", None, None, None, None),
    ] {
        for (bearer, wanted) in [
            ("back_office", all),
            ("back_office;retailers=example", example),
            ("back_office;stores=s1", s1),
            ("back_office;stores=t1", t1),
        ] {
            assert_eq!(attempts(event, bearer).await, wanted, "{event} {bearer}");
        }
    }
    let journal = host.get("/v1/events/refund:r1/journal").await.expect(200);
    assert_eq!(
        (&journal[0]["attempt"], &journal[1]["attempt"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(journal[0]["outcome"], "retry");
    // Unreachable and unknown events get the same response.
    let body_of = async |event: &str| {
        let path = format!("/v1/events/{event}/journal");
        let mut body = get_as(&host, &path, "back_office;stores=s1")
            .await
            .expect(404);
        body["request_id"] = json!("");
        body.to_string()
    };
    let existing = body_of("refund:r2").await;
    assert_eq!(existing.replace("r2", "r9"), body_of("refund:r9").await);
    host.stop().await;
}

async fn arguments_and_decisions_are_read_by_event_and_digest(stage: &Stage) {
    let host = stage.host().await;
    add_attempts(&host).await;
    let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
    let text = async |event: &str, digest: &str, bearer: &str| {
        let path = format!("/v1/events/{event}/journal/{digest}");
        get_as(&host, &path, bearer).await
    };
    let own = "operator;stores=s1";
    let text_view = text("refund:r1", &digest(ARGUMENT), own).await.expect(200);
    assert_eq!(text_view["what"], "argument");
    let content = &text_view["content"];
    assert_eq!(content["context"]["attempt"], 1);
    // A text of an earlier contract is readable in its own form, but cannot be replayed.
    assert_eq!(content["argument"]["entry"]["operator"], "ana");
    let decimal = json!({ "unscaled": 125, "scale": 2 });
    assert_eq!(content["argument"]["lines"][0]["quantity"], decimal);
    let error = contract::check_replayable(content).expect_err("an earlier contract");
    assert!(error.contains("is the form of contract 0.1.0"), "{error}");
    let text_view = text("refund:r1", &digest(&decision()), own).await;
    assert!(!text_view.text.contains("canary"), "{}", text_view.text);
    let text_view = text_view.expect(200);
    assert_eq!(text_view["what"], "decision");
    let content = &text_view["content"];
    assert_eq!(content["publications"][0]["data"]["sum"], 12);
    assert_eq!(content["requests"][0]["path"], "/sales");
    assert_eq!(content["requests"][0]["headers"], json!(["x-token"]));
    assert_eq!(content["requests"][0]["size"], 6);
    assert_eq!(content["receipts"][0]["attributes"], json!(["email"]));
    assert_eq!(content["receipts"][0]["file"]["size"], 6);

    // The event must be in reach and have the digest, and the caller must be an operator.
    let existing = digest(ARGUMENT);
    for (event, digest, bearer, code) in [
        ("refund:r2", existing.as_str(), own, "not_found"),
        ("refund:r9", &existing, "operator", "not_found"),
        ("void:v1", &existing, "operator", "not_found"),
        (
            "refund:r1",
            &digest("{\"another\":1}"),
            "operator",
            "not_found",
        ),
        // A text that is no longer stored.
        ("refund:r1", &digest("settings"), "operator", "not_found"),
        ("refund:r1", &existing, "back_office", "forbidden"),
    ] {
        let rejected = text(event, digest, bearer).await;
        assert_eq!(rejected.code(), code, "{event} {digest} {bearer}");
    }
    host.stop().await;
}
