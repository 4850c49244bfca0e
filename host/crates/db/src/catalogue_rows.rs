//! Rows of products and prices: written many at a time, and read.

use crate::statement::{Found, Statement, statement};
use galleria_app::Error;
use galleria_app::records::{Draft, Listed, Price, PriceRow, ProductRow};
use galleria_domain::Decimal;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

/// Rows of one statement at most. On PostgreSQL a statement costs a round trip, on either database
/// its preparation; at 64 rows both are little beside the rows, and the texts of all lengths still
/// fit a connection's cache of prepared ones, since only a last piece is shorter.
pub(crate) const TOGETHER: usize = 64;

/// `$first, $first+1...`
pub(crate) fn places(first: usize, count: usize) -> String {
    let all: Vec<_> = (first..first + count)
        .map(|place| format!("${place}"))
        .collect();
    all.join(", ")
}

/// `($first, $first+1...), (...)`
pub(crate) fn tuples(first: usize, count: usize, width: usize) -> String {
    let all: Vec<_> = (0..count)
        .map(|row| format!("({})", places(first + row * width, width)))
        .collect();
    all.join(", ")
}

pub(crate) fn products_insert<'q>(draft: &'q Draft, rows: &'q [ProductRow]) -> Statement<'q> {
    let sql = format!(
        "INSERT INTO products (retailer, version, sku, gtin, name, category, unit, price_unscaled,
             price_scale, currency, tax_code, active) VALUES {}",
        tuples(1, rows.len(), 12)
    );
    let insert = statement("products_insert", AssertSqlSafe(sql));
    rows.iter().fold(insert, |insert, row| {
        let insert = insert
            .bind(&*draft.retailer)
            .bind(draft.version)
            .bind(&*row.sku)
            .bind(&*row.gtin)
            .bind(&*row.name)
            .bind(&*row.category)
            .bind(&*row.unit);
        priced(insert, row.price.as_ref())
            .bind(&*row.tax_code)
            .flag(row.active)
    })
}

pub(crate) fn prices_insert<'q>(draft: &'q Draft, rows: &'q [PriceRow]) -> Statement<'q> {
    let sql = format!(
        "INSERT INTO product_prices (retailer, version, sku, store_id, price_unscaled, price_scale,
             currency) VALUES {}",
        tuples(1, rows.len(), 7)
    );
    let insert = statement("prices_insert", AssertSqlSafe(sql));
    rows.iter().fold(insert, |insert, row| {
        let insert = insert
            .bind(&*draft.retailer)
            .bind(draft.version)
            .bind(&*row.sku)
            .bind(&*row.store_id);
        priced(insert, row.price.as_ref())
    })
}

fn priced<'q>(insert: Statement<'q>, price: Option<&'q Price>) -> Statement<'q> {
    insert
        .bind(price.map(|price| price.amount.unscaled))
        .bind(price.map(|price| i64::from(price.amount.scale)))
        .maybe(price.map(|price| &*price.currency))
}

/// Lets go of versions of these products that another had replaced by `before`.
pub(crate) fn products_forget<'q>(
    draft: &'q Draft,
    rows: &'q [ProductRow],
    before: Timestamp,
) -> Statement<'q> {
    let sql = format!(
        "DELETE FROM products WHERE retailer = $1 AND sku IN ({})
           AND version < (SELECT MAX(q.version) FROM products q
               JOIN catalogue_versions w ON w.retailer = q.retailer AND w.version = q.version + 0
               WHERE q.retailer = products.retailer AND q.sku = products.sku AND w.at_ms <= $2)",
        places(3, rows.len())
    );
    let forget = statement("products_forget", AssertSqlSafe(sql))
        .bind(&*draft.retailer)
        .at(before);
    rows.iter()
        .fold(forget, |forget, row| forget.bind(&*row.sku))
}

/// The same for prices of stores.
pub(crate) fn prices_forget<'q>(
    draft: &'q Draft,
    rows: &'q [PriceRow],
    before: Timestamp,
) -> Statement<'q> {
    let sql = format!(
        "DELETE FROM product_prices WHERE retailer = $1 AND (sku, store_id) IN (VALUES {})
           AND version < (SELECT MAX(q.version) FROM product_prices q
               JOIN catalogue_versions w ON w.retailer = q.retailer AND w.version = q.version + 0
               WHERE q.retailer = product_prices.retailer AND q.sku = product_prices.sku
                 AND q.store_id = product_prices.store_id AND w.at_ms <= $2)",
        tuples(3, rows.len(), 2)
    );
    let forget = statement("prices_forget", AssertSqlSafe(sql))
        .bind(&*draft.retailer)
        .at(before);
    rows.iter().fold(forget, |forget, row| {
        forget.bind(&*row.sku).bind(&*row.store_id)
    })
}

/// Whether two rows are versions of one.
pub(crate) fn same(one: &PriceRow, other: &PriceRow) -> bool {
    one.sku == other.sku && one.store_id == other.store_id
}

pub(crate) fn listed(found: &Found) -> Result<Listed, Error> {
    Ok(Listed {
        product: product(found)?,
        changed_at: found.at("changed_ms")?,
        own: None,
    })
}

/// Gives products a store's own prices; both in the order of sku, later versions behind earlier ones.
pub(crate) fn join(listed: &mut [Listed], own: Vec<(PriceRow, Timestamp)>) {
    let mut products = listed.iter_mut().peekable();
    for (price, at) in own {
        while products
            .next_if(|listed| listed.product.sku < price.sku)
            .is_some()
        {}
        // A price whose product is not seen yet says nothing.
        if let Some(listed) = products.peek_mut()
            && listed.product.sku == price.sku
        {
            listed.own = Some((price.price, at));
        }
    }
}

pub(crate) fn product(found: &Found) -> Result<ProductRow, Error> {
    Ok(ProductRow {
        sku: found.text("sku")?,
        gtin: found.text("gtin")?,
        name: found.text("name")?,
        category: found.text("category")?,
        unit: found.text("unit")?,
        price: price(found, "price_unscaled", "price_scale", "currency")?,
        tax_code: found.text("tax_code")?,
        active: found.flag("active")?,
    })
}

pub(crate) fn price_row(found: &Found) -> Result<PriceRow, Error> {
    Ok(PriceRow {
        sku: found.text("sku")?,
        store_id: found.text("store_id")?,
        price: price(found, "price_unscaled", "price_scale", "currency")?,
    })
}

fn price(
    found: &Found,
    unscaled: &str,
    scale: &str,
    currency: &str,
) -> Result<Option<Price>, Error> {
    let Some(unscaled) = found.maybe_int(unscaled)? else {
        return Ok(None);
    };
    let amount = Decimal {
        unscaled,
        scale: found.narrow(scale)?,
    };
    let currency = found.maybe(currency)?.unwrap_or_default();
    Ok(Some(Price { amount, currency }))
}
