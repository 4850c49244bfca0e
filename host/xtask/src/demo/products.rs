//! Imports the product file of a retailer twice: the second import must not change anything.

use super::retailer::Retailer;
use crate::client::Client;
use anyhow::{Context, Result, bail};
use galleria_simulator::catalogue::{self, ProductFile};
use serde_json::Value;

/// Imports the product file, if the retailer has one. Returns the number of products.
pub async fn import(client: &Client, retailer: &Retailer) -> Result<Option<u64>> {
    let Some(terms) = &retailer.assortment.catalogue else {
        return Ok(None);
    };
    let ProductFile { text, products } =
        catalogue::generate(&retailer.assortment, &retailer.stores, terms)?;
    if retailer.sample(".", catalogue::FILE)? != text {
        bail!(
            "{}: {} is out of date; `cargo xtask day` writes it again",
            retailer.name,
            catalogue::FILE
        );
    }
    let path = format!("/v1/retailers/{}/products/import", retailer.name);
    for (round, counted) in [("first", "added"), ("second", "unchanged")] {
        let key = format!("products:{}:{round}", retailer.name);
        let result = client.upload(&path, &key, "text/csv", text.clone()).await?;
        let count = |name: &str| result[name].as_u64();
        if count(counted) != Some(products) {
            bail!("{round} import: expected {products} {counted}, got {result}");
        }
    }
    let listed = listed(client, retailer).await?;
    if listed != products {
        bail!("expected {products} products, got {listed}");
    }
    Ok(Some(products))
}

async fn listed(client: &Client, retailer: &Retailer) -> Result<u64> {
    let path = format!("/v1/retailers/{}/products?limit=1000", retailer.name);
    let page: Value = client.get(&path).await?;
    Ok(page["products"]
        .as_array()
        .context("a list of products")?
        .len() as u64)
}
