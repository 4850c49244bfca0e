//! Damaged files: whatever the plugin accepts has the amounts that a second reader finds.

use fixed_statement::FixedStatement;
use galleria_sdk::testkit::strict::{decode, minor};
use galleria_sdk::testkit::{Amounts, Event, ValidFile, compare_mutated};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;

#[test]
fn a_damaged_file_is_rejected_or_has_the_amounts_at_its_positions() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/a-payout");
    let event = Event::read(&case).expect("the case");
    let mut settings = event.context.settings;
    let file = |settings: &Value| ValidFile {
        bytes: event.input_bytes.clone(),
        settings: settings.clone(),
    };
    let whole = file(&settings);
    // Without the net amount of the trailer, no total detects a wrong amount.
    settings["trailer"]["net"] = Value::Null;
    let counted = file(&settings);
    let seeded = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |below| rng.random_range(0..below)
    };
    let files = [whole, counted];
    let accepted = compare_mutated::<FixedStatement, _>(&files, 1_000, seeded, &amounts);
    assert!(accepted > 150, "only {accepted} were accepted");
}

fn amounts(bytes: &[u8], settings: &Value) -> Option<Amounts> {
    let text = decode(bytes, settings["encoding"] == "windows-1252")?;
    let mut found = Amounts {
        total: None,
        lines: Vec::new(),
    };
    let mut ended = false;
    for record in text
        .split(['\n', '\r'])
        .filter(|record| !record.trim().is_empty())
    {
        let letters: Vec<char> = record.chars().collect();
        let part = |at: usize, length: usize| {
            let part: String = letters.get(at - 1..at - 1 + length)?.iter().collect();
            Some(part.trim().to_owned())
        };
        let field = |place: &Value| {
            part(
                place["at"].as_u64()? as usize,
                place["length"].as_u64()? as usize,
            )
        };
        let amount = |place: &Value| {
            let size = minor(&field(place)?, '.', None, 0)?;
            let sign = place["sign"]["at"].as_u64().map(|at| part(at as usize, 1));
            let negative = sign.is_some() && sign?.as_deref() == place["sign"]["negative"].as_str();
            Some(if negative { -size } else { size })
        };
        let is =
            |kind: &str| record.starts_with(settings["records"][kind].as_str().expect("a mark"));
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
