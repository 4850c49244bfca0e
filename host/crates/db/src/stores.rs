//! Stores, many at a time.

use crate::catalogue_rows::{TOGETHER, places, tuples};
use crate::statement::{Statement, statement};
use crate::transaction::Transaction;
use galleria_app::Error;
use galleria_domain::Store;
use sqlx::AssertSqlSafe;

pub(crate) async fn get(tx: &mut Transaction<'_>, ids: &[String]) -> Result<Vec<Store>, Error> {
    // Weaker than `FOR UPDATE`: an order that is placed refers to its store, and need not wait.
    let lock = match tx.locks() {
        true => " FOR NO KEY UPDATE",
        false => "",
    };
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(TOGETHER) {
        let sql = format!(
            "SELECT body FROM stores WHERE id IN ({}) ORDER BY id{lock}",
            places(1, some.len())
        );
        let get = statement("stores_get", AssertSqlSafe(sql));
        let get = some.iter().fold(get, |get, id| get.bind(&**id));
        for row in tx.all(get).await? {
            found.push(row.json("body")?);
        }
    }
    Ok(found)
}

pub(crate) async fn insert(tx: &mut Transaction<'_>, stores: &[Store]) -> Result<(), Error> {
    for some in stores.chunks(TOGETHER) {
        let put = put("stores_insert", some, "NOTHING");
        // A row that was not there cannot be locked: another may have put it since.
        if tx.execute(put).await? != some.len() as u64 {
            return Err(tx.overtaken("stores_insert"));
        }
    }
    Ok(())
}

pub(crate) async fn replace(tx: &mut Transaction<'_>, stores: &[Store]) -> Result<(), Error> {
    for some in stores.chunks(TOGETHER) {
        let put = put(
            "stores_replace",
            some,
            "UPDATE SET retailer = excluded.retailer, external_id = excluded.external_id,
                 body = excluded.body",
        );
        tx.execute(put).await?;
    }
    Ok(())
}

fn put<'q>(name: &'static str, stores: &'q [Store], where_there: &str) -> Statement<'q> {
    let sql = format!(
        "INSERT INTO stores (id, retailer, external_id, body) VALUES {}
         ON CONFLICT (id) DO {where_there}",
        tuples(1, stores.len(), 4)
    );
    let put = statement(name, AssertSqlSafe(sql));
    stores.iter().fold(put, |put, store| {
        put.bind(&*store.id)
            .bind(&*store.retailer)
            .bind(&*store.external_id)
            .json(store)
    })
}
