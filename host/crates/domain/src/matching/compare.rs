//! Lines and tenders that share references, and the comparison of their amounts and references.

use super::{MatchingRules, RecordedTender, ReferenceKind, Verdict};
use crate::number::Money;
use crate::statement::StatementLine;

/// A line of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupLine {
    /// Identifies the line.
    pub id: String,
    /// The payment provider of its statement.
    pub provider: String,
    /// The line.
    pub line: StatementLine,
}

/// Lines and tenders while they are matched.
pub(super) struct Group<'a> {
    pub(super) lines: &'a [GroupLine],
    pub(super) tenders: &'a [RecordedTender],
    pub(super) rules: &'a MatchingRules,
    /// The indices of the lines in the order of their content, so that the order in files does not matter.
    pub(super) order: Vec<usize>,
    /// The same of the tenders, the oldest first.
    pub(super) tender_order: Vec<usize>,
    /// The unpaid part of each tender, in its minor units.
    pub(super) open: Vec<Money>,
    pub(super) verdicts: Vec<Option<Verdict>>,
}

/// Minor units are compared in units of 10⁻⁹, because a line and a tender may have different digits.
pub(super) fn scaled(amount: Money, digits: u8) -> i128 {
    i128::from(amount) * unit(digits)
}

fn unit(digits: u8) -> i128 {
    10_i128.pow((9 - digits.min(9)).into())
}

fn clamp(amount: i128) -> Money {
    amount.clamp(i64::MIN.into(), i64::MAX.into()) as Money
}

impl Group<'_> {
    pub(super) fn gross(&self, line: usize) -> i128 {
        let line = &self.lines[line].line;
        scaled(line.gross, line.minor_digits)
    }

    pub(super) fn size(&self, line: usize) -> u128 {
        self.gross(line).unsigned_abs()
    }

    pub(super) fn open_size(&self, tender: usize) -> u128 {
        scaled(self.open[tender], self.tenders[tender].minor_digits).unsigned_abs()
    }

    /// The tolerance counts the line's units, even if the tender has more decimals.
    pub(super) fn tolerance(&self, line: usize) -> u128 {
        let digits = self.lines[line].line.minor_digits;
        scaled(self.rules.amount_tolerance, digits).unsigned_abs()
    }

    /// The part of a tender that a line can pay, in the tender's minor units.
    pub(super) fn part(&self, line: usize, tender: usize) -> Money {
        let open = self.open[tender];
        let units = self.gross(line) / unit(self.tenders[tender].minor_digits);
        clamp(units).clamp(open.min(0), open.max(0))
    }

    pub(super) fn in_units_of(&self, line: usize, difference: i128) -> Money {
        clamp(difference / unit(self.lines[line].line.minor_digits))
    }

    pub(super) fn same_currency(&self, line: usize, tender: usize) -> bool {
        self.lines[line].line.currency == self.tenders[tender].currency
    }

    pub(super) fn agrees(&self, line: usize, tender: usize, amount: Money) -> bool {
        let difference = self.gross(line) - scaled(amount, self.tenders[tender].minor_digits);
        self.same_currency(line, tender) && difference.unsigned_abs() <= self.tolerance(line)
    }

    /// Whether line and tender differ in a stronger reference than the one they share.
    pub(super) fn differs(&self, kind: ReferenceKind, line: usize, tender: usize) -> bool {
        let (line, tender) = (&self.lines[line].line, &self.tenders[tender]);
        let mut stronger = ReferenceKind::ALL.into_iter().filter(|other| *other < kind);
        stronger.any(|other| {
            let (ours, theirs) = (other.of_tender(tender), other.of_line(line));
            !ours.is_empty() && !theirs.is_empty() && ours != theirs
        })
    }
}
