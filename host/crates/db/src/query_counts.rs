//! The number of queries and transactions of frequent requests. Tests only.

#[path = "../tests/it/no_plugins.rs"]
mod no_plugins;

use crate::{Db, DbConfig, query_log};
use async_trait::async_trait;
use galleria_app::access::{ApiKeyCheck, ApiKeyRequest, Subject};
use galleria_app::orders::NewOrder;
use galleria_app::tabular::{Format, ImportOptions, Watch};
use galleria_app::tax::TaxTableImport;
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_domain::tax::{TaxRow, TaxSettings};
use galleria_domain::{Digest, Store};
use galleria_ports::access::{Reach, Scope};
use galleria_ports::clock::SystemClock;
use galleria_ports::records::{Records, Work};
use galleria_ports::{Error, in_tx};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::MutexGuard;

/// Counts the transactions of a database.
struct Counted {
    db: Db,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

#[async_trait]
impl Records for Counted {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.db.write_work(work).await
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.db.read_work(work).await
    }

    async fn commit_number(&self) -> Option<i64> {
        self.db.commit_number().await
    }
}

struct Shop {
    app: App,
    records: Arc<Counted>,
    _folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The queries of a request, and the numbers of its reads and writes.
type Cost = (Vec<&'static str>, usize, usize);

impl Shop {
    async fn open() -> Self {
        let turn = query_log::turn().await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("records.db");
        let config = DbConfig::new(format!("sqlite://{}", path.display()));
        Db::migrate(&config).await.expect("migrated");
        let records = Arc::new(Counted {
            db: Db::open(&config).await.expect("open"),
            reads: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        });
        let plugins = Arc::new(no_plugins::NoPlugins);
        let clock = Arc::new(SystemClock);
        let app = App::new(records.clone(), plugins, clock, Policy::default());
        let store = shop_store("s");
        let database: &dyn Records = &records.db;
        let put = database.write(in_tx!(|tx, store| tx.store_put(&store).await));
        put.await.expect("a store");
        Self {
            app,
            records,
            _folder: folder,
            _turn: turn,
        }
    }

    async fn put_table(&self, rows: Value) {
        let rows: Vec<TaxRow> = serde_json::from_value(rows).expect("rows");
        let database: &dyn Records = &self.records.db;
        let put = database.write(in_tx!(|tx, rows| {
            tx.tax_table_change("s").await?;
            tx.tax_table_delete("s").await?;
            tx.tax_row_put_many("s", &rows).await
        }));
        put.await.expect("a table");
    }

    /// Places an order with one line, which has no taxes.
    async fn place(&self, id: &str) -> Cost {
        let order = json!({
            "id": id, "store_id": "s", "workstation": "w", "begun_at": "2026-11-24T10:00:00Z",
            "lines": [{
                "number": 1, "sku": "sku", "description": "a thing", "unit": "EA", "quantity": "1",
                "regular_price": "12.10", "unit_price": "12.10", "amount": 1210,
                "attributes": [{"name": "tax-code", "value": "STD"}],
            }],
        });
        let order: NewOrder = serde_json::from_value(order).expect("an order");
        let key = IdempotencyKey {
            key: id.into(),
            request: Digest::of(id.as_bytes()),
            as_sent: None,
        };
        query_log::take();
        let counts = [&self.records.reads, &self.records.writes];
        for count in counts {
            count.store(0, Ordering::Relaxed);
        }
        self.app.orders.place(key, order).await.expect("placed");
        let names = query_log::take().into_iter().map(|(name, _)| name);
        let [reads, writes] = counts.map(|count| count.load(Ordering::Relaxed));
        (names.collect(), reads, writes)
    }
}

fn shop_store(id: &str) -> Store {
    Store {
        id: id.into(),
        external_id: id.into(),
        retailer: "r".into(),
        store_type: "shop".into(),
        country: "ES".into(),
        currency: "EUR".into(),
        minor_digits: 2,
        zone: "UTC".into(),
        day_starts_minute: 0,
        cash_step: None,
        attributes: Vec::new(),
    }
}

fn cost(queries: &[&'static str], reads: usize, writes: usize) -> Cost {
    (queries.to_vec(), reads, writes)
}

#[tokio::test]
async fn an_order_of_a_store_without_taxes_is_one_transaction_of_three_queries() {
    let shop = Shop::open().await;
    let untaxed = cost(
        &["taxed_store_get", "order_insert", "saved_response_insert"],
        0,
        1,
    );
    assert_eq!(shop.place("o1").await, untaxed);
    assert_eq!(shop.place("o2").await, untaxed);

    let row = json!([{"tax_code": "STD", "tax_level": "VAT", "retailer_tax_level_id": "1",
        "tax_percent": "21.00"}]);
    shop.put_table(row).await;
    // The process learns from the first order that the store has taxes, and reads its table.
    let (_, reads, writes) = shop.place("o3").await;
    assert_eq!((reads, writes), (2, 2));
    let taxed = cost(
        &[
            "saved_response_get",
            "taxed_store_get",
            "store_get",
            "order_insert",
            "saved_response_insert",
        ],
        1,
        1,
    );
    assert_eq!(shop.place("o4").await, taxed);

    // A store that returns to no taxes. Its deleted table is a table without rows.
    shop.put_table(json!([])).await;
    assert_eq!(shop.place("o5").await.1, 2);
    assert_eq!(shop.place("o6").await, taxed);
    let order = shop.app.orders.order("o6").await.expect("stored");
    assert_eq!((order.net, order.tax_evaluation), (1210, None));
}

/// A request reads its key and its store only if something was committed since the request before.
#[tokio::test]
async fn an_evaluation_reads_only_after_a_commit() {
    let shop = Shop::open().await;
    let row = json!([{"tax_code": "STD", "tax_level": "VAT", "retailer_tax_level_id": "1",
        "tax_percent": "21.00"}]);
    shop.put_table(row).await;
    let request = ApiKeyRequest {
        name: "till".into(),
        scope: Scope::Till,
        reach: Reach::Some {
            retailers: ["r".to_owned()].into(),
            stores: [].into(),
        },
        actor: "ana".into(),
        reason: "a test".into(),
    };
    let key = shop.app.access.create_key(request).await.expect("a key");
    let basket = json!({"store_data": {"store_id": "s"},
        "items": [{"item_id": "1", "total_amount": "12.10", "tax_code": "STD"}]});
    let reads = async || {
        shop.records.reads.store(0, Ordering::Relaxed);
        let access = &shop.app.access;
        let checked = access.authenticate(&key.text).await.expect("checked");
        let ApiKeyCheck::Accepted(caller) = checked else {
            panic!("{checked:?}");
        };
        let reached = access.check_reach(&caller, Subject::Store("s".into()));
        reached.await.expect("in reach");
        let request = serde_json::from_value(basket.clone()).expect("a request");
        let evaluated = shop.app.taxes.evaluate(request).await.expect("taxes");
        assert_eq!(evaluated.response.total_tax.to_string(), "2.10");
        shop.records.reads.load(Ordering::Relaxed)
    };
    assert_eq!(reads().await, 4, "key, reach, store, table");
    assert_eq!(reads().await, 0);
    shop.place("o1").await;
    assert_eq!(reads().await, 3);
    assert_eq!(reads().await, 0);
}

/// The queries for 200,000 new rows of 1,000 stores are below 1,000, because they are for many stores.
#[tokio::test]
async fn the_queries_of_an_import_depend_on_its_rows_and_not_on_its_stores() {
    const ROWS: usize = 20;
    let shop = Shop::open().await;
    let ids: Vec<String> = (0..100).map(|number| format!("s{number:03}")).collect();
    let database: &dyn Records = &shop.records.db;
    let stores = ids.iter().map(|id| shop_store(id)).collect::<Vec<_>>();
    let put = database.write(in_tx!(|tx, stores| tx.store_insert_many(&stores).await));
    put.await.expect("stores");
    let import = async |rate: &str| {
        let mut file = "store_id,tax_code,tax_level,retailer_tax_level_id,tax_percent\n".to_owned();
        for id in &ids {
            for row in 0..ROWS {
                file += &format!("{id},C{row},VAT,1,{rate}\n");
            }
        }
        let request = TaxTableImport {
            store: None,
            format: Format::Csv,
            options: ImportOptions::default(),
            replace: false,
            reach: Reach::Everything,
            actor: "ana".into(),
            reason: "a test".into(),
        };
        let file = Box::new(std::io::Cursor::new(file.into_bytes()));
        shop.records.writes.store(0, Ordering::Relaxed);
        query_log::take();
        let imported = shop
            .app
            .taxes
            .import_table(request, file, None, Watch::default());
        let imported = imported.await.expect("imported").body;
        let writing = [
            "tax_table_lock_many",
            "tax_table_change_many",
            "tax_row_insert_many",
            "tax_row_put_many",
            "tax_row_delete_many",
            "operation_insert",
        ];
        let queries = query_log::take();
        let count = |name: &str| queries.iter().filter(|(query, _)| *query == name).count();
        assert_eq!(shop.records.writes.load(Ordering::Relaxed), 1);
        (imported, writing.map(count))
    };
    // 2,000 rows of 100 stores: 2 + 2 queries for the stores, 4 for the rows, 2 for the log.
    let (imported, queries) = import("20.00").await;
    assert!(imported.contains("\"added\":2000"), "{imported}");
    assert_eq!(queries, [2, 2, 4, 0, 0, 2]);
    // Changed rows are written by store, each store with two queries.
    let (imported, queries) = import("21.00").await;
    assert!(imported.contains("\"changed\":2000"), "{imported}");
    assert_eq!(queries, [2, 2, 0, 100, 100, 2]);
    let (_, queries) = import("21.00").await;
    assert_eq!(queries, [2, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn an_order_after_the_removal_of_tax_settings_is_one_transaction_again() {
    let shop = Shop::open().await;
    let (first, _, _) = shop.place("o1").await;
    let (taxes, settings) = (&shop.app.taxes, TaxSettings::default());
    let put = taxes.put_settings(None, "s", settings, "ana", "a test");
    put.await.expect("settings");
    let deleted = taxes.delete_settings(None, "s", "ana", "a test").await;
    deleted.expect("deleted");
    let (after, reads, writes) = shop.place("o2").await;
    assert_eq!((after, reads, writes), (first, 0, 1));
}
