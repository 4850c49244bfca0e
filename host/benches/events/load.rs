//! Rates, times, CPU time and bytes of paid orders under load.

use crate::postgres::{Postgres, Sizes};
use crate::shop::{AFTER_FILES, Database, Sale, Shop};
use crate::sqlite::LogGrowth;
use crate::{Kind, Options};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Orders before measuring, so that connections are open, statements prepared and plugins compiled.
const WARM_UP: usize = 200;
const INTERVAL: Duration = Duration::from_millis(20);

pub const HEAD: &str = "\
| database | clients | paid orders/s | accepted p50, ms | p99 | file p50, ms | p99 | host CPU, ms | database CPU, ms \
| statements | database, KiB | log, KiB | files, KiB |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Totals so far.
struct Totals {
    host: Duration,
    database: Duration,
    statements: u64,
    bytes: Sizes,
}

impl Totals {
    async fn of(shop: &Shop, growth: Option<&LogGrowth>) -> Result<Self> {
        let (database, statements, bytes) = match &shop.database {
            Database::Sqlite(sqlite) => {
                let header = sqlite.header()?;
                let sizes = Sizes {
                    database: header.database_bytes(),
                    log: growth.map_or(0, LogGrowth::bytes),
                };
                (Duration::ZERO, 0, sizes)
            }
            Database::Postgres(postgres, _) => {
                let (statements, _) = postgres.statements().await?;
                let sizes = postgres.sizes().await?;
                (postgres.cpu()?, statements.iter().sum(), sizes)
            }
        };
        Ok(Self {
            host: shop.host.process.cpu()?,
            database,
            statements,
            bytes,
        })
    }
}

/// The time that a share of all does not exceed, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, Duration::as_secs_f64) * 1e3
}

/// Returns a row of the table, and the queries if they are wanted.
pub async fn measure(
    kind: Kind,
    clients: usize,
    options: &Options,
) -> Result<(String, Option<String>)> {
    let count = match clients {
        1 => options.orders.div_ceil(10),
        _ => options.orders,
    };
    eprintln!(
        "{}: {clients} clients sell {count} paid orders",
        kind.name()
    );
    let shop = Shop::start(kind, options, false).await?;
    let mut orders = shop.day.orders(WARM_UP + count);
    let measured = orders.split_off(WARM_UP);
    shop.sell(orders, 4, None).await?;
    shop.wait_for(WARM_UP, INTERVAL).await?;
    tokio::time::sleep(AFTER_FILES).await;
    let growth = match &shop.database {
        Database::Sqlite(sqlite) => Some(sqlite.watch()),
        Database::Postgres(postgres, _) => {
            postgres.reset().await;
            None
        }
    };
    let before = Totals::of(&shop, growth.as_ref()).await?;
    let begun = Instant::now();
    let sales = shop.sell(measured, clients, options.rate).await?;
    shop.wait_for(WARM_UP + count, INTERVAL).await?;
    let took = begun.elapsed();
    tokio::time::sleep(AFTER_FILES).await;
    let after = Totals::of(&shop, growth.as_ref()).await?;
    let queries = match &shop.database {
        Database::Postgres(postgres, _) if options.queries => Some(queries(postgres, count).await?),
        _ => None,
    };
    let row = row(&shop, kind, clients, took, (before, after), &sales).await?;
    Ok((row, queries))
}

async fn row(
    shop: &Shop,
    kind: Kind,
    clients: usize,
    took: Duration,
    (before, after): (Totals, Totals),
    sales: &[Sale],
) -> Result<String> {
    let count = sales.len() as f64;
    let (mut to_file, files) = shop.delivered(sales).await?;
    let mut accepted: Vec<Duration> = sales.iter().map(|sale| sale.accepted).collect();
    let milliseconds =
        |after: Duration, before| (after.saturating_sub(before)).as_secs_f64() * 1e3 / count;
    let kib = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1024.0 / count;
    let (cpu, statements) = match kind {
        Kind::Sqlite => ("-".to_owned(), "-".to_owned()),
        Kind::Postgresql => (
            format!("{:.2}", milliseconds(after.database, before.database)),
            format!(
                "{:.1}",
                (after.statements - before.statements) as f64 / count
            ),
        ),
    };
    Ok(format!(
        "| {} | {clients} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {cpu} | {statements} | {:.1} | {:.1} | {:.1} |",
        kind.name(),
        count / took.as_secs_f64(),
        percentile(&mut accepted, 50),
        percentile(&mut accepted, 99),
        percentile(&mut to_file, 50),
        percentile(&mut to_file, 99),
        milliseconds(after.host, before.host),
        kib(after.bytes.database, before.bytes.database),
        kib(after.bytes.log, before.bytes.log),
        kib(files, 0),
    ))
}

/// The most expensive queries, by time and by calls.
async fn queries(postgres: &Postgres, orders: usize) -> Result<String> {
    let mut text = String::new();
    for (title, order) in [("time", "total_exec_time"), ("calls", "calls")] {
        text += &format!(
            "\n\n| ms/order | calls/order | rows/order | buffers/call | by {title} |\n|---|---|---|---|---|"
        );
        for query in postgres.most_expensive(order).await? {
            text += &format!(
                "\n| {:.3} | {:.2} | {:.2} | {:.0} | `{}` |",
                query.milliseconds / orders as f64,
                query.calls / orders as f64,
                query.rows / orders as f64,
                query.buffers / query.calls,
                query.text
            );
        }
    }
    Ok(text + "\n")
}
