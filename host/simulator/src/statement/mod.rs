//! Settlement statements: the file that a payment provider would send for a sample day, in its own format.
//!
//! A statement has the tenders of the day and the exceptions of real statements: a chargeback, a monthly fee,
//! an amount that differs from the payment, and a payment that the retailer does not know. The same day
//! gives the same bytes.

mod adyen;
mod delimited;
mod fixed;
mod stripe;
#[cfg(test)]
mod tests;

use crate::day::SettledTender;
use crate::random::Random;
use anyhow::{Context, Error, Result};
use galleria_domain::{Decimal, MatchOutcome, Money, zone};
use jiff::{Timestamp, ZonedDateTime};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[statement]` of `assortment.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementTerms {
    pub format: Format,
    /// The plugin slot in `retailer.toml` that reads the statement.
    pub plugin: String,
    /// The retailer's account at the provider.
    pub account: String,
    /// The provider's reference of the payout.
    pub reference: String,
    /// Currency of the payout.
    pub currency: String,
    /// `YYYY-MM-DD`.
    pub paid_on: String,
    /// IANA name of the time zone in which the provider writes times.
    pub zone: String,
    /// The provider's fee for a payment, in hundredths of a per cent.
    pub fee_basis_points: i64,
    /// Fixed part of the fee, in minor units.
    pub fee_fixed: Money,
    pub chargeback_fee: Money,
    pub monthly_cost: Money,
    /// Exchange rates to the currency of the payout, by currency.
    #[serde(default)]
    pub rates: BTreeMap<String, Decimal>,
}

/// File formats of providers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Adyen's settlement details.
    Adyen,
    /// Stripe's itemised payout.
    Stripe,
    /// `;`, decimal comma, `dd/mm/yyyy`, a total row.
    Delimited,
    /// Records of fixed kind with header and trailer.
    Fixed,
}

/// Kind of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    Payment,
    Refund,
    Chargeback,
    Cost,
}

/// A row of a payout. Money from customers is positive.
#[derive(Clone, Debug)]
pub struct Row {
    pub kind: RowKind,
    pub at: Timestamp,
    /// The provider's id of the row.
    pub id: String,
    pub psp_reference: String,
    pub modification_reference: String,
    pub merchant_reference: String,
    pub scheme: String,
    pub currency: String,
    pub gross: Money,
    pub rate: Option<Decimal>,
    /// In the currency of the payout, like the fields below.
    pub converted: Money,
    pub fee: Money,
    pub net: Money,
}

/// The rows of a statement.
pub struct Payout<'a> {
    pub terms: &'a StatementTerms,
    pub rows: Vec<Row>,
    pub total: Money,
}

/// A generated statement with the expected results of matching.
pub struct SampleStatement {
    /// The file name that the provider gives it.
    pub name: String,
    pub text: String,
    pub total: Money,
    /// Expected number of lines by outcome.
    pub outcomes: BTreeMap<MatchOutcome, usize>,
}

/// Generates the statement of a day.
pub fn generate(
    terms: &StatementTerms,
    settled: &[SettledTender],
    seed: u64,
) -> Result<SampleStatement> {
    let mut random = Random::new(seed ^ 0x5e77_1ed0);
    let (payout, outcomes) = payout(terms, settled, &mut random)?;
    let text = match terms.format {
        Format::Adyen => adyen::write(&payout, &mut random)?,
        Format::Stripe => stripe::write(&payout)?,
        Format::Delimited => delimited::write(&payout)?,
        Format::Fixed => fixed::write(&payout)?,
    };
    let ending = if terms.format == Format::Fixed {
        "txt"
    } else {
        "csv"
    };
    Ok(SampleStatement {
        name: format!("{}.{ending}", terms.paid_on),
        text,
        total: payout.total,
        outcomes,
    })
}

