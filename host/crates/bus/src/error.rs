//! Errors of publishing to the broker.

/// Why a topic could not be written.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The topic does not exist, or this host may not use it.
    #[error("topic {topic}: {reason}; create it or exclude it with `kafka.topics`")]
    Topic {
        /// The name of the topic.
        topic: String,
        /// The broker's reason.
        reason: String,
    },
    /// The broker rejected a message.
    #[error(
        "the broker rejected event {event} of topic {topic}: {reason}; later events of the topic wait"
    )]
    Message {
        /// The event id.
        event: String,
        /// The name of the topic.
        topic: String,
        /// The broker's reason.
        reason: String,
    },
    /// This host was built without the feature `kafka`.
    #[cfg(not(feature = "kafka"))]
    #[error("this host was built without Kafka; build it with the feature `kafka`")]
    Unsupported,
    /// Any other failure.
    #[error("{doing}: {reason}")]
    Kafka {
        /// The failed operation.
        doing: &'static str,
        /// The client's error, with the last error of its connections.
        reason: String,
    },
}
