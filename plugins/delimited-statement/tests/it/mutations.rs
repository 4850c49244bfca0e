//! Damaged files: the plugin either rejects one, or reads the same amounts as a second reader.

use delimited_statement::DelimitedStatement;
use galleria_sdk::testkit::strict::{column, decode, minor, rows};
use galleria_sdk::testkit::{Amounts, Event, ValidFile, compare_mutated};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;

#[test]
fn a_damaged_file_is_rejected_or_has_the_amounts_in_its_cells() {
    let mut files = Vec::new();
    for case in ["a-spanish-bank", "amounts-without-a-sign"] {
        let case = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(case);
        let event = Event::read(&case).expect("the case");
        let mut settings = event.context.settings;
        let bytes = event.input_bytes;
        files.push(ValidFile {
            bytes: bytes.clone(),
            settings: settings.clone(),
        });
        // Without a row of totals, nothing detects a wrong amount.
        let word = settings["total"]["word"].take();
        let word = word.as_str().expect("a word").as_bytes();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let kept = lines.filter(|line| !line.windows(word.len()).any(|part| part == word));
        settings["total"] = Value::Null;
        let bytes: Vec<u8> = kept.flatten().copied().collect();
        files.push(ValidFile {
            bytes: bytes.clone(),
            settings: settings.clone(),
        });
        // Without fee and net, nothing detects a wrong gross.
        for column in ["fee", "net"] {
            settings["columns"][column] = "".into();
        }
        files.push(ValidFile { bytes, settings });
    }
    let seeded = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |below| rng.random_range(0..below)
    };
    let accepted = compare_mutated::<DelimitedStatement, _>(&files, 500, seeded, &amounts);
    assert!(accepted > 300, "only {accepted} were accepted");
}

fn amounts(bytes: &[u8], settings: &Value) -> Option<Amounts> {
    let letter = |name: &str| settings[name].as_str()?.chars().next();
    let text = decode(bytes, settings["encoding"] == "windows-1252")?;
    let rows = rows(&text, letter("delimiter").unwrap_or(';'))?;
    let skipped = settings["skip_rows"].as_u64().unwrap_or(0);
    let (header, body) = rows.get(usize::try_from(skipped).ok()?..)?.split_first()?;
    let columns = &settings["columns"];
    let mut found = Amounts::default();
    let mut totals = settings["total"].is_null();
    for row in body {
        let cell = |name: &str| Some(row.get(column(header, columns[name].as_str()?)?)?.as_str());
        let digits = if text.contains("JPY") { 0 } else { 2 };
        let decimal = letter("decimal_mark").unwrap_or(',');
        let amount = |name: &str| match if columns[name] == "" { "" } else { cell(name)? } {
            "" => Some(None),
            text => Some(Some(minor(text, decimal, letter("thousands"), digits)?)),
        };
        let fee_sign = if settings["fee_sign"] == "negative" {
            -1
        } else {
            1
        };
        let total = &settings["total"];
        let mark = total["column"]
            .as_str()
            .and_then(|name| row.get(column(header, name)?));
        if mark.is_some_and(|mark| {
            Some(&*mark.to_lowercase()) == total["word"].as_str().map(str::to_lowercase).as_deref()
        }) {
            (found.total, totals) = (amount("net")?, true);
            continue;
        }
        let (gross, fee, net) = (amount("gross")?, amount("fee")?, amount("net")?);
        let word = cell("kind")?.to_lowercase();
        let kinds = settings["kinds"].as_object()?;
        let kind = kinds
            .iter()
            .find(|(known, _)| known.to_lowercase() == word)?
            .1
            .as_str()?;
        let unsigned = settings["negative_amounts"] == "unsigned";
        let turn = if unsigned && matches!(kind, "refund" | "chargeback" | "fee") {
            -1
        } else {
            1
        };
        let net = net.map(|net| turn * net);
        let fee = fee.map(|fee| fee_sign * fee);
        let (gross, fee) = match (gross, net) {
            (None, Some(net)) if kind == "fee" => (0, fee.unwrap_or(-net)),
            (None, Some(net)) => (net + fee.unwrap_or(0), fee.unwrap_or(0)),
            _ => (turn * gross.unwrap_or(0), fee.unwrap_or(0)),
        };
        let net = net.unwrap_or(gross - fee);
        assert_eq!(net, gross - fee, "`{row:?}`");
        found.lines.push(match kind {
            "fee" => [0, 0, -net, net],
            _ => [gross, gross, fee, net],
        });
    }
    totals.then_some(found)
}
