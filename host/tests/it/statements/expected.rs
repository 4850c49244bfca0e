//! The expected output of `statement read` for each sample, computed from the cells of the file.
//!
//! Every sample currency has cents, so that amounts are cents here.

use super::Sample;
use super::tabular::Grid;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A line of the file.
#[derive(Default)]
struct Line {
    kind: &'static str,
    id: String,
    psp: String,
    modification: String,
    merchant: String,
    booked_at: String,
    currency: String,
    gross: i64,
    rate: Option<String>,
    converted: i64,
    fee: i64,
    net: i64,
    attributes: Vec<(&'static str, String)>,
}

/// Header, totals, and lines in the order of the file.
pub fn expected(sample: &Sample) -> Vec<Value> {
    let grid = Grid::of(sample);
    let (header, read): (_, fn(&Grid, usize) -> Line) = match sample.plugin.as_str() {
        "adyen-settlement" => (adyen_header(&grid), adyen),
        "stripe-payout" => (stripe_header(&grid), stripe),
        "delimited-statement" => (delimited_header(&grid), delimited),
        "fixed-statement" => (fixed_header(&grid), fixed),
        other => panic!("{other}: what it has to print is not known here"),
    };
    // The last row of every format is the total.
    let rows = grid.body().filter(|row| *row != grid.last());
    let lines: Vec<(usize, Line)> = rows.map(|row| (row + 1, read(&grid, row))).collect();
    let currency = header["header"]["currency"].clone();
    let mut result = vec![header, totals(lines.iter().map(|(_, line)| line))];
    result.extend(
        lines
            .iter()
            .map(|(row, line)| object(*row, line, &currency)),
    );
    result
}

/// Parses decimal text with a point or a comma as cents. Empty text is 0.
fn cents(text: &str) -> i64 {
    let plain = text.replace(',', ".");
    let (sign, size) = match plain.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, plain.as_str()),
    };
    let (whole, cents) = size.split_once('.').unwrap_or((size, "00"));
    assert_eq!(cents.len(), 2, "{text}");
    let number = |text: &str| match text {
        "" => 0,
        digits => digits.parse::<i64>().expect("digits"),
    };
    sign * (number(whole) * 100 + number(cents))
}

fn decimal(cents: i64) -> String {
    let (sign, size) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// `dd/mm/yyyy` or `yyyymmdd` as `yyyy-mm-dd`.
fn day(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [day, month, year] => format!("{year}-{month}-{day}"),
        _ => format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]),
    }
}

fn header(of: [&str; 3], currency: &str, paid_on: &str, total: i64) -> Value {
    let [provider, account, reference] = of;
    json!({ "header": {
        "provider": provider, "account": account, "reference": reference, "currency": currency,
        "minor_digits": 2, "paid_on": paid_on, "total": decimal(total), "attributes": [],
    } })
}

fn totals<'l>(lines: impl Iterator<Item = &'l Line>) -> Value {
    let mut kinds: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
    let mut all = [0; 4];
    for line in lines {
        let one = [1, line.converted, line.fee, line.net];
        for sums in [&mut all, kinds.entry(line.kind).or_default()] {
            sums.iter_mut()
                .zip(one)
                .for_each(|(sum, more)| *sum += more);
        }
    }
    let object = |[lines, converted, fee, net]: [i64; 4]| {
        json!({ "lines": lines, "converted": decimal(converted), "fee": decimal(fee),
            "net": decimal(net) })
    };
    let mut totals = object(all);
    let kinds = kinds
        .into_iter()
        .map(|(kind, sums)| (kind.to_owned(), object(sums)));
    totals["kinds"] = kinds.collect::<serde_json::Map<_, _>>().into();
    json!({ "totals": totals })
}

fn object(row: usize, line: &Line, paid_currency: &Value) -> Value {
    let attributes = line.attributes.iter();
    let attributes: Vec<Value> = attributes
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "row": row, "kind": line.kind, "id": line.id, "psp_reference": line.psp,
        "modification_reference": line.modification, "merchant_reference": line.merchant,
        "booked_at": line.booked_at, "currency": line.currency, "gross": decimal(line.gross),
        "rate": line.rate, "paid_currency": paid_currency, "converted": decimal(line.converted),
        "fee": decimal(line.fee), "net": decimal(line.net), "attributes": attributes,
    })
}

/// A cost without a payment: the provider kept all of it.
fn cost(mut line: Line) -> Line {
    (line.gross, line.converted, line.fee) = (0, 0, -line.net);
    line
}

fn adyen_header(grid: &Grid) -> Value {
    let payout = |column: &str| grid.cell(grid.last(), column);
    header(
        ["adyen", payout("Merchant Account"), payout("Batch Number")],
        payout("Net Currency"),
        &payout("Creation Date")[..10],
        cents(payout("Net Debit (NC)")),
    )
}

