//! The messages, the server and the client that are generated from `proto/tax.proto`.
#![expect(clippy::allow_attributes_without_reason, reason = "generated code")]

tonic::include_proto!("galleria.tax.v1");

/// The compiled file, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tax.pb"));
