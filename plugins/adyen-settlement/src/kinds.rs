//! What each word in the column `Type` means.

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

const PAYOUT: &str = "MerchantPayout";

/// Reversals are kept under Adyen's own word: none of them is a payment or refund of ours, and what a
/// reversed refund gives back must not be matched with the sale.
const LINES: [(&str, KindWord); 21] = [
    ("Settled", KindWord::Payment),
    ("Refunded", KindWord::Refund),
    ("Chargeback", KindWord::Chargeback),
    ("SecondChargeback", KindWord::Chargeback),
    ("ChargebackReversed", KindWord::ChargebackReversal),
    ("SettledReversed", KindWord::Other),
    ("RefundedReversed", KindWord::Other),
    ("PaidOut", KindWord::Other),
    ("PaidOutReversed", KindWord::Other),
    ("Fee", KindWord::Fee),
    ("PaymentCost", KindWord::Fee),
    ("MiscCosts", KindWord::Fee),
    ("AuthorisationSchemeFee", KindWord::Fee),
    ("InvoiceDeduction", KindWord::Fee),
    ("DepositCorrection", KindWord::Adjustment),
    ("ReserveAdjustment", KindWord::Adjustment),
    ("Balancetransfer", KindWord::Adjustment),
    ("ManualCorrected", KindWord::Adjustment),
    ("MatchedStatement", KindWord::Adjustment),
    ("MerchantPayin", KindWord::Adjustment),
    ("BankInstructionReturned", KindWord::Adjustment),
];

/// None: it is unknown. The settings' words come first.
pub fn meaning(word: &str, more: &BTreeMap<String, KindWord>) -> Option<Meaning> {
    if word.eq_ignore_ascii_case(PAYOUT) {
        return Some(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(LINES);
    all.find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, kind)| Meaning::Line(kind))
}

/// All that are known, for a message.
pub fn known(more: &BTreeMap<String, KindWord>) -> String {
    let mut words: Vec<&str> = LINES.iter().map(|(word, _)| *word).collect();
    words.push(PAYOUT);
    words.extend(more.keys().map(String::as_str));
    words.join(", ")
}
