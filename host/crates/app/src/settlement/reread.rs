//! Reads the stored original of a statement again, after a correction of the plugin or its settings, and replaces
//! the lines. Also imports a file that was rejected.
//!
//! The new lines are written in batches under a temporary, invisible statement. After a crash, the next import removes
//! it like an unfinished statement. One transaction then replaces the old lines. A failed read changes nothing.

use super::intake::reading_context;
use super::lease::Lease;
use super::manual_settlement::check_reason;
use super::matching::PIECE;
use super::reading::{Reading, read};
use super::views::{RereadView, UndoneSettlement};
use super::{Settlement, StatementRequest};
use crate::core::{IdempotencyKey, Reply};
use galleria_domain::{MatchRule, StatementHeader, StatementLine};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::{
    LineMatch, LineRow, ManualSettlementRow, OperationRow, StatementRow, StatementState, Tx,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request to read a statement's original again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RereadRequest {
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    pub actor: String,
    /// The reason.
    pub reason: String,
    /// The plugin that reads the file, by its name in `retailer.toml`; the one that read it before if it is absent.
    pub plugin: Option<String>,
}

/// The stored original.
struct Original {
    id: String,
    retailer: String,
    plugin: String,
    file: String,
    digest: String,
    size: u64,
    imported_at: Option<Timestamp>,
}

/// The replacement of a statement's lines.
#[derive(Clone)]
struct Replacement {
    row: StatementRow,
    /// The statement that has the new lines until they replace the old ones.
    staged: String,
    /// The new numbers of manually settled lines that did not change, by the old ones.
    kept: BTreeMap<u64, u64>,
    request: RereadRequest,
    now: Timestamp,
}

impl Settlement {
    /// Reads the original of a statement, or of a rejected file, again and replaces the lines.
    pub async fn reread(
        &self,
        key: IdempotencyKey,
        id: &str,
        request: RereadRequest,
    ) -> Result<Reply, Error> {
        check_reason(&request.actor, &request.reason)?;
        if let Some(reply) = self.core.answered(key.clone()).await? {
            return Ok(reply);
        }
        let original = self.original(id).await?;
        let plugin = self.statement_reader(&StatementRequest {
            retailer: original.retailer.clone(),
            plugin: request
                .plugin
                .clone()
                .unwrap_or_else(|| original.plugin.clone()),
        })?;
        let (original, reading) = self.read_again(original, plugin.clone()).await?;
        let retailer = original.retailer.clone();
        let lease = Lease::of(self, &retailer, uuid::Uuid::new_v4().to_string());
        lease.wait(|| Ok(())).await?;
        let replaced = self
            .replace(&lease, key, original, &plugin, reading, request)
            .await;
        if replaced.is_err()
            && let Err(error) = lease.clear(&retailer).await
        {
            tracing::warn!(error = error.chain(), "unfinished statement not removed");
        }
        lease.release().await;
        let reply = replaced?;
        self.match_statement(&retailer, id).await?;
        self.match_statements().await?;
        Ok(reply)
    }

    async fn original(&self, id: &str) -> Result<Original, Error> {
        let requested_id = id.to_owned();
        let found = self.core.records.read(in_tx!(|tx, requested_id| {
            let row = tx.statement_get(&requested_id).await?;
            let rejected = tx.rejected_statement_get(&requested_id).await?;
            Ok((row, rejected))
        }));
        let (row, rejected) = found.await?;
        if let Some(row) = row.filter(|row| row.state != StatementState::Importing) {
            return Ok(Original {
                id: row.id,
                retailer: row.retailer,
                plugin: row.plugin,
                file: row.file,
                digest: row.digest,
                size: row.size,
                imported_at: Some(row.imported_at),
            });
        }
        let row = rejected.ok_or_else(|| Error::NotFound {
            what: "statement",
            id: id.to_owned(),
        })?;
        Ok(Original {
            id: row.id,
            retailer: row.retailer,
            plugin: row.plugin,
            file: row.file,
            digest: row.digest,
            size: row.size,
            imported_at: None,
        })
    }

