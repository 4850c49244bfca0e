//! Tests of the matching rules.

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

fn match_default(line: &StatementLine, candidates: &[RecordedTender]) -> Verdict {
    match_with_tenders("adyen", "s.1", line, candidates, &MatchingRules::default())
}

#[test]
fn a_payment_is_found_by_the_providers_reference_then_by_ours() {
    let paid = line(StatementKind::Payment, 1_000);
    let found = match_default(&paid, &[tender("a", 1_000)]);
    assert_eq!(found.outcome, MatchOutcome::Matched);
    assert_eq!(found.rule, MatchRule::PspReference);
    assert!(found.settles);
    let ours = RecordedTender {
        psp_reference: String::new(),
        ..tender("b", 1_000)
    };
    assert_eq!(
        match_default(&paid, &[ours]).rule,
        MatchRule::MerchantReference
    );
    let none = match_default(&paid, &[]);
    assert_eq!(none.outcome, MatchOutcome::Unmatched);
    assert!(none.waits && !none.settles);
}

#[test]
fn a_tender_of_another_provider_does_not_match() {
    let theirs = RecordedTender {
        provider: "stripe".into(),
        ..tender("a", 1_000)
    };
    let paid = line(StatementKind::Payment, 1_000);
    assert_eq!(
        match_default(&paid, &[theirs]).outcome,
        MatchOutcome::Unmatched
    );
    let ours = RecordedTender {
        provider: "Adyen".into(),
        ..tender("a", 1_000)
    };
    assert_eq!(match_default(&paid, &[ours]).outcome, MatchOutcome::Matched);
}

