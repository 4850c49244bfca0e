//! Converts a row to a line of the statement.

use crate::columns::{self, At};
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{reference, single_line};
use galleria_sdk::{money, quoted};

/// The payout's currency.
pub struct Paid<'a> {
    pub currency: &'a str,
    pub digits: u8,
}

/// The amount that a customer paid or got back.
struct Gross {
    currency: String,
    digits: u8,
    amount: Money,
    rate: Option<Decimal>,
    converted: Money,
}

pub fn read(
    row: &Row,
    at: &At,
    kind: StatementKind,
    paid: &Paid<'_>,
    booked_at: String,
) -> Result<StatementLine, Problem> {
    let net = sided(
        row,
        (at.net_debit, columns::NET_DEBIT),
        (at.net_credit, columns::NET_CREDIT),
        paid.digits,
    )?;
    let cost = kind == StatementKind::Fee;
    let (gross, fee) = if cost {
        // A cost without a payment: no customer paid, and the provider kept everything.
        let fee = net.checked_neg();
        let fee = fee.ok_or_else(|| too_large(row, columns::NET_DEBIT))?;
        (none(paid), fee)
    } else {
        let fee = fees(row, at, paid.digits)?;
        // Computed from net and fee: with another currency it is the only exact amount.
        let converted = net.checked_add(fee);
        let converted = converted.ok_or_else(|| too_large(row, columns::NET_CREDIT))?;
        let side = columns::side(net, columns::NET_DEBIT, columns::NET_CREDIT);
        (gross(row, at, &kind, paid, (converted, side))?, fee)
    };
    let payment = kind == StatementKind::Payment;
    let text = |index: usize, name: &str| reference(row.number(), name, row.cell(index));
    let mut attributes = Vec::new();
    if let Some(index) = at.method.filter(|index| !row.cell(*index).is_empty()) {
        let method = text(index, columns::METHOD)?;
        attributes.push(Attribute::new("payment-method", method));
    }
    let psp = text(at.psp, columns::PSP)?;
    let mut modification = String::new();
    if psp.is_empty() && !row.cell(at.modification).is_empty() {
        // For a cost or a correction this column contains a description.
        let sentence = single_line(row.cell(at.modification));
        attributes.push(Attribute::new("description", sentence));
    } else if !payment {
        // For a payment it is the reference of the capture. The platform knows the payment by its
        // own reference.
        modification = text(at.modification, columns::MODIFICATION)?;
    }
    if !matches!(kind, StatementKind::Payment | StatementKind::Refund) {
        attributes.push(Attribute::new("type", row.cell(at.kind)));
    }
    Ok(StatementLine {
        row: row.number(),
        kind,
        id: String::new(),
        psp_reference: psp,
        modification_reference: modification,
        merchant_reference: text(at.merchant, columns::MERCHANT)?,
        booked_at,
        currency: gross.currency,
        minor_digits: gross.digits,
        gross: gross.amount,
        rate: gross.rate,
        converted: gross.converted,
        fee,
        net,
        attributes,
    })
}

fn none(paid: &Paid<'_>) -> Gross {
    Gross {
        currency: paid.currency.to_owned(),
        digits: paid.digits,
        amount: 0,
        rate: None,
        converted: 0,
    }
}

fn gross(
    row: &Row,
    at: &At,
    kind: &StatementKind,
    paid: &Paid<'_>,
    (converted, side): (Money, &str),
) -> Result<Gross, Problem> {
    let number = row.number();
    let has_gross = !row.cell(at.gross_currency).is_empty();
    if !has_gross && matches!(kind, StatementKind::Adjustment | StatementKind::Other(_)) {
        let amount = converted;
        return Ok(Gross {
            amount,
            converted,
            ..none(paid)
        });
    }
    let currency = money::currency(row.cell(at.gross_currency))
        .map_err(|bad| bad.in_row(number, columns::GROSS_CURRENCY))?;
    let digits = money::minor_digits(&currency);
    let amount = sided(
        row,
        (at.gross_debit, columns::GROSS_DEBIT),
        (at.gross_credit, columns::GROSS_CREDIT),
        digits,
    )?;
    let rate = match currency == paid.currency {
        true => {
            if amount != converted {
                let show = |amount| money::format(amount, paid.digits);
                let right = [
                    "net and fee add up to ",
                    &*show(converted),
                    ", the gross is ",
                    &show(amount),
                ];
                return Err(Problem::in_row(number, side, right.concat()));
            }
            None
        }
        false => Some(rate(row, at, (amount, digits), (converted, paid.digits))?),
    };
    Ok(Gross {
        currency,
        digits,
        amount,
        rate,
        converted,
    })
}

