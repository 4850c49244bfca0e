//! The CSV: a row for each line that counts, each tender, and the total.

use crate::settings::Settings;
use crate::{sign_of, signed_quantity};
use galleria_sdk::prelude::*;
use galleria_sdk::{csv, money};

const COLUMNS: [&str; 11] = [
    "row",
    "kind",
    "code",
    "description",
    "quantity",
    "unit",
    "price",
    "discount",
    "tax",
    "amount",
    "currency",
];

/// Returns the file of a sale.
pub fn write(
    settings: &Settings,
    store: &Store,
    sale: &Sale,
    counted: &[&Line],
) -> Result<Vec<u8>, Fault> {
    let options = csv::Options {
        delimiter: settings.delimiter,
        decimal_mark: settings.decimal_mark,
        ..csv::Options::default()
    };
    let (digits, currency) = (store.minor_digits, sale.entry.currency.as_str());
    let mut rows = csv::Writer::new(&options)?;
    for column in COLUMNS {
        rows.text(column);
    }
    rows.end_row();
    for line in counted {
        write_line(&mut rows, line, digits)?;
        rows.text(currency).end_row();
    }
    for tender in &sale.tenders {
        write_tender(&mut rows, tender, digits);
        rows.text(currency).end_row();
    }
    let total = money::sum([sale.gross, sale.rounding])?;
    let member = sale.member.as_ref().map_or("", |member| &member.id);
    rows.empty()
        .text("total")
        .text(&sale.entry.receipt)
        .text(member);
    rows.empty().empty().empty().empty();
    rows.amount(money::sum(sale.taxes.iter().map(|tax| tax.amount))?, digits);
    rows.amount(total, digits).text(currency).end_row();
    Ok(rows.finish()?)
}

fn write_line(rows: &mut csv::Writer, line: &Line, digits: u8) -> Result<(), Fault> {
    let sign = sign_of(line);
    rows.integer(line.number.into())
        .text(kind(line))
        .text(&line.sku)
        .text(&line.description);
    rows.decimal(signed_quantity(line))
        .text(&line.unit)
        .decimal(line.unit_price);
    let discounts = line.discounts.iter().map(|discount| discount.amount);
    rows.amount(money::sum(discounts)?, digits);
    let taxes = line.taxes.iter().map(|tax| sign * tax.amount);
    rows.amount(money::sum(taxes)?, digits);
    rows.amount(sign * line.amount, digits);
    Ok(())
}

fn write_tender(rows: &mut csv::Writer, tender: &Tender, digits: u8) {
    let scheme = tender.scheme.as_deref().unwrap_or_default();
    rows.integer(tender.number.into())
        .text("tender")
        .text(&tender.kind)
        .text(scheme);
    match &tender.foreign {
        None => rows.empty().empty().empty(),
        Some(foreign) => rows
            .integer(foreign.amount)
            .text(&foreign.currency)
            .decimal(foreign.rate),
    };
    rows.empty().empty().amount(tender.amount, digits);
}

/// Returns the kind as in the contract, with its content.
pub fn kind_with_content(line: &Line) -> String {
    match &line.kind {
        LineKind::GiftCardSale(content) | LineKind::Other(content) => {
            format!("{}({content})", kind(line))
        }
        _ => kind(line).into(),
    }
}

/// Returns the kind as in the contract.
fn kind(line: &Line) -> &'static str {
    match line.kind {
        LineKind::Item => "item",
        LineKind::Deposit => "deposit",
        LineKind::DepositReturn => "deposit-return",
        LineKind::GiftCardSale(_) => "gift-card-sale",
        LineKind::Service => "service",
        LineKind::Fee => "fee",
        LineKind::Donation => "donation",
        LineKind::Other(_) => "other",
    }
}
