//! How events are consumed, retried and relayed.

use crate::core::BACKOFF;
use galleria_domain::Backoff;
use galleria_domain::event::topic;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The tries of an event of a topic that the policy does not name.
const TRIES: u32 = 5;

/// How events are consumed, retried and relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPolicy {
    /// The group of the payment topic.
    pub payment_group: String,
    /// The group of the common topic.
    pub common_group: String,
    /// The group of the host's own topics.
    pub events_group: String,
    /// The tries of an event by topic; 5 by default.
    pub tries: BTreeMap<String, u32>,
    /// The waits between tries.
    pub backoff: Backoff,
    /// How long an event waits for its cause before it becomes a dead letter.
    pub cause_within: Duration,
    /// The topics that are published to a broker.
    pub relay: RelayPolicy,
}

/// The topics that are relayed, and the name of the relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayPolicy {
    /// The name of the relay, which is the prefix of the names per topic. Installations that share
    /// a broker need different names.
    pub name: String,
    /// The topics. If empty, nothing is relayed.
    pub topics: BTreeSet<String>,
}

impl Default for EventPolicy {
    fn default() -> Self {
        Self {
            payment_group: "PAYMENT_GROUP".into(),
            common_group: "COMMON_GROUP".into(),
            events_group: "GALLERIA_GROUP".into(),
            tries: [
                (topic::POST_PAYMENT_SUCCESS.to_owned(), 3),
                (topic::COMMON.to_owned(), 5),
                (topic::POST_TRANSACTION_SUCCESS.to_owned(), 5),
            ]
            .into(),
            backoff: BACKOFF,
            cause_within: Duration::from_secs(24 * 3600),
            relay: RelayPolicy::default(),
        }
    }
}

/// A consumer group and its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The topics, each with the tries of an event.
    pub tries: Vec<(String, u32)>,
}

impl Group {
    /// The topics alone.
    pub fn topics(&self) -> Vec<String> {
        self.tries.iter().map(|(topic, _)| topic.clone()).collect()
    }
}

impl EventPolicy {
    /// The consumer groups of the host.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let group = |name: &str, topics: &[&str]| Group {
            name: name.to_owned(),
            tries: topics
                .iter()
                .map(|topic| (topic.to_string(), self.tries_of(topic)))
                .collect(),
        };
        vec![
            group(&self.payment_group, &[topic::POST_PAYMENT_SUCCESS]),
            group(
                &self.common_group,
                &[topic::COMMON, topic::POST_TRANSACTION_SUCCESS],
            ),
            group(
                &self.events_group,
                &[topic::POST_VOID_SUCCESS, topic::POST_SHIFT_END_SUCCESS],
            ),
        ]
    }

    /// The relay of each topic.
    pub(crate) fn relays(&self) -> Vec<Group> {
        let relay = |topic: &String| Group {
            name: format!("{}.{topic}", self.relay.name),
            tries: vec![(topic.clone(), 1)],
        };
        self.relay.topics.iter().map(relay).collect()
    }

    /// All readers of the log: consumer groups and relays.
    pub(crate) fn readers(&self) -> Vec<Group> {
        let mut all = self.groups();
        all.extend(self.relays());
        all
    }

    /// Whether a reader of this host reads the topic.
    pub(crate) fn is_read(&self, topic: &str) -> bool {
        self.relay.topics.contains(topic)
            || self
                .groups()
                .iter()
                .any(|group| group.tries.iter().any(|(one, _)| one == topic))
    }

    fn tries_of(&self, topic: &str) -> u32 {
        self.tries.get(topic).copied().unwrap_or(TRIES).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups, topics and tries of the platform, and the host's own group.
    #[test]
    fn groups_are_the_platforms() {
        let groups = EventPolicy::default().groups();
        let rows = groups.iter().flat_map(|group| {
            let topics = group.tries.iter();
            topics.map(|(topic, tries)| (group.name.as_str(), topic.as_str(), *tries))
        });
        let expected = [
            ("PAYMENT_GROUP", "mishi.streams.post-payment-success", 3),
            ("COMMON_GROUP", "mishi.streams.common", 5),
            ("COMMON_GROUP", "mishi.streams.post-transaction-success", 5),
            ("GALLERIA_GROUP", "galleria.streams.post-void-success", 5),
            (
                "GALLERIA_GROUP",
                "galleria.streams.post-shift-end-success",
                5,
            ),
        ];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_named_topics_are_relayed() {
        let mut policy = EventPolicy::default();
        policy.relay.name = "RELAY".into();
        assert_eq!(policy.relays(), []);
        assert_eq!(policy.readers(), policy.groups());
        policy.relay.topics = [topic::COMMON.to_owned()].into();
        let relays = policy.relays();
        assert_eq!(relays.len(), 1);
        assert_eq!(relays[0].name, "RELAY.mishi.streams.common");
        assert_eq!(relays[0].topics(), [topic::COMMON]);
        assert_eq!(policy.readers().len(), policy.groups().len() + 1);
    }
}
