//! The work of an operator over HTTP and by command: timelines, dead letters, parked events, plugins,
//! operations.

use crate::host::{Database, Host, staged};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Both plugins write a file with the same name, so that the second one's event of each sale becomes a dead
/// letter. A card payment without its provider's reference makes both wait for an hour.
const RETAILER: &str = r#"
name = "example"

[plugins.one]
plugin = "corner-shop-rust"
[plugins.one.grants]
directories = ["transaction_logs"]
topics = ["corner_shop.sale"]
[plugins.one.settings]
topic = "corner_shop.sale"
provider_wait_s = 3600

[plugins.two]
plugin = "corner-shop-rust"
[plugins.two.grants]
directories = ["transaction_logs"]
topics = ["corner_shop.sale"]
[plugins.two.settings]
topic = "corner_shop.sale"
provider_wait_s = 3600
"#;

/// A host of one retailer with one store; the folder must outlive it.
async fn host(database: Database) -> (tempfile::TempDir, Host) {
    let retailers = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(retailers.path().join("example")).expect("a folder");
    let file = retailers.path().join("example/retailer.toml");
    std::fs::write(file, RETAILER).expect("a retailer");
    let mut host = Host::with(retailers.path().to_owned(), staged()).on(database);
    host.start().await;
    let store = json!({
        "external_id": "0042", "retailer": "example", "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
    });
    let put = host.send("PUT", "/v1/stores/s1", "store", &store).await;
    assert_eq!(put.expect("an answer").0, 200);
    (retailers, host)
}

async fn sell(host: &Host, id: &str, reference: Option<&str>) -> Value {
    let at = "2026-11-24T10:00:00Z";
    let line = json!({
        "number": 1, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
        "quantity": "1",
        "regular_price": "10",
        "unit_price": "10",
    });
    let placed = json!({
        "id": id, "store_id": "s1", "workstation": "w1", "begun_at": at, "lines": [line],
        "external_id": format!("basket/{id}"),
    });
    let tender = json!({
        "number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0,
        "provider": "adyen", "psp_reference": reference,
    });
    let paid = json!({ "id": format!("p-{id}"), "at": at, "tenders": [tender] });
    let path = format!("/v1/orders/{id}/payments");
    let mut answer = Value::Null;
    for (path, key, body) in [("/v1/orders", "o", placed), (path.as_str(), "p", paid)] {
        let key = format!("{key}-{id}");
        let (status, result) = host.send("POST", path, &key, &body).await.expect("sent");
        assert_eq!(status, 201, "{result:#}");
        answer = result;
    }
    answer
}

