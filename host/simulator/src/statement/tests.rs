//! The statement that is kept: it is what the day makes, and its lines come to its total.

use super::{Form, Made, make, sheet};
use crate::assortment::Assortment;
use crate::chance::Chance;
use crate::day;
use galleria_domain::MatchOutcome;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn kept() -> BTreeMap<PathBuf, (Assortment, day::Drawn)> {
    let folders = crate::samples();
    let drawn = folders.into_iter().map(|folder| {
        let (assortment, _) = Assortment::read(&folder).expect("an assortment");
        let kept = &assortment.day;
        let drawn = day::generate(&folder, kept.seed, kept.events).expect("a day");
        (folder, (assortment, drawn))
    });
    drawn.collect()
}

fn made(assortment: &Assortment, drawn: &day::Drawn) -> Made {
    let terms = assortment.statement.as_ref().expect("a statement");
    make(terms, &drawn.settled, assortment.day.seed).expect("a statement")
}

#[test]
fn the_statement_that_is_kept_is_made_again_byte_for_byte() {
    for (folder, (assortment, drawn)) in kept() {
        let made = made(&assortment, &drawn);
        let file = folder.join("statements").join(&made.name);
        let text = std::fs::read_to_string(&file).expect("the statement that is kept");
        assert!(made.text == text, "{}", file.display());
    }
}

#[test]
fn each_provider_writes_one_of_them() {
    let days = kept();
    let forms: Vec<Form> = days
        .values()
        .map(|(assortment, _)| assortment.statement.as_ref().expect("a statement").form)
        .collect();
    for form in [Form::Adyen, Form::Stripe, Form::Delimited, Form::Fixed] {
        assert!(forms.contains(&form), "{form:?}");
    }
}

#[test]
fn every_row_has_the_cells_of_the_header() {
    for (_, (assortment, drawn)) in kept() {
        let (delimiter, skip) = match assortment.statement.as_ref().expect("a statement").form {
            Form::Adyen | Form::Stripe => (b',', 0),
            Form::Delimited => (b';', 2),
            Form::Fixed => continue,
        };
        let text = made(&assortment, &drawn).text;
        let lines: Vec<&str> = text.lines().skip(skip).collect();
        let table = lines.join("\n");
        // Refuses rows of another length than the first.
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(table.as_bytes());
        for row in rows.records() {
            row.expect("a row like the header");
        }
    }
}

#[test]
fn what_is_settled_was_paid_and_comes_to_the_total() {
    for (folder, (assortment, drawn)) in kept() {
        let terms = assortment.statement.as_ref().expect("a statement");
        let (sheet, outcomes) = sheet(terms, &drawn.settled, &mut Chance::new(1)).expect("a sheet");
        let mut sum = 0;
        for row in &sheet.rows {
            assert_eq!(row.net, row.converted - row.fee, "{row:?}");
            assert_eq!(
                row.rate.is_none(),
                row.currency == terms.currency,
                "{row:?}"
            );
            sum += row.net;
        }
        assert_eq!(sum, sheet.total, "{}", folder.display());
        assert!(sum > 0, "{}: a payout", folder.display());
        assert_eq!(outcomes.values().sum::<usize>(), sheet.rows.len());
        assert!(
            outcomes[&MatchOutcome::Matched] > 20,
            "{}",
            folder.display()
        );
        let refunds = drawn.settled.iter().filter(|one| one.back).count();
        assert!(refunds > 0, "{}: a refund by card", folder.display());
    }
}

#[test]
fn some_payment_is_settled_in_another_currency() {
    let other = |(assortment, drawn): &(Assortment, day::Drawn)| {
        let terms = assortment.statement.as_ref().expect("a statement");
        drawn
            .settled
            .iter()
            .any(|one| one.currency != terms.currency)
    };
    assert!(kept().values().any(other));
}
