//! Orders and what follows them: payments, refunds, voids, verifications, shifts and movements.

mod intake;
mod lookup;
mod taxed_stores;

pub use intake::{
    EndShift, MovementView, NewMovement, NewOrder, NewPayment, NewRefund, NewShift,
    NewVerification, NewVoid, OrderView, PaymentView, RefundView, ShiftView, VerificationView,
    VoidView,
};
pub use lookup::{
    OrderPage, OrderSummary, PaidBy, PaymentDetail, PaymentPage, PaymentSummary, RefundDetail,
    RefundPage, RefundSummary, ShiftDetail, ShiftEnd, ShiftPage, VerificationPage,
    VerificationSummary, VoidPage, VoidSummary,
};

pub(crate) use intake::problems_of;

use crate::core::Core;
use crate::fiscal::FiscalPolicy;
use crate::tax::Taxes;
use galleria_ports::Error;
use galleria_ports::records::Tx;
use taxed_stores::TaxedStores;

/// Accepts and lists orders, payments, refunds, voids, verifications, shifts and movements. Cheap to clone.
#[derive(Clone)]
pub struct Orders {
    core: Core,
    fiscal: FiscalPolicy,
    taxes: Taxes,
    taxed_stores: TaxedStores,
}

impl Orders {
    pub(crate) fn new(core: Core, fiscal: FiscalPolicy, taxes: Taxes) -> Self {
        Self {
            core,
            fiscal,
            taxes,
            taxed_stores: TaxedStores::default(),
        }
    }

    pub(crate) fn with_taxes(self, taxes: Taxes) -> Self {
        Self { taxes, ..self }
    }
}

/// Returns `NotFound` unless the order exists.
pub(crate) async fn order_exists(tx: &mut dyn Tx, id: &str) -> Result<(), Error> {
    match tx.order_get(id).await? {
        Some(_) => Ok(()),
        None => Err(Error::NotFound {
            what: "order",
            id: id.to_owned(),
        }),
    }
}
