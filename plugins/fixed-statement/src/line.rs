//! Converts a record to a line of the statement.

use crate::field::{Content, Record, Unit};
use crate::settings::{Digits, FeeSign, Field, NegativeAmounts, Settings};
use galleria_sdk::DateFormat;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{KindWord, StatedAmounts, reference, unknown_word};

/// The amounts of a record with the signs of the contract, as the trailer sums them.
pub struct RecordAmounts {
    pub gross: Money,
    pub fee: Money,
}

/// Reports all problems of the record. Returns a line if its amounts are valid, also if other fields are not.
pub fn read(
    record: &Record<'_>,
    settings: &Settings,
    dates: &DateFormat,
    header: &StatementHeader,
    problems: &mut Problems,
) -> Option<(StatementLine, RecordAmounts)> {
    let fields = &settings.detail;
    let word = fields.kind.as_ref().map(|field| {
        let text = record.text(field, "kind")?;
        Ok((text, kind_word(record, text, settings)?))
    });
    let (word, known) = match word.map(|word| problems.take(word)) {
        None => (None, true),
        Some(word) => (word, word.is_some()),
    };
    let unit = Unit::of(header, settings);
    let kind = word.map(|(_, kind)| kind);
    let amounts = amounts(record, settings, kind, &unit, problems);
    let mut text = |field: &Option<Field>, name: &str| {
        let field = field.as_ref()?;
        let text = record.text(field, name);
        problems.take(text.and_then(|text| reference(record.row, name, text)))
    };
    let mut line = StatementLine {
        row: record.row,
        id: text(&fields.id, "id").unwrap_or_default(),
        psp_reference: text(&fields.psp_reference, "psp_reference").unwrap_or_default(),
        modification_reference: text(&fields.modification_reference, "modification_reference")
            .unwrap_or_default(),
        merchant_reference: text(&fields.merchant_reference, "merchant_reference")
            .unwrap_or_default(),
        currency: header.currency.clone(),
        minor_digits: header.minor_digits,
        ..StatementLine::default()
    };
    let is_empty = |field: &Field| record.text(field, "booked_at").is_ok_and(str::is_empty);
    line.booked_at = match &fields.booked_at {
        // A cost or a correction without a day belongs to the day of the payout.
        Some(field) if !is_cost(kind) || !is_empty(field) => {
            let day = record.day(field, "booked_at", dates);
            problems.take(day).unwrap_or_default()
        }
        _ => header.paid_on.clone(),
    };
    let amounts = amounts.filter(|_| known)?;
    let (gross, fee, net) = (amounts.gross, amounts.sums.fee, amounts.net);
    line.kind = match word {
        Some((word, kind)) => kind.kind(word),
        None if gross < 0 => StatementKind::Refund,
        None => StatementKind::Payment,
    };
    (line.gross, line.converted, line.fee, line.net) = (gross, gross, fee, net);
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
    Some((line, amounts.sums))
}

/// Returns whether no customer paid or got money.
fn is_cost(kind: Option<KindWord>) -> bool {
    matches!(
        kind,
        Some(KindWord::Fee | KindWord::Adjustment | KindWord::Other)
    )
}

/// Reads the amounts of a record. A record of cells may leave out amounts that follow from the others.
fn amounts(
    record: &Record<'_>,
    settings: &Settings,
    kind: Option<KindWord>,
    unit: &Unit<'_>,
    problems: &mut Problems,
) -> Option<Whole> {
    let fields = &settings.detail;
    let negative = matches!(
        kind,
        Some(KindWord::Refund | KindWord::Chargeback | KindWord::Fee)
    );
    let turn = negative && settings.negative_amounts == NegativeAmounts::Unsigned;
    let signed = |digits: &Digits, name: &str| match record.optional_amount(digits, name, unit)? {
        Some(..0) if turn => {
            let message = "has the wrong sign: the settings state that amounts have no sign";
            Err(Problem::in_row(record.row, name, message))
        }
        amount => Ok(amount.map(|amount| if turn { -amount } else { amount })),
    };
    let gross = problems.take(signed(&fields.gross, "gross"));
    let fee = fields.fee.as_ref().map_or(Ok(None), |digits| {
        let fee = record.optional_amount(digits, "fee", unit)?;
        fee.map(|fee| signed_fee(record, fee, settings)).transpose()
    });
    let fee = problems.take(fee);
    let net = fields
        .net
        .as_ref()
        .map_or(Ok(None), |digits| signed(digits, "net"));
    let net = problems.take(net);
    let stated = StatedAmounts {
        gross: gross?,
        fee: fee?,
        net: net?,
    };
    if stated.gross.is_none() && (!is_cost(kind) || stated == StatedAmounts::default()) {
        problems.push(Problem::in_row(record.row, "gross", "is empty"));
        return None;
    }
    // At fixed positions all amounts are written, so the fee of a payment is not 0 because its field is empty.
    let in_line = matches!(record.content, Content::Line(..));
    let net_is_open = stated.fee.is_none() && stated.net.is_none();
    let named = fields.net.as_ref().map(|_| "net");
    let named = named.or(fields.fee.as_ref().map(|_| "fee"));
    if let Some(name) = named.filter(|_| in_line && net_is_open && !is_cost(kind)) {
        let message = "is empty, and the other amounts do not define it";
        problems.push(Problem::in_row(record.row, name, message));
        return None;
    }
    let whole = stated.complete(kind == Some(KindWord::Fee));
    let whole = whole
        .ok_or_else(|| Problem::in_row(record.row, "gross", "is too large together with its fee"));
    let [gross, fee, net] = problems.take(whole)?;
    let sums = RecordAmounts {
        gross: stated.gross.unwrap_or(0),
        fee,
    };
    Some(Whole { gross, net, sums })
}

/// All amounts of a record.
struct Whole {
    gross: Money,
    net: Money,
    sums: RecordAmounts,
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