fn payout<'a>(
    terms: &'a StatementTerms,
    settled: &[SettledTender],
    random: &mut Random,
) -> Result<(Payout<'a>, BTreeMap<MatchOutcome, usize>)> {
    let mut rows = Vec::new();
    for tender in settled {
        rows.push(row(terms, tender, random)?);
    }
    let payments: Vec<usize> = (0..rows.len())
        .filter(|at| rows[*at].kind == RowKind::Payment)
        .collect();
    let (differing, charged_back) =
        draw_two(random, &payments).context("the day needs at least two card payments")?;
    let last = settled.last().context("a payment")?.at;
    let chargeback = SettledTender {
        refunded: true,
        at: last,
        ..settled[charged_back].clone()
    };
    let unknown = SettledTender {
        at: last,
        merchant_reference: "nobody-knows-this".into(),
        psp_reference: format!(
            "{}X",
            &rows[differing].psp_reference[..rows[differing].psp_reference.len() - 1]
        ),
        ..settled[differing].clone()
    };
    // The provider reports one major unit more than the till.
    let mut other = settled[differing].clone();
    other.amount += 100;
    rows[differing] = Row {
        id: rows[differing].id.clone(),
        ..row(terms, &other, random)?
    };
    rows.push(row(terms, &unknown, random)?);
    let mut chargeback = row(terms, &chargeback, random)?;
    chargeback.kind = RowKind::Chargeback;
    chargeback.fee = terms.chargeback_fee;
    chargeback.net -= terms.chargeback_fee;
    rows.push(chargeback);
    rows.push(Row {
        kind: RowKind::Cost,
        id: id(random),
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
    Ok((Payout { terms, rows, total }, outcomes.into()))
}

fn row(terms: &StatementTerms, tender: &SettledTender, random: &mut Random) -> Result<Row> {
    let gross = if tender.refunded {
        -tender.amount
    } else {
        tender.amount
    };
    let rate = if tender.currency == terms.currency {
        None
    } else {
        let rate = terms.rates.get(&tender.currency).copied();
        Some(rate.with_context(|| format!("[statement] rates: no rate for {}", tender.currency))?)
    };
    let converted = rate.map_or(gross, |rate| {
        let power = 10_i64.pow(u32::from(rate.scale));
        half_up(gross * rate.unscaled, power)
    });
    let fee = if tender.refunded {
        0
    } else {
        half_up(converted * terms.fee_basis_points, 10_000) + terms.fee_fixed
    };
    let modification = tender
        .refunded
        .then(|| match &tender.modification_reference {
            Some(reference) => reference.clone(),
            None => format!("R{}", random.digits(15)),
        });
    Ok(Row {
        kind: if tender.refunded {
            RowKind::Refund
        } else {
            RowKind::Payment
        },
        at: tender.at,
        id: id(random),
        psp_reference: tender.psp_reference.clone(),
        modification_reference: modification.unwrap_or_default(),
        merchant_reference: tender.merchant_reference.clone(),
        scheme: tender.scheme.clone(),
        currency: tender.currency.clone(),
        gross,
        rate,
        converted,
        fee,
        net: converted - fee,
    })
}

fn id(random: &mut Random) -> String {
    format!("L{}", random.digits(14))
}

/// Draws two different items.
fn draw_two(random: &mut Random, items: &[usize]) -> Option<(usize, usize)> {
    if items.len() < 2 {
        return None;
    }
    let one = *random.pick(items);
    let others: Vec<usize> = items.iter().copied().filter(|item| *item != one).collect();
    Some((one, *random.pick(&others)))
}

/// Divides, and rounds half away from zero.
fn half_up(value: i64, divisor: i64) -> i64 {
    let size = (value.abs() * 2 + divisor) / (divisor * 2);
    if value < 0 { -size } else { size }
}

/// Returns the time of a row in the provider's time zone.
fn local(terms: &StatementTerms, row: &Row) -> Result<ZonedDateTime> {
    let zone = zone::parse(&terms.zone)
        .map_err(Error::msg)
        .context("zone")?;
    Ok(row.at.to_zoned_datetime(zone))
}

/// Formats an amount of a currency with two decimals.
fn amount(minor: Money, mark: char) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}{mark}{:02}", minor.abs() / 100, minor.abs() % 100)
}
