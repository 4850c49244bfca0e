//! The meaning of each word in the column `reporting_category`.
//!
//! Sources: the values of `reporting_category` and of a balance transaction's `type` in Stripe's OpenAPI
//! document and its client libraries. Stripe files one transaction under both: `payment` is the type of a
//! `charge`, for example. The newer values for financial accounts are here too.

use galleria_sdk::Problem;
use galleria_sdk::statement::{KindWord, unknown_word};
use std::collections::BTreeMap;

/// The meaning of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A line of the statement.
    Line(KindWord),
    /// The payout: the total.
    Payout,
}

const PAYOUT: &str = "payout";

/// A reversal that is neither a charge nor a refund keeps Stripe's own word, so that it is not matched
/// with a sale.
#[rustfmt::skip]
const LINES: &[(KindWord, &[&str])] = &[
    (KindWord::Payment, &["charge", "payment"]),
    (KindWord::Refund, &["refund", "payment_refund"]),
    (KindWord::Chargeback, &["dispute"]),
    (KindWord::ChargebackReversal, &["dispute_reversal"]),
    (KindWord::Fee, &[
        "fee", "network_cost", "payment_method_passthrough_fee", "platform_fee", "stripe_fee", "stripe_fee_tax",
        "stripe_fx_fee", "tax", "tax_fee",
    ]),
    (KindWord::Adjustment, &[
        "adjustment", "advance", "advance_funding", "anticipation_repayment", "application_fee",
        "application_fee_refund", "balance_transfer", "climate_order_purchase", "climate_order_refund",
        "connect_collection_transfer", "connect_reserved_funds", "contribution", "currency_conversion",
        "fee_credit_funding", "financing_paydown", "financing_paydown_reversal", "financing_payout",
        "financing_payout_reversal", "inbound_transfer", "inbound_transfer_reversal",
        "issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute",
        "issuing_dispute_fraud_liability_debit", "issuing_dispute_provisional_credit",
        "issuing_dispute_provisional_credit_reversal", "issuing_transaction", "minimum_balance_hold",
        "obligation", "obligation_outbound", "obligation_reversal_inbound", "other_adjustment",
        "outbound_payment", "outbound_payment_reversal", "outbound_transfer", "outbound_transfer_reversal",
        "payment_network_reserve_hold", "payment_network_reserve_release", "payment_network_reserved_funds",
        "payment_unreconciled", "payout_cancel", "payout_failure", "payout_minimum_balance_hold",
        "payout_minimum_balance_release", "payout_reversal", "platform_earning", "platform_earning_refund",
        "received_credit", "received_credit_reversal", "received_debit", "received_debit_reversal",
        "reserve_hold", "reserve_release", "reserve_transaction", "reserved_funds", "return",
        "risk_reserved_funds", "stripe_balance_payment_debit", "stripe_balance_payment_debit_reversal",
        "tax_fund", "tax_withholding", "topup", "topup_reversal", "transfer", "transfer_cancel",
        "transfer_failure", "transfer_refund", "transfer_reversal", "unreconciled_customer_funds",
    ]),
    (KindWord::Other, &[
        "charge_failure", "partial_capture_reversal", "payment_failure_refund", "payment_reversal",
        "refund_failure",
    ]),
];

fn lines<'w>() -> impl Iterator<Item = (&'w str, KindWord)> {
    let of = |(kind, words): &'w (KindWord, &[&'w str])| words.iter().map(|word| (*word, *kind));
    LINES.iter().flat_map(of)
}

/// Returns the meaning of a word. The words of the settings take precedence.
pub fn meaning(
    row: u64,
    column: &str,
    word: &str,
    more: &BTreeMap<String, KindWord>,
) -> Result<Meaning, Problem> {
    if word == PAYOUT {
        return Ok(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(lines());
    let found = all.find(|(known, _)| *known == word);
    let (_, kind) = found.ok_or_else(|| {
        let own = more.keys().map(String::as_str);
        let known = lines().map(|(word, _)| word).chain([PAYOUT]);
        unknown_word(row, column, word, "categories", known.chain(own))
    })?;
    Ok(Meaning::Line(kind))
}
