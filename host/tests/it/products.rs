//! Products, from the file to the plugin's file: the real binary, a real component, and a kill.

use crate::host::{Database, Host, staged};
use galleria_db::Db;
use galleria_ports::in_tx;
use galleria_ports::records::{DraftStart, Records};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A plugin that writes products, of any retailer.
fn exporter() -> String {
    for entry in std::fs::read_dir(staged()).expect("plugins") {
        let folder = entry.expect("an entry").path();
        let manifest = std::fs::read_to_string(folder.join("plugin.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("a manifest");
        let request = manifest["asks"]
            .get("capabilities")
            .and_then(|list| list.as_array());
        let mut request = request.into_iter().flatten();
        let writes = folder
            .join(manifest["component"].as_str().expect("a name"))
            .exists();
        if writes && request.any(|one| one.as_str() == Some("products")) {
            return manifest["name"].as_str().expect("a name").to_owned();
        }
    }
    panic!("no plugin writes products: run `cargo xtask plugins`");
}

/// A retailer with two slots: all products, and changed products.
fn retailer(folder: &Path) {
    let plugin = exporter();
    let mut text = String::from("name = \"example\"\n");
    for (slot, mode) in [("all", "full"), ("changes", "changes")] {
        write!(
            text,
            "[plugins.{slot}]\nplugin = \"{plugin}\"\n\
             [plugins.{slot}.grants]\ncapabilities = [\"products\", \"output\"]\n\
             directories = [\"product_data\"]\n\
             [plugins.{slot}.settings]\nmode = \"{mode}\"\n"
        )
        .expect("text");
    }
    write!(
        text,
        "[plugins.again]\nplugin = \"{plugin}\"\n\
         [plugins.again.grants]\ncapabilities = [\"products\", \"output\"]\n\
         directories = [\"product_data\"]\n\
         [plugins.again.settings]\ninactive = \"write\"\ncsv = {{ delimiter = \";\", decimal_mark = \",\" }}\n\
         columns = ["
    )
    .expect("text");
    for column in [
        "sku", "gtin", "name", "category", "unit", "price", "currency", "tax_code", "active",
    ] {
        write!(text, "{{ column = \"{column}\", header = \"{column}\" }}, ").expect("text");
    }
    text += "]\n";
    let folder = folder.join("example");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("retailer.toml"), text).expect("a retailer");
}

async fn open(database: Database) -> (tempfile::TempDir, Host) {
    let retailers = tempfile::tempdir().expect("a folder");
    retailer(retailers.path());
    let mut host = Host::with(retailers.path().to_owned(), staged()).on(database);
    host.start().await;
    let store = json!({
        "external_id": "0042", "retailer": "example", "store_type": "scan-and-go", "country": "FR",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Paris",
    });
    let put = host.send("PUT", "/v1/stores/lyon", "store", &store).await;
    assert_eq!(put.expect("an answer").0, 200);
    (retailers, host)
}

/// `count` products; every price is `cents`.
fn file(host: &Host, name: &str, count: usize, cents: usize) -> String {
    let mut text = String::from("sku;name;price;currency;store\n");
    for n in 0..count {
        let (whole, part) = (cents / 100, cents % 100);
        writeln!(text, "s{n:06};Product {n};{whole},{part:02};EUR;").expect("text");
    }
    let path = host.data().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn import(host: &Host, file: &str, more: &[&str]) -> (bool, String) {
    let mut command = host.galleria(&["products", "import", file, "--retailer", "example"]);
    let ran = command.arg("--decimal-comma").args(more).output();
    let ran = ran.expect("the binary");
    let output =
        [ran.stdout, ran.stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
    (ran.status.success(), output.concat())
}

/// Runs a slot for a day. Returns the rows of its file without the header.
fn export(host: &Host, slot: &str, day: &str, more: &[&str]) -> Vec<String> {
    let text = exported(host, slot, day, more);
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Runs a slot for a day. Returns its file.
fn exported(host: &Host, slot: &str, day: &str, more: &[&str]) -> String {
    let before = host.files();
    let arguments = [
        "report",
        "run",
        "--retailer",
        "example",
        "--plugin",
        slot,
        "--from",
        day,
    ];
    let ran = host.run(&[&arguments, more].concat());
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{why}");
    let new: BTreeMap<_, _> = host
        .files()
        .into_iter()
        .filter(|(name, _)| !before.contains_key(name))
        .collect();
    assert_eq!(new.len(), 1, "{:?}", new.keys());
    let text = new.into_values().next().expect("a file");
    String::from_utf8(text).expect("text")
}

on_both!(
    a_file_is_imported_and_changes_are_exported,
    an_exported_file_is_imported_without_changes,
    an_invalid_file_is_reported_as_a_table_and_not_imported,
    a_stopped_import_leaves_nothing,
    a_killed_import_changes_nothing,
);

async fn a_file_is_imported_and_changes_are_exported(database: Database) {
    let (_retailers, host) = open(database).await;
    let all = file(&host, "all.csv", 3000, 150);
    let (well, output) = import(&host, &all, &["--dry-run"]);
    assert!(well && output.contains("3000 products added"), "{output}");
    let (well, output) = import(&host, &all, &[]);
    assert!(well && output.contains("3000 products added"), "{output}");
    assert_eq!(export(&host, "all", "2026-11-20", &[]).len(), 3000);
    let first = export(&host, "changes", "2026-11-20", &[]);
    assert_eq!(first.len(), 3000, "on the first run all changed");

    let (well, output) = import(&host, &all, &[]);
    assert!(well && output.contains("3000 unchanged"), "{output}");
    assert_eq!(export(&host, "changes", "2026-11-21", &[]), [""; 0]);
    let one = file(&host, "one.csv", 1, 160);
    let (well, output) = import(&host, &one, &[]);
    assert!(well && output.contains("1 changed"), "{output}");
    let changed = export(&host, "changes", "2026-11-22", &[]);
    assert_eq!(changed, ["upsert,s000000,,Product 0,,EA,1.60,EUR,"]);
    let all_of_them = export(&host, "all", "2026-11-22", &[]);
    assert_eq!(all_of_them.len(), 3000);
    assert!(all_of_them[0].contains(",1.60,") && all_of_them[1].contains(",1.50,"));

    // A store's own price is a change only in that store.
    let store = ["--store", "lyon"];
    assert_eq!(export(&host, "changes", "2026-11-22", &store).len(), 3000);
    let own = host.data().join("own.csv");
    let text = "sku,name,price,currency,store\ns000007,,\"1,35\",EUR,0042\n";
    std::fs::write(&own, text).expect("a file");
    let (well, output) = import(&host, &own.display().to_string(), &[]);
    assert!(well && output.contains("store prices: 1 added"), "{output}");
    assert_eq!(export(&host, "changes", "2026-11-23", &[]), [""; 0]);
    assert_eq!(
        export(&host, "changes", "2026-11-23", &store),
        ["upsert,s000007,,Product 7,,EA,1.35,EUR,"]
    );

    let full = ["--missing", "deactivate"];
    let (well, output) = import(&host, &one, &full);
    assert!(well && output.contains("2999 deactivated"), "{output}");
    assert_eq!(export(&host, "all", "2026-11-24", &[]).len(), 1);
    let gone = export(&host, "changes", "2026-11-24", &[]);
    assert_eq!(gone.len(), 2999);
    assert!(gone.iter().all(|row| row.starts_with("delete,")));
}

async fn an_exported_file_is_imported_without_changes(database: Database) {
    let (_retailers, host) = open(database).await;
    let names = [
        "=1+1",
        "'=1+1",
        "''-",
        "-5",
        "+",
        "@x",
        "'n Sync",
        "5\" pipe",
        "\"a\"",
        "a;b,c",
        "'",
        "\u{c9}t\u{e9}",
    ];
    let mut lines = String::new();
    for (n, name) in names.iter().enumerate() {
        let row = json!({
            "sku": format!("{name}{n}"), "name": name, "category": name, "tax_code": name, "gtin": "96385074",
            "unit": "KGM", "price": format!("{n},{n}5"), "currency": "EUR", "active": n != 3,
        });
        lines += &format!("{row}\n");
    }
    let path = host.data().join("names.jsonl");
    std::fs::write(&path, lines).expect("a file");
    let (well, output) = import(&host, &path.display().to_string(), &[]);
    assert!(well && output.contains("12 products added"), "{output}");
    let before = host.get("/v1/retailers/example/products").await;

    let text = exported(&host, "again", "2026-11-20", &[]);
    assert!(
        text.contains(";'=1+1;") && text.contains(";''=1+1;"),
        "{text}"
    );
    let path = host.data().join("exported.csv");
    std::fs::write(&path, text).expect("a file");
    let (well, output) = import(
        &host,
        &path.display().to_string(),
        &["--missing", "deactivate"],
    );
    let unchanged = "12 rows: 0 products added, 0 changed, 12 unchanged, 0 deactivated";
    assert!(well && output.contains(unchanged), "{output}");
    let after = host.get("/v1/retailers/example/products").await;
    assert_eq!(after.expect("a list"), before.expect("a list"));

    let keep = ["--guards", "keep", "--dry-run"];
    let (well, output) = import(&host, &path.display().to_string(), &keep);
    assert!(well && output.contains("6 products added"), "{output}");
    let header = host.data().join("header.csv");
    std::fs::write(&header, "sku;name;price;currency\r\n").expect("a file");
    let header = header.display().to_string();
    let (well, output) = import(&host, &header, &["--missing", "deactivate"]);
    assert!(!well && output.contains("--allow-empty"), "{output}");
    let (well, output) = import(&host, &header, &["--allow-empty"]);
    assert!(well && output.contains("0 rows"), "{output}");
}

async fn an_invalid_file_is_reported_as_a_table_and_not_imported(database: Database) {
    let (_retailers, host) = open(database).await;
    let path = host.data().join("wrong.csv");
    let mut text = String::from("sku,gtin,name,price,currency\nright,,Right,1,EUR\n");
    for n in 0..40 {
        writeln!(text, "s{n},{n},Name,1,EUR").expect("text");
    }
    std::fs::write(&path, text).expect("a file");
    let (well, output) = import(&host, &path.display().to_string(), &[]);
    assert!(
        !well && output.contains("40 cells are invalid: nothing was imported"),
        "{output}"
    );
    for row in 3..43 {
        let result = output
            .lines()
            .any(|line| line.contains(&format!(" {row} ")) && line.contains("gtin"));
        assert!(result, "row {row}: {output}");
    }
    let page = host.get("/v1/retailers/example/products").await;
    assert_eq!(page.expect("a list")["products"], json!([]));
    let typo = host.run(&["products", "list", "--retailer", "exmaple"]);
    let why = String::from_utf8_lossy(&typo.stderr).into_owned();
    assert!(
        !typo.status.success() && why.contains("did you mean example?"),
        "{why}"
    );
}

/// Returns whether an import is writing now.
async fn importing(records: &dyn Records) -> bool {
    // The transaction only reads and is not committed.
    let begun = records.read(in_tx!(|tx| {
        let now = jiff::Timestamp::now();
        tx.catalogue_draft_begin("example", "looker", now, now)
            .await
    }));
    matches!(begun.await.expect("asked"), DraftStart::Busy)
}

/// Removes the remains of a killed import, as the host does an hour later. Returns the number of batches.
async fn swept(records: &dyn Records) -> u32 {
    let late = galleria_ports::clock::later(jiff::Timestamp::now(), Duration::from_secs(3600));
    let left = records.write(move |tx| {
        let until = galleria_ports::clock::later(late, Duration::from_secs(60));
        Box::pin(async move { tx.catalogue_draft_take_over("sweeper", late, until).await })
    });
    let left = left.await.expect("asked").expect("a draft that was left");
    let mut pieces = 0;
    loop {
        let draft = left.clone();
        let over = records.write(in_tx!(|tx, draft| tx
            .catalogue_draft_clear(&draft, 100)
            .await));
        if over.await.expect("cleared") {
            return pieces;
        }
        pieces += 1;
    }
}

/// Starts an import and returns it when it writes.
async fn under_way(host: &Host, db: &Db, file: &str) -> Child {
    let mut command = host.galleria(&["products", "import", file, "--retailer", "example"]);
    let command = command.arg("--decimal-comma").stdout(Stdio::piped());
    let importer = command.stderr(Stdio::piped()).spawn().expect("the binary");
    let begun = Instant::now();
    while !importing(db).await {
        assert!(begun.elapsed().as_secs() < 60, "it never began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    importer
}

async fn a_stopped_import_leaves_nothing(database: Database) {
    let (_retailers, host) = open(database).await;
    let large = file(&host, "large.csv", 40_000, 999);
    let db = Db::open(&host.database()).await.expect("the database");
    let importer = under_way(&host, &db, &large).await;
    let result = Command::new("kill")
        .args(["-INT", &importer.id().to_string()])
        .status();
    assert!(result.expect("kill").success());
    let ended = importer.wait_with_output().expect("an end");
    let output = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{output}");
    assert!(output.contains("nothing was left behind"), "{output}");
    assert!(
        !importing(&db).await,
        "the stopped import released its lease"
    );
    db.close().await.expect("closed");
    let page = host.get("/v1/retailers/example/products").await;
    assert_eq!(page.expect("a list")["products"], json!([]));
    let (well, output) = import(&host, &large, &[]);
    assert!(well && output.contains("40000 products added"), "{output}");
}

async fn a_killed_import_changes_nothing(database: Database) {
    let (_retailers, host) = open(database).await;
    let (well, output) = import(&host, &file(&host, "before.csv", 2000, 150), &[]);
    assert!(well, "{output}");
    let large = file(&host, "large.csv", 40_000, 999);
    let db = Db::open(&host.database()).await.expect("the database");
    let mut importer = under_way(&host, &db, &large).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    importer.kill().expect("killed");
    importer.wait().expect("gone");
    assert!(importing(&db).await, "it was killed in the middle");

    let rows = export(&host, "all", "2026-11-20", &[]);
    assert_eq!(rows.len(), 2000);
    assert!(rows.iter().all(|row| row.contains(",1.50,")));
    let (well, output) = import(&host, &file(&host, "small.csv", 1, 160), &[]);
    assert!(!well && output.contains("being imported"), "{output}");

    // Its rows are removed after its lease expired, and then imports work again.
    assert!(swept(&db).await > 0);
    db.close().await.expect("closed");
    let (well, output) = import(&host, &large, &[]);
    assert!(
        well && output.contains("38000 products added, 2000 changed"),
        "{output}"
    );
}
