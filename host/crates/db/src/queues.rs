//! Lists of parked events, queued receipts and requests, and faults, for operators.
//!
//! Each list has an index in its order, and further indexes that begin with event, order or store for
//! its filters.

use crate::parked;
use crate::query::{Query, Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{
    OutgoingRow, ParkedCursor, ParkedEvent, ParkedFilter, QueueCursor, QueueFilter, Queues,
    ReceiptRow,
};
use jiff::Timestamp;

/// `ready_ms` of an event that may not be tried, as in `parked`.
const NEVER: i64 = i64::MAX;

#[async_trait]
impl Queues for Transaction<'_> {
    async fn parked_list(
        &mut self,
        filter: &ParkedFilter,
        after: Option<&ParkedCursor>,
        limit: u32,
    ) -> Result<Vec<ParkedEvent>, Error> {
        let ParkedFilter {
            retailer,
            store,
            subscriber,
            state,
        } = filter;
        // The casts give PostgreSQL the type of a NULL.
        let page = query(
            "parked_list",
            "SELECT p.* FROM parked p
             WHERE (p.since_ms, p.position, p.subscriber) > ($1, $2, $3)
               AND (CAST($4 AS TEXT) IS NULL OR p.subscriber = $4)
               AND (CAST($5 AS TEXT) IS NULL OR p.state = $5)
               AND (CAST($6 AS TEXT) IS NULL OR p.store_id = $6)
               AND (CAST($7 AS TEXT) IS NULL OR EXISTS (
                    SELECT 1 FROM stores s WHERE s.id = p.store_id AND s.retailer = $7))
             ORDER BY p.since_ms, p.position, p.subscriber LIMIT $8",
        )
        .bind(after.map_or(i64::MIN, |key| key.since.as_millisecond()))
        .bind(after.map_or(i64::MIN, |key| key.position))
        .bind(after.map_or("", |key| &*key.subscriber))
        .bind_opt(subscriber.as_deref())
        .bind_opt(state.map(crate::query::SqlEnum::as_sql))
        .bind_opt(store.as_deref())
        .bind_opt(retailer.as_deref())
        .bind(i64::from(limit));
        self.fetch_all_as(page, parked::parked_row).await
    }

    async fn parked_make_due(
        &mut self,
        event_id: &str,
        subscriber: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let hasten = query(
            "parked_make_due",
            "UPDATE parked
             SET due_ms = $1, ready_ms = CASE WHEN ready_ms = $2 THEN ready_ms ELSE $1 END
             WHERE event_id = $3 AND subscriber = $4 AND state IN ('retry', 'waiting')",
        )
        .bind_timestamp(now)
        .bind(NEVER)
        .bind(event_id)
        .bind(subscriber);
        Ok(self.execute(hasten).await? > 0)
    }

    async fn receipt_list(
        &mut self,
        filter: &QueueFilter,
        after: Option<&QueueCursor>,
        limit: u32,
    ) -> Result<Vec<ReceiptRow>, Error> {
        let page = queue_page("receipt_list", "receipts", filter, after, limit);
        self.fetch_all_as(page, receipt).await
    }

    async fn outgoing_list(
        &mut self,
        filter: &QueueFilter,
        after: Option<&QueueCursor>,
        limit: u32,
    ) -> Result<Vec<OutgoingRow>, Error> {
        let page = queue_page("outgoing_list", "requests", filter, after, limit);
        self.fetch_all_as(page, outgoing).await
    }

    async fn fault_list(
        &mut self,
        retailer: &str,
        subscriber: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, String)>, Error> {
        let newest = query(
            "fault_list",
            "SELECT at_ms, outcome FROM journal
             WHERE retailer = $1 AND subscriber = $2 AND at_ms > $3
               AND outcome NOT IN ('applied', 'identified', 'refused')
             ORDER BY at_ms DESC LIMIT $4",
        )
        .bind(retailer)
        .bind(subscriber)
        .bind_timestamp(since)
        .bind(i64::from(limit));
        let fault = |row: &Row| Ok((row.timestamp("at_ms")?, row.text("outcome")?));
        self.fetch_all_as(newest, fault).await
    }
}

/// Reads a page of a queue along the narrowest index for the filter.
fn queue_page<'q>(
    name: &'static str,
    table: &'static str,
    filter: &'q QueueFilter,
    after: Option<&'q QueueCursor>,
    limit: u32,
) -> Query<'q> {
    let QueueFilter {
        retailer,
        store,
        event,
        order,
    } = filter;
    let column = |name: &str, number: u8, indexed: bool| match indexed {
        true => format!("q.{name} = ${number}"),
        false => format!("(CAST(${number} AS TEXT) IS NULL OR q.{name} = ${number})"),
    };
    let by_event = event.is_some();
    let by_order = order.is_some() && !by_event;
    let by_store = store.is_some() && !by_event && !by_order;
    let sql = format!(
        "SELECT q.* FROM {table} q
         WHERE (q.created_ms, q.id, q.subscriber) > ($1, $2, $3) AND {} AND {} AND {}
           AND (CAST($7 AS TEXT) IS NULL OR EXISTS (
                SELECT 1 FROM stores s WHERE s.id = q.store_id AND s.retailer = $7))
         ORDER BY q.created_ms, q.id, q.subscriber LIMIT $8",
        column("event_id", 4, by_event),
        column("order_id", 5, by_order),
        column("store_id", 6, by_store),
    );
    query(name, sql)
        .bind(after.map_or(i64::MIN, |key| key.created_at.as_millisecond()))
        .bind(after.map_or("", |key| &*key.id))
        .bind(after.map_or("", |key| &*key.subscriber))
        .bind_opt(event.as_deref())
        .bind_opt(order.as_deref())
        .bind_opt(store.as_deref())
        .bind_opt(retailer.as_deref())
        .bind(i64::from(limit))
}

fn receipt(row: &Row) -> Result<ReceiptRow, Error> {
    Ok(ReceiptRow {
        id: row.text("id")?,
        event_id: row.text("event_id")?,
        subscriber: row.text("subscriber")?,
        store_id: row.text("store_id")?,
        order_id: row.opt_text("order_id")?,
        receipt: row.text("receipt")?,
        created_at: row.timestamp("created_ms")?,
    })
}

fn outgoing(row: &Row) -> Result<OutgoingRow, Error> {
    Ok(OutgoingRow {
        id: row.text("id")?,
        event_id: row.text("event_id")?,
        subscriber: row.text("subscriber")?,
        store_id: row.text("store_id")?,
        order_id: row.opt_text("order_id")?,
        request: row.text("request")?,
        created_at: row.timestamp("created_ms")?,
    })
}
