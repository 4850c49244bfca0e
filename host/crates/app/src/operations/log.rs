//! The log of operations: who changed what, when and why.

use super::Operations;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{OperationFilter, OperationRow};
use serde::{Deserialize, Serialize};

/// The actions, by name.
pub const ACTIONS: [&str; 19] = [
    "dead_letter_replay",
    "dead_letter_discard",
    "parked_retry",
    "run_replay",
    "run_cancel",
    "line_settle",
    "line_undo",
    "statement_reread",
    "store_put",
    "stores_import",
    "tax_settings_put",
    "tax_settings_delete",
    "tax_table_import",
    "tax_table_delete",
    "tax_move",
    "plugins_loaded",
    "retailer_reload",
    "key_create",
    "key_revoke",
];

/// An action of an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationView {
    /// Time, RFC 3339.
    pub at: String,
    /// The actor.
    pub actor: String,
    /// The action, such as `dead_letter_replay`.
    pub action: String,
    /// The subject of the action.
    pub subject: String,
    /// The reason.
    pub reason: String,
    /// The state before; null if there was nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: serde_json::Value,
    /// The state after; null if nothing was left.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: serde_json::Value,
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationPage {
    /// The records, the newest first.
    pub operations: Vec<OperationView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl Operations {
    /// The operations, newest first.
    pub async fn log(
        &self,
        filter: OperationFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<OperationPage, Error> {
        let before: i64 = match after {
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("after", "must be the `next` of the previous page"))?,
            None => i64::MAX,
        };
        // One extra row shows whether there is a next page.
        let mut rows = self
            .core
            .records
            .read(in_tx!(|tx, filter| tx
                .operation_list(&filter, before, limit + 1)
                .await))
            .await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let last = rows.last().filter(|_| more);
        Ok(OperationPage {
            next: last.map(|(serial, _)| serial.to_string()),
            operations: rows.into_iter().map(|(_, row)| operation(row)).collect(),
        })
    }
}

fn operation(row: OperationRow) -> OperationView {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    OperationView {
        at: row.at.to_string(),
        before: json(&row.before),
        after: json(&row.after),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        reason: row.reason,
    }
}
