//! The meaning of each word in the column `reporting_category`.

use galleria_sdk::statement::KindWord;
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
const LINES: [(&str, KindWord); 25] = [
    ("charge", KindWord::Payment),
    ("refund", KindWord::Refund),
    ("dispute", KindWord::Chargeback),
    ("dispute_reversal", KindWord::ChargebackReversal),
    ("charge_failure", KindWord::Other),
    ("refund_failure", KindWord::Other),
    ("partial_capture_reversal", KindWord::Other),
    ("fee", KindWord::Fee),
    ("network_cost", KindWord::Fee),
    ("tax", KindWord::Fee),
    ("payout_reversal", KindWord::Adjustment),
    ("other_adjustment", KindWord::Adjustment),
    ("risk_reserved_funds", KindWord::Adjustment),
    ("connect_reserved_funds", KindWord::Adjustment),
    ("connect_collection_transfer", KindWord::Adjustment),
    ("transfer", KindWord::Adjustment),
    ("transfer_reversal", KindWord::Adjustment),
    ("topup", KindWord::Adjustment),
    ("topup_reversal", KindWord::Adjustment),
    ("advance", KindWord::Adjustment),
    ("advance_funding", KindWord::Adjustment),
    ("anticipation_repayment", KindWord::Adjustment),
    ("platform_earning", KindWord::Adjustment),
    ("platform_earning_refund", KindWord::Adjustment),
    ("unreconciled_customer_funds", KindWord::Adjustment),
];

/// Returns the meaning of a word, `None` if it is unknown. The words of the settings come first.
pub fn meaning(word: &str, more: &BTreeMap<String, KindWord>) -> Option<Meaning> {
    if word == PAYOUT {
        return Some(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(LINES);
    all.find(|(known, _)| *known == word)
        .map(|(_, kind)| Meaning::Line(kind))
}

/// Returns all known words, for a message.
pub fn known(more: &BTreeMap<String, KindWord>) -> String {
    let mut words: Vec<&str> = LINES.iter().map(|(word, _)| *word).collect();
    words.push(PAYOUT);
    words.extend(more.keys().map(String::as_str));
    words.join(", ")
}
