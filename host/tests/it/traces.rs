//! The spans of a payment at a collector, and the effect of an unavailable collector.

use crate::corner_shop;
use crate::host::Database;
use crate::listeners::Collector;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::time::{Duration, Instant};

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|one| one.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[track_caller]
fn one<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let named: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    assert_eq!(named.len(), 1, "{name} in {names:?}");
    named[0]
}

on_both!(a_payment_is_one_trace_from_its_request_to_its_document);

async fn a_payment_is_one_trace_from_its_request_to_its_document(database: Database) {
    let collector = Collector::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path()).on(database);
    host.set(&format!("traces.endpoint={}", collector.endpoint));
    host.start().await;
    corner_shop::open(&host).await;
    corner_shop::sell(&host, "secret-order").await;
    corner_shop::delivered(&host, 1).await;
    let request = serde_json::json!({ "code": "secret-code" });
    let members = format!("/v1/stores/{}/members/identify", corner_shop::STORE);
    let _ = host.send("POST", &members, "m", &request).await;
    // The host sends queued spans before it ends.
    host.stop();

    let taken = collector.spans();
    let request = "POST /v1/orders/{id}/payments";
    let request = taken.iter().find(|span| span.name == request);
    let request = request.expect("the payment's request");
    let of_trace = taken
        .iter()
        .filter(|span| span.trace_id == request.trace_id);
    let trace: Vec<&Span> = of_trace.collect();
    let topic = "process mishi.streams.post-payment-success";
    let (accept, event) = (one(&trace, "accept"), one(&trace, topic));
    let (call, apply) = (one(&trace, "plugin call"), one(&trace, "apply decision"));
    let deliver = one(&trace, "deliver document");
    assert!(
        request.parent_span_id.is_empty(),
        "no other request caused it"
    );
    for (span, parent) in [
        (accept, request),
        (event, request),
        (deliver, request),
        (call, event),
        (apply, event),
    ] {
        assert_eq!(span.parent_span_id, parent.span_id, "{}", span.name);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    assert_eq!(attribute(call, "plugin"), Some("guest"));
    assert_eq!(attribute(call, "outcome"), Some("decided"));
    assert!(attribute(call, "component").is_some_and(|digest| digest.len() >= 8));
    assert_eq!(attribute(deliver, "outcome"), Some("delivered"));

    let identify = "POST /v1/stores/{id}/members/identify";
    let identify = taken.iter().find(|span| span.name == identify);
    let identify = identify.expect("the question's request");
    let result = |key: &str| identify.attributes.iter().any(|one| one.key == key);
    assert!(!result("http.response.status_code"), "how it ended");
    assert!(!taken.iter().any(|span| span.name.contains("/readyz")));
    // The span contains the event's id, which names the payment, and no other data of it.
    for span in taken.iter() {
        let text = format!("{span:?}").replace("payment:p-secret-order", "");
        for private in ["secret-code", "secret-order", "secret", "Bearer", "gk_"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_collector_costs_only_its_spans() {
    // One address without a listener, and one whose listener never responds.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let refused = free.local_addr().expect("an address");
    drop(free);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hangs = silent.local_addr().expect("an address");
    for address in [refused, hangs] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut host = corner_shop::host(folder.path());
        host.set(&format!("traces.endpoint=http://{address}"));
        host.set("traces.timeout=300ms");
        host.start().await;
        corner_shop::open(&host).await;
        for n in 0..5 {
            let begun = Instant::now();
            corner_shop::sell(&host, &format!("o-{n}")).await;
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "it was waited for"
            );
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        corner_shop::delivered(&host, 5).await;
        host.stop();
        let log = host.log();
        let result = log
            .lines()
            .filter(|line| line.contains("trace collector unavailable"));
        assert_eq!(result.count(), 1, "{log}");
    }
}
