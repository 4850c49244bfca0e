//! Lists and details of orders and what follows them.

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
