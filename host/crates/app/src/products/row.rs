//! A row of a file as a product or as a store's price, or everything that is wrong with it.

use super::checks;
use crate::tabular::{Cells, Layout, Problems, Told};
use galleria_domain::Store;
use galleria_ports::records::{Price, PriceRow, ProductRow};
use std::collections::HashMap;

/// Files of products.
pub(super) static LAYOUT: Layout = Layout {
    columns: &[
        "sku", "gtin", "name", "category", "unit", "price", "currency", "tax_code", "active",
        "store",
    ],
    required: &["sku", "name", "price", "currency"],
    further: "",
    // All columns at their bounds, in four-byte characters and quoted, are 4 KiB.
    line_bytes: 64 << 10,
    // Five times the largest catalogue we know of.
    rows: 1_000_000,
};

/// What a row says beside its price, by column: what a store's row may repeat of its product's.
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

/// A row that is right in itself.
pub(super) enum Row {
    /// A product with its common price.
    Product(ProductRow),
    /// A store's price, and which of the product's details the row repeats.
    Price(PriceRow, [Option<String>; DETAILS.len()]),
}

impl Row {
    /// The product.
    pub fn sku(&self) -> &str {
        match self {
            Self::Product(product) => &product.sku,
            Self::Price(price, _) => &price.sku,
        }
    }
}

/// What rows are held against.
pub(super) struct Rules {
    /// Stores of the retailer by the host's id and by the retailer's own.
    stores: HashMap<String, Store>,
    decimal_comma: bool,
}

impl Rules {
    /// The host's id of one store wins over the retailer's id of another.
    pub fn new(stores: Vec<Store>, decimal_comma: bool) -> Self {
        let mut by_id = HashMap::new();
        for store in &stores {
            by_id.insert(store.external_id.clone(), store.clone());
        }
        for store in stores {
            by_id.insert(store.id.clone(), store);
        }
        Self {
            stores: by_id,
            decimal_comma,
        }
    }

    /// The row, where nothing is wrong with it; all that is wrong is told.
    pub fn row(&self, cells: &Cells, problems: &mut Problems) -> Option<Row> {
        if !cells.whole {
            return None;
        }
        let before = problems.total;
        let mut told = Told { cells, problems };
        told.check("sku", checks::sku);
        let row = match cells.text("store") {
            "" => self.product(&mut told),
            _ => self.price(&mut told),
        };
        (problems.total == before).then_some(row).flatten()
    }

    fn product(&self, told: &mut Told<'_>) -> Option<Row> {
        told.check("name", checks::name);
        told.check("gtin", checks::gtin);
        told.check("category", checks::category);
        told.check("tax_code", checks::tax_code);
        let unit = told.or("unit", "EA");
        told.told("unit", checks::unit(&unit));
        let active = checks::active(&told.or("active", "true"));
        told.told("active", active.err());
        let price = self.priced(told, None);
        Some(Row::Product(ProductRow {
            sku: told.text("sku"),
            gtin: told.text("gtin"),
            name: told.text("name"),
            category: told.text("category"),
            unit,
            price,
            tax_code: told.text("tax_code"),
            active: active.ok()?,
        }))
    }

    fn price(&self, told: &mut Told<'_>) -> Option<Row> {
        let store = self.stores.get(told.cells.text("store"));
        if store.is_none() {
            told.told(
                "store",
                Some("the id of a store of this retailer, or nothing"),
            );
        }
        let price = self.priced(told, store);
        let active = told.text("active");
        let active = (!active.is_empty()).then(|| checks::active(&active));
        told.told("active", active.and_then(Result::err));
        let row = PriceRow {
            sku: told.text("sku"),
            store_id: store?.id.clone(),
            price,
        };
        let repeated = DETAILS.map(|column| {
            let text = match column {
                "active" => active?.ok()?.to_string(),
                column => told.text(column),
            };
            (!text.is_empty()).then_some(text)
        });
        Some(Row::Price(row, repeated))
    }

    /// Price and currency stand together or not at all.
    fn priced(&self, told: &mut Told<'_>, store: Option<&Store>) -> Option<Price> {
        let (amount, currency) = (told.text("price"), told.text("currency"));
        if amount.is_empty() && currency.is_empty() {
            return None;
        }
        match checks::amount(&amount, self.decimal_comma) {
            _ if amount.is_empty() => {
                told.told("price", Some("a price, since there is a currency"))
            }
            read => told.told("price", read.err()),
        }
        let other = store.filter(|store| store.currency != currency);
        match (checks::currency(&currency), other) {
            (Some(message), _) => told.told("currency", Some(message)),
            (None, Some(store)) => {
                let message = format!("{}, the currency of store {}", store.currency, store.id);
                told.add("currency", message);
            }
            (None, None) => {}
        }
        let amount = checks::amount(&amount, self.decimal_comma).ok()?;
        Some(Price { amount, currency })
    }
}
