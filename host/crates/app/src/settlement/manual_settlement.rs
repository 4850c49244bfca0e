//! Manual settlement of lines, and its undo. The states before and after are stored with the actor, the time and
//! the reason.

use super::matching::{match_fields, match_line, write_match};
use super::views::LineView;
use crate::core::{IdempotencyKey, Reply};
use crate::settlement::Settlement;
use galleria_domain::matching::manual_outcome;
use galleria_domain::{MatchOutcome, MatchRule, MatchingRules, RecordedTender, StatementKind};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{
    LineMatch, LineRow, ManualSettlementRow, OperationRow, StatementRow, Tx,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A manual settlement of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    pub actor: String,
    /// The reason.
    pub reason: String,
    /// The sale or refund that the line is about; if it is absent, the tender that the line is linked
    /// with, if any.
    pub entry: Option<String>,
}

/// The undo of a manual settlement: the rules decide again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    pub actor: String,
    /// The reason.
    pub reason: String,
}

impl Settlement {
    /// Settles a line manually.
    pub async fn settle_line(
        &self,
        key: IdempotencyKey,
        line: &str,
        request: SettleRequest,
    ) -> Result<Reply, Error> {
        said(&request.actor, &request.reason)?;
        if request.entry.iter().any(|id| id.contains(char::is_control)) {
            return Err(Error::invalid(
                "entry",
                "must not contain control characters",
            ));
        }
        let (now, line) = (self.core.clock.now(), line.to_owned());
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, line, request| settle(tx, &line, &request, now).await),
            )
            .await
    }

    /// Undoes a manual settlement.
    pub async fn undo_line(
        &self,
        key: IdempotencyKey,
        line: &str,
        request: UndoRequest,
    ) -> Result<Reply, Error> {
        said(&request.actor, &request.reason)?;
        let (now, line) = (self.core.clock.now(), line.to_owned());
        let rules = self.policy.matching.clone();
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, line, request, rules| {
                    let (statement, row) = line_of(tx, &line).await?;
                    let rules = rules.get(&row.retailer).cloned().unwrap_or_default();
                    undo(tx, &statement, row, &request, &rules, now).await
                }),
            )
            .await
    }
}

fn said(actor: &str, reason: &str) -> Result<(), Error> {
    let good = |text: &str| {
        !text.trim().is_empty() && text.len() <= 500 && !text.chars().any(char::is_control)
    };
    for (field, text) in [("actor", actor), ("reason", reason)] {
        if !good(text) {
            return Err(Error::invalid(
                field,
                "must be 1 to 500 bytes of text in one line",
            ));
        }
    }
    Ok(())
}

/// Reads a line after locking the matching of its retailer.
pub(super) async fn line_of(tx: &mut dyn Tx, id: &str) -> Result<(StatementRow, LineRow), Error> {
    let not_found = || Error::NotFound {
        what: "statement line",
        id: id.to_owned(),
    };
    let (statement, number) = super::views::parts(id).ok_or_else(not_found)?;
    let row = tx.statement_line_get(statement, number).await?;
    let row = row.filter(|row| row.matched.outcome.is_some());
    let row = row.ok_or_else(not_found)?;
    tx.matching_lock(&row.retailer).await?;
    // The line may have changed before the lock was acquired.
    let row = tx.statement_line_get(statement, number).await?;
    let statement = tx.statement_get(statement).await?;
    statement.zip(row).ok_or_else(not_found)
}

