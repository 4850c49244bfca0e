//! Fiscal records, and the marks received for them.

use crate::query::{Row, SqlEnum, query};
use crate::transaction::{Lock, Transaction};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{Fiscal, FiscalFilter, FiscalRow, FiscalState, MarkRow, MarkState};

impl SqlEnum for FiscalState {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

impl SqlEnum for MarkState {
    const ALL: &'static [Self] = &[Self::Early, Self::Applied, Self::Conflict];

    fn as_sql(self) -> &'static str {
        self.name()
    }
}

#[async_trait]
impl Fiscal for Transaction<'_> {
    async fn fiscal_get(
        &mut self,
        order_id: &str,
        refund_id: &str,
    ) -> Result<Option<FiscalRow>, Error> {
        let sql = self.locking(
            "SELECT * FROM fiscal_records WHERE order_id = $1 AND refund_id = $2",
            Lock::Wait,
        );
        let get = query("fiscal_get", sql).bind(order_id).bind(refund_id);
        self.fetch_optional_as(get, record).await
    }

    async fn fiscal_insert(&mut self, row: &FiscalRow) -> Result<(), Error> {
        // A missing row cannot be locked, so another transaction may have inserted it since.
        match self.fiscal_insert_new(row).await? {
            false => Err(self.conflict("fiscal_insert")),
            true => Ok(()),
        }
    }

    async fn fiscal_insert_new(&mut self, row: &FiscalRow) -> Result<bool, Error> {
        let insert = query(
            "fiscal_insert",
            "INSERT INTO fiscal_records (order_id, refund_id, entry_id, receipt, store_id, retailer,
                 state, created_ms, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (order_id, refund_id) DO NOTHING",
        )
        .bind(&*row.order_id)
        .bind(&*row.refund_id)
        .bind_opt(row.entry_id.as_deref())
        .bind_opt(row.receipt.as_deref())
        .bind_opt(row.store_id.as_deref())
        .bind_opt(row.retailer.as_deref())
        .bind_enum(row.state)
        .bind_timestamp(row.created_at)
        .bind_timestamp(row.changed_at);
        Ok(self.insert(insert, 1).await? > 0)
    }

    async fn fiscal_update(&mut self, row: &FiscalRow) -> Result<(), Error> {
        let update = query(
            "fiscal_update",
            "UPDATE fiscal_records SET entry_id = $1, receipt = $2, store_id = $3, retailer = $4,
                 state = $5, changed_ms = $6
             WHERE order_id = $7 AND refund_id = $8",
        )
        .bind_opt(row.entry_id.as_deref())
        .bind_opt(row.receipt.as_deref())
        .bind_opt(row.store_id.as_deref())
        .bind_opt(row.retailer.as_deref())
        .bind_enum(row.state)
        .bind_timestamp(row.changed_at)
        .bind(&*row.order_id)
        .bind(&*row.refund_id);
        self.execute_later(update).await
    }

    async fn fiscal_list_by_order(&mut self, order_id: &str) -> Result<Vec<FiscalRow>, Error> {
        let list = query(
            "fiscal_list_by_order",
            "SELECT * FROM fiscal_records WHERE order_id = $1 ORDER BY refund_id",
        )
        .bind(order_id);
        self.fetch_all_as(list, record).await
    }

    async fn fiscal_list(
        &mut self,
        filter: &FiscalFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, FiscalRow)>, Error> {
        let state = filter.state.map_or("", FiscalState::name);
        let page = match (&filter.store_id, &filter.retailer) {
            (Some(store), _) => query(
                "fiscal_list",
                "SELECT * FROM fiscal_records
                 WHERE store_id = $1 AND serial < $2 AND ($3 = '' OR state = $3)
                 ORDER BY serial DESC LIMIT $4",
            )
            .bind(store.clone())
            .bind(before)
            .bind(state),
            (None, Some(retailer)) => query(
                "fiscal_list",
                "SELECT * FROM fiscal_records
                 WHERE retailer = $1 AND serial < $2 AND ($3 = '' OR state = $3)
                 ORDER BY serial DESC LIMIT $4",
            )
            .bind(retailer.clone())
            .bind(before)
            .bind(state),
            (None, None) if !state.is_empty() => query(
                "fiscal_list",
                "SELECT * FROM fiscal_records WHERE state = $1 AND serial < $2
                 ORDER BY serial DESC LIMIT $3",
            )
            .bind(state)
            .bind(before),
            (None, None) => query(
                "fiscal_list",
                "SELECT * FROM fiscal_records WHERE serial < $1 ORDER BY serial DESC LIMIT $2",
            )
            .bind(before),
        };
        let rows = self.fetch_all(page.bind(i64::from(limit))).await?;
        rows.iter()
            .map(|row| Ok((row.int("serial")?, record(row)?)))
            .collect()
    }

    async fn mark_insert(&mut self, row: &MarkRow) -> Result<(), Error> {
        let insert = query(
            "mark_insert",
            "INSERT INTO fiscal_marks (order_id, mark, refund_id, scheme, attributes, state, issued_ms,
                 received_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (order_id, mark) DO NOTHING",
        )
        .bind(&*row.order_id)
        .bind(&*row.mark)
        .bind(&*row.refund_id)
        .bind(&*row.scheme)
        .bind_json(&row.attributes)
        .bind_enum(row.state)
        .bind_timestamp(row.issued_at)
        .bind_timestamp(row.received_at);
        match self.execute(insert).await? {
            0 => Err(self.conflict("mark_insert")),
            _ => Ok(()),
        }
    }

    async fn mark_get(&mut self, order_id: &str, mark: &str) -> Result<Option<MarkRow>, Error> {
        let get = query(
            "mark_get",
            "SELECT * FROM fiscal_marks WHERE order_id = $1 AND mark = $2",
        )
        .bind(order_id)
        .bind(mark);
        self.fetch_optional_as(get, mark_row).await
    }

    async fn mark_set_state(
        &mut self,
        order_id: &str,
        mark: &str,
        state: MarkState,
    ) -> Result<(), Error> {
        let set = query(
            "mark_set_state",
            "UPDATE fiscal_marks SET state = $1 WHERE order_id = $2 AND mark = $3",
        )
        .bind_enum(state)
        .bind(order_id)
        .bind(mark);
        self.execute_later(set).await
    }

    async fn mark_list_by_order(&mut self, order_id: &str) -> Result<Vec<MarkRow>, Error> {
        let list = query(
            "mark_list_by_order",
            "SELECT * FROM fiscal_marks WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.fetch_all_as(list, mark_row).await
    }
}

fn record(row: &Row) -> Result<FiscalRow, Error> {
    Ok(FiscalRow {
        order_id: row.text("order_id")?,
        refund_id: row.text("refund_id")?,
        entry_id: row.opt_text("entry_id")?,
        receipt: row.opt_text("receipt")?,
        store_id: row.opt_text("store_id")?,
        retailer: row.opt_text("retailer")?,
        state: row.enum_value("state")?,
        created_at: row.timestamp("created_ms")?,
        changed_at: row.timestamp("changed_ms")?,
    })
}

fn mark_row(row: &Row) -> Result<MarkRow, Error> {
    Ok(MarkRow {
        order_id: row.text("order_id")?,
        refund_id: row.text("refund_id")?,
        mark: row.text("mark")?,
        scheme: row.text("scheme")?,
        attributes: row.json("attributes")?,
        state: row.enum_value("state")?,
        issued_at: row.timestamp("issued_ms")?,
        received_at: row.timestamp("received_ms")?,
    })
}
