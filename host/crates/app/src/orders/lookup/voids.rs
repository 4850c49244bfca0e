//! Lists voids.

use crate::lists::ListQuery;
use crate::orders::Orders;
use galleria_domain::{Entry, VoidCause};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::records::VoidListRow;
use serde::{Deserialize, Serialize};

/// A void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidSummary {
    /// Its id.
    pub id: String,
    /// The order's id.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The id of its event.
    pub event_id: String,
    /// Its numbering.
    pub entry: Entry,
    /// The cause; `post_void` reversed a paid order.
    pub cause: VoidCause,
    /// Time at which it happened, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339; lists are sorted by it.
    pub accepted_at: String,
}

/// A page of the list of voids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidPage {
    /// Newest first.
    pub voids: Vec<VoidSummary>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

fn summary(row: VoidListRow) -> VoidSummary {
    VoidSummary {
        event_id: format!("void:{}", row.id),
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        entry: row.entry,
        cause: row.cause,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

impl Orders {
    /// Voids in the caller's reach, the newest first.
    pub async fn voids(&self, caller: &Caller, query: ListQuery) -> Result<VoidPage, Error> {
        list_page!(
            self,
            caller,
            query,
            None,
            Voids,
            void_list_rows,
            |tx, rows, next| {
                let voids = rows.into_iter().map(summary).collect();
                VoidPage { voids, next }
            }
        )
    }
}
