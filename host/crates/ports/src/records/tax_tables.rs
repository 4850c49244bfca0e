//! Tax tables and tax settings of stores.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::Store;
use galleria_domain::tax::{TaxRow, TaxRowKey, TaxSettings};
use std::collections::BTreeMap;

/// The tax settings of a store, and the versions of its table and its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxStore {
    /// `None` if the store has none: the defaults apply.
    pub settings: Option<TaxSettings>,
    /// It changes with each change of the table.
    pub table_version: i64,
    /// It changes with each change of the settings.
    pub settings_version: i64,
}

impl TaxStore {
    /// Whether the store has neither settings nor a tax table.
    pub fn is_unused(&self) -> bool {
        self.settings.is_none() && self.table_version == 0
    }
}

/// Records of tax tables. A store is not checked.
#[async_trait]
pub trait TaxTables: Send {
    /// The settings of a store.
    async fn tax_store_get(&mut self, store: &str) -> Result<TaxStore, Error>;
    /// A store with its settings, in one query.
    async fn taxed_store_get(&mut self, store: &str) -> Result<Option<(Store, TaxStore)>, Error>;
    /// Removes the settings of a store. If it had some, it gets a new version.
    async fn tax_settings_delete(&mut self, store: &str) -> Result<(), Error>;
    /// Replaces the settings of a store. Other settings than before get a new version.
    async fn tax_settings_put(&mut self, store: &str, settings: &TaxSettings) -> Result<(), Error>;
    /// Locks the tables of stores until the end of the transaction, and returns their versions by store. Sort the
    /// stores, so that two transactions never deadlock.
    async fn tax_table_lock_many(
        &mut self,
        stores: &[&str],
    ) -> Result<BTreeMap<String, i64>, Error>;
    /// The settings of stores by store, without stores that have none.
    async fn tax_settings_list(
        &mut self,
        stores: &[String],
    ) -> Result<BTreeMap<String, TaxSettings>, Error>;
    /// Gives the table of a store a new version, and locks the table until the end of the transaction. Call it before
    /// the table is changed.
    async fn tax_table_change(&mut self, store: &str) -> Result<(), Error> {
        self.tax_table_change_many(&[store]).await
    }
    /// The same for many stores. Sort them.
    async fn tax_table_change_many(&mut self, stores: &[&str]) -> Result<(), Error>;
    /// Rows of a store's table after a key, sorted by key.
    async fn tax_row_list(
        &mut self,
        store: &str,
        after: Option<&TaxRowKey>,
        limit: u32,
    ) -> Result<Vec<TaxRow>, Error>;
    /// Inserts rows of tables, each with its store, whose keys are new.
    async fn tax_row_insert_many(&mut self, rows: &[(&str, &TaxRow)]) -> Result<(), Error>;
    /// Inserts or replaces rows of a store's table by key.
    async fn tax_row_put_many(&mut self, store: &str, rows: &[TaxRow]) -> Result<(), Error>;
    /// Removes rows of a store's table.
    async fn tax_row_delete_many(&mut self, store: &str, keys: &[TaxRowKey]) -> Result<(), Error>;
    /// Removes the table of a store, and returns the number of its rows.
    async fn tax_table_delete(&mut self, store: &str) -> Result<u64, Error>;
}
