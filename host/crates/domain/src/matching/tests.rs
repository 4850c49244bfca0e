//! Facts of matching.

use super::*;

fn line(kind: StatementKind, gross: Money) -> StatementLine {
    StatementLine {
        row: 2,
        kind,
        id: String::new(),
        psp_reference: "psp-1".into(),
        modification_reference: String::new(),
        merchant_reference: "order-1".into(),
        booked_at: "2026-11-24".into(),
        currency: "EUR".into(),
        minor_digits: 2,
        gross,
        rate: None,
        converted: gross,
        fee: 0,
        net: gross,
        attributes: Vec::new(),
    }
}

fn tender(id: &str, amount: Money) -> RecordedTender {
    RecordedTender {
        id: id.into(),
        back: amount < 0,
        psp_reference: "psp-1".into(),
        merchant_reference: "order-1".into(),
        amount,
        currency: "EUR".into(),
        minor_digits: 2,
        ..RecordedTender::default()
    }
}

fn judged(line: &StatementLine, candidates: &[RecordedTender]) -> Verdict {
    judge("adyen", "s.1", line, candidates, &MatchingRules::default())
}

#[test]
fn a_payment_is_found_by_the_providers_reference_then_by_ours() {
    let paid = line(StatementKind::Payment, 1_000);
    let found = judged(&paid, &[tender("a", 1_000)]);
    assert_eq!(found.outcome, MatchOutcome::Matched);
    assert_eq!(found.rule, MatchRule::PspReference);
    assert!(found.settles);
    let ours = RecordedTender {
        psp_reference: String::new(),
        ..tender("b", 1_000)
    };
    assert_eq!(judged(&paid, &[ours]).rule, MatchRule::MerchantReference);
    let none = judged(&paid, &[]);
    assert_eq!(none.outcome, MatchOutcome::Unmatched);
    assert!(none.waits && !none.settles);
}

#[test]
fn another_providers_tender_is_not_meant() {
    let theirs = RecordedTender {
        provider: "stripe".into(),
        ..tender("a", 1_000)
    };
    let paid = line(StatementKind::Payment, 1_000);
    assert_eq!(judged(&paid, &[theirs]).outcome, MatchOutcome::Unmatched);
    let ours = RecordedTender {
        provider: "Adyen".into(),
        ..tender("a", 1_000)
    };
    assert_eq!(judged(&paid, &[ours]).outcome, MatchOutcome::Matched);
}

