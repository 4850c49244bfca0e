//! Rows of statements: how tenders, statements and lines become columns and back.

use crate::statement::{Found, Statement, statement};
use galleria_app::Error;
use galleria_app::records::{HandRow, LineRow, Matched, OutcomeSum, StatementRow};
use galleria_domain::{MatchOutcome, MatchRule, RecordedTender, StatementHeader};
use jiff::Timestamp;

/// A count as a column.
pub(crate) fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Words of lower-case letters and dashes as one text, `/card/wallet/`; empty where there are none.
pub(crate) fn listed(words: &[String]) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("/{}/", words.join("/"))
    }
}

pub(crate) fn tender_insert(tender: &RecordedTender, accepted_at: Timestamp) -> Statement<'_> {
    statement(
        "tenders_insert",
        "INSERT INTO tenders (id, retailer, store_id, store, back, kind, provider, psp_reference,
             modification_reference, merchant_reference, scheme, amount, currency, minor_digits,
             business_date, entry_id, order_id, accepted_ms, fresh, voided, settled_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             1, 0, NULL)
         ON CONFLICT DO NOTHING",
    )
    .bind(&*tender.id)
    .bind(&*tender.retailer)
    .bind(&*tender.store_id)
    .bind(&*tender.store)
    .flag(tender.back)
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
    .at(accepted_at)
}

pub(crate) fn tender(found: &Found) -> Result<RecordedTender, Error> {
    Ok(RecordedTender {
        id: found.text("id")?,
        retailer: found.text("retailer")?,
        store_id: found.text("store_id")?,
        store: found.text("store")?,
        back: found.flag("back")?,
        kind: found.text("kind")?,
        provider: found.text("provider")?,
        psp_reference: found.text("psp_reference")?,
        modification_reference: found.text("modification_reference")?,
        merchant_reference: found.text("merchant_reference")?,
        scheme: found.text("scheme")?,
        amount: found.int("amount")?,
        currency: found.text("currency")?,
        minor_digits: found.narrow("minor_digits")?,
        business_date: found.text("business_date")?,
        entry_id: found.text("entry_id")?,
        order_id: found.text("order_id")?,
        settled_by: found.maybe("settled_by")?,
    })
}

pub(crate) fn statement_insert(row: &StatementRow) -> Statement<'_> {
    let header = &row.header;
    statement(
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
    .bind(whole(row.size))
    .bind(&*header.provider)
    .bind(&*header.account)
    .bind(&*header.reference)
    .bind(&*header.currency)
    .bind(i64::from(header.minor_digits))
    .bind(&*header.paid_on)
    .bind(header.total)
    .json(&header.attributes)
    .bind(row.net)
    .bind(whole(row.lines))
    .word(row.state)
    .bind(whole(row.matched_to))
    .at(row.imported_at)
}

pub(crate) fn statement_row(found: &Found) -> Result<StatementRow, Error> {
    Ok(StatementRow {
        id: found.text("id")?,
        retailer: found.text("retailer")?,
        plugin: found.text("plugin")?,
        component: found.text("component")?,
        file: found.text("file")?,
        digest: found.text("digest")?,
        size: found.narrow("size")?,
        header: StatementHeader {
            provider: found.text("provider")?,
            account: found.text("account")?,
            reference: found.text("reference")?,
            currency: found.text("currency")?,
            minor_digits: found.narrow("minor_digits")?,
            paid_on: found.text("paid_on")?,
            total: found.maybe_int("total")?,
            attributes: found.json("attributes")?,
        },
        net: found.int("net")?,
        lines: found.narrow("line_count")?,
        state: found.word("state")?,
        matched_to: found.narrow("matched_to")?,
        imported_at: found.at("imported_ms")?,
    })
}

pub(crate) fn line_insert(row: &LineRow) -> Statement<'_> {
    let (line, matched) = (&row.line, &row.matched);
    statement(
        "statement_lines_insert",
        "INSERT INTO statement_lines (statement_id, number, retailer, psp_reference,
             modification_reference, merchant_reference, converted, fee, net, settles, store_id,
             store, business_date, entry_id, difference, waits, line)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(&*row.statement)
    .bind(whole(row.number))
    .bind(&*row.retailer)
    .bind(&*line.psp_reference)
    .bind(&*line.modification_reference)
    .bind(&*line.merchant_reference)
    .bind(line.converted)
    .bind(line.fee)
    .bind(line.net)
    .flag(matched.settles)
    .bind(&*matched.store_id)
    .bind(&*matched.store)
    .bind(&*matched.business_date)
    .bind(&*matched.entry_id)
    .bind(matched.difference)
    .flag(matched.waits)
    .json(line)
}

pub(crate) fn line_match<'q>(id: &'q str, number: u64, matched: &'q Matched) -> Statement<'q> {
    statement(
        "statement_line_match",
        "UPDATE statement_lines SET outcome = $1, rule = $2, tender_id = $3, settles = $4,
             store_id = $5, store = $6, business_date = $7, entry_id = $8, difference = $9,
             expected_fee = $10, waits = $11
         WHERE statement_id = $12 AND number = $13",
    )
    .maybe(matched.outcome.map(MatchOutcome::word))
    .maybe(matched.rule.map(MatchRule::word))
    .maybe(matched.tender.as_deref())
    .flag(matched.settles)
    .bind(&*matched.store_id)
    .bind(&*matched.store)
    .bind(&*matched.business_date)
    .bind(&*matched.entry_id)
    .bind(matched.difference)
    .bind(matched.expected_fee)
    .flag(matched.waits)
    .bind(id)
    .bind(whole(number))
}

pub(crate) fn line(found: &Found) -> Result<LineRow, Error> {
    let rule = found.maybe("rule")?;
    Ok(LineRow {
        statement: found.text("statement_id")?,
        number: found.narrow("number")?,
        retailer: found.text("retailer")?,
        line: found.json("line")?,
        matched: Matched {
            outcome: outcome(found)?,
            rule: rule.and_then(|word| MatchRule::ALL.into_iter().find(|rule| rule.word() == word)),
            tender: found.maybe("tender_id")?,
            settles: found.flag("settles")?,
            store_id: found.text("store_id")?,
            store: found.text("store")?,
            business_date: found.text("business_date")?,
            entry_id: found.text("entry_id")?,
            difference: found.int("difference")?,
            expected_fee: found.maybe_int("expected_fee")?,
            waits: found.flag("waits")?,
        },
    })
}

fn outcome(found: &Found) -> Result<Option<MatchOutcome>, Error> {
    match found.maybe("outcome")? {
        Some(_) => found.word("outcome").map(Some),
        None => Ok(None),
    }
}

pub(crate) fn sum(found: &Found) -> Result<OutcomeSum, Error> {
    Ok(OutcomeSum {
        outcome: outcome(found)?,
        lines: found.narrow("lines")?,
        converted: found.int("converted")?,
        fee: found.int("fee")?,
        net: found.int("net")?,
    })
}

pub(crate) fn hand(found: &Found) -> Result<HandRow, Error> {
    Ok(HandRow {
        line: found.text("line_id")?,
        at: found.at("at_ms")?,
        by: found.text("by_whom")?,
        undo: found.flag("undo")?,
        reason: found.text("reason")?,
        before: found.json("before")?,
        after: found.json("after")?,
    })
}
