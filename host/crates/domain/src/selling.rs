//! The sums of a sale: the totals of a basket, and the check of its payment.

use crate::basket::{Line, Tax, Tender};
use crate::fault::Problem;
use crate::number::{Money, extended};
use std::collections::BTreeSet;
use std::fmt::Display;

/// The totals of a basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The taxes of the lines, summed by code, authority, rate, `included` and treatment, in order of appearance.
    pub taxes: Vec<Tax>,
    /// The total with all taxes.
    pub gross: Money,
    /// The total without taxes.
    pub net: Money,
}

/// The maximum number of lines of a basket: more than any real basket has, few enough for one request.
pub const MAX_LINES: usize = 2_000;

/// The largest single amount, so that the sum of [`MAX_LINES`] amounts fits.
pub const MAX_AMOUNT: Money = 1_000_000_000_000;

/// The maximum number of digits after the point of a quantity, in WIT, SDKs and host. With more, the products of a
/// partial refund would overflow.
pub(crate) const MAX_QUANTITY_SCALE: u8 = 9;

/// The largest cash rounding in minor units that a till may choose if the cash step is smaller: a store whose
/// currency has none, such as the euro, may still round. It is half of five forint.
const MAX_ROUNDING: Money = 250;

/// Checks the lines of a basket and sums them.
pub fn sum_lines(lines: &[Line], minor_digits: u8) -> Result<Sums, Vec<Problem>> {
    let mut problems = Vec::new();
    if lines.is_empty() || lines.len() > MAX_LINES {
        problems.push(Problem::new(
            "lines",
            format!("must have 1 to {MAX_LINES} lines"),
        ));
        return Err(problems);
    }
    let numbers: BTreeSet<u32> = lines.iter().map(|line| line.number).collect();
    if numbers.len() != lines.len() || numbers.contains(&0) {
        problems.push(Problem::new("lines", "must have unique numbers from 1"));
    }
    for (index, line) in lines.iter().enumerate() {
        check_line(index, line, &numbers, minor_digits, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let (taxes, added) = sum_taxes(lines);
    let gross = lines.iter().map(Line::counts).sum::<Money>() + added;
    let net = gross - taxes.iter().map(|tax| tax.amount).sum::<Money>();
    Ok(Sums { taxes, gross, net })
}

/// Sums the taxes of the lines by kind, with the sign of their lines. A sum has the attributes that all its taxes
/// share. Also returns the sum of the taxes that prices do not include.
pub fn sum_taxes(lines: &[Line]) -> (Vec<Tax>, Money) {
    let mut taxes: Vec<Tax> = Vec::new();
    let mut added = 0;
    for line in lines.iter().filter(|line| !line.voided) {
        let sign = if line.is_return() { -1 } else { 1 };
        for tax in &line.taxes {
            if !tax.included {
                added += sign * tax.amount;
            }
            let same = |other: &&mut Tax| {
                other.code == tax.code
                    && other.authority == tax.authority
                    && other.rate.exact() == tax.rate.exact()
                    && other.included == tax.included
                    && other.treatment == tax.treatment
            };
            if let Some(sum) = taxes.iter_mut().find(same) {
                sum.taxable += sign * tax.taxable;
                sum.amount += sign * tax.amount;
                sum.attributes
                    .retain(|attribute| tax.attributes.contains(attribute));
            } else {
                taxes.push(Tax {
                    taxable: sign * tax.taxable,
                    amount: sign * tax.amount,
                    ..tax.clone()
                });
            }
        }
    }
    (taxes, added)
}

fn check_line(
    index: usize,
    line: &Line,
    numbers: &BTreeSet<u32>,
    minor_digits: u8,
    problems: &mut Vec<Problem>,
) {
    let mut wrong = |field: &str, message: String| {
        problems.push(Problem::new(format!("lines.{index}.{field}"), message));
    };
    let bounded = |amount: Money| (0..=MAX_AMOUNT).contains(&amount);
    if line.sku.is_empty() || line.sku.len() > 128 {
        wrong("sku", "must have 1 to 128 characters".into());
    }
    if line.quantity.unscaled <= 0 {
        wrong(
            "quantity",
            "must be greater than 0; a line handed back has `returned`".into(),
        );
    } else if line.quantity.unscaled > MAX_AMOUNT || line.quantity.scale > MAX_QUANTITY_SCALE {
        wrong(
            "quantity",
            format!(
                "must have at most {MAX_QUANTITY_SCALE} digits after the point and, without the point, \
                 be at most {MAX_AMOUNT}"
            ),
        );
    }
    if line
        .parent
        .is_some_and(|parent| parent == line.number || !numbers.contains(&parent))
    {
        wrong("parent", "must be the number of another line".into());
    }
    if !bounded(line.amount) {
        wrong("amount", format!("must be 0 to {MAX_AMOUNT} minor units"));
    }
    let mut off = 0;
    for (n, discount) in line.discounts.iter().enumerate() {
        if !bounded(discount.amount) {
            wrong(
                &format!("discounts.{n}.amount"),
                "must be positive; a discount is subtracted".into(),
            );
            return;
        }
        off += discount.amount;
    }
    match extended(line.unit_price, line.quantity, minor_digits) {
        Some(price) if price - off == line.amount => {}
        Some(price) => wrong(
            "amount",
            format!(
                "must be unit_price × quantity minus discounts, which is {}, got {}",
                price - off,
                line.amount
            ),
        ),
        None => wrong(
            "unit_price",
            "must have a product with the quantity that fits 64 bits".into(),
        ),
    }
    let mut included = 0;
    for (n, tax) in line.taxes.iter().enumerate() {
        if !bounded(tax.amount) || !bounded(tax.taxable) {
            wrong(&format!("taxes.{n}.amount"), "must not be negative".into());
            return;
        }
        if tax.rate.exact().is_none() {
            wrong(
                &format!("taxes.{n}.rate"),
                "must have a scale of 0 to 18".into(),
            );
        }
        if tax.included {
            included += tax.amount;
        }
    }
    if included > line.amount {
        wrong(
            "taxes",
            "must not exceed the amount that includes them".into(),
        );
    }
}

/// Checks that the tenders pay `gross` plus cash rounding. The till chooses the rounding within bounds;
/// the cash may be any amount.
pub fn check_paid(
    tenders: &[Tender],
    gross: Money,
    rounding: Money,
    cash_step: Money,
) -> Result<(), Vec<Problem>> {
    let paid = sum_tenders(tenders);
    let mut problems = paid.clone().err().unwrap_or_default();
    let most = most_rounding(cash_step);
    if !(-most..=most).contains(&rounding) {
        let message = format!("must be at most {most} minor units");
        problems.push(Problem::new("rounding", message));
    } else if rounding != 0 && !tenders.iter().any(Tender::is_cash) {
        problems.push(Problem::new("rounding", "must be 0 without a cash tender"));
    }
    match paid {
        Ok(paid) if problems.is_empty() && paid != gross + rounding => Err(vec![Problem::new(
            "tenders",
            must_sum("order", gross + rounding, paid),
        )]),
        _ if problems.is_empty() => Ok(()),
        _ => Err(problems),
    }
}

/// The largest cash rounding that a till may choose.
pub(crate) fn most_rounding(cash_step: Money) -> Money {
    MAX_ROUNDING.max(cash_step)
}

pub(crate) fn must_sum(what: &str, due: impl Display, paid: Money) -> String {
    format!("must sum to the {what}'s total of {due}, got {paid}")
}

/// The sum of the tenders, each of which must be its tendered amount minus its change.
pub(crate) fn sum_tenders(tenders: &[Tender]) -> Result<Money, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut paid: Money = 0;
    for (index, tender) in tenders.iter().enumerate() {
        let bounded = |amount: Money| (0..=MAX_AMOUNT).contains(&amount);
        if !bounded(tender.tendered) || !bounded(tender.change) || !bounded(tender.amount) {
            problems.push(Problem::new(
                format!("tenders.{index}.amount"),
                "must not be negative",
            ));
        } else if tender.tendered - tender.change != tender.amount {
            problems.push(Problem::new(
                format!("tenders.{index}.amount"),
                format!(
                    "must be tendered minus change, which is {}",
                    tender.tendered - tender.change
                ),
            ));
        } else {
            // Tenders are not counted; their sum must not overflow.
            paid = paid.saturating_add(tender.amount);
        }
    }
    match problems.is_empty() {
        true => Ok(paid),
        false => Err(problems),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::basket::{Discount, LineKind};
    use crate::number::Decimal;

    pub(crate) fn line(number: u32, unit_price: i64, quantity: i64, off: i64, vat: i64) -> Line {
        let amount = unit_price * quantity - off;
        Line {
            number,
            parent: None,
            kind: LineKind::Item,
            returned: false,
            voided: false,
            origin_line: None,
            sku: format!("sku-{number}"),
            gtin: None,
            description: "a thing".into(),
            category: None,
            quantity: Decimal::whole(quantity),
            unit: "EA".into(),
            regular_price: Decimal {
                unscaled: unit_price,
                scale: 2,
            },
            unit_price: Decimal {
                unscaled: unit_price,
                scale: 2,
            },
            amount,
            discounts: if off == 0 {
                vec![]
            } else {
                vec![Discount {
                    id: "d".into(),
                    reason: "less".into(),
                    amount: off,
                    percent: None,
                    coupon: None,
                    basket: false,
                    attributes: vec![],
                }]
            },
            taxes: vec![Tax {
                code: "VAT-STD".into(),
                authority: "ES".into(),
                rate: Decimal::whole(21),
                taxable: amount - vat,
                amount: vat,
                included: true,
                treatment: "standard".into(),
                attributes: vec![],
            }],
            age: None,
            attributes: vec![],
        }
    }

    pub(crate) fn tender(number: u32, kind: &str, amount: Money) -> Tender {
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

    #[test]
    fn a_basket_sums_with_returns_voids_and_taxes_on_top() {
        let mut back = line(3, 500, 1, 0, 87);
        back.returned = true;
        let mut gone = line(4, 900, 1, 0, 156);
        gone.voided = true;
        let mut on_top = line(5, 1000, 1, 0, 80);
        on_top.taxes[0].included = false;
        let lines = [
            line(1, 1210, 1, 0, 210),
            line(2, 300, 2, 100, 87),
            back,
            gone,
            on_top,
        ];
        let sums = sum_lines(&lines, 2).expect("good lines");
        assert_eq!(sums.gross, 1210 + 500 - 500 + 1000 + 80);
        assert_eq!(sums.taxes.len(), 2);
        assert_eq!(sums.taxes[0].amount, 210 + 87 - 87);
        assert_eq!(sums.net, sums.gross - 210 - 80);
    }

    #[test]
    fn every_invalid_field_is_named() {
        let mut bad = line(1, 100, 1, 0, 0);
        bad.amount = 90;
        bad.parent = Some(1);
        let mut free = line(2, 100, 1, 0, 0);
        free.quantity = Decimal::whole(0);
        let found = sum_lines(&[bad, free], 2).expect_err("bad lines");
        let fields: Vec<_> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "lines.0.parent",
                "lines.0.amount",
                "lines.1.quantity",
                "lines.1.amount"
            ]
        );
    }

    #[test]
    fn tenders_pay_the_basket_and_only_cash_is_rounded() {
        assert!(check_paid(&[tender(1, "cash", 1000)], 998, 2, 1).is_ok());
        assert!(check_paid(&[tender(1, "card", 1000)], 998, 2, 1).is_err());
        assert!(check_paid(&[tender(1, "card", 997)], 998, 0, 1).is_err());
        // 1,998 Ft are paid with 2,000: cash is rounded to five forint.
        assert!(check_paid(&[tender(1, "cash", 200_000)], 199_800, 200, 1).is_ok());
        assert!(check_paid(&[tender(1, "cash", 0)], 0, Money::MIN, 1).is_err());
        let mut change = tender(1, "cash", 998);
        change.tendered = 2000;
        assert!(check_paid(std::slice::from_ref(&change), 998, 0, 1).is_err());
        change.change = 1002;
        assert!(check_paid(&[change], 998, 0, 1).is_ok());
    }
}
