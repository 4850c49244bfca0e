//! The meaning of each word in the column `Type`.

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

const PAYOUT: &str = "MerchantPayout";

/// Reversals keep Adyen's own word: they are neither payments nor refunds of the retailer, and the
/// amount that a reversed refund returns must not be matched with the sale.
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

/// Returns the meaning of a word, `None` if it is unknown. The words of the settings come first.
pub fn meaning(word: &str, more: &BTreeMap<String, KindWord>) -> Option<Meaning> {
    if word.eq_ignore_ascii_case(PAYOUT) {
        return Some(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(LINES);
    all.find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, kind)| Meaning::Line(kind))
}

/// Returns all known words, for a message.
pub fn known(more: &BTreeMap<String, KindWord>) -> String {
    let mut words: Vec<&str> = LINES.iter().map(|(word, _)| *word).collect();
    words.push(PAYOUT);
    words.extend(more.keys().map(String::as_str));
    words.join(", ")
}
