//! A host is replaced by another one while tills sell. A load balancer that polls readiness is enough: a till
//! only repeats requests.

use crate::configuration::{ASKS, retailer};
use crate::host::Database;
use crate::misbehaving::sale;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

const TILLS: usize = 64;
const ORDERS: usize = 15;
const STORE: &str = "s";

struct Balancer(tokio::task::JoinHandle<()>);

impl Drop for Balancer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The client side of all tills, with the current hosts.
#[derive(Clone)]
struct Street {
    client: reqwest::Client,
    hosts: Arc<RwLock<Vec<String>>>,
    /// Requests that were rejected cleanly, and paid orders.
    refused: Arc<AtomicUsize>,
    paid: Arc<AtomicUsize>,
}

impl Street {
    /// Directs tills to the ready hosts, as a load balancer does, until the result is dropped.
    fn balance(&self, hosts: &[&str]) -> Balancer {
        let hosts: Vec<String> = hosts.iter().map(|&name| name.to_owned()).collect();
        let street = self.clone();
        Balancer(tokio::spawn(async move {
            loop {
                let mut ready = Vec::new();
                for name in &hosts {
                    let probe = street.client.get(format!("{name}/readyz")).send().await;
                    if probe.is_ok_and(|answer| answer.status() == 200) {
                        ready.push(name.clone());
                    }
                }
                if !ready.is_empty() {
                    *street.hosts.write().expect("no panic") = ready;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }))
    }

    /// Sends a request until it succeeds. An aborted request, or any other status than 201 and 503, fails the
    /// test.
    async fn send(
        &self,
        till: usize,
        path: &str,
        key: &str,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        for turn in till.. {
            let name = {
                let hosts = self.hosts.read().expect("no panic");
                hosts[turn % hosts.len()].clone()
            };
            let request = self.client.post(format!("{name}{path}"));
            let request = request.header("idempotency-key", key).json(body);
            match request.send().await {
                Ok(response) if response.status() == 201 => {
                    return response.json().await.expect("a whole answer");
                }
                Ok(response) if response.status() == 503 => {}
                Ok(response) => {
                    let status = response.status();
                    panic!("{status} {}", response.text().await.unwrap_or_default());
                }
                // Nothing listens there any more.
                Err(error) if error.is_connect() => {}
                Err(error) => panic!("a request broke off: {error:?}"),
            }
            self.refused.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("turns do not end")
    }

    /// Sells, and returns the numbers of the sales.
    async fn till(self, till: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for n in 0..ORDERS {
            let order = format!("o-{till}-{n}");
            for (path, key, body) in sale(STORE, &format!("w{till}"), &order) {
                let answer = self.send(till, &path, &key, &body).await;
                numbers.extend(answer["entry"]["sequence"].as_u64());
            }
            self.paid.fetch_add(1, Ordering::Relaxed);
        }
        numbers
    }

    async fn until_all_ready(&self, hosts: usize) {
        while self.hosts.read().expect("no panic").len() < hosts {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_paid(&self, orders: usize) {
        while self.paid.load(Ordering::Relaxed) < orders {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn slot() -> String {
    format!("[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n")
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn hosts_are_replaced_while_64_tills_sell() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot()).on(Database::Postgres);
    // Give the balancer time, because the machine may be busy.
    host.set("http.drain_notice=3s");
    host.start().await;
    let store = json!({
        "external_id": STORE, "retailer": "corner", "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
    });
    let put = host.send("PUT", "/v1/stores/s", "store", &store).await;
    assert_eq!(put.expect("an answer").0, 200);
    let street = Street {
        client: host.client.clone(),
        hosts: Arc::default(),
        refused: Arc::default(),
        paid: Arc::default(),
    };
    let mut serving = host.url("");
    street
        .hosts
        .write()
        .expect("no panic")
        .push(serving.clone());
    let tills = (0..TILLS).map(|till| tokio::spawn(street.clone().till(till)));
    let tills: Vec<_> = tills.collect();
    for handover in 1..=3 {
        street.until_paid(handover * TILLS * ORDERS / 4).await;
        host.start_beside().await;
        let next = host.url("");
        let balancer = street.balance(&[&serving, &next]);
        street.until_all_ready(2).await;
        tokio::task::block_in_place(|| host.stop_before());
        drop(balancer);
        serving = next;
    }
    let mut numbers = BTreeMap::new();
    for (till, sold) in tills.into_iter().enumerate() {
        numbers.insert(till, sold.await.expect("a till sold"));
    }
    let all: Vec<u64> = (1..=ORDERS as u64).collect();
    for (till, sold) in numbers {
        assert_eq!(sold, all, "numbers of till {till}");
    }
    let events = (TILLS * ORDERS) as u64;
    let status = host.settle().await;
    assert_eq!(status["events"], events, "{status:#}");
    assert_eq!(status["documents"]["delivered"], events, "{status:#}");
    assert_eq!(
        (&status["dead_letters"], &status["parked"]),
        (&json!(0), &json!(0))
    );
    let refused = street.refused.load(Ordering::Relaxed);
    for till in 0..TILLS {
        for n in 0..ORDERS {
            let path = format!("/v1/orders/o-{till}-{n}/journal");
            let journal = host.get(&path).await.expect("a journal");
            let applied = journal.as_array().expect("attempts").iter();
            let applied = applied.filter(|attempt| attempt["outcome"] == "applied");
            assert_eq!(applied.count(), 1, "{journal:#}");
        }
    }
    let files = host.files().into_keys().filter(|name| !name.contains("/."));
    assert_eq!(files.count() as u64, events);
    assert!(refused < TILLS * 50, "{refused} requests were refused");
    host.stop();
}
