//! Documents: listed, looked at, downloaded.

use crate::access::Authenticated;
use crate::lists::{DocumentListQuery, word};
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, QueryParams};
use crate::response::{ApiResult, ListProblems, ReadProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use galleria_app::lookup::{Content, DocumentAsk, DocumentPage, DocumentView, Held};
use galleria_app::records::DocumentState;
use std::fs::File;
use std::io::{self, Read as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A file is read so much at a time.
const CHUNK: usize = 1 << 16;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(document_list))
        .routes(routes!(document_get))
        .routes(routes!(document_content))
}

/// Documents, the newest first
///
/// Sorted by the moment they were decided.
#[utoipa::path(
    get, path = "/v1/documents", tag = "documents", params(DocumentListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = DocumentPage,
            example = examples::document_page),
    ),
)]
async fn document_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<DocumentListQuery>,
) -> ApiResult<Json<DocumentPage>> {
    let document_state = query.state.as_deref();
    let ask = DocumentAsk {
        state: word(
            "state",
            document_state,
            DocumentState::ALL,
            DocumentState::name,
        )?,
        list: query.list_ask()?,
        event: query.event,
        directory: query.directory,
        name: query.name,
    };
    Ok(Json(state.app.documents(auth.caller(), ask).await?))
}

/// A document, without its content
#[utoipa::path(
    get, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id.", example = "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")),
    responses(
        ReadProblems,
        (status = 200, description = "The document.", body = DocumentView,
            example = examples::document),
    ),
)]
async fn document_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<DocumentView>> {
    Ok(Json(state.app.document(&id).await?))
}

/// Download a document
///
/// Byte for byte what was decided, in the media type that its plugin named. Whoever it was delivered to
/// may have taken the file away or written over it: then there is nothing to download any more.
#[utoipa::path(
    get, path = "/v1/documents/{id}/content", tag = "documents",
    params(("id" = String, Path, description = "The document's id.", example = "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")),
    responses(
        ReadProblems,
        (status = 200, description = "The content.",
            headers(
                ("Content-Disposition" = String, description = "An attachment, with the file's name."),
                ("ETag" = String, description = "SHA-256 of the content."),
            ),
            body = String, content_type = "*/*", example = json!("<xml/>")),
        (status = 410, description = "`document_gone`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn document_content(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Response> {
    let content = state.app.document_content(&id).await?;
    let headers = headers_of(&content);
    let body = match content.held {
        Held::Here(bytes) => Body::from(bytes),
        Held::File(file) => streamed(file, content.size),
    };
    Ok((headers, body).into_response())
}

fn headers_of(content: &Content) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A plugin's word: what is no header value is bytes like any other.
    let kind = HeaderValue::from_str(&content.media_type)
        .ok()
        .filter(|_| is_media_type(&content.media_type))
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, content.size.into());
    if let Ok(value) = HeaderValue::from_str(&disposition(&content.name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", content.digest)) {
        headers.insert(header::ETAG, value);
    }
    headers
}

/// `type/subtype`, perhaps with parameters; nothing that could end a header or begin another.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !part.is_empty() && part.bytes().all(good)
    };
    let whole = text.split(';').next().unwrap_or_default().trim();
    let (kind, sub) = whole.split_once('/').unwrap_or_default();
    token(kind) && token(sub)
}

/// RFC 6266: the name for old clients with nothing but plain characters, and the whole one beside it.
/// Always an attachment: what a plugin wrote is never shown as a page of this host.
fn disposition(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let simple: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    if simple == name {
        return format!("attachment; filename=\"{simple}\"");
    }
    let mut whole = String::new();
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            true => whole.push(char::from(byte)),
            false => whole.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{simple}\"; filename*=UTF-8''{whole}")
}

/// The file, a chunk at a time, and no more than was promised.
fn streamed(file: File, size: u64) -> Body {
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
    fn a_name_ends_no_header_and_leads_nowhere() {
        assert_eq!(
            disposition("a-1_b.xml"),
            "attachment; filename=\"a-1_b.xml\""
        );
        let bad = disposition("../\"; x=\"\r\nø.csv");
        assert_eq!(
            bad,
            "attachment; filename=\"..___ x_____.csv\"; \
             filename*=UTF-8''..%2F%22%3B%20x%3D%22%0D%0A%C3%B8.csv"
        );
        assert!(HeaderValue::from_str(&bad).is_ok());
    }

    #[test]
    fn what_is_no_media_type_is_bytes() {
        for good in [
            "text/csv",
            "text/csv; charset=utf-8",
            "application/vnd.a+xml",
        ] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "csv", "text/", "/csv", "text/csv x", "te\nxt/csv"] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
