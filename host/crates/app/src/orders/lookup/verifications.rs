//! Lists verifications.

use crate::lists::ListQuery;
use crate::orders::Orders;
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::records::VerificationListRow;
use serde::{Deserialize, Serialize};

/// A check of a basket by staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationSummary {
    /// Its id.
    pub id: String,
    /// The order's id.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// The business date, `YYYY-MM-DD`.
    pub business_date: String,
    /// The cashier who checked.
    pub cashier: String,
    /// `passed`, `corrected`, `refused`, or another value.
    pub outcome: String,
    /// Numbers of the lines that were not correct.
    pub refused_lines: Vec<u32>,
    /// Whether the order was paid at that time.
    pub paid: bool,
    /// Time at which it happened, RFC 3339.
    pub at: String,
    /// Time at which the host accepted it, RFC 3339; lists are sorted by it.
    pub accepted_at: String,
}

/// A page of the list of verifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationPage {
    /// Newest first.
    pub verifications: Vec<VerificationSummary>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

fn summary(row: VerificationListRow) -> VerificationSummary {
    VerificationSummary {
        id: row.id,
        order_id: row.order_id,
        store_id: row.store_id,
        business_date: row.business_date,
        cashier: row.cashier,
        outcome: row.outcome,
        refused_lines: row.refused_lines,
        paid: row.paid,
        at: row.occurred_at.to_string(),
        accepted_at: row.accepted_at.to_string(),
    }
}

impl Orders {
    /// Verifications in the caller's reach, the newest first.
    pub async fn verifications(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<VerificationPage, Error> {
        list_page!(
            self,
            caller,
            query,
            None,
            Verifications,
            verification_list_rows,
            |tx, rows, next| {
                let verifications = rows.into_iter().map(summary).collect();
                VerificationPage {
                    verifications,
                    next,
                }
            }
        )
    }
}
