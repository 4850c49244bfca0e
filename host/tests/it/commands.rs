//! Commands show the same documents, queued receipts and requests, fiscal records and status as HTTP, as
//! JSON and as text, whether a host serves or not.

use crate::configuration::{ASKS, retailer};
use crate::fiscal::mark;
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use crate::operations::{error_of, output_of};
use galleria_db::Db;
use galleria_ports::in_tx;
use galleria_ports::records::{OutgoingRow, Records};
use serde_json::{Value, json};
use std::path::Path;

/// One store's plugin writes documents, the other's queues receipts.
const STORES: [&str; 2] = ["s-papers", "s-receipts"];

fn configured(folder: &Path, database: Database) -> Host {
    let asks = format!("{ASKS}\nreceipts = true");
    let slot = format!(
        "[plugins.papers.grants]\n{asks}\n[plugins.papers.settings]\nbehave = \"Decide\"\n\
         [[plugins.papers.for]]\nstores = [\"s-receipts\"]\nsettings = {{ behave = \"Receipt\" }}\n"
    );
    retailer(folder, &asks, &slot).on(database)
}

/// The JSON output of a command.
#[track_caller]
fn json_of(host: &Host, arguments: &[&str]) -> Value {
    let text = output_of(host, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

/// A list over HTTP and by command, with filters: the same rows, `count` of them.
async fn same(host: &Host, command: &str, route: &str, filters: &[(&str, &str)], count: usize) {
    let mut arguments = vec![command.to_owned(), "list".to_owned()];
    let mut query = Vec::new();
    for (name, value) in filters {
        arguments.extend([format!("--{name}"), (*value).to_owned()]);
        query.push(format!("{name}={value}"));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let path = format!("/v1/{route}?{}", query.join("&"));
    let page = host.get(&path).await.expect("a list");
    let field = if command == "fiscal" {
        "records"
    } else {
        command
    };
    assert_eq!(json_of(host, &arguments), page[field], "{arguments:?}");
    let rows = page[field].as_array().map(Vec::len);
    assert_eq!(rows, Some(count), "{arguments:?}: {page:#}");
}

#[track_caller]
fn contains(text: &str, wanted: &[&str]) {
    for word in wanted {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

/// Inserts a request: no plugin of the workspace queues one yet.
async fn queue_request(host: &Host) {
    let db = Db::open(&host.database()).await.expect("the database");
    let records: &dyn Records = &db;
    let row = OutgoingRow {
        id: "payment:p-s-papers-1/0".into(),
        event_id: "payment:p-s-papers-1".into(),
        subscriber: "papers".into(),
        store_id: "s-papers".into(),
        order_id: Some("s-papers-1".into()),
        request: json!({
            "id": "1", "target": "office", "method": "POST", "path": "/sales",
            "headers": [{ "name": "x-token", "value": "canary" }], "body": b"canary",
        })
        .to_string(),
        created_at: "2026-11-24T10:00:00Z".parse().expect("an instant"),
    };
    let put = records.write(in_tx!(|tx, row| tx
        .outgoing_insert_many(std::slice::from_ref(&row))
        .await));
    put.await.expect("queued");
    db.close().await.expect("closed");
}

/// Creates sales of both stores, two documents with one name, a request, two different marks, and an early
/// mark.
async fn create_data(host: &mut Host) {
    host.start().await;
    for store in STORES {
        let body = json!({
            "external_id": store, "retailer": "corner", "store_type": "kiosk", "country": "ES",
            "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
        });
        let path = format!("/v1/stores/{store}");
        let (status, answer) = host.send("PUT", &path, store, &body).await.expect("sent");
        assert_eq!(status, 200, "{answer:#}");
    }
    sell(host, "s-papers", 1).await;
    host.until(|status| status["documents"]["delivered"] == 1)
        .await;
    std::fs::write(first(host).with_file_name("p-s-papers-2.txt"), "another's").expect("written");
    sell(host, "s-papers", 2).await;
    sell(host, "s-receipts", 1).await;
    queue_request(host).await;
    for (key, order, number, wanted) in [
        ("1", "s-papers-1", "400001", 201),
        ("2", "s-papers-1", "400002", 409),
        ("3", "s-papers-9", "400009", 201),
    ] {
        let (status, answer) = mark(host, key, order, number).await;
        assert_eq!(status, wanted, "{answer:#}");
    }
    host.until(|status| {
        let lags = status["groups"].as_array().expect("groups").iter();
        let documents = &status["documents"];
        lags.map(|one| &one["lag"]).all(|lag| lag == 0)
            && (&documents["delivered"], &documents["blocked"]) == (&json!(2), &json!(1))
    })
    .await;
}

/// The file of the first sale.
fn first(host: &Host) -> std::path::PathBuf {
    let files = host.files().into_keys();
    let mut found = files.filter(|name| name.ends_with("/p-s-papers-1.txt"));
    host.data().join(found.next().expect("delivered"))
}

on_both!(commands_show_the_same_as_http);

async fn commands_show_the_same_as_http(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = configured(folder.path(), database);
    create_data(&mut host).await;
    documents(&host).await;
    queued(&host).await;
    fiscal(&host).await;
    let status = host.get("/v1/status").await.expect("a status");
    assert_eq!(json_of(&host, &["status"]), status);
    host.stop();
    // Commands work while no host serves.
    let table = output_of(&host, &["status"]);
    let kind = match database {
        Database::Sqlite => "SQLite, available",
        Database::Postgres => "PostgreSQL, available",
    };
    let group = status["groups"][0]["group"].as_str().expect("a name");
    let wanted = [
        kind,
        group,
        "up to date",
        "0 pending, 1 blocked",
        "galleria documents list --state blocked",
        "corner",
    ];
    contains(&table, &wanted);
    content(&host);
}

async fn documents(host: &Host) {
    let rows = json_of(host, &["documents", "list", "--state", "blocked"]);
    let (id, at) = (&rows[0]["id"], &rows[0]["created_at"]);
    let (id, at) = (id.as_str().expect("an id"), at.as_str().expect("a moment"));
    for (filters, count) in [
        (vec![], 3),
        (vec![("order", "s-papers-1")], 2),
        (vec![("event", "payment:p-s-papers-1")], 1),
        (vec![("name", "p-s-papers-2.txt")], 1),
        (vec![("directory", "poslog"), ("retailer", "corner")], 3),
        (vec![("store", "s-receipts")], 0),
        (vec![("state", "delivered"), ("store", "s-papers")], 2),
        (vec![("until", at), ("name", "p-s-papers-1.txt")], 1),
        (vec![("from", at), ("name", "p-s-papers-1.txt")], 0),
    ] {
        same(host, "documents", "documents", &filters, count).await;
    }
    let path = format!("/v1/documents/{id}");
    let shown = host.get(&path).await.expect("a document");
    assert_eq!(json_of(host, &["documents", "show", id]), shown);
    let words = [id, "blocked", "poslog/corner/s-papers/p-s-papers-2.txt"];
    contains(&output_of(host, &["documents", "show", id]), &words);
    contains(&output_of(host, &["documents", "list"]), &words);
    let cut = host.run(&["documents", "list", "--limit", "1"]).stderr;
    let cut = String::from_utf8(cut).expect("text");
    assert_eq!(cut, "only the newest 1: increase --limit to see more\n");
    let rows = json_of(host, &["documents", "list", "--limit", "1"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(1));

    let listed = "`galleria documents list` lists them";
    for (arguments, wanted) in [
        (vec!["show", "nobody"], ["no document nobody", listed]),
        (vec!["get", "nobody"], ["no document nobody", listed]),
        (
            vec!["list", "--state", "lost"],
            ["--state", "one of pending, prepared, delivered, blocked"],
        ),
        (
            vec!["list", "--store", "nowhere"],
            ["no store nowhere", "galleria stores list"],
        ),
        (
            vec!["list", "--retailer", "nobody"],
            ["no retailer nobody", "must be one of corner"],
        ),
        (
            vec!["list", "--from", at, "--until", "2000-01-01T00:00:00Z"],
            ["until", "must not be before `from`"],
        ),
    ] {
        let why = error_of(host, &[&["documents"], &*arguments].concat());
        contains(&why, &wanted);
    }
}

/// Checks the content of a blocked document, which the records contain, and of a delivered one, which only
/// the file contains.
fn content(host: &Host) {
    let id = |name: &str| {
        let rows = json_of(host, &["documents", "list", "--name", name]);
        rows[0]["id"].as_str().expect("an id").to_owned()
    };
    let (delivered, blocked) = (id("p-s-papers-1.txt"), id("p-s-papers-2.txt"));
    let file = std::fs::read_to_string(first(host)).expect("the file");
    assert_eq!(output_of(host, &["documents", "get", &delivered]), file);
    let waits = output_of(host, &["documents", "get", &blocked]);
    assert_eq!(waits, "p-s-papers-2 1 lines");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.txt");
    let get = ["documents", "get", &delivered, "--out"];
    let get = [&get[..], &[out.to_str().expect("text")]].concat();
    contains(&output_of(host, &get), &["p-s-papers-1.txt: 20 bytes"]);
    assert_eq!(std::fs::read_to_string(&out).expect("written"), file);
    contains(&error_of(host, &get), &["already exists: choose another"]);
    // The recipient has removed the file.
    std::fs::remove_file(&out).expect("gone");
    std::fs::remove_file(first(host)).expect("gone");
    let why = error_of(host, &get);
    let timeline = format!("galleria timeline {delivered}");
    contains(&why, &["is missing or was changed since", &timeline]);
    assert!(!out.exists());
}

async fn queued(host: &Host) {
    for (command, store, order) in [
        ("receipts", "s-receipts", "s-receipts-1"),
        ("requests", "s-papers", "s-papers-1"),
    ] {
        let event = format!("payment:p-{order}");
        for (filter, count) in [
            (("order", order), 1),
            (("event", event.as_str()), 1),
            (("store", store), 1),
            (("retailer", "corner"), 1),
            (("order", "s-papers-2"), 0),
        ] {
            same(host, command, command, &[filter], count).await;
        }
    }
    let receipt = "payment:p-s-receipts-1/papers/0";
    let words = [receipt, "papers", "s-receipts-1", "thanks", "en"];
    contains(&output_of(host, &["receipts", "list"]), &words);
    contains(&output_of(host, &["receipts", "show", receipt]), &words);
    let listed = json_of(host, &["receipts", "list"]);
    assert_eq!(json_of(host, &["receipts", "show", receipt]), listed[0]);
    let why = error_of(host, &["receipts", "show", "payment:p1"]);
    contains(&why, &["no receipt payment:p1", "galleria receipts list"]);

    let request = ["payment:p-s-papers-1/0", "papers"];
    let words = [request[0], "papers", "office", "POST /sales"];
    let show = [&["requests", "show"], &request[..]].concat();
    for text in [
        output_of(host, &["requests", "list"]),
        output_of(host, &show),
    ] {
        contains(&text, &words);
        assert!(!text.contains("canary"), "{text}");
    }
    let listed = json_of(host, &["requests", "list"]);
    assert_eq!(json_of(host, &show), listed[0]);
    let why = error_of(host, &["requests", "show", request[0], "other"]);
    contains(&why, &["of other", "galleria requests list"]);
    let why = error_of(host, &["requests", "list", "--store", "nowhere"]);
    contains(&why, &["no store nowhere"]);
}

async fn fiscal(host: &Host) {
    for (filter, count) in [
        (vec![], 4),
        (vec![("state", "conflict")], 1),
        (vec![("state", "early")], 1),
        (vec![("state", "waiting"), ("store", "s-receipts")], 1),
        (vec![("retailer", "corner")], 3),
        (vec![("order", "s-papers-2")], 1),
    ] {
        same(host, "fiscal", "fiscal-records", &filter, count).await;
    }
    let list = output_of(host, &["fiscal", "list"]);
    let words = ["conflict", "s-papers-1", "early", "s-papers-9", "waiting"];
    contains(&list, &words);
    let notes = |more: &[&str]| {
        let output = host.run(&[&["fiscal", "list"], more].concat());
        String::from_utf8(output.stderr).expect("text")
    };
    contains(&notes(&[]), &["unresolved: 1 conflict, 1 early"]);
    assert_eq!(notes(&["--state", "waiting"]), "");
    let path = "/v1/fiscal-records/s-papers-1";
    let detail = host.get(path).await.expect("records");
    assert_eq!(json_of(host, &["fiscal", "show", "s-papers-1"]), detail);
    let shown = output_of(host, &["fiscal", "show", "s-papers-1"]);
    let words = ["400001", "applied", "400002", "conflict", "mydata"];
    contains(&shown, &words);
    let why = error_of(host, &["fiscal", "show", "nobody"]);
    contains(&why, &["order nobody", "galleria fiscal list"]);
    let why = error_of(host, &["fiscal", "list", "--state", "lost"]);
    contains(&why, &["one of early, waiting, marked, conflict"]);
}
