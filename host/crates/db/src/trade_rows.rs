//! Rows of trade: how orders, payments, refunds, voids and shifts are read from columns.

use crate::statement::{Found, Word};
use galleria_app::Error;
use galleria_app::records::{OrderRow, OrderStatus, PaymentRow, RefundRow, ShiftRow, VoidRow};

impl Word for OrderStatus {
    const ALL: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}

pub(crate) fn order(found: &Found) -> Result<OrderRow, Error> {
    Ok(OrderRow {
        id: found.text("id")?,
        store_id: found.text("store_id")?,
        external_id: found.maybe("external_id")?,
        workstation: found.text("workstation")?,
        operator: found.maybe("operator")?,
        training: found.flag("training")?,
        status: found.word("status")?,
        lines: found.json("lines")?,
        member: found.maybe_json("member")?,
        consents: found.json("consents")?,
        attributes: found.json("attributes")?,
        gross: found.int("gross")?,
        begun_at: found.at("begun_ms")?,
        created_at: found.at("created_ms")?,
    })
}

pub(crate) fn payment(found: &Found) -> Result<PaymentRow, Error> {
    Ok(PaymentRow {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        shift_id: found.maybe("shift_id")?,
        sale: found.json("sale")?,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

pub(crate) fn refund(found: &Found) -> Result<RefundRow, Error> {
    Ok(RefundRow {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        shift_id: found.maybe("shift_id")?,
        entry: found.json("entry")?,
        extent: found.json("extent")?,
        tenders: found.json("tenders")?,
        rounding: found.maybe_int("rounding")?,
        reason: found.text("reason")?,
        attributes: found.json("attributes")?,
        refund: found.maybe_json("refund")?,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

pub(crate) fn void(found: &Found) -> Result<VoidRow, Error> {
    Ok(VoidRow {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        cancellation: found.json("cancellation")?,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

pub(crate) fn shift(found: &Found) -> Result<ShiftRow, Error> {
    Ok(ShiftRow {
        id: found.text("id")?,
        store_id: found.text("store_id")?,
        workstation: found.text("workstation")?,
        till: found.text("till")?,
        operator: found.maybe("operator")?,
        opened_at: found.at("opened_ms")?,
        opening_float: found.int("opening_float")?,
        sums: found.json("sums")?,
        closed: found.maybe_json("closed")?,
        closed_at: found.maybe_at("closed_ms")?,
    })
}
