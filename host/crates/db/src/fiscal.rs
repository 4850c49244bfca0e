//! Fiscal records, and the marks that were answered to them.

use crate::statement::{Found, Word, statement};
use crate::transaction::{Lock, Transaction};
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Fiscal, FiscalFilter, FiscalRow, FiscalState, MarkRow, MarkState};

impl Word for FiscalState {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for MarkState {
    const ALL: &'static [Self] = &[Self::Early, Self::Applied, Self::Conflict];

    fn word(self) -> &'static str {
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
        let get = statement("fiscal_get", sql).bind(order_id).bind(refund_id);
        self.row(get, record).await
    }

    async fn fiscal_insert(&mut self, row: &FiscalRow) -> Result<(), Error> {
        let insert = statement(
            "fiscal_insert",
            "INSERT INTO fiscal_records (order_id, refund_id, entry_id, receipt, store_id, retailer,
                 state, created_ms, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (order_id, refund_id) DO NOTHING",
        )
        .bind(&*row.order_id)
        .bind(&*row.refund_id)
        .maybe(row.entry_id.as_deref())
        .maybe(row.receipt.as_deref())
        .maybe(row.store_id.as_deref())
        .maybe(row.retailer.as_deref())
        .word(row.state)
        .at(row.created_at)
        .at(row.changed_at);
        // What was not there could not be locked: another may have put it since.
        match self.execute(insert).await? {
            0 => Err(self.overtaken("fiscal_insert")),
            _ => Ok(()),
        }
    }

    async fn fiscal_update(&mut self, row: &FiscalRow) -> Result<(), Error> {
        let update = statement(
            "fiscal_update",
            "UPDATE fiscal_records SET entry_id = $1, receipt = $2, store_id = $3, retailer = $4,
                 state = $5, changed_ms = $6
             WHERE order_id = $7 AND refund_id = $8",
        )
        .maybe(row.entry_id.as_deref())
        .maybe(row.receipt.as_deref())
        .maybe(row.store_id.as_deref())
        .maybe(row.retailer.as_deref())
        .word(row.state)
        .at(row.changed_at)
        .bind(&*row.order_id)
        .bind(&*row.refund_id);
        self.execute(update).await.map(drop)
    }

    async fn fiscal_of_order(&mut self, order_id: &str) -> Result<Vec<FiscalRow>, Error> {
        let list = statement(
            "fiscal_of_order",
            "SELECT * FROM fiscal_records WHERE order_id = $1 ORDER BY refund_id",
        )
        .bind(order_id);
        self.all(list).await?.iter().map(record).collect()
    }

    async fn fiscal_page(
        &mut self,
        filter: &FiscalFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<(i64, FiscalRow)>, Error> {
        let state = filter.state.map_or("", FiscalState::name);
        let page = match (&filter.store_id, &filter.retailer) {
            (Some(store), _) => statement(
                "fiscal_page",
                "SELECT * FROM fiscal_records
                 WHERE store_id = $1 AND serial < $2 AND ($3 = '' OR state = $3)
                 ORDER BY serial DESC LIMIT $4",
            )
            .bind(store.clone())
            .bind(before)
            .bind(state),
            (None, Some(retailer)) => statement(
                "fiscal_page",
                "SELECT * FROM fiscal_records
                 WHERE retailer = $1 AND serial < $2 AND ($3 = '' OR state = $3)
                 ORDER BY serial DESC LIMIT $4",
            )
            .bind(retailer.clone())
            .bind(before)
            .bind(state),
            (None, None) if !state.is_empty() => statement(
                "fiscal_page",
                "SELECT * FROM fiscal_records WHERE state = $1 AND serial < $2
                 ORDER BY serial DESC LIMIT $3",
            )
            .bind(state)
            .bind(before),
            (None, None) => statement(
                "fiscal_page",
                "SELECT * FROM fiscal_records WHERE serial < $1 ORDER BY serial DESC LIMIT $2",
            )
            .bind(before),
        };
        let found = self.all(page.bind(i64::from(limit))).await?;
        let rows = found.iter();
        rows.map(|found| Ok((found.int("serial")?, record(found)?)))
            .collect()
    }

    async fn mark_insert(&mut self, row: &MarkRow) -> Result<(), Error> {
        let insert = statement(
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
        .json(&row.attributes)
        .word(row.state)
        .at(row.issued_at)
        .at(row.received_at);
        match self.execute(insert).await? {
            0 => Err(self.overtaken("mark_insert")),
            _ => Ok(()),
        }
    }

    async fn mark_get(&mut self, order_id: &str, mark: &str) -> Result<Option<MarkRow>, Error> {
        let get = statement(
            "mark_get",
            "SELECT * FROM fiscal_marks WHERE order_id = $1 AND mark = $2",
        )
        .bind(order_id)
        .bind(mark);
        self.row(get, mark_row).await
    }

    async fn mark_set_state(
        &mut self,
        order_id: &str,
        mark: &str,
        state: MarkState,
    ) -> Result<(), Error> {
        let set = statement(
            "mark_set_state",
            "UPDATE fiscal_marks SET state = $1 WHERE order_id = $2 AND mark = $3",
        )
        .word(state)
        .bind(order_id)
        .bind(mark);
        self.execute(set).await.map(drop)
    }

    async fn marks_of_order(&mut self, order_id: &str) -> Result<Vec<MarkRow>, Error> {
        let list = statement(
            "marks_of_order",
            "SELECT * FROM fiscal_marks WHERE order_id = $1 ORDER BY serial",
        )
        .bind(order_id);
        self.all(list).await?.iter().map(mark_row).collect()
    }
}

fn record(found: &Found) -> Result<FiscalRow, Error> {
    Ok(FiscalRow {
        order_id: found.text("order_id")?,
        refund_id: found.text("refund_id")?,
        entry_id: found.maybe("entry_id")?,
        receipt: found.maybe("receipt")?,
        store_id: found.maybe("store_id")?,
        retailer: found.maybe("retailer")?,
        state: found.word("state")?,
        created_at: found.at("created_ms")?,
        changed_at: found.at("changed_ms")?,
    })
}

fn mark_row(found: &Found) -> Result<MarkRow, Error> {
    Ok(MarkRow {
        order_id: found.text("order_id")?,
        refund_id: found.text("refund_id")?,
        mark: found.text("mark")?,
        scheme: found.text("scheme")?,
        attributes: found.json("attributes")?,
        state: found.word("state")?,
        issued_at: found.at("issued_ms")?,
        received_at: found.at("received_ms")?,
    })
}
