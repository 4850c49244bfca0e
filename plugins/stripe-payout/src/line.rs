//! Converts a row to a line of the statement.

use crate::columns::{self, At};
use crate::settings::{Settings, TimeZone};
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{reference, single_line};
use galleria_sdk::{money, quoted};

/// The amounts of a row, in the payout's currency.
pub struct RowAmounts {
    pub gross: Money,
    pub fee: Money,
    pub net: Money,
}

impl RowAmounts {
    pub fn read(row: &Row, at: &At, digits: u8) -> Result<Self, Problem> {
        let amounts = Self {
            gross: amount(row, at.gross, columns::GROSS, digits)?,
            fee: amount(row, at.fee, columns::FEE, digits)?,
            net: amount(row, at.net, columns::NET, digits)?,
        };
        // Checked here and not with the line, because the gross of a cost becomes its fee.
        let right = i128::from(amounts.gross) - i128::from(amounts.fee);
        if i128::from(amounts.net) != right {
            let show = |amount| money::format(amount, digits);
            let right = i64::try_from(right).map_or("beyond 64 bits".to_owned(), show);
            let message = [
                "is ",
                &show(amounts.net),
                ", and ",
                &show(amounts.gross),
                " less the fee of ",
                &show(amounts.fee),
                " is ",
                &right,
            ];
            return Err(Problem::in_row(
                row.number(),
                columns::NET,
                message.concat(),
            ));
        }
        Ok(amounts)
    }
}

pub fn read(
    row: &Row,
    at: &At,
    kind: StatementKind,
    amounts: &RowAmounts,
    currency: &str,
    settings: &Settings,
) -> Result<StatementLine, Problem> {
    let text = |index: usize, name: &str| reference(row.number(), name, row.cell(index));
    let mut line = StatementLine {
        row: row.number(),
        id: text(at.id, columns::ID)?,
        booked_at: booked_at(row, at, settings)?,
        currency: currency.to_owned(),
        minor_digits: money::minor_digits(currency),
        gross: amounts.gross,
        converted: amounts.gross,
        fee: amounts.fee,
        net: amounts.net,
        psp_reference: text(at.psp, columns::psp(settings))?,
        merchant_reference: match at.merchant {
            Some(index) => text(index, &settings.merchant_reference)?,
            None => String::new(),
        },
        ..StatementLine::default()
    };
    if line.id.is_empty() {
        return Err(Problem::in_row(line.row, columns::ID, "is empty"));
    }
    match &kind {
        StatementKind::Payment => customer_money(row, at, &mut line)?,
        StatementKind::Refund | StatementKind::Chargeback | StatementKind::ChargebackReversal => {
            line.modification_reference = text(at.source, columns::SOURCE)?;
            customer_money(row, at, &mut line)?;
        }
        StatementKind::Fee => {
            // The report writes the cost as a negative gross; it is what the provider kept.
            let fee = amounts.net.checked_neg();
            line.fee =
                fee.ok_or_else(|| Problem::in_row(line.row, columns::NET, "is too large"))?;
            (line.gross, line.converted) = (0, 0);
        }
        StatementKind::Adjustment | StatementKind::Other(_) => {}
    }
    if !matches!(kind, StatementKind::Payment | StatementKind::Refund) {
        line.attributes
            .push(Attribute::new("type", row.cell(at.category)));
        let description = at.description.map_or("", |at| row.cell(at));
        if !description.is_empty() && matches!(kind, StatementKind::Fee | StatementKind::Adjustment)
        {
            line.attributes
                .push(Attribute::new("description", single_line(description)));
        }
    }
    line.kind = kind;
    Ok(line)
}

/// The customer's amount, if it was in another currency. The report contains no rate.
fn customer_money(row: &Row, at: &At, line: &mut StatementLine) -> Result<(), Problem> {
    let Some((amount_at, currency_at)) = at.customer else {
        return Ok(());
    };
    if row.cell(currency_at).is_empty() {
        return Ok(());
    }
    let currency = money::currency(row.cell(currency_at))
        .map_err(|bad| bad.in_row(line.row, columns::CUSTOMER_CURRENCY))?;
    if currency == line.currency {
        return Ok(());
    }
    let digits = money::minor_digits(&currency);
    let amount = amount(row, amount_at, columns::CUSTOMER_AMOUNT, digits)?;
    // The sign of a refund in this column is not documented: use the sign of `gross`.
    let size = amount
        .checked_abs()
        .ok_or_else(|| Problem::in_row(line.row, columns::CUSTOMER_AMOUNT, "is too large"))?;
    line.gross = size * line.converted.signum();
    line.currency = currency;
    line.minor_digits = digits;
    Ok(())
}

fn amount(row: &Row, index: usize, name: &str, digits: u8) -> Result<Money, Problem> {
    let amount = money::parse_with(row.cell(index), digits, '.', None);
    amount.map_err(|bad| bad.in_row(row.number(), name))
}

/// Returns the day of `2026-11-24 18:03:07`, or of a day alone.
pub fn day<'r>(row: &'r Row, index: usize, name: &str) -> Result<&'r str, Problem> {
    Ok(moment(row, index, name)?.0)
}

/// Returns RFC 3339 if the time zone is known, otherwise the day.
fn booked_at(row: &Row, at: &At, settings: &Settings) -> Result<String, Problem> {
    let (index, name, utc) = &at.created;
    let (day, time) = moment(row, *index, name)?;
    match time {
        Some(time) if *utc || settings.time_zone == TimeZone::Utc => {
            let instant = Instant::parse(&[day, "T", time, "Z"].concat());
            let instant = instant.map_err(|bad| bad.in_row(row.number(), name))?;
            Ok(instant.to_string())
        }
        _ => Ok(day.to_owned()),
    }
}

fn moment<'r>(
    row: &'r Row,
    index: usize,
    name: &str,
) -> Result<(&'r str, Option<&'r str>), Problem> {
    let text = row.cell(index);
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let good = match time {
        Some(time) => Instant::parse(&[day, "T", time, "Z"].concat()).is_ok(),
        None => Date::parse(day).is_ok(),
    };
    match good {
        true => Ok((day, time)),
        false => {
            let message = [&*quoted(text), " is not a time such as 2026-11-24 18:03:07"].concat();
            Err(Problem::in_row(row.number(), name, message))
        }
    }
}