/// Parses the rate and compares it with the converted amount.
fn rate(
    row: &Row,
    at: &At,
    (gross, digits): (Money, u8),
    (converted, paid_digits): (Money, u8),
) -> Result<Decimal, Problem> {
    let (number, text) = (row.number(), row.cell(at.rate));
    let bad = |message: String| Problem::in_row(number, columns::RATE, message);
    let rate = Decimal::parse(text)
        .ok()
        .filter(|rate| rate.unscaled > 0)
        .ok_or_else(|| {
            bad([
                &*quoted(text),
                " is not a rate such as 1.0837, and the currencies differ",
            ]
            .concat())
        })?;
    // gross × rate, in the payout's minor units with `scale` further digits, may differ from
    // `converted` by the precision of the rate and by one minor unit for the rounding.
    let scale = u32::from(rate.scale) + u32::from(digits);
    let up = 10_i128.pow(u32::from(paid_digits));
    let one = 10_i128.pow(scale);
    let wide = (i128::from(gross) * i128::from(rate.unscaled)).checked_mul(up);
    let exact = i128::from(converted).checked_mul(one);
    let (Some(wide), Some(exact)) = (wide, exact) else {
        return Err(bad("has too many digits for this amount".to_owned()));
    };
    let slack = one + i128::from(gross).abs() * up;
    if (wide - exact).abs() > slack {
        let show = money::format(converted, paid_digits);
        let message = [
            text,
            " does not give ",
            &show,
            " (net and fee) of the gross ",
            &money::format(gross, digits),
        ];
        return Err(bad(message.concat()));
    }
    Ok(rate)
}

fn fees(row: &Row, at: &At, digits: u8) -> Result<Money, Problem> {
    let mut sum = 0_i128;
    for (index, name) in at.fees.iter().zip(columns::FEES) {
        sum += i128::from(amount(row, *index, name, digits)?);
    }
    i64::try_from(sum).map_err(|_| too_large(row, columns::COMMISSION))
}

/// Returns credit less debit: a row fills one of the two columns, without a sign.
pub fn sided(
    row: &Row,
    debit: (usize, &str),
    credit: (usize, &str),
    digits: u8,
) -> Result<Money, Problem> {
    let number = row.number();
    let side = |(index, name): (usize, &str)| {
        let amount = amount(row, index, name, digits)?;
        match amount < 0 {
            true => {
                let message = "has the wrong sign: the column defines the sign, so the amount must not have one";
                Err(Problem::in_row(number, name, message))
            }
            false => Ok(amount),
        }
    };
    match (side(debit)?, side(credit)?) {
        (0, credit) => Ok(credit),
        (debit, 0) => Ok(-debit),
        _ => {
            let message = [
                debit.1,
                " has an amount too: a row must be either debit or credit",
            ]
            .concat();
            Err(Problem::in_row(number, credit.1, message))
        }
    }
}

/// Parses an amount; an empty cell is 0.
fn amount(row: &Row, index: usize, name: &str, digits: u8) -> Result<Money, Problem> {
    match row.cell(index) {
        "" => Ok(0),
        text => {
            money::parse_with(text, digits, '.', None).map_err(|bad| bad.in_row(row.number(), name))
        }
    }
}

fn too_large(row: &Row, column: &str) -> Problem {
    Problem::in_row(row.number(), column, "is too large together with its fee")
}
