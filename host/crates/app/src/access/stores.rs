//! The stores that a caller may list, create and replace.

use crate::access::Access;
use crate::stores::NewStore;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use galleria_ports::in_tx;
use galleria_ports::records::Tx;

impl Access {
    /// Stores in the caller's reach after `after`, in the order of their ids.
    pub async fn stores_within(
        &self,
        caller: &Caller,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Store>, Error> {
        let (reach, after) = (caller.reach.clone(), after.to_owned());
        self.core
            .records
            .read(in_tx!(
                |tx, reach, after| within(tx, &reach, &after, limit).await
            ))
            .await
    }

    /// Returns `NotFound` unless the caller may put the store: an existing store must be in reach,
    /// and the retailer of a new one.
    pub async fn check_put_store(
        &self,
        caller: &Caller,
        id: &str,
        new: &NewStore,
    ) -> Result<(), Error> {
        if caller.reach == Reach::Everything || id.contains('\0') {
            return Ok(());
        }
        let requested_id = id.to_owned();
        let there = self.core.records.read(in_tx!(|tx, requested_id| {
            let id = requested_id;
            tx.store_get(&id).await
        }));
        match there.await? {
            there if may_put(&caller.reach, there.as_ref(), &new.retailer) => Ok(()),
            _ => Err(Error::NotFound {
                what: "store",
                id: id.to_owned(),
            }),
        }
    }
}

/// Whether a store may be put: an existing store must be in reach, or the retailer of a new one.
pub(crate) fn may_put(reach: &Reach, there: Option<&Store>, retailer: &str) -> bool {
    match there {
        Some(store) => reach.has_store(store),
        None => reach.has_retailer(retailer),
    }
}

/// Merges a page of each retailer with the single stores. Each has its index.
async fn within(
    tx: &mut dyn Tx,
    reach: &Reach,
    after: &str,
    limit: u32,
) -> Result<Vec<Store>, Error> {
    let Reach::Some { retailers, stores } = reach else {
        return tx.store_list(None, after, limit).await;
    };
    let mut found = Vec::new();
    for retailer in retailers {
        found.append(&mut tx.store_list(Some(retailer), after, limit).await?);
    }
    let mut single = Vec::new();
    for id in stores.iter().filter(|id| id.as_str() > after) {
        // A token may name stores that do not exist.
        single.extend(tx.store_get(id).await?);
        if single.len() == limit as usize {
            break;
        }
    }
    found.append(&mut single);
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    found.truncate(limit as usize);
    Ok(found)
}
