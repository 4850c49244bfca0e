//! Reports about the same day agree, whether they read lines or whole sales with discounts, taxes and
//! tenders.

use crate::host::{Database, Host};
use crate::sample_days::{self, Day};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const SALES: [&str; 4] = [
    "sales-by-day",
    "sales-by-hour",
    "sales-by-article",
    "sales-by-category",
];
const OTHERS: [&str; 3] = ["discounts", "taxes", "tenders"];

/// Runs a report over the day.
async fn run(host: &Host, day: &Day, slot: &str) -> (BTreeMap<String, String>, String) {
    over(host, &day.retailer, slot, &day.date).await
}

/// Runs a slot that writes files for a date. Returns its sums by name, and the contents of its files.
pub async fn over(
    host: &Host,
    retailer: &str,
    slot: &str,
    date: &str,
) -> (BTreeMap<String, String>, String) {
    let body = json!({ "retailer": retailer, "plugin": slot, "first": date, "last": date });
    let (status, run) = host
        .send("POST", "/v1/runs", slot, &body)
        .await
        .expect("an answer");
    assert_eq!(status, 202, "{run:#}");
    let path = format!("/v1/runs/{}", run["id"].as_str().expect("an id"));
    let begun = Instant::now();
    let view = loop {
        let view = host.get(&path).await.expect("a run");
        if view["state"] == "ended" {
            break view;
        }
        assert!(view["fault"].is_null(), "{view:#}\n{}", host.log());
        assert!(begun.elapsed() < Duration::from_secs(60), "{view:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    host.settle().await;
    let sums = view["sums"].as_array().expect("sums").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let sums = sums.map(|sum| (text(&sum["name"]), text(&sum["value"])));
    let files = view["files"].as_array().expect("files").iter();
    let read = |file: &Value| {
        let directory = host.data().join("files").join(text(&file["directory"]));
        let folder = file["folder"].as_str().unwrap_or_default();
        let name = directory
            .join(retailer)
            .join(folder)
            .join(text(&file["name"]));
        String::from_utf8_lossy(&std::fs::read(name).expect("a file")).into_owned()
    };
    (sums.collect(), files.map(read).collect())
}

on_both!(reports_of_one_day_agree);

async fn reports_of_one_day_agree(database: Database) {
    let mut compared = 0;
    for day in sample_days::all() {
        let file = crate::host::root().join("retailers").join(&day.retailer);
        let text = std::fs::read_to_string(file.join("retailer.toml")).expect("a retailer's file");
        let file: toml::Table = text.parse().expect("a retailer's file");
        let has = |slot: &&str| file["plugins"].get(slot).is_some();
        if !SALES.iter().chain(&OTHERS).chain(&["refunds"]).all(has) {
            continue;
        }
        let mut host = Host::new().on(database);
        host.start().await;
        day.feed(&mut host).await;
        host.settle().await;
        let (by_day, _) = run(&host, &day, SALES[0]).await;
        for slot in &SALES[1..] {
            let (sums, _) = run(&host, &day, slot).await;
            assert_eq!(sums, by_day, "{slot}");
        }
        let mut others = BTreeMap::new();
        for slot in OTHERS {
            others.insert(slot, run(&host, &day, slot).await.0);
        }
        let (_, refunds) = run(&host, &day, "refunds").await;
        let currencies: Vec<&str> = by_day
            .keys()
            .filter_map(|name| name.strip_prefix("gross-"))
            .collect();
        assert!(!currencies.is_empty(), "{by_day:?}");
        for currency in currencies {
            let of = |slot: &str, name: &str| others[slot].get(&format!("{name}-{currency}"));
            let sold = |name: &str| by_day.get(&format!("{name}-{currency}"));
            assert_eq!(of("discounts", "amount"), sold("discount"), "{currency}");
            assert_eq!(of("taxes", "tax"), sold("tax"), "{currency}");
            // Money refunded without a line is in the drawer but in no line.
            let minor = |text: &String| text.replace('.', "").parse::<i64>().expect("an amount");
            let paid = of("tenders", "amount").map(minor);
            let without = without_lines(&refunds, currency);
            let gross = sold("gross").map(|gross| minor(gross) - without);
            assert_eq!(paid, gross, "{currency}");
            compared += 1;
        }
        if has(&"verifications") {
            // Training is not reported.
            let placed = day.requests.iter();
            let training = |order: &str| {
                placed.clone().any(|request| {
                    request.path == "/v1/orders"
                        && request.body["id"] == order
                        && request.body["training"] == true
                })
            };
            let made = day.requests.iter().filter(|request| {
                let mut path = request.path.split('/').skip(3);
                let order = path.next().unwrap_or_default();
                path.eq(["verifications"]) && !training(order)
            });
            let (_, file) = run(&host, &day, "verifications").await;
            assert_eq!(verified(&file), made.count(), "{file}");
        }
        host.stop();
    }
    assert!(compared > 0, "no retailer has these reports");
}

/// The rows of files that begin with a header, by column.
fn rows(file: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut header = Vec::new();
    let mut rows = Vec::new();
    for line in file.lines() {
        let cells: Vec<&str> = line.trim_start_matches('\u{feff}').split(';').collect();
        match cells[0] {
            "store" => header = cells,
            "Total" => {}
            _ => rows.push(header.iter().copied().zip(cells).collect()),
        }
    }
    rows
}

fn verified(file: &str) -> usize {
    let counts = rows(file)
        .into_iter()
        .map(|row| row["verifications"].parse::<usize>());
    counts.map(|count| count.expect("a number")).sum()
}

/// The amount refunded without lines, in minor units.
fn without_lines(refunds: &str, currency: &str) -> i64 {
    let rows = rows(refunds).into_iter();
    let some =
        rows.filter(|row| row["lines"] == "0" && row["currency"].eq_ignore_ascii_case(currency));
    some.map(|row| {
        row["gross"]
            .replace(',', "")
            .parse::<i64>()
            .expect("an amount")
    })
    .sum()
}
