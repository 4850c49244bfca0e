//! Events, topics and headers of the log.

use crate::json_text::JsonText;
use crate::trace::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Topics of the platform, by name.
pub mod topic {
    /// An order was paid.
    pub const POST_PAYMENT_SUCCESS: &str = "mishi.streams.post-payment-success";
    /// Several kinds of events, distinguished by `consumer_identifier_key`.
    pub const COMMON: &str = "mishi.streams.common";
    /// A tax authority or its agent returned a fiscal mark.
    pub const POST_TRANSACTION_SUCCESS: &str = "mishi.streams.post-transaction-success";
    /// An order was voided. It has its own topic, because consumers of the former platform would fail on a
    /// new identifier on the common topic.
    pub const POST_VOID_SUCCESS: &str = "galleria.streams.post-void-success";
    /// A shift was closed. It has its own topic for the same reason.
    pub const POST_SHIFT_END_SUCCESS: &str = "galleria.streams.post-shift-end-success";

    /// The topics that the host itself consumes. A plugin must not publish to them: it could trigger itself
    /// for ever.
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
    /// A refund was made.
    pub const POST_REFUND_SUCCESS: &str = "POST_REFUND_SUCCESS";
    /// A sale or a refund received its fiscal mark.
    pub const POST_TRANSACTION_SUCCESS: &str = "POST_TRANSACTION_SUCCESS";
    /// Staff verified a basket.
    pub const POST_DASHBOARD_VERIFICATION_SUCCESS: &str = "POST_DASHBOARD_VERIFICATION_SUCCESS";
}

/// An event to append to the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique over the platform: `payment:<id>`, `refund:<id>`, `verification:<order>:<server timestamp>`,
    /// `mark:<order>:<mark>`, or `<cause>/<subscriber>/<n>` for a plugin's publication.
    pub id: String,
    /// The topic it is published to.
    pub topic: String,
    /// The message key; messages with the same key keep their order.
    pub key: Option<String>,
    /// The store it belongs to, by the host's id; used for fairness and in lists.
    pub store: Option<String>,
    /// The payload, without the envelope.
    pub data: JsonText,
}

/// An event's position in the log.
pub type Position = i64;

/// An event as it is read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its position in the log.
    pub position: Position,
    /// Unique over the platform.
    pub id: String,
    /// The topic it was published to.
    pub topic: String,
    /// The message key.
    pub key: Option<String>,
    /// The store it belongs to.
    pub store: Option<String>,
    /// The payload.
    pub data: Value,
    /// Milliseconds since 1970, taken when the outbox row was written.
    pub server_timestamp: i64,
    /// The request that caused it; in the headers of a message, never in its body.
    pub origin: Origin,
}

/// Headers of a message.
pub mod header {
    /// The event's id, by which consumers recognise a repeated message.
    pub const EVENT_ID: &str = "galleria-event-id";
    /// The trace of the request that caused it, in the format of W3C Trace Context.
    pub const TRACE: &str = "traceparent";
    /// The id of the request that caused it; same name as the HTTP header.
    pub const REQUEST_ID: &str = "x-request-id";
}

/// The platform's envelope: the body of a message.
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
