//! The taxes of an item as linear functions of its amount and its quantity.
//!
//! Let `net` be the item's amount without taxes. The base of a tax is `net` plus the earlier taxes that affect later
//! taxes. So each tax is `a × net + b × quantity`. The item's amount is `net` plus the included taxes, which gives
//! `net`, and with it each tax as a function of the amount. The same equations cover included and not included,
//! compound, fixed and division taxes, and every mixture of them.

use super::basket::{TaxKind, TaxRule, Treatment};
use super::exact::ratio;
use num_rational::BigRational;
use num_traits::{One as _, Signed as _, Zero as _};

/// A tax without rounding: `amount × by_amount + quantity × by_quantity`.
pub(super) struct Factors {
    pub by_amount: BigRational,
    pub by_quantity: BigRational,
}

/// Returns the taxes in units of `step`; `None` if the included taxes take the whole amount or more.
pub(super) fn solve(rules: &[TaxRule], step: &BigRational) -> Option<Vec<Factors>> {
    let mut taxes: Vec<(BigRational, BigRational)> = Vec::with_capacity(rules.len());
    let mut compound = (BigRational::one(), BigRational::zero());
    let mut included = (BigRational::one(), BigRational::zero());
    for rule in rules {
        let rate = ratio(rule.rate);
        let hundred = BigRational::from_integer(100.into());
        let by_base = match (rule.treatment, rule.kind) {
            (Treatment::Zero | Treatment::Exempt, _) | (_, TaxKind::FixedPerUnit) => {
                BigRational::zero()
            }
            (_, TaxKind::Percent) => &rate / hundred,
            (_, TaxKind::Division) => &rate / (hundred - &rate),
        };
        let base = match rule.ignores_earlier_taxes {
            true => (BigRational::one(), BigRational::zero()),
            false => compound.clone(),
        };
        let mut tax = (&by_base * base.0, by_base * base.1);
        if rule.kind == TaxKind::FixedPerUnit {
            tax.1 = rate;
        }
        for (sum, counts) in [
            (&mut compound, rule.affects_later_taxes),
            (&mut included, rule.included),
        ] {
            if counts {
                sum.0 += &tax.0;
                sum.1 += &tax.1;
            }
        }
        taxes.push(tax);
    }
    if !included.0.is_positive() {
        return None;
    }
    let factors = |(by_net, fixed): (BigRational, BigRational)| {
        // net = (amount − included.1 × quantity) / included.0
        let by_amount = by_net / &included.0;
        let by_quantity = fixed - &by_amount * &included.1;
        Factors {
            by_amount: by_amount / step,
            by_quantity: by_quantity / step,
        }
    };
    Some(taxes.into_iter().map(factors).collect())
}
