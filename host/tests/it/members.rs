//! Members, from a scanned code to the sale: the real component, real ciphers, the binary.
//!
//! Ten thousand broken codes get equal responses, and nothing scanned or decrypted is in anything that the
//! host wrote or sent.

mod written;

use crate::configuration::{ASKS, retailer};
use crate::host::{Database, Host, misbehaving_guest, root, sample_keys, staged};
use crate::scanned::{Needles, Scanner, needles, scanners};
use galleria_db::Db;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use written::{Ears, ROUTE, Written, place};

const BROKEN: usize = 10_000;
const GOOD: usize = 200;
const AT_ONCE: usize = 8;

/// The parts of a response that a caller can compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn identify(host: &Host, store: &str, code: &str) -> Response {
    let path = format!("/v1/stores/{store}/members/identify");
    let request = host.client.post(host.url(&path));
    let response = request.json(&json!({ "code": code })).send().await;
    let response = response.expect("an answer");
    let headers = response.headers().iter();
    let headers = headers
        // The time and the request's id differ.
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), format!("{value:?}")));
    Response {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.text().await.expect("a body"),
    }
}

async fn open(host: &mut Host, scanner: &Scanner, settings: &[&str]) {
    host.settings
        .extend(settings.iter().map(|pair| (*pair).to_owned()));
    host.start().await;
    let mut store = scanner.store.clone();
    store.as_object_mut().expect("a store").remove("id");
    let path = format!("/v1/stores/{}", scanner.store_id());
    let (status, answer) = host
        .send("PUT", &path, "store", &store)
        .await
        .expect("sent");
    assert_eq!(status, 200, "{answer:#}");
}

/// A limit that no test reaches.
const NO_LIMITS: [&str; 2] = [
    "members.per_store.burst=1000000",
    "members.per_client.burst=1000000",
];

/// Identifies every code. Returns the responses in the order of the codes.
async fn identify_all(host: &Arc<Host>, store: &str, codes: &[String]) -> Vec<Response> {
    let mut tasks = tokio::task::JoinSet::new();
    for part in 0..AT_ONCE {
        let (host, store) = (Arc::clone(host), store.to_owned());
        let codes: Vec<_> = codes
            .iter()
            .cloned()
            .enumerate()
            .skip(part)
            .step_by(AT_ONCE)
            .collect();
        tasks.spawn(async move {
            let mut result = Vec::with_capacity(codes.len());
            for (index, code) in codes {
                result.push((index, identify(&host, &store, &code).await));
            }
            result
        });
    }
    let mut result = Vec::with_capacity(codes.len());
    while let Some(part) = tasks.join_next().await {
        result.extend(part.expect("no panic"));
    }
    result.sort_by_key(|(index, _)| *index);
    result.into_iter().map(|(_, result)| result).collect()
}

on_both!(
    broken_codes_of_every_kind_get_equal_responses_and_are_not_stored,
    a_plugin_cannot_reveal_a_question,
);

