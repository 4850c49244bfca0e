//! The tenders of a refund: the sale's tenders in proportion, or the requested ones within their limits.

use super::one;
use crate::basket::Tender;
use crate::cash::{floor, nearest};
use crate::fault::Problem;
use crate::number::{Money, split};
use crate::selling::{most_rounding, must_sum, sum_tenders};
use crate::trade::{Refund, Sale};

pub(super) fn exceeds(amount: Money, left: Money) -> String {
    format!("must be at most {left}, which is left of what was paid, got {amount}")
}

pub(super) fn paid(tenders: &[Tender]) -> Money {
    tenders.iter().map(|tender| tender.amount).sum()
}

fn span(from: Money, to: Money) -> String {
    match from == to {
        true => from.to_string(),
        false => format!("{from} to {to}"),
    }
}

/// Checks that coins can pay each cash tender. Foreign cash has other coins.
pub fn check_cash(tenders: &[Tender], cash_step: Money) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (index, tender) in tenders.iter().enumerate() {
        let local = tender.is_cash() && tender.foreign.is_none();
        if local && tender.amount % cash_step != 0 {
            let field = format!("tenders.{index}.amount");
            problems.push(Problem::new(field, off_step(tender.amount, cash_step)));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

fn off_step(amount: Money, cash_step: Money) -> String {
    let below = floor(amount, cash_step);
    format!(
        "must be payable in cash, in multiples of {cash_step} minor units; the nearest amounts are {below} and \
         {}, got {amount}",
        below + cash_step
    )
}

/// Whether two tenders cannot be distinguished.
fn same(one: &Tender, other: &Tender) -> bool {
    one.kind == other.kind
        && one.psp_reference == other.psp_reference
        && one.stored_value == other.stored_value
}

/// The amount that each tender of the sale has not refunded yet. Among tenders that cannot be distinguished,
/// the earlier one refunds first.
fn left_of_tenders(sale: &Sale, earlier: &[Refund]) -> Vec<Money> {
    let mut left: Vec<Money> = sale.tenders.iter().map(|tender| tender.amount).collect();
    for back in earlier.iter().flat_map(|refund| &refund.tenders) {
        let mut amount = back.amount;
        for (tender, left) in sale.tenders.iter().zip(&mut left) {
            if same(tender, back) {
                let part = amount.min(*left);
                *left -= part;
                amount -= part;
            }
        }
    }
    left
}

/// The amounts that a refund pays.
pub(super) struct Payout<'a> {
    sale: &'a Sale,
    /// The part of each tender of the sale that is not refunded yet.
    of_tenders: Vec<Money>,
    /// The part of the payment that is not refunded yet.
    left: Money,
    /// The refunded amount.
    gross: Money,
    /// The amount to pay before cash rounding.
    due: Money,
    /// Whether nothing is left to refund afterwards.
    last: bool,
    cash_step: Money,
}

impl<'a> Payout<'a> {
    /// The payout of a refund of `gross`, of which `left_gross` was not refunded yet.
    pub(super) fn after(
        sale: &'a Sale,
        earlier: &[Refund],
        gross: Money,
        left_gross: Money,
        cash_step: Money,
    ) -> Self {
        let back: Money = earlier.iter().map(|refund| paid(&refund.tenders)).sum();
        let left = paid(&sale.tenders) - back;
        let last = gross == left_gross;
        Self {
            sale,
            of_tenders: left_of_tenders(sale, earlier),
            left,
            gross,
            // If cash was rounded up several times, less than `gross` may be left before the last refund.
            due: if last { left } else { gross.min(left) },
            last,
            cash_step,
        }
    }

    /// The rounding that the till may choose: `from..=to`.
    fn rounding_range(&self, cash: bool, chosen: bool) -> (Money, Money) {
        let exact = self.due - self.gross;
        let most = match (cash, self.cash_step, chosen) {
            (false, _, _) | (true, 1, false) => 0,
            // A store without a cash step may round by itself.
            (true, 1, true) => most_rounding(1),
            (true, step, _) => step - 1,
        };
        (exact - most, exact + most)
    }

    /// Checks the rounding that the till chose.
    fn check_rounding(&self, rounding: Money, cash: bool) -> Result<(), Vec<Problem>> {
        let (from, to) = self.rounding_range(cash, true);
        if !(from..=to).contains(&rounding) {
            return one(
                "rounding",
                format!("must be {}, got {rounding}", span(from, to)),
            );
        }
        if self.gross + rounding > self.left {
            return one("rounding", exceeds(self.gross + rounding, self.left));
        }
        Ok(())
    }

    /// The sale's tenders, in proportion to what each has not refunded yet. One cash tender pays all cash.
    pub(super) fn by_sale(&self, rounding: Option<Money>) -> Result<Vec<Tender>, Vec<Problem>> {
        let tenders = || self.sale.tenders.iter().zip(&self.of_tenders);
        let all: Money = self.of_tenders.iter().sum();
        let cash_left: Money = tenders()
            .filter(|(tender, _)| tender.is_cash())
            .map(|(_, left)| left)
            .sum();
        if all == 0 && self.due > 0 {
            return one(
                "tenders",
                "must be given, because the sale's tenders cannot pay the refund",
            );
        }
        let shares = split(self.due, &[all - cash_left, cash_left]).unwrap_or(vec![0, 0]);
        let (mut other, mut cash) = (shares[0], shares[1]);
        if let Some(rounding) = rounding {
            self.check_rounding(rounding, cash_left > 0)?;
            cash = self.gross + rounding - other;
            if cash < 0 {
                let least = other - self.gross;
                let rule = format!(
                    "must be at least {least}, because other tenders than cash pay {other}"
                );
                return one("rounding", format!("{rule}, got {rounding}"));
            }
            let payable = cash % self.cash_step == 0 || (self.due == all && cash == cash_left);
            if !payable {
                let rule = off_step(cash, self.cash_step);
                return one("rounding", format!("the cash {rule}"));
            }
        } else if self.due < all {
            // If everything is paid out, the cash is what the till accepted.
            let most = if self.last {
                self.due
            } else {
                self.left - other
            };
            cash = self.in_coins(cash, most.min(cash_left));
            if self.last {
                other = (self.due - cash).min(all - cash_left);
            }
        }
        let weights: Vec<Money> = tenders()
            .map(|(tender, left)| if tender.is_cash() { 0 } else { *left })
            .collect();
        let mut parts = split(other, &weights).unwrap_or(vec![0; weights.len()]);
        if let Some(first) = self.sale.tenders.iter().position(Tender::is_cash) {
            parts[first] = cash;
        }
        let back = self.sale.tenders.iter().zip(parts);
        let back = back.filter(|(_, part)| *part > 0).enumerate();
        Ok(back
            .map(|(index, (tender, part))| Tender {
                number: u32::try_from(index + 1).unwrap_or(u32::MAX),
                amount: part,
                tendered: part,
                change: 0,
                // A payment in a foreign currency is refunded in the store's currency.
                foreign: None,
                ..tender.clone()
            })
            .collect())
    }

    /// The cash nearest to an amount that coins can pay, without exceeding `most`.
    fn in_coins(&self, amount: Money, most: Money) -> Money {
        let rounded = nearest(amount, self.cash_step);
        if rounded <= most {
            rounded
        } else {
            floor(most, self.cash_step)
        }
    }

    /// Checks the requested tenders. Cash may refund what a card paid.
    pub(super) fn by_request(
        &self,
        tenders: Vec<Tender>,
        rounding: Option<Money>,
    ) -> Result<Vec<Tender>, Vec<Problem>> {
        let sum = sum_tenders(&tenders)?;
        check_cash(&tenders, self.cash_step)?;
        self.check_references(&tenders)?;
        let cash = tenders.iter().any(Tender::is_cash);
        if let Some(rounding) = rounding {
            self.check_rounding(rounding, cash)?;
            let due = self.gross + rounding;
            if sum != due {
                return one("tenders", must_sum("refund", due, sum));
            }
        }
        let (from, to) = self.rounding_range(cash, rounding.is_some());
        if !(from..=to).contains(&(sum - self.gross)) {
            let due = span(self.gross + from, self.gross + to);
            return one("tenders", must_sum("refund", due, sum));
        }
        if sum > self.left {
            return one("tenders", exceeds(sum, self.left));
        }
        Ok(tenders)
    }

    /// Checks that no payment with a provider's reference refunds more than it paid.
    fn check_references(&self, tenders: &[Tender]) -> Result<(), Vec<Problem>> {
        for (index, tender) in tenders.iter().enumerate() {
            let alike = |other: &&Tender| same(tender, other);
            let of_sale = self.sale.tenders.iter().zip(&self.of_tenders);
            let mut of_sale = of_sale.filter(|(paid, _)| same(paid, tender)).peekable();
            if tender.psp_reference.is_none() || of_sale.peek().is_none() {
                continue;
            }
            let requested = tenders.iter().filter(alike).map(|other| other.amount);
            let requested = requested.fold(0, Money::saturating_add);
            let left = of_sale.map(|(_, left)| left).sum();
            if requested > left {
                return one(&format!("tenders.{index}.amount"), exceeds(requested, left));
            }
        }
        Ok(())
    }
}
