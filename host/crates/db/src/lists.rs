//! Lists, the newest first: keys along an index, then the rows of a page by id.
//!
//! Owns: which index a list goes along. Keys are found first and rows after them, so that a list over
//! many places reads no more rows than it shows, and a basket of a thousand lines is read by nobody
//! who asked for its sum.

use crate::documents::{document, filled, places};
use crate::statement::{Found, Word, statement};
use crate::trade_rows;
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{
    DocumentRow, DocumentState, ListFilter, ListKey, Listing, Lists, OrderListed, OrderStatus,
    PaymentListed, Place, RefundListed, ShiftRow, Standing, Sums, VerificationListed, VoidListed,
};
use galleria_domain::{Entry, Money, Tender, VoidCause};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::AssertSqlSafe;

/// Rows are read so many at a time: each may hold a basket, of which only a little is kept.
const AT_ONCE: usize = 16;

/// The columns of a document but its body, which lists never need.
const DOCUMENT: &str = "id, event_id, subscriber, retailer, store_id, order_id, directory, name,
     media_type, size, digest, state, created_ms";

/// A list's table, and the column of the moment it is sorted by.
fn table(listing: Listing) -> (&'static str, &'static str) {
    match listing {
        Listing::Orders => ("orders", "created_ms"),
        Listing::Payments => ("payments", "accepted_ms"),
        Listing::Refunds => ("refunds", "accepted_ms"),
        Listing::Voids => ("voids", "accepted_ms"),
        Listing::Verifications => ("verifications", "accepted_ms"),
        Listing::Shifts => ("shifts", "opened_ms"),
        Listing::Documents => ("documents", "created_ms"),
    }
}

/// What a standing means, said in the words of the indexes that were made for it.
fn standing(standing: Option<Standing>) -> String {
    match standing {
        None => String::new(),
        Some(Standing::Order(OrderStatus::Paid)) => " AND status = 'paid'".into(),
        Some(Standing::Order(status)) => {
            format!(" AND status <> 'paid' AND status = '{}'", status.word())
        }
        Some(Standing::Shift { open: true }) => " AND closed_ms IS NULL".into(),
        Some(Standing::Shift { open: false }) => " AND closed_ms IS NOT NULL".into(),
        // Cast, or SQLite would go along documents_by_state and sort what it finds.
        Some(Standing::Document(DocumentState::Delivered)) => {
            " AND CAST(state AS TEXT) = 'delivered'".into()
        }
        Some(Standing::Document(state)) => format!(
            " AND state <> 'delivered' AND CAST(state AS TEXT) = '{}'",
            state.word()
        ),
    }
}

/// Whether the list goes along the index of documents that are not delivered, which are few, wherever
/// they are from: of a place alone, it would pass over all that are.
fn few(filter: &ListFilter) -> bool {
    match filter.standing {
        Some(Standing::Document(state)) => state != DocumentState::Delivered,
        _ => false,
    }
}

