//! Converts a row of a file to a store, or reports all its problems.

use crate::tabular::{Cells, Layout, Problems, RowProblems, Wrong};
use galleria_domain::{Attribute, Decimal, Store};
use galleria_number_format::{MAX_SCALE, NumberFormat};

/// The maximum number of characters of a store type and of an attribute, so that they fit documents.
const TEXT_CHARS: usize = 200;

/// The layout of store files.
pub(super) static LAYOUT: Layout = Layout {
    columns: &[
        "id",
        "external_id",
        "retailer",
        "store_type",
        "country",
        "currency",
        "minor_digits",
        "zone",
        "day_starts",
        "cash_step",
    ],
    required: &[
        "id",
        "external_id",
        "retailer",
        "store_type",
        "country",
        "currency",
        "minor_digits",
        "zone",
    ],
    integers: &[],
    further: "attribute:",
    // Stores stay in memory until all are checked, and are written in one transaction: this many take at most
    // 80 MB and, on both databases, a second or two.
    row_bytes: 8 << 10,
    rows: 10_000,
};

/// Returns the store if the row is valid; otherwise adds all its problems.
pub(super) fn row(cells: &Cells, further: &[String], problems: &mut Problems) -> Option<Store> {
    if !cells.whole {
        return None;
    }
    let before = problems.total;
    let mut row = RowProblems { cells, problems };
    row.check("store_type", text);
    let minor_digits = minor_digits(cells.text("minor_digits"));
    row.report("minor_digits", minor_digits.err());
    let day_starts_minute = day_starts(cells.text("day_starts"));
    row.report("day_starts", day_starts_minute.err());
    let cash_step = cash_step(cells.text("cash_step"), cells.text("currency"));
    row.report("cash_step", cash_step.err());
    let mut attributes = Vec::new();
    for (name, value) in further.iter().zip(cells.further()) {
        if value.is_empty() {
            continue;
        }
        row.report(&format!("{}{name}", LAYOUT.further), text(value));
        attributes.push(Attribute {
            name: name.clone(),
            value: value.clone(),
        });
    }
    let store = Store {
        id: row.text("id"),
        external_id: row.text("external_id"),
        retailer: row.text("retailer"),
        store_type: row.text("store_type"),
        country: row.text("country"),
        currency: row.text("currency"),
        // An unreadable field is reported already; check the rest of the row nevertheless.
        minor_digits: minor_digits.unwrap_or_default(),
        zone: row.text("zone"),
        day_starts_minute: day_starts_minute.unwrap_or_default(),
        cash_step: cash_step.unwrap_or_default(),
        attributes,
    };
    for problem in store.problems() {
        row.add(&problem.field, problem.message);
    }
    (problems.total == before).then_some(store)
}

fn text(text: &str) -> Wrong {
    let good =
        (1..=TEXT_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    (!good).then_some("must have 1 to 200 characters and no control characters")
}

fn minor_digits(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [digit @ b'0'..=b'4'] => Ok(digit - b'0'),
        _ => Err("must be 0 to 4"),
    }
}

/// Parses an amount in major units; empty means the step of the currency.
fn cash_step(text: &str, currency: &str) -> Result<Option<Decimal>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    match NumberFormat::new('.', None).number(text, Some(currency), MAX_SCALE) {
        Ok(step) => Ok(Some(Decimal {
            unscaled: step.unscaled,
            scale: step.scale,
        })),
        Err(_) => Err(
            "must be an amount in major units of the store's currency, with a decimal point and without \
             other marks, such as 0.05",
        ),
    }
}

/// Parses `HH:MM` or minutes after midnight; empty means midnight.
fn day_starts(text: &str) -> Result<u16, &'static str> {
    let wrong = "must be a time of day as HH:MM, or 0 to 1439 minutes after midnight";
    let number = |text: &str, most: u16| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse::<u16>().ok()).flatten();
        number.filter(|number| *number <= most).ok_or(wrong)
    };
    match text.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 && hours.len() <= 2 => {
            Ok(number(hours, 23)? * 60 + number(minutes, 59)?)
        }
        None if text.is_empty() => Ok(0),
        None if text.len() <= 4 => number(text, 1439),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_at_a_time_or_after_minutes() {
        for (text, minutes) in [
            ("", 0),
            ("0", 0),
            ("240", 240),
            ("1439", 1439),
            ("04:00", 240),
            ("4:00", 240),
            ("23:59", 1439),
            ("00:00", 0),
        ] {
            assert_eq!(day_starts(text), Ok(minutes), "{text}");
        }
        for bad in [
            "1440", "24:00", "4:60", "4:0", ":30", "4:", "-1", "+5", "4.5", "04:00:00", "four",
            "1e2",
        ] {
            assert!(day_starts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cash_step_is_an_amount_in_major_units() {
        let step = |unscaled, scale| Ok(Some(Decimal { unscaled, scale }));
        let cash_step = |text| cash_step(text, "CHF");
        assert_eq!(cash_step(""), Ok(None));
        assert_eq!(cash_step("0.05"), step(5, 2));
        assert_eq!(cash_step("5"), step(5, 0));
        assert_eq!(cash_step("Fr. 0.05"), step(5, 2));
        for bad in [
            "0,05", "five", ".05", "5e-2", "1'000", "1 000", "€0.05", "\u{661}",
        ] {
            assert!(cash_step(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digits_of_a_currency_are_one_digit() {
        assert_eq!(minor_digits("0"), Ok(0));
        assert_eq!(minor_digits("4"), Ok(4));
        for bad in ["", "5", "02", "-1", "2.0", "two"] {
            assert!(minor_digits(bad).is_err(), "{bad}");
        }
    }
}
