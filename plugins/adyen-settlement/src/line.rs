//! Converts a row to a line of the statement.

use crate::columns::{self, At};
use crate::kinds::is_plain;
use crate::rate::Rate;
use crate::unit::Unit;
use galleria_sdk::csv::Row;
use galleria_sdk::money;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, reference, single_line};

/// The amount that a customer paid or got back, and what the provider kept.
struct Amounts {
    currency: String,
    digits: u8,
    gross: Money,
    rate: Option<Decimal>,
    converted: Money,
    fee: Money,
}

/// The amounts in the cells of a row; `None` if all cells of an amount are empty.
pub struct Cells {
    gross_currency: Option<String>,
    gross: Option<Money>,
    /// As stated, or as gross and fee define it.
    net: Money,
    net_is_stated: bool,
    fee: Option<Money>,
}

impl Cells {
    /// Reports the problems of all cells together.
    pub fn read(row: &Row, at: &At, paid: &Unit<'_>, problems: &mut Problems) -> Option<Self> {
        let net = sided(
            row,
            (at.net_debit, columns::NET_DEBIT),
            (at.net_credit, columns::NET_CREDIT),
            paid,
            problems,
        );
        let mut fee = Some(None);
        for (index, name) in at.fees.iter().zip(columns::FEES) {
            let part = problems.take(paid.amount(row, *index, name));
            fee = fee.zip(part).map(|(sum, part)| match (sum, part) {
                (Some(sum), Some(part)) => Some(sum + i128::from(part)),
                (sum, part) => sum.or(part.map(i128::from)),
            });
        }
        let narrow =
            |sum: i128| i64::try_from(sum).map_err(|_| too_large(row, columns::COMMISSION));
        let fee = fee.and_then(|fee| problems.take(fee.map(narrow).transpose()));
        let text = row.cell(at.gross_currency);
        let currency = (!text.is_empty())
            .then(|| money::currency(text))
            .transpose();
        let currency = currency.map_err(|bad| bad.in_row(row.number(), columns::GROSS_CURRENCY));
        let gross_currency = problems.take(currency)?;
        let currency = gross_currency.as_deref().unwrap_or(paid.currency);
        let unit = Unit {
            currency,
            digits: money::minor_digits(currency),
            ..*paid
        };
        let gross = sided(
            row,
            (at.gross_debit, columns::GROSS_DEBIT),
            (at.gross_credit, columns::GROSS_CREDIT),
            &unit,
            problems,
        );
        let (gross, fee) = (gross?, fee?);
        let stated_net = net?;
        // In another currency, gross and fee do not define the net. A cost may state its fee only.
        let same = currency == paid.currency || gross.is_none();
        let net = match (stated_net, gross.unwrap_or(0), fee) {
            (Some(net), ..) => net,
            (None, gross, Some(fee)) if same => {
                let net = gross.checked_sub(fee);
                problems.take(net.ok_or_else(|| too_large(row, columns::COMMISSION)))?
            }
            (None, 0, None) => 0,
            (None, gross, _) => {
                let column = columns::side(gross, columns::NET_DEBIT, columns::NET_CREDIT);
                let message = "is empty, and the other amounts do not define it";
                problems.push(Problem::in_row(row.number(), column, message));
                return None;
            }
        };
        let cells = Self {
            gross,
            net,
            net_is_stated: stated_net.is_some(),
            fee,
            gross_currency,
        };
        Some(cells)
    }
}

