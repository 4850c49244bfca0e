//! The middleware of every request: limits per client, CORS, headers.

use crate::host::test_config;
use crate::log::log_lines;
use crate::stage::Stage;
use galleria_api::{HttpConfig, RateConfig};
use reqwest::{Method, header::HeaderMap};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

on_both!(
    a_client_above_its_rate_gets_retry_after,
    clients_behind_a_trusted_proxy_are_distinguished,
    connections_per_client_are_limited_and_released,
    only_configured_origins_may_call,
    every_response_has_security_headers_and_every_line_a_trace,
);

fn rate(burst: u32, status: u16) -> Option<RateConfig> {
    Some(RateConfig {
        burst: NonZeroU32::new(burst).expect("a burst"),
        every: Duration::from_secs(60),
        status,
    })
}

async fn a_client_above_its_rate_gets_retry_after(stage: &Stage) {
    for status in [429, 460] {
        let config = HttpConfig {
            rate: rate(3, status),
            ..test_config()
        };
        let host = stage.host_with(config).await;
        // The served document has the configured status.
        let document = host.get("/openapi.json").await.expect(200);
        let responses = &document["paths"]["/v1/orders"]["post"]["responses"];
        for other in [429, 460] {
            let documented = responses[other.to_string()].is_object();
            assert_eq!(
                documented,
                other == status,
                "{other} if {status} is configured"
            );
        }
        let get = || async {
            let request = host.request(Method::GET, "/v1/no/such/route");
            host.send(request).await
        };
        for _ in 0..2 {
            assert_eq!(get().await.status, 404);
        }
        let rejected = get().await;
        assert_eq!(rejected.status, status);
        assert_eq!(rejected.code(), "too_many_requests");
        let wait = rejected.header("retry-after").expect("a wait");
        let wait: u64 = wait.parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        for free in ["/healthz", "/readyz"] {
            assert_eq!(host.get(free).await.status, 200, "{free}");
        }
        // Without trusted proxies the header changes nothing.
        let other = host.request(Method::GET, "/v1/no/such/route");
        let other = other.header("x-forwarded-for", "192.0.2.7");
        assert_eq!(host.send(other).await.status, status);
        host.stop().await;
    }
}

async fn clients_behind_a_trusted_proxy_are_distinguished(stage: &Stage) {
    let config = HttpConfig {
        rate: rate(1, 429),
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        ..test_config()
    };
    let host = stage.host_with(config).await;
    let get = async |client: &str| {
        let request = host.request(Method::GET, "/v1/no/such/route");
        host.send(request.header("x-forwarded-for", client))
            .await
            .status
    };
    assert_eq!(get("192.0.2.1").await, 404);
    assert_eq!(get("192.0.2.2").await, 404);
    assert_eq!(get("192.0.2.2").await, 429);
    // Entries that the client added on the left are ignored.
    assert_eq!(get("192.0.2.99, 192.0.2.1").await, 429);
    host.stop().await;
}

/// Whether a request on this connection gets a response.
async fn responds(io: &mut TcpStream) -> bool {
    let sent = io
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        .await;
    let mut read = [0; 64];
    sent.is_ok() && io.read(&mut read).await.is_ok_and(|read| read > 0)
}

async fn connections_per_client_are_limited_and_released(stage: &Stage) {
    let config = HttpConfig {
        connections_per_client: 2,
        ..test_config()
    };
    let host = stage.host_with(config).await;
    let connect = || async { TcpStream::connect(host.address).await.expect("connected") };
    let (mut one, mut two, mut three) = (connect().await, connect().await, connect().await);
    assert!(responds(&mut one).await && responds(&mut two).await);
    assert!(!responds(&mut three).await, "a third connection");
    drop(one);
    let mut again = false;
    for _ in 0..100 {
        again = responds(&mut connect().await).await;
        if again {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(again, "the connection was not released");
    drop(two);
    host.stop().await;
}

async fn only_configured_origins_may_call(stage: &Stage) {
    let origin = "https://backoffice.example.com";
    let config = HttpConfig {
        cors_origins: vec![origin.to_owned()],
        rate: rate(1, 429),
        ..test_config()
    };
    let host = stage.host_with(config).await;
    let preflight = async |from: &str| -> HeaderMap {
        let url = format!("http://{}/v1/orders", host.address);
        let request = reqwest::Client::new().request(Method::OPTIONS, url);
        let request = request
            .header("origin", from)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "idempotency-key");
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.headers().clone()
    };
    let allowed = preflight(origin).await;
    assert_eq!(allowed["access-control-allow-origin"], origin);
    let headers = allowed["access-control-allow-headers"]
        .to_str()
        .expect("text");
    assert!(headers.contains("idempotency-key"), "{headers}");
    let denied = preflight("https://elsewhere.example.com").await;
    assert!(!denied.contains_key("access-control-allow-origin"));
    // Pages can also read rejections.
    for status in [404, 429] {
        let request = host.request(Method::GET, "/v1/no/such/route");
        let answer = host.send(request.header("origin", origin)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    host.stop().await;
}

async fn every_response_has_security_headers_and_every_line_a_trace(stage: &Stage) {
    let host = stage.host().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = host.request(Method::GET, "/v1/stores/nowhere");
    let request = request
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("x-request-id", stage.id("traced-1"));
    let answers = [host.send(request).await, host.get("/healthz").await];
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }
    let lines = log_lines().of(&stage.id("traced-1"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["span"]["trace_id"], trace);
    host.stop().await;
}
