//! The tenders of a refund: the sale's tenders in proportion, or the requested ones within their limits.

use super::one;
use crate::basket::Tender;
use crate::fault::Problem;
use crate::number::{Money, split};
use crate::trade::{Refund, Sale};

pub(super) fn exceeds(amount: Money, left: Money) -> String {
    format!("must be at most {left}, which is left of what was paid, got {amount}")
}

pub(super) fn paid(tenders: &[Tender]) -> Money {
    tenders.iter().map(|tender| tender.amount).sum()
}

/// The rounding of a request without one: zero, except that the last refund compensates the rounding of the
/// sale and of the earlier refunds, if cash pays it.
pub(super) fn default_rounding(
    sale: &Sale,
    earlier: &[Refund],
    tenders: &[Tender],
    of_tenders: &[Money],
    last: bool,
) -> Money {
    let cash = |tender: &Tender| tender.kind == "cash";
    let by_cash = match tenders {
        [] => {
            let mut left = sale.tenders.iter().zip(of_tenders);
            left.any(|(tender, left)| cash(tender) && *left > 0)
        }
        tenders => tenders.iter().any(cash),
    };
    match last && by_cash {
        true => sale.rounding - earlier.iter().map(|refund| refund.rounding).sum::<Money>(),
        false => 0,
    }
}

/// Whether two tenders cannot be distinguished.
fn same(one: &Tender, other: &Tender) -> bool {
    one.kind == other.kind
        && one.psp_reference == other.psp_reference
        && one.stored_value == other.stored_value
}

/// The amount that each tender of the sale has not refunded yet. Among tenders that cannot be distinguished,
/// the earlier one refunds first.
pub(super) fn left_of_tenders(sale: &Sale, earlier: &[Refund]) -> Vec<Money> {
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

/// Checks that no payment with a provider's reference refunds more than it paid. Cash may refund what a card
/// paid.
pub(super) fn check_each_tender(
    sale: &Sale,
    of_tenders: &[Money],
    tenders: &[Tender],
) -> Result<(), Vec<Problem>> {
    for (index, tender) in tenders.iter().enumerate() {
        let alike = |other: &&Tender| same(tender, other);
        if tender.psp_reference.is_none() || !sale.tenders.iter().any(|paid| same(paid, tender)) {
            continue;
        }
        let requested = tenders.iter().filter(alike).map(|other| other.amount);
        let requested = requested.fold(0, Money::saturating_add);
        let paid = sale.tenders.iter().zip(of_tenders);
        let left = paid
            .filter(|(paid, _)| same(paid, tender))
            .map(|(_, left)| left);
        let left = left.sum();
        if requested > left {
            return one(&format!("tenders.{index}.amount"), exceeds(requested, left));
        }
    }
    Ok(())
}

/// The sale's tenders, which refund `total` in proportion to what is left of each.
pub(super) fn proportional(
    sale: &Sale,
    weights: &[Money],
    total: Money,
) -> Result<Vec<Tender>, Vec<Problem>> {
    let Some(parts) = split(total, weights) else {
        return one(
            "tenders",
            "must be given, because the sale's tenders cannot pay the refund",
        );
    };
    let back = sale.tenders.iter().zip(parts).filter(|(_, part)| *part > 0);
    Ok(back
        .enumerate()
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
