//! Drafts: catalogue versions that are being written.
//!
//! Each change locks the row of `catalogues`, so versions become visible in the order of their numbers
//! and timestamps.

use crate::catalogue_rows as rows;
use crate::placeholders;
use crate::query::{Row, query};
use crate::transaction::{Lock, Transaction};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{CatalogueDraft, CatalogueDrafts, DraftStart, PriceRow, ProductRow};
use jiff::Timestamp;

#[async_trait]
impl CatalogueDrafts for Transaction<'_> {
    async fn catalogue_draft_begin(
        &mut self,
        retailer: &str,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<DraftStart, Error> {
        let head = self.catalogue_lock(retailer).await?;
        if head.writer.is_some() {
            let over = head.until <= now;
            return Ok(if over {
                DraftStart::LeftOver
            } else {
                DraftStart::Busy
            });
        }
        let version = head.version + 1;
        let begin = query(
            "catalogue_draft_begin",
            "UPDATE catalogues SET version = $1, writer = $2, writer_until_ms = $3
             WHERE retailer = $4",
        )
        .bind(version)
        .bind(writer)
        .bind_timestamp(until)
        .bind(retailer);
        self.execute_later(begin).await?;
        Ok(DraftStart::Draft(CatalogueDraft {
            retailer: retailer.to_owned(),
            version,
            writer: writer.to_owned(),
        }))
    }

    async fn catalogue_draft_add(
        &mut self,
        draft: &CatalogueDraft,
        products: &[ProductRow],
        prices: &[PriceRow],
        until: Timestamp,
        forget: Timestamp,
    ) -> Result<(), Error> {
        self.extend_lease(draft, until).await?;
        self.disable_plan_cache().await?;
        for chunk in products.chunks(placeholders::CHUNK) {
            self.execute_later(rows::products_insert(draft, chunk))
                .await?;
            self.execute_later(rows::products_forget(draft, chunk, forget))
                .await?;
        }
        for chunk in prices.chunks(placeholders::CHUNK) {
            self.execute_later(rows::prices_insert(draft, chunk))
                .await?;
            self.execute_later(rows::prices_forget(draft, chunk, forget))
                .await?;
        }
        Ok(())
    }

    async fn catalogue_draft_publish(
        &mut self,
        draft: &CatalogueDraft,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let head = self.catalogue_lock(&draft.retailer).await?;
        head.check_draft(draft)?;
        let at_ms = now.as_millisecond().max(head.fixed_ms + 1);
        let show = query(
            "catalogue_draft_publish",
            "INSERT INTO catalogue_versions (retailer, version, at_ms) VALUES ($1, $2, $3)",
        )
        .bind(&*draft.retailer)
        .bind(draft.version)
        .bind(at_ms);
        self.execute_later(show).await?;
        let end = query(
            "catalogue_draft_publish",
            "UPDATE catalogues SET writer = NULL, writer_until_ms = 0, fixed_ms = $1
             WHERE retailer = $2",
        )
        .bind(at_ms)
        .bind(&*draft.retailer);
        self.execute_later(end).await?;
        Timestamp::from_millisecond(at_ms).map_err(|error| {
            Error::records("catalogue_draft_publish: timestamp out of range", error)
        })
    }

    async fn catalogue_draft_clear(
        &mut self,
        draft: &CatalogueDraft,
        limit: u32,
    ) -> Result<bool, Error> {
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
            let clear = query("catalogue_draft_clear", sql)
                .bind(&*draft.retailer)
                .bind(draft.version)
                .bind(i64::try_from(left).unwrap_or(i64::MAX));
            left = left.saturating_sub(self.execute(clear).await?);
            if left == 0 {
                return Ok(false);
            }
        }
        let end = query(
            "catalogue_draft_clear",
            "UPDATE catalogues SET writer = NULL, writer_until_ms = 0 WHERE retailer = $1",
        )
        .bind(&*draft.retailer);
        self.execute_later(end).await?;
        Ok(true)
    }

    async fn catalogue_draft_take_over(
        &mut self,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<CatalogueDraft>, Error> {
        let sql = self.locking(
            "SELECT retailer, version FROM catalogues
             WHERE writer IS NOT NULL AND writer_until_ms <= $1 LIMIT 1",
            Lock::Skip,
        );
        let left = query("catalogue_draft_take_over", sql).bind_timestamp(now);
        let Some(row) = self.fetch_optional(left).await? else {
            return Ok(None);
        };
        let draft = CatalogueDraft {
            retailer: row.text("retailer")?,
            version: row.int("version")?,
            writer: writer.to_owned(),
        };
        let take = query(
            "catalogue_draft_take_over",
            "UPDATE catalogues SET writer = $1, writer_until_ms = $2 WHERE retailer = $3",
        )
        .bind(writer)
        .bind_timestamp(until)
        .bind(&*draft.retailer);
        self.execute_later(take).await?;
        Ok(Some(draft))
    }

    async fn catalogue_version_remove(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        let forget = query(
            "catalogue_version_remove",
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
}

/// The row of a retailer in `catalogues`.
pub(crate) struct Head {
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

    fn check_draft(&self, draft: &CatalogueDraft) -> Result<(), Error> {
        if self.writer.as_deref() == Some(&*draft.writer) && self.version == draft.version {
            return Ok(());
        }
        Err(draft_lost(draft))
    }
}

/// An internal error: the caller may retry.
fn draft_lost(draft: &CatalogueDraft) -> Error {
    let cause = "its writer paused too long and another writer took it over";
    Error::records(
        format!("catalogue draft of retailer {} lost", draft.retailer),
        std::io::Error::other(cause),
    )
}

impl Transaction<'_> {
    /// Locks the row of a retailer, and inserts it if it is missing.
    pub(crate) async fn catalogue_lock(&mut self, retailer: &str) -> Result<Head, Error> {
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
        self.execute_later(make).await?;
        Head::from_row(&self.fetch_one(get()).await?)
    }

    /// Extends the writer's lease of a draft.
    async fn extend_lease(
        &mut self,
        draft: &CatalogueDraft,
        until: Timestamp,
    ) -> Result<(), Error> {
        let extend = query(
            "catalogue_draft_add",
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
