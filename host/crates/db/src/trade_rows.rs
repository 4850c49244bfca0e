//! Conversion of rows to orders, payments, refunds, voids and shifts.

use crate::query::{Row, SqlEnum};
use galleria_ports::Error;
use galleria_ports::records::{OrderRow, OrderStatus, PaymentRow, RefundRow, ShiftRow, VoidRow};

impl SqlEnum for OrderStatus {
    const ALL: &'static [Self] = Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

pub(crate) fn order(row: &Row) -> Result<OrderRow, Error> {
    Ok(OrderRow {
        id: row.text("id")?,
        store_id: row.text("store_id")?,
        external_id: row.opt_text("external_id")?,
        workstation: row.text("workstation")?,
        cashier: row.opt_text("cashier")?,
        training: row.bool("training")?,
        status: row.enum_value("status")?,
        lines: row.json("lines")?,
        member: row.opt_json("member")?,
        consents: row.json("consents")?,
        attributes: row.json("attributes")?,
        gross: row.int("gross")?,
        taxes: row.opt_json("taxes")?,
        begun_at: row.timestamp("begun_ms")?,
        created_at: row.timestamp("created_ms")?,
    })
}

pub(crate) fn payment(row: &Row) -> Result<PaymentRow, Error> {
    Ok(PaymentRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        shift_id: row.opt_text("shift_id")?,
        sale: row.json("sale")?,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

pub(crate) fn refund(row: &Row) -> Result<RefundRow, Error> {
    Ok(RefundRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        shift_id: row.opt_text("shift_id")?,
        entry: row.json("entry")?,
        extent: row.json("extent")?,
        tenders: row.json("tenders")?,
        rounding: row.opt_int("rounding")?,
        reason: row.text("reason")?,
        attributes: row.json("attributes")?,
        refund: row.opt_json("refund")?,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

pub(crate) fn void(row: &Row) -> Result<VoidRow, Error> {
    Ok(VoidRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        cancellation: row.json("cancellation")?,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

pub(crate) fn shift(row: &Row) -> Result<ShiftRow, Error> {
    Ok(ShiftRow {
        id: row.text("id")?,
        store_id: row.text("store_id")?,
        workstation: row.text("workstation")?,
        till: row.text("till")?,
        cashier: row.opt_text("cashier")?,
        opened_at: row.timestamp("opened_ms")?,
        opening_float: row.int("opening_float")?,
        sums: row.json("sums")?,
        closed: row.opt_json("closed")?,
        closed_at: row.opt_timestamp("closed_ms")?,
    })
}