/// Runs a command that must succeed, and returns its output.
#[track_caller]
pub fn output_of(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    let result = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}:\n{result}");
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that must fail, and returns its error.
#[track_caller]
pub fn error_of(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn encoded(id: &str) -> String {
    let bytes = id.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    bytes.collect()
}

fn kinds(timeline: &Value) -> Vec<&str> {
    let entries = timeline["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| entry["what"].as_str().expect("text"))
        .collect()
}

/// The name of the only delivered file.
fn delivered(host: &Host) -> String {
    let names = host.files().into_keys();
    let mut names: Vec<_> = names
        .filter_map(|path| path.rsplit('/').next().map(ToOwned::to_owned))
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names.swap_remove(0)
}

on_both!(
    http_and_command_show_a_timeline_by_every_id,
    dead_letters_are_settled_by_command_and_every_operation_is_recorded,
    an_operator_retries_a_parked_event,
);

async fn http_and_command_show_a_timeline_by_every_id(database: Database) {
    let (_retailers, mut host) = host(database).await;
    let paid = sell(&host, "o1", Some("8836/1")).await;
    host.until(|status| status["dead_letters"] == 1 && status["documents"]["delivered"] == 1)
        .await;
    let receipt = paid["entry"]["receipt"]
        .as_str()
        .expect("a number")
        .to_owned();
    let file = delivered(&host);
    let order = host.get("/v1/orders/o1/documents").await.expect("a list");
    let documents = order.as_array().or(order["documents"].as_array());
    let document = documents.expect("documents")[0]["id"].clone();
    let document = document.as_str().expect("an id");
    let ids = [
        "o1",
        "basket/o1",
        "p-o1",
        "payment:p-o1",
        "payment:p-o1/1",
        "8836/1",
        &receipt,
        &file,
        document,
    ];
    for id in ids {
        let path = format!("/v1/timeline/{}", encoded(id));
        let timeline = host.get(&path).await.expect("a timeline");
        let kinds = kinds(&timeline);
        for what in [
            "order",
            "payment",
            "tender",
            "event",
            "attempt",
            "effect",
            "document",
            "delivery",
            "dead_letter",
            "publication",
        ] {
            assert!(kinds.contains(&what), "{id} lacks {what}: {kinds:?}");
        }
        assert_eq!(&kinds[..2], ["order", "payment"], "{id}");
        let times = timeline["entries"].as_array().expect("entries").iter();
        let times = times.map(|entry| {
            let at = entry["at"].as_str().expect("a time");
            at.parse::<jiff::Timestamp>().expect("an instant")
        });
        assert!(times.is_sorted(), "{timeline:#}");
        let raw = output_of(&host, &["timeline", id, "--json"]);
        let raw: Value = serde_json::from_str(&raw).expect("JSON");
        assert_eq!(raw, timeline, "{id}");
    }
    // The text output contains the same.
    let result = output_of(&host, &["timeline", &file]);
    for wanted in [
        "order o1",
        "dead letter",
        &file,
        "outcome applied",
        "delivered",
    ] {
        assert!(result.contains(wanted), "{wanted} in\n{result}");
    }
    let why = error_of(&host, &["timeline", "o2"]);
    assert!(why.contains("there is no timeline o2"), "{why}");
    host.stop();
    // Commands work while no host serves.
    assert_eq!(output_of(&host, &["timeline", &file]), result);
}

async fn dead_letters_are_settled_by_command_and_every_operation_is_recorded(database: Database) {
    let (_retailers, mut host) = host(database).await;
    for id in ["o1", "o2"] {
        sell(&host, id, Some(id)).await;
    }
    host.until(|status| status["dead_letters"] == 2).await;
    let letters = host.get("/v1/dead-letters").await.expect("a list");
    let letter = letters["dead_letters"][0].clone();
    let text = |field: &str| letter[field].as_str().expect("text").to_owned();
    let (event, plugin) = (text("event_id"), text("subscriber"));
    let list = output_of(&host, &["dead-letters", "list", "--plugin", &plugin]);
    assert!(list.contains(&event) && list.contains("invalid"), "{list}");
    let raw = output_of(&host, &["dead-letters", "list", "--json"]);
    let raw: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw, letters["dead_letters"]);
    let none = output_of(&host, &["dead-letters", "list", "--code", "trapped"]);
    assert!(!none.contains(&event), "{none}");
    let shown = output_of(&host, &["dead-letters", "show", &event, &plugin]);
    assert!(shown.contains("is the name of another document"), "{shown}");
    assert!(shown.contains("\"payment_id\""), "{shown}");
    let raw = output_of(&host, &["dead-letters", "show", &event, &plugin, "--json"]);
    let raw: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw, letter);

    let silent = error_of(&host, &["dead-letters", "replay", &event, &plugin]);
    assert!(silent.contains("--reason"), "{silent}");
    let all = error_of(&host, &["dead-letters", "discard", "--reason", "x"]);
    assert!(all.contains("an event and its plugin"), "{all}");
    let why = ["--reason", "to see it fail", "--actor", "ana"];
    let replay = [&["dead-letters", "replay", &event, &plugin][..], &why].concat();
    output_of(&host, &replay);
    // The serving host handles it again, and it fails again.
    let begun = Instant::now();
    loop {
        let path = format!("/v1/timeline/{}", encoded(&event));
        let timeline = host.get(&path).await.expect("a timeline");
        let failed = timeline["entries"].as_array().expect("entries").iter();
        let failed = failed.filter(|entry| entry["facts"]["outcome"] == "invalid");
        if failed.count() == 2 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{timeline:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    host.until(|status| status["dead_letters"] == 2).await;
    let discard = [
        &[
            "dead-letters",
            "discard",
            "--store",
            "s1",
            "--code",
            "invalid",
        ][..],
        &["--reason", "a test", "--actor", "ben"],
    ];
    let result = output_of(&host, &discard.concat());
    assert!(result.contains("2 dead letters discarded"), "{result}");
    let status = host.settle().await;
    assert_eq!(status["dead_letters"], 0, "{status:#}");
    let gone = error_of(&host, &["dead-letters", "show", &event, &plugin]);
    assert!(gone.contains("there is no dead letter"), "{gone}");
    assert!(gone.contains("`galleria dead-letters list`"), "{gone}");

    let timeline = host.get("/v1/timeline/o1").await.expect("a timeline");
    assert!(kinds(&timeline).contains(&"operation"), "{timeline:#}");
    let done = host.get("/v1/operations").await.expect("a list");
    let actions = done["operations"].as_array().expect("a list").iter();
    let actions: Vec<_> = actions
        .map(|done| done["action"].as_str().expect("a word"))
        .collect();
    let wanted = [
        "dead_letter_discard",
        "dead_letter_discard",
        "dead_letter_replay",
        "store_put",
        "plugins_loaded",
        "plugins_loaded",
        "key_create",
    ];
    assert_eq!(actions, wanted);
    host.stop();
    let raw = output_of(&host, &["operations", "list", "--json"]);
    let raw: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw, done["operations"]);
    let list = output_of(&host, &["operations", "list", "--actor", "ana"]);
    assert!(
        list.contains("to see it fail") && !list.contains("a test"),
        "{list}"
    );
    let list = output_of(&host, &["operations", "list", "--action", "store_put"]);
    assert!(
        list.contains("store s1") && list.contains("zone Europe/Madrid"),
        "{list}"
    );
}

async fn an_operator_retries_a_parked_event(database: Database) {
    let (_retailers, mut host) = host(database).await;
    sell(&host, "o1", None).await;
    let parked = |status: &Value| status["parked"] == 2;
    host.until(parked).await;
    let page = host
        .get("/v1/parked?retailer=example&store=s1&cause=retry&subscriber=one")
        .await
        .expect("a list");
    let waits = page["parked"].as_array().expect("a list");
    assert_eq!(waits.len(), 1, "{page:#}");
    assert_eq!(waits[0]["attempts"], 1);
    let detail = waits[0]["detail"].as_str().expect("words");
    assert!(detail.contains("no reference of its provider"), "{detail}");
    let path = format!("/v1/parked/{}/one", encoded("payment:p-o1"));
    let one = host.get(&path).await.expect("an event");
    assert_eq!(one, waits[0]);
    let why = json!({ "actor": "ana", "reason": "the provider is back" });
    let retry = format!("{path}/retry");
    let (status, answer) = host.send("POST", &retry, "r", &why).await.expect("sent");
    assert_eq!(status, 200, "{answer:#}");
    // Otherwise it would wait for an hour.
    let begun = Instant::now();
    loop {
        let one = host.get(&path).await.expect("it waits again");
        if one["attempts"] == 2 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{one:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let other = host.get("/v1/parked?subscriber=two").await.expect("a list");
    assert_eq!(other["parked"][0]["attempts"], 1, "{other:#}");

    // The same by command, beside the serving host.
    let list = output_of(
        &host,
        &["parked", "list", "--plugin", "two", "--cause", "retry"],
    );
    assert!(
        list.contains("payment:p-o1") && !list.contains("one"),
        "{list}"
    );
    let raw = output_of(&host, &["parked", "list", "--plugin", "two", "--json"]);
    let raw: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw, other["parked"]);
    let none = output_of(&host, &["parked", "list", "--cause", "held"]);
    assert!(!none.contains("payment:p-o1"), "{none}");
    let wrong = error_of(&host, &["parked", "list", "--cause", "sleepy"]);
    assert!(wrong.contains("--cause: one of retry"), "{wrong}");
    let silent = error_of(&host, &["parked", "retry", "payment:p-o1", "two"]);
    assert!(silent.contains("--reason"), "{silent}");
    let why = ["--reason", "the provider answers", "--actor", "ana"];
    let retry = [&["parked", "retry", "payment:p-o1", "two"][..], &why];
    output_of(&host, &retry.concat());
    let begun = Instant::now();
    loop {
        let other = host.get("/v1/parked?subscriber=two").await.expect("a list");
        if other["parked"][0]["attempts"] == 2 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{other:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let done = host.get("/v1/operations?action=parked_retry").await;
    let done = done.expect("operations");
    assert_eq!(done["operations"][0]["actor"], "ana");
    assert_eq!(done["operations"][0]["reason"], "the provider answers");

    // Plugin, rights and faults of each slot, over HTTP and by command.
    let plugin = host.get("/v1/plugins/example/one").await.expect("a plugin");
    assert_eq!(plugin["plugin"], "corner-shop-rust");
    assert_eq!(plugin["exports"], json!(["on-payment"]));
    assert_eq!(plugin["granted"]["topics"], json!(["corner_shop.sale"]));
    assert_eq!(plugin["faults"]["counts"], json!({ "retry": 2 }));
    assert_eq!(plugin["faults"]["last"]["code"], "retry");
    assert!(plugin["version"].is_string() && plugin["contract"].is_string());
    host.stop();
    let listed = output_of(&host, &["plugin", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    for field in ["digest", "exports", "granted", "call_limits"] {
        assert_eq!(listed[0][field], plugin[field], "{field}");
    }
    assert_eq!(listed[0]["faults"]["counts"], json!({ "retry": 2 }));
    let table = output_of(&host, &["plugin", "list", "--retailer", "example"]);
    for wanted in [
        "corner-shop-rust",
        "on-payment",
        "topic corner_shop.sale",
        "2 retry",
    ] {
        assert!(table.contains(wanted), "{wanted} in\n{table}");
    }
}
