//! Lists and details of orders and what follows them.

/// Reads a page of a list of `$self`: the rows of `$kind` in the caller's reach, the newest first, and the cursor
/// of the next page. The last argument makes the page of them, in the same transaction.
macro_rules! list_page {
    ($self:ident, $caller:ident, $query:ident, $status:expr, $kind:ident, $list:ident,
        |$tx:ident, $rows:ident, $next:ident| $page:expr) => {{
        let (caller, filter) = ($caller.clone(), $query.filter($status)?);
        $self
            .core
            .records
            .read(galleria_ports::in_tx!(|$tx, caller, $query, filter| {
                let kind = galleria_ports::records::ListKind::$kind;
                let page = crate::lists::page($tx, &caller, kind, &$query, &filter).await?;
                let found = $tx.$list(&page.ids).await?;
                let $rows = crate::lists::in_order(&page.ids, found, |row| &row.id);
                let $next = page.next;
                Ok($page)
            }))
            .await
    }};
}

mod orders;
mod payments;
mod refunds;
mod shifts;
mod verifications;
mod voids;

pub use orders::{OrderPage, OrderSummary, PaidBy};
pub use payments::{PaymentDetail, PaymentPage, PaymentSummary};
pub use refunds::{RefundDetail, RefundPage, RefundSummary};
pub use shifts::{ShiftDetail, ShiftEnd, ShiftPage};
pub use verifications::{VerificationPage, VerificationSummary};
pub use voids::{VoidPage, VoidSummary};

pub(super) use orders::{OrderOutcome, order_outcome};
