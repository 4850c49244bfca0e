//! Products and prices, in versions.
//!
//! A row is visible if `catalogue_versions` contains its version and no later version of the same key.
//! Queries read all versions of a key in order and keep the last. The `+ 0` after a version prevents
//! query planners from starting at the version and reading all its rows.

use crate::catalogue_rows as rows;
use crate::placeholders;
use crate::query::{Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{Catalogue, CatalogueEntry, CataloguePage, PriceRow, ProductRow};
use jiff::Timestamp;

#[async_trait]
impl Catalogue for Transaction<'_> {
    async fn catalogue_freeze(&mut self, retailer: &str, as_of: Timestamp) -> Result<(), Error> {
        self.catalogue_lock(retailer).await?;
        let fix = query(
            "catalogue_freeze",
            "UPDATE catalogues SET fixed_ms = $1 WHERE retailer = $2 AND fixed_ms < $1",
        )
        .bind_timestamp(as_of)
        .bind(retailer);
        self.execute_later(fix).await
    }

    async fn catalogue_list(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        as_of: Timestamp,
        after: &str,
        limit: u32,
    ) -> Result<CataloguePage, Error> {
        self.disable_plan_cache().await?;
        let Some(last) = self.last_of_page(retailer, after, limit).await? else {
            return Ok(CataloguePage::default());
        };
        let page = query(
            "catalogue_list",
            "SELECT p.*, v.at_ms AS changed_ms FROM products p
             JOIN catalogue_versions v ON v.retailer = p.retailer AND v.version = p.version + 0
             WHERE p.retailer = $1 AND p.sku > $2 AND p.sku <= $3 AND v.at_ms <= $4
             ORDER BY p.sku, p.version",
        )
        .bind(retailer)
        .bind(after)
        .bind(&*last)
        .bind_timestamp(as_of);
        let mut listed: Vec<CatalogueEntry> = Vec::new();
        for row in self.fetch_all(page).await? {
            let row = rows::listed(&row)?;
            if listed
                .last()
                .is_some_and(|before| before.product.sku == row.product.sku)
            {
                listed.pop();
            }
            listed.push(row);
        }
        if let Some(id) = store_id {
            let own = self.own_prices(retailer, id, as_of, (after, &last)).await?;
            rows::join(&mut listed, own);
        }
        Ok(CataloguePage {
            listed,
            last: Some(last),
        })
    }

    async fn catalogue_product_list(
        &mut self,
        retailer: &str,
        skus: &[String],
    ) -> Result<Vec<(ProductRow, Timestamp)>, Error> {
        self.disable_plan_cache().await?;
        let mut products: Vec<(ProductRow, Timestamp)> = Vec::with_capacity(skus.len());
        for chunk in skus.chunks(placeholders::CHUNK) {
            let sql = format!(
                "SELECT p.*, v.at_ms AS changed_ms FROM products p
                 JOIN catalogue_versions v ON v.retailer = p.retailer AND v.version = p.version + 0
                 WHERE p.retailer = $1 AND p.sku IN ({})
                 ORDER BY p.sku, p.version",
                placeholders::list(2, chunk.len())
            );
            let get = query("catalogue_product_list", sql).bind(retailer);
            let get = chunk.iter().fold(get, |get, sku| get.bind(&**sku));
            for row in self.fetch_all(get).await? {
                let product = rows::product(&row)?;
                if products
                    .last()
                    .is_some_and(|(before, _)| before.sku == product.sku)
                {
                    products.pop();
                }
                products.push((product, row.timestamp("changed_ms")?));
            }
        }
        Ok(products)
    }

    async fn catalogue_price_list(
        &mut self,
        retailer: &str,
        of: &[(String, String)],
    ) -> Result<Vec<PriceRow>, Error> {
        self.disable_plan_cache().await?;
        let mut prices: Vec<PriceRow> = Vec::with_capacity(of.len());
        for chunk in of.chunks(placeholders::CHUNK) {
            let sql = format!(
                "WITH a (sku, store_id) AS (VALUES {})
                 SELECT o.* FROM a JOIN product_prices o
                     ON o.retailer = $1 AND o.sku = a.sku AND o.store_id = a.store_id
                 JOIN catalogue_versions v ON v.retailer = o.retailer AND v.version = o.version + 0
                 ORDER BY o.store_id, o.sku, o.version",
                placeholders::tuples(2, chunk.len(), 2)
            );
            let get = query("catalogue_price_list", sql).bind(retailer);
            let get = chunk
                .iter()
                .fold(get, |get, (sku, store)| get.bind(&**sku).bind(&**store));
            for row in self.fetch_all(get).await? {
                let price = rows::price_row(&row)?;
                if prices
                    .last()
                    .is_some_and(|before| rows::same(before, &price))
                {
                    prices.pop();
                }
                prices.push(price);
            }
        }
        Ok(prices)
    }

    async fn catalogue_price_list_by_product(
        &mut self,
        retailer: &str,
        sku: &str,
    ) -> Result<Vec<(PriceRow, Timestamp)>, Error> {
        let get = query(
            "catalogue_price_list_by_product",
            "SELECT o.*, v.at_ms AS changed_ms FROM product_prices o
             JOIN catalogue_versions v ON v.retailer = o.retailer AND v.version = o.version + 0
             WHERE o.retailer = $1 AND o.sku = $2
             ORDER BY o.store_id, o.version",
        )
        .bind(retailer)
        .bind(sku);
        let mut prices: Vec<(PriceRow, Timestamp)> = Vec::new();
        for row in self.fetch_all(get).await? {
            let price = rows::price_row(&row)?;
            if prices
                .last()
                .is_some_and(|(before, _)| rows::same(before, &price))
            {
                prices.pop();
            }
            prices.push((price, row.timestamp("changed_ms")?));
        }
        Ok(prices)
    }
}

