//! Names of services that get another address.

use crate::clients::{ROUTES, call, client, config, request};
use crate::service::{LONG, Service};
use galleria_ports::tax::TaxUpstreams as _;
use galleria_tax::UpstreamConfig;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Resolves every name to one address.
struct OneAddress(Mutex<SocketAddr>);

impl OneAddress {
    fn of(service: &Service) -> Arc<Self> {
        Arc::new(Self(Mutex::new(service.address)))
    }

    fn move_to(&self, service: &Service) {
        *self.0.lock().expect("an address") = service.address;
    }
}

impl Resolve for OneAddress {
    fn resolve(&self, _: Name) -> Resolving {
        let address = *self.0.lock().expect("an address");
        let addresses: Addrs = Box::new(std::iter::once(address));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

#[tokio::test]
async fn a_new_address_is_used_although_the_previous_one_still_answers() {
    for route in ROUTES {
        let (first, second) = (Service::start(route), Service::start(route));
        let resolver = OneAddress::of(&first);
        let with_lifetime = |lifetime| UpstreamConfig {
            lifetime,
            resolver: Some(resolver.clone()),
            ..config("http://tax.test")
        };
        let (long, short) = (
            client(route, with_lifetime(LONG)),
            client(route, with_lifetime(Duration::from_nanos(1))),
        );
        for client in [&long, &short] {
            client
                .evaluate(route, &request(), &call())
                .await
                .expect("taxes");
        }
        assert_eq!((first.calls(), second.calls()), (2, 0), "{route}");
        resolver.move_to(&second);
        for client in [&long, &short] {
            client
                .evaluate(route, &request(), &call())
                .await
                .expect("taxes");
        }
        // The long one keeps its connection until its lifetime ends.
        assert_eq!((first.calls(), second.calls()), (3, 1), "{route}");
    }
}

#[tokio::test]
async fn after_a_failure_the_name_is_resolved_again() {
    for route in ROUTES {
        let (mut first, second) = (Service::start(route), Service::start(route));
        let resolver = OneAddress::of(&first);
        let client = client(
            route,
            UpstreamConfig {
                lifetime: LONG,
                resolver: Some(resolver.clone()),
                ..config("http://tax.test")
            },
        );
        client
            .evaluate(route, &request(), &call())
            .await
            .expect("taxes");
        resolver.move_to(&second);
        first.kill();
        client
            .evaluate(route, &request(), &call())
            .await
            .expect("taxes of the other");
        assert_eq!((first.calls(), second.calls()), (1, 1), "{route}");
    }
}
