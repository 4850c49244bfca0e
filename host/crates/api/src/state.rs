//! The state that every handler and middleware shares.

use crate::access::table::AccessTable;
use crate::config::HttpConfig;
use crate::limits::RateLimiter;
use axum::body::Bytes;
use galleria_app::App;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub app: App,
    pub config: Arc<HttpConfig>,
    /// Cancelled when the drain begins.
    pub draining: CancellationToken,
    /// The OpenAPI document as JSON.
    pub openapi: Bytes,
    /// `None` if clients are not limited.
    pub rates: Option<Arc<RateLimiter>>,
    pub access: Arc<AccessTable>,
}
