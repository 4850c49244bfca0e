//! Converts a row to a line of the statement.

use crate::columns::{self, At};
use crate::settings::{PspReference, Settings, TimeZone};
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{needs_day, reference, single_line};
use galleria_sdk::{DateFormat, NumberFormat, money};

/// The amounts of a row, in the payout's currency.
pub struct RowAmounts {
    pub gross: Money,
    pub fee: Money,
    pub net: Money,
}

impl RowAmounts {
    /// Reports the problems of all cells together.
    pub fn read(
        row: &Row,
        at: &At,
        currency: &str,
        format: &NumberFormat,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut read =
            |index: usize, name: &str| problems.take(amount(row, index, name, currency, format));
        let gross = read(at.gross, columns::GROSS);
        let fee = read(at.fee, columns::FEE);
        // Gross and fee define the net.
        let net = match row.cell(at.net) {
            "" => gross.zip(fee).map(|(gross, fee)| gross.checked_sub(fee)),
            _ => read(at.net, columns::NET).map(Some),
        };
        let too_large = || Problem::in_row(row.number(), columns::NET, "is too large");
        Some(Self {
            gross: gross?,
            fee: fee?,
            net: problems.take(net?.ok_or_else(too_large))?,
        })
    }

    /// Checks net = gross − fee for the row of the payout, which is not a line.
    pub fn check(&self, row: &Row, digits: u8) -> Result<(), Problem> {
        let right = i128::from(self.gross) - i128::from(self.fee);
        if i128::from(self.net) == right {
            return Ok(());
        }
        let show = |amount| money::format(amount, digits);
        let right = i64::try_from(right).map_or("beyond 64 bits".to_owned(), show);
        let message = [
            "is ",
            &show(self.net),
            ", and ",
            &show(self.gross),
            " less the fee of ",
            &show(self.fee),
            " is ",
            &right,
        ];
        let message = message.concat();
        Err(Problem::in_row(row.number(), columns::NET, message))
    }
}

/// The settings, and the format of days that follows from them.
pub struct LineFormat<'a> {
    pub settings: &'a Settings,
    pub dates: &'a DateFormat,
}

/// Reports all problems of the row. Returns a line if its amounts are valid, also if other cells are not.
pub fn read(
    row: &Row,
    at: &At,
    kind: StatementKind,
    amounts: Option<RowAmounts>,
    currency: &str,
    format: &LineFormat<'_>,
    problems: &mut Problems,
) -> Option<StatementLine> {
    let settings = format.settings;
    let mut line = StatementLine {
        row: row.number(),
        booked_at: problems
            .take(booked_at(row, at, &kind, format))
            .unwrap_or_default(),
        currency: currency.to_owned(),
        minor_digits: money::minor_digits(currency),
        ..StatementLine::default()
    };
    let mut text = |index: usize, name: &str| {
        let text = problems.take(reference(row.number(), name, row.cell(index)));
        text.unwrap_or_default()
    };
    line.id = text(at.id, columns::ID);
    if let Some((index, name)) = psp_reference(row, at, &kind, settings.psp_reference) {
        line.psp_reference = text(index, name);
    }
    if let Some(index) = at.merchant {
        line.merchant_reference = text(index, &settings.merchant_reference);
    }
    let sale = matches!(kind, StatementKind::Payment | StatementKind::Refund);
    let cost = kind == StatementKind::Fee;
    let balance = matches!(kind, StatementKind::Adjustment | StatementKind::Other(_));
    if kind != StatementKind::Payment && !cost && !balance {
        line.modification_reference = text(at.source, columns::SOURCE);
    }
    if row.cell(at.id).is_empty() {
        problems.push(Problem::in_row(line.row, columns::ID, "is empty"));
    }
    if !sale {
        line.attributes
            .push(Attribute::new("type", row.cell(at.category)));
        let description = at.description.map_or("", |at| row.cell(at));
        if !description.is_empty() && (cost || kind == StatementKind::Adjustment) {
            line.attributes
                .push(Attribute::new("description", single_line(description)));
        }
    }
    line.kind = kind;
    let amounts = amounts?;
    (line.gross, line.converted) = (amounts.gross, amounts.gross);
    (line.fee, line.net) = (amounts.fee, amounts.net);
    if cost && amounts.gross.checked_sub(amounts.fee) == Some(amounts.net) {
        // The report writes the cost as a negative gross; it is what the provider kept. If the row
        // contradicts itself, the line is unchanged and the check rejects it.
        let fee = amounts.net.checked_neg();
        let fee = fee.ok_or_else(|| Problem::in_row(line.row, columns::NET, "is too large"));
        line.fee = problems.take(fee)?;
        (line.gross, line.converted) = (0, 0);
    } else if !cost && !balance {
        problems.take(customer_money(row, at, &mut line, &settings.numbers()))?;
    }
    Some(line)
}

