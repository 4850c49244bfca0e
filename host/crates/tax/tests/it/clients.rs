//! Clients of services that work.

use crate::service::{LONG, Service, evaluated};
use galleria_domain::tax::{TaxRequest, TaxRoute};
use galleria_domain::trace::Origin;
use galleria_ports::clock::{Clock, SystemClock};
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstreams};
use galleria_ports::trace;
use galleria_tax::{UpstreamConfig, Upstreams};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Both protocols.
pub const ROUTES: [TaxRoute; 2] = [TaxRoute::Grpc, TaxRoute::Http];

/// A client that waits as long as a slow machine needs.
pub fn config(address: impl Into<String>) -> UpstreamConfig {
    UpstreamConfig {
        timeout: LONG,
        deadline: LONG,
        ..UpstreamConfig::new(address)
    }
}

pub fn client(route: TaxRoute, config: UpstreamConfig) -> Upstreams {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Upstreams::new([(route, config)], &clock).expect("a client")
}

pub fn request() -> TaxRequest {
    let request = json!({"store_data": {"store_id": "s", "tax_included_in_price": true}, "business_date": "2026-11-30",
    "items": [
        {"item_id": "a", "total_amount": "12.10", "tax_code": "STD", "quantity": "2"},
        {"item_id": "b", "total_amount": "-1.21", "tax_code": "STD"},
    ]});
    serde_json::from_value(request).expect("a request")
}

pub fn call() -> TaxCall {
    TaxCall {
        idempotency_key: None,
        hops: 1,
    }
}

#[tokio::test]
async fn a_service_evaluates_over_one_connection() {
    for route in ROUTES {
        let service = Service::start(route);
        let client = client(route, config(service.url()));
        for _ in 0..3 {
            let response = client.evaluate(route, &request(), &call()).await;
            assert_eq!(response, Ok(evaluated(&request())), "{route}");
        }
        let seen = &service.seen;
        assert_eq!(
            (service.calls(), seen.connections.load(Ordering::SeqCst)),
            (3, 1),
            "{route}"
        );
        let last = || seen.last.lock().expect("the last").clone();
        assert_eq!(last(), [None, Some("1".into()), None], "{route}");
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let origin = Origin {
            trace: Some(parent.parse().expect("a trace")),
            request: None,
        };
        let traced = async { client.evaluate(route, &request(), &call()).await };
        let traced = trace::within(origin, traced).await;
        traced.expect("taxes");
        assert_eq!(last()[2].as_deref(), Some(parent), "{route}");
        assert_eq!(client.check(route).await, Ok(()), "{route}");
        let status = &client.upstreams()[0];
        assert_eq!(
            (status.address.clone(), status.last_failure.clone()),
            (service.url(), None)
        );
        let other = ROUTES
            .into_iter()
            .find(|one| *one != route)
            .expect("another");
        let missing = client.evaluate(other, &request(), &call()).await;
        assert_eq!(missing, Err(TaxFault::NotConfigured));
    }
}

#[tokio::test]
async fn many_evaluations_at_once_share_a_client() {
    for route in ROUTES {
        let service = Service::start(route);
        let client = Arc::new(client(route, config(service.url())));
        let all = (0..50).map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.evaluate(route, &request(), &call()).await })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(
                one.await.expect("no panic"),
                Ok(evaluated(&request())),
                "{route}"
            );
        }
        assert_eq!(service.calls(), 50);
    }
}
