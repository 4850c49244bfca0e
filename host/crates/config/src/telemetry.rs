//! Where the host tells what it does, beside its log: a collector of traces, an agent of Datadog.

use crate::checks::Checks;
use crate::raw::{RawMetrics, RawTraces};
use std::time::Duration;

/// The collector that traces are sent to.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces {
    /// Its base, such as `http://127.0.0.1:4318`, without a slash at the end.
    pub endpoint: String,
    /// The share of requests that are traced where their caller does not say.
    pub sample: f64,
    /// How long the collector is waited for.
    pub timeout: Duration,
}

/// The agent that metrics are sent to, in Datadog's form of StatsD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statsd {
    /// Host and port.
    pub address: String,
    /// Stands before every name, with a dot between; none where it is empty.
    pub prefix: String,
}

/// Where traces go, if anywhere.
pub(crate) fn traces(raw: RawTraces, checks: &mut Checks) -> Option<Traces> {
    let RawTraces {
        endpoint,
        sample,
        timeout,
    } = raw;
    let timeout = checks.duration("traces.timeout", &timeout);
    let good = (Duration::from_millis(100)..=Duration::from_secs(30)).contains(&timeout);
    checks.check(good, "traces.timeout", "100ms to 30s");
    checks.check(
        (0.0..=1.0).contains(&sample),
        "traces.sample",
        "0 to 1: the share of requests that are traced",
    );
    if endpoint.is_empty() {
        return None;
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| endpoint.strip_prefix(scheme));
    let whole = |rest: &str| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
            && !rest.contains(['@', '?', '#'])
    };
    checks.check(
        rest.is_some_and(whole),
        "traces.endpoint",
        "http:// or https:// and the collector's address, such as http://127.0.0.1:4318",
    );
    Some(Traces {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        sample,
        timeout,
    })
}

/// Where metrics are sent, if anywhere.
pub(crate) fn statsd(raw: &RawMetrics, checks: &mut Checks) -> Option<Statsd> {
    let RawMetrics {
        statsd,
        statsd_prefix,
        listen: _,
    } = raw;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
    checks.check(
        statsd_prefix.bytes().all(word),
        "metrics.statsd_prefix",
        "letters, digits, '_' and '.'",
    );
    if statsd.is_empty() {
        return None;
    }
    let parts = statsd.rsplit_once(':');
    let good = parts.is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    checks.check(
        good,
        "metrics.statsd",
        "a host and a port, such as 127.0.0.1:8125",
    );
    Some(Statsd {
        address: statsd.clone(),
        prefix: statsd_prefix.trim_matches('.').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(work: impl FnOnce(&mut Checks)) -> Vec<String> {
        let mut checks = Checks::default();
        work(&mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn a_collector_is_an_address_without_secrets_in_it() {
        let given = |endpoint: &str, sample| RawTraces {
            endpoint: endpoint.into(),
            sample,
            ..RawTraces::default()
        };
        let mut checks = Checks::default();
        let traces = traces(given("http://collector:4318/", 0.5), &mut checks).expect("on");
        assert_eq!(
            (&*traces.endpoint, traces.sample),
            ("http://collector:4318", 0.5)
        );
        assert!(super::traces(RawTraces::default(), &mut checks).is_none());
        assert!(checks.problems.is_empty());
        for bad in [
            "collector:4318",
            "http://",
            "http://u:p@collector",
            "http://a b",
        ] {
            let found = problems(|checks| drop(super::traces(given(bad, 1.0), checks)));
            assert_eq!(found, ["traces.endpoint"], "{bad}");
        }
        for bad in [-0.1, 1.1, f64::NAN] {
            let found = problems(|checks| drop(super::traces(given("", bad), checks)));
            assert_eq!(found, ["traces.sample"], "{bad}");
        }
    }

    #[test]
    fn an_agent_is_a_host_and_a_port() {
        let given = |statsd: &str, prefix: &str| RawMetrics {
            statsd: statsd.into(),
            statsd_prefix: prefix.into(),
            ..RawMetrics::default()
        };
        let mut checks = Checks::default();
        let agent = statsd(&given("agent:8125", "shops."), &mut checks).expect("on");
        assert_eq!((&*agent.address, &*agent.prefix), ("agent:8125", "shops"));
        assert!(checks.problems.is_empty());
        for bad in [
            "agent",
            ":8125",
            "agent:0",
            "udp://agent:8125",
            "agent:99999",
        ] {
            let found = problems(|checks| drop(statsd(&given(bad, ""), checks)));
            assert_eq!(found, ["metrics.statsd"], "{bad}");
        }
        let found = problems(|checks| drop(statsd(&given("", "a b"), checks)));
        assert_eq!(found, ["metrics.statsd_prefix"]);
    }
}
