//! Sums over the lines of one row, by kind and by outcome.

use galleria_sdk::prelude::*;
use galleria_sdk::{SettlementLine, money};

/// The lines of a sum. The first five are kinds, and every line has one of them; the next five are
/// outcomes, and every line has one of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Sales,
    Refunds,
    Chargebacks,
    Fees,
    Other,
    Matched,
    Mismatched,
    Duplicates,
    Unmatched,
    NotApplicable,
    All,
}

/// Names in columns, in the order of [`Part`]; `All` has none.
pub const PARTS: [(&str, Part); 10] = [
    ("sales", Part::Sales),
    ("refunds", Part::Refunds),
    ("chargebacks", Part::Chargebacks),
    ("fees", Part::Fees),
    ("other", Part::Other),
    ("matched", Part::Matched),
    ("mismatched", Part::Mismatched),
    ("duplicates", Part::Duplicates),
    ("unmatched", Part::Unmatched),
    ("not_applicable", Part::NotApplicable),
];

/// The summed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Lines,
    Gross,
    Fee,
    Net,
}

/// Names in columns.
pub const MEASURES: [(&str, Measure); 4] = [
    ("lines", Measure::Lines),
    ("gross", Measure::Gross),
    ("fee", Measure::Fee),
    ("net", Measure::Net),
];

/// In the payout's currency. With 128 bits, only a written sum can be too large.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    lines: u64,
    gross: i128,
    fee: i128,
    net: i128,
}

impl Sum {
    fn add(&mut self, line: &SettlementLine) {
        self.lines += 1;
        self.gross += i128::from(line.converted());
        self.fee += i128::from(line.fee());
        self.net += i128::from(line.net());
    }
}

/// The sums of one row.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    parts: [Sum; 10],
    all: Sum,
    difference: i128,
    foreign_differences: i64,
}

impl Sums {
    pub fn add(&mut self, line: &SettlementLine) -> Result<(), Fault> {
        let kind = match line.kind() {
            "payment" => Part::Sales,
            "refund" => Part::Refunds,
            "chargeback" | "chargeback-reversal" => Part::Chargebacks,
            "fee" => Part::Fees,
            // A kind that the contract adds later is counted too, so that no line is lost.
            _ => Part::Other,
        };
        let outcome = match line.outcome() {
            "matched" => Part::Matched,
            "amount-mismatch" | "currency-mismatch" | "fee-mismatch" => Part::Mismatched,
            "duplicate" => Part::Duplicates,
            "unmatched" => Part::Unmatched,
            "not-applicable" => Part::NotApplicable,
            other => {
                let message = format!("the outcome `{other}` is unknown");
                return Err(Fault::invalid("settlement.outcome", message));
            }
        };
        self.parts[kind as usize].add(line);
        self.parts[outcome as usize].add(line);
        self.all.add(line);
        if line.currency() == line.paid_currency() {
            self.difference += i128::from(line.difference());
        } else {
            // Amounts of another currency cannot be added; the row only counts the differences.
            self.foreign_differences += i64::from(line.difference() != 0);
        }
        Ok(())
    }

    /// A number, and whether it is an amount.
    pub fn value(&self, part: Part, measure: Measure) -> Result<(i64, bool), Fault> {
        let sum = match part {
            Part::All => &self.all,
            part => &self.parts[part as usize],
        };
        let (value, money) = match measure {
            Measure::Lines => (i128::from(sum.lines), false),
            Measure::Gross => (sum.gross, true),
            Measure::Fee => (sum.fee, true),
            Measure::Net => (sum.net, true),
        };
        Ok((narrow(value)?, money))
    }

    /// The statement's amounts less the recorded amounts, over the lines in the payout's currency.
    pub fn difference(&self) -> Result<Money, Fault> {
        narrow(self.difference)
    }

    /// The number of different lines in another currency.
    pub fn foreign_differences(&self) -> i64 {
        self.foreign_differences
    }

    /// Gross, fee and net of all lines.
    pub fn whole(&self) -> Result<[Money; 3], Fault> {
        Ok([
            narrow(self.all.gross)?,
            narrow(self.all.fee)?,
            narrow(self.all.net)?,
        ])
    }

    pub fn lines(&self) -> u64 {
        self.all.lines
    }
}

fn narrow(sum: i128) -> Result<Money, Fault> {
    let halves = i64::try_from(sum);
    halves.map_err(|_| {
        let largest = money::format(i64::MAX, 0);
        Fault::invalid(
            "settlement",
            format!("a sum is beyond {largest} minor units"),
        )
    })
}
