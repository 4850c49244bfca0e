//! Converts a row to a line of the statement, and reads the amounts of the row of totals.

use crate::columns::At;
use crate::settings::{ColumnNames, FeeSign, NegativeAmounts, Settings};
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{KindWord, StatedAmounts, reference, unknown_word};
use galleria_sdk::text::comparable;
use galleria_sdk::{NumberFormat, money};

/// The amounts of a row, with the signs of the contract.
pub struct RowAmounts {
    pub gross: Money,
    /// The gross in the row's cell, which the row of totals contains.
    pub stated_gross: Money,
    pub fee: Money,
    pub net: Money,
}

impl RowAmounts {
    /// Reports the problems of all cells together.
    pub fn read(
        row: &Row,
        at: &At,
        settings: &Settings,
        currency: &str,
        word: Option<KindWord>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let names = &settings.columns;
        let amounts = Amounts::new(row, settings, currency);
        let costs = matches!(
            word,
            Some(KindWord::Fee | KindWord::Adjustment | KindWord::Other)
        );
        let negative = matches!(
            word,
            Some(KindWord::Refund | KindWord::Chargeback | KindWord::Fee)
        );
        let turn = negative && settings.negative_amounts == NegativeAmounts::Unsigned;
        let signed = |amount: Option<Money>, name: &str| match amount {
            Some(..0) if turn => {
                let message = "has the wrong sign: the settings state that amounts have no sign";
                Err(Problem::in_row(row.number(), name, message))
            }
            amount => Ok(amount.map(|amount| if turn { -amount } else { amount })),
        };
        // For a cost or a correction the cell is often empty; a payment has an amount.
        let gross = match row.cell(at.gross) {
            "" if costs => Ok(None),
            _ => amounts.read(at.gross, &names.gross).map(Some),
        };
        let gross = problems.take(gross.and_then(|gross| signed(gross, &names.gross)));
        let fee = at.fee.map_or(Ok(None), |at| amounts.fee(at, &names.fee));
        let fee = problems.take(fee);
        let net = at
            .net
            .map_or(Ok(None), |at| amounts.optional(at, &names.net));
        let net = problems.take(net.and_then(|net| signed(net, &names.net)));
        let mut stated = StatedAmounts {
            gross: gross?,
            fee: fee?,
            net: net?,
        };
        if at.net.is_some() && stated.net.is_none() && stated.fee.is_none() && !costs {
            let message = "is empty, and the other amounts do not define it";
            problems.push(Problem::in_row(row.number(), &*names.net, message));
            return None;
        }
        if at.fee.is_some() && stated.gross.is_some() {
            // An empty fee is zero.
            stated.fee = stated.fee.or(Some(0));
        }
        let whole = stated.complete(word == Some(KindWord::Fee));
        let whole = whole.ok_or_else(|| {
            let message = "is too large together with its fee";
            Problem::in_row(row.number(), &*names.gross, message)
        });
        let [gross, fee, net] = problems.take(whole)?;
        Some(Self {
            gross,
            stated_gross: stated.gross.unwrap_or(0),
            fee,
            net,
        })
    }

    /// Completes a line. Without a kind, the sign of the gross defines it.
    pub fn complete(&self, mut line: StatementLine, kind: Option<StatementKind>) -> StatementLine {
        line.kind = kind.unwrap_or(match self.gross < 0 {
            true => StatementKind::Refund,
            false => StatementKind::Payment,
        });
        (line.gross, line.converted) = (self.gross, self.gross);
        (line.fee, line.net) = (self.fee, self.net);
        // A cost without a payment, in either column: the provider kept everything. If the file
        // contradicts itself, the line is unchanged and the check rejects it.
        if line.kind == StatementKind::Fee
            && self.gross.checked_sub(self.fee) == Some(self.net)
            && let Some(fee) = self.net.checked_neg()
        {
            (line.gross, line.converted, line.fee) = (0, 0, fee);
        }
        if line.kind == StatementKind::Payment {
            line.modification_reference.clear();
        }
        line
    }
}

/// Returns the kind of a row; `None` if there is no such column.
pub fn kind_word(row: &Row, at: &At, settings: &Settings) -> Result<Option<KindWord>, Problem> {
    let Some(at) = at.kind else {
        return Ok(None);
    };
    let text = row.cell(at);
    let wanted = comparable(text);
    let same = |(word, _): &(&String, &KindWord)| comparable(word) == wanted;
    let kind = settings.kinds.iter().find(same);
    kind.map(|(_, kind)| Some(*kind)).ok_or_else(|| {
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
    /// Reports the problems of all cells together.
    pub fn read(
        row: &Row,
        at: &At,
        settings: &Settings,
        currency: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        let names = &settings.columns;
        let amounts = Amounts::new(row, settings, currency);
        let gross = problems.take(amounts.optional(at.gross, &names.gross));
        let fee = at.fee.map_or(Ok(None), |at| amounts.fee(at, &names.fee));
        let fee = problems.take(fee);
        let net = at
            .net
            .map_or(Ok(None), |at| amounts.optional(at, &names.net));
        let net = problems.take(net);
        Some(Self {
            gross: gross?,
            fee: fee?,
            net: net?,
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

/// Returns a line without kind and amounts. Reports all problems of its references.
pub fn read(
    row: &Row,
    at: &At,
    names: &ColumnNames,
    currency: String,
    booked_at: String,
    problems: &mut Problems,
) -> StatementLine {
    let mut text = |at: Option<usize>, name: &str| {
        let text = reference(row.number(), name, at.map_or("", |at| row.cell(at)));
        problems.take(text).unwrap_or_default()
    };
    StatementLine {
        row: row.number(),
        id: text(at.id, &names.id),
        psp_reference: text(at.psp_reference, &names.psp_reference),
        modification_reference: text(at.modification_reference, &names.modification_reference),
        merchant_reference: text(at.merchant_reference, &names.merchant_reference),
        booked_at,
        minor_digits: money::minor_digits(&currency),
        currency,
        ..StatementLine::default()
    }
}
