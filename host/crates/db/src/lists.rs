//! Lists, newest first: cursors along an index, then the rows of a page by id.
//!
//! Owns the choice of the index of a list. It reads the cursors first and then only the rows of the
//! page. The rows of a list contain no baskets, which may have a thousand lines.

use crate::documents::document;
use crate::placeholders::{bind_padded, padded_list};
use crate::query::{Row, SqlEnum, query};
use crate::trade_rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::{Entry, Money, Tender, VoidCause};
use galleria_ports::Error;
use galleria_ports::records::{
    DocumentRow, DocumentState, ListCursor, ListFilter, ListKind, ListScope, Lists, OrderListRow,
    OrderStatus, PaymentListRow, RefundListRow, ShiftRow, StatusFilter, Sums, VerificationListRow,
    VoidListRow,
};
use jiff::Timestamp;
use serde::Deserialize;

/// Rows of one query. A row may contain a basket, of which the list keeps little.
const ROWS_PER_QUERY: usize = 16;

/// All columns of a document except the body, which lists never need.
const DOCUMENT: &str =
    "id, event_id, subscriber, retailer, store_id, order_id, directory, folder, name,
     media_type, size, digest, state, created_ms";

/// The table of a list, and the timestamp column that orders it.
fn table(listing: ListKind) -> (&'static str, &'static str) {
    match listing {
        ListKind::Orders => ("orders", "created_ms"),
        ListKind::Payments => ("payments", "accepted_ms"),
        ListKind::Refunds => ("refunds", "accepted_ms"),
        ListKind::Voids => ("voids", "accepted_ms"),
        ListKind::Verifications => ("verifications", "accepted_ms"),
        ListKind::Shifts => ("shifts", "opened_ms"),
        ListKind::Documents => ("documents", "created_ms"),
    }
}

/// The SQL condition of a status, written as in the condition of its partial index.
fn standing(standing: Option<StatusFilter>) -> String {
    match standing {
        None => String::new(),
        Some(StatusFilter::Order(OrderStatus::Paid)) => " AND status = 'paid'".into(),
        Some(StatusFilter::Order(status)) => {
            format!(" AND status <> 'paid' AND status = '{}'", status.as_sql())
        }
        Some(StatusFilter::Shift { open: true }) => " AND closed_ms IS NULL".into(),
        Some(StatusFilter::Shift { open: false }) => " AND closed_ms IS NOT NULL".into(),
        Some(StatusFilter::Document(DocumentState::Delivered)) => {
            " AND CAST(state AS TEXT) = 'delivered'".into()
        }
        Some(StatusFilter::Document(state)) => format!(
            " AND state <> 'delivered' AND CAST(state AS TEXT) = '{}'",
            state.as_sql()
        ),
    }
}

/// Whether the list uses the index of undelivered documents. They are few in all places together. The
/// index of a place would also read its delivered documents.
fn uses_undelivered_index(filter: &ListFilter) -> bool {
    match filter.standing {
        Some(StatusFilter::Document(state)) => state != DocumentState::Delivered,
        _ => false,
    }
}

