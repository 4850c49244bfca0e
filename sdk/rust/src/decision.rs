//! Builds decisions.

use crate::{Attribute, Decision, Document, Fault, Outgoing, Publication, Receipt};
use serde::Serialize;

impl Decision {
    /// Returns a decision without effects.
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

    /// Adds a file. It appears under its name once, complete, and never replaces another file.
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

    /// Adds an event. `data` becomes JSON; the host wraps it in the platform's envelope. Fails with
    /// `failed` only if `data` has no JSON form (a map whose keys are not text).
    pub fn publish<'k>(
        self,
        topic: impl Into<String>,
        key: impl Into<Option<&'k str>>,
        data: &impl Serialize,
    ) -> Result<Self, Fault> {
        let data = serde_json::to_string(data).map_err(|e| Fault::failed(e.to_string()))?;
        Ok(self.publish_json(topic, key, data))
    }

    /// Adds an event whose `data` is JSON text.
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

    /// Adds a request. Planned: a host without an implementation refuses to grant a target.
    pub fn request(mut self, request: Outgoing) -> Self {
        self.requests.push(request);
        self
    }

    /// Adds a receipt for the customer. The host queues it and does not send it yet.
    pub fn receipt(mut self, receipt: Receipt) -> Self {
        self.receipts.push(receipt);
        self
    }

    /// Adds a note for people. The journal stores it.
    pub fn note(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push(Attribute::new(name, value));
        self
    }
}

impl Attribute {
    /// Returns a named value. Names are lower-case with dashes.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl Outgoing {
    /// Returns a request. `id` is the plugin's own name for it, `target` is named by the grant, and
    /// `path` is below the target's base and starts with `/`.
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

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Attribute::new(name, value));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}
