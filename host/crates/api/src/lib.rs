//! Galleria's HTTP face: routes, bodies, problems, the OpenAPI document.
//!
//! Owns: how a request becomes a use case and its answer a response; what a caller is told when it
//! fails; request ids, bounds and drain. Never knows: SQL, events, plugins, or what a sale comes to.
//!
//! Every write carries an `Idempotency-Key`: the same request again is answered as before, with
//! `Idempotency-Replayed: true`; another request under the same key is refused. A request that was
//! refused keeps no key. Every problem is `application/problem+json` (RFC 9457) with a `code` that
//! stays the same over releases; [`CODES`] lists them.

#![forbid(unsafe_code)]

mod access;
mod connections;
mod dead_letters;
mod docs;
mod documents;
mod edge;
mod events;
mod fiscal;
mod headers;
mod health;
mod limits;
mod lists;
mod members;
mod metrics;
mod movements;
mod openapi;
mod operations;
mod orders;
mod outgoing;
mod parked;
mod payments;
mod plugins;
mod problem;
mod problem_examples;
mod products;
mod refunds;
mod request;
mod response;
mod runs;
mod serve;
mod shifts;
mod statements;
mod status;
mod stores;
mod timeline;
mod upload;
mod verifications;
mod voids;
mod workers;

pub use access::{AccessConfig, AccessError, check_anonymous};
pub use limits::RateConfig;
pub use metrics::{Metrics, RecordError, StatsdConfig, serve_metrics};
pub use openapi::openapi;
pub use problem::{CODES, Kind};
pub use serve::{HttpConfig, UploadConfig, router, serve};
pub use workers::Workers;
