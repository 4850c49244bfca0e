//! Tests of the matching rules.

use super::*;
use crate::statement::StatementKind;

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

fn match_one(line: &StatementLine, tenders: &[RecordedTender], rules: &MatchingRules) -> Verdict {
    let lines = [group_line("s.1", line.clone())];
    match_group(&lines, tenders, rules).verdicts[0].clone()
}

fn match_default(line: &StatementLine, tenders: &[RecordedTender]) -> Verdict {
    match_one(line, tenders, &MatchingRules::default())
}

fn group_line(id: &str, line: StatementLine) -> GroupLine {
    GroupLine {
        id: id.into(),
        provider: "adyen".into(),
        line,
    }
}

/// The outcomes, differences and paid parts of lines, and the paid part of each tender.
fn match_all(
    lines: &[StatementLine],
    tenders: &[RecordedTender],
) -> (Vec<(MatchOutcome, Money, Money)>, Vec<Money>) {
    let lines = lines.iter().enumerate();
    let lines: Vec<_> = lines
        .map(|(n, line)| group_line(&format!("s.{n}"), line.clone()))
        .collect();
    let result = match_group(&lines, tenders, &MatchingRules::default());
    let verdicts = result.verdicts.iter();
    let verdicts = verdicts.map(|one| (one.outcome, one.difference, one.pays));
    (verdicts.collect(), result.settled)
}

#[test]
fn a_payment_is_found_by_the_providers_reference_then_by_ours() {
    let paid = line(StatementKind::Payment, 1_000);
    let found = match_default(&paid, &[tender("a", 1_000)]);
    assert_eq!(found.outcome, MatchOutcome::Matched);
    assert_eq!(found.rule, MatchRule::PspReference);
    assert_eq!(found.pays, 1_000);
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
    assert_eq!((none.rule, none.pays), (MatchRule::NothingFound, 0));
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
    let lines = [back.clone(), back.clone(), back];
    let (found, settled) = match_all(&lines, &[tender("r1", -400), tender("r2", -400)]);
    use MatchOutcome::{Duplicate, Matched};
    assert_eq!(
        found,
        [(Matched, 0, -400), (Matched, 0, -400), (Duplicate, 0, 0)]
    );
    assert_eq!(settled, [-400, -400]);
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
        match_one(&paid, &[tender("a", 1_000)], &rules)
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
        match_one(&paid, &[tender], &rules)
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
    assert_eq!((verdict.tender, verdict.pays), (Some(0), 0));
    let fee = line(StatementKind::Fee, 0);
    assert_eq!(match_default(&fee, &[tender("a", 1_000)]).tender, None);
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
    let weak = match_default(&paid, std::slice::from_ref(&other));
    assert_eq!(weak.rule, MatchRule::MerchantReference);
    assert_eq!((weak.outcome, weak.pays), (MatchOutcome::Matched, 1_000));
    let own = [other.clone(), tender("b", 1_000)];
    assert_eq!(match_default(&paid, &own).tender, Some(1));
    // The tender's own line comes first, in any order.
    let theirs = StatementLine {
        psp_reference: "psp-2".into(),
        ..paid.clone()
    };
    let (found, _) = match_all(&[paid.clone(), theirs], std::slice::from_ref(&other));
    assert_eq!(found[0].0, MatchOutcome::Unmatched);
    assert_eq!(found[1].0, MatchOutcome::Matched);
    let part = StatementLine { gross: 900, ..paid };
    assert_eq!(
        match_default(&part, &[other]).outcome,
        MatchOutcome::Unmatched,
        "neither the reference nor the amount agrees"
    );
}

#[test]
fn partial_captures_settle_a_payment_together() {
    use MatchOutcome::{AmountMismatch, Duplicate, Matched};
    let [first, second] = [6_000, 3_990].map(|gross| line(StatementKind::Payment, gross));
    let tenders = [tender("a", 9_990)];
    let (found, settled) = match_all(std::slice::from_ref(&first), &tenders);
    assert_eq!(found, [(AmountMismatch, -3_990, 6_000)]);
    assert_eq!(settled, [6_000]);
    for lines in [
        [first.clone(), second.clone()],
        [second.clone(), first.clone()],
    ] {
        let (found, settled) = match_all(&lines, &tenders);
        let paid = lines.map(|line| (Matched, 0, line.gross));
        assert_eq!((found, settled), (paid.to_vec(), vec![9_990]));
    }
    let (found, settled) = match_all(&[first.clone(), second, first], &tenders);
    let outcomes: Vec<_> = found.iter().map(|one| one.0).collect();
    assert_eq!(outcomes, [Matched, Matched, Duplicate]);
    assert_eq!(settled, [9_990]);
}

