//! Adyen's settlement details report, with the columns of its documentation.

use super::{Payout, Row, RowKind, amount, local};
use crate::random::Random;
use anyhow::Result;

const HEADER: &str = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,\
Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),\
Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),\
Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number";

/// Writes the file.
pub fn write(payout: &Payout<'_>, random: &mut Random) -> Result<String> {
    let mut text = format!("{HEADER}\n");
    for row in &payout.rows {
        text.push_str(&line(payout, row, random)?);
    }
    let terms = payout.terms;
    let paid = sides(-payout.total);
    text.push_str(&format!(
        "{0},{0},,,,{1} 03:00:00,CET,MerchantPayout,\"TX{2}, batch {2}\",,,,,{3},{4},{5},,,,,,,{2}\n",
        terms.account, terms.paid_on, terms.reference, terms.currency, paid.0, paid.1
    ));
    Ok(text)
}

fn line(payout: &Payout<'_>, row: &Row, random: &mut Random) -> Result<String> {
    let terms = payout.terms;
    let kind = match row.kind {
        RowKind::Payment => "Settled",
        RowKind::Refund => "Refunded",
        RowKind::Chargeback => "Chargeback",
        RowKind::Cost => "Fee",
    };
    let created = local(terms, row)?;
    let cost = row.kind == RowKind::Cost;
    let (gross, net) = (sides(row.gross), sides(row.net));
    // A payment has its own reference here, a fee a description.
    let modification = match row.kind {
        RowKind::Payment => row.psp_reference.clone(),
        RowKind::Cost => format!("Account costs of {}", &terms.paid_on[..7]),
        _ => row.modification_reference.clone(),
    };
    let fee = |share: i64| {
        if cost || share == 0 {
            String::new()
        } else {
            amount(share, '.')
        }
    };
    // Interchange contracts list the parts of the fee.
    let interchange = row.fee * random.between(40, 60) / 100;
    let scheme_fee = row.fee * random.between(10, 20) / 100;
    let rate = match (&row.rate, cost) {
        (_, true) => String::new(),
        (None, _) => "1".to_owned(),
        (Some(rate), _) => decimal(rate.unscaled, rate.scale),
    };
    let gross_currency = if cost { "" } else { &row.currency };
    Ok(format!(
        "{0},{0},{1},{2},{3},{4},{kind},{modification},{gross_currency},{5},{6},{rate},{7},{8},{9},,{10},{11},{12},,,{13}\n",
        terms.account,
        row.psp_reference,
        row.merchant_reference,
        row.scheme,
        created.strftime("%Y-%m-%d %H:%M:%S,%Z"),
        gross.0,
        gross.1,
        terms.currency,
        net.0,
        net.1,
        fee(row.fee - interchange - scheme_fee),
        fee(scheme_fee),
        fee(interchange),
        terms.reference,
    ))
}

/// Returns debit and credit. One of them is empty.
fn sides(minor: i64) -> (String, String) {
    match minor {
        0 => (String::new(), String::new()),
        ..0 => (amount(-minor, '.'), String::new()),
        _ => (String::new(), amount(minor, '.')),
    }
}

fn decimal(unscaled: i64, scale: u8) -> String {
    let power = 10_i64.pow(u32::from(scale));
    let digits = usize::from(scale);
    format!("{}.{:0digits$}", unscaled / power, unscaled % power)
}
