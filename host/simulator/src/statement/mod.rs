//! Sample statements: what a provider would pay out for a sample day, in the provider's own form.
//!
//! Made of the day's tenders, and of what every real statement has beside them: a chargeback, a cost
//! of the month, an amount that is not what was paid, a payment that nobody knows. The same day gives
//! the same bytes.

mod adyen;
mod delimited;
mod fixed;
mod stripe;
#[cfg(test)]
mod tests;

use crate::chance::Chance;
use crate::day::Settled;
use anyhow::{Context, Result};
use galleria_domain::{Decimal, MatchOutcome, Money};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[statement]` of `assortment.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub form: Form,
    /// The slot of `retailer.toml` that reads it.
    pub plugin: String,
    /// The retailer's account at the provider.
    pub account: String,
    /// The provider's of the payout.
    pub reference: String,
    /// The payout's.
    pub currency: String,
    /// `YYYY-MM-DD`.
    pub paid_on: String,
    /// Whose clock the provider writes; IANA.
    pub zone: String,
    /// What the provider keeps of a payment: hundredths of a per cent, and minor units beside them.
    pub fee_basis_points: i64,
    pub fee_fixed: Money,
    pub chargeback_fee: Money,
    pub monthly_cost: Money,
    /// To the payout's currency.
    #[serde(default)]
    pub rates: BTreeMap<String, Decimal>,
}

/// How providers write.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Adyen's settlement details.
    Adyen,
    /// Stripe's itemised payout.
    Stripe,
    /// `;`, decimal comma, `dd/mm/yyyy`, a total row.
    Delimited,
    /// Records of fixed kind with header and trailer.
    Fixed,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Payment,
    Refund,
    Chargeback,
    Cost,
}

/// A line of the payout. Money that came from customers is positive.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: What,
    pub at: Timestamp,
    /// The provider's of the line.
    pub id: String,
    pub psp_reference: String,
    pub modification_reference: String,
    pub merchant_reference: String,
    pub scheme: String,
    pub currency: String,
    pub gross: Money,
    pub rate: Option<Decimal>,
    /// In the payout's currency, as all that follows.
    pub converted: Money,
    pub fee: Money,
    pub net: Money,
}

/// A payout.
pub struct Sheet<'a> {
    pub terms: &'a Terms,
    pub rows: Vec<Row>,
    pub total: Money,
}

/// A statement, and what matching has to make of it.
pub struct Made {
    /// As the provider names the file.
    pub name: String,
    pub text: String,
    pub total: Money,
    pub outcomes: BTreeMap<MatchOutcome, usize>,
}

/// Makes the statement of a day.
pub fn make(terms: &Terms, settled: &[Settled], seed: u64) -> Result<Made> {
    let mut chance = Chance::new(seed ^ 0x5e77_1ed0);
    let (sheet, outcomes) = sheet(terms, settled, &mut chance)?;
    let text = match terms.form {
        Form::Adyen => adyen::write(&sheet, &mut chance)?,
        Form::Stripe => stripe::write(&sheet)?,
        Form::Delimited => delimited::write(&sheet)?,
        Form::Fixed => fixed::write(&sheet)?,
    };
    let ending = if terms.form == Form::Fixed {
        "txt"
    } else {
        "csv"
    };
    Ok(Made {
        name: format!("{}.{ending}", terms.paid_on),
        text,
        total: sheet.total,
        outcomes,
    })
}

