//! The host and its database server are killed repeatedly during a day. The result equals that of a day
//! without kills, byte for byte.

use crate::host::{Database, Host, staged};
use crate::sample_days::{self, Day};
use galleria_db::Db;
use galleria_domain::event::topic;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::time::Duration;

const KILLS: usize = 20;

/// The result of a day, in a form for comparing two days.
#[derive(Debug, PartialEq)]
struct Left {
    files: BTreeMap<String, Vec<u8>>,
    /// Publications by event id, with their data.
    publications: BTreeMap<String, String>,
    /// How often each event was decided, by event and subscriber.
    applied: BTreeMap<(String, String), usize>,
}

async fn left(host: &Host, day: &Day) -> Left {
    let db = Db::open(&host.database()).await.expect("the database");
    let records: &dyn Records = &db;
    let (topics, orders) = (topics(), orders(day));
    let (publications, applied) = records
        .read(in_tx!(|tx, topics, orders| {
            let (mut publications, mut applied) = (BTreeMap::new(), BTreeMap::new());
            for event in tx.event_list(&topics, 0, 100_000).await? {
                let known = publications.insert(event.id, event.data.to_string());
                assert!(known.is_none(), "two events of one id");
            }
            for order in orders {
                for row in tx.journal_list_by_order(&order).await? {
                    if row.outcome == "host_failed" {
                        // The database was killed during a commit: the host decides again.
                        continue;
                    }
                    assert_eq!(row.outcome, "applied", "{row:?}");
                    *applied.entry((row.event_id, row.subscriber)).or_default() += 1;
                }
            }
            Ok((publications, applied))
        }))
        .await
        .expect("what is in it");
    db.close().await.expect("closed");
    Left {
        files: host.files(),
        publications,
        applied,
    }
}

/// Every topic that the host or a plugin publishes to.
fn topics() -> Vec<String> {
    let mut topics: Vec<String> = [
        topic::POST_PAYMENT_SUCCESS,
        topic::COMMON,
        topic::POST_TRANSACTION_SUCCESS,
        topic::POST_VOID_SUCCESS,
        topic::POST_SHIFT_END_SUCCESS,
    ]
    .map(str::to_owned)
    .into();
    for plugin in std::fs::read_dir(staged()).expect("plugins") {
        let manifest = plugin.expect("a folder").path().join("plugin.toml");
        let text = std::fs::read_to_string(manifest).expect("a manifest");
        let manifest: toml::Table = text.parse().expect("a manifest");
        let request = manifest["asks"].get("topics").and_then(|t| t.as_array());
        let names = request.into_iter().flatten();
        topics.extend(names.filter_map(|name| Some(name.as_str()?.to_owned())));
    }
    topics
}

fn orders(day: &Day) -> Vec<String> {
    let requests = day.requests.iter();
    requests
        .filter(|request| request.path == "/v1/orders")
        .map(|request| request.body["id"].as_str().expect("an id").to_owned())
        .collect()
}

async fn quiet(day: &Day) -> Left {
    let mut host = Host::new();
    host.start().await;
    day.feed(&mut host).await;
    host.settle().await;
    host.stop();
    left(&host, day).await
}

/// Each kill happens at a random request and a random delay after it, from a fixed seed.
async fn killed(day: &Day, database: Database) -> Left {
    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut kills: Vec<usize> = (0..KILLS)
        .map(|_| chance.random_range(0..day.requests.len()))
        .collect();
    kills.sort_unstable();
    let mut host = Host::new().on(database);
    host.start().await;
    day.put_stores(&host).await;
    for (index, request) in day.requests.iter().enumerate() {
        for _ in kills.iter().filter(|kill| **kill == index) {
            // The request is in flight, and the events of earlier ones are in any state.
            let sending = host.send(&request.method, &request.path, &request.key, &request.body);
            let moment = Duration::from_micros(chance.random_range(0..30_000));
            let _ = tokio::time::timeout(moment, sending).await;
            // Kill one of them, or both.
            let which = match database {
                Database::Sqlite => 0,
                Database::Postgres => chance.random_range(0..3),
            };
            if which > 0 {
                host.outage().await;
            }
            if which < 2 {
                host.kill();
                host.start().await;
            }
        }
        request.send(&host).await;
    }
    host.settle().await;
    host.stop();
    left(&host, day).await
}

on_both!(a_day_with_kills_has_the_result_of_a_day_without);

async fn a_day_with_kills_has_the_result_of_a_day_without(database: Database) {
    let mut decided = 0;
    for day in sample_days::all() {
        let quiet = quiet(&day).await;
        if quiet.applied.is_empty() {
            // No plugin of this retailer decides about events.
            continue;
        }
        decided += 1;
        let killed = killed(&day, database).await;
        let twice: Vec<_> = killed.applied.iter().filter(|(_, n)| **n != 1).collect();
        assert!(twice.is_empty(), "decided more than once: {twice:?}");
        assert!(!quiet.publications.is_empty() && quiet.files.len() >= day.events());
        let names = |left: &Left| left.files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&quiet), names(&killed));
        assert_eq!(quiet, killed);
    }
    assert!(decided > 0, "some retailer's plugins decide");
}