/// Reports all problems of the row. Returns a line if its amounts are valid, also if other cells are not.
pub fn read(
    row: &Row,
    at: &At,
    kind: StatementKind,
    paid: &Unit<'_>,
    booked_at: String,
    problems: &mut Problems,
) -> Option<StatementLine> {
    let cells = Cells::read(row, at, paid, problems);
    let mut text = |index: usize, name: &str| {
        let text = problems.take(reference(row.number(), name, row.cell(index)));
        text.unwrap_or_default()
    };
    let mut attributes = Vec::new();
    if let Some(index) = at.method.filter(|index| !row.cell(*index).is_empty()) {
        let method = text(index, columns::METHOD);
        attributes.push(Attribute::new("payment-method", method));
    }
    let psp_reference = text(at.psp, columns::PSP);
    let merchant_reference = text(at.merchant, columns::MERCHANT);
    let mut modification_reference = String::new();
    if row.cell(at.psp).is_empty() && !row.cell(at.modification).is_empty() {
        // For a cost or a correction this column contains a description.
        let sentence = single_line(row.cell(at.modification));
        attributes.push(Attribute::new("description", sentence));
    } else if kind != StatementKind::Payment {
        // For a payment it is the reference of the capture. The platform knows the payment by its
        // own reference.
        modification_reference = text(at.modification, columns::MODIFICATION);
    }
    if !is_plain(row.cell(at.kind)) {
        attributes.push(Attribute::new("type", row.cell(at.kind)));
    }
    let cells = cells?;
    let amounts = problems.take(amounts(row, at, &kind, paid, &cells))?;
    Some(StatementLine {
        row: row.number(),
        kind,
        id: String::new(),
        psp_reference,
        modification_reference,
        merchant_reference,
        booked_at,
        currency: amounts.currency,
        minor_digits: amounts.digits,
        gross: amounts.gross,
        rate: amounts.rate,
        converted: amounts.converted,
        fee: amounts.fee,
        net: cells.net,
        attributes,
    })
}

/// Completes the amounts of a row: net = converted − fee for every line.
fn amounts(
    row: &Row,
    at: &At,
    kind: &StatementKind,
    paid: &Unit<'_>,
    cells: &Cells,
) -> Result<Amounts, Problem> {
    let in_paid = |gross: Money, fee: Money| Amounts {
        currency: paid.currency.to_owned(),
        digits: paid.digits,
        gross,
        rate: None,
        converted: gross,
        fee,
    };
    let net_column = columns::side(cells.net, columns::NET_DEBIT, columns::NET_CREDIT);
    if *kind == StatementKind::Fee {
        // A cost without a payment: no customer paid, and the provider kept everything.
        let fee = cells.net.checked_neg();
        return Ok(in_paid(0, fee.ok_or_else(|| too_large(row, net_column))?));
    }
    if statement::needs_day(kind) && cells.gross.is_none() && !cells.net_is_stated {
        let column = match kind {
            StatementKind::Payment | StatementKind::ChargebackReversal => columns::GROSS_CREDIT,
            _ => columns::GROSS_DEBIT,
        };
        let message = "is empty, and the row has no net";
        return Err(Problem::in_row(row.number(), column, message));
    }
    // The report always states the fee of a payment or refund. For other lines the fee columns may be
    // empty, although the net contains a cost, such as that of a chargeback.
    let sale = matches!(kind, StatementKind::Payment | StatementKind::Refund);
    let fee_is_left_out = cells.fee.is_none() && !sale;
    let fee = cells.fee.unwrap_or(0);
    // Exact in any currency, unlike gross × rate.
    let converted = cells
        .net
        .checked_add(fee)
        .ok_or_else(|| too_large(row, net_column))?;
    let foreign = cells
        .gross_currency
        .as_deref()
        .filter(|code| *code != paid.currency);
    // A correction has no customer: its gross is empty or zero.
    let correction = matches!(kind, StatementKind::Adjustment | StatementKind::Other(_));
    let Some(gross) = cells.gross.filter(|gross| *gross != 0 || !correction) else {
        return match foreign {
            Some(currency) if sale => {
                let column = columns::side(converted, columns::GROSS_DEBIT, columns::GROSS_CREDIT);
                let message = [
                    "is empty, and the amount in ",
                    currency,
                    " does not follow from the net in ",
                    paid.currency,
                ];
                Err(Problem::in_row(row.number(), column, message.concat()))
            }
            _ => Ok(in_paid(converted, fee)),
        };
    };
    let Some(currency) = foreign else {
        let fee = match fee_is_left_out {
            true => fee_between(row, net_column, paid.digits, gross, cells.net)?,
            false if gross == converted => fee,
            false => {
                let show = |amount| money::format(amount, paid.digits);
                let message = [
                    "net and fee add up to ",
                    &*show(converted),
                    ", the gross is ",
                    &show(gross),
                ];
                return Err(Problem::in_row(row.number(), net_column, message.concat()));
            }
        };
        return Ok(in_paid(gross, fee));
    };
    let digits = money::minor_digits(currency);
    let rate = Rate::read(row, at, (gross, digits), paid)?;
    let (converted, fee) = match rate.gives(converted)? {
        true => (converted, fee),
        false if fee_is_left_out => {
            let converted = rate.converted()?;
            let fee = fee_between(row, net_column, paid.digits, converted, cells.net)?;
            (converted, fee)
        }
        false => return Err(rate.mismatch(converted)),
    };
    Ok(Amounts {
        currency: currency.to_owned(),
        digits,
        gross,
        rate: Some(rate.value),
        converted,
        fee,
    })
}

