//! The HTTP API of Galleria: routes, request and response bodies, problems, the OpenAPI document.
//!
//! Owns: how a request becomes a use case and how its result becomes a response; problem details;
//! request ids, limits and the drain. Never knows: SQL, events, plugins, or how a sale is totalled.
//!
//! Every write carries an `Idempotency-Key`; a `PUT` may omit it. The same request under the same key gets the first
//! response again, with `Idempotency-Replayed: true`. Another request under that key is rejected. A rejected request
//! does not use up its key. Every problem is `application/problem+json` (RFC 9457) with a `code` that stays
//! the same across releases; [`CODES`] lists them.
//!
//! Files import each other in one direction only: `problem` and `config`, then `state`, then the extractors
//! (`access`, `request`, `upload`), then `endpoint` and `routes`, then `openapi`, `edge` and `serve`.

#![forbid(unsafe_code)]

#[macro_use]
mod endpoint;
#[macro_use]
mod examples;
#[macro_use]
mod import_query;
mod access;
mod canonical;
mod config;
mod connections;
mod edge;
mod headers;
mod limits;
mod listen;
mod lists;
mod metrics;
mod openapi;
mod part;
mod path_item;
mod problem;
mod problem_examples;
mod problem_kinds;
mod problem_responses;
mod reason;
mod reply;
mod request;
mod routes;
mod serve;
mod state;
mod upload;
mod workers;

pub use access::table::AccessError;
pub use config::{AccessConfig, HttpConfig, Surface, UploadConfig};
pub use limits::RateConfig;
pub use listen::listen;
pub use metrics::{Metrics, RecordError, StatsdConfig};
pub use openapi::openapi;
pub use problem_kinds::{CODES, ProblemKind};
pub use routes::metrics::serve_metrics;
pub use serve::{check_anonymous, router, serve};
pub use workers::Workers;
