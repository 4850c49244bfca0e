//! Tax tables and tax settings of stores.
//!
//! A row that the platform's table can express is in `tax_level`, every other row is in `tax_rules`.

use crate::placeholders::{self, CHUNK};
use crate::query::{Row, query};
use crate::transaction::Transaction;
use async_trait::async_trait;
use galleria_domain::tax::{TaxKind, TaxRow, TaxRowKey, TaxSettings};
use galleria_domain::{Decimal, Store};
use galleria_ports::Error;
use galleria_ports::records::{TaxStore, TaxTables};
use std::collections::BTreeMap;

/// The most rows of tax tables in one query: 200,000 rows are written in one transaction. Five parameters each stay
/// below the 32,766 of SQLite.
const ROWS: usize = 512;

#[async_trait]
impl TaxTables for Transaction<'_> {
    async fn tax_store_get(&mut self, store: &str) -> Result<TaxStore, Error> {
        let get = query(
            "tax_store_get",
            "SELECT settings, table_version, settings_version FROM tax_stores WHERE store_id = $1",
        );
        let found = self.fetch_optional_as(get.bind(store), tax_store).await?;
        Ok(found.unwrap_or_default())
    }

    async fn taxed_store_get(&mut self, store: &str) -> Result<Option<(Store, TaxStore)>, Error> {
        let get = query(
            "taxed_store_get",
            "SELECT s.body, t.settings, COALESCE(t.table_version, 0) AS table_version,
                 COALESCE(t.settings_version, 0) AS settings_version
             FROM stores s LEFT JOIN tax_stores t ON t.store_id = s.id WHERE s.id = $1",
        );
        let row = |row: &Row| Ok((row.json("body")?, tax_store(row)?));
        self.fetch_optional_as(get.bind(store), row).await
    }

    async fn tax_settings_delete(&mut self, store: &str) -> Result<(), Error> {
        let delete = query(
            "tax_settings_delete",
            "UPDATE tax_stores SET settings = NULL, settings_version = settings_version + 1
             WHERE store_id = $1 AND settings IS NOT NULL",
        );
        self.execute_later(delete.bind(store)).await
    }

    async fn tax_settings_put(&mut self, store: &str, settings: &TaxSettings) -> Result<(), Error> {
        let put = query(
            "tax_settings_put",
            "INSERT INTO tax_stores (store_id, settings, table_version, settings_version)
             VALUES ($1, $2, 0, 1)
             ON CONFLICT (store_id) DO UPDATE SET settings = excluded.settings,
                 settings_version = tax_stores.settings_version
                     + CASE WHEN tax_stores.settings = excluded.settings THEN 0 ELSE 1 END",
        )
        .bind(store)
        .bind_json(settings);
        self.execute_later(put).await
    }

    async fn tax_table_lock_many(
        &mut self,
        stores: &[&str],
    ) -> Result<BTreeMap<String, i64>, Error> {
        // On PostgreSQL the update locks the row; a table without a version gets one.
        let versions = self.touch(stores, "tax_table_lock_many", 0, "tax_stores.table_version");
        versions.await
    }

    async fn tax_settings_list(
        &mut self,
        stores: &[String],
    ) -> Result<BTreeMap<String, TaxSettings>, Error> {
        let mut all = BTreeMap::new();
        for chunk in stores.chunks(CHUNK) {
            let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
            let sql = format!(
                "SELECT store_id, settings FROM tax_stores
                 WHERE store_id IN ({}) AND settings IS NOT NULL",
                placeholders::padded_list(1, ids.len())
            );
            let list = query("tax_settings_list", sql);
            let list = placeholders::bind_padded(list, &ids);
            let row = |row: &Row| Ok((row.text("store_id")?, row.json("settings")?));
            all.extend(self.fetch_all_as(list, row).await?);
        }
        Ok(all)
    }

    async fn tax_table_change_many(&mut self, stores: &[&str]) -> Result<(), Error> {
        let version = "tax_stores.table_version + 1";
        let changed = self.touch(stores, "tax_table_change_many", 1, version);
        changed.await.map(drop)
    }

    async fn tax_row_list(
        &mut self,
        store: &str,
        after: Option<&TaxRowKey>,
        limit: u32,
    ) -> Result<Vec<TaxRow>, Error> {
        let (code, id, date) = after.map_or_else(Default::default, |(code, id, date)| {
            let date = date.map(|date| date.to_string());
            (code.clone(), id.clone(), date.unwrap_or_default())
        });
        // No code is empty, so the empty key precedes all rows.
        let plain = query(
            "tax_row_list",
            "SELECT tax_code, tax_level, retailer_tax_level_id, CAST(tax_percent AS TEXT) AS tax_percent
             FROM tax_level
             WHERE store_id = $1 AND (tax_code, retailer_tax_level_id) > ($2, $3)
             ORDER BY tax_code, retailer_tax_level_id LIMIT $4",
        )
        .bind(store)
        .bind(&*code)
        .bind(&*id)
        .bind(i64::from(limit));
        let mut rows = self.fetch_all_as(plain, plain_row).await?;
        let rules = query(
            "tax_row_list",
            "SELECT body FROM tax_rules
             WHERE store_id = $1 AND (tax_code, retailer_tax_level_id, valid_from) > ($2, $3, $4)
             ORDER BY tax_code, retailer_tax_level_id, valid_from LIMIT $5",
        )
        .bind(store)
        .bind(&*code)
        .bind(&*id)
        .bind(&*date)
        .bind(i64::from(limit));
        rows.extend(self.fetch_all_as(rules, |row| row.json("body")).await?);
        rows.sort_by_cached_key(TaxRow::key);
        rows.truncate(limit as usize);
        Ok(rows)
    }

    async fn tax_row_insert_many(&mut self, rows: &[(&str, &TaxRow)]) -> Result<(), Error> {
        let (plain, rules) = parts(rows.iter().copied());
        self.write_plain("tax_row_insert_many", &plain, "").await?;
        self.write_rules("tax_row_insert_many", &rules, "").await
    }

    async fn tax_row_put_many(&mut self, store: &str, rows: &[TaxRow]) -> Result<(), Error> {
        let (plain, rules) = parts(rows.iter().map(|row| (store, row)));
        let keys = |rows: &[(&str, &TaxRow)]| {
            let keys = rows.iter().map(|(_, row)| row.key());
            keys.collect::<Vec<_>>()
        };
        self.delete_rules(store, &keys(&plain)).await?;
        self.delete_plain(store, &keys(&rules)).await?;
        let update = "ON CONFLICT (store_id, tax_code, retailer_tax_level_id)
                      DO UPDATE SET tax_level = excluded.tax_level, tax_percent = excluded.tax_percent";
        self.write_plain("tax_row_put_many", &plain, update).await?;
        let update = "ON CONFLICT (store_id, tax_code, retailer_tax_level_id, valid_from)
                      DO UPDATE SET body = excluded.body";
        self.write_rules("tax_row_put_many", &rules, update).await
    }

    async fn tax_row_delete_many(&mut self, store: &str, keys: &[TaxRowKey]) -> Result<(), Error> {
        self.delete_rules(store, keys).await?;
        self.delete_plain(store, keys).await
    }

    async fn tax_table_delete(&mut self, store: &str) -> Result<u64, Error> {
        let plain = query(
            "tax_table_delete",
            "DELETE FROM tax_level WHERE store_id = $1",
        );
        let rules = query(
            "tax_table_delete",
            "DELETE FROM tax_rules WHERE store_id = $1",
        );
        let plain = self.execute(plain.bind(store)).await?;
        Ok(plain + self.execute(rules.bind(store)).await?)
    }
}

