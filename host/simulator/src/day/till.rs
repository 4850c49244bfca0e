//! How baskets are paid: cards, cash with change and rounding, gift cards, foreign notes.

use crate::assortment::{Assortment, Market};
use crate::chance::Chance;
use crate::habits::{Payments, to_step};
use anyhow::{Context, Result};
use galleria_domain::number::extended;
use galleria_domain::{Decimal, Foreign, Money, Store, Tender};

/// A payment: tenders that sum to the basket and what cash rounding adds or drops.
pub struct Paid {
    pub tenders: Vec<Tender>,
    pub rounding: Money,
}

/// Pays `gross`. Without a drawer there is no cash.
pub fn pay(
    chance: &mut Chance,
    assortment: &Assortment,
    store: &Store,
    gross: Money,
    drawer: bool,
) -> Result<Paid> {
    let market = assortment.market(store)?;
    let ways = &assortment.payments;
    let cash_works = drawer && to_step(gross, market.cash_step) > 0;
    let paid = match Way::of(ways, chance.below(100)) {
        Way::Cash if cash_works => cash(chance, market, gross)?,
        Way::Foreign if cash_works && market.foreign.is_some() => foreign(store, market, gross)?,
        Way::GiftCard => gift_card_and_rest(chance, assortment, market, gross, drawer)?,
        Way::Wallet if !drawer => whole(card(chance, ways, 1, "wallet", gross)),
        // What does not work here is paid by card.
        _ => whole(card(chance, ways, 1, "card", gross)),
    };
    Ok(paid)
}

#[derive(Clone, Copy)]
enum Way {
    Cash,
    Foreign,
    GiftCard,
    Wallet,
    Card,
}

impl Way {
    /// `drawn` is below a hundred.
    fn of(ways: &Payments, drawn: u64) -> Self {
        let mut below = 0;
        for (often, way) in [
            (ways.cash, Self::Cash),
            (ways.foreign, Self::Foreign),
            (ways.gift_card, Self::GiftCard),
            (ways.wallet, Self::Wallet),
        ] {
            below += often;
            if drawn < below {
                return way;
            }
        }
        Self::Card
    }
}

fn whole(tender: Tender) -> Paid {
    Paid {
        tenders: vec![tender],
        rounding: 0,
    }
}

fn plain(number: u32, kind: &str, amount: Money) -> Tender {
    Tender {
        number,
        kind: kind.into(),
        amount,
        tendered: amount,
        change: 0,
        foreign: None,
        provider: None,
        psp_reference: None,
        modification_reference: None,
        merchant_reference: None,
        authorisation: None,
        scheme: None,
        masked: None,
        stored_value: None,
        attributes: vec![],
    }
}

fn card(chance: &mut Chance, ways: &Payments, number: u32, kind: &str, amount: Money) -> Tender {
    let (scheme, first) = *chance.pick(&[
        ("visa", "424242"),
        ("mastercard", "545454"),
        ("amex", "378282"),
    ]);
    Tender {
        provider: Some(ways.provider.clone()),
        psp_reference: Some(format!("{}{}", ways.reference, chance.digits(ways.digits))),
        authorisation: Some(chance.digits(6)),
        scheme: Some(scheme.into()),
        masked: Some(format!("{first}******{}", chance.digits(4))),
        ..plain(number, kind, amount)
    }
}

fn cash(chance: &mut Chance, market: &Market, gross: Money) -> Result<Paid> {
    let amount = to_step(gross, market.cash_step);
    // One in four has it exactly; the others give the next note, or several of the largest.
    let tendered = if chance.percent(25) {
        amount
    } else {
        notes(&market.notes, amount)?
    };
    Ok(Paid {
        tenders: vec![Tender {
            tendered,
            change: tendered - amount,
            ..plain(1, "cash", amount)
        }],
        rounding: amount - gross,
    })
}

/// The smallest note that covers the amount, or as many of the largest as do.
fn notes(notes: &[Money], amount: Money) -> Result<Money> {
    let largest = *notes.last().context("a note")?;
    let one = notes.iter().copied().find(|note| *note >= amount);
    Ok(one.unwrap_or_else(|| (amount + largest - 1) / largest * largest))
}

fn foreign(store: &Store, market: &Market, gross: Money) -> Result<Paid> {
    let currency = market.foreign.as_ref().context("a foreign currency")?;
    let amount = to_step(gross, market.cash_step);
    let worth = |minor: Money| {
        let major = Decimal {
            unscaled: minor,
            scale: 2,
        };
        extended(currency.rate, major, store.minor_digits).context("an exchange")
    };
    let largest = *currency.notes.last().context("a note")?;
    let mut given = None;
    for note in currency.notes.iter().copied() {
        if worth(note)? >= amount {
            given = Some(note);
            break;
        }
    }
    let given = match given {
        Some(note) => note,
        None => (amount + worth(largest)? - 1) / worth(largest)? * largest,
    };
    let tendered = worth(given)?;
    Ok(Paid {
        tenders: vec![Tender {
            tendered,
            change: tendered - amount,
            foreign: Some(Foreign {
                currency: currency.currency.clone(),
                amount: given,
                rate: currency.rate,
            }),
            ..plain(1, "cash", amount)
        }],
        rounding: amount - gross,
    })
}

fn gift_card_and_rest(
    chance: &mut Chance,
    assortment: &Assortment,
    market: &Market,
    gross: Money,
    drawer: bool,
) -> Result<Paid> {
    let worth = market.notes[0];
    let covered = worth.min(gross);
    let gift = Tender {
        stored_value: Some(format!("600612********{}", chance.digits(4))),
        ..plain(1, "gift-card", covered)
    };
    let rest = gross - covered;
    if rest == 0 {
        return Ok(whole(gift));
    }
    let mut paid = if drawer && to_step(rest, market.cash_step) > 0 && chance.percent(50) {
        cash(chance, market, rest)?
    } else {
        whole(card(chance, &assortment.payments, 2, "card", rest))
    };
    for tender in &mut paid.tenders {
        tender.number = 2;
    }
    paid.tenders.insert(0, gift);
    Ok(paid)
}
