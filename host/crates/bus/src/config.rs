//! How to reach the Kafka broker.

use std::fmt;
use std::path::PathBuf;

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
