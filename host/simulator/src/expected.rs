//! The expected sums of reports, derived from the ledger without reading any report.

use crate::ledger::RecordedEvent;
use anyhow::{Context, Result, bail};
use galleria_domain::{
    Cancellation, Line, LineKind, Money, Origin, Refund, Sale, Tax, Tender, Verification, VoidCause,
};
use std::collections::BTreeMap;

/// Sums in minor units, by name and currency such as `gross-eur`.
pub type Sums = BTreeMap<String, Money>;

/// The effect of an event on turnover.
enum Effect {
    Sale(Sale),
    Refund(Refund),
    /// A void that cancels a sale.
    VoidedSale(Sale),
    Verification(Verification),
    None,
}

/// Returns the expected sums of a report. `report` is its name in the plugin settings, none for the plain
/// list of sale lines.
pub fn report(report: Option<&str>, events: &[&RecordedEvent]) -> Result<Sums> {
    let mut sums = Sums::new();
    for event in events {
        let effect = effect(event)?;
        match report {
            None => lines(&effect, |currency, returned, line| {
                let sign = if returned { -1 } else { 1 };
                add(&mut sums, currency, "amount", sign * line.amount);
                add(&mut sums, currency, "tax", sign * tax(line));
            }),
            Some("sales-by-day" | "sales-by-hour" | "sales-by-article" | "sales-by-category") => {
                lines(&effect, |currency, returned, line| {
                    sale(&mut sums, currency, returned, line)
                });
            }
            Some("discounts") => reductions(&mut sums, &effect, false),
            Some("coupons") => reductions(&mut sums, &effect, true),
            Some("refunds") => refunds(&mut sums, &effect),
            Some("tenders") => tenders(&mut sums, &effect),
            Some("taxes") => taxes(&mut sums, &effect),
            Some("verifications") => {
                if let Effect::Verification(verification) = &effect {
                    let sale = &verification.sale;
                    add(&mut sums, &sale.entry.currency, "basket", sale.gross);
                }
            }
            Some(other) => bail!("no expected sums for the report {other}"),
        }
    }
    Ok(sums)
}

fn effect(event: &RecordedEvent) -> Result<Effect> {
    let value = event.argument.clone();
    let effect = match event.kind {
        "sale" => Effect::Sale(serde_json::from_value(value)?),
        "refund" => Effect::Refund(serde_json::from_value(value)?),
        "void" => {
            let void: Cancellation = serde_json::from_value(value)?;
            match (void.cause, void.origin) {
                (VoidCause::PostVoid, Origin::Sale(sale)) => Effect::VoidedSale(*sale),
                _ => Effect::None,
            }
        }
        "verification" => Effect::Verification(serde_json::from_value(value)?),
        _ => Effect::None,
    };
    // Training sales and everything based on them are not turnover.
    let training = match &effect {
        Effect::Sale(sale) | Effect::VoidedSale(sale) => sale.entry.training,
        Effect::Refund(refund) => refund.entry.training,
        Effect::Verification(verification) => verification.sale.entry.training,
        Effect::None => false,
    };
    Ok(if training { Effect::None } else { effect })
}

fn add(sums: &mut Sums, currency: &str, name: &str, amount: Money) {
    let key = format!("{name}-{}", currency.to_ascii_lowercase());
    *sums.entry(key).or_default() += amount;
}

/// Calls `each` for all lines with the currency and whether the line reduces turnover.
fn lines(effect: &Effect, mut each: impl FnMut(&str, bool, &Line)) {
    let (entry, lines, voided) = match effect {
        Effect::Sale(sale) => (&sale.entry, &sale.lines, false),
        Effect::VoidedSale(sale) => (&sale.entry, &sale.lines, true),
        Effect::Refund(refund) => {
            for line in &refund.lines {
                each(&refund.entry.currency, true, line);
            }
            return;
        }
        Effect::Verification(_) | Effect::None => return,
    };
    for line in lines.iter().filter(|line| !line.voided) {
        let returned = line.returned || line.kind == LineKind::DepositReturn;
        each(&entry.currency, returned != voided, line);
    }
}

