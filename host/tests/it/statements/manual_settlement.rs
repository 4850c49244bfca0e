//! The manual work with the lines of a statement: listing by outcome, explanation, settlement, undo. HTTP shows
//! what commands did.

use super::{Sample, details, import, retailer, sample};
use crate::host::{Database, Host, staged};
use crate::sample_days::{self, Day};
use serde_json::{Value, json};
use std::process::Output;
use std::time::{Duration, Instant};

/// The text of both outputs.
fn words(ran: &Output) -> String {
    [&ran.stdout, &ran.stderr].map(|output| String::from_utf8_lossy(output).into_owned())[..]
        .concat()
}

/// Runs a command that must succeed, and returns its output.
fn output_of(host: &Host, arguments: &[&str]) -> String {
    let ran = host.run(&[&["statement"], arguments].concat());
    assert!(ran.status.success(), "{arguments:?}: {}", words(&ran));
    words(&ran)
}

/// Runs a command that must fail, and returns its output.
fn error_of(host: &Host, arguments: &[&str]) -> String {
    let ran = host.run(&[&["statement"], arguments].concat());
    assert!(!ran.status.success(), "{arguments:?}: {}", words(&ran));
    words(&ran)
}

/// The first sample statement of a retailer with agreed fees.
fn with_fees() -> (Day, Sample) {
    let found = sample_days::all().into_iter().find_map(|day| {
        let folder = crate::host::root().join("retailers").join(&day.retailer);
        let text = std::fs::read_to_string(folder.join("retailer.toml")).expect("a file");
        let agreed = text.contains("[[matching.fees]]");
        let sample = sample(&day.retailer).filter(|_| agreed)?;
        Some((day, sample))
    });
    found.expect("a statement, and fees")
}

/// The statement when every tender of the day is matched with it.
async fn looked_at(host: &Host, id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let path = format!("/v1/statements/{id}");
        let statement = host.get(&path).await.expect("a statement");
        // Every line of the sample except one unknown line.
        if lines_of(&statement, "unmatched") == 1 {
            return statement;
        }
        let log = host.log();
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{statement:#}\n{log}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn sums<'s>(statement: &'s Value, outcome: &str) -> Option<&'s Value> {
    let mut sums = statement["outcomes"].as_array().expect("sums").iter();
    sums.find(|one| one["outcome"] == outcome)
}

fn lines_of(statement: &Value, outcome: &str) -> u64 {
    sums(statement, outcome).map_or(0, |one| one["lines"].as_u64().expect("a number"))
}

/// Lines of one outcome over HTTP, in pages of a size.
async fn lines(host: &Host, statement: &str, outcome: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let path = format!(
            "/v1/statements/{statement}/lines?outcome={outcome}&after={after}&limit={limit}"
        );
        let page = host.get(&path).await.expect("lines");
        let lines = page["lines"].as_array().expect("lines");
        assert!(lines.len() <= limit);
        found.extend(lines.iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return found,
        }
    }
}

async fn explained(host: &Host, line: &str) -> Value {
    let path = format!("/v1/statement-lines/{line}");
    host.get(&path).await.expect("a line")
}

fn id(line: &Value) -> &str {
    line["id"].as_str().expect("an id")
}

on_both!(lines_are_listed_explained_settled_and_undone);

async fn lines_are_listed_explained_settled_and_undone(database: Database) {
    let (day, sample) = with_fees();
    let mut host = Host::new().on(database);
    let statement = first_import(&host, &day, &sample, database);
    host.start().await;
    day.feed(&mut host).await;
    host.settle().await;
    let before = looked_at(&host, &statement).await;
    let total: u64 = before["lines"].as_u64().expect("a number");
    assert!(
        lines_of(&before, "matched") > total / 2,
        "payments came later: {before:#}"
    );
    assert_eq!(lines_of(&before, "fee-mismatch"), 0, "as agreed");
    by_outcome(&host, &before).await;
    why(&host, &statement).await;
    refusals(&host, &statement).await;
    by_hand(&host, &statement, &before).await;
    host.stop();
}

