//! Round trips to PostgreSQL, counted by a proxy: no test of a connection before its use, BEGIN travels with the
//! first query, and queries whose answers contain nothing useful with the next one or with COMMIT.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_db::DbConfig;
use galleria_ports::Error;
use galleria_test_database::Proxy;
use galleria_test_postgres::database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_transaction_takes_few_round_trips() {
    let url = database();
    let config = DbConfig::new(url.clone());
    galleria_db::Db::migrate(&config).await.expect("migrated");
    let (proxy, url) = Proxy::before(&url).await;
    let config = DbConfig {
        read_connections: 1,
        write_connections: 1,
        ..DbConfig::new(url)
    };
    let stage = Stage::open(config, None).await;
    let store = rows::store("s", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let read_one = async |_| {
        let read = stage.records();
        let read = read.read_one(galleria_ports::in_tx!(|tx| tx.position_get("g").await));
        read.await.map(drop)
    };
    let read = async |_| {
        let read = read_tx!(stage, [], |tx| {
            tx.position_get("g").await?;
            tx.position_get("h").await
        });
        read.map(drop)
    };
    let write_one = async |number| {
        let write = stage.records();
        let write = write.write_one(galleria_ports::in_tx!(|tx| {
            tx.number_next("a", "entry").await
        }));
        assert_eq!(write.await?, u64::try_from(number + 1).expect("a number"));
        Ok(())
    };
    let insert = async |number| {
        let order = rows::bare_order(&format!("o{number}"), "s");
        write_tx!(stage, [order], |tx| {
            tx.order_insert(&order).await?;
            tx.position_set("g", number).await
        })
    };
    let mixed = async |number| {
        let id = format!("b{number}");
        write_tx!(stage, [id], |tx| {
            tx.position_get("g").await?;
            tx.position_set("h", number).await?;
            tx.blob_put_many(&[(&id, "body")], at(1)).await?;
            tx.blob_get(&id).await.map(drop)
        })
    };
    // The query alone.
    assert_eq!(trips(&proxy, read_one).await, 10);
    // BEGIN, the query and COMMIT in one packet.
    assert_eq!(trips(&proxy, write_one).await, 10);
    // Two queries. ROLLBACK may travel with the next transaction.
    assert!(trips(&proxy, read).await <= 30);
    // All in one packet.
    assert_eq!(trips(&proxy, insert).await, 10);
    // BEGIN and the first query; two writes and the second query; COMMIT.
    assert_eq!(trips(&proxy, mixed).await, 30);
    stage.db.close().await.expect("closed");
}

/// The round trips of ten runs, after one that prepares the queries.
async fn trips(proxy: &Proxy, work: impl AsyncFn(i64) -> Result<(), Error>) -> u64 {
    work(0).await.expect("done");
    let before = proxy.round_trips();
    for number in 1..=10 {
        work(number).await.expect("done");
    }
    proxy.round_trips() - before
}