async fn broken_codes_of_every_kind_get_equal_responses_and_are_not_stored(database: Database) {
    for scanner in scanners() {
        let mut chance = ChaCha8Rng::seed_from_u64(20_261_124);
        let broken: Vec<_> = (0..BROKEN)
            .map(|n| scanner.broken(n, &mut chance))
            .collect();
        let members: Vec<_> = (0..GOOD).map(|_| scanner.member(&mut chance)).collect();
        let good: Vec<_> = members.iter().map(|member| member.code.clone()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let mut host = only(folder.path(), &scanner).on(database);
        let ears = Ears::of(&mut host).await;
        let settings = [NO_LIMITS[0], NO_LIMITS[1], "log.level=trace"];
        open(&mut host, &scanner, &settings).await;
        let host = Arc::new(host);

        let codes: Vec<_> = broken.iter().map(|broken| broken.code.clone()).collect();
        let (refused, identified) = tokio::join!(
            identify_all(&host, scanner.store_id(), &codes),
            identify_all(&host, scanner.store_id(), &good)
        );
        let mut kinds: BTreeMap<&Response, BTreeSet<&str>> = BTreeMap::new();
        for (result, broken) in refused.iter().zip(&broken) {
            kinds.entry(result).or_default().insert(broken.kind);
        }
        assert_eq!(kinds.len(), 1, "answers that differ: {kinds:#?}");
        assert_eq!(refused[0].status, 404);
        assert!(refused[0].body.contains("\"member_unknown\""));
        for (result, member) in identified.iter().zip(&members) {
            assert_eq!(result.status, 200, "{}", result.body);
            let body: Value = serde_json::from_str(&result.body).expect("JSON");
            assert_eq!(body["member"]["id"], *member.number);
        }

        let mut host = Arc::into_inner(host).expect("the only owner");
        let written = ears.everything(&mut host, database).await;
        every_question_was_recorded(&ears, &scanner, &written, database);
        let codes = codes.iter().chain(&good).map(String::as_str);
        let numbers = members
            .iter()
            .chain(broken.iter().filter_map(|b| b.about()));
        let needles = needles(codes.chain(numbers.map(|member| &*member.number)));
        let answers = identified.iter().map(|result| result.body.as_str());
        let answers = answers.collect::<Vec<_>>().concat();
        assert!(
            needles.first_in(answers.as_bytes()).is_some(),
            "what is there is found"
        );
        nothing_of(&needles, &written);
    }
}

/// Checks that the journal and the telemetry contain the questions: otherwise the search proves nothing.
fn every_question_was_recorded(
    ears: &Ears,
    scanner: &Scanner,
    written: &Written,
    database: Database,
) {
    let name = format!("POST {ROUTE}");
    let spans = ears.collector.spans();
    let questions = spans.iter().filter(|span| span.name == name).count();
    // Not all questions have a span: a full queue drops spans.
    assert!(questions > BROKEN / 2, "{questions} questions traced");
    let journal = match database {
        Database::Sqlite => place(written, "/galleria.db"),
        Database::Postgres => {
            let journal = place(written, ".journal");
            let rows = journal.split(|byte| *byte == b'\n').count();
            assert_eq!(rows, BROKEN + GOOD, "one for each question");
            journal
        }
    };
    let store = needles([scanner.store_id()]);
    assert!(store.first_in(journal).is_some(), "no store in the journal");
}

fn nothing_of(needles: &Needles, written: &Written) {
    for (name, bytes) in written {
        if let Some(found) = needles.first_in(bytes) {
            panic!("{name} holds {found}");
        }
    }
}

/// Ways in which a plugin may try to reveal a question, or fail at it.
const REVEALING: [&str; 8] = [
    "PutInFault",
    "PutInLog",
    "PutInPanic",
    "PutInProblems",
    "PutInRetry",
    "PutInSecret",
    "PutInDirectory",
    "AnswerTooMuch",
];

async fn a_plugin_cannot_reveal_a_question(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.limits]\ncpu_ms = 100\noutput_bytes = 1048576\n[plugins.papers.settings]\nbehave = \"Identify\"\n"
    );
    for behave in REVEALING {
        slot += &format!(
            "[[plugins.papers.for]]\nstores = [\"{behave}\"]\nsettings = {{ behave = \"{behave}\" }}\n"
        );
    }
    let mut host = retailer(folder.path(), ASKS, &slot).on(database);
    let ears = Ears::of(&mut host).await;
    host.settings.push("log.level=trace".into());
    host.start().await;
    let mut result = BTreeSet::new();
    let mut codes = Vec::new();
    for (n, behave) in REVEALING.iter().enumerate() {
        let body = json!({
            "external_id": behave, "retailer": "corner", "store_type": "kiosk", "country": "ES",
            "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
        });
        let path = format!("/v1/stores/{behave}");
        let (status, answer) = host.send("PUT", &path, behave, &body).await.expect("sent");
        assert_eq!(status, 200, "{answer:#}");
        let code = format!("29310000456{n:02}");
        result.insert(identify(&host, behave, &code).await);
        codes.push(code);
    }
    let written = ears.everything(&mut host, database).await;
    assert_eq!(result.len(), 1, "answers that differ: {result:#?}");
    assert_eq!(result.first().map(|result| result.status), Some(404));
    let log = host.log();
    for fault in [
        "failed",
        "trapped",
        "invalid",
        "retry",
        "denied",
        "output_too_large",
    ] {
        assert!(
            log.contains(&format!("\"fault\":\"{fault}\"")),
            "{fault}: {log}"
        );
    }
    let needles = needles(codes.iter().map(String::as_str));
    nothing_of(&needles, &written);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_is_faster_than_the_floor_and_attempts_are_limited() {
    for scanner in scanners() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let folder = tempfile::tempdir().expect("a folder");
        let mut host = only(folder.path(), &scanner);
        let settings = [
            "members.floor=600ms",
            "members.per_client.burst=3",
            "members.per_client.every=1h",
        ];
        open(&mut host, &scanner, &settings).await;
        let good = scanner.member(&mut chance).code;
        let bad = scanner.broken(0, &mut chance).code;
        for (code, status) in [(&good, 200), (&bad, 404), (&good, 200), (&bad, 429)] {
            let begun = Instant::now();
            let result = identify(&host, scanner.store_id(), code).await;
            assert_eq!(result.status, status, "{}", result.body);
            assert!(begun.elapsed() >= Duration::from_millis(600));
            assert_eq!(result.headers.contains_key("retry-after"), status == 429);
        }
        host.stop();
    }
}