/// Imports the statement as the first action on the database. The same file again is the same statement.
fn first_import(host: &Host, day: &Day, sample: &Sample, database: Database) -> String {
    let made = host.data().join("galleria.db").exists();
    assert!(!made, "there is no database yet, or an empty one");
    let file = sample.file.display().to_string();
    let import = [
        "import",
        &file,
        "--retailer",
        &day.retailer,
        "--plugin",
        &sample.slot,
    ];
    let first = output_of(host, &import);
    let of = |output: &str, words: &str| {
        let line = output.lines().next().unwrap_or_default();
        line.strip_prefix(words).map(str::to_owned)
    };
    let id = of(&first, "imported as statement ").unwrap_or_else(|| panic!("{first}"));
    // There are no sales yet.
    assert!(
        first.contains("unmatched") && !first.contains(" matched"),
        "{first}"
    );
    let again = output_of(host, &import);
    let same = of(&again, "already imported as statement ");
    assert_eq!(same.as_ref(), Some(&id), "{again}");
    let listed = output_of(host, &["list", "--retailer", &day.retailer]);
    assert_eq!(listed.matches(&id).count(), 1, "{listed}");
    assert_eq!(
        database == Database::Sqlite,
        host.data().join("galleria.db").exists()
    );
    id
}

/// Checks that every line has one outcome and is listed only under it, over HTTP and by command.
async fn by_outcome(host: &Host, statement: &Value) {
    let name = id(statement);
    let mut seen = 0;
    for sum in statement["outcomes"].as_array().expect("sums") {
        let outcome = sum["outcome"].as_str().expect("a word");
        let lines = lines(host, name, outcome, 7).await;
        assert_eq!(json!(lines.len()), sum["lines"], "{outcome}");
        assert!(lines.iter().all(|line| line["outcome"] == outcome));
        let net: i64 = lines
            .iter()
            .map(|line| line["line"]["net"].as_i64().expect("a sum"))
            .sum();
        assert_eq!(net, sum["net"], "{outcome}");
        let table = output_of(host, &["lines", name, "--outcome", outcome]);
        let ids: Vec<_> = lines.iter().take(100).map(id).collect();
        let listed: Vec<_> = table
            .split(['│', '┆'])
            .map(str::trim)
            .filter(|cell| cell.starts_with(&format!("{name}.")))
            .collect();
        assert_eq!(listed, ids, "{outcome}: {table}");
        seen += lines.len() as u64;
    }
    assert_eq!(statement["lines"], seen);
    let none = error_of(host, &["lines", name, "--outcome", "lost"]);
    assert!(
        none.contains("one of matched, amount-mismatch"),
        "lists the known outcomes: {none}"
    );
    let path = format!("/v1/statements/{name}/lines?outcome=lost");
    let none = host.client.get(host.url(&path)).send().await;
    let none = none.expect("an answer");
    assert_eq!(none.status(), 422);
    let none: Value = none.json().await.expect("JSON");
    assert_eq!(none["errors"][0]["field"], "outcome", "{none:#}");
}

/// Checks that HTTP and the command explain an outcome with the same text.
async fn why(host: &Host, statement: &str) {
    let expected = [
        ("matched", "amount, currency and fee agree"),
        (
            "amount-mismatch",
            "the amounts differ by more than the tolerance",
        ),
        ("unmatched", "no recorded payment or refund"),
        (
            "not-applicable",
            "lines of this kind have nothing to match with",
        ),
    ];
    for (outcome, because) in expected {
        let lines = lines(host, statement, outcome, 1000).await;
        let line = id(&lines[0]);
        let result = explained(host, line).await;
        assert_eq!(result["line"], lines[0]);
        let sentence = result["because"].as_str().expect("a sentence");
        assert!(sentence.contains(because), "{outcome}: {sentence}");
        let table = output_of(host, &["explain", line]);
        assert!(
            table.contains(&format!("{outcome}: {sentence}")),
            "{outcome}: {table}"
        );
        let candidates = result["candidates"].as_array().expect("tenders");
        for candidate in candidates.iter().map(id) {
            assert!(table.contains(candidate), "{table}");
        }
        if ["matched", "amount-mismatch"].contains(&outcome) {
            let ours = result["line"]["tender"].as_str().expect("a tender");
            assert!(candidates.iter().any(|one| id(one) == ours), "{result:#}");
        }
        let agreed = result["line"]["expected_fee"].is_i64();
        assert_eq!(agreed, table.contains("the agreed fee is"), "{table}");
        let payment = result["line"]["line"]["kind"] == "payment" && outcome == "matched";
        assert!(agreed || !payment, "of a payment: {result:#}");
    }
    // The till received one less.
    let wrong = &lines(host, statement, "amount-mismatch", 1000).await[0];
    assert_eq!(wrong["difference"], 100, "{wrong:#}");
}

