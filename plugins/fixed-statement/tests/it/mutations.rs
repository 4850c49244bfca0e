//! Damaged files: the plugin either rejects one, or reads the same amounts as a second reader.

use fixed_statement::FixedStatement;
use galleria_sdk::testkit::strict::{decode, minor, rows};
use galleria_sdk::testkit::{Amounts, Event, ValidFile, compare_mutated};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;

#[test]
fn a_damaged_file_is_rejected_or_has_the_amounts_at_its_positions() {
    let mut files = Vec::new();
    for case in ["a-payout", "cells-in-minor-units"] {
        let case = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(case);
        let event = Event::read(&case).expect("the case");
        let mut settings = event.context.settings;
        for total in ["none", "gross", "fee", "net"] {
            // Without the amounts of the trailer, no total detects a wrong amount.
            settings["trailer"]
                .as_object_mut()
                .expect("a trailer")
                .remove(total);
            files.push(ValidFile {
                bytes: event.input_bytes.clone(),
                settings: settings.clone(),
            });
        }
    }
    let seeded = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |below| rng.random_range(0..below)
    };
    let accepted = compare_mutated::<FixedStatement, _>(&files, 250, seeded, &amounts);
    assert!(accepted > 150, "only {accepted} were accepted");
}

fn amounts(bytes: &[u8], settings: &Value) -> Option<Amounts> {
    let text = decode(bytes, settings["encoding"] == "windows-1252")?;
    let mut found = Amounts::default();
    let mut ended = false;
    let records = match settings["delimiter"].as_str() {
        Some(_) => rows(&text, ',')?,
        None => {
            let lines = text
                .split(['\n', '\r'])
                .filter(|line| !line.trim().is_empty());
            lines
                .map(|line| line.chars().map(String::from).collect())
                .collect()
        }
    };
    for record in records {
        // The cell at a position, or as many letters as the length.
        let part = |at: u64, length: u64| {
            let at = usize::try_from(at).ok()? - 1;
            let part = record.get(at..at + usize::try_from(length).ok()?)?.concat();
            Some(part.trim().to_owned())
        };
        let field =
            |place: &Value| part(place["at"].as_u64()?, place["length"].as_u64().unwrap_or(1));
        let amount = |place: &Value| {
            let text = field(place)?;
            let size = if text.is_empty() {
                0
            } else {
                minor(&text, '.', None, 0)?
            };
            let sign = place["sign"]["at"].as_u64().map(|at| part(at, 1));
            let negative = sign.is_some() && sign?.as_deref() == place["sign"]["negative"].as_str();
            Some(if negative { -size } else { size })
        };
        let is = |kind: &str| {
            let mark = settings["records"][kind].as_str().expect("a mark");
            match settings["delimiter"].as_str() {
                Some(_) => record[0] == mark,
                None => record.concat().starts_with(mark),
            }
        };
        let (detail, trailer) = (&settings["detail"], &settings["trailer"]);
        if is("trailer") {
            ended = true;
            found.total = match &trailer["net"] {
                Value::Null => None,
                net => Some(amount(net)?),
            };
        } else if is("detail") {
            let (gross, fee) = (amount(&detail["gross"])?, amount(&detail["fee"])?);
            let net = gross - fee;
            let kind = field(&detail["kind"])?;
            found.lines.push(match settings["kinds"][&kind].as_str()? {
                "fee" => [0, 0, -net, net],
                _ => [gross, gross, fee, net],
            });
        }
    }
    ended.then_some(found)
}
