//! `[http]` and `[metrics]`: the bounds of the HTTP face, checked.

use crate::checks::Checks;
use crate::raw::{RawHttp, RawMetrics, RawRate};
use crate::units;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU32;
use std::time::Duration;

/// The HTTP face.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The largest body that is read.
    pub body_limit_bytes: usize,
    /// How long a request's head may take, and its connection stay open without one.
    pub idle: Duration,
    /// From a request's head to its answer.
    pub timeout: Duration,
    /// The same where a file is sent.
    pub upload_timeout: Duration,
    /// How long readiness fails before connections are refused.
    pub drain_notice: Duration,
    /// How long requests in flight may take after that.
    pub drain_within: Duration,
    /// Who is believed when it tells for whom it asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections that one client may have open; 0 counts none.
    pub connections_per_client: usize,
    /// Origins whose pages may ask.
    pub cors_origins: Vec<String>,
    /// How often one client may ask; none counts nothing.
    pub rate: Option<Rate>,
}

/// How often one client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many at once.
    pub burst: NonZeroU32,
    /// One more each time this has passed.
    pub every: Duration,
    /// What is answered to more.
    pub status: u16,
}

/// `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
fn network(text: &str) -> Option<IpNet> {
    let alone = |_| text.parse().map(|address: IpAddr| IpNet::from(address));
    text.parse().or_else(alone).ok()
}

pub(crate) fn convert(raw: RawHttp, checks: &mut Checks) -> Http {
    let RawHttp {
        listen,
        body_limit,
        idle,
        timeout,
        upload_timeout,
        drain_notice,
        drain_within,
        trusted_proxies,
        connections_per_client,
        cors_origins,
        rate,
    } = raw;
    let body_limit = checks.take("http.body_limit", units::bytes(&body_limit));
    // Less would refuse an ordinary basket; more would let one request fill the memory.
    checks.check(
        (1 << 10..=1 << 30).contains(&body_limit),
        "http.body_limit",
        "between 1KiB and 1GiB",
    );
    let longest = Duration::from_secs(24 * 3600);
    let mut duration = |key: &str, text: &str, least: Duration| {
        let duration = checks.duration(key, text);
        let good = (least..=longest).contains(&duration);
        checks.check(good, key, &format!("between {least:?} and 24h"));
        duration
    };
    let second = Duration::from_secs(1);
    let idle = duration("http.idle", &idle, second);
    let timeout = duration("http.timeout", &timeout, second);
    let upload_timeout = duration("http.upload_timeout", &upload_timeout, second);
    let drain_notice = duration("http.drain_notice", &drain_notice, Duration::ZERO);
    let drain_within = duration("http.drain_within", &drain_within, Duration::ZERO);
    let listen = address("http.listen", &listen, checks);
    for (index, origin) in cors_origins.iter().enumerate() {
        let good = is_origin(origin);
        checks.check(
            good,
            &format!("http.cors_origins.{index}"),
            "scheme and host without a path, such as https://till.example.com",
        );
    }
    Http {
        listen: listen.unwrap_or(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))),
        body_limit_bytes: usize::try_from(body_limit).unwrap_or(usize::MAX),
        idle,
        timeout,
        upload_timeout,
        drain_notice,
        drain_within,
        trusted_proxies: proxies(&trusted_proxies, checks),
        connections_per_client: connections_per_client as usize,
        cors_origins,
        rate: self::rate(rate, checks),
    }
}

fn proxies(texts: &[String], checks: &mut Checks) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match network(text) {
            Some(network) => networks.push(network),
            None => checks.wrong(
                format!("http.trusted_proxies.{index}"),
                "an address or a network, such as 10.0.0.7 or 10.0.0.0/8",
            ),
        }
    }
    networks
}

/// What a browser sends as `Origin`.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
    })
}

fn rate(raw: RawRate, checks: &mut Checks) -> Option<Rate> {
    let RawRate {
        burst,
        every,
        status,
    } = raw;
    let every = checks.duration("http.rate.every", &every);
    checks.check(
        (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&every),
        "http.rate.every",
        "1ms to 1h",
    );
    checks.check(burst <= 1_000_000, "http.rate.burst", "0 to 1000000");
    checks.check(
        [429, 460].contains(&status),
        "http.rate.status",
        "429 or 460",
    );
    Some(Rate {
        burst: NonZeroU32::new(burst)?,
        every,
        status,
    })
}

/// Where scrapes are answered, if at an address of their own.
pub(crate) fn metrics(raw: RawMetrics, checks: &mut Checks) -> Option<SocketAddr> {
    let RawMetrics {
        listen,
        statsd: _,
        statsd_prefix: _,
    } = raw;
    if listen.is_empty() {
        return None;
    }
    address("metrics.listen", &listen, checks)
}

fn address(key: &str, text: &str, checks: &mut Checks) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    checks.check(
        parsed.is_some(),
        key,
        "an address and a port, such as 127.0.0.1:8080 or [::]:8080",
    );
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for good in ["10.0.0.7", "10.0.0.0/8", "fd00::/8", "::1"] {
            assert!(network(good).is_some(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "a.b", "10.0.0.0/"] {
            assert_eq!(network(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_by_its_key() {
        let raw = RawHttp {
            timeout: "0s".into(),
            trusted_proxies: vec!["10.0.0.1".into(), "proxy".into()],
            cors_origins: vec!["*".into(), "https://till.example.com/".into()],
            rate: RawRate {
                status: 503,
                ..RawRate::default()
            },
            ..RawHttp::default()
        };
        let mut checks = Checks::default();
        convert(raw, &mut checks);
        let told: Vec<_> = checks
            .problems
            .iter()
            .map(|one| one.field.as_str())
            .collect();
        let wanted = [
            "http.timeout",
            "http.cors_origins.0",
            "http.cors_origins.1",
            "http.trusted_proxies.1",
            "http.rate.status",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn no_burst_counts_nothing() {
        let mut checks = Checks::default();
        let none = RawRate {
            burst: 0,
            ..RawRate::default()
        };
        assert_eq!(rate(none, &mut checks), None);
        assert!(rate(RawRate::default(), &mut checks).is_some());
        assert!(checks.problems.is_empty());
    }
}
