//! The decision of a plugin. Each field is documented in `wit/v0.2.0/types.wit`. In JSON, bytes are base64.

use crate::basket::Attribute;
use serde::{Deserialize, Serialize};

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub directory: String,
    pub name: String,
    pub media_type: String,
    #[serde(default, with = "galleria_json_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub body: Vec<u8>,
}

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Publication {
    pub topic: String,
    pub key: Option<String>,
    /// JSON text.
    pub data: String,
}

impl Publication {
    /// Parses the data. The check of a decision and its application both use this parser, so that what the
    /// check accepts can be applied.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_str(&self.data)
    }
}

/// An HTTP request with consequences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    pub id: String,
    pub target: String,
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: Vec<Attribute>,
    #[serde(default, with = "galleria_json_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub body: Vec<u8>,
}

/// The response of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Reply {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<Attribute>,
    #[serde(default, with = "galleria_json_bytes")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Byte))]
    pub body: Vec<u8>,
}

/// A receipt for the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub template: String,
    pub locale: String,
    pub document: Option<Document>,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// Everything a plugin decides; the host applies it in one transaction or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decision {
    #[serde(default)]
    pub documents: Vec<Document>,
    #[serde(default)]
    pub publications: Vec<Publication>,
    #[serde(default)]
    pub requests: Vec<Outgoing>,
    #[serde(default)]
    pub receipts: Vec<Receipt>,
    #[serde(default)]
    pub notes: Vec<Attribute>,
}

impl Decision {
    /// The number of rows that the decision becomes, in addition to its journal.
    pub fn rows(&self) -> usize {
        let Self {
            documents,
            publications,
            requests,
            receipts,
            // The journal contains them.
            notes: _,
        } = self;
        documents.len() + publications.len() + requests.len() + receipts.len()
    }
}