    /// Lets the plugin read the original. Runs without the lease.
    async fn read_again(
        &self,
        original: Original,
        plugin: LoadedPlugin,
    ) -> Result<(Original, Reading), Error> {
        let (vault, core) = (Arc::clone(self.vault()?), self.core.clone());
        let task = move || {
            let cx = reading_context(&plugin, &original.digest, core.clock.now());
            let source = vault.original(&original.retailer, &original.digest, &original.file)?;
            let scratch = vault.scratch()?;
            let reading = read(
                &*core.plugins,
                &plugin,
                &cx,
                source,
                scratch,
                Arc::default(),
            )?;
            Ok((original, reading))
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(|error| Error::Internal(format!("reading a statement: {error}")))?
    }

    async fn replace(
        &self,
        lease: &Lease<'_>,
        key: IdempotencyKey,
        original: Original,
        plugin: &LoadedPlugin,
        reading: Reading,
        request: RereadRequest,
    ) -> Result<Reply, Error> {
        lease.clear(&original.retailer).await?;
        let now = self.core.clock.now();
        let row = StatementRow {
            id: original.id,
            retailer: original.retailer,
            plugin: plugin.slot.name.clone(),
            component: plugin.inspection.digest.to_string(),
            file: original.file,
            digest: original.digest,
            size: original.size,
            header: reading.header.clone(),
            net: reading.net,
            lines: reading.lines,
            state: StatementState::Matching,
            matched_to: 0,
            imported_at: original.imported_at.unwrap_or(now),
        };
        let id = row.id.clone();
        let manual = self
            .core
            .records
            .read(in_tx!(|tx, id| tx.statement_line_list_manual(&id).await));
        let manual = manual.await?;
        let staged = format!("{}~reread", row.id);
        let kept = stage(lease, &row, &staged, &manual, reading).await?;
        let replacement = Replacement {
            row,
            staged,
            kept,
            request,
            now,
        };
        let work = lease.guard(in_tx!(|tx, replacement| replacement.write(tx).await));
        self.core.append_once(key, 200, work).await
    }
}

/// Writes the new lines under a temporary statement. Returns the new numbers of manually settled lines that did not
/// change, by the old ones.
async fn stage(
    lease: &Lease<'_>,
    row: &StatementRow,
    staged: &str,
    manual: &[LineRow],
    mut reading: Reading,
) -> Result<BTreeMap<u64, u64>, Error> {
    let temporary = StatementRow {
        id: staged.to_owned(),
        digest: staged.to_owned(),
        header: StatementHeader {
            reference: staged.to_owned(),
            ..row.header.clone()
        },
        state: StatementState::Importing,
        ..row.clone()
    };
    lease
        .write(in_tx!(|tx, temporary| tx
            .statement_insert(&temporary)
            .await))
        .await?;
    let mut left: BTreeMap<u64, Vec<&LineRow>> = BTreeMap::new();
    for line in manual {
        left.entry(line.line.row).or_default().push(line);
    }
    let mut kept = BTreeMap::new();
    let mut number = 0;
    loop {
        let lines = reading.next(PIECE)?;
        if lines.is_empty() {
            return Ok(kept);
        }
        let mut rows = Vec::with_capacity(lines.len());
        for line in lines {
            number += 1;
            if let Some(old) = unchanged(&mut left, &line) {
                kept.insert(old, number);
            }
            rows.push(LineRow {
                statement: staged.to_owned(),
                number,
                retailer: row.retailer.clone(),
                line,
                matched: LineMatch::default(),
            });
        }
        let rows = Arc::new(rows);
        lease
            .write(in_tx!(|tx, rows| tx
                .statement_line_insert_many(&rows)
                .await))
            .await?;
    }
}

/// The number of the manually settled line in the same row with the same content.
fn unchanged(left: &mut BTreeMap<u64, Vec<&LineRow>>, line: &StatementLine) -> Option<u64> {
    let lines = left.get_mut(&line.row)?;
    let index = lines.iter().position(|old| old.line == *line)?;
    Some(lines.remove(index).number)
}

impl Replacement {
    /// Replaces the lines. The caller has the lease.
    async fn write(&self, tx: &mut dyn Tx) -> Result<serde_json::Value, Error> {
        let row = &self.row;
        tx.matching_lock(&row.retailer).await?;
        let payout = tx
            .statement_get_by_payout(&row.retailer, &row.header)
            .await?;
        if let Some(other) = payout.filter(|other| other.id != row.id) {
            return Err(super::payout_exists(&other));
        }
        let before = tx.statement_get(&row.id).await?;
        let manual = tx.statement_line_list_manual(&row.id).await?;
        let (kept, changed): (Vec<_>, Vec<_>) = manual
            .into_iter()
            .partition(|line| self.kept.contains_key(&line.number));
        let mut undone = Vec::new();
        for line in changed {
            undone.push(self.undo(tx, line).await?);
        }
        match &before {
            Some(_) => tx.statement_replace(row).await?,
            None => {
                tx.rejected_statement_remove(&row.id).await?;
                tx.statement_insert(row).await?;
            }
        }
        tx.statement_line_replace(&row.id, &self.staged).await?;
        tx.statement_remove(&self.staged).await?;
        self.keep(tx, &kept).await?;
        let view = RereadView {
            statement: row.id.clone(),
            lines_before: before.as_ref().map_or(0, |row| row.lines),
            lines: row.lines,
            net_before: before.as_ref().map_or(0, |row| row.net),
            net: row.net,
            manual_settlements_kept: kept.len() as u64,
            manual_settlements_undone: undone,
        };
        let state = |row: &StatementRow| {
            json!({ "plugin": row.plugin, "component": row.component, "lines": row.lines,
                "net": row.net, "header": row.header, "currency": row.header.currency,
                "minor_digits": row.header.minor_digits })
        };
        tx.operation_insert(&OperationRow {
            at: self.now,
            actor: self.request.actor.clone(),
            action: "statement_reread".into(),
            subject: format!("statement {}", row.id),
            reason: self.request.reason.clone(),
            before: before.as_ref().map_or(json!(null), state).to_string(),
            after:
                json!({ "statement": state(row), "result": view, "currency": row.header.currency,
                "minor_digits": row.header.minor_digits })
                .to_string(),
        })
        .await?;
        Ok(json!(view))
    }