fn adyen(grid: &Grid, row: usize) -> Line {
    let cell = |column: &str| grid.cell(row, column).to_owned();
    let sided = |side: &str| {
        cents(&cell(&side.replace('_', "Credit"))) - cents(&cell(&side.replace('_', "Debit")))
    };
    let fees = ["Commission", "Markup", "Scheme Fees", "Interchange"];
    let fee = fees.iter().map(|fee| cents(&cell(&format!("{fee} (NC)"))));
    let (fee, net): (i64, i64) = (fee.sum(), sided("Net _ (NC)"));
    assert_eq!(cell("TimeZone"), "CET");
    let mut line = Line {
        psp: cell("Psp Reference"),
        merchant: cell("Merchant Reference"),
        booked_at: format!("{}.000+01:00", cell("Creation Date").replace(' ', "T")),
        currency: cell("Gross Currency"),
        gross: sided("Gross _ (GC)"),
        converted: net + fee,
        fee,
        net,
        ..Line::default()
    };
    if line.currency != cell("Net Currency") {
        line.rate = Some(cell("Exchange Rate")).filter(|rate| !rate.is_empty());
    } else {
        assert_eq!(line.gross, line.converted, "row {}", row + 1);
    }
    let method = cell("Payment Method");
    if !method.is_empty() {
        line.attributes.push(("payment-method", method));
    }
    match cell("Type").as_str() {
        "Settled" => line.kind = "payment",
        "Refunded" => {
            line.kind = "refund";
            line.modification = cell("Modification Reference");
        }
        "Chargeback" => {
            line.kind = "chargeback";
            line.modification = cell("Modification Reference");
            line.attributes.push(("type", "Chargeback".into()));
        }
        "Fee" => {
            line.kind = "fee";
            line.currency = cell("Net Currency");
            let sentence = cell("Modification Reference");
            line.attributes.push(("description", sentence));
            line.attributes.push(("type", "Fee".into()));
            return cost(line);
        }
        other => panic!("{other}"),
    }
    line
}

fn stripe_header(grid: &Grid) -> Value {
    let payout = |column: &str| grid.cell(grid.last(), column);
    header(
        ["stripe", "acct_sample", payout("automatic_payout_id")],
        &payout("currency").to_uppercase(),
        &payout("automatic_payout_effective_at")[..10],
        -cents(payout("net")),
    )
}

fn stripe(grid: &Grid, row: usize) -> Line {
    let cell = |column: &str| grid.cell(row, column).to_owned();
    let mut line = Line {
        id: cell("balance_transaction_id"),
        psp: cell("charge_id"),
        merchant: cell("payment_metadata[order]"),
        booked_at: format!("{}.000Z", cell("created").replace(' ', "T")),
        currency: cell("currency").to_uppercase(),
        gross: cents(&cell("gross")),
        converted: cents(&cell("gross")),
        fee: cents(&cell("fee")),
        net: cents(&cell("net")),
        ..Line::default()
    };
    // The amount in the customer's currency; the report contains no rate.
    let seen = cell("customer_facing_currency").to_uppercase();
    if !seen.is_empty() && seen != line.currency {
        line.gross = cents(&cell("customer_facing_amount"));
        line.currency = seen;
    }
    match cell("reporting_category").as_str() {
        "charge" => line.kind = "payment",
        "refund" => {
            line.kind = "refund";
            line.modification = cell("source_id");
        }
        "dispute" => {
            line.kind = "chargeback";
            line.modification = cell("source_id");
            line.attributes.push(("type", "dispute".into()));
        }
        "fee" => {
            line.kind = "fee";
            line.attributes.push(("type", "fee".into()));
            line.attributes.push(("description", cell("description")));
            return cost(line);
        }
        other => panic!("{other}"),
    }
    line
}

fn delimited_header(grid: &Grid) -> Value {
    let total = |column: &str| grid.cell(grid.last(), column);
    header(
        ["acquirer", "3004 1099", total("Versement")],
        total("Devise"),
        &day(total("Versé le")),
        cents(total("Net")),
    )
}

fn delimited(grid: &Grid, row: usize) -> Line {
    let cell = |column: &str| grid.cell(row, column).to_owned();
    let line = Line {
        psp: cell("Transaction"),
        merchant: cell("Commande"),
        modification: cell("Remboursement"),
        booked_at: day(&cell("Date")),
        currency: cell("Devise"),
        gross: cents(&cell("Brut")),
        converted: cents(&cell("Brut")),
        fee: cents(&cell("Commission")),
        net: cents(&cell("Net")),
        kind: match cell("Opération").as_str() {
            "VENTE" => "payment",
            "REMBOURSEMENT" => "refund",
            "IMPAYÉ" => "chargeback",
            "FRAIS" => "fee",
            other => panic!("{other}"),
        },
        ..Line::default()
    };
    if line.kind == "fee" { cost(line) } else { line }
}

/// Parses digits with a leading sign as cents.
fn minor(text: &str) -> i64 {
    text.parse().expect("digits")
}

fn fixed_header(grid: &Grid) -> Value {
    let head = |field: &str| grid.cell(0, field);
    header(
        ["acquirer", head("account"), head("reference")],
        head("currency"),
        &day(head("paid_on")),
        minor(grid.cell(grid.last(), "net")),
    )
}

fn fixed(grid: &Grid, row: usize) -> Line {
    let cell = |field: &str| grid.cell(row, field).to_owned();
    let line = Line {
        psp: cell("psp_reference"),
        merchant: cell("merchant_reference"),
        modification: cell("modification_reference"),
        booked_at: day(&cell("booked_at")),
        currency: grid.cell(0, "currency").to_owned(),
        gross: minor(&cell("gross")),
        converted: minor(&cell("gross")),
        fee: minor(&cell("fee")),
        net: minor(&cell("net")),
        kind: match cell("kind").as_str() {
            "PAY" => "payment",
            "REF" => "refund",
            "CBK" => "chargeback",
            "FEE" => "fee",
            other => panic!("{other}"),
        },
        ..Line::default()
    };
    if line.kind == "fee" { cost(line) } else { line }
}
