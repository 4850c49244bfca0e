//! The drain: readiness fails first, then connections are refused, and requests in flight complete.

use crate::doubles::FailingRecords;
use crate::host::{Host, test_config};
use galleria_api::HttpConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test]
async fn a_request_in_flight_completes_while_readiness_fails() {
    let gate = Arc::new(Notify::new());
    let config = HttpConfig {
        drain_notice: Duration::from_millis(500),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Waits(Arc::clone(&gate))), config).await;
    let slow = host.get("/v1/stores/s");
    let drain = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        host.stop.cancel();
        let ready = host.get("/readyz").await;
        assert_eq!((ready.status, ready.code().as_str()), (503, "draining"));
        assert_eq!(host.get("/healthz").await.status, 200);
        tokio::time::sleep(Duration::from_millis(800)).await;
        let rejected = tokio::net::TcpStream::connect(host.address).await;
        assert!(rejected.is_err(), "a new connection while draining");
        gate.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, drain);
    assert_eq!(slow.code(), "not_found");
    host.served.await.expect("no panic").expect("a drain");
}

#[tokio::test]
async fn a_drain_times_out() {
    let config = HttpConfig {
        drain_within: Duration::from_millis(200),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Hangs), config).await;
    let hanging = tokio::spawn(host.request(reqwest::Method::GET, "/v1/stores/s").send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    host.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(2), host.served).await;
    ended.expect("in time").expect("no panic").expect("a drain");
    hanging.abort();
}
