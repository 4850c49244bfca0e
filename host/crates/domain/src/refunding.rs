//! What a refund comes to: whole, by line, or by amount; never more than was paid.

mod tenders;
#[cfg(test)]
mod tests;

use crate::basket::{Line, Tax, Tender};
use crate::fault::Problem;
use crate::number::{Decimal, Money};
use crate::selling::{MAX_QUANTITY_SCALE, check_rounding, sum_taxes};
use crate::trade::{Refund, Sale};
use serde::{Deserialize, Serialize};
use tenders::{left_of_tenders, more, paid, paid_back, usual_rounding, within_what_each_paid};

/// What is asked to be given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything that is left: the lines that were not given back; and after a refund by amount, of
    /// which nobody knows whose lines it was for, the sum that is left.
    Full,
    /// Some lines, or some of their quantity.
    Lines(Vec<LineBack>),
    /// A sum, without lines; minor units.
    Amount(Money),
}

/// A line given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LineBack {
    /// The line's number in the sale.
    pub line: u32,
    /// How much of it; all that is left where none.
    pub quantity: Option<Decimal>,
}

/// What a refund comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Each `returned`, with its `origin_line`.
    pub lines: Vec<Line>,
    /// How it is paid back.
    pub tenders: Vec<Tender>,
    /// The lines' taxes, summed.
    pub taxes: Vec<Tax>,
    /// With taxes.
    pub gross: Money,
    /// Without.
    pub net: Money,
    /// What cash rounding adds or drops.
    pub rounding: Money,
}

