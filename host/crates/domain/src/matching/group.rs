//! Matches the lines and tenders that share references.

use super::compare::{Group, GroupLine, scaled};
use super::{
    MatchRule, MatchingRules, RecordedTender, ReferenceKind, Verdict, expected_fee, is_compared,
    sums::subset,
};
use crate::number::Money;
use crate::statement::{MatchOutcome, StatementKind};
use std::collections::BTreeMap;

/// The result of matching a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMatch {
    /// The verdict of each line, in the given order.
    pub verdicts: Vec<Verdict>,
    /// The part of each tender that is paid, in the given order.
    pub settled: Vec<Money>,
    /// Whether each tender is paid except for the tolerance.
    pub covered: Vec<bool>,
}

/// Matches lines with tenders. `settled` of a tender is the part that was settled manually: only the rest is matched.
/// Every other line or tender that shares a reference with one of the group must be in the group.
pub fn match_group(
    lines: &[GroupLine],
    tenders: &[RecordedTender],
    rules: &MatchingRules,
) -> GroupMatch {
    let mut group = Group::new(lines, tenders, rules);
    for reference in ReferenceKind::ALL {
        group.match_reference(reference);
    }
    group.finish()
}

/// By provider, side and reference.
type Key<'a> = (String, bool, &'a str);

impl<'a> Group<'a> {
    fn new(
        lines: &'a [GroupLine],
        tenders: &'a [RecordedTender],
        rules: &'a MatchingRules,
    ) -> Self {
        let mut order: Vec<_> = (0..lines.len()).collect();
        let content = |index: &usize| {
            let GroupLine { id, provider, line } = &lines[*index];
            let texts = [
                &line.booked_at,
                &line.psp_reference,
                &line.modification_reference,
                &line.merchant_reference,
                &line.currency,
                provider,
                &line.id,
            ];
            (texts, [line.gross, line.converted, line.fee], id)
        };
        order.sort_by(|one, other| content(one).cmp(&content(other)));
        let mut tender_order: Vec<_> = (0..tenders.len()).collect();
        tender_order.sort_by_key(|index| {
            let tender = &tenders[*index];
            (&tender.business_date, &tender.id)
        });
        let open = |tender: &RecordedTender| tender.amount.saturating_sub(tender.settled);
        let mut group = Self {
            lines,
            tenders,
            rules,
            order,
            tender_order,
            open: tenders.iter().map(open).collect(),
            verdicts: vec![None; lines.len()],
        };
        for (index, GroupLine { line, .. }) in lines.iter().enumerate() {
            if !is_compared(line) {
                group.verdicts[index] = Some(group.without_comparison(index));
            }
        }
        group
    }

    /// The verdict of a line that settles nothing.
    fn without_comparison(&self, index: usize) -> Verdict {
        use StatementKind::{Chargeback, ChargebackReversal, Payment, Refund};
        let line = &self.lines[index].line;
        let (rule, back) = match line.kind {
            Payment => (MatchRule::ZeroAmount, Some(false)),
            Refund => (MatchRule::ZeroAmount, Some(true)),
            Chargeback | ChargebackReversal => (MatchRule::Kind, Some(false)),
            _ => (MatchRule::Kind, None),
        };
        let size = line.gross.unsigned_abs();
        let tender = back.and_then(|back| {
            let mut kinds = ReferenceKind::ALL.into_iter();
            kinds.find_map(|reference| {
                let shares = |tender: &usize| self.shares(index, *tender, reference, back);
                let all = self.tender_order.iter().copied().filter(shares);
                all.min_by_key(|tender| self.tenders[*tender].amount.unsigned_abs() != size)
            })
        });
        Verdict {
            tender,
            ..verdict(MatchOutcome::NotApplicable, rule)
        }
    }

    fn shares(&self, line: usize, tender: usize, kind: ReferenceKind, back: bool) -> bool {
        let (line, tender) = (&self.lines[line], &self.tenders[tender]);
        let reference = kind.of_line(&line.line);
        tender.back == back
            && !reference.is_empty()
            && kind.of_tender(tender) == reference
            && (tender.provider.is_empty() || tender.provider.eq_ignore_ascii_case(&line.provider))
    }