impl Transaction<'_> {
    /// Makes PostgreSQL plan each query anew: a plan cached for an empty catalogue would read the whole
    /// table for each row of the first import.
    pub(crate) async fn disable_plan_cache(&mut self) -> Result<(), Error> {
        if !self.is_postgres() {
            return Ok(());
        }
        let sql = "SET LOCAL plan_cache_mode = force_custom_plan";
        self.execute_later(query("catalogue_plan", sql)).await
    }

    /// Returns the last of at most `limit` SKUs after `after`, of any version.
    async fn last_of_page(
        &mut self,
        retailer: &str,
        after: &str,
        limit: u32,
    ) -> Result<Option<String>, Error> {
        let last = query(
            "catalogue_list",
            "SELECT MAX(k.sku) AS last FROM (SELECT DISTINCT p.sku FROM products p
             WHERE p.retailer = $1 AND p.sku > $2 ORDER BY p.sku LIMIT $3) k",
        )
        .bind(retailer)
        .bind(after)
        .bind(i64::from(limit));
        self.fetch_one(last).await?.opt_text("last")
    }

    /// Reads a store's own prices of the products after `after`, up to and including `last`.
    async fn own_prices(
        &mut self,
        retailer: &str,
        store_id: &str,
        as_of: Timestamp,
        (after, last): (&str, &str),
    ) -> Result<Vec<(PriceRow, Timestamp)>, Error> {
        let own = query(
            "catalogue_list",
            "SELECT o.*, v.at_ms AS changed_ms FROM product_prices o
             JOIN catalogue_versions v ON v.retailer = o.retailer AND v.version = o.version + 0
             WHERE o.retailer = $1 AND o.store_id = $2 AND o.sku > $3 AND o.sku <= $4
               AND v.at_ms <= $5
             ORDER BY o.sku, o.version",
        )
        .bind(retailer)
        .bind(store_id)
        .bind(after)
        .bind(last)
        .bind_timestamp(as_of);
        let rows = self.fetch_all(own).await?;
        let priced = |row: &Row| Ok((rows::price_row(row)?, row.timestamp("changed_ms")?));
        rows.iter().map(priced).collect()
    }
}