/// Works out a refund of `sale`, after the `earlier` refunds of it.
///
/// Amounts of a part are cumulative: however a line is given back in pieces, the pieces sum to
/// the line. Where `tenders` is empty, the sale's tenders pay back, in proportion to what each has
/// not paid back yet. All refunds together, with what cash rounding adds, never pay back more than was
/// paid; nor does a tender that a provider knows.
pub fn resolve(
    sale: &Sale,
    earlier: &[Refund],
    extent: &Extent,
    tenders: Vec<Tender>,
    rounding: Option<Money>,
) -> Result<Resolved, Vec<Problem>> {
    let before: Money = earlier.iter().map(|refund| refund.gross).sum();
    let left = sale.gross - before;
    let by_amount = earlier.iter().any(|refund| refund.lines.is_empty());
    let extent = match extent {
        Extent::Full if by_amount => &Extent::Amount(left),
        asked => asked,
    };
    let lines = match extent {
        Extent::Full => everything_left(sale, earlier)?,
        Extent::Lines(wanted) => some_lines(sale, earlier, wanted)?,
        Extent::Amount(_) => Vec::new(),
    };
    let (mut taxes, added) = sum_taxes(&lines);
    for tax in &mut taxes {
        // Lines given back count negative; a refund's own sums are positive.
        tax.amount = -tax.amount;
        tax.taxable = -tax.taxable;
    }
    let gross = match extent {
        Extent::Amount(amount) => *amount,
        _ => lines.iter().map(|line| line.amount).sum::<Money>() - added,
    };
    if gross <= 0 {
        return one("extent", "nothing is left to give back");
    }
    if gross > left {
        return one("extent", more(gross, left));
    }
    let of_tenders = left_of_tenders(sale, earlier);
    let usual = usual_rounding(sale, earlier, &tenders, &of_tenders, gross == left);
    let rounding = rounding.unwrap_or(usual);
    check_rounding(rounding).map_err(|problem| vec![problem])?;
    // Whoever rounds each of many refunds up would be paid more than was paid.
    let left = paid(&sale.tenders)
        - earlier
            .iter()
            .map(|back| paid(&back.tenders))
            .sum::<Money>();
    if gross + rounding > left {
        return one("rounding", more(gross + rounding, left));
    }
    let tenders = if tenders.is_empty() {
        paid_back(sale, &of_tenders, gross + rounding)?
    } else {
        within_what_each_paid(sale, &of_tenders, &tenders)?;
        tenders
    };
    crate::selling::check_paid(&tenders, gross, rounding)?;
    let net = gross - taxes.iter().map(|tax| tax.amount).sum::<Money>();
    Ok(Resolved {
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

/// What earlier refunds took of a line: quantity at `scale`, amount, and each tax in the line's order.
struct Taken {
    quantity: i128,
    amount: Money,
    taxes: Vec<(Money, Money)>,
}

/// The lines of earlier refunds that gave something of a line back.
fn backs<'a>(line: &Line, earlier: &'a [Refund]) -> impl Iterator<Item = &'a Line> {
    let number = line.number;
    let lines = earlier.iter().flat_map(|refund| &refund.lines);
    lines.filter(move |back| back.origin_line == Some(number))
}

fn taken(line: &Line, scale: u8, earlier: &[Refund]) -> Taken {
    let mut taken = Taken {
        quantity: 0,
        amount: 0,
        taxes: vec![(0, 0); line.taxes.len()],
    };
    for back in backs(line, earlier) {
        taken.quantity += at_scale(back.quantity, scale).unwrap_or(0);
        taken.amount += back.amount;
        for (sum, tax) in taken.taxes.iter_mut().zip(&back.taxes) {
            sum.0 += tax.taxable;
            sum.1 += tax.amount;
        }
    }
    taken
}

fn at_scale(value: Decimal, scale: u8) -> Option<i128> {
    let up = 10_i128.checked_pow(u32::from(scale.checked_sub(value.scale)?))?;
    i128::from(value.unscaled).checked_mul(up)
}

/// `total · part ÷ whole`, half up; all positive.
fn share(total: Money, part: i128, whole: i128) -> Money {
    let exact = i128::from(total) * part * 2 + whole;
    i64::try_from(exact / (whole * 2)).unwrap_or(total)
}

/// `quantity` of a line, or all that is left of it. None where nothing is left.
fn give_back(
    line: &Line,
    quantity: Option<Decimal>,
    number: u32,
    earlier: &[Refund],
) -> Result<Option<Line>, Vec<Problem>> {
    let field = format!("extent.lines.{}", line.number);
    let wanted_scale = quantity.map_or(0, |quantity| quantity.scale);
    let backs = backs(line, earlier).map(|back| back.quantity.scale);
    let scale = backs.fold(line.quantity.scale.max(wanted_scale).max(3), u8::max);
    if scale > MAX_QUANTITY_SCALE {
        let rule = format!("must have at most {MAX_QUANTITY_SCALE} digits after the point");
        return one(&field, &rule);
    }
    let Some(whole) = at_scale(line.quantity, scale).filter(|whole| *whole > 0) else {
        return one(&field, "the line has no quantity");
    };
    let before = taken(line, scale, earlier);
    let left = whole - before.quantity;
    let part = match quantity {
        None => left,
        Some(quantity) => at_scale(quantity, scale).unwrap_or(0),
    };
    if quantity.is_some() && (part <= 0 || part > left) {
        return one(&field, "more than nothing and at most what is left of it");
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
    for (tax, taken) in back.taxes.iter_mut().zip(&before.taxes) {
        tax.taxable = share(tax.taxable, reached, whole) - taken.0;
        tax.amount = share(tax.amount, reached, whole) - taken.1;
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
                "the sale took something back as well: name the lines to give back",
            );
        }
        let number = u32::try_from(lines.len() + 1).unwrap_or(u32::MAX);
        lines.extend(give_back(line, None, number, earlier)?);
    }
    Ok(lines)
}

fn some_lines(
    sale: &Sale,
    earlier: &[Refund],
    wanted: &[LineBack],
) -> Result<Vec<Line>, Vec<Problem>> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, want) in wanted.iter().enumerate() {
        let field = format!("extent.lines.{index}");
        let found = sale.lines.iter().find(|line| line.number == want.line);
        let Some(line) = found.filter(|line| !line.voided && !line.is_return()) else {
            return one(
                &field,
                format!("the sale has no line {} that can be given back", want.line),
            );
        };
        if lines.iter().any(|back| back.origin_line == Some(want.line)) {
            return one(&field, format!("line {} is named twice", want.line));
        }
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match give_back(line, want.quantity, number, earlier)? {
            Some(back) => lines.push(back),
            None => {
                return one(
                    &field,
                    format!("nothing of line {} is left to give back", want.line),
                );
            }
        }
    }
    Ok(lines)
}
