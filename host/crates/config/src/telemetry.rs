//! `[metrics]` and `[traces]`: Prometheus, a Datadog agent, a collector of traces.

use crate::fields::{SECOND, duration, optional, rule, share, text};
use crate::http::Address;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;

/// Variables of other programs that set a key of this section, and the key.
pub(crate) const ENVIRONMENT: &[(&str, &str)] =
    &[("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint")];

rule!(
    /// Host and port of an agent.
    Agent -> String,
    "a host and a port, such as 127.0.0.1:8125",
    |text| {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse::<u16>().ok()?;
        (!host.is_empty() && !host.contains('/') && port > 0).then(|| text.to_owned())
    }
);

rule!(
    /// A prefix of metric names, without the dot at its end.
    StatsdPrefix -> String,
    "letters, digits, '_' and '.'",
    |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
        text.bytes().all(allowed).then(|| text.trim_matches('.').to_owned())
    }
);

rule!(
    /// The base address of a collector, without the slash at its end. It may contain no login.
    Collector -> String,
    "http:// or https:// and the collector's address, such as http://127.0.0.1:4318",
    |text| {
        let schemes = ["http://", "https://"];
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme))?;
        let good = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
            && !rest.contains(['@', '?', '#']);
        good.then(|| text.trim_end_matches('/').to_owned())
    }
);

/// Metrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address for scrapes; none means `/metrics` of the HTTP server.
    #[serde(deserialize_with = "optional::<_, Address>")]
    pub listen: Option<SocketAddr>,
    /// Host and port of a Datadog agent; none disables sending.
    #[serde(deserialize_with = "optional::<_, Agent>")]
    pub statsd: Option<String>,
    /// Prefix of the names sent to the agent, followed by a dot unless it is empty.
    #[serde(deserialize_with = "text::<_, StatsdPrefix>")]
    pub statsd_prefix: String,
}

/// Traces.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Base address of the collector, such as `http://127.0.0.1:4318`; none disables tracing.
    #[serde(deserialize_with = "optional::<_, Collector>")]
    pub endpoint: Option<String>,
    /// Share of requests to trace if the caller does not decide.
    #[serde(deserialize_with = "share")]
    pub sample: f64,
    /// Time to wait for the collector.
    #[serde(deserialize_with = "duration::<_, 100, {30 * SECOND}>")]
    pub timeout: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Rule as _;

    #[test]
    fn a_collector_is_an_address_without_a_login() {
        let endpoint = Collector::parse("http://collector:4318/");
        assert_eq!(endpoint.as_deref(), Some("http://collector:4318"));
        for bad in [
            "collector:4318",
            "http://",
            "http://u:p@collector",
            "http://a b",
        ] {
            assert_eq!(Collector::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_agent_is_a_host_and_a_port() {
        assert_eq!(Agent::parse("agent:8125").as_deref(), Some("agent:8125"));
        for bad in [
            "agent",
            ":8125",
            "agent:0",
            "udp://agent:8125",
            "agent:99999",
        ] {
            assert_eq!(Agent::parse(bad), None, "{bad}");
        }
        assert_eq!(StatsdPrefix::parse("shops.").as_deref(), Some("shops"));
        assert_eq!(StatsdPrefix::parse("a b"), None);
    }
}