#[async_trait]
impl Lists for Transaction<'_> {
    async fn list_cursors(
        &mut self,
        listing: ListKind,
        place: &ListScope,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListCursor>, Error> {
        match place {
            ListScope::Order(id) => self.keys_of("order_id", id, listing, filter).await,
            ListScope::Event(id) => self.keys_of("event_id", id, listing, filter).await,
            ListScope::Name(name) => self.keys_of("name", name, listing, filter).await,
            ListScope::All => self.keys_along("", "", listing, filter, limit).await,
            ListScope::Store(id) => {
                let condition = match uses_undelivered_index(filter) {
                    true => "CAST(store_id AS TEXT) = $5 AND ",
                    false => "store_id = $5 AND ",
                };
                self.keys_along(condition, id, listing, filter, limit).await
            }
            ListScope::Retailer(name) => {
                let condition = match uses_undelivered_index(filter) {
                    true => "CAST(retailer AS TEXT) = $5 AND ",
                    false => "retailer = $5 AND ",
                };
                let mut keys = self
                    .keys_along(condition, name, listing, filter, limit)
                    .await?;
                if listing != ListKind::Documents {
                    // Rows written by a version of the host that did not know this column.
                    let condition = "retailer = '' AND EXISTS
                        (SELECT 1 FROM stores s WHERE s.id = store_id AND s.retailer = $5) AND ";
                    keys.append(
                        &mut self
                            .keys_along(condition, name, listing, filter, limit)
                            .await?,
                    );
                    keys.sort_unstable_by(|one, other| other.cmp(one));
                    keys.truncate(limit as usize);
                }
                Ok(keys)
            }
        }
    }

    async fn order_list_rows(&mut self, ids: &[String]) -> Result<Vec<OrderListRow>, Error> {
        let columns = "id, store_id, external_id, workstation, cashier, training, status, member,
             gross, begun_ms, created_ms";
        self.listed("order_list_rows", columns, "orders", ids, order)
            .await
    }

    async fn payment_list_rows(&mut self, ids: &[String]) -> Result<Vec<PaymentListRow>, Error> {
        self.listed("payment_list_rows", "*", "payments", ids, payment)
            .await
    }

    async fn refund_list_rows(&mut self, ids: &[String]) -> Result<Vec<RefundListRow>, Error> {
        self.listed("refund_list_rows", "*", "refunds", ids, refund)
            .await
    }

    async fn void_list_rows(&mut self, ids: &[String]) -> Result<Vec<VoidListRow>, Error> {
        self.listed("void_list_rows", "*", "voids", ids, void).await
    }

    async fn verification_list_rows(
        &mut self,
        ids: &[String],
    ) -> Result<Vec<VerificationListRow>, Error> {
        self.listed(
            "verification_list_rows",
            "*",
            "verifications",
            ids,
            verification,
        )
        .await
    }

    async fn shift_list_rows(&mut self, ids: &[String]) -> Result<Vec<ShiftRow>, Error> {
        self.listed("shift_list_rows", "*", "shifts", ids, trade_rows::shift)
            .await
    }

    async fn document_list_rows(&mut self, ids: &[String]) -> Result<Vec<DocumentRow>, Error> {
        self.listed("document_list_rows", DOCUMENT, "documents", ids, document)
            .await
    }

    async fn document_body(&mut self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let body = query("document_body", "SELECT body FROM documents WHERE id = $1").bind(id);
        Ok(self
            .fetch_optional_as(body, |row| row.opt_bytes("body"))
            .await?
            .flatten())
    }
}

impl Transaction<'_> {
    /// Reads cursors along an index in the order of the list. `condition` is SQL text that compares the
    /// place, `$5`.
    async fn keys_along(
        &mut self,
        condition: &str,
        place: &str,
        listing: ListKind,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListCursor>, Error> {
        let ((table, at), bytewise) = (table(listing), self.bytewise());
        let standing = standing(filter.standing);
        let directory = match filter.directory {
            Some(_) => " AND directory = $6",
            None => "",
        };
        // Place and directory are bound even if the query has no condition on them.
        let sql = format!(
            "SELECT id, {at} AS listed_ms FROM {table}
             WHERE {condition}{at} >= $1 AND ({at}, id{bytewise}) < ($2, $3){standing}{directory}
               AND CAST($5 AS TEXT) IS NOT NULL AND CAST($6 AS TEXT) IS NOT NULL
             ORDER BY {at} DESC, id{bytewise} DESC LIMIT $4"
        );
        let (before_ms, before_id) = before(filter);
        let list = query("list_cursors", sql)
            .bind(filter.from.map_or(i64::MIN, Timestamp::as_millisecond))
            .bind(before_ms)
            .bind(before_id)
            .bind(i64::from(limit))
            .bind(place)
            .bind(filter.directory.as_deref().unwrap_or_default());
        self.fetch_all_as(list, key).await
    }

    /// Reads all cursors of an order, event or file name. They are few, so they are sorted here.
    async fn keys_of(
        &mut self,
        column: &'static str,
        value: &str,
        listing: ListKind,
        filter: &ListFilter,
    ) -> Result<Vec<ListCursor>, Error> {
        let (table, at) = table(listing);
        let standing = standing(filter.standing);
        let directory = match filter.directory {
            Some(_) => " AND directory = $2",
            None => "",
        };
        let sql = format!(
            "SELECT id, {at} AS listed_ms FROM {table}
             WHERE {column} = $1{standing}{directory} AND CAST($2 AS TEXT) IS NOT NULL"
        );
        let list = query("list_cursors", sql)
            .bind(value)
            .bind(filter.directory.as_deref().unwrap_or_default());
        let rows = self.fetch_all(list).await?;
        let mut keys: Vec<ListCursor> = rows.iter().map(key).collect::<Result<_, _>>()?;
        let (from, (before_ms, before_id)) = (filter.from, before(filter));
        keys.retain(|key| {
            let position = (key.at.as_millisecond(), key.id.as_str());
            from.is_none_or(|from| key.at >= from) && position < (before_ms, before_id)
        });
        keys.sort_unstable_by(|one, other| other.cmp(one));
        Ok(keys)
    }

    /// Reads rows by id, in chunks.
    async fn listed<T>(
        &mut self,
        name: &'static str,
        columns: &str,
        table: &str,
        ids: &[String],
        convert: fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(ROWS_PER_QUERY) {
            let chunk: Vec<_> = chunk.iter().map(String::as_str).collect();
            let placeholders = padded_list(1, chunk.len());
            let sql = format!("SELECT {columns} FROM {table} WHERE id IN ({placeholders})");
            let list = bind_padded(query(name, sql), &chunk);
            for row in self.fetch_all(list).await? {
                rows.push(convert(&row)?);
            }
        }
        Ok(rows)
    }
}

