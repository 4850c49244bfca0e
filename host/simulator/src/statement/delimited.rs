//! The file of a European acquirer: `;`, decimal comma, `dd/mm/yyyy`, two rows before the table and a
//! total row after it. The column names are invented, because every acquirer has its own.

use super::{Payout, Row, RowKind, amount, local};
use anyhow::Result;
use jiff::civil::Date;

const HEADER: &str = "Date;Opération;Transaction;Remboursement;Commande;Brut;Commission;Net;\
Devise;Versement;Versé le";

/// The whole file: with CRLF, and a byte order mark for spreadpayouts.
pub fn write(payout: &Payout<'_>) -> Result<String> {
    let terms = payout.terms;
    let paid_on: Date = terms.paid_on.parse()?;
    let paid_on = paid_on.strftime("%d/%m/%Y").to_string();
    let mut lines = vec![
        "Relevé de versement".to_owned(),
        format!("Compte;{}", terms.account),
        HEADER.to_owned(),
    ];
    for row in &payout.rows {
        lines.push(line(payout, row, &paid_on)?);
    }
    let gross = payout.rows.iter().map(|row| row.converted).sum();
    let fee: i64 = payout.rows.iter().map(|row| row.fee).sum();
    lines.push(format!(
        "{paid_on};TOTAL;;;;{};{};{};{};{};{paid_on}",
        amount(gross, ','),
        amount(fee, ','),
        amount(payout.total, ','),
        terms.currency,
        terms.reference,
    ));
    Ok(format!("\u{feff}{}\r\n", lines.join("\r\n")))
}

fn line(payout: &Payout<'_>, row: &Row, paid_on: &str) -> Result<String> {
    let operation = match row.kind {
        RowKind::Payment => "VENTE",
        RowKind::Refund => "REMBOURSEMENT",
        RowKind::Chargeback => "IMPAYÉ",
        RowKind::Cost => "FRAIS",
    };
    let day = local(payout.terms, row)?;
    Ok(format!(
        "{};{operation};{};{};{};{};{};{};{};{};{paid_on}",
        day.strftime("%d/%m/%Y"),
        row.psp_reference,
        row.modification_reference,
        row.merchant_reference,
        amount(row.converted, ','),
        amount(row.fee, ','),
        amount(row.net, ','),
        payout.terms.currency,
        payout.terms.reference,
    ))
}
