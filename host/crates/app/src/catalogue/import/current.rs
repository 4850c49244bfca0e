//! Reads the current products and prices of a batch.

use super::{Products, both};
use crate::catalogue::row::Row;
use galleria_csv::Position;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::ProductRow;
use std::collections::HashMap;

/// The current products and prices of a batch.
pub(super) struct There {
    pub products: HashMap<String, ProductRow>,
    pub prices: HashMap<String, Option<galleria_ports::records::Price>>,
}

impl Products {
    pub(super) async fn there(&self, batch: &[(Position, Row)]) -> Result<There, Error> {
        let skus = batch.iter().map(|(_, row)| row.sku());
        // Products of prices that the file itself contains are not read: their mark suffices.
        let skus = skus.zip(batch).filter(|(sku, (_, row))| match row {
            Row::Product(_) => true,
            Row::Price(..) => self.seen.mark(sku).is_none(),
        });
        let mut skus: Vec<String> = skus.map(|(sku, _)| sku.to_owned()).collect();
        skus.sort_unstable();
        skus.dedup();
        let prices = batch.iter().filter_map(|(_, row)| match row {
            Row::Price(price, _) => Some((price.sku.clone(), price.store_id.clone())),
            Row::Product(_) => None,
        });
        let prices: Vec<_> = prices.collect();
        let retailer = self.request.retailer.clone();
        let found = self
            .service
            .core
            .records
            .read(in_tx!(|tx, retailer, skus, prices| {
                let products = tx.catalogue_product_list(&retailer, &skus).await?;
                let prices = tx.catalogue_price_list(&retailer, &prices).await?;
                Ok((products, prices))
            }));
        let (products, prices) = found.await?;
        Ok(There {
            products: products
                .into_iter()
                .map(|(product, _)| (product.sku.clone(), product))
                .collect(),
            prices: prices
                .into_iter()
                .map(|price| (both(&price), price.price))
                .collect(),
        })
    }
}
