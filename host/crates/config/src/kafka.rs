//! `[kafka]`: the broker to which the relay publishes the log.

use crate::Secret;
use crate::checks::Checks;
use crate::fields::{Path, list, optional, rule, text};
use crate::rights::is_topic;
use galleria_domain::names::is_id;
use serde::Deserialize;
use std::path::PathBuf;

/// Variables of the previous platform that set a key of this section, and the key.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("CONF_KAFKA_BOOTSTRAP_SERVER", "kafka.bootstrap"),
    ("CONF_KAFKA_API_KEY", "kafka.api_key"),
    ("CONF_KAFKA_API_SECRET", "kafka.api_secret"),
];

rule!(
    /// Brokers, separated by commas.
    Brokers -> String,
    "a host and a port, or several separated by commas, such as broker-1:9092,broker-2:9092",
    |text| text.split(',').all(is_address).then(|| text.to_owned())
);

rule!(
    /// A name of at most 64 characters.
    Name -> String,
    "1 to 64 letters, digits, '-', '_', '.' and ':'",
    |text| is_id(text).then(|| text.to_owned())
);

rule!(
    /// The name of a topic.
    Topic -> String,
    "the name of a topic: letters, digits, '.', '_' and '-'",
    |text| is_topic(text).then(|| text.to_owned())
);

/// The broker, and the topics to publish.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Host and port of some brokers, separated by commas. The other keys count only with it.
    #[serde(deserialize_with = "optional::<_, Brokers>")]
    pub bootstrap: Option<String>,
    api_key: String,
    api_secret: Secret,
    /// Certificates that verify the broker's.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub ca_file: Option<PathBuf>,
    /// The relay's name at the broker.
    #[serde(deserialize_with = "text::<_, Name>")]
    pub relay: String,
    /// Topics to publish. If empty, nothing is published.
    #[serde(deserialize_with = "list::<_, Topic>")]
    pub topics: Vec<String>,
}

impl Kafka {
    /// Returns the address of the broker, if any topic is published to it.
    pub fn broker(&self) -> Option<&str> {
        self.bootstrap
            .as_deref()
            .filter(|_| !self.topics.is_empty())
    }

    /// Returns the API key and its secret, if the broker requires a login.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        (!self.api_key.is_empty()).then_some((&*self.api_key, &self.api_secret))
    }

    pub(crate) fn validate(&self, checks: &mut Checks) {
        let (no_key, no_secret) = (self.api_key.is_empty(), self.api_secret.expose().is_empty());
        if self.bootstrap.is_none() || no_key == no_secret {
            return;
        }
        let (missing, given) = match no_key {
            true => ("kafka.api_key", "kafka.api_secret"),
            false => ("kafka.api_secret", "kafka.api_key"),
        };
        checks.wrong(missing, format!("must be set with {given}"));
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.trim().rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"/@".contains(&byte);
        !host.is_empty()
            && host.bytes().all(allowed)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Rule as _;

    fn problems(bootstrap: &str, api_key: &str, api_secret: &str) -> Vec<String> {
        let kafka = Kafka {
            bootstrap: Brokers::parse(bootstrap),
            api_key: api_key.into(),
            api_secret: Secret::new(api_secret),
            ca_file: None,
            relay: "GALLERIA_RELAY".into(),
            topics: Vec::new(),
        };
        let mut checks = Checks::default();
        kafka.validate(&mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn a_login_needs_key_and_secret() {
        assert!(problems("a:9092", "k", "s").is_empty());
        assert!(problems("a:9092", "", "").is_empty());
        assert!(problems("", "k", "").is_empty(), "no relay");
        assert_eq!(problems("a:1", "k", ""), ["kafka.api_secret"]);
        assert_eq!(problems("a:1", "", "s"), ["kafka.api_key"]);
    }

    #[test]
    fn nothing_is_published_to_a_broker_without_topics() {
        let kafka = |bootstrap: Option<&str>, topics: &[&str]| Kafka {
            bootstrap: bootstrap.map(str::to_owned),
            api_key: String::new(),
            api_secret: Secret::new(""),
            ca_file: None,
            relay: "GALLERIA_RELAY".into(),
            topics: topics.iter().copied().map(str::to_owned).collect(),
        };
        assert_eq!(kafka(Some("a:1"), &["sales"]).broker(), Some("a:1"));
        assert_eq!(kafka(Some("a:1"), &[]).broker(), None);
        assert_eq!(kafka(None, &["sales"]).broker(), None);
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        assert!(Brokers::parse("a:9092, b:9093").is_some());
        for bad in [
            "broker",
            ":9092",
            "a:0",
            "kafka://a:9092",
            "a:9092,",
            "u:p@a:1",
        ] {
            assert_eq!(Brokers::parse(bad), None, "{bad}");
        }
        assert_eq!(Name::parse("a b"), None);
        assert_eq!(Topic::parse("a topic"), None);
    }
}
