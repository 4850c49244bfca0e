//! Converts a row of a file to a product or a store's price, or reports all its problems.

use super::checks;
use crate::tabular::{Cells, Layout, Problems, RowProblems};
use galleria_domain::Store;
use galleria_number_format::NumberFormat;
use galleria_ports::records::{Price, PriceRow, ProductRow};
use std::collections::HashMap;

/// The layout of product files.
pub(super) static LAYOUT: Layout = Layout {
    columns: &[
        "sku", "gtin", "name", "category", "unit", "price", "currency", "tax_code", "active",
        "store",
    ],
    required: &["sku", "name", "price", "currency"],
    integers: &[],
    further: "",
    // All columns at their limits, quoted and in four-byte characters, take 4 KiB.
    row_bytes: 64 << 10,
    // Five times the largest known catalogue.
    rows: 1_000_000,
};

/// The columns besides the price that a store's row may repeat from its product's row.
pub(super) const DETAILS: [&str; 6] = ["gtin", "name", "category", "unit", "tax_code", "active"];

/// The details of a product, in the order of [`DETAILS`].
pub(super) fn details(product: &ProductRow) -> [&str; DETAILS.len()] {
    let ProductRow {
        sku: _,
        gtin,
        name,
        category,
        unit,
        price: _,
        tax_code,
        active,
    } = product;
    let active = if *active { "true" } else { "false" };
    [gtin, name, category, unit, tax_code, active]
}

/// A valid row.
pub(super) enum Row {
    /// A product with its general price.
    Product(ProductRow),
    /// A store's price, and the details of the product that the row repeats.
    Price(PriceRow, [Option<String>; DETAILS.len()]),
}

impl Row {
    /// The product's SKU.
    pub fn sku(&self) -> &str {
        match self {
            Self::Product(product) => &product.sku,
            Self::Price(price, _) => &price.sku,
        }
    }
}

/// Converts and checks rows.
pub(super) struct Rules {
    /// The retailer's stores by the host's id and by the retailer's own id; `None` if several stores have it.
    stores: HashMap<String, Option<Store>>,
    numbers: NumberFormat,
}

impl Rules {
    /// If the host's id of one store equals the retailer's id of another, the former wins.
    pub fn new(stores: Vec<Store>, numbers: NumberFormat) -> Self {
        let mut by_id = HashMap::new();
        for store in &stores {
            let others = by_id.entry(store.external_id.clone());
            others
                .and_modify(|one| *one = None)
                .or_insert(Some(store.clone()));
        }
        for store in stores {
            by_id.insert(store.id.clone(), Some(store));
        }
        Self {
            stores: by_id,
            numbers,
        }
    }

    /// Returns the row if it is valid; otherwise adds all its problems.
    pub fn row(&self, cells: &Cells, problems: &mut Problems) -> Option<Row> {
        if !cells.whole {
            return None;
        }
        let before = problems.total;
        let mut row = RowProblems { cells, problems };
        row.check("sku", checks::sku);
        let row = match cells.text("store") {
            "" => self.product(&mut row),
            _ => self.price(&mut row),
        };
        (problems.total == before).then_some(row).flatten()
    }

    fn product(&self, row: &mut RowProblems<'_>) -> Option<Row> {
        row.check("name", checks::name);
        row.check("gtin", checks::gtin);
        row.check("category", checks::category);
        row.check("tax_code", checks::tax_code);
        let unit = row.or("unit", "EA");
        row.report("unit", checks::unit(&unit));
        let active = checks::active(&row.or("active", "true"));
        row.report("active", active.err());
        let price = self.priced(row, None);
        Some(Row::Product(ProductRow {
            sku: row.text("sku"),
            gtin: row.text("gtin"),
            name: row.text("name"),
            category: row.text("category"),
            unit,
            price,
            tax_code: row.text("tax_code"),
            active: active.ok()?,
        }))
    }

    fn price(&self, row: &mut RowProblems<'_>) -> Option<Row> {
        let found = self.stores.get(row.cells.text("store"));
        let wrong = match found {
            Some(Some(_)) => None,
            Some(None) => Some("is the retailer's id of several stores: use the host's id"),
            None => Some("must be the id of a store of this retailer, or empty"),
        };
        row.report("store", wrong);
        let store = found.and_then(Option::as_ref);
        let price = self.priced(row, store);
        let active = row.text("active");
        let active = (!active.is_empty()).then(|| checks::active(&active));
        row.report("active", active.and_then(Result::err));
        let price_row = PriceRow {
            sku: row.text("sku"),
            store_id: store?.id.clone(),
            price,
        };
        let repeated = DETAILS.map(|column| {
            let text = match column {
                "active" => active?.ok()?.to_string(),
                column => row.text(column),
            };
            (!text.is_empty()).then_some(text)
        });
        Some(Row::Price(price_row, repeated))
    }

    /// Reads price and currency, which must both be set or both be empty.
    fn priced(&self, row: &mut RowProblems<'_>, store: Option<&Store>) -> Option<Price> {
        let (amount, currency) = (row.text("price"), row.text("currency"));
        if amount.is_empty() && currency.is_empty() {
            return None;
        }
        let read = match amount.as_str() {
            "" => Err("must be set, because there is a currency".to_owned()),
            text => checks::amount(text, &currency, &self.numbers),
        };
        if let Err(message) = &read {
            row.add("price", message.as_str());
        }
        let other = store.filter(|store| store.currency != currency);
        match (checks::currency(&currency), other) {
            (Some(message), _) => row.report("currency", Some(message)),
            (None, Some(store)) => {
                let message = format!(
                    "must be {}, the currency of store {}",
                    store.currency, store.id
                );
                row.add("currency", message);
            }
            (None, None) => {}
        }
        Some(Price {
            amount: read.ok()?,
            currency,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tabular::{Format, Guards, Rows};
    use std::io::Cursor;

    fn store(id: &str, external_id: &str) -> Store {
        Store {
            id: id.to_owned(),
            external_id: external_id.to_owned(),
            retailer: "example".to_owned(),
            store_type: "shop".to_owned(),
            country: "ES".to_owned(),
            currency: "EUR".to_owned(),
            minor_digits: 2,
            zone: "Europe/Madrid".to_owned(),
            day_starts_minute: 0,
            cash_step: None,
            attributes: vec![],
        }
    }

    #[test]
    fn the_store_of_a_price_is_one_store() {
        // The retailer's id of the third store is the host's id of the second one, which wins.
        let stores = vec![store("s1", "old"), store("s2", "old"), store("s3", "s2")];
        let rules = Rules::new(stores, NumberFormat::new('.', None));
        let store_of = |id: &str| {
            let text = format!("sku,name,price,currency,store\na,,1,EUR,{id}\n");
            let (mut file, mut problems) = (Cursor::new(text), Problems::default());
            let rows = Rows::open(&mut file, &LAYOUT, Format::Csv, Guards::Keep, &mut problems);
            let mut rows = rows.expect("read").expect("a header");
            let cells = rows.next(&mut problems).expect("read").expect("a row");
            match rules.row(&cells, &mut problems) {
                Some(Row::Price(price, _)) => price.store_id,
                _ => problems.listed[0].to_string(),
            }
        };
        assert_eq!(["s1", "s2", "s3"].map(store_of), ["s1", "s2", "s3"]);
        assert_eq!(
            store_of("old"),
            "row 2, store: is the retailer's id of several stores: use the host's id"
        );
        assert_eq!(
            store_of("new"),
            "row 2, store: must be the id of a store of this retailer, or empty"
        );
    }
}
