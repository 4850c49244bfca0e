//! Converts a record to a line of the statement.

use crate::field::{Record, Unit};
use crate::settings::{Digits, FeeSign, Field, NegativeAmounts, Settings};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{KindWord, reference, unknown_word};

/// The amounts of a record with the signs of the contract, as the trailer sums them.
pub struct RecordAmounts {
    pub gross: Money,
    pub fee: Money,
}

pub fn read(
    record: &Record<'_>,
    settings: &Settings,
    header: &StatementHeader,
) -> Result<(StatementLine, RecordAmounts), Problem> {
    let fields = &settings.detail;
    let unit = Unit::of(header, settings);
    let (word, kind) = match &fields.kind {
        None => ("", None),
        Some(field) => {
            let text = record.text(field, "kind")?;
            (text, Some(kind_word(record, text, settings)?))
        }
    };
    let negative = matches!(
        kind,
        Some(KindWord::Refund | KindWord::Chargeback | KindWord::Fee)
    );
    let turn = negative && settings.negative_amounts == NegativeAmounts::Unsigned;
    let signed = |digits: &Digits, name: &str| {
        let amount = record.amount(digits, name, &unit)?;
        match turn {
            false => Ok(amount),
            true if amount < 0 => {
                let message = "has the wrong sign: the settings state that amounts have no sign";
                Err(Problem::in_row(record.row, name, message))
            }
            true => Ok(-amount),
        }
    };
    let gross = signed(&fields.gross, "gross")?;
    let fee = match &fields.fee {
        Some(digits) => Some(signed_fee(
            record,
            record.amount(digits, "fee", &unit)?,
            settings,
        )?),
        None => None,
    };
    let net = fields
        .net
        .as_ref()
        .map(|digits| signed(digits, "net"))
        .transpose()?;
    let too_large = || Problem::in_row(record.row, "gross", "is too large together with its fee");
    let (fee, net) = match (fee, net) {
        (None, None) => (0, gross),
        (Some(fee), None) => (fee, gross.checked_sub(fee).ok_or_else(too_large)?),
        (None, Some(net)) => (gross.checked_sub(net).ok_or_else(too_large)?, net),
        (Some(fee), Some(net)) => (fee, net),
    };
    let text = |field: &Option<Field>, name: &str| match field {
        Some(field) => reference(record.row, name, record.text(field, name)?),
        None => Ok(String::new()),
    };
    let kind = match kind {
        Some(kind) => kind.kind(word),
        None if gross < 0 => StatementKind::Refund,
        None => StatementKind::Payment,
    };
    let mut line = StatementLine {
        row: record.row,
        id: text(&fields.id, "id")?,
        psp_reference: text(&fields.psp_reference, "psp_reference")?,
        modification_reference: text(&fields.modification_reference, "modification_reference")?,
        merchant_reference: text(&fields.merchant_reference, "merchant_reference")?,
        booked_at: match &fields.booked_at {
            Some(field) => record.day(field, "booked_at", &settings.date)?,
            None => header.paid_on.clone(),
        },
        currency: header.currency.clone(),
        minor_digits: header.minor_digits,
        gross,
        rate: None,
        converted: gross,
        fee,
        net,
        kind,
        attributes: Vec::new(),
    };
    // A cost without a payment: the provider kept everything. If the record contradicts itself, the
    // line is unchanged and the check rejects it.
    if line.kind == StatementKind::Fee
        && gross.checked_sub(fee) == Some(net)
        && let Some(fee) = net.checked_neg()
    {
        (line.gross, line.converted, line.fee) = (0, 0, fee);
    }
    if line.kind == StatementKind::Payment {
        line.modification_reference.clear();
    }
    Ok((line, RecordAmounts { gross, fee }))
}

/// Returns a fee with the contract's sign: positive if the provider kept it.
pub fn signed_fee(record: &Record<'_>, fee: Money, settings: &Settings) -> Result<Money, Problem> {
    match settings.fee_sign {
        FeeSign::Positive => Ok(fee),
        FeeSign::Negative => {
            let negated = fee.checked_neg();
            negated.ok_or_else(|| Problem::in_row(record.row, "fee", "is too large"))
        }
    }
}

fn kind_word(record: &Record<'_>, text: &str, settings: &Settings) -> Result<KindWord, Problem> {
    settings.kinds.get(text).copied().ok_or_else(|| {
        let known = settings.kinds.keys().map(String::as_str);
        unknown_word(record.row, "kind", text, "kinds", known)
    })
}
