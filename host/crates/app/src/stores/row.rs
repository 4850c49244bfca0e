//! A row of a file as a store, or everything that is wrong with it.

use crate::tabular::{Cells, Layout, Problems, Told, Wrong};
use galleria_domain::{Attribute, Store};

/// Characters of a kind of store and of an attribute: what a document still shows.
const TEXT_CHARS: usize = 200;

/// Files of stores.
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
    further: "attribute:",
    // Stores are held in memory until all are right, and written in one transaction: so many are at
    // most 80 MB and, on either database, a second or two.
    line_bytes: 8 << 10,
    rows: 10_000,
};

/// The row, where nothing is wrong with it; all that is wrong is told.
pub(super) fn row(cells: &Cells, further: &[String], problems: &mut Problems) -> Option<Store> {
    if !cells.whole {
        return None;
    }
    let before = problems.total;
    let mut told = Told { cells, problems };
    told.check("store_type", text);
    let minor_digits = minor_digits(cells.text("minor_digits"));
    told.told("minor_digits", minor_digits.err());
    let day_starts_minute = day_starts(cells.text("day_starts"));
    told.told("day_starts", day_starts_minute.err());
    let mut attributes = Vec::new();
    for (name, value) in further.iter().zip(cells.further()) {
        if value.is_empty() {
            continue;
        }
        told.told(&format!("{}{name}", LAYOUT.further), text(value));
        attributes.push(Attribute {
            name: name.clone(),
            value: value.clone(),
        });
    }
    let store = Store {
        id: told.text("id"),
        external_id: told.text("external_id"),
        retailer: told.text("retailer"),
        store_type: told.text("store_type"),
        country: told.text("country"),
        currency: told.text("currency"),
        // What could not be read was told; the rest of the row is looked at all the same.
        minor_digits: minor_digits.unwrap_or_default(),
        zone: told.text("zone"),
        day_starts_minute: day_starts_minute.unwrap_or_default(),
        attributes,
    };
    for problem in store.problems() {
        told.add(&problem.field, problem.message);
    }
    (problems.total == before).then_some(store)
}

fn text(text: &str) -> Wrong {
    let good =
        (1..=TEXT_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    (!good).then_some("1 to 200 characters, none of them a control character")
}

fn minor_digits(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [digit @ b'0'..=b'4'] => Ok(digit - b'0'),
        _ => Err("0 to 4"),
    }
}

/// `HH:MM`, or minutes after midnight; midnight where nothing is said.
fn day_starts(text: &str) -> Result<u16, &'static str> {
    let wrong = "a time of the day as HH:MM, or 0 to 1439 minutes after midnight";
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
    fn digits_of_a_currency_are_one_digit() {
        assert_eq!(minor_digits("0"), Ok(0));
        assert_eq!(minor_digits("4"), Ok(4));
        for bad in ["", "5", "02", "-1", "2.0", "two"] {
            assert!(minor_digits(bad).is_err(), "{bad}");
        }
    }
}
