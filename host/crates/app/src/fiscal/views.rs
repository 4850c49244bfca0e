//! The JSON of fiscal marks and records.

use super::event_id;
use galleria_domain::Attribute;
use galleria_ports::records::{FiscalRow, MarkRow, MarkState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A mark to record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    /// The scheme, such as `mydata`: 1 to 128 visible ASCII characters except `:`.
    pub scheme: String,
    /// The mark that the authority assigned: 1 to 128 visible ASCII characters except `:`.
    pub mark: String,
    /// Time of issue, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub issued_at: Timestamp,
    /// The refund that it marks; the sale of the order if it is absent.
    pub refund_id: Option<String>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkView {
    /// The mark that the authority assigned.
    pub mark: String,
    /// The scheme, such as `mydata`.
    pub scheme: String,
    /// `applied`, `early` if its payment or refund has not arrived, or `conflict` if another mark was
    /// applied.
    pub state: String,
    /// The event of the mark; null if the mark is not applied.
    pub event_id: Option<String>,
    /// Time of issue, RFC 3339.
    pub issued_at: String,
    /// Time of arrival, RFC 3339.
    pub received_at: String,
    /// Further named values.
    pub attributes: Vec<Attribute>,
}

/// The fiscal record of a sale or a refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiscalView {
    /// The order's id.
    pub order_id: String,
    /// The refund; null for the sale.
    pub refund_id: Option<String>,
    /// `waiting`, `marked`, `conflict`, or `early` if the mark arrived first and was not applied.
    pub state: String,
    /// The payment or the refund; null until it arrives.
    pub entry_id: Option<String>,
    /// The receipt number.
    pub receipt: Option<String>,
    /// The store, if it is known.
    pub store_id: Option<String>,
    /// Time of the creation, RFC 3339.
    pub created_at: String,
    /// Time of the last change of state, RFC 3339.
    pub changed_at: String,
}

/// A page of the list of records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiscalPage {
    /// The records, the newest first.
    pub records: Vec<FiscalView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// A record with its marks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiscalMarked {
    /// The record.
    pub record: FiscalView,
    /// In order of arrival.
    pub marks: Vec<MarkView>,
}

/// The records of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiscalDetail {
    /// The order's id.
    pub order_id: String,
    /// The record of the sale first.
    pub records: Vec<FiscalMarked>,
}

pub(super) fn mark_view(mark: &MarkRow) -> MarkView {
    MarkView {
        mark: mark.mark.clone(),
        scheme: mark.scheme.clone(),
        state: mark.state.name().into(),
        event_id: (mark.state == MarkState::Applied).then(|| event_id(mark)),
        issued_at: mark.issued_at.to_string(),
        received_at: mark.received_at.to_string(),
        attributes: mark.attributes.clone(),
    }
}

pub(super) fn view(row: FiscalRow) -> FiscalView {
    FiscalView {
        order_id: row.order_id,
        refund_id: Some(row.refund_id).filter(|id| !id.is_empty()),
        state: row.state.name().into(),
        entry_id: row.entry_id,
        receipt: row.receipt,
        store_id: row.store_id,
        created_at: row.created_at.to_string(),
        changed_at: row.changed_at.to_string(),
    }
}
