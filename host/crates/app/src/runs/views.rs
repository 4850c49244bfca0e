//! Views of runs.

use galleria_domain::Attribute;
use galleria_ports::records::{RunFile, RunRow};
use serde::{Deserialize, Serialize};

/// The reason of a failed run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunFault {
    /// The code of the fault.
    pub code: String,
    /// The message of the fault.
    pub detail: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunView {
    /// Its id, derived from slot, scope and window.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// `report`, `write-settlement` or `export-catalogue`.
    pub point: String,
    /// The store; null for a run over all stores.
    pub store: Option<String>,
    /// The first business date.
    pub first: String,
    /// The last business date, included.
    pub last: String,
    /// The schedule that requested it; null if it was requested manually.
    pub schedule: Option<String>,
    /// `due`, `running`, `ended`, `failed` (retried at `due_at`), `dead` or `cancelled`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// Maximum number of attempts.
    pub tries: u32,
    /// Time at which it may begin.
    pub due_at: String,
    /// Records after this time are not included; null before it begins.
    pub as_of: Option<String>,
    /// Rows read so far, updated every second.
    pub progress: u64,
    /// Rows, as counted by the plugin.
    pub rows: u64,
    /// Sums, as counted by the plugin.
    pub sums: Vec<Attribute>,
    /// The files that it wrote.
    pub files: Vec<RunFile>,
    /// The reason of the last failure.
    pub fault: Option<RunFault>,
    /// Time of the request.
    pub created_at: String,
    /// Time at which the last attempt began.
    pub begun_at: Option<String>,
    /// Time of the end.
    pub ended_at: Option<String>,
}

impl From<RunRow> for RunView {
    fn from(row: RunRow) -> Self {
        let some = |text: String| (!text.is_empty()).then_some(text);
        Self {
            id: row.id,
            retailer: row.retailer,
            plugin: row.subscriber,
            point: row.point.name().to_owned(),
            store: some(row.store_id),
            first: row.first,
            last: row.last,
            schedule: some(row.schedule),
            state: row.state.name().to_owned(),
            attempts: row.attempts,
            tries: row.tries,
            due_at: row.due_at.to_string(),
            as_of: row.as_of.map(|at| at.to_string()),
            progress: row.progress,
            rows: row.rows,
            sums: row.sums,
            files: row.files,
            fault: row.code.map(|code| RunFault {
                code,
                detail: row.detail.unwrap_or_default(),
            }),
            created_at: row.created_at.to_string(),
            begun_at: row.begun_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
        }
    }
}

/// A page of the list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<RunView>,
    /// The `before` of the next page; null on the last page.
    pub next: Option<i64>,
}
