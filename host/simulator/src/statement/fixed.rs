//! Records of fixed kind: a header, a detail for each line, a trailer with count and sum. Amounts are
//! minor units.

use super::{Row, Sheet, What, local};
use anyhow::Result;

/// The whole file.
pub fn write(sheet: &Sheet<'_>) -> Result<String> {
    let terms = sheet.terms;
    let mut lines = vec![format!(
        "HD{:<20}{:<20}{}{}",
        terms.account,
        terms.reference,
        terms.paid_on.replace('-', ""),
        terms.currency,
    )];
    for row in &sheet.rows {
        lines.push(line(sheet, row)?);
    }
    lines.push(format!("TR{:08}{}", sheet.rows.len(), signed(sheet.total)));
    Ok(format!("{}\r\n", lines.join("\r\n")))
}

fn line(sheet: &Sheet<'_>, row: &Row) -> Result<String> {
    let kind = match row.what {
        What::Payment => "PAY",
        What::Refund => "REF",
        What::Chargeback => "CBK",
        What::Cost => "FEE",
    };
    Ok(format!(
        "DT{kind}{}{:<24}{:<24}{:<40}{}{}{}",
        local(sheet.terms, row)?.strftime("%Y%m%d"),
        row.psp_reference,
        row.modification_reference,
        row.merchant_reference,
        signed(row.converted),
        signed(row.fee),
        signed(row.net),
    ))
}

/// A sign and twelve digits.
fn signed(minor: i64) -> String {
    let sign = if minor < 0 { '-' } else { '+' };
    format!("{sign}{:012}", minor.abs())
}
