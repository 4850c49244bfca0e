//! Limits per client: request rate and open connections.
//!
//! Owns: the definition of a client. Counts are per process and in memory. They protect the process from a
//! runaway client and are not a measure of usage.

use crate::problem::Problem;
use crate::problem_kinds::{ProblemKind, TOO_MANY_REQUESTS};
use axum::http::HeaderMap;
use axum::serve::Listener;
use galleria_ports::metrics;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The request rate of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// Requests at once.
    pub burst: NonZeroU32,
    /// Period after which one more request is allowed.
    pub every: Duration,
    /// Status of the response to requests beyond that.
    pub status: u16,
}

/// Above this number of clients, those whose burst is complete again are removed from memory.
const MAX_CLIENTS: usize = 10_000;

/// The recent requests of every client.
pub(crate) struct RateLimiter {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    status: u16,
}

impl RateLimiter {
    pub(crate) fn new(config: RateConfig) -> Option<Self> {
        let quota = Quota::with_period(config.every)?.allow_burst(config.burst);
        Some(Self {
            limiter: DefaultKeyedRateLimiter::keyed(quota),
            status: config.status,
        })
    }

    /// Counts a request, or rejects it with the time to wait.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), Problem> {
        if self.limiter.len() > MAX_CLIENTS {
            self.limiter.retain_recent();
        }
        let Err(early) = self.limiter.check_key(&rate_limit_key(client)) else {
            return Ok(());
        };
        let wait = early.wait_time_from(DefaultClock::default().now());
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
        let kind = ProblemKind {
            status: self.status,
            ..TOO_MANY_REQUESTS
        };
        Err(Problem::new(kind, kind.remedy).after(seconds.max(1)))
    }
}

/// A client usually controls a whole IPv6 /64, so limit by prefix.
fn rate_limit_key(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        IpAddr::V4(address) => address.into(),
    }
}

fn trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    proxies
        .iter()
        .any(|one| one.contains(&address.to_canonical()))
}

/// The address of the client: the peer, unless the peer is a trusted proxy. Then it is the rightmost address
/// in `X-Forwarded-For` that is not a trusted proxy; the client may have forged everything left of it.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut client = peer;
    let forwarded = headers.get_all("x-forwarded-for").iter().rev();
    let forwarded = forwarded.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for entry in forwarded {
        if !trusted(proxies, client) {
            break;
        }
        let Some(address) = address(entry.trim()) else {
            break;
        };
        client = address;
    }
    client.to_canonical()
}

/// Parses an address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    text.parse().or_else(|_| with_port()).ok()
}

/// A listener that closes connections of a client beyond its limit.
pub(crate) struct ClientLimitListener {
    listener: TcpListener,
    /// Connections per client; 0 disables the limit.
    max: usize,
    proxies: Vec<IpNet>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl ClientLimitListener {
    pub(crate) fn new(listener: TcpListener, max: usize, proxies: Vec<IpNet>) -> Self {
        // Export the counter as 0 from the start, so that the first increase is visible.
        metrics::connections_refused(0);
        Self {
            listener,
            max,
            proxies,
            open: Arc::default(),
        }
    }

    /// Reserves a connection for a client; `None` if it is not limited.
    fn reserve(&self, client: IpAddr) -> Result<Option<Reservation>, ()> {
        if self.max == 0 || trusted(&self.proxies, client) {
            return Ok(None);
        }
        let client = rate_limit_key(client);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(client).or_default();
        if *count >= self.max {
            return Err(());
        }
        *count += 1;
        Ok(Some(Reservation {
            client,
            open: Arc::clone(&self.open),
        }))
    }
}

impl Listener for ClientLimitListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let (io, address) = Listener::accept(&mut self.listener).await;
            if let Ok(reservation) = self.reserve(address.ip()) {
                // Send small responses at once (no Nagle delay).
                if let Err(error) = io.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY rejected");
                }
                let connection = Connection {
                    io,
                    _reservation: reservation,
                };
                return (connection, address);
            }
            metrics::connections_refused(1);
            tracing::debug!("connection closed: client limit reached");
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Ends when the connection is closed.
struct Reservation {
    client: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.client);
            }
        }
    }
}

/// A connection with its reservation.
pub(crate) struct Connection {
    io: TcpStream,
    _reservation: Option<Reservation>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_the_rightmost_entries_of_trusted_proxies_count() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let client_of = |peer: &str, forwarded: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            client(ip(peer), &headers, &proxies).to_string()
        };
        assert_eq!(client_of("1.1.1.1", &["2.2.2.2"]), "1.1.1.1");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["9.9.9.9, 2.2.2.2"]), "2.2.2.2");
        assert_eq!(
            client_of("10.0.0.1", &["9.9.9.9", "2.2.2.2, 10.0.0.2"]),
            "2.2.2.2"
        );
        assert_eq!(
            client_of("::ffff:10.0.0.1", &["[2001:db8::1]:443"]),
            "2001:db8::1"
        );
        assert_eq!(client_of("10.0.0.1", &["2.2.2.2, unknown"]), "10.0.0.1");
    }

    #[test]
    fn every_client_has_its_own_burst() {
        let config = RateConfig {
            burst: NonZeroU32::MIN,
            every: Duration::from_secs(60),
            status: 460,
        };
        let rates = RateLimiter::new(config).expect("a quota");
        rates.check(ip("1.1.1.1")).expect("the first");
        let rejected = rates.check(ip("1.1.1.1")).expect_err("the second");
        assert_eq!(rejected.kind.status, 460);
        let wait = rejected.retry_after.expect("a wait");
        assert!((59..=60).contains(&wait), "{wait}");
        rates.check(ip("1.1.1.2")).expect("another client");
        rates.check(ip("2001:db8::1")).expect("the first");
        rates.check(ip("2001:db8::2")).expect_err("the same /64");
    }
}
