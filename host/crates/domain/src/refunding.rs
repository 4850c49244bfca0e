//! What a refund comes to: whole, by line, or by amount; never more than was paid.

use crate::basket::{Line, Tax, Tender};
use crate::fault::Problem;
use crate::number::{Decimal, Money, split};
use crate::selling::{MAX_QUANTITY_SCALE, check_rounding, sum_taxes};
use crate::trade::{Refund, Sale};
use serde::{Deserialize, Serialize};

/// What is asked to be given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything that is left.
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
/// not paid back yet.
pub fn resolve(
    sale: &Sale,
    earlier: &[Refund],
    extent: &Extent,
    tenders: Vec<Tender>,
    rounding: Option<Money>,
) -> Result<Resolved, Vec<Problem>> {
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
    let before: Money = earlier.iter().map(|refund| refund.gross).sum();
    if gross <= 0 {
        return one("extent", "nothing is left to give back");
    }
    if gross > sale.gross - before {
        return one(
            "extent",
            format!(
                "{gross} is more than the {} that is left of what was paid",
                sale.gross - before
            ),
        );
    }
    let whole = gross == sale.gross;
    let rounding = rounding.unwrap_or(if whole { sale.rounding } else { 0 });
    check_rounding(rounding).map_err(|problem| vec![problem])?;
    let tenders = if tenders.is_empty() {
        paid_back(sale, earlier, gross + rounding)?
    } else {
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
        return one(&field, "a quantity of at most 9 decimals");
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

/// What each tender of the sale has not paid back yet. Of tenders that cannot be told apart the
/// earlier one pays first.
fn left_of_tenders(sale: &Sale, earlier: &[Refund]) -> Vec<Money> {
    let same = |one: &Tender, other: &Tender| {
        one.kind == other.kind
            && one.psp_reference == other.psp_reference
            && one.stored_value == other.stored_value
    };
    let mut left: Vec<Money> = sale.tenders.iter().map(|tender| tender.amount).collect();
    for back in earlier.iter().flat_map(|refund| &refund.tenders) {
        let mut amount = back.amount;
        for (tender, left) in sale.tenders.iter().zip(&mut left) {
            if same(tender, back) {
                let part = amount.min(*left);
                *left -= part;
                amount -= part;
            }
        }
    }
    left
}

/// The sale's tenders, paying back `total` in proportion to what is left of each.
fn paid_back(sale: &Sale, earlier: &[Refund], total: Money) -> Result<Vec<Tender>, Vec<Problem>> {
    let weights = left_of_tenders(sale, earlier);
    let Some(parts) = split(total, &weights) else {
        return one(
            "tenders",
            "say how it is paid back: the sale's tenders do not tell",
        );
    };
    let back = sale.tenders.iter().zip(parts).filter(|(_, part)| *part > 0);
    Ok(back
        .enumerate()
        .map(|(index, (tender, part))| Tender {
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            amount: part,
            tendered: part,
            change: 0,
            // What was paid in another currency is paid back in the store's own.
            foreign: None,
            ..tender.clone()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selling::tests::{line, tender};
    use crate::trade::{Entry, Origin};

    fn entry() -> Entry {
        Entry {
            id: "p1".into(),
            order_id: "o1".into(),
            external_id: None,
            workstation: "w1".into(),
            sequence: 1,
            receipt: "1".into(),
            operator: None,
            business_date: "2026-11-24".into(),
            begun_at: "2026-11-24T10:00:00.000+01:00".into(),
            ended_at: "2026-11-24T10:01:00.000+01:00".into(),
            currency: "EUR".into(),
            training: false,
        }
    }

    fn sale(lines: Vec<Line>, tenders: Vec<Tender>) -> Sale {
        let sums = crate::selling::sums(&lines, 2).expect("good lines");
        Sale {
            entry: entry(),
            member: None,
            lines,
            tenders,
            taxes: sums.taxes,
            rounding: 0,
            net: sums.net,
            gross: sums.gross,
            consents: vec![],
            attributes: vec![],
        }
    }

    fn refund(resolved: Resolved) -> Refund {
        let Resolved {
            lines,
            tenders,
            taxes,
            gross,
            net,
            rounding,
        } = resolved;
        Refund {
            entry: entry(),
            origin: Origin::None,
            earlier: vec![],
            reason: "defect".into(),
            lines,
            tenders,
            taxes,
            rounding,
            net,
            gross,
            attributes: vec![],
        }
    }

    fn piece(number: u32) -> Extent {
        Extent::Lines(vec![LineBack {
            line: number,
            quantity: Some(Decimal::whole(1)),
        }])
    }

    #[test]
    fn pieces_of_a_line_sum_to_the_line() {
        let sold = sale(
            vec![line(1, 3334, 3, 1, 1735)],
            vec![tender(1, "card", 10001)],
        );
        let mut earlier = Vec::new();
        for _ in 0..3 {
            let part = resolve(&sold, &earlier, &piece(1), vec![], None).expect("a third");
            assert_eq!(part.net + part.taxes[0].amount, part.gross);
            earlier.push(refund(part));
        }
        assert_eq!(earlier.iter().map(|r| r.gross).sum::<i64>(), 10001);
        assert_eq!(earlier.iter().map(|r| r.taxes[0].amount).sum::<i64>(), 1735);
        let discounts = earlier.iter().map(|r| r.lines[0].discounts[0].amount);
        assert_eq!(discounts.sum::<i64>(), 1);
        assert!(resolve(&sold, &earlier, &Extent::Full, vec![], None).is_err());
    }

    #[test]
    fn full_takes_what_is_left_and_tenders_pay_back_in_proportion() {
        let lines = vec![line(1, 1000, 2, 0, 347), line(2, 505, 1, 0, 88)];
        let sold = sale(
            lines,
            vec![tender(1, "gift-card", 500), tender(2, "card", 2005)],
        );
        let first =
            refund(resolve(&sold, &[], &piece(1), vec![], None).expect("one of two pieces"));
        assert_eq!(first.gross, 1000);
        assert_eq!(first.tenders.iter().map(|t| t.amount).sum::<i64>(), 1000);
        let rest = resolve(&sold, &[first], &Extent::Full, vec![], None).expect("the rest");
        assert_eq!(rest.gross, 1505);
        assert_eq!(rest.lines.len(), 2);
    }

    #[test]
    fn no_tender_pays_back_more_than_it_paid() {
        let sold = sale(
            vec![line(1, 100, 1, 0, 17)],
            vec![tender(1, "gift-card", 50), tender(2, "card", 50)],
        );
        let mut earlier = vec![refund(
            resolve(
                &sold,
                &[],
                &Extent::Amount(40),
                vec![tender(1, "card", 40)],
                None,
            )
            .expect("by card"),
        )];
        for _ in 0..60 {
            let cent = resolve(&sold, &earlier, &Extent::Amount(1), vec![], None);
            earlier.push(refund(cent.expect("a cent")));
        }
        for kind in ["gift-card", "card"] {
            let tenders = earlier.iter().flat_map(|refund| &refund.tenders);
            let back: Money = tenders.filter(|t| t.kind == kind).map(|t| t.amount).sum();
            assert_eq!(back, 50, "{kind}");
        }
    }

    #[test]
    fn a_finer_quantity_given_back_earlier_still_counts() {
        let sold = sale(
            vec![line(1, 1000, 1, 0, 174)],
            vec![tender(1, "card", 1000)],
        );
        let fine = Extent::Lines(vec![LineBack {
            line: 1,
            quantity: Some(Decimal {
                unscaled: 50_000,
                scale: 5,
            }),
        }]);
        let half = refund(resolve(&sold, &[], &fine, vec![], None).expect("a half"));
        let coarse = Extent::Lines(vec![LineBack {
            line: 1,
            quantity: Some(Decimal {
                unscaled: 5,
                scale: 1,
            }),
        }]);
        let half = [half];
        let rest = resolve(&sold, &half, &coarse, vec![], None).expect("the other half");
        assert_eq!(rest.gross, 500);
        let all = resolve(&sold, &half, &Extent::Full, vec![], None).expect("all that is left");
        let left = all.lines[0].quantity.exact().expect("a decimal");
        assert_eq!(left, rust_decimal::Decimal::new(5, 1));
        assert!(resolve(&sold, &half, &piece(1), vec![], None).is_err());
    }

    #[test]
    fn never_more_than_was_paid() {
        let sold = sale(
            vec![line(1, 1000, 1, 0, 174)],
            vec![tender(1, "card", 1000)],
        );
        assert!(resolve(&sold, &[], &Extent::Amount(1001), vec![], None).is_err());
        let absurd = Some(Money::MAX);
        assert!(resolve(&sold, &[], &Extent::Full, vec![], absurd).is_err());
        let part = resolve(&sold, &[], &Extent::Amount(400), vec![], None).expect("a part");
        assert_eq!((part.gross, part.net), (400, 400));
        let earlier = [refund(part)];
        assert!(resolve(&sold, &earlier, &Extent::Amount(601), vec![], None).is_err());
        assert!(resolve(&sold, &earlier, &Extent::Full, vec![], None).is_err());
    }
}
