//! Bounds of each client: how often it may ask, and how many connections it may have open.
//!
//! Owns: who counts as one client. Counts are of this process and in memory: they protect it from
//! one caller that runs wild, and are no measure of anybody's use.

use crate::problem::{Kind, Problem, TOO_MANY_REQUESTS};
use axum::http::HeaderMap;
use axum::serve::Listener;
use galleria_app::figures;
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

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// So many at once.
    pub burst: NonZeroU32,
    /// One more each time this has passed.
    pub every: Duration,
    /// What is answered to more.
    pub status: u16,
}

/// Clients that are remembered before those who have their whole burst again are forgotten.
const REMEMBERED: usize = 10_000;

/// What clients have asked lately.
pub(crate) struct Rates {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    status: u16,
}

impl Rates {
    pub(crate) fn new(config: RateConfig) -> Option<Self> {
        let quota = Quota::with_period(config.every)?.allow_burst(config.burst);
        Some(Self {
            limiter: DefaultKeyedRateLimiter::keyed(quota),
            status: config.status,
        })
    }

    /// Counts a request, or refuses it and tells how long to wait.
    pub(crate) fn count(&self, client: IpAddr) -> Result<(), Problem> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        let Err(early) = self.limiter.check_key(&rate_limit_key(client)) else {
            return Ok(());
        };
        let wait = early.wait_time_from(DefaultClock::default().now());
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
        let kind = Kind {
            status: self.status,
            ..TOO_MANY_REQUESTS
        };
        Err(Problem::new(kind, kind.remedy).after(seconds.max(1)))
    }
}

/// Whoever has one address of an IPv6 network of 64 bits has them all.
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

/// For whom a request is: who connects, unless that is a trusted proxy. Then it is the address
/// furthest right in `X-Forwarded-For` that is none; what stands left of it the client itself may
/// have made up.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut client = peer;
    let told = headers.get_all("x-forwarded-for").iter().rev();
    let told = told.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for one in told {
        if !trusted(proxies, client) {
            break;
        }
        let Some(address) = address(one.trim()) else {
            break;
        };
        client = address;
    }
    client.to_canonical()
}

/// With a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    text.parse().or_else(|_| with_port()).ok()
}

/// A listener that closes what one client opens beyond its bound.
pub(crate) struct ClientLimitListener {
    listener: TcpListener,
    /// Of each client; 0 counts none.
    most: usize,
    proxies: Vec<IpNet>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl ClientLimitListener {
    pub(crate) fn new(listener: TcpListener, most: usize, proxies: Vec<IpNet>) -> Self {
        // Told as 0 from the start: the first that is refused is seen.
        figures::connections_refused(0);
        Self {
            listener,
            most,
            proxies,
            open: Arc::default(),
        }
    }

    /// A place for one more connection of a client.
    fn place(&self, client: IpAddr) -> Result<Option<Place>, ()> {
        if self.most == 0 || trusted(&self.proxies, client) {
            return Ok(None);
        }
        let client = rate_limit_key(client);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(client).or_default();
        if *count >= self.most {
            return Err(());
        }
        *count += 1;
        Ok(Some(Place {
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
            if let Ok(place) = self.place(address.ip()) {
                // An answer is small and written at once: it must not wait for more to come.
                if let Err(error) = io.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return (Connection { io, _place: place }, address);
            }
            figures::connections_refused(1);
            tracing::debug!("a client has as many connections open as it may: one more is closed");
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Gives the place back when the connection is closed.
struct Place {
    client: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for Place {
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

/// A connection that has its place.
pub(crate) struct Connection {
    io: TcpStream,
    _place: Option<Place>,
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
    fn only_a_trusted_proxy_is_believed_and_only_at_the_right_end() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let asked = |peer: &str, told: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in told {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            client(ip(peer), &headers, &proxies).to_string()
        };
        assert_eq!(asked("1.1.1.1", &["2.2.2.2"]), "1.1.1.1");
        assert_eq!(asked("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(asked("10.0.0.1", &["9.9.9.9, 2.2.2.2"]), "2.2.2.2");
        assert_eq!(
            asked("10.0.0.1", &["9.9.9.9", "2.2.2.2, 10.0.0.2"]),
            "2.2.2.2"
        );
        assert_eq!(
            asked("::ffff:10.0.0.1", &["[2001:db8::1]:443"]),
            "2001:db8::1"
        );
        assert_eq!(asked("10.0.0.1", &["2.2.2.2, who knows"]), "10.0.0.1");
    }

    #[test]
    fn a_client_has_its_burst_and_another_its_own() {
        let config = RateConfig {
            burst: NonZeroU32::MIN,
            every: Duration::from_secs(60),
            status: 460,
        };
        let rates = Rates::new(config).expect("a quota");
        rates.count(ip("1.1.1.1")).expect("the first");
        let refused = rates.count(ip("1.1.1.1")).expect_err("the second");
        assert_eq!(refused.kind.status, 460);
        let wait = refused.retry_after.expect("a wait");
        assert!((59..=60).contains(&wait), "{wait}");
        rates.count(ip("1.1.1.2")).expect("another's");
        rates.count(ip("2001:db8::1")).expect("the first");
        rates.count(ip("2001:db8::2")).expect_err("of one network");
    }
}
