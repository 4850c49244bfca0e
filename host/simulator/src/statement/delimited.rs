//! The file of a European acquirer: `;`, decimal comma, `dd/mm/yyyy`, two rows before the table and a
//! total row after it. Names of columns and words are this sample's own, as every acquirer has its own.

use super::{Row, Sheet, What, amount, local};
use anyhow::Result;
use jiff::civil::Date;

const HEADER: &str = "Date;Opération;Transaction;Remboursement;Commande;Brut;Commission;Net;\
Devise;Versement;Versé le";

/// The whole file: with CRLF, and a byte order mark for spreadsheets.
pub fn write(sheet: &Sheet<'_>) -> Result<String> {
    let terms = sheet.terms;
    let paid_on: Date = terms.paid_on.parse()?;
    let paid_on = paid_on.strftime("%d/%m/%Y").to_string();
    let mut lines = vec![
        "Relevé de versement".to_owned(),
        format!("Compte;{}", terms.account),
        HEADER.to_owned(),
    ];
    for row in &sheet.rows {
        lines.push(line(sheet, row, &paid_on)?);
    }
    let gross = sheet.rows.iter().map(|row| row.converted).sum();
    let fee: i64 = sheet.rows.iter().map(|row| row.fee).sum();
    lines.push(format!(
        "{paid_on};TOTAL;;;;{};{};{};{};{};{paid_on}",
        amount(gross, ','),
        amount(fee, ','),
        amount(sheet.total, ','),
        terms.currency,
        terms.reference,
    ));
    Ok(format!("\u{feff}{}\r\n", lines.join("\r\n")))
}

fn line(sheet: &Sheet<'_>, row: &Row, paid_on: &str) -> Result<String> {
    let word = match row.what {
        What::Payment => "VENTE",
        What::Refund => "REMBOURSEMENT",
        What::Chargeback => "IMPAYÉ",
        What::Cost => "FRAIS",
    };
    let day = local(sheet.terms, row)?;
    Ok(format!(
        "{};{word};{};{};{};{};{};{};{};{};{paid_on}",
        day.strftime("%d/%m/%Y"),
        row.psp_reference,
        row.modification_reference,
        row.merchant_reference,
        amount(row.converted, ','),
        amount(row.fee, ','),
        amount(row.net, ','),
        sheet.terms.currency,
        sheet.terms.reference,
    ))
}
