//! Products and prices, in versions.
//!
//! A row is visible if `catalogue_versions` contains its version and no later version of the same key.
//! Queries read all versions of a key in order and keep the last. The `+ 0` after a version prevents
//! query planners from starting at the version and reading all its rows.
//! Each change locks the row of `catalogues`, so versions become visible in the order of their numbers
//! and timestamps.

use crate::catalogue_rows as rows;
use crate::placeholders;
use crate::query::{Row, query};
use crate::transaction::{Lock, Transaction};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{Begun, Catalogue, Draft, Listed, ListedPage, PriceRow, ProductRow};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

#[async_trait]
impl Catalogue for Transaction<'_> {
    async fn catalogue_fix(&mut self, retailer: &str, as_of: Timestamp) -> Result<(), Error> {
        self.catalogue_lock(retailer).await?;
        let fix = query(
            "catalogue_fix",
            "UPDATE catalogues SET fixed_ms = $1 WHERE retailer = $2 AND fixed_ms < $1",
        )
        .bind_timestamp(as_of)
        .bind(retailer);
        self.execute(fix).await.map(drop)
    }

    async fn catalogue_begin(
        &mut self,
        retailer: &str,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Begun, Error> {
        let head = self.catalogue_lock(retailer).await?;
        if head.writer.is_some() {
            let over = head.until <= now;
            return Ok(if over { Begun::LeftOver } else { Begun::Busy });
        }
        let version = head.version + 1;
        let begin = query(
            "catalogue_begin",
            "UPDATE catalogues SET version = $1, writer = $2, writer_until_ms = $3
             WHERE retailer = $4",
        )
        .bind(version)
        .bind(writer)
        .bind_timestamp(until)
        .bind(retailer);
        self.execute(begin).await?;
        Ok(Begun::Draft(Draft {
            retailer: retailer.to_owned(),
            version,
            writer: writer.to_owned(),
        }))
    }

    async fn catalogue_add(
        &mut self,
        draft: &Draft,
        products: &[ProductRow],
        prices: &[PriceRow],
        until: Timestamp,
        forget: Timestamp,
    ) -> Result<(), Error> {
        self.extend_lease(draft, until).await?;
        self.disable_plan_cache().await?;
        for chunk in products.chunks(placeholders::CHUNK) {
            self.execute(rows::products_insert(draft, chunk)).await?;
            self.execute(rows::products_forget(draft, chunk, forget))
                .await?;
        }
        for chunk in prices.chunks(placeholders::CHUNK) {
            self.execute(rows::prices_insert(draft, chunk)).await?;
            self.execute(rows::prices_forget(draft, chunk, forget))
                .await?;
        }
        Ok(())
    }

    async fn catalogue_publish(
        &mut self,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let head = self.catalogue_lock(&draft.retailer).await?;
        head.check_draft(draft)?;
        let at_ms = now.as_millisecond().max(head.fixed_ms + 1);
        let show = query(
            "catalogue_publish",
            "INSERT INTO catalogue_versions (retailer, version, at_ms) VALUES ($1, $2, $3)",
        )
        .bind(&*draft.retailer)
        .bind(draft.version)
        .bind(at_ms);
        self.execute(show).await?;
        let end = query(
            "catalogue_publish",
            "UPDATE catalogues SET writer = NULL, writer_until_ms = 0, fixed_ms = $1
             WHERE retailer = $2",
        )
        .bind(at_ms)
        .bind(&*draft.retailer);
        self.execute(end).await?;
        Timestamp::from_millisecond(at_ms)
            .map_err(|error| Error::records("catalogue_publish: timestamp out of range", error))
    }

    async fn catalogue_clear(&mut self, draft: &Draft, limit: u32) -> Result<bool, Error> {
        let head = self.catalogue_lock(&draft.retailer).await?;
        head.check_draft(draft)?;
        let mut left = u64::from(limit);
        for sql in [
            "DELETE FROM products WHERE retailer = $1 AND version = $2 AND sku IN (
                 SELECT sku FROM products WHERE retailer = $1 AND version = $2 LIMIT $3)",
            "DELETE FROM product_prices WHERE retailer = $1 AND version = $2
                 AND (sku, store_id) IN (
                 SELECT sku, store_id FROM product_prices
                 WHERE retailer = $1 AND version = $2 LIMIT $3)",
        ] {
            let clear = query("catalogue_clear", sql)
                .bind(&*draft.retailer)
                .bind(draft.version)
                .bind(i64::try_from(left).unwrap_or(i64::MAX));
            left = left.saturating_sub(self.execute(clear).await?);
            if left == 0 {
                return Ok(false);
            }
        }
        let end = query(
            "catalogue_clear",
            "UPDATE catalogues SET writer = NULL, writer_until_ms = 0 WHERE retailer = $1",
        )
        .bind(&*draft.retailer);
        self.execute(end).await?;
        Ok(true)
    }

    async fn catalogue_take_over(
        &mut self,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Draft>, Error> {
        let sql = self.locking(
            "SELECT retailer, version FROM catalogues
             WHERE writer IS NOT NULL AND writer_until_ms <= $1 LIMIT 1",
            Lock::Skip,
        );
        let left = query("catalogue_take_over", sql).bind_timestamp(now);
        let Some(row) = self.fetch_optional(left).await? else {
            return Ok(None);
        };
        let draft = Draft {
            retailer: row.text("retailer")?,
            version: row.int("version")?,
            writer: writer.to_owned(),
        };
        let take = query(
            "catalogue_take_over",
            "UPDATE catalogues SET writer = $1, writer_until_ms = $2 WHERE retailer = $3",
        )
        .bind(writer)
        .bind_timestamp(until)
        .bind(&*draft.retailer);
        self.execute(take).await?;
        Ok(Some(draft))
    }

    async fn catalogue_forget(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let forget = query(
            "catalogue_forget",
            "DELETE FROM catalogue_versions WHERE (retailer, version) IN (
                 SELECT v.retailer, v.version FROM catalogue_versions v
                 WHERE v.at_ms < $1
                   AND NOT EXISTS (SELECT 1 FROM products p
                       WHERE p.retailer = v.retailer AND p.version = v.version)
                   AND NOT EXISTS (SELECT 1 FROM product_prices o
                       WHERE o.retailer = v.retailer AND o.version = v.version)
                 LIMIT $2)",
        )
        .bind_timestamp(before)
        .bind(i64::from(limit));
        self.execute(forget).await
    }

    async fn catalogue_page(
        &mut self,
        retailer: &str,
        store_id: Option<&str>,
        as_of: Timestamp,
        after: &str,
        limit: u32,
    ) -> Result<ListedPage, Error> {
        self.disable_plan_cache().await?;
        let Some(last) = self.last_of_page(retailer, after, limit).await? else {
            return Ok(ListedPage::default());
        };
        let page = query(
            "catalogue_page",
            "SELECT p.*, v.at_ms AS changed_ms FROM products p
             JOIN catalogue_versions v ON v.retailer = p.retailer AND v.version = p.version + 0
             WHERE p.retailer = $1 AND p.sku > $2 AND p.sku <= $3 AND v.at_ms <= $4
             ORDER BY p.sku, p.version",
        )
        .bind(retailer)
        .bind(after)
        .bind(&*last)
        .bind_timestamp(as_of);
        let mut listed: Vec<Listed> = Vec::new();
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
        Ok(ListedPage {
            listed,
            last: Some(last),
        })
    }

    async fn catalogue_products(
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
            let get = query("catalogue_products", AssertSqlSafe(sql)).bind(retailer);
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

    async fn catalogue_prices(
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
            let get = query("catalogue_prices", AssertSqlSafe(sql)).bind(retailer);
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

    async fn catalogue_prices_of(
        &mut self,
        retailer: &str,
        sku: &str,
    ) -> Result<Vec<(PriceRow, Timestamp)>, Error> {
        let get = query(
            "catalogue_prices_of",
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

/// The row of a retailer in `catalogues`.
struct Head {
    version: i64,
    fixed_ms: i64,
    writer: Option<String>,
    until: Timestamp,
}

impl Head {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            version: row.int("version")?,
            fixed_ms: row.int("fixed_ms")?,
            writer: row.opt_text("writer")?,
            until: row.timestamp("writer_until_ms")?,
        })
    }

    fn check_draft(&self, draft: &Draft) -> Result<(), Error> {
        if self.writer.as_deref() == Some(&*draft.writer) && self.version == draft.version {
            return Ok(());
        }
        Err(draft_lost(draft))
    }
}

/// An internal error: the caller may retry.
fn draft_lost(draft: &Draft) -> Error {
    let cause = "its writer paused too long and another writer took it over";
    Error::records(
        format!("catalogue draft of retailer {} lost", draft.retailer),
        std::io::Error::other(cause),
    )
}

impl Transaction<'_> {
    /// Makes PostgreSQL plan each query anew: a plan cached for an empty catalogue would read the whole
    /// table for each row of the first import.
    async fn disable_plan_cache(&mut self) -> Result<(), Error> {
        if !self.is_postgres() {
            return Ok(());
        }
        let sql = "SET LOCAL plan_cache_mode = force_custom_plan";
        self.execute(query("catalogue_plan", sql)).await.map(drop)
    }

    /// Returns the last of at most `limit` SKUs after `after`, of any version.
    async fn last_of_page(
        &mut self,
        retailer: &str,
        after: &str,
        limit: u32,
    ) -> Result<Option<String>, Error> {
        let last = query(
            "catalogue_page",
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
            "catalogue_page",
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

    /// Locks the row of a retailer, and inserts it if it is missing.
    async fn catalogue_lock(&mut self, retailer: &str) -> Result<Head, Error> {
        let sql = self.locking("SELECT * FROM catalogues WHERE retailer = $1", Lock::Wait);
        let get = || query("catalogue_head", sql.clone()).bind(retailer);
        if let Some(row) = self.fetch_optional(get()).await? {
            return Head::from_row(&row);
        }
        let make = query(
            "catalogue_head",
            "INSERT INTO catalogues (retailer, version, fixed_ms, writer, writer_until_ms)
             VALUES ($1, 0, 0, NULL, 0)
             ON CONFLICT DO NOTHING",
        )
        .bind(retailer);
        self.execute(make).await?;
        Head::from_row(&self.fetch_one(get()).await?)
    }

    /// Extends the writer's lease of a draft.
    async fn extend_lease(&mut self, draft: &Draft, until: Timestamp) -> Result<(), Error> {
        let extend = query(
            "catalogue_add",
            "UPDATE catalogues SET writer_until_ms = $1
             WHERE retailer = $2 AND writer = $3 AND version = $4",
        )
        .bind_timestamp(until)
        .bind(&*draft.retailer)
        .bind(&*draft.writer)
        .bind(draft.version);
        match self.execute(extend).await? {
            0 => Err(draft_lost(draft)),
            _ => Ok(()),
        }
    }
}
