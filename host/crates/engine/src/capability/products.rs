//! `products`: the retailer's products and prices, as columns.

use super::columns::{push, texts};
use super::feed;
use crate::bindings::products::{Batch, Host};
use crate::call::Call;
use galleria_domain::plugin::Capability;
use galleria_ports::plugins::CatalogueRow;

impl Host for Call {
    fn next(&mut self, max: u32) -> wasmtime::Result<Batch> {
        let feed = &mut self.streams.products;
        let rows = feed::next(feed, &mut self.meter, Capability::Products, max)?;
        Ok(columns(&rows))
    }
}

/// Fills all columns in one loop over the rows.
fn columns(rows: &[CatalogueRow]) -> Batch {
    let mut batch = Batch {
        sku: texts(rows.len()),
        gtin: texts(rows.len()),
        name: texts(rows.len()),
        category: texts(rows.len()),
        unit: texts(rows.len()),
        price: Vec::with_capacity(rows.len()),
        price_scale: Vec::with_capacity(rows.len()),
        currency: texts(rows.len()),
        tax_code: texts(rows.len()),
        active: Vec::with_capacity(rows.len()),
        changed_at: texts(rows.len()),
        changed: Vec::with_capacity(rows.len()),
    };
    for row in rows {
        let CatalogueRow {
            sku,
            gtin,
            name,
            category,
            unit,
            price,
            currency,
            tax_code,
            active,
            changed_at,
            changed,
        } = row;
        push(&mut batch.sku, sku);
        push(&mut batch.gtin, gtin);
        push(&mut batch.name, name);
        push(&mut batch.category, category);
        push(&mut batch.unit, unit);
        batch.price.push(price.unscaled);
        batch.price_scale.push(price.scale);
        push(&mut batch.currency, currency);
        push(&mut batch.tax_code, tax_code);
        batch.active.push(u8::from(*active));
        push(&mut batch.changed_at, changed_at);
        batch.changed.push(u8::from(*changed));
    }
    batch
}
