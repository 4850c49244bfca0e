//! Stores, orders, payments, refunds, voids, shifts, and sequence numbers.

use crate::query::{Row, query};
use crate::sale_lines;
use crate::stores;
use crate::timeline::next_retailer;
use crate::trade_rows as rows;
use crate::transaction::{Lock, Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::{Refund, Store};
use galleria_ports::Error;
use galleria_ports::records::{
    OrderRow, OrderStatus, PaymentRow, RefundRow, SaleLine, SaleLineCursor, ShiftRow, Trade,
    VoidRow,
};
use jiff::Timestamp;

#[async_trait]
impl Trade for Transaction<'_> {
    async fn store_put(&mut self, store: &Store) -> Result<(), Error> {
        let put = query(
            "store_put",
            "INSERT INTO stores (id, retailer, external_id, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET retailer = excluded.retailer,
                 external_id = excluded.external_id, body = excluded.body",
        )
        .bind(&*store.id)
        .bind(&*store.retailer)
        .bind(&*store.external_id)
        .bind_json(store);
        self.execute_later(put).await
    }

    async fn store_get(&mut self, id: &str) -> Result<Option<Store>, Error> {
        let get = query("store_get", "SELECT body FROM stores WHERE id = $1").bind(id);
        self.fetch_optional_as(get, |row| row.json("body")).await
    }

    async fn store_retailer_list(&mut self) -> Result<Vec<String>, Error> {
        let mut retailers: Vec<String> = Vec::new();
        while let Some(next) = next_retailer(self, retailers.last().map_or("", |last| last)).await?
        {
            retailers.push(next);
        }
        Ok(retailers)
    }

    async fn store_list(
        &mut self,
        retailer: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Store>, Error> {
        let list = match retailer {
            Some(retailer) => query(
                "store_list",
                "SELECT body FROM stores WHERE retailer = $1 AND id > $2 ORDER BY id LIMIT $3",
            )
            .bind(retailer),
            None => query(
                "store_list",
                "SELECT body FROM stores WHERE id > $1 ORDER BY id LIMIT $2",
            ),
        };
        let rows = self
            .fetch_all(list.bind(after).bind(i64::from(limit)))
            .await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    async fn store_get_many(&mut self, ids: &[String]) -> Result<Vec<Store>, Error> {
        stores::get(self, ids).await
    }

    async fn store_insert_many(&mut self, stores: &[Store]) -> Result<(), Error> {
        stores::insert(self, stores).await
    }

    async fn store_replace_many(&mut self, stores: &[Store]) -> Result<(), Error> {
        stores::replace(self, stores).await
    }

    async fn order_insert(&mut self, order: &OrderRow) -> Result<(), Error> {
        let insert = query(
            "order_insert",
            "INSERT INTO orders (id, store_id, external_id, workstation, cashier, training, status,
                 lines, member, consents, attributes, gross, begun_ms, created_ms, taxes, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                 COALESCE((SELECT retailer FROM stores WHERE id = $2), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*order.id)
        .bind(&*order.store_id)
        .bind_opt(order.external_id.as_deref())
        .bind(&*order.workstation)
        .bind_opt(order.cashier.as_deref())
        .bind_bool(order.training)
        .bind_enum(order.status)
        .bind_json(&order.lines)
        .bind_opt_json(order.member.as_ref())
        .bind_json(&order.consents)
        .bind_json(&order.attributes)
        .bind(order.gross)
        .bind_timestamp(order.begun_at)
        .bind_timestamp(order.created_at)
        .bind_opt_json(order.taxes.as_ref());
        inserted(self.insert(insert, 1).await?, "order", &order.id)
    }

    async fn order_get(&mut self, id: &str) -> Result<Option<OrderRow>, Error> {
        let sql = self.locking("SELECT * FROM orders WHERE id = $1", Lock::Wait);
        self.fetch_optional_as(query("order_get", sql).bind(id), rows::order)
            .await
    }

    async fn order_lock(&mut self, id: &str) -> Result<(), Error> {
        if !self.locks() {
            return Ok(());
        }
        let sql = self.locking("SELECT id FROM orders WHERE id = $1", Lock::Wait);
        let lock = query("order_lock", sql).bind(id);
        self.fetch_optional(lock).await.map(drop)
    }

    async fn order_pay(&mut self, id: &str) -> Result<Option<(OrderRow, Store)>, Error> {
        let pay = query(
            "order_pay",
            "UPDATE orders SET status = $1 WHERE id = $2 AND status = $3
             RETURNING *, (SELECT s.body FROM stores s WHERE s.id = orders.store_id) AS store",
        )
        .bind_enum(OrderStatus::Paid)
        .bind(id)
        .bind_enum(OrderStatus::Open);
        let paid = |row: &Row| Ok((rows::order(row)?, row.json("store")?));
        self.fetch_optional_as(pay, paid).await
    }

    async fn order_set_status(&mut self, id: &str, status: OrderStatus) -> Result<(), Error> {
        let set = query(
            "order_set_status",
            "UPDATE orders SET status = $1 WHERE id = $2",
        )
        .bind_enum(status)
        .bind(id);
        updated(self.update(set).await?, "order", id)
    }

    async fn payment_insert(&mut self, payment: &PaymentRow) -> Result<(), Error> {
        let insert = query(
            "payment_insert",
            "INSERT INTO payments (id, order_id, store_id, shift_id, sale, occurred_ms, accepted_ms,
                 receipt, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                 COALESCE((SELECT retailer FROM stores WHERE id = $3), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*payment.id)
        .bind(&*payment.order_id)
        .bind(&*payment.store_id)
        .bind_opt(payment.shift_id.as_deref())
        .bind_json(&payment.sale)
        .bind_timestamp(payment.occurred_at)
        .bind_timestamp(payment.accepted_at)
        .bind(&*payment.sale.entry.receipt);
        if self.insert(insert, 1).await? > 0 {
            return Ok(());
        }
        // Either the payment's id is taken, or the order already has a payment.
        match self.payment_get(&payment.id).await? {
            Some(_) => inserted(0, "payment", &payment.id),
            None => inserted(0, "payment of order", &payment.order_id),
        }
    }

    async fn payment_get(&mut self, id: &str) -> Result<Option<PaymentRow>, Error> {
        let get = query("payment_get", "SELECT * FROM payments WHERE id = $1").bind(id);
        self.fetch_optional_as(get, rows::payment).await
    }

    async fn payment_get_by_order(&mut self, order_id: &str) -> Result<Option<PaymentRow>, Error> {
        let get = query(
            "payment_get_by_order",
            "SELECT * FROM payments WHERE order_id = $1",
        )
        .bind(order_id);
        self.fetch_optional_as(get, rows::payment).await
    }

    async fn refund_insert(&mut self, refund: &RefundRow) -> Result<(), Error> {
        let insert = query(
            "refund_insert",
            "INSERT INTO refunds (id, order_id, store_id, shift_id, entry, extent, tenders, rounding,
                 reason, attributes, refund, occurred_ms, accepted_ms, receipt, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 COALESCE((SELECT retailer FROM stores WHERE id = $3), ''))
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&*refund.id)
        .bind(&*refund.order_id)
        .bind(&*refund.store_id)
        .bind_opt(refund.shift_id.as_deref())
        .bind_json(&refund.entry)
        .bind_json(&refund.extent)
        .bind_json(&refund.tenders)
        .bind(refund.rounding)
        .bind(&*refund.reason)
        .bind_json(&refund.attributes)
        .bind_opt_json(refund.refund.as_ref())
        .bind_timestamp(refund.occurred_at)
        .bind_timestamp(refund.accepted_at)
        .bind(&*refund.entry.receipt);
        inserted(self.insert(insert, 1).await?, "refund", &refund.id)
    }

    async fn refund_get(&mut self, id: &str) -> Result<Option<RefundRow>, Error> {
        let get = query("refund_get", "SELECT * FROM refunds WHERE id = $1").bind(id);
        self.fetch_optional_as(get, rows::refund).await
    }

    async fn refund_list_by_order(&mut self, order_id: &str) -> Result<Vec<RefundRow>, Error> {
        let list = query(
            "refund_list_by_order",
            "SELECT * FROM refunds WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.fetch_all_as(list, rows::refund).await
    }

    async fn refund_resolve(&mut self, id: &str, refund: &Refund) -> Result<(), Error> {
        let resolve = query(
            "refund_resolve",
            "UPDATE refunds SET refund = $1 WHERE id = $2",
        )
        .bind_json(refund)
        .bind(id);
        updated(self.update(resolve).await?, "refund", id)
    }

    async fn void_insert(&mut self, void: &VoidRow) -> Result<(), Error> {
        let insert = query(
            "void_insert",
            "INSERT INTO voids (id, order_id, store_id, cancellation, occurred_ms, accepted_ms,
                 receipt, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7,
                 COALESCE((SELECT retailer FROM stores WHERE id = $3), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*void.id)
        .bind(&*void.order_id)
        .bind(&*void.store_id)
        .bind_json(&void.cancellation)
        .bind_timestamp(void.occurred_at)
        .bind_timestamp(void.accepted_at)
        .bind(&*void.cancellation.entry.receipt);
        inserted(self.insert(insert, 1).await?, "void", &void.id)
    }

    async fn void_get(&mut self, id: &str) -> Result<Option<VoidRow>, Error> {
        let get = query("void_get", "SELECT * FROM voids WHERE id = $1").bind(id);
        self.fetch_optional_as(get, rows::void).await
    }

    async fn shift_insert(&mut self, shift: &ShiftRow) -> Result<(), Error> {
        let insert = query(
            "shift_insert",
            "INSERT INTO shifts (id, store_id, workstation, till, cashier, opening_float, sums,
                 closed, opened_ms, closed_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                 COALESCE((SELECT retailer FROM stores WHERE id = $2), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*shift.id)
        .bind(&*shift.store_id)
        .bind(&*shift.workstation)
        .bind(&*shift.till)
        .bind_opt(shift.cashier.as_deref())
        .bind(shift.opening_float)
        .bind_json(&shift.sums)
        .bind_opt_json(shift.closed.as_ref())
        .bind_timestamp(shift.opened_at)
        .bind(shift.closed_at.map(Timestamp::as_millisecond));
        inserted(self.insert(insert, 1).await?, "shift", &shift.id)
    }

    async fn shift_get(&mut self, id: &str) -> Result<Option<ShiftRow>, Error> {
        let sql = self.locking("SELECT * FROM shifts WHERE id = $1", Lock::Wait);
        self.fetch_optional_as(query("shift_get", sql).bind(id), rows::shift)
            .await
    }

    async fn shift_update(&mut self, shift: &ShiftRow) -> Result<(), Error> {
        let update = query(
            "shift_update",
            "UPDATE shifts SET sums = $1, closed = $2, closed_ms = $3 WHERE id = $4",
        )
        .bind_json(&shift.sums)
        .bind_opt_json(shift.closed.as_ref())
        .bind(shift.closed_at.map(Timestamp::as_millisecond))
        .bind(&*shift.id);
        updated(self.update(update).await?, "shift", &shift.id)
    }

    async fn number_next(&mut self, scope: &str, name: &str) -> Result<u64, Error> {
        self.next_number("entry", scope, name).await
    }

    async fn sale_line_insert_many(&mut self, lines: &[SaleLine]) -> Result<(), Error> {
        sale_lines::insert(self, lines).await
    }

    async fn sale_line_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &SaleLineCursor,
        limit: u32,
    ) -> Result<Vec<SaleLine>, Error> {
        let window = sale_lines::Window {
            retailer,
            store_id,
            first,
            last,
            as_of,
        };
        sale_lines::page(self, &window, after, limit).await
    }
}

/// Returns `Error::NotFound` if an update changed no row.
fn updated(rows: u64, what: &'static str, id: &str) -> Result<(), Error> {
    match rows {
        0 => Err(Error::NotFound {
            what,
            id: id.to_owned(),
        }),
        _ => Ok(()),
    }
}