    /// Records that the manual settlement of a line ended.
    async fn undo(&self, tx: &mut dyn Tx, line: LineRow) -> Result<UndoneSettlement, Error> {
        let id = line.id();
        let history = tx.manual_settlement_list(&id).await?;
        let last = history.into_iter().rfind(|settlement| !settlement.undo);
        let (actor, reason) = last.map_or_else(Default::default, |last| (last.actor, last.reason));
        tx.manual_settlement_insert(&ManualSettlementRow {
            line: id.clone(),
            at: self.now,
            actor: self.request.actor.clone(),
            undo: true,
            reason: format!("the file was read again: {}", self.request.reason),
            before: line.matched.clone(),
            after: LineMatch::default(),
        })
        .await?;
        Ok(UndoneSettlement {
            line: id,
            row: line.line.row,
            actor,
            reason,
            entry: line.matched.entry_id,
        })
    }

    /// Settles the unchanged lines again, and moves their history to their new numbers.
    async fn keep(&self, tx: &mut dyn Tx, kept: &[LineRow]) -> Result<(), Error> {
        let id = |number: u64| format!("{}.{number}", self.row.id);
        let moved = kept
            .iter()
            .filter(|line| self.kept[&line.number] != line.number);
        // In two steps: a new number may be the old one of another line.
        for line in moved.clone() {
            let staged = format!("{}.{}", self.staged, self.kept[&line.number]);
            tx.manual_settlement_move(&line.id(), &staged).await?;
        }
        for line in moved {
            let number = self.kept[&line.number];
            let staged = format!("{}.{number}", self.staged);
            tx.manual_settlement_move(&staged, &id(number)).await?;
        }
        for line in kept {
            debug_assert_eq!(line.matched.rule, Some(MatchRule::Hand));
            tx.statement_line_match(&self.row.id, self.kept[&line.number], &line.matched)
                .await?;
            for part in &line.matched.parts {
                if let Some(tender) = tx.tender_get(&part.tender).await? {
                    let settled = tender.settled + part.amount;
                    tx.tender_settle(&tender.id, settled, false).await?;
                }
            }
        }
        Ok(())
    }
}
