//! The topic writer of a host that was built without the feature `kafka`: it cannot be opened.

use crate::config::BrokerConfig;
use crate::error::BrokerError;
use galleria_app::events::Relayed;
use galleria_domain::{Event, Position};

/// Has no values: every attempt to open one fails.
pub enum TopicWriter {}

impl TopicWriter {
    /// Returns [`BrokerError::Unsupported`].
    pub fn open(
        _config: &BrokerConfig,
        _name: &str,
        _topic: &str,
    ) -> Result<(Self, Option<Relayed>), BrokerError> {
        Err(BrokerError::Unsupported)
    }

    /// Cannot be called, because there is no writer.
    pub fn write(&self, _events: &[Event]) -> Result<Option<Position>, BrokerError> {
        match *self {}
    }
}
