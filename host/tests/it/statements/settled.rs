//! The settlement file of a statement, compared with the statement and its lines.

use super::{granted, retailer_file};
use crate::agreement;
use crate::host::Host;
use serde_json::Value;
use std::collections::BTreeMap;

/// A slot that writes settlements, for retailers without their own.
const SETTLEMENT: &str = "\n[plugins.settlement]\nplugin = \"flying-tiger-settlement\"\n\
    on_dead_letter = \"continue\"\n[plugins.settlement.grants]\n\
    capabilities = [\"settlement\", \"output\"]\ndirectories = [\"reconciliation\"]\n";

/// Outcomes as the file's columns combine them.
const OUTCOMES: [(&str, &[&str]); 5] = [
    ("matched_net", &["matched"]),
    (
        "mismatched_net",
        &["amount-mismatch", "currency-mismatch", "fee-mismatch"],
    ),
    ("duplicates_net", &["duplicate"]),
    ("unmatched_net", &["unmatched"]),
    ("not_applicable_net", &["not-applicable"]),
];

/// Gross in the payout's currency, fee, net; lines; net by outcome.
type Sums = BTreeMap<&'static str, i64>;

/// A single retailer with a slot that writes settlements, and that slot.
pub fn retailers(retailer: &str) -> (tempfile::TempDir, String) {
    let (mut text, file) = retailer_file(retailer);
    let slot = match granted(&file, "settlement") {
        Some((slot, _)) => slot.clone(),
        None => {
            text.push_str(SETTLEMENT);
            "settlement".to_owned()
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join(retailer);
    std::fs::create_dir(&own).expect("a folder");
    std::fs::write(own.join("retailer.toml"), text).expect("written");
    (folder, slot)
}

/// Checks that the file of a matched statement agrees with the statement, and with its lines for each store and
/// day.
pub async fn agrees(host: &Host, retailer: &str, slot: &str, statement: &Value) {
    let header = &statement["header"];
    let paid_on = header["paid_on"].as_str().expect("a day");
    let (run, file) = agreement::over(host, retailer, slot, paid_on).await;
    let rows = table(&file);
    let lines = lines(host, statement).await;
    assert!(lines.len() > 1, "stores have days");
    assert_eq!(rows.days, lines, "by store and business date");
    let [total] = rows.statements.as_slice() else {
        panic!("one statement was paid out: {file}");
    };
    assert_eq!(*total, sum(lines.values()), "the row of totals");
    let outcomes = statement["outcomes"].as_array().expect("outcomes").iter();
    let outcomes: i64 = outcomes
        .map(|one| one["net"].as_i64().expect("a sum"))
        .sum();
    assert_eq!(outcomes, total["net"]);
    assert_eq!(statement["net"], total["net"]);
    assert_eq!(header["total"], total["net"]);
    let currency = header["currency"].as_str().expect("a currency");
    for name in ["gross", "fee", "net"] {
        let result = &run[&format!("{name}-{}", currency.to_lowercase())];
        assert_eq!(minor(result), total[name], "{name} of the run");
    }
}

/// Rows of the file: by store and business date, and those of totals.
struct Rows {
    days: BTreeMap<(String, String), Sums>,
    statements: Vec<Sums>,
}

fn table(file: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let (mut days, mut statements) = (BTreeMap::new(), Vec::new());
    for row in reader.records() {
        let row = row.expect("a row");
        let cell = |name: &str| {
            let at = header.iter().position(|header| header == name);
            &row[at.unwrap_or_else(|| panic!("no column {name}"))]
        };
        let money = ["gross", "fee", "net"].into_iter();
        let money = money.chain(OUTCOMES.iter().map(|(name, _)| *name));
        let mut sums: Sums = money.map(|name| (name, minor(cell(name)))).collect();
        sums.insert("lines", cell("lines").parse().expect("a number"));
        match cell("record") {
            "day" => {
                let key = (cell("store").to_owned(), cell("business_date").to_owned());
                assert!(days.insert(key.clone(), sums).is_none(), "{key:?} twice");
            }
            "statement" => statements.push(sums),
            other => panic!("{other}"),
        }
    }
    Rows { days, statements }
}

/// The lines of a statement by the store and business date of the matched entries.
async fn lines(host: &Host, statement: &Value) -> BTreeMap<(String, String), Sums> {
    let id = statement["id"].as_str().expect("an id");
    let mut found = BTreeMap::new();
    let mut after = Value::from(0);
    while !after.is_null() {
        let path = format!("/v1/statements/{id}/lines?after={after}&limit=50");
        let page = host.get(&path).await.expect("lines");
        for one in page["lines"].as_array().expect("lines") {
            let text = |name: &str| one[name].as_str().expect("a text").to_owned();
            let amount = |name: &str| one["line"][name].as_i64().expect("an amount");
            let outcome = text("outcome");
            let by = |(name, words): &(&'static str, &[&str])| {
                let counts = words.contains(&outcome.as_str());
                (*name, if counts { amount("net") } else { 0 })
            };
            let mut sums: Sums = OUTCOMES.iter().map(by).collect();
            let total: i64 = sums.values().sum();
            assert_eq!(total, amount("net"), "{outcome}");
            let money = [("gross", "converted"), ("fee", "fee"), ("net", "net")];
            sums.extend(money.map(|(column, field)| (column, amount(field))));
            sums.insert("lines", 1);
            let key = (text("store"), text("business_date"));
            let before = found.remove(&key).unwrap_or_default();
            found.insert(key, sum([&before, &sums]));
        }
        after = page["next"].clone();
    }
    found
}

fn sum<'s>(all: impl IntoIterator<Item = &'s Sums>) -> Sums {
    let mut sums = Sums::new();
    for (name, amount) in all.into_iter().flatten() {
        *sums.entry(name).or_default() += amount;
    }
    sums
}

/// Decimal text with a point, in cents.
fn minor(text: &str) -> i64 {
    let (_, cents) = text.split_once('.').expect("cents");
    assert_eq!(cents.len(), 2, "{text}");
    text.replace('.', "").parse().expect("digits")
}
