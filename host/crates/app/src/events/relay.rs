//! What goes from the log to a broker: which topics, and from where on.
//!
//! Owns: that a topic is relayed by itself, so that one the broker does not take holds up nothing but
//! itself, and that nothing of the log is left out: neither when the broker knows further than the
//! database, nor when a database was restored to an earlier state. Never knows what the broker is.

use super::{EventPolicy, Group};
use crate::events::Events;
use galleria_domain::event::topic;
use galleria_domain::{Event, Position};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::Plugins;
use galleria_ports::records::Tx;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is relayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayPolicy {
    /// The relay's name; each topic's has the topic behind it. Installations that share a broker need
    /// different ones.
    pub name: String,
    /// These topics alone; all where none is named.
    pub topics: BTreeSet<String>,
}

/// The last event of a topic that a broker has, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Its place in the log.
    pub position: Position,
    /// Its id, and when it was written: a log that was restored has another event there, or the same one
    /// told again later, with others before it.
    pub event: String,
    /// Milliseconds since 1970.
    pub server_timestamp: i64,
}

impl Events {
    /// One reader of the log for each topic that is relayed; none where there is no broker.
    pub async fn relays(&self) -> Result<Vec<Group>, Error> {
        let (policy, plugins) = (Arc::clone(&self.policy), Arc::clone(&self.core.plugins));
        self.core
            .records
            .read(in_tx!(
                |tx, policy, plugins| relays(tx, &policy, &*plugins).await
            ))
            .await
    }

    /// Behind which position a relay goes on. The database notes it after the broker has committed, so a
    /// crash in between leaves the broker ahead.
    pub async fn relay_position(
        &self,
        relay: &Group,
        relayed: Option<Relayed>,
    ) -> Result<Position, Error> {
        let relay = relay.clone();
        self.core.records
            .read(in_tx!(|tx, relay, relayed| {
                    let noted = tx.position_get(&relay.name).await?;
                    let Some(relayed) = relayed.filter(|one| one.position > noted) else {
                        return Ok(noted);
                    };
                    let there = tx
                        .event_list(&relay.topics(), relayed.position - 1, 1)
                        .await?;
                    let is = |event: &Event| {
                        event.position == relayed.position
                            && event.id == relayed.event
                            && event.server_timestamp == relayed.server_timestamp
                    };
                    if there.first().is_some_and(is) {
                        return Ok(relayed.position);
                    }
                    tracing::warn!(
                        relay = relay.name,
                        event = relayed.event,
                        "the broker has an event that this log has not: the database is an earlier state of \
                         itself, and relaying goes on where that one stood"
                    );
                    Ok(noted)
                }))
            .await
    }
}

/// Everybody who reads the log: the groups that handle events, and the relays.
pub(crate) async fn readers(
    tx: &mut dyn Tx,
    policy: &EventPolicy,
    plugins: &dyn Plugins,
) -> Result<Vec<Group>, Error> {
    let mut all = policy.groups();
    all.extend(relays(tx, policy, plugins).await?);
    Ok(all)
}

/// The topics that are named; or those of the host and those that plugins are granted, and those of what was
/// published under grants that are gone.
async fn relays(
    tx: &mut dyn Tx,
    policy: &EventPolicy,
    plugins: &dyn Plugins,
) -> Result<Vec<Group>, Error> {
    let Some(relay) = &policy.relay else {
        return Ok(Vec::new());
    };
    let mut topics = relay.topics.clone();
    if topics.is_empty() {
        topics.extend(tx.event_topic_list().await?);
        topics.extend(topic::CONSUMED.map(str::to_owned));
        for plugin in plugins.all() {
            topics.extend(plugin.slot.grants.topics.iter().cloned());
        }
    }
    let group = |topic: String| Group {
        name: format!("{}.{topic}", relay.name),
        tries: vec![(topic, 1)],
    };
    Ok(topics.into_iter().map(group).collect())
}
