//! Voids: an order that was cancelled before or after its payment, written with a status that excludes
//! it from turnover.

use crate::poslog::Poslog;
use crate::retail::{self, Basket, Direction, comes_back};
use crate::{Settings, check, refund, sale};
use galleria_sdk::money;
use galleria_sdk::prelude::*;

/// Returns the document of a void.
pub fn poslog(cx: &Context<Settings>, cancelled: &Cancellation) -> Result<Vec<u8>, Fault> {
    check::cancellation(cx, cancelled)?;
    let (status, reason) = meaning(&cancelled.cause);
    let taxes = sum_taxes(&cancelled.lines)?;
    let basket = match &cancelled.origin {
        Origin::Sale(undone) => sale::basket(undone),
        Origin::Reference(_) | Origin::None => unpaid(&cancelled.lines, &taxes)?,
    };
    let basket = Basket {
        status: status.into(),
        origin: refund::entry_of(&cancelled.origin).map(|origin| (origin, "Voided")),
        reason: Some(reason),
        ..basket
    };
    let mut poslog = Poslog::begin(
        cx,
        &cancelled.entry,
        basket.type_code(cx.settings().return_style),
    )?;
    retail::write(&mut poslog, &basket)?;
    poslog.times(&cancelled.entry);
    poslog.finish()
}

/// Returns `TransactionStatus`, and the reason in words.
fn meaning(cause: &VoidCause) -> (&'static str, &str) {
    match cause {
        VoidCause::PostVoid => ("PostVoided", "post-void"),
        VoidCause::PaymentFailed => ("Voided", "payment-failed"),
        VoidCause::Abandoned => ("Canceled", "abandoned"),
        VoidCause::Suspended => ("Suspended", "suspended"),
        VoidCause::Other(cause) => ("TransactionVoided", cause),
    }
}

/// Unpaid lines, with the amounts that they would have had.
fn unpaid<'a>(lines: &'a [Line], taxes: &'a [Tax]) -> Result<Basket<'a>, Fault> {
    let counted = lines.iter().filter(|line| !line.voided);
    let amounts = counted.map(|line| {
        if comes_back(line) {
            -line.amount
        } else {
            line.amount
        }
    });
    let added = taxes
        .iter()
        .filter(|tax| !tax.included)
        .map(|tax| tax.amount);
    let gross = money::sum(amounts.chain(added))?;
    let tax = money::sum(taxes.iter().map(|tax| tax.amount))?;
    Ok(Basket {
        direction: Direction::Sold,
        lines,
        taxes,
        tenders: &[],
        rounding: 0,
        net: gross - tax,
        gross,
        member: None,
        status: String::new(),
        origin: None,
        reason: None,
    })
}

/// The lines' taxes by code, authority, rate, included and treatment, in order of appearance.
fn sum_taxes(lines: &[Line]) -> Result<Vec<Tax>, Fault> {
    let mut sums: Vec<Tax> = Vec::new();
    for line in lines.iter().filter(|line| !line.voided) {
        let sign = if comes_back(line) { -1 } else { 1 };
        for tax in &line.taxes {
            let same = |sum: &&mut Tax| {
                (
                    &sum.code,
                    &sum.authority,
                    sum.rate,
                    sum.included,
                    &sum.treatment,
                ) == (
                    &tax.code,
                    &tax.authority,
                    tax.rate,
                    tax.included,
                    &tax.treatment,
                )
            };
            let (taxable, amount) = (sign * tax.taxable, sign * tax.amount);
            if let Some(sum) = sums.iter_mut().find(same) {
                sum.taxable = money::sum([sum.taxable, taxable])?;
                sum.amount = money::sum([sum.amount, amount])?;
            } else {
                sums.push(Tax {
                    taxable,
                    amount,
                    ..tax.clone()
                });
            }
        }
    }
    Ok(sums)
}
