//! Services that fail: the error, the number of calls, and the breaker.

use crate::clients::{ROUTES, call, client, config, request};
use crate::service::{Behaviour, LONG, Service};
use galleria_domain::Problem;
use galleria_domain::tax::{TaxResponse, TaxRoute};
use galleria_ports::tax::{BreakerState, TaxCall, TaxFault, TaxUpstreams as _};
use galleria_tax::{UpstreamConfig, Upstreams};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

async fn evaluate(client: &Upstreams, route: TaxRoute) -> Result<TaxResponse, TaxFault> {
    client.evaluate(route, &request(), &call()).await
}

fn state(client: &Upstreams) -> BreakerState {
    client.upstreams()[0].breaker
}

fn last_failure(client: &Upstreams) -> (String, String) {
    let failure = client
        .upstreams()
        .remove(0)
        .last_failure
        .expect("a failure");
    assert!(failure.at.parse::<jiff::Timestamp>().is_ok());
    (failure.kind, failure.reason)
}

#[tokio::test]
async fn a_killed_service_is_unavailable_until_it_starts_again() {
    for route in ROUTES {
        let mut service = Service::start(route);
        let client = client(route, config(service.url()));
        evaluate(&client, route).await.expect("taxes");
        service.kill();
        let fault = evaluate(&client, route).await.expect_err("killed");
        assert_eq!(fault.to_string(), "is unavailable", "{route}");
        let cause = fault.cause().expect("a cause").to_lowercase();
        assert!(cause.contains("refused"), "{route}: {cause}");
        assert_eq!(last_failure(&client).0, "unavailable");
        assert!(client.check(route).await.is_err());
        service.restart();
        evaluate(&client, route).await.expect("taxes again");
    }
}

#[tokio::test]
async fn a_service_that_fails_is_called_again_a_few_times() {
    for route in ROUTES {
        let service = Service::start(route);
        service.behave(Behaviour::Fail);
        let client = client(route, config(service.url()));
        let fault = evaluate(&client, route).await.expect_err("unavailable");
        assert!(fault.chain().contains("starting"), "{}", fault.chain());
        assert_eq!(service.calls(), 3, "{route}: one call and two repetitions");
        // It works again while calls are repeated.
        let recovering = evaluate(&client, route);
        service.behave(Behaviour::Evaluate);
        recovering.await.expect("taxes");
    }
}

#[tokio::test]
async fn a_slow_service_times_out_in_each_call_and_in_all() {
    for route in ROUTES {
        let service = Service::start(route);
        let limit = Duration::from_millis(300);
        let slow = client(
            route,
            UpstreamConfig {
                timeout: limit,
                retries: 1,
                ..config(service.url())
            },
        );
        evaluate(&slow, route).await.expect("a connection");
        service.behave(Behaviour::Hang);
        let fault = evaluate(&slow, route).await.expect_err("slow");
        assert_eq!(fault, TaxFault::Timeout { limit }, "{route}");
        assert_eq!(fault.to_string(), "did not answer within 300ms");
        assert_eq!(service.calls(), 3, "{route}");
        assert_eq!(
            last_failure(&slow),
            ("timeout".into(), "did not answer within 300ms".into())
        );
        // The deadline ends an evaluation with many repetitions.
        let deadline = Duration::from_millis(500);
        let many = client(
            route,
            UpstreamConfig {
                timeout: Duration::from_millis(200),
                deadline,
                retries: 10,
                ..config(service.url())
            },
        );
        let fault = evaluate(&many, route).await.expect_err("slow");
        assert_eq!(fault, TaxFault::Timeout { limit: deadline }, "{route}");
    }
}

#[tokio::test]
async fn a_service_gets_the_time_that_is_left() {
    let service = Service::start(TaxRoute::Grpc);
    service.behave(Behaviour::Hang);
    let (limit, deadline) = (Duration::from_millis(1_500), Duration::from_secs(2));
    let client = client(
        TaxRoute::Grpc,
        UpstreamConfig {
            timeout: limit,
            deadline,
            retries: 1,
            breaker_failures: 2,
            ..config(service.url())
        },
    );
    let fault = evaluate(&client, TaxRoute::Grpc).await.expect_err("slow");
    assert_eq!(fault, TaxFault::Timeout { limit: deadline });
    let sent: Vec<Duration> = service
        .seen
        .timeouts
        .lock()
        .expect("deadlines")
        .iter()
        .map(|text| {
            let (number, unit) = text.split_at(text.len() - 1);
            let number: u64 = number.parse().expect("a number");
            match unit {
                "n" => Duration::from_nanos(number),
                "u" => Duration::from_micros(number),
                _ => Duration::from_millis(number),
            }
        })
        .collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0], limit);
    // The second call did not have its time, so it is no failure of the service.
    assert_eq!(state(&client), BreakerState::Closed);
    // The first call and the wait took more than 1.55 of the 2 seconds.
    assert!(sent[1] < Duration::from_millis(450), "{sent:?}");
}

#[tokio::test]
async fn an_invalid_response_names_the_rule_and_is_not_requested_again() {
    for route in ROUTES {
        let service = Service::start(route);
        let client = client(route, config(service.url()));
        for (calls, (behaviour, rule)) in (1..).zip([
            (Behaviour::ForgetItem, "item_tax: must have 2 items, got 1"),
            (Behaviour::NoNumber, ""),
            (Behaviour::TooLarge, "must have at most 16777216 bytes"),
        ]) {
            service.behave(behaviour);
            let fault = evaluate(&client, route).await.expect_err("invalid");
            let text = fault.to_string();
            assert_eq!(
                fault.name(),
                "invalid_response",
                "{route} {behaviour:?}: {text}"
            );
            assert!(text.starts_with("returned an invalid response: "), "{text}");
            assert!(text.ends_with(rule), "{route} {behaviour:?}: {text}");
            assert!(text.len() < 400, "{text}");
            assert_eq!(service.calls(), calls, "{route} {behaviour:?}");
        }
        service.behave(Behaviour::Evaluate);
        evaluate(&client, route).await.expect("taxes");
    }
}

