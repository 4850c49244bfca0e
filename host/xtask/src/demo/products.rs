//! Products: a retailer's file is imported, and again: the second time nothing changes.

use super::client::Client;
use super::retailer::Retailer;
use anyhow::{Context, Result, bail};
use galleria_simulator::catalogue::{self, Made};
use serde_json::Value;

/// Imports the file of a retailer that keeps one; answers how many products it has.
pub async fn import(client: &Client, retailer: &Retailer) -> Result<Option<u64>> {
    let Some(catalogue) = &retailer.assortment.catalogue else {
        return Ok(None);
    };
    let Made { text, products } =
        catalogue::make(&retailer.assortment, &retailer.stores, catalogue)?;
    let kept = retailer.kept(".", catalogue::FILE)?;
    if kept != text {
        bail!(
            "{}: the products that are kept are not the assortment's",
            retailer.name
        );
    }
    let path = format!("/v1/retailers/{}/products/import", retailer.name);
    for (round, counted) in [("first", "added"), ("second", "unchanged")] {
        let key = format!("products:{}:{round}", retailer.name);
        let answer = client.upload(&path, &key, "text/csv", text.clone()).await?;
        let count = |name: &str| answer[name].as_u64();
        if count(counted) != Some(products) {
            bail!("the {round} import says {answer}, not {products} {counted}");
        }
    }
    let listed = listed(client, retailer).await?;
    if listed != products {
        bail!("{} products are listed, not {products}", listed);
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
