//! Refunds of a day: in full, by line or by amount, within the remaining amount of the sale.

use crate::assortment::Market;
use crate::habits::{Habits, to_step};
use crate::random::Random;
use galleria_domain::refunding::{Extent, RefundLine, ResolvedRefund, resolve};
use galleria_domain::{Decimal, Entry, LineKind, Money, Origin, Refund, Sale};

/// A refund that the host will accept.
pub struct DrawnRefund {
    pub extent: Extent,
    pub rounding: Option<Money>,
    pub reason: String,
    pub refund: Refund,
}

/// Draws a refund of a sale with earlier refunds. Returns none if the drawn extent is not possible.
pub fn draw(
    random: &mut Random,
    habits: &Habits,
    market: &Market,
    sale: &Sale,
    earlier: &[Refund],
) -> Option<DrawnRefund> {
    let exchange = sale.lines.iter().any(|line| line.returned);
    let by_amount = earlier.iter().any(|refund| refund.lines.is_empty());
    let extent = match random.below(100) {
        // After a refund by amount, a full refund has no lines to check.
        0..35 if !exchange && by_amount => return None,
        0..35 if !exchange => Extent::Full,
        35..75 => some_lines(random, sale)?,
        _ => Extent::Amount(to_step(sale.gross / 3, market.cash_step)),
    };
    let rounding = rounding(market, sale, earlier, &extent)?;
    let resolved = resolve(sale, earlier, &extent, vec![], rounding).ok()?;
    let reason = random.pick(&habits.reasons).clone();
    Some(DrawnRefund {
        extent,
        rounding,
        refund: as_refund(resolved, sale.entry.clone(), &reason),
        reason,
    })
}

/// Returns the rounding that makes the cash amount payable in existing coins. The outer option is none if
/// that is not possible, the inner one if the request needs no rounding.
#[expect(
    clippy::option_option,
    reason = "\"impossible\" differs from \"not needed\""
)]
fn rounding(
    market: &Market,
    sale: &Sale,
    earlier: &[Refund],
    extent: &Extent,
) -> Option<Option<Money>> {
    let cash = sale
        .tenders
        .iter()
        .filter(|tender| tender.kind == "cash")
        .count();
    let gross = resolve(sale, earlier, extent, vec![], Some(0))
        .map(|resolved| resolved.gross)
        .or_else(|_| resolve(sale, earlier, extent, vec![], None).map(|resolved| resolved.gross))
        .ok()?;
    match (cash, sale.tenders.len()) {
        (0, _) => Some(None),
        _ if gross == sale.gross => Some(Some(sale.rounding)),
        (1, 1) => {
            let paid = to_step(gross, market.cash_step);
            (paid > 0).then_some(Some(paid - gross))
        }
        // A share of several tenders is not a multiple of the smallest coin.
        _ => None,
    }
}

fn some_lines(random: &mut Random, sale: &Sale) -> Option<Extent> {
    let mut lines = Vec::new();
    let limit = 1 + random.below(2);
    for line in &sale.lines {
        let article = line.kind == LineKind::Item && !line.voided && !line.returned;
        if article && random.percent(60) && (lines.len() as u64) < limit {
            let several = line.quantity.scale == 0 && line.quantity.unscaled > 1;
            lines.push(RefundLine {
                line: line.number,
                quantity: several.then(|| Decimal::whole(1)),
            });
        }
    }
    (!lines.is_empty()).then_some(Extent::Lines(lines))
}

fn as_refund(resolved: ResolvedRefund, entry: Entry, reason: &str) -> Refund {
    let ResolvedRefund {
        lines,
        tenders,
        taxes,
        gross,
        net,
        rounding,
    } = resolved;
    Refund {
        entry,
        origin: Origin::None,
        earlier: vec![],
        reason: reason.into(),
        lines,
        tenders,
        taxes,
        rounding,
        net,
        gross,
        attributes: vec![],
    }
}
