//! Round trips to PostgreSQL, counted by a proxy: no test of a connection before its use, BEGIN travels with the
//! first query, and queries whose answers contain nothing useful do not wait.

use crate::proxy::Proxy;
use crate::rows::at;
use crate::stage::Stage;
use galleria_db::DbConfig;
use galleria_test_postgres::database;

/// On one thread, so that the client sends together what it has at once.
#[tokio::test]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_transaction_takes_few_round_trips() {
    let url = database();
    let config = DbConfig::new(url.clone());
    galleria_db::Db::migrate(&config).await.expect("migrated");
    let (_, address) = url.split_once("127.0.0.1:").expect("a local server");
    let (port, _) = address.split_once('/').expect("a database");
    let proxy = Proxy::start(port.parse().expect("a port")).await;
    let url = url.replace(port, &proxy.port.to_string());
    let config = DbConfig {
        read_connections: 1,
        write_connections: 1,
        ..DbConfig::new(url)
    };
    let stage = Stage::open(config, None).await;
    let read = async || read_tx!(stage, [], |tx| tx.position_get("g").await).expect("read");
    let write = async |id: String| {
        write_tx!(stage, [id], |tx| {
            tx.position_get("g").await?;
            tx.position_set("g", 1).await?;
            tx.blob_put_many(&[(&id, "body")], at(1)).await?;
            tx.blob_get(&id).await.map(drop)
        })
        .expect("written");
    };
    // Prepare the queries.
    read().await;
    write("warm".into()).await;

    let before = proxy.round_trips();
    for _ in 0..10 {
        read().await;
    }
    let reads = proxy.round_trips() - before;
    // BEGIN and the query; ROLLBACK may travel alone.
    assert!(reads <= 30, "{reads} round trips for 10 reads");

    let before = proxy.round_trips();
    for number in 0..10 {
        write(format!("b{number}")).await;
    }
    let writes = proxy.round_trips() - before;
    // BEGIN and the first query; two writes and the second query; COMMIT. A busy machine may send some
    // parts alone.
    assert!(writes <= 40, "{writes} round trips for 10 writes");
    stage.db.close().await.expect("closed");
}
