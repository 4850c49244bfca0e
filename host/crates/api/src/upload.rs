//! Uploaded files: streamed to disk and read from there.
//!
//! Owns: their maximum size and their digest. The temporary file has no name: it disappears with the request,
//! also after a crash.

use crate::problem::{FieldError, Problem};
use crate::problem_kinds::{
    BAD_REQUEST, BODY_TOO_LARGE, FILE_REFUSED, MEDIA_TYPE, NOT_FOUND, ProblemKind,
};
use crate::state::ApiState;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use futures_util::TryStreamExt as _;
use galleria_app::IdempotencyKey;
use galleria_app::tabular::{Format, NotImported, Problems};
use galleria_domain::Digest;
use galleria_domain::digest::Hasher;
use galleria_ports::Error;
use std::fs::File;
use tokio::io::AsyncWriteExt as _;

/// An uploaded file, positioned at its start, and the idempotency key of its request. The key covers the
/// request target and the content.
pub(crate) async fn receive(
    key: String,
    request: Request,
    state: &ApiState,
) -> Result<(File, IdempotencyKey), Problem> {
    let target = request.uri().path_and_query();
    let target = target.map(ToString::to_string).unwrap_or_default();
    let (file, digest) = spool(request, state).await?;
    let hashed = format!("POST\n{target}\n{digest}");
    let key = IdempotencyKey {
        key,
        request: Digest::of(hashed.as_bytes()),
        as_sent: None,
    };
    Ok((file, key))
}

/// Writes the body to a temporary file.
async fn spool(request: Request, state: &ApiState) -> Result<(File, Digest), Problem> {
    let max_bytes = state.config.uploads.max_bytes;
    let folder = state.config.uploads.folder.clone();
    let file = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    });
    let file = file
        .await
        .map_err(|error| Error::Internal(format!("spooling an upload: {error}")))?;
    let mut file = tokio::fs::File::from_std(file.map_err(spool_failed)?);
    let (mut digest, mut length) = (Hasher::default(), 0_u64);
    let mut body = request.into_body().into_data_stream();
    loop {
        let chunk = body.try_next().await.map_err(|_| {
            let detail = "The connection closed before the body was complete.";
            Problem::new(BAD_REQUEST, detail)
        })?;
        let Some(chunk) = chunk else { break };
        length += chunk.len() as u64;
        if length > max_bytes {
            let detail = format!("The file must have at most {max_bytes} bytes.");
            return Err(Problem::new(BODY_TOO_LARGE, detail));
        }
        digest.update(&chunk);
        file.write_all(&chunk).await.map_err(spool_failed)?;
    }
    file.flush().await.map_err(spool_failed)?;
    Ok((file.into_std().await, digest.finish()))
}

/// The media type of the body in lower case, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?.trim();
    Some(media_type.to_ascii_lowercase())
}

/// The format of a file with rows.
pub(crate) fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    match media_type(headers).as_deref() {
        Some("text/csv") => Ok(Format::Csv),
        Some("application/x-ndjson" | "application/jsonl") => Ok(Format::JsonLines),
        _ => Err(Problem::new(
            MEDIA_TYPE,
            "Send `Content-Type: text/csv` or `application/x-ndjson`.",
        )),
    }
}

impl From<NotImported> for Problem {
    fn from(why: NotImported) -> Self {
        let problem = |kind: ProblemKind, problems: Problems, [one, many]: [&str; 2]| {
            let what = if problems.total == 1 { one } else { many };
            let detail = format!("{} {what}: nothing was imported.", problems.total);
            let errors = problems.listed.into_iter().map(FieldError::from).collect();
            Self {
                errors,
                ..Self::new(kind, detail)
            }
        };
        match why {
            NotImported::Refused(problems) => {
                problem(FILE_REFUSED, problems, ["invalid cell", "invalid cells"])
            }
            NotImported::Beyond(problems) => {
                let units = ["row is out of reach", "rows are out of reach"];
                problem(NOT_FOUND, problems, units)
            }
            NotImported::Other(error) => error.into(),
            other @ (NotImported::Stopped | NotImported::Unread(_)) => {
                Error::Internal(other.to_string()).into()
            }
        }
    }
}

fn spool_failed(error: std::io::Error) -> Problem {
    Error::Internal(format!("spooling an upload: {error}")).into()
}
