//! Orders over HTTP: the throughput of 64 tills compared with one till, whose every order is a commit of its
//! own. On SQLite with synchronous=FULL and on PostgreSQL with fsync; alternating rounds, medians. The database
//! counts the commits. On SQLite also with the evaluation of the orders' taxes by the host.
//!
//! `cargo xtask plugins && cargo bench -p galleria --bench orders`

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

use anyhow::{Context as _, Result, bail, ensure};
use galleria_db::{Db, DbConfig};
use galleria_domain::tax::TaxRow;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use galleria_test_postgres::Server;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
                let mut server = PgConnection::connect(url).await?;
                let count: i64 = sqlx::query_scalar(
                    "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
                )
                .fetch_one(&mut server)
                .await?;
                server.close().await?;
                Ok(count.try_into()?)
            }
        }
    }
}

/// A serving host in a temporary folder.
struct Host {
    process: Child,
    url: String,
    client: reqwest::Client,
    store: String,
    counter: Counter,
    _folder: tempfile::TempDir,
    _server: Option<Server>,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn galleria(data: &Path, url: Option<&str>, words: &[&str]) -> Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_galleria"));
    command.args(words).current_dir(root());
    for pair in [
        format!("data={}", data.display()),
        "http.listen=127.0.0.1:0".into(),
        "http.rate.burst=0".into(),
        "http.connections_per_client=0".into(),
        "log.level=warn".into(),
    ] {
        command.args(["--set", &pair]);
    }
    if let Some(url) = url {
        command.args(["--set", &format!("database.url={url}")]);
    }
    for retailer in std::fs::read_dir(root().join("retailers"))? {
        let sample = retailer?.path().join("sample.env");
        let text = std::fs::read_to_string(sample).unwrap_or_default();
        let pairs = text.lines().filter(|line| !line.starts_with('#'));
        command.envs(pairs.filter_map(|line| line.split_once('=')));
    }
    command.stdin(Stdio::null());
    Ok(command)
}

fn done(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {why}");
    Ok(String::from_utf8(output.stdout)?)
}

impl Host {
    async fn start(server: Option<Server>) -> Result<Self> {
        // Use the target folder: a temporary folder may be in memory, where a sync costs nothing.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (data, url) = (folder.path(), server.as_ref().map(Server::url));
        let command = |words: &[&str]| galleria(data, url.as_deref(), words);
        done(&mut command(&["migrate"])?)?;
        let create = [
            "key",
            "create",
            "--name",
            "bench",
            "--scope",
            "admin",
            "--everywhere",
        ];
        let bearer = format!("Bearer {}", done(&mut command(&create)?)?.trim()).parse()?;
        let headers = [(AUTHORIZATION, bearer)].into_iter().collect();
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .build()?;
        let process = command(&["serve"])?.stdout(Stdio::null()).spawn()?;
        let mut host = Self {
            process,
            url: String::new(),
            client,
            store: String::new(),
            counter: match &url {
                Some(url) => Counter::Postgres(url.clone()),
                None => Counter::Sqlite(data.join("galleria.db-shm")),
            },
            _server: server,
            _folder: folder,
        };
        host.ready().await?;
        host.store = host.onboarded().await?;
        Ok(host)
    }

    async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let file = self._folder.path().join("http.addr");
        loop {
            if let Ok(address) = std::fs::read_to_string(&file) {
                self.url = format!("http://{address}");
                let ready = self.client.get(format!("{}/readyz", self.url)).send().await;
                if ready.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
            }
            if begun.elapsed() > Duration::from_secs(120) {
                bail!(
                    "the host does not serve: were the plugins built with `cargo xtask plugins`?"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Gives the store a tax table, so that it evaluates the taxes of orders.
    async fn put_taxes(&self) -> Result<()> {
        let Counter::Sqlite(file) = &self.counter else {
            bail!("taxes are measured on SQLite");
        };
        let file = file.with_extension("db");
        let db = Db::open(&DbConfig::new(format!("sqlite://{}", file.display()))).await?;
        let row = json!({
            "tax_code": "STD", "tax_level": "VAT", "retailer_tax_level_id": "1", "tax_percent": "21.00",
        });
        let (store, row) = (self.store.clone(), serde_json::from_value::<TaxRow>(row)?);
        let records: &dyn Records = &db;
        let put = records.write(in_tx!(|tx, store, row| {
            tx.tax_table_change(&store).await?;
            tx.tax_row_put_many(&store, std::slice::from_ref(&row))
                .await
        }));
        Ok(put.await?)
    }

    /// Creates the first sample store.
    async fn onboarded(&self) -> Result<String> {
        let folders = std::fs::read_dir(root().join("retailers"))?;
        let mut texts = folders.filter_map(|folder| {
            std::fs::read_to_string(folder.ok()?.path().join("stores.json")).ok()
        });
        let text = texts.next().context("a sample retailer with stores")?;
        let mut store = serde_json::from_str::<Value>(&text)?[0].take();
        let id = store["id"].take();
        let id = id.as_str().context("a store's id")?;
        store.as_object_mut().context("a store")?.remove("id");
        let request = self.client.put(format!("{}/v1/stores/{id}", self.url));
        let request = request.header("idempotency-key", "store").json(&store);
        request.send().await?.error_for_status()?;
        Ok(id.to_owned())
    }

    /// Orders in a second, and orders in a commit.
    async fn round(&self, round: u32, tills: u64) -> Result<(f64, f64)> {
        let (before, begun) = (self.counter.commits().await?, Instant::now());
        let placed = Arc::new(AtomicU64::new(0));
        let mut lanes = tokio::task::JoinSet::new();
        for till in 0..tills {
            let (client, url) = (self.client.clone(), format!("{}/v1/orders", self.url));
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

fn median(mut measurements: Vec<f64>) -> f64 {
    measurements.sort_by(f64::total_cmp);
    measurements[measurements.len() / 2]
}

async fn measured(name: &str, server: Option<Server>, taxes: bool) -> Result<()> {
    let host = Host::start(server).await?;
    if taxes {
        host.put_taxes().await?;
    }
    let mut measurements = TILLS.map(|_| (Vec::new(), Vec::new()));
    for round in 0..ROUNDS {
        for (tills, (speed, share)) in TILLS.into_iter().zip(&mut measurements) {
            let (orders, per_commit) = host.round(round, tills).await?;
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