/// Returns the first filled column with the payment's reference, starting with the column of the settings. The source
/// of a charge is the charge itself; the source of a refund or dispute is not, so without a charge they
/// have only the payment's intent.
fn psp_reference(
    row: &Row,
    at: &At,
    kind: &StatementKind,
    first: PspReference,
) -> Option<(usize, &'static str)> {
    let charge = at.charge.map(|index| (index, columns::CHARGE));
    let intent = at.intent.map(|index| (index, columns::INTENT));
    let source = (*kind == StatementKind::Payment).then_some((at.source, columns::SOURCE));
    let order = match first {
        PspReference::ChargeId => [charge, source, intent],
        PspReference::PaymentIntentId => [intent, charge, source],
    };
    let filled = |(index, _): &(usize, &str)| !row.cell(*index).is_empty();
    order.into_iter().flatten().find(filled)
}

/// The customer's amount, if it was in another currency. The report contains no rate.
fn customer_money(
    row: &Row,
    at: &At,
    line: &mut StatementLine,
    format: &NumberFormat,
) -> Result<(), Problem> {
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
    let amount = amount(row, amount_at, columns::CUSTOMER_AMOUNT, &currency, format)?;
    // The sign of a refund in this column is not documented: use the sign of `gross`.
    let size = amount
        .checked_abs()
        .ok_or_else(|| Problem::in_row(line.row, columns::CUSTOMER_AMOUNT, "is too large"))?;
    line.gross = size * line.converted.signum();
    line.minor_digits = money::minor_digits(&currency);
    line.currency = currency;
    Ok(())
}

fn amount(
    row: &Row,
    index: usize,
    name: &str,
    currency: &str,
    format: &NumberFormat,
) -> Result<Money, Problem> {
    let digits = money::minor_digits(currency);
    let amount = money::parse_with(row.cell(index), currency, digits, format);
    amount.map_err(|bad| bad.in_row(row.number(), name))
}

/// Returns the day of `2026-11-24 18:03:07`, or of a day alone.
pub fn day(row: &Row, index: usize, name: &str, dates: &DateFormat) -> Result<String, Problem> {
    let local = dates.read_local(row.cell(index));
    let (day, _) = local.map_err(|bad| bad.in_row(row.number(), name))?;
    Ok(day.to_string())
}

/// Returns RFC 3339 if the time zone is known, otherwise the day; empty if the line needs no day and has none.
fn booked_at(
    row: &Row,
    at: &At,
    kind: &StatementKind,
    format: &LineFormat<'_>,
) -> Result<String, Problem> {
    let (index, name, utc) = &at.created;
    let text = row.cell(*index);
    if text.is_empty() && !needs_day(kind) {
        return Ok(String::new());
    }
    let in_row = |bad: BadValue| bad.in_row(row.number(), name);
    let (day, time) = format.dates.read_local(text).map_err(in_row)?;
    match time {
        Some(time) if *utc || format.settings.time_zone == TimeZone::Utc => {
            let instant = Instant::parse(&[&*day.to_string(), "T", &time, "Z"].concat());
            Ok(instant.map_err(in_row)?.to_string())
        }
        _ => Ok(day.to_string()),
    }
}
