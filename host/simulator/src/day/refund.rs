//! Refunds of a day: whole, by line, by amount, each within what is left of the sale.

use crate::assortment::Market;
use crate::chance::Chance;
use crate::habits::{Habits, to_step};
use galleria_domain::refunding::{Extent, LineBack, Resolved, resolve};
use galleria_domain::{Decimal, Entry, LineKind, Money, Origin, Refund, Sale};

/// A refund that the host will accept.
pub struct Back {
    pub extent: Extent,
    pub rounding: Option<Money>,
    pub reason: String,
    pub refund: Refund,
}

/// A refund of the sale after the earlier ones, or none where nothing fits.
pub fn refund(
    chance: &mut Chance,
    habits: &Habits,
    market: &Market,
    sale: &Sale,
    earlier: &[Refund],
) -> Option<Back> {
    let exchange = sale.lines.iter().any(|line| line.returned);
    let by_amount = earlier.iter().any(|refund| refund.lines.is_empty());
    let extent = match chance.below(100) {
        // The rest of a sum is a sum: no lines to look at.
        0..35 if !exchange && by_amount => return None,
        0..35 if !exchange => Extent::Full,
        35..75 => some_lines(chance, sale)?,
        _ => Extent::Amount(to_step(sale.gross / 3, market.cash_step)),
    };
    let rounding = rounding(market, sale, earlier, &extent)?;
    let resolved = resolve(sale, earlier, &extent, vec![], rounding).ok()?;
    let reason = chance.pick(&habits.reasons).clone();
    Some(Back {
        extent,
        rounding,
        refund: as_refund(resolved, sale.entry.clone(), &reason),
        reason,
    })
}

/// What goes back in cash is made of coins that exist. None where that cannot be.
#[expect(clippy::option_option, reason = "none at all, or none to be said")]
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
        // A share of several tenders is no round sum.
        _ => None,
    }
}

fn some_lines(chance: &mut Chance, sale: &Sale) -> Option<Extent> {
    let mut backs = Vec::new();
    let wanted = 1 + chance.below(2);
    for line in &sale.lines {
        let article = line.kind == LineKind::Item && !line.voided && !line.returned;
        if article && chance.percent(60) && (backs.len() as u64) < wanted {
            let several = line.quantity.scale == 0 && line.quantity.unscaled > 1;
            backs.push(LineBack {
                line: line.number,
                quantity: several.then(|| Decimal::whole(1)),
            });
        }
    }
    (!backs.is_empty()).then_some(Extent::Lines(backs))
}

fn as_refund(resolved: Resolved, entry: Entry, reason: &str) -> Refund {
    let Resolved {
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
