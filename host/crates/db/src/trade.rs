//! Stores, orders, payments, refunds, voids, shifts, and the numbers they take.

use crate::sale_lines;
use crate::statement::{Found, statement};
use crate::stores;
use crate::trade_rows as rows;
use crate::transaction::{Lock, Transaction, inserted};
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{
    OrderRow, OrderStatus, PaymentRow, RefundRow, SaleLine, SaleLineKey, ShiftRow, Trade, VoidRow,
};
use galleria_domain::{Refund, Store};
use jiff::Timestamp;

#[async_trait]
impl Trade for Transaction<'_> {
    async fn store_put(&mut self, store: &Store) -> Result<(), Error> {
        let put = statement(
            "store_put",
            "INSERT INTO stores (id, retailer, external_id, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET retailer = excluded.retailer,
                 external_id = excluded.external_id, body = excluded.body",
        )
        .bind(&*store.id)
        .bind(&*store.retailer)
        .bind(&*store.external_id)
        .json(store);
        self.execute(put).await.map(drop)
    }

    async fn store_get(&mut self, id: &str) -> Result<Option<Store>, Error> {
        let get = statement("store_get", "SELECT body FROM stores WHERE id = $1").bind(id);
        self.one(get).await?.map(|f| f.json("body")).transpose()
    }

    async fn store_list(
        &mut self,
        retailer: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Store>, Error> {
        let list = match retailer {
            Some(retailer) => statement(
                "store_list",
                "SELECT body FROM stores WHERE retailer = $1 AND id > $2 ORDER BY id LIMIT $3",
            )
            .bind(retailer),
            None => statement(
                "store_list",
                "SELECT body FROM stores WHERE id > $1 ORDER BY id LIMIT $2",
            ),
        };
        let found = self.all(list.bind(after).bind(i64::from(limit))).await?;
        found.iter().map(|f| f.json("body")).collect()
    }

    async fn stores_get(&mut self, ids: &[String]) -> Result<Vec<Store>, Error> {
        stores::get(self, ids).await
    }

    async fn stores_insert(&mut self, stores: &[Store]) -> Result<(), Error> {
        stores::insert(self, stores).await
    }

    async fn stores_replace(&mut self, stores: &[Store]) -> Result<(), Error> {
        stores::replace(self, stores).await
    }

    async fn order_insert(&mut self, order: &OrderRow) -> Result<(), Error> {
        let insert = statement(
            "order_insert",
            "INSERT INTO orders (id, store_id, external_id, workstation, operator, training, status,
                 lines, member, consents, attributes, gross, begun_ms, created_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 COALESCE((SELECT retailer FROM stores WHERE id = $2), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*order.id)
        .bind(&*order.store_id)
        .maybe(order.external_id.as_deref())
        .bind(&*order.workstation)
        .maybe(order.operator.as_deref())
        .flag(order.training)
        .word(order.status)
        .json(&order.lines)
        .maybe_json(order.member.as_ref())
        .json(&order.consents)
        .json(&order.attributes)
        .bind(order.gross)
        .at(order.begun_at)
        .at(order.created_at);
        inserted(self.execute(insert).await?, "order", &order.id)
    }

    async fn order_get(&mut self, id: &str) -> Result<Option<OrderRow>, Error> {
        let sql = self.locking("SELECT * FROM orders WHERE id = $1", Lock::Wait);
        self.row(statement("order_get", sql).bind(id), rows::order)
            .await
    }

    async fn order_lock(&mut self, id: &str) -> Result<(), Error> {
        if !self.locks() {
            return Ok(());
        }
        let sql = self.locking("SELECT id FROM orders WHERE id = $1", Lock::Wait);
        let lock = statement("order_lock", sql).bind(id);
        self.one(lock).await.map(drop)
    }

    async fn order_set_status(&mut self, id: &str, status: OrderStatus) -> Result<(), Error> {
        let set = statement(
            "order_set_status",
            "UPDATE orders SET status = $1 WHERE id = $2",
        )
        .word(status)
        .bind(id);
        existed(self.execute(set).await?, "order", id)
    }

    async fn payment_insert(&mut self, payment: &PaymentRow) -> Result<(), Error> {
        let insert = statement(
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
        .maybe(payment.shift_id.as_deref())
        .json(&payment.sale)
        .at(payment.occurred_at)
        .at(payment.accepted_at)
        .bind(&*payment.sale.entry.receipt);
        if self.execute(insert).await? > 0 {
            return Ok(());
        }
        // One of two is taken: the payment's id, or the order's one place for a payment.
        match self.payment_get(&payment.id).await? {
            Some(_) => inserted(0, "payment", &payment.id),
            None => inserted(0, "payment of order", &payment.order_id),
        }
    }

    async fn payment_get(&mut self, id: &str) -> Result<Option<PaymentRow>, Error> {
        let get = statement("payment_get", "SELECT * FROM payments WHERE id = $1").bind(id);
        self.row(get, rows::payment).await
    }

    async fn payment_of_order(&mut self, order_id: &str) -> Result<Option<PaymentRow>, Error> {
        let get = statement(
            "payment_of_order",
            "SELECT * FROM payments WHERE order_id = $1",
        )
        .bind(order_id);
        self.row(get, rows::payment).await
    }

    async fn refund_insert(&mut self, refund: &RefundRow) -> Result<(), Error> {
        let insert = statement(
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
        .maybe(refund.shift_id.as_deref())
        .json(&refund.entry)
        .json(&refund.extent)
        .json(&refund.tenders)
        .bind(refund.rounding)
        .bind(&*refund.reason)
        .json(&refund.attributes)
        .maybe_json(refund.refund.as_ref())
        .at(refund.occurred_at)
        .at(refund.accepted_at)
        .bind(&*refund.entry.receipt);
        inserted(self.execute(insert).await?, "refund", &refund.id)
    }

    async fn refund_get(&mut self, id: &str) -> Result<Option<RefundRow>, Error> {
        let get = statement("refund_get", "SELECT * FROM refunds WHERE id = $1").bind(id);
        self.row(get, rows::refund).await
    }

    async fn refunds_of_order(&mut self, order_id: &str) -> Result<Vec<RefundRow>, Error> {
        let list = statement(
            "refunds_of_order",
            "SELECT * FROM refunds WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.all(list).await?.iter().map(rows::refund).collect()
    }

    async fn refund_resolve(&mut self, id: &str, refund: &Refund) -> Result<(), Error> {
        let resolve = statement(
            "refund_resolve",
            "UPDATE refunds SET refund = $1 WHERE id = $2",
        )
        .json(refund)
        .bind(id);
        existed(self.execute(resolve).await?, "refund", id)
    }

    async fn void_insert(&mut self, void: &VoidRow) -> Result<(), Error> {
        let insert = statement(
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
        .json(&void.cancellation)
        .at(void.occurred_at)
        .at(void.accepted_at)
        .bind(&*void.cancellation.entry.receipt);
        inserted(self.execute(insert).await?, "void", &void.id)
    }

    async fn void_get(&mut self, id: &str) -> Result<Option<VoidRow>, Error> {
        let get = statement("void_get", "SELECT * FROM voids WHERE id = $1").bind(id);
        self.row(get, rows::void).await
    }

    async fn shift_insert(&mut self, shift: &ShiftRow) -> Result<(), Error> {
        let insert = statement(
            "shift_insert",
            "INSERT INTO shifts (id, store_id, workstation, till, operator, opening_float, sums,
                 closed, opened_ms, closed_ms, retailer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                 COALESCE((SELECT retailer FROM stores WHERE id = $2), ''))
             ON CONFLICT DO NOTHING",
        )
        .bind(&*shift.id)
        .bind(&*shift.store_id)
        .bind(&*shift.workstation)
        .bind(&*shift.till)
        .maybe(shift.operator.as_deref())
        .bind(shift.opening_float)
        .json(&shift.sums)
        .maybe_json(shift.closed.as_ref())
        .at(shift.opened_at)
        .bind(shift.closed_at.map(Timestamp::as_millisecond));
        inserted(self.execute(insert).await?, "shift", &shift.id)
    }

    async fn shift_get(&mut self, id: &str) -> Result<Option<ShiftRow>, Error> {
        let sql = self.locking("SELECT * FROM shifts WHERE id = $1", Lock::Wait);
        self.row(statement("shift_get", sql).bind(id), rows::shift)
            .await
    }

    async fn shift_update(&mut self, shift: &ShiftRow) -> Result<(), Error> {
        let update = statement(
            "shift_update",
            "UPDATE shifts SET sums = $1, closed = $2, closed_ms = $3 WHERE id = $4",
        )
        .json(&shift.sums)
        .maybe_json(shift.closed.as_ref())
        .bind(shift.closed_at.map(Timestamp::as_millisecond))
        .bind(&*shift.id);
        existed(self.execute(update).await?, "shift", &shift.id)
    }

    async fn number_next(&mut self, scope: &str, name: &str) -> Result<u64, Error> {
        self.next_number("entry", scope, name).await
    }

    async fn sale_lines_insert(&mut self, lines: &[SaleLine]) -> Result<(), Error> {
        sale_lines::insert(self, lines).await
    }

    async fn sale_lines_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        first: &str,
        last: &str,
        as_of: Timestamp,
        after: &SaleLineKey,
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

impl Transaction<'_> {
    /// The row that a statement finds, read by `read`.
    pub(crate) async fn row<T>(
        &mut self,
        statement: crate::statement::Statement<'_>,
        read: fn(&Found) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.one(statement).await?.as_ref().map(read).transpose()
    }

    /// The next number of a line. The line stays locked until the transaction ends: that a number
    /// taken in vain is taken again is what keeps gaps out.
    pub(crate) async fn next_number(
        &mut self,
        kind: &'static str,
        scope: &str,
        name: &str,
    ) -> Result<u64, Error> {
        let take = statement(
            "number_next",
            "INSERT INTO numbers (kind, scope, name, value) VALUES ($1, $2, $3, 1)
             ON CONFLICT (kind, scope, name) DO UPDATE SET value = numbers.value + 1
             RETURNING value",
        )
        .bind(kind)
        .bind(scope)
        .bind(name);
        self.only(take).await?.narrow("value")
    }
}

fn existed(rows: u64, what: &'static str, id: &str) -> Result<(), Error> {
    match rows {
        0 => Err(Error::NotFound {
            what,
            id: id.to_owned(),
        }),
        _ => Ok(()),
    }
}
