//! Files that are sent: streamed to the disk, whatever their size, and read from there.
//!
//! Owns: their bound, their time, their digest. The file has no name: it goes with the request, and
//! after a crash there is nothing to clear up.

use crate::problem::{BAD_REQUEST, BODY_TOO_LARGE, Problem};
use crate::serve::Face;
use axum::extract::Request;
use futures_util::TryStreamExt as _;
use galleria_app::Error;
use galleria_domain::Digest;
use galleria_domain::digest::Running;
use std::fs::File;
use tokio::io::AsyncWriteExt as _;

/// Routes that take a file: they have [`UploadConfig::timeout`](crate::UploadConfig) to answer.
pub(crate) const ROUTES: &[&str] = &[crate::products::IMPORT, crate::statements::IMPORT];

/// A file as it was sent.
pub(crate) struct Uploaded {
    /// Its content; read from the beginning.
    pub file: File,
    /// Of its content.
    pub digest: Digest,
}

/// Takes the body to the disk.
pub(crate) async fn spool(request: Request, face: &Face) -> Result<Uploaded, Problem> {
    let most = face.config.uploads.max_bytes;
    let folder = face.config.uploads.folder.clone();
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

fn unspooled(error: std::io::Error) -> Problem {
    Error::Internal(format!("spooling a file: {error}")).into()
}
