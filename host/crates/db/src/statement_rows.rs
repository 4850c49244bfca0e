//! Conversion of tenders, settlement statements and their lines to and from rows.

use crate::placeholders;
use crate::query::{Query, Row, query};
use galleria_domain::{MatchOutcome, MatchRule, RecordedTender, StatementHeader};
use galleria_ports::Error;
use galleria_ports::records::{LineMatch, LineRow, ManualSettlementRow, OutcomeSum, StatementRow};
use jiff::Timestamp;

/// Converts a count to a column value.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Joins words of lower-case letters and dashes as `/card/wallet/`. Empty if there are none.
pub(crate) fn joined(words: &[String]) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("/{}/", words.join("/"))
    }
}

pub(crate) fn tender_insert(tenders: &[RecordedTender], accepted_at: Timestamp) -> Query<'_> {
    let head = "INSERT INTO tenders (id, retailer, store_id, store, back, kind, provider, psp_reference,
         modification_reference, merchant_reference, scheme, amount, currency, minor_digits, business_date,
         entry_id, order_id, accepted_ms, covered, fresh, voided, settled)";
    let sql = (head, 22, "ON CONFLICT DO NOTHING");
    placeholders::insert("tender_insert_many", sql, tenders, |insert, tender| {
        insert
            .bind(&*tender.id)
            .bind(&*tender.retailer)
            .bind(&*tender.store_id)
            .bind(&*tender.store)
            .bind_bool(tender.back)
            .bind(&*tender.kind)
            .bind(&*tender.provider)
            .bind(&*tender.psp_reference)
            .bind(&*tender.modification_reference)
            .bind(&*tender.merchant_reference)
            .bind(&*tender.scheme)
            .bind(tender.amount)
            .bind(&*tender.currency)
            .bind(i64::from(tender.minor_digits))
            .bind(&*tender.business_date)
            .bind(&*tender.entry_id)
            .bind(&*tender.order_id)
            .bind_timestamp(accepted_at)
            // No statement is expected to pay nothing.
            .bind_bool(tender.amount == 0)
            .bind_bool(true)
            .bind_bool(false)
            .bind(0_i64)
    })
}

pub(crate) fn tender(row: &Row) -> Result<RecordedTender, Error> {
    Ok(RecordedTender {
        id: row.text("id")?,
        retailer: row.text("retailer")?,
        store_id: row.text("store_id")?,
        store: row.text("store")?,
        back: row.bool("back")?,
        kind: row.text("kind")?,
        provider: row.text("provider")?,
        psp_reference: row.text("psp_reference")?,
        modification_reference: row.text("modification_reference")?,
        merchant_reference: row.text("merchant_reference")?,
        scheme: row.text("scheme")?,
        amount: row.int("amount")?,
        currency: row.text("currency")?,
        minor_digits: row.int_as("minor_digits")?,
        business_date: row.text("business_date")?,
        entry_id: row.text("entry_id")?,
        order_id: row.text("order_id")?,
        settled: row.int("settled")?,
    })
}

pub(crate) fn statement_insert(row: &StatementRow) -> Query<'_> {
    let header = &row.header;
    query(
        "statement_insert",
        "INSERT INTO statements (id, retailer, plugin, component, file, digest, size, provider,
             account, reference, currency, minor_digits, paid_on, total, attributes, net,
             line_count, state, matched_to, imported_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20)
         ON CONFLICT DO NOTHING",
    )
    .bind(&*row.id)
    .bind(&*row.retailer)
    .bind(&*row.plugin)
    .bind(&*row.component)
    .bind(&*row.file)
    .bind(&*row.digest)
    .bind(count(row.size))
    .bind(&*header.provider)
    .bind(&*header.account)
    .bind(&*header.reference)
    .bind(&*header.currency)
    .bind(i64::from(header.minor_digits))
    .bind(&*header.paid_on)
    .bind(header.total)
    .bind_json(&header.attributes)
    .bind(row.net)
    .bind(count(row.lines))
    .bind_enum(row.state)
    .bind(count(row.matched_to))
    .bind_timestamp(row.imported_at)
}

