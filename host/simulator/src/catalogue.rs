//! A sample file of products, as a retailer would import it: made of the assortment, with prices of
//! their own in some stores. The same assortment gives the same bytes.

use crate::assortment::Assortment;
use crate::chance::Chance;
use crate::day::gtin;
use anyhow::{Context, Result};
use galleria_domain::Store;
use serde::Deserialize;

/// `[catalogue]` of `assortment.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Prices that are a store's own, of a hundred.
    pub own_prices: u64,
}

/// The file, and what it holds.
pub struct Made {
    pub text: String,
    pub products: u64,
}

/// The name of the file in the retailer's folder.
pub const FILE: &str = "products.csv";

/// Makes the file. Prices that hold everywhere are in the currency of the first store.
pub fn make(assortment: &Assortment, stores: &[Store], catalogue: &Catalogue) -> Result<Made> {
    let mut chance = Chance::new(assortment.day.seed ^ 0xca7a_1090);
    let common = &stores.first().context("a store")?.currency;
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record([
        "sku", "gtin", "name", "category", "unit", "price", "currency", "tax_code", "active",
        "store",
    ])?;
    for product in &assortment.products {
        let price = product.prices.get(common).copied().context("a price")?;
        let (gtin, unit) = match product.weighed {
            true => (String::new(), "KGM"),
            false => (gtin(&product.sku), "EA"),
        };
        let (sku, name, category) = (&product.sku, &product.name, &product.category);
        let told = major(price);
        writer.write_record([
            sku,
            &gtin,
            name,
            category,
            unit,
            &told,
            common,
            &product.tax,
            "true",
            "",
        ])?;
        for store in stores.iter().filter(|store| store.currency == *common) {
            if chance.percent(catalogue.own_prices) {
                // A tenth dearer, as on a platform.
                let own = major(price + price / 10);
                writer.write_record([sku, "", "", "", "", &own, common, "", "", &store.id])?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(Made {
        text: String::from_utf8(bytes)?,
        products: assortment.products.len() as u64,
    })
}

fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_products_that_are_kept_are_made_again_byte_for_byte() {
        let mut some = 0;
        for folder in crate::samples() {
            let (assortment, stores) = Assortment::read(&folder).expect("an assortment");
            let Some(catalogue) = &assortment.catalogue else {
                continue;
            };
            let made = make(&assortment, &stores, catalogue).expect("products");
            let kept = std::fs::read_to_string(folder.join(FILE)).expect("the file that is kept");
            assert!(made.text == kept, "{}", folder.display());
            let rows = made.text.lines().count() as u64;
            assert!(
                rows > made.products + 1,
                "some store has a price of its own"
            );
            some += 1;
        }
        assert!(some > 0, "some retailer keeps products");
    }
}
