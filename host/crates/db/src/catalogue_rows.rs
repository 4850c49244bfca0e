//! Conversion of products and prices to and from rows. Queries insert many rows at a time.

use crate::placeholders;
use crate::query::{Query, Row, query};
use galleria_domain::Decimal;
use galleria_ports::Error;
use galleria_ports::records::{CatalogueDraft, CatalogueEntry, Price, PriceRow, ProductRow};
use jiff::Timestamp;

pub(crate) fn products_insert<'q>(draft: &'q CatalogueDraft, rows: &'q [ProductRow]) -> Query<'q> {
    let sql = format!(
        "INSERT INTO products (retailer, version, sku, gtin, name, category, unit, price_unscaled,
             price_scale, currency, tax_code, active) VALUES {}",
        placeholders::tuples(1, rows.len(), 12)
    );
    let insert = query("products_insert", sql);
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
            .bind_bool(row.active)
    })
}

pub(crate) fn prices_insert<'q>(draft: &'q CatalogueDraft, rows: &'q [PriceRow]) -> Query<'q> {
    let sql = format!(
        "INSERT INTO product_prices (retailer, version, sku, store_id, price_unscaled, price_scale,
             currency) VALUES {}",
        placeholders::tuples(1, rows.len(), 7)
    );
    let insert = query("prices_insert", sql);
    rows.iter().fold(insert, |insert, row| {
        let insert = insert
            .bind(&*draft.retailer)
            .bind(draft.version)
            .bind(&*row.sku)
            .bind(&*row.store_id);
        priced(insert, row.price.as_ref())
    })
}

fn priced<'q>(insert: Query<'q>, price: Option<&'q Price>) -> Query<'q> {
    insert
        .bind(price.map(|price| price.amount.unscaled))
        .bind(price.map(|price| i64::from(price.amount.scale)))
        .bind_opt(price.map(|price| &*price.currency))
}

/// Deletes versions of these products that a later version had replaced by `before`.
pub(crate) fn products_forget<'q>(
    draft: &'q CatalogueDraft,
    rows: &'q [ProductRow],
    before: Timestamp,
) -> Query<'q> {
    let sql = format!(
        "DELETE FROM products WHERE retailer = $1 AND sku IN ({})
           AND version < (SELECT MAX(q.version) FROM products q
               JOIN catalogue_versions w ON w.retailer = q.retailer AND w.version = q.version + 0
               WHERE q.retailer = products.retailer AND q.sku = products.sku AND w.at_ms <= $2)",
        placeholders::list(3, rows.len())
    );
    let forget = query("products_forget", sql)
        .bind(&*draft.retailer)
        .bind_timestamp(before);
    rows.iter()
        .fold(forget, |forget, row| forget.bind(&*row.sku))
}

/// Deletes versions of these store prices that a later version had replaced by `before`.
pub(crate) fn prices_forget<'q>(
    draft: &'q CatalogueDraft,
    rows: &'q [PriceRow],
    before: Timestamp,
) -> Query<'q> {
    let sql = format!(
        "DELETE FROM product_prices WHERE retailer = $1 AND (sku, store_id) IN (VALUES {})
           AND version < (SELECT MAX(q.version) FROM product_prices q
               JOIN catalogue_versions w ON w.retailer = q.retailer AND w.version = q.version + 0
               WHERE q.retailer = product_prices.retailer AND q.sku = product_prices.sku
                 AND q.store_id = product_prices.store_id AND w.at_ms <= $2)",
        placeholders::tuples(3, rows.len(), 2)
    );
    let forget = query("prices_forget", sql)
        .bind(&*draft.retailer)
        .bind_timestamp(before);
    rows.iter().fold(forget, |forget, row| {
        forget.bind(&*row.sku).bind(&*row.store_id)
    })
}

/// Whether two rows are versions of the same price.
pub(crate) fn same(one: &PriceRow, other: &PriceRow) -> bool {
    one.sku == other.sku && one.store_id == other.store_id
}

pub(crate) fn listed(row: &Row) -> Result<CatalogueEntry, Error> {
    Ok(CatalogueEntry {
        product: product(row)?,
        changed_at: row.timestamp("changed_ms")?,
        own: None,
    })
}

/// Adds a store's own prices to products. Both are in the order of SKU, later versions after earlier
/// ones.
pub(crate) fn join(listed: &mut [CatalogueEntry], own: Vec<(PriceRow, Timestamp)>) {
    let mut products = listed.iter_mut().peekable();
    for (price, at) in own {
        while products
            .next_if(|listed| listed.product.sku < price.sku)
            .is_some()
        {}
        // Skip a price whose product is not visible yet.
        if let Some(listed) = products.peek_mut()
            && listed.product.sku == price.sku
        {
            listed.own = Some((price.price, at));
        }
    }
}

pub(crate) fn product(row: &Row) -> Result<ProductRow, Error> {
    Ok(ProductRow {
        sku: row.text("sku")?,
        gtin: row.text("gtin")?,
        name: row.text("name")?,
        category: row.text("category")?,
        unit: row.text("unit")?,
        price: price(row, "price_unscaled", "price_scale", "currency")?,
        tax_code: row.text("tax_code")?,
        active: row.bool("active")?,
    })
}

pub(crate) fn price_row(row: &Row) -> Result<PriceRow, Error> {
    Ok(PriceRow {
        sku: row.text("sku")?,
        store_id: row.text("store_id")?,
        price: price(row, "price_unscaled", "price_scale", "currency")?,
    })
}

fn price(row: &Row, unscaled: &str, scale: &str, currency: &str) -> Result<Option<Price>, Error> {
    let Some(unscaled) = row.opt_int(unscaled)? else {
        return Ok(None);
    };
    let amount = Decimal {
        unscaled,
        scale: row.int_as(scale)?,
    };
    let currency = row.opt_text(currency)?.unwrap_or_default();
    Ok(Some(Price { amount, currency }))
}