fn tax(line: &Line) -> Money {
    line.taxes.iter().map(|tax| tax.amount).sum()
}

fn sale(sums: &mut Sums, currency: &str, returned: bool, line: &Line) {
    // Prices of the sample days include taxes.
    let (sales, returns, sign) = match returned {
        true => (0, line.amount, -1),
        false => (line.amount, 0, 1),
    };
    let off: Money = line.discounts.iter().map(|discount| discount.amount).sum();
    add(sums, currency, "sales", sales);
    add(sums, currency, "returns", returns);
    add(sums, currency, "gross", sign * line.amount);
    add(sums, currency, "net", sign * (line.amount - tax(line)));
    add(sums, currency, "tax", sign * tax(line));
    add(sums, currency, "discount", sign * off);
}

fn reductions(sums: &mut Sums, effect: &Effect, coupons: bool) {
    lines(effect, |currency, returned, line| {
        let counted = |discount: &&galleria_domain::Discount| !coupons || discount.coupon.is_some();
        for discount in line.discounts.iter().filter(counted) {
            let amount = discount.amount;
            let (given, taken_back) = if returned { (0, amount) } else { (amount, 0) };
            add(sums, currency, "given", given);
            add(sums, currency, "taken_back", taken_back);
            add(sums, currency, "amount", given - taken_back);
        }
    });
}

fn refunds(sums: &mut Sums, effect: &Effect) {
    let (entry, gross, net) = match effect {
        Effect::Refund(refund) => (&refund.entry, refund.gross, refund.net),
        Effect::VoidedSale(sale) => (&sale.entry, sale.gross, sale.net),
        _ => return,
    };
    add(sums, &entry.currency, "gross", gross);
    add(sums, &entry.currency, "net", net);
    add(sums, &entry.currency, "tax", gross - net);
}

/// Returns currency, tenders, taxes, and whether they reduce turnover.
fn parts(effect: &Effect) -> Option<(&str, &[Tender], &[Tax], bool)> {
    match effect {
        Effect::Sale(sale) => Some((&sale.entry.currency, &sale.tenders, &sale.taxes, false)),
        Effect::VoidedSale(sale) => Some((&sale.entry.currency, &sale.tenders, &sale.taxes, true)),
        Effect::Refund(refund) => {
            Some((&refund.entry.currency, &refund.tenders, &refund.taxes, true))
        }
        Effect::Verification(_) | Effect::None => None,
    }
}

fn tenders(sums: &mut Sums, effect: &Effect) {
    let Some((currency, tenders, _, refunded)) = parts(effect) else {
        return;
    };
    for tender in tenders {
        let amount = tender.amount;
        let (paid, paid_back) = if refunded { (0, amount) } else { (amount, 0) };
        add(sums, currency, "paid", paid);
        add(sums, currency, "paid_back", paid_back);
        add(sums, currency, "amount", paid - paid_back);
    }
}

fn taxes(sums: &mut Sums, effect: &Effect) {
    let Some((currency, _, taxes, refunded)) = parts(effect) else {
        return;
    };
    let sign = if refunded { -1 } else { 1 };
    for tax in taxes {
        add(sums, currency, "taxable", sign * tax.taxable);
        add(sums, currency, "tax", sign * tax.amount);
        add(sums, currency, "gross", sign * (tax.taxable + tax.amount));
    }
}

/// Parses an amount with two decimals, and returns it in minor units.
pub fn minor(text: &str, mark: char) -> Result<Money> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, cents) = digits.split_once(mark).unwrap_or((digits, "00"));
    let number = |text: &str| {
        text.parse::<Money>()
            .with_context(|| format!("invalid number: `{text}`"))
    };
    if cents.len() != 2 {
        bail!("`{text}` must have two decimals");
    }
    Ok(sign * (number(whole)? * 100 + number(cents)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_need_two_decimals() {
        assert_eq!(minor("1234.56", '.').expect("an amount"), 123_456);
        assert_eq!(minor("-0,05", ',').expect("an amount"), -5);
        assert!(minor("1.5", '.').is_err());
        assert!(minor("1,50", '.').is_err());
    }
}
