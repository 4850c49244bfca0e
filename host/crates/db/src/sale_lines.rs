//! Sale lines, as reports read them: page after page in the order of their key.
//!
//! Every page continues at a key, so the millionth row costs what the first did.

use crate::statement::{Found, Statement, statement};
use crate::transaction::{Transaction, inserted};
use galleria_app::Error;
use galleria_app::records::{SaleLine, SaleLineKey};
use galleria_domain::Decimal;
use jiff::Timestamp;

/// What a report is about.
pub(crate) struct Window<'w> {
    pub(crate) retailer: &'w str,
    pub(crate) store_id: Option<&'w str>,
    pub(crate) first: &'w str,
    pub(crate) last: &'w str,
    pub(crate) as_of: Timestamp,
}

pub(crate) async fn insert(tx: &mut Transaction<'_>, lines: &[SaleLine]) -> Result<(), Error> {
    for line in lines {
        let insert = statement(
            "sale_lines_insert",
            "INSERT INTO sale_lines (store_id, business_date, begun_at, entry_id, number,
                 store_external_id, returned, sku, category, quantity_unscaled, quantity_scale,
                 currency, amount, discount, tax_code, tax, accepted_ms, description, net)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                 $18, $19)
             ON CONFLICT DO NOTHING",
        )
        .bind(&*line.store_id)
        .bind(&*line.business_date)
        .bind(&*line.begun_at)
        .bind(&*line.entry_id)
        .bind(i64::from(line.number))
        .bind(&*line.store_external_id)
        .flag(line.returned)
        .bind(&*line.sku)
        .bind(&*line.category)
        .bind(line.quantity.unscaled)
        .bind(i64::from(line.quantity.scale))
        .bind(&*line.currency)
        .bind(line.amount)
        .bind(line.discount)
        .bind(&*line.tax_code)
        .bind(line.tax)
        .at(line.accepted_at)
        .bind(&*line.description)
        .bind(line.net);
        // An id that numbered something else before, such as a payment's that a refund takes.
        inserted(tx.execute(insert).await?, "entry", &line.entry_id)?;
    }
    Ok(())
}

/// First the rest of the store in which `after` stands, then the stores behind it. As one
/// statement, neither database would look up where to continue: both would read the store again
/// from its first row.
pub(crate) async fn page(
    tx: &mut Transaction<'_>,
    window: &Window<'_>,
    after: &SaleLineKey,
    limit: u32,
) -> Result<Vec<SaleLine>, Error> {
    let limit = i64::from(limit);
    let found = match window.store_id {
        Some(id) if *id < *after.store_id => Vec::new(),
        Some(id) if *id == *after.store_id => tx.all(of_store(window, after, limit)).await?,
        Some(id) => {
            let start = SaleLineKey {
                store_id: id.to_owned(),
                ..SaleLineKey::default()
            };
            tx.all(of_store(window, &start, limit)).await?
        }
        None => {
            let mut found = tx.all(of_store(window, after, limit)).await?;
            let left = limit - i64::try_from(found.len()).unwrap_or(limit);
            if left > 0 {
                found.extend(tx.all(of_stores(window, &after.store_id, left)).await?);
            }
            found
        }
    };
    found.iter().map(line).collect()
}

/// Rows of the store in which `after` stands.
fn of_store<'q>(window: &Window<'q>, after: &'q SaleLineKey, limit: i64) -> Statement<'q> {
    statement(
        "sale_lines_page",
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
    .at(window.as_of)
    .bind(window.retailer)
    .bind(limit)
}

/// Rows of the stores behind `after`.
fn of_stores<'q>(window: &Window<'q>, after: &'q str, limit: i64) -> Statement<'q> {
    statement(
        "sale_lines_page",
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
    .at(window.as_of)
    .bind(limit)
}

fn line(found: &Found) -> Result<SaleLine, Error> {
    Ok(SaleLine {
        store_id: found.text("store_id")?,
        store_external_id: found.text("store_external_id")?,
        business_date: found.text("business_date")?,
        begun_at: found.text("begun_at")?,
        entry_id: found.text("entry_id")?,
        number: found.narrow("number")?,
        returned: found.flag("returned")?,
        sku: found.text("sku")?,
        description: found.text("description")?,
        category: found.text("category")?,
        quantity: Decimal {
            unscaled: found.int("quantity_unscaled")?,
            scale: found.narrow("quantity_scale")?,
        },
        currency: found.text("currency")?,
        amount: found.int("amount")?,
        net: found.int("net")?,
        discount: found.int("discount")?,
        tax_code: found.text("tax_code")?,
        tax: found.int("tax")?,
        accepted_at: found.at("accepted_ms")?,
    })
}