#[test]
fn a_line_that_pays_too_much_has_the_difference() {
    use MatchOutcome::{AmountMismatch, Matched};
    let lines = [6_000, 4_010].map(|gross| line(StatementKind::Payment, gross));
    let (found, settled) = match_all(&lines, &[tender("a", 9_990)]);
    // In the order of their amounts, because they were booked on the same day.
    assert_eq!(found, [(AmountMismatch, 20, 5_980), (Matched, 0, 4_010)]);
    assert_eq!(settled, [9_990]);
}

#[test]
fn partial_refunds_settle_a_refund_together_only_if_they_agree() {
    use MatchOutcome::{Matched, Unmatched};
    let refunds = |amounts: &[Money]| {
        let line = |gross: &Money| line(StatementKind::Refund, *gross);
        let lines: Vec<_> = amounts.iter().map(line).collect();
        let (found, settled) = match_all(&lines, &[tender("r1", -1_000), tender("r2", -600)]);
        let outcomes: Vec<_> = found.into_iter().map(|one| one.0).collect();
        (outcomes, settled)
    };
    let (found, settled) = refunds(&[-600, -700, -300]);
    assert_eq!((found, settled), (vec![Matched; 3], vec![-1_000, -600]));
    let (found, settled) = refunds(&[-700]);
    assert_eq!((found, settled), (vec![Unmatched], vec![0, 0]));
}

#[test]
fn a_line_of_zero_settles_nothing_and_blocks_nothing() {
    let (zero, paid) = (
        line(StatementKind::Payment, 0),
        line(StatementKind::Payment, 4_000),
    );
    let tenders = [tender("a", 4_000)];
    let verdict = match_default(&zero, &tenders);
    assert_eq!(
        (verdict.outcome, verdict.rule, verdict.pays, verdict.tender),
        (
            MatchOutcome::NotApplicable,
            MatchRule::ZeroAmount,
            0,
            Some(0)
        )
    );
    let (found, settled) = match_all(&[zero, paid], &tenders);
    assert_eq!(found[1], (MatchOutcome::Matched, 0, 4_000));
    assert_eq!(settled, [4_000]);
    let charged = match_default(&line(StatementKind::Payment, 10), &[tender("free", 0)]);
    assert_eq!(charged.outcome, MatchOutcome::AmountMismatch);
    assert_eq!((charged.difference, charged.pays), (10, 0));
}

#[test]
fn several_chargebacks_and_reversals_settle_nothing() {
    let amounts = [-400, -600, 400, -400];
    let mut lines: Vec<_> = amounts
        .map(|gross| {
            let kind = match gross < 0 {
                true => StatementKind::Chargeback,
                false => StatementKind::ChargebackReversal,
            };
            line(kind, gross)
        })
        .to_vec();
    lines.push(line(StatementKind::Payment, 1_000));
    let (found, settled) = match_all(&lines, &[tender("a", 1_000)]);
    let (paid, disputed) = found.split_last().expect("lines");
    assert_eq!(*paid, (MatchOutcome::Matched, 0, 1_000));
    let linked = disputed.iter();
    assert!(
        linked
            .clone()
            .all(|one| *one == (MatchOutcome::NotApplicable, 0, 0))
    );
    assert_eq!(settled, [1_000]);
}

#[test]
fn the_manually_settled_part_is_not_matched_again() {
    let claimed = RecordedTender {
        settled: 300,
        ..tender("a", 1_000)
    };
    let rest = match_default(
        &line(StatementKind::Payment, 700),
        std::slice::from_ref(&claimed),
    );
    assert_eq!((rest.outcome, rest.pays), (MatchOutcome::Matched, 700));
    let all = match_default(&line(StatementKind::Payment, 1_000), &[claimed]);
    assert_eq!(all.outcome, MatchOutcome::AmountMismatch);
    assert_eq!((all.pays, all.difference), (700, 300));
}

mod drawn;