async fn settle(
    tx: &mut dyn Tx,
    id: &str,
    request: &SettleRequest,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let (statement, row) = line_of(tx, id).await?;
    if row.matched.outcome == Some(MatchOutcome::Matched) && request.entry.is_none() {
        return Err(Error::Conflict {
            code: "line_matched",
            message: format!("line {id} is already matched"),
        });
    }
    let tender = match &request.entry {
        Some(entry) => Some(tender_of(tx, &row, entry).await?),
        None => own_tender(tx, &row).await?,
    };
    let same_currency = |tender: &RecordedTender| {
        tender.currency == row.line.currency && tender.minor_digits == row.line.minor_digits
    };
    let difference = tender.as_ref().filter(|tender| same_currency(tender));
    let after = LineMatch {
        outcome: Some(manual_outcome(tender.is_some())),
        rule: Some(MatchRule::Hand),
        settles: tender.is_some(),
        difference: difference.map_or(0, |t| row.line.gross.saturating_sub(t.amount)),
        expected_fee: row.matched.expected_fee,
        ..match_fields(tender.as_ref())
    };
    write_match(tx, &row, &after).await?;
    let hand = ManualSettlementRow {
        line: row.id(),
        at: now,
        actor: request.actor.clone(),
        undo: false,
        reason: request.reason.clone(),
        before: row.matched.clone(),
        after: after.clone(),
    };
    keep(tx, "line_settle", &hand).await?;
    answer(
        &statement,
        LineRow {
            matched: after,
            ..row
        },
    )
}

/// The tender of an entry that no other line settles and whose amount is nearest to the line's.
async fn tender_of(tx: &mut dyn Tx, row: &LineRow, entry: &str) -> Result<RecordedTender, Error> {
    let refund = row.line.kind == StatementKind::Refund;
    let tenders = tx.tender_list_by_entry(&row.retailer, entry).await?;
    let id = row.id();
    let free = tenders.into_iter().filter(|tender| {
        tender.back == refund && tender.settled_by.as_deref().is_none_or(|by| by == id)
    });
    let nearest = free.min_by_key(|tender| {
        let other_currency = tender.currency != row.line.currency;
        (other_currency, tender.amount.abs_diff(row.line.gross))
    });
    nearest.ok_or_else(|| {
        let side = if refund { "refund" } else { "payment" };
        let message =
            format!("must be a {side} of the retailer with a tender that no other line settles");
        Error::invalid("entry", message)
    })
}

/// The tender that the line is linked with, unless another line settles it.
async fn own_tender(tx: &mut dyn Tx, row: &LineRow) -> Result<Option<RecordedTender>, Error> {
    let matchable = matches!(
        row.line.kind,
        StatementKind::Payment | StatementKind::Refund
    );
    let Some(id) = row.matched.tender.as_ref().filter(|_| matchable) else {
        return Ok(None);
    };
    let tender = tx.tender_get(id).await?;
    let line = row.id();
    Ok(tender.filter(|tender| tender.settled_by.as_ref().is_none_or(|by| *by == line)))
}

async fn undo(
    tx: &mut dyn Tx,
    statement: &StatementRow,
    row: LineRow,
    request: &UndoRequest,
    rules: &MatchingRules,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let id = row.id();
    let manual_settlements = tx.manual_settlement_list(&id).await?;
    if manual_settlements.last().is_none_or(|last| last.undo) {
        return Err(Error::Conflict {
            code: "not_settled_manually",
            message: format!("line {id} has no manual settlement to undo"),
        });
    }
    let after = match_line(tx, &statement.header.provider, &row, rules).await?;
    let hand = ManualSettlementRow {
        line: id,
        at: now,
        actor: request.actor.clone(),
        undo: true,
        reason: request.reason.clone(),
        before: row.matched.clone(),
        after: after.clone(),
    };
    keep(tx, "line_undo", &hand).await?;
    answer(
        statement,
        LineRow {
            matched: after,
            ..row
        },
    )
}

/// Records the action with the line and in the list of operations.
async fn keep(tx: &mut dyn Tx, action: &str, hand: &ManualSettlementRow) -> Result<(), Error> {
    tx.manual_settlement_insert(hand).await?;
    tx.operation_insert(&OperationRow {
        at: hand.at,
        actor: hand.actor.clone(),
        action: action.into(),
        subject: format!("statement line {}", hand.line),
        reason: hand.reason.clone(),
        before: json!(hand.before).to_string(),
        after: json!(hand.after).to_string(),
    })
    .await
}

fn answer(statement: &StatementRow, row: LineRow) -> Result<serde_json::Value, Error> {
    serde_json::to_value(LineView::of(statement, row))
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
}
