//! Sales.

use crate::poslog::Poslog;
use crate::retail::{self, Basket, Direction};
use crate::{Settings, check};
use galleria_sdk::prelude::*;

/// Returns the document of a sale.
pub fn poslog(cx: &Context<Settings>, sale: &Sale) -> Result<Vec<u8>, Fault> {
    check::sale(cx, sale)?;
    let basket = basket(sale);
    let mut poslog = Poslog::begin(
        cx,
        &sale.entry,
        basket.type_code(cx.settings().return_style),
    )?;
    retail::write(&mut poslog, &basket)?;
    poslog.times(&sale.entry);
    poslog.finish()
}

/// A sale as a basket: finished, without an origin.
pub fn basket(sale: &Sale) -> Basket<'_> {
    Basket {
        direction: Direction::Sold,
        lines: &sale.lines,
        taxes: &sale.taxes,
        tenders: &sale.tenders,
        rounding: sale.rounding,
        net: sale.net,
        gross: sale.gross,
        member: sale.member.as_ref(),
        status: "Finished".into(),
        origin: None,
        reason: None,
    }
}