/// A host with one sample retailer.
fn only(folder: &Path, scanner: &Scanner) -> Host {
    let (plugins, retailers) = (folder.join("plugins"), folder.join("retailers"));
    let retailer = retailers.join(&scanner.retailer);
    std::fs::create_dir_all(&plugins).expect("a folder");
    std::fs::create_dir_all(&retailer).expect("a folder");
    for plugin in std::fs::read_dir(staged()).expect("plugins") {
        let plugin = plugin.expect("an entry").path();
        let name = plugin.file_name().expect("a name");
        std::os::unix::fs::symlink(&plugin, plugins.join(name)).expect("a link");
    }
    let file = root().join("retailers").join(&scanner.retailer);
    let file = file.join("retailer.toml");
    std::fs::copy(file, retailer.join("retailer.toml")).expect("copied");
    Host::with(retailers, plugins)
}

/// Adds a plugin that receives sales.
fn add_papers(folder: &Path, scanner: &Scanner) {
    let guest = folder.join("plugins/guest");
    std::fs::create_dir_all(&guest).expect("a folder");
    std::fs::copy(misbehaving_guest(), guest.join("guest.wasm")).expect("copied");
    let manifest = format!(
        "name = \"guest\"\nversion = \"0.1.0\"\ncontract = \"0.2.0\"\ncomponent = \"guest.wasm\"\n\n[asks]\n{ASKS}\n"
    );
    std::fs::write(guest.join("plugin.toml"), manifest).expect("written");
    let file = folder.join("retailers").join(&scanner.retailer);
    let file = file.join("retailer.toml");
    let text = std::fs::read_to_string(&file).expect("a file");
    let slot = format!(
        "\n[plugins.papers]\nplugin = \"guest\"\n[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n"
    );
    std::fs::write(&file, text + &slot).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_the_sale_and_the_plugin_get_the_member() {
    let scanner = scanners().into_iter().next().expect("one retailer");
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = only(folder.path(), &scanner);
    add_papers(folder.path(), &scanner);
    open(&mut host, &scanner, &[]).await;
    let member = scanner.member(&mut ChaCha8Rng::seed_from_u64(3));
    let result = identify(&host, scanner.store_id(), &member.code).await;
    let result: Value = serde_json::from_str(&result.body).expect("JSON");
    let at = "2026-11-24T10:00:00Z";
    let line = json!({
        "number": 1, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
        "quantity": "1",
        "regular_price": "10",
        "unit_price": "10",
    });
    let placed = json!({
        "id": "o1", "store_id": scanner.store_id(), "workstation": "w1", "begun_at": at,
        "lines": [line], "member": result["member"],
    });
    let tender =
        json!({"number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0});
    let paid = json!({"id": "p1", "at": at, "tenders": [tender]});
    for (path, body) in [("/v1/orders", placed), ("/v1/orders/o1/payments", paid)] {
        let (status, answer) = host.send("POST", path, path, &body).await.expect("sent");
        assert_eq!(status, 201, "{answer:#}");
    }
    let order = host.get("/v1/orders/o1").await.expect("an order");
    assert_eq!(order["member"], result["member"]);
    host.until(|status| status["documents"]["delivered"] == 1)
        .await;
    host.stop();

    let (sale, argument) = sold(&host).await;
    assert_eq!(sale["member"], result["member"], "{sale:#}");
    let number = format!("\"id\":\"{}\"", member.number);
    assert!(argument.contains(&number), "{argument}");
    assert_eq!(result["member"]["id"], *member.number);
}

/// The recorded sale, and the sale that the plugin received.
async fn sold(host: &Host) -> (Value, String) {
    let db = Db::open(&host.database()).await.expect("the database");
    let records: &dyn Records = &db;
    let read = records.read(in_tx!(|tx| {
        let payment = tx.payment_get_by_order("o1").await?.expect("paid");
        let journal = tx.journal_list_by_order("o1").await?;
        let argument = tx.blob_get(&journal[0].argument).await?;
        Ok((json!(payment.sale), argument.expect("a text")))
    }));
    let read = read.await.expect("records");
    db.close().await.expect("closed");
    read
}

#[test]
fn a_missing_secret_key_is_reported_before_the_first_question() {
    let scanner = scanners().into_iter().next().expect("one retailer");
    let folder = tempfile::tempdir().expect("a folder");
    let host = only(folder.path(), &scanner);
    assert!(host.run(&["check"]).status.success());
    for name in &scanner.variables {
        let mut check = host.galleria(&["check"]);
        let ran = check.env_remove(name).output().expect("the binary");
        assert!(!ran.status.success(), "{name}");
        let output = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(output.contains(name), "{output}");
        let wrong = "00112233445566778899aabbccddee";
        let ran = check.env(name, wrong).output().expect("the binary");
        assert!(!ran.status.success(), "{name}");
        let output = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            output.contains(name) && !output.contains(&wrong[..6]),
            "{output}"
        );
        for value in sample_keys().values() {
            assert!(!output.contains(value.as_str()), "{output}");
        }
    }
}
