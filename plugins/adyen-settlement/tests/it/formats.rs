//! The same table in another format gives the same statement.

use crate::{GOOD, read};
use galleria_sdk::testkit::{Outcome, dressed};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A batch of any lines; the payout is their sum.
fn table(rng: &mut ChaCha8Rng) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = vec![
        GOOD.lines()
            .next()
            .expect("a header")
            .split(',')
            .map(str::to_owned)
            .collect(),
    ];
    let minor = |amount: i64| format!("{}.{:02}", amount / 100, amount % 100);
    let row = |kind: &str, gross: [String; 2], net: [String; 2], fee: String, text: &str| {
        // A reference is one line; cells that are not read may contain more.
        let reference = text.replace('\n', " ");
        let cells = [
            text,
            "A",
            "P",
            &reference,
            "visa",
            "2026-11-20 10:11:12",
            "CET",
            kind,
            "M",
            "EUR",
            &gross[0],
            &gross[1],
            "1",
            "EUR",
            &net[0],
            &net[1],
            &fee,
            "",
            "",
            "",
            "",
            "",
            "7",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        cells.map(str::to_owned).to_vec()
    };
    let mut total = 1_000_000;
    rows.push(row(
        "Settled",
        [String::new(), minor(total)],
        [String::new(), minor(total)],
        String::new(),
        "first",
    ));
    for _ in 0..rng.random_range(0..30) {
        let gross: i64 = rng.random_range(1..20_000);
        let fee = rng.random_range(0..=gross / 10);
        let text =
            ["plain", "with, comma", "a \"quote\"", "two\nlines", "é€"][rng.random_range(0..5)];
        if rng.random_range(0..4) == 0 {
            total -= gross + fee;
            rows.push(row(
                "Refunded",
                [minor(gross), String::new()],
                [minor(gross + fee), String::new()],
                minor(fee),
                text,
            ));
        } else {
            total += gross - fee;
            rows.push(row(
                "Settled",
                [String::new(), minor(gross)],
                [String::new(), minor(gross - fee)],
                minor(fee),
                text,
            ));
        }
    }
    rows.push(row(
        "MerchantPayout",
        [String::new(), String::new()],
        [minor(total), String::new()],
        String::new(),
        "",
    ));
    rows
}

#[test]
fn the_same_table_in_another_format_gives_the_same_statement() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = table(&mut rng);
        let plain = dressed(&rows, ',', &mut |count| count - 1);
        let other = dressed(&rows, ',', &mut |count| rng.random_range(0..count));
        let (one, two) = (read(plain), read(other));
        assert_eq!(one.problems(), Vec::<String>::new(), "seed {seed}");
        assert_eq!(one.answer, two.answer, "seed {seed}");
        assert_eq!(one.statement_header, two.statement_header, "seed {seed}");
        let sum: i64 = one.statement.iter().map(|line| line.net).sum();
        assert_eq!(
            Some(sum),
            one.statement_header.clone().expect("a header").total
        );
        // Blank lines are rows, so only row numbers may differ.
        let rows = |outcome: &Outcome| -> Vec<_> {
            outcome
                .statement
                .iter()
                .cloned()
                .map(|mut line| {
                    line.row = 0;
                    line
                })
                .collect()
        };
        assert_eq!(rows(&one), rows(&two), "seed {seed}");
        assert!(
            two.statement.is_sorted_by(|one, two| one.row < two.row),
            "seed {seed}"
        );
    }
}
