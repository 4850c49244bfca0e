//! Drawn tenders and lines: the result does not depend on the order, and no tender is paid twice.

use super::*;
use rand::seq::SliceRandom as _;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Splits an amount into parts that are not zero.
fn split(random: &mut impl Rng, amount: Money) -> Vec<Money> {
    let mut parts = Vec::new();
    let mut rest = amount;
    while parts.len() < 3 && rest.abs() > 1 && random.random_range(0..2) == 0 {
        let part = random.random_range(1..rest.abs()) * rest.signum();
        parts.push(part);
        rest -= part;
    }
    parts.push(rest);
    parts
}

/// A payment or refund, with its own reference or with a common one.
fn drawn_tender(random: &mut impl Rng, number: usize) -> RecordedTender {
    let amount = random.random_range(1..2_000) * [1, 1, -1][random.random_range(0..3)];
    let mut drawn = tender(&format!("t{number}"), amount);
    drawn.psp_reference = match random.random_range(0..3) {
        0 => "psp-1".into(),
        1 => String::new(),
        _ => format!("psp-{number}"),
    };
    if amount < 0 && random.random_range(0..2) == 0 {
        drawn.modification_reference = format!("mod-{number}");
    }
    drawn
}

fn lines_of(random: &mut impl Rng, tender: &RecordedTender, lines: &mut Vec<StatementLine>) {
    let kind = match tender.back {
        true => StatementKind::Refund,
        false => StatementKind::Payment,
    };
    for part in split(random, tender.amount) {
        lines.push(StatementLine {
            psp_reference: tender.psp_reference.clone(),
            modification_reference: tender.modification_reference.clone(),
            booked_at: format!("2026-11-{:02}", random.random_range(20..24)),
            ..line(kind.clone(), part)
        });
    }
}

/// Whether each tender has a reference that no other has, so that its lines are only its own.
fn own_references(tenders: &[RecordedTender]) -> bool {
    let own = |tender: &RecordedTender| {
        let strongest = match tender.modification_reference.is_empty() {
            true => &tender.psp_reference,
            false => &tender.modification_reference,
        };
        !strongest.is_empty() && strongest != "psp-1"
    };
    tenders.iter().all(own)
}

#[test]
fn drawn_lines_settle_tenders_once_in_any_order() {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let rules = MatchingRules::default();
    let mut complete = 0;
    for case in 0..100_000 {
        let count = random.random_range(1..4);
        let tenders: Vec<_> = (0..count).map(|n| drawn_tender(&mut random, n)).collect();
        let mut content = Vec::new();
        for tender in &tenders {
            lines_of(&mut random, tender, &mut content);
        }
        // The last part is repeated, missing, zero, or wrong by one.
        let disturbed = random.random_range(0..5);
        if let Some(last) = content.last_mut() {
            match disturbed {
                0 => last.gross += last.gross.signum(),
                1 => last.gross = 0,
                _ => {}
            }
        }
        if disturbed == 2 {
            content.pop();
        } else if disturbed == 3 {
            content.extend(content.last().cloned());
        }
        let numbered = |statement: &str, lines: &[StatementLine]| -> Vec<GroupLine> {
            let lines = lines.iter().enumerate();
            lines
                .map(|(n, line)| group_line(&format!("{statement}.{n}"), line.clone()))
                .collect()
        };
        let lines = numbered("s", &content);
        let result = match_group(&lines, &tenders, &rules);
        check_sums(case, &lines, &tenders, &result);
        if disturbed > 3 && own_references(&tenders) {
            let matched = |one: &Verdict| one.outcome == MatchOutcome::Matched;
            assert!(
                result.verdicts.iter().all(matched),
                "case {case}: {lines:#?} {result:#?}"
            );
            assert!(result.covered.iter().all(|covered| *covered), "case {case}");
            complete += 1;
        }
        // The same lines in another order and in two statements.
        content.shuffle(&mut random);
        let (first, second) = content.split_at(random.random_range(0..=content.len()));
        let mut other = numbered("a", first);
        other.extend(numbered("b", second));
        let again = match_group(&other, &tenders, &rules);
        assert_eq!(again.settled, result.settled, "case {case}");
        assert_eq!(
            summary(&other, &tenders, &again),
            summary(&lines, &tenders, &result),
            "case {case}"
        );
    }
    assert!(complete > 3_000, "{complete}");
}

/// Checks that the paid parts of the lines are the paid parts of the tenders, and never more than the tenders.
fn check_sums(case: usize, lines: &[GroupLine], tenders: &[RecordedTender], result: &GroupMatch) {
    for (index, tender) in tenders.iter().enumerate() {
        let settled = result.settled[index];
        let of = |one: &&Verdict| one.tender == Some(index);
        let parts = result.verdicts.iter().filter(of).map(|one| one.pays);
        assert_eq!(parts.sum::<Money>(), settled, "case {case}");
        let rest = tender.amount - settled;
        assert!(
            settled * tender.amount >= 0 && rest * tender.amount >= 0,
            "case {case}"
        );
        assert_eq!(result.covered[index], rest == 0, "case {case}");
    }
    for (GroupLine { line, .. }, found) in lines.iter().zip(&result.verdicts) {
        assert!(found.pays.abs() <= line.gross.abs(), "case {case}");
        assert!(found.pays * line.gross >= 0, "case {case}");
        if found.outcome == MatchOutcome::Matched {
            assert_eq!(
                (found.pays, found.difference),
                (line.gross, 0),
                "case {case}"
            );
            let tender = found.tender.expect("a tender");
            assert!(result.covered[tender], "case {case}");
        }
    }
}

type Summary<'a> = Vec<(String, Money, Option<&'a str>, MatchOutcome, Money, Money)>;

/// The outcome of each line, without its position.
fn summary<'a>(
    lines: &[GroupLine],
    tenders: &'a [RecordedTender],
    result: &GroupMatch,
) -> Summary<'a> {
    let lines = lines.iter().zip(&result.verdicts);
    let mut summary: Summary = lines
        .map(|(GroupLine { line, .. }, found)| {
            let references = format!(
                "{} {} {}",
                line.booked_at, line.psp_reference, line.modification_reference
            );
            let tender = found.tender.map(|index| &*tenders[index].id);
            let amounts = (found.pays, found.difference);
            (
                references,
                line.gross,
                tender,
                found.outcome,
                amounts.0,
                amounts.1,
            )
        })
        .collect();
    summary.sort();
    summary
}
