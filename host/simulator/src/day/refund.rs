//! Refunds of a day: in full, by line or by amount, within the remaining amount of the sale.

use crate::habits::{Habits, to_step};
use crate::random::Random;
use galleria_domain::refunding::{Extent, RefundLine, ResolvedRefund, resolve};
use galleria_domain::{Decimal, Entry, LineKind, Money, Origin, Refund, Sale};

/// A refund that the host will accept.
pub struct DrawnRefund {
    pub extent: Extent,
    pub reason: String,
    pub refund: Refund,
}

/// Draws a refund of a sale with earlier refunds. Returns none if the drawn extent is not possible.
pub fn draw(
    random: &mut Random,
    habits: &Habits,
    cash_step: Money,
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
        _ => Extent::Amount(to_step(sale.gross / 3, cash_step)),
    };
    let resolved = resolve(sale, earlier, &extent, vec![], None, cash_step).ok()?;
    let reason = random.pick(&habits.reasons).clone();
    Some(DrawnRefund {
        extent,
        refund: as_refund(resolved, sale.entry.clone(), &reason),
        reason,
    })
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
