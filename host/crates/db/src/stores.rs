//! Queries over many stores at a time.

use crate::placeholders::{self, CHUNK};
use crate::query::{Query, query};
use crate::transaction::Transaction;
use galleria_domain::Store;
use galleria_ports::Error;

pub(crate) async fn get(tx: &mut Transaction<'_>, ids: &[String]) -> Result<Vec<Store>, Error> {
    // Weaker than `FOR UPDATE`: placing an order only refers to its store and must not wait.
    let lock = match tx.locks() {
        true => " FOR NO KEY UPDATE",
        false => "",
    };
    let mut stores = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let sql = format!(
            "SELECT body FROM stores WHERE id IN ({}) ORDER BY id{lock}",
            placeholders::list(1, chunk.len())
        );
        let get = query("store_get_many", sql);
        let get = chunk.iter().fold(get, |get, id| get.bind(&**id));
        for row in tx.fetch_all(get).await? {
            stores.push(row.json("body")?);
        }
    }
    Ok(stores)
}

pub(crate) async fn insert(tx: &mut Transaction<'_>, stores: &[Store]) -> Result<(), Error> {
    for chunk in stores.chunks(CHUNK) {
        let put = put("store_insert_many", chunk, "NOTHING");
        // A missing row cannot be locked, so another transaction may have inserted it since.
        if tx.execute(put).await? != chunk.len() as u64 {
            return Err(tx.conflict("stores_insert"));
        }
    }
    Ok(())
}

pub(crate) async fn replace(tx: &mut Transaction<'_>, stores: &[Store]) -> Result<(), Error> {
    for chunk in stores.chunks(CHUNK) {
        let put = put(
            "store_replace_many",
            chunk,
            "UPDATE SET retailer = excluded.retailer, external_id = excluded.external_id,
                 body = excluded.body",
        );
        tx.execute_later(put).await?;
    }
    Ok(())
}

fn put<'q>(name: &'static str, stores: &'q [Store], on_conflict: &str) -> Query<'q> {
    let sql = format!(
        "INSERT INTO stores (id, retailer, external_id, body) VALUES {}
         ON CONFLICT (id) DO {on_conflict}",
        placeholders::tuples(1, stores.len(), 4)
    );
    let put = query(name, sql);
    stores.iter().fold(put, |put, store| {
        put.bind(&*store.id)
            .bind(&*store.retailer)
            .bind(&*store.external_id)
            .bind_json(store)
    })
}
