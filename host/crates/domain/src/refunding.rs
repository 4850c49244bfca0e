//! Calculates refunds: in full, by line, or by amount; never more than was paid.

#[cfg(test)]
mod cash_tests;
mod tenders;
#[cfg(test)]
pub(crate) mod tests;

use crate::basket::{Line, Tax, Tender};
use crate::fault::Problem;
use crate::number::{Decimal, Money};
use crate::selling::{MAX_QUANTITY_SCALE, sum_taxes};
use crate::trade::{Refund, Sale};
use serde::{Deserialize, Serialize};
use tenders::{Payout, exceeds, paid};

pub use tenders::check_cash;

/// The requested extent of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything that is left: the lines that were not refunded. After a refund by amount, which is not assigned
    /// to lines, the amount that is left.
    Full,
    /// Some lines, or a part of their quantity.
    Lines(Vec<RefundLine>),
    /// An amount without lines, in minor units.
    Amount(Money),
}

/// A line to refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// The number of the line in the sale.
    pub line: u32,
    /// The quantity to refund; if absent, all that is left.
    pub quantity: Option<Decimal>,
}

/// A calculated refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRefund {
    /// The refunded lines, each `returned` and with its `origin_line`.
    pub lines: Vec<Line>,
    /// The tenders that pay the refund.
    pub tenders: Vec<Tender>,
    /// The taxes of all lines, summed.
    pub taxes: Vec<Tax>,
    /// The total with taxes.
    pub gross: Money,
    /// The total without taxes.
    pub net: Money,
    /// The amount by which the tenders exceed the total, because of cash rounding; negative if they pay less.
    pub rounding: Money,
}

/// Calculates a refund of `sale`, after the `earlier` refunds of it.
///
/// Partial amounts are calculated cumulatively, so that the parts of a line always sum to the line. If
/// `tenders` is empty, the sale's tenders pay the refund, in proportion to what each has not refunded yet.
///
/// Cash is paid in multiples of `cash_step`, in minor units; the difference is the refund's rounding. The last
/// refund pays what is left of the payment, so that all refunds together pay exactly the amount of the payment. A
/// tender with a provider's reference never refunds more than it paid. `rounding`, if given, is the till's own,
/// and the cash must agree with it.
pub fn resolve(
    sale: &Sale,
    earlier: &[Refund],
    extent: &Extent,
    tenders: Vec<Tender>,
    rounding: Option<Money>,
    cash_step: Money,
) -> Result<ResolvedRefund, Vec<Problem>> {
    let refunded: Money = earlier.iter().map(|refund| refund.gross).sum();
    let left = sale.gross - refunded;
    let by_amount = earlier.iter().any(|refund| refund.lines.is_empty());
    let extent = match extent {
        Extent::Full if by_amount => &Extent::Amount(left),
        extent => extent,
    };
    let lines = match extent {
        Extent::Full => everything_left(sale, earlier)?,
        Extent::Lines(requested) => some_lines(sale, earlier, requested)?,
        Extent::Amount(_) => Vec::new(),
    };
    let (mut taxes, added) = sum_taxes(&lines);
    for tax in &mut taxes {
        // Returned lines count as negative; the sums of a refund are positive.
        tax.amount = -tax.amount;
        tax.taxable = -tax.taxable;
    }
    let gross = match extent {
        Extent::Amount(amount) => *amount,
        _ => lines.iter().map(|line| line.amount).sum::<Money>() - added,
    };
    // A free article alone can be given back.
    if lines.is_empty() && gross <= 0 {
        return one("extent", "must leave something to refund; nothing is left");
    }
    if gross > left.max(0) {
        return one("extent", exceeds(gross, left));
    }
    let payout = Payout::after(sale, earlier, gross, left, cash_step);
    let tenders = match tenders.is_empty() {
        true => payout.by_sale(rounding)?,
        false => payout.by_request(tenders, rounding)?,
    };
    let rounding = paid(&tenders) - gross;
    let net = gross - taxes.iter().map(|tax| tax.amount).sum::<Money>();
    Ok(ResolvedRefund {
        lines,
        tenders,
        taxes,
        gross,
        net,
        rounding,
    })
}

fn one<T>(field: &str, message: impl Into<String>) -> Result<T, Vec<Problem>> {
    Err(vec![Problem::new(field, message)])
}

/// The part of a line that earlier refunds have refunded: the quantity at a given scale, the amount, and the taxable
/// amount and amount of each tax in the line's order.
struct LineRefunds {
    quantity: i128,
    amount: Money,
    taxes: Vec<(Money, Money)>,
}

/// The lines of earlier refunds that refer to a line.
fn earlier_lines<'a>(line: &Line, earlier: &'a [Refund]) -> impl Iterator<Item = &'a Line> {
    let number = line.number;
    let lines = earlier.iter().flat_map(|refund| &refund.lines);
    lines.filter(move |one| one.origin_line == Some(number))
}

