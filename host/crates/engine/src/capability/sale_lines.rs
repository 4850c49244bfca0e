//! `sale-lines`: lines of the sales and refunds of a window, as columns.

use super::columns::{push, texts};
use super::feed;
use crate::bindings::sale_lines::{Batch, Host};
use crate::call::Call;
use galleria_domain::plugin::Capability;
use galleria_ports::records::SaleLine;

impl Host for Call {
    fn next(&mut self, max: u32) -> wasmtime::Result<Batch> {
        let feed = &mut self.streams.sale_lines;
        let rows = feed::next(feed, &mut self.meter, Capability::SaleLines, max)?;
        Ok(columns(&rows))
    }
}

/// Fills all columns in one loop over the rows.
fn columns(rows: &[SaleLine]) -> Batch {
    let mut batch = Batch {
        store: texts(rows.len()),
        business_date: texts(rows.len()),
        begun_at: texts(rows.len()),
        entry: texts(rows.len()),
        number: Vec::with_capacity(rows.len()),
        returned: Vec::with_capacity(rows.len()),
        sku: texts(rows.len()),
        description: texts(rows.len()),
        category: texts(rows.len()),
        quantity: Vec::with_capacity(rows.len()),
        quantity_scale: Vec::with_capacity(rows.len()),
        currency: texts(rows.len()),
        amount: Vec::with_capacity(rows.len()),
        net: Vec::with_capacity(rows.len()),
        discount: Vec::with_capacity(rows.len()),
        tax_code: texts(rows.len()),
        tax: Vec::with_capacity(rows.len()),
    };
    for row in rows {
        let SaleLine {
            store_id: _,
            store_external_id,
            business_date,
            begun_at,
            entry_id,
            number,
            returned,
            sku,
            description,
            category,
            quantity,
            currency,
            amount,
            net,
            discount,
            tax_code,
            tax,
            accepted_at: _,
        } = row;
        push(&mut batch.store, store_external_id);
        push(&mut batch.business_date, business_date);
        push(&mut batch.begun_at, begun_at);
        push(&mut batch.entry, entry_id);
        batch.number.push(i64::from(*number));
        batch.returned.push(u8::from(*returned));
        push(&mut batch.sku, sku);
        push(&mut batch.description, description);
        push(&mut batch.category, category);
        batch.quantity.push(quantity.unscaled);
        batch.quantity_scale.push(quantity.scale);
        push(&mut batch.currency, currency);
        batch.amount.push(*amount);
        batch.net.push(*net);
        batch.discount.push(*discount);
        push(&mut batch.tax_code, tax_code);
        batch.tax.push(*tax);
    }
    batch
}
