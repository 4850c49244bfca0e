//! Manual settlement of lines, and its undo. The states before and after are stored with the actor, the time and
//! the reason. The rules are then applied again to the lines that share references with the line or its tenders.

use super::distribution::{check_targets, distribute, whole_tender};
use super::group::{LineGroup, match_fields};
use super::views::LineView;
use crate::core::{IdempotencyKey, Reply, out_of_service};
use crate::settlement::Settlement;
use galleria_domain::{Allocation, MatchOutcome, MatchRule, MatchingRules};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{
    LineMatch, LineRow, ManualSettlementRow, OperationRow, StatementRow, Tx,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

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
    /// with, if any. A difference of the amounts is accepted: the tender counts as paid.
    pub entry: Option<String>,
    /// Distributes the line over tenders, instead of `entry`. The parts must sum to the line's gross amount. If a
    /// part is less than its tender, the rest of the tender stays open for other lines.
    #[serde(default)]
    pub parts: Vec<Allocation>,
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
        check_reason(&request.actor, &request.reason)?;
        check_targets(request.entry.as_deref(), &request.parts)?;
        let (now, line) = (self.core.clock.now(), line.to_owned());
        let plugins = Arc::clone(&self.core.plugins);
        self.core
            .append_once(
                key,
                200,
                in_tx!(|tx, line, request, plugins| {
                    let (statement, row) = line_of(tx, &line).await?;
                    let rules = plugins.matching(&row.retailer);
                    let rules = rules.ok_or_else(|| out_of_service(&row.retailer))?;
                    settle(tx, &statement, row, &request, &rules, now).await
                }),
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
        check_reason(&request.actor, &request.reason)?;
        let (now, line) = (self.core.clock.now(), line.to_owned());
        let plugins = Arc::clone(&self.core.plugins);
        self.core
            .append_once(
                key,
                200,
                in_tx!(|tx, line, request, plugins| {
                    let (statement, row) = line_of(tx, &line).await?;
                    let rules = plugins.matching(&row.retailer);
                    let rules = rules.ok_or_else(|| out_of_service(&row.retailer))?;
                    undo(tx, &statement, row, &request, &rules, now).await
                }),
            )
            .await
    }
}

/// Checks the actor and the reason of an operator's action.
pub(super) fn check_reason(actor: &str, reason: &str) -> Result<(), Error> {
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
    statement: &StatementRow,
    row: LineRow,
    request: &SettleRequest,
    rules: &MatchingRules,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let target = request.entry.is_some() || !request.parts.is_empty();
    if row.matched.outcome == Some(MatchOutcome::Matched) && !target {
        return Err(Error::Conflict {
            code: "line_matched",
            message: format!("line {} is already matched", row.id()),
        });
    }
    let (tender, parts, difference) = match &*request.parts {
        [] => whole_tender(tx, &row, request.entry.as_deref()).await?,
        parts => (Some(distribute(tx, &row, parts).await?), parts.to_vec(), 0),
    };
    let outcome = match parts.is_empty() {
        true => MatchOutcome::NotApplicable,
        false => MatchOutcome::Matched,
    };
    let after = LineMatch {
        outcome: Some(outcome),
        rule: Some(MatchRule::Hand),
        parts,
        difference,
        expected_fee: row.matched.expected_fee,
        ..match_fields(tender.as_ref())
    };
    tx.statement_line_match(&row.statement, row.number, &after)
        .await?;
    let mut others = LineGroup::new(&row.retailer);
    others.add_parts(tx, &row.matched.parts).await?;
    others.add_parts(tx, &after.parts).await?;
    others.rematch(tx, rules).await?;
    let hand = ManualSettlementRow {
        line: row.id(),
        at: now,
        actor: request.actor.clone(),
        undo: false,
        reason: request.reason.clone(),
        before: row.matched.clone(),
        after: after.clone(),
    };
    keep(tx, "line_settle", &hand, statement, &row).await?;
    answer(
        statement,
        LineRow {
            matched: after,
            ..row
        },
    )
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
    if row.matched.rule != Some(MatchRule::Hand) {
        return Err(Error::Conflict {
            code: "not_settled_manually",
            message: format!("line {id} has no manual settlement to undo"),
        });
    }
    let released = LineRow {
        matched: LineMatch::default(),
        ..row.clone()
    };
    tx.statement_line_match(&row.statement, row.number, &released.matched)
        .await?;
    let mut group = LineGroup::new(&row.retailer);
    group.add_parts(tx, &row.matched.parts).await?;
    group.add_line(released, &statement.header.provider);
    let mut matches = group.rematch(tx, rules).await?;
    let after = matches.remove(&id).unwrap_or_default();
    let hand = ManualSettlementRow {
        line: id,
        at: now,
        actor: request.actor.clone(),
        undo: true,
        reason: request.reason.clone(),
        before: row.matched.clone(),
        after: after.clone(),
    };
    keep(tx, "line_undo", &hand, statement, &row).await?;
    answer(
        statement,
        LineRow {
            matched: after,
            ..row
        },
    )
}

/// Records the action with the line and in the list of operations, there with the currencies of its amounts.
async fn keep(
    tx: &mut dyn Tx,
    action: &str,
    hand: &ManualSettlementRow,
    statement: &StatementRow,
    row: &LineRow,
) -> Result<(), Error> {
    tx.manual_settlement_insert(hand).await?;
    let recorded = |matched: &LineMatch| {
        let mut recorded = json!(matched);
        recorded["currency"] = json!(row.line.currency);
        recorded["minor_digits"] = json!(row.line.minor_digits);
        recorded["paid_currency"] = json!(statement.header.currency);
        recorded["paid_minor_digits"] = json!(statement.header.minor_digits);
        recorded.to_string()
    };
    tx.operation_insert(&OperationRow {
        at: hand.at,
        actor: hand.actor.clone(),
        action: action.into(),
        subject: format!("statement line {}", hand.line),
        reason: hand.reason.clone(),
        before: recorded(&hand.before),
        after: recorded(&hand.after),
    })
    .await
}

fn answer(statement: &StatementRow, row: LineRow) -> Result<serde_json::Value, Error> {
    serde_json::to_value(LineView::of(statement, row))
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
}
