//! The settings of consumers and of the connection to the Kafka broker.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Connection settings of the broker.
#[derive(Clone)]
pub struct BrokerConfig {
    /// Host and port of one or more brokers, from which the client learns the others.
    pub bootstrap: String,
    /// Credentials, if the broker requires them. Implies TLS.
    pub login: Option<Login>,
    /// PEM file of the certificate authorities to trust instead of the system's. Implies TLS.
    pub ca_file: Option<PathBuf>,
}

/// Credentials for SASL PLAIN, such as an API key and its secret.
#[derive(Clone)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerConfig")
            .field("bootstrap", &self.bootstrap)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// Limits and intervals of a consumer.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Calls in flight, of all stores.
    pub workers: usize,
    /// Calls in flight of one store; fewer than `workers`.
    pub per_store: usize,
    /// Events of one store that wait in memory. Further ones are set aside, which keeps the window open for
    /// other stores.
    pub store_backlog: usize,
    /// Events of all stores that wait in memory. While the window is full, it admits only stores that have
    /// no event in it.
    pub window: usize,
    /// How often parked events and the log are checked without a notification.
    pub poll: Duration,
}

impl ConsumerConfig {
    /// The defaults for `workers` calls in flight.
    pub fn new(workers: usize, per_store: usize) -> Self {
        Self {
            workers: workers.max(1),
            per_store,
            store_backlog: 5_000,
            window: 20_000,
            poll: Duration::from_millis(250),
        }
    }
}
