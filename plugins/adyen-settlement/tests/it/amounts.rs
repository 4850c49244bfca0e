//! Record types, and amounts that a row leaves out.

use crate::{GOOD, read};
use galleria_sdk::testkit::Outcome;

/// Rows between the header and the payout of an own batch.
fn batch(rows: &[&str], payout: &str) -> Outcome {
    let header = GOOD.lines().next().expect("a header");
    let line = |cells: &str| {
        let cells = cells.replace('|', ",");
        [
            "Co,Shop,P1,O1,visa,2026-11-20 10:11:12,CET,",
            &cells,
            ",,,7,,,,,,,",
        ]
        .concat()
    };
    let payout = ["MerchantPayout||||||EUR|", payout, "|||||"].concat();
    let mut lines = vec![header.to_owned()];
    lines.extend(rows.iter().chain([&payout.as_str()]).map(|row| line(row)));
    read(lines.join("\n"))
}

#[test]
fn an_omitted_fee_or_gross_follows_from_the_other_amounts() {
    // Kind, gross, its currency, converted, fee and net.
    let cases = [
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00|||||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00||15.00|||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|EUR|||1|EUR|35.00|||||",
            (-3500, "EUR", -3500, 0, -3500),
        ),
        (
            "Chargeback|M|||||EUR|35.00||15.00|||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|DKK|199.00||0.1340|EUR|41.67|||||",
            (-19900, "DKK", -2667, 1500, -4167),
        ),
        (
            "Chargeback|M|DKK|199.00||0.1340|EUR|26.66|||||",
            (-19900, "DKK", -2666, 0, -2666),
        ),
        (
            "Chargeback|M|DKK||||EUR|26.66|||||",
            (-2666, "EUR", -2666, 0, -2666),
        ),
        (
            "ChargebackReversed|M|EUR||5.00|1|EUR|10.00|||||",
            (500, "EUR", 500, 1500, -1000),
        ),
        (
            "ChargebackReversed|M|EUR||20.00|1|EUR||35.00||||",
            (2000, "EUR", 2000, -1500, 3500),
        ),
        (
            "ManualCorrected|M|EUR||10.00|1|EUR||9.50||||",
            (1000, "EUR", 1000, 50, 950),
        ),
        (
            "ManualCorrected|M|EUR||||EUR||9.50||||",
            (950, "EUR", 950, 0, 950),
        ),
        (
            "DepositCorrection|M|EUR|0.00|0.00|1|EUR|9.50|0.00||||",
            (-950, "EUR", -950, 0, -950),
        ),
        (
            "SettledReversed|M|EUR|12.99||1|EUR|13.09|||||",
            (-1299, "EUR", -1299, 10, -1309),
        ),
        (
            "Settled|M|EUR||||EUR||12.89|0.10|||",
            (1299, "EUR", 1299, 10, 1289),
        ),
        ("Refunded|M|||||EUR|5.00|||||", (-500, "EUR", -500, 0, -500)),
        ("Fee|M|EUR||||EUR|2.00|||||", (0, "EUR", 0, 200, -200)),
        (
            "PaymentCost|M|EUR|2.00||1|EUR|2.00|||||",
            (0, "EUR", 0, 200, -200),
        ),
    ];
    for (row, expected) in cases {
        let other = "Settled|M|EUR||100.00|1|EUR||100.00||||";
        let (.., net) = expected;
        let total = galleria_sdk::money::format(10_000 + net, 2);
        let outcome = batch(&[row, other], &total);
        assert_eq!(outcome.problems(), Vec::<String>::new(), "{row}");
        let line = &outcome.statement[0];
        let found = (
            line.gross,
            &*line.currency,
            line.converted,
            line.fee,
            line.net,
        );
        assert_eq!(found, expected, "{row}");
        let sum: i64 = outcome
            .statement
            .iter()
            .map(|line| line.converted - line.fee)
            .sum();
        assert_eq!(
            outcome.statement_header.expect("a statement").total,
            Some(sum),
            "{row}"
        );
    }
}

#[test]
fn an_omitted_fee_does_not_hide_an_error() {
    let cases = [
        (
            "Settled|M|EUR||20.00|1|EUR||19.00||||",
            "row 2, Net Credit (NC): net and fee add up to 19.00, the gross is 20.00",
        ),
        (
            "Refunded|M|EUR|20.00||1|EUR|21.00|||||",
            "row 2, Net Debit (NC): net and fee add up to -21.00, the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00||1.00|||",
            "row 2, Net Debit (NC): net and fee add up to -34.00, the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR||35.00||||",
            "row 2, Net Credit (NC): has the wrong sign: the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|||1|EUR||35.00||||",
            "row 2, Net Credit (NC): has the wrong sign: a chargeback cannot be positive",
        ),
        (
            "Chargeback|M|DKK|199.00|||EUR|41.67|||||",
            "row 2, Exchange Rate: `` is not a rate",
        ),
        (
            "Settled|M|DKK||||EUR||26.66||||",
            "row 2, Gross Credit (GC): is empty, and the amount in DKK does not follow from the net in EUR",
        ),
    ];
    for (row, expected) in cases {
        let problems = batch(&[row], "1.00").problems();
        assert!(
            problems[0].starts_with(expected),
            "{expected}\n{problems:#?}"
        );
    }
}

#[test]
fn every_word_of_the_published_list_is_known() {
    // Adyen's list of journal types of this report, with instalments, sales day payout and payments that
    // an acquirer settles itself.
    let words = "Fee MiscCosts MerchantPayout Refunded Settled Chargeback SecondChargeback ChargebackReversed \
        RefundedReversed DepositCorrection InvoiceDeduction MatchedStatement ManualCorrected \
        AuthorisationSchemeFee BankInstructionReturned InternalCompanyPayout EpaPaid Balancetransfer \
        PaymentCost SettleCost PaidOut PaidOutReversed ReserveAdjustment MerchantPayin MerchantPayinReversed \
        SettledReversed CaptureFailed RefundFailed RefundNotCleared SettledInInstallments \
        RefundedInInstallments OpenInstallment SettledInstallment RefundedInstallment SuspendInstallment \
        SentForSettle SentForRefund XASTransfer AcquirerPayout";
    for word in words.split_whitespace() {
        let outcome = batch(&[&[word, "|M|||||EUR|||||||"].concat()], "0.00");
        let unknown = outcome
            .problems()
            .into_iter()
            .find(|problem| problem.contains("unknown"));
        assert_eq!(unknown, None);
    }
}
