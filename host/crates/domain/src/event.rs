//! What travels through the log.

use crate::trace::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Topics of the platform, by name.
pub mod topic {
    /// An order was paid.
    pub const POST_PAYMENT_SUCCESS: &str = "mishi.streams.post-payment-success";
    /// Several events, told apart by `consumer_identifier_key`.
    pub const COMMON: &str = "mishi.streams.common";
    /// A tax authority, or who speaks for it, answered with a mark.
    pub const POST_TRANSACTION_SUCCESS: &str = "mishi.streams.post-transaction-success";
    /// An order came to nothing. Ours alone: the old platform's consumers would stumble over a
    /// new key on the common topic.
    pub const POST_VOID_SUCCESS: &str = "galleria.streams.post-void-success";
    /// A drawer was closed. Ours alone, for the same reason.
    pub const POST_SHIFT_END_SUCCESS: &str = "galleria.streams.post-shift-end-success";

    /// What the host itself consumes. A plugin that published here could feed itself for ever.
    pub const CONSUMED: [&str; 5] = [
        POST_PAYMENT_SUCCESS,
        COMMON,
        POST_TRANSACTION_SUCCESS,
        POST_VOID_SUCCESS,
        POST_SHIFT_END_SUCCESS,
    ];
}

/// Values of `consumer_identifier_key` on the common topic.
pub mod identifier {
    /// Money was given back.
    pub const POST_REFUND_SUCCESS: &str = "POST_REFUND_SUCCESS";
    /// A sale or a refund has its fiscal mark.
    pub const POST_TRANSACTION_SUCCESS: &str = "POST_TRANSACTION_SUCCESS";
    /// Staff looked into a basket.
    pub const POST_DASHBOARD_VERIFICATION_SUCCESS: &str = "POST_DASHBOARD_VERIFICATION_SUCCESS";
}

/// An event to be put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique over the platform: `payment:<id>`, `refund:<id>`, `verification:<order>:<server timestamp>`, `mark:<order>:<mark>`, or `<cause>/<subscriber>/<n>` for a plugin's publication.
    pub id: String,
    /// Where it goes.
    pub topic: String,
    /// The message key: what keeps order in the log.
    pub key: Option<String>,
    /// The store it belongs to, as the host's id; for fairness and for people.
    pub store: Option<String>,
    /// The payload, without the envelope.
    pub data: Value,
}

/// An event's place in the log.
pub type Position = i64;

/// An event as it is read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// Unique over the platform.
    pub id: String,
    /// Where it was published.
    pub topic: String,
    /// The message key.
    pub key: Option<String>,
    /// The store it belongs to.
    pub store: Option<String>,
    /// The payload.
    pub data: Value,
    /// Milliseconds since 1970, taken when the outbox row was written.
    pub server_timestamp: i64,
    /// What caused it: in a message's headers, never in its body.
    pub origin: Origin,
}

/// Headers of a message.
pub mod header {
    /// The event's id: who reads a message again knows it by this.
    pub const EVENT_ID: &str = "galleria-event-id";
    /// The trace of what caused it, W3C Trace Context.
    pub const TRACE: &str = "traceparent";
    /// The id of the request that caused it, as HTTP names it.
    pub const REQUEST_ID: &str = "x-request-id";
}

/// The platform's envelope: what stands in a message's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The payload.
    pub data: Value,
    /// Milliseconds since 1970.
    pub server_timestamp: i64,
}

impl Event {
    /// The body of the message.
    pub fn envelope(&self) -> Envelope {
        Envelope {
            data: self.data.clone(),
            server_timestamp: self.server_timestamp,
        }
    }

    /// A text field of the payload.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field)?.as_str()
    }
}
