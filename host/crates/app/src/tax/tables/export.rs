//! Writes a table as CSV, in the format that the import reads.

use super::row::LAYOUT;
use galleria_csv::needs_guard;
use galleria_domain::Decimal;
use galleria_domain::tax::{TaxKind, TaxRow, Treatment};
use galleria_ports::Error;
use jiff::civil::Date;
use serde::Serialize;
use std::borrow::Cow;

/// The cells of a row, in the order of the layout's columns after the store.
#[derive(Serialize)]
struct Cells<'r> {
    tax_code: Cow<'r, str>,
    tax_level: Cow<'r, str>,
    retailer_tax_level_id: Cow<'r, str>,
    tax_percent: Decimal,
    authority: Cow<'r, str>,
    kind: TaxKind,
    treatment: Option<Treatment>,
    affects_later_taxes: bool,
    ignores_earlier_taxes: bool,
    position: u16,
    valid_from: Option<Date>,
}

/// The rows as CSV by RFC 4180. A `'` precedes each text that a spreadsheet would evaluate; the import removes it.
pub fn tax_table_csv(rows: &[TaxRow]) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Internal(format!("writing a tax table as CSV: {error}"));
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(&LAYOUT.columns[1..]).map_err(failed)?;
    for row in rows {
        writer.serialize(cells(row)).map_err(failed)?;
    }
    let text = writer.into_inner();
    text.map_err(|error| Error::Internal(format!("writing a tax table as CSV: {error}")))
}

fn cells(row: &TaxRow) -> Cells<'_> {
    let TaxRow {
        tax_code,
        tax_level,
        retailer_tax_level_id,
        tax_percent,
        authority,
        kind,
        treatment,
        affects_later_taxes,
        ignores_earlier_taxes,
        position,
        valid_from,
    } = row;
    Cells {
        tax_code: guarded(tax_code),
        tax_level: guarded(tax_level),
        retailer_tax_level_id: guarded(retailer_tax_level_id),
        tax_percent: *tax_percent,
        authority: guarded(authority),
        kind: *kind,
        treatment: *treatment,
        affects_later_taxes: *affects_later_taxes,
        ignores_earlier_taxes: *ignores_earlier_taxes,
        position: *position,
        valid_from: *valid_from,
    }
}

fn guarded(text: &str) -> Cow<'_, str> {
    match needs_guard(text) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}
