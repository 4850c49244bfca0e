//! The result of an import.

use super::changes::Changes;
use galleria_domain::tax::TaxRow;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;

/// The maximum number of listed changes.
const MAX_LISTED: usize = 100;

/// The result of an import of tax tables, or of its dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxTableImported {
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// Rows of the file, without the header.
    pub rows: u64,
    /// Stores of the file.
    pub stores: u64,
    /// New rows.
    pub added: u64,
    /// Changed rows.
    pub changed: u64,
    /// Removed rows.
    pub removed: u64,
    /// Rows of the file that the table has already.
    pub unchanged: u64,
    /// The first 100 differences: changed rows, then removed ones, then added ones.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub changes: Vec<TaxRowChange>,
}

/// A difference between a table and a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxRowChange {
    /// The store.
    pub store_id: String,
    /// The row before; null if it is added.
    pub before: Option<TaxRow>,
    /// The row after; null if it is removed.
    pub after: Option<TaxRow>,
}

impl TaxTableImported {
    /// Sums the changes of stores.
    pub(super) fn new<C: Borrow<Changes>>(dry_run: bool, rows: u64, stores: &[(&str, C)]) -> Self {
        let mut sum = Self {
            dry_run,
            rows,
            stores: stores.len() as u64,
            ..Self::default()
        };
        let all = || {
            stores
                .iter()
                .map(|(store, changes)| (*store, changes.borrow()))
        };
        for (_, changes) in all() {
            sum.added += changes.added.len() as u64;
            sum.changed += changes.changed.len() as u64;
            sum.removed += changes.removed.len() as u64;
            sum.unchanged += changes.unchanged;
        }
        let change = |store: &str, before: Option<&TaxRow>, after: Option<&TaxRow>| TaxRowChange {
            store_id: store.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        };
        let changed = all().flat_map(|(store, changes)| {
            let rows = changes.changed.iter();
            rows.map(move |(before, after)| change(store, Some(before), Some(after)))
        });
        let removed = all().flat_map(|(store, changes)| {
            changes
                .removed
                .iter()
                .map(move |row| change(store, Some(row), None))
        });
        let added = all().flat_map(|(store, changes)| {
            changes
                .added
                .iter()
                .map(move |row| change(store, None, Some(row)))
        });
        sum.changes = changed
            .chain(removed)
            .chain(added)
            .take(MAX_LISTED)
            .collect();
        sum
    }
}
