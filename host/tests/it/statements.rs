//! Statements: read, picked up from a directory, sent, listed and settled, stopped and killed half-way,
//! hostile.

mod columns;
mod expected;
mod flood;
mod hostile;
mod interrupted;
mod killed;
mod manual_settlement;
mod refusals;
mod rejected_files;
mod reread;
mod settled;
mod tabular;

use crate::host::{Database, Host, root, staged};
use crate::sample_days::{self, Day};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The slot that reads a retailer's statements, its pickup directory, and the retailer's first statement.
struct Sample {
    retailer: String,
    slot: String,
    plugin: String,
    /// The configuration of the slot, and the plugin's settings.
    table: toml::Table,
    settings: toml::Table,
    pickup: Option<(String, String)>,
    file: PathBuf,
}

/// The samples of all retailers, by the retailer's name.
fn samples() -> Vec<Sample> {
    let folders = std::fs::read_dir(root().join("retailers")).expect("retailers");
    let folders = folders.map(|entry| entry.expect("an entry"));
    let mut names: Vec<String> = folders
        .filter(|entry| entry.path().join("retailer.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.iter().filter_map(|name| sample(name)).collect()
}

/// A retailer's own file.
fn retailer_file(retailer: &str) -> (String, toml::Table) {
    let path = root().join("retailers").join(retailer);
    let text = std::fs::read_to_string(path.join("retailer.toml")).expect("a retailer's file");
    let file = text.parse().expect("a retailer's file");
    (text, file)
}

/// The slot with a grant.
fn granted<'f>(file: &'f toml::Table, capability: &str) -> Option<(&'f String, &'f toml::Table)> {
    let slots = file["plugins"].as_table().expect("plugins").iter();
    let mut slots = slots.filter_map(|(name, slot)| Some((name, slot.as_table()?)));
    slots.find(|(_, slot)| {
        let grants = slot.get("grants");
        let all = grants.and_then(|grants| grants.get("capabilities")?.as_array());
        let mut all = all.into_iter().flatten();
        all.any(|one| one.as_str() == Some(capability))
    })
}

fn sample(retailer: &str) -> Option<Sample> {
    let (_, file) = retailer_file(retailer);
    let (slot, table) = granted(&file, "statement")?;
    let pickup = table.get("pickup").map(|pickup| {
        let word = |key: &str| pickup[key].as_str().expect("a word").to_owned();
        (word("directory"), word("complete"))
    });
    let folder = root().join("retailers").join(retailer).join("statements");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let settings = table.get("settings").and_then(toml::Value::as_table);
    Some(Sample {
        retailer: retailer.to_owned(),
        slot: slot.clone(),
        plugin: table["plugin"].as_str().expect("a plugin").to_owned(),
        settings: settings.cloned().unwrap_or_default(),
        table: table.clone(),
        pickup,
        file: files.into_iter().next()?,
    })
}

/// The sample retailers with only the slots that read statements, so that a host starts quickly.
fn readers() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for sample in samples() {
        let mut slot = sample.table;
        slot.remove("pickup");
        let plugins = toml::Table::from_iter([(sample.slot, slot.into())]);
        let name = sample.retailer.clone().into();
        let file = [
            ("name".to_owned(), name),
            ("plugins".into(), plugins.into()),
        ];
        let retailer = folder.path().join(sample.retailer);
        std::fs::create_dir(&retailer).expect("a folder");
        let text = toml::to_string(&toml::Table::from_iter(file)).expect("TOML");
        std::fs::write(retailer.join("retailer.toml"), text).expect("written");
    }
    folder
}