fn refunded_of(line: &Line, scale: u8, earlier: &[Refund]) -> LineRefunds {
    let mut total = LineRefunds {
        quantity: 0,
        amount: 0,
        taxes: vec![(0, 0); line.taxes.len()],
    };
    for one in earlier_lines(line, earlier) {
        total.quantity += at_scale(one.quantity, scale).unwrap_or(0);
        total.amount += one.amount;
        for (sum, tax) in total.taxes.iter_mut().zip(&one.taxes) {
            sum.0 += tax.taxable;
            sum.1 += tax.amount;
        }
    }
    total
}

/// The unscaled value at a scale; none if digits would be lost or it does not fit.
fn at_scale(value: Decimal, scale: u8) -> Option<i128> {
    let factor = 10_i128.checked_pow(u32::from(scale.checked_sub(value.scale)?))?;
    i128::from(value.unscaled).checked_mul(factor)
}

/// `total · part ÷ whole`, rounded half up; all values are positive.
fn share(total: Money, part: i128, whole: i128) -> Money {
    let exact = i128::from(total) * part * 2 + whole;
    i64::try_from(exact / (whole * 2)).unwrap_or(total)
}

/// Refunds `quantity` of a line, or all that is left of it. None if nothing is left.
fn refund_line(
    line: &Line,
    quantity: Option<Decimal>,
    number: u32,
    earlier: &[Refund],
) -> Result<Option<Line>, Vec<Problem>> {
    let field = format!("extent.lines.{}", line.number);
    let requested_scale = quantity.map_or(0, |quantity| quantity.scale);
    let scales = earlier_lines(line, earlier).map(|one| one.quantity.scale);
    let scale = scales.fold(line.quantity.scale.max(requested_scale).max(3), u8::max);
    if scale > MAX_QUANTITY_SCALE {
        let rule = format!("must have at most {MAX_QUANTITY_SCALE} digits after the point");
        return one(&field, &rule);
    }
    let Some(whole) = at_scale(line.quantity, scale).filter(|whole| *whole > 0) else {
        return one(&field, "must refer to a line with a quantity");
    };
    let before = refunded_of(line, scale, earlier);
    let left = whole - before.quantity;
    let part = match quantity {
        None => left,
        Some(quantity) => at_scale(quantity, scale).unwrap_or(0),
    };
    if quantity.is_some() && (part <= 0 || part > left) {
        return one(
            &field,
            "must be positive and at most the quantity that is left",
        );
    }
    if part <= 0 {
        return Ok(None);
    }
    let reached = before.quantity + part;
    let mut back = line.clone();
    back.number = number;
    back.parent = None;
    back.returned = true;
    back.origin_line = Some(line.number);
    back.quantity = quantity.unwrap_or(if before.quantity == 0 {
        line.quantity
    } else {
        Decimal {
            unscaled: i64::try_from(left).unwrap_or(i64::MAX),
            scale,
        }
    });
    back.amount = share(line.amount, reached, whole) - before.amount;
    for (tax, earlier) in back.taxes.iter_mut().zip(&before.taxes) {
        tax.taxable = share(tax.taxable, reached, whole) - earlier.0;
        tax.amount = share(tax.amount, reached, whole) - earlier.1;
    }
    if part != whole {
        for discount in &mut back.discounts {
            discount.amount = share(discount.amount, reached, whole)
                - share(discount.amount, before.quantity, whole);
        }
    }
    Ok(Some(back))
}

fn everything_left(sale: &Sale, earlier: &[Refund]) -> Result<Vec<Line>, Vec<Problem>> {
    let mut lines = Vec::new();
    for line in &sale.lines {
        if line.voided {
            continue;
        }
        if line.is_return() {
            return one(
                "extent",
                "must name the lines, because the sale also has returned lines",
            );
        }
        let number = u32::try_from(lines.len() + 1).unwrap_or(u32::MAX);
        lines.extend(refund_line(line, None, number, earlier)?);
    }
    Ok(lines)
}

fn some_lines(
    sale: &Sale,
    earlier: &[Refund],
    requested: &[RefundLine],
) -> Result<Vec<Line>, Vec<Problem>> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, request) in requested.iter().enumerate() {
        let field = format!("extent.lines.{index}");
        let line = sale.lines.iter().find(|line| line.number == request.line);
        let Some(line) = line.filter(|line| !line.voided && !line.is_return()) else {
            return one(
                &field,
                format!(
                    "must be a line of the sale that can be refunded, got {}",
                    request.line
                ),
            );
        };
        if lines
            .iter()
            .any(|back| back.origin_line == Some(request.line))
        {
            return one(&field, format!("must name line {} only once", request.line));
        }
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match refund_line(line, request.quantity, number, earlier)? {
            Some(back) => lines.push(back),
            None => {
                return one(
                    &field,
                    format!(
                        "must have something left to refund; line {} has nothing left",
                        request.line
                    ),
                );
            }
        }
    }
    Ok(lines)
}
