//! What one paid order needs alone: statements, round trips, transactions and synchronisations of files.

use crate::shop::{AFTER_FILES, Database, Shop};
use crate::syncs::{Syncs, Target};
use crate::{Kind, Options};
use anyhow::Result;
use galleria_test_database::Proxy;
use std::time::{Duration, Instant};

/// Orders before counting, so that connections are open and statements are prepared.
const WARM_UP: usize = 20;
const INTERVAL: Duration = Duration::from_millis(2);

pub const HEAD: &str = "\
| one paid order alone | statements | select | insert | update | delete | others | transactions | round trips \
| syncs | log | files | folders | database |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Counts of a database so far.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// Select, insert, update, delete, others.
    statements: [u64; 5],
    transactions: u64,
    round_trips: u64,
}

impl Counts {
    async fn of(database: &Database) -> Result<Self> {
        match database {
            Database::Sqlite(sqlite) => Ok(Self {
                transactions: sqlite.header()?.commits.into(),
                ..Self::default()
            }),
            Database::Postgres(postgres, proxy) => {
                let (statements, transactions) = postgres.statements().await?;
                Ok(Self {
                    statements,
                    transactions,
                    round_trips: proxy.as_ref().map_or(0, Proxy::round_trips),
                })
            }
        }
    }

    /// The counts of some time, in the order of the table.
    fn since(&self, before: &Self) -> Vec<f64> {
        let difference = |now: u64, before: u64| now.wrapping_sub(before) as f64;
        let pairs = self.statements.iter().zip(&before.statements);
        let statements: Vec<f64> = pairs.map(|(now, old)| difference(*now, *old)).collect();
        let mut all = vec![statements.iter().sum()];
        all.extend(statements);
        all.push(difference(self.transactions, before.transactions));
        all.push(difference(self.round_trips, before.round_trips));
        all
    }
}

/// Counts while a future runs: those of [`Counts::since`], then all synchronisations and those of each target.
async fn counted(
    shop: &Shop,
    run: impl Future<Output = Result<()>>,
) -> Result<(Vec<f64>, Duration)> {
    let mut processes = vec![shop.host.process.id()];
    if let Database::Postgres(postgres, _) = &shop.database {
        processes.extend(postgres.processes());
    }
    let before = Counts::of(&shop.database).await?;
    let (syncs, begun) = (Syncs::count(&processes)?, Instant::now());
    run.await?;
    let took = begun.elapsed();
    let syncs = syncs.finish()?;
    let mut counts = Counts::of(&shop.database).await?.since(&before);
    counts.push(syncs.values().sum::<u64>() as f64);
    let of = |target| syncs.get(target).copied().unwrap_or_default() as f64;
    counts.extend(Target::ALL.iter().map(of));
    Ok((counts, took))
}

/// Counts orders one by one, then the same time without orders, and returns the row of the difference.
pub async fn count(kind: Kind, options: &Options) -> Result<String> {
    eprintln!("{}: counting orders one by one", kind.name());
    let shop = Shop::start(kind, options, true).await?;
    let mut orders = shop.day.orders(WARM_UP + options.counted);
    let measured = orders.split_off(WARM_UP);
    let mut delivered = 0;
    let mut sell = async |orders: Vec<_>| -> Result<()> {
        for order in orders {
            shop.sell(vec![order], 1, None).await?;
            delivered += 1;
            shop.wait_for(delivered, INTERVAL).await?;
        }
        tokio::time::sleep(AFTER_FILES).await;
        Ok(())
    };
    sell(orders).await?;
    let (counts, took) = counted(&shop, sell(measured)).await?;
    let idle = async {
        tokio::time::sleep(took).await;
        Ok(())
    };
    let (idle, idle_took) = counted(&shop, idle).await?;
    let share = took.as_secs_f64() / idle_took.as_secs_f64();
    let pairs = counts.into_iter().zip(idle).enumerate();
    let cells = pairs.map(|(column, (count, idle))| {
        // SQLite counts no statements, and has no connection to send them through.
        if kind == Kind::Sqlite && (column < 6 || column == 7) {
            return "-".to_owned();
        }
        format!("{:.1}", (count - idle * share) / options.counted as f64)
    });
    let cells: Vec<String> = cells.collect();
    Ok(format!("| {} | {} |", kind.name(), cells.join(" | ")))
}
