//! The statements of the repository are reproducible, and their rows add up to the total.

use super::{Format, SampleStatement, generate, payout};
use crate::assortment::Assortment;
use crate::day;
use crate::random::Random;
use galleria_domain::MatchOutcome;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn sample_days() -> BTreeMap<PathBuf, (Assortment, day::SampleDay)> {
    let folders = crate::samples();
    let days = folders.into_iter().map(|folder| {
        let (assortment, _) = Assortment::read(&folder).expect("an assortment");
        let terms = &assortment.day;
        let day = day::generate(&folder, terms.seed, terms.events).expect("a day");
        (folder, (assortment, day))
    });
    days.collect()
}

fn statement(assortment: &Assortment, day: &day::SampleDay) -> SampleStatement {
    let terms = assortment.statement.as_ref().expect("a statement");
    generate(terms, &day.settled, assortment.day.seed).expect("a statement")
}

#[test]
fn the_statements_of_the_repository_are_reproduced_byte_by_byte() {
    for (folder, (assortment, day)) in sample_days() {
        let made = statement(&assortment, &day);
        let file = folder.join("statements").join(&made.name);
        let text = std::fs::read_to_string(&file).expect("the statement of the repository");
        assert!(made.text == text, "{}", file.display());
    }
}

#[test]
fn each_format_is_used() {
    let days = sample_days();
    let formats: Vec<Format> = days
        .values()
        .map(|(assortment, _)| assortment.statement.as_ref().expect("a statement").format)
        .collect();
    for format in [
        Format::Adyen,
        Format::Stripe,
        Format::Delimited,
        Format::Fixed,
    ] {
        assert!(formats.contains(&format), "{format:?}");
    }
}

#[test]
fn every_row_has_the_cells_of_the_header() {
    for (_, (assortment, day)) in sample_days() {
        let (delimiter, skip) = match assortment.statement.as_ref().expect("a statement").format {
            Format::Adyen | Format::Stripe => (b',', 0),
            Format::Delimited => (b';', 2),
            Format::Fixed => continue,
        };
        let text = statement(&assortment, &day).text;
        let lines: Vec<&str> = text.lines().skip(skip).collect();
        let table = lines.join("\n");
        // The reader rejects rows with another number of cells than the header.
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(table.as_bytes());
        for row in rows.records() {
            row.expect("a row like the header");
        }
    }
}

#[test]
fn rows_add_up_to_the_total() {
    for (folder, (assortment, day)) in sample_days() {
        let terms = assortment.statement.as_ref().expect("a statement");
        let (payout, outcomes) =
            payout(terms, &day.settled, &mut Random::new(1)).expect("a payout");
        let mut sum = 0;
        for row in &payout.rows {
            assert_eq!(row.net, row.converted - row.fee, "{row:?}");
            assert_eq!(
                row.rate.is_none(),
                row.currency == terms.currency,
                "{row:?}"
            );
            sum += row.net;
        }
        assert_eq!(sum, payout.total, "{}", folder.display());
        assert!(sum > 0, "{}: a payout", folder.display());
        assert_eq!(outcomes.values().sum::<usize>(), payout.rows.len());
        assert!(
            outcomes[&MatchOutcome::Matched] > 20,
            "{}",
            folder.display()
        );
        let refunds = day.settled.iter().filter(|tender| tender.refunded).count();
        assert!(refunds > 0, "{}: a refund by card", folder.display());
    }
}

#[test]
fn some_payment_is_settled_in_another_currency() {
    let other = |(assortment, day): &(Assortment, day::SampleDay)| {
        let terms = assortment.statement.as_ref().expect("a statement");
        day.settled.iter().any(|one| one.currency != terms.currency)
    };
    assert!(sample_days().values().any(other));
}
