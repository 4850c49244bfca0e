//! CPU time of an evaluation of taxes: Galleria over HTTP and over gRPC, and a FastAPI service that does the same
//! from the same table. A basket has 50 items with two rates; 8 clients wait for each response. Alternating rounds,
//! medians. The kernel counts the CPU time of each process with its threads.
//!
//! Galleria checks the caller and its reach, uses the settings of the store as of now, and logs, measures and limits each
//! request; the reference only evaluates.
//!
//! `cargo bench -p galleria --bench taxes`

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod galleria;
mod reference;
#[path = "../serving/mod.rs"]
mod serving;

use anyhow::{Context as _, Result, ensure};
use galleria::{Galleria, STORE};
use reference::Reference;
use serde_json::{Value, json};
use serving::{Process, median};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const CLIENTS: usize = 8;
const ITEMS: usize = 50;

/// How many times less CPU time an evaluation must need than one of the reference.
const REQUIRED: f64 = 8.0;

/// The rows of the table, as CSV.
const TABLE: &str = "\
tax_code,tax_level,retailer_tax_level_id,tax_percent
REDUCED,IVA 10,2,10.00
STANDARD,IVA 21,1,21.00
";

/// A service that evaluates the basket of the benchmark.
#[async_trait::async_trait]
trait Target {
    fn process(&self) -> &Process;
    /// Returns the total tax and the tax of each item.
    async fn evaluate(&self) -> Result<Vec<String>>;
}

fn basket() -> Value {
    let items = (0..ITEMS).map(|index| {
        let code = ["STANDARD", "REDUCED"][index % 2];
        let cents = 99 + index * 137;
        json!({
            "item_id": format!("item-{index}"), "tax_code": code,
            "total_amount": format!("{}.{:02}", cents / 100, cents % 100),
        })
    });
    json!({
        "store_data": {"store_id": STORE, "tax_included_in_price": true},
        "items": items.collect::<Vec<_>>(),
    })
}

/// The total tax and the tax of each item of a response in JSON.
fn taxes_of(response: &[u8]) -> Result<Vec<String>> {
    let response: Value = serde_json::from_slice(response)?;
    let items = response["item_tax"].as_array().context("item_tax")?;
    let taxes = std::iter::once(&response).chain(items);
    let tax = |value: &Value| value["total_tax"].as_str().map(ToOwned::to_owned);
    taxes.map(|value| tax(value).context("total_tax")).collect()
}

/// CPU time of an evaluation in microseconds, and evaluations per second.
async fn round(target: &dyn Target) -> Result<(f64, f64)> {
    let (cpu, begun) = (target.process().cpu()?, Instant::now());
    let clients = (0..CLIENTS).map(|_| async {
        let mut count = 0_u32;
        while begun.elapsed() < ROUND {
            target.evaluate().await?;
            count += 1;
        }
        anyhow::Ok(count)
    });
    let counts = futures_util::future::try_join_all(clients).await?;
    let count = f64::from(counts.into_iter().sum::<u32>());
    let cpu = target.process().cpu()? - cpu;
    let took = begun.elapsed().as_secs_f64();
    Ok((cpu.as_secs_f64() * 1e6 / count, count / took))
}

#[tokio::main]
async fn main() -> Result<()> {
    let galleria = Galleria::start(TABLE).await?;
    let request = basket();
    let reference = Reference::start(TABLE, &request).await?;
    let (http, grpc) = (galleria.http(&request), galleria.grpc(&request).await?);
    let targets: [(&str, &dyn Target); 3] =
        [("FastAPI", &reference), ("HTTP", &http), ("gRPC", &grpc)];
    let expected = reference.evaluate().await?;
    for (name, target) in targets {
        let taxes = target.evaluate().await?;
        ensure!(
            taxes == expected,
            "{name} has other taxes:\n{taxes:?}\n{expected:?}"
        );
        round(target).await?;
    }
    let mut measured = targets.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for ((_, target), (cpu, speed)) in targets.into_iter().zip(&mut measured) {
            let (each, per_second) = round(target).await?;
            cpu.push(each);
            speed.push(per_second);
        }
    }
    println!("service  CPU us/evaluation  evaluations/s  times less CPU");
    let mut first = None;
    let mut missed = Vec::new();
    for ((name, _), (cpu, speed)) in targets.into_iter().zip(measured) {
        let (cpu, speed) = (median(cpu), median(speed));
        let times = *first.get_or_insert(cpu) / cpu;
        println!("{name:>7}  {cpu:>17.0}  {speed:>13.0}  {times:>14.1}");
        if name != "FastAPI" && times < REQUIRED {
            missed.push(name);
        }
    }
    let missed = missed.join(", ");
    ensure!(
        missed.is_empty(),
        "{missed}: {REQUIRED} times less CPU is required"
    );
    Ok(())
}
