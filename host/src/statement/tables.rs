//! Statements as tables. Amounts are decimal text.

use crate::show::{self, fitted};
use comfy_table::{CellAlignment, Table};
use galleria_app::settlement::{
    ExplainView, LineView, RejectedView, StatementView, Uncovered, UndoneSettlement, major,
};
use galleria_domain::{Problem, RecordedTender};

fn table<const N: usize>(header: [&str; N], amounts: &[usize]) -> Table {
    let mut table = show::table(header);
    for column in amounts {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table of statements.
pub fn statements(rows: &[StatementView]) -> String {
    let header = [
        "statement",
        "retailer",
        "provider",
        "payout",
        "paid on",
        "lines",
        "net",
        "",
        "state",
        "file",
    ];
    let mut table = table(header, &[5, 6]);
    for row in rows {
        let of = &row.header;
        table.add_row([
            row.id.clone(),
            row.retailer.clone(),
            of.provider.clone(),
            of.reference.clone(),
            of.paid_on.clone(),
            row.lines.to_string(),
            major(row.net.into(), of.minor_digits),
            of.currency.clone(),
            state(row),
            row.file.clone(),
        ]);
    }
    fitted(&table)
}

/// The state, with the number of matched payments and refunds unless all match.
fn state(row: &StatementView) -> String {
    match &*row.state {
        "partly-matched" => format!("partly matched {}/{}", row.matched, row.compared),
        "unmatched" => format!("unmatched 0/{}", row.compared),
        state => state.to_owned(),
    }
}

/// A statement with a row for each outcome, the columns of its file, and the components of its payout.
pub fn statement(row: &StatementView) -> String {
    let of = &row.header;
    let mut table = table(
        ["outcome", "lines", "gross", "fee", "net", ""],
        &[1, 2, 3, 4],
    );
    let amount = |minor: i64| major(minor.into(), of.minor_digits);
    for sum in &row.outcomes {
        table.add_row([
            sum.outcome.clone(),
            sum.lines.to_string(),
            amount(sum.converted),
            amount(sum.fee),
            amount(sum.net),
            of.currency.clone(),
        ]);
    }
    let (lines, net) = (row.lines.to_string(), amount(row.net));
    table.add_row(["total", &lines, "", "", &net, &of.currency]);
    let mut text = format!(
        "{} payout {} of {}, {} lines, {}\n{}",
        of.provider,
        of.reference,
        of.paid_on,
        row.lines,
        state(row),
        fitted(&table)
    );
    for (attribute, words) in [
        ("columns-read", "columns read"),
        ("columns-ignored", "columns ignored"),
    ] {
        let of = of.attributes.iter().filter(|one| one.name == attribute);
        let names: Vec<_> = of.map(|one| &*one.value).collect();
        if !names.is_empty() {
            text.push_str(&format!("\n{words}: {}", names.join(", ")));
        }
    }
    if let Some(balance) = &row.balance {
        let parts = [
            ("matched", balance.matched),
            ("differences", balance.differences),
            ("unmatched", balance.unmatched),
            ("other", balance.other),
            ("fees", balance.fees),
        ];
        let parts = parts.map(|(name, sum)| format!("{name} {}", amount(sum)));
        let payout = amount(balance.total());
        text.push_str(&format!(
            "\n{} = payout {payout} {}",
            parts.join(" + "),
            of.currency
        ));
    }
    text
}

/// A table of lines.
pub fn lines(rows: &[LineView]) -> String {
    let header = [
        "line",
        "row",
        "kind",
        "outcome",
        "rule",
        "reference",
        "gross",
        "",
        "fee",
        "net",
        "",
        "difference",
        "store",
        "day",
        "entry",
    ];
    let mut table = table(header, &[1, 6, 8, 9, 11]);
    for row in rows {
        let line = &row.line;
        let paid = |minor: i64| major(minor.into(), row.paid_minor_digits);
        table.add_row([
            row.id.clone(),
            line.row.to_string(),
            line.kind.word().to_owned(),
            row.outcome.clone(),
            row.rule
                .map(|rule| rule.word().to_owned())
                .unwrap_or_default(),
            reference(row),
            major(line.gross.into(), line.minor_digits),
            line.currency.clone(),
            paid(line.fee),
            paid(line.net),
            row.paid_currency.clone(),
            difference(row),
            row.store.clone(),
            row.business_date.clone(),
            row.entry.clone(),
        ]);
    }
    fitted(&table)
}

fn reference(row: &LineView) -> String {
    let line = &row.line;
    let all = [
        &line.modification_reference,
        &line.psp_reference,
        &line.merchant_reference,
    ];
    let first = all.into_iter().find(|reference| !reference.is_empty());
    first.cloned().unwrap_or_default()
}

fn difference(row: &LineView) -> String {
    match row.difference {
        0 => String::new(),
        minor => major(minor.into(), row.line.minor_digits),
    }
}

/// Explains why a line got its outcome.
pub fn explained(row: &ExplainView) -> String {
    let digits = row.line.line.minor_digits;
    let mut text = lines(std::slice::from_ref(&row.line));
    text.push_str(&format!(
        "\n{}: {}\namounts may differ by {}, fees by {}",
        row.line.outcome,
        row.because,
        major(row.amount_tolerance.into(), digits),
        major(row.fee_tolerance.into(), row.line.paid_minor_digits),
    ));
    if let Some(fee) = row.line.expected_fee {
        let fee = major(fee.into(), row.line.paid_minor_digits);
        text.push_str(&format!("; the agreed fee is {fee}"));
    }
    if !row.candidates.is_empty() {
        let header = [
            "candidate",
            "amount",
            "",
            "provider",
            "psp reference",
            "modification",
            "merchant",
            "settled",
            "settled by",
        ];
        let mut table = table(header, &[1, 7]);
        for one in &row.candidates {
            table.add_row([
                one.id.clone(),
                major(one.amount.into(), one.minor_digits),
                one.currency.clone(),
                one.provider.clone(),
                one.psp_reference.clone(),
                one.modification_reference.clone(),
                one.merchant_reference.clone(),
                major(one.settled.into(), one.minor_digits),
                settled_by(row, one),
            ]);
        }
        text.push_str(&format!("\n{}", fitted(&table)));
    }
    for settlement in &row.manual_settlements {
        text.push_str(&format!(
            "\n{} {} by {}: {} (from {} to {})",
            settlement.at,
            settlement.what,
            settlement.actor,
            settlement.reason,
            settlement.before,
            settlement.after
        ));
    }
    text
}

/// The lines that pay a tender, with their parts if they are several.
fn settled_by(row: &ExplainView, tender: &RecordedTender) -> String {
    let payments = row
        .payments
        .iter()
        .filter(|payment| payment.tender == tender.id);
    let payments: Vec<_> = payments.collect();
    let lines = payments.iter().map(|payment| match payments.len() {
        1 => payment.line.clone(),
        _ => {
            let amount = major(payment.amount.into(), tender.minor_digits);
            format!("{} {amount}", payment.line)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A table of payments and refunds without a statement.
pub fn uncovered(rows: &[Uncovered]) -> String {
    let header = [
        "tender",
        "order",
        "store",
        "day",
        "kind",
        "psp reference",
        "amount",
        "open",
        "",
        "accepted",
        "days",
    ];
    let mut table = table(header, &[6, 7, 10]);
    for row in rows {
        let tender = &row.tender;
        table.add_row([
            tender.id.clone(),
            tender.order_id.clone(),
            tender.store.clone(),
            tender.business_date.clone(),
            tender.kind.clone(),
            tender.psp_reference.clone(),
            major(tender.amount.into(), tender.minor_digits),
            major(row.open.into(), tender.minor_digits),
            tender.currency.clone(),
            row.accepted_at.clone(),
            row.days.to_string(),
        ]);
    }
    fitted(&table)
}

/// A table of manual settlements that were undone because their lines changed.
pub fn undone(rows: &[UndoneSettlement]) -> String {
    let mut table = table(["undone line", "row", "actor", "reason", "entry"], &[1]);
    for row in rows {
        table.add_row([
            row.line.clone(),
            row.row.to_string(),
            row.actor.clone(),
            row.reason.clone(),
            row.entry.clone(),
        ]);
    }
    fitted(&table)
}

/// A table of rejected files, each with its first reasons.
pub fn rejected(rows: &[RejectedView]) -> String {
    let mut table = table(["file id", "file", "plugin", "rejected", "reasons"], &[]);
    for row in rows {
        let reasons = row.problems.iter().take(3).map(Problem::to_string);
        table.add_row([
            row.id.clone(),
            row.file.clone(),
            row.plugin.clone(),
            row.rejected_at.clone(),
            reasons.collect::<Vec<_>>().join("\n"),
        ]);
    }
    fitted(&table)
}

/// A table of the problems of a file.
pub fn problems(problems: &[Problem]) -> Table {
    let mut table = table(["row", "column", "problem"], &[0]);
    for problem in problems {
        table.add_row([
            problem.row.map(|row| row.to_string()).unwrap_or_default(),
            problem.field.clone(),
            problem.message.clone(),
        ]);
    }
    table
}
