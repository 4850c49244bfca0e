//! The product file of a retailer, made from its assortment. Some stores have prices of their own. The
//! same assortment gives the same bytes.

use crate::assortment::{Assortment, CatalogueTerms};
use crate::codes::gtin;
use crate::random::Random;
use anyhow::{Context, Result};
use galleria_domain::Store;

/// A generated product file.
pub struct ProductFile {
    pub text: String,
    pub products: u64,
}

/// Name of the file in the retailer folder.
pub const FILE: &str = "products.csv";

/// Generates the file. Common prices are in the currency of the first store.
pub fn generate(
    assortment: &Assortment,
    stores: &[Store],
    terms: &CatalogueTerms,
) -> Result<ProductFile> {
    let mut random = Random::new(assortment.day.seed ^ 0xca7a_1090);
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
        let common_price = major(price);
        writer.write_record([
            sku,
            &gtin,
            name,
            category,
            unit,
            &common_price,
            common,
            &product.tax,
            "true",
            "",
        ])?;
        for store in stores.iter().filter(|store| store.currency == *common) {
            if random.percent(terms.own_prices) {
                // A tenth more expensive, as at an airport.
                let own = major(price + price / 10);
                writer.write_record([sku, "", "", "", "", &own, common, "", "", &store.id])?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(ProductFile {
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
    fn the_product_files_of_the_repository_are_reproduced_byte_by_byte() {
        let mut count = 0;
        for folder in crate::samples() {
            let (assortment, stores) = Assortment::read(&folder).expect("an assortment");
            let Some(terms) = &assortment.catalogue else {
                continue;
            };
            let made = generate(&assortment, &stores, terms).expect("products");
            let file = std::fs::read_to_string(folder.join(FILE)).expect("the product file");
            assert!(made.text == file, "{}", folder.display());
            let rows = made.text.lines().count() as u64;
            assert!(
                rows > made.products + 1,
                "at least one store has its own price"
            );
            count += 1;
        }
        assert!(count > 0, "at least one retailer has a product file");
    }
}
