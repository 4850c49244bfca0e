//! The broker that events are told to.

use crate::Secret;
use crate::checks::Checks;
use crate::raw::RawKafka;
use crate::rights::is_topic;
use galleria_domain::names::is_id;
use std::path::PathBuf;

/// A broker, and what it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Kafka {
    /// Host and port of some brokers, with commas between.
    pub bootstrap: String,
    /// Key and secret, where it wants to know who comes.
    pub login: Option<(String, Secret)>,
    /// Certificates that its own is checked with.
    pub ca_file: Option<PathBuf>,
    /// The relay's name there.
    pub relay: String,
    /// The topics it is told; all where none is named.
    pub topics: Vec<String>,
}

/// The broker, if there is one. What is set beside it counts only with it.
pub(crate) fn convert(raw: RawKafka, checks: &mut Checks) -> Option<Kafka> {
    let RawKafka {
        bootstrap,
        api_key,
        api_secret,
        ca_file,
        relay,
        topics,
    } = raw;
    checks.check(
        is_id(&relay) && relay.len() <= 64,
        "kafka.relay",
        "at most 64 letters, digits, '-' and '_'",
    );
    for (index, topic) in topics.iter().enumerate() {
        checks.check(
            is_topic(topic),
            &format!("kafka.topics.{index}"),
            "the name of a topic: letters, digits, '.', '_' and '-'",
        );
    }
    if bootstrap.is_empty() {
        return None;
    }
    checks.check(
        bootstrap.split(',').all(is_address),
        "kafka.bootstrap",
        "a host and a port, or several with commas between, such as broker-1:9092,broker-2:9092",
    );
    if api_key.is_empty() != api_secret.is_empty() {
        let (missing, given) = match api_key.is_empty() {
            true => ("kafka.api_key", "kafka.api_secret"),
            false => ("kafka.api_secret", "kafka.api_key"),
        };
        checks.wrong(missing, format!("must be set where {given} is"));
    }
    Some(Kafka {
        bootstrap,
        login: (!api_key.is_empty()).then(|| (api_key, Secret::new(api_secret))),
        ca_file: (!ca_file.is_empty()).then(|| ca_file.into()),
        relay,
        topics,
    })
}

fn is_address(text: &str) -> bool {
    let parts = text.trim().rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        let whole = |byte: u8| byte.is_ascii_graphic() && !b"/@".contains(&byte);
        !host.is_empty()
            && host.bytes().all(whole)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bootstrap: &str, api_key: &str, api_secret: &str) -> RawKafka {
        RawKafka {
            bootstrap: bootstrap.into(),
            api_key: api_key.into(),
            api_secret: api_secret.into(),
            ..RawKafka::default()
        }
    }

    fn problems(raw: RawKafka) -> Vec<String> {
        let mut checks = Checks::default();
        convert(raw, &mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn a_broker_is_an_address_and_both_of_key_and_secret() {
        let mut checks = Checks::default();
        let kafka = convert(given("a:9092, b:9093", "k", "s"), &mut checks).expect("one");
        assert!(checks.problems.is_empty(), "{:?}", checks.problems);
        assert_eq!(kafka.login, Some(("k".to_owned(), Secret::new("s"))));
        assert_eq!(kafka.relay, "GALLERIA_RELAY");
        assert_eq!(convert(given("", "k", ""), &mut checks), None);
        for bad in [
            "broker",
            ":9092",
            "a:0",
            "kafka://a:9092",
            "a:9092,",
            "u:p@a:1",
        ] {
            assert_eq!(problems(given(bad, "", "")), ["kafka.bootstrap"], "{bad}");
        }
        assert_eq!(problems(given("a:1", "k", "")), ["kafka.api_secret"]);
        assert_eq!(problems(given("a:1", "", "s")), ["kafka.api_key"]);
        let named = |relay: &str, topic: &str| RawKafka {
            relay: relay.into(),
            topics: vec![topic.into()],
            ..given("a:1", "", "")
        };
        assert_eq!(
            problems(named("a b", "a topic")),
            ["kafka.relay", "kafka.topics.0"]
        );
    }
}
