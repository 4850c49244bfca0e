//! Errors of publishing to the broker.

/// Why a topic could not be written.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The topic does not exist, or this host may not use it.
    #[error("the topic {topic}: {why}; make it, or leave it out by `kafka.topics`")]
    Topic {
        /// The name of the topic.
        topic: String,
        /// The broker's reason.
        why: String,
    },
    /// The broker rejected a message.
    #[error("{event} was not taken: {why}; what comes after it on the topic waits for it")]
    Message {
        /// The event id.
        event: String,
        /// The broker's reason.
        why: String,
    },
    /// This host was built without the feature `kafka`.
    #[cfg(not(feature = "kafka"))]
    #[error("this host was built without Kafka; build it with the feature `kafka`")]
    Unsupported,
    /// Any other failure.
    #[error("{doing}: {why}")]
    Kafka {
        /// The failed operation.
        doing: &'static str,
        /// The client's error, with the last error of its connections.
        why: String,
    },
}
