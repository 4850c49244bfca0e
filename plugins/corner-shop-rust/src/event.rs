//! The published event of a sale.

use crate::settings::Settings;
use crate::signed_quantity;
use galleria_sdk::At as _;
use galleria_sdk::prelude::*;

/// The event. Its fields are written in this order.
#[derive(serde::Serialize)]
pub struct Sold<'a> {
    store: &'a str,
    workstation: &'a str,
    sequence: u64,
    receipt: &'a str,
    business_date: &'a str,
    ended_at: &'a str,
    member: Option<&'a str>,
    currency: &'a str,
    net: Money,
    gross: Money,
    rounding: Money,
    pieces: String,
    points: i64,
    taxes: Vec<Taxed<'a>>,
}

#[derive(serde::Serialize)]
struct Taxed<'a> {
    code: &'a str,
    rate: String,
    amount: Money,
}

/// Returns the event of a sale.
pub fn of<'a>(
    cx: &'a Context<Settings>,
    store: &'a Store,
    sale: &'a Sale,
    counted: &[&Line],
) -> Result<Sold<'a>, Fault> {
    let entry = &sale.entry;
    let mut pieces = Decimal::whole(0);
    for line in counted.iter().filter(|line| line.unit == "EA") {
        pieces = pieces.plus(signed_quantity(line))?;
    }
    let rate = Decimal::parse(&cx.settings().points_per_unit).at("settings.points_per_unit")?;
    let gross = Decimal::of_minor(sale.gross, store.minor_digits);
    let tax = |tax: &'a Tax| Taxed {
        code: &tax.code,
        rate: tax.rate.trimmed().to_string(),
        amount: tax.amount,
    };
    Ok(Sold {
        store: &store.external_id,
        workstation: &entry.workstation,
        sequence: entry.sequence,
        receipt: &entry.receipt,
        business_date: cx.business_date(),
        ended_at: &entry.ended_at,
        member: sale.member.as_ref().map(|member| member.id.as_str()),
        currency: &entry.currency,
        net: sale.net,
        gross: sale.gross,
        rounding: sale.rounding,
        pieces: pieces.trimmed().to_string(),
        points: gross.extended(rate, 0)?,
        taxes: sale.taxes.iter().map(tax).collect(),
    })
}