#[test]
fn a_refund_never_matches_a_payment() {
    let back = line(StatementKind::Refund, -400);
    assert_eq!(
        match_default(&back, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Unmatched
    );
    let both = [tender("a", 1_000), tender("r", -400)];
    assert_eq!(match_default(&back, &both).tender, Some(1));
}

#[test]
fn two_lines_settle_two_refunds_and_the_third_is_a_duplicate() {
    let back = line(StatementKind::Refund, -400);
    let mut both = [tender("r1", -400), tender("r2", -400)];
    assert_eq!(match_default(&back, &both).tender, Some(0));
    both[0].settled_by = Some("s.7".into());
    let second = match_default(&back, &both);
    assert_eq!(second.tender, Some(1));
    assert_eq!(second.outcome, MatchOutcome::Matched);
    both[1].settled_by = Some("s.8".into());
    let third = match_default(&back, &both);
    assert_eq!(third.outcome, MatchOutcome::Duplicate);
    assert!(!third.settles);
}

#[test]
fn a_refund_with_another_amount_does_not_match_by_the_payments_reference() {
    let back = line(StatementKind::Refund, -500);
    let recorded = RecordedTender {
        modification_reference: "mod-1".into(),
        ..tender("r", -400)
    };
    assert_eq!(
        match_default(&back, std::slice::from_ref(&recorded)).outcome,
        MatchOutcome::Unmatched
    );
    let named = StatementLine {
        modification_reference: "mod-1".into(),
        ..back
    };
    let verdict = match_default(&named, &[recorded]);
    assert_eq!(verdict.outcome, MatchOutcome::AmountMismatch);
    assert_eq!(verdict.difference, -100);
}

#[test]
fn amounts_agree_only_within_the_tolerance() {
    let paid = line(StatementKind::Payment, 1_002);
    let within = |tolerance| {
        let rules = MatchingRules {
            amount_tolerance: tolerance,
            ..MatchingRules::default()
        };
        match_with_tenders("adyen", "s.1", &paid, &[tender("a", 1_000)], &rules)
    };
    assert_eq!(within(1).outcome, MatchOutcome::AmountMismatch);
    assert_eq!(within(2).outcome, MatchOutcome::Matched);
    assert_eq!(within(2).difference, 2);
}

#[test]
fn the_same_currency_may_have_other_minor_digits() {
    let paid = StatementLine {
        minor_digits: 3,
        ..line(StatementKind::Payment, 10_000)
    };
    assert_eq!(
        match_default(&paid, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Matched
    );
    let whole = StatementLine {
        minor_digits: 0,
        ..line(StatementKind::Payment, 10)
    };
    assert_eq!(
        match_default(&whole, &[tender("a", 1_000)]).outcome,
        MatchOutcome::Matched
    );
    assert_eq!(
        match_default(&whole, &[tender("a", 1_001)]).outcome,
        MatchOutcome::AmountMismatch
    );
}

#[test]
fn a_currency_mismatch_precedes_an_amount_mismatch() {
    let paid = StatementLine {
        currency: "SEK".into(),
        ..line(StatementKind::Payment, 11_000)
    };
    let verdict = match_default(&paid, &[tender("a", 1_000)]);
    assert_eq!(verdict.outcome, MatchOutcome::CurrencyMismatch);
    assert_eq!(verdict.difference, 0);
}

#[test]
fn a_fee_is_checked_if_one_was_agreed() {
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
        match_with_tenders("adyen", "s.1", &paid, &[tender], &rules)
    };
    // 12.50 × 1.4 % = 0.175, rounded half away from zero to 0.18, plus 0.10.
    assert_eq!(with(28, "visa").expected_fee, Some(28));
    assert_eq!(with(29, "Visa").outcome, MatchOutcome::Matched);
    assert_eq!(with(30, "visa").outcome, MatchOutcome::FeeMismatch);
    assert_eq!(with(99, "amex").outcome, MatchOutcome::Matched);
}

#[test]
fn a_chargeback_is_linked_and_settles_nothing() {
    let lost = line(StatementKind::Chargeback, -1_000);
    let verdict = match_default(&lost, &[tender("a", 1_000)]);
    assert_eq!(verdict.outcome, MatchOutcome::NotApplicable);
    assert_eq!((verdict.tender, verdict.settles), (Some(0), false));
    assert!(match_default(&lost, &[]).waits);
    let fee = line(StatementKind::Fee, 0);
    assert_eq!(match_default(&fee, &[tender("a", 1_000)]).tender, None);
}

#[test]
fn a_line_matches_the_tender_it_settled_again() {
    let paid = line(StatementKind::Payment, 1_000);
    let own = RecordedTender {
        settled_by: Some("s.1".into()),
        ..tender("a", 1_000)
    };
    assert_eq!(match_default(&paid, &[own]).outcome, MatchOutcome::Matched);
}

#[test]
fn extreme_amounts_do_not_overflow() {
    let paid = StatementLine {
        minor_digits: 0,
        ..line(StatementKind::Payment, i64::MAX)
    };
    let tender = RecordedTender {
        minor_digits: 4,
        ..tender("a", i64::MAX)
    };
    assert_eq!(
        match_default(&paid, &[tender]).outcome,
        MatchOutcome::AmountMismatch
    );
}

#[test]
fn a_weaker_reference_holds_until_a_tender_with_the_lines_own_is_recorded() {
    let paid = line(StatementKind::Payment, 1_000);
    let other = RecordedTender {
        psp_reference: "psp-2".into(),
        ..tender("a", 1_000)
    };
    let doubtful = match_default(&paid, std::slice::from_ref(&other));
    assert_eq!(doubtful.rule, MatchRule::MerchantReference);
    assert!(doubtful.settles && doubtful.waits);
    let own = [other, tender("b", 1_000)];
    let sure = match_default(&paid, &own);
    assert_eq!(sure.tender, Some(1));
    assert!(sure.settles && !sure.waits);
    let taken = RecordedTender {
        settled_by: Some("s.7".into()),
        ..tender("b", 1_000)
    };
    let duplicate = match_default(&paid, &[taken]);
    assert_eq!(duplicate.outcome, MatchOutcome::Duplicate);
    assert!(
        duplicate.waits,
        "the first line may be matched with another tender"
    );
}
