//! `[http]`: the bounds of the HTTP server.

use crate::fields::{DAY, GIB, HOUR, KIB, SECOND, bytes, duration, integer, list, rule, text};
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

rule!(
    /// An address to listen on.
    pub(crate) Address -> SocketAddr,
    "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080",
    |text| text.parse().ok()
);

rule!(
    /// `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
    Network -> IpNet,
    "an IP address or a network, such as 10.0.0.7 or 10.0.0.0/8",
    |text| {
        let single = |_| text.parse().map(|address: IpAddr| IpNet::from(address));
        text.parse().or_else(single).ok()
    }
);

rule!(
    /// What a browser sends as `Origin`.
    Origin -> String,
    "a scheme and a host without a path, such as https://till.example.com",
    |text| {
        let schemes = ["https://", "http://"];
        let host = schemes.iter().find_map(|scheme| text.strip_prefix(scheme))?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        (!host.is_empty() && host.bytes().all(allowed)).then(|| text.to_owned())
    }
);

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 selects a free port.
    #[serde(deserialize_with = "text::<_, Address>")]
    pub listen: SocketAddr,
    /// Largest request body. A smaller limit than 1 KiB would reject an ordinary basket; with a larger
    /// one than 1 GiB, one request could fill the memory.
    #[serde(rename = "body_limit", deserialize_with = "bytes::<_, _, KIB, GIB>")]
    pub body_limit_bytes: usize,
    /// Time for a request's head, and for a connection without requests.
    #[serde(deserialize_with = "duration::<_, SECOND, DAY>")]
    pub idle: Duration,
    /// Time from a request's head to its response.
    #[serde(deserialize_with = "duration::<_, SECOND, DAY>")]
    pub timeout: Duration,
    /// The same for a request that uploads a file.
    #[serde(deserialize_with = "duration::<_, SECOND, DAY>")]
    pub upload_timeout: Duration,
    /// Time during which readiness fails before the host refuses connections.
    #[serde(deserialize_with = "duration::<_, 0, DAY>")]
    pub drain_notice: Duration,
    /// Time for requests in flight after that.
    #[serde(deserialize_with = "duration::<_, 0, DAY>")]
    pub drain_within: Duration,
    /// Proxies whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "list::<_, Network>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Connections that one client may have open; 0 means no limit.
    pub connections_per_client: u32,
    /// Origins whose pages may call the API.
    #[serde(deserialize_with = "list::<_, Origin>")]
    pub cors_origins: Vec<String>,
    /// Rate limit for each client.
    pub rate: Rate,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests at once; 0 disables the limit.
    #[serde(deserialize_with = "integer::<_, _, 0, 1_000_000>")]
    pub burst: u32,
    /// Time after which one more is allowed.
    #[serde(deserialize_with = "duration::<_, 1, HOUR>")]
    pub every: Duration,
    /// Status of the response to a request above the limit.
    #[serde(deserialize_with = "status")]
    pub status: u16,
}

fn status<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    use serde::de::{Error as _, Unexpected};
    let status = u16::deserialize(from)?;
    match status {
        429 | 460 => Ok(status),
        other => Err(D::Error::invalid_value(
            Unexpected::Unsigned(other.into()),
            &"429 or 460",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Rule as _;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for good in ["10.0.0.7", "10.0.0.0/8", "fd00::/8", "::1"] {
            assert!(Network::parse(good).is_some(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "a.b", "10.0.0.0/"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(Origin::parse("https://till.example.com:8443").is_some());
        for bad in [
            "*",
            "https://till.example.com/",
            "till.example.com",
            "https://",
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }
}
