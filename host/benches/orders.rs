//! Orders over HTTP: the throughput of 64 tills compared with one till, whose every order is a commit of its
//! own. On SQLite with synchronous=FULL and on PostgreSQL with fsync; alternating rounds, medians. The database
//! counts the commits. On SQLite also with the evaluation of the orders' taxes by the host.
//!
//! `cargo xtask plugins && cargo bench -p galleria --bench orders`

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod serving;

use anyhow::{Result, ensure};
use galleria_test_database::TestDatabase;
use galleria_test_postgres::Server;
use serde_json::{Value, json};
use serving::{Host, median};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_secs(3);
const TILLS: [u64; 2] = [1, 64];

/// A counter of commits.
enum Counter {
    /// The index of SQLite's log contains a number that every transaction increments: `iChange`, in native byte
    /// order, at byte 8 of the `-shm` file.
    Sqlite(PathBuf),
    /// `pg_stat_database`, which the server's processes update a little later.
    Postgres(String),
}

impl Counter {
    async fn commits(&self) -> Result<u64> {
        match self {
            Self::Sqlite(file) => {
                let mut number = [0; 4];
                File::open(file)?.read_exact_at(&mut number, 8)?;
                Ok(u32::from_ne_bytes(number).into())
            }
            Self::Postgres(url) => {
                tokio::time::sleep(Duration::from_millis(1_200)).await;
                let count =
                    "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
                let mut server = TestDatabase::connect(url).await;
                Ok(server.integers(count).await[0].try_into()?)
            }
        }
    }
}

/// A serving host with one store.
struct Shop {
    host: Host,
    store: String,
    counter: Counter,
    _server: Option<Server>,
}

impl Shop {
    async fn start(server: Option<Server>) -> Result<Self> {
        let url = server.as_ref().map(Server::url);
        let settings: Vec<String> = url
            .iter()
            .map(|url| format!("database.url={url}"))
            .collect();
        let host = Host::start(&settings).await?;
        Ok(Self {
            store: host.add_sample_store().await?,
            counter: match url {
                Some(url) => Counter::Postgres(url),
                None => Counter::Sqlite(host.folder.path().join("galleria.db-shm")),
            },
            host,
            _server: server,
        })
    }

    /// Gives the store a tax table, so that it evaluates the taxes of orders.
    fn put_taxes(&self) -> Result<()> {
        let table = "tax_code,tax_level,retailer_tax_level_id,tax_percent\nSTD,VAT,1,21.00\n";
        let import = ["tax", "import", "FILE", "--store", &self.store];
        self.host.import(&import, table)
    }

    /// Orders in a second, and orders in a commit.
    async fn round(&self, round: u32, tills: u64) -> Result<(f64, f64)> {
        let (before, begun) = (self.counter.commits().await?, Instant::now());
        let placed = Arc::new(AtomicU64::new(0));
        let mut lanes = tokio::task::JoinSet::new();
        for till in 0..tills {
            let (client, url) = (
                self.host.client.clone(),
                format!("{}/v1/orders", self.host.url),
            );
            let (store, placed) = (self.store.clone(), Arc::clone(&placed));
            lanes.spawn(async move {
                for n in 0.. {
                    if begun.elapsed() > ROUND {
                        break;
                    }
                    let id = format!("{round}-{tills}-{till}-{n}");
                    let order = order(&store, till, &id);
                    let request = client.post(&url).header("idempotency-key", &id);
                    request.json(&order).send().await?.error_for_status()?;
                    placed.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, reqwest::Error>(())
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        let took = begun.elapsed().as_secs_f64();
        let commits = self.counter.commits().await? - before;
        let placed = placed.load(Ordering::Relaxed) as f64;
        Ok((placed / took, placed / commits as f64))
    }
}

fn order(store: &str, till: u64, id: &str) -> Value {
    let line = |number: u32| {
        json!({
            "number": number, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
            "quantity": "1",
            "regular_price": "10",
            "unit_price": "10",
            "attributes": [{"name": "tax-code", "value": "STD"}],
        })
    };
    json!({
        "id": id, "store_id": store, "workstation": format!("w{till}"),
        "begun_at": "2026-11-24T10:00:00Z", "lines": (1..=5).map(line).collect::<Vec<_>>(),
    })
}

async fn measured(name: &str, server: Option<Server>, taxes: bool) -> Result<()> {
    let shop = Shop::start(server).await?;
    if taxes {
        shop.put_taxes()?;
    }
    let mut measurements = TILLS.map(|_| (Vec::new(), Vec::new()));
    for round in 0..ROUNDS {
        for (tills, (speed, share)) in TILLS.into_iter().zip(&mut measurements) {
            let (orders, per_commit) = shop.round(round, tills).await?;
            speed.push(orders);
            share.push(per_commit);
        }
    }
    let mut alone = None;
    for (tills, (speed, share)) in TILLS.into_iter().zip(measurements) {
        let (speed, share) = (median(speed), median(share));
        let times = speed / *alone.get_or_insert(speed);
        if name == "SQLite" && tills == 64 {
            ensure!(
                share >= 8.0,
                "{share:.1} orders share a commit at 64 tills: 8 are wanted"
            );
        }
        let taxes = if taxes { "yes" } else { "no" };
        println!("{name:>10}  {taxes:>5}  {tills:>5}  {speed:>8.0}  {share:>13.1}  {times:>11.1}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    println!("  database  taxes  tills  orders/s  orders/commit  times alone");
    measured("SQLite", None, false).await?;
    measured("SQLite", None, true).await?;
    match galleria_test_postgres::bin() {
        Some(bin) => {
            let server = Server::start(&bin, &["fsync=on"])?;
            server.wait()?;
            measured("PostgreSQL", Some(server), false).await
        }
        None => {
            println!("PostgreSQL: there is none (Debian: apt-get install postgresql)");
            Ok(())
        }
    }
}
