//! What each word in the column `reporting_category` means.

use galleria_sdk::statement::KindWord;
use std::collections::BTreeMap;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A line of the statement.
    Line(KindWord),
    /// The payout itself: the total.
    Payout,
}

const PAYOUT: &str = "payout";

/// What undoes a charge or a refund without being the other is kept under Stripe's own word, so that it
/// is not matched with a sale.
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

/// None: it is unknown. The settings' words come first.
pub fn meaning(word: &str, more: &BTreeMap<String, KindWord>) -> Option<Meaning> {
    if word == PAYOUT {
        return Some(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(LINES);
    all.find(|(known, _)| *known == word)
        .map(|(_, kind)| Meaning::Line(kind))
}

/// All that are known, for a message.
pub fn known(more: &BTreeMap<String, KindWord>) -> String {
    let mut words: Vec<&str> = LINES.iter().map(|(word, _)| *word).collect();
    words.push(PAYOUT);
    words.extend(more.keys().map(String::as_str));
    words.join(", ")
}
