//! A file of fixed-width records: a header, a detail per row, and a trailer with count and sum. Amounts are
//! in minor units.

use super::{Payout, Row, RowKind, local};
use anyhow::Result;

/// Writes the file.
pub fn write(payout: &Payout<'_>) -> Result<String> {
    let terms = payout.terms;
    let mut lines = vec![format!(
        "HD{:<20}{:<20}{}{}",
        terms.account,
        terms.reference,
        terms.paid_on.replace('-', ""),
        terms.currency,
    )];
    for row in &payout.rows {
        lines.push(line(payout, row)?);
    }
    lines.push(format!(
        "TR{:08}{}",
        payout.rows.len(),
        signed(payout.total)
    ));
    Ok(format!("{}\r\n", lines.join("\r\n")))
}

fn line(payout: &Payout<'_>, row: &Row) -> Result<String> {
    let kind = match row.kind {
        RowKind::Payment => "PAY",
        RowKind::Refund => "REF",
        RowKind::Chargeback => "CBK",
        RowKind::Cost => "FEE",
    };
    Ok(format!(
        "DT{kind}{}{:<24}{:<24}{:<40}{}{}{}",
        local(payout.terms, row)?.strftime("%Y%m%d"),
        row.psp_reference,
        row.modification_reference,
        row.merchant_reference,
        signed(row.converted),
        signed(row.fee),
        signed(row.net),
    ))
}

/// Formats an amount as a sign and twelve digits.
fn signed(minor: i64) -> String {
    let sign = if minor < 0 { '-' } else { '+' };
    format!("{sign}{:012}", minor.abs())
}