pub(crate) fn statement_row(row: &Row) -> Result<StatementRow, Error> {
    Ok(StatementRow {
        id: row.text("id")?,
        retailer: row.text("retailer")?,
        plugin: row.text("plugin")?,
        component: row.text("component")?,
        file: row.text("file")?,
        digest: row.text("digest")?,
        size: row.int_as("size")?,
        header: StatementHeader {
            provider: row.text("provider")?,
            account: row.text("account")?,
            reference: row.text("reference")?,
            currency: row.text("currency")?,
            minor_digits: row.int_as("minor_digits")?,
            paid_on: row.text("paid_on")?,
            total: row.opt_int("total")?,
            attributes: row.json("attributes")?,
        },
        net: row.int("net")?,
        lines: row.int_as("line_count")?,
        state: row.enum_value("state")?,
        matched_to: row.int_as("matched_to")?,
        imported_at: row.timestamp("imported_ms")?,
    })
}

pub(crate) fn line_insert(row: &LineRow) -> Query<'_> {
    let (line, matched) = (&row.line, &row.matched);
    query(
        "statement_line_insert_many",
        "INSERT INTO statement_lines (statement_id, number, retailer, psp_reference,
             modification_reference, merchant_reference, converted, fee, net, settles, store_id,
             store, business_date, entry_id, difference, kind, line)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(&*row.statement)
    .bind(count(row.number))
    .bind(&*row.retailer)
    .bind(&*line.psp_reference)
    .bind(&*line.modification_reference)
    .bind(&*line.merchant_reference)
    .bind(line.converted)
    .bind(line.fee)
    .bind(line.net)
    .bind_bool(!matched.parts.is_empty())
    .bind(&*matched.store_id)
    .bind(&*matched.store)
    .bind(&*matched.business_date)
    .bind(&*matched.entry_id)
    .bind(matched.difference)
    .bind(line.kind.word())
    .bind_json(line)
}

pub(crate) fn line_match<'q>(id: &'q str, number: u64, matched: &'q LineMatch) -> Query<'q> {
    query(
        "statement_line_match",
        "UPDATE statement_lines SET outcome = $1, rule = $2, tender_id = $3, settles = $4,
             store_id = $5, store = $6, business_date = $7, entry_id = $8, difference = $9,
             expected_fee = $10
         WHERE statement_id = $11 AND number = $12",
    )
    .bind_opt(matched.outcome.map(MatchOutcome::word))
    .bind_opt(matched.rule.map(MatchRule::word))
    .bind_opt(matched.tender.as_deref())
    .bind_bool(!matched.parts.is_empty())
    .bind(&*matched.store_id)
    .bind(&*matched.store)
    .bind(&*matched.business_date)
    .bind(&*matched.entry_id)
    .bind(matched.difference)
    .bind(matched.expected_fee)
    .bind(id)
    .bind(count(number))
}

/// Reads a line without the parts of tenders that it pays.
pub(crate) fn line(row: &Row) -> Result<LineRow, Error> {
    let rule = row.opt_text("rule")?;
    Ok(LineRow {
        statement: row.text("statement_id")?,
        number: row.int_as("number")?,
        retailer: row.text("retailer")?,
        line: row.json("line")?,
        matched: LineMatch {
            outcome: outcome(row)?,
            rule: rule.and_then(|word| MatchRule::ALL.into_iter().find(|rule| rule.word() == word)),
            tender: row.opt_text("tender_id")?,
            parts: Vec::new(),
            store_id: row.text("store_id")?,
            store: row.text("store")?,
            business_date: row.text("business_date")?,
            entry_id: row.text("entry_id")?,
            difference: row.int("difference")?,
            expected_fee: row.opt_int("expected_fee")?,
        },
    })
}

pub(crate) fn outcome(row: &Row) -> Result<Option<MatchOutcome>, Error> {
    match row.opt_text("outcome")? {
        Some(_) => row.enum_value("outcome").map(Some),
        None => Ok(None),
    }
}

pub(crate) fn sum(row: &Row) -> Result<OutcomeSum, Error> {
    Ok(OutcomeSum {
        outcome: outcome(row)?,
        lines: row.int_as("lines")?,
        converted: row.int("converted")?,
        fee: row.int("fee")?,
        net: row.int("net")?,
        fee_lines: row.int("fee_lines")?,
    })
}

pub(crate) fn hand(row: &Row) -> Result<ManualSettlementRow, Error> {
    Ok(ManualSettlementRow {
        line: row.text("line_id")?,
        at: row.timestamp("at_ms")?,
        actor: row.text("actor")?,
        undo: row.bool("undo")?,
        reason: row.text("reason")?,
        before: row.json("before")?,
        after: row.json("after")?,
    })
}