fn sheet<'a>(
    terms: &'a Terms,
    settled: &[Settled],
    chance: &mut Chance,
) -> Result<(Sheet<'a>, BTreeMap<MatchOutcome, usize>)> {
    let mut rows = Vec::new();
    for one in settled {
        rows.push(row(terms, one, chance)?);
    }
    let payments: Vec<usize> = (0..rows.len())
        .filter(|at| rows[*at].what == What::Payment)
        .collect();
    let (wrong, lost) =
        two(chance, &payments).context("a day with two payments by card at least")?;
    let last = settled.last().context("a payment")?.at;
    let lost = Settled {
        back: true,
        at: last,
        ..settled[lost].clone()
    };
    let unknown = Settled {
        at: last,
        merchant_reference: "nobody-knows-this".into(),
        psp_reference: format!(
            "{}X",
            &rows[wrong].psp_reference[..rows[wrong].psp_reference.len() - 1]
        ),
        ..settled[wrong].clone()
    };
    // The provider says that one more was paid than the till does.
    let mut other = settled[wrong].clone();
    other.amount += 100;
    rows[wrong] = Row {
        id: rows[wrong].id.clone(),
        ..row(terms, &other, chance)?
    };
    rows.push(row(terms, &unknown, chance)?);
    let mut chargeback = row(terms, &lost, chance)?;
    chargeback.what = What::Chargeback;
    chargeback.fee = terms.chargeback_fee;
    chargeback.net -= terms.chargeback_fee;
    rows.push(chargeback);
    rows.push(Row {
        what: What::Cost,
        id: id(chance),
        psp_reference: String::new(),
        modification_reference: String::new(),
        merchant_reference: String::new(),
        scheme: String::new(),
        currency: terms.currency.clone(),
        gross: 0,
        rate: None,
        converted: 0,
        fee: terms.monthly_cost,
        net: -terms.monthly_cost,
        at: last,
    });
    let outcomes = [
        (MatchOutcome::Matched, settled.len() - 1),
        (MatchOutcome::AmountMismatch, 1),
        (MatchOutcome::Unmatched, 1),
        (MatchOutcome::NotApplicable, 2),
    ];
    let total = rows.iter().map(|row| row.net).sum();
    Ok((Sheet { terms, rows, total }, outcomes.into()))
}

fn row(terms: &Terms, one: &Settled, chance: &mut Chance) -> Result<Row> {
    let gross = if one.back { -one.amount } else { one.amount };
    let rate = if one.currency == terms.currency {
        None
    } else {
        let rate = terms.rates.get(&one.currency).copied();
        Some(rate.with_context(|| format!("[statement] rates has no {}", one.currency))?)
    };
    let converted = rate.map_or(gross, |rate| {
        let power = 10_i64.pow(u32::from(rate.scale));
        half_up(gross * rate.unscaled, power)
    });
    let fee = if one.back {
        0
    } else {
        half_up(converted * terms.fee_basis_points, 10_000) + terms.fee_fixed
    };
    let modification = one.back.then(|| match &one.modification_reference {
        Some(reference) => reference.clone(),
        None => format!("R{}", chance.digits(15)),
    });
    Ok(Row {
        what: if one.back {
            What::Refund
        } else {
            What::Payment
        },
        at: one.at,
        id: id(chance),
        psp_reference: one.psp_reference.clone(),
        modification_reference: modification.unwrap_or_default(),
        merchant_reference: one.merchant_reference.clone(),
        scheme: one.scheme.clone(),
        currency: one.currency.clone(),
        gross,
        rate,
        converted,
        fee,
        net: converted - fee,
    })
}

fn id(chance: &mut Chance) -> String {
    format!("L{}", chance.digits(14))
}

/// Two of them that differ.
fn two(chance: &mut Chance, items: &[usize]) -> Option<(usize, usize)> {
    if items.len() < 2 {
        return None;
    }
    let one = *chance.pick(items);
    let others: Vec<usize> = items.iter().copied().filter(|item| *item != one).collect();
    Some((one, *chance.pick(&others)))
}

/// `value ÷ by`, half away from zero.
fn half_up(value: i64, by: i64) -> i64 {
    let size = (value.abs() * 2 + by) / (by * 2);
    if value < 0 { -size } else { size }
}

/// When it was, by the provider's clock.
fn local(terms: &Terms, row: &Row) -> Result<ZonedDateTime> {
    Ok(row.at.to_zoned_datetime(TimeZone::get(&terms.zone)?))
}

/// An amount of a currency with two digits after the mark.
fn amount(minor: Money, mark: char) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}{mark}{:02}", minor.abs() / 100, minor.abs() % 100)
}