impl Transaction<'_> {
    /// Inserts the stores that have no version, with the version `new`, or gives them the `version`. Returns the
    /// versions.
    async fn touch(
        &mut self,
        stores: &[&str],
        name: &'static str,
        new: i64,
        version: &str,
    ) -> Result<BTreeMap<String, i64>, Error> {
        let mut versions = BTreeMap::new();
        for chunk in stores.chunks(CHUNK) {
            let values = (1..=chunk.len()).map(|number| format!("(${number}, {new})"));
            let sql = format!(
                "INSERT INTO tax_stores (store_id, table_version) VALUES {}
                 ON CONFLICT (store_id) DO UPDATE SET table_version = {version}
                 RETURNING store_id, table_version",
                values.collect::<Vec<_>>().join(", ")
            );
            let touch = query(name, sql);
            let touch = chunk.iter().fold(touch, |touch, store| touch.bind(*store));
            let row = |row: &Row| Ok((row.text("store_id")?, row.int("table_version")?));
            versions.extend(self.fetch_all_as(touch, row).await?);
        }
        Ok(versions)
    }

    async fn write_plain(
        &mut self,
        name: &'static str,
        rows: &[(&str, &TaxRow)],
        on_conflict: &str,
    ) -> Result<(), Error> {
        for chunk in rows.chunks(ROWS) {
            let values = (0..chunk.len()).map(|row| {
                let first = row * 5 + 1;
                let texts = placeholders::list(first, 4);
                format!("({texts}, CAST(${} AS NUMERIC(13, 2)))", first + 4)
            });
            let sql = format!(
                "INSERT INTO tax_level (store_id, tax_code, tax_level, retailer_tax_level_id,
                     tax_percent) VALUES {} {on_conflict}",
                values.collect::<Vec<_>>().join(", ")
            );
            let write = chunk.iter().fold(query(name, sql), |write, (store, row)| {
                write
                    .bind(*store)
                    .bind(&*row.tax_code)
                    .bind(&*row.tax_level)
                    .bind(&*row.retailer_tax_level_id)
                    .bind(row.tax_percent.to_string())
            });
            self.execute_later(write).await?;
        }
        Ok(())
    }

    async fn write_rules(
        &mut self,
        name: &'static str,
        rows: &[(&str, &TaxRow)],
        on_conflict: &str,
    ) -> Result<(), Error> {
        for chunk in rows.chunks(ROWS) {
            let sql = format!(
                "INSERT INTO tax_rules (store_id, tax_code, retailer_tax_level_id, valid_from, body)
                 VALUES {} {on_conflict}",
                placeholders::tuples(1, chunk.len(), 5)
            );
            let write = chunk.iter().fold(query(name, sql), |write, (store, row)| {
                write
                    .bind(*store)
                    .bind(&*row.tax_code)
                    .bind(&*row.retailer_tax_level_id)
                    .bind(date_text(row.valid_from))
                    .bind_json(*row)
            });
            self.execute_later(write).await?;
        }
        Ok(())
    }

    async fn delete_plain(&mut self, store: &str, keys: &[TaxRowKey]) -> Result<(), Error> {
        let keys: Vec<_> = keys.iter().filter(|(_, _, date)| date.is_none()).collect();
        for chunk in keys.chunks(ROWS) {
            let sql = format!(
                "DELETE FROM tax_level
                 WHERE store_id = $1 AND (tax_code, retailer_tax_level_id) IN (VALUES {})",
                placeholders::tuples(2, chunk.len(), 2)
            );
            let delete = query("tax_row_delete_many", sql).bind(store);
            let delete = chunk.iter().fold(delete, |delete, (code, id, _)| {
                delete.bind(&**code).bind(&**id)
            });
            self.execute_later(delete).await?;
        }
        Ok(())
    }

    async fn delete_rules(&mut self, store: &str, keys: &[TaxRowKey]) -> Result<(), Error> {
        for chunk in keys.chunks(ROWS) {
            let sql = format!(
                "DELETE FROM tax_rules
                 WHERE store_id = $1 AND (tax_code, retailer_tax_level_id, valid_from) IN (VALUES {})",
                placeholders::tuples(2, chunk.len(), 3)
            );
            let delete = query("tax_row_delete_many", sql).bind(store);
            let delete = chunk.iter().fold(delete, |delete, (code, id, date)| {
                delete.bind(&**code).bind(&**id).bind(date_text(*date))
            });
            self.execute_later(delete).await?;
        }
        Ok(())
    }
}