#[async_trait]
impl Lists for Transaction<'_> {
    async fn list_keys(
        &mut self,
        listing: Listing,
        place: &Place,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListKey>, Error> {
        match place {
            Place::Order(id) => self.keys_of("order_id", id, listing, filter).await,
            Place::Event(id) => self.keys_of("event_id", id, listing, filter).await,
            Place::Name(name) => self.keys_of("name", name, listing, filter).await,
            Place::Everywhere => self.keys_along("", "", listing, filter, limit).await,
            Place::Store(id) => {
                let here = match few(filter) {
                    true => "CAST(store_id AS TEXT) = $5 AND ",
                    false => "store_id = $5 AND ",
                };
                self.keys_along(here, id, listing, filter, limit).await
            }
            Place::Retailer(name) => {
                let here = match few(filter) {
                    true => "CAST(retailer AS TEXT) = $5 AND ",
                    false => "retailer = $5 AND ",
                };
                let mut keys = self.keys_along(here, name, listing, filter, limit).await?;
                if listing != Listing::Documents {
                    // Those that the version before this column has written.
                    let here = "retailer = '' AND EXISTS
                        (SELECT 1 FROM stores s WHERE s.id = store_id AND s.retailer = $5) AND ";
                    keys.append(&mut self.keys_along(here, name, listing, filter, limit).await?);
                    keys.sort_unstable_by(|one, other| other.cmp(one));
                    keys.truncate(limit as usize);
                }
                Ok(keys)
            }
        }
    }

    async fn orders_listed(&mut self, ids: &[String]) -> Result<Vec<OrderListed>, Error> {
        let columns = "id, store_id, external_id, workstation, operator, training, status, member,
             gross, begun_ms, created_ms";
        self.listed("orders_listed", columns, "orders", ids, order)
            .await
    }

    async fn payments_listed(&mut self, ids: &[String]) -> Result<Vec<PaymentListed>, Error> {
        self.listed("payments_listed", "*", "payments", ids, payment)
            .await
    }

    async fn refunds_listed(&mut self, ids: &[String]) -> Result<Vec<RefundListed>, Error> {
        self.listed("refunds_listed", "*", "refunds", ids, refund)
            .await
    }

    async fn voids_listed(&mut self, ids: &[String]) -> Result<Vec<VoidListed>, Error> {
        self.listed("voids_listed", "*", "voids", ids, void).await
    }

    async fn verifications_listed(
        &mut self,
        ids: &[String],
    ) -> Result<Vec<VerificationListed>, Error> {
        self.listed(
            "verifications_listed",
            "*",
            "verifications",
            ids,
            verification,
        )
        .await
    }

    async fn shifts_listed(&mut self, ids: &[String]) -> Result<Vec<ShiftRow>, Error> {
        self.listed("shifts_listed", "*", "shifts", ids, trade_rows::shift)
            .await
    }

    async fn documents_listed(&mut self, ids: &[String]) -> Result<Vec<DocumentRow>, Error> {
        self.listed("documents_listed", DOCUMENT, "documents", ids, document)
            .await
    }

    async fn document_body(&mut self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let body = statement("document_body", "SELECT body FROM documents WHERE id = $1").bind(id);
        Ok(self.row(body, |found| found.bytes("body")).await?.flatten())
    }
}

impl Transaction<'_> {
    /// Keys along an index whose order is the list's. `here` says in SQL what `$5`, the place, is.
    async fn keys_along(
        &mut self,
        here: &str,
        place: &str,
        listing: Listing,
        filter: &ListFilter,
        limit: u32,
    ) -> Result<Vec<ListKey>, Error> {
        let ((table, at), bytewise) = (table(listing), self.bytewise());
        let standing = standing(filter.standing);
        let directory = match filter.directory {
            Some(_) => " AND directory = $6",
            None => "",
        };
        // A place and a directory that nobody asked for are bound all the same.
        let sql = format!(
            "SELECT id, {at} AS listed_ms FROM {table}
             WHERE {here}{at} >= $1 AND ({at}, id{bytewise}) < ($2, $3){standing}{directory}
               AND CAST($5 AS TEXT) IS NOT NULL AND CAST($6 AS TEXT) IS NOT NULL
             ORDER BY {at} DESC, id{bytewise} DESC LIMIT $4"
        );
        let (before_ms, before_id) = before(filter);
        let list = statement("list_keys", AssertSqlSafe(sql))
            .bind(filter.from.map_or(i64::MIN, Timestamp::as_millisecond))
            .bind(before_ms)
            .bind(before_id)
            .bind(i64::from(limit))
            .bind(place)
            .bind(filter.directory.as_deref().unwrap_or_default());
        self.all(list).await?.iter().map(key).collect()
    }

    /// All keys of one order, event or file name: few, so they are sorted here.
    async fn keys_of(
        &mut self,
        column: &'static str,
        value: &str,
        listing: Listing,
        filter: &ListFilter,
    ) -> Result<Vec<ListKey>, Error> {
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
        let list = statement("list_keys", AssertSqlSafe(sql))
            .bind(value)
            .bind(filter.directory.as_deref().unwrap_or_default());
        let found = self.all(list).await?;
        let mut keys: Vec<ListKey> = found.iter().map(key).collect::<Result<_, _>>()?;
        let (from, (before_ms, before_id)) = (filter.from, before(filter));
        keys.retain(|key| {
            let place = (key.at.as_millisecond(), key.id.as_str());
            from.is_none_or(|from| key.at >= from) && place < (before_ms, before_id)
        });
        keys.sort_unstable_by(|one, other| other.cmp(one));
        Ok(keys)
    }

    /// Rows by id, some at a time.
    async fn listed<T>(
        &mut self,
        name: &'static str,
        columns: &str,
        table: &str,
        ids: &[String],
        read: fn(&Found) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let some: Vec<_> = some.iter().map(String::as_str).collect();
            let places = places(1, some.len());
            let sql = format!("SELECT {columns} FROM {table} WHERE id IN ({places})");
            let list = filled(statement(name, AssertSqlSafe(sql)), &some);
            for found in self.all(list).await? {
                rows.push(read(&found)?);
            }
        }
        Ok(rows)
    }
}

