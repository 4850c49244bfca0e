//! Activities of stores by day, and verifications. Each sale, refund, void, shift and verification
//! has an activity row, so that a day can be read in order although its parts are in five tables.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Activity, Verification};
use jiff::Timestamp;

/// The kind of an activity, which determines its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// A payment's sale.
    Sale,
    /// A resolved refund.
    Refund,
    /// A voided order.
    Void,
    /// A closed shift.
    Shift,
    /// A verification of a basket by staff.
    Verification,
}

/// An activity's position in its store's day. Its body is in the table of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// The store's id.
    pub store_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// The kind of activity.
    pub kind: ActivityKind,
    /// The id of the payment, refund, void, shift or verification.
    pub id: String,
    /// When the host accepted or resolved it. Fixes the content of a window.
    pub accepted_at: Timestamp,
}

/// Position of a reader of activities, in the order of the rows. The default is before the first
/// row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivityCursor {
    /// The store's id.
    pub store_id: String,
    /// The business date.
    pub business_date: String,
    /// When it began, in milliseconds since 1970.
    pub begun_ms: i64,
    /// The name of its kind.
    pub kind: String,
    /// The row's id.
    pub id: String,
}

/// A page of a window, and its cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivityPage {
    /// In order, each with its store's id. Rows whose body retention has deleted are omitted.
    pub activities: Vec<(String, Activity)>,
    /// The cursor of the last row. `None` if there are no more rows.
    pub last: Option<ActivityCursor>,
}

/// An accepted verification.
#[derive(Clone, Debug, PartialEq)]
pub struct VerificationRow {
    /// The caller's id, or the natural key.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Never changes after acceptance, so that every attempt reads the same.
    pub verification: Verification,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Records of activities and verifications.
#[async_trait]
pub trait Activities {
    /// Adds a verification. Returns `Error::Exists` if the id is taken.
    async fn verification_insert(&mut self, verification: &VerificationRow) -> Result<(), Error>;
    /// A verification by id.
    async fn verification_get(&mut self, id: &str) -> Result<Option<VerificationRow>, Error>;

    /// Adds an activity, in the transaction that creates it.
    async fn activity_insert(&mut self, activity: &ActivityRow) -> Result<(), Error>;
    /// At most `limit` activities of a retailer's window after `after`, accepted by `as_of`, in the
    /// order of [`ActivityCursor`], with their bodies. `store_id` limits them to one store.
    #[expect(clippy::too_many_arguments, reason = "each is a bound of one query")]
    async fn activity_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &ActivityCursor,
        limit: u32,
    ) -> Result<ActivityPage, Error>;
}
