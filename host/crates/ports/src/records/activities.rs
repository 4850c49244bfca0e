//! What stores did, day by day: one row for each sale, refund, void, shift and verification, so that a
//! day is read in order although its parts are kept in five tables. And verifications themselves.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{Activity, Verification};
use jiff::Timestamp;

/// Which table an activity is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// A payment's sale.
    Sale,
    /// A refund that has been worked out.
    Refund,
    /// An order that came to nothing.
    Void,
    /// A drawer closed.
    Shift,
    /// Staff looked into a basket.
    Verification,
}

/// Where an activity stands in its store's day. What it says is frozen elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// The store's id.
    pub store_id: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// What it is.
    pub kind: ActivityKind,
    /// The payment's, refund's, void's, shift's or verification's id.
    pub id: String,
    /// When the host accepted it, or could work it out; for freezing a window.
    pub accepted_at: Timestamp,
}

/// Where a reader of activities stands: the order of rows. The default is before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivityKey {
    /// The store's id.
    pub store_id: String,
    /// The business date.
    pub business_date: String,
    /// When it began, milliseconds since 1970.
    pub begun_ms: i64,
    /// The word of its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// Rows of a window, and where to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivityPage {
    /// In order, each with its store's id. What retention took away is left out.
    pub activities: Vec<(String, Activity)>,
    /// The last row that was read; none where there was no more.
    pub last: Option<ActivityKey>,
}

/// A verification as accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct VerificationRow {
    /// The caller's id, or the natural one.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The store's id.
    pub store_id: String,
    /// Frozen when accepted: every attempt sees the same.
    pub verification: Verification,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the host accepted it.
    pub accepted_at: Timestamp,
}

/// Records of what stores did.
#[async_trait]
pub trait Activities {
    /// Adds a verification; `Error::Exists` where the id is taken.
    async fn verification_insert(&mut self, verification: &VerificationRow) -> Result<(), Error>;
    /// A verification by id.
    async fn verification_get(&mut self, id: &str) -> Result<Option<VerificationRow>, Error>;

    /// Adds an activity, in the transaction that makes it one.
    async fn activity_insert(&mut self, activity: &ActivityRow) -> Result<(), Error>;
    /// At most `limit` activities of a retailer's window after `after`, accepted no later than
    /// `as_of`, in the order of [`ActivityKey`], with what they say. `store_id` narrows to one store.
    #[expect(clippy::too_many_arguments, reason = "each is a bound of one query")]
    async fn activities_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &ActivityKey,
        limit: u32,
    ) -> Result<ActivityPage, Error>;
}