/// Checks that a rejected settlement names the reason and changes nothing.
async fn refusals(host: &Host, statement: &str) {
    let lines = lines(host, statement, "unmatched", 1000).await;
    let line = id(&lines[0]);
    let away = format!("{statement}.99999");
    let signed = ["--actor", "ana", "--reason", "seen"];
    let with = |words: &[&'static str]| [&["settle", line][..], words].concat();
    let silent = error_of(host, &with(&["--actor", "ana"]));
    assert!(silent.contains("--reason <REASON>"), "{silent}");
    let empty = error_of(host, &with(&["--actor", "ana", "--reason", " "]));
    assert!(
        empty.contains("reason: must be 1 to 500 bytes of text"),
        "{empty}"
    );
    let nobody = error_of(host, &with(&["--reason", "seen"]));
    assert!(nobody.contains("--actor <ACTOR>"), "{nobody}");
    let entry = ["--entry", "pay-nowhere"];
    let entry = error_of(host, &with(&[&signed[..], &entry].concat()));
    assert!(
        entry.contains("entry: must be a payment of the retailer"),
        "{entry}"
    );
    for what in ["settle", "undo", "explain"] {
        let signed = if what == "explain" { &[][..] } else { &signed };
        let nowhere = error_of(host, &[&[what, &away], signed].concat());
        let wanted = format!("there is no statement line {away}");
        assert!(nowhere.contains(&wanted), "{what}: {nowhere}");
    }
    let early = error_of(host, &[&["undo", line][..], &signed].concat());
    assert!(
        early.contains("has no manual settlement to undo"),
        "{early}"
    );
    let post = async |path: &str, body: Value| {
        let path = format!("/v1/statement-lines/{path}");
        let key = path.replace('/', "-");
        host.send("POST", &path, &key, &body).await.expect("sent")
    };
    let (status, answer) = post(&format!("{line}/settle"), json!({ "reason": "" })).await;
    assert_eq!(
        (status, &answer["errors"][0]["field"]),
        (422, &json!("reason"))
    );
    let (status, answer) = post(&format!("{away}/settle"), json!({ "reason": "seen" })).await;
    assert_eq!((status, &answer["code"]), (404, &json!("not_found")));
    let after = explained(host, line).await;
    assert_eq!(after["line"], lines[0]);
    assert_eq!(after["manual_settlements"], json!([]), "nothing was done");
}

/// Settles a line by command and undoes it. HTTP shows actor, reason and changed sums.
async fn by_hand(host: &Host, statement: &str, before: &Value) {
    for (was, becomes) in [
        ("amount-mismatch", "matched"),
        ("unmatched", "not-applicable"),
    ] {
        let found = lines(host, statement, was, 1000).await;
        let line = id(&found[0]);
        let reason = format!("the provider says so of {was}");
        let done = output_of(
            host,
            &["settle", line, "--actor", "ana", "--reason", &reason],
        );
        assert!(
            done.contains(&format!("line {line} is {becomes}")),
            "{done}"
        );
        let now = explained(host, line).await;
        assert_eq!(now["line"]["outcome"], becomes);
        assert_eq!(now["line"]["rule"], "hand");
        assert_eq!(now["line"]["tender"], found[0]["tender"]);
        assert_eq!(now["because"], "a person settled it");
        hand(
            &now["manual_settlements"][0],
            "settled",
            "ana",
            &reason,
            [was, becomes],
        );
        let moved = looked(host, statement).await;
        assert_eq!(lines_of(&moved, was), lines_of(before, was) - 1);
        assert_eq!(lines_of(&moved, becomes), lines_of(before, becomes) + 1);
        assert_eq!(net(&moved), net(before), "what was paid out stays");
        let table = output_of(host, &["explain", line]);
        let result = format!("settled by ana: {reason} (from {was} to {becomes})");
        assert!(table.contains(&result), "{table}");

        let undo = ["undo", line, "--actor", "eva", "--reason", "it was another"];
        let done = output_of(host, &undo);
        assert!(
            done.contains(&format!("line {line} is {was} again")),
            "{done}"
        );
        let back = explained(host, line).await;
        assert_eq!(back["line"], found[0]);
        let manual_settlements = back["manual_settlements"]
            .as_array()
            .expect("manual_settlements");
        assert_eq!(manual_settlements.len(), 2, "{back:#}");
        hand(
            &manual_settlements[1],
            "undone",
            "eva",
            "it was another",
            [becomes, was],
        );
        assert_eq!(
            looked(host, statement).await["outcomes"],
            before["outcomes"]
        );
        let again = error_of(host, &undo);
        assert!(
            again.contains("has no manual settlement to undo"),
            "{again}"
        );
        operations(host, line, &reason).await;
    }
}

async fn looked(host: &Host, statement: &str) -> Value {
    let path = format!("/v1/statements/{statement}");
    host.get(&path).await.expect("a statement")
}

fn net(statement: &Value) -> i64 {
    let sums = statement["outcomes"].as_array().expect("sums").iter();
    sums.map(|sum| sum["net"].as_i64().expect("a sum")).sum()
}

fn hand(hand: &Value, what: &str, by: &str, reason: &str, outcomes: [&str; 2]) {
    assert_eq!(hand["what"], what, "{hand:#}");
    assert_eq!(hand["actor"], by);
    assert_eq!(hand["reason"], reason);
    assert_eq!([&hand["before"], &hand["after"]], outcomes);
    assert!(hand["at"].is_string());
}

/// Checks that the list of operations contains both, newest first.
async fn operations(host: &Host, line: &str, reason: &str) {
    let all = host.get("/v1/operations").await.expect("operations");
    let subject = format!("statement line {line}");
    let all = all["operations"].as_array().expect("operations").iter();
    let result: Vec<_> = all
        .filter(|one| one["subject"] == subject)
        .map(|one| [&one["action"], &one["actor"], &one["reason"]])
        .collect();
    assert_eq!(
        result,
        [
            ["line_undo", "eva", "it was another"],
            ["line_settle", "ana", reason]
        ]
    );
}

#[test]
fn a_retailers_own_rules_hold() {
    let retailers = retailer();
    let file = retailers.path().join("example/retailer.toml");
    let text = std::fs::read_to_string(&file).expect("a file");
    let rules = "[matching]\namount_tolerance = 7\nfee_tolerance = 3\n";
    std::fs::write(&file, format!("{text}\n{rules}")).expect("written");
    let host = Host::with(retailers.path().into(), staged());
    let statement = retailers.path().join("details.csv");
    std::fs::write(&statement, details(1)).expect("a statement");
    let ran = host.run(&import(&statement.display().to_string()));
    assert!(ran.status.success(), "{}", words(&ran));
    let said_so = words(&ran);
    let id = said_so
        .lines()
        .next()
        .and_then(|line| line.rsplit(' ').next());
    let line = format!("{}.1", id.expect("an id"));
    let why = output_of(&host, &["explain", &line]);
    assert!(
        why.contains("amounts may differ by 0.07, fees by 0.03"),
        "{why}"
    );
}