    /// Matches the lines that no stronger reference has matched.
    fn match_reference(&mut self, kind: ReferenceKind) {
        let mut lines: BTreeMap<Key<'a>, Vec<usize>> = BTreeMap::new();
        for index in &self.order {
            let GroupLine { provider, line, .. } = &self.lines[*index];
            let refund = line.kind == StatementKind::Refund;
            let reference = kind.of_line(line);
            let own = kind != ReferenceKind::Modification || refund;
            if own && !reference.is_empty() && self.verdicts[*index].is_none() {
                let key = (provider.to_ascii_lowercase(), refund, reference);
                lines.entry(key).or_default().push(*index);
            }
        }
        let mut tenders: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
        for index in &self.tender_order {
            let tender = &self.tenders[*index];
            let key = (tender.back, kind.of_tender(tender));
            tenders.entry(key).or_default().push(*index);
        }
        for ((provider, refund, reference), lines) in lines {
            let all = tenders.get(&(refund, reference)).into_iter().flatten();
            let ours = |tender: &usize| {
                let theirs = &self.tenders[*tender].provider;
                theirs.is_empty() || theirs.eq_ignore_ascii_case(&provider)
            };
            let tenders: Vec<_> = all.copied().filter(ours).collect();
            // A payment may have several refunds: its reference identifies a refund only together with the amount.
            let by_amount = refund && kind != ReferenceKind::Modification;
            self.match_wholes(kind, &lines, &tenders);
            self.match_sums(kind, &lines, &tenders);
            // Lines in the tender's currency take precedence over lines whose amount cannot be compared.
            let (same, foreign): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| {
                tenders
                    .iter()
                    .any(|tender| self.same_currency(*line, *tender))
            });
            for line in same.into_iter().chain(foreign) {
                self.match_rest(kind, line, &tenders, by_amount);
            }
        }
    }

    /// Matches tenders with single lines of their amount.
    fn match_wholes(&mut self, kind: ReferenceKind, lines: &[usize], tenders: &[usize]) {
        for &tender in tenders {
            let fitting = lines.iter().copied().filter(|line| {
                self.open[tender] != 0
                    && self.verdicts[*line].is_none()
                    && self.agrees(*line, tender, self.open[tender])
            });
            if let Some(line) = fitting.min_by_key(|line| self.differs(kind, *line, tender)) {
                self.pay(kind, tender, &[line]);
            }
        }
    }

    /// Matches tenders with lines that together have their amount.
    fn match_sums(&mut self, kind: ReferenceKind, lines: &[usize], tenders: &[usize]) {
        for &tender in tenders {
            let pool: Vec<_> = lines
                .iter()
                .copied()
                .filter(|line| self.is_payable(kind, *line, tender))
                .collect();
            let sizes: Vec<_> = pool.iter().map(|line| self.size(*line)).collect();
            let wanted = self.open_size(tender);
            let most = pool.iter().map(|line| self.tolerance(*line)).min();
            if let Some(chosen) = subset(&sizes, wanted, most.unwrap_or(0)) {
                let chosen: Vec<_> = chosen.into_iter().map(|index| pool[index]).collect();
                self.pay(kind, tender, &chosen);
            }
        }
    }

    /// Whether a line may pay a part of a tender.
    fn is_payable(&self, kind: ReferenceKind, line: usize, tender: usize) -> bool {
        self.verdicts[line].is_none()
            && self.open[tender] != 0
            && self.same_currency(line, tender)
            && !self.differs(kind, line, tender)
    }

    /// Settles the rest of a tender with lines that together agree with it.
    fn pay(&mut self, kind: ReferenceKind, tender: usize, lines: &[usize]) {
        let digits = self.tenders[tender].minor_digits;
        let mut difference = -scaled(self.open[tender], digits);
        for (place, line) in lines.iter().enumerate() {
            let last = place + 1 == lines.len();
            difference += self.gross(*line);
            let pays = if last {
                self.open[tender]
            } else {
                self.part(*line, tender)
            };
            self.open[tender] -= pays;
            let own = if last { difference } else { 0 };
            self.verdicts[*line] = Some(Verdict {
                tender: Some(tender),
                pays,
                difference: self.in_units_of(*line, own),
                ..verdict(MatchOutcome::Matched, kind.rule())
            });
        }
    }

    /// Returns the verdict of a line if its amount does not fit any tender.
    fn match_rest(&mut self, kind: ReferenceKind, line: usize, tenders: &[usize], by_amount: bool) {
        if self.verdicts[line].is_some() {
            return;
        }
        let own = tenders.iter().copied();
        let own: Vec<_> = own
            .filter(|tender| !self.differs(kind, line, *tender))
            .collect();
        let distance = |tender: &usize, amount: Money| {
            let digits = self.tenders[*tender].minor_digits;
            (self.gross(line) - scaled(amount, digits)).abs()
        };
        let open = own.iter().copied().filter(|tender| self.open[*tender] != 0);
        let nearest = open.min_by_key(|tender| {
            let foreign = !self.same_currency(line, *tender);
            (foreign, distance(tender, self.open[*tender]))
        });
        let found = match nearest {
            Some(tender) if !by_amount => self.pay_part(kind, line, tender),
            _ => {
                let paid = own.into_iter().filter(|tender| {
                    !by_amount || self.agrees(line, *tender, self.tenders[*tender].amount)
                });
                let paid = paid.min_by_key(|tender| distance(tender, self.tenders[*tender].amount));
                paid.map(|tender| self.pay_nothing(kind, line, tender))
            }
        };
        self.verdicts[line] = found;
    }

    /// The verdict of a line for a tender that is paid, or that has no amount.
    fn pay_nothing(&self, kind: ReferenceKind, line: usize, tender: usize) -> Verdict {
        let (outcome, difference) = match self.tenders[tender].amount {
            0 => (MatchOutcome::AmountMismatch, self.lines[line].line.gross),
            _ => (MatchOutcome::Duplicate, 0),
        };
        Verdict {
            tender: Some(tender),
            difference,
            ..verdict(outcome, kind.rule())
        }
    }

    fn pay_part(&mut self, kind: ReferenceKind, line: usize, tender: usize) -> Option<Verdict> {
        let same = self.same_currency(line, tender);
        let pays = match same {
            true => self.part(line, tender),
            // The amounts cannot be compared: the line is about the whole tender.
            false => self.open[tender],
        };
        let over = self.gross(line) - scaled(self.open[tender], self.tenders[tender].minor_digits);
        let more = same && over.signum() == self.gross(line).signum();
        self.open[tender] -= pays;
        let outcome = match same {
            true => MatchOutcome::AmountMismatch,
            false => MatchOutcome::CurrencyMismatch,
        };
        Some(Verdict {
            tender: Some(tender),
            pays,
            difference: if more {
                self.in_units_of(line, over)
            } else {
                0
            },
            ..verdict(outcome, kind.rule())
        })
    }

    fn finish(mut self) -> GroupMatch {
        self.close_parts();
        let mut verdicts = std::mem::take(&mut self.verdicts);
        let lines = self.lines.iter().zip(&mut verdicts);
        let verdicts = lines.map(|(GroupLine { provider, line, .. }, found)| {
            let Some(mut found) = found.take() else {
                return verdict(MatchOutcome::Unmatched, MatchRule::NothingFound);
            };
            let tender = found.tender.filter(|_| is_compared(line));
            found.expected_fee = tender
                .and_then(|index| expected_fee(provider, &self.tenders[index], line, self.rules));
            let agrees = found.expected_fee.is_none_or(|fee| {
                line.fee.abs_diff(fee) <= self.rules.fee_tolerance.unsigned_abs()
            });
            if found.outcome == MatchOutcome::Matched && !agrees {
                found.outcome = MatchOutcome::FeeMismatch;
            }
            found
        });
        let verdicts = verdicts.collect();
        let tenders = self.tenders.iter().zip(&self.open);
        let tolerance = self.rules.amount_tolerance.unsigned_abs();
        GroupMatch {
            settled: tenders
                .clone()
                .map(|(one, open)| one.amount - open)
                .collect(),
            covered: tenders
                .map(|(one, open)| {
                    let paid = *open != one.amount && open.unsigned_abs() <= tolerance;
                    paid || *open == 0
                })
                .collect(),
            verdicts,
        }
    }

    /// The lines of a tender that is paid completely match, except the one that pays too much. If a part is
    /// open, no line of the tender matches, and the last one has the difference.
    fn close_parts(&mut self) {
        let mut last: BTreeMap<usize, usize> = BTreeMap::new();
        for &index in &self.order {
            let open = &self.open;
            let tolerance = self.rules.amount_tolerance.unsigned_abs();
            let Some(found) = self.verdicts[index].as_mut() else {
                continue;
            };
            let (Some(tender), MatchOutcome::AmountMismatch) = (found.tender, found.outcome) else {
                continue;
            };
            if open[tender] != 0 {
                last.insert(tender, index);
            }
            let near = open[tender].unsigned_abs() <= tolerance;
            if near && found.difference.unsigned_abs() <= tolerance {
                found.outcome = MatchOutcome::Matched;
            }
        }
        for (tender, line) in last {
            let missing = -scaled(self.open[tender], self.tenders[tender].minor_digits);
            let missing = self.in_units_of(line, missing);
            if let Some(found) = self.verdicts[line].as_mut() {
                found.difference = missing;
            }
        }
    }
}

fn verdict(outcome: MatchOutcome, rule: MatchRule) -> Verdict {
    Verdict {
        outcome,
        rule,
        tender: None,
        pays: 0,
        difference: 0,
        expected_fee: None,
    }
}
