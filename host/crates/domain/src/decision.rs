//! The decision of a plugin. Each field is documented in `wit/v0.2.0/types.wit`. In JSON, bytes are base64.

use crate::basket::Attribute;
use crate::json_text::JsonText;
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

/// An event to publish. A guest returns its data as text, and the check of the decision parses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication<Data = JsonText> {
    pub topic: String,
    pub key: Option<String>,
    pub data: Data,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision<Data = JsonText> {
    #[serde(default)]
    pub documents: Vec<Document>,
    #[serde(default = "Vec::new")]
    pub publications: Vec<Publication<Data>>,
    #[serde(default)]
    pub requests: Vec<Outgoing>,
    #[serde(default)]
    pub receipts: Vec<Receipt>,
    #[serde(default)]
    pub notes: Vec<Attribute>,
}

impl<Data> Default for Decision<Data> {
    fn default() -> Self {
        Self {
            documents: Vec::new(),
            publications: Vec::new(),
            requests: Vec::new(),
            receipts: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl<Data> Decision<Data> {
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