/// The timestamp in milliseconds and the id that all rows of the page precede.
fn before(filter: &ListFilter) -> (i64, &str) {
    let until = filter.until.map_or(i64::MAX, |until| {
        // Timestamps are stored in milliseconds: a row of a millisecond that began before `until` is
        // before `until`.
        let whole_ms = until.as_millisecond();
        let rest = until.subsec_nanosecond() % 1_000_000;
        whole_ms + i64::from(rest > 0)
    });
    match &filter.after {
        Some(key) if key.at.as_millisecond() < until => (key.at.as_millisecond(), &key.id),
        _ => (until, ""),
    }
}

fn key(row: &Row) -> Result<ListCursor, Error> {
    Ok(ListCursor {
        at: row.timestamp("listed_ms")?,
        id: row.text("id")?,
    })
}

fn order(row: &Row) -> Result<OrderListRow, Error> {
    Ok(OrderListRow {
        id: row.text("id")?,
        store_id: row.text("store_id")?,
        external_id: row.opt_text("external_id")?,
        workstation: row.text("workstation")?,
        cashier: row.opt_text("cashier")?,
        training: row.bool("training")?,
        status: row.enum_value("status")?,
        member: row.opt_json("member")?,
        gross: row.int("gross")?,
        begun_at: row.timestamp("begun_ms")?,
        created_at: row.timestamp("created_ms")?,
    })
}

fn payment(row: &Row) -> Result<PaymentListRow, Error> {
    #[derive(Deserialize)]
    struct SaleSums {
        entry: Entry,
        tenders: Vec<Tender>,
        rounding: Money,
        net: Money,
        gross: Money,
    }
    let sale: SaleSums = row.json("sale")?;
    let sums = Sums {
        tenders: sale.tenders,
        rounding: sale.rounding,
        net: sale.net,
        gross: sale.gross,
    };
    Ok(PaymentListRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        shift_id: row.opt_text("shift_id")?,
        entry: sale.entry,
        sums,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

fn refund(row: &Row) -> Result<RefundListRow, Error> {
    Ok(RefundListRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        shift_id: row.opt_text("shift_id")?,
        entry: row.json("entry")?,
        extent: row.json("extent")?,
        reason: row.text("reason")?,
        sums: row.opt_json("refund")?,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

fn void(row: &Row) -> Result<VoidListRow, Error> {
    #[derive(Deserialize)]
    struct VoidHeader {
        entry: Entry,
        cause: VoidCause,
    }
    let VoidHeader { entry, cause } = row.json("cancellation")?;
    Ok(VoidListRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        entry,
        cause,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

fn verification(row: &Row) -> Result<VerificationListRow, Error> {
    #[derive(Deserialize)]
    struct VerificationHeader {
        sale: Basket,
        business_date: String,
        cashier: String,
        outcome: String,
        #[serde(default)]
        refused_lines: Vec<u32>,
    }
    #[derive(Deserialize)]
    struct Basket {
        entry: Entry,
    }
    let verification: VerificationHeader = row.json("verification")?;
    Ok(VerificationListRow {
        id: row.text("id")?,
        order_id: row.text("order_id")?,
        store_id: row.text("store_id")?,
        business_date: verification.business_date,
        cashier: verification.cashier,
        outcome: verification.outcome,
        refused_lines: verification.refused_lines,
        // An unpaid basket has no sequence number.
        paid: verification.sale.entry.sequence > 0,
        occurred_at: row.timestamp("occurred_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}
