//! Tax over gRPC and HTTP: server, client and router.

#![forbid(unsafe_code)]

mod convert;
pub mod proto;