/// Returns the fee, which is the difference of gross and net. A provider may return a fee, but it does not pay out
/// the amount that it deducts from the gross: then the amount is in the wrong column.
fn fee_between(
    row: &Row,
    column: &str,
    digits: u8,
    gross: Money,
    net: Money,
) -> Result<Money, Problem> {
    let fee = gross
        .checked_sub(net)
        .ok_or_else(|| too_large(row, column))?;
    if fee < 0 && gross < 0 && net > 0 {
        let message = [
            "has the wrong sign: the gross is ",
            &money::format(gross, digits),
        ];
        return Err(Problem::in_row(row.number(), column, message.concat()));
    }
    Ok(fee)
}

/// Returns credit less debit, or `None` if both cells are empty: a row fills one of the two columns,
/// without a sign. The outer `None` means that a cell is invalid.
pub fn sided(
    row: &Row,
    debit: (usize, &str),
    credit: (usize, &str),
    unit: &Unit<'_>,
    problems: &mut Problems,
) -> Option<Option<Money>> {
    let number = row.number();
    let mut side = |(index, name): (usize, &str)| {
        let amount = unit.amount(row, index, name);
        let amount = amount.and_then(|amount| match amount {
            Some(..0) => {
                let message = "has the wrong sign: the column defines the sign, so the amount must not have one";
                Err(Problem::in_row(number, name, message))
            }
            amount => Ok(amount),
        });
        problems.take(amount)
    };
    match (side(debit), side(credit)) {
        (Some(None), Some(amount)) | (Some(Some(0)), Some(amount @ Some(_))) => Some(amount),
        (Some(amount), Some(None | Some(0))) => Some(amount.map(|amount| -amount)),
        (Some(_), Some(_)) => {
            let message = [
                debit.1,
                " has an amount too: a row must be either debit or credit",
            ]
            .concat();
            problems.push(Problem::in_row(number, credit.1, message));
            None
        }
        _ => None,
    }
}

/// Returns the columns of a line's amounts: an amount's sign selects its column.
pub fn columns_of(
    row: &Row,
    at: &At,
    line: &StatementLine,
    paid: &Unit<'_>,
) -> statement::ColumnNames {
    let negative = |(name, index): &(&&str, usize)| {
        let part = paid.amount(row, *index, name);
        part.is_ok_and(|part| part.is_some_and(|part| part < 0))
    };
    // Only a negative fee may be wrong, and then its part is named.
    let given_back = match line.fee < 0 {
        true => columns::FEES.iter().zip(at.fees).find(negative),
        false => None,
    };
    let net = columns::side(line.net, columns::NET_DEBIT, columns::NET_CREDIT);
    let net_only = row.cell(at.gross_debit).is_empty() && row.cell(at.gross_credit).is_empty();
    let gross = match net_only {
        true => net,
        false => columns::side(line.gross, columns::GROSS_DEBIT, columns::GROSS_CREDIT),
    };
    statement::ColumnNames {
        gross: gross.into(),
        fee: given_back
            .map_or(columns::COMMISSION, |(name, _)| name)
            .into(),
        net: net.into(),
    }
}

pub fn too_large(row: &Row, column: &str) -> Problem {
    Problem::in_row(row.number(), column, "is too large together with its fee")
}
