//! Sale lines, read by reports in pages.
//!
//! A page continues after a cursor, so the last page costs as much as the first.

use crate::placeholders::{self, CHUNK};
use crate::query::{Query, Row, query};
use crate::transaction::{Transaction, inserted};
use galleria_domain::Decimal;
use galleria_ports::Error;
use galleria_ports::records::{SaleLine, SaleLineCursor};
use jiff::Timestamp;

const INSERT: &str = "INSERT INTO sale_lines (store_id, business_date, begun_at, entry_id, number,
    store_external_id, returned, sku, category, quantity_unscaled, quantity_scale, currency, amount, discount,
    tax_code, tax, accepted_ms, description, net)";

/// Scope of a report.
pub(crate) struct Window<'w> {
    pub(crate) retailer: &'w str,
    pub(crate) store_id: Option<&'w str>,
    pub(crate) first: &'w str,
    pub(crate) last: &'w str,
    pub(crate) as_of: Timestamp,
}

pub(crate) async fn insert(tx: &mut Transaction<'_>, lines: &[SaleLine]) -> Result<(), Error> {
    for chunk in lines.chunks(CHUNK) {
        let insert = placeholders::insert(
            "sale_line_insert_many",
            (INSERT, 19, "ON CONFLICT DO NOTHING"),
            chunk,
            |insert, line| {
                insert
                    .bind(&*line.store_id)
                    .bind(&*line.business_date)
                    .bind(&*line.begun_at)
                    .bind(&*line.entry_id)
                    .bind(i64::from(line.number))
                    .bind(&*line.store_external_id)
                    .bind_bool(line.returned)
                    .bind(&*line.sku)
                    .bind(&*line.category)
                    .bind(line.quantity.unscaled)
                    .bind(i64::from(line.quantity.scale))
                    .bind(&*line.currency)
                    .bind(line.amount)
                    .bind(line.discount)
                    .bind(&*line.tax_code)
                    .bind(line.tax)
                    .bind_timestamp(line.accepted_at)
                    .bind(&*line.description)
                    .bind(line.net)
            },
        );
        // A conflict means that the entry id is in use, for instance a refund with a payment's id.
        let missing = chunk.len() as u64 - tx.insert(insert, chunk.len()).await?;
        inserted(u64::from(missing == 0), "entry", &chunk[0].entry_id)?;
    }
    Ok(())
}

/// Reads the rest of the cursor's store, then the following stores, in two queries. In one query,
/// neither database would use the index to find the cursor: both would read the store from its first
/// row.
pub(crate) async fn page(
    tx: &mut Transaction<'_>,
    window: &Window<'_>,
    after: &SaleLineCursor,
    limit: u32,
) -> Result<Vec<SaleLine>, Error> {
    let limit = i64::from(limit);
    let rows = match window.store_id {
        Some(id) if *id < *after.store_id => Vec::new(),
        Some(id) if *id == *after.store_id => {
            tx.fetch_all(store_page(window, after, limit)).await?
        }
        Some(id) => {
            let start = SaleLineCursor {
                store_id: id.to_owned(),
                ..SaleLineCursor::default()
            };
            tx.fetch_all(store_page(window, &start, limit)).await?
        }
        None => {
            let mut rows = tx.fetch_all(store_page(window, after, limit)).await?;
            let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
            if left > 0 {
                rows.extend(
                    tx.fetch_all(following_stores_page(window, &after.store_id, left))
                        .await?,
                );
            }
            rows
        }
    };
    rows.iter().map(line).collect()
}

/// Rows of the cursor's store after the cursor.
fn store_page<'q>(window: &Window<'q>, after: &'q SaleLineCursor, limit: i64) -> Query<'q> {
    query(
        "sale_line_list",
        "SELECT l.* FROM sale_lines l
         WHERE l.store_id = $1
           AND (l.business_date, l.begun_at, l.entry_id, l.number) > ($2, $3, $4, $5)
           AND l.business_date >= $6 AND l.business_date <= $7 AND l.accepted_ms <= $8
           AND EXISTS (SELECT 1 FROM stores s WHERE s.id = $1 AND s.retailer = $9)
         ORDER BY l.business_date, l.begun_at, l.entry_id, l.number
         LIMIT $10",
    )
    .bind(&*after.store_id)
    .bind(&*after.business_date)
    .bind(&*after.begun_at)
    .bind(&*after.entry_id)
    .bind(i64::from(after.number))
    .bind(window.first)
    .bind(window.last)
    .bind_timestamp(window.as_of)
    .bind(window.retailer)
    .bind(limit)
}

/// Rows of the stores after `after`.
fn following_stores_page<'q>(window: &Window<'q>, after: &'q str, limit: i64) -> Query<'q> {
    query(
        "sale_line_list",
        "SELECT l.* FROM stores s JOIN sale_lines l ON l.store_id = s.id
         WHERE s.retailer = $1 AND s.id > $2
           AND l.business_date >= $3 AND l.business_date <= $4 AND l.accepted_ms <= $5
         ORDER BY s.id, l.business_date, l.begun_at, l.entry_id, l.number
         LIMIT $6",
    )
    .bind(window.retailer)
    .bind(after)
    .bind(window.first)
    .bind(window.last)
    .bind_timestamp(window.as_of)
    .bind(limit)
}

fn line(row: &Row) -> Result<SaleLine, Error> {
    Ok(SaleLine {
        store_id: row.text("store_id")?,
        store_external_id: row.text("store_external_id")?,
        business_date: row.text("business_date")?,
        begun_at: row.text("begun_at")?,
        entry_id: row.text("entry_id")?,
        number: row.int_as("number")?,
        returned: row.bool("returned")?,
        sku: row.text("sku")?,
        description: row.text("description")?,
        category: row.text("category")?,
        quantity: Decimal {
            unscaled: row.int("quantity_unscaled")?,
            scale: row.int_as("quantity_scale")?,
        },
        currency: row.text("currency")?,
        amount: row.int("amount")?,
        net: row.int("net")?,
        discount: row.int("discount")?,
        tax_code: row.text("tax_code")?,
        tax: row.int("tax")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}
