//! The meaning of each word in the column `Type`.
//!
//! Sources: Adyen's list of journal types of the settlement details report, its pages on instalments,
//! sales day payout and the monthly finance report, and public programs that read the report. The words
//! that end in `ExternallyWithInfo` come from reports about payments that an acquirer settles itself.

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

const PAYOUT: &str = "MerchantPayout";

/// The words of payments and refunds that mean only their kind.
const PLAIN: [&str; 2] = ["Settled", "Refunded"];

/// Reversals keep Adyen's own word: they are neither payments nor refunds of the retailer, and the
/// amount that a reversed refund returns must not be matched with the sale. An instalment is a part of its
/// payment or refund; opening or suspending a plan changes no sale.
#[rustfmt::skip]
const LINES: &[(&str, KindWord)] = &[
    ("Settled", KindWord::Payment),
    ("SentForSettle", KindWord::Payment),
    ("SettledInInstallments", KindWord::Payment),
    ("SettledInstallment", KindWord::Payment),
    ("SettledExternallyWithInfo", KindWord::Payment),
    ("SettledInstallmentExternallyWithInfo", KindWord::Payment),
    ("Refunded", KindWord::Refund),
    ("SentForRefund", KindWord::Refund),
    ("RefundedInInstallments", KindWord::Refund),
    ("RefundedInstallment", KindWord::Refund),
    ("RefundedExternallyWithInfo", KindWord::Refund),
    ("RefundedInstallmentExternallyWithInfo", KindWord::Refund),
    ("Chargeback", KindWord::Chargeback),
    ("SecondChargeback", KindWord::Chargeback),
    ("ChargebackExternallyWithInfo", KindWord::Chargeback),
    ("ChargebackReversed", KindWord::ChargebackReversal),
    ("ChargebackReversedExternallyWithInfo", KindWord::ChargebackReversal),
    ("Fee", KindWord::Fee),
    ("PaymentCost", KindWord::Fee),
    ("SettleCost", KindWord::Fee),
    ("MiscCosts", KindWord::Fee),
    ("AuthorisationSchemeFee", KindWord::Fee),
    ("InvoiceDeduction", KindWord::Fee),
    ("AdvancementCommissionExternallyWithInfo", KindWord::Fee),
    ("DepositCorrection", KindWord::Adjustment),
    ("ReserveAdjustment", KindWord::Adjustment),
    ("Balancetransfer", KindWord::Adjustment),
    ("ManualCorrected", KindWord::Adjustment),
    ("MatchedStatement", KindWord::Adjustment),
    ("MerchantPayin", KindWord::Adjustment),
    ("MerchantPayinReversed", KindWord::Adjustment),
    ("BankInstructionReturned", KindWord::Adjustment),
    ("InternalCompanyPayout", KindWord::Adjustment),
    ("EpaPaid", KindWord::Adjustment),
    ("XASTransfer", KindWord::Adjustment),
    ("AcquirerPayout", KindWord::Adjustment),
    ("AdjustmentExternallyWithInfo", KindWord::Adjustment),
    ("UnmatchedBatchExternallyWithInfo", KindWord::Adjustment),
    ("SettledReversed", KindWord::Other),
    ("RefundedReversed", KindWord::Other),
    ("CaptureFailed", KindWord::Other),
    ("RefundFailed", KindWord::Other),
    ("RefundNotCleared", KindWord::Other),
    ("PaidOut", KindWord::Other),
    ("PaidOutReversed", KindWord::Other),
    ("OpenInstallment", KindWord::Other),
    ("SuspendInstallment", KindWord::Other),
    ("UnmatchedSettledExternallyWithInfo", KindWord::Other),
    ("UnmatchedRefundedExternallyWithInfo", KindWord::Other),
    ("UnmatchedChargebackExternallyWithInfo", KindWord::Other),
    ("UnmatchedChargebackReversedExternallyWithInfo", KindWord::Other),
];

/// Returns the meaning of a word. The words of the settings take precedence.
pub fn meaning(
    row: u64,
    column: &str,
    word: &str,
    more: &BTreeMap<String, KindWord>,
) -> Result<Meaning, Problem> {
    if word.eq_ignore_ascii_case(PAYOUT) {
        return Ok(Meaning::Payout);
    }
    let own = more.iter().map(|(word, kind)| (word.as_str(), *kind));
    let mut all = own.chain(LINES.iter().copied());
    let found = all.find(|(known, _)| known.eq_ignore_ascii_case(word));
    let (_, kind) = found.ok_or_else(|| {
        let own = more.keys().map(String::as_str);
        let known = LINES.iter().map(|(word, _)| *word).chain([PAYOUT]);
        unknown_word(row, column, word, "types", known.chain(own))
    })?;
    Ok(Meaning::Line(kind))
}

/// Returns whether the word means only the kind of its line.
pub fn is_plain(word: &str) -> bool {
    PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(word))
}
