//! Refunds: by line or by amount.

use crate::poslog::Poslog;
use crate::retail::{self, Basket, Direction};
use crate::{Settings, check};
use galleria_sdk::prelude::*;

/// Returns the document of a refund.
pub fn poslog(cx: &Context<Settings>, refund: &Refund) -> Result<Vec<u8>, Fault> {
    check::refund(cx, refund)?;
    let basket = Basket {
        direction: Direction::GivenBack,
        lines: &refund.lines,
        taxes: &refund.taxes,
        tenders: &refund.tenders,
        rounding: refund.rounding,
        net: refund.net,
        gross: refund.gross,
        member: match &refund.origin {
            Origin::Sale(sale) => sale.member.as_ref(),
            Origin::Reference(_) | Origin::None => None,
        },
        status: "Finished".into(),
        origin: entry_of(&refund.origin).map(|origin| (origin, "Return")),
        reason: Some(&refund.reason),
    };
    let mut poslog = Poslog::begin(
        cx,
        &refund.entry,
        basket.type_code(cx.settings().return_style),
    )?;
    retail::write(&mut poslog, &basket)?;
    poslog.times(&refund.entry);
    poslog.finish()
}

/// Returns the entry of an origin.
pub fn entry_of(origin: &Origin) -> Option<&Entry> {
    match origin {
        Origin::Sale(sale) => Some(&sale.entry),
        Origin::Reference(entry) => Some(entry),
        Origin::None => None,
    }
}
