//! Tax tables by command: a dry run, an import with its operation, an export that can be imported, and a deletion.

use crate::host::{Database, Host};
use serde_json::{Value, json};
use std::process::Output;

on_both!(tax_tables_are_imported_shown_exported_and_deleted_by_command);

const STORES: &str = "\
id,external_id,retailer,store_type,country,currency,minor_digits,zone
madrid-1,1,example,kiosk,ES,EUR,2,Europe/Madrid
madrid-2,2,example,kiosk,ES,EUR,2,Europe/Madrid
";

const TABLE: &str = "\
tax_code;tax_level;retailer_tax_level_id;tax_percent;authority
STD;IVA 21;1;21;
RED;IVA 10;2;10;
SUPER;IVA 4;3;4;ES
";

/// Runs a command, and returns whether it succeeded and both outputs.
fn run(host: &Host, arguments: &[&str]) -> (bool, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = host.run(arguments);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.success(), text(stdout), text(stderr))
}

fn file(host: &Host, name: &str, text: &str) -> String {
    let path = host.data().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[track_caller]
fn done(host: &Host, arguments: &[&str]) -> String {
    let (success, stdout, stderr) = run(host, arguments);
    assert!(success && stderr.is_empty(), "{stdout}{stderr}");
    stdout
}

async fn tax_tables_are_imported_shown_exported_and_deleted_by_command(database: Database) {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| {
        let folder = folders.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    };
    let retailer = folder("retailers/example").join("retailer.toml");
    std::fs::write(retailer, "name = \"example\"\n").expect("a retailer");
    let mut host = Host::with(folder("retailers"), folder("plugins")).on(database);
    host.start().await;
    done(
        &host,
        &["stores", "import", &file(&host, "stores.csv", STORES)],
    );
    let table = file(&host, "table.csv", TABLE);
    let store = ["--store", "madrid-1"];
    let tax = |more: &[&'static str]| [&["tax"], more].concat();

    let import = [
        "tax",
        "import",
        &table,
        "--store",
        "madrid-1",
        "--reason",
        "rates of 2026",
    ];
    let output = done(&host, &import);
    assert!(
        output.ends_with("3 rows: 3 added, 0 changed, 0 removed, 0 unchanged\n"),
        "{output}"
    );
    let shown = done(&host, &tax(&["table", "--store", "madrid-1"]));
    let expected = "\
┌───────┬────────┬──────────┬───────┬───────────┬─────────┬───────────┬──────────┬──────────┬────────────┐
│ code  ┆ level  ┆ level id ┆ rate  ┆ authority ┆ kind    ┆ treatment ┆ compound ┆ position ┆ valid from │
╞═══════╪════════╪══════════╪═══════╪═══════════╪═════════╪═══════════╪══════════╪══════════╪════════════╡
│ RED   ┆ IVA 10 ┆ 2        ┆ 10.00 ┆           ┆ percent ┆           ┆          ┆ 0        ┆            │
│ STD   ┆ IVA 21 ┆ 1        ┆ 21.00 ┆           ┆ percent ┆           ┆          ┆ 0        ┆            │
│ SUPER ┆ IVA 4  ┆ 3        ┆ 4     ┆ ES        ┆ percent ┆           ┆          ┆ 0        ┆            │
└───────┴────────┴──────────┴───────┴───────────┴─────────┴───────────┴──────────┴──────────┴────────────┘
";
    assert_eq!(shown, expected);

    let new = TABLE
        .replace("10;2;10;", "10.5;2;10.5;")
        .replace("SUPER", "LOW");
    let new = file(&host, "new.csv", &new);
    let dry = [
        "tax",
        "import",
        &new,
        "--store",
        "madrid-1",
        "--replace",
        "--dry-run",
    ];
    let output = done(&host, &dry);
    let expected = "\
┌─────────┬───────┬──────────┬────────────┬──────────────┬───────────────┐
│ change  ┆ code  ┆ level id ┆ valid from ┆ rate         ┆ other columns │
╞═════════╪═══════╪══════════╪════════════╪══════════════╪═══════════════╡
│ changed ┆ RED   ┆ 2        ┆            ┆ 10.00 → 10.5 ┆ tax_level     │
│ removed ┆ SUPER ┆ 3        ┆            ┆ 4 → -        ┆               │
│ added   ┆ LOW   ┆ 3        ┆            ┆ - → 4        ┆               │
└─────────┴───────┴──────────┴────────────┴──────────────┴───────────────┘
3 rows: 1 added, 1 changed, 1 removed, 1 unchanged
dry run: nothing was imported
";
    assert_eq!(output, expected);
    let json: Value =
        serde_json::from_str(&done(&host, &[&dry[..], &["--json"]].concat())).expect("JSON");
    assert_eq!(
        (
            &json["dry_run"],
            &json["changes"][0]["after"]["tax_percent"]
        ),
        (&json!(true), &json!("10.5"))
    );
    assert_eq!(done(&host, &tax(&["table", "--store", "madrid-1"])), shown);

    // An export is imported into another store, and changes nothing in its own.
    let exported = host.data().join("exported.csv").display().to_string();
    let output = done(
        &host,
        &["tax", "table", "--store", "madrid-1", "--output", &exported],
    );
    assert_eq!(output, "");
    let printed = done(
        &host,
        &tax(&["table", "--store", "madrid-1", "--output", "-"]),
    );
    assert_eq!(printed, std::fs::read_to_string(&exported).expect("a file"));
    for (store, counts) in [
        (
            "madrid-1",
            "3 rows: 0 added, 0 changed, 0 removed, 3 unchanged\n",
        ),
        (
            "madrid-2",
            "3 rows: 3 added, 0 changed, 0 removed, 0 unchanged\n",
        ),
    ] {
        let output = done(
            &host,
            &["tax", "import", &exported, "--store", store, "--replace"],
        );
        assert!(output.ends_with(counts), "{output}");
    }
    let rows = done(&host, &tax(&["table", "--store", "madrid-2", "--json"]));
    let rows: Value = serde_json::from_str(&rows).expect("JSON");
    assert_eq!(
        rows[2],
        json!({ "tax_code": "SUPER", "tax_level": "IVA 4", "retailer_tax_level_id": "3",
        "tax_percent": "4", "authority": "ES" })
    );
    // Each line of JSON can be imported, too.
    let lines = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| format!("{row}\n"));
    let lines = file(&host, "lines.jsonl", &lines.collect::<String>());
    let output = done(&host, &["tax", "import", &lines, "--store", "madrid-2"]);
    assert_eq!(
        output,
        "3 rows: 0 added, 0 changed, 0 removed, 3 unchanged\n"
    );

    // A file of many stores.
    let many = "store_id,tax_code,tax_level,retailer_tax_level_id,tax_percent\n\
                madrid-1,STD,IVA 21,1,22\nmadrid-2,STD,IVA 21,1,23\n";
    let output = done(&host, &["tax", "import", &file(&host, "many.csv", many)]);
    assert!(
        output.contains("│ madrid-2 ┆ changed ┆ STD  ┆ 1        ┆            ┆ 21.00 → 23 ┆"),
        "{output}"
    );
    assert!(output.ends_with("2 rows for 2 stores: 0 added, 2 changed, 0 removed, 0 unchanged\n"));

    // All problems in one table; nothing is imported.
    let bad = file(
        &host,
        "bad.csv",
        &many
            .replace(",22\n", ",x\n")
            .replace("madrid-2", "lisbon-1"),
    );
    let (success, stdout, stderr) = run(&host, &["tax", "import", &bad]);
    assert!(!success && stdout.is_empty(), "{stdout}");
    for part in [
        "│ 2   ┆ tax_percent ┆ must be a number with a decimal point and without other marks, such as 21 or 5.5 │",
        "│ 3   ┆ store_id    ┆ must be an existing store; import stores first",
        "2 cells are invalid: nothing was imported",
    ] {
        assert!(stderr.contains(part), "{part}:\n{stderr}");
    }
    let (success, _, stderr) = run(&host, &["tax", "import", &table, "--store", "madrid-3"]);
    assert!(
        !success && stderr.contains("there is no store madrid-3; did you mean madrid-"),
        "{stderr}"
    );

    // The serving host reads the same tables.
    let log = host
        .get("/v1/operations?subject=store%20madrid-1")
        .await
        .expect("a list");
    let log: Vec<_> = log["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                one["action"].clone(),
                one["reason"].clone(),
                one["after"].clone(),
            )
        })
        .collect();
    let imported = json!("tax_table_import");
    assert_eq!(log.len(), 2);
    assert_eq!(
        log[1],
        (
            imported,
            json!("rates of 2026"),
            json!({ "rows": 3, "added": 3, "changed": 0, "removed": 0 })
        )
    );
    let (success, _, stderr) = run(&host, &tax(&["delete", "--store", "madrid-1"]));
    assert!(!success && stderr.contains("--reason"), "{stderr}");
    let delete = [&["tax", "delete", "--reason", "closed"], &store[..]].concat();
    assert_eq!(done(&host, &delete), "3 rows of store madrid-1 deleted\n");
    assert_eq!(done(&host, &delete), "0 rows of store madrid-1 deleted\n");
    let (success, _, stderr) = run(&host, &tax(&["table", "--store", "madrid-1"]));
    assert!(success && stderr == "no tax rows found\n", "{stderr}");
}
