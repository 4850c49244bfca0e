//! Records that are read again only after a commit.

use crate::core::Core;
use galleria_ports::Error;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The most records of a cache.
const RECORDS: usize = 2_000;

/// The last read records by their ids.
///
/// Each use reads the commit number of the database, so that a record is never older than the last acknowledged change
/// by any process. Where the database has no such number, each use reads the record.
pub(crate) struct ReadCache<V>(Cache<String, (i64, Arc<V>)>);

impl<V> Default for ReadCache<V> {
    fn default() -> Self {
        Self(Cache::new(RECORDS))
    }
}

impl<V> ReadCache<V> {
    /// The record with an id. `read` reads it; a record that does not exist is read each time.
    pub async fn get(
        &self,
        core: &Core,
        id: &str,
        read: impl Future<Output = Result<Option<V>, Error>>,
    ) -> Result<Option<Arc<V>>, Error> {
        // Before the record: a commit in between gives the next use another number.
        let number = core.records.commit_number().await;
        if let (Some(number), Some((at, record))) = (number, self.0.get(id))
            && at == number
        {
            return Ok(Some(record));
        }
        let record = read.await?.map(Arc::new);
        if let (Some(number), Some(record)) = (number, &record) {
            self.0.insert(id.to_owned(), (number, Arc::clone(record)));
        }
        Ok(record)
    }
}