/// Rows come before this moment and id.
fn before(filter: &ListFilter) -> (i64, &str) {
    let until = filter.until.map_or(i64::MAX, |until| {
        // Rows are kept to the millisecond: one of a millisecond that has begun by then is before it.
        let whole = until.as_millisecond();
        let rest = until.subsec_nanosecond() % 1_000_000;
        whole + i64::from(rest > 0)
    });
    match &filter.after {
        Some(key) if key.at.as_millisecond() < until => (key.at.as_millisecond(), &key.id),
        _ => (until, ""),
    }
}

fn key(found: &Found) -> Result<ListKey, Error> {
    Ok(ListKey {
        at: found.at("listed_ms")?,
        id: found.text("id")?,
    })
}

fn order(found: &Found) -> Result<OrderListed, Error> {
    Ok(OrderListed {
        id: found.text("id")?,
        store_id: found.text("store_id")?,
        external_id: found.maybe("external_id")?,
        workstation: found.text("workstation")?,
        operator: found.maybe("operator")?,
        training: found.flag("training")?,
        status: found.word("status")?,
        member: found.maybe_json("member")?,
        gross: found.int("gross")?,
        begun_at: found.at("begun_ms")?,
        created_at: found.at("created_ms")?,
    })
}

fn payment(found: &Found) -> Result<PaymentListed, Error> {
    #[derive(Deserialize)]
    struct Sold {
        entry: Entry,
        tenders: Vec<Tender>,
        rounding: Money,
        net: Money,
        gross: Money,
    }
    let sold: Sold = found.json("sale")?;
    let sums = Sums {
        tenders: sold.tenders,
        rounding: sold.rounding,
        net: sold.net,
        gross: sold.gross,
    };
    Ok(PaymentListed {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        shift_id: found.maybe("shift_id")?,
        entry: sold.entry,
        sums,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

fn refund(found: &Found) -> Result<RefundListed, Error> {
    Ok(RefundListed {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        shift_id: found.maybe("shift_id")?,
        entry: found.json("entry")?,
        extent: found.json("extent")?,
        reason: found.text("reason")?,
        sums: found.maybe_json("refund")?,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

fn void(found: &Found) -> Result<VoidListed, Error> {
    #[derive(Deserialize)]
    struct Undone {
        entry: Entry,
        cause: VoidCause,
    }
    let Undone { entry, cause } = found.json("cancellation")?;
    Ok(VoidListed {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        entry,
        cause,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

fn verification(found: &Found) -> Result<VerificationListed, Error> {
    #[derive(Deserialize)]
    struct Seen {
        sale: Basket,
        business_date: String,
        operator: String,
        outcome: String,
        #[serde(default)]
        refused_lines: Vec<u32>,
    }
    #[derive(Deserialize)]
    struct Basket {
        entry: Entry,
    }
    let seen: Seen = found.json("verification")?;
    Ok(VerificationListed {
        id: found.text("id")?,
        order_id: found.text("order_id")?,
        store_id: found.text("store_id")?,
        business_date: seen.business_date,
        operator: seen.operator,
        outcome: seen.outcome,
        refused_lines: seen.refused_lines,
        // A basket before it was paid has no number of its own.
        paid: seen.sale.entry.sequence > 0,
        occurred_at: found.at("occurred_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}
