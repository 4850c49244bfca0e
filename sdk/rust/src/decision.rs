//! Building a decision: everything a plugin wants done.

use crate::{Attribute, Decision, Document, Fault, Outgoing, Publication, Receipt};
use serde::Serialize;

impl Decision {
    /// Nothing is to be done.
    ///
    /// ```
    /// use galleria_sdk::prelude::*;
    ///
    /// # fn decide() -> Result<Decision, Fault> {
    /// let decision = Decision::new()
    ///     .document("poslog", "0042-000017.xml", "application/xml", b"<POSLog/>".to_vec())
    ///     .publish("orders", Some("order-7"), &serde_json::json!({ "order_id": "order-7" }))?
    ///     .note("returns", "as return");
    /// assert_eq!(decision.documents[0].name, "0042-000017.xml");
    /// # Ok(decision)
    /// # }
    /// # decide().expect("a decision");
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A file to write: it appears whole under its name, once, and never over another file.
    pub fn document(
        mut self,
        directory: impl Into<String>,
        name: impl Into<String>,
        media_type: impl Into<String>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        self.documents.push(Document {
            directory: directory.into(),
            name: name.into(),
            media_type: media_type.into(),
            body: body.into(),
        });
        self
    }

    /// An event to publish. `data` becomes JSON; the host wraps it in the platform's envelope.
    /// Fails, as `failed`, only where `data` cannot be JSON at all (a map with keys that are no text).
    pub fn publish<'k>(
        self,
        topic: impl Into<String>,
        key: impl Into<Option<&'k str>>,
        data: &impl Serialize,
    ) -> Result<Self, Fault> {
        let data = serde_json::to_string(data).map_err(|e| Fault::failed(e.to_string()))?;
        Ok(self.publish_json(topic, key, data))
    }

    /// An event to publish whose `data` is JSON text already.
    pub fn publish_json<'k>(
        mut self,
        topic: impl Into<String>,
        key: impl Into<Option<&'k str>>,
        data: impl Into<String>,
    ) -> Self {
        self.publications.push(Publication {
            topic: topic.into(),
            key: key.into().map(str::to_owned),
            data: data.into(),
        });
        self
    }

    /// A request to send after the decision was committed, at least once.
    pub fn request(mut self, request: Outgoing) -> Self {
        self.requests.push(request);
        self
    }

    /// A receipt for the customer.
    pub fn receipt(mut self, receipt: Receipt) -> Self {
        self.receipts.push(receipt);
        self
    }

    /// A note for people, kept in the journal.
    pub fn note(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push(Attribute::new(name, value));
        self
    }
}

impl Attribute {
    /// A named value; names are lower-case with dashes.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl Outgoing {
    /// A request: the plugin's own name for it, a target that the grant names, a method, and a path
    /// below the target's base that begins with `/`.
    pub fn new(
        id: impl Into<String>,
        target: impl Into<String>,
        method: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            target: target.into(),
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// With a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Attribute::new(name, value));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}