/// The output of `statement read`: header, totals, lines.
fn read(host: &Host, day: &Day, sample: &Sample) -> Vec<Value> {
    let file = sample.file.display().to_string();
    let request = [
        "statement",
        "read",
        &file,
        "--plugin",
        &sample.slot,
        "--retailer",
        &day.retailer,
    ];
    let ran = host.run(&request);
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{}: {why}", day.retailer);
    assert!(
        !host.data().join("galleria.db").exists(),
        "no database is made"
    );
    let text = String::from_utf8(ran.stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Checks that the header states each column of the file once, as read or ignored, and removes these attributes.
fn check_columns(header: &mut Value, sample: &Sample) {
    let attributes = header["header"]["attributes"].as_array_mut();
    let columns = attributes.expect("a list").extract_if(.., |one| {
        one["name"]
            .as_str()
            .expect("a name")
            .starts_with("columns-")
    });
    let texts = columns.map(|one| one["value"].as_str().expect("text").to_owned());
    let texts: Vec<String> = texts.collect();
    let mut stated: Vec<&str> = texts.iter().flat_map(|text| text.split(", ")).collect();
    stated.sort_unstable();
    let grid = tabular::Grid::of(sample);
    let mut names: Vec<&str> = grid.columns().iter().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(stated, names, "{}", sample.retailer);
}

/// Decimal text as an integer, in units of its last digit.
fn minor(text: &Value) -> i64 {
    let text = text.as_str().expect("decimal text");
    text.replace('.', "").parse().expect("digits")
}

/// Puts ten copies into the pickup directory.
fn leave(host: &Host, day: &Day, sample: &Sample, directory: &str, complete: &str) {
    let folder = host
        .data()
        .join("files")
        .join(directory)
        .join(&day.retailer);
    std::fs::create_dir_all(&folder).expect("a folder");
    let extension = sample
        .file
        .extension()
        .expect("an extension")
        .to_string_lossy();
    for copy in 0..10 {
        let file = folder.join(format!("copy-{copy}.{extension}"));
        std::fs::copy(&sample.file, &file).expect("copied");
        if complete == "marker" {
            let marker = format!("{}.complete", file.display());
            std::fs::write(marker, b"").expect("marked");
        }
    }
}

/// Waits until the retailer's only statement is matched.
async fn matched(host: &Host, retailer: &str) -> Value {
    let begun = Instant::now();
    loop {
        let path = format!("/v1/statements?retailer={retailer}");
        let page = host.get(&path).await.expect("a list");
        let first = &page["statements"][0]["state"];
        if first.is_string() && first != "matching" {
            assert_eq!(page["statements"].as_array().map(Vec::len), Some(1));
            let id = page["statements"][0]["id"].as_str().expect("an id");
            return host.get(&format!("/v1/statements/{id}")).await.expect("it");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{page:#}\n{}",
            host.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn send(host: &Host, sample: &Sample) -> (u16, Value) {
    let body = std::fs::read(&sample.file).expect("a statement");
    sent(host, sample, body).await
}

fn path(sample: &Sample) -> String {
    format!(
        "/v1/retailers/{}/statements?plugin={}&file=sent",
        sample.retailer, sample.slot
    )
}

async fn sent(host: &Host, sample: &Sample, body: Vec<u8>) -> (u16, Value) {
    let url = host.url(&path(sample));
    let sent = host.client.post(url).body(body).send().await;
    let sent = sent.expect("an answer");
    (sent.status().as_u16(), sent.json().await.expect("JSON"))
}

on_both!(the_statement_of_a_day_is_read_imported_once_and_matched);

async fn the_statement_of_a_day_is_read_imported_once_and_matched(database: Database) {
    let mut seen = 0;
    for day in sample_days::all() {
        let Some(sample) = sample(&day.retailer) else {
            continue;
        };
        seen += 1;
        let (retailers, settlement) = settled::retailers(&day.retailer);
        let mut host = Host::with(retailers.path().into(), staged()).on(database);
        let mut result = read(&host, &day, &sample);
        check_columns(&mut result[0], &sample);
        for (line, expected) in result.iter().zip(expected::expected(&sample)) {
            assert_eq!(*line, expected, "{}", day.retailer);
        }
        assert_eq!(result.len(), expected::expected(&sample).len());
        let (header, totals, lines) = (&result[0]["header"], &result[1]["totals"], &result[2..]);
        let net: i64 = lines.iter().map(|line| minor(&line["net"])).sum();
        assert_eq!(minor(&totals["net"]), net);
        assert!(header["total"].is_null() || minor(&header["total"]) == net);
        host.start().await;
        day.feed(&mut host).await;
        host.settle().await;
        if let Some((directory, complete)) = &sample.pickup {
            leave(&host, &day, &sample, directory, complete);
        } else {
            let (status, answer) = send(&host, &sample).await;
            assert_eq!(status, 201, "{answer:#}");
        }
        let statement = matched(&host, &day.retailer).await;
        assert_eq!(statement["net"], net);
        assert_eq!(statement["lines"], lines.len());
        let outcomes = statement["outcomes"].as_array().expect("outcomes");
        let sum: i64 = outcomes
            .iter()
            .map(|one| one["net"].as_i64().expect("a sum"))
            .sum();
        assert_eq!(sum, net, "{outcomes:#?}");
        let of = |word: &str| outcomes.iter().find(|one| one["outcome"] == word);
        let matched = of("matched").map_or(0, |one| one["lines"].as_u64().expect("a number"));
        assert!(matched as usize * 2 > lines.len(), "{outcomes:#?}");
        settled::agrees(&host, &day.retailer, &settlement, &statement).await;
        let (status, again) = send(&host, &sample).await;
        assert_eq!((status, &again["id"]), (200, &statement["id"]));
        kept_and_aside(&host, &day, &sample, &statement).await;
        host.stop();
        by_command(&host, &day, &sample, &statement);
    }
    assert!(seen > 0, "no retailer has a statement");
}

/// Checks that the original is stored byte for byte, and that every copy was moved aside.
async fn kept_and_aside(host: &Host, day: &Day, sample: &Sample, statement: &Value) {
    let digest = statement["digest"].as_str().expect("a digest");
    let kept = host
        .data()
        .join("statements")
        .join(&day.retailer)
        .join(digest);
    let original = std::fs::read(&sample.file).expect("the original");
    assert_eq!(std::fs::read(kept).expect("kept"), original);
    let Some((directory, _)) = &sample.pickup else {
        return;
    };
    let folder = host
        .data()
        .join("files")
        .join(directory)
        .join(&day.retailer);
    let begun = Instant::now();
    loop {
        let done = std::fs::read_dir(folder.join("done")).map_or(0, Iterator::count);
        let all = std::fs::read_dir(&folder).expect("the folder").count();
        if (done, all) == (10, 1) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{done} of 10\n{}",
            host.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Checks the same by command, as tables.
fn by_command(host: &Host, day: &Day, sample: &Sample, statement: &Value) {
    let file = sample.file.display().to_string();
    let id = statement["id"].as_str().expect("an id");
    let say = |arguments: &[&str]| {
        let ran = host.run(&[&["statement"], arguments].concat());
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{arguments:?}: {why}");
        // The table is on standard output, notes about it on standard error.
        [String::from_utf8(ran.stdout).expect("text"), why].concat()
    };
    let import = [
        "import",
        &file,
        "--retailer",
        &day.retailer,
        "--plugin",
        &sample.slot,
    ];
    assert!(say(&import).contains(&format!("already imported as statement {id}")));
    assert!(say(&["list"]).contains(id));
    let columns = say(&["show", id]).contains("\ncolumns read: ");
    assert_eq!(columns, sample.plugin != "fixed-statement");
    let lines = say(&["lines", id, "--limit", "3"]);
    assert!(
        lines.contains(&format!("{id}.1")) && lines.contains("--after 3"),
        "{lines}"
    );
    say(&["uncovered", "--retailer", &day.retailer, "--days", "0"]);
    let line = format!("{id}.1");
    let settle = ["settle", &line, "--actor", "ana", "--reason", "seen"];
    let explained = say(&["explain", &line]);
    if explained.contains(" matched: ") || explained.contains("\nmatched: ") {
        let refused = host.run(&[&["statement"], &settle[..]].concat());
        assert!(
            !refused.status.success(),
            "a matched line is settled already"
        );
    }
    assert!(explained.contains("amounts may differ by"), "{explained}");
}

/// A retailer of the tests, whose slot `statements` reads settlement details.
pub fn retailer() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let example = folder.path().join("example");
    std::fs::create_dir(&example).expect("a folder");
    let text = "name = \"example\"\n\n[plugins.statements]\nplugin = \"adyen-settlement\"\n\n\
                [plugins.statements.grants]\ncapabilities = [\"input\", \"statement\"]\n\n\
                [plugins.statements.pickup]\ndirectory = \"statements\"\nsuffix = \".csv\"\n\
                complete = \"1s\"\n";
    std::fs::write(example.join("retailer.toml"), text).expect("written");
    folder
}

/// The command that imports a file of that retailer.
pub fn import(file: &str) -> [&str; 7] {
    [
        "statement",
        "import",
        file,
        "--retailer",
        "example",
        "--plugin",
        "statements",
    ]
}

/// Settlement details as the provider writes them: a header, payments, and their payout.
pub fn details(rows: usize) -> String {
    let mut text = String::from(
        "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,\
         Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),\
         Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),\
         Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,\
         Modification Merchant Reference,Batch Number\n",
    );
    for row in 0..rows {
        text.push_str(&format!(
            "Example,ExampleES,PSP{row:012},order-{row},visa,2026-11-20 10:06:29,CET,Settled,\
             PSP{row:012},EUR,,10.00,1,EUR,,9.80,,0.10,0.10,0.00,,,7\n"
        ));
    }
    let cents = rows * 980;
    text.push_str(&format!(
        "Example,ExampleES,,,,2026-11-23 03:00:00,CET,MerchantPayout,\"TX7, batch 7\",,,,,EUR,\
         {}.{:02},,,,,,,,7\n",
        cents / 100,
        cents % 100
    ));
    text
}
