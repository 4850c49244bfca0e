//! The results of handlers.

use crate::problem::Problem;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use galleria_app::Reply;

/// The result of a handler.
pub(crate) type ApiResult<T> = Result<T, Problem>;

/// The response to a write, and to its repetitions.
pub(crate) struct WriteReply(pub Reply);

impl IntoResponse for WriteReply {
    fn into_response(self) -> Response {
        let Reply {
            status,
            body,
            repeated,
        } = self.0;
        // Only valid statuses are stored.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let json = [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )];
        let mut response = (status, json, body).into_response();
        if repeated {
            response.headers_mut().insert(
                HeaderName::from_static("idempotency-replayed"),
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}
