//! Matches statement lines with tenders in batches, one retailer at a time.
//!
//! A line is matched together with all lines and tenders that share references with it, of any statement. So the
//! result does not depend on the order in which statements and tenders are recorded.
//!
//! The transaction that accepts a payment or refund only records its tenders as unchecked, so that tills do not
//! wait for statements. Checking them later finds the lines that were imported before them. Both directions of
//! matching lock the retailer first, so that neither misses uncommitted changes of the other: the second one sees
//! both the line and the tender.

use super::group::LineGroup;
use crate::core::out_of_service;
use crate::settlement::Settlement;
use galleria_domain::{Entry, MatchingRules, RecordedTender, Store, Tender};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{StatementState, Tx};

/// Lines in one transaction: about ten milliseconds, the longest wait of tills on the same SQLite file.
pub(super) const PIECE: usize = 200;

/// The tenders of an entry to record for matching. Training records are excluded, and so is cash without a
/// reference, which no provider settles.
pub(crate) fn tenders_of(
    store: &Store,
    entry: &Entry,
    tenders: &[Tender],
    back: bool,
) -> Vec<RecordedTender> {
    if entry.training {
        return Vec::new();
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let side = if back { "refund" } else { "payment" };
    let recorded = tenders.iter().map(|tender| RecordedTender {
        id: format!("{side}:{}/{}", entry.id, tender.number),
        retailer: store.retailer.clone(),
        store_id: store.id.clone(),
        store: store.external_id.clone(),
        back,
        kind: tender.kind.clone(),
        provider: text(&tender.provider),
        psp_reference: text(&tender.psp_reference),
        modification_reference: text(&tender.modification_reference),
        merchant_reference: text(&tender.merchant_reference),
        scheme: text(&tender.scheme),
        amount: if back { -tender.amount } else { tender.amount },
        currency: entry.currency.clone(),
        minor_digits: store.minor_digits,
        business_date: entry.business_date.clone(),
        entry_id: entry.id.clone(),
        order_id: entry.order_id.clone(),
        settled: 0,
    });
    let settled = |tender: &RecordedTender| {
        let references = [
            &tender.psp_reference,
            &tender.modification_reference,
            &tender.merchant_reference,
        ];
        tender.kind != "cash" || references.iter().any(|reference| !reference.is_empty())
    };
    recorded.filter(settled).collect()
}

impl Settlement {
    /// The matching rules of a retailer, or an error if they could not be read.
    pub(super) fn matching_rules(&self, retailer: &str) -> Result<MatchingRules, Error> {
        let rules = self.core.plugins.matching(retailer);
        rules.ok_or_else(|| out_of_service(retailer))
    }

    /// Continues matching: unfinished statements, and tenders recorded since. Returns the number of batches.
    pub async fn match_statements(&self) -> Result<usize, Error> {
        let unfinished = self
            .core
            .records
            .read(in_tx!(|tx| tx.statement_list_unfinished().await))
            .await?;
        let mut done = 0;
        for row in unfinished {
            let is_matchable = self.core.plugins.matching(&row.retailer).is_some();
            if row.state == StatementState::Matching && is_matchable {
                self.match_statement(&row.retailer, &row.id).await?;
                done += 1;
            }
        }
        loop {
            let batches = self.match_fresh().await?;
            if batches == 0 {
                return Ok(done);
            }
            done += batches;
        }
    }

    /// Matches the remaining lines of a statement.
    pub(super) async fn match_statement(&self, retailer: &str, id: &str) -> Result<(), Error> {
        loop {
            let (id, retailer) = (id.to_owned(), retailer.to_owned());
            let rules = self.matching_rules(&retailer)?;
            let more = self.core.records.write(in_tx!(|tx, id, retailer, rules| {
                tx.matching_lock(&retailer).await?;
                match_piece(tx, &id, &rules).await
            }));
            if !more.await? {
                return Ok(());
            }
        }
    }

    /// Checks the oldest unchecked tenders of each retailer; returns the number of batches.
    async fn match_fresh(&self) -> Result<usize, Error> {
        let records = &self.core.records;
        let retailers = records.read(in_tx!(|tx| tx.tender_retailer_list_unchecked().await));
        let mut batches = 0;
        for retailer in retailers.await? {
            // Its tenders wait for the rules.
            let Some(rules) = self.core.plugins.matching(&retailer) else {
                continue;
            };
            let matched = records.write(in_tx!(|tx, retailer, rules| {
                match_tenders(tx, &retailer, &rules).await
            }));
            matched.await?;
            batches += 1;
        }
        Ok(batches)
    }
}

/// Matches the next lines of a statement; returns whether there are more. The retailer must be locked.
async fn match_piece(tx: &mut dyn Tx, id: &str, rules: &MatchingRules) -> Result<bool, Error> {
    let Some(row) = tx.statement_get(id).await? else {
        return Ok(false);
    };
    if row.state != StatementState::Matching {
        return Ok(false);
    }
    let piece = u32::try_from(PIECE).unwrap_or(u32::MAX);
    let lines = tx
        .statement_line_list(id, None, row.matched_to, piece)
        .await?;
    let reached = lines.last().map_or(row.matched_to, |line| line.number);
    let more = reached < row.lines && !lines.is_empty();
    let mut group = LineGroup::new(&row.retailer);
    for line in lines {
        group.add_line(line, &row.header.provider);
    }
    group.rematch(tx, rules).await?;
    let state = if more {
        StatementState::Matching
    } else {
        StatementState::Matched
    };
    tx.statement_advance(id, state, reached).await?;
    Ok(more)
}

async fn match_tenders(
    tx: &mut dyn Tx,
    retailer: &str,
    rules: &MatchingRules,
) -> Result<(), Error> {
    tx.matching_lock(retailer).await?;
    let piece = u32::try_from(PIECE).unwrap_or(u32::MAX);
    let mut group = LineGroup::new(retailer);
    for tender in tx.tender_list_unchecked(retailer, piece).await? {
        tx.tender_mark_checked(&tender.id).await?;
        group.add_tender(tender);
    }
    group.rematch(tx, rules).await?;
    Ok(())
}
