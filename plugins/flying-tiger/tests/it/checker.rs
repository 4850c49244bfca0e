//! The independent checker accepts every golden POSLOG, and rejects every changed one.

use crate::standard;
use std::path::Path;
use std::process::{Command, Output};

fn check(schema: &Path, arguments: &[&Path]) -> Output {
    let mut python = Command::new("python3");
    python.arg(standard::root().join("host/xtask/poslog/check.py"));
    python.arg("--schema").arg(schema).args(arguments);
    python.output().expect("python3")
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
#[cfg_attr(
    not(poslog_standard),
    ignore = "needs xmllint, python3 and the schema: set POSLOG_XSD"
)]
fn the_checker_accepts_every_golden_poslog() {
    let schema = standard::schema();
    let output = check(schema, &[Path::new("--fixtures"), &standard::fixtures()]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let count = standard::golden_poslogs().len();
    assert!(said.contains(&format!("{count} POSLOGs (")), "{said}");
}

/// A case, a change of its document, and the expected message of the checker.
const TAMPERED: &[(&str, &str, &str, &str)] = &[
    (
        "sale-discounts",
        "<ExtendedAmount Currency=\"EUR\">3.85<",
        "<ExtendedAmount Currency=\"EUR\">3.86<",
        "line 2: amount",
    ),
    (
        "sale-discounts",
        "\"Subtract\">0.45<",
        "\"Subtract\">0.54<",
        "line 2: discounts",
    ),
    (
        "sale-discounts",
        "<Amount Currency=\"EUR\">2.04<",
        "<Amount Currency=\"EUR\">2.05<",
        "sum of the basket's taxes",
    ),
    (
        "sale-discounts",
        "<ExtendedAmount Currency=\"EUR\">",
        "<ExtendedAmount>",
        "no currency",
    ),
    (
        "sale-several-lines",
        "<AmountAppliedToBill Currency=\"DKK\">147",
        "<AmountAppliedToBill Currency=\"DKK\">148",
        "sum of tenders",
    ),
    (
        "sale-several-lines",
        "\"TransactionGrandAmount\" TypeCode=\"Sale\" CurrencyCode=\"DKK\">",
        "\"TransactionGrandAmount\" TypeCode=\"Sale\" CurrencyCode=\"DKK\">1",
        "TransactionGrandAmount",
    ),
    (
        "sale-cash-rounding",
        "RoundingDirection=\"Up\"",
        "RoundingDirection=\"Down\"",
        "rounding",
    ),
    (
        "sale-change",
        "<TenderChange TenderType=\"Cash\">",
        "<TenderChange TenderType=\"Coins\">",
        "schema",
    ),
    (
        "sale-voided-line",
        " VoidFlag=\"true\"",
        "",
        "line 2: voided",
    ),
    (
        "sale-foreign-tender",
        "<ExchangeRate>7.46<",
        "<ExchangeRate>7.64<",
        "exchange rate",
    ),
    (
        "sale-exchange",
        "<Return ItemType=\"Stock\"",
        "<Retour ItemType=\"Stock\"",
        "unreadable",
    ),
    (
        "refund-full-negative-sale",
        "EntryMethod=\"SelfScan\">-3<",
        "EntryMethod=\"SelfScan\">3<",
        "line 2: direction",
    ),
    (
        "void-post-void",
        "\"PostVoided\"",
        "\"Finished\"",
        "TransactionStatus",
    ),
    ("shift-short", "Short", "Over", "over or short"),
    ("sale-yen", ">330<", ">331<", "unit price"),
];

#[test]
#[cfg_attr(
    not(poslog_standard),
    ignore = "needs xmllint, python3 and the schema: set POSLOG_XSD"
)]
fn the_checker_finds_every_change() {
    let schema = standard::schema();
    for (case, from, to, expected) in TAMPERED {
        let folder = tempfile::tempdir().expect("a folder");
        let fixture = standard::fixtures().join(case);
        let event = std::fs::read(fixture.join("event.json")).expect("an event");
        let event: serde_json::Value = serde_json::from_slice(&event).expect("an event");
        let kind = match event["point"].as_str().expect("a point") {
            "on-payment" => "sale",
            "on-refund" => "refund",
            "on-void" => "void",
            _ => "shift",
        };
        let golden = fixture.join("decision/files/poslog");
        let golden = std::fs::read_dir(golden)
            .expect("a folder")
            .next()
            .expect("a file")
            .expect("a file");
        let good = std::fs::read_to_string(golden.path()).expect("a POSLOG");
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{case}: {from}");
        let file = golden.file_name().into_string().expect("a name");
        let order =
            serde_json::json!({ "kind": kind, "file": file, "argument": event["argument"] });
        let orders = folder.path().join("orders.jsonl");
        std::fs::write(&orders, order.to_string()).expect("orders");
        let poslogs = folder.path().join("poslog");
        std::fs::create_dir(&poslogs).expect("a folder");
        let arguments = [Path::new("--orders"), &orders, &poslogs];

        std::fs::write(poslogs.join(&file), &good).expect("a file");
        let output = check(schema, &arguments);
        assert!(output.status.success(), "{case}: {}", said(&output));

        std::fs::write(poslogs.join(&file), &bad).expect("a file");
        let output = check(schema, &arguments);
        assert_eq!(output.status.code(), Some(1), "{case}: {}", said(&output));
        assert!(
            said(&output).contains(expected),
            "{case}: {}",
            said(&output)
        );
    }
}
