//! Files that are sent: streamed to the disk, whatever their size, and read from there.
//!
//! Owns: their bound, their time, their digest. The file has no name: it goes with the request, and
//! after a crash there is nothing to clear up.

use crate::problem::{
    BAD_REQUEST, BODY_TOO_LARGE, FILE_REFUSED, FieldError, Kind, NOT_FOUND, Problem,
};
use crate::serve::ApiState;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use futures_util::TryStreamExt as _;
use galleria_app::sheet::{NotImported, Problems};
use galleria_app::{Error, Key};
use galleria_domain::Digest;
use galleria_domain::digest::Running;
use std::fs::File;
use tokio::io::AsyncWriteExt as _;

/// Routes that take a file: they have [`UploadConfig::timeout`](crate::UploadConfig) to answer.
pub(crate) const ROUTES: &[&str] = &[
    crate::products::IMPORT,
    crate::statements::IMPORT,
    crate::stores::IMPORT,
];

/// A file as it was sent.
pub(crate) struct Uploaded {
    /// Its content; read from the beginning.
    pub file: File,
    /// Of its content.
    pub digest: Digest,
}

/// Takes the body to the disk.
pub(crate) async fn spool(request: Request, state: &ApiState) -> Result<Uploaded, Problem> {
    let most = state.config.uploads.max_bytes;
    let folder = state.config.uploads.folder.clone();
    let file = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    });
    let file = file
        .await
        .map_err(|error| Error::Internal(format!("spooling a file: {error}")))?;
    let mut file = tokio::fs::File::from_std(file.map_err(unspooled)?);
    let (mut digest, mut length) = (Running::default(), 0_u64);
    let mut body = request.into_body().into_data_stream();
    loop {
        let chunk = body
            .try_next()
            .await
            .map_err(|_| Problem::new(BAD_REQUEST, "The body ended before it was whole."))?;
        let Some(chunk) = chunk else { break };
        length += chunk.len() as u64;
        if length > most {
            let detail = format!("A file has at most {most} bytes.");
            return Err(Problem::new(BODY_TOO_LARGE, detail));
        }
        digest.update(&chunk);
        file.write_all(&chunk).await.map_err(unspooled)?;
    }
    file.flush().await.map_err(unspooled)?;
    Ok(Uploaded {
        file: file.into_std().await,
        digest: digest.finish(),
    })
}

/// The same for a write: its key stands for what was asked and for the file.
pub(crate) async fn spool_under(
    key: String,
    request: Request,
    state: &ApiState,
) -> Result<(File, Key), Problem> {
    let target = request.uri().path_and_query();
    let target = target.map(ToString::to_string).unwrap_or_default();
    let uploaded = spool(request, state).await?;
    let told = format!("POST\n{target}\n{}", uploaded.digest);
    let key = Key {
        key,
        request: Digest::of(told.as_bytes()),
    };
    Ok((uploaded.file, key))
}

/// What a body is said to be, in small letters and without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = given.split(';').next()?.trim();
    Some(kind.to_ascii_lowercase())
}

impl From<NotImported> for Problem {
    fn from(why: NotImported) -> Self {
        let told = |kind: Kind, problems: Problems, [one, many]: [&str; 2]| {
            let what = if problems.total == 1 { one } else { many };
            let detail = format!("{} {what}: nothing was imported.", problems.total);
            let errors = problems.told.into_iter().map(FieldError::from).collect();
            Self {
                errors,
                ..Self::new(kind, detail)
            }
        };
        match why {
            NotImported::Refused(problems) => {
                told(FILE_REFUSED, problems, ["cell is wrong", "cells are wrong"])
            }
            NotImported::Beyond(problems) => {
                let words = ["row is out of reach", "rows are out of reach"];
                told(NOT_FOUND, problems, words)
            }
            NotImported::Other(error) => error.into(),
            other @ (NotImported::Stopped | NotImported::Unread(_)) => {
                Error::Internal(other.to_string()).into()
            }
        }
    }
}

fn unspooled(error: std::io::Error) -> Problem {
    Error::Internal(format!("spooling a file: {error}")).into()
}
