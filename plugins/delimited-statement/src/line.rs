//! Converts a row to a line of the statement, and reads the amounts of the row of totals.

use crate::columns::At;
use crate::settings::{ColumnNames, FeeSign, NegativeAmounts, Settings};
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{KindWord, reference, unknown_word};
use galleria_sdk::text::comparable;
use galleria_sdk::{NumberFormat, money};

/// The amounts of a row, with the signs of the contract.
pub struct RowAmounts {
    pub kind: StatementKind,
    pub gross: Money,
    pub fee: Money,
    pub net: Money,
}

impl RowAmounts {
    pub fn read(row: &Row, at: &At, settings: &Settings, currency: &str) -> Result<Self, Problem> {
        let names = &settings.columns;
        let amounts = Amounts::new(row, settings, currency);
        let word = at.kind.map(|at| kind_word(row, at, settings)).transpose()?;
        let costs = matches!(
            word,
            Some(KindWord::Fee | KindWord::Adjustment | KindWord::Other)
        );
        // For a cost or a correction the cell is often empty; a payment has an amount.
        let mut gross = match row.cell(at.gross) {
            "" if costs => 0,
            _ => amounts.read(at.gross, &names.gross)?,
        };
        let fee = match at.fee {
            Some(at) => amounts.fee(at, &names.fee)?,
            None => None,
        };
        let mut net = match at.net {
            Some(at) => amounts.optional(at, &names.net)?,
            None => None,
        };
        if at.net.is_some() && net.is_none() && fee.is_none() && !costs {
            let message = "is empty, and the other amounts do not define it";
            return Err(Problem::in_row(row.number(), &*names.net, message));
        }
        let negative = matches!(
            word,
            Some(KindWord::Refund | KindWord::Chargeback | KindWord::Fee)
        );
        if negative && settings.negative_amounts == NegativeAmounts::Unsigned {
            for (amount, name) in [(Some(&mut gross), &names.gross), (net.as_mut(), &names.net)] {
                if let Some(amount) = amount {
                    if *amount < 0 {
                        let message =
                            "has the wrong sign: the settings state that amounts have no sign";
                        return Err(Problem::in_row(row.number(), &**name, message));
                    }
                    *amount = -*amount;
                }
            }
        }
        let too_large = || {
            Problem::in_row(
                row.number(),
                &*names.gross,
                "is too large together with its fee",
            )
        };
        let (fee, net) = match (fee, net) {
            (None, None) => (0, gross),
            (Some(fee), None) => (fee, gross.checked_sub(fee).ok_or_else(too_large)?),
            (None, Some(net)) if at.fee.is_none() => {
                (gross.checked_sub(net).ok_or_else(too_large)?, net)
            }
            (fee, Some(net)) => (fee.unwrap_or(0), net),
        };
        let kind = match word {
            Some(word) => word.kind(row.cell(at.kind.unwrap_or_default())),
            None if gross < 0 => StatementKind::Refund,
            None => StatementKind::Payment,
        };
        Ok(Self {
            kind,
            gross,
            fee,
            net,
        })
    }
}

fn kind_word(row: &Row, at: usize, settings: &Settings) -> Result<KindWord, Problem> {
    let text = row.cell(at);
    let same = |(word, _): &(&String, &KindWord)| comparable(word) == comparable(text);
    let kind = settings.kinds.iter().find(same);
    kind.map(|(_, kind)| *kind).ok_or_else(|| {
        let known = settings.kinds.keys().map(String::as_str);
        unknown_word(row.number(), &settings.columns.kind, text, "kinds", known)
    })
}

/// The row of totals. An amount is `None` if its cell is empty or there is no such column.
pub struct Totals {
    pub gross: Option<Money>,
    pub fee: Option<Money>,
    pub net: Option<Money>,
}

impl Totals {
    pub fn read(row: &Row, at: &At, settings: &Settings, currency: &str) -> Result<Self, Problem> {
        let names = &settings.columns;
        let amounts = Amounts::new(row, settings, currency);
        Ok(Self {
            gross: amounts.optional(at.gross, &names.gross)?,
            fee: at.fee.map_or(Ok(None), |at| amounts.fee(at, &names.fee))?,
            net: at
                .net
                .map_or(Ok(None), |at| amounts.optional(at, &names.net))?,
        })
    }
}

/// Reads amounts in the format of the settings.
struct Amounts<'a> {
    row: &'a Row,
    settings: &'a Settings,
    currency: &'a str,
    digits: u8,
    format: NumberFormat,
}

impl<'a> Amounts<'a> {
    fn new(row: &'a Row, settings: &'a Settings, currency: &'a str) -> Self {
        Self {
            row,
            settings,
            currency,
            digits: money::minor_digits(currency),
            format: settings.numbers(),
        }
    }

    fn read(&self, at: usize, name: &str) -> Result<Money, Problem> {
        let text = self.row.cell(at);
        let amount = money::parse_with(text, self.currency, self.digits, &self.format);
        amount.map_err(|bad| bad.in_row(self.row.number(), name))
    }

    /// Returns an amount; `None` for an empty cell.
    fn optional(&self, at: usize, name: &str) -> Result<Option<Money>, Problem> {
        match self.row.cell(at) {
            "" => Ok(None),
            _ => self.read(at, name).map(Some),
        }
    }

    /// Returns a kept fee as positive; `None` for an empty cell.
    fn fee(&self, at: usize, name: &str) -> Result<Option<Money>, Problem> {
        if self.row.cell(at).is_empty() {
            return Ok(None);
        }
        let fee = self.read(at, name)?;
        match self.settings.fee_sign {
            FeeSign::Positive => Ok(Some(fee)),
            FeeSign::Negative => {
                let negated = fee.checked_neg();
                let negated = negated
                    .ok_or_else(|| Problem::in_row(self.row.number(), name, "is too large"))?;
                Ok(Some(negated))
            }
        }
    }
}

pub fn read(
    row: &Row,
    at: &At,
    names: &ColumnNames,
    amounts: &RowAmounts,
    currency: String,
    booked_at: String,
) -> Result<StatementLine, Problem> {
    let text = |at: Option<usize>, name: &str| {
        reference(row.number(), name, at.map_or("", |at| row.cell(at)))
    };
    let mut line = StatementLine {
        row: row.number(),
        kind: amounts.kind.clone(),
        id: text(at.id, &names.id)?,
        psp_reference: text(at.psp_reference, &names.psp_reference)?,
        modification_reference: text(at.modification_reference, &names.modification_reference)?,
        merchant_reference: text(at.merchant_reference, &names.merchant_reference)?,
        booked_at,
        minor_digits: money::minor_digits(&currency),
        currency,
        gross: amounts.gross,
        rate: None,
        converted: amounts.gross,
        fee: amounts.fee,
        net: amounts.net,
        attributes: Vec::new(),
    };
    // A cost without a payment, in either column: the provider kept everything. If the file
    // contradicts itself, the line is unchanged and the check rejects it.
    let agrees = amounts.gross.checked_sub(amounts.fee) == Some(amounts.net);
    if amounts.kind == StatementKind::Fee
        && agrees
        && let Some(fee) = amounts.net.checked_neg()
    {
        (line.gross, line.converted, line.fee) = (0, 0, fee);
    }
    if amounts.kind == StatementKind::Payment {
        line.modification_reference.clear();
    }
    Ok(line)
}

/// Returns whether a line of this kind needs a day. A cost or a correction without one belongs to the day of the
/// payout.
pub fn needs_day(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Payment
        | StatementKind::Refund
        | StatementKind::Chargeback
        | StatementKind::ChargebackReversal => true,
        StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => false,
    }
}
