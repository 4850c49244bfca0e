//! A store moves from gRPC to HTTP while requests run.

use super::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinHandle;

on_both!(a_store_moves_from_grpc_to_http_while_requests_run);

/// Four clients that evaluate baskets on two hosts.
struct Load {
    stop: Arc<AtomicBool>,
    /// Evaluations that have ended.
    ended: Arc<AtomicU64>,
    clients: Vec<JoinHandle<BTreeSet<(usize, String)>>>,
}

/// The baskets of the clients. Only the second one has an item whose rate differs.
fn baskets() -> [Value; 3] {
    [
        basket(&[("12.10", "STD")]),
        basket(&[("12.10", "STD"), ("11.00", "RED")]),
        basket(&[("10.40", "SUPER")]),
    ]
}

impl Load {
    fn start(hosts: &Arc<[Host; 2]>) -> Self {
        let (stop, ended) = (
            Arc::new(AtomicBool::new(false)),
            Arc::<AtomicU64>::default(),
        );
        let clients = (0..4).map(|client: usize| {
            let (hosts, stop, ended) = (Arc::clone(hosts), Arc::clone(&stop), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut outcomes = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    for (number, basket) in baskets().iter().enumerate() {
                        outcomes.insert((number, evaluated(&hosts[client % 2], basket).await));
                        ended.fetch_add(1, Ordering::Relaxed);
                    }
                }
                outcomes
            })
        });
        Self {
            clients: clients.collect(),
            stop,
            ended,
        }
    }

    /// Waits for further evaluations.
    async fn run_on(&self, evaluations: u64) {
        let (begun, last) = (
            Instant::now(),
            self.ended.load(Ordering::Relaxed) + evaluations,
        );
        while self.ended.load(Ordering::Relaxed) < last {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the clients wait"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The different outcomes, each with the number of its basket.
    async fn stop(self) -> BTreeSet<(usize, String)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut outcomes = BTreeSet::new();
        for client in self.clients {
            outcomes.extend(client.await.expect("no panic"));
        }
        outcomes
    }
}

async fn a_store_moves_from_grpc_to_http_while_requests_run(database: Database) {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| folders.path().join(name);
    let mut earlier = service(&folder("earlier"), TABLE).await;
    let newer = service(&folder("newer"), &altered()).await;
    let mut first = host(&folder("host"), database, &["tax.move.baskets=40"]);
    first.set(&format!(
        "tax.grpc.address=http://{}",
        address(&earlier, "grpc")
    ));
    first.set(&format!(
        "tax.http.address=http://{}",
        address(&newer, "http")
    ));
    add_store(&first);
    first.start().await;
    set(&first, &["--route", "grpc", "--shadow", "http"]);
    let mut second = first.beside("api");
    second.start().await;
    let hosts = Arc::new([first, second]);
    let load = Load::start(&hosts);

    // The comparison shows the altered rate, and nothing else.
    compared(&hosts[0], 60).await;
    let differences = &report(&hosts[1], &[])["differences"];
    let [row] = &differences["taxes"].as_array().expect("taxes")[..] else {
        panic!("one tax: {differences:#}");
    };
    let baskets = row["baskets"].as_u64().expect("a number");
    let cents = |number: u64| format!("{}.{:02}", number / 100, number % 100);
    let expected = json!({
        "tax_code": "RED", "route_percent": "10.00", "shadow_percent": "4.00",
        "route_amount": cents(100 * baskets), "shadow_amount": cents(42 * baskets),
        "difference": format!("-{}", cents(58 * baskets)), "baskets": baskets, "items": baskets,
    });
    for (field, value) in expected.as_object().expect("fields") {
        assert_eq!(&row[field], value, "{field}: {row:#}");
    }
    let examples = row["examples"].as_array().expect("baskets");
    assert!(
        examples.iter().all(|one| one["items"] == json!(["2"])),
        "{row:#}"
    );
    assert_eq!(
        (&differences["rejected"], &differences["failed"]),
        (&json!([]), &json!([]))
    );
    let to_http = [
        "tax",
        "move",
        "--store",
        STORE,
        "--to",
        "http",
        "--keep-shadow",
    ];
    let error = refused(&hosts[0], &[&to_http[..], &BY].concat());
    assert!(error.contains("compared baskets differ"), "{error}");

    // The service gets the right rate, and new comparisons begin.
    import(&newer, TABLE);
    set(&hosts[0], &["--shadow", "none"]);
    set(&hosts[1], &["--shadow", "http"]);
    let counts = compared(&hosts[1], 40).await;
    assert_eq!(counts["different"], 0, "{counts}");
    let moved = command(&hosts[0], &[&to_http[..], &BY].concat());
    let end = ", 0 different\n";
    assert!(
        moved.starts_with("store tax-1 moved from grpc to http, with the shadow grpc: ")
            && moved.ends_with(end),
        "{moved}"
    );
    for host in hosts.iter() {
        assert_eq!(
            evaluated(host, &basket(&[("11.00", "RED")])).await,
            "http false 1.00"
        );
    }
    load.run_on(40).await;
    // Nothing but the shadow needs the earlier service now.
    earlier.kill();
    load.run_on(40).await;
    let outcomes = load.stop().await;
    let allowed = (0..3)
        .zip(["2.10", "3.10", "0.40"])
        .flat_map(|(number, tax)| {
            ["grpc", "http"].map(|route| (number, format!("{route} false {tax}")))
        });
    assert_eq!(outcomes, allowed.collect(), "no request failed");
}