#[test]
fn a_refund_is_never_a_payment() {
    let back = line(StatementKind::Refund, -400);
    assert_eq!(
        judged(&back, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Unmatched
    );
    let both = [tender("a", 1_000), tender("r", -400)];
    assert_eq!(judged(&back, &both).tender, Some(1));
}

#[test]
fn of_two_refunds_each_line_takes_one_and_the_third_is_a_duplicate() {
    let back = line(StatementKind::Refund, -400);
    let mut both = [tender("r1", -400), tender("r2", -400)];
    assert_eq!(judged(&back, &both).tender, Some(0));
    both[0].settled_by = Some("s.7".into());
    let second = judged(&back, &both);
    assert_eq!(second.tender, Some(1));
    assert_eq!(second.outcome, MatchOutcome::Matched);
    both[1].settled_by = Some("s.8".into());
    let third = judged(&back, &both);
    assert_eq!(third.outcome, MatchOutcome::Duplicate);
    assert!(!third.settles);
}

#[test]
fn a_refund_of_another_amount_is_not_guessed_from_the_payments_reference() {
    let back = line(StatementKind::Refund, -500);
    let recorded = RecordedTender {
        modification_reference: "mod-1".into(),
        ..tender("r", -400)
    };
    assert_eq!(
        judged(&back, std::slice::from_ref(&recorded)).outcome,
        MatchOutcome::Unmatched
    );
    let named = StatementLine {
        modification_reference: "mod-1".into(),
        ..back
    };
    let verdict = judged(&named, &[recorded]);
    assert_eq!(verdict.outcome, MatchOutcome::AmountMismatch);
    assert_eq!(verdict.difference, -100);
}

#[test]
fn amounts_agree_within_the_tolerance_and_not_beyond() {
    let paid = line(StatementKind::Payment, 1_002);
    let within = |tolerance| {
        let rules = MatchingRules {
            amount_tolerance: tolerance,
            ..MatchingRules::default()
        };
        judge("adyen", "s.1", &paid, &[tender("a", 1_000)], &rules)
    };
    assert_eq!(within(1).outcome, MatchOutcome::AmountMismatch);
    assert_eq!(within(2).outcome, MatchOutcome::Matched);
    assert_eq!(within(2).difference, 2);
}

#[test]
fn the_same_currency_may_be_told_in_other_units() {
    let paid = StatementLine {
        minor_digits: 3,
        ..line(StatementKind::Payment, 10_000)
    };
    assert_eq!(
        judged(&paid, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Matched
    );
    let whole = StatementLine {
        minor_digits: 0,
        ..line(StatementKind::Payment, 10)
    };
    assert_eq!(
        judged(&whole, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Matched
    );
    assert_eq!(
        judged(&whole, &[tender("a", 1_001)]).outcome,
        MatchOutcome::AmountMismatch
    );
}

#[test]
fn another_currency_is_told_before_the_amount() {
    let paid = StatementLine {
        currency: "SEK".into(),
        ..line(StatementKind::Payment, 11_000)
    };
    let verdict = judged(&paid, &[tender("a", 1_000)]);
    assert_eq!(verdict.outcome, MatchOutcome::CurrencyMismatch);
    assert_eq!(verdict.difference, 0);
}

#[test]
fn a_fee_is_checked_where_one_was_agreed() {
    let rules = MatchingRules {
        fee_tolerance: 1,
        fees: vec![FeeRule {
            provider: "adyen".into(),
            scheme: "visa".into(),
            refunds: false,
            rate: Decimal {
                unscaled: 14,
                scale: 1,
            },
            fixed: 10,
        }],
        ..MatchingRules::default()
    };
    let with = |fee, scheme: &str| {
        let paid = StatementLine {
            fee,
            ..line(StatementKind::Payment, 1_250)
        };
        let tender = RecordedTender {
            scheme: scheme.into(),
            ..tender("a", 1_250)
        };
        judge("adyen", "s.1", &paid, &[tender], &rules)
    };
    // 12.50 × 1.4 % = 0.175, half away from zero 0.18, and 0.10 beside it.
    assert_eq!(with(28, "visa").expected_fee, Some(28));
    assert_eq!(with(29, "Visa").outcome, MatchOutcome::Matched);
    assert_eq!(with(30, "visa").outcome, MatchOutcome::FeeMismatch);
    assert_eq!(with(99, "amex").outcome, MatchOutcome::Matched);
}

#[test]
fn a_chargeback_is_linked_and_settles_nothing() {
    let lost = line(StatementKind::Chargeback, -1_000);
    let verdict = judged(&lost, &[tender("a", 1_000)]);
    assert_eq!(verdict.outcome, MatchOutcome::NotApplicable);
    assert_eq!((verdict.tender, verdict.settles), (Some(0), false));
    assert!(judged(&lost, &[]).waits);
    let fee = line(StatementKind::Fee, 0);
    assert_eq!(judged(&fee, &[tender("a", 1_000)]).tender, None);
}

#[test]
fn a_line_finds_again_what_it_settled() {
    let paid = line(StatementKind::Payment, 1_000);
    let own = RecordedTender {
        settled_by: Some("s.1".into()),
        ..tender("a", 1_000)
    };
    assert_eq!(judged(&paid, &[own]).outcome, MatchOutcome::Matched);
}

#[test]
fn the_extremes_do_not_overflow() {
    let paid = StatementLine {
        minor_digits: 0,
        ..line(StatementKind::Payment, i64::MAX)
    };
    let tender = RecordedTender {
        minor_digits: 4,
        ..tender("a", i64::MAX)
    };
    assert_eq!(
        judged(&paid, &[tender]).outcome,
        MatchOutcome::AmountMismatch
    );
}

#[test]
fn a_weaker_reference_holds_until_the_lines_own_comes() {
    let paid = line(StatementKind::Payment, 1_000);
    let other = RecordedTender {
        psp_reference: "psp-2".into(),
        ..tender("a", 1_000)
    };
    let doubtful = judged(&paid, std::slice::from_ref(&other));
    assert_eq!(doubtful.rule, MatchRule::MerchantReference);
    assert!(doubtful.settles && doubtful.waits);
    let own = [other, tender("b", 1_000)];
    let sure = judged(&paid, &own);
    assert_eq!(sure.tender, Some(1));
    assert!(sure.settles && !sure.waits);
    let taken = RecordedTender {
        settled_by: Some("s.7".into()),
        ..tender("b", 1_000)
    };
    let duplicate = judged(&paid, &[taken]);
    assert_eq!(duplicate.outcome, MatchOutcome::Duplicate);
    assert!(duplicate.waits, "what it repeats may be let go of");
}
