//! What one paid order costs alone: an order of five lines and its payment in a shift, until its file is delivered. It has
//! one document and one publication.
//!
//! Orders follow each other one at a time. The server also synchronises files on its own account, so each count is the
//! lowest of all orders: what every order needs.

mod index_entries;
mod queries;
mod shop;
mod syncs;

use galleria_db::DbConfig;
use galleria_test_database::{Proxy, TestDatabase};
use shop::Shop;
use std::collections::BTreeMap;
use syncs::Syncs;
use tokio::sync::Mutex;

/// Orders before counting, so that connections are open, and statements and settings are known.
const WARM_UP: usize = 3;
const COUNTED: usize = 10;

/// A commit that does not wait for the disk is written with the next one that does.
const SETTINGS: [&str; 2] = ["fsync=on", "wal_writer_delay=10s"];

/// The tests count in one process.
static TURN: Mutex<()> = Mutex::const_new(());

/// The most entries that an order may add to the indexes of PostgreSQL.
const INDEX_ENTRIES: usize = 83;

struct Limits {
    statements: usize,
    round_trips: u64,
    syncs: usize,
}

/// Counts, and compares with the limits.
async fn count(shop: &mut Shop, proxy: Option<&Proxy>, server: Option<u32>, limits: Limits) {
    for _ in 0..WARM_UP {
        shop.sell().await;
    }
    let (mut names, mut trips) = (None::<BTreeMap<String, usize>>, u64::MAX);
    for _ in 0..COUNTED {
        let (before, trips_before) = (queries::counts(), proxy.map_or(0, Proxy::round_trips));
        shop.sell().await;
        trips = trips.min(proxy.map_or(0, Proxy::round_trips) - trips_before);
        let mut counted = queries::counts();
        counted.retain(|name, count| {
            *count -= before.get(name).copied().unwrap_or_default();
            if let Some(names) = &names {
                *count = names.get(name).copied().unwrap_or_default().min(*count);
            }
            *count > 0
        });
        names = Some(counted);
    }
    let names = names.expect("counted");
    let statements: usize = names.values().sum();
    let mut syncs = Vec::new();
    for _ in 0..COUNTED {
        let mut processes = vec![std::process::id()];
        processes.extend(server.into_iter().flat_map(with_children));
        let counting = Syncs::count(&processes);
        shop.sell().await;
        syncs.push(counting.finish());
    }
    syncs.sort_by_key(Vec::len);
    let syncs = &syncs[0];
    let list: String = names
        .iter()
        .map(|(name, count)| format!("\n{count:4} {name}"))
        .collect();
    assert!(
        statements <= limits.statements
            && trips <= limits.round_trips
            && syncs.len() <= limits.syncs,
        "a paid order needs {statements} statements, {trips} round trips, {} synchronisations:{list}\n{syncs:#?}",
        syncs.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_paid_order_alone_on_sqlite() {
    let _turn = TURN.lock().await;
    queries::begin();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/records.db", folder.path().display());
    let mut shop = Shop::open(&DbConfig::new(url)).await;
    let limits = Limits {
        statements: 32,
        round_trips: 0,
        // Order, payment, effects, lease, preparation and delivery; the file, and its folder twice.
        syncs: 9,
    };
    count(&mut shop, None, None, limits).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn one_paid_order_alone_on_postgresql() {
    let _turn = TURN.lock().await;
    queries::begin();
    let server = galleria_test_postgres::server(&SETTINGS);
    server.wait().expect("an answer");
    let (proxy, url) = Proxy::before(&server.url()).await;
    let mut shop = Shop::open(&DbConfig::new(url)).await;
    let limits = Limits {
        statements: 30,
        round_trips: 20,
        // Order, payment, effects and preparation; the file, and its folder twice.
        syncs: 7,
    };
    let main = main_process(&server.url()).await;
    count(&mut shop, Some(&proxy), Some(main), limits).await;
    let before = index_entries::of_tables(&server.url()).await;
    for _ in 0..COUNTED {
        shop.sell().await;
    }
    let after = index_entries::of_tables(&server.url()).await;
    index_entries::check(&before, &after, COUNTED, INDEX_ENTRIES);
}

/// The process of a server that started all others.
async fn main_process(url: &str) -> u32 {
    let mut database = TestDatabase::connect(url).await;
    let backend = database.integers("SELECT pg_backend_pid()").await[0];
    let stat = std::fs::read_to_string(format!("/proc/{backend}/stat")).expect("a process");
    let after = stat.rsplit_once(')').expect("a name").1;
    let main = after.split_whitespace().nth(1).expect("a parent");
    main.parse().expect("a process")
}

fn with_children(main: u32) -> Vec<u32> {
    let path = format!("/proc/{main}/task/{main}/children");
    let children = std::fs::read_to_string(path).expect("children");
    let children = children
        .split_whitespace()
        .map(|id| id.parse().expect("a process"));
    std::iter::once(main).chain(children).collect()
}
