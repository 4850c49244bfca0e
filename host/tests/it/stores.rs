//! Stores imported from a file by command, beside a serving host.

use crate::host::{Database, Host, staged};
use serde_json::{Value, json};
use std::fmt::Write as _;

const HEADER: &str = "id;external_id;retailer;store_type;country;currency;minor_digits;zone;day_starts;attribute:size\n";

async fn open(database: Database) -> (tempfile::TempDir, Host) {
    let retailers = tempfile::tempdir().expect("a folder");
    let folder = retailers.path().join("example");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("retailer.toml"), "name = \"example\"\n").expect("a retailer");
    let mut host = Host::with(retailers.path().to_owned(), staged()).on(database);
    host.start().await;
    (retailers, host)
}

fn import(host: &Host, text: &str, more: &[&str]) -> (bool, String) {
    let path = host.data().join("stores.csv");
    std::fs::write(&path, text).expect("a file");
    let path = path.display().to_string();
    let mut command = host.galleria(&["stores", "import", &path]);
    let ran = command.args(more).output().expect("the binary");
    let output =
        [ran.stdout, ran.stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
    (ran.status.success(), output.concat())
}

async fn page(host: &Host, after: &str) -> Vec<Value> {
    let path = format!("/v1/stores?limit=1000&after={after}");
    let page = host.get(&path).await.expect("a list");
    page["stores"].as_array().expect("stores").clone()
}

on_both!(
    three_thousand_stores_are_imported_from_one_file,
    an_invalid_file_of_stores_is_reported_as_a_table_and_not_imported,
);

async fn three_thousand_stores_are_imported_from_one_file(database: Database) {
    let (_retailers, host) = open(database).await;
    let file = |size: &str| {
        let mut text = HEADER.to_owned();
        for n in 0..3000 {
            writeln!(
                text,
                "s{n:04};{n};example;kiosk;FR;EUR;2;Europe/Paris;04:00;{size}"
            )
            .expect("text");
        }
        text
    };
    let (well, output) = import(&host, &file("S"), &["--dry-run"]);
    assert!(well && output.contains("3000 stores added"), "{output}");
    assert!(output.contains("nothing was imported"), "{output}");
    assert_eq!(page(&host, "").await, [] as [Value; 0]);
    let by = ["--actor", "ana", "--reason", "all of France"];
    let (well, output) = import(&host, &file("S"), &by);
    assert!(
        well && output.contains("3000 rows: 3000 stores added"),
        "{output}"
    );
    assert_eq!(page(&host, "s1999").await.len(), 1000);
    let (well, output) = import(&host, &file("S"), &[]);
    assert!(
        well && output.contains("0 stores added, 0 changed, 3000 unchanged"),
        "{output}"
    );
    let one = format!("{HEADER}s0007;7;example;kiosk;FR;EUR;2;Europe/Paris;240;L\n");
    let (well, output) = import(&host, &one, &by);
    assert!(
        well && output.contains("0 stores added, 1 changed"),
        "{output}"
    );
    let step = HEADER.replace("attribute:size", "cash_step");
    let step = format!("{step}s0008;8;example;kiosk;FR;EUR;2;Europe/Paris;04:00;0.05\n");
    let (well, output) = import(&host, &step, &["--dry-run"]);
    assert!(well && output.contains("1 changed"), "{output}");
    let (well, output) = import(&host, &step.replace("0.05", "0.001"), &["--dry-run"]);
    assert!(!well && output.contains("cash_step"), "{output}");
    let store = host.get("/v1/stores/s0007").await.expect("a store");
    assert_eq!(
        store["attributes"],
        json!([{ "name": "size", "value": "L" }])
    );

    let result = host
        .get("/v1/operations?subject=stores")
        .await
        .expect("a list");
    let result = result["operations"].as_array().expect("a list");
    assert_eq!(result.len(), 3);
    let (first, last) = (&result[2], &result[0]);
    assert_eq!(
        (&first["actor"], &first["action"]),
        (&json!("ana"), &json!("stores_import"))
    );
    assert_eq!(
        (&first["reason"], &first["after"]["added"]),
        (&json!("all of France"), &json!(3000))
    );
    assert_eq!(last["after"]["changed"], 1);

    let listed = host.run(&["stores", "list", "--retailer", "example", "--limit", "2"]);
    let more = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert_eq!(more, "more with --after s0001\n");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("s0001") && !listed.contains("s0002"),
        "{listed}"
    );
    assert!(listed.contains("04:00"), "{listed}");
    let last = host.run(&["stores", "list", "--after", "s0499", "--limit", "2500"]);
    let last = String::from_utf8_lossy(&last.stdout).into_owned();
    assert!(
        last.contains("s2999") && !last.contains("more with"),
        "the last part"
    );
    let none = host.run(&["stores", "list", "--retailer", "other"]);
    assert!(!String::from_utf8_lossy(&none.stdout).contains("s0000"));
}

async fn an_invalid_file_of_stores_is_reported_as_a_table_and_not_imported(database: Database) {
    let (_retailers, host) = open(database).await;
    let mut text = format!("{HEADER}right;1;example;kiosk;FR;EUR;2;Europe/Paris;;\n");
    let (well, output) = import(&host, &text, &[]);
    assert!(well, "{output}");
    let before = page(&host, "").await;
    for n in 0..40 {
        let line = format!("s{n};{n};example;kiosk;FR;EUR;2;Europe/Pariss;;");
        writeln!(text, "{line}").expect("text");
    }
    let text = text.replace(
        "kiosk;FR;EUR;2;Europe/Paris;;",
        "kiosk;FR;EUR;2;Europe/Paris;;XL",
    );
    let (well, output) = import(&host, &text, &[]);
    assert!(
        !well && output.contains("40 cells are invalid: nothing was imported"),
        "{output}"
    );
    for row in 3..43 {
        let result = output
            .lines()
            .any(|line| line.contains(&format!(" {row} ")) && line.contains("zone"));
        assert!(result, "row {row}: {output}");
    }
    assert_eq!(page(&host, "").await, before);
}