/// A program that is no tax service: it sends something and closes the connection.
#[tokio::test]
async fn another_protocol_is_a_clear_error() {
    for (route, answer) in [
        (
            TaxRoute::Grpc,
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        ),
        (TaxRoute::Http, "220 mail.example.com ESMTP\r\n"),
        (
            TaxRoute::Http,
            "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>",
        ),
        (
            TaxRoute::Http,
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"total_",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let answering = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut read = [0; 1024];
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let client = client(route, config(address));
        let fault = evaluate(&client, route)
            .await
            .expect_err("another protocol");
        let expected = match answer.contains("<html>") {
            true => "invalid_response",
            false => "unavailable",
        };
        assert_eq!(fault.name(), expected, "{answer}: {}", fault.chain());
        assert!(!fault.cause().expect("a cause").is_empty());
        answering.abort();
    }
}

#[tokio::test]
async fn a_rejected_basket_is_no_failure_of_the_service() {
    for route in ROUTES {
        let service = Service::start(route);
        service.behave(Behaviour::Reject);
        let config = UpstreamConfig {
            breaker_failures: 1,
            ..config(service.url())
        };
        let client = client(route, config);
        for calls in 1..=3 {
            let fault = evaluate(&client, route).await.expect_err("rejected");
            let problem = Problem::new("items.0.tax_code", "must be known");
            assert_eq!(fault, TaxFault::Rejected(vec![problem]), "{route}");
            assert_eq!(service.calls(), calls, "{route}");
        }
        assert_eq!(state(&client), BreakerState::Closed);
        assert_eq!(client.upstreams()[0].last_failure, None);
    }
}

#[tokio::test]
async fn a_recorded_evaluation_is_repeated_only_with_a_key() {
    for route in ROUTES {
        let service = Service::start(route);
        service.behave(Behaviour::Fail);
        let client = client(
            route,
            UpstreamConfig {
                breaker_failures: 100,
                ..config(service.url())
            },
        );
        let mut request = request();
        request.commit = true;
        let fault = client.evaluate(route, &request, &call()).await;
        assert!(fault.is_err());
        assert_eq!(service.calls(), 1, "{route}");
        let with_key = TaxCall {
            idempotency_key: Some("k-1".into()),
            hops: 2,
        };
        let fault = client.evaluate(route, &request, &with_key).await;
        assert!(fault.is_err());
        assert_eq!(service.calls(), 4, "{route}");
        let last = service.seen.last.lock().expect("the last").clone();
        assert_eq!(
            last,
            [Some("k-1".into()), Some("2".into()), None],
            "{route}"
        );
    }
}

#[tokio::test]
async fn the_breaker_stops_calls_and_one_call_finds_out_whether_the_service_works() {
    for route in ROUTES {
        let service = Service::start(route);
        service.behave(Behaviour::Fail);
        let config = UpstreamConfig {
            retries: 0,
            breaker_failures: 2,
            breaker_pause: LONG,
            ..config(service.url())
        };
        let pausing = client(route, config.clone());
        for _ in 0..2 {
            assert_eq!(
                evaluate(&pausing, route).await.expect_err("fails").name(),
                "unavailable"
            );
        }
        for _ in 0..5 {
            match evaluate(&pausing, route).await {
                Err(TaxFault::BreakerOpen { wait }) => assert!(wait <= LONG),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            (service.calls(), state(&pausing)),
            (2, BreakerState::Open),
            "{route}"
        );
        assert!(last_failure(&pausing).1.contains("starting"));

        // A short pause is over at the next call.
        let probing = client(
            route,
            UpstreamConfig {
                breaker_pause: Duration::from_nanos(1),
                ..config
            },
        );
        for _ in 0..3 {
            assert_eq!(
                evaluate(&probing, route).await.expect_err("fails").name(),
                "unavailable"
            );
        }
        assert_eq!(state(&probing), BreakerState::HalfOpen, "{route}");
        service.behave(Behaviour::Evaluate);
        evaluate(&probing, route).await.expect("taxes");
        assert_eq!(state(&probing), BreakerState::Closed, "{route}");
    }
}

/// The caller of a slow evaluation goes away: the next call still finds out whether the service works.
#[tokio::test]
async fn a_call_that_its_caller_abandons_does_not_block_the_breaker() {
    for route in ROUTES {
        let service = Service::start(route);
        service.behave(Behaviour::Fail);
        let client = client(
            route,
            UpstreamConfig {
                retries: 0,
                breaker_failures: 1,
                breaker_pause: Duration::from_nanos(1),
                ..config(service.url())
            },
        );
        assert!(evaluate(&client, route).await.is_err());
        service.behave(Behaviour::Hang);
        let abandoned = tokio::time::timeout(Duration::from_millis(100), evaluate(&client, route));
        assert!(abandoned.await.is_err(), "{route}");
        service.behave(Behaviour::Evaluate);
        evaluate(&client, route).await.expect("taxes");
        assert_eq!(state(&client), BreakerState::Closed, "{route}");
    }
}