/// Rows with their stores.
type StoreRows<'r> = Vec<(&'r str, &'r TaxRow)>;

/// The rows of `tax_level` and those of `tax_rules`.
fn parts<'r>(rows: impl Iterator<Item = (&'r str, &'r TaxRow)>) -> (StoreRows<'r>, StoreRows<'r>) {
    rows.partition(|(_, row)| row.is_plain())
}

fn date_text(date: Option<jiff::civil::Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// The digits after the point of `tax_percent`.
const PERCENT_SCALE: u8 = 2;

/// Reads a rate with all its digits: SQLite omits zeros at the end.
fn percent(text: &str) -> Result<Decimal, Error> {
    let read: Result<Decimal, _> = text.parse();
    let read = read
        .map_err(|error| Error::records(format!("tax_row_list: reading the rate {text}"), error))?;
    let missing = PERCENT_SCALE.saturating_sub(read.scale);
    Ok(Decimal {
        unscaled: read.unscaled * 10_i64.pow(missing.into()),
        scale: read.scale + missing,
    })
}

fn tax_store(row: &Row) -> Result<TaxStore, Error> {
    Ok(TaxStore {
        settings: row.opt_json("settings")?,
        table_version: row.int("table_version")?,
        settings_version: row.int("settings_version")?,
    })
}

fn plain_row(row: &Row) -> Result<TaxRow, Error> {
    Ok(TaxRow {
        tax_code: row.text("tax_code")?,
        tax_level: row.text("tax_level")?,
        retailer_tax_level_id: row.text("retailer_tax_level_id")?,
        tax_percent: percent(&row.text("tax_percent")?)?,
        authority: String::new(),
        kind: TaxKind::Percent,
        treatment: None,
        affects_later_taxes: false,
        ignores_earlier_taxes: false,
        position: 0,
        valid_from: None,
    })
}
