//! What pays a refund back: the sale's tenders in proportion, or those that are named, within what each paid.

use super::one;
use crate::basket::Tender;
use crate::fault::Problem;
use crate::number::{Money, split};
use crate::trade::{Refund, Sale};

pub(super) fn more(asked: Money, left: Money) -> String {
    format!("{asked} is more than the {left} that is left of what was paid")
}

pub(super) fn paid(tenders: &[Tender]) -> Money {
    tenders.iter().map(|tender| tender.amount).sum()
}

/// The rounding of whoever names none: none, but that the last refund evens out what the sale's and the
/// refunds' before it did, where cash pays it back.
pub(super) fn usual_rounding(
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
        named => named.iter().any(cash),
    };
    match last && by_cash {
        true => sale.rounding - earlier.iter().map(|back| back.rounding).sum::<Money>(),
        false => 0,
    }
}

/// Whether nobody could tell two tenders apart.
fn same(one: &Tender, other: &Tender) -> bool {
    one.kind == other.kind
        && one.psp_reference == other.psp_reference
        && one.stored_value == other.stored_value
}

/// What each tender of the sale has not paid back yet. Of tenders that cannot be told apart the
/// earlier one pays first.
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

/// Cash may pay back what a card paid; but a payment that a provider knows by its reference pays back at
/// most itself.
pub(super) fn within_what_each_paid(
    sale: &Sale,
    of_tenders: &[Money],
    tenders: &[Tender],
) -> Result<(), Vec<Problem>> {
    for (index, tender) in tenders.iter().enumerate() {
        let alike = |other: &&Tender| same(tender, other);
        if tender.psp_reference.is_none() || !sale.tenders.iter().any(|paid| same(paid, tender)) {
            continue;
        }
        let asked = tenders.iter().filter(alike).map(|other| other.amount);
        let asked = asked.fold(0, Money::saturating_add);
        let paid = sale.tenders.iter().zip(of_tenders);
        let left = paid
            .filter(|(paid, _)| same(paid, tender))
            .map(|(_, left)| left);
        let left = left.sum();
        if asked > left {
            return one(&format!("tenders.{index}.amount"), more(asked, left));
        }
    }
    Ok(())
}

/// The sale's tenders, paying back `total` in proportion to what is left of each.
pub(super) fn paid_back(
    sale: &Sale,
    weights: &[Money],
    total: Money,
) -> Result<Vec<Tender>, Vec<Problem>> {
    let Some(parts) = split(total, weights) else {
        return one(
            "tenders",
            "say how it is paid back: the sale's tenders do not tell",
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
            // What was paid in another currency is paid back in the store's own.
            foreign: None,
            ..tender.clone()
        })
        .collect())
}
