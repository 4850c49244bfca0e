//! Documents that plugins wrote: listed and downloaded.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{DocumentListQuery, one_of};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems};
use crate::reply::ApiResult;
use crate::request::{Id, QueryParams};
use crate::state::ApiState;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use galleria_app::documents::{Content, ContentSource, DocumentPage, DocumentQuery, DocumentView};
use galleria_ports::records::DocumentState;
use std::fs::File;
use std::io::{self, Read as _};

/// Bytes per read of a file.
const CHUNK: usize = 1 << 16;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            document_list,
            Access::back_office(Resource::Body)
        ))
        .with(endpoint!(
            document_get,
            Access::back_office(Resource::Document)
        ))
        .with(endpoint!(
            document_content,
            Access::back_office(Resource::Document)
        ))
}

/// List documents, newest first
///
/// Sorted by the time of the decision that wrote them.
#[utoipa::path(
    get, path = "/v1/documents", tag = "documents", params(DocumentListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = DocumentPage,
            example = json!(example!("document_page"))),
    ),
)]
async fn document_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<DocumentListQuery>,
) -> ApiResult<Json<DocumentPage>> {
    let document_state = query.state.as_deref();
    let filter = DocumentQuery {
        state: one_of(
            "state",
            document_state,
            DocumentState::ALL,
            DocumentState::name,
        )?,
        list: query.list_query(&state.app, &auth).await?,
        event: query.event,
        directory: query.directory,
        name: query.name,
    };
    Ok(Json(state.app.documents.list(auth.caller(), filter).await?))
}

/// Get a document without its content
#[utoipa::path(
    get, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.", example = "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")),
    responses(
        ReadProblems,
        (status = 200, description = "The document.", body = DocumentView,
            example = json!(example!("document"))),
    ),
)]
async fn document_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<DocumentView>> {
    Ok(Json(state.app.documents.document(&id).await?))
}

/// Download a document
///
/// The exact bytes that the plugin wrote, in the media type that it named. If the recipient removed or
/// overwrote the delivered file, the content is no longer available.
#[utoipa::path(
    get, path = "/v1/documents/{id}/content", tag = "documents",
    params(("id" = String, Path, description = "The document's id.", example = "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")),
    responses(
        ReadProblems,
        (status = 200, description = "The content.",
            headers(
                ("Content-Disposition" = String, description = "`attachment` with the file name."),
                ("ETag" = String, description = "The SHA-256 digest of the content."),
            ),
            body = String, content_type = "*/*", example = json!("<xml/>")),
        (status = 410, description = "`document_gone`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn document_content(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Response> {
    let content = state.app.documents.content(&id).await?;
    let headers = content_headers(&content);
    let body = match content.source {
        ContentSource::Here(bytes) => Body::from(bytes),
        ContentSource::File(file) => stream_file(file, content.size),
    };
    Ok((headers, body).into_response())
}

fn content_headers(content: &Content) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // The plugin chose it: an invalid media type becomes `application/octet-stream`.
    let media_type = HeaderValue::from_str(&content.media_type)
        .ok()
        .filter(|_| is_media_type(&content.media_type))
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, content.size.into());
    if let Ok(value) = HeaderValue::from_str(&disposition(&content.name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", content.digest)) {
        headers.insert(header::ETAG, value);
    }
    headers
}

/// Whether a text is `type/subtype` with optional parameters, and safe in a header.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !part.is_empty() && part.bytes().all(allowed)
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = essence.split_once('/').unwrap_or_default();
    token(kind) && token(subtype)
}

/// RFC 6266: a name with safe characters for old clients, and the full name beside it. Always an attachment: a
/// browser must never show a plugin's document as a page of this host.
fn disposition(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let ascii: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    if ascii == name {
        return format!("attachment; filename=\"{ascii}\"");
    }
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// Streams a file in chunks, at most `size` bytes.
fn stream_file(file: File, size: u64) -> Body {
    Body::from_stream(stream::try_unfold(
        (file, size),
        |(mut file, left)| async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let want = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
            let read = tokio::task::spawn_blocking(move || {
                let mut chunk = vec![0; want];
                let read = file.read(&mut chunk)?;
                chunk.truncate(read);
                Ok::<_, io::Error>((file, chunk))
            });
            let (file, chunk) = read.await.map_err(io::Error::other)??;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let left = left - chunk.len() as u64;
            Ok(Some((Bytes::from(chunk), (file, left))))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_in_headers() {
        assert_eq!(
            disposition("a-1_b.xml"),
            "attachment; filename=\"a-1_b.xml\""
        );
        let hostile = disposition("../\"; x=\"\r\nø.csv");
        assert_eq!(
            hostile,
            "attachment; filename=\"..___ x_____.csv\"; \
             filename*=UTF-8''..%2F%22%3B%20x%3D%22%0D%0A%C3%B8.csv"
        );
        assert!(HeaderValue::from_str(&hostile).is_ok());
    }

    #[test]
    fn media_types_are_validated() {
        for valid in [
            "text/csv",
            "text/csv; charset=utf-8",
            "application/vnd.a+xml",
        ] {
            assert!(is_media_type(valid), "{valid}");
        }
        for invalid in ["", "csv", "text/", "/csv", "text/csv x", "te\nxt/csv"] {
            assert!(!is_media_type(invalid), "{invalid}");
        }
    }
}
