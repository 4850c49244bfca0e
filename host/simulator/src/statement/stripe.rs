//! Stripe's itemised payout reconciliation report, with the columns of its documentation.

use super::{Payout, Row, RowKind, amount, local};
use anyhow::Result;

const HEADER: &str = "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created,\
available_on,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,\
customer_facing_currency,charge_id,payment_intent_id,payment_metadata[order]";

/// Writes the file.
pub fn write(payout: &Payout<'_>) -> Result<String> {
    let mut text = format!("{HEADER}\n");
    for row in &payout.rows {
        text.push_str(&line(payout, row)?);
    }
    let terms = payout.terms;
    let paid = amount(-payout.total, '.');
    text.push_str(&format!(
        "{0},{1} 00:00:00,txn_{0},{1} 00:00:00,{1} 00:00:00,{2},{paid},0.00,{paid},payout,{0},STRIPE PAYOUT,,,,,\n",
        terms.reference,
        terms.paid_on,
        terms.currency.to_lowercase(),
    ));
    Ok(text)
}

fn line(payout: &Payout<'_>, row: &Row) -> Result<String> {
    let terms = payout.terms;
    let category = match row.kind {
        RowKind::Payment => "charge",
        RowKind::Refund => "refund",
        RowKind::Chargeback => "dispute",
        RowKind::Cost => "fee",
    };
    let cost = row.kind == RowKind::Cost;
    // Stripe lists a fee as an amount of its own, not as a deduction.
    let (gross, fee) = if cost {
        (row.net, 0)
    } else {
        (row.converted, row.fee)
    };
    let number = row.psp_reference.trim_start_matches("ch_");
    let (source, description) = match row.kind {
        RowKind::Payment => (
            row.psp_reference.clone(),
            format!("Order {}", row.merchant_reference),
        ),
        RowKind::Refund => (
            row.modification_reference.clone(),
            "REFUND FOR CHARGE".into(),
        ),
        RowKind::Chargeback => (format!("du_{number}"), "Chargeback withdrawal".into()),
        RowKind::Cost => (String::new(), format!("Billing {}", &terms.paid_on[..7])),
    };
    let facing = if cost {
        (String::new(), String::new())
    } else {
        (amount(row.gross, '.'), row.currency.to_lowercase())
    };
    let intent = if cost {
        String::new()
    } else {
        format!("pi_{number}")
    };
    let created = local(terms, row)?.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Ok(format!(
        "{},{} 00:00:00,txn_{},{created},{} 00:00:00,{},{},{},{},{category},{source},{description},{},{},{},{intent},{}\n",
        terms.reference,
        terms.paid_on,
        row.id,
        terms.paid_on,
        terms.currency.to_lowercase(),
        amount(gross, '.'),
        amount(fee, '.'),
        amount(row.net, '.'),
        facing.0,
        facing.1,
        row.psp_reference,
        row.merchant_reference,
    ))
}
