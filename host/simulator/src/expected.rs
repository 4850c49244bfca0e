//! What reports must come to: reckoned from the day's own books, without a look at any report.

use crate::ledger::Told;
use anyhow::{Context, Result, bail};
use galleria_domain::{
    Cancellation, Line, LineKind, Money, Origin, Refund, Sale, Tax, Tender, Verification, VoidCause,
};
use std::collections::BTreeMap;

/// Sums by name and currency, such as `gross-eur`, in minor units.
pub type Sums = BTreeMap<String, Money>;

/// What an event does to turnover.
enum Effect {
    For(Sale),
    Back(Refund),
    /// A void that undoes a sale.
    Undone(Sale),
    Looked(Verification),
    None,
}

/// What a report must come to. `report` is the word of its settings; none for the lines themselves.
pub fn report(report: Option<&str>, told: &[&Told]) -> Result<Sums> {
    let mut sums = Sums::new();
    for one in told {
        let effect = effect(one)?;
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
                if let Effect::Looked(verification) = &effect {
                    let sale = &verification.sale;
                    add(&mut sums, &sale.entry.currency, "basket", sale.gross);
                }
            }
            Some(other) => bail!("the demo cannot reckon the report {other}"),
        }
    }
    Ok(sums)
}

fn effect(told: &Told) -> Result<Effect> {
    let value = told.argument.clone();
    let effect = match told.kind {
        "sale" => Effect::For(serde_json::from_value(value)?),
        "refund" => Effect::Back(serde_json::from_value(value)?),
        "void" => {
            let void: Cancellation = serde_json::from_value(value)?;
            match (void.cause, void.origin) {
                (VoidCause::PostVoid, Origin::Sale(sale)) => Effect::Undone(*sale),
                _ => Effect::None,
            }
        }
        "verification" => Effect::Looked(serde_json::from_value(value)?),
        _ => Effect::None,
    };
    // What was rung up in training is no turnover, and neither is what came of it.
    let training = match &effect {
        Effect::For(sale) | Effect::Undone(sale) => sale.entry.training,
        Effect::Back(refund) => refund.entry.training,
        Effect::Looked(verification) => verification.sale.entry.training,
        Effect::None => false,
    };
    Ok(if training { Effect::None } else { effect })
}

fn add(sums: &mut Sums, currency: &str, name: &str, amount: Money) {
    let key = format!("{name}-{}", currency.to_ascii_lowercase());
    *sums.entry(key).or_default() += amount;
}

/// Lines with whether each counts against turnover.
fn lines(effect: &Effect, mut each: impl FnMut(&str, bool, &Line)) {
    let (entry, lines, turned) = match effect {
        Effect::For(sale) => (&sale.entry, &sale.lines, false),
        Effect::Undone(sale) => (&sale.entry, &sale.lines, true),
        Effect::Back(refund) => {
            for line in &refund.lines {
                each(&refund.entry.currency, true, line);
            }
            return;
        }
        Effect::Looked(_) | Effect::None => return,
    };
    for line in lines.iter().filter(|line| !line.voided) {
        let handed_back = line.returned || line.kind == LineKind::DepositReturn;
        each(&entry.currency, handed_back != turned, line);
    }
}

fn tax(line: &Line) -> Money {
    line.taxes.iter().map(|tax| tax.amount).sum()
}

fn sale(sums: &mut Sums, currency: &str, returned: bool, line: &Line) {
    // Prices of the sample days include their taxes.
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
            let (given, back) = if returned { (0, amount) } else { (amount, 0) };
            add(sums, currency, "given", given);
            add(sums, currency, "taken_back", back);
            add(sums, currency, "amount", given - back);
        }
    });
}

fn refunds(sums: &mut Sums, effect: &Effect) {
    let (entry, gross, net) = match effect {
        Effect::Back(refund) => (&refund.entry, refund.gross, refund.net),
        Effect::Undone(sale) => (&sale.entry, sale.gross, sale.net),
        _ => return,
    };
    add(sums, &entry.currency, "gross", gross);
    add(sums, &entry.currency, "net", net);
    add(sums, &entry.currency, "tax", gross - net);
}

/// Currency, tenders, taxes, and whether they count against turnover.
fn parts(effect: &Effect) -> Option<(&str, &[Tender], &[Tax], bool)> {
    match effect {
        Effect::For(sale) => Some((&sale.entry.currency, &sale.tenders, &sale.taxes, false)),
        Effect::Undone(sale) => Some((&sale.entry.currency, &sale.tenders, &sale.taxes, true)),
        Effect::Back(refund) => {
            Some((&refund.entry.currency, &refund.tenders, &refund.taxes, true))
        }
        Effect::Looked(_) | Effect::None => None,
    }
}

fn tenders(sums: &mut Sums, effect: &Effect) {
    let Some((currency, tenders, _, back)) = parts(effect) else {
        return;
    };
    for tender in tenders {
        let amount = tender.amount;
        let (paid, paid_back) = if back { (0, amount) } else { (amount, 0) };
        add(sums, currency, "paid", paid);
        add(sums, currency, "paid_back", paid_back);
        add(sums, currency, "amount", paid - paid_back);
    }
}

fn taxes(sums: &mut Sums, effect: &Effect) {
    let Some((currency, _, taxes, back)) = parts(effect) else {
        return;
    };
    let sign = if back { -1 } else { 1 };
    for tax in taxes {
        add(sums, currency, "taxable", sign * tax.taxable);
        add(sums, currency, "tax", sign * tax.amount);
        add(sums, currency, "gross", sign * (tax.taxable + tax.amount));
    }
}

/// Decimal text with two digits after the mark, in minor units.
pub fn minor(text: &str, mark: char) -> Result<Money> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, cents) = digits.split_once(mark).unwrap_or((digits, "00"));
    let number = |text: &str| {
        text.parse::<Money>()
            .with_context(|| format!("`{text}` is no number"))
    };
    if cents.len() != 2 {
        bail!("`{text}` has no two digits after the mark");
    }
    Ok(sign * (number(whole)? * 100 + number(cents)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        assert_eq!(minor("1234.56", '.').expect("an amount"), 123_456);
        assert_eq!(minor("-0,05", ',').expect("an amount"), -5);
        assert!(minor("1.5", '.').is_err());
        assert!(minor("1,50", '.').is_err());
    }
}
