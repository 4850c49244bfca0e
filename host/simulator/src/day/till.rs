//! Payment of baskets: cards, cash with change and rounding, gift cards and foreign notes.

use crate::assortment::{Assortment, Market};
use crate::habits::{Payments, to_step};
use crate::random::Random;
use anyhow::{Context, Result};
use galleria_domain::number::extended;
use galleria_domain::{Decimal, Foreign, Money, Store, Tender};

/// Tenders whose sum is the basket total plus the cash rounding.
pub struct DrawnPayment {
    pub tenders: Vec<Tender>,
    pub rounding: Money,
}

/// Draws a payment of `gross`. Without a drawer there is no cash.
pub fn pay(
    random: &mut Random,
    assortment: &Assortment,
    store: &Store,
    gross: Money,
    drawer: bool,
) -> Result<DrawnPayment> {
    let market = assortment.market(store)?;
    let payments = &assortment.payments;
    let step = store.cash_step_in_minor();
    let cash_possible = drawer && to_step(gross, step) > 0;
    let paid = match Method::draw(payments, random.below(100)) {
        Method::Cash if cash_possible => cash(random, market, step, gross)?,
        Method::Foreign if cash_possible && market.foreign.is_some() => {
            foreign(store, market, gross)?
        }
        Method::GiftCard => gift_card_and_rest(random, assortment, store, gross, drawer)?,
        Method::Wallet if !drawer => single(card(random, payments, 1, "wallet", gross)),
        // If the drawn method is not possible, the basket is paid by card.
        _ => single(card(random, payments, 1, "card", gross)),
    };
    Ok(paid)
}

#[derive(Clone, Copy)]
enum Method {
    Cash,
    Foreign,
    GiftCard,
    Wallet,
    Card,
}

impl Method {
    /// `drawn` is a random number below 100.
    fn draw(payments: &Payments, drawn: u64) -> Self {
        let mut limit = 0;
        for (percent, method) in [
            (payments.cash, Self::Cash),
            (payments.foreign, Self::Foreign),
            (payments.gift_card, Self::GiftCard),
            (payments.wallet, Self::Wallet),
        ] {
            limit += percent;
            if drawn < limit {
                return method;
            }
        }
        Self::Card
    }
}

fn single(tender: Tender) -> DrawnPayment {
    DrawnPayment {
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

fn card(
    random: &mut Random,
    payments: &Payments,
    number: u32,
    kind: &str,
    amount: Money,
) -> Tender {
    let (scheme, first) = *random.pick(&[
        ("visa", "424242"),
        ("mastercard", "545454"),
        ("amex", "378282"),
    ]);
    Tender {
        provider: Some(payments.provider.clone()),
        psp_reference: Some(format!(
            "{}{}",
            payments.reference,
            random.digits(payments.digits)
        )),
        authorisation: Some(random.digits(6)),
        scheme: Some(scheme.into()),
        masked: Some(format!("{first}******{}", random.digits(4))),
        ..plain(number, kind, amount)
    }
}

fn cash(random: &mut Random, market: &Market, step: Money, gross: Money) -> Result<DrawnPayment> {
    let amount = to_step(gross, step);
    // One customer in four has the exact amount. The others pay with the next larger note.
    let tendered = if random.percent(25) {
        amount
    } else {
        notes(&market.notes, amount)?
    };
    Ok(DrawnPayment {
        tenders: vec![Tender {
            tendered,
            change: tendered - amount,
            ..plain(1, "cash", amount)
        }],
        rounding: amount - gross,
    })
}

/// Returns the value of the smallest note that covers the amount, or of several of the largest note.
fn notes(notes: &[Money], amount: Money) -> Result<Money> {
    let largest = *notes.last().context("a note")?;
    let one = notes.iter().copied().find(|note| *note >= amount);
    Ok(one.unwrap_or_else(|| (amount + largest - 1) / largest * largest))
}

fn foreign(store: &Store, market: &Market, gross: Money) -> Result<DrawnPayment> {
    let currency = market.foreign.as_ref().context("a foreign currency")?;
    let amount = to_step(gross, store.cash_step_in_minor());
    let value = |minor: Money| {
        let major = Decimal {
            unscaled: minor,
            scale: 2,
        };
        extended(currency.rate, major, store.minor_digits).context("the exchange")
    };
    let largest = *currency.notes.last().context("a note")?;
    let mut given = None;
    for note in currency.notes.iter().copied() {
        if value(note)? >= amount {
            given = Some(note);
            break;
        }
    }
    let given = match given {
        Some(note) => note,
        None => (amount + value(largest)? - 1) / value(largest)? * largest,
    };
    let tendered = value(given)?;
    Ok(DrawnPayment {
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
    random: &mut Random,
    assortment: &Assortment,
    store: &Store,
    gross: Money,
    drawer: bool,
) -> Result<DrawnPayment> {
    let market = assortment.market(store)?;
    let step = store.cash_step_in_minor();
    let balance = market.notes[0];
    let covered = balance.min(gross);
    let gift = Tender {
        stored_value: Some(format!("600612********{}", random.digits(4))),
        ..plain(1, "gift-card", covered)
    };
    let rest = gross - covered;
    if rest == 0 {
        return Ok(single(gift));
    }
    let mut paid = if drawer && to_step(rest, step) > 0 && random.percent(50) {
        cash(random, market, step, rest)?
    } else {
        single(card(random, &assortment.payments, 2, "card", rest))
    };
    for tender in &mut paid.tenders {
        tender.number = 2;
    }
    paid.tenders.insert(0, gift);
    Ok(paid)
}
