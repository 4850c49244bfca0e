//! A host with the stores of the day, which sell.

use crate::day::{Day, PaidOrder};
use crate::postgres::Postgres;
use crate::serving::Host;
use crate::sqlite::Sqlite;
use crate::{Kind, Options};
use anyhow::{Context as _, Result, ensure};
use galleria_ports::clock::{Clock as _, SystemClock};
use galleria_test_database::Proxy;
use serde_json::Value;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longest time without a new file.
const STALLED: Duration = Duration::from_secs(120);
/// What follows a file: the host records the delivery and commits its position.
pub const AFTER_FILES: Duration = Duration::from_millis(500);

pub enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres, Option<Proxy>),
}

pub struct Shop {
    pub host: Host,
    pub day: Day,
    pub database: Database,
}

/// A paid order that the host has accepted.
pub struct Sale {
    order: String,
    /// When the order was sent, or should have been: time since 1970.
    begun: Duration,
    /// From then to the response to the payment.
    pub accepted: Duration,
}

impl Shop {
    /// Starts a host, creates the stores and opens their shifts. `counted`: round trips to PostgreSQL are counted.
    pub async fn start(kind: Kind, options: &Options, counted: bool) -> Result<Self> {
        let mut settings = options.set.clone();
        let mut server = None;
        if kind == Kind::Postgresql {
            let postgres = Postgres::start().await?;
            let mut url = postgres.url();
            let mut proxy = None;
            if counted {
                let (started, proxied) = Proxy::before(&url).await;
                url = proxied;
                proxy = Some(started);
            }
            settings.push(format!("database.url={url}"));
            server = Some((postgres, proxy));
        }
        let host = Host::start(&settings).await?;
        let database = match server {
            Some((postgres, proxy)) => Database::Postgres(postgres, proxy),
            None => Database::Sqlite(Sqlite::new(host.folder.path())),
        };
        let day = Day::read(options.stores)?;
        day.open(&host).await?;
        Ok(Self {
            host,
            day,
            database,
        })
    }

    /// Sells orders, as many at once as there are clients, or this many in a second.
    pub async fn sell(
        &self,
        orders: Vec<PaidOrder>,
        clients: usize,
        rate: Option<f64>,
    ) -> Result<Vec<Sale>> {
        let (queue, sales) = (
            Mutex::new(orders.into_iter().enumerate()),
            Mutex::new(Vec::new()),
        );
        let first = Instant::now();
        let clients = (0..clients).map(|_| async {
            loop {
                let next = queue.lock().ok().and_then(|mut queue| queue.next());
                let Some((number, order)) = next else {
                    return anyhow::Ok(());
                };
                // A client that is late has kept its customer waiting, so time counts from the planned begin.
                let mut begun = Instant::now();
                if let Some(rate) = rate {
                    begun = first + Duration::from_secs_f64(number as f64 / rate);
                    tokio::time::sleep_until(begun.into()).await;
                }
                self.day.post(&self.host, &order.order).await?;
                self.day.post(&self.host, &order.payment).await?;
                let accepted = begun.elapsed();
                let now = Duration::from_nanos(SystemClock.now().as_nanosecond().try_into()?);
                let sale = Sale {
                    order: order.id,
                    begun: now.saturating_sub(accepted),
                    accepted,
                };
                if let Ok(mut sales) = sales.lock() {
                    sales.push(sale);
                }
            }
        });
        futures_util::future::try_join_all(clients).await?;
        sales.into_inner().context("a client panicked")
    }

    fn documents(&self) -> PathBuf {
        self.host.folder.path().join("files")
    }

    /// Waits until this many documents are delivered, and looks for them at this interval. A request would be work
    /// for the host, so count the files.
    pub async fn wait_for(&self, documents: usize, interval: Duration) -> Result<()> {
        let (mut most, mut since) = (0, Instant::now());
        loop {
            let count = files(&self.documents())?.len();
            if count >= documents {
                return Ok(());
            }
            if count > most {
                (most, since) = (count, Instant::now());
            }
            ensure!(
                since.elapsed() < STALLED,
                "{most} of {documents} files were delivered, and none since {STALLED:?}"
            );
            tokio::time::sleep(interval).await;
        }
    }

    /// Times from sending the orders to their files, and the bytes of these. A file gets its final name, and with it
    /// the time of its last status change, when it is complete.
    pub async fn delivered(&self, sales: &[Sale]) -> Result<(Vec<Duration>, u64)> {
        let files = files(&self.documents())?;
        let (mut times, mut bytes) = (Vec::new(), 0);
        for sale in sales {
            let url = format!("{}/v1/orders/{}/documents", self.host.url, sale.order);
            let request = self.host.client.get(url).send().await?;
            let documents: Value = request.error_for_status()?.json().await?;
            let name = documents[0]["name"].as_str().context("a document")?;
            let file = files
                .get(name)
                .with_context(|| format!("no file {name} was delivered"))?;
            times.push(file.changed.saturating_sub(sale.begun));
            bytes += file.bytes;
        }
        Ok((times, bytes))
    }
}

struct Delivered {
    /// The last status change: time since 1970.
    changed: Duration,
    bytes: u64,
}

/// The delivered files below a folder, by name.
fn files(folder: &Path) -> Result<HashMap<String, Delivered>> {
    let mut files = HashMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue; // created with the first file
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if !name.starts_with('.') // a temporary file
                && let Ok(metadata) = entry.metadata()
            {
                let (seconds, nanos) = (metadata.ctime(), metadata.ctime_nsec());
                let changed = Duration::new(seconds.try_into()?, nanos.try_into()?);
                let bytes = metadata.len();
                files.insert(name, Delivered { changed, bytes });
            }
        }
    }
    Ok(files)
}
