//! The tenders that a manually settled line pays.

use galleria_domain::matching::is_compared;
use galleria_domain::{Allocation, Money, RecordedTender, StatementKind};
use galleria_ports::Error;
use galleria_ports::records::{LineRow, Tx};

/// The maximum number of parts of a line.
const MAX_PARTS: usize = 100;

/// Checks an entry and parts without the records.
pub(super) fn check_targets(entry: Option<&str>, parts: &[Allocation]) -> Result<(), Error> {
    let control = |text: &str| text.contains(char::is_control);
    if entry.is_some_and(control) {
        let message = "must not contain control characters";
        return Err(Error::invalid("entry", message));
    }
    if entry.is_some() && !parts.is_empty() {
        let message =
            "must be empty if `entry` is set: a line is settled with an entry or with parts";
        return Err(Error::invalid("parts", message));
    }
    if parts.len() > MAX_PARTS {
        let message = format!("must have at most {MAX_PARTS} entries");
        return Err(Error::invalid("parts", message));
    }
    for (index, part) in parts.iter().enumerate() {
        let field = format!("parts.{index}.tender");
        if control(&part.tender) {
            return Err(Error::invalid(
                &field,
                "must not contain control characters",
            ));
        }
        let before = &parts[..index];
        if before.iter().any(|other| other.tender == part.tender) {
            return Err(Error::invalid(&field, "must occur in one part only"));
        }
    }
    Ok(())
}

/// The part of a tender that other lines do not pay.
fn open(row: &LineRow, tender: &RecordedTender) -> Money {
    let own = row
        .matched
        .parts
        .iter()
        .filter(|part| part.tender == tender.id);
    let own: Money = own.map(|part| part.amount).sum();
    tender.amount - tender.settled + own
}

/// Settles the line with the complete open part of one tender: of an entry, or of the tender that the line is linked
/// with. Returns the tender, its part, and the difference that the person accepts.
pub(super) async fn whole_tender(
    tx: &mut dyn Tx,
    row: &LineRow,
    entry: Option<&str>,
) -> Result<(Option<RecordedTender>, Vec<Allocation>, Money), Error> {
    let compared = is_compared(&row.line);
    let tender = match entry {
        Some(entry) => Some(tender_of(tx, row, entry).await?),
        None => match &row.matched.tender {
            Some(id) => tx.tender_get(id).await?,
            None => None,
        },
    };
    let amount = tender.as_ref().map_or(0, |tender| open(row, tender));
    let Some(tender) = tender.filter(|_| entry.is_some() || compared && amount != 0) else {
        return Ok((None, Vec::new(), 0));
    };
    if !compared {
        return Ok((Some(tender), Vec::new(), 0));
    }
    let same = tender.currency == row.line.currency && tender.minor_digits == row.line.minor_digits;
    let difference = if same {
        row.line.gross.saturating_sub(amount)
    } else {
        0
    };
    let part = Allocation {
        tender: tender.id.clone(),
        amount,
    };
    Ok((Some(tender), vec![part], difference))
}

/// The tender of an entry whose open part is nearest to the line's amount.
async fn tender_of(tx: &mut dyn Tx, row: &LineRow, entry: &str) -> Result<RecordedTender, Error> {
    let refund = row.line.kind == StatementKind::Refund;
    let tenders = tx.tender_list_by_entry(&row.retailer, entry).await?;
    let compared = is_compared(&row.line);
    let free = tenders
        .into_iter()
        .filter(|tender| tender.back == refund && (!compared || open(row, tender) != 0));
    let nearest = free.min_by_key(|tender| {
        let other_currency = tender.currency != row.line.currency;
        (other_currency, open(row, tender).abs_diff(row.line.gross))
    });
    nearest.ok_or_else(|| {
        let side = if refund { "refund" } else { "payment" };
        let message = format!(
            "must be a {side} of the retailer with a tender that other lines have not paid"
        );
        Error::invalid("entry", message)
    })
}

/// Checks the parts over which a person distributes a line. Returns the tender of the largest part, whose store
/// and day the line gets.
pub(super) async fn distribute(
    tx: &mut dyn Tx,
    row: &LineRow,
    parts: &[Allocation],
) -> Result<RecordedTender, Error> {
    let line = &row.line;
    let text = |amount: Money| super::major(amount.into(), line.minor_digits);
    if !is_compared(line) {
        let message = "must be empty: only a payment or a refund with an amount pays tenders";
        return Err(Error::invalid("parts", message));
    }
    let refund = line.kind == StatementKind::Refund;
    let mut largest: Option<(Money, RecordedTender)> = None;
    let mut sum = 0_i128;
    for (index, part) in parts.iter().enumerate() {
        let wrong = |field: &str, message: String| {
            Err(Error::invalid(format!("parts.{index}.{field}"), message))
        };
        let found = tx.tender_get(&part.tender).await?;
        let ours =
            |tender: &RecordedTender| tender.retailer == row.retailer && tender.back == refund;
        let Some(tender) = found.filter(ours) else {
            let side = if refund { "refund" } else { "payment" };
            let message =
                format!("must be the tender of a {side} of the retailer, such as {side}:ID/1");
            return wrong("tender", message);
        };
        if (&tender.currency, tender.minor_digits) != (&line.currency, line.minor_digits) {
            let message = format!(
                "must be a tender in {}, the line's currency, not in {}: settle the line with an entry instead",
                line.currency, tender.currency
            );
            return wrong("tender", message);
        }
        let open = open(row, &tender);
        let within = part.amount.signum() == line.gross.signum()
            && part.amount.unsigned_abs() <= open.unsigned_abs();
        if !within {
            let message = match open {
                0 => format!("omit this part: other lines have paid {}", part.tender),
                _ => format!(
                    "must have the sign of the line and be at most {}, which is open",
                    text(open)
                ),
            };
            return wrong("amount", message);
        }
        sum += i128::from(part.amount);
        let size = part.amount.abs();
        if largest.as_ref().is_none_or(|(before, _)| size > *before) {
            largest = Some((size, tender));
        }
    }
    if sum != line.gross.into() {
        let message = format!(
            "must sum to the line's gross amount: {} instead of {}",
            super::major(sum, line.minor_digits),
            text(line.gross)
        );
        return Err(Error::invalid("parts", message));
    }
    let none = || Error::Internal("a distribution without parts".into());
    largest.map(|(_, tender)| tender).ok_or_else(none)
}
