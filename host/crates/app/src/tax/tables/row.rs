//! Converts a row of a file to a row of a tax table, or reports all its problems.

use crate::tabular::{Cells, Layout, Problems, RowProblems};
use galleria_domain::Decimal;
use galleria_domain::tax::{MAX_TABLE_ROWS, TaxRow};
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

const COLUMNS: &[&str] = &[
    "store_id",
    "tax_code",
    "tax_level",
    "retailer_tax_level_id",
    "tax_percent",
    "authority",
    "kind",
    "treatment",
    "affects_later_taxes",
    "ignores_earlier_taxes",
    "position",
    "valid_from",
];

const REQUIRED: &[&str] = &[
    "store_id",
    "tax_code",
    "tax_level",
    "retailer_tax_level_id",
    "tax_percent",
];

/// The layout of a file with the table of one store.
pub(super) static LAYOUT: Layout = Layout {
    columns: COLUMNS,
    required: REQUIRED.split_at(1).1,
    integers: &["position"],
    further: "",
    // All columns at their limits, quoted and in four-byte characters, take 1 KiB.
    row_bytes: 8 << 10,
    rows: MAX_TABLE_ROWS as u64,
};

/// The layout of a file with the tables of many stores.
pub(super) static LAYOUT_OF_STORES: Layout = Layout {
    columns: COLUMNS,
    required: REQUIRED,
    integers: LAYOUT.integers,
    further: "",
    row_bytes: LAYOUT.row_bytes,
    // They stay in memory until all are compared, and are written in one transaction.
    rows: 500_000,
};

/// Returns the row if it is valid; otherwise adds all its problems.
pub(super) fn row(cells: &Cells, problems: &mut Problems) -> Option<TaxRow> {
    if !cells.whole {
        return None;
    }
    let before = problems.total;
    let mut row = RowProblems { cells, problems };
    let tax_row = TaxRow {
        tax_percent: read(&mut row, "tax_percent", percent).unwrap_or(Decimal::whole(0)),
        kind: read(&mut row, "kind", kind).unwrap_or_default(),
        treatment: read(&mut row, "treatment", treatment).flatten(),
        affects_later_taxes: read(&mut row, "affects_later_taxes", boolean).unwrap_or_default(),
        ignores_earlier_taxes: read(&mut row, "ignores_earlier_taxes", boolean).unwrap_or_default(),
        position: read(&mut row, "position", position).unwrap_or_default(),
        valid_from: read(&mut row, "valid_from", date).flatten(),
        tax_code: row.text("tax_code"),
        tax_level: row.text("tax_level"),
        retailer_tax_level_id: row.text("retailer_tax_level_id"),
        authority: row.text("authority"),
    };
    // An unreadable cell is reported already; the rules for the rest of the row apply nevertheless.
    for problem in tax_row.problems() {
        row.add(&problem.field, problem.message);
    }
    (problems.total == before).then_some(tax_row)
}

fn read<T>(
    row: &mut RowProblems<'_>,
    column: &str,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let parsed = parse(row.cells.text(column));
    parsed.map_err(|rule| row.add(column, rule)).ok()
}

fn percent(text: &str) -> Result<Decimal, &'static str> {
    let rule = "must be a number with a decimal point and without other marks, such as 21 or 5.5";
    text.parse().map_err(|_| rule)
}

fn kind<T: for<'de> Deserialize<'de> + Default>(text: &str) -> Result<T, &'static str> {
    match text {
        "" => Ok(T::default()),
        text => by_name(text).ok_or("must be percent, fixed_per_unit or division"),
    }
}

fn treatment<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Option<T>, &'static str> {
    let rule = "must be standard, reduced, luxury, zero or exempt, or empty";
    match text {
        "" => Ok(None),
        text => by_name(text).map(Some).ok_or(rule),
    }
}

/// The value whose name in JSON is the text.
fn by_name<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(text).ok()
}

/// Spreadsheets write Boolean values in upper case.
fn boolean(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        _ => Err("must be true or false"),
    }
}

fn position(text: &str) -> Result<u16, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "" => Ok(0),
        text if digits => text.parse().map_err(|_| POSITION_RULE),
        _ => Err(POSITION_RULE),
    }
}

const POSITION_RULE: &str = "must be a whole number from 0 to 65535";

fn date(text: &str) -> Result<Option<Date>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let date: Option<Date> = text.parse().ok();
    // The parser accepts other forms, too.
    let date = date.filter(|date| date.to_string() == text && date.year() >= 0);
    date.map(Some)
        .ok_or("must be a date such as 2026-07-01, or empty")
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_domain::tax::{TaxKind, Treatment};

    #[test]
    fn cells_are_empty_or_have_one_form() {
        assert_eq!(kind::<TaxKind>(""), Ok(TaxKind::Percent));
        assert_eq!(kind::<TaxKind>("fixed_per_unit"), Ok(TaxKind::FixedPerUnit));
        assert!(kind::<TaxKind>("fixed").is_err());
        assert_eq!(treatment::<Treatment>(""), Ok(None));
        assert_eq!(treatment::<Treatment>("zero"), Ok(Some(Treatment::Zero)));
        assert!(treatment::<Treatment>("none").is_err());
        for (text, expected) in [
            ("", false),
            ("FALSE", false),
            ("true", true),
            ("True", true),
        ] {
            assert_eq!(boolean(text), Ok(expected), "{text}");
        }
        for bad in ["yes", "1", "0", "t"] {
            assert!(boolean(bad).is_err(), "{bad}");
        }
        for (text, expected) in [("", 0), ("0", 0), ("7", 7), ("65535", 65_535)] {
            assert_eq!(position(text), Ok(expected), "{text}");
        }
        for bad in ["65536", "-1", "+1", "1.0", "one", "\u{661}"] {
            assert!(position(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_date_has_one_form() {
        let day = |text: &str| text.parse::<Date>().expect("a date");
        assert_eq!(date(""), Ok(None));
        assert_eq!(date("2028-02-29"), Ok(Some(day("2028-02-29"))));
        for bad in [
            "2026-02-29",
            "2026-7-1",
            "20260701",
            "01/07/2026",
            "2026-07-01T00:00",
            "-000001-01-01",
            "2026-07",
        ] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_has_a_decimal_point() {
        for good in ["0", "21", "5.50", "10000"] {
            assert_eq!(
                percent(good).map(|rate| rate.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in ["", "21%", "5,5", ".5", "5.", "1e1", "+5", "1 000"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }
}
